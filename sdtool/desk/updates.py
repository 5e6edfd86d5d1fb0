"""Keeping customers in the loop: by when they must hear something again.

Nothing of it is stored: the deadline follows from the last message to the customer and the rulebook.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.desk import Desk, calendars, tickets
from sdtool.desk.replay import undone
from sdtool.rulebook.chasing import Update, chasing
from sdtool.rules.deadline import Pause, Target, due, target_seconds
from sdtool.rules.escalation import Promise
from sdtool.rules.lifecycle import Ticket
from sdtool.rules.worktime import Calendar
from sdtool.store.base import Row, Store
from sdtool.store.journal import data_of

NAME = "update"
_ANYTHING = 2**63 - 1


class Heard(NamedTuple):
    """When the customer of a ticket last heard something (None: never), and when the clock stood."""

    at: int | None = None
    pauses: tuple[Pause, ...] = ()


NOTHING = Heard()


def agreed(updates: Iterable[Update], ticket: Mapping[str, Any]) -> Update | None:
    """Return the first entry of the rulebook that fits a ticket, None where nothing was agreed.

    Nor is anything owed about a ticket without a caller, or about the work of a support service: its
    request has a customer.
    """
    if ticket["caller"] is None or ticket["service"]:
        return None
    return next(
        (
            entry
            for entry in updates
            if (not entry.priority or ticket["priority"] in entry.priority)
            and (not entry.type or ticket["type"] in entry.type)
        ),
        None,
    )


def deadline(desk: Desk, ticket: Ticket) -> Promise | None:
    """Return by when the customer of an open ticket must hear something, None when nothing was agreed."""
    entry = agreed(chasing(desk.rulebook).updates, ticket._asdict()) if ticket.ended_at is None else None
    if entry is None:
        return None
    told = heard(desk.store, [entry], ticket.id, ticket.id).get(ticket.id, NOTHING)
    day = tickets.day_of(ticket.opened_at, desk.timezone)
    key = desk.rulebook.target_on(ticket.type, ticket.priority, day).calendar
    calendar = calendars.load(desk.store, desk.rulebook, key, ticket.opened_at)
    return promised(calendar, entry, ticket.opened_at, told)


def promised(calendar: Calendar, entry: Update, opened_at: int, told: Heard) -> Promise:
    """Return the promise that runs from the last message, or from the registration before the first.

    Its clock stands while the customer is waited for, and while the ticket is resolved.
    """
    since, target = max(opened_at, told.at or 0), Target(*entry.every)
    moment = due(calendar, since, target, told.pauses)
    return Promise(NAME, moment, target_seconds(calendar, since, target))


_TOLD = (
    "select event.id, event.subject, event.verb, event.at, event_data.data from ticket"
    " join event on event.kind = 'ticket' and event.subject = ticket.id"
    " and event.verb in ('note', 'wait', 'resolve', 'undo')"
    " left join event_data on event_data.event = event.id"
    " where ticket.ended_at is null and ticket.id between :first and :last"
    " and ticket.priority between :low and :high order by event.id"
)
_STOOD = (
    "select pause.ticket, pause.start_at, coalesce(pause.end_at, pause.until_at) as end_at, pause.party"
    " from ticket join pause on pause.ticket = ticket.id"
    " where ticket.ended_at is null and ticket.id between :first and :last"
    " and ticket.priority between :low and :high and pause.party in ('customer', '')"
    " order by pause.ticket, pause.start_at"
)


def heard(store: Store, updates: Sequence[Update], first: int = 0, last: int = _ANYTHING) -> dict[int, Heard]:
    """Return what the customers of open tickets heard, by ticket, for those that an entry may fit.

    A public note, a question to the customer and a solution are messages, unless they were undone.
    """
    levels = [level for entry in updates for level in entry.priority]
    every = any(not entry.priority for entry in updates)
    low, high = (0, _ANYTHING) if every else (min(levels), max(levels))
    wanted = {"first": first, "last": last, "low": low, "high": high}
    events = [{**dict(row), "data": data_of(row["data"])} for row in store.query(_TOLD, **wanted)]
    taken_back = undone(events)
    at: dict[int, int] = {}
    for event in events:
        if event["id"] not in taken_back and tells(event):
            at[event["subject"]] = max(at.get(event["subject"], 0), event["at"])
    stood: dict[int, list[Pause]] = {}
    for row in store.query(_STOOD, **wanted):
        stood.setdefault(row["ticket"], []).append(_pause(row))
    return {key: Heard(at.get(key), tuple(stood.get(key, ()))) for key in at.keys() | stood.keys()}


def tells(event: Mapping[str, Any]) -> bool:
    """Tell whether an act told the customer something: `contacts` counts that before the resolution."""
    verb, data = event["verb"], event["data"]
    if verb not in ("note", "wait"):
        return bool(verb == "resolve")
    return bool(data.get("public")) or "contacts" in data.get("set", {})


def _pause(row: Row) -> Pause:
    end = row["end_at"]
    return Pause(row["start_at"], None if end is None else max(end, row["start_at"]), row["party"])
