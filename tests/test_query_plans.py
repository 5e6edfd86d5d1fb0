"""How SQLite finds what the daily commands ask for: by index, whatever the number of tickets.

The desk has no statistics (`Store.upkeep` says why), so that plans on an empty desk are those on a full one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from sdtool.desk import (
    Desk,
    checklists,
    handling,
    owed,
    people,
    plan,
    promises,
    queue,
    registration,
    tickets,
    undo,
)
from sdtool.desk.registration import Report
from tests.conftest import MELDER

pytestmark = pytest.mark.sqlite("its query plans")

New = Callable[..., int]


@contextmanager
def planned(desk: Desk) -> Iterator[list[str]]:
    """Collect the steps of SQLite's plans for every statement that runs within the `with`."""
    connection: Any = desk.store._db  # type: ignore[attr-defined]
    statements: list[str] = []
    steps: list[str] = []
    connection.set_trace_callback(statements.append)
    try:
        yield steps
    finally:
        connection.set_trace_callback(None)
    for statement in statements:
        if statement.lstrip().startswith(("select", "with", "update", "delete")):
            steps += [row["detail"] for row in connection.execute(f"explain query plan {statement}")]


# no table; what a recursion found itself; a row of the full text by its number
HARMLESS = ("SCAN CONSTANT ROW", "SCAN above", "SCAN ticket_text VIRTUAL TABLE INDEX 0:=")


def scans(steps: list[str]) -> list[str]:
    """Return the steps that read a whole table."""
    return [step for step in steps if step.startswith("SCAN") and step not in HARMLESS]


ACTS: dict[str, Callable[[Desk], object]] = {
    "list": lambda desk: queue.listing(desk, {"open": True}, "newest", 21),
    "list of a group": lambda desk: queue.listing(desk, {"open": True, "group": "network"}, "newest", 21),
    "list of an agent": lambda desk: queue.listing(desk, {"open": True, "agent": "els"}, "newest", 21),
    "list of what is late": lambda desk: queue.listing(desk, {"late": True}, "due", 21),
    "list of a caller": lambda desk: queue.listing(desk, {"caller": 1}, "newest", 21),
    "next": lambda desk: plan.next_steps(desk, ["servicedesk"], 5),
    "show": lambda desk: plan.details(desk, tickets.get(desk.store, 1)),
    "new": lambda desk: registration.register(
        desk, Report("Traag", people.find_one(desk.store, MELDER).id, "phone", "incident", "printer", "low")
    ),
    "assign": lambda desk: handling.assign(desk, [1], "network/els"),
    "wait": lambda desk: handling.wait(desk, [1], "customer", "nummer", desk.now + 86_400),
    "pend": lambda desk: handling.pend(desk, [1], desk.now + 86_400),
    "promise": lambda desk: promises.make(desk, 1, "terugbellen", desk.now + 86_400),
    "own promises": lambda desk: promises.listing(desk.store, desk.actor),
    "note": lambda desk: handling.note(desk, 1, "gebeld", public=False),
    "checklist": lambda desk: checklists.add(desk, 1, [checklists.Item("Nakijken")]),
    "close": lambda desk: handling.resolve(desk, [1], "toner vervangen"),
}


@pytest.mark.parametrize("name", ACTS)
def test_daily_work_reads_no_whole_table(desk: Desk, new: New, name: str) -> None:
    """Every statement of a daily command finds its rows by an index."""
    new()

    with planned(desk) as steps:
        ACTS[name](desk)

    assert steps
    assert scans(steps) == []


def test_who_waits_for_a_ticket_is_found_by_index(desk: Desk, new: New) -> None:
    """Closing a ticket that is an item of another reads no more than these."""
    new(), new()
    checklists.add(desk, 2, [checklists.Item("Toner", other=1)])

    with planned(desk) as steps:
        handling.resolve(desk, [1], "toner vervangen")

    assert any("checklist_item_other" in step for step in steps)
    assert scans(steps) == []


def test_what_is_owed_is_found_by_index(desk: Desk, new: New) -> None:
    """The list reads what is open; going on with a ticket reads what is owed for it."""
    new()
    handling.wait(desk, [1], "customer", "nummer", desk.now + 86_400)

    with planned(desk) as listed:
        owed.listing(desk.store)
    with planned(desk) as resumed:
        handling.each(desk, [1], "resume", {})

    assert any("owed_open" in step for step in listed)
    assert any("owed_ticket" in step for step in resumed)
    assert scans(resumed) == []


def test_list_stops_at_its_limit(desk: Desk, new: New) -> None:
    """The newest open tickets come out of the index in order: nothing is sorted."""
    new()

    with planned(desk) as steps:
        queue.listing(desk, {"open": True}, "newest", 21)

    assert steps[0] == "SEARCH ticket USING INDEX ticket_ended (ended_at=?)"
    assert not any("TEMP B-TREE" in step for step in steps)


def test_next_takes_the_first_of_each_queue(desk: Desk, new: New) -> None:
    """The most pressing tickets of a queue are the first in its index, however long it is."""
    new()

    with planned(desk) as steps:
        plan.next_steps(desk, ["servicedesk"], 5)

    assert {step.split(" (")[0] for step in steps if " ticket " in step} == {
        "SEARCH ticket USING INDEX ticket_agent",
        "SEARCH ticket USING INDEX ticket_open",
    }
    assert not any("TEMP B-TREE" in step for step in steps)


def test_undo_looks_at_the_newest_events_only(desk: Desk, new: New) -> None:
    """The last act is found from the end of the journal, not through the index of all events."""
    new()
    desk.actor = tickets.get(desk.store, 1).registered_by

    with planned(desk) as steps:
        undo.last_act(desk)

    assert "SEARCH event USING INTEGER PRIMARY KEY (rowid>?)" in steps
    assert not any("(kind=?)" in step for step in steps)


def test_search_checks_confidential_tickets_only(desk: Desk, new: New) -> None:
    """Who may read what is asked of the few confidential tickets, not of the thousands found."""
    new("Printer werkt niet")

    with planned(desk) as steps:
        queue.found(desk, "printer", limit=20)

    assert "SCAN ticket USING INDEX ticket_confidential" in steps
