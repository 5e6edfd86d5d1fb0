"""TOML to entries: every fault with its line, none hidden behind another.

Only run when a rulebook is new: its result is compiled (see the package).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any, NamedTuple, get_type_hints
from zoneinfo import ZoneInfo

from sdtool.rulebook import LISTS, TABLES, Matrix, staffing
from sdtool.rulebook.staffing import Item

ALL_LISTS = {**LISTS, **staffing.LISTS}
ALL_TABLES = {**TABLES, **staffing.TABLES}
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
REQUIRED = (
    "calendars",
    "target_groups",
    "urgencies",
    "channels",
    "priorities",
    "matrices",
    "targets",
    "categories",
    "groups",
    "routes",
)
_UNITS = {
    "s": ("sec", "seconde", "seconden", "second", "seconds", "secs"),
    "min": ("m", "minuut", "minuten", "minute", "minutes", "mins"),
    "h": (
        "u",
        "uur",
        "uren",
        "hour",
        "hours",
        "kantooruur",
        "kantooruren",
        "business hour",
        "business hours",
    ),
    "d": (
        "wd",
        "dag",
        "dagen",
        "day",
        "days",
        "werkdag",
        "werkdagen",
        "working day",
        "working days",
        "business day",
        "business days",
    ),
    "w": ("week", "weken", "weeks"),
}
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_DURATION = re.compile(r"(\d+(?:[.,]\d+)?)\s*([a-z]+(?: [a-z]+)?)")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")


class Fault(NamedTuple):
    """Something wrong in a rulebook: its line (1 is the first; 0 unknown) and what to do about it."""

    line: int
    text: str
    level: str = "error"


class _Wrong(Exception):
    """A value cannot be read: the text says why, `parts` say it of parts inside, (path, text) each."""

    def __init__(self, text: str = "", parts: Sequence[tuple[tuple[str, ...], str]] = ()) -> None:
        super().__init__(text)
        self.parts = tuple(parts) or (((), text),)


def duration(text: str) -> tuple[int, float]:
    """Read `15 min`, `4 h`, `2 werkdagen`, `0.5 werkdag`, `1 week` as (working seconds, working days).

    A week is five working days. Raises ValueError naming the accepted forms.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    if match:
        amount, word = float(match[1].replace(",", ".")), match[2]
        unit = next((key for key, words in _UNITS.items() if word == key or word in words), "")
        if unit in _SECONDS and amount > 0:
            return round(amount * _SECONDS[unit]), 0.0
        if unit and amount > 0:
            return 0, amount * (5 if unit == "w" else 1)
    raise ValueError(f"{text!r} is not a duration; write for example 15 min, 4 h, 2 werkdagen or 1 week")


def _seconds(clock: str) -> int:
    match = _CLOCK.fullmatch(clock.strip())
    if not match or (match[1] == "24" and match[2] != "00"):
        raise _Wrong(f"{clock!r} is not a time of day; write HH:MM, 00:00 to 24:00")
    return int(match[1]) * 3600 + int(match[2]) * 60


def _hours(value: Any) -> tuple[tuple[int, int], ...]:
    """Read ["08:00-12:00", …] as ascending (open, close) pairs; a close before its open is next morning."""
    if not isinstance(value, list) or not all(isinstance(v, str) and v.count("-") == 1 for v in value):
        raise _Wrong('opening hours are a list such as ["08:00-12:00", "13:00-17:00"]')
    ranges = []
    for item in value:
        opened, closed = (_seconds(part) for part in item.split("-"))
        ranges.append((opened, closed if closed > opened else closed + 86400))
    if ranges != sorted(ranges) or any(a[1] > b[0] for a, b in pairwise(ranges)):
        raise _Wrong("opening hours must ascend and must not overlap")
    return tuple(ranges)


def _week(value: Any) -> tuple[tuple[tuple[int, int], ...], ...]:
    if not isinstance(value, dict) or set(value) - set(DAYS):
        raise _Wrong(f"weekly hours are a table with {', '.join(DAYS)}")
    hours, wrong = [], []
    for day in DAYS:
        try:
            hours.append(_hours(value.get(day, [])))
        except _Wrong as exc:
            wrong.append(((day,), f"{day}: {exc}"))
    if wrong:
        raise _Wrong(parts=wrong)
    return tuple(hours)


def _cells(value: Any) -> tuple[tuple[str, str, int], ...]:
    if not isinstance(value, dict) or not all(isinstance(row, dict) for row in value.values()):
        raise _Wrong("cells are a table: urgency = { target_group = level, … }")
    cells = [(urgency, group, level) for urgency, row in value.items() for group, level in row.items()]
    wrong = [(u, g) for u, g, level in cells if type(level) is not int]
    if wrong:
        raise _Wrong(parts=[((u,), f"the cell {u} x {g} must be a whole number") for u, g in wrong])
    return tuple(cells)


def _items(value: Any) -> tuple[Item, ...]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise _Wrong('items are a list such as [{ text = "…", owner = "…", due = "1 werkdag" }]')
    hints, items, wrong = get_type_hints(Item), [], []
    for number, row in enumerate(value, 1):
        strange = [name for name in row if name not in hints]
        if strange or not row.get("text"):
            said = f"has no {strange[0]!r}; known are {', '.join(hints)}" if strange else "misses 'text'"
            wrong.append(((), f"item {number} {said}"))
            continue
        try:
            items.append(Item(**{name: _BY_TYPE[hints[name]](v) for name, v in row.items()}))
        except _Wrong as exc:
            wrong.append(((), f"item {number}: {exc}"))
    if wrong:
        raise _Wrong(parts=wrong)
    return tuple(items)


def _timezone(value: Any) -> str:
    try:
        return ZoneInfo(value).key
    except (OSError, ValueError, TypeError, KeyError):
        raise _Wrong(f"there is no time zone {value!r}; write for example Europe/Brussels") from None


def _iso(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()[:10]
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise _Wrong(f"{value!r} is not a date; write YYYY-MM-DD") from None


def _yearly_or_iso(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d\d-\d\d", value):
        _iso(f"2024-{value}")  # a leap year: 02-29 is a day of some years
        return value
    return _iso(value)


def _duration(value: Any) -> tuple[int, float]:
    if not isinstance(value, str):
        raise _Wrong('a duration is text, such as "4 h" or "2 werkdagen"')
    try:
        return duration(value)
    except ValueError as exc:
        raise _Wrong(str(exc)) from None


def _texts(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
        raise _Wrong("must be text or a list of texts")
    return tuple(values)


def _numbers(value: Any) -> tuple[int, ...]:
    values = [value] if type(value) is int else value
    if not isinstance(values, list) or not all(type(v) is int for v in values):
        raise _Wrong("must be a whole number or a list of them")
    return tuple(values)


def _simple(kind: type, word: str) -> Any:
    def read(value: Any) -> Any:
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise _Wrong(f"must be {word}")
        if isinstance(value, str) and any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in value):
            raise _Wrong("must not hold control characters")
        return value

    return read


_BY_TYPE = {
    str: _simple(str, "text"),
    int: _simple(int, "a whole number"),
    float: _simple(float, "a number"),
    bool: _simple(bool, "true or false"),
    tuple[str, ...]: _texts,
    tuple[int, ...]: _numbers,
    tuple[int, float]: _duration,
    tuple[tuple[int, int], ...]: _hours,
    tuple[tuple[tuple[int, int], ...], ...]: _week,
    tuple[tuple[str, str, int], ...]: _cells,
    tuple[Item, ...]: _items,
}


def _addresses(value: Any) -> tuple[str, ...]:
    for text in _texts(value):
        if not re.fullmatch(r"[A-Za-z0-9._+'&=~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", text):
            raise _Wrong(f"{text!r} is not one plain mail address")
    return _texts(value)


def _address(value: Any) -> str:
    return _addresses(value)[0] if value else ""


def _pattern(value: Any) -> str:
    try:
        re.compile(value)
    except (re.error, TypeError) as exc:
        raise _Wrong(f"{value!r} is not a regular expression: {exc}") from None
    return str(value)


_BY_NAME = {
    "timezone": _timezone,
    "valid_from": _iso,
    "on": _yearly_or_iso,
    "until": _yearly_or_iso,
    "recipients": _addresses,
    "pattern": _pattern,
    "hr_mail": _address,
}


class Positions:
    """Line numbers of a TOML text by path, since `tomllib` keeps none."""

    _PART = r"""(?:[\w\-]+|"[^"]*"|'[^']*')"""
    _PATH = rf"({_PART}(?:\s*\.\s*{_PART})*)"
    _HEADER = re.compile(rf"^\s*(\[\[?)\s*{_PATH}\s*\]\]?")
    _KEY = re.compile(rf"^\s*{_PATH}\s*=")

    def __init__(self, text: str) -> None:
        self._lines: dict[tuple[Any, ...], int] = {}
        counts: dict[tuple[Any, ...], int] = {}
        table: tuple[Any, ...] = ()
        for number, line in enumerate(text.splitlines(), 1):
            header, key = self._HEADER.match(line), self._KEY.match(line)
            if header:
                names = self._names(header[2])
                if header[1] == "[[":
                    counts[names] = counts.get(names, -1) + 1
                    table = (*names, counts[names])
                elif names[:1] in counts:
                    table = (names[0], counts[names[:1]], *names[1:])
                else:
                    table = names
                self._lines.setdefault(table, number)
            elif key:
                self._lines.setdefault((*table, *self._names(key[1])), number)

    @classmethod
    def _names(cls, path: str) -> tuple[str, ...]:
        return tuple(part.strip("\"'") for part in re.findall(cls._PART, path))

    def line(self, *path: Any) -> int:
        """Return the line of `path`, or of the nearest table around it; 0 when the text has neither."""
        while path and path not in self._lines:
            path = path[:-1]
        return self._lines.get(path, 0)


class Reader:
    """Reads a parsed TOML document section by section, collecting faults."""

    def __init__(self, document: dict[str, Any], positions: Positions) -> None:
        self.document, self.positions = document, positions
        self.faults: list[Fault] = []
        self._indexes: dict[str, list[int]] = {}  # section -> which of its entries could be read

    def line(self, section: str, index: int, *path: Any) -> int:
        """Return the line of readable entry `index` of a section, whatever could not be read before it."""
        known = self._indexes.get(section, [])
        return self.positions.line(section, known[index] if index < len(known) else 0, *path)

    def named(self, section: str, *fields: str) -> list[tuple[Any, ...]]:
        """Return what these fields hold in each entry of a section as it is written, unreadable ones too."""
        rows = self.document.get(section, [])
        written = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return [tuple(row.get(field) for field in fields) for row in written]

    def fault(self, text: str, *path: Any) -> None:
        """Note a fault at the line of `path`."""
        self.faults.append(Fault(self.positions.line(*path), text))

    def _value(self, kind: Any, name: str, value: Any, path: tuple[Any, ...]) -> Any:
        try:
            return _BY_NAME.get(name, _BY_TYPE[kind])(value)
        except _Wrong as exc:
            for inside, text in exc.parts:
                self.fault(f"{name}: {text}", *path, name, *inside)
            return None

    def entry(self, cls: Any, table: Any, *path: Any) -> Any:
        """Return one entry of class `cls`, or None after noting what is wrong with it."""
        where = f"[{path[0]}]" if len(path) == 1 else f"[[{path[0]}]]"
        if not isinstance(table, dict):
            self.fault(f"{where} must be a table", *path)
            return None
        hints, before = get_type_hints(cls), len(self.faults)
        for name in table:
            if name not in hints:
                self.fault(f"{where} has no {name!r}; known are {', '.join(hints)}", *path, name)
        for name in hints:
            if name not in table and name not in cls._field_defaults:
                self.fault(f"{where} misses {name!r}", *path)
        values = {n: self._value(hints[n], n, v, path) for n, v in table.items() if n in hints}
        return cls(**values) if len(self.faults) == before else None

    def entries(self, section: str) -> tuple[Any, ...]:
        """Return the readable entries of a section that is a list of tables."""
        rows = self.document.get(section, [])
        if not isinstance(rows, list):
            self.fault(f"write [[{section}]], with two brackets, for each entry", section)
            return ()
        if section in REQUIRED and not rows:
            self.fault(f"the rulebook has no [[{section}]]")
        found = [self.entry(ALL_LISTS[section], row, section, i) for i, row in enumerate(rows)]
        self._indexes[section] = [i for i, entry in enumerate(found) if entry is not None]
        return tuple(entry for entry in found if entry is not None)

    def read(self) -> dict[str, Any]:
        """Return every section by name; what cannot be read is left out and noted."""
        for section in self.document:
            if section not in ALL_LISTS and section not in ALL_TABLES:
                known = ", ".join([*ALL_TABLES, *ALL_LISTS])
                self.fault(f"[{section}] is not part of a rulebook; known are {known}", section)
        sections: dict[str, Any] = {name: self.entries(name) for name in ALL_LISTS}
        for name, cls in ALL_TABLES.items():
            if name in self.document or not cls._field_defaults.keys() >= set(cls._fields):
                sections[name] = self.entry(cls, self.document.get(name, {}), name)
            else:
                sections[name] = cls()
        return sections


def parse(content: bytes) -> tuple[dict[str, Any], Reader] | Fault:
    """Parse TOML bytes; return the sections and their reader, or the one fault of the syntax."""
    try:
        text = content.decode("utf-8-sig")
        document = tomllib.loads(text)
    except UnicodeDecodeError as exc:
        return Fault(content[: exc.start].count(b"\n") + 1, "the rulebook is not UTF-8 text")
    except tomllib.TOMLDecodeError as exc:
        match = re.search(r"line (\d+)", str(exc))
        return Fault(int(match[1]) if match else text.count("\n") + 1, f"not valid TOML: {exc}")
    except RecursionError:
        return Fault(0, "not readable: its brackets are nested far too deep")
    reader = Reader(document, Positions(text))
    return reader.read(), reader


def total(matrix: Matrix, urgencies: list[str], groups: list[str]) -> list[tuple[str, str]]:
    """Return the holes of a matrix: pairs of urgency and target group without a level."""
    filled = {(u, g) for u, g, _ in matrix.cells}
    return [(u, g) for u in urgencies for g in groups if (u, g) not in filled]
