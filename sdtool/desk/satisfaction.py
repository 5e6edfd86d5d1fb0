"""Asking customers how it went, of a sample of closed tickets: once, reminded once, then nothing.

Who is asked follows from how tickets stand, not from what just happened: `post` may run at any moment, any
number of times. A low score makes a call-back.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sdtool.desk import Desk, calendars, promises, records, tickets
from sdtool.desk.letters import Letter, line, parted, queue, signature
from sdtool.errors import NotFound, UsageFault
from sdtool.rulebook.chasing import Satisfaction, chasing
from sdtool.rules.ladder import in_window
from sdtool.store.base import Row, Store
from sdtool.store.journal import Entry, append

KIND = "feedback"
SCORES = range(1, 6)
LOOK_BACK = 7 * 86_400  # seconds after its closing in which a customer is asked
REMIND_WITHIN = 30 * 86_400  # seconds after the question: later a reminder is of no use
SELF_OPENED = "monitoring"  # the channel of what the desk opened itself
LONGEST = 5000  # characters of a comment


class Feedback(NamedTuple):
    """What a customer was asked about a ticket, whose number it has, and what came back.

    Moments are epoch seconds; `score` is 1 to 5, None while nothing came; `source` says how it came.
    """

    id: int
    person: int
    asked_at: int
    reminded_at: int | None
    score: int | None
    comment: str
    answered_at: int | None
    source: str
    rev: int


class Posted(NamedTuple):
    """What `post` queued: questions and reminders."""

    asked: int = 0
    reminded: int = 0


# --- Reading


def get(store: Store, number: int) -> Feedback:
    """Return what was asked about a ticket; NotFound when nothing was."""
    row = store.one("select * from feedback where id = :id", id=number)
    if row is None:
        raise NotFound(f"nobody was asked about ticket {number}: who is, the rulebook says ([satisfaction])")
    return Feedback(**dict(row))


def listing(
    store: Store, *, answered: bool | None = None, low: int | None = None, limit: int = 200
) -> list[Feedback]:
    """Return who was asked, newest first: only those who answered, or did not; only scores up to `low`."""
    rows = store.query(
        "select * from feedback where (:answered is null or (answered_at is not null) = (:answered = 1))"
        " and (:low is null or score <= :low) order by asked_at desc, id desc limit :limit",
        answered=None if answered is None else int(answered),
        low=low,
        limit=limit,
    )
    return [Feedback(**dict(row)) for row in rows]


def sampled(number: int, share: float) -> bool:
    """Tell whether a ticket is among the share that is asked about: always the same answer.

    A multiplication spreads numbers that follow each other evenly (Knuth, The Art of Computer Programming 3,
    6.4), so that a short run of tickets holds the share too.
    """
    return number * 2_654_435_769 % 2**32 < share * 2**32


# --- Asking


def post(desk: Desk) -> Posted:
    """Queue the questions and reminders that are due, within the hours agreed for reminders."""
    lists = chasing(desk.rulebook)
    agreed = lists.satisfaction
    calendar = calendars.own(desk)
    if not agreed.share or not in_window(calendar, lists.reminding.window, desk.now):
        return Posted()
    own = {agent.mail.casefold() for agent in lists.agents}
    asked = _each(desk, agreed, "ask", unasked(desk, agreed, own))
    return Posted(asked, _each(desk, agreed, "remind", unanswered(desk, agreed)))


_UNASKED = (
    "select ticket.id, ticket.summary, ticket.closed_at, person.id as person, person.name, person.mail,"
    " person.language from ticket join person on person.id = ticket.caller"
    " where ticket.closed_at > :since and ticket.closed_at <= :now"
    " and ticket.service = '' and ticket.channel <> :self_opened and ticket.test = 0"
    " and not exists (select 1 from feedback where feedback.id = ticket.id)"
    " and not exists (select 1 from feedback where feedback.person = person.id and asked_at > :last)"
    " and not exists (select 1 from link where link.ticket = ticket.id and link.kind = 'part-of')"
    " and ticket.state = 'closed' and ticket.confidential = 0 and person.active = 1"
    " and person.mail_key is not null"
    " and not exists (select 1 from bad_address where bad_address.mail_key = person.mail_key)"
    " order by ticket.closed_at, ticket.id"
)
_UNANSWERED = (
    "select ticket.id, ticket.summary, ticket.closed_at, feedback.asked_at, person.id as person, person.name,"
    " person.mail, person.language from feedback join ticket on ticket.id = feedback.id"
    " join person on person.id = feedback.person"
    " where feedback.asked_at > :since and feedback.asked_at <= :now"
    " and feedback.answered_at is null and feedback.reminded_at is null"
    " and ticket.state = 'closed' and ticket.test = 0 and ticket.confidential = 0 and person.active = 1"
    " and person.mail_key is not null"
    " and not exists (select 1 from bad_address where bad_address.mail_key = person.mail_key)"
    " order by feedback.asked_at, ticket.id"
)


def unasked(desk: Desk, agreed: Satisfaction, own: Iterable[str]) -> list[Row]:
    """Return the tickets about which a customer is to be asked now, one for each person.

    Args:
        own: mail addresses of the desk's own people, who are not asked.
    """
    rows = desk.store.query(
        _UNASKED,
        since=desk.now - LOOK_BACK,
        now=desk.now,
        last=desk.now - agreed.days * 86_400,
        self_opened=SELF_OPENED,
    )
    found: dict[int, Row] = {}
    for row in rows:
        if sampled(row["id"], agreed.share) and row["mail"].casefold() not in own:
            found.setdefault(row["person"], row)
    return list(found.values())


def unanswered(desk: Desk, agreed: Satisfaction) -> list[Row]:
    """Return the tickets about which a customer is to be reminded now."""
    calendar = calendars.own(desk, desk.now - REMIND_WITHIN)
    seconds, days = agreed.remind_after
    rows = desk.store.query(_UNANSWERED, since=desk.now - REMIND_WITHIN, now=desk.now)
    return [
        row
        for row in rows
        if (calendar.add_days(row["asked_at"], days) if days else calendar.add(row["asked_at"], seconds))
        <= desk.now
    ]


def _each(desk: Desk, agreed: Satisfaction, step: str, rows: Iterable[Row]) -> int:
    """Queue one mail a ticket, each in a transaction of its own; return how many."""
    from sdtool.mail.compose import valid_address

    done = 0
    for row in rows:
        if valid_address(row["mail"]):
            letter = _written(desk, step, row)
            done += desk.run(lambda: _queue(desk, agreed, step, row, letter))  # noqa: B023 (runs at once)
    return done


def _queue(desk: Desk, agreed: Satisfaction, step: str, row: Row, letter: Letter) -> bool:
    """Note and queue, unless the ticket was reopened or somebody answered meanwhile."""
    ticket = tickets.get(desk.store, row["id"])
    if ticket.state != "closed" or ticket.confidential:
        return False
    if step == "ask":
        desk.store.insert("feedback", {"id": ticket.id, "person": row["person"], "asked_at": desk.now})
        values = {**Feedback(ticket.id, row["person"], desk.now, None, None, "", None, "", 0)._asdict()}
        del values["id"], values["rev"]
        data = {"set": values, "was": {}}
        append(desk.store, [Entry(KIND, ticket.id, "new", desk.actor, desk.source, desk.now, data)])
    else:
        found = get(desk.store, ticket.id)
        if found.answered_at is not None or found.reminded_at is not None:
            return False
        records.change(desk, KIND, found, "remind", {"reminded_at": desk.now})
    return queue(desk, ticket.id, KIND, letter, f"feedback-{ticket.id}-{step}")


def _written(desk: Desk, step: str, row: Row) -> Letter:
    from sdtool import render

    language = render.known(row["language"])
    whole = render.text(
        f"mail/feedback-{step}",
        language,
        caller=row["name"],
        number=row["id"],
        summary=line(row["summary"]),
        closed=tickets.day_of(row["closed_at"], desk.timezone),
        **signature(desk),
    )
    return parted(desk, row["id"], row["mail"], language, whole)


# --- Answering


def record(desk: Desk, number: int, score: int, comment: str = "") -> tuple[Feedback, int | None]:
    """Keep what a customer answered; return it, and the number of the call-back that a low score makes.

    A second answer takes the place of the first, and both stay in the journal. A call-back is made once.

    Raises:
        NotFound: nobody was asked about this ticket: who is not in the sample does not count.
        UsageFault: the score is not 1 to 5.
    """
    if score not in SCORES:
        raise UsageFault(f"a score is 1 (bad) to 5 (good), not {score}")
    from sdtool.desk.handling import text_of

    text = text_of("comment", comment, longest=LONGEST) if comment.strip() else ""

    def work() -> tuple[Feedback, int | None]:
        found = get(desk.store, number)
        tickets.require_readable(desk, tickets.get(desk.store, number))
        values: dict[str, Any] = {"score": score, "comment": text or found.comment}
        if found.answered_at is None:
            values |= {"answered_at": desk.now, "source": desk.source}
        verb = "answer" if found.answered_at is None else "correct"
        records.change(desk, KIND, found, verb, values)
        low = chasing(desk.rulebook).satisfaction.low
        called = score <= low and (found.score is None or found.score > low)
        return get(desk.store, number), _call_back(desk, number, score) if called else None

    return desk.run(work)


_CALL: Mapping[str, str] = {
    "nl": "terugbellen over de tevredenheid: {} op 5",
    "fr": "rappeler au sujet de la satisfaction : {} sur 5",
}


def _call_back(desk: Desk, number: int, score: int) -> int:
    """Promise a call within one working day, by who solved the ticket; return its number."""
    calendar = calendars.own(desk)
    agent = tickets.get(desk.store, number).agent or desk.actor
    words = _CALL.get(desk.rulebook.organisation.language, "call back about the satisfaction: {} of 5")
    at = calendar.add_days(desk.now, 1)
    return promises.make(desk, number, words.format(score), at, kind="callback", agent=agent).id
