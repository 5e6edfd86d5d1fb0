"""`sd agenda --format ics`: what a calendar program reads, read by the icalendar library."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import icalendar
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdtool.desk import Desk, agenda, ics, promises
from tests.conftest import Sd

New = Callable[..., int]


def read(sd: Sd, *words: str, **more: Any) -> dict[str, Any]:
    """Return the events of the calendar file by their identifier, without the desk's own part."""
    ran = sd("agenda", "--format", "ics", *words, **more)
    assert ran.code == 0, ran.err
    return parsed(ran.out)


def parsed(text: str) -> dict[str, Any]:
    """Return the events of a calendar file by their identifier."""
    whole = icalendar.Calendar.from_ical(text)
    assert whole.errors == []
    return {str(event["uid"]).split("@")[0]: event for event in whole.walk("VEVENT")}


def test_moments_are_utc(sd: Sd, new: New) -> None:
    """Half past two in Brussels in winter is half past one UTC; nothing depends on a zone."""
    new()
    sd("promise", 1, "terugbellen", "--at", "14:30", "--callback")
    ran = sd("agenda", "--format", "ics")
    assert "DTSTART:20261123T133000Z" in ran.out
    assert ran.out.startswith("BEGIN:VCALENDAR\r\n") and ran.out.endswith("END:VCALENDAR\r\n")
    assert "VTIMEZONE" not in ran.out
    assert str(read(sd)["promise-1"]["summary"]) == "Call back: terugbellen (SD-1)"


def test_the_same_records_give_the_same_file(sd: Sd, new: New) -> None:
    """Whenever it is made: a program that polls it sees no change where there is none."""
    new()
    sd("promise", 1, "terugbellen", "--at", "14:30")
    assert (
        sd("agenda", "--format", "ics").out == sd("agenda", "--format", "ics", as_of="2026-11-23T13:00").out
    )


def test_a_move_is_an_update(sd: Sd) -> None:
    """The same identifier, a higher sequence, another moment, changed when it was moved."""
    sd("appointment", "Overleg", "--at", "14u", "--until", "15u")
    before = read(sd)["promise-1"]
    sd("promise", "move", 1, "--at", "do 10u", as_of="2026-11-23T11:00")
    after = read(sd)["promise-1"]
    assert before["uid"] == after["uid"]
    assert [event["sequence"] for event in (before, after)] == [0, 1]
    assert after["dtstart"].dt.isoformat() == "2026-11-26T09:00:00+00:00"
    assert after["dtend"].dt.isoformat() == "2026-11-26T10:00:00+00:00"
    assert after["dtstamp"].dt.isoformat() == "2026-11-23T10:00:00+00:00"


def test_what_was_cancelled_is_taken_out(sd: Sd) -> None:
    """It stays in the file as cancelled for thirty days, so that every subscriber hears it."""
    sd("appointment", "Overleg", "--at", "14u")
    sd("promise", "cancel", 1, "--reason", "x")
    event = read(sd)["promise-1"]
    assert (str(event["status"]), event["sequence"]) == ("CANCELLED", 1)
    assert str(event["summary"]) == "Cancelled: Overleg"
    assert "promise-1" in read(sd, as_of="2026-12-23T10:00")
    assert "promise-1" not in read(sd, as_of="2026-12-24T10:00")


def test_undo_is_told_too(sd: Sd) -> None:
    """A cancelled appointment that is not cancelled after all comes back with a higher sequence."""
    sd("appointment", "Overleg", "--at", "14u")
    sd("promise", "cancel", 1, "--reason", "x")
    sd("undo")
    event = read(sd)["promise-1"]
    assert (str(event["status"]), event["sequence"]) == ("CONFIRMED", 2)


def test_confidential_tickets_tell_nothing(sd: Sd, new: New) -> None:
    """Also to who may read them: a calendar is seen by others."""
    new("Ontslag Jan", "--confidential")
    sd("take", 1)
    sd("promise", 1, "Jan bellen", "--at", "14u")
    ran = sd("agenda", "--format", "ics")
    assert "Jan" not in ran.out
    assert str(read(sd)["promise-1"]["summary"]) == "Promised: (confidential) (SD-1)"
    assert "Jan bellen" in sd("agenda").out


def test_it_holds_all_days_unless_asked(sd: Sd, new: New) -> None:
    """What is due next year is in it; of one day only when that is asked for."""
    new()
    sd("promise", 1, "nakijken", "--at", "2027-03-01")
    assert "promise-1" in read(sd)
    assert "promise-1" not in read(sd, "--week")


def test_only_what_takes_time_makes_one_busy(sd: Sd, new: New) -> None:
    """A deadline blocks no room in the calendar."""
    new()
    sd("appointment", "Overleg", "--at", "14u")
    assert {uid: str(event["transp"]) for uid, event in read(sd).items()} == {
        "promise-1": "OPAQUE",
        "respond-1": "TRANSPARENT",
        "resolve-1": "TRANSPARENT",
    }


def test_no_line_is_too_long(sd: Sd) -> None:
    """RFC 5545, 3.1: at most 75 octets a line; the rest is folded."""
    sd("appointment", "é" * 300, "--at", "14u")
    ran = sd("agenda", "--format", "ics")
    assert max(len(line.encode()) for line in ran.out.split("\r\n")) <= 75
    assert str(read(sd)["promise-1"]["summary"]) == "é" * 300


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=90)
)
def test_any_text_comes_through(desk: Desk, text: str) -> None:
    """Commas, semicolons, backslashes, line breaks and controls: nothing gets out of its property."""
    if not text.strip():
        return
    one = promises.make(desk, None, text, desk.now + 60, kind="appointment")
    (entry,) = [e for e in agenda.entries(desk, agenda.scope(desk, team=False)) if e.number == one.id]
    found = parsed(ics.calendar(desk, [entry], "x"))
    assert list(found) == [f"promise-{one.id}"]
    assert str(found[f"promise-{one.id}"]["summary"]) == ics._summary(entry)


def test_without_the_library_it_says_what_to_install(sd: Sd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra is not installed everywhere."""
    import sys

    monkeypatch.setitem(sys.modules, "icalendar", None)
    ran = sd("agenda", "--format", "ics")
    assert (ran.code, 'pip install "sdtool[ics]"' in ran.err) == (78, True)
