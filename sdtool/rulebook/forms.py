"""The forms of values in a rulebook: durations, opening hours, lists, addresses; each fault in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from itertools import pairwise
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo

from sdtool.rulebook.staffing import Item

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
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


class Wrong(Exception):
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
        raise Wrong(f"{clock!r} is not a time of day; write HH:MM, 00:00 to 24:00")
    return int(match[1]) * 3600 + int(match[2]) * 60


def _clock(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong('a time of day is text, such as "07:00"')
    seconds = _seconds(value)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}"


def _hours(value: Any) -> tuple[tuple[int, int], ...]:
    """Read ["08:00-12:00", …] as ascending (open, close) pairs; a close before its open is next morning."""
    if not isinstance(value, list) or not all(isinstance(v, str) and v.count("-") == 1 for v in value):
        raise Wrong('opening hours are a list such as ["08:00-12:00", "13:00-17:00"]')
    ranges = []
    for item in value:
        opened, closed = (_seconds(part) for part in item.split("-"))
        ranges.append((opened, closed if closed > opened else closed + 86400))
    if ranges != sorted(ranges) or any(a[1] > b[0] for a, b in pairwise(ranges)):
        raise Wrong("opening hours must ascend and must not overlap")
    return tuple(ranges)


def _week(value: Any) -> tuple[tuple[tuple[int, int], ...], ...]:
    if not isinstance(value, dict) or set(value) - set(DAYS):
        raise Wrong(f"weekly hours are a table with {', '.join(DAYS)}")
    hours, wrong = [], []
    for day in DAYS:
        try:
            hours.append(_hours(value.get(day, [])))
        except Wrong as exc:
            wrong.append(((day,), f"{day}: {exc}"))
    if wrong:
        raise Wrong(parts=wrong)
    return tuple(hours)


def _cells(value: Any) -> tuple[tuple[str, str, int], ...]:
    if not isinstance(value, dict) or not all(isinstance(row, dict) for row in value.values()):
        raise Wrong("cells are a table: urgency = { target_group = level, … }")
    cells = [(urgency, group, level) for urgency, row in value.items() for group, level in row.items()]
    wrong = [(u, g) for u, g, level in cells if type(level) is not int]
    if wrong:
        raise Wrong(parts=[((u,), f"the cell {u} x {g} must be a whole number") for u, g in wrong])
    return tuple(cells)


def _items(value: Any) -> tuple[Item, ...]:
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise Wrong('items are a list such as [{ text = "…", owner = "…", due = "1 werkdag" }]')
    hints, items, wrong = get_type_hints(Item), [], []
    for number, row in enumerate(value, 1):
        strange = [name for name in row if name not in hints]
        if strange or not row.get("text"):
            said = f"has no {strange[0]!r}; known are {', '.join(hints)}" if strange else "misses 'text'"
            wrong.append(((), f"item {number} {said}"))
            continue
        try:
            items.append(Item(**{name: BY_TYPE[hints[name]](v) for name, v in row.items()}))
        except Wrong as exc:
            wrong.append(((), f"item {number}: {exc}"))
    if wrong:
        raise Wrong(parts=wrong)
    return tuple(items)


def _timezone(value: Any) -> str:
    try:
        return ZoneInfo(value).key
    except (OSError, ValueError, TypeError, KeyError):
        raise Wrong(f"there is no time zone {value!r}; write for example Europe/Brussels") from None


def _iso(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()[:10]
    try:
        return date.fromisoformat(value).isoformat()
    except (TypeError, ValueError):
        raise Wrong(f"{value!r} is not a date; write YYYY-MM-DD") from None


def _yearly_or_iso(value: Any) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d\d-\d\d", value):
        _iso(f"2024-{value}")  # a leap year: 02-29 is a day of some years
        return value
    return _iso(value)


def _duration(value: Any) -> tuple[int, float]:
    if not isinstance(value, str):
        raise Wrong('a duration is text, such as "4 h" or "2 werkdagen"')
    try:
        return duration(value)
    except ValueError as exc:
        raise Wrong(str(exc)) from None


def _texts(value: Any) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(v, str) and v for v in values):
        raise Wrong("must be text or a list of texts")
    return tuple(values)


def _numbers(value: Any) -> tuple[int, ...]:
    values = [value] if type(value) is int else value
    if not isinstance(values, list) or not all(type(v) is int for v in values):
        raise Wrong("must be a whole number or a list of them")
    return tuple(values)


def _simple(kind: type, word: str) -> Any:
    def read(value: Any) -> Any:
        if kind is float and type(value) is int:
            value = float(value)
        if type(value) is not kind:
            raise Wrong(f"must be {word}")
        if isinstance(value, str) and any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in value):
            raise Wrong("must not hold control characters")
        return value

    return read


BY_TYPE = {
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
            raise Wrong(f"{text!r} is not one plain mail address")
    return _texts(value)


def _address(value: Any) -> str:
    return _addresses(value)[0] if value else ""


def _pattern(value: Any) -> str:
    try:
        re.compile(value)
    except (re.error, TypeError) as exc:
        raise Wrong(f"{value!r} is not a regular expression: {exc}") from None
    return str(value)


BY_NAME = {
    "timezone": _timezone,
    "valid_from": _iso,
    "valid_until": _iso,
    "on": _yearly_or_iso,
    "until": _yearly_or_iso,
    "recipients": _addresses,
    "pattern": _pattern,
    "hr_mail": _address,
    "window": _hours,
    "lead": _address,
    "manager": _address,
    "at": _clock,
}
