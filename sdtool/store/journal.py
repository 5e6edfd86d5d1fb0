"""The journal: append-only events in a hash chain over salted commitments.

A row's hash covers the row before it, and a commitment to its data: SHA-256 of a random salt
and the data. Data and salt lie in a row beside it, so that erasing personal data (both of
them) leaves the chain whole, and nobody can guess the erased text from the commitment.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.digest import hexdigest
from sdtool.store.base import Row, Store


class Entry(NamedTuple):
    """An event to be written: what happened to which record, by whom, when (epoch seconds)."""

    kind: str
    subject: int
    verb: str
    actor: str
    source: str
    at: int
    data: Mapping[str, Any]


_HEAD = "select hash from event where id = :id"


def canonical(data: Mapping[str, Any]) -> str:
    """Return `data` as the one JSON text that is hashed and stored."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _commitment(salt: str, text: str) -> str:
    return hexdigest(f"{salt}:{text}")


def _hash(previous: str, row: Mapping[str, Any]) -> str:
    fields = [row[name] for name in ("id", "act", "kind", "subject", "verb", "actor", "source")]
    return hexdigest(json.dumps([previous, *fields, row["at"], row["recorded_at"], row["commitment"]]))


def append(store: Store, entries: Sequence[Entry], *, acts: Sequence[int] | None = None) -> int:
    """Append events as one act; return the number of the last.

    Call it inside `store.run`. `acts` tells entries of one call apart (an import): entries
    with the same number there are one act. Otherwise all events of a transaction are one.
    """
    last = store.next_number("event", len(entries))
    first = last - len(entries) + 1
    now = store.clock()
    previous = store.head[1] if store.head else previous_hash(store, first)
    act = store.act if store.head else None
    rows, data = [], []
    starts: dict[int, int] = {}
    for number, entry in enumerate(entries, first):
        if acts is not None:
            act = starts.setdefault(acts[number - first], number)
        act = act or number
        text, salt = canonical(entry.data), os.urandom(16).hex()
        row = {"id": number, "act": act, **entry._asdict(), "recorded_at": now}
        del row["data"]
        row["commitment"] = _commitment(salt, text)
        row["hash"] = previous = _hash(previous, row)
        rows.append(row)
        data.append({"event": number, "salt": salt, "data": text})
    store.insert("event", *rows)
    store.insert("event_data", *data)
    store.act = act or last
    store.head = (last, previous)
    return last


def erase_data(store: Store, numbers: Sequence[int], actor: str, source: str, at: int) -> None:
    """Take data and salt from events (inside a transaction), each by an event of its own; the chain holds."""
    if numbers:
        append(store, [Entry("event", number, "erased", actor, source, at, {}) for number in numbers])
        store.many("delete from event_data where event = :event", [{"event": number} for number in numbers])


def previous_hash(store: Store, number: int) -> str:
    """Return the hash of the event before `number`; the desk's own id before the first."""
    if number == 1:
        return store.meta("desk")
    return str(store.value(_HEAD, id=number - 1) or "")


def head(store: Store) -> tuple[int, str]:
    """Return number and hash of the newest event; (0, desk id) of an empty journal."""
    row = store.one("select id, hash from event order by id desc limit 1")
    return (row["id"], row["hash"]) if row else (0, store.meta("desk"))


def history(store: Store, kind: str, subject: int) -> list[dict[str, Any]]:
    """Return the events of one record, oldest first, with their data ({} where it was erased)."""
    rows = store.query(
        "select event.*, event_data.data from event left join event_data on event_data.event = event.id"
        " where kind = :kind and subject = :subject order by event.id",
        kind=kind,
        subject=subject,
    )
    return [_event(row) for row in rows]


def _event(row: Row) -> dict[str, Any]:
    event = dict(row)
    event["data"] = data_of(event["data"])
    return event


def data_of(text: str | None) -> dict[str, Any]:
    """Return the data of an event; {} when it was erased, or is no longer what `append` wrote."""
    try:
        data = json.loads(text or "{}")
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def chunks(store: Store, size: int = 2000) -> Iterator[list[dict[str, Any]]]:
    """Read the whole journal in order, some events at a time: {…event, data, salt, text}."""
    after = -(2**63)  # a number below 1 was put there by hand, and must be seen
    while True:
        rows = store.query(
            "select event.*, event_data.data as text, event_data.salt from event"
            " left join event_data on event_data.event = event.id"
            " where event.id > :after order by event.id limit :size",
            after=after,
            size=size,
        )
        if not rows:
            return
        yield [dict(row) for row in rows]
        after = rows[-1]["id"]


def broken(store: Store, anchors: Sequence[tuple[int, str]] = ()) -> list[str]:
    """Return what is wrong with the chain, a sentence each; [] when it holds.

    `anchors` are (number, hash) that were written down outside the database: an event that
    is missing there means that the newest part was cut off.
    """
    faults: list[str] = []
    expected, previous = 1, store.meta("desk")
    wanted: dict[int, set[str]] = {}
    for number, noted in anchors:  # a number noted twice with two hashes tells of a tail that was cut
        wanted.setdefault(number, set()).add(noted)
    erased = _erased(store)
    for rows in chunks(store):
        for row in rows:
            faults += _row_faults(row, expected, previous, erased)
            if wanted.pop(row["id"], {row["hash"]}) != {row["hash"]}:
                faults.append(f"event {row['id']} is not the one that was anchored outside")
            expected, previous = row["id"] + 1, row["hash"]
            if len(faults) >= 20:
                return [*faults, "… and perhaps more: stopped after 20"]
    counted = store.value("select value from counter where name = 'event'") or 0
    if counted != expected - 1:
        faults.append(f"the journal ends at event {expected - 1}, but {counted} were written")
    faults += [f"event {number} was anchored outside and is gone" for number in sorted(wanted) if number]
    return faults


def _erased(store: Store) -> set[int]:
    rows = store.query("select subject from event where verb = 'erased' and kind = 'event'")
    return {row["subject"] for row in rows}


def _row_faults(row: Mapping[str, Any], expected: int, previous: str, erased: set[int]) -> list[str]:
    number, faults = row["id"], []
    if number != expected:
        faults.append(f"event {expected} is missing")
    if row["text"] is None:
        if number not in erased:
            faults.append(f"the data of event {number} is gone without an erasure")
    elif _commitment(row["salt"], row["text"]) != row["commitment"]:
        faults.append(f"the data of event {number} was changed")
    if number == expected and _hash(previous, row) != row["hash"]:
        faults.append(f"event {number} or the one before it was changed")
    return faults
