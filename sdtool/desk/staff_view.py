"""How the changes of staff stand: a line for each, and one as a tree."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from datetime import date
from typing import NamedTuple

from sdtool.desk import Desk, calendars, staff, tickets
from sdtool.rules.lifecycle import ENDED_STATES, Ticket
from sdtool.rules.packages import opening

_PARTS = (
    "select link.other as parent, count(*) as total,"
    " sum(case when ticket.ended_at is null then 0 else 1 end) as done,"
    " sum(case when ticket.ended_at is null and ticket.resolve_due < :now then 1 else 0 end) as late"
    " from link join ticket on ticket.id = link.ticket"
    " where link.kind = 'part-of' and ticket.service <> ''"
    " and ticket.state not in ('cancelled', 'merged') group by link.other"
)


class Line(NamedTuple):
    """One change: its day (ISO, "" unknown), working days left until then, parts done, all and late.

    `standing` is late, missing (HR owes something), busy, ready, withdrawn or ended.
    """

    id: int
    standing: str
    name: str
    staff_number: str
    day: str
    days_left: int | None
    done: int
    total: int
    late: int
    missing: tuple[str, ...]


class Leaf(NamedTuple):
    """A part of a change, as the tree shows it: of `items` on its checklist, `open_items` are open."""

    ticket: Ticket
    late: bool
    open_items: int
    items: int


def status(desk: Desk, kind: str, *, ended: bool = False) -> list[Line]:
    """Return the changes of a kind, red first, then by day; ended ones too when `ended`."""
    counts = {row["parent"]: row for row in desk.store.query(_PARTS, now=desk.now)}
    states = {
        row["id"]: row["state"]
        for row in desk.store.query(
            "select ticket.id, ticket.state from staff_change join ticket on ticket.id = staff_change.id"
        )
    }
    lines = []
    for change in staff.listing(desk.store, kind, ended=ended):
        counted = counts.get(change.id, {"total": 0, "done": 0, "late": 0})
        done, total, late = (int(counted[name]) for name in ("done", "total", "late"))
        standing = _standing(desk, change, states[change.id], done, total, late)
        lines.append(
            Line(
                change.id, standing, staff.full_name(change.data), change.staff_number, change.day,
                days_left(desk, change.day), done, total, late, change.missing,
            )
        )  # fmt: skip
    return sorted(lines, key=lambda line: (line.standing != "late", line.day or "9999", line.id))


def _standing(desk: Desk, change: staff.Change, state: str, done: int, total: int, late: int) -> str:
    if change.withdrawn_at is not None:
        return "withdrawn"
    if state in ENDED_STATES:
        return "ended"
    today = tickets.day_of(desk.now, desk.timezone)
    if late or (change.day and change.day <= today and done < total):
        return "late"
    if change.missing:
        return "missing"
    return "ready" if total and done == total else "busy"


def days_left(desk: Desk, day: str) -> int | None:
    """Return the working days from now until a day (ISO), negative after it; None when it is unknown."""
    if not day:
        return None
    calendar = calendars.load(desk.store, desk.rulebook, desk.rulebook.calendars[0].key, desk.now)
    return calendar.working_days(desk.now, opening(calendar, date.fromisoformat(day)))


def tree(desk: Desk, change: staff.Change) -> list[Leaf]:
    """Return the parts of a change with what is open of their checklists, by deadline."""
    rows = desk.store.query(
        "select ticket, count(*) as n, sum(case when state = 'open' then 1 else 0 end) as open_ones"
        " from checklist_item where ticket in"
        " (select ticket from link where other = :id and kind = 'part-of') group by ticket",
        id=change.id,
    )
    counts = {row["ticket"]: (int(row["open_ones"]), int(row["n"])) for row in rows}
    leaves = []
    for ticket in staff.parts(desk.store, change.id):
        late = ticket.ended_at is None and ticket.resolve_due < desk.now
        leaves.append(Leaf(ticket, late, *counts.get(ticket.id, (0, 0))))
    return sorted(leaves, key=lambda leaf: (leaf.ticket.resolve_due, leaf.ticket.id))
