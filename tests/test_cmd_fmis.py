"""`sd fmis import` as it is typed: faults with their lines, nothing half done, and kill -9."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import engines
from tests.conftest import MELDER, Ran, Sd
from tests.fmis_files import TABLES, csv_text, map_text, row, write
from tests.waiting import until

ROWS = [
    row("09:00", "Nieuw"),
    row("09:10", "Opgelost"),
    row("09:00", "Nieuw", Nr="F2", Titel="Hélène kan niet in"),
]
PLAIN = csv_text(ROWS)


@pytest.fixture
def import_(sd: Sd, tmp_path: Path) -> Callable[..., Ran]:
    """Import `content` by a map and return what the command left."""

    def call(content: str | bytes = PLAIN, *words: str, map_: str = "", **more: Any) -> Ran:
        file, path = write(tmp_path, [], map_ or map_text(**more))
        Path(file).write_bytes(content if isinstance(content, bytes) else content.encode())
        return sd("fmis", "import", file, "--map", path, *words)

    return call


def count(place: Path) -> int:
    return int(engines.rows(os.environ["SD_DATABASE"], "select count(*) from event")[0][0])


def test_import_says_what_it_did(import_: Callable[..., Ran]) -> None:
    ran = import_()

    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "2 tickets in 3 rows: 2 new, 0 with new rows, 0 here already; 3 acts in the journal\n"


def test_second_run_says_that_nothing_changed(import_: Callable[..., Ran], place: Path) -> None:
    import_()
    before = count(place)

    assert import_().out == "2 tickets in 3 rows, all here already: nothing changed\n"
    assert count(place) == before


def test_check_stores_nothing_and_says_the_same(import_: Callable[..., Ran], place: Path) -> None:
    before = count(place)
    checked = import_(PLAIN, "--check")

    assert count(place) == before
    assert checked.out == f"(check only) {import_().out}"


def test_json_keys(import_: Callable[..., Ran]) -> None:
    assert import_(PLAIN, "--format", "json").json() == {
        "stored": True, "tickets": 2, "rows": 3, "added": 2, "extended": 0, "same": 0, "acts": 3, "late": 0,
        "callers": 0, "unknown": 0, "whole": True,
    }  # fmt: skip


def test_imported_tickets_are_shown_and_verified(import_: Callable[..., Ran], sd: Sd) -> None:
    import_()

    assert "Hélène kan niet in" in sd("list").out
    assert sd("show", "1").code == sd("history", "1").code == sd("audit", "verify").code == 0


ACCEPTED = {
    "byte order mark": PLAIN.encode("utf-8-sig"),
    "windows": PLAIN.encode("cp1252"),
    "unicode text": PLAIN.encode("utf-16"),
    "sep line": f"sep=;\n{PLAIN}".encode("utf-8-sig"),
    "semicolon": PLAIN.encode(),
    "tab": PLAIN.replace(";", "\t").encode(),
    "comma": PLAIN.replace(";", ",").encode(),
    "dos lines": PLAIN.replace("\n", "\r\n").encode(),
    "formulas": PLAIN.replace("Papier klem", "=cmd|' /C calc'!A0").encode(),
    "guarded formula": PLAIN.replace("Papier klem", "'=1+1").encode(),
    "terminal codes": PLAIN.replace("Papier klem", "\x1b[31mrood\x1b[2J\x07").encode(),
    "right to left": PLAIN.replace("Papier klem", "\u202etxt.exe").encode(),
    "shuffled rows": csv_text(ROWS[::-1]).encode(),
    "header with spaces": PLAIN.replace("Titel", " Titel ").encode(),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_rendering_is_imported(import_: Callable[..., Ran], sd: Sd, name: str) -> None:
    ran = import_(ACCEPTED[name])

    assert (ran.code, ran.out[:22]) == (0, "2 tickets in 3 rows: 2"), ran.err
    assert "\x1b" not in sd("list").out + sd("show", "1").out


def changed(place: int, **cells: str) -> str:
    """Return the export with cells of one row changed."""
    return csv_text([{**one, **(cells if number == place else {})} for number, one in enumerate(ROWS)])


LAST_IS_MOMENT = ["Nr", "Toestand", "Team", "Soort", "Haast", "Titel", "Behandelaar", "Melder", "Wanneer"]
REFUSED: dict[str, tuple[str | bytes, str]] = {
    "truncated last line": (PLAIN[:-30], "line 4: has "),
    "cut in the moment": (csv_text(ROWS, LAST_IS_MOMENT)[:-2], "line 4: Wanneer '02/03/2026 09:0' is no"),
    "damaged accents": (PLAIN.replace("Nr", "Ñr").encode() + b"\xe9;x;\xff\n", "is not utf-8 text"),
    "no windows text": (PLAIN.encode("cp1252").replace(b"\xe9", b"\x81"), "line 4: is not cp1252 text"),
    "nul": (PLAIN.replace("Papier klem", "a\0b"), "line 2: holds a NUL"),
    "lone carriage return": (PLAIN.replace("Papier klem", "a\rb"), "line 2: a lone carriage return"),
    "huge field": (PLAIN.replace("Papier klem", "x" * 140_000), "line 2: a field is longer than"),
    "long text": (PLAIN.replace("Papier klem", "x" * 120_000), "line 2: the description has"),
    "missing column": (PLAIN.replace("Toestand", "Status"), "line 1: there is no column 'Toestand'"),
    "duplicate header": (PLAIN.replace("Behandelaar", "Team"), "line 1: 2 columns are named 'Team'"),
    "unknown state": (changed(1, Toestand="Klaar?"), "line 3: Toestand 'Klaar?' is no state we know"),
    "unknown urgency": (changed(1, Haast="ooit"), "line 3: Haast 'ooit' is no urgency we know"),
    "unknown category": (changed(2, Soort="fiets"), "line 4: Soort 'fiets' is no category we know"),
    "american date": (changed(1, Wanneer="03/31/2026 09:00"), "Wanneer '03/31/2026 09:00' is no moment"),
    "date of a spreadsheet": (changed(1, Wanneer="46083,375"), "line 3: Wanneer '46083,375' is no moment"),
    "future": (changed(1, Wanneer="24/11/2026 09:00"), "line 3: Wanneer '24/11/2026 09:00' lies in"),
    "year zero": (changed(1, Wanneer="01/01/1900 00:00"), "line 3: Wanneer '01/01/1900 00:00' lies bef"),
    "no moment": (changed(1, Wanneer=""), "line 3: the moment is empty (Wanneer)"),
    "no reference": (changed(1, Nr="-"), "line 3: the reference is empty (Nr)"),
    "no state": (changed(1, Toestand=""), "line 3: the state is empty"),
    "long reference": (changed(1, Nr="N" * 300), "line 3: the reference has 300 characters"),
    "empty file": ("", "the file is empty"),
    "blank lines": ("\n\n", "the file is empty"),
    "open quote": (PLAIN.replace("Papier", '"Papier', 1), "line 2: a quote is opened and never closed"),
    "workbook": (b"PK\x03\x04" + PLAIN.encode(), "is a workbook"),
    "picture": (bytes(range(256)) * 8, "is not cp1252 text"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_hostile_file_is_refused_whole(import_: Callable[..., Ran], place: Path, name: str) -> None:
    content, expected = REFUSED[name]
    before = count(place)

    ran = import_(content)

    assert (ran.code, ran.out) == (65, "")
    assert expected in ran.err
    assert count(place) == before


def test_all_faults_of_a_file_are_told_at_once(import_: Callable[..., Ran]) -> None:
    """A wrong value is told once, with how often it occurs."""
    bad = [row("09:00", "Raar", Nr=f"F{n}", Haast="ooit") for n in range(3)] + [row("9:61", "Nieuw")]

    ran = import_(csv_text(bad))

    assert ran.err.splitlines()[1:] == [
        "    line 2: Haast 'ooit' is no urgency we know: translate it in [values.urgency] (3 rows)",
        "    line 2: Toestand 'Raar' is no state we know: translate it in [values.state] (3 rows)",
        "    line 5: Wanneer '02/03/2026 9:61' is no moment written as %d/%m/%Y %H:%M",
    ]


def test_only_the_first_fifty_faults_are_listed(import_: Callable[..., Ran]) -> None:
    ran = import_(csv_text(row("ooit", "Nieuw") for _ in range(60)))

    assert "has 60 faults" in ran.err
    assert len(ran.err.splitlines()) == 52


def test_header_without_rows_is_no_fault(import_: Callable[..., Ran]) -> None:
    ran = import_(csv_text([]))

    assert (ran.code, ran.out) == (0, "0 tickets in 0 rows, all here already: nothing changed\n")


def test_missing_line_break_at_the_end_is_remarked(import_: Callable[..., Ran]) -> None:
    ran = import_(PLAIN.rstrip("\n"))

    assert (ran.code, "has no line break" in ran.err) == (0, True)


def test_encoding_can_be_named(import_: Callable[..., Ran], sd: Sd) -> None:
    assert import_(PLAIN.encode("cp850"), "--encoding", "cp850").code == 0
    assert "Hélène" in sd("list").out


FAULTY_MAP = """rows = "regel"
formats = ["%d/%m", "%Q"]
zone = "x"
timezone = "Europe/Brussel"
empty = "?"

[columns]
reference = "Nr"
colour = "Kleur"
moment = ["a", "b"]
group = "Team"

[values.state]
Nieuw = "nieuw"

[values.urgency]
keep = true

[values.group]
keep = true
"*" = "servicedesk"

[values.caller]
a = "b"

[defaults]
category = "fiets"
priority = 9
reopens = 1
channel = ""
"""


def test_all_faults_of_a_map_are_told_with_their_lines(import_: Callable[..., Ran]) -> None:
    ran = import_(map_=FAULTY_MAP)

    told = [line.split(": ", 1) for line in ran.err.splitlines()[1:]]
    assert ran.code == 65
    assert [place.strip() for place, _ in told] == [
        f"line {n}" for n in (1, 2, 2, 3, 4, 5, 7, 9, 10, 14, 17, 20, 23, 27, 28, 29, 30)
    ]


@pytest.mark.parametrize(
    ("map_", "expected"),
    [
        ("rows = \n", "line 1: not valid TOML"),
        (map_text(state=""), "[columns] misses 'state'"),
        (map_text().replace("formats", "# formats"), "formats is missing"),
        (map_text().replace('["%d/%m/%Y %H:%M"]', "[]"), "formats is missing"),
        (
            map_text(tables=TABLES.replace('channel = "phone"', "")),
            "'channel' needs a column, or a value in [defaults]",
        ),
    ],
)
def test_faulty_map(import_: Callable[..., Ran], map_: str, expected: str) -> None:
    ran = import_(map_=map_)

    assert (ran.code, expected in ran.err) == (65, True), ran.err


def test_missing_map_names_those_there_are(sd: Sd, tmp_path: Path) -> None:
    ran = sd("fmis", "import", write(tmp_path, ROWS, "")[0], "--map", "topdesk")

    assert (ran.code, "process-log, servicenow-log" in ran.err) == (4, True)


def test_missing_file_is_not_found(sd: Sd) -> None:
    assert sd("fmis", "import", "none.csv", "--map", "process-log").code == 4


def test_shipped_map_is_printed_to_be_adapted(sd: Sd) -> None:
    assert sd("fmis", "map", "process-log").out.startswith("# A log of activities")


def test_shipped_process_log_map(sd: Sd, tmp_path: Path) -> None:
    columns = "case:concept:name,time:timestamp,concept:name,org:resource\n"
    steps = [("08:00", "Insert ticket"), ("09:00", "Take in charge ticket"), ("10:00", "Resolve ticket")]
    lines = [f"C1,2026-03-02 {moment}:00+00:00,{step},an\n" for moment, step in steps]
    (tmp_path / "log.csv").write_text(columns + "".join(lines))

    ran = sd("fmis", "import", tmp_path / "log.csv", "--map", "process-log")

    assert (ran.code, ran.out[:21]) == (0, "1 ticket in 3 rows: 1"), ran.err
    assert sd("show", "1", "--format", "json").json()["state"] == "resolved"


# --- kill -9 ------------------------------------------------------------------------------------------

# between two slices of SIZE tickets it waits for a line of input; without one it breathes as ever
IN_SLICES = """
import sys, time, types
from sdtool import cli
from sdtool.desk import fmis
fmis.SLICE = {size}
fmis.time = types.SimpleNamespace(sleep=lambda seconds: sys.stdin.readline() or time.sleep(seconds))
cli.main(sys.argv[1:])
"""


def tickets_of(database: str) -> list[tuple[Any, ...]]:
    return engines.rows(database, "select * from ticket order by id")


def test_killed_import_goes_on_with_each_row_once(sd: Sd, place: Path) -> None:
    """R2: 500 rows, killed in the middle, three times, and run again: the same desk as without a kill."""
    states = ("Nieuw", "Bezig", "Wacht op klant", "Opgelost", "Gesloten")
    rows = [
        row(f"{9 + hour:02}:{number % 60:02}", state, Nr=f"F{number:03}", Melder=f"Persoon {number % 7}")
        for number in range(100)
        for hour, state in enumerate(states)
    ]
    file, map_ = write(place, rows, map_text())
    words = ["--as-of", "2026-11-23T10:30", "fmis", "import", file, "--map", map_]
    desk = os.environ["SD_DATABASE"]
    other = engines.twin(desk)

    cuts = [_kill_at(words, desk, wanted) for wanted in (10, 40, 70)]
    _finish(words, desk)
    _finish(words, other)

    assert 0 < cuts[0] < 100
    assert tickets_of(desk) == tickets_of(other)
    assert sd("audit", "verify").code == 0


def _finish(words: list[str], database: str) -> None:
    environment = {**os.environ, "SD_DATABASE": str(database)}
    subprocess.run([sys.executable, "-m", "sdtool", *words], check=True, capture_output=True, env=environment)


def _kill_at(words: list[str], database: str, wanted: int) -> int:
    """Run an import, kill it without mercy when `wanted` tickets are committed; return how many are.

    It has leave for one slice more, and is somewhere in that.
    """
    process = _import_in_slices(words, 10)
    assert process.stdin is not None
    process.stdin.write("\n" * (wanted // 10))
    process.stdin.flush()
    until(lambda: len(tickets_of(database)) >= wanted)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdin.close()
    engines.settled(database)
    return len(tickets_of(database))


def _import_in_slices(words: list[str], size: int) -> subprocess.Popen[str]:
    program = [sys.executable, "-c", IN_SLICES.format(size=size), *words]
    return subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


def test_agent_gets_in_between_two_slices(sd: Sd, place: Path) -> None:
    """A ticket made during an import gets a number in the midst of it, not after its last."""
    rows = [row(f"{8 + n // 60:02}:{n % 60:02}", "Nieuw", Nr=f"F{n}") for n in range(600)]
    file, map_ = write(place, rows, map_text())
    process = _import_in_slices(["--as-of", "2026-11-23T10:30", "fmis", "import", file, "--map", map_], 100)
    until(lambda: tickets_of(os.environ["SD_DATABASE"]))
    assert process.stdin is not None
    process.stdin.close()
    ran = sd("new", "Printer", "--caller", MELDER, "--channel", "phone", "--type", "incident",
             "--category", "printer", "--urgency", "normal", "--format", "json")  # fmt: skip

    assert process.wait() == 0
    assert (ran.code, len(tickets_of(os.environ["SD_DATABASE"]))) == (0, 601)
    assert ran.json()["id"] < 600
