"""`sd why`: priority, route and deadlines, each with the rule that gave it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Sd
from tests.rulebooks import changed, use

New = Callable[..., int]


def why(sd: Sd, number: int, what: str) -> str:
    """Return the rule behind one fact."""
    return str(sd("why", number, "--format", "json").json()[what]["rule"])


def test_five_facts_five_rules(sd: Sd, new: New) -> None:
    """The table names priority, route and the deadlines, each in one line."""
    assert sd("why", new(category="network", urgency="critical")).out.splitlines() == [
        "Priority     P2: urgency critical x target group staff gives P2",
        "Route        network: rule 'kritiek netwerk' (category network, priority 2)",
        "Respond by   2026-11-23 11:30: incident P2: 1 h, calendar office, from 2026-11-23 10:30",
        "Resolve by   2026-11-24 10:00: incident P2: 8 h, calendar office, from 2026-11-23 10:30",
        "Update by    2026-11-24 10:30: 8 h 30 min after the customer last heard something, calendar office",
    ]


def test_override_and_what_it_hides(sd: Sd, new: New) -> None:
    """An override is named with its reason, beside what was derived."""
    number = new()
    sd("edit", number, "--priority", "1", "--reason", "gouverneur")
    assert why(sd, number, "priority") == (
        "overridden: gouverneur; derived: urgency normal x target group staff gives P3"
    )


def test_last_move_and_first_rule(sd: Sd, new: New) -> None:
    """A ticket that was moved tells by whom, why, and where it came from."""
    number = new()
    sd("escalate", number, "--to", "workplace", "--reason", "trommel kapot")
    text = why(sd, number, "route")
    assert text.startswith("escalate by ")
    assert "on 2026-11-23 10:30, trommel kapot; at first rule 'al het andere' (always)" in text


def test_undone_moves_are_not_named(sd: Sd, new: New) -> None:
    """A move that was taken back is not the reason of anything."""
    number = new()
    sd("escalate", number, "--to", "workplace", "--reason", "vergissing")
    sd("undo")
    assert why(sd, number, "route") == "rule 'al het andere' (always)"


def test_the_move_before_an_undone_one_is(sd: Sd, new: New) -> None:
    """Of two moves of which the last was taken back, the first is named."""
    number = new()
    sd("escalate", number, "--to", "workplace", "--reason", "trommel")
    sd("escalate", number, "--to", "network", "--reason", "vergissing")
    sd("undo")
    assert "trommel" in why(sd, number, "route") and "vergissing" not in why(sd, number, "route")


def test_waits_are_named_where_they_count(sd: Sd, new: New) -> None:
    """A wait is named with the deadline that it moved, not with one that was over by then."""
    number = new(urgency="critical")
    sd("wait", number, "--on", "supplier", "--for", "x", "--until", "16:00", as_of="2026-11-23T13:00")
    sd("resume", number, as_of="2026-11-23T15:00")
    assert why(sd, number, "resolve_by").endswith(", plus 2 h waiting for supplier")
    assert "plus" not in why(sd, number, "respond_by")


def test_time_resolved_is_named(sd: Sd, new: New) -> None:
    """The time between solution and reopening is told apart."""
    number = new()
    sd("close", number, "--solution", "x", as_of="2026-11-23T11:00")
    sd("reopen", number, "--reason", "toch niet", as_of="2026-11-23T14:00")
    assert why(sd, number, "resolve_by").endswith(", plus 2 h 30 min resolved")


def test_days_are_named_as_days(sd: Sd, new: New) -> None:
    """A target in working days is not worded in hours."""
    assert "P3: 3 working day(s), calendar office" in why(sd, new(), "resolve_by")


def test_other_agreements_today(sd: Sd, new: New, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the matrix was changed since, the ticket's own priority is not explained away."""
    number = new()
    old = "normal   = { deputies = 2, management = 3, frontoffice = 3, schools = 3, staff = 3"
    use(place, monkeypatch, changed((old, old.replace("staff = 3", "staff = 4"))))
    assert why(sd, number, "priority") == (
        "P3 as it was registered or imported; today urgency normal x target group staff gives P4"
    )


def test_csv(sd: Sd, new: New) -> None:
    """For a spreadsheet: what, value, rule."""
    lines = sd("why", new(), "--format", "csv").out.splitlines()
    assert lines[0] == "what,value,rule" and len(lines) == 5


def test_missing(sd: Sd) -> None:
    """A ticket that is not there is not found."""
    assert sd("why", 9).code == 4
