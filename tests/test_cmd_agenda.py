"""`sd agenda`: what is due when, as people and programs read it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdtool.desk import Desk
from tests.conftest import Sd
from tests.rulebooks import changed, use
from tests.test_cli import screen

New = Callable[..., int]


@pytest.fixture
def me(sd: Sd) -> str:
    """The login of who types."""
    return str(sd("admin", "info", "--format", "json").json()["actor"])


@pytest.fixture
def day(sd: Sd, new: New) -> Sd:
    """A desk with something of each kind: a day of one agent."""
    for summary in ("Printer", "Scherm", "Muis", "Stoel"):
        new(summary)
    sd("take", "1-2")
    sd("promise", 1, "terugbellen", "--at", "10:45", "--callback")
    sd("promise", 2, "offerte sturen", "--at", "14u")
    sd("appointment", "Overleg netwerk", "--at", "16u", "--until", "17u")
    sd("pend", 3, "--until", "15:30", "--reason", "na de vergadering")
    sd("assign", 4, "network/els")
    return sd


def rows(sd: Sd, *words: str, **more: Any) -> list[dict[str, Any]]:
    """Return the entries as JSON, without the opening hours."""
    found = sd("agenda", *words, "--format", "json", **more).json()
    return [row for row in found if row["kind"] not in ("open", "closed")]


def kinds(sd: Sd, *words: str, **more: Any) -> list[tuple[str, str]]:
    """Return time and kind of the entries."""
    return [(row["at"][11:16], row["kind"]) for row in rows(sd, *words, **more)]


def test_a_day_in_order(day: Sd) -> None:
    """Mine, and what nobody has in my groups; not what another group's agent has."""
    assert day("agenda").out.splitlines() == [
        "Mon 2026-11-23  08:00-12:00 12:30-17:00",
        "10:45        call-back 1    SD-1 terugbellen",
        "14:00        promise 2      SD-2 offerte sturen",
        "15:00        respond        SD-3 Muis",
        "15:30        returns        SD-3 Muis",
        "16:00-17:00  appointment 3  Overleg netwerk",
    ]


def test_what_is_late_comes_first(day: Sd) -> None:
    """Left undone, it stands on top until it is kept; an appointment just passes."""
    assert day("agenda", as_of="2026-11-24T08:30").out.splitlines()[:5] == [
        "Late",
        "2026-11-23 10:45  call-back 1  SD-1 terugbellen",
        "2026-11-23 14:00  promise 2    SD-2 offerte sturen",
        "2026-11-23 15:00  respond      SD-3 Muis",
        "2026-11-23 15:30  returns      SD-3 Muis",
    ]
    assert "appointment" not in {kind for _, kind in kinds(day, as_of="2026-11-24T08:30")}


def test_deadlines_come_when_they_are_near(day: Sd) -> None:
    """Those to resolve are due on Thursday: in that day's agenda, and in the week's."""
    thursday = kinds(day, "--day", "do")
    assert thursday == [("10:30", "resolve")] * 3
    assert [entry for entry in kinds(day, "--week") if entry[1] == "resolve"] == thursday


def test_a_paused_ticket_has_no_deadline(day: Sd) -> None:
    """While the clock stands nothing is due, but the feedback."""
    day("wait", 1, "--on", "customer", "--for", "foto", "--until", "wo 9u")
    found = [row["kind"] for row in rows(day, "--week") if row["ticket"] == 1]
    assert found in (["callback", "feedback"], ["callback", "returns"])


def test_owed_feedback(day: Sd, desk: Desk) -> None:
    """What others owe for my tickets, when it is due."""
    values = "1, 1, 'customer', 'foto van het scherm', :now, 'els', :now, 0, 'open'"
    desk.store.execute(
        "insert into owed (id, ticket, kind, what, asked_at, asked_by, due_at, step, state)"
        f" values ({values})",
        now=desk.now + 3600,
    )
    (one,) = [row for row in rows(day) if row["kind"] == "feedback"]
    assert (one["at"][11:16], one["text"], one["number"]) == ("11:30", "customer: foto van het scherm", 1)


def test_kept_and_cancelled_leave_it(day: Sd) -> None:
    """Only what is still to do."""
    day("promise", "keep", 1)
    day("promise", "cancel", 2, "--reason", "x")
    assert kinds(day) == [("15:00", "respond"), ("15:30", "returns"), ("16:00", "appointment")]


def test_a_closed_ticket_keeps_its_promise(day: Sd) -> None:
    """What was promised is not over because the ticket is; it says so, on closing and in the agenda."""
    closed = day("close", 1, "--solution", "x")
    assert "promise 1 for SD-1 stays open: 2026-11-23 10:45 terugbellen" in closed.err
    assert "SD-1 terugbellen (resolved)" in day("agenda").out
    assert "SD-1 (resolved)" in day("promise", "list").out
    assert "promises: 1 callback 2026-11-23 10:45" in day("show", 1).out


def test_next_puts_it_first(day: Sd) -> None:
    """A promise that is due goes before any deadline, in words that one would use."""
    day("edit", 3, "--urgency", "critical")
    ran = day("next", as_of="2026-11-23T10:50")
    assert ran.out.startswith("SD-1 first: you promised to call back at 10:45: terugbellen (promise 1)")
    steps = day("next", "--format", "json", as_of="2026-11-23T10:50").json()
    assert [(step["id"], step["promise"]) for step in steps[:2]] == [(1, 1), (2, None)]


def test_the_team(day: Sd, me: str, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What colleagues of my groups have, with who has it; not what other groups do."""
    network = 'name = "Netwerk en telefonie"'
    groups = ("members = []", f'members = ["{me}", "jan"]'), (network, f'{network}\nmembers = ["els"]')
    use(place, monkeypatch, changed(*groups))
    day("promise", 2, "nakijken", "--at", "11u", "--for", "jan")
    day("appointment", "Datacenter", "--at", "11u", "--for", "els")
    assert "jan: SD-2 nakijken" in day("agenda", "--team").out
    assert "nakijken" not in day("agenda").out
    assert "Datacenter" not in day("agenda", "--team").out


def test_a_buffer_is_in_the_agenda_of_every_colleague(
    day: Sd, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S18: when callers are kept away, everybody of the groups knows until when."""
    assert day("appointment", "Storing netwerk", "--at", "11u", "--buffer").code == 2
    day("appointment", "Storing netwerk", "--at", "11u", "--until", "12u", "--buffer", "--for", "jan")

    assert "11:00-12:00  buffer 4       Storing netwerk" in day("agenda").out
    network = 'name = "Netwerk en telefonie"'
    use(place, monkeypatch, changed((network, f'{network}\nmembers = ["jan"]')))
    assert "Storing" not in day("agenda").out


def test_days_off_and_hours(sd: Sd) -> None:
    """The calendar of the desk: its hours, closed days, and their names."""
    assert sd("agenda", "--day", "25/12").out == "Fri 2026-12-25  closed: Kerstmis\n"
    week = sd("agenda", "--week").out.splitlines()
    assert (len(week), week[-1]) == (7, "Sun 2026-11-29  closed")
    found = sd("agenda", "--day", "25/12", "--format", "json").json()
    assert [(row["kind"], row["at"][:10], row["text"]) for row in found] == [
        ("closed", "2026-12-25", "Kerstmis")
    ]


def test_an_empty_agenda(sd: Sd) -> None:
    """It says so beside the hours, and is no failure."""
    ran = sd("agenda")
    assert (ran.code, "nothing on the agenda" in ran.err) == (0, True)


def test_the_week_is_that_of_the_day(day: Sd) -> None:
    """Monday to Sunday, whichever day of it is named."""
    assert day("agenda", "--week", "--day", "zo").out == day("agenda", "--week").out
    assert "2026-11-30" in day("agenda", "--week", "--day", "volgende vr").out


def test_it_survives_a_day_of_25_hours(sd: Sd) -> None:
    """A day begins and ends at midnight, also when the clock is put back."""
    sd("appointment", "Wissel", "--at", "2026-10-25T23:30", as_of="2026-10-20T09:00")
    ran = sd("agenda", "--day", "2026-10-25", as_of="2026-10-20T09:00")
    assert "23:30  appointment 1  Wissel" in ran.out
    assert "Wissel" not in sd("agenda", "--day", "2026-10-26", as_of="2026-10-20T09:00").out


@pytest.mark.parametrize("columns", [80, 40])
def test_it_fits_the_terminal(day: Sd, columns: int) -> None:
    """No line is wider than a terminal, also a narrow one."""
    day("promise", 1, "uitleggen waarom de printer op de derde verdieping niet werkt", "--at", "16:30")
    for line in ("agenda", "agenda --week --team", "--as-of 2026-11-24T08:30 agenda"):
        shown = screen(line, columns)
        assert shown and max(map(len, shown)) <= columns, shown


def test_wrong_day(sd: Sd) -> None:
    """A day that is none is refused with the forms."""
    ran = sd("agenda", "--day", "strakjes")
    assert (ran.code, "is not a date" in ran.err) == (2, True)


def test_promises_outside_opening_hours(sd: Sd, new: New) -> None:
    """A remark: nobody will be there. It is kept all the same."""
    new()
    ran = sd("promise", 1, "bellen", "--at", "za 9u")
    assert (ran.code, ran.err) == (0, "2026-11-28 09:00 lies outside opening hours\n")
