"""How tickets hang together: duplicate-of, part-of, caused-by, blocks; merging and unmerging."""

from __future__ import annotations

from collections.abc import Sequence

from sdtool.desk import Desk, tickets
from sdtool.errors import Conflict, NotFound, Refused, UsageFault
from sdtool.rules.lifecycle import LINKS, Ticket
from sdtool.store.base import Row, Store


def of(store: Store, number: int) -> list[Row]:
    """Return the links of a ticket in both directions: ticket, kind, other."""
    return list(
        store.query(
            "select ticket, kind, other from link where ticket = :id or other = :id"
            " order by kind, ticket, other",
            id=number,
        )
    )


def _would_circle(store: Store, number: int, kind: str, other: int) -> bool:
    """Tell whether `number` can be reached from `other` along links of one kind."""
    sql = (
        "with recursive reached (id) as (select cast(:other as bigint) union"
        " select link.other from link join reached on link.ticket = reached.id where link.kind = :kind)"
        " select 1 from reached where id = :number"
    )
    return store.one(sql, other=other, kind=kind, number=number) is not None


def link(desk: Desk, number: int, kind: str, other: int) -> Ticket:
    """Link two tickets.

    Raises:
        Refused: the link would make a circle.
        Conflict: the link is there already.
    """
    if kind not in LINKS:
        raise UsageFault(f"the kind of a link is one of {', '.join(LINKS)}, not {kind!r}")

    def work() -> Ticket:
        tickets.get(desk.store, other)
        if _would_circle(desk.store, number, kind, other):
            raise Refused(f"{number} {kind} {other} would make a circle: {other} hangs on {number} already")
        row = {"ticket": number, "kind": kind, "other": other}
        if tuple(row.values()) in {tuple(dict(held).values()) for held in of(desk.store, number)}:
            raise Conflict(f"ticket {number} is {kind} {other} already")
        after = tickets.apply(desk, number, "link", data={"link": [kind, other]})
        desk.store.insert("link", row)
        return after

    return desk.run(work)


def unlink(desk: Desk, number: int, kind: str, other: int) -> Ticket:
    """Take a link away; NotFound when it is not there."""

    def work() -> Ticket:
        after = tickets.apply(desk, number, "unlink", data={"link": [kind, other]})
        if not remove(desk.store, number, kind, other):
            raise NotFound(
                f"ticket {number} is not {kind} {other}", hint=f"`sd show {number}` shows its links"
            )
        return after

    return desk.run(work)


def remove(store: Store, number: int, kind: str, other: int) -> int:
    """Delete a link; return how many there were (0 or 1)."""
    return store.execute(
        "delete from link where ticket = :number and kind = :kind and other = :other",
        number=number,
        kind=kind,
        other=other,
    )


def merge(desk: Desk, numbers: Sequence[int], into: int) -> list[Ticket]:
    """Merge tickets into one: they end, point to it, and no KPI counts them."""

    def work() -> list[Ticket]:
        head = tickets.get(desk.store, into)
        if head.state in ("merged", "cancelled"):
            raise Refused(f"ticket {into} is {head.state}: merge into one that stands")
        if into in numbers:
            raise UsageFault(f"ticket {into} cannot be merged into itself")
        return [_merge(desk, number, into) for number in numbers]

    return desk.run(work)


def _merge(desk: Desk, number: int, into: int) -> Ticket:
    held = desk.store.value("select count(*) from ticket where merged_into = :id", id=number)
    if held:
        raise Refused(
            f"ticket {number} holds {held} merged ticket(s): unmerge them first, or merge the other way round"
        )
    return tickets.apply(desk, number, "merge", {"into": into})


def unmerge(desk: Desk, numbers: Sequence[int]) -> list[Ticket]:
    """Take merged tickets out again: they are open as before."""
    return desk.run(lambda: [tickets.apply(desk, number, "unmerge") for number in numbers])
