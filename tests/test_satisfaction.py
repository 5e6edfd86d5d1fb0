"""Asking customers how it went: who, when, once; and what a low score leads to."""

from __future__ import annotations

import email
import email.policy
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool import jobs, render
from sdtool.desk import Desk, handling, links, people, satisfaction, tickets
from sdtool.desk.registration import Report, register
from sdtool.desk.satisfaction import Posted, post, sampled
from sdtool.errors import NotFound
from sdtool.reports import kpi
from sdtool.rulebook.chasing import Agent, Satisfaction
from tests.conftest import MELDER, Sd
from tests.guards.test_docs import differs
from tests.owing import agree
from tests.test_alerts import at

DAY = 86_400
OPEN = "2026-12-01T09:00"  # a Tuesday, in the hours agreed for reminders


@pytest.fixture(autouse=True)
def everybody(desk: Desk) -> None:
    """All are asked."""
    agree(desk, satisfaction=Satisfaction(1.0, 30, 2, (0, 5.0)))


def closed(desk: Desk, on: str = "2026-11-30T15:00", caller: int | None = 1, **more: Any) -> int:
    """Register a ticket, solve it and close it; the customer's term is not waited for."""
    channel = more.pop("channel", "phone")
    desk.now = at(on) - 3600
    number = register(desk, Report("Printer stuk", caller, channel, "incident", "printer", "low", **more)).id
    handling.resolve(desk, [number], "toner")
    desk.now = at(on)
    tickets.apply(desk, number, "close")
    desk.now = at(OPEN)
    return number


def person(desk: Desk, name: str = "Els Claes", **more: str) -> int:
    return people.add(desk, {"name": name, "mail": f"{name.split()[0].lower()}@example.be", **more}).id


def mails(desk: Desk) -> list[tuple[str, str, str]]:
    """Return the name, the reader and the text of each mail, oldest first."""
    found = []
    for row in desk.store.query(
        "select dedupe, recipient, message from outbox where kind = 'feedback' order by id"
    ):
        message = email.message_from_string(row["message"], policy=email.policy.default)
        found.append((row["dedupe"], row["recipient"], message.get_content()))  # type: ignore[attr-defined]
    return found


# --- Who is asked


def test_customer_is_asked_once_and_told_how_to_answer(desk: Desk) -> None:
    number = closed(desk)
    assert [post(desk), post(desk)] == [Posted(asked=1), Posted()]
    ((name, reader, text),) = mails(desk)
    assert (name, reader) == (f"feedback-{number}-ask", MELDER)
    assert 'SD-1, "Printer stuk", is op 30 november 2026 afgesloten' in text
    assert "  1  heel ontevreden" in text


def test_person_is_asked_once_in_so_many_days(desk: Desk) -> None:
    """The first that was closed; the next one when the time is over."""
    agree(desk, satisfaction=Satisfaction(1.0, 21))
    for day in ("2026-11-27", "2026-11-30"):
        closed(desk, f"{day}T15:00")
    assert post(desk) == Posted(asked=1)
    closed(desk, "2026-12-21T15:00")
    desk.now = at(OPEN) + 21 * DAY - 1
    assert post(desk).asked == 0
    desk.now += 1
    assert post(desk).asked == 1
    assert [name for name, _, _ in mails(desk) if "ask" in name] == ["feedback-1-ask", "feedback-3-ask"]


@pytest.mark.parametrize(
    "more", [{"channel": "monitoring"}, {"confidential": True}, {"caller": None}, {"test": True}], ids=str
)
def test_what_the_desk_opened_itself_or_keeps_secret_is_not_asked(desk: Desk, more: dict[str, Any]) -> None:
    closed(desk, **more)
    assert post(desk) == Posted()


def test_own_agents_are_not_asked(desk: Desk) -> None:
    agree(desk, agents=(Agent("test", MELDER.upper()),))
    closed(desk)
    assert post(desk) == Posted()


def test_part_of_another_ticket_is_not_asked(desk: Desk) -> None:
    parent = register(desk, Report("Verhuis", None, "phone", "request", "workplace", "low")).id
    desk.now = at("2026-11-30T14:00")
    part = register(desk, Report("Printer stuk", 1, "phone", "incident", "printer", "low")).id
    links.link(desk, part, "part-of", parent)
    handling.resolve(desk, [part], "toner")
    tickets.apply(desk, part, "close")
    desk.now = at(OPEN)
    assert post(desk) == Posted()


def test_cancelled_ticket_is_not_asked(desk: Desk) -> None:
    desk.now = at("2026-11-30T14:00")
    number = register(desk, Report("Printer stuk", 1, "phone", "incident", "printer", "low")).id
    handling.cancel(desk, [number], "vergissing")
    desk.now = at(OPEN)
    assert post(desk) == Posted()


@pytest.mark.parametrize("sql", [
    "update person set active = 0",
    "insert into bad_address (mail_key, since, reason, mail) values ('test.melder@example.be', 0, '550', 1)",
])  # fmt: skip
def test_who_cannot_be_reached_is_not_asked(desk: Desk, sql: str) -> None:
    closed(desk)
    desk.store.run(lambda: desk.store.execute(sql))
    assert post(desk) == Posted()


def test_old_tickets_are_left_in_peace(desk: Desk) -> None:
    """A desk that begins to ask does not ask about last year."""
    closed(desk, "2026-11-23T15:00")
    assert post(desk) == Posted()


@pytest.mark.parametrize(
    "now", ["2026-12-01T08:29", "2026-12-01T16:30", "2026-12-05T10:00", "2026-12-25T10:00"]
)
def test_nobody_is_asked_outside_the_hours_of_reminders(desk: Desk, now: str) -> None:
    closed(desk)
    desk.now = at(now)
    assert post(desk) == Posted()


def test_without_a_share_nobody_is_asked(desk: Desk) -> None:
    agree(desk, satisfaction=Satisfaction())
    closed(desk)
    assert post(desk) == Posted()


@given(st.integers(1, 10**9), st.floats(0, 1), st.integers(200, 1000))
def test_sample_has_its_share_in_any_run_of_numbers(first: int, share: float, length: int) -> None:
    asked = sum(sampled(number, share) for number in range(first, first + length))
    assert abs(asked - share * length) < 8


def test_sample_of_none_and_of_all() -> None:
    assert [{sampled(number, share) for number in range(1000)} for share in (0.0, 1.0)] == [{False}, {True}]


# --- The reminder


def test_one_reminder_then_nothing(desk: Desk) -> None:
    number = closed(desk)
    post(desk)
    told = []
    for day in range(40):
        desk.now = at(OPEN) + day * DAY
        told += [(day, done) for done in (post(desk), post(desk)) if done != Posted()]
    assert told == [(7, Posted(reminded=1))]
    assert mails(desk)[1][0] == f"feedback-{number}-remind"


@pytest.mark.parametrize("act", ["answer", "reopen"])
def test_no_reminder_after_an_answer_or_a_reopening(desk: Desk, act: str) -> None:
    number = closed(desk)
    post(desk)
    if act == "answer":
        satisfaction.record(desk, number, 5)
    else:
        handling.reopen(desk, [number], "weer stuk")
    desk.now += 10 * DAY
    assert post(desk) == Posted()


def test_ticket_that_is_closed_again_is_not_asked_again(desk: Desk) -> None:
    number = closed(desk)
    post(desk)
    handling.reopen(desk, [number], "weer stuk")
    handling.resolve(desk, [number], "toner")
    desk.now += 60 * DAY
    tickets.apply(desk, number, "close")
    desk.now += DAY
    assert post(desk).asked == 0


@pytest.mark.parametrize("language", render.LANGUAGES)
def test_words_in_every_language(desk: Desk, language: str) -> None:
    desk.store.run(lambda: desk.store.execute("update person set language = :to", to=language))
    closed(desk)
    post(desk)
    desk.now += 7 * DAY
    post(desk)
    assert ["SD-1" in text for _, _, text in mails(desk)] == [True, True]
    assert "\n\n\n" not in "".join(text for _, _, text in mails(desk))


# --- Answers


@pytest.mark.parametrize(("score", "calls"), [(1, 1), (2, 1), (3, 0), (5, 0)])
def test_low_score_makes_a_call_back_within_a_day(desk: Desk, score: int, calls: int) -> None:
    number = closed(desk)
    post(desk)
    satisfaction.record(desk, number, score, "te traag")
    rows = desk.store.query("select kind, ticket, agent, text, at, state from promise")
    assert [dict(row) for row in rows] == [
        {"kind": "callback", "ticket": number, "agent": "agent", "at": at("2026-12-02T09:00"),
         "text": f"terugbellen over de tevredenheid: {score} op 5", "state": "open"}
    ] * calls  # fmt: skip


def test_call_back_is_made_once(desk: Desk) -> None:
    number = closed(desk)
    post(desk)
    for score in (2, 1, 2):
        satisfaction.record(desk, number, score)
    assert desk.store.value("select count(*) from promise") == 1


def test_who_was_not_asked_does_not_count(desk: Desk) -> None:
    with pytest.raises(NotFound, match="nobody was asked about ticket 1"):
        satisfaction.record(desk, closed(desk), 5)


def test_second_answer_takes_the_place_of_the_first(desk: Desk, sd: Sd) -> None:
    """Both stay in the journal, which holds."""
    number = closed(desk)
    post(desk)
    satisfaction.record(desk, number, 2, "te traag")
    after, _ = satisfaction.record(desk, number, 4)
    assert (after.score, after.comment, after.source, after.rev) == (4, "te traag", "cli", 3)
    assert sd("audit", "verify", as_of=OPEN).code == 0


def test_commands(desk: Desk, sd: Sd) -> None:
    closed(desk)
    post(desk)
    assert sd("feedback", "record", 1, 2, "--comment", "te traag", as_of=OPEN).out == (
        "SD-1: 2 of 5, call-back 1 made\n"
    )
    row = {
        "ticket": 1, "asked_at": "2026-12-01T09:00:00+01:00", "reminded_at": None,
        "answered_at": "2026-12-01T09:00:00+01:00", "score": 2, "comment": "te traag", "source": "cli",
        "rev": 2,
    }  # fmt: skip
    assert sd("feedback", "show", 1, "--format", "json").json() == row
    assert differs(row, "## An answer: `sd feedback list`, `sd feedback show`") == []
    assert sd("feedback", "list", "--format", "json").json() == [row]
    assert sd("feedback", "list", "--low", "--answered", "--format", "json").json() == [row]
    assert sd("feedback", "list", "--unanswered", "--format", "json").json() == []
    assert "te traag" in sd("feedback", "show", 1).out
    assert sd("feedback", "record", 1, 6).code == 2
    assert sd("feedback", "show", 2).code == 4


def test_dry_run_of_an_answer_writes_nothing(desk: Desk, sd: Sd) -> None:
    closed(desk)
    post(desk)
    assert sd("feedback", "record", 1, 2, "--dry-run", as_of=OPEN).out.startswith("(dry run) SD-1: 2 of 5")
    assert satisfaction.get(desk.store, 1).score is None


def test_words_about_a_confidential_ticket_are_hidden(desk: Desk, sd: Sd) -> None:
    closed(desk)
    post(desk)
    satisfaction.record(desk, 1, 3, "over mijn dossier")
    desk.store.run(
        lambda: desk.store.execute("update ticket set confidential = 1, registered_by = 'x', agent = 'x'")
    )
    assert "dossier" not in sd("feedback", "list").out + sd("feedback", "show", 1).out


def test_job_tells_how_many(desk: Desk) -> None:
    closed(desk)
    assert [jobs.run(desk, "feedback"), jobs.run(desk, "feedback")] == ["1 customer(s) asked", ""]


# --- The KPIs


def test_share_and_response(desk: Desk) -> None:
    """Four asked in December, three answered, two of them satisfied; one answer came in January."""
    for number, name in enumerate(("An Peeters", "Bo Maes", "Cis Claes"), 2):
        closed(desk, caller=person(desk, name))
        assert number
    closed(desk)
    assert post(desk).asked == 4
    for number, score in ((1, 5), (2, 4)):
        satisfaction.record(desk, number, score)
    desk.now = at("2027-01-04T10:00")
    satisfaction.record(desk, 3, 1)
    found = kpi.report(desk.store, desk.rulebook, date(2026, 12, 1), date(2027, 1, 1), timezone=desk.timezone)
    figures = {figure.key: (figure.n, figure.of, figure.value) for figure in found.kpis}
    assert figures["satisfaction"] == (2, 2, 1.0)
    assert figures["satisfaction_response"] == (2, 4, 0.5)


@pytest.mark.parametrize(
    "column", [name for name in satisfaction.Feedback._fields if name not in ("id", "person")]
)
def test_answer_that_is_changed_by_hand_is_seen(desk: Desk, sd: Sd, column: str) -> None:
    """Somebody makes a two a five behind the journal's back."""
    closed(desk)
    post(desk)
    satisfaction.record(desk, 1, 2, "te traag")
    value = "'x'" if column in ("comment", "source") else "5"
    desk.store.run(lambda: desk.store.execute(f"update feedback set {column} = {value}"))
    ran = sd("audit", "verify", as_of=OPEN)
    assert (ran.code, ran.out) == (1, "answer about ticket 1 differs from the journal\n")


def test_answer_that_is_deleted_is_seen(desk: Desk, sd: Sd) -> None:
    closed(desk)
    post(desk)
    desk.store.run(lambda: desk.store.execute("delete from feedback"))
    assert sd("audit", "verify", as_of=OPEN).code == 1
