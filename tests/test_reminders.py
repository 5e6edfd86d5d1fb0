"""Reminders: who is reminded of what and when, once, in which words; and what is closed in the end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from sdtool import render
from sdtool.desk import Desk, checklists, handling, owed, people, reminders, tickets
from sdtool.mail import acts
from sdtool.rulebook.chasing import Step, chasing
from sdtool.store.base import Store
from tests.conftest import MELDER
from tests.owing import ZONE, agree, ask, at, led, parsed, party, person, ticket

START = "2026-11-23 10:30"  # the moment of `desk`, a Monday
ODD = "Zoë D'Hondt-Çelik"


@pytest.fixture(autouse=True)
def leaders(desk: Desk) -> None:
    """The desk has a lead and a manager, who have an address."""
    led(desk)


def on(desk: Desk, text: str) -> reminders.Outcome:
    """Run at a moment."""
    desk.now = at(text)
    return reminders.remind(desk)


def days(desk: Desk, first: str, last: str, clock: str = "10:30") -> list[tuple[str, str, str]]:
    """Run each day; return day, recipient and tones of the mails."""
    found = []
    desk.now = at(f"{first} {clock}")
    while desk.now <= at(f"{last} {clock}"):
        done = reminders.remind(desk)
        day = f"{datetime.fromtimestamp(desk.now, ZONE):%m-%d}"
        found += [(day, mail.to, " ".join(tone for *_, tone in mail.steps)) for mail in done.mails]
        desk.now += 86_400
    return found


def keys(store: Store) -> list[str]:
    """The names of the mails in the outbox."""
    return [row["dedupe"] for row in store.query("select dedupe from outbox order by id")]


# --- The ladder, walked


def test_a_customer_is_reminded_warned_and_then_the_ticket_is_closed(desk: Desk) -> None:
    number = ticket(desk)
    ask(desk, number, "serienummer", person=1)

    assert days(desk, "2026-11-23", "2027-01-15") == [
        ("11-26", MELDER, "friendly"),
        ("12-01", MELDER, "firm"),
        ("12-07", MELDER, "closing"),
        ("12-14", MELDER, "close"),
    ]
    done = tickets.get(desk.store, number)
    assert (done.state, done.solution) == (
        "resolved",
        "Afgesloten zonder antwoord van de melder, na herinneringen en de aankondiging ervan.\n"
        "Gevraagd op 23 november 2026, verwacht tegen 23 november 2026: serienummer",
    )


def test_a_supplier_is_never_closed_away_and_others_get_copies(desk: Desk) -> None:
    who = party(desk, "Canon", "canon@example.com", escalation_mail="baas@example.com")
    number = ticket(desk)
    ask(desk, number, "toner", "supplier", party=who)

    assert days(desk, "2026-11-23", "2027-01-29") == [
        ("11-26", "canon@example.com", "friendly"),
        ("12-01", "canon@example.com", "firm"),
        ("12-01", "lead@example.be", "firm"),
        ("12-07", "canon@example.com", "hierarchical"),
        ("12-07", "lead@example.be", "hierarchical"),
        ("12-07", "baas@example.com", "hierarchical"),
    ]
    assert tickets.get(desk.store, number).ended_at is None


def test_an_internal_service_has_its_manager_told(desk: Desk) -> None:
    who = party(desk, "Gebouwen", "gebouwen@example.be", "internal")
    ask(desk, ticket(desk), "sleutel", "internal", party=who)

    assert days(desk, "2026-12-07", "2026-12-18") == [
        ("12-07", "gebouwen@example.be", "friendly"),
        ("12-10", "gebouwen@example.be", "firm"),
        ("12-10", "lead@example.be", "firm"),
        ("12-16", "gebouwen@example.be", "hierarchical"),
        ("12-16", "manager@example.be", "hierarchical"),
    ]


def test_after_days_of_standstill_one_step(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1)

    done = on(desk, "2027-01-14 10:30")

    assert [mail.steps for mail in done.mails] == [((1, 1, 1, "friendly"),)]
    assert on(desk, "2027-01-14 11:00").mails == []
    assert on(desk, "2027-01-15 11:00").mails == []


def test_only_in_the_window_of_the_party(desk: Desk) -> None:
    """The party works day and night; the desk's calendar has a day off."""
    who = party(desk, "Wacht", "wacht@example.com", calendar="always")
    ask(desk, ticket(desk), "log", "supplier", party=who, asked=at("2026-11-06 10:00"))

    moments = ("2026-11-09 08:29", "2026-11-11 16:30", "2026-11-11 10:00")
    assert [len(on(desk, moment).mails) for moment in moments] == [0, 0, 1]


def test_a_calendar_that_is_agreed_no_more_is_the_desks(desk: Desk) -> None:
    who = party(desk, "Canon", "canon@example.com", calendar="vroeger")
    ask(desk, ticket(desk), "toner", "supplier", party=who)

    assert len(on(desk, "2026-11-26 10:30").mails) == 1


@pytest.mark.parametrize("end", ["answer", "cancel", "resolve"])
def test_nothing_after_the_end(desk: Desk, end: str) -> None:
    number = ticket(desk)
    item = ask(desk, number, "serienummer", person=1)
    if end == "answer":
        owed.answer(desk, item, "X1")
    elif end == "cancel":
        owed.cancel(desk, item, "toch niet")
    else:
        handling.resolve(desk, [number], "opgelost")

    assert days(desk, "2026-11-23", "2027-01-15") == []


def test_an_extension_moves_what_is_to_come(desk: Desk) -> None:
    item = ask(desk, ticket(desk), "serienummer", person=1)
    on(desk, "2026-11-26 10:30")
    owed.extend(desk, item, at("2026-12-10 10:00"), "vakantie")

    assert days(desk, "2026-11-27", "2026-12-18")[0] == ("12-15", MELDER, "firm")


# --- One digest a party and day


def test_a_party_gets_one_mail_with_all_that_it_owes(desk: Desk) -> None:
    first, second = ticket(desk), ticket(desk, "Scherm blijft zwart")
    for number, what in ((second, "foto"), (first, "serienummer"), (second, "merk")):
        ask(desk, number, what, person=1)

    (mail,) = on(desk, "2026-11-26 10:30").mails

    assert [(ticket_, id_) for id_, ticket_, _, _ in mail.steps] == [(first, 2), (second, 1), (second, 3)]
    assert mail.text.index("SD-1: Printer") < mail.text.index("serienummer") < mail.text.index("SD-2: Scherm")
    assert keys(desk.store) == ["remind:2026-11-26:person-1"]


def test_what_falls_due_later_that_day_comes_in_the_mail_of_the_next(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1)
    desk.now = at("2026-11-23 15:00")
    ask(desk, ticket(desk, "Scherm blijft zwart"), "foto", person=1)

    assert len(on(desk, "2026-11-26 10:30").mails) == 1
    assert on(desk, "2026-11-26 15:15").mails == []
    assert [mail.steps for mail in on(desk, "2026-11-27 08:30").mails] == [((2, 2, 1, "friendly"),)]


def test_the_gravest_step_sets_the_tone(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1)
    on(desk, "2026-11-26 10:30")
    ask(desk, ticket(desk, "Scherm blijft zwart"), "foto", person=1, asked=at("2026-11-26 10:00"))

    (mail,) = on(desk, "2026-12-01 10:30").mails

    assert [tone for *_, tone in mail.steps] == ["firm", "friendly"]
    assert mail.subject == "Wij hebben uw antwoord nodig om verder te kunnen"


def test_a_reminder_expires_when_the_next_working_day_ends(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1, asked=at("2026-11-24 10:00"))
    on(desk, "2026-11-27 10:30")

    assert desk.store.value("select expires_at from outbox") == at("2026-11-30 17:00")


def test_one_address_that_is_lead_and_manager_gets_one_copy(desk: Desk) -> None:
    led(desk, "lead@example.be", "lead@example.be")
    who = party(desk, "Gebouwen", "gebouwen@example.be", "internal")
    steps = [Step("internal", (0, 3.0), "hierarchical", ("lead", "manager"))]
    agree(desk, reminder_steps=steps)
    ask(desk, ticket(desk), "sleutel", "internal", party=who)

    mails = on(desk, "2026-11-26 10:30").mails

    assert [mail.to for mail in mails] == ["gebouwen@example.be", "lead@example.be"]


def test_who_owes_it_gets_no_copy_of_it(desk: Desk) -> None:
    agree(desk, reminder_steps=[Step("customer", (0, 3.0), "firm", ("lead",))])
    someone = person(desk, "Lea Leider", "LEAD@example.be")
    ask(desk, ticket(desk), "serienummer", person=someone)

    assert len(on(desk, "2026-11-26 10:30").mails) == 1


def test_a_copy_has_only_what_it_is_a_copy_of(desk: Desk) -> None:
    who = party(desk, "Canon", "canon@example.com")
    ask(desk, ticket(desk), "toner", "supplier", party=who)
    on(desk, "2026-11-26 10:30")
    ask(desk, ticket(desk, "Scanner"), "lamp", "supplier", party=who, asked=at("2026-11-26 10:00"))

    own, copy = on(desk, "2026-12-01 10:30").mails

    assert ("lamp" in own.text, "lamp" in copy.text) == (True, False)
    assert (copy.subject, copy.to) == ("Ter info: herinnering aan Canon", "lead@example.be")
    assert "Een kopie van deze mail gaat naar Lea Leider." in own.text


# --- Who cannot be reminded


@pytest.mark.parametrize(
    ("mail", "change", "said"),
    [
        (None, {}, "Stil has no mail address"),
        ("stil@example.com\nBcc: x@example.be", {}, "Stil has no mail address"),
        ("stil@example.com", {"active": 0}, "Stil is no longer active"),
    ],
)
def test_who_has_no_address_holds_up_nobody(
    desk: Desk, mail: str | None, change: dict[str, Any], said: str
) -> None:
    ask(desk, ticket(desk), "toner", "supplier", party=party(desk, "Stil", mail, **change))
    ask(desk, ticket(desk), "serienummer", person=1)

    done = on(desk, "2026-11-26 10:30")

    assert [mail.to for mail in done.mails] == [MELDER]
    assert done.unreachable == [f"F-1 of ticket 1: {said}"]
    assert owed.get(desk.store, 1).step == 0


def test_a_question_to_nobody_is_told(desk: Desk) -> None:
    ask(desk, ticket(desk, caller=None), "serienummer")

    assert on(desk, "2026-11-26 10:30").unreachable == [
        "F-1 of ticket 1: nobody is named as the customer who owes it"
    ]


def test_an_address_that_bounces_is_not_written_to(desk: Desk) -> None:
    row = {"mail_key": MELDER, "since": desk.now, "reason": "550", "mail": 1}
    desk.run(lambda: desk.store.insert("bad_address", row))
    ask(desk, ticket(desk), "serienummer", person=1)

    assert on(desk, "2026-11-26 10:30").unreachable == [f"F-1 of ticket 1: mail to {MELDER} bounces"]


# --- Closing


def at_close(desk: Desk, number: int, who: int = 1) -> int:
    """Let a question be where only closing is left, on 14 December; return it."""
    item = ask(desk, number, "serienummer", person=who)
    days(desk, "2026-11-23", "2026-12-07")
    desk.now = at("2026-12-14 10:30")
    return item


def test_the_day_that_is_announced_is_the_day_of_closing(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1)
    days(desk, "2026-11-23", "2026-12-04")

    (mail,) = on(desk, "2026-12-07 10:45").mails

    assert "14 december 2026" in mail.subject
    assert on(desk, "2026-12-11 16:29").closed == []
    assert on(desk, "2026-12-14 10:45").closed == [1]


def test_a_refusal_of_the_gate_is_told_and_stops_nothing_else(desk: Desk) -> None:
    number, other = ticket(desk), ticket(desk, "Scherm blijft zwart")
    checklists.add(desk, number, [checklists.Item("toner terugsturen")])
    at_close(desk, number)
    ask(desk, other, "foto", person=person(desk, ODD, "zoe@example.be"), asked=at("2026-12-09 10:00"))

    done = reminders.remind(desk)

    assert (done.closed, [mail.to for mail in done.mails]) == ([], ["zoe@example.be"])
    assert done.refused[0].startswith("ticket 1 stays open: ticket 1 has open items: 1 toner terugsturen")
    assert owed.get(desk.store, 1).step == 3


def test_a_ticket_with_a_newer_question_to_a_customer_stays_open(desk: Desk) -> None:
    number = ticket(desk)
    at_close(desk, number)
    ask(desk, number, "nog een vraag", person=1)

    assert reminders.remind(desk).refused == ["ticket 1 stays open: a customer still has time to answer F-2"]


def test_what_others_owe_for_a_ticket_that_is_closed_now_is_not_asked(desk: Desk) -> None:
    number = ticket(desk)
    at_close(desk, number)
    ask(
        desk,
        number,
        "toner",
        "supplier",
        party=party(desk, "Canon", "c@example.com"),
        asked=at("2026-12-09 10:00"),
    )

    done = reminders.remind(desk)

    assert ([mail.to for mail in done.mails], done.closed) == ([MELDER], [number])


@pytest.mark.parametrize("state", ["failed", "held", "dropped"])
def test_what_was_not_announced_is_not_closed(desk: Desk, state: str) -> None:
    """The notice lies in the outbox and did not go out; once it did, the ticket is closed."""
    at_close(desk, ticket(desk))
    last = desk.store.value("select max(id) from outbox")
    desk.run(lambda: desk.store.update("outbox", last, {"state": state}))
    refused = reminders.remind(desk)
    desk.run(lambda: desk.store.update("outbox", last, {"state": "sent"}))

    assert (refused.closed, len(refused.refused)) == ([], 1)
    assert "announces its closing did not go out" in refused.refused[0]
    assert reminders.remind(desk).closed == [1]


def test_two_questions_close_a_ticket_once(desk: Desk) -> None:
    number = ticket(desk)
    ask(desk, number, "merk", person=1)
    at_close(desk, number)

    done = reminders.remind(desk)

    assert (done.closed, done.refused) == ([number], [])
    assert "merk" in tickets.get(desk.store, number).solution


def test_two_people_who_both_say_nothing_close_a_ticket_once(desk: Desk) -> None:
    number = ticket(desk)
    ask(desk, number, "merk", person=person(desk, ODD, "zoe@example.be"))
    at_close(desk, number)

    done = reminders.remind(desk)

    assert (done.closed, len(done.mails), done.refused) == ([number], 1, [])


# --- Once, and the same


def test_a_dry_run_writes_nothing_and_the_run_queues_the_same_bytes(desk: Desk) -> None:
    """Also what a closing changes for others."""
    number = ticket(desk)
    who = party(desk, "Canon", "canon@example.com", escalation_mail="baas@example.com")
    ask(desk, number, "toner", "supplier", party=who, asked=at("2026-12-09 10:00"))
    ask(desk, ticket(desk, "Scanner"), "lamp", "supplier", party=who, asked=at("2026-12-09 10:00"))
    at_close(desk, number)
    before = desk.store.sizes()
    desk.store.dry_run = True
    shown = reminders.remind(desk)
    assert desk.store.sizes() == before

    desk.store.dry_run = False
    done = reminders.remind(desk)

    assert len(shown.mails) >= 2 and shown == done
    last = desk.store.query("select message from outbox order by id desc limit :n", n=len(done.mails))
    assert [row["message"] for row in reversed(last)] == [mail.message for mail in shown.mails]


def test_the_message_id_follows_from_what_it_says(desk: Desk) -> None:
    """Another day it is another mail."""
    ask(desk, ticket(desk), "serienummer", person=1)
    desk.store.dry_run = True
    first, again, later = (on(desk, f"2026-11-{day} 10:30").mails[0] for day in (26, 26, 27))

    assert first.message == again.message
    assert first.message_id != later.message_id
    assert parsed(first.message)["Date"].datetime.timestamp() == at("2026-11-26 10:30")


def test_a_mail_that_was_taken_out_of_the_queue_does_not_come_back(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1)
    on(desk, "2026-11-26 10:30")
    acts.drop(desk, [1])

    assert on(desk, "2026-11-26 11:00").mails == []


def test_a_clock_that_goes_back_or_forward_a_day_makes_no_flood(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1)
    moments = (
        "2026-11-26 10:30",
        "2026-11-25 10:30",
        "2026-11-27 10:30",
        "2026-11-26 12:00",
        "2026-11-30 10:30",
    )

    assert [len(on(desk, moment).mails) for moment in moments] == [1, 0, 0, 0, 0]


def test_what_was_answered_meanwhile_is_not_reminded_of(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Mails are written outside the transaction: an answer may come in between."""
    ask(desk, ticket(desk), "serienummer", person=1)
    ask(desk, ticket(desk, "Scherm blijft zwart"), "foto", person=1)
    render_text = render.text

    def slow(*given: Any, **values: Any) -> str:
        if owed.get(desk.store, 1).state == "open":
            owed.answer(desk, 1, "X1")
        return render_text(*given, **values)

    monkeypatch.setattr(render, "text", slow)
    assert on(desk, "2026-11-26 10:30").mails == []
    (mail,) = on(desk, "2026-11-26 10:45").mails
    assert mail.steps == ((2, 2, 1, "friendly"),)


def test_nothing_is_composed_within_a_transaction(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate is not held while templates render."""
    at_close(desk, ticket(desk))
    within: list[bool] = []
    for name in ("text", "html"):
        whole = getattr(render, name)

        def watched(*given: str, whole: Any = whole, **values: Any) -> str:
            within.append(desk.store._running)
            return str(whole(*given, **values))

        monkeypatch.setattr(render, name, watched)

    assert reminders.remind(desk).closed
    assert set(within) == {False}


def test_the_journal_has_every_step(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1)
    on(desk, "2026-11-26 10:30")

    row = desk.store.one("select verb, at from event where kind = 'owed' order by id desc limit 1")
    assert row is not None
    assert (row["verb"], row["at"]) == ("remind", at("2026-11-26 10:30"))


def test_next_moment_is_when_it_is_reminded_of(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1)
    (standing,) = owed.listing(desk.store)

    assert reminders.next_moment(desk, standing) == at("2026-11-26 10:30")


def test_a_rulebook_without_a_ladder_reminds_nobody(desk: Desk) -> None:
    agree(desk, reminder_steps=[])
    ask(desk, ticket(desk), "serienummer", person=1)

    assert days(desk, "2026-11-23", "2026-12-14") == []
    assert chasing(desk.rulebook).reminder_steps == ()


def test_people_are_reminded_in_their_language(desk: Desk) -> None:
    subjects = {}
    for language in ("nl", "en", "fr"):
        who = person(desk, ODD, f"{language}@example.be", language)
        ask(desk, ticket(desk, caller=who), "serienummer", person=who)
    for mail in on(desk, "2026-11-26 10:30").mails:
        subjects[mail.to[:2]] = parsed(mail.message)["Subject"], parsed(mail.message)["Content-Language"]

    assert subjects == {
        "nl": ("[SD-1] Herinnering: wij wachten nog op uw antwoord", "nl"),
        "en": ("[SD-2] Reminder: we are waiting for your answer", "en"),
        "fr": ("[SD-3] Rappel : nous attendons votre réponse", "fr"),
    }


def test_a_person_may_be_customer_of_one_and_colleague_of_another(desk: Desk) -> None:
    """Each item goes up its own ladder; it is one mail all the same."""
    agree(desk, reminder_steps=[Step("customer", (0, 3.0), "friendly"), Step("internal", (0, 3.0), "firm")])
    ask(desk, ticket(desk), "serienummer", person=1)
    ask(desk, ticket(desk), "akkoord", "internal", person=1)

    (mail,) = on(desk, "2026-11-26 10:30").mails

    assert [tone for *_, tone in mail.steps] == ["friendly", "firm"]
    assert people.get(desk.store, 1).mail == mail.to
