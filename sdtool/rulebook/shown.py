"""A rulebook as rows to read: clock times, durations and names instead of seconds and keys."""

from __future__ import annotations

from typing import Any, get_type_hints

from sdtool.rulebook import Matrix, Rulebook
from sdtool.rulebook.chasing import chasing
from sdtool.rulebook.forms import DAYS
from sdtool.rulebook.read import ALL_LISTS, ALL_TABLES
from sdtool.rulebook.sheet import sheet
from sdtool.rulebook.staffing import Item, staffing


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds % 3600 // 60:02d}"


def ranges(hours: tuple[tuple[int, int], ...]) -> str:
    """Return opening hours, seconds after midnight, as "08:00-12:00, 12:30-17:00"; "closed" for none."""
    return ", ".join(f"{_clock(a)}-{_clock(b)}" for a, b in hours) or "closed"


def spelled(value: tuple[int, float]) -> str:
    """Return a duration, (working seconds, working days), as it is written in a rulebook."""
    seconds, days = value
    if days:
        return f"{days:g} wd"
    if seconds % 3600 == 0:
        return f"{seconds // 3600} h"
    return f"{seconds // 60} min" if seconds % 60 == 0 else f"{seconds} s"


def _shown(kind: Any, value: Any) -> Any:
    if kind == tuple[int, float]:
        return spelled(value)
    if kind == tuple[tuple[int, int], ...]:
        return ranges(value)
    if kind == tuple[Item, ...]:
        return "; ".join(item.text for item in value)
    return ", ".join(str(part) for part in value) if isinstance(value, tuple) else value


def _matrix(matrix: Matrix) -> list[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for urgency, group, level in matrix.cells:
        row = {"urgency": urgency} | ({"valid_from": matrix.valid_from} if matrix.valid_from else {})
        rows.setdefault(urgency, row)[group] = f"P{level}"
    return list(rows.values())


def _entry(entry: Any) -> dict[str, Any]:
    hints = get_type_hints(type(entry))
    week = hasattr(entry, "holidays")  # a calendar has hours for each weekday
    row = {n: _shown(hints[n], value) for n, value in entry._asdict().items() if not (week and n == "hours")}
    if week:
        row |= {day: ranges(hours) for day, hours in zip(DAYS, entry.hours, strict=True)}
    return row


def sections(book: Rulebook) -> dict[str, list[dict[str, Any]]]:
    """Return every part of a rulebook as rows of readable values, empty columns left out."""
    parts: dict[str, list[dict[str, Any]]] = {}
    apart: tuple[Any, ...] = (book, staffing(book), chasing(book), sheet(book))
    for name in (*ALL_TABLES, *ALL_LISTS):
        value = next(getattr(part, name) for part in apart if name in part._fields)
        if name == "matrices":
            rows = [row for matrix in value for row in _matrix(matrix)]
        else:
            rows = [_entry(entry) for entry in (value if name in ALL_LISTS else (value,))]
        used = {key for row in rows for key, cell in row.items() if cell not in ("", None)}
        parts[name] = [{key: cell for key, cell in row.items() if key in used} for row in rows]
    return parts
