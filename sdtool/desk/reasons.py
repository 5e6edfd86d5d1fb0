"""Why a ticket has the priority, group and deadlines it has, each with the rule that gave it."""

from __future__ import annotations

from typing import NamedTuple

from sdtool.desk import Desk, calendars, tickets, updates
from sdtool.desk.replay import undone
from sdtool.errors import BadSetup
from sdtool.output import duration, local
from sdtool.rulebook import Target
from sdtool.rules import deadline
from sdtool.rules.escalation import Promise
from sdtool.rules.lifecycle import Ticket
from sdtool.rules.priority import derive
from sdtool.store.journal import history


class Reason(NamedTuple):
    """One fact of a ticket: what it is, its value, the rule behind it."""

    what: str
    value: str
    rule: str


def explain(desk: Desk, ticket: Ticket) -> list[Reason]:
    """Return the reasons for priority, route and the deadlines; that of an update where one is agreed."""
    day = tickets.day_of(ticket.opened_at, desk.timezone)
    target = desk.rulebook.target_on(ticket.type, ticket.priority, day)
    update = updates.deadline(desk, ticket)
    return [
        Reason("priority", f"P{ticket.priority}", _priority(desk, ticket, day)),
        Reason("route", ticket.group_key, _route(desk, ticket)),
        Reason(
            "respond_by",
            local(ticket.respond_due, desk.timezone),
            _promise(desk, ticket, target, "respond"),
        ),
        Reason(
            "resolve_by",
            local(ticket.resolve_due, desk.timezone),
            _promise(desk, ticket, target, "resolve"),
        ),
        *([_update(desk, update, target)] if update else []),
    ]


def _update(desk: Desk, update: Promise, target: Target) -> Reason:
    rule = f"{duration(update.target)} after the customer last heard something, calendar {target.calendar}"
    return Reason("update_by", local(update.due, desk.timezone), rule)


def _priority(desk: Desk, ticket: Ticket, day: str) -> str:
    reason = _derived(desk, ticket, day)
    if ticket.override_reason:
        return f"overridden: {ticket.override_reason}; derived: {reason}"
    return reason


def _derived(desk: Desk, ticket: Ticket, day: str) -> str:
    """Tell why the matrix gave what it gave; other agreements since, or another system's word, are said."""
    try:
        derived = derive(desk.rulebook, ticket.urgency, ticket.target_group, ticket.impact, day)
    except BadSetup as exc:
        return f"P{ticket.derived_priority} as it was registered or imported: {exc.message}"
    if derived.level == ticket.derived_priority:
        return derived.reason
    return f"P{ticket.derived_priority} as it was registered or imported; today {derived.reason}"


def _route(desk: Desk, ticket: Ticket) -> str:
    """Name the routing rule, and the last act that moved the ticket since."""
    events = history(desk.store, "ticket", ticket.id)
    first = next((e["data"].get("route_reason", "") for e in events if e["verb"] == "new"), "")
    text = (
        f"rule {ticket.route!r}" + (f" ({first})" if first else "") if ticket.route else "as it was imported"
    )
    settled = undone(events)
    acts = [e for e in events if e["verb"] not in ("new", "undo") and e["id"] not in settled]
    moves = [e for e in acts if "group_key" in e["data"].get("set", {})]
    if not moves:
        return text
    last = moves[-1]
    reason = last["data"].get("reason")
    said = f", {reason}" if reason else ""
    return f"{last['verb']} by {last['actor']} on {local(last['at'], desk.timezone)}{said}; at first {text}"


def _promise(desk: Desk, ticket: Ticket, target: Target, promise: str) -> str:
    seconds, days = target.respond if promise == "respond" else target.resolve
    due = ticket.respond_due if promise == "respond" else ticket.resolve_due
    length = f"{days:g} working day(s)" if days else duration(seconds)
    rule = f"{ticket.type} P{ticket.priority}: {length}, calendar {target.calendar}"
    rule += f", from {local(ticket.opened_at, desk.timezone)}"
    answered = _answered(ticket)
    if promise == "respond" and answered is not None:
        due = min(due, answered)  # what came after the response moved it no more
        if ticket.respond_target != _seconds(desk, ticket, target):
            rule = f"as it was promised before the priority changed: {duration(ticket.respond_target)}"
    calendar = calendars.load(desk.store, desk.rulebook, target.calendar, ticket.opened_at)
    lost: dict[str, int] = {}
    for pause in tickets.pauses(desk.store, ticket.id):
        if pause.end is not None and pause.start < due:  # a later one moved nothing
            name = f"waiting for {pause.party}" if pause.party else "resolved"
            lost[name] = lost.get(name, 0) + calendar.between(pause.start, pause.end)
    return rule + "".join(f", plus {duration(s)} {name}" for name, s in lost.items() if s)


def _answered(ticket: Ticket) -> int | None:
    """Return when somebody first responded: took it, or told the customer something."""
    return min((at for at in (ticket.accepted_at, ticket.responded_at) if at is not None), default=None)


def _seconds(desk: Desk, ticket: Ticket, target: Target) -> int:
    calendar = calendars.load(desk.store, desk.rulebook, target.calendar, ticket.opened_at)
    return deadline.target_seconds(calendar, ticket.opened_at, deadline.Target(*target.respond))


def ledger(desk: Desk, ticket: Ticket) -> deadline.Ledger:
    """Return the account of a ticket's time, from opening to its end or to now."""
    day = tickets.day_of(ticket.opened_at, desk.timezone)
    key = desk.rulebook.target_on(ticket.type, ticket.priority, day).calendar
    calendar = calendars.load(desk.store, desk.rulebook, key, ticket.opened_at)
    until = max(ticket.ended_at or desk.now, ticket.opened_at)
    # what counts is how long it stood, not how long it was meant to
    stood = [
        p._replace(end=None) if p.end is not None and p.end > until else p
        for p in tickets.pauses(desk.store, ticket.id)
    ]
    return deadline.ledger(calendar, ticket.opened_at, until, stood)
