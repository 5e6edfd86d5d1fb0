"""Checklists: which ticket gets which items, and what holds whatever is done to them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sdtool.desk import Desk, checklists, registration, tickets
from sdtool.desk.checklists import Item
from tests.conftest import Sd
from tests.rulebooks import read, shipped_text, use

New = Callable[..., int]
PRINTER = """
[[checklists]]
key = "printer"
name = "Printer"
category = ["printer"]
items = [
  { text = "Stekker gecontroleerd" },
  { text = "Toner nagekeken", owner = "els", due = "2 werkdagen" },
  { text = "Melder gebeld", due = "4 h", optional = true },
]
"""
ONE = '[[checklists]]\nkey = "{}"\nname = "{}"\n{}\nitems = [ {{ text = "{}" }} ]\n'


def listed(key: str, conditions: str) -> str:
    """Return a checklist of one item that bears its key."""
    return ONE.format(key, key, conditions, key)


@pytest.fixture
def printers(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every ticket about a printer get a checklist of three items."""
    return use(place, monkeypatch, shipped_text() + PRINTER)


def items(desk: Desk, number: int) -> list[Item]:
    """Return the checklist of a ticket."""
    return checklists.of(desk.store, number)


# --- which ticket gets which items


def test_a_new_ticket_gets_the_list_that_fits(printers: Path, new: New, desk: Desk) -> None:
    """The items come in the order of the rulebook, due in opening hours after the registration."""
    got = items(desk, new())
    told = [(i.number, i.list, i.text, i.owner, i.mandatory, i.state) for i in got]
    assert told == [
        (1, "printer", "Stekker gecontroleerd", "", 1, "open"),
        (2, "printer", "Toner nagekeken", "els", 1, "open"),
        (3, "printer", "Melder gebeld", "", 0, "open"),
    ]
    assert [i.due_at and i.due_at - desk.now for i in got] == [None, 2 * 86400, 4 * 3600 + 1800]


def test_a_late_registration_counts_from_when_it_came_in(printers: Path, new: New, desk: Desk) -> None:
    """A ticket of this morning has its items due from this morning."""
    number = new("x", "--at", "2026-11-23T09:30")
    assert items(desk, number)[2].due_at == desk.now + 3 * 3600 + 1800


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ("", False),
        ('type = ["incident"]', True),
        ('type = ["request"]', False),
        ('category = ["mail", "printer"]', True),
        ('target_group = ["staff"]', True),
        ('type = ["incident"]\ncategory = ["mail"]', False),
        ('type = ["incident"]\ncategory = ["printer"]\ntarget_group = ["staff"]', True),
        ('category = ["printer"]\ntarget_group = ["schools"]', False),
    ],
)
def test_all_conditions_of_a_list_must_hold(conditions: str, fits: bool) -> None:
    """A list goes with a ticket when it has conditions and all of them hold."""
    book = read(shipped_text() + listed("x", conditions))
    assert book.checklists_for("incident", "printer", "staff") == ["x"] * fits


def test_several_lists_go_with_one_ticket(
    place: Path, monkeypatch: pytest.MonkeyPatch, new: New, desk: Desk
) -> None:
    """All lists that fit add up, in the order of the rulebook, numbered through."""
    two = listed("second", 'type = ["incident"]') + listed("third", 'target_group = ["staff"]')
    use(place, monkeypatch, shipped_text() + PRINTER + two)
    assert [(i.number, i.list) for i in items(desk, new())] == [
        (1, "printer"), (2, "printer"), (3, "printer"), (4, "second"), (5, "third")
    ]  # fmt: skip


def test_no_list_fits(printers: Path, new: New, desk: Desk) -> None:
    """Other tickets have no checklist."""
    assert items(desk, new(category="mail")) == []


FIELDS = {
    "type": "incident", "summary": "x", "state": "new", "channel": "phone", "category": "printer",
    "urgency": "normal", "target_group": "staff", "priority": 3, "derived_priority": 3,
    "group_key": "servicedesk", "registered_by": "agent",
}  # fmt: skip


def test_a_caller_of_create_says_what_it_gets(printers: Path, new: New, desk: Desk) -> None:
    """A support service adds lists by key and items of its own to what fits; no list counts twice."""
    fields = {**FIELDS, "opened_at": desk.now}
    other, own = new(category="mail"), Item("Sleutel", mandatory=0, due_at=desk.now)

    def work() -> int:
        wanted = checklists.for_ticket(
            desk, fields, lists=["account", "printer"], more=[own, Item("Account", other=other)]
        )
        return registration.create(desk, fields, {}, desk.now, items=wanted).id

    got = items(desk, desk.run(work))
    assert [i.list for i in got] == ["printer"] * 3 + ["account"] * 3 + [""] * 2
    assert (got[6], got[7].other) == (own._replace(number=7), other)


def test_an_item_of_an_ended_ticket_is_done_from_the_start(new: New, sd: Sd, desk: Desk) -> None:
    """What stands for a ticket has its state, also when that ended before."""
    number = new()
    sd("close", number, "--solution", "x")
    fields = {**FIELDS, "opened_at": desk.now}
    made = desk.run(
        lambda: registration.create(desk, fields, {}, desk.now, items=[Item("Account", other=number)])
    )
    assert (tickets.get(desk.store, made.id).state, items(desk, made.id)[0].state) == ("new", "done")
