"""Tickets as records: reading them, and `apply`, the one gate through which each of them changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from sdtool.desk import Desk
from sdtool.errors import Conflict, NotAllowed, NotFound
from sdtool.rulebook import Rulebook
from sdtool.rules.lifecycle import CLOSING, ENDING, Act, Fields, Ticket, clock, decide
from sdtool.store.base import Row, Store

if TYPE_CHECKING:
    from sdtool.rules.deadline import Pause

# the clock and the journal are imported where they are used: who only reads starts without them
OPEN = "ended_at is null"  # spelled as in the partial indexes, or they are not used
_CLOCK_FIELDS = {"priority", "type", "opened_at", "agreed_due"}
_TEXT_FIELDS = {"summary", "description", "solution", "cause"}


def get(store: Store, number: int) -> Ticket:
    """Return ticket `number`; NotFound when there is none."""
    row = store.one("select * from ticket where id = :id", id=number)
    if row is None:
        raise NotFound(f"there is no ticket {number}")
    return Ticket(**dict(row))


def lasting(store: Store, number: int) -> Ticket:
    """Return the ticket in which ticket `number` goes on: itself, or what it was merged into."""
    ticket = get(store, number)
    while ticket.merged_into is not None:
        ticket = get(store, ticket.merged_into)
    return ticket


def by_reference(store: Store, reference: str) -> Ticket | None:
    """Return the ticket with this number in the other system, None when it is not here."""
    row = store.one("select * from ticket where fmis_ref = :reference", reference=reference)
    return Ticket(**dict(row)) if row is not None else None


def day_of(epoch: int, timezone: str) -> str:
    """Return the local calendar date of a moment, ISO."""
    return datetime.fromtimestamp(epoch, ZoneInfo(timezone)).date().isoformat()


def line_of(book: Rulebook, key: str) -> int:
    """Return the line of a solver group; one that the rulebook does not know counts as second line."""
    return next((group.line for group in book.groups if group.key == key), 2)


def pauses(store: Store, number: int) -> list[Pause]:
    """Return the times in which the clock of a ticket stood; a planned end counts until the real one."""
    from sdtool.rules.deadline import Pause

    rows = store.query(
        "select start_at, end_at, until_at, party from pause where ticket = :id order by start_at", id=number
    )
    return [Pause(row["start_at"], _end(row), row["party"]) for row in rows]


def _end(row: Row) -> int | None:
    end = row["end_at"] if row["end_at"] is not None else row["until_at"]
    return None if end is None else max(int(end), row["start_at"])


def promised(desk: Desk, ticket: Ticket, stood: Sequence[Pause]) -> Fields:
    """Return both deadlines of a ticket, and the working seconds that each target stands for."""
    from sdtool.desk import calendars
    from sdtool.rules.deadline import Target, due, target_seconds

    zone = desk.timezone
    target = desk.rulebook.target_on(ticket.type, ticket.priority, day_of(ticket.opened_at, zone))
    calendar = calendars.load(desk.store, desk.rulebook, target.calendar, ticket.opened_at)
    opened, agreed = ticket.opened_at, ticket.agreed_due
    respond, resolve = Target(*target.respond), Target(*target.resolve)
    promises = {
        "respond_due": due(calendar, opened, respond, stood),
        "respond_target": target_seconds(calendar, opened, respond),
    }
    if agreed is not None:
        given = max(calendar.between(opened, agreed), 0)
        return {**promises, "resolve_due": agreed, "resolve_target": given}
    return {
        **promises,
        "resolve_due": due(calendar, opened, resolve, stood),
        "resolve_target": target_seconds(calendar, opened, resolve),
    }


def require_rev(ticket: Ticket, expected: int | None) -> None:
    """Refuse to change a ticket that somebody changed since it was read."""
    if expected is not None and ticket.rev != expected:
        raise Conflict(
            f"ticket {ticket.id} was changed meanwhile: it is at revision {ticket.rev}, not {expected};"
            f" look at it with `sd show {ticket.id}` and decide again"
        )


def apply(
    desk: Desk,
    number: int,
    verb: str,
    args: Mapping[str, Any] | None = None,
    *,
    data: Mapping[str, Any] | None = None,
    at: int | None = None,
    if_rev: int | None = None,
) -> Ticket:
    """Do one act on one ticket, with its journal row, inside one transaction; return the ticket after it.

    `data` is what the journal keeps beside the changed fields; `at` is when it happened, by
    default now. An act never happens before the last one: a clock that was put back is overruled.
    """

    def work() -> Ticket:
        ticket = get(desk.store, number)
        require_readable(desk, ticket, data)
        require_rev(ticket, if_rev)
        moment = after_last(desk.store, ticket, desk.now if at is None else at)
        known = dict(args or {})
        if verb in ENDING:
            known["open_parts"] = open_parts(desk.store, number)
        if verb in CLOSING:
            known["open_items"] = open_items(desk.store, number)
        act = Act(verb, moment, desk.actor, known, lambda key: line_of(desk.rulebook, key))
        changed = decide(ticket, act)
        return write(desk, ticket, verb, changed, data or {}, moment)

    return desk.run(work)


def after_last(store: Store, ticket: Ticket, at: int) -> int:
    """Return `at`, or the moment of the ticket's last act when that is later."""
    last = store.value(
        "select at from event where kind = 'ticket' and subject = :id and verb <> 'reschedule'"
        " order by id desc limit 1",
        id=ticket.id,
    )
    return max(at, ticket.opened_at, last or 0)


def write(desk: Desk, ticket: Ticket, verb: str, changed: Fields, data: Mapping[str, Any], at: int) -> Ticket:
    """Write decided fields with the deadlines that follow from them, and the journal row."""
    after = ticket._replace(**changed)
    moved = move_clock(desk.store, ticket, after, at)
    if moved or _CLOCK_FIELDS & changed.keys():
        changed = changed | _moved_promises(desk, ticket, after)
    after = record(desk, ticket, verb, changed, data, at)
    if ticket.state == "waiting" and after.state != "waiting":
        from sdtool.desk import owed

        owed.settled(desk, after, at)
    if (ticket.ended_at is None) != (after.ended_at is None):
        _followed(desk, after, at, data)
    return after


def _followed(desk: Desk, ticket: Ticket, at: int, data: Mapping[str, Any]) -> None:
    """Let follow what depends on a ticket that ended, or is open again; on most nothing does."""
    if ticket.service and "change" not in data:  # what a change of staff did itself is no news to it
        from sdtool.desk import staff_tickets

        staff_tickets.followed(desk, ticket)
    if desk.store.one("select 1 from checklist_item where other = :id limit 1", id=ticket.id):
        from sdtool.desk import checklists

        checklists.follow(desk, ticket.id, at, undoes=data.get("undoes"))


def _moved_promises(desk: Desk, before: Ticket, after: Ticket) -> Fields:
    """Return the deadlines that changed. Once somebody responded, that promise is kept or broken for good."""
    new = promised(desk, after, pauses(desk.store, after.id))
    if before.accepted_at is not None or before.responded_at is not None:
        del new["respond_due"], new["respond_target"]
    return {name: value for name, value in new.items() if getattr(before, name) != value}


def reschedule(desk: Desk) -> int:
    """Compute the deadlines of all open tickets anew; return how many got another one."""
    moved = 0
    rows = desk.store.query(f"select * from ticket where {OPEN} order by id")  # noqa: S608 (a constant)
    for row in rows:
        ticket = Ticket(**dict(row))
        changed = _moved_promises(desk, ticket, ticket)
        if changed:
            record(desk, ticket, "reschedule", changed, {}, after_last(desk.store, ticket, desk.now))
            moved += 1
    return moved


def record(
    desk: Desk, ticket: Ticket, verb: str, changed: Fields, data: Mapping[str, Any], at: int
) -> Ticket:
    """Store `changed` and its journal row; the deadlines and pauses are the caller's."""
    from sdtool.store.journal import Entry, append

    was = {name: getattr(ticket, name) for name in changed}
    desk.store.update("ticket", ticket.id, {**changed, "rev": ticket.rev + 1})
    entry = Entry(
        "ticket", ticket.id, verb, desk.actor, desk.source, at, {**data, "set": changed, "was": was}
    )
    append(desk.store, [entry])
    after = ticket._replace(**changed, rev=ticket.rev + 1)
    if "note" in (verb, data.get("verb")) or _TEXT_FIELDS & changed.keys():
        desk.store.index_text([(ticket.id, searchable(desk.store, after))])
    return after


def searchable(store: Store, ticket: Ticket) -> str:
    """Return the text by which a ticket is found: its own and its notes, words only."""
    return searchables(store, [ticket])[0][1]


def searchables(store: Store, tickets: Sequence[Ticket]) -> list[tuple[int, str]]:
    """Return (ticket, `searchable` text) of tickets that stand in the order of their numbers."""
    import json

    rows = store.query(
        "select event.id, subject, verb, event_data.data from event"
        " join event_data on event_data.event = event.id where kind = 'ticket'"
        " and subject between :first and :last and verb in ('note', 'undo') order by event.id",
        first=tickets[0].id,
        last=tickets[-1].id,
    )
    notes: dict[int, dict[int, str]] = {}
    for row in rows:
        data, own = json.loads(row["data"]), notes.setdefault(row["subject"], {})
        if row["verb"] == "note":
            own[row["id"]] = str(data.get("text", ""))
        else:
            own.pop(data["undoes"], None)
    return [
        (t.id, "\n".join([t.summary, t.description, t.solution, t.cause, *notes.get(t.id, {}).values()]))
        for t in tickets
    ]


def move_clock(store: Store, before: Ticket, after: Ticket, at: int) -> bool:
    """Keep the pause rows in step with the state; tell whether anything about the clock changed."""
    stood = clock(before.state, before.paused, before.waiting_on)
    stands = clock(after.state, after.paused, after.waiting_on)
    if stood == stands:
        if stands and before.waiting_until != after.waiting_until:
            _set_until(store, after)
            return True
        return False
    if stood is not None:
        _end_pause(store, before.id, at)
    if stands is not None:
        begin = {"ticket": after.id, "start_at": at, "end_at": None, "until_at": None, "party": stands}
        store.insert("pause", begin)
        if after.waiting_until is not None:
            _set_until(store, after)
    return True


def _set_until(store: Store, ticket: Ticket) -> None:
    store.execute(
        "update pause set until_at = :until where ticket = :id and end_at is null",
        until=ticket.waiting_until,
        id=ticket.id,
    )


def _end_pause(store: Store, number: int, at: int) -> None:
    # a pause without length says nothing, and would stand in the way of the next at the same second
    store.execute(
        "delete from pause where ticket = :id and end_at is null and start_at >= :at", id=number, at=at
    )
    store.execute("update pause set end_at = :at where ticket = :id and end_at is null", id=number, at=at)


def replayed_pauses(states: Sequence[tuple[int, Ticket]]) -> list[dict[str, Any]]:
    """Return the pause rows that a life, as (moment, ticket after it) in order, amounts to."""
    rows: list[dict[str, Any]] = []
    stood: str | None = None
    for at, ticket in states:
        stands = clock(ticket.state, ticket.paused, ticket.waiting_on)
        if stands != stood:
            if stood is not None:
                _finish(rows, at)
            if stands is not None:
                row = {"ticket": ticket.id, "start_at": at, "end_at": None, "until_at": None, "party": stands}
                rows.append(row)
        if stands:
            rows[-1]["until_at"] = ticket.waiting_until
        stood = stands
    return rows


def _finish(rows: list[dict[str, Any]], at: int) -> None:
    if rows[-1]["start_at"] >= at:
        rows.pop()
    else:
        rows[-1]["end_at"] = at


def rewrite_pauses(store: Store, number: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the pause rows of a ticket (undo takes an act out of its history)."""
    store.execute("delete from pause where ticket = :id", id=number)
    store.insert("pause", *rows)


def may_read(desk: Desk, ticket: Ticket) -> bool:
    """Tell whether the actor may read a ticket: a confidential one, who made it, has it, or its group."""
    if not ticket.confidential or desk.actor in (ticket.registered_by, ticket.agent):
        return True
    return ticket.group_key in own_groups(desk)


def own_groups(desk: Desk) -> list[str]:
    """Return the solver groups that the actor is a member of by name."""
    return [group.key for group in desk.rulebook.groups if desk.actor in group.members]


def require_readable(desk: Desk, ticket: Ticket, data: Mapping[str, Any] | None = None) -> None:
    """Refuse a person who may not read a confidential ticket: taking it in hand would open it.

    What a change of staff does itself (`data` names it) is not theirs: closing one part releases the next.
    """
    if desk.source == "cli" and "change" not in (data or {}) and not may_read(desk, ticket):
        raise NotAllowed(
            f"ticket {ticket.id} is confidential: only who registered it, has it"
            f" or is in group {ticket.group_key} reads or changes it"
        )


def open_parts(store: Store, number: int) -> list[int]:
    """Return the open sub-tickets of a ticket."""
    rows = store.query(
        "select link.ticket from link join ticket on ticket.id = link.ticket"
        " where link.other = :id and link.kind = 'part-of' and ticket.ended_at is null order by link.ticket",
        id=number,
    )
    return [row["ticket"] for row in rows]


def open_items(store: Store, number: int) -> list[tuple[int, str]]:
    """Return number and text of the mandatory items of a ticket that are open."""
    rows = store.query(
        "select number, text from checklist_item"
        " where ticket = :id and mandatory = 1 and state = 'open' order by number",
        id=number,
    )
    return [(row["number"], row["text"]) for row in rows]


def tally(store: Store, number: int) -> tuple[int, int, int]:
    """Return how many items a ticket has, how many are ticked or skipped, and mandatory ones open."""
    row = store.one(
        "select count(*) as items, count(case when state <> 'open' then 1 end) as settled,"
        " count(case when state = 'open' and mandatory = 1 then 1 end) as held"
        " from checklist_item where ticket = :id",
        id=number,
    )
    return (row["items"], row["settled"], row["held"]) if row else (0, 0, 0)
