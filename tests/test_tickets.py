"""The gate: deadlines follow from history, priority, calendar; nothing passes by the rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sdtool.desk import Desk, handling, registration, tickets
from sdtool.errors import Conflict, NotAllowed, NotFound
from tests.conftest import Sd
from tests.rulebooks import changed, shipped_text, use

New = Callable[..., int]


def act_table() -> list[str]:
    """Return a command line for each act on a new ticket {n} that can be undone; {o} is another ticket."""
    return [
        "take {n}",
        "assign {n} network/els",
        "start {n}",
        "note {n} tekst",
        "edit {n} --urgency critical",
        "edit {n} --type request --category mail --summary anders --confidential",
        "edit {n} --priority 1 --reason politie",
        "wait {n} --on customer --for antwoord --until +2wd",
        "pend {n} --until +2wd --reason later",
        "wait {n} --on internal --for sleutel --until +2wd",
        "escalate {n} --to workplace --reason trommel",
        "escalate {n} --hierarchical --reason pers",
        "close {n} --solution klaar --cause slijtage",
        "cancel {n} --reason dubbel",
        "link {n} part-of {o}",
        "merge {n} --into {o}",
        "checklist add {n} sleutel --owner els --due +2wd",
    ]


def epoch(text: str) -> int:
    """Return a local moment as epoch seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Brussels")).timestamp())


def due(sd: Sd, number: int, which: str = "resolve_by") -> str:
    """Return a deadline of a ticket, local time, to the minute."""
    return str(sd("show", number, "--format", "json").json()[which])[:16]


# --- deadlines --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("urgency", "type_", "respond", "resolve"),
    [
        ("critical", "incident", "2026-11-23T11:30", "2026-11-24T10:00"),
        ("high", "incident", "2026-11-23T15:00", "2026-11-26T10:30"),
        ("low", "incident", "2026-11-24T10:30", "2026-11-30T10:30"),
        ("normal", "request", "2026-11-24T10:30", "2026-11-30T10:30"),
        ("low", "request", "2026-11-25T10:30", "2026-12-07T10:30"),
    ],
)
def test_deadline_of_type_and_priority(
    sd: Sd, new: New, urgency: str, type_: str, respond: str, resolve: str
) -> None:
    """Both deadlines follow from the targets of type and priority, in opening hours."""
    number = new(urgency=urgency, type=type_)
    assert (due(sd, number, "respond_by"), due(sd, number)) == (respond, resolve)


def test_deadline_follows_the_priority(sd: Sd, new: New) -> None:
    """Another urgency gives another priority, and its deadlines count from the registration."""
    number = new()
    sd("edit", number, "--urgency", "critical", as_of="2026-11-23T11:00")
    assert (due(sd, number, "respond_by"), due(sd, number)) == ("2026-11-23T11:30", "2026-11-24T10:00")


def test_deadline_follows_the_type(sd: Sd, new: New) -> None:
    """A request has other promises than an incident."""
    number = new()
    sd("edit", number, "--type", "request")
    assert due(sd, number) == "2026-11-30T10:30"


@pytest.mark.parametrize(("party", "moved"), [("customer", 2), ("supplier", 2), ("internal", 0)])
def test_a_wait_moves_the_deadline(sd: Sd, new: New, party: str, moved: int) -> None:
    """The clock stands while a party waits that pauses it, and runs on for the others."""
    number = new()
    sd("wait", number, "--on", party, "--for", "x", "--until", "2026-11-27", as_of="2026-11-23T11:00")
    sd("resume", number, as_of="2026-11-25T11:00")
    assert due(sd, number) == ("2026-11-30T10:30" if moved else "2026-11-26T10:30")


def test_planned_end_counts_until_the_real_one(sd: Sd, new: New) -> None:
    """While a ticket waits its deadline supposes the planned end; resuming early brings it forward."""
    number = new(urgency="critical")
    sd("wait", number, "--on", "customer", "--for", "x", "--until", "16:30", as_of="2026-11-23T11:00")
    assert due(sd, number) == "2026-11-24T15:30"
    sd("resume", number, as_of="2026-11-23T13:30")
    assert due(sd, number) == "2026-11-24T12:00"


def test_a_raised_priority_keeps_elapsed_and_paused(sd: Sd, new: New) -> None:
    """The new target counts from the registration, and the time waited stays outside it."""
    number = new()
    sd("wait", number, "--on", "customer", "--for", "x", "--until", "15:00", as_of="2026-11-23T11:30")
    sd("resume", number, as_of="2026-11-23T13:30")
    sd("edit", number, "--priority", "2", "--reason", "directie", as_of="2026-11-23T14:00")

    book = sd("sla", "show", number, "--format", "json", as_of="2026-11-23T14:00").json()

    assert book["sums"]["paused_customer"] == 5_400
    assert book["sums"]["counted"] == 5_400
    assert book["resolve_by"][:16] == "2026-11-24T11:30"


def test_reopening_goes_on_where_it_stopped(sd: Sd, new: New) -> None:
    """The time between solution and reopening is not counted."""
    number = new(urgency="critical")
    sd("close", number, "--solution", "x", as_of="2026-11-23T11:30")
    sd("reopen", number, "--reason", "toch niet", as_of="2026-11-25T11:30")
    assert due(sd, number) == "2026-11-26T10:00"


def test_late_only_after_the_deadline(sd: Sd, new: New) -> None:
    """A ticket is late after its deadline, not at it, and never while its clock stands."""
    number = new(urgency="critical")

    def late(at: str) -> bool:
        return bool(sd("show", number, "--format", "json", as_of=at).json()["late"])

    assert [late(at) for at in ("2026-11-24T10:00:00", "2026-11-24T10:00:01")] == [False, True]
    sd("wait", number, "--on", "supplier", "--for", "x", "--until", "+1wd", as_of="2026-11-23T11:00")
    assert not late("2026-12-24T10:30")


# --- the calendar of the shipped rulebook -------------------------------------------------------------


@pytest.mark.parametrize(
    ("opened", "due_at"),
    [
        ("2026-03-27T15:00", "2026-04-01T15:00"),
        ("2026-10-23T15:00", "2026-10-28T15:00"),
        ("2026-03-29T02:30", "2026-04-02T08:00"),
        ("2026-10-25T02:30", "2026-10-29T08:00"),
        ("2026-07-10T10:00", "2026-07-15T10:00"),
        ("2026-10-30T10:00", "2026-11-05T10:00"),
        ("2026-11-13T10:00", "2026-11-18T10:00"),
        ("2026-11-10T10:00", "2026-11-16T10:00"),
        ("2026-12-23T10:00", "2027-01-05T10:00"),
        ("2026-12-24T10:00", "2027-01-06T10:00"),
        ("2026-12-28T10:00", "2027-01-07T08:00"),
        ("2026-05-13T10:00", "2026-05-20T10:00"),
    ],
)
def test_three_working_days(sd: Sd, new: New, opened: str, due_at: str) -> None:
    """Three working days pass weekends, clock changes, legal and own days off, and the closed last week."""
    assert due(sd, new(as_of=opened)) == due_at


@pytest.mark.parametrize(
    ("opened", "due_at"),
    [
        ("2026-03-28T20:00", "2026-03-29T05:00"),
        ("2026-03-29T00:30", "2026-03-29T09:30"),
        ("2026-10-24T20:00", "2026-10-25T03:00"),
        ("2026-10-25T00:30", "2026-10-25T07:30"),
        ("2026-11-11T00:30", "2026-11-11T08:30"),
    ],
)
def test_eight_hours_round_the_clock(
    run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch, opened: str, due_at: str
) -> None:
    """Eight hours in a calendar that never closes are eight real hours, whatever the clock is put to."""
    use(place, monkeypatch, shipped_text().replace('calendar = "office"\n\n', 'calendar = "always"\n\n'))
    run("init", as_of="2026-01-05T09:00")
    run("person", "add", "Jan")
    line = "new x --caller Jan --channel phone --type incident --category printer --urgency critical"
    ran = run(*line.split(), "--format", "json", as_of=opened)
    assert ran.json()["resolve_by"][:16] == due_at


def test_valid_from_does_not_move_the_past(
    sd: Sd, new: New, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Agreements that begin later leave tickets of before as they were, also when they are edited."""
    old = new(as_of="2026-11-20T10:00")
    before = due(sd, old)
    later = '[[targets]]\ntype = "incident"\npriority = 3\nvalid_from = 2026-11-23\nrespond = "1 h"\n'
    use(place, monkeypatch, shipped_text() + later + 'resolve = "2 h"\ncalendar = "office"\n')

    sd("edit", old, "--summary", "anders")
    sd("edit", old, "--urgency", "high")
    sd("calendar", "sync")

    assert due(sd, old) == before
    assert due(sd, new()) == "2026-11-23T13:00"


HOLIDAYS = ("2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-30", "2026-12-01")


@pytest.mark.parametrize("urgency", ["critical", "normal", "low"])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("day", HOLIDAYS)
def test_a_holiday_never_makes_it_earlier(
    sd: Sd, new: New, place: Path, monkeypatch: pytest.MonkeyPatch, day: str, urgency: str, waits: bool
) -> None:
    """A day off that `sd calendar sync` brings moves open deadlines later or not at all."""
    number = new(urgency=urgency)
    if waits:
        sd("wait", number, "--on", "customer", "--for", "x", "--until", "+3wd", as_of="2026-11-23T14:00")
        sd("resume", number, as_of="2026-11-25T15:10")
    before = due(sd, number), due(sd, number, "respond_by")
    use(place, monkeypatch, shipped_text() + f'[[days]]\ncalendar = "office"\non = "{day}"\nname = "vrij"\n')

    ran = sd("calendar", "sync")

    after = due(sd, number), due(sd, number, "respond_by")
    assert ran.code == 0 and after[0] >= before[0] and after[1] >= before[1]
    assert waits or day > before[0][:10] or after[0] > before[0]  # within a wait it costs nothing


def test_sync_leaves_ended_tickets(sd: Sd, new: New, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that was met or missed does not change afterwards."""
    number = new()
    sd("close", number, "--solution", "x")
    use(
        place,
        monkeypatch,
        shipped_text() + '[[days]]\ncalendar = "office"\non = "2026-11-24"\nname = "vrij"\n',
    )
    assert "0 deadline(s)" in sd("calendar", "sync").out
    assert due(sd, number) == "2026-11-26T10:30"


# --- the gate -----------------------------------------------------------------------------------------


def test_an_act_is_never_before_the_last(sd: Sd, new: New) -> None:
    """A clock that was put back does not turn history around."""
    number = new(as_of="2026-11-23T10:30")
    sd("take", number, as_of="2026-11-20T09:00")
    assert sd("show", number, "--format", "json").json()["accepted_at"][:16] == "2026-11-23T10:30"


def test_if_rev_refuses_what_was_changed(desk: Desk, new: New) -> None:
    """Who read an older revision is told, and nothing changes."""
    number = new()
    tickets.apply(desk, number, "take", {"agent": "els"})
    with pytest.raises(Conflict, match="at revision 2, not 1"):
        tickets.apply(desk, number, "start", if_rev=1)
    assert tickets.get(desk.store, number).state == "assigned"


def test_missing_ticket(desk: Desk) -> None:
    """What is not there is not found."""
    with pytest.raises(NotFound, match="no ticket 99"):
        tickets.get(desk.store, 99)


@pytest.fixture
def secret(desk: Desk) -> int:
    """A confidential ticket that the actor of `sd` neither registered nor has."""
    report = registration.Report("Melding over een collega", 1, "phone", "incident", "other", "normal")
    return registration.register(desk, report._replace(confidential=True)).id


@pytest.mark.parametrize("line", act_table())
def test_confidential_tickets_cannot_be_opened_by_acting(sd: Sd, new: New, secret: int, line: str) -> None:
    """Who may not read a confidential ticket cannot take it, open it up or change it either."""
    other = new()
    ran = sd(*line.format(n=secret, o=other).split())
    assert (ran.code, "is confidential" in ran.err) == (77, True)


def test_members_of_its_group_handle_it(
    sd: Sd, secret: int, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member of the group that has a confidential ticket may read and take it."""
    login = sd("admin", "info", "--format", "json").json()["actor"]
    use(place, monkeypatch, changed(("members = []", f'members = ["{login}"]')))
    assert sd("take", secret).code == 0
    assert sd("show", secret).code == 0


def test_jobs_and_imports_pass(desk: Desk, secret: int) -> None:
    """Scheduled work handles confidential tickets like others; only people are asked who they are."""
    stranger = Desk(desk.store, desk.rulebook, desk.settings, actor="cron", source="cron", now=desk.now)
    assert handling.resolve(stranger, [secret], "klaar")[0].state == "resolved"
    stranger.source, stranger.actor = "cli", "stranger"
    with pytest.raises(NotAllowed):
        handling.reopen(stranger, [secret], "toch niet")


def test_renamed_group_does_not_lock_a_ticket(
    sd: Sd, new: New, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ticket whose target group left the rulebook can still be edited and explained."""
    sd("person", "edit", "1", "--target-group", "schools")
    number = new()
    text = shipped_text().replace('"schools"', '"scholen"').replace("schools = ", "scholen = ")
    use(place, monkeypatch, text)
    assert sd("edit", number, "--summary", "anders").code == 0
    assert sd("why", number).code == 0
    assert sd("edit", number, "--caller", "Test Melder").code == 0


def test_moments_are_those_of_brussels(sd: Sd, new: New, desk: Desk) -> None:
    """What is stored is UTC seconds; what is shown is the desk's own time."""
    number = new(as_of="2026-07-01T10:00")
    opened = datetime(2026, 7, 1, 10, 0, tzinfo=ZoneInfo("Europe/Brussels"))
    assert tickets.get(desk.store, number).opened_at == int(opened.timestamp())
    assert sd("show", number, "--format", "json").json()["opened_at"] == "2026-07-01T10:00:00+02:00"


def test_a_kept_response_stays_kept(sd: Sd, new: New) -> None:
    """Raising the priority after the response does not break a promise that was kept."""
    number = new(urgency="low", as_of="2026-11-23T09:00")
    sd("take", number, as_of="2026-11-23T11:00")
    before = sd("show", number, "--format", "json").json()["respond_by"]

    sd("edit", number, "--urgency", "critical", as_of="2026-11-23T11:30")

    shown = sd("show", number, "--format", "json").json()
    assert (shown["respond_by"], shown["priority"]) == (before, 2)


@pytest.mark.parametrize(
    "words", [("close", "--solution", "x"), ("cancel", "--reason", "x"), ("merge", "--into", "3")]
)
def test_no_road_ends_a_ticket_with_open_parts(sd: Sd, new: New, words: tuple[str, ...]) -> None:
    """A sub-ticket must not be left hanging, whichever way its ticket ends."""
    whole, part, _ = new(), new(), new()
    sd("link", part, "part-of", whole)

    ran = sd(words[0], whole, *words[1:])

    assert (ran.code, "open sub-tickets" in ran.err) == (3, True)
