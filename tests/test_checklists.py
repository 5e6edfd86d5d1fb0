"""Checklists: which ticket gets which items, and what holds whatever is done to them."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdtool.desk import Desk, checklists, fmis, handling, links, registration, replay, tickets, undo
from sdtool.desk.checklists import Item
from sdtool.errors import Conflict, Refused, SdError
from sdtool.store.journal import history
from tests import engines
from tests.conftest import Sd
from tests.fmis_files import map_text, row, write
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


# --- an item that is another ticket


@pytest.fixture
def bound(new: New, desk: Desk) -> tuple[int, int]:
    """A ticket with a mandatory item that is another ticket; both numbers."""
    whole, other = new(), new("Account")
    checklists.add(desk, whole, [Item("Account klaar", other=other)])
    return whole, other


def state(desk: Desk, number: int, item: int = 1) -> str:
    """Return the state of an item."""
    return checklists.find(items(desk, number), number, item).state


@pytest.mark.parametrize(
    ("words", "reached", "remark"),
    [
        ("close 2 --solution x", "done", ""),
        ("cancel 2 --reason x", "skipped", "SD-2 is cancelled"),
        ("merge 2 --into 3", "skipped", "SD-2 is merged"),
        ("take 2", "open", ""),
    ],
)
def test_an_item_follows_the_ticket_it_is(
    sd: Sd, new: New, desk: Desk, bound: tuple[int, int], words: str, reached: str, remark: str
) -> None:
    """It is done when that is solved, skipped when it comes to nothing, in the same act, by itself."""
    new("Ander")
    assert sd(*words.split()).code == 0
    item = items(desk, bound[0])[0]
    assert (item.state, item.remark, item.done_by) == (reached, remark, "")
    assert list(replay.differences(desk.store)) == []


@pytest.mark.parametrize(
    ("ends", "opens"),
    [
        ("close 2 --solution x", "reopen 2 --reason y"),
        ("cancel 2 --reason x", "reopen 2 --reason y"),
        ("merge 2 --into 3", "unmerge 2"),
    ],
)
def test_an_item_opens_with_its_ticket(
    sd: Sd, new: New, desk: Desk, bound: tuple[int, int], ends: str, opens: str
) -> None:
    """However that ended, when it is open again so is the item."""
    new("Ander")
    sd(*ends.split())
    assert sd(*opens.split()).code == 0
    assert items(desk, 1)[0] == Item("Account klaar", other=2, number=1)


def test_one_ticket_is_an_item_of_several(sd: Sd, new: New, desk: Desk, bound: tuple[int, int]) -> None:
    """Each list that it stands on follows."""
    third = new()
    checklists.add(desk, third, [Item("Ook", other=bound[1])])
    sd("close", bound[1], "--solution", "x")
    assert [state(desk, number) for number in (bound[0], third)] == ["done", "done"]


def test_a_person_decides_over_what_follows_by_itself(sd: Sd, desk: Desk, bound: tuple[int, int]) -> None:
    """Who skipped it on purpose finds it skipped, whatever happens to the ticket."""
    checklists.skip(desk, 1, [1], "niet nodig")
    sd("close", 2, "--solution", "x")
    sd("reopen", 2, "--reason", "y")
    assert items(desk, 1)[0].remark == "niet nodig"


def test_unskipped_it_follows_again(sd: Sd, desk: Desk, bound: tuple[int, int]) -> None:
    """Opened again by hand, it stands where its ticket stands by then."""
    checklists.skip(desk, 1, [1], "niet nodig")
    sd("close", 2, "--solution", "x")
    checklists.untick(desk, 1, [1])
    assert (state(desk, 1), list(replay.differences(desk.store))) == ("done", [])


def test_it_follows_on_a_ticket_that_ended(sd: Sd, desk: Desk, bound: tuple[int, int]) -> None:
    """A list shows what is true, also when its ticket was cancelled before."""
    sd("cancel", 1, "--reason", "x")
    sd("close", 2, "--solution", "x")
    assert (state(desk, 1), list(replay.differences(desk.store))) == ("done", [])


def test_no_ticket_is_an_item_of_itself(new: New, desk: Desk, bound: tuple[int, int]) -> None:
    """Not over one ticket, not over two: neither could ever be closed."""
    for whole, other in ((1, 1), (2, 1)):
        with pytest.raises(Refused, match=f"ticket {other} cannot be an item of ticket {whole}"):
            checklists.add(desk, whole, [Item("x", other=other)])


def test_who_may_not_read_a_list_moves_it(sd: Sd, desk: Desk, new: New) -> None:
    """Closing an ordinary ticket ticks it on a confidential list, too."""
    report = registration.Report("Over een collega", 1, "phone", "incident", "other", "normal")
    secret = registration.register(desk, report._replace(confidential=True)).id
    other = new()
    checklists.add(desk, secret, [Item("Account weg", other=other)])
    assert sd("close", other, "--solution", "x").code == 0
    assert state(desk, secret) == "done"


# --- the gate


def test_no_road_closes_a_ticket_with_open_items(printers: Path, sd: Sd, new: New, desk: Desk) -> None:
    """Closing is refused, alone and among others, and nothing of it is kept."""
    held, free = new(), new(category="mail")
    for ids in (str(held), f"{free},{held}"):
        ran = sd("close", ids, "--solution", "x")
        assert (ran.code, "open items: 1 Stekker gecontroleerd, 2 Toner nagekeken; tick" in ran.err) == (
            3,
            True,
        )
    assert tickets.get(desk.store, free).state == "new"


def test_an_import_does_not_close_over_open_items(
    printers: Path, sd: Sd, new: New, desk: Desk, tmp_path: Path
) -> None:
    """Neither solved nor closed elsewhere counts before the list is done; then the import goes on."""
    number = new("x", "--fmis", "F1", as_of="2026-03-02T08:00")
    for word in ("Opgelost", "Gesloten"):
        files = write(tmp_path, [row("10:00", word)], map_text())
        with pytest.raises(Refused, match="has open items"):
            fmis.import_file(desk, *files)
    sd("checklist", "tick", number, "1-2", as_of="2026-03-02T09:00")
    assert fmis.import_file(desk, *files).extended == 1


def test_tickets_with_a_history_get_no_list(printers: Path, desk: Desk, sd: Sd, tmp_path: Path) -> None:
    """What was worked on elsewhere comes as it was."""
    fmis.import_file(desk, *write(tmp_path, [row("09:00", "Nieuw")], map_text()))
    assert items(desk, 1) == []


def test_the_job_leaves_what_opened_again(sd: Sd, new: New, desk: Desk, bound: tuple[int, int]) -> None:
    """A solved ticket of which a part was reopened stays resolved until that is done."""
    other = new("Los")
    sd("close", "2,1", "--solution", "x")
    sd("close", other, "--solution", "x")
    sd("reopen", 2, "--reason", "toch niet")
    later = Desk(
        desk.store, desk.rulebook, desk.settings, actor="cron", source="cron", now=desk.now + 20 * 86_400
    )
    with pytest.raises(Refused, match="has open items"):
        tickets.apply(later, 1, "close")
    assert [ticket.id for ticket in handling.close_due(later)] == [other]
    sd("close", 2, "--solution", "nu wel", as_of="2026-12-01T10:00")
    assert 1 in [ticket.id for ticket in handling.close_due(later)]


def test_skipped_and_optional_items_hold_up_nothing(printers: Path, sd: Sd, new: New, desk: Desk) -> None:
    """A reason is enough, and what is optional may stay open."""
    number = new()
    checklists.tick(desk, number, [1])
    checklists.skip(desk, number, [2], "geen toner in dit toestel")
    assert sd("close", number, "--solution", "x").code == 0


@pytest.mark.parametrize("words", [("cancel", "--reason", "x"), ("merge", "--into", "2")])
def test_what_comes_to_nothing_is_not_held_up(
    printers: Path, sd: Sd, new: New, words: tuple[str, ...]
) -> None:
    """A ticket that should not have been made needs no list."""
    number, _ = new(), new()
    assert sd(words[0], number, *words[1:]).code == 0


# --- undo


@pytest.mark.parametrize(
    "line",
    [
        "checklist tick 1 1 --note gezien",
        "checklist tick 1 1-3",
        "checklist skip 1 2 --reason nee",
        "checklist untick 1 4",
        "checklist add 1 Kabel --optional",
        "checklist add 1 --list account",
        "checklist add 1 Ander --ticket 2",
        "close 2 --solution x",
        "cancel 2 --reason x",
        "merge 2 --into 3",
    ],
)
def test_undo_gives_the_list_back(printers: Path, sd: Sd, new: New, desk: Desk, line: str) -> None:
    """What an act did to lists, its own and those that followed, is taken back with it."""
    number, other, _ = new(), new(category="mail"), new()
    checklists.add(desk, number, [Item("Klaar"), Item("Account", other=other)])
    checklists.tick(desk, number, [4])
    before = items(desk, number)

    assert sd(*line.split()).code == 0
    assert sd("undo").code == 0

    assert items(desk, number) == before
    assert list(replay.differences(desk.store)) == []


def test_an_item_added_later_opens_when_closing_is_undone(sd: Sd, new: New, desk: Desk) -> None:
    """What followed only afterwards goes back, too, and is not itself an act to undo."""
    whole, other = new(), new()
    sd("close", other, "--solution", "x")
    checklists.add(desk, whole, [Item("Account", other=other)])
    assert (state(desk, whole), sd("undo").code, state(desk, whole)) == ("done", 0, "open")
    assert list(replay.differences(desk.store)) == []
    assert "registration" in sd("undo").out


def test_not_undone_when_an_item_moved_since(sd: Sd, new: New, desk: Desk) -> None:
    """What followed somebody else's undo is a change like any other."""
    whole, other = new(), new()
    sd("close", other, "--solution", "x")
    checklists.add(desk, whole, [Item("Account", other=other)])
    assert sd("undo").code == 0
    with pytest.raises(Conflict, match="ticket 1 was changed since"):
        undo.undo(desk)


def test_an_undone_skip_follows_what_happened_since(sd: Sd, desk: Desk, bound: tuple[int, int]) -> None:
    """The item is not open while its ticket is solved."""
    sd("checklist", "skip", 1, 1, "--reason", "x")
    handling.resolve(desk, [2], "klaar")
    assert sd("undo").code == 0
    assert (state(desk, 1), list(replay.differences(desk.store))) == ("done", [])


def test_an_undone_registration_is_skipped(sd: Sd, new: New, desk: Desk) -> None:
    """A ticket that was a mistake is nothing to wait for."""
    whole, other = new(), new()
    checklists.add(desk, whole, [Item("Account", other=other)])
    sd("undo")
    assert (state(desk, whole), list(replay.differences(desk.store))) == ("skipped", [])


# --- what the journal says


@pytest.mark.parametrize(
    "statement",
    [
        "update checklist_item set state = 'done' where number = 2",
        "update checklist_item set remark = 'anders' where number = 1",
        "update checklist_item set mandatory = 0",
        "delete from checklist_item where number = 3",
        "delete from checklist_item",
    ],
)
def test_verify_sees_a_changed_list(printers: Path, sd: Sd, new: New, statement: str) -> None:
    """An item that was ticked, changed or taken away behind the program's back is found."""
    new()
    sd("checklist", "tick", 1, 1, "--note", "gezien")
    assert sd("audit", "verify").code == 0
    engines.change(os.environ["SD_DATABASE"], statement)
    ran = sd("audit", "verify")
    assert (ran.code, "the checklist of ticket 1 differs from the journal" in ran.out) == (1, True)


# --- any order of acts

_ACT = st.one_of(
    st.tuples(st.sampled_from(["tick", "skip", "untick"]), st.integers(1, 6)),
    st.tuples(st.sampled_from(["resolve", "cancel", "merge", "reopen", "unmerge"]), st.integers(0, 2)),
    st.tuples(st.sampled_from(["add", "undo"]), st.integers(0, 2)),
)
_EXAMPLES = count(1)


def _do(desk: Desk, numbers: list[int], verb: str, which: int) -> None:
    """Do one act on items of the first ticket, or on one of three tickets."""
    whole, number = numbers[0], numbers[which % 3]
    acts: dict[str, Callable[[], object]] = {
        "tick": lambda: checklists.tick(desk, whole, [which]),
        "skip": lambda: checklists.skip(desk, whole, [which], "niet nodig"),
        "untick": lambda: checklists.untick(desk, whole, [which]),
        "add": lambda: checklists.add(desk, whole, [Item("Nog iets", other=number if which else None)]),
        "resolve": lambda: handling.resolve(desk, [number], "klaar"),
        "cancel": lambda: handling.cancel(desk, [number], "reden"),
        "reopen": lambda: handling.reopen(desk, [number], "reden"),
        "merge": lambda: links.merge(desk, [number], 1),
        "unmerge": lambda: links.unmerge(desk, [number]),
        "undo": lambda: undo.undo(desk),
    }
    acts[verb]()


def _stands_as_it_should(desk: Desk, item: Item) -> bool:
    if item.other is None or item.done_by:
        return item.state == "open" or bool(item.done_by)
    ended = {"resolved": "done", "closed": "done", "cancelled": "skipped", "merged": "skipped"}
    return item.state == ended.get(tickets.get(desk.store, item.other).state, "open")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.tuples(st.sampled_from("ab"), _ACT), max_size=14))
def test_any_order_of_acts_leaves_what_the_journal_says(
    desk: Desk, acts: list[tuple[str, tuple[str, int]]]
) -> None:
    """Two people do and undo anything: rows are those of the replay, items stand as their tickets do."""
    example = next(_EXAMPLES)
    people = {
        who: Desk(
            desk.store, desk.rulebook, desk.settings, actor=f"{who}{example}", source="cli", now=desk.now
        )
        for who in "ab"
    }
    if desk.store.one("select 1 as one from ticket where id = 1") is None:
        desk.run(partial(registration.create, desk, {**FIELDS, "opened_at": desk.now}, {}, desk.now))
    numbers = [
        desk.run(partial(registration.create, desk, {**FIELDS, "opened_at": desk.now}, {}, desk.now)).id
        for _ in range(3)
    ]
    given_ = [Item("Een"), Item("Twee", mandatory=0), *(Item("Ander", other=n) for n in numbers[1:])]
    checklists.add(desk, numbers[0], given_)

    for who, (verb, which) in acts:
        people[who].now += 60
        try:
            _do(people[who], numbers, verb, which)
        except SdError:
            continue
        assert all(_stands_as_it_should(desk, item) for item in items(desk, numbers[0]))

    held = [item._asdict() for item in items(desk, numbers[0])]
    assert replay.items_of(history(desk.store, "ticket", numbers[0])) == held
    assert list(replay.differences(desk.store)) == []
