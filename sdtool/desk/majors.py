"""Major incidents: declared by a person, with an agreement on how often who is struck hears of it.

A message to the customer on the declared ticket (`sd note --public`) is an update. When the next one is due
follows from the journal; nothing of it is stored.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.desk import Desk, calendars, handling, records, replay, tickets
from sdtool.desk.updates import tells
from sdtool.errors import BadSetup, Conflict, NotFound, Refused, UsageFault
from sdtool.rules.deadline import Target, target_seconds
from sdtool.rules.lifecycle import Ticket
from sdtool.rules.worktime import Calendar
from sdtool.store.base import Store
from sdtool.store.journal import Entry, append, history

KIND = "major"
LONGEST = 500  # characters of a reason


class Major(NamedTuple):
    """A declaration; its number is that of the ticket. `update_every` is in working seconds.

    `revoked_at` (epoch seconds) is set when it proved to be none.
    """

    id: int
    reason: str
    declared_at: int
    declared_by: str
    update_every: int
    revoked_at: int | None
    rev: int


class Update(NamedTuple):
    """An update that was owed: by when, and when it came (None: it did not, while the ticket was open)."""

    due: int
    came: int | None

    @property
    def late(self) -> bool:
        """Whether it came too late, or not at all."""
        return self.came is None or self.came > self.due

    @property
    def counts_at(self) -> int:
        """The moment in whose period it counts: when it came, or was due if that was earlier."""
        return self.due if self.came is None else min(self.due, self.came)


# --- Reading


def find(store: Store, number: int) -> Major | None:
    """Return the declaration of a ticket, also one that was revoked; None when there never was one."""
    row = store.one("select * from major where id = :id", id=number)
    return Major(**{name: row[name] for name in Major._fields}) if row is not None else None


def get(store: Store, number: int) -> Major:
    """Return the declaration of a ticket, also one that was revoked; NotFound when there never was one."""
    found = find(store, number)
    if found is None:
        raise NotFound(
            f"ticket {number} is no major incident",
            hint=f"`sd major declare {number} --reason …` makes it one",
        )
    return found


def listing(store: Store, *, ended: bool = False) -> list[Major]:
    """Return declarations of open tickets, newest first; with `ended` also of others, and those revoked."""
    rows = store.query(
        "select major.* from major join ticket on ticket.id = major.id"
        " where :ended = 1 or (major.revoked_at is null and ticket.ended_at is null)"
        " order by major.declared_at desc, major.id desc",
        ended=int(ended),
    )
    return [Major(**{name: row[name] for name in Major._fields}) for row in rows]


def next_update(desk: Desk, major: Major) -> int | None:
    """Return by when the next update is due; None when nobody waits for one any more."""
    ticket = tickets.get(desk.store, major.id)
    if ticket.ended_at is not None or major.revoked_at is not None:
        return None
    stretches = _stretches(history(desk.store, "ticket", major.id), major, desk.now + 1)
    return _calendar(desk, ticket).add(stretches[-1][0], major.update_every)


def line(desk: Desk, ticket: Ticket, *, visible: bool) -> str:
    """Return in one line that a ticket is a major incident, "" when it is none."""
    from sdtool.output import local

    major = find(desk.store, ticket.id)
    if major is None or major.revoked_at is not None:
        return ""
    due = next_update(desk, major)
    parts = [f"declared {local(major.declared_at, desk.timezone)} by {major.declared_by}"]
    parts += [f"update due {local(due, desk.timezone)}"] if due is not None else []
    return ", ".join(parts) + (f": {major.reason}" if visible else "")


def updates(
    events: Sequence[Mapping[str, Any]], major: Major, calendar: Calendar, until: int
) -> list[Update]:
    """Return every update that was owed before `until`, from the journal of the ticket.

    One is owed within `update_every` of the declaration, of the previous update, and of a reopening. Of a
    ticket that ends before that, none is. Long silence is one late update.
    """
    found = []
    for start, end, told in _stretches(events, major, until):
        due = calendar.add(start, major.update_every)
        if told:
            found.append(Update(due, end))
        elif due < (until if end is None else end):
            found.append(Update(due, None))
    return found


def _stretches(
    events: Sequence[Mapping[str, Any]], major: Major, until: int
) -> list[tuple[int, int | None, bool]]:
    """Return where waiting for an update began and ended, and whether one came; the last may go on (None)."""
    taken_back = replay.undone(events)
    found: list[tuple[int, int | None, bool]] = []
    since: int | None = major.declared_at
    for event in sorted(events, key=lambda event: event["at"]):  # of one moment, in the order of the journal
        at, fields = event["at"], event["data"].get("set", {})
        if event["id"] in taken_back or event["verb"] == "undo" or not major.declared_at < at < until:
            continue
        if "ended_at" in fields and (fields["ended_at"] is None) == (since is None):
            found += [] if since is None else [(since, at, False)]
            since = at if since is None else None
        elif since is not None and tells(event) and "ended_at" not in fields:
            found.append((since, at, True))
            since = at
    return found if since is None else [*found, (since, None, False)]


# --- Writing


def declare(desk: Desk, number: int, reason: str, *, every: str = "") -> Major:
    """Declare an open incident a major one.

    Args:
        every: how long who is struck may hear nothing, as `1 h`; by default what the rulebook says.

    Raises:
        Refused: the ticket is no incident.
        Conflict: it ended, or was declared already.
    """
    text = handling.text_of("reason", reason, longest=LONGEST)

    def work() -> Major:
        ticket = tickets.get(desk.store, number)
        tickets.require_readable(desk, ticket)
        before = find(desk.store, number)
        _require_declarable(ticket, before)
        seconds = _every(desk, ticket, every)
        values = {"reason": text, "declared_at": desk.now, "declared_by": desk.actor}
        values |= {"update_every": seconds, "revoked_at": None}
        if before is not None:
            records.change(desk, KIND, before, "declare", values)
            return get(desk.store, number)
        desk.store.insert(KIND, {"id": number, **values})
        data = {"set": values, "was": {}}
        append(desk.store, [Entry(KIND, number, "new", desk.actor, desk.source, desk.now, data)])
        return get(desk.store, number)

    return desk.run(work)


def _require_declarable(ticket: Ticket, before: Major | None) -> None:
    if ticket.type != "incident":
        raise Refused(f"ticket {ticket.id} is a {ticket.type}: only an incident can be a major one")
    if ticket.ended_at is not None:
        raise Conflict(f"ticket {ticket.id} is {ticket.state}: only an open incident is declared a major one")
    if before is not None and before.revoked_at is None:
        raise Conflict(
            f"ticket {ticket.id} was declared by {before.declared_by} already",
            hint=f"`sd major revoke {ticket.id} --reason …` takes that back",
        )


def _every(desk: Desk, ticket: Ticket, text: str) -> int:
    """Return the working seconds between updates: as typed, or as the rulebook says."""
    from sdtool.rulebook.forms import duration
    from sdtool.rulebook.sheet import LONGEST_EVERY, SHORTEST, sheet
    from sdtool.rulebook.shown import spelled

    try:
        agreed = duration(text) if text else sheet(desk.rulebook).majors.update
    except ValueError as exc:
        raise UsageFault(str(exc)) from None
    seconds = target_seconds(_calendar(desk, ticket), desk.now, Target(*agreed))
    if SHORTEST <= seconds <= LONGEST_EVERY:
        return seconds
    if text:
        raise UsageFault(f"an update every {text} cannot be meant: from 5 min to 10 days")
    raise BadSetup(
        f"[majors] update of the rulebook, {spelled(agreed)}, cannot be meant: from 5 min to 10 days",
        hint="`sd major declare --every` says it for this one",
    )


def revoke(desk: Desk, number: int, reason: str) -> Major:
    """Take a declaration back, for a reason: no figure counts it. Conflict when that was done already."""
    text = handling.text_of("reason", reason, longest=LONGEST)

    def work() -> Major:
        tickets.require_readable(desk, tickets.get(desk.store, number))
        major = get(desk.store, number)
        if major.revoked_at is not None:
            raise Conflict(f"the declaration of ticket {number} was revoked already")
        records.change(desk, KIND, major, "revoke", {"revoked_at": desk.now}, reason=text)
        return get(desk.store, number)

    return desk.run(work)


def _calendar(desk: Desk, ticket: Ticket) -> Calendar:
    """Return the calendar that the ticket was promised."""
    day = tickets.day_of(ticket.opened_at, desk.timezone)
    key = desk.rulebook.target_on(ticket.type, ticket.priority, day).calendar
    return calendars.load(desk.store, desk.rulebook, key, ticket.opened_at)


def owed(desk: Desk, major: Major) -> list[Update]:
    """Return every update that was owed until now, or until the declaration was revoked."""
    ticket, until = (
        tickets.get(desk.store, major.id),
        desk.now if major.revoked_at is None else major.revoked_at,
    )
    return updates(history(desk.store, "ticket", major.id), major, _calendar(desk, ticket), until + 1)
