"""The journal: append-only, chained, replayable; what was done to it shows."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from sdtool.desk import Desk, replay
from sdtool.store import journal
from sdtool.store.base import Store
from sdtool.store.journal import Entry
from tests import engines
from tests.conftest import Sd

New = Callable[..., int]
ENTRY = Entry("ticket", 1, "note", "els", "cli", 100, {"text": "hallo"})


def tamper(place: Path, *statements: str) -> None:
    """Change the file behind the back of the program, without the guards of the schema."""
    engines.change(os.environ["SD_DATABASE"], *statements)


@pytest.mark.parametrize("table", ["event", "event_data"])
@pytest.mark.parametrize("statement", ["update {} set {} = 1", "delete from {}"])
def test_rows_can_only_be_added(sd: Sd, place: Path, table: str, statement: str) -> None:
    """The database itself refuses to change or delete a journal row."""
    column = "at" if table == "event" else "salt"
    desk = os.environ["SD_DATABASE"]
    before = engines.digests(desk)
    with pytest.raises(engines.refusal(), match="journal is append-only"), engines.connected(desk) as db:
        db.execute(statement.format(table, column))
    assert engines.digests(desk) == before


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("update event set actor = 'iemand' where id = 4", "event 4 or the one before it was changed"),
        ("update event set at = at - 60 where id = 4", "event 4 or the one before it was changed"),
        ("update event_data set data = '{}' where event = 4", "the data of event 4 was changed"),
        ("delete from event_data where event = 4", "the data of event 4 is gone without an erasure"),
        ("update ticket set agent = 'iemand'", "ticket 1 differs from the journal in agent"),
        ("update ticket set priority = 1, rev = 9", "differs from the journal in priority, rev"),
        ("update person set mail = 'x@y.be'", "person 1 differs from the journal"),
        ("insert into link values (1, 'blocks', 1)", "the links of ticket 1 differ from the journal"),
        (
            "insert into checklist_item values (1, 1, '', 'x', '', null, 0, null, 'done', '', null, '')",
            "the checklist of ticket 1 differs from the journal",
        ),
        ("insert into pause values (1, 5, 6, null, '')", "the pauses of ticket 1 differ from the journal"),
    ],
)
def test_verify_sees_each_change(sd: Sd, new: New, place: Path, statement: str, said: str) -> None:
    """A row that was changed behind the program's back is named, and the exit code is 1."""
    number = new()
    sd("note", number, "een")
    tamper(place, statement)

    ran = sd("audit", "verify")

    assert ran.code == 1 and said in ran.out


def test_verify_sees_a_missing_middle(sd: Sd, new: New, place: Path) -> None:
    """A row taken out of the middle leaves a gap."""
    number = new()
    sd("note", number, "een")
    tamper(place, "delete from event_data where event = 3", "delete from event where id = 3")
    assert "event 3 is missing" in sd("audit", "verify").out


def test_a_cut_tail_shows_against_an_anchor(sd: Sd, new: New, place: Path) -> None:
    """Rows cut off the end, counter and all, are missed by a head that was noted outside."""
    number = new()
    sd("note", number, "een")
    head = re.search(r"\d+:[0-9a-f]{64}", sd("audit", "verify").out)[0]  # type: ignore[index]
    last = int(head.split(":")[0])
    tamper(
        place,
        f"delete from event_data where event = {last}",
        f"delete from event where id = {last}",
        "update counter set value = value - 1 where name = 'event'",
        "update ticket set rev = rev - 1",
    )
    assert sd("audit", "verify").code == 0
    ran = sd("audit", "verify", "--anchor", head)
    assert ran.code == 1 and f"event {last} was anchored outside and is gone" in ran.out


def test_one_transaction_is_one_act(desk: Desk) -> None:
    """Events written in one transaction belong to one act, those of the next to another."""
    desk.run(lambda: [journal.append(desk.store, [ENTRY]) for _ in range(2)])
    desk.run(lambda: journal.append(desk.store, [ENTRY]))
    acts = [row["act"] for row in desk.store.query("select act from event order by id desc limit 3")]
    assert acts[1] == acts[2] != acts[0]


def test_given_acts_group_entries(desk: Desk) -> None:
    """An import says itself which of its entries are one act."""
    desk.run(lambda: journal.append(desk.store, [ENTRY] * 4, acts=[1, 1, 2, 2]))
    acts = [row["act"] for row in desk.store.query("select act from event order by id desc limit 4")]
    assert acts[0] == acts[1] != acts[2] == acts[3]


def test_rollback_leaves_no_gap(desk: Desk) -> None:
    """An act that fails gives its numbers back."""

    def fail() -> None:
        journal.append(desk.store, [ENTRY])
        raise ValueError

    with pytest.raises(ValueError):
        desk.run(fail)
    desk.run(lambda: journal.append(desk.store, [ENTRY]))
    assert journal.broken(desk.store) == []


def test_same_text_has_another_commitment(desk: Desk) -> None:
    """The salt keeps equal texts from being recognised by their commitment."""
    desk.run(lambda: journal.append(desk.store, [ENTRY, ENTRY]))
    rows = desk.store.query("select commitment from event order by id desc limit 2")
    assert rows[0]["commitment"] != rows[1]["commitment"]


def test_history_is_in_order_with_its_data(store: Store, desk: Desk) -> None:
    """The events of one record come oldest first, with what was written."""
    desk.run(lambda: journal.append(store, [ENTRY, ENTRY._replace(verb="edit", data={"é": 1})]))
    events = journal.history(store, "ticket", 1)
    assert [(e["verb"], e["data"]) for e in events] == [("note", {"text": "hallo"}), ("edit", {"é": 1})]


def test_replay_gives_every_record(sd: Sd, new: New, desk: Desk) -> None:
    """After a day of all kinds of acts, the records are what the journal amounts to."""
    first, second, third = new(), new("Scherm zwart"), new("Toetsenbord stuk")
    for line in (
        f"take {first}",
        f"wait {first} --on supplier --for stuk --until +2wd",
        f"resume {first}",
        f"link {second} part-of {first}",
        f"unlink {second} part-of {first}",
        f"merge {third} --into {second}",
        f"unmerge {third}",
        f"close {second} --solution kabel",
        "undo",
        f"cancel {third} --reason x",
        f"reopen {third} --reason y",
        f"edit {first} --urgency high",
        "person edit 1 --site B",
    ):
        assert sd(*line.split()).code == 0, line
    assert list(replay.differences(desk.store)) == []
