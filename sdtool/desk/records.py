"""Records that are journaled under the name of their table, with a `rev` that counts their events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from sdtool.desk import Desk


class Record(Protocol):
    """What can be changed here: a named tuple of all columns of its table."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def rev(self) -> int:
        """How many events it has."""


def add(desk: Desk, table: str, values: Mapping[str, Any], *, at: int | None = None) -> int:
    """Store a new record with its journal row (inside a transaction); return its number."""
    number = desk.store.next_number(table)
    desk.store.insert(table, {"id": number, **values})
    _record(desk, table, number, "new", {"set": dict(values), "was": {}}, at)
    return number


def change(
    desk: Desk,
    table: str,
    record: Record,
    verb: str,
    values: Mapping[str, Any],
    *,
    at: int | None = None,
    **context: Any,
) -> bool:
    """Store what is new in `values` with its journal row; tell whether anything was.

    An event with `context` is kept though nothing changed. `at` is when it happened, by default now.
    """
    changed = {name: value for name, value in values.items() if getattr(record, name) != value}
    if not changed and not context:
        return False
    was = {name: getattr(record, name) for name in changed}
    desk.store.update(table, record.id, {**changed, "rev": record.rev + 1})
    _record(desk, table, record.id, verb, {**context, "set": changed, "was": was}, at)
    return True


def _record(desk: Desk, kind: str, number: int, verb: str, data: Mapping[str, Any], at: int | None) -> None:
    from sdtool.store.journal import Entry, append

    append(
        desk.store,
        [Entry(kind, number, verb, desk.actor, desk.source, desk.now if at is None else at, data)],
    )
