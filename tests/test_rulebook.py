"""The rulebook: read once, kept compiled, and every version in force on its own days."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sdtool.errors import BadSetup, NotFound, UsageFault
from sdtool.rulebook import SELDOM, Norm, Route, compiled, find, in_force, require, routes_in_force
from sdtool.rulebook.chasing import Chasing
from sdtool.rulebook.forms import duration
from sdtool.rulebook.sheet import Sheet
from sdtool.rulebook.staffing import Staffing
from sdtool.rulebook.words import holds, words_of
from tests.rulebooks import changed, read, shipped_text

DAY = 86_400


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("90 sec", (90, 0.0)),
        ("15 min", (900, 0.0)),
        ("4 h", (14_400, 0.0)),
        ("4u", (14_400, 0.0)),
        ("1,5 uur", (5_400, 0.0)),
        ("1 kantooruur", (3_600, 0.0)),
        ("4 kantooruren", (14_400, 0.0)),
        ("8 business hours", (28_800, 0.0)),
        ("1 werkdag", (0, 1.0)),
        ("0.5 werkdag", (0, 0.5)),
        ("2 werkdagen", (0, 2.0)),
        ("2 business days", (0, 2.0)),
        ("30 days", (0, 30.0)),
        ("1 week", (0, 5.0)),
        ("2 Weken", (0, 10.0)),
    ],
)
def test_duration_reads(text: str, meaning: tuple[int, float]) -> None:
    """Hours are working seconds, days are working days, a week is five of them."""
    assert duration(text) == meaning


@pytest.mark.parametrize("text", ["", "4", "h", "0 h", "-4 h", "4 parsecs", "1 h 30", "1e3 h", "4 h."])
def test_duration_refuses(text: str) -> None:
    """What is no duration is refused with examples of what is."""
    with pytest.raises(ValueError, match="15 min, 4 h, 2 werkdagen"):
        duration(text)


def test_shipped_rulebook_has_no_fault() -> None:
    """The shipped rulebook is free of faults and of warnings."""
    assert read(shipped_text()).organisation.timezone == "Europe/Brussels"


def test_compiled_is_what_was_read(tmp_path: Path) -> None:
    """The second load comes from the compiled file and is equal to the first."""
    first = compiled.load("", str(tmp_path / "cache"))
    (kept,) = (tmp_path / "cache").iterdir()

    assert compiled._cached(str(kept)) == first
    assert compiled.load("", str(tmp_path / "cache")) == first


def test_changed_content_is_read_anew(tmp_path: Path) -> None:
    """A rulebook that was edited is never answered from the compiled form of the old one."""
    file = tmp_path / "book.toml"
    file.write_text(shipped_text(), encoding="utf-8")
    before = compiled.load(str(file), str(tmp_path / "cache"))
    file.write_text(changed(("Provincie Scheldeland", "Provincie Maasland")), encoding="utf-8")

    after = compiled.load(str(file), str(tmp_path / "cache"))

    assert (before.organisation.name, after.organisation.name) == (
        "Provincie Scheldeland",
        "Provincie Maasland",
    )


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x00" * 40])
def test_damaged_compiled_file_is_passed_over(tmp_path: Path, content: bytes) -> None:
    """A damaged compiled file costs time, never an error."""
    compiled.load("", str(tmp_path))
    (kept,) = tmp_path.iterdir()
    kept.write_bytes(content)

    assert compiled.load("", str(tmp_path)).groups


def test_compiled_file_of_others_is_not_trusted(tmp_path: Path) -> None:
    """A compiled file that others can write is not read: it could hold anything."""
    compiled.load("", str(tmp_path))
    (kept,) = tmp_path.iterdir()
    os.chmod(kept, 0o666)

    assert compiled._cached(str(kept)) is None


def test_folder_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    """Without a place for the compiled form the rulebook is read each time."""
    (tmp_path / "file").write_text("")

    assert compiled.load("", str(tmp_path / "file" / "cache")).groups


def test_load_lists_every_fault(tmp_path: Path) -> None:
    """A rulebook with faults is not used; the message names each with its line."""
    file = tmp_path / "book.toml"
    file.write_text(
        changed(('respond = "15 min"', 'respond = "kwartier"'), ("line = 3", 'line = "3"')), "utf-8"
    )

    with pytest.raises(BadSetup, match=r"2 fault\(s\): line \d+: respond.*line \d+: line"):
        compiled.load(str(file), str(tmp_path / "cache"))


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    """A rulebook that is not there is a setup error with the command that writes one."""
    with pytest.raises(BadSetup) as caught:
        compiled.load(str(tmp_path / "none.toml"), str(tmp_path))
    assert "sd rulebook init" in caught.value.hint


@pytest.mark.parametrize(
    ("day", "norm"), [("2025-12-31", 0.8), ("2026-01-01", 0.85), ("2026-06-30", 0.85), ("2026-07-01", 0.9)]
)
def test_latest_version_counts(day: str, norm: float) -> None:
    """Of the versions of an entry the latest in force on a day counts, in whatever order they stand."""
    versions = [Norm("x", 0.9, "2026-07-01"), Norm("x", 0.8), Norm("x", 0.85, "2026-01-01")]
    chosen = in_force(versions, day)
    assert chosen is not None and chosen.norm == norm


def test_nothing_is_in_force_before_its_time() -> None:
    """Before every valid_from there is nothing."""
    assert in_force([Norm("x", 0.9, "2026-07-01")], "2026-06-30") is None


def test_routes_keep_their_place() -> None:
    """A later version of a routing rule stands where the first one stood."""
    routes = [Route("a", "one"), Route("b", "two"), Route("a", "three", valid_from="2026-07-01")]
    assert [r.group for r in routes_in_force(routes, "2026-06-30")] == ["one", "two"]
    assert [r.group for r in routes_in_force(routes, "2026-07-01")] == ["three", "two"]


def test_unknown_key_names_the_known_ones() -> None:
    """An unknown key is not found, or a usage fault where it was typed as an option."""
    book = read(shipped_text())
    with pytest.raises(NotFound, match="known are phone, mail, counter"):
        find(book.channels, "fax", "channel")
    with pytest.raises(UsageFault, match="known are phone, mail, counter"):
        require(book.channels, "fax", "channel")


@pytest.mark.parametrize(
    ("text", "phrase", "found"),
    [
        ("Netwerkprobleem in de zaal", "netwerk", True),
        ("geen netwerk", "NETWERK", True),
        ("thuisnetwerk", "netwerk", False),
        ("wi-fi valt uit", "wi-fi", True),
        ("de Wi-Fi's", "wi-fi", True),
        ("wifi valt uit", "wi-fi", False),
        ("een blauw schermpje", "blauw scherm", True),
        ("blauw en scherm", "blauw scherm", False),
        ("cafe\u0301", "café", True),
        ("aa", "a a", False),
        ("iets", "++", False),
    ],
)
def test_words_in_a_text(text: str, phrase: str, found: bool) -> None:
    """A rule's word begins a word of the text; the words of a phrase follow each other."""
    assert holds(words_of(text), words_of(phrase)) is found


def test_seldom_sections_are_those_of_their_modules() -> None:
    """One order of them, in the rulebook and in the modules that make their entries."""
    assert (*Staffing._fields, *Chasing._fields, *Sheet._fields) == SELDOM
