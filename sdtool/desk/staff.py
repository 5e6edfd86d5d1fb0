"""Who comes, moves or leaves: a change of staff, its parent request and the tickets of its support services.

A change is a record beside its parent ticket, with the same number.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from sdtool.desk import Desk
from sdtool.errors import OF_ONE, NotFound
from sdtool.rules.lifecycle import DESK, Ticket
from sdtool.store.base import Row, Store
from sdtool.store.journal import Entry, append

_JSON = ("data", "held", "missing")


class Change(NamedTuple):
    """A change of staff: `id` is its parent ticket, `day` an ISO date or "", moments are epoch seconds.

    `data` holds the fields of HR's row, `held` the services the colleague had before, `missing` the fields
    that HR still owes, `applied_at` when the directory was brought up to it, `moves` how often its day moved.
    """

    id: int
    kind: str
    staff_number: str
    day: str
    data: dict[str, str]
    held: tuple[str, ...]
    missing: tuple[str, ...]
    person: int | None
    known_at: int
    complete_first: int
    moves: int
    applied_at: int | None
    withdrawn_at: int | None
    rev: int


class Outcome(NamedTuple):
    """What a row of HR led to: new, changed, unchanged, withdrawn or unknown; remarks are for a person."""

    action: str
    ticket: int
    remarks: tuple[str, ...] = ()


# --- Reading


def read(row: Row) -> Change:
    """Return a change from its row of the table."""
    fields = {name: json.loads(row[name]) if name in _JSON else row[name] for name in Change._fields}
    return Change(**{**fields, "held": tuple(fields["held"]), "missing": tuple(fields["missing"])})


def get(store: Store, number: int) -> Change:
    """Return the change whose parent ticket has this number; NotFound when there is none."""
    row = store.one("select * from staff_change where id = :id", id=number)
    if row is not None:
        return read(row)
    whole = of_part(store, number)
    if whole is not None:
        raise NotFound(f"ticket {number} is a part of SD-{whole.id}: name that one")
    raise NotFound(f"ticket {number} is no onboarding, move or offboarding")


def of_part(store: Store, number: int) -> Change | None:
    """Return the change that a ticket is the parent or a part of, None when it is neither."""
    row = store.one(
        "select * from staff_change where id = :id or id in"
        " (select other from link where ticket = :id and kind = 'part-of') order by id limit 1",
        id=number,
    )
    return read(row) if row is not None else None


def listing(store: Store, kind: str, *, ended: bool = False) -> list[Change]:
    """Return the changes of a kind by day, those with an open parent only unless `ended`."""
    rows = store.query(
        "select staff_change.* from staff_change join ticket on ticket.id = staff_change.id"
        " where kind = :kind and (ticket.ended_at is null or :ended = 1) order by day, staff_change.id",
        kind=kind,
        ended=int(ended),
    )
    return [read(row) for row in rows]


def parts(store: Store, number: int) -> list[Ticket]:
    """Return the sub-tickets of a change's support services, in the order they were made."""
    rows = store.query(
        "select ticket.* from link join ticket on ticket.id = link.ticket"
        " where link.other = :id and link.kind = 'part-of' and ticket.service <> '' order by ticket.id",
        id=number,
    )
    return [Ticket(**dict(row)) for row in rows]


def held_by(store: Store, staff_number: str) -> set[str]:
    """Return the services that were given to a colleague and not taken back."""
    rows = store.query(
        "select ticket.service, ticket.reversal from staff_change"
        " join link on link.other = staff_change.id and link.kind = 'part-of'"
        " join ticket on ticket.id = link.ticket"
        " where staff_number = :number and ticket.service <> '' and ticket.resolved_at is not null"
        " order by ticket.resolved_at, ticket.id",
        number=staff_number,
    )
    held: set[str] = set()
    for row in rows:
        (held.discard if row["reversal"] else held.add)(row["service"])
    return held


def gone(store: Store, staff_number: str) -> bool:
    """Tell whether a colleague left and does not come back: the last of their starts and ends is an end
    that the directory knows of.
    """
    row = store.one(
        "select kind, applied_at from staff_change join ticket on ticket.id = staff_change.id"
        " where staff_number = :number and kind <> 'mover' and day <> '' and withdrawn_at is null"
        " and ticket.state not in ('cancelled', 'merged') order by day desc, staff_change.id desc limit 1",
        number=staff_number,
    )
    return row is not None and row["kind"] == "offboarding" and row["applied_at"] is not None


def full_name(values: Mapping[str, str]) -> str:
    """Return first and last name, or the name as HR wrote it."""
    both = f"{values.get('first_name', '')} {values.get('last_name', '')}".strip()
    return both or values.get("name", "") or values.get("staff_number", "")


def started(ticket: Ticket) -> bool:
    """Tell whether a person took a ticket in hand: from then on nothing moves or ends by itself."""
    return ticket.accepted_at is not None


def held_up(ticket: Ticket) -> bool:
    """Tell whether a ticket waits for something that must come first, and nobody took it yet."""
    return ticket.state == "waiting" and ticket.waiting_on != DESK and not started(ticket)


_DIRECTORY = ("mail", "phone", "staff_number", "target_group", "department", "site", "language")


def directory(values: Mapping[str, str]) -> dict[str, Any]:
    """Return what the directory keeps of HR's values; a name that HR did not give stays as it is there."""
    known = {name: values[name] for name in _DIRECTORY if values.get(name)}
    named = any(values.get(field) for field in ("first_name", "last_name", "name"))
    return {"name": full_name(values), **known} if named else known


# --- Writing


def each(numbers: Iterable[int], act: Callable[[int], int], refused: list[str] | None) -> list[int]:
    """Do an act for one change after the other, each in a transaction of its own; return what came of it.

    Args:
        refused: gets a sentence for each change that does not allow the act, which then holds up no other;
            with None that one is raised.
    """
    done = []
    for number in numbers:
        try:
            done.append(act(number))
        except OF_ONE as exc:
            if refused is None:
                raise
            refused.append(f"SD-{number}: {exc.message}")
    return done


def add(desk: Desk, change: Change) -> None:
    """Store a new change and its journal row (inside a transaction)."""
    row = row_of(change._asdict())
    desk.store.insert("staff_change", row)
    record(
        desk, change.id, "new", {"set": {n: v for n, v in row.items() if n not in ("id", "rev")}, "was": {}}
    )


def write(desk: Desk, change: Change, verb: str, **fields: Any) -> Change:
    """Change fields of a change, with their journal row; return it after that."""
    changed = {name: value for name, value in fields.items() if getattr(change, name) != value}
    was, row = row_of({name: getattr(change, name) for name in changed}), row_of(changed)
    desk.store.update("staff_change", change.id, {**row, "rev": change.rev + 1})
    record(desk, change.id, verb, {"set": row, "was": was})
    return change._replace(**fields, rev=change.rev + 1)


def row_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields as the table keeps them."""
    return {
        name: json.dumps(value, ensure_ascii=False) if name in _JSON else value
        for name, value in fields.items()
    }


def record(desk: Desk, number: int, verb: str, data: Mapping[str, Any]) -> None:
    """Write the journal row of a change."""
    append(desk.store, [Entry("staff", number, verb, desk.actor, desk.source, desk.now, data)])
