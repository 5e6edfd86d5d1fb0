"""Promises and call-backs for a ticket, and appointments: what an agent will do at an agreed moment.

A promise to a customer is not over because the ticket ended: it stays open until it is kept or cancelled.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from typing import Any, NamedTuple

from sdtool.desk import Desk, handling, records, tickets
from sdtool.errors import Conflict, NotFound, UsageFault
from sdtool.rules.lifecycle import Ticket
from sdtool.store.base import Row, Store

KINDS = ("promise", "callback", "appointment", "buffer")
SPANS = ("appointment", "buffer")  # what takes time, belongs to no ticket and just passes
STATES = ("open", "kept", "cancelled")
WORDS = {
    "promise": "promise",
    "callback": "call-back",
    "appointment": "appointment",
    "buffer": "buffer",
}
LONGEST = 500


class Promise(NamedTuple):
    """What `agent` will do at `at`; moments are epoch seconds. Only what takes time (SPANS) has `until_at`.

    `ended_at` is when it was kept or cancelled, `moves` how often its moment changed, `remark` the last word
    on it: the note, or why it was moved or cancelled. An appointment has no ticket; nor has a buffer,
    in which the colleagues of `agent` are shielded from callers.
    """

    id: int
    kind: str
    ticket: int | None
    agent: str
    text: str
    at: int
    until_at: int | None
    state: str
    ended_at: int | None
    moves: int
    remark: str
    rev: int


# --- Reading


def get(store: Store, number: int) -> Promise:
    """Return a promise, call-back or appointment by its number; NotFound when there is none."""
    row = store.one("select * from promise where id = :id", id=number)
    if row is None:
        raise NotFound(
            f"there is no promise {number}; `sd promise list --team --state all` shows which there are"
        )
    return read(row)


def read(row: Row) -> Promise:
    """Return a promise from its row of the table."""
    return Promise(**{name: row[name] for name in Promise._fields})


_EVER = 2**40
# the state stands as in the partial index
_OPEN = "select * from promise where state = 'open' and at < :before order by at, id"
_OPEN_OF = "select * from promise where state = 'open' and agent = :agent and at < :before order by at, id"
_ENDED = "select * from promise where state <> 'open' and ended_at >= :since order by at, id"
_OF_TICKET = "select * from promise where ticket = :ticket order by at, id"


def standing(store: Store, agent: str = "", *, before: int = _EVER) -> list[Promise]:
    """Return what is open for an agent ("": for anybody) and due before a moment, first first."""
    rows = store.query(_OPEN_OF if agent else _OPEN, agent=agent, before=before)
    return [read(row) for row in rows]


def ended(store: Store, *, since: int = 0) -> list[Promise]:
    """Return what was kept or cancelled since a moment."""
    return [read(row) for row in store.query(_ENDED, since=since)]


def of_ticket(store: Store, number: int) -> list[Promise]:
    """Return all promises that were made for a ticket."""
    return [read(row) for row in store.query(_OF_TICKET, ticket=number)]


def listing(
    store: Store, agent: str = "", *, state: str = "open", ticket: int | None = None
) -> list[Promise]:
    """Return promises by their moment: of an agent, for a ticket, in one of STATES or in all."""
    if ticket is not None:
        found = of_ticket(store, ticket)
    elif state == "open":
        found = standing(store, agent)
    else:
        both = [*standing(store), *ended(store)] if state == "all" else ended(store)
        found = sorted(both, key=lambda promise: (promise.at, promise.id))
    return [p for p in found if state in ("all", p.state) and agent in ("", p.agent)]


def is_late(promise: Promise, now: int) -> bool:
    """Tell whether its moment came and nobody said that it was kept; an appointment just passes."""
    return promise.state == "open" and promise.kind not in SPANS and promise.at <= now


# --- Acts


def make(
    desk: Desk,
    ticket: int | None,
    text: str,
    at: int,
    *,
    kind: str = "promise",
    agent: str = "@me",
    until: int | None = None,
) -> Promise:
    """Record that `agent` will do `text` at a moment to come; an appointment is for no ticket.

    Raises:
        UsageFault: the moment is past, `until` does not come after it, the login is none.
        Conflict: the ticket was merged into another.
    """
    text = handling.text_of(WORDS[kind], text, longest=LONGEST)
    login = handling.login(desk, agent)
    _require_to_come(desk, at, until)
    values = {"kind": kind, "ticket": ticket, "agent": login, "text": text, "at": at, "until_at": until}

    def work() -> Promise:
        if ticket is not None:
            _require_standing(_readable(desk, ticket))
        whole = {**values, "state": "open", "ended_at": None, "moves": 0, "remark": ""}
        return get(desk.store, records.add(desk, "promise", whole))

    return desk.run(work)


def keep(desk: Desk, number: int, note: str = "") -> Promise:
    """It was done; Conflict when it was kept or cancelled already."""
    return _end(desk, number, "keep", {"state": "kept"}, note)


def cancel(desk: Desk, number: int, reason: str) -> Promise:
    """It will not be done, for a reason; Conflict when it was kept or cancelled already."""
    return _end(desk, number, "cancel", {"state": "cancelled"}, handling.text_of("reason", reason))


def move(desk: Desk, number: int, at: int, *, until: int | None = None, reason: str = "") -> Promise:
    """Agree on another moment, and count it; an appointment keeps its length unless `until` is given."""
    reason = _remark("reason", reason)

    def work() -> Promise:
        promise = _open(desk, number)
        if until is not None and promise.kind not in SPANS:
            raise UsageFault(f"{WORDS[promise.kind]} {number} has no end, only a moment: leave --until out")
        length = None if promise.until_at is None else promise.until_at - promise.at
        end = until if until is not None or length is None else at + length
        _require_to_come(desk, at, end)
        if (at, end) == (promise.at, promise.until_at):
            return promise
        fields = {"at": at, "until_at": end, "moves": promise.moves + 1, "remark": reason}
        return _change(desk, promise, "move", fields)

    return desk.run(work)


def take_back(desk: Desk, event: dict[str, Any]) -> str:
    """Undo an act on a promise; one that was made is cancelled, its number was given out."""
    promise = get(desk.store, event["subject"])
    if promise.ticket is not None:
        _readable(desk, promise.ticket)
    fields = event["data"]["was"]
    if event["verb"] == "new":
        fields = {"state": "cancelled", "ended_at": desk.now, "remark": "undone"}
    records.change(desk, "promise", promise, "undo", fields, undoes=event["id"])
    return f"{WORDS[promise.kind]} {promise.id}: {event['verb']} is undone"


def _end(desk: Desk, number: int, verb: str, fields: dict[str, Any], remark: str) -> Promise:
    text = _remark("note", remark)

    def work() -> Promise:
        promise = _open(desk, number)
        return _change(desk, promise, verb, {**fields, "ended_at": desk.now, "remark": text})

    return desk.run(work)


def _change(desk: Desk, promise: Promise, verb: str, fields: dict[str, Any]) -> Promise:
    records.change(desk, "promise", promise, verb, fields)
    return promise._replace(**fields, rev=promise.rev + 1)


def _open(desk: Desk, number: int) -> Promise:
    promise = get(desk.store, number)
    if promise.ticket is not None:
        _readable(desk, promise.ticket)
    if promise.state != "open":
        from sdtool.output import local

        on = local(promise.ended_at, desk.timezone)
        raise Conflict(f"{WORDS[promise.kind]} {number} was {promise.state} already, on {on}")
    return promise


def _readable(desk: Desk, number: int) -> Ticket:
    ticket = tickets.get(desk.store, number)
    tickets.require_readable(desk, ticket)
    return ticket


def _require_standing(ticket: Ticket) -> None:
    if ticket.state == "merged":
        raise Conflict(
            f"ticket {ticket.id} was merged into {ticket.merged_into}: make the promise for that one"
        )


def _require_to_come(desk: Desk, at: int, until: int | None) -> None:
    if at <= desk.now:
        raise UsageFault("--at must lie in the future: it is when it will be done")
    if until is not None and until <= at:
        raise UsageFault("--until must come after --at")


def _remark(name: str, text: str) -> str:
    return handling.text_of(name, text, longest=LONGEST) if text.strip() else ""
