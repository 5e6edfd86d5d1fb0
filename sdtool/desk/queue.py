"""Lists of tickets: filters, sorting, search. Reads only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sdtool.desk import Desk, tickets
from sdtool.rulebook import find
from sdtool.rules.lifecycle import ENDED_STATES, Ticket

_SELECT = (
    "select ticket.*, person.name as caller_name from ticket"
    " left join person on person.id = ticket.caller where "
)
# filter -> its condition; conditions and orders are chosen from these tables, never built from input
FILTERS: dict[str, str] = {
    "open": tickets.OPEN,
    "ended": "ended_at is not null",
    "state": "state = :state",
    "group": "group_key = :group",
    "agent": "ticket.agent = :agent",
    "caller": "caller = :caller",
    "category": "category = :category",
    "priority": "priority = :priority",
    "type": "type = :type",
    "opened_before": "opened_at < :opened_before",
    "late": f"{tickets.OPEN} and paused = 0 and resolve_due < :now",
}
SORTS: dict[str, str] = {
    "newest": "ticket.id desc",
    "oldest": "ticket.id",
    "due": "resolve_due, ticket.id",
    "priority": "priority, resolve_due, ticket.id",
    "age": "opened_at, ticket.id",
    "state": "state, resolve_due, ticket.id",
    "group": "group_key, resolve_due, ticket.id",
}
COLUMNS: dict[str, str] = {
    "id": "Id",
    "priority": "P",
    "state": "State",
    "group": "Group",
    "agent": "Agent",
    "resolve_by": "Resolve by",
    "summary": "Summary",
    "caller": "Caller",
    "respond_by": "Respond by",
    "opened_at": "Opened",
    "type": "Type",
    "category": "Category",
    "channel": "Channel",
    "urgency": "Urgency",
    "target_group": "Target group",
    "fmis_ref": "FMIS",
    "late": "Late",
}
DEFAULT_COLUMNS = ("id", "priority", "state", "group", "agent", "resolve_by", "summary", "caller")
HIDDEN = "(confidential)"
MOST_FOUND = 100_000  # tickets that hold the words searched for
# a group or category that the rulebook no longer has may still hold tickets
_HELD: dict[str, str] = {
    "group": "select 1 from ticket where group_key = :key limit 1",
    "category": "select 1 from ticket where category = :key limit 1",
}
_OWN = "confidential = 0 or registered_by = :actor or ticket.agent = :actor"


def listing(desk: Desk, filters: Mapping[str, Any], sort: str, limit: int) -> list[dict[str, Any]]:
    """Return rows of tickets that pass every filter (keys of FILTERS, or `text`), at most `limit`.

    A filter on text or caller leaves out what the actor may not read: the row would tell it.

    Raises:
        NotFound: neither the rulebook nor a ticket knows the group or category: a slip would find nothing.
    """
    _require_known(desk, filters)
    conditions = [FILTERS[name] for name, value in filters.items() if value is not None and name in FILTERS]
    values = {name: value for name, value in filters.items() if value is not None}
    if "text" in values:
        wanted = found(desk, values.pop("text"), limit=MOST_FOUND)
        conditions.append(f"ticket.id in ({_numbers(wanted)})")
    if "caller" in values:
        own = {f"own_{i}": group for i, group in enumerate(tickets.own_groups(desk))}
        held = " or ".join(f"group_key = :{name}" for name in own) or "1 = 0"
        conditions.append(f"({_OWN} or {held})")
        values |= {**own, "actor": desk.actor}
    where = " and ".join(conditions) or "1 = 1"
    sql = f"{_SELECT}{where} order by {SORTS[sort]} limit :limit"
    rows = desk.store.query(sql, **values, now=desk.now, limit=limit)
    return [brief(desk, dict(row)) for row in rows]


def _require_known(desk: Desk, filters: Mapping[str, Any]) -> None:
    entries: dict[str, Any] = {"group": desk.rulebook.groups, "category": desk.rulebook.categories}
    for name in entries.keys() & {name for name, value in filters.items() if value is not None}:
        key = filters[name]
        in_rulebook = any(entry.key == key for entry in entries[name])
        if not in_rulebook and desk.store.one(_HELD[name], key=key) is None:
            find(entries[name], key, name)


def found(desk: Desk, text: str, *, limit: int) -> list[int]:
    """Return tickets that hold all words of `text` and that the actor may read, best first."""
    from sdtool.store.search import variants

    numbers = desk.store.search(variants(text), MOST_FOUND)
    # few are confidential, and have an index; thousands may be found
    rows = desk.store.query("select * from ticket where confidential = 1 order by id") if numbers else ()
    hidden = {row["id"] for row in rows if not may_see(desk, Ticket(**dict(row)))}
    return [number for number in numbers if number not in hidden][:limit]


def _numbers(numbers: Sequence[int]) -> str:
    return ", ".join(str(int(number)) for number in numbers) or "0"


def brief(desk: Desk, row: dict[str, Any]) -> dict[str, Any]:
    """Return a ticket row as lists show it: moments in epoch seconds, a confidential summary hidden."""
    caller = row.pop("caller_name")
    ticket = Ticket(**row)
    visible = may_see(desk, ticket)
    return {
        "id": ticket.id,
        "summary": ticket.summary if visible else HIDDEN,
        "state": ticket.state,
        "type": ticket.type,
        "priority": ticket.priority,
        "group": ticket.group_key,
        "agent": ticket.agent,
        "caller": (caller or "") if visible else HIDDEN,
        "category": ticket.category,
        "channel": ticket.channel,
        "urgency": ticket.urgency,
        "target_group": ticket.target_group,
        "fmis_ref": ticket.fmis_ref or "",
        "opened_at": ticket.opened_at,
        "respond_by": ticket.respond_due,
        "resolve_by": ticket.resolve_due,
        "late": is_late(ticket, desk.now),
        "test": bool(ticket.test),
    }


def may_see(desk: Desk, ticket: Ticket) -> bool:
    """Tell whether lists may show what this ticket is about."""
    return not ticket.confidential or tickets.may_read(desk, ticket)


def is_late(ticket: Ticket, now: int) -> bool:
    """Tell whether the time to resolve is over: at the end for an ended ticket, now for an open one."""
    if ticket.state in ENDED_STATES:
        return ticket.resolved_at is not None and ticket.resolved_at > ticket.resolve_due
    return not ticket.paused and ticket.resolve_due < now


def opened_before(desk: Desk, working_days: int) -> int:
    """Return the moment before which a ticket must be opened to be `working_days` old now.

    That is the end of the last local day that lies so many working days back.
    """
    from sdtool.desk import calendars

    calendar = calendars.own(desk, 0)
    zone = ZoneInfo(desk.timezone)
    after = datetime.fromtimestamp(desk.now, zone).date() + timedelta(days=1)
    for _ in range(working_days * 3 + 400):
        midnight = datetime(after.year, after.month, after.day, tzinfo=zone)
        day = int(midnight.timestamp()) - 1
        if calendar.working_days(day, desk.now) >= working_days:
            return day + 1
        after -= timedelta(days=1)
    return 0
