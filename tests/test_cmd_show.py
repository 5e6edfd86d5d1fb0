"""`sd show` and `sd history`: a ticket whole, to who may read it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sdtool.desk import Desk, registration
from tests.conftest import Sd

New = Callable[..., int]


@pytest.fixture
def secret(desk: Desk) -> int:
    """A confidential ticket that the actor of `sd` may not read."""
    report = registration.Report(
        "Pestgedrag", 1, "phone", "incident", "other", "normal", description="klacht"
    )
    return registration.register(desk, report._replace(confidential=True)).id


def test_table_leaves_out_what_is_empty(sd: Sd, new: New) -> None:
    """The number and summary on top, then what there is to say, in local time."""
    number = new()
    lines = sd("show", number).out.splitlines()
    assert lines[0] == f"SD-{number}  Printer werkt niet"
    assert "resolve_by: 2026-11-26 10:30" in lines and "caller: Test Melder" in lines
    assert not any(line.startswith(("solution", "agent", "links", "reopens", "late")) for line in lines)


def test_json_holds_every_key(sd: Sd, new: New) -> None:
    """Machines get every key, empty ones too."""
    row = sd("show", new(), "--format", "json").json()
    assert {
        "solution",
        "agent",
        "links",
        "reopens",
        "late",
        "derived_priority",
        "merged_into",
        "rev",
    } <= row.keys()
    assert (row["links"], row["resolved_at"], row["late"]) == ([], None, False)


def test_override_stands_beside_the_derived(sd: Sd, new: New) -> None:
    """An overridden priority shows what it would have been."""
    number = new()
    sd("edit", number, "--priority", "1", "--reason", "gouverneur")
    out = sd("show", number).out
    assert "priority: 1 (derived: 3)\n" in out and "override_reason: gouverneur\n" in out


def test_text_from_outside_cannot_pass_for_a_field(sd: Sd, new: New) -> None:
    """Further lines of a description are indented."""
    number = new("x", "--description", "-")
    sd("edit", number, "--description", "-", stdin="eerste\npriority: 1\n")
    assert "description: eerste\n    priority: 1\n" in sd("show", number).out


@pytest.mark.parametrize("name", ["1", "SD-1", "sd-1", "#1"])
def test_number_in_all_its_forms(sd: Sd, new: New, name: str) -> None:
    """A ticket may be named as in mails and on paper."""
    new()
    assert sd("show", name).out.startswith("SD-1  ")


@pytest.mark.parametrize(
    ("name", "code"), [("2", 4), ("0", 4), ("x", 2), ("-1", 2), ("1-2", 2), ("1,2", 2), ("", 2)]
)
def test_numbers_that_name_no_ticket(sd: Sd, new: New, name: str, code: int) -> None:
    """A number without ticket is not found; what is no number is a usage fault."""
    new()
    assert sd("show", name).code == code


@pytest.mark.parametrize("words", [["show"], ["history"], ["why"]])
def test_confidential_is_refused_to_others(sd: Sd, secret: int, words: list[str]) -> None:
    """Who neither registered it, nor has it, nor is in its group, gets 77 and nothing else."""
    ran = sd(*words, secret)
    assert (ran.code, ran.out) == (77, "")
    assert "is confidential" in ran.err and "Pestgedrag" not in ran.err


def test_reading_a_confidential_ticket_is_journaled(sd: Sd, new: New, desk: Desk) -> None:
    """Who reads it leaves a trace; a ticket that is not confidential leaves none."""
    number, other = new("x", "--confidential"), new()
    sd("show", number)
    sd("show", other)
    rows = desk.store.query("select subject, actor from event where kind = 'reading'")
    assert [row["subject"] for row in rows] == [number]
    assert rows[0]["actor"] == sd("admin", "info", "--format", "json").json()["actor"]


def test_reading_changes_no_revision(sd: Sd, new: New) -> None:
    """Reading is no change: the revision stays, and the journal holds."""
    number = new("x", "--confidential")
    sd("show", number)
    assert sd("show", number, "--format", "json").json()["rev"] == 1
    assert sd("audit", "verify").code == 0


def test_history_tells_what_happened(sd: Sd, new: New) -> None:
    """Each act in order, with who, when and what changed."""
    number = new()
    sd("note", number, "kabel getest")
    sd("escalate", number, "--to", "workplace", "--reason", "trommel kapot")
    lines = sd("history", number).out.splitlines()
    assert [line.split()[4] for line in lines[1:]] == ["new", "note", "escalate"]
    assert "kabel getest" in lines[2]
    assert "trommel kapot; " in lines[3] and "group workplace (was servicedesk)" in lines[3]


def test_history_for_machines(sd: Sd, new: New) -> None:
    """JSON holds the data of each event, old and new values."""
    number = new()
    sd("edit", number, "--urgency", "high")
    event = sd("history", number, "--format", "json").json()[-1]
    assert (event["data"]["set"]["urgency"], event["data"]["was"]["urgency"]) == ("high", "normal")
    assert event["at"] == "2026-11-23T10:30:00+01:00"
