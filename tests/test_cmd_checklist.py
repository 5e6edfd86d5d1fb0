"""`sd checklist` as an agent types it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdtool.desk import Desk, registration
from tests.conftest import Sd
from tests.rulebooks import shipped_text, use
from tests.test_checklists import PRINTER
from tests.test_cli import screen

New = Callable[..., int]


@pytest.fixture(autouse=True)
def printers(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let every ticket about a printer get a checklist of three items."""
    return use(place, monkeypatch, shipped_text() + PRINTER)


@pytest.fixture
def me(sd: Sd) -> str:
    """The login of who types."""
    return str(sd("admin", "info", "--format", "json").json()["actor"])


def shown(sd: Sd, number: int = 1, **more: Any) -> list[dict[str, Any]]:
    """Return the items of a ticket as JSON."""
    rows: list[dict[str, Any]] = sd("checklist", "show", number, "--format", "json", **more).json()
    return rows


def test_show(sd: Sd, new: New) -> None:
    """A table with the columns that say something; what is optional says so."""
    new()
    assert sd("checklist", "show", 1).out.splitlines() == [
        "Nr  State     Item                   Owner  Due",
        " 1  open      Stekker gecontroleerd",
        " 2  open      Toner nagekeken        els    2026-11-25 10:30",
        " 3  optional  Melder gebeld                 2026-11-23 15:00",
    ]


def test_show_marks_what_is_late(sd: Sd, new: New) -> None:
    """An open item past its moment is marked, as a late ticket is."""
    new()
    ran = sd("checklist", "show", 1, as_of="2026-11-24T09:00")
    assert "2026-11-23 15:00 !" in ran.out
    assert [row["late"] for row in shown(sd, as_of="2026-11-24T09:00")] == [False, False, True]


def test_a_ticket_without_a_list(sd: Sd, new: New) -> None:
    """Nothing is printed for nothing."""
    new(category="mail")
    assert sd("checklist", "show", 1).out == ""
    assert shown(sd) == []


def test_tick(sd: Sd, new: New, me: str) -> None:
    """An item is done, by whom and when, with a note; the line says what is left."""
    new()
    ran = sd("checklist", "tick", 1, 2, "--note", "was leeg", as_of="2026-11-23T11:00")
    assert ran.out == "SD-1  item 2 done: Toner nagekeken\nSD-1  checklist 1/3 (1 mandatory open)\n"
    item = shown(sd)[1]
    assert (item["state"], item["done_by"], item["remark"]) == ("done", me, "was leeg")
    assert item["done_at"][:16] == "2026-11-23T11:00"


@pytest.mark.parametrize(
    ("item", "done"),
    [("1", [1]), ("1-2", [1, 2]), ("1,3", [1, 3]), ("3,1-2,3", [1, 2, 3]), ("toner", [2]), ("Stek", [1])],
)
def test_items_are_named_by_number_or_beginning(sd: Sd, new: New, item: str, done: list[int]) -> None:
    """Numbers as printed, ranges of them, or the beginning of one text."""
    new()
    assert sd("checklist", "tick", 1, item).code == 0
    assert [row["number"] for row in shown(sd) if row["state"] == "done"] == done


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("tick 1 6", 4, "ticket 1 has no item 6\n`sd checklist show 1` shows its items"),
        ("tick 1 2-999999999", 4, "ticket 1 has no item 999999999"),
        ("tick 1 papier", 4, "no item that begins with 'papier'"),
        ("tick 1 ''", 4, "no item that begins with ''"),
        ("tick 1 t", 2, "the items 2, 4 of ticket 1 begin with 't'"),
        ("tick 9 1", 4, "there is no ticket 9"),
        ("skip 1 1", 2, "--reason"),
        ("skip 1 1 --reason ' '", 2, "the reason is empty"),
        ("untick 1 1", 5, "item 1 of ticket 1 is open"),
        ("tick 1 5", 3, "it ticks itself when that is closed; `sd checklist skip 1 5 --reason …`"),
        ("add 1", 2, "give either TEXT"),
        ("add 1 x --list account", 2, "give either TEXT"),
        ("add 1 --list account --owner els", 2, "give either TEXT"),
        ("add 1 --list nergens", 4, "there is no checklist 'nergens' in the rulebook"),
        ("add 1 x --ticket 99", 4, "there is no ticket 99"),
        ("add 1 x --ticket 1", 3, "cannot be an item of ticket 1"),
        ("add 1 x --due 2026-11-20", 2, "--due must lie in the future"),
        ("add 1 ' '", 2, "the item is empty"),
    ],
)
def test_mistakes(sd: Sd, new: New, words: str, code: int, said: str) -> None:
    """Each kind of mistake has its exit code and its sentence, and changes nothing."""
    new(), new(category="mail")
    sd("checklist", "add", 1, "Test")
    sd("checklist", "add", 1, "Account", "--ticket", 2)
    before = shown(sd)
    ran = sd("checklist", *shlex.split(words))
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert shown(sd) == before


def test_ticked_before(sd: Sd, new: New, me: str) -> None:
    """Who comes second is told who was first, and when."""
    new()
    sd("checklist", "tick", 1, 1)
    ran = sd("checklist", "tick", 1, 1)
    said = f"Error: item 1 of ticket 1 was ticked by {me} on 2026-11-23 10:30 already\n"
    assert (ran.code, ran.err) == (5, said + "`sd checklist untick 1 1` opens it again\n")


def test_several_items_or_none(sd: Sd, new: New) -> None:
    """When one of several cannot be ticked, none is."""
    new()
    sd("checklist", "tick", 1, 2)
    assert sd("checklist", "tick", 1, "1-3").code == 5
    assert [row["state"] for row in shown(sd)] == ["open", "done", "open"]


def test_skip_and_untick(sd: Sd, new: New) -> None:
    """A mandatory item is skipped for a reason that is kept, and can be opened again."""
    new()
    sd("checklist", "skip", 1, 1, "--reason", "geen stekker")
    assert (shown(sd)[0]["state"], shown(sd)[0]["remark"]) == ("skipped", "geen stekker")
    assert sd("checklist", "untick", 1, 1).code == 0
    assert (shown(sd)[0]["state"], shown(sd)[0]["remark"], shown(sd)[0]["done_at"]) == ("open", "", None)


def test_add_one(sd: Sd, new: New) -> None:
    """An item of one's own, after those that are there."""
    new()
    ran = sd("checklist", "add", 1, "Sleutel terug", "--owner", "els", "--due", "+1wd", "--optional")
    assert ran.out == "SD-1  item 4 open: Sleutel terug\nSD-1  checklist 0/4 (2 mandatory open)\n"
    item = shown(sd)[3]
    assert (item["owner"], item["mandatory"], item["list"]) == ("els", False, "")
    assert item["due_at"][:16] == "2026-11-24T10:30"


def test_add_a_list(sd: Sd, new: New) -> None:
    """All items of a list of the rulebook; their terms count from now."""
    new(category="mail")
    assert sd("checklist", "add", 1, "--list", "printer", as_of="2026-11-24T10:30").code == 0
    assert [row["text"] for row in shown(sd)] == ["Stekker gecontroleerd", "Toner nagekeken", "Melder gebeld"]
    assert shown(sd)[1]["due_at"][:16] == "2026-11-26T10:30"


def test_an_item_that_is_a_ticket(sd: Sd, new: New) -> None:
    """It shows the number of that ticket, and who closed that ticked it."""
    new(category="mail"), new()
    sd("checklist", "add", 1, "Account", "--ticket", 2)
    sd("checklist", "tick", 2, "1-2")
    sd("close", 2, "--solution", "x")
    assert sd("checklist", "show", 1).out.splitlines()[1].split() == [
        "1", "done", "SD-2", "Account", "SD-2", "2026-11-23", "10:30"
    ]  # fmt: skip
    ran = sd("checklist", "untick", 1, 1)
    assert (ran.code, "is SD-2: it opens again when that is reopened" in ran.err) == (3, True)
    assert "was ticked by SD-2 on" in sd("checklist", "tick", 1, 1).err


@pytest.mark.parametrize(
    ("state", "codes"), [("resolved", [0, 0, 5, 5]), ("closed", [5] * 4), ("cancelled", [5] * 4)]
)
def test_ended_tickets(sd: Sd, new: New, state: str, codes: list[int]) -> None:
    """What is solved may still get its optional items ticked; nothing new, and nothing later."""
    new()
    sd("checklist", "add", 1, "Nazorg", "--optional")
    sd("checklist", "tick", 1, "1-2")
    if state == "cancelled":
        sd("cancel", 1, "--reason", "x")
    else:
        sd("close", 1, "--solution", "x")
    if state == "closed":
        sd("cron", "run", "close", as_of="2026-12-10T10:00")
    assert sd("show", 1, "--format", "json").json()["state"] == state
    words = (["tick", 1, 3], ["skip", 1, 4, "--reason", "x"], ["untick", 1, 1], ["add", 1, "x"])
    assert [sd("checklist", *line, as_of="2026-12-10T11:00").code for line in words] == codes


@pytest.mark.parametrize("word", [("tick", 1, 1), ("skip", 1, 1, "--reason", "x"), ("add", 1, "x")])
def test_if_rev(sd: Sd, new: New, word: tuple[object, ...]) -> None:
    """Who read an older ticket is told; at the right revision it is done."""
    new()
    sd("take", 1)
    ran = sd("checklist", *word, "--if-rev", 1)
    assert (ran.code, "at revision 2, not 1" in ran.err) == (5, True)
    assert sd("checklist", *word, "--if-rev", 2).code == 0


def test_several_items_at_one_revision(sd: Sd, new: New) -> None:
    """The revision is asked before the first of them."""
    new()
    assert sd("checklist", "tick", 1, "1-3", "--if-rev", 1).code == 0


def test_show_tells_how_the_list_stands(sd: Sd, new: New) -> None:
    """`sd show` has a line for people and numbers for programs; no list, no line."""
    new(), new(category="mail")
    sd("checklist", "tick", 1, 1)
    assert "\nchecklist: 1/3 (1 mandatory open)\n" in sd("show", 1).out
    assert "checklist" not in sd("show", 2).out
    sd("checklist", "tick", 1, 2)
    assert "\nchecklist: 2/3\n" in sd("show", 1).out
    row = sd("show", 1, "--format", "json").json()
    assert [row[f"checklist_{key}"] for key in ("items", "settled", "open")] == [3, 2, 0]


def test_history_tells_the_items(sd: Sd, new: New) -> None:
    """Who looks back reads which item it was, and why."""
    new()
    sd("checklist", "tick", 1, 1)
    sd("checklist", "skip", 1, 2, "--reason", "geen toner")
    told = [row["what"] for row in sd("history", 1, "--format", "json").json()]
    assert told[0].startswith("checklist of 3")
    assert told[1:] == ["1 Stekker gecontroleerd", "2 Toner nagekeken (geen toner)"]


@pytest.mark.parametrize(
    "words",
    [("show", 1), ("tick", 1, 1), ("tick", 1, "s"), ("skip", 1, 1, "--reason", "x"), ("untick", 1, 1),
     ("add", 1, "x")],
)  # fmt: skip
def test_confidential(sd: Sd, desk: Desk, words: tuple[object, ...]) -> None:
    """Who may not read a ticket neither reads nor changes its list, nor learns what is on it."""
    report = registration.Report("Over een collega", 1, "phone", "incident", "printer", "normal")
    registration.register(desk, report._replace(confidential=True))
    ran = sd("checklist", *words)
    assert (ran.code, "is confidential" in ran.err, "Stekker" in ran.err) == (77, True, False)


def test_reading_a_confidential_list_is_kept(sd: Sd, new: New, desk: Desk) -> None:
    """As with the ticket itself: the journal says who looked."""
    new("x", "--confidential")
    assert sd("checklist", "show", 1).code == 0
    assert desk.store.value("select count(*) from event where kind = 'reading'") == 1


def test_hostile_text_is_shown_not_run(sd: Sd, new: New) -> None:
    """What could steer a terminal is made visible, on every way out."""
    new()
    sd("checklist", "add", 1, "\x1b[2Jweg", "--owner", "\u202eels")
    outs = sd("checklist", "show", 1).out, sd("checklist", "tick", 1, 4).out, sd("history", 1).out
    assert not any(mark in out for out in outs for mark in "\x1b\u202e")
    sd("checklist", "add", 1, "=1+1")
    assert "'=1+1" in sd("checklist", "show", 1, "--format", "csv").out


def test_csv_has_every_key(sd: Sd, new: New) -> None:
    """A spreadsheet gets the same columns whatever the list holds."""
    new()
    head = sd("checklist", "show", 1, "--format", "csv").out.splitlines()[0].split(",")
    assert sorted(head) == sorted(shown(sd)[0])


def test_a_narrow_terminal(sd: Sd, new: New) -> None:
    """On forty columns number and state are whole, and texts are cut."""
    new()
    sd("checklist", "tick", 1, 1)
    told = screen("checklist show 1", 40)
    assert told[1].split()[:2] == ["1", "done"] and "…" in told[1]
