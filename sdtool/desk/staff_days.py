"""What the passing of days asks of changes of staff: work may begin, and the directory follows."""

from __future__ import annotations

from sdtool.desk import Desk, people, staff, tickets
from sdtool.desk.staff_tickets import settle
from sdtool.rulebook.staffing import KINDS
from sdtool.store.base import Store


def catch_up(desk: Desk, refused: list[str] | None = None) -> tuple[int, int]:
    """Release the tickets whose day has come, and bring the directory up to moves and ends.

    Return how many changes had work released, and how many people were changed; asked twice, none.

    Args:
        refused: as for `staff.each`.
    """
    due, reached = _due(desk.store, desk.now), _reached(desk)
    released = staff.each(due, lambda number: desk.run(lambda: _release(desk, number)), refused)
    changed = staff.each(reached, lambda number: desk.run(lambda: _apply(desk, number)), refused)
    return sum(released), sum(changed)


def _due(store: Store, now: int) -> list[int]:
    """Return the changes with a part that waited for a moment that came."""
    rows = store.query(
        "select distinct link.other from ticket"
        " join link on link.ticket = ticket.id and link.kind = 'part-of'"
        " where ticket.ended_at is null and ticket.state = 'waiting' and ticket.waiting_on <> 'desk'"
        " and ticket.accepted_at is null and ticket.service <> '' and ticket.waiting_until <= :now"
        " order by link.other",
        now=now,
    )
    return [row["other"] for row in rows]


def _release(desk: Desk, number: int) -> bool:
    settle(desk, staff.get(desk.store, number))
    return True


def _reached(desk: Desk) -> list[int]:
    """Return the moves whose day has come, and the ends whose day is over, that the directory lacks."""
    rows = desk.store.query(
        "select id from staff_change where applied_at is null and withdrawn_at is null and day <> ''"
        " and ((kind = 'mover' and day <= :today) or (kind = 'offboarding' and day < :today))"
        " order by day, id",
        today=tickets.day_of(desk.now, desk.timezone),
    )
    return [row["id"] for row in rows]


def _apply(desk: Desk, number: int) -> bool:
    """Bring the directory up to one change; tell whether the person differs after it."""
    change = staff.get(desk.store, number)
    if change.applied_at is not None:
        return False
    staff.write(desk, change, "apply", applied_at=desk.now)
    if change.person is None:
        return False
    if change.kind == "mover":
        wanted = staff.directory(change.data)
    else:
        wanted = {"active": 0} if staff.gone(desk.store, change.staff_number) else {}
    before = people.get(desk.store, change.person)
    return people.edit(desk, change.person, wanted).rev != before.rev


def replan(desk: Desk) -> None:
    """Count all deadlines of running changes anew, as part of a transaction: the calendar changed."""
    for kind in KINDS:
        for change in staff.listing(desk.store, kind):
            settle(desk, change)
