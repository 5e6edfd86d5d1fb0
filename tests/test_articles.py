"""Articles and work instructions: kept, reviewed, used, counted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sdtool.reports.kpi_view import document
from tests.conftest import Sd
from tests.engines import change
from tests.kpi_world import World, at, world
from tests.workbooks import xlsx

__all__ = ["world"]  # the fixture
New = Callable[..., int]


@pytest.fixture
def kept(sd: Sd) -> Sd:
    """A desk with one article."""
    assert sd("article", "add", "Wachtwoord herstellen", "--owner", "an", "--place", "wiki/12").code == 0
    return sd


def shown(sd: Sd, number: int = 1, **more: str) -> dict[str, object]:
    """Return an article as JSON."""
    found: dict[str, object] = sd("article", "show", number, "--format", "json", **more).json()
    return found


def test_an_article_is_reviewed_every_year(kept: Sd) -> None:
    """The next review is a year on; only a change makes a new version."""
    assert [shown(kept)[key] for key in ("review_on", "version", "overdue")] == ["2027-11-23", 1, False]
    late = "2027-12-01T09:00"
    assert kept("article", "list", "--overdue", as_of=late).out.count("2027-11-23 !") == 1
    kept("article", "reviewed", 1, as_of=late)
    kept("article", "reviewed", 1, "--next", "1/3/2028", "--changed", as_of=late)
    assert [shown(kept, as_of=late)[key] for key in ("review_on", "version")] == ["2028-03-01", 2]


def test_a_ticket_tells_which_articles_helped(kept: Sd, new: New) -> None:
    """With `use` and with `close`, each once; the article counts its tickets."""
    numbers = [new(), new()]
    kept("article", "use", 1, numbers[0])
    kept("close", numbers[0], "--solution", "hersteld", "--article", 1)
    kept("close", numbers[1], "--solution", "hersteld", "--article", 1)
    assert kept("show", 2, "--format", "json").json()["articles"] == ["1 Wachtwoord herstellen"]
    assert (shown(kept)["uses"], shown(kept)["tickets"]) == (2, [2, 1])


def test_undo_takes_article_and_closing_back(kept: Sd, new: New) -> None:
    """One act: the ticket is open again, and no article helped; the journal holds."""
    new()
    kept("close", 1, "--solution", "hersteld", "--article", 1)
    assert kept("undo").code == 0
    found = kept("show", 1, "--format", "json").json()
    assert (found["state"], found["articles"]) == ("new", [])
    kept("article", "use", 1, 1)
    kept("article", "unuse", 1, 1)
    assert kept("undo").code == 0
    assert shown(kept)["uses"] == 1
    assert kept("audit", "verify").code == 0


def test_a_withdrawn_article_is_not_used(kept: Sd, new: New) -> None:
    """Nor listed; a ticket is not closed with it, and stays as it was."""
    new()
    kept("article", "withdraw", 1)
    ran = kept("close", 1, "--solution", "hersteld", "--article", 1)
    assert (ran.code, "was withdrawn" in ran.err) == (5, True)
    assert kept("show", 1, "--format", "json").json()["state"] == "new"
    assert kept("article", "list").out == ""


def test_an_article_names_no_confidential_ticket(kept: Sd, new: New) -> None:
    """It counts it, though."""
    new("Loonbrief", "--confidential")
    kept("article", "use", 1, 1)
    assert (shown(kept)["uses"], shown(kept)["tickets"]) == (1, [])


def test_a_list_is_taken_whole_or_not_at_all(kept: Sd, place: Path) -> None:
    """Every fault of every row; then added, changed, unchanged. A workbook is a list too."""
    file = place / "lijst.csv"
    file.write_text(
        "Titel;Eigenaar;Herziening;Versie\nVPN;an b;32/1/2027;0\nWachtwoord herstellen;bram;;\n;x;;\n"
    )
    ran = kept("article", "import", file)
    assert (ran.code, ran.err.count("line 2:"), ran.err.count("line 4:")) == (65, 1, 1)
    assert "login" in ran.err and "no day 32" in ran.err and "version" in ran.err
    rows = [["Titel", "Eigenaar", "Herziening"], ["VPN", "an", "1/3/2027"], ["wachtwoord herstellen", "bram"]]
    book = xlsx(place / "lijst.xlsx", {"Blad1": {line: [*row] for line, row in enumerate(rows, 1)}})
    assert kept("article", "import", book, "--dry-run").out == "(dry run) 1 added, 1 changed, 0 unchanged\n"
    kept("article", "import", book)
    assert kept("article", "import", book).out == "0 added, 0 changed, 2 unchanged\n"
    assert (shown(kept)["owner"], shown(kept, 2)["review_on"]) == ("bram", "2027-03-01")


@pytest.mark.parametrize("sql", ["update article set title = 'x'", "delete from article_use"])
def test_a_change_by_hand_is_seen(kept: Sd, new: New, place: Path, sql: str) -> None:
    """S9: the journal knows article and uses."""
    new()
    kept("article", "use", 1, 1)
    named = os.environ["SD_DATABASE"]
    change(named if "://" in named else Path(named), sql)
    ran = kept("audit", "verify")
    assert (ran.code, "article 1 " in ran.out) == (1, True)


# --- figures


def article(
    world: World, number: int, review_on: str, made: str = "02 09:00", ended: str | None = None
) -> None:
    """Add an article."""
    row = {"id": number, "title": f"Artikel {number}", "review_on": review_on, "made_at": at(made)}
    state = "withdrawn" if ended else "active"
    world.store.insert("article", {**row, "ended_at": at(ended) if ended else None, "state": state})


def test_handled_from_the_knowledge_base(world: World) -> None:
    """One of two resolved with two articles; open, cancelled and test tickets are not among them."""
    for number in (1, 2):
        article(world, number, "2027-01-01")
    used = world.ticket(resolved_at="03 09:00")
    world.ticket(resolved_at="03 09:00")
    others = [world.ticket(), world.ticket(resolved_at="03 09:00", state="cancelled")]
    others.append(world.ticket(resolved_at="03 09:00", test=1))
    for ticket in (used, *others):
        for number in (1, 2):
            world.store.insert("article_use", {"article": number, "ticket": ticket})
    figure = world.figures()["handled_from_kb"]
    assert (figure.n, figure.of) == (1, 2)


def test_articles_in_review_at_the_end_of_the_period(world: World) -> None:
    """On its last day an article is in time; what was withdrawn before or made after does not count."""
    for number, day in enumerate(("2026-11-30", "2026-11-29", "2027-01-01"), 1):
        article(world, number, day)
    article(world, 4, "2026-01-01", ended="20 09:00")
    article(world, 5, "2027-01-01", made="2026-12-01 09:00")
    figure = world.figures()["articles_in_review"]
    assert (figure.n, figure.of) == (2, 3)


def test_a_later_review_does_not_change_an_earlier_month(kept: Sd) -> None:
    """The review date of then counts: the journal knows it."""
    kept("article", "edit", 1, "--review", "2026-11-25")
    kept("article", "reviewed", 1, as_of="2026-12-03T09:00")
    words = ("report", "kpi", "--month", "2026-11", "--format", "json")
    page = kept(*words, as_of="2026-12-03T10:00").json()
    assert [figure["n"] for figure in page["kpis"] if figure["key"] == "articles_in_review"] == [0]


def test_the_report_has_a_section_only_with_articles(world: World) -> None:
    """Where the desk keeps none, there is none."""
    assert "werkinstructies" not in document(world.report(), world.book, "text", "nl")
    article(world, 1, "2027-01-01")
    assert "Kennisartikels" in document(world.report(), world.book, "md", "nl")


def test_a_dry_run_shows_what_would_be(kept: Sd) -> None:
    """The record as it would be, not as it is."""
    row = kept("article", "withdraw", 1, "--dry-run", "--format", "json").json()
    assert (row["state"], shown(kept)["state"]) == ("withdrawn", "active")
