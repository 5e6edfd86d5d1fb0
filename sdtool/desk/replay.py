"""Replaying the journal: what the records must be, if the journal tells everything.

An act that was undone is left out, as if it had not happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sdtool.desk import tickets
from sdtool.desk.registration import blank
from sdtool.rules.lifecycle import Ticket
from sdtool.store.base import Store
from sdtool.store.journal import chunks, data_of

Event = Mapping[str, Any]
ITEM_VERBS = ("add-item", "tick", "skip", "untick")


def undone(events: Iterable[Event]) -> set[int]:
    """Return the numbers of the events that later ones take back."""
    return {event["data"]["undoes"] for event in events if "undoes" in event["data"]}


def states(events: Sequence[Event]) -> list[tuple[int, Ticket]]:
    """Return the life of one ticket: (moment, the ticket after it), undone acts left out."""
    taken_back = undone(events)
    life: list[tuple[int, Ticket]] = []
    ticket = blank()._replace(rev=0)
    for event in events:
        # an undone registration ends as cancelled, its number stays given out
        if event["verb"] == "undo" or (event["id"] in taken_back and event["verb"] != "new"):
            continue
        ticket = ticket._replace(id=event["subject"], **event["data"].get("set", {}))
        life.append((event["at"], ticket))
    return life


def ticket_of(events: Sequence[Event]) -> Ticket:
    """Return the ticket that its events amount to. Undo events count by what they set."""
    ticket = blank()
    for event in events:
        ticket = ticket._replace(id=event["subject"], rev=ticket.rev + 1, **event["data"].get("set", {}))
    return ticket


def links_of(events: Sequence[Event]) -> set[tuple[str, int]]:
    """Return the links of one ticket that its events amount to."""
    taken_back = undone(events)
    held: set[tuple[str, int]] = set()
    for event in events:
        if event["verb"] == "new":
            held.update((kind, other) for kind, other in event["data"].get("links", ()))
        if event["id"] not in taken_back and event["verb"] in ("link", "unlink"):
            kind, other = event["data"]["link"]
            held.symmetric_difference_update({(kind, other)})
    return held


def items_of(events: Sequence[Event]) -> list[dict[str, Any]]:
    """Return the checklist of one ticket that its events amount to, as rows without the ticket."""
    taken_back = undone(events)
    held: dict[int, dict[str, Any]] = {}
    for event in events:
        if event["verb"] == "new":
            held = {item["number"]: item for item in event["data"].get("checklist", ())}
        elif event["id"] not in taken_back and event["verb"] in ITEM_VERBS:
            item = event["data"]["item"]
            held[item["number"]] = item
    return [held[number] for number in sorted(held)]


def differences(store: Store) -> Iterator[str]:
    """Yield a sentence for each record that is not what the journal says; nothing when all are.

    Tickets are replayed in portions, so that memory stays flat in the number of events.
    """
    low = store.value(_FIRST, low=-_LAST - 1)
    while low is not None:
        high = min(low + 4999, _LAST)
        yield from _compare(store, low, high)
        low = store.value(_FIRST, low=high + 1) if high < _LAST else None
    yield from _records(store)


# whatever number somebody gave a row by hand, it is looked at
_LAST = 2**63 - 1
_FIRST = (
    "select min(number) as number from (select min(id) as number from ticket where id >= :low"
    " union all select min(subject) from event where kind = 'ticket' and subject >= :low"
    " union all select min(ticket) from pause where ticket >= :low"
    " union all select min(ticket) from link where ticket >= :low"
    " union all select min(ticket) from checklist_item where ticket >= :low) numbers"
)


def _compare(store: Store, low: int, high: int) -> Iterator[str]:
    lives: dict[int, list[Event]] = {}
    rows = store.query(
        "select event.id, subject, verb, at, event_data.data from event"
        " left join event_data on event_data.event = event.id"
        " where kind = 'ticket' and subject between :low and :high order by subject, event.id",
        low=low,
        high=high,
    )
    for row in rows:
        lives.setdefault(row["subject"], []).append({**dict(row), "data": data_of(row["data"])})
    held = {row["id"]: Ticket(**dict(row)) for row in store.query(
        "select * from ticket where id between :low and :high", low=low, high=high)}  # fmt: skip
    beside = {table: _rows(store, table, low, high) for table in _BY_TICKET}
    for number in sorted(lives.keys() | held.keys() | {key for rows in beside.values() for key in rows}):
        rows_of = {table: rows.get(number, []) for table, rows in beside.items()}
        try:
            yield from _judge(number, lives.get(number), held.get(number), rows_of)
        except (AttributeError, KeyError, TypeError, ValueError):
            yield f"the journal of ticket {number} cannot be replayed: its data was changed"


_BY_TICKET = {
    "pause": "select * from pause where ticket between :low and :high order by ticket, start_at",
    "link": "select * from link where ticket between :low and :high",
    "checklist_item": "select * from checklist_item where ticket between :low and :high"
    " order by ticket, number",
}


def _rows(store: Store, table: str, low: int, high: int) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = {}
    for row in store.query(_BY_TICKET[table], low=low, high=high):
        found.setdefault(row["ticket"], []).append(dict(row))
    return found


def _judge(
    number: int, events: list[Event] | None, held: Ticket | None, rows: dict[str, list[dict[str, Any]]]
) -> Iterator[str]:
    if events is None:
        yield f"ticket {number} is in no journal row"
        return
    if held is None:
        yield f"ticket {number} is in the journal and nowhere else"
        return
    wanted = ticket_of(events)
    wrong = [name for name in Ticket._fields if getattr(wanted, name) != getattr(held, name)]
    if wrong:
        yield f"ticket {number} differs from the journal in {', '.join(wrong)}"
    if tickets.replayed_pauses(states(events)) != rows["pause"]:
        yield f"the pauses of ticket {number} differ from the journal"
    if links_of(events) != {(row["kind"], row["other"]) for row in rows["link"]}:
        yield f"the links of ticket {number} differ from the journal"
    if [{"ticket": number, **item} for item in items_of(events)] != rows["checklist_item"]:
        yield f"the checklist of ticket {number} differs from the journal"


_TABLES = {
    "person": "person",
    "staff": "staff_change",
    "party": "party",
    "owed": "owed",
    "feedback": "feedback",
    "promise": "promise",
    "problem": "problem",
    "article": "article",
    "call_day": "call_day",
    "major": "major",
    "frozen_month": "frozen_month",
}  # kind of the journal -> table, where rev counts events
_NAMES = {
    "person": "person",
    "staff": "change of staff",
    "party": "party",
    "owed": "owed feedback",
    "feedback": "answer about ticket",
    "promise": "promise",
    "problem": "problem",
    "article": "article",
    "call_day": "day of calls",
    "major": "major incident",
    "frozen_month": "frozen month",
}
# kind of the journal -> the tickets beside a record: those on which "use" or "link" were not taken back
_BESIDE = {
    "problem": "select problem as record, ticket from problem_ticket",
    "article": "select article as record, ticket from article_use",
}
_TAKES, _LEAVES = ("use", "link"), ("unuse", "unlink")


def _records(store: Store) -> Iterator[str]:
    lives, beside = _lives(store)
    yield from _tickets_beside(store, beside)
    for kind, table in _TABLES.items():
        for row in store.query(f"select * from {table} order by id"):  # noqa: S608 (a constant)
            wanted = lives.pop((kind, row["id"]), None)
            if wanted is None:
                yield f"{_NAMES[kind]} {row['id']} is in no journal row"
            elif {**wanted, "id": row["id"]} != dict(row):
                yield f"{_NAMES[kind]} {row['id']} differs from the journal"
    for kind, number in lives:
        yield f"{_NAMES[kind]} {number} is in the journal and nowhere else"


def _tickets_beside(store: Store, beside: _Beside) -> Iterator[str]:
    for kind, sql in _BESIDE.items():
        held: _Held = {}
        for row in store.query(sql):
            held.setdefault(row["record"], set()).add(row["ticket"])
        told = {number: found for (name, number), found in beside.items() if name == kind and found}
        for number in sorted(held.keys() | told.keys()):
            if held.get(number) != told.get(number):
                yield f"the tickets of {_NAMES[kind]} {number} differ from the journal"


_Lives = dict[tuple[str, int], dict[str, Any]]
_Beside = dict[tuple[str, int], set[int]]
_Held = dict[int, set[int]]


def _lives(store: Store) -> tuple[_Lives, _Beside]:
    """Return what the events of each record add up to, and the tickets beside it, by kind and number."""
    lives: _Lives = {}
    beside: _Beside = {}
    for rows in chunks(store):
        for event in rows:
            if event["kind"] in _TABLES:
                life = lives.setdefault((event["kind"], event["subject"]), {"rev": 0})
                data = data_of(event["text"])
                given = data.get("set")
                life.update(given if isinstance(given, dict) else {})
                life["rev"] += 1
                if event["kind"] in _BESIDE and event["verb"] in (*_TAKES, *_LEAVES):
                    held = beside.setdefault((event["kind"], event["subject"]), set())
                    ticket = data.get("ticket", 0)
                    (held.add if event["verb"] in _TAKES else held.discard)(ticket)
    return lives, beside
