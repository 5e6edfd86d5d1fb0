"""Undo: the last own act is taken back whole, unless something was done since."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sdtool.desk import Desk, handling, replay
from sdtool.store.journal import history
from tests.conftest import Sd
from tests.test_tickets import act_table

New = Callable[..., int]
KEPT = ("rev",)


@pytest.mark.parametrize("line", act_table())
def test_undo_restores_the_ticket(sd: Sd, new: New, desk: Desk, line: str) -> None:
    """After undo the ticket is field by field what it was, and the journal still holds."""
    number, other = new(), new("Ander")
    before = sd("show", number, "--format", "json").json()

    assert sd(*line.format(n=number, o=other).split(), as_of="2026-11-23T11:00").code == 0
    ran = sd("undo", as_of="2026-11-23T14:00")
    after = sd("show", number, "--format", "json").json()

    assert ran.code == 0, ran.err
    assert {k: v for k, v in before.items() if k not in KEPT} == {
        k: v for k, v in after.items() if k not in KEPT
    }
    assert list(replay.differences(desk.store)) == []


def test_both_stay_in_the_journal(sd: Sd, new: New, desk: Desk) -> None:
    """Undoing adds to the history; nothing is taken out."""
    number = new()
    sd("take", number)
    sd("undo")
    assert [e["verb"] for e in history(desk.store, "ticket", number)] == ["new", "take", "undo"]


def test_undo_of_many_is_one(sd: Sd, new: New) -> None:
    """An act on three tickets is undone on all three."""
    numbers = [new(), new(), new()]
    sd("assign", ",".join(map(str, numbers)), "network/els")
    assert sd("undo").out.count("assign is undone") == 3
    assert {row["group"] for row in sd("list", "--format", "json").json()} == {"servicedesk"}


def test_undo_goes_further_back(sd: Sd, new: New) -> None:
    """Undo again takes back the act before."""
    number = new()
    sd("take", number)
    sd("start", number)
    assert "start is undone" in sd("undo").out
    assert "take is undone" in sd("undo").out
    assert sd("show", number, "--format", "json").json()["state"] == "new"


def test_undone_registration_is_cancelled(sd: Sd, new: New) -> None:
    """A number that was given out stays given out: the ticket is cancelled."""
    number = new()
    assert sd("undo").out == f"ticket {number}: the registration is undone, the ticket is cancelled\n"
    assert sd("show", number, "--format", "json").json()["state"] == "cancelled"
    assert new("Volgende") == number + 1


def test_not_when_somebody_was_later(sd: Sd, new: New, desk: Desk) -> None:
    """What somebody else built upon is not undone: a conflict that says who did what."""
    number = new()
    sd("take", number)
    handling.note(desk, number, "gezien", public=False)
    ran = sd("undo")
    assert (ran.code, "was changed since (note by agent): not undone" in ran.err) == (5, True)


def test_only_own_acts(sd: Sd, new: New, desk: Desk) -> None:
    """Undo takes back what the actor did, not what somebody else did last."""
    one, two = new(), new()
    sd("take", one)
    handling.note(desk, two, "van een ander", public=False)
    assert sd("undo").out == f"ticket {one}: take is undone\n"


def test_many_are_undone_together_or_not_at_all(sd: Sd, new: New, desk: Desk) -> None:
    """When one ticket of an act was changed since, the others stay as they are."""
    one, two = new(), new()
    sd("take", f"{one},{two}")
    handling.note(desk, one, "gezien", public=False)
    assert sd("undo").code == 5
    assert sd("show", two, "--format", "json").json()["state"] == "assigned"


def test_nothing_to_undo(sd: Sd, new: New) -> None:
    """When everything is undone, undo says so with 4."""
    new()
    sd("undo")
    ran = sd("undo")
    assert ran.code in (3, 4)


def test_person_is_not_undone(sd: Sd) -> None:
    """A change of the directory is refused, with the command that changes it."""
    ran = sd("undo")
    assert (ran.code, "sd person edit 1" in ran.err) == (3, True)


def test_undo_dry_run(sd: Sd, new: New) -> None:
    """A dry run says what would be undone, and undoes nothing."""
    number = new()
    sd("take", number)
    assert sd("undo", "--dry-run").out == f"(dry run) ticket {number}: take is undone\n"
    assert sd("show", number, "--format", "json").json()["state"] == "assigned"


def test_undone_wait_gives_its_time_back(sd: Sd, new: New) -> None:
    """A wait that was undone did not stop the clock: the deadline is that of the registration."""
    number = new()
    sd("wait", number, "--on", "customer", "--for", "x", "--until", "+3wd", as_of="2026-11-23T11:00")
    sd("undo", as_of="2026-11-23T16:00")
    assert sd("show", number, "--format", "json").json()["resolve_by"][:16] == "2026-11-26T10:30"
    assert (
        sd("sla", "show", number, "--format", "json", as_of="2026-11-23T17:00").json()["sums"]["counted"]
        == 21_600
    )


def test_calendar_sync_is_not_undone(sd: Sd, new: New) -> None:
    """A synchronised calendar is no act on tickets: undo passes it over."""
    number = new()
    sd("take", number)
    sd("calendar", "sync")
    assert sd("undo").out == f"ticket {number}: take is undone\n"


def test_undone_note_is_not_mailed(sd: Sd, new: New, desk: Desk) -> None:
    """A public note that is taken back in time answers nobody: its mail leaves the queue."""
    number = new()
    sd("note", number, "verkeerd", "--public")
    assert sd("undo").code == 0
    assert [row["state"] for row in desk.store.query("select state from outbox")] == ["dropped"]
    assert sd("show", number, "--format", "json").json()["responded_at"] is None
    assert sd("audit", "verify").code == 0


@pytest.mark.parametrize("state", ["sending", "sent"])
def test_a_mail_that_left_is_not_undone(sd: Sd, new: New, desk: Desk, state: str) -> None:
    """What the customer has read cannot be taken back."""
    number = new()
    sd("note", number, "verkeerd", "--public")
    desk.run(lambda: desk.store.execute("update outbox set state = :state", state=state))
    ran = sd("undo")
    assert (ran.code, "in a mail already: not undone" in ran.err) == (3, True)
