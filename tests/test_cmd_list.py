"""`sd list`: filters, order, columns, saved views, formats."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from sdtool.desk import Desk, queue, registration
from tests.conftest import MELDER, Sd
from tests.rulebooks import shipped_text, use

New = Callable[..., int]


def ids(sd: Sd, *words: str, as_of: str = "2026-11-23T17:00") -> list[int]:
    """Return the numbers that a list shows."""
    ran = sd("list", *words, "--format", "json", as_of=as_of)
    assert ran.code == 0, ran.err
    return [row["id"] for row in ran.json()]


@pytest.fixture
def five(sd: Sd, new: New) -> Sd:
    """Five tickets, all different, opened on different days."""
    sd("person", "add", "Bea Claes", "--mail", "bea@x.be", "--target-group", "deputies")
    new("printer hapert", as_of="2026-11-18T09:00")
    new("toegang gevraagd", type="request", category="account", as_of="2026-11-19T09:00")
    new("netwerk weg", category="network", urgency="critical", caller="bea@x.be", as_of="2026-11-20T09:00")
    new("scherm zwart", category="workplace", channel="mail", as_of="2026-11-23T09:00")
    new("oud ticket", as_of="2026-11-17T09:00")
    sd("take", 1, as_of="2026-11-18T09:10")
    sd("start", 1, as_of="2026-11-18T09:10")
    sd("assign", 2, "/els", as_of="2026-11-20T09:10")
    sd("wait", 4, "--on", "customer", "--for", "x", "--until", "+5wd", as_of="2026-11-23T10:00")
    sd("close", 5, "--solution", "klaar", as_of="2026-11-20T09:00")
    return sd


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("", [4, 3, 2, 1]),
        ("--state open", [4, 3, 2, 1]),
        ("--state ended", [5]),
        ("--state all", [5, 4, 3, 2, 1]),
        ("--state active", [1]),
        ("--state assigned", [2]),
        ("--state waiting", [4]),
        ("--state resolved", [5]),
        ("--state merged", []),
        ("--group network", [3]),
        ("--group servicedesk", [4, 2, 1]),
        ("--agent @me", [1]),
        ("--agent els", [2]),
        ("--agent -", [4, 3]),
        ("--caller bea", [3]),
        ("--category account", [2]),
        ("--priority 1", [3]),
        ("--type request", [2]),
        ("--text netwerk", [3]),
        ("--text schermen", [4]),
        ("--text niets", []),
        ("--age 0", [4, 3, 2, 1]),
        ("--age 1", [3, 2, 1]),
        ("--age 2", [2, 1]),
        ("--age 3", [1]),
        ("--age 4", []),
        ("--late", [3, 1]),
        ("--late --state all", [3, 1]),
        ("--group servicedesk --type incident --state all", [5, 4, 1]),
        ("--sort newest", [4, 3, 2, 1]),
        ("--sort oldest", [1, 2, 3, 4]),
        ("--sort age", [1, 2, 3, 4]),
        ("--sort priority", [3, 1, 2, 4]),
        ("--sort due", [3, 1, 2, 4]),
        ("--sort state", [1, 2, 3, 4]),
        ("--sort group", [3, 1, 2, 4]),
        ("--limit 2", [4, 3]),
        ("--view waiting", [4]),
        ("--view mine", [1]),
        ("--view late", [3, 1]),
        ("--view mine --state all", [5, 1]),
        ("--view waiting --state resolved", [5]),
    ],
)
def test_filters_and_order(five: Sd, words: str, expected: list[int]) -> None:
    """Each filter alone, some together, each order, each view of the shipped rulebook."""
    assert ids(five, *words.split()) == expected


def test_own_sort_over_that_of_the_view(five: Sd) -> None:
    """A view's own sort holds until another is asked for."""
    assert ids(five, "--view", "late", "--sort", "oldest") == [1, 3]


def test_table_shows_the_usual_columns(five: Sd) -> None:
    """A header, a line a ticket, and a mark behind a deadline that is over."""
    lines = five("list", as_of="2026-11-23T17:00").out.splitlines()
    assert lines[0].split() == ["Id", "P", "State", "Group", "Agent", "Resolve", "by", "Summary", "Caller"]
    assert "2026-11-20 13:30 !" in lines[2] and "!" not in lines[1]
    assert len(lines) == 5


def test_chosen_columns(five: Sd) -> None:
    """The columns asked for, in that order."""
    ran = five("list", "--columns", "summary, id,late", "--format", "csv", "--limit", "1")
    assert ran.out == "summary,id,late\nscherm zwart,4,no\n"


@pytest.mark.parametrize(
    ("option", "known"), [("--group", "known are servicedesk"), ("--category", "known are account")]
)
def test_unknown_group_or_category(five: Sd, option: str, known: str) -> None:
    """A slip is answered with the known ones, not with an empty list."""
    ran = five("list", option, "koffie")
    assert (ran.code, ran.out, known in ran.err) == (4, "", True)


def test_what_the_rulebook_no_longer_has_is_still_listed(desk: Desk, new: New) -> None:
    """Tickets outlive the group and category that they were made in."""
    number = new()
    desk.store.update("ticket", number, {"group_key": "vroeger", "category": "fax"})
    for filters in ({"group": "vroeger"}, {"category": "fax"}):
        assert [row["id"] for row in queue.listing(desk, filters, "newest", 5)] == [number]


@pytest.mark.parametrize("columns", ["id,colour", "", ","])
def test_unknown_columns(five: Sd, columns: str) -> None:
    """An unknown column is answered with the known ones."""
    ran = five("list", "--columns", columns)
    assert (ran.code, "known are id, priority" in ran.err) == (2, True)


def test_every_column_can_be_shown(five: Sd) -> None:
    """Each column of the help is filled from the rows."""
    ran = five("list", "--columns", ",".join(queue.COLUMNS), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert list(rows[0]) == list(queue.COLUMNS)
    assert rows[0]["caller"] == "Test Melder" and rows[0]["opened_at"] == "2026-11-23 09:00"


def test_limit_says_that_there_are_more(five: Sd) -> None:
    """What the limit hides is told on standard error; nothing is told when nothing is hidden."""
    ran = five("list", "--limit", "3")
    assert ran.err == "3 shown, there are more: --limit shows them\n"
    assert five("list", "--limit", "4").err == ""


def test_formats_agree(five: Sd) -> None:
    """JSON, JSON lines and CSV show the same tickets."""
    count = len(five("list", "--format", "json").json())
    assert len(five("list", "--format", "jsonl").out.splitlines()) == count
    assert len(five("list", "--format", "csv").out.splitlines()) == count + 1


def test_json_moments_have_an_offset(five: Sd) -> None:
    """Moments for machines are ISO with offset."""
    assert five("list", "--format", "json").json()[0]["opened_at"] == "2026-11-23T09:00:00+01:00"


@pytest.mark.parametrize(("fmt", "out"), [("table", ""), ("json", "[]\n"), ("jsonl", "")])
def test_empty_list(sd: Sd, fmt: str, out: str) -> None:
    """Nothing is an answer too: exit 0, and a table prints nothing."""
    ran = sd("list", "--format", fmt)
    assert (ran.code, ran.out, ran.err) == (0, out, "")


def test_empty_csv_has_its_header(sd: Sd) -> None:
    """A spreadsheet gets its header all the same."""
    assert sd("list", "--format", "csv").out.startswith("id,priority,state")


@pytest.mark.parametrize(
    ("words", "code"),
    [("--view none", 4), ("--caller niemand", 4), ("--priority 0", 2), ("--sort x", 2), ("x", 2)],
)
def test_wrong_options(five: Sd, words: str, code: int) -> None:
    """What cannot be meant is refused."""
    assert five("list", *words.split()).code == code


def test_own_views(five: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A view of one's own rulebook is a name for options."""
    view = '[[views]]\nkey = "net"\nname = "Netwerk"\noptions = ["--group", "network", "--columns", "id"]\n'
    use(place, monkeypatch, shipped_text() + view)
    assert five("list", "--view", "net").out == "Id\n 3\n"


@pytest.fixture
def secret(desk: Desk) -> int:
    """A confidential ticket that the actor of `sd` may not read."""
    report = registration.Report("Pestgedrag op de dienst", 1, "phone", "incident", "other", "normal")
    return registration.register(desk, report._replace(confidential=True, description="klacht")).id


def test_confidential_is_hidden_in_lists(sd: Sd, secret: int) -> None:
    """Others see that it is there, not what it is about nor who called."""
    (row,) = sd("list", "--format", "json").json()
    assert (row["summary"], row["caller"]) == ("(confidential)", "(confidential)")


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--text", "pestgedrag"],
        ["list", "--caller", MELDER],
        ["search", "klacht"],
        ["search", "pest"],
    ],
)
def test_confidential_is_not_found(sd: Sd, new: New, secret: int, words: list[str]) -> None:
    """A search does not tell by finding it what a ticket is about, or who called."""
    own = new("pestgedrag klacht", "--confidential")
    assert [row["id"] for row in sd(*words, "--format", "json").json()] == [own]


def test_confidential_is_found_by_who_registered(desk: Desk, secret: int) -> None:
    """Who may read it finds it."""
    assert queue.found(desk, "pestgedrag", limit=5) == [secret]
