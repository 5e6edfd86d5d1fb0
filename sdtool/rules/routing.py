"""Routing: named rules in order, the first that matches wins."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Sequence
from typing import NamedTuple

from sdtool.errors import BadSetup
from sdtool.rulebook import Route
from sdtool.rulebook.words import holds, words_of

LONGEST = 2000  # characters of a text that rules look at


class Case(NamedTuple):
    """What routing rules may look at."""

    type: str
    category: str
    target_group: str
    channel: str
    priority: int
    text: str


class Routed(NamedTuple):
    """The winning rule, its solver group, and why it won."""

    rule: str
    group: str
    reason: str


def route(routes: Sequence[Route], case: Case) -> Routed:
    """Return where the first matching rule sends `case`.

    A rule matches when each of its conditions does; of its words one must be found in the text
    (see `rulebook.words`).

    Raises:
        BadSetup: no rule matches (the rulebook check demands a last one that always does).
    """
    words = words_of(case.text[:LONGEST])
    for rule in routes:
        matched = _matches(rule, case, words)
        if matched is not None:
            return Routed(rule.name, rule.group, ", ".join(matched) or "always")
    raise BadSetup("no routing rule matches; add a last [[routes]] without conditions")


def _matches(rule: Route, case: Case, words: list[str]) -> list[str] | None:
    """Return the conditions of a rule that hold; None when one does not."""
    held = []
    for field in ("type", "category", "target_group", "channel", "priority"):
        wanted = getattr(rule, field)
        if wanted and getattr(case, field) not in wanted:
            return None
        if wanted:
            held.append(f"{field.replace('_', ' ')} {getattr(case, field)}")
    if rule.words:
        found = next((w for w in rule.words if holds(words, words_of(w))), None)
        if found is None:
            return None
        held.append(f"word {found}")
    return held
