"""Search: words as people type them, with their Dutch plurals, without accents or case."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from sdtool.store.search import variants
from tests.conftest import Sd

New = Callable[..., int]


def found(sd: Sd, *words: str) -> list[int]:
    """Return the tickets that a search lists."""
    ran = sd("search", "--format", "json", "--", *words)
    assert ran.code == 0, ran.err
    return [row["id"] for row in ran.json()]


@pytest.mark.parametrize(
    ("summary", "query"),
    [
        ("koffie in het café", "cafe"),
        ("koffie in het cafe", "café"),
        ("koffie in het cafe\u0301", "café"),
        ("koffie in het café", "cafe\u0301"),
        ("wachtwoord vergeten", "wachtwoorden"),
        ("twee wachtwoorden vergeten", "wachtwoord"),
        ("PRINTERS defect", "printer"),
        ("printer defect", "Print"),
        ("scherm blijft zwart", "zwart scherm"),
        ("can't log in", "can't"),
        ("compileert c++ niet", "c++"),
        ("server 10.0.0.1 weg", "10.0.0.1"),
        ("mail van user@x.be", "user@x.be"),
        ("fout -x bij start", "-x"),
        ("zoekt NEAR en AND", "AND NEAR"),
    ],
)
def test_search_finds(sd: Sd, new: New, summary: str, query: str) -> None:
    """A ticket is found by its words in any order, by plurals, beginnings and without accents."""
    number = new(summary)
    new("iets heel anders")
    assert found(sd, *query.split(" ")) == [number]


@pytest.mark.parametrize("query", ["telefoon", "printer telefoon", "rinter"])
def test_search_needs_every_word(sd: Sd, new: New, query: str) -> None:
    """A word that is not in the ticket, or only in the middle of one, finds nothing; exit 0."""
    new("printer defect")
    assert found(sd, *query.split()) == []


@pytest.mark.parametrize("query", ['"', "*", "(", "a AND (", "^", ":", "NEAR(", "''", "-"])
def test_search_is_never_syntax(sd: Sd, new: New, query: str) -> None:
    """What a person types is words, whatever the characters; no error of the index comes through."""
    new("printer defect")
    assert sd("search", "--", query).code == 0


def test_everything_of_a_ticket_is_searched(sd: Sd, new: New, place: Path) -> None:
    """Description, notes, solution and cause are searched too."""
    (place / "story").write_text("de lamp knippert")
    number = new("x", "--description", place / "story")
    sd("note", number, "kabel getest")
    sd("close", number, "--solution", "voeding vervangen", "--cause", "blikseminslag")
    assert [found(sd, word) for word in ("lamp", "kabel", "voeding", "bliksem")] == [[number]] * 4


def test_an_edited_summary_is_found_anew(sd: Sd, new: New) -> None:
    """After a change the old words no longer find the ticket."""
    number = new("printer defect")
    sd("edit", number, "--summary", "scanner defect")
    assert (found(sd, "scanner"), found(sd, "printer")) == ([number], [])


def test_an_undone_note_is_not_found(sd: Sd, new: New) -> None:
    """A note that was taken back finds nothing; the other notes still do."""
    number = new("printer defect")
    sd("note", number, "eerste")
    sd("note", number, "tweede")
    sd("undo")
    assert (found(sd, "eerste"), found(sd, "tweede")) == ([number], [])


def test_variants_hold_letters_only() -> None:
    """Each word comes with its stems, and nothing but letters and digits."""
    first, second = variants("Wachtwoorden, C++!")
    assert first[0] == "wachtwoorden" and "wachtwoord" in first and second == ["c"]


def test_long_query_is_cut() -> None:
    """A query of a thousand words is looked at in part."""
    assert len(variants("woord " * 10_000)) < 200
