"""`sd rulebook`: init, check, show."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sdtool.rulebook.read import ALL_LISTS, ALL_TABLES
from tests.conftest import Sd
from tests.rulebooks import changed, shipped_text, use


def test_init_writes_a_first_one(run: Sd, place: Path) -> None:
    """A rulebook of one's own starts as the shipped one, where sd looks for it."""
    ran = run("rulebook", "init")
    own = place / "config" / "sdtool" / "rulebook.toml"
    assert ran.out == f"{own} written; edit it, then `sd rulebook check`\n"
    assert own.read_text(encoding="utf-8") == shipped_text()
    assert run("rulebook", "check").out == f"{own}: no faults\n"


def test_init_overwrites_nothing(run: Sd, place: Path) -> None:
    """A file that is there stays as it is."""
    (place / "book.toml").write_text("mine")
    assert run("rulebook", "init", place / "book.toml").code == 5
    assert (place / "book.toml").read_text() == "mine"


def test_init_where_nothing_can_be_written(run: Sd, place: Path) -> None:
    """A place that cannot be written is 77, not a traceback."""
    (place / "file").write_text("")
    assert run("rulebook", "init", place / "file" / "book.toml").code == 77


def test_check_lists_faults(run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each fault as editors read it, file:line, and exit 78."""
    path = use(
        place, monkeypatch, changed(('respond = "15 min"', 'respond = "gauw"'), ("line = 3", "line = 'x'"))
    )
    ran = run("rulebook", "check")
    assert ran.code == 78 and "has 2 fault(s)" in ran.err
    assert all(line.startswith(f"{path}:") and ": error: " in line for line in ran.out.splitlines())


def test_check_for_machines(run: Sd, place: Path) -> None:
    """JSON holds file, line, level and text."""
    (place / "b.toml").write_text(changed(("line = 3", "line = 'x'")), encoding="utf-8")
    ran = run("rulebook", "check", place / "b.toml", "--format", "json")
    (fault,) = ran.json()
    assert (fault["level"], fault["line"] > 0, fault["text"]) == (
        "error",
        True,
        "line: must be a whole number",
    )


def test_warnings_are_usable(run: Sd, place: Path) -> None:
    """A rule that can never win is a warning: exit 0."""
    text = changed(('category = ["security"]', 'words = ["viruss"]'))
    (place / "b.toml").write_text(text, encoding="utf-8")
    ran = run("rulebook", "check", place / "b.toml")
    assert (ran.code, "usable, with 1 warning(s)" in ran.out) == (0, True)


def test_check_of_no_file(run: Sd, place: Path) -> None:
    """A file that is not there is 78, with the command that writes one."""
    ran = run("rulebook", "check", place / "none")
    assert (ran.code, "sd rulebook init" in ran.err) == (78, True)


def test_faulty_rulebook_stops_every_command(sd: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ticket is made under agreements that cannot be read."""
    use(place, monkeypatch, "rubbish")
    ran = sd("list")
    assert (ran.code, "line 1: not valid TOML" in ran.err) == (78, True)


@pytest.mark.parametrize("section", [*ALL_TABLES, *ALL_LISTS])
def test_show_each_section(run: Sd, section: str) -> None:
    """Every part can be shown alone, in every format."""
    for fmt in ("table", "json", "csv"):
        assert run("rulebook", "show", section, "--format", fmt).code == 0


def test_show_reads_like_the_file(run: Sd) -> None:
    """Durations, opening hours and the matrix are shown as people write them."""
    targets = run("rulebook", "show", "targets", "--format", "json").json()["targets"]
    assert (targets[2]["respond"], targets[2]["resolve"]) == ("4 h", "3 wd")
    matrix = run("rulebook", "show", "matrices", "--format", "json").json()["matrices"]
    assert matrix[0] == {
        "urgency": "critical", "deputies": "P1", "management": "P1", "frontoffice": "P1", "schools": "P1",
        "staff": "P2", "external": "P2",
    }  # fmt: skip
    office = run("rulebook", "show", "calendars", "--format", "json").json()["calendars"][0]
    assert (office["fri"], office["sat"]) == ("08:00-12:00, 12:30-16:00", "closed")


def test_show_whole(run: Sd) -> None:
    """Without a part named, all of them, under their names."""
    out = run("rulebook", "show").out
    assert "Target groups\n" in out and "Service sheet\n" in out


def test_show_unknown_section(run: Sd) -> None:
    """An unknown part is answered with the known ones."""
    ran = run("rulebook", "show", "menu")
    assert (ran.code, "known are organisation" in ran.err) == (78, True)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_file(run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rulebook that may not be read is told as such."""
    use(place, monkeypatch, shipped_text()).chmod(0)
    assert run("list").code == 78


def test_what_is_far_too_large_is_no_rulebook(run: Sd) -> None:
    """An endless file is refused before it fills the memory."""
    ran = run("rulebook", "check", "/dev/zero")

    assert (ran.code, "larger than 1 MiB" in ran.err) == (78, True)
