"""Counts of calls: an export taken in whole or not at all, and the figures of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sdtool.reports.kpi_view import document
from tests.conftest import Sd
from tests.engines import change
from tests.kpi_world import World, world
from tests.workbooks import Cell, xlsx

__all__ = ["world"]  # the fixture
HEADER = ["Datum", "Wachtrij", "Aangeboden", "Beantwoord", "Afgebroken", "Kort afgebroken",
          "Gem. wachttijd", "Binnen 30 s"]  # fmt: skip


def export(place: Path, *rows: str) -> Path:
    """Write an export with a total below it."""
    file = place / "calls.csv"
    file.write_text("\n".join([";".join(HEADER), *rows, "Totaal;;999;1;1;;;", ""]))
    return file


GOOD = ("2/11/2026;Helpdesk;120;110;8;3;0:00:21;90", "2026-11-03;Helpdesk;100;90;9;;22,5;")


def test_an_export_again_changes_nothing(sd: Sd, place: Path) -> None:
    """By day and line; a line that differs in case is the same one; what is not told stays unknown."""
    assert (
        sd("calls", "import", export(place, *GOOD), "--dry-run").out
        == "(dry run) 2 added, 0 changed, 0 unchanged\n"
    )
    assert sd("calls", "list").out == ""
    sd("calls", "import", export(place, *GOOD))
    ran = sd(
        "calls",
        "import",
        export(place, GOOD[0].replace("Helpdesk", "HELPDESK"), GOOD[1].replace("100", "101")),
    )
    assert ran.out == "0 added, 1 changed, 1 unchanged\n"
    found = sd("calls", "list", "--month", "2026-11", "--format", "json").json()
    assert [(row["day"], row["offered"], row["dropped"], row["waited"]) for row in found] == [
        ("2026-11-03", 101, None, 2025), ("2026-11-02", 120, 3, 2310)]  # fmt: skip


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        ("24/11/2026;x;1;1;0;;;", "still to come"),
        ("2/11/2006;x;1;1;0;;;", "years ago"),
        ("32/11/2026;x;1;1;0;;;", "no day 32"),
        (";x;1;1;0;;;", "the day is empty"),
        ("2/11/2026;x;10;8;3;;;", "more than 10 offered"),
        ("2/11/2026;x;10;8;1;2;;", "2 dropped are more than 1 abandoned"),
        ("2/11/2026;x;10;8;1;;;9", "9 in time are more than 8 answered"),
        ("2/11/2026;x;10;-8;1;;;", "0 or more"),
        ("2/11/2026;x;10;8,5;1;;;", "whole number"),
        ("2/11/2026;x;9999999;8;1;;;", "cannot be meant"),
        ("2/11/2026;x;10;8;1;;99999;", "cannot be meant"),
        ("2/11/2026;x;10;8;1;;0:22;", "two things"),
        ("2/11/2026;HELPDESK;120;110;8;3;21;90", "the same day and line as line 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_true_is_refused(sd: Sd, place: Path, row: str, fault: str) -> None:
    """With its line, and nothing is stored."""
    ran = sd("calls", "import", export(place, GOOD[0], row))
    assert (ran.code, fault in ran.err, "line 3:" in ran.err) == (65, True, True), ran.err
    assert sd("calls", "list").out == ""


def test_a_workbook_with_other_names(sd: Sd, place: Path) -> None:
    """French names, and one that only `--map` knows; a column that is missing is named."""
    rows: list[list[Cell]] = [["Jour", "Appels", "Répondus", "Perdus"], ["2/11/2026", 10, 9, 1]]
    book = xlsx(place / "x.xlsx", {"A": dict(enumerate(rows, 1))})
    ran = sd("calls", "import", book)
    assert (ran.code, "no column for abandoned" in ran.err) == (65, True)
    assert sd("calls", "import", book, "--map", "Perdus=abandoned").out == "1 added, 0 changed, 0 unchanged\n"


def test_typed_counts_replace(sd: Sd) -> None:
    """Typed again, they are replaced; impossible ones are refused."""
    words = ("calls", "record", "23/11/2026", "--offered", 10, "--answered", 9, "--abandoned")
    assert sd(*words, 1).out == "2026-11-23  10 offered, 9 answered, 1 abandoned  added\n"
    assert sd(*words, 0).out.endswith("changed\n")
    assert sd(*words, 2).code == 2


def test_a_change_by_hand_is_seen(sd: Sd, place: Path) -> None:
    """S9: the journal knows the counts."""
    sd("calls", "import", export(place, *GOOD))
    named = os.environ["SD_DATABASE"]
    change(named if "://" in named else Path(named), "update call_day set abandoned = 0 where id = 1")
    assert "day of calls 1 differs" in sd("audit", "verify").out


# --- figures


def called(world: World, day: str, *counts: int | None, line: str = "") -> None:
    """Add counts: offered, answered, abandoned, dropped, waited, in_time."""
    names = ("offered", "answered", "abandoned", "dropped", "waited", "in_time")
    number = 1 + (world.store.value("select max(id) from call_day") or 0)
    world.store.insert(
        "call_day", {"id": number, "day": day, "line": line, **dict(zip(names, counts, strict=True))}
    )


def test_figures_of_calls(world: World) -> None:
    """Counted by hand; a day of which the exchange does not tell the waiting is left out of that."""
    called(world, "2026-11-01", 100, 80, 15, 5, 1600, 70)
    called(world, "2026-11-30", 100, 90, 10, None, None, None, line="B")
    called(world, "2026-12-01", 900, 0, 900, 0, 0, 0)
    found, keys = world.figures(), ("abandonment", "speed_to_answer_mean", "answer_attainment")
    assert [(found[key].n, found[key].of) for key in keys] == [
        (20, 200), (1600, 80), (70, 100)]  # fmt: skip
    assert world.values("calls_offered", "calls_dropped", "abandonment") == [200, 5, 0.1]


def test_calls_of_lines_are_not_counted_twice(world: World) -> None:
    """What was typed for all lines of a day, before the export came, are the same calls."""
    called(world, "2026-11-02", 100, 80, 20, None, None, None)
    called(world, "2026-11-02", 60, 50, 10, None, None, None, line="A")
    called(world, "2026-11-02", 45, 40, 5, None, None, None, line="B")
    called(world, "2026-11-03", 7, 7, 0, None, None, None)
    assert world.values("calls_offered") == [112]


def test_the_report_has_a_section_only_with_calls(world: World) -> None:
    """In Dutch; none where nothing was counted."""
    assert "TELEFOON" not in document(world.report(), world.book, "text", "nl")
    called(world, "2026-11-02", 10, 9, 1, 0, 200, 9)
    page = document(world.report(), world.book, "text", "nl")
    assert "TELEFOON" in page and "22\u00a0s" in page
