"""Whether the agreements of a rulebook agree with each other; each fault with its line."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sdtool.digest import hexdigest
from sdtool.rulebook import (
    LISTS,
    PARTIES,
    SELDOM,
    TABLES,
    TYPES,
    Organisation,
    Route,
    Rulebook,
    routes_in_force,
)
from sdtool.rulebook import check_chasing as chase
from sdtool.rulebook import check_sheet as fiche
from sdtool.rulebook import check_staffing as staff
from sdtool.rulebook.chasing import Chasing, chasing
from sdtool.rulebook.compiled import plain
from sdtool.rulebook.read import ALL_TABLES, Fault, Reader, parse, total
from sdtool.rulebook.sheet import sheet
from sdtool.rulebook.staffing import Staffing, staffing
from sdtool.rulebook.words import holds, words_of

_DIMENSIONS = ("type", "category", "target_group", "channel", "priority")
_Box = tuple[frozenset[Any], ...]
Look = Callable[[Rulebook, Reader], Iterator[Fault]]


def check(content: bytes, also: Sequence[Look] = ()) -> tuple[Rulebook | None, list[Fault]]:
    """Check the bytes of a rulebook; return it (None when unreadable) and every fault, by line.

    A fault of level "error" forbids its use; a "warning" (a rule that can never win) does not.
    What can be read is compared even when something else cannot, so that no fault hides another. `also` looks
    for more: what layers above know.
    """
    parsed = parse(content)
    if isinstance(parsed, Fault):
        return None, [parsed]
    sections, reader = parsed
    unread = [name for name, section in sections.items() if section is None]
    sections |= {name: _STAND_INS.get(name) or ALL_TABLES[name]() for name in unread}
    seldom = plain(tuple(sections[name] for name in SELDOM))
    often = {name: section for name, section in sections.items() if name in LISTS or name in TABLES}
    book = Rulebook(digest=hexdigest(content), **often, seldom=seldom)
    faults = [*reader.faults, *(fault for look in (*_LOOKS, *also) for fault in look(book, reader))]
    return (None if unread else book), sorted(faults)


_STAND_INS = {"organisation": Organisation("", "")}  # of what has no values of its own


def _twice(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """No two entries of one list may share key and validity."""
    for section, identity in _IDENTITIES.items():
        seen: set[tuple[Any, ...]] = set()
        for index, entry in enumerate(_section(book, section)):
            name = tuple(getattr(entry, field) for field in identity)
            if name in seen:
                shown = " ".join(str(part) for part in name if part != "")
                yield Fault(reader.line(section, index), f"[[{section}]] {shown} stands here a second time")
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
    "service_sheet": ("kpi", "service", "valid_from"),
    "services": ("key",),
    "views": ("key",),
    "jobs": ("name",),
    "checklists": ("key",),
    "staff_columns": ("field",),
    "support_services": ("key",),
    "packages": ("key",),
    "agents": ("login",),
    "reminder_steps": ("party", "term"),
}


def _section(book: Rulebook, name: str) -> tuple[Any, ...]:
    apart: Any = book
    if name in SELDOM:
        apart = staffing(book) if name in Staffing._fields else sheet(book)
        apart = chasing(book) if name in Chasing._fields else apart
    section: tuple[Any, ...] = getattr(apart, name)
    return section


def _known(reader: Reader) -> dict[str, list[Any]]:
    """Return the names that entries may use, those of entries with another fault included."""
    sections = {"calendar": "calendars", "group": "groups", "category": "categories"}
    sections |= {"target_group": "target_groups", "channel": "channels"}
    names = {field: _written(reader, section, "key") for field, section in sections.items()}
    levels = _written(reader, "priorities", "level")
    known = {**names, "type": list(TYPES), "priority": levels, "party": list(PARTIES)}
    return known | staff.known(reader) | chase.KNOWN


def _written(reader: Reader, section: str, field: str) -> list[Any]:
    return [value for (value,) in reader.named(section, field) if isinstance(value, (str, int))]


def _references(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Every name that an entry uses must be defined."""
    known = _known(reader)
    for section in ("days", "targets", "routes", "waiting", *staff.REFERRING, *chase.REFERRING):
        for index, entry in enumerate(_section(book, section)):
            for field in (field for field in entry._fields if field in known):
                value = getattr(entry, field)
                for name in value if isinstance(value, tuple) else (value,):
                    if name not in known[field]:
                        listed = ", ".join(str(k) for k in known[field])
                        where = reader.line(section, index, field)
                        yield Fault(where, f"there is no {field} {name!r}; known are {listed}")


def _matrix(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """The matrix is total, and its levels and axes exist."""
    urgencies, groups = _written(reader, "urgencies", "key"), _written(reader, "target_groups", "key")
    levels = _written(reader, "priorities", "level")
    for index, matrix in enumerate(book.matrices):
        for urgency, group in total(matrix, urgencies, groups):
            line = reader.line("matrices", index, "cells", urgency)
            yield Fault(line, f"the matrix has a hole at {urgency} x {group}: give it a priority")
        for urgency, group, level in matrix.cells:
            line, cell = reader.line("matrices", index, "cells", urgency), f"{urgency} x {group}"
            if urgency not in urgencies or group not in groups:
                yield Fault(line, f"the matrix names {cell}, which no urgency or target group is called")
            if level not in levels:
                yield Fault(line, f"the matrix gives {cell} priority {level}, which does not exist")
    written = reader.named("matrices", "valid_from")
    if written and all(since for (since,) in written):
        line = reader.positions.line("matrices", 0)
        yield Fault(line, "no matrix is in force before its valid_from: add one without")


def _targets(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Every type and priority has a promise, from the beginning on, and none is resolved before responded."""
    written = reader.named("targets", "type", "priority", "valid_from")
    for type_, priority in itertools.product(TYPES, book.priorities):
        if written and (type_, priority.level, None) not in written:
            text = f"there is no target for {type_} of priority {priority.level} without a valid_from"
            yield Fault(reader.positions.line("targets", 0), text)
    for index, target in enumerate(book.targets):
        same_unit = bool(target.respond[1]) == bool(target.resolve[1])
        if same_unit and target.respond > target.resolve:
            text = f"{target.type} of priority {target.priority} must be resolved before it is responded to"
            yield Fault(reader.line("targets", index), text)


def _defaults(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    groups, routes = (reader.positions.line(section, 0) for section in ("groups", "routes"))
    if book.groups and 1 not in _written(reader, "groups", "line"):
        yield Fault(groups, "no group has line = 1: the service desk itself is missing")
    readable = len(book.routes) == len(reader.named("routes"))
    if readable and book.routes and not all(map(_has_last, _versions(book.routes))):
        yield Fault(routes, "no routing rule is without conditions: add a last one that always wins")
    for section in ("target_groups", "impacts"):
        if sum(entry.default for entry in getattr(book, section)) > 1:
            line = reader.positions.line(section, 0)
            yield Fault(line, f"more than one of [[{section}]] is the default")


def _values(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Values that can be read and still mean nothing."""
    for index, priority in enumerate(book.priorities):
        if priority.level < 1:
            line = reader.line("priorities", index, "level")
            yield Fault(line, f"the level {priority.level} is below 1, the highest")
    for index, group in enumerate(book.groups):
        if not group.key or "/" in group.key:
            yield Fault(reader.line("groups", index, "key"), f"{group.key!r} cannot be a group's key")
    for index, route in enumerate(book.routes):
        for word in route.words:
            if not words_of(word):
                line = reader.line("routes", index, "words")
                yield Fault(line, f"the word {word!r} holds no letter or digit: it finds nothing")


def _days(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    for index, day in enumerate(book.days):
        if day.until and (len(day.until) != len(day.on) or day.until < day.on):
            line = reader.line("days", index)
            yield Fault(line, f"the day {day.on} ends before it begins, on {day.until}")


def _versions(routes: Sequence[Route]) -> list[list[Route]]:
    """Return the rules in force, in order, of each day on which that changes."""
    return [routes_in_force(routes, day) for day in sorted({"", *(r.valid_from for r in routes)})]


def _has_last(routes: list[Route]) -> bool:
    return any(not any(getattr(r, field) for field in (*_DIMENSIONS, "words")) for r in routes)


def never_win(routes: Sequence[Route], domain: Mapping[str, Sequence[Any]]) -> list[tuple[int, str]]:
    """Return (index, why) of each rule that, on every day it is in force, earlier rules always beat.

    Exact: what a rule accepts is a box of values, of which each earlier rule takes its part. A rule
    with words is beaten where for each of its words an earlier rule finds that word, or asks none.

    Args:
        routes: in the order of the rulebook.
        domain: every value that a type, category, target group, channel and priority can have.
    """
    alive: set[int] = set()
    beaten: dict[int, set[str]] = {}
    place = {id(route): index for index, route in enumerate(routes)}
    for version in _versions(routes):
        for rank, route in enumerate(version):
            winners = _winners(version[:rank], route, domain)
            if winners is None:
                alive.add(place[id(route)])
            else:
                beaten.setdefault(place[id(route)], set()).update(winners)
    return [
        (i, f"the rule {routes[i].name!r} can never win: {', '.join(sorted(beaten[i]))} always does")
        for i in sorted(beaten.keys() - alive)
    ]


def _winners(earlier: Sequence[Route], route: Route, domain: Mapping[str, Sequence[Any]]) -> set[str] | None:
    """Return the names of the rules that together always beat `route`; None when it can win."""
    winners: set[str] = set()
    for word in route.words or ("",):
        left = [_box(route, domain)]
        for rule in earlier:
            if rule.words and not any(holds(words_of(word), words_of(w)) for w in rule.words):
                continue
            rest = [piece for box in left for piece in _without(box, _box(rule, domain))]
            if rest != left:
                winners.add(repr(rule.name))
            left = rest
        if left:
            return None
    return winners


def _box(route: Route, domain: Mapping[str, Sequence[Any]]) -> _Box:
    return tuple(frozenset(getattr(route, field) or domain[field]) for field in _DIMENSIONS)


def _without(box: _Box, other: _Box) -> list[_Box]:
    """Return what is left of a box when another is taken out, in boxes that do not overlap."""
    common = tuple(a & b for a, b in zip(box, other, strict=True))
    if not all(common):
        return [box]
    pieces = []
    for i, (whole, part) in enumerate(zip(box, common, strict=True)):
        if whole != part:
            pieces.append((*common[:i], whole - part, *box[i + 1 :]))
    return pieces


def _dead_routes(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    if len(book.routes) != len(reader.named("routes")):
        return  # an unreadable rule may change what the others do
    known = _known(reader)
    if any(v not in known[f] for r in book.routes for f in _DIMENSIONS for v in getattr(r, f)):
        return
    for index, text in never_win(book.routes, known):
        yield Fault(reader.line("routes", index), text, "warning")


_LOOKS = (
    _twice,
    _references,
    _matrix,
    _targets,
    _defaults,
    _values,
    _days,
    _dead_routes,
    *staff.LOOKS,
    *chase.LOOKS,
    *fiche.LOOKS,
)
