"""`sd sla sweep`: who is told of what, when, once; whatever cron, people and the clock do."""

from __future__ import annotations

import contextlib
import email
import email.policy
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdtool import render
from sdtool.desk import Desk, alerts, handling, tickets
from sdtool.desk.registration import Report, register
from sdtool.errors import Conflict
from sdtool.rulebook.chasing import Agent, Escalation, Reminding, Update
from tests.conftest import Sd
from tests.owing import agree
from tests.test_query_plans import planned, scans

New = Callable[..., int]
ZONE = ZoneInfo("Europe/Brussels")
AGENTS = (
    Agent("an", "an@example.be", "An Peeters"),
    Agent("els", "els@example.be", "Els Claes", "fr"),
    Agent("chef", "lead@example.be", "Bob Chef", "en"),
)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


@pytest.fixture(autouse=True)
def addresses(desk: Desk) -> None:
    """Everybody can be reached."""
    groups = tuple(
        one._replace(mail="sd@example.be") if one.key == "servicedesk" else one
        for one in desk.rulebook.groups
    )
    desk.rulebook = desk.rulebook._replace(groups=groups)
    reminding = Reminding(((30_600, 59_400),), "lead@example.be", "manager@example.be")
    agree(desk, agents=AGENTS, reminding=reminding)


def ticket(desk: Desk, urgency: str = "critical", opened: str = "2026-11-23T08:00", **more: Any) -> int:
    """Register an incident; a critical one is P2: respond in 1 h, resolve in 8 h, office hours."""
    desk.now = at(opened)
    return register(desk, Report("Printer stuk", 1, "mail", "incident", "printer", urgency, **more)).id


def sweeps(desk: Desk, until: str, every: int = 300) -> Iterator[tuple[str, str, list[str]]]:
    """Sweep from now on, every so many seconds; yield when, which step, and who was told."""
    while desk.now <= at(until):
        done = alerts.sweep(desk)
        assert done is not None
        for step, readers in done.steps:
            moment = datetime.fromtimestamp(desk.now, ZONE).strftime("%a %H:%M")
            yield moment, f"{step.promise} {step.percent}", [one.partition("@")[0] for one in readers]
        desk.now += every


def mails(desk: Desk) -> list[dict[str, str]]:
    found = []
    for row in desk.store.query("select recipient, message from outbox where kind = 'alert' order by id"):
        message = email.message_from_string(row["message"], policy=email.policy.default)
        text = message.get_content()  # type: ignore[attr-defined]
        found.append({"to": row["recipient"], "subject": str(message["subject"]), "text": text})
    return found


# --- The ladder as a table


def test_ladder_of_a_ticket_that_nobody_takes(desk: Desk) -> None:
    ticket(desk)
    assert list(sweeps(desk, "2026-11-25T17:00")) == [
        ("Mon 08:45", "respond 75", ["sd"]),
        ("Mon 12:30", "resolve 50", ["sd"]),  # four hours, noon: told when there is somebody again
        ("Mon 14:30", "resolve 75", ["sd"]),
        ("Mon 16:30", "resolve 100", ["sd", "lead"]),
        ("Tue 08:00", "update 100", ["sd"]),
        ("Tue 11:30", "resolve 150", ["lead", "manager"]),
    ]


def test_ladder_of_a_ticket_in_hand(desk: Desk) -> None:
    """Who took it is told, and what only asks for somebody is not."""
    number = ticket(desk)
    desk.actor = "an"
    handling.take(desk, [number])
    tickets.apply(desk, number, "start")
    assert list(sweeps(desk, "2026-11-23T16:55")) == [
        ("Mon 14:30", "resolve 75", ["an", "sd"]),
        ("Mon 16:30", "resolve 100", ["an", "sd", "lead"]),
    ]


def test_low_priority_has_fewer_steps(desk: Desk) -> None:
    """P4, five working days: nothing at half, nothing for management."""
    ticket(desk, "low")
    told = [step for _, step, _ in sweeps(desk, "2026-12-04T17:00", every=900)]
    assert told == ["respond 75", "resolve 75", "resolve 100"]


def test_standstill_of_days_gives_one_step_a_promise(desk: Desk) -> None:
    ticket(desk)
    desk.now = at("2026-11-27T10:00")
    found = [(step, readers) for _, step, readers in sweeps(desk, "2026-11-27T12:00")]
    assert found == [
        ("respond 75", ["sd"]),
        ("resolve 150", ["lead", "manager"]),
        ("update 100", ["sd"]),
    ]
    assert desk.store.value("select count(*) from alert") == 6


def test_clock_that_stands_tells_nothing_and_goes_on_after(desk: Desk) -> None:
    """Waiting for the customer from 12:30 to Wednesday 12:30: three quarters are used up two hours later."""
    number = ticket(desk)
    first = [step for _, step, _ in sweeps(desk, "2026-11-23T12:30")]
    desk.now = at("2026-11-23T12:30")
    handling.wait(desk, [number], "customer", "serienummer", at("2026-11-26T17:00"))
    assert list(sweeps(desk, "2026-11-25T12:25")) == []
    desk.now = at("2026-11-25T12:30")
    tickets.apply(desk, number, "resume")

    assert first == ["respond 75", "resolve 50"]
    assert next(sweeps(desk, "2026-11-25T17:00")) == ("Wed 14:30", "resolve 75", ["sd"])


def test_wait_after_a_step_does_not_tell_it_again(desk: Desk) -> None:
    """The deadline moved, what was used up did not."""
    number = ticket(desk)
    list(sweeps(desk, "2026-11-23T15:00"))
    desk.now = at("2026-11-23T15:00")
    handling.wait(desk, [number], "customer", "serienummer", at("2026-11-26T17:00"))
    desk.now = at("2026-11-24T09:00")
    tickets.apply(desk, number, "resume")
    assert list(sweeps(desk, "2026-11-24T10:00")) == []
    assert list(sweeps(desk, "2026-11-24T10:30")) == [("Tue 10:30", "resolve 100", ["sd", "lead"])]


def test_deadline_that_moves_far_is_a_deadline_of_its_own(desk: Desk) -> None:
    number = ticket(desk)
    list(sweeps(desk, "2026-11-23T15:00"))
    handling.edit(desk, number, {}, priority=3, reason="omweg gevonden")
    told = [step for _, step, _ in sweeps(desk, "2026-11-26T17:00")]
    assert told == ["resolve 75", "resolve 100"]


def test_always_open_calendar_tells_at_night(desk: Desk) -> None:
    targets = tuple(target._replace(calendar="always") for target in desk.rulebook.targets)
    desk.rulebook = desk.rulebook._replace(targets=targets)
    ticket(desk, opened="2026-11-22T23:00")
    told = list(sweeps(desk, "2026-11-23T07:00"))
    assert [moment for moment, step, _ in told if step == "resolve 75"] == ["Mon 05:00"]


def test_ended_ticket_tells_nothing(desk: Desk) -> None:
    number = ticket(desk)
    handling.resolve(desk, [number], "toner")
    assert list(sweeps(desk, "2026-11-25T17:00")) == []


def test_reopened_ticket_goes_on_where_it_was(desk: Desk) -> None:
    number = ticket(desk)
    list(sweeps(desk, "2026-11-23T15:00"))
    handling.resolve(desk, [number], "toner")
    desk.now = at("2026-12-01T08:00")
    handling.reopen(desk, [number], "weer stuk")
    told = [step for _, step, _ in sweeps(desk, "2026-12-01T12:00") if step.startswith("resolve")]
    assert told == ["resolve 100"]


# --- Keep in loop


def test_message_to_the_customer_starts_the_update_anew(desk: Desk) -> None:
    number = ticket(desk)
    desk.now = at("2026-11-23T14:00")
    handling.note(desk, number, "We wachten op een stuk", public=True)
    told = [(moment, step) for moment, step, _ in sweeps(desk, "2026-11-25T17:00")]
    assert [moment for moment, step in told if step == "update 100"] == ["Tue 14:00"]


def test_internal_note_does_not(desk: Desk) -> None:
    number = ticket(desk)
    desk.now = at("2026-11-23T14:00")
    handling.note(desk, number, "klant belt straks", public=False)
    told = [moment for moment, step, _ in sweeps(desk, "2026-11-25T17:00") if step == "update 100"]
    assert told == ["Tue 08:00"]


def test_waiting_for_a_supplier_does_not_stop_the_update(desk: Desk) -> None:
    """The customer hears nothing meanwhile, and that is what it is for."""
    number = ticket(desk)
    handling.wait(desk, [number], "supplier", "onderdeel", at("2026-12-11T17:00"))
    assert [step for _, step, _ in sweeps(desk, "2026-11-25T17:00")] == ["update 100"]


def test_waiting_for_the_customer_stops_it(desk: Desk) -> None:
    number = ticket(desk)
    handling.wait(desk, [number], "customer", "serienummer", at("2026-11-26T08:00"))
    assert list(sweeps(desk, "2026-11-26T07:55")) == []
    told = [moment for moment, step, _ in sweeps(desk, "2026-11-27T17:00") if step == "update 100"]
    assert told == ["Fri 08:00"]


@pytest.mark.parametrize("entry", [Update((3600, 0.0), (1,)), Update((3600, 0.0), (), ("request",))])
def test_updates_are_for_what_was_agreed(desk: Desk, entry: Update) -> None:
    agree(desk, updates=(entry,))
    ticket(desk)
    assert "update 100" not in [step for _, step, _ in sweeps(desk, "2026-11-25T17:00")]


def test_customer_is_told_again_and_again(desk: Desk) -> None:
    """Each message makes a promise of its own, also when nobody looked in between."""
    number = ticket(desk)
    agree(desk, escalations=(Escalation("update", 100, ("group",)),))
    for moment in ("2026-11-24T09:00", "2026-11-25T10:00"):
        desk.now = at(moment)
        assert [step for _, step, _ in sweeps(desk, moment)] == ["update 100"]
        handling.note(desk, number, "nog bezig", public=True)


# --- The mails


def test_one_mail_for_each_reader_about_all_tickets(desk: Desk) -> None:
    for _ in range(3):
        ticket(desk)
    desk.now = at("2026-11-23T16:30")
    done = alerts.sweep(desk)

    assert done is not None and (len(done.steps), done.mails) == (6, 2)
    assert [mail["to"] for mail in mails(desk)] == ["sd@example.be", "lead@example.be"]
    assert [mail["subject"] for mail in mails(desk)] == [
        "3 meldingen vragen aandacht",
        "3 tickets need attention",
    ]
    assert all(f"SD-{number} (P2) Printer stuk" in mails(desk)[1]["text"] for number in (1, 2, 3))


def test_mail_about_one_ticket_is_part_of_its_thread(desk: Desk) -> None:
    ticket(desk)
    list(sweeps(desk, "2026-11-23T08:45"))
    (mail,) = mails(desk)
    assert mail["subject"] == "[SD-1] Reageren: de termijn loopt af"
    assert "Reageren tegen maandag 23 november 2026 om 09:00: nog 15\u00a0min werktijd." in mail["text"]
    assert "Bij Servicedesk (eerste lijn), niemand heeft ze." in mail["text"]


def test_confidential_ticket_shows_no_content(desk: Desk) -> None:
    ticket(desk, confidential=True)
    list(sweeps(desk, "2026-11-24T17:00"))
    assert len(mails(desk)) > 3
    assert not [mail for mail in mails(desk) if "stuk" in mail["text"] + mail["subject"]]


def test_group_without_address_is_its_members(desk: Desk) -> None:
    groups = tuple(one._replace(mail="", members=("an", "els", "jan")) for one in desk.rulebook.groups)
    desk.rulebook = desk.rulebook._replace(groups=groups)
    ticket(desk)
    assert list(sweeps(desk, "2026-11-23T08:45")) == [("Mon 08:45", "respond 75", ["an", "els"])]
    assert mails(desk)[1]["subject"] == "[SD-1] Répondre : le délai touche à sa fin"


def test_step_without_anybody_to_tell_is_counted(desk: Desk) -> None:
    desk.rulebook = desk.rulebook._replace(groups=tuple(g._replace(mail="") for g in desk.rulebook.groups))
    ticket(desk)
    desk.now = at("2026-11-23T08:45")
    done = alerts.sweep(desk)
    assert done is not None and (done.unheard, done.mails) == (1, 0)


@pytest.mark.parametrize("language", render.LANGUAGES)
@pytest.mark.parametrize("left", [600, 0, -600])
@pytest.mark.parametrize("agent", ["an", ""])
def test_words_in_every_language(desk: Desk, language: str, left: int, agent: str) -> None:
    """One line of subject, no gap of two lines, every value filled in."""
    step = alerts.Step(1, "resolve", 75, desk.now, left, 2, "Printer stuk", "servicedesk", agent, ())
    for steps in ([step], [step, step._replace(ticket=2, summary="")]):
        letter = alerts._written(
            desk, alerts.Reader("a@example.be", language, ""), steps, {one.ticket for one in steps}
        )
        text = email.message_from_string(letter.message, policy=email.policy.default).get_content()  # type: ignore[attr-defined]
        assert "\n\n\n" not in text and text[0].isupper() and "SD-1 (P2) Printer stuk" in text


# --- The command


def test_dry_run_shows_the_same_and_writes_nothing(desk: Desk) -> None:
    ticket(desk)
    desk.now = at("2026-11-23T16:30")
    desk.store.dry_run = True
    shown = alerts.sweep(desk)
    assert desk.store.value("select count(*) from alert") == 0
    assert mails(desk) == []
    desk.store.dry_run = False

    assert alerts.sweep(desk) == shown


def test_command_shows_a_line_a_step_and_then_nothing(sd: Sd, new: New) -> None:
    number = new(urgency="critical", as_of="2026-11-23T08:00")
    ran = sd("sla", "sweep", "--dry-run", "--format", "json", as_of="2026-11-23T08:50")
    assert ran.json() == [
        {"ticket": number, "priority": 2, "promise": "respond", "percent": 75,
         "due": "2026-11-23T09:00:00+01:00", "seconds_left": 600, "told": []}
    ]  # fmt: skip
    first = sd("sla", "sweep", as_of="2026-11-23T08:50")
    assert (first.code, first.out.splitlines()[-1]) == (0, "Steps: 1, mails: 0")
    assert sd("sla", "sweep", as_of="2026-11-23T08:55") == (0, "", "")


def test_command_beside_a_running_sweep_leaves_at_once(desk: Desk, sd: Sd) -> None:
    with desk.store.lock("alerts"):
        ran = sd("sla", "sweep")
    assert ran == (0, "", "another `sd sla sweep` is already running: nothing was done\n")


def test_ticket_that_changes_meanwhile_is_looked_at_again(desk: Desk) -> None:
    """Somebody closes it while the mail is written."""
    number = ticket(desk)
    desk.now = at("2026-11-23T16:30")
    _, notes, revs = alerts.look(desk)
    handling.resolve(desk, [number], "toner")

    assert not desk.run(lambda: alerts._apply(desk, notes, revs, []))
    assert alerts.sweep(desk) == alerts.Told()
    assert desk.store.value("select count(*) from alert") == 0


# --- Any life of a ticket, any cron


ACTS = st.sampled_from(["sweep", "sweep", "sweep", "take", "release", "wait", "supplier", "resume", "resolve",
                        "reopen", "raise", "lower", "note"])  # fmt: skip
LIVES = st.lists(st.tuples(ACTS, st.integers(60, 3 * 86_400)), min_size=3, max_size=25)


def act(desk: Desk, number: int, what: str) -> None:
    """Do it, if the ticket is in a state for it."""
    until = desk.now + 86_400
    acts: dict[str, Callable[[], object]] = {
        "take": lambda: tickets.apply(desk, number, "take", {"agent": "an"}),
        "release": lambda: tickets.apply(desk, number, "release"),
        "wait": lambda: handling.wait(desk, [number], "customer", "iets", until),
        "supplier": lambda: handling.wait(desk, [number], "supplier", "iets", until),
        "resume": lambda: tickets.apply(desk, number, "resume"),
        "resolve": lambda: handling.resolve(desk, [number], "toner"),
        "reopen": lambda: handling.reopen(desk, [number], "weer stuk"),
        "raise": lambda: handling.edit(desk, number, {}, priority=1, reason="anders"),
        "lower": lambda: handling.edit(desk, number, {}, priority=4, reason="anders"),
        "note": lambda: handling.note(desk, number, "bericht", public=True),
    }
    with contextlib.suppress(Conflict):
        acts[what]()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=LIVES)
def test_no_step_twice_and_none_that_is_due_left_out(desk: Desk, life: list[tuple[str, int]]) -> None:
    """After any sweep all that is reached is noted; nothing is told twice, or lower after higher."""
    desk.store.run(lambda: [desk.store.execute(f"delete from {name}") for name in ("outbox", "alert")])
    number = ticket(desk)
    told: dict[tuple[str, int], list[int]] = {}
    for what, later in life:
        desk.now += later
        if what != "sweep":
            act(desk, number, what)
            continue
        done = alerts.sweep(desk)
        assert done is not None
        mine = [step for step, _ in done.steps if step.ticket == number]
        assert len({step.promise for step in mine}) == len(mine)
        for step in mine:
            told.setdefault((step.promise, step.due), []).append(step.percent)
        assert alerts.look(desk)[:2] == ([], [])
        ticket_now = tickets.get(desk.store, number)
        assert ticket_now.ended_at is None or not mine
        assert not (
            mine and ticket_now.waiting_on == "customer" and (ticket_now.waiting_until or 0) > desk.now
        )
    assert all(percents == sorted(set(percents)) for percents in told.values())
    rows = desk.store.query("select promise, due_at, percent from alert where ticket = :id", id=number)
    noted = {(row["promise"], row["due_at"], row["percent"]) for row in rows}
    assert all((*key, percent) in noted for key, percents in told.items() for percent in percents)
    with contextlib.suppress(Conflict):
        handling.cancel(desk, [number], "klaar")


@pytest.mark.sqlite("its query plans")
def test_sweep_reads_open_tickets_only(desk: Desk) -> None:
    """However many have ended: by the indexes of open ones, and from there by key."""
    ticket(desk)
    with planned(desk) as steps:
        alerts.look(desk)
    whole = [
        step for step in scans(steps) if "USING INDEX ticket_open" not in step and "ticket_agent" not in step
    ]
    assert steps
    assert whole == []


# --- Mistakes of others


def test_holiday_brings_no_step_forward(desk: Desk) -> None:
    """M1: a program that counted days back escalated earlier because of a day off."""
    free = {"calendar": "office", "day": "2026-11-24", "name": "Vrij", "hours": "[]"}
    desk.store.run(lambda: desk.store.insert("holiday", free))
    desk.store.cache.clear()
    ticket(desk, opened="2026-11-23T14:00")
    told = {step: moment for moment, step, _ in sweeps(desk, "2026-11-26T17:00")}
    assert told["resolve 75"] == "Wed 11:00"  # three hours on Monday, three on Wednesday


def test_every_ticket_is_told_however_many(desk: Desk) -> None:
    """M6: a program that took a hundred a run left the others to luck."""
    numbers = {ticket(desk) for _ in range(120)}
    desk.now = at("2026-11-23T16:30")
    done = alerts.sweep(desk)
    assert done is not None
    assert {step.ticket for step, _ in done.steps if step.promise == "resolve"} == numbers
