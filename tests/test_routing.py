"""Routing: the first rule that matches wins, and says why."""

from __future__ import annotations

from typing import Any

import pytest

from sdtool.errors import BadSetup
from sdtool.rulebook import Route
from sdtool.rules.routing import LONGEST, Case, route
from tests.rulebooks import read, shipped_text

BOOK = read(shipped_text())


def case(**values: Any) -> Case:
    """Return a case with defaults for what is not given."""
    given = {"type": "incident", "category": "other", "target_group": "staff", "channel": "phone"}
    return Case(**{**given, "priority": 3, "text": "iets", **values})


@pytest.mark.parametrize(
    ("values", "rule", "group", "why"),
    [
        ({}, "al het andere", "servicedesk", "always"),
        ({"category": "printer"}, "al het andere", "servicedesk", "always"),
        ({"text": "vreemde Phishingmail"}, "veiligheid eerst", "security", "word phishing"),
        ({"category": "security"}, "informatieveiligheid", "security", "category security"),
        ({"category": "network", "priority": 2}, "kritiek netwerk", "network",
         "category network, priority 2"),
        ({"category": "network", "priority": 3}, "al het andere", "servicedesk", "always"),
        ({"category": "telephony"}, "vaste telefonie", "network", "type incident, category telephony"),
        ({"category": "telephony", "type": "request"}, "al het andere", "servicedesk", "always"),
        ({"category": "server"}, "servers", "systems", "category server"),
        ({"category": "server", "text": "virus op de server"}, "veiligheid eerst", "security", "word virus"),
        ({"category": "workplace", "type": "request"}, "nieuwe werkplek", "workplace",
         "type request, category workplace"),
    ],
)  # fmt: skip
def test_shipped_rules(values: dict[str, Any], rule: str, group: str, why: str) -> None:
    """The shipped rules send each case where they say, with the conditions that held."""
    assert route(BOOK.routes, case(**values)) == (rule, group, why)


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ({"type": ("request",)}, {"type": "request"}),
        ({"category": ("mail", "other")}, {"category": "mail"}),
        ({"target_group": ("deputies",)}, {"target_group": "deputies"}),
        ({"channel": ("monitoring",)}, {"channel": "monitoring"}),
        ({"priority": (1, 2)}, {"priority": 1}),
        ({"words": ("beamer",)}, {"text": "de BEAMER flikkert"}),
    ],
)
def test_each_condition_decides(condition: dict[str, Any], values: dict[str, Any]) -> None:
    """Each condition alone lets its own case through, and no other."""
    rules = [Route("this", "a", **condition), Route("else", "b")]
    assert (
        route(rules, case(**values, **({"category": "printer"} if "category" not in values else {}))).rule
        == "this"
    )
    assert route(rules, case(category="printer")).rule == "else"


def test_all_conditions_must_hold() -> None:
    """A rule with two conditions needs both."""
    rules = [Route("both", "a", priority=(1,), words=("brand",)), Route("else", "b")]
    assert route(rules, case(priority=1)).rule == "else"
    assert route(rules, case(text="brand")).rule == "else"
    assert route(rules, case(priority=1, text="brand")).rule == "both"


def test_only_the_beginning_of_a_long_text_is_read() -> None:
    """Rules read a bounded part of a text, so that nobody can slow them down."""
    rules = [Route("word", "a", words=("virus",)), Route("else", "b")]
    assert route(rules, case(text="x " * (LONGEST // 2 - 4) + "virus")).rule == "word"
    assert route(rules, case(text="x " * LONGEST + "virus")).rule == "else"


def test_no_rule_is_a_fault_of_the_setup() -> None:
    """When nothing matches, the rulebook is to blame, and the message says what to add."""
    with pytest.raises(BadSetup, match="without conditions"):
        route([Route("none", "a", type=("request",))], case())
