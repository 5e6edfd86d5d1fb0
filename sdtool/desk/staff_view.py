"""How the changes of staff stand: a line for each, and one as a tree."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Collection
from datetime import date
from typing import NamedTuple

from sdtool.desk import Desk, calendars, staff, tickets
from sdtool.desk.queue import HIDDEN, may_see
from sdtool.rulebook.staffing import staffing
from sdtool.rules.lifecycle import ENDED_STATES, Ticket
from sdtool.rules.packages import on_the_day, opening
from sdtool.store.base import Row

_PARTS = (
    "select link.other as parent, ticket.service, ticket.reversal, ticket.ended_at, ticket.resolve_due"
    " from staff_change join link on link.other = staff_change.id and link.kind = 'part-of'"
    " join ticket on ticket.id = link.ticket"
    " where staff_change.kind = :kind and ticket.service <> ''"
    " and ticket.state not in ('cancelled', 'merged')"
)


class Line(NamedTuple):
    """One change: its day (ISO, "" unknown), working days left until then, parts done, all and late.

    `standing` is late, missing (HR owes something), busy, ready (only what is done on the day itself is
    left), withdrawn or ended. Who may not read a confidential one sees neither name, number nor what is owed.
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


class _Counts:
    """The parts of one change; `first` are those that are done before the day, `first_open` those open."""

    def __init__(self) -> None:
        self.done = self.total = self.late = self.first = self.first_open = 0

    def add(self, part: Row, now: int, later: Collection[str]) -> None:
        ended = part["ended_at"] is not None
        self.total += 1
        self.done += ended
        self.late += not ended and part["resolve_due"] < now
        if not part["reversal"] and part["service"] not in later:
            self.first += 1
            self.first_open += not ended

    @property
    def ready(self) -> bool:
        return not self.first_open if self.first else 0 < self.total == self.done


def status(desk: Desk, kind: str, *, ended: bool = False) -> list[Line]:
    """Return the changes of a kind, red first, then by day; ended ones too when `ended`."""
    counts = _counts(desk, kind)
    rows = desk.store.query(
        "select ticket.* from staff_change join ticket on ticket.id = staff_change.id"
        " where kind = :kind and (ticket.ended_at is null or :ended = 1) order by ticket.id",
        kind=kind,
        ended=int(ended),
    )
    parents = {row["id"]: Ticket(**dict(row)) for row in rows}
    lines = [
        _line(desk, change, parents[change.id], counts.get(change.id, _Counts()))
        for change in staff.listing(desk.store, kind, ended=ended)
    ]
    return sorted(lines, key=lambda line: (line.standing != "late", line.day or "9999", line.id))


def _counts(desk: Desk, kind: str) -> dict[int, _Counts]:
    later = on_the_day(staffing(desk.rulebook).support_services)
    counts: dict[int, _Counts] = {}
    for part in desk.store.query(_PARTS, kind=kind):
        counts.setdefault(part["parent"], _Counts()).add(part, desk.now, later)
    return counts


def _line(desk: Desk, change: staff.Change, parent: Ticket, counts: _Counts) -> Line:
    name, number, missing = staff.full_name(change.data), change.staff_number, change.missing
    if not may_see(desk, parent):
        name, number, missing = HIDDEN, "", ()
    standing, left = _standing(desk, change, parent.state, counts), days_left(desk, change.day)
    return Line(
        change.id, standing, name, number, change.day, left, counts.done, counts.total, counts.late, missing
    )


def _standing(desk: Desk, change: staff.Change, state: str, counts: _Counts) -> str:
    if change.withdrawn_at is not None:
        return "withdrawn"
    if state in ENDED_STATES:
        return "ended"
    begun = bool(change.day) and change.day <= tickets.day_of(desk.now, desk.timezone)
    if counts.late or (begun and counts.first_open):
        return "late"
    if change.missing:
        return "missing"
    return "ready" if counts.ready else "busy"


def days_left(desk: Desk, day: str) -> int | None:
    """Return the working days from now until a day (ISO), negative after it; None when it is unknown."""
    if not day:
        return None
    calendar = calendars.own(desk)
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
        if not may_see(desk, ticket):
            ticket = ticket._replace(summary=HIDDEN, waiting_for="")
        leaves.append(Leaf(ticket, late, *counts.get(ticket.id, (0, 0))))
    return sorted(leaves, key=lambda leaf: (leaf.ticket.resolve_due, leaf.ticket.id))
