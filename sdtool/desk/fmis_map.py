"""The map: how the columns and values of another system's export become ours (TOML).

Every fault is found at once, with its line. `docs/reference/fmis-map.md` describes the format.
"""

from __future__ import annotations

import os
import re
import tomllib
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sdtool.desk.fmis_dates import pattern
from sdtool.desk.tables import Fault, refused
from sdtool.errors import BadInput, unreadable
from sdtool.resources import shipped
from sdtool.rulebook import TYPES, Rulebook
from sdtool.rulebook.read import Positions

ROWS = ("event", "ticket")
OPEN = ("new", "active", "waiting-customer", "waiting-supplier", "waiting-internal")
STATES = (*OPEN, "resolved", "closed", "cancelled", "same")
MOMENTS = ("moment", "opened_at", "resolved_at", "closed_at")
COUNTERS = ("reassignments", "reopens")
KEYS = ("state", "group", "category", "type", "urgency", "impact", "priority", "channel")  # checked
TEXTS = ("summary", "description", "solution")  # may be made of several columns
NAMES = ("agent", "resolver", "caller", "by")
FIELDS = ("reference", *MOMENTS, *KEYS, *TEXTS, *NAMES, *COUNTERS)
FOREIGN = ("group", "category")  # may keep the keys of the other system
DEFAULTABLE = ("group", "category", "type", "urgency", "impact", "priority", "channel", *TEXTS, *NAMES[:3])
MUST = {"event": ("reference", "moment", "state"), "ticket": ("reference", "state", "opened_at")}
_SOMEHOW = ("group", "category", "urgency", "channel")  # a column or a default
_MOST_BYTES = 1024 * 1024
_TOP = {
    "rows": (str, "text"),
    "timezone": (str, "text"),
    "formats": (list, "a list of date formats"),
    "empty": (list, "a list of texts"),
    "create_callers": (bool, "true or false"),
    "columns": (dict, "a table"),
    "values": (dict, "a table"),
    "defaults": (dict, "a table"),
}


class Map(NamedTuple):
    """A checked map.

    `columns` gives the columns of each field, `values` its translations ("*" is the fallback),
    `keep` the fields that keep foreign keys, `defaults` what a field is when its cell is empty.
    """

    rows: str
    columns: dict[str, tuple[str, ...]]
    values: dict[str, dict[str, str]]
    keep: frozenset[str]
    defaults: dict[str, str]
    patterns: tuple[re.Pattern[str], ...]
    formats: tuple[str, ...]
    timezone: str
    empty: frozenset[str]
    create_callers: bool


def allowed(book: Rulebook, field: str) -> tuple[str, ...]:
    """Return what a field of KEYS may be."""
    entries: dict[str, Any] = {
        "group": book.groups,
        "category": book.categories,
        "urgency": book.urgencies,
        "impact": book.impacts,
        "channel": book.channels,
    }
    if field in entries:
        return tuple(entry.key for entry in entries[field])
    levels = tuple(str(priority.level) for priority in book.priorities)
    return {"state": STATES, "type": TYPES, "priority": levels}[field]


def names() -> list[str]:
    """Return the maps that ship with the program."""
    with os.scandir(shipped("templates", "maps")) as folder:
        return sorted(entry.name.removesuffix(".toml") for entry in folder if entry.name.endswith(".toml"))


def source(name: str) -> tuple[str, bytes]:
    """Return path and content of a map: `name` is a path, or the name of a shipped map."""
    path = shipped("templates", "maps", f"{name}.toml") if name in names() else name
    try:
        with open(path, "rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except (OSError, ValueError) as exc:
        missing = f"there is no map {name}; shipped are {', '.join(names())}"
        raise unreadable(f"the map {name}", exc, missing=missing) from None
    if len(content) > _MOST_BYTES:
        raise BadInput(f"the map {name} is larger than 1 MiB")
    return path, content


def load(name: str, book: Rulebook) -> Map:
    """Return the checked map; what it translates to must be in the rulebook.

    Raises:
        NotFound: there is no such map.
        BadInput: the map has faults; all are listed.
    """
    path, content = source(name)
    try:
        text = content.decode("utf-8-sig")
        document = tomllib.loads(text)
    except UnicodeDecodeError as exc:
        raise refused(path, [Fault(content[: exc.start].count(b"\n") + 1, "is not UTF-8 text")]) from None
    except tomllib.TOMLDecodeError as exc:
        match = re.search(r"line (\d+)", str(exc))
        line = int(match[1]) if match else text.count("\n") + 1
        raise refused(path, [Fault(line, f"not valid TOML: {exc}")]) from None
    except RecursionError:
        raise refused(path, [Fault(0, "not readable: its brackets are nested far too deep")]) from None
    reader = _Reader(document, Positions(text), book)
    found = reader.read()
    if reader.faults:
        raise refused(path, sorted(reader.faults))
    return found


class _Reader:
    """Reads a parsed map, collecting faults."""

    def __init__(self, document: dict[str, Any], positions: Positions, book: Rulebook) -> None:
        self.document, self.positions, self.book = document, positions, book
        self.faults: list[Fault] = []

    def fault(self, text: str, *path: Any) -> None:
        self.faults.append(Fault(self.positions.line(*path), text))

    def read(self) -> Map:
        top = self._top()
        columns = self._columns(top.get("columns", {}))
        values, keep = self._values(top.get("values", {}))
        defaults = self._defaults(top.get("defaults", {}), keep)
        rows = top.get("rows", "event")
        if rows not in ROWS:
            self.fault(f"rows must be one of {', '.join(ROWS)}, not {rows!r}", "rows")
        self._complete(rows, columns, defaults)
        formats = self._texts("formats", top.get("formats", []))
        return Map(
            rows,
            columns,
            values,
            keep,
            defaults,
            self._patterns(formats),
            formats,
            self._timezone(top.get("timezone", self.book.organisation.timezone)),
            frozenset(("", *self._texts("empty", top.get("empty", [])))),
            top.get("create_callers", False),
        )

    def _top(self) -> dict[str, Any]:
        found = {}
        for name, value in self.document.items():
            if name not in _TOP:
                self.fault(f"{name!r} is not part of a map; known are {', '.join(_TOP)}", name)
            elif type(value) is not _TOP[name][0]:
                self.fault(f"{name} must be {_TOP[name][1]}", name)
            else:
                found[name] = value
        return found

    def _texts(self, name: str, values: list[Any]) -> tuple[str, ...]:
        if not all(isinstance(value, str) for value in values):
            self.fault(f"{name} must hold texts only", name)
            return ()
        return tuple(values)

    def _known(self, section: str, field: str, known: tuple[str, ...]) -> bool:
        if field not in known:
            self.fault(f"[{section}] has no {field!r}; known are {', '.join(known)}", section, field)
        return field in known

    def _columns(self, table: dict[str, Any]) -> dict[str, tuple[str, ...]]:
        found = {}
        for field, value in table.items():
            several = isinstance(value, list) and field in TEXTS and value
            names = value if several else [value]
            if not self._known("columns", field, FIELDS):
                continue
            if all(isinstance(name, str) and name.strip() for name in names):
                found[field] = tuple(name.strip() for name in names)
            else:
                more = " or a list of them" if field in TEXTS else ""
                self.fault(f"{field} must be the name of a column{more}", "columns", field)
        return found

    def _values(self, table: dict[str, Any]) -> tuple[dict[str, dict[str, str]], frozenset[str]]:
        found: dict[str, dict[str, str]] = {}
        keep = set()
        known = (*KEYS, *NAMES[:2], "solution")
        for field, pairs in table.items():
            if not self._known("values", field, known):
                continue
            if not isinstance(pairs, dict):
                self.fault(f"[values.{field}] must be a table", "values", field)
                continue
            if pairs.get("keep") is True:
                keep.add(field)
                self._keepable(field, pairs)
            kept = field in keep
            found[field] = {
                raw: str(value) for raw, value in pairs.items() if self._is_value(field, raw, value, kept)
            }
        return found, frozenset(keep)

    def _keepable(self, field: str, pairs: dict[str, Any]) -> None:
        path = ("values", field, "keep")
        if field in KEYS and field not in FOREIGN:
            self.fault(f"keep is for {' and '.join(FOREIGN)}: a {field} must be in the rulebook", *path)
        elif "*" in pairs:
            self.fault('keep = true and "*" exclude each other', *path)

    def _is_value(self, field: str, raw: str, value: Any, kept: bool) -> bool:
        if raw == "keep" and type(value) is bool:
            return False
        return self._fits(field, value, kept, "values", field, raw)

    def _fits(self, field: str, value: Any, kept: bool, *path: str) -> bool:
        if type(value) not in (str, int) or (isinstance(value, str) and not value.strip()):
            self.fault(f"{path[-1]!r} must be text", *path)
            return False
        if field in KEYS and not kept and str(value) not in allowed(self.book, field):
            known = ", ".join(allowed(self.book, field))
            self.fault(f"{value!r} is no {field} of the rulebook; known are {known}", *path)
            return False
        return True

    def _defaults(self, table: dict[str, Any], keep: frozenset[str]) -> dict[str, str]:
        return {
            field: str(value)
            for field, value in table.items()
            if self._known("defaults", field, DEFAULTABLE)
            and self._fits(field, value, field in keep, "defaults", field)
        }

    def _complete(self, rows: str, columns: dict[str, tuple[str, ...]], defaults: dict[str, str]) -> None:
        said = self.document.get("columns", {})
        for field in MUST.get(rows, ()):
            if field not in said:
                self.fault(f"[columns] misses {field!r}, which rows = {rows!r} needs", "columns")
        given = self.document.get("defaults", {})
        for field in _SOMEHOW:
            if field not in said and field not in given:
                self.fault(f"{field!r} needs a column, or a value in [defaults]", "columns")
        if not self.document.get("formats") and set(MOMENTS) & columns.keys():
            self.fault("formats is missing: how the file writes a moment, such as %d/%m/%Y %H:%M")

    def _patterns(self, formats: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
        found = []
        for form in formats:
            try:
                found.append(pattern(form))
            except ValueError as exc:
                self.fault(f"formats: {exc}", "formats")
        return tuple(found)

    def _timezone(self, name: str) -> str:
        try:
            return ZoneInfo(name).key
        except (OSError, ValueError, KeyError):
            self.fault(f"there is no time zone {name!r}; write for example Europe/Brussels", "timezone")
            return "UTC"
