"""A whole desk into another database, on this engine or the other, checked on both sides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sdtool.desk import tickets
from sdtool.errors import Failed
from sdtool.rules.lifecycle import Ticket
from sdtool.store import create_store, journal, shown
from sdtool.store.base import Store

SLICE = 5_000  # rows read at a time
# parents first; a table with a number is read in slices by it, the small ones as a whole
_NUMBERED = (("person", "id"), ("ticket", "id"), ("staff_change", "id"), ("event", "id"),
             ("event_data", "event"), ("outbox", "id"), ("inmail", "id"),
             ("job_run", "id"))  # fmt: skip
_SMALL = ("counter", "pause", "link", "checklist_item", "party", "owed", "promise", "alert", "feedback",
          "problem", "problem_ticket", "article", "article_use", "call_day", "major", "frozen_month",
          "bad_address", "holiday", "request")  # fmt: skip
TABLES = (*(table for table, _ in _NUMBERED), *_SMALL)
_PAGE = {
    (table, key): f"select * from {table} where {key} > :after order by {key} limit :size"  # noqa: S608
    for table, key in _NUMBERED
}
_WHOLE = {table: f"select * from {table}" for table in _SMALL}  # noqa: S608


def copy(source: Store, url: str) -> dict[str, int]:
    """Copy every record of a desk to `url`, where there is none yet; return the rows of each table.

    Raises:
        Conflict: there is a desk at `url`.
        Failed: the journal does not hold, or the copy is not what was copied; then it stays empty.
    """
    with source.snapshot():
        _require_whole(source, "the desk to copy")
        target = create_store(url, source.meta("desk"))
        try:
            target.run(lambda: _fill(source, target, shown(url)))
            target.upkeep()  # counts the rows, or the server would plan the first lists blindly
            return target.sizes()
        finally:
            target.close()


def _fill(source: Store, target: Store, where: str) -> None:
    for table, key in _NUMBERED:
        for rows in _pages(source, table, key):
            # a ticket may be merged into a later one, which is not there yet
            target.insert(
                table, *({**row, "merged_into": None} if table == "ticket" else row for row in rows)
            )
    for table, sql in _WHOLE.items():
        target.insert(table, *map(dict, source.query(sql)))
    for row in source.query("select id, merged_into from ticket where merged_into is not null order by id"):
        target.update("ticket", row["id"], {"merged_into": row["merged_into"]})
    for rows in _pages(source, "ticket", "id"):
        target.index_text(tickets.searchables(source, [Ticket(**row) for row in rows]))
    target.continue_numbers()
    _require_same(source, target, where)


def _pages(store: Store, table: str, key: str) -> Iterator[list[dict[str, Any]]]:
    after = -(2**63)
    while rows := [dict(row) for row in store.query(_PAGE[table, key], after=after, size=SLICE)]:
        yield rows
        after = rows[-1][key]


def _require_whole(store: Store, what: str) -> None:
    faults = journal.broken(store)
    if faults:
        raise Failed(f"the journal of {what} does not hold: {faults[0]}; nothing was copied")


def _require_same(source: Store, target: Store, where: str) -> None:
    _require_whole(target, f"the copy at {where}")
    counts = [{**store.sizes(), "meta": 0} for store in (source, target)]
    if counts[0] != counts[1] or journal.head(source) != journal.head(target):
        raise Failed(f"the copy at {where} is not what was copied: it was left empty")
