"""Filters of a report, as somebody typed them: checked against the rulebook, and in words for its heading."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sdtool.errors import UsageFault
from sdtool.rulebook import Rulebook
from sdtool.rulebook.sheet import sheet


def narrowed(
    rulebook: Rulebook,
    *,
    services: Sequence[str] = (),
    groups: Sequence[str] = (),
    target_groups: Sequence[str] = (),
    types: Sequence[str] = (),
    priorities: Sequence[int] = (),
    majors: bool | None = None,
) -> dict[str, Any]:
    """Return the fields of a `Scope` that these filters set; {} without any.

    Raises:
        UsageFault: the rulebook does not have one of them.
    """
    _known("service", services, [service.key for service in sheet(rulebook).services])
    _known("group", groups, [group.key for group in rulebook.groups])
    _known("target group", target_groups, [group.key for group in rulebook.target_groups])
    _known("priority", priorities, [priority.level for priority in rulebook.priorities])
    categories = [c for s in sheet(rulebook).services if s.key in services for c in s.categories]
    found = {
        "services": tuple(services),
        "categories": tuple(categories),
        "groups": tuple(groups),
        "target_groups": tuple(target_groups),
        "types": tuple(types),
        "priorities": tuple(priorities),
        "majors": majors,
    }
    return {name: value for name, value in found.items() if value not in ((), None)}


def _known(what: str, chosen: Sequence[Any], known: Sequence[Any]) -> None:
    for one in chosen:
        if one not in known:
            raise UsageFault(f"there is no {what} {one!r}; known are {', '.join(map(str, known)) or 'none'}")


def named(
    filters: Sequence[tuple[str, Sequence[str]]], rulebook: Rulebook, words: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Return the filters of a report as label and names, in the words of a language."""
    names = {
        "service": {service.key: service.name for service in sheet(rulebook).services},
        "category": {category.key: category.name for category in rulebook.categories},
        "group": {group.key: group.name for group in rulebook.groups},
        "target_group": {group.key: group.name for group in rulebook.target_groups},
        "priority": {str(p.level): f"P{p.level}" for p in rulebook.priorities},
    }
    return [
        (words[kind], ", ".join(names.get(kind, words).get(key, key) for key in chosen))
        for kind, chosen in filters
    ]
