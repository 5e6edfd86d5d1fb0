"""Whether the agreements of a rulebook agree with each other; each fault with its line."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from sdtool.digest import hexdigest
from sdtool.rulebook import PARTIES, TYPES, Route, Rulebook, in_force
from sdtool.rulebook.read import Fault, Reader, parse, total

_DIMENSIONS = ("type", "category", "target_group", "channel", "priority")


def check(content: bytes) -> tuple[Rulebook | None, list[Fault]]:
    """Check the bytes of a rulebook; return it (None when unreadable) and every fault, by line.

    A fault of level "error" forbids its use; a "warning" (a rule that can never win) does not.
    """
    parsed = parse(content)
    if isinstance(parsed, Fault):
        return None, [parsed]
    sections, reader = parsed
    faults = reader.faults
    book = None
    if all(section is not None for section in sections.values()):
        book = Rulebook(digest=hexdigest(content), **sections)
    if book is not None and not faults:
        for look in _LOOKS:
            faults.extend(look(book, reader))
    return book, sorted(faults)


def _twice(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """No two entries of one list may share key and validity."""
    for section, identity in _IDENTITIES.items():
        seen: set[tuple[Any, ...]] = set()
        for index, entry in enumerate(getattr(book, section)):
            name = tuple(getattr(entry, field) for field in identity)
            if name in seen:
                shown = " ".join(str(part) for part in name if part != "")
                yield Fault(
                    reader.positions.line(section, index), f"[[{section}]] {shown} stands here a second time"
                )
            seen.add(name)


_IDENTITIES: dict[str, tuple[str, ...]] = {
    "calendars": ("key", "valid_from"),
    "target_groups": ("key",),
    "urgencies": ("key",),
    "impacts": ("key",),
    "channels": ("key",),
    "priorities": ("level",),
    "matrices": ("valid_from",),
    "targets": ("type", "priority", "valid_from"),
    "categories": ("key",),
    "groups": ("key",),
    "routes": ("name", "valid_from"),
    "waiting": ("party", "valid_from"),
    "service_sheet": ("kpi", "valid_from"),
    "views": ("key",),
    "jobs": ("name",),
}


def _references(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Every name that an entry uses must be defined."""
    levels = [p.level for p in book.priorities]
    known: dict[str, list[Any]] = {
        "calendar": [c.key for c in book.calendars],
        "group": [g.key for g in book.groups],
        "category": [c.key for c in book.categories],
        "target_group": [g.key for g in book.target_groups],
        "channel": [c.key for c in book.channels],
        "type": list(TYPES),
        "priority": levels,
        "party": list(PARTIES),
    }
    for section in ("days", "targets", "routes", "waiting"):
        for index, entry in enumerate(getattr(book, section)):
            for field in set(entry._fields) & set(known):
                value = getattr(entry, field)
                for name in value if isinstance(value, tuple) else (value,):
                    if name not in known[field]:
                        listed = ", ".join(str(k) for k in known[field])
                        where = reader.positions.line(section, index, field)
                        yield Fault(where, f"there is no {field} {name!r}; known are {listed}")


def _matrix(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """The matrix is total, and its levels and axes exist."""
    urgencies, groups = [u.key for u in book.urgencies], [g.key for g in book.target_groups]
    levels = [p.level for p in book.priorities]
    for index, matrix in enumerate(book.matrices):
        for urgency, group in total(matrix, urgencies, groups):
            line = reader.positions.line("matrices", index, "cells", urgency)
            yield Fault(line, f"the matrix has a hole at {urgency} x {group}: give it a priority")
        for urgency, group, level in matrix.cells:
            line = reader.positions.line("matrices", index, "cells", urgency)
            if urgency not in urgencies or group not in groups:
                yield Fault(
                    line, f"the matrix names {urgency} x {group}, which no urgency or target group is called"
                )
            if level not in levels:
                yield Fault(
                    line, f"the matrix gives {urgency} x {group} priority {level}, which does not exist"
                )
    if in_force(list(book.matrices), "0000-00-00") is None:
        yield Fault(
            reader.positions.line("matrices", 0),
            "no matrix is in force before its valid_from: add one without",
        )


def _targets(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Every type and priority has a promise, from the beginning on, and none is resolved before responded."""
    for type_, priority in itertools.product(TYPES, book.priorities):
        found = [t for t in book.targets if t.type == type_ and t.priority == priority.level]
        if not any(t.valid_from == "" for t in found):
            line = reader.positions.line("targets", 0)
            yield Fault(
                line, f"there is no target for {type_} of priority {priority.level} without a valid_from"
            )


def _defaults(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    if not any(group.line == 1 for group in book.groups):
        yield Fault(
            reader.positions.line("groups", 0), "no group has line = 1: the service desk itself is missing"
        )
    if not any(_is_catch_all(route) for route in book.routes):
        yield Fault(
            reader.positions.line("routes", 0),
            "no routing rule is without conditions: add a last one that always wins",
        )
    for section in ("target_groups", "impacts"):
        if sum(entry.default for entry in getattr(book, section)) > 1:
            yield Fault(reader.positions.line(section, 0), f"more than one of [[{section}]] is the default")


def _is_catch_all(route: Route) -> bool:
    return not any(getattr(route, field) for field in (*_DIMENSIONS, "words")) and route.valid_from == ""


def _days(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    for index, day in enumerate(book.days):
        if day.until and (len(day.until) != len(day.on) or day.until < day.on):
            yield Fault(
                reader.positions.line("days", index),
                f"the day {day.on} ends before it begins, on {day.until}",
            )


def never_win(routes: list[Route]) -> list[tuple[int, str]]:
    """Return (index, why) of each rule that earlier rules always beat.

    Exact over the finite fields: every combination of the values that any rule names, plus
    "any other", is tried; a rule with words counts as beaten in a combination only if each
    of its words is claimed by an earlier rule there.
    """
    values: dict[str, list[Any]] = {
        field: [*dict.fromkeys(v for r in routes for v in getattr(r, field)), None] for field in _DIMENSIONS
    }
    beaten = []
    for index, route in enumerate(routes):
        own = [list(getattr(route, field)) or values[field] for field in _DIMENSIONS]
        winners: set[str] = set()
        if all(_claimed(routes[:index], cell, route, winners) for cell in itertools.product(*own)):
            beaten.append(
                (index, f"the rule {route.name!r} can never win: {', '.join(sorted(winners))} always does")
            )
    return beaten


def _claimed(earlier: list[Route], cell: tuple[Any, ...], route: Route, winners: set[str]) -> bool:
    fitting = [r for r in earlier if r.valid_from <= route.valid_from and _covers(r, cell)]
    for word in route.words or (None,):
        winner = next((r for r in fitting if not r.words or (word and _any_prefix(r.words, word))), None)
        if winner is None:
            return False
        winners.add(repr(winner.name))
    return True


def _any_prefix(words: tuple[str, ...], word: str) -> bool:
    """A word of a rule finds every word that begins with it (see `rules.routing`)."""
    return any(word.casefold().startswith(w.casefold()) for w in words)


def _covers(route: Route, cell: tuple[Any, ...]) -> bool:
    return all(
        not getattr(route, field) or value in getattr(route, field)
        for field, value in zip(_DIMENSIONS, cell, strict=True)
    )


def _dead_routes(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    for index, text in never_win(list(book.routes)):
        yield Fault(reader.positions.line("routes", index), text, "warning")


_LOOKS = (_twice, _references, _matrix, _targets, _defaults, _days, _dead_routes)
