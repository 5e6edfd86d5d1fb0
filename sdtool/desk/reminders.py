"""Reminding who owes the desk an answer: up the ladder of the rulebook, one digest a party and day.

What is due follows from how the records stand at `desk.now`. So a run that is repeated does nothing, and one
run after days without makes up for them with one step. Templates are slow: mails are written first, and each
party's items go up in one transaction with them, if nothing about them changed meanwhile.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sdtool.desk import Desk, calendars, handling, owed, tickets
from sdtool.desk.owed import Owed, Standing
from sdtool.desk.queue import HIDDEN, may_see
from sdtool.errors import OF_ONE, NotFound
from sdtool.rulebook.chasing import Chasing, Step, chasing
from sdtool.rules import ladder
from sdtool.rules.worktime import Calendar

KIND = "reminder"


class Due(NamedTuple):
    """An item whose step is due: step `number` of its ladder; `closes` is the moment that it announces."""

    standing: Standing
    number: int
    step: Step
    closes: int | None


class Digest(NamedTuple):
    """What a party is due at `now`; `key` names the party for ever, `day` is its local date."""

    key: str
    now: int
    day: str
    name: str
    address: str
    language: str
    calendar: Calendar
    items: tuple[Due, ...]


class Mail(NamedTuple):
    """A mail as it is queued; `copy` is the role of who gets one, `steps` are (item, ticket, step, tone)."""

    party: str
    name: str
    to: str
    copy: str
    language: str
    subject: str
    text: str
    steps: tuple[tuple[int, int, int, str], ...]
    ticket: int | None
    message_id: str
    message: str
    dedupe: str
    expires_at: int


class Outcome(NamedTuple):
    """What a run came to: mails queued, tickets closed, and in words what could not be done."""

    mails: list[Mail]
    closed: list[int]
    unreachable: list[str]
    refused: list[str]


def remind(desk: Desk) -> Outcome:
    """Take every step that is due now, and queue the mails; on a dry run return what it would be."""
    from sdtool.desk import reminder_mails

    plan, found = due(desk)
    language = desk.rulebook.organisation.language
    for digest in plan:
        try:
            mails = reminder_mails.write(desk, digest)
            solutions = {t: reminder_mails.solution(digest, t, language) for t in _closing(digest.items)}
            done = desk.run(lambda: _post(desk, digest, mails, solutions))  # noqa: B023 (it runs at once)
        except OF_ONE as exc:
            seen = all(may_see(desk, item.standing.ticket) for item in digest.items)
            found.refused.append(f"{digest.name if seen else HIDDEN} was not reminded: {exc.message}")
            continue
        if done:
            found.mails.extend(mails)
            found.closed.extend(solutions)
    return found


def item_of(standing: Standing) -> ladder.Item:
    """Return what the rules of the ladder need of owed feedback."""
    entry, ticket = standing.owed, standing.ticket
    is_open = entry.state == "open" and ticket.ended_at is None
    return ladder.Item(entry.asked_at, entry.due_at, entry.step, entry.step_at, is_open)


def calendar_of(desk: Desk, standing: Standing) -> Calendar:
    """Return the calendar of who owes it; the desk's own for a person, and for one that is agreed no more."""
    key = standing.party.calendar if standing.party is not None else ""
    known = {calendar.key for calendar in desk.rulebook.calendars}
    own = key if key in known else desk.rulebook.calendars[0].key
    return calendars.load(desk.store, desk.rulebook, own, standing.owed.asked_at)


def next_moment(desk: Desk, standing: Standing) -> int | None:
    """Return when owed feedback is next reminded of if nothing changes; None for never."""
    agreed = chasing(desk.rulebook)
    steps = ladder.ladder(agreed.reminder_steps, standing.owed.kind)
    window = agreed.reminding.window
    return ladder.next_moment(calendar_of(desk, standing), steps, window, item_of(standing))


# --- Gather, and decide


def due(desk: Desk) -> tuple[list[Digest], Outcome]:
    """Return the digests that are due, those that close tickets first, and what hinders others."""
    outcome, agreed = Outcome([], [], [], []), chasing(desk.rulebook)
    groups: dict[str, list[Due]] = {}
    bounced = {row["mail_key"] for row in desk.store.query("select mail_key from bad_address")}
    for standing in owed.listing(desk.store, before=desk.now + 1):
        step = _step(desk, agreed, standing)
        if step is None:
            continue
        fault = _unreachable(standing, bounced, may_see(desk, standing.ticket))
        if fault:
            outcome.unreachable.append(f"{_named(standing.owed)}: {fault}")
        else:
            groups.setdefault(_key(standing), []).append(step)
    digests = [_digest(desk, key, items) for key, items in sorted(groups.items())]
    told = {day: _told(desk, day) for day in {digest.day for digest in digests}}
    fresh = [digest for digest in digests if dedupe(digest) not in told[digest.day]]
    return _closable(desk, fresh, outcome.refused), outcome


def _step(desk: Desk, agreed: Chasing, standing: Standing) -> Due | None:
    steps, window = ladder.ladder(agreed.reminder_steps, standing.owed.kind), agreed.reminding.window
    calendar, item = calendar_of(desk, standing), item_of(standing)
    number = ladder.due(calendar, steps, window, item, desk.now)
    if not number:
        return None
    taken = item._replace(step=number, step_at=desk.now)
    announces = steps[number - 1].tone == "closing"
    closes = ladder.next_moment(calendar, steps, window, taken) if announces else None
    return Due(standing, number, steps[number - 1], closes)


def _unreachable(standing: Standing, bounced: Container[str], seen: bool) -> str:
    """Return why nobody can be reminded of an item, "" when somebody can; only who may see it reads who."""
    from sdtool.mail.compose import valid_address

    whom = standing.party or standing.person
    if whom is None:
        return f"nobody is named as the {standing.owed.kind} who owes it"
    name, address = (whom.name, whom.mail) if seen else (HIDDEN, HIDDEN)
    if not whom.active:
        return f"{name} is no longer active"
    if not whom.mail or not valid_address(whom.mail):
        return f"{name} has no mail address"
    return f"mail to {address} bounces" if whom.mail.casefold() in bounced else ""


def _named(entry: Owed) -> str:
    return f"{owed.spelled(entry.id)} of ticket {entry.ticket}"


def _key(standing: Standing) -> str:
    if standing.party is not None:
        return f"party-{standing.party.id}"
    return f"person-{standing.owed.person}"


def _digest(desk: Desk, key: str, items: Iterable[Due]) -> Digest:
    ordered = tuple(sorted(items, key=lambda item: (item.standing.owed.ticket, item.standing.owed.id)))
    first = ordered[0].standing
    calendar, whom = calendar_of(desk, first), first.party or first.person
    assert whom is not None and whom.mail
    day = datetime.fromtimestamp(desk.now, calendar.zone).date().isoformat()
    return Digest(key, desk.now, day, whom.name, whom.mail, whom.language, calendar, ordered)


def dedupe(digest: Digest) -> str:
    """Return the name of a party's digest of a day, under which it is queued once for ever."""
    return f"remind:{digest.day}:{digest.key}"


def _told(desk: Desk, day: str) -> set[str]:
    rows = desk.store.query(
        "select dedupe from outbox where dedupe >= :first and dedupe < :after order by dedupe",
        first=f"remind:{day}:",
        after=f"remind:{day};",  # the character after the colon
    )
    return {row["dedupe"] for row in rows}


# --- Closing what was announced


def _closing(items: Iterable[Due]) -> list[int]:
    """Return the tickets that these steps close."""
    return list(dict.fromkeys(due.standing.ticket.id for due in items if due.step.tone == "close"))


def _closable(desk: Desk, digests: Sequence[Digest], refused: list[str]) -> list[Digest]:
    """Return the digests without what cannot be closed, and without other items of what is closed now."""
    closing: dict[int, list[tuple[Digest, Due]]] = {}
    for digest in digests:
        for item in digest.items:
            if item.step.tone == "close":
                closing.setdefault(item.standing.ticket.id, []).append((digest, item))
    faults = {ticket: _refusal(desk, ticket, items) for ticket, items in closing.items()}
    refused += [f"ticket {ticket} stays open: {fault}" for ticket, fault in faults.items() if fault]
    found, taken = [], set[int]()
    for digest in sorted(digests, key=lambda digest: not _closing(digest.items)):
        own = {ticket for ticket in _closing(digest.items) if not faults[ticket] and ticket not in taken}
        kept = tuple(item for item in digest.items if _stays(item, own, faults))
        taken |= own
        if kept:
            found.append(digest._replace(items=kept))
    return found


def _stays(item: Due, own: set[int], faults: dict[int, str]) -> bool:
    """Tell whether an item stays in a digest that closes the tickets `own`."""
    ticket = item.standing.ticket.id
    if item.step.tone == "close":
        return ticket in own
    return ticket not in faults or bool(faults[ticket])


def _refusal(desk: Desk, ticket: int, items: Sequence[tuple[Digest, Due]]) -> str:
    """Return why a ticket cannot be closed for want of these answers; "" when it can."""
    own = [item.standing.owed.id for _, item in items]
    others = [
        owed.spelled(entry.id)
        for entry in owed.open_of(desk.store, ticket)
        if entry.kind == "customer" and entry.id not in own
    ]
    if others:
        return f"a customer still has time to answer {', '.join(others)}"
    if any(_unannounced(desk, digest, item.standing.owed) for digest, item in items):
        return "the mail that announces its closing did not go out; `sd mail queue` tells why"

    def rehearse() -> None:
        handling.resolve(desk, [ticket], "-")
        raise _Rehearsed

    try:
        desk.run(rehearse)
    except _Rehearsed:
        return ""
    except OF_ONE as exc:
        return exc.message
    return ""


def _unannounced(desk: Desk, digest: Digest, entry: Owed) -> bool:
    """Tell whether the last mail about an item came to nothing, or is held."""
    day = datetime.fromtimestamp(entry.step_at or 0, digest.calendar.zone).date().isoformat()
    key = dedupe(digest._replace(day=day))
    state = desk.store.value("select state from outbox where dedupe = :key", key=key)
    return state in ("failed", "held", "dropped")


class _Rehearsed(Exception):
    """The gate would let it pass; it takes the rehearsal back."""


# --- Apply


def _post(desk: Desk, digest: Digest, mails: Sequence[Mail], solutions: Mapping[int, str]) -> bool:
    """Take the steps of a party and queue its mails; False when something changed since they were written.

    Args:
        solutions: what closes a ticket, in words.
    """
    from sdtool.mail import outbox

    if _queued(desk, digest) or not all(_same(desk, item) for item in digest.items):
        return False
    for item in digest.items:
        owed.advance(desk, item.standing.owed.id, item.number, desk.now)
    for ticket, solution in solutions.items():
        handling.resolve(desk, [ticket], solution)
    for mail in mails:
        outbox.queue(
            desk.store,
            now=desk.now,
            dedupe=mail.dedupe,
            kind=KIND,
            recipient=mail.to,
            message=mail.message,
            message_id=mail.message_id,
            ticket=mail.ticket,
            expires_at=mail.expires_at,
        )
    return True


def _queued(desk: Desk, digest: Digest) -> bool:
    key = dedupe(digest)
    return desk.store.one("select 1 as one from outbox where dedupe = :key", key=key) is not None


def _same(desk: Desk, item: Due) -> bool:
    """Tell whether an item and its ticket stand as they did when the mail was written."""
    entry, ticket = item.standing.owed, item.standing.ticket
    try:
        now = tickets.get(desk.store, ticket.id)
        return owed.get(desk.store, entry.id) == entry and _shown(now) == _shown(ticket)
    except NotFound:
        return False


def _shown(ticket: Any) -> tuple[Any, ...]:
    return ticket.ended_at, ticket.confidential, ticket.summary
