"""Owed feedback: who owes what, for which ticket, and what an answer does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sdtool.desk import Desk, owed, records
from sdtool.errors import Conflict
from sdtool.store.journal import history

New = Callable[..., int]


def lay(desk: Desk, ticket: int, kind: str = "customer", **more: object) -> int:
    """Store owed feedback as it is, and return its number."""
    values = {
        "ticket": ticket, "kind": kind, "person": None, "party": None, "what": "nummer",
        "asked_at": desk.now, "asked_by": "agent", "due_at": desk.now + 86_400, "step": 0, "step_at": None,
        "state": "open", "ended_at": None, "ended_by": "", "remark": "", **more,
    }  # fmt: skip
    return desk.run(lambda: records.add(desk, "owed", values))


def test_listed_with_who_owes_it(desk: Desk, new: New) -> None:
    """What is owed comes with its ticket and the person, what is due first first."""
    ticket = new()
    late, soon = lay(desk, ticket, person=1, due_at=desk.now + 9), lay(desk, ticket, due_at=desk.now + 8)
    found = owed.listing(desk.store)
    assert [one.owed.id for one in found] == [soon, late]
    assert (found[1].ticket.id, found[1].person and found[1].person.name) == (ticket, "Test Melder")
    assert (found[0].person, found[0].party) == (None, None)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, [1, 2]),
        ({"kind": "supplier"}, [2]),
        ({"before": 1}, []),
        ({"ended": True}, [1, 2, 3]),
        ({"ticket": 9}, []),
        ({"party": 9}, []),
    ],
)
def test_filters(desk: Desk, new: New, given: dict[str, int], found: list[int]) -> None:
    """Each filter narrows the list; who owed and answered is there only when asked for."""
    ticket = new()
    lay(desk, ticket)
    lay(desk, ticket, "supplier")
    lay(desk, ticket, state="answered", ended_at=desk.now)
    assert [one.owed.id for one in owed.listing(desk.store, **given)] == found  # type: ignore[arg-type]


def test_advance_is_journaled(desk: Desk, new: New) -> None:
    """A reached step is kept with its moment and an event of its own."""
    number = lay(desk, new())
    after = desk.run(lambda: owed.advance(desk, number, 2, desk.now + 5))
    assert (after.step, after.step_at, after.rev) == (2, desk.now + 5, 2)
    last = history(desk.store, "owed", number)[-1]
    assert (last["verb"], last["at"]) == ("remind", desk.now + 5)


def test_no_step_twice(desk: Desk, new: New) -> None:
    """A step that was reached is not reached again, and nothing is after an answer."""
    number, answered = lay(desk, new(), step=2), lay(desk, new("b"), state="answered", ended_at=desk.now)
    for one, step in ((number, 2), (number, 1), (answered, 1)):
        with pytest.raises(Conflict, match=r"already"):
            owed.advance(desk, one, step, desk.now)
