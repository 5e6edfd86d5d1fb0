"""Whether services, service sheet and the terms of the figures agree with each other and with the rest.

Whether a KPI can be computed at all is looked at by `reports.sheet_check`, which knows the KPIs.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from sdtool.rulebook import Norm, Rulebook
from sdtool.rulebook.read import Fault, Reader
from sdtool.rulebook.sheet import (
    DIRECTIONS,
    EVERY,
    LONGEST_EVERY,
    REPORTS,
    ROLES,
    SHORTEST,
    WEEKDAYS,
    sheet,
)
from sdtool.rulebook.shown import spelled


def _services(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """A service has categories; a category belongs to one service at most, and where there are any to one."""
    known = [key for (key,) in reader.named("categories", "key")]
    holder: dict[str, str] = {}
    for index, service in enumerate(sheet(book).services):
        line = reader.line("services", index, "categories")
        if not service.categories:
            yield Fault(line, f"the service {service.key!r} has no categories: it would have no tickets")
        for category in service.categories:
            if category not in known:
                listed = ", ".join(map(str, known))
                yield Fault(line, f"there is no category {category!r}; known are {listed}")
            elif category in holder:
                yield Fault(line, f"the category {category!r} is in {holder[category]!r} already")
            else:
                holder[category] = service.key
    if holder and len(sheet(book).services) == len(reader.named("services")):
        left = [entry.key for entry in book.categories if entry.key not in holder]
        if left:
            line = reader.positions.line("services", 0)
            yield Fault(line, f"no service has the category {', '.join(left)}", "warning")


def _lines(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Each line names a service that exists and a direction, and does not end before it begins."""
    services = [key for (key,) in reader.named("services", "key")]
    for index, line in enumerate(book.service_sheet):
        if line.service and line.service not in services:
            listed = ", ".join(map(str, services)) or "none"
            where = reader.line("service_sheet", index, "service")
            yield Fault(where, f"there is no service {line.service!r}; known are {listed}")
        if line.direction not in DIRECTIONS:
            where = reader.line("service_sheet", index, "direction")
            yield Fault(where, f"{line.direction!r} is no direction; write >= or <=, or leave it out")
        if line.valid_until and line.valid_until < line.valid_from:
            where = reader.line("service_sheet", index, "valid_until")
            yield Fault(where, f"the norm of {line.kpi} ends before it begins, on {line.valid_until}")


def _overlaps(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """A line with a last day ends before the next line of its KPI and service begins.

    One without a last day ends where the next begins: that is how norms are changed.
    """
    lines: dict[tuple[str, str], list[tuple[Norm, int]]] = {}
    for index, entry in enumerate(book.service_sheet):
        lines.setdefault((entry.kpi, entry.service), []).append((entry, index))
    for (kpi, _), found in lines.items():
        found.sort(key=lambda one: one[0].valid_from)
        for (before, _), (after, index) in pairwise(found):
            if before.valid_from < after.valid_from <= before.valid_until:
                where = reader.line("service_sheet", index)
                yield Fault(
                    where,
                    f"the norm of {kpi} from {after.valid_from} begins before the one above it ends, "
                    f"on {before.valid_until}",
                )


def _reports(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Each entry names a report, a role and a moment that exist."""
    known: dict[str, tuple[str, ...]] = {"key": REPORTS, "role": ROLES, "every": EVERY, "day": WEEKDAYS}
    for index, entry in enumerate(book.reports):
        for field, words in known.items():
            value = getattr(entry, field)
            if value not in words:
                listed = ", ".join(word for word in words if word)
                where = reader.line("reports", index, field)
                yield Fault(where, f"[[reports]] has no {field} {value!r}; known are {listed}")


def _terms(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Numbers that mean something."""
    parts = sheet(book)
    again = parts.recurrence
    ranges: list[tuple[str, str, Any, float, float]] = [
        ("recurrence", "days", again.days, 1, 3660),
        ("recurrence", "incidents", again.incidents, 2, 1000),
        ("recurrence", "share", again.share, 0.01, 1),
        ("process", "returned_often", parts.process.returned_often, 1, 1000),
        ("process", "reopened_often", parts.process.reopened_often, 1, 1000),
    ]
    for section, field, value, low, high in ranges:
        if not low <= value <= high:
            where = reader.positions.line(section, field)
            yield Fault(where, f"[{section}] {field} must be from {low:g} to {high:g}, not {value:g}")
    # a working day is shorter than 24 hours: `sd major declare` looks again
    seconds, days = parts.majors.update
    if not SHORTEST <= seconds + days * 86_400 <= LONGEST_EVERY:
        where = reader.positions.line("majors", "update")
        yield Fault(where, f"[majors] update must be from 5 min to 10 days, not {spelled((seconds, days))}")


def _catch_all(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """A category that says nothing is one of the rulebook."""
    known = [key for (key,) in reader.named("categories", "key")]
    for category in sheet(book).process.catch_all:
        if category not in known:
            where = reader.positions.line("process", "catch_all")
            yield Fault(where, f"there is no category {category!r}; known are {', '.join(map(str, known))}")


LOOKS = (_catch_all, _services, _lines, _overlaps, _reports, _terms)
