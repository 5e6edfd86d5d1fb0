"""`sd edit`: correcting what was registered; priority and deadlines follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.conftest import Sd

New = Callable[..., int]


def edit(sd: Sd, number: int, *words: str, stdin: str = "") -> dict[str, Any]:
    """Edit a ticket; return it as JSON."""
    ran = sd("edit", number, *words, "--format", "json", stdin=stdin)
    assert ran.code == 0, ran.err
    (row,) = ran.json()
    return dict(row)


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("--summary Scanner", "summary", "Scanner"),
        ("--description -", "description", "het verhaal"),
        ("--type request", "type", "request"),
        ("--category mail", "category", "mail"),
        ("--urgency low", "urgency", "low"),
        ("--impact department", "impact", "department"),
        ("--channel mail", "channel", "mail"),
        ("--fmis F-1", "fmis_ref", "F-1"),
        ("--confidential", "confidential", True),
        ("--caller bea@x.be", "caller", "Bea Claes"),
    ],
)
def test_each_field(sd: Sd, new: New, words: str, field: str, value: object) -> None:
    """Each option changes its field, and nothing but what hangs on it."""
    sd("person", "add", "Bea Claes", "--mail", "bea@x.be")
    row = edit(sd, new(), *words.split(), stdin="het verhaal\n")
    assert (row[field], row["rev"]) == (value, 2)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], 2),
        (["--reason", "zomaar"], 2),
        (["--summary", " "], 2),
        (["--category", "koffie"], 4),
        (["--urgency", "soon"], 2),
        (["--impact", "world"], 2),
        (["--channel", "fax"], 2),
        (["--caller", "niemand"], 4),
        (["--priority", "9", "--reason", "x"], 4),
        (["--priority", "-1", "--reason", "x"], 2),
        (["--priority", "1"], 3),
        (["--priority", "1", "--reason", " "], 3),
        (["--fmis", "F-1"], 5),
        (["--fmis", "x" * 101], 2),
        (["--description", "/nowhere/at/all"], 4),
    ],
)
def test_edits_that_cannot_be(sd: Sd, new: New, words: list[str], code: int) -> None:
    """An edit that says nothing, names nothing known, or lacks its reason changes nothing."""
    new("bezet", "--fmis", "F-1")
    number = new()
    assert sd("edit", number, *words).code == code
    assert sd("show", number, "--format", "json").json()["rev"] == 1


@pytest.mark.parametrize(
    ("words", "priority"),
    [("--urgency critical", 2), ("--impact organisation", 1), ("--caller bea@x.be", 2), ("--urgency low", 4)],
)
def test_priority_follows(sd: Sd, new: New, words: str, priority: int) -> None:
    """Another urgency, impact or caller gives the priority of the matrix."""
    sd("person", "add", "Bea Claes", "--mail", "bea@x.be", "--target-group", "deputies")
    row = edit(sd, new(), *words.split())
    assert (row["priority"], row["derived_priority"]) == (priority, priority)


def test_override_stays_beside_the_derived(sd: Sd, new: New) -> None:
    """An override survives later edits, which move the derived value only."""
    number = new()
    row = edit(sd, number, "--priority", "1", "--reason", "gouverneur")
    assert (row["priority"], row["derived_priority"], row["override_reason"]) == (1, 3, "gouverneur")
    row = edit(sd, number, "--urgency", "low")
    assert (row["priority"], row["derived_priority"], row["override_reason"]) == (1, 4, "gouverneur")


def test_zero_takes_the_override_away(sd: Sd, new: New) -> None:
    """Priority 0 gives back the derived one, with its deadlines."""
    number = new()
    before = sd("show", number, "--format", "json").json()
    edit(sd, number, "--priority", "1", "--reason", "gouverneur")
    row = edit(sd, number, "--priority", "0")
    assert (row["priority"], row["override_reason"]) == (3, "")
    assert row["resolve_by"] == before["resolve_by"]


def test_route_is_not_asked_again(sd: Sd, new: New) -> None:
    """A corrected category moves no ticket: `sd assign` does."""
    row = edit(sd, new(), "--category", "server")
    assert (row["category"], row["group"]) == ("server", "servicedesk")


def test_same_values_leave_no_trace(sd: Sd, new: New) -> None:
    """An edit to what it is already is no event and no new revision."""
    number = new()
    assert edit(sd, number, "--urgency", "normal", "--summary", "Printer werkt niet")["rev"] == 1


def test_emptied_fields(sd: Sd, new: New) -> None:
    """Reference and description can be taken away; two tickets may be without."""
    one, two = new("a", "--fmis", "F-1"), new("b", "--fmis", "F-2")
    assert [edit(sd, number, "--fmis", "")["fmis_ref"] for number in (one, two)] == ["", ""]
    assert edit(sd, one, "--description", "-", stdin="")["description"] == ""


def test_confidential_and_back(sd: Sd, new: New) -> None:
    """--open takes confidentiality away again."""
    number = new("x", "--confidential")
    assert edit(sd, number, "--open")["confidential"] is False


def test_other_person_data_move_no_ticket(sd: Sd, new: New) -> None:
    """When somebody moves to another target group, open tickets keep theirs; new ones follow."""
    number = new()
    sd("person", "edit", "1", "--target-group", "deputies")
    rows = {row["id"]: row for row in sd("list", "--format", "json").json()}
    assert (rows[number]["target_group"], rows[number]["priority"]) == ("staff", 3)
    later = sd("show", new(), "--format", "json").json()
    assert (later["target_group"], later["priority"]) == ("deputies", 2)
