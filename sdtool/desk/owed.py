"""Owed feedback: who owes the desk what, for which ticket, by when.

A ticket waits as long as something is owed for it: every act here keeps both in step, through the gate.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from itertools import islice
from typing import NamedTuple

from sdtool.desk import Desk, parties, people, records
from sdtool.errors import Conflict, NotFound
from sdtool.rules.lifecycle import Ticket
from sdtool.store.base import Row, Store


class Owed(NamedTuple):
    """Feedback that is owed; moments are epoch seconds.

    `party` is who owes it for a supplier or an internal service, `person` for a customer; both may be
    unknown. `step` is the rung of the ladder that was reached (0: none), `step_at` when.
    """

    id: int
    ticket: int
    kind: str
    person: int | None
    party: int | None
    what: str
    asked_at: int
    asked_by: str
    due_at: int
    step: int
    step_at: int | None
    state: str
    ended_at: int | None
    ended_by: str
    remark: str
    rev: int


class Standing(NamedTuple):
    """Owed feedback with the ticket it is owed for, and the party or person that owes it."""

    owed: Owed
    ticket: Ticket
    party: parties.Party | None
    person: people.Person | None


# --- Reading

_PARTS = (("owed", Owed), ("ticket", Ticket), ("party", parties.Party), ("person", people.Person))
_JOINED = (
    "select "  # noqa: S608 (constants)
    + ", ".join(f"{table}.{name} as {table}_{name}" for table, part in _PARTS for name in part._fields)
    + " from owed join ticket on ticket.id = owed.ticket left join party on party.id = owed.party"
    " left join person on person.id = owed.person where {}"
    " and (:kind = '' or owed.kind = :kind) and (:ticket = 0 or owed.ticket = :ticket)"
    " and (:party = 0 or owed.party = :party) and (:before = 0 or owed.due_at < :before)"
    " order by owed.due_at, owed.id"
)
_OPEN = _JOINED.format("owed.state = 'open'")  # spelled as in the partial index, or it is not used
_ALL = _JOINED.format("owed.id > 0")


def spelled(number: int) -> str:
    """Return the number of owed feedback as it is written: F-12."""
    return f"F-{number}"


def get(store: Store, number: int) -> Owed:
    """Return owed feedback by its number; NotFound when there is none."""
    row = store.one("select * from owed where id = :id", id=number)
    if row is None:
        raise NotFound(f"there is no owed feedback {spelled(number)}")
    return Owed(**dict(row))


def open_of(store: Store, ticket: int) -> list[Owed]:
    """Return what is still owed for a ticket, what is due first first."""
    rows = store.query(
        "select * from owed where ticket = :ticket and state = 'open' order by due_at, id", ticket=ticket
    )
    return [Owed(**dict(row)) for row in rows]


def listing(
    store: Store, *, kind: str = "", ticket: int = 0, party: int = 0, before: int = 0, ended: bool = False
) -> list[Standing]:
    """Return what is owed, what is due first first; only open ones unless `ended`.

    Args:
        kind: customer, supplier or internal; "" for all.
        ticket, party: only what is owed for that ticket, by that party; 0 for all.
        before: only what is due before this moment; 0 for all.
        ended: also what was answered or cancelled.
    """
    sql = _ALL if ended else _OPEN
    rows = store.query(sql, kind=kind, ticket=ticket, party=party, before=before)
    return [_standing(row) for row in rows]


def _standing(row: Row) -> Standing:
    values = iter(dict(row).values())
    owed = Owed._make(islice(values, len(Owed._fields)))
    ticket = Ticket._make(islice(values, len(Ticket._fields)))
    party = parties.Party._make(islice(values, len(parties.Party._fields)))
    person = people.Person._make(islice(values, len(people.Person._fields)))
    return Standing(owed, ticket, party if owed.party else None, person if owed.person else None)


# --- The ladder


def advance(desk: Desk, number: int, step: int, at: int) -> Owed:
    """Note that owed feedback reached a rung of its ladder (inside a transaction); return it after that.

    Raises:
        Conflict: nobody owes it any more, or it is at that rung already.
    """
    owed = _open(desk, number)
    if step <= owed.step:
        raise Conflict(f"{spelled(number)} is at step {owed.step} of its ladder already, not before {step}")
    records.change(desk, "owed", owed, "remind", {"step": step, "step_at": at}, at=at)
    return get(desk.store, number)


def _open(desk: Desk, number: int) -> Owed:
    owed = get(desk.store, number)
    if owed.state != "open":
        raise Conflict(f"{spelled(number)} was {owed.state} already: nobody owes it any more")
    return owed
