"""TOML to entries: every fault with its line, none hidden behind another.

Only run when a rulebook is new: its result is compiled (see the package).
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, NamedTuple, get_type_hints

from sdtool.rulebook import LISTS, TABLES, Matrix, chasing, sheet, staffing
from sdtool.rulebook.forms import BY_NAME, BY_TYPE, Wrong

ALL_LISTS = {**LISTS, **staffing.LISTS, **chasing.LISTS, **sheet.LISTS}
ALL_TABLES = {**TABLES, **staffing.TABLES, **chasing.TABLES, **sheet.TABLES}
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


class Fault(NamedTuple):
    """Something wrong in a rulebook: its line (1 is the first; 0 unknown) and what to do about it."""

    line: int
    text: str
    level: str = "error"


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

    def section(self, line: int) -> str:
        """Return the section in which a line stands; "" before the first."""
        above = [(number, path) for path, number in self._lines.items() if number <= line]
        return str(max(above, key=lambda one: one[0])[1][0]) if above else ""


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
            return BY_NAME.get(name, BY_TYPE[kind])(value)
        except Wrong as exc:
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
