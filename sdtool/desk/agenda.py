"""The agenda: what is due when, for one agent or the groups that agent works in. Reads only."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sdtool.desk import Desk, calendars, promises, queue, tickets
from sdtool.rules.lifecycle import DESK, Ticket
from sdtool.store.base import Row

# in the order in which they stand at one moment
KINDS = (
    "closed", "open", "buffer", "callback", "promise", "appointment", "feedback", "respond", "resolve",
    "returns",
)  # fmt: skip
REMEMBERED = 30 * 86_400  # how long what was cancelled is told to calendar programs, and what passed is kept
_EVER = 2**40


class Entry(NamedTuple):
    """Something at a moment (epoch seconds): `kind` is one of KINDS, `late` when it is past and still to do.

    `number` is that of the promise or the owed feedback, and `rev` the revision of the record it comes from.
    `text` tells nothing of a ticket that the actor may not read; `confidential` says that it is one.
    """

    kind: str
    at: int
    until: int | None
    late: bool
    agent: str
    group: str
    ticket: int | None
    ticket_state: str
    number: int | None
    text: str
    confidential: bool = False
    cancelled: bool = False
    rev: int = 0


class Scope(NamedTuple):
    """Whose agenda, and from when until when; without `day` all that is open, whenever it is due."""

    agent: str
    groups: tuple[str, ...]
    team: bool
    start: int
    end: int
    whole: bool

    def covers(self, entry: Entry, now: int) -> bool:
        """Tell whether an entry belongs here: in the period, or left undone before it when that runs now."""
        if self.whole or self.start <= entry.at < self.end:
            return True
        if entry.late:
            return self.start <= now < self.end and entry.at < self.start
        return entry.until is not None and entry.at < self.end and self.start < entry.until


class Day(NamedTuple):
    """A day of the desk's calendar: when it is open, and the name of a day that differs from the week."""

    day: date
    hours: tuple[tuple[int, int], ...]
    name: str


def period(desk: Desk, first: date, days: int) -> tuple[int, int]:
    """Return the moments at which a number of local days begin and are over."""
    zone = ZoneInfo(desk.timezone)
    edges = [datetime(d.year, d.month, d.day, tzinfo=zone) for d in (first, first + timedelta(days=days))]
    return int(edges[0].timestamp()), int(edges[1].timestamp())


def scope(desk: Desk, *, team: bool, first: date | None = None, days: int = 1) -> Scope:
    """Return the actor's agenda, or the team's, of some days; without `first` of all days."""
    start, end = (0, _EVER) if first is None else period(desk, first, days)
    return Scope(desk.actor, desk.rulebook.groups_of(desk.actor), team, start, end, first is None)


def entries(desk: Desk, wanted: Scope) -> list[Entry]:
    """Return what is to be done: what is late first, then in the order of time."""
    found = [entry for source in SOURCES for entry in source(desk, wanted) if wanted.covers(entry, desk.now)]
    return sorted(found, key=order)


def order(entry: Entry) -> tuple[bool, int, int, int, int]:
    """Return what entries are sorted by: what is late first, then the moment."""
    return (not entry.late, entry.at, KINDS.index(entry.kind), entry.ticket or 0, entry.number or 0)


def days(desk: Desk, first: date, count: int) -> list[Day]:
    """Return days of the desk's own calendar with their hours, and their names where they differ."""
    key = desk.rulebook.calendars[0].key
    calendar = calendars.load(desk.store, desk.rulebook, key, period(desk, first, count)[0])
    rows = desk.store.query(
        "select day, name from holiday where calendar = :key and day >= :first and day < :after order by day",
        key=key,
        first=first.isoformat(),
        after=(first + timedelta(days=count)).isoformat(),
    )
    names = {row["day"]: row["name"] for row in rows}
    found = []
    for number in range(count):
        day = first + timedelta(days=number)
        hours = tuple(calendar.spans(*period(desk, day, 1)))
        found.append(Day(day, hours, names.get(day.isoformat(), "")))
    return found


# --- Where entries come from


def _promises(desk: Desk, wanted: Scope) -> Iterator[Entry]:
    """What was promised, appointments and buffers; what is over leaves the agenda with its day."""
    passed = desk.now - REMEMBERED
    for one in promises.standing(desk.store, before=wanted.end):
        recent = one.kind not in promises.SPANS or not wanted.whole or one.at >= passed
        if recent and _is_whose(desk, wanted, one):
            yield _promise(desk, one)


def withdrawn(desk: Desk, wanted: Scope) -> list[Entry]:
    """Return what was cancelled lately: a calendar program that knows it must take it out."""
    found = promises.ended(desk.store, since=desk.now - REMEMBERED)
    own = [one for one in found if one.state == "cancelled" and _is_whose(desk, wanted, one)]
    gone = [_promise(desk, one)._replace(cancelled=True) for one in own]
    return [entry for entry in gone if wanted.covers(entry, desk.now)]


def _is_whose(desk: Desk, wanted: Scope, one: promises.Promise) -> bool:
    """Tell whether it is for this agent, or for a group of the agent's; a buffer is for all of that."""
    if not wanted.team and one.kind != "buffer":
        return one.agent == wanted.agent
    return bool(set(wanted.groups) & set(desk.rulebook.groups_of(one.agent)))


def _promise(desk: Desk, one: promises.Promise) -> Entry:
    late = promises.is_late(one, desk.now)
    entry = Entry(
        one.kind, one.at, one.until_at, late, one.agent, "", one.ticket, "", one.id, one.text, rev=one.rev
    )
    if one.ticket is None:
        return entry
    ticket = tickets.get(desk.store, one.ticket)
    return _about(desk, entry._replace(group=ticket.group_key), ticket)


# a constant in three shapes: mine, the queue of a group, all of a group; the open state as in the indexes
_MINE, _QUEUE, _GROUP = "agent = :key", "group_key = :key and agent = ''", "group_key = :key"
_TICKETS = {
    which: f"select * from ticket where {tickets.OPEN} and {which} order by resolve_due, id"  # noqa: S608
    for which in (_MINE, _QUEUE, _GROUP)
}


def _tickets(desk: Desk, wanted: Scope) -> Iterator[Ticket]:
    """Yield the open tickets of the agent and the queue of the groups, or all of the groups."""
    asked = [(_GROUP if wanted.team else _QUEUE, group) for group in wanted.groups]
    if not wanted.team:
        asked.insert(0, (_MINE, wanted.agent))
    for which, key in asked:
        for row in desk.store.query(_TICKETS[which], key=key):
            yield Ticket(**dict(row))


def _deadlines(desk: Desk, wanted: Scope) -> Iterator[Entry]:
    """The deadlines of tickets whose clock runs, and when tickets come back that were put off or wait."""
    for ticket in _tickets(desk, wanted):
        due = []
        if not ticket.paused:
            due.append(("resolve", ticket.resolve_due))
            if ticket.accepted_at is None and ticket.responded_at is None:
                due.append(("respond", ticket.respond_due))
        if ticket.waiting_until is not None and (ticket.waiting_on == DESK or not _owes(desk, ticket.id)):
            due.append(("returns", ticket.waiting_until))
        for kind, at in due:
            if at < wanted.end:
                yield _about(desk, _of_ticket(desk, ticket, kind, at, ticket.summary), ticket)


def _owes(desk: Desk, number: int) -> bool:
    """Tell whether feedback is owed for a ticket: that is in the agenda itself."""
    sql = "select 1 from owed where ticket = :id and state = 'open' limit 1"
    return desk.store.one(sql, id=number) is not None


_OWED = """
    select owed.id, owed.ticket, owed.kind, owed.what, owed.due_at, owed.rev,
        coalesce(party.name, person.name, '') as who
    from owed join ticket on ticket.id = owed.ticket
        left join party on party.id = owed.party left join person on person.id = owed.person
    where owed.state = 'open' and owed.due_at < :before
    order by owed.due_at, owed.id
"""


def _feedback(desk: Desk, wanted: Scope) -> Iterator[Entry]:
    """What others owe the desk, for the tickets that are theirs to follow."""
    for row in desk.store.query(_OWED, before=wanted.end):
        ticket = tickets.get(desk.store, row["ticket"])
        own = ticket.agent == wanted.agent or (not ticket.agent and ticket.group_key in wanted.groups)
        if ticket.group_key in wanted.groups if wanted.team else own:
            entry = _of_ticket(desk, ticket, "feedback", row["due_at"], _said(row))
            yield _about(desk, entry._replace(number=row["id"], rev=row["rev"]), ticket)


def _said(row: Row) -> str:
    return f"{row['who'] or row['kind']}: {row['what']}"


def _of_ticket(desk: Desk, ticket: Ticket, kind: str, at: int, text: str) -> Entry:
    about = (ticket.agent, ticket.group_key, ticket.id, ticket.state)
    return Entry(kind, at, None, at <= desk.now, *about, None, text, rev=ticket.rev)


def _about(desk: Desk, entry: Entry, ticket: Ticket) -> Entry:
    """Hide what an entry tells of a ticket that the actor may not read."""
    text = entry.text if queue.may_see(desk, ticket) else queue.HIDDEN
    return entry._replace(ticket_state=ticket.state, text=text, confidential=bool(ticket.confidential))


# one line for each thing that has a moment; planned hours of another kind get theirs here
SOURCES: tuple[Callable[[Desk, Scope], Iterator[Entry]], ...] = (_promises, _feedback, _deadlines)
