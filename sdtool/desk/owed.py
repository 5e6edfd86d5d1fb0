"""Owed feedback: who owes the desk what, for which ticket, by when.

A ticket waits as long as something is owed for it: every act here keeps both in step, through the gate.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sdtool.desk import Desk, parties, people, records, tickets
from sdtool.errors import Conflict, NotFound, Refused, UsageFault
from sdtool.rules.lifecycle import ENDED_STATES, Fields, Ticket
from sdtool.store.base import Row, Store


class Owed(NamedTuple):
    """Feedback that is owed; moments are epoch seconds.

    `party` is who owes it for a supplier or an internal service, `person` for a customer; both may be
    unknown. `step` is the rung of the ladder that was reached (0: none), `step_at` when. `origin` is what
    asked it when no person did: "staff" for what HR still owes of a change of staff.
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
    origin: str = ""


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
)
_FILTERED = (
    " and (:kind = '' or owed.kind = :kind) and (:ticket = 0 or owed.ticket = :ticket)"
    " and (:party = 0 or owed.party = :party) and (:before = 0 or owed.due_at < :before)"
    " order by owed.due_at, owed.id"
)
_OPEN = _JOINED.format("owed.state = 'open'") + _FILTERED  # spelled as in the partial index
_ALL = _JOINED.format("owed.id > 0") + _FILTERED
_ONE = _JOINED.format("owed.id = :id")
_OF_TICKET = _JOINED.format("owed.ticket = :ticket and owed.state = 'open' order by owed.due_at, owed.id")


def spelled(number: int) -> str:
    """Return the number of owed feedback as it is written: F-12."""
    return f"F-{number}"


def get(store: Store, number: int) -> Owed:
    """Return owed feedback by its number; NotFound when there is none."""
    row = store.one("select * from owed where id = :id", id=number)
    if row is None:
        raise NotFound(f"there is no owed feedback {spelled(number)}")
    return Owed(**dict(row))


def standing(store: Store, number: int) -> Standing:
    """Return owed feedback with its ticket and who owes it; NotFound when there is none."""
    get(store, number)
    return _standing(store.query(_ONE, id=number)[0])


def lines(desk: Desk, ticket: int, *, visible: bool) -> list[str]:
    """Return what is still owed for a ticket, a line each; without text and person unless `visible`."""
    from sdtool.output import local

    found = []
    for row in desk.store.query(_OF_TICKET, ticket=ticket):
        owed, _, party, person = _standing(row)
        name = party.name if party is not None else person.name if person is not None and visible else ""
        who = f"{owed.kind} {name}".strip()
        due = local(owed.due_at, desk.timezone)
        found.append(f"{spelled(owed.id)} {who}, due {due}" + (f": {owed.what}" if visible else ""))
    return found


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


def brief(desk: Desk, one: Standing) -> dict[str, Any]:
    """Return owed feedback as lists show it, moments in epoch seconds; of a confidential ticket no text."""
    from sdtool.desk import queue

    owed, ticket = one.owed, one.ticket
    hidden = "" if queue.may_see(desk, ticket) else queue.HIDDEN
    return {
        "id": owed.id,
        "ticket": owed.ticket,
        "kind": owed.kind,
        "party": one.party.name if one.party is not None else "",
        "person": (hidden or one.person.name) if one.person is not None else "",
        "what": hidden or owed.what,
        "asked_at": owed.asked_at,
        "asked_by": owed.asked_by,
        "due_at": owed.due_at,
        "late": owed.state == "open" and owed.due_at < desk.now,
        "step": owed.step,
        "step_at": owed.step_at,
        "state": owed.state,
        "ended_at": owed.ended_at,
        "ended_by": owed.ended_by,
        "remark": (hidden or owed.remark) if owed.remark else "",
        "group": ticket.group_key,
        "agent": ticket.agent,
        "rev": owed.rev,
    }


# --- Asking and answering


def ask(
    desk: Desk,
    ticket: int,
    kind: str,
    what: str,
    due: int,
    *,
    party: int | None = None,
    person: int | None = None,
    origin: str = "",
    if_rev: int | None = None,
    **context: Any,
) -> Owed:
    """Ask for feedback: the ticket waits for it, and for what else is owed for it.

    Args:
        kind: who owes it: customer, supplier or internal.
        due: when it is due, a moment to come.
        party: the number of a party of that kind; none for a customer.
        person: who owes it for a customer, by default the caller.
        origin: what asks when no person does; the ticket is held then: nobody took it in hand by that.
        context: what the journal keeps beside it, on the ticket.
    """

    def work() -> Owed:
        asked = tickets.get(desk.store, ticket)
        at = tickets.after_last(desk.store, asked, desk.now)
        values = {
            "ticket": ticket, "kind": kind, "party": party, "what": what, "asked_at": at,
            "person": asked.caller if kind == "customer" and person is None else person,
            "asked_by": desk.actor, "due_at": due, "step": 0, "step_at": None, "state": "open",
            "ended_at": None, "ended_by": "", "remark": "", "origin": origin,
        }  # fmt: skip
        number = records.add(desk, "owed", values, at=at)
        verb = "hold" if origin else "wait"
        args = _shown(desk, open_of(desk.store, ticket), held=bool(origin) and asked.accepted_at is None)
        data = {"owed": number, **context}
        tickets.apply(desk, ticket, verb, {**args, "asked": kind}, data=data, if_rev=if_rev)
        return get(desk.store, number)

    return desk.run(work)


def answer(desk: Desk, number: int, text: str = "", **context: Any) -> Owed:
    """Note that owed feedback came; its text becomes an internal note. The last one wakes the ticket.

    Raises:
        Conflict: it was answered or cancelled already.
    """
    return desk.run(lambda: _end(desk, number, "answer", text, context))


def cancel(desk: Desk, number: int, reason: str, **context: Any) -> Owed:
    """Let go of feedback that is not needed any more; the last one wakes the ticket."""
    return desk.run(lambda: _end(desk, number, "cancel", reason, context))


def _end(desk: Desk, number: int, verb: str, text: str, context: Mapping[str, Any]) -> Owed:
    owed, at = _gathered(desk, number, context)
    records.change(desk, "owed", owed, verb, _ended(desk, verb, at, text), at=at)
    if verb == "answer" and text:
        data = {"text": text, "public": False, "owed": number}
        tickets.apply(desk, owed.ticket, "note", {"public": False}, data=data)
    _go_on(desk, owed.ticket, {"owed": number, **context})
    return get(desk.store, number)


def _ended(desk: Desk, verb: str, at: int, text: str) -> Fields:
    ended = {"ended_at": at, "ended_by": desk.actor}
    if verb == "answer":  # its text is a note of the ticket
        return {**ended, "state": "answered"}
    return {**ended, "state": "cancelled", "remark": text}


def extend(desk: Desk, number: int, until: int, reason: str) -> Owed:
    """Give somebody longer to answer; the reason is kept.

    Raises:
        UsageFault: the new moment is not to come, or is the one it was.
        Conflict: it was answered or cancelled already.
    """

    def work() -> Owed:
        owed, at = _gathered(desk, number, {})
        if until <= desk.now:
            raise UsageFault("--until must lie in the future: it is when the answer is due")
        if until == owed.due_at:
            raise UsageFault(f"{spelled(number)} is due at that moment already: give another one")
        return _edit(desk, owed, "extend", {"due_at": until, "remark": reason}, at, {})

    return desk.run(work)


def restate(desk: Desk, number: int, what: str, party: int | None, **context: Any) -> Owed:
    """Change what is owed, and by whom; nothing new changes nothing (inside a transaction)."""
    owed, at = _gathered(desk, number, context)
    if (owed.what, owed.party) == (what, party):
        return owed
    return _edit(desk, owed, "edit", {"what": what, "party": party}, at, context)


def _edit(desk: Desk, owed: Owed, verb: str, values: Fields, at: int, context: Mapping[str, Any]) -> Owed:
    records.change(desk, "owed", owed, verb, values, at=at)
    _go_on(desk, owed.ticket, {"owed": owed.id, **context})
    return get(desk.store, owed.id)


def _gathered(desk: Desk, number: int, context: Mapping[str, Any]) -> tuple[Owed, int]:
    """Return what is open, and the moment of what is done to it now."""
    owed = _open(desk, number)
    ticket = tickets.get(desk.store, owed.ticket)
    tickets.require_readable(desk, ticket, context)
    return owed, tickets.after_last(desk.store, ticket, desk.now)


def _go_on(desk: Desk, number: int, data: Mapping[str, Any]) -> None:
    """Let a ticket wait for what is still owed for it, or go on when that is nothing.

    Every change of what is owed leaves an act on the ticket, so that undo sees in which order they came.
    """
    ticket, rows = tickets.get(desk.store, number), open_of(desk.store, number)
    if rows:
        args = _shown(desk, rows, held=ticket.accepted_at is None)
        tickets.apply(desk, number, "hold", args, data=data)
    elif ticket.state == "waiting":
        tickets.apply(desk, number, "resume", {}, data=data)


def _shown(desk: Desk, rows: Sequence[Owed], *, held: bool) -> Fields:
    """Return what a ticket says of a wait for several: what stops its clock first, then what is due first.

    The clock stands as long as one stops it; on a ticket that was held it stands in any case.
    """
    pausing = [_pauses(desk, owed) for owed in rows]
    first = rows[0] if held or not any(pausing) else rows[pausing.index(True)]
    name = parties.get(desk.store, first.party).name if first.party is not None else ""
    return {
        "party": first.kind,
        "text": f"{name}: {first.what}" if name else first.what,
        "until": first.due_at,
        "pauses": held or any(pausing),
    }


def _pauses(desk: Desk, owed: Owed) -> bool:
    return desk.rulebook.party_pauses(owed.kind, tickets.day_of(owed.asked_at, desk.timezone))


def settled(desk: Desk, ticket: Ticket, at: int) -> None:
    """End what is owed for a ticket that waits no more: it ended, or somebody went on with it."""
    verb, reason = ("cancel", f"ticket {ticket.state}") if ticket.state in ENDED_STATES else ("answer", "")
    for owed in open_of(desk.store, ticket.id):
        records.change(desk, "owed", owed, verb, _ended(desk, verb, at, reason), at=at)


def take_back(desk: Desk, event: Mapping[str, Any], at: int) -> str:
    """Undo an act on owed feedback, as part of a transaction; return a sentence.

    Raises:
        Refused: it was a reminder, which is in a mail.
    """
    owed, verb = get(desk.store, event["subject"]), event["verb"]
    if verb == "remind":
        raise Refused(f"a reminder is not undone: `sd owed extend {spelled(owed.id)} …` gives more time")
    values = dict(event["data"]["was"])
    if verb == "new":
        values = _ended(desk, "cancel", at, "asking undone")
    records.change(desk, "owed", owed, "undo", values, at=at, undoes=event["id"])
    return f"{spelled(owed.id)}: {_UNDONE[verb]} is undone"


_UNDONE = {
    "new": "asking",
    "answer": "the answer",
    "cancel": "cancelling",
    "extend": "extending",
    "edit": "the edit",
}


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
