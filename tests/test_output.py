"""What leaves the program, and what must not: S1 (terminal), S2 (spreadsheets, JSON), streams that fail."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import unicodedata

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool import output
from sdtool.errors import EXIT_CODES, Conflict, OutputFailed, SdError
from sdtool.output import cell, duration, emit, emit_one, iso, local, safe, style, uncell
from tests.waiting import PATIENCE

HOSTILE = (
    *(
        "\x1b[31mred",
        "\x1b]0;title\x07",
        "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
        "\x1bc",
        "\x1b[2J",
    ),
    *("\x9b31mC1", "\x9d0;title\x9c", "\x90q\x9c", "\x85next line", "real\rfake", "abc\b\b\bxyz", "bell\a"),
    *("nul\0", "del\x7f", "form\ffeed", "vertical\vtab", "shift\x0eout\x0f"),
    *(
        "\u202egnp.exe",
        "\u2066isolate\u2069",
        "\u200fmark\u200e",
        "\u061carabic mark",
        "zero\u200bwidth\u200d",
    ),
    *("soft\u00adhyphen", "\ufeffbom", "word\u2060joiner", "tag\U000e0041\U000e007f", "select\U000e0100or"),
    *("line\u2028sep", "para\u2029sep", "lone\udc9bsurrogate", "private\ue000", "unassigned\U000e0fff"),
    *("fill\u3164er", "blank\u2800", "\ufff9anchor\ufffb", "two\nlines", "tab\there", "cr\r\nlf"),
)
ORDINARY = (
    *(
        "D'Hondt-Çelik",
        "Ağaoğlu, İpek",
        "cafe\u0301",
        "prijs: 12,50 € – «goed» … ok",
        "👩 😀 ❤\ufe0f",
        "日本語",
    ),
    *("Ελληνικά", "مرحبا", "12\u00a0345", "+32 2 123 45 67", "a\\b", "\u200a".join("ab")),
)
FORMULAS = (
    *("=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", " =1", "\t=1", "\n=1", "\r=1", "\r\n=1", "\u0085=1"),
    *("\u200b=1", "\ufeff=1", "\u00a0=1", "\u2060+1", "\x00=1", "\u202e=1", "\U000e0041=1", "\u2028=1"),
    *(
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff20A1",
        "\ufe661",
        "\u207a1",
        "\u3000\uff1d1",
        "'=1",
        "''+1",
        "=\u0338",
    ),
    *("+32 2 123 45 67", "\tx", "\rx", " \n\t @x", "\u3164=1", "\udc80=1"),
)
HARMLESS = (
    "",
    "abc",
    "1+1",
    "a=b",
    "'quoted'",
    "'",
    "''",
    "\n",
    "\u200b",
    "12",
    "D'Hondt",
    "(=1)",
    "\u20ac -1",
    "#-",
)


def steers(text: str) -> bool:
    """Tell, without the code under test, whether a character could steer or hide."""
    return any(
        unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or 0xE0000 <= ord(c) < 0xE1000
        for c in text
    )


def printed(rows: list[dict[str, object]], columns: tuple[tuple[str, str], ...], fmt: str) -> str:
    stream = io.StringIO()
    emit(rows, columns, fmt, stream=stream)
    return stream.getvalue()


class Terminal(io.StringIO):
    """A terminal as far as isatty goes."""

    def isatty(self) -> bool:
        return True


# S1: terminal


@pytest.mark.parametrize("text", HOSTILE)
def test_safe_shows_what_could_steer(text: str) -> None:
    assert not steers(safe(text))
    assert not steers(safe(text, lines=True).replace("\n", ""))


@pytest.mark.parametrize("text", ORDINARY)
def test_safe_leaves_ordinary_text(text: str) -> None:
    assert safe(text) == text


def test_safe_escapes_in_ascii() -> None:
    assert safe("\x1b\u202e\U000e0041\udc80") == r"\x1b\u202e\U000e0041\udc80"
    assert safe("one\ntwo\tthree\r\nfour") == "one two three four"
    assert safe("one\ntwo\tthree\r\nfour", lines=True) == "one\ntwo    three\nfour"
    assert safe(None) == "None"


@given(st.text(), st.booleans())
def test_safe_output_never_steers(text: str, lines: bool) -> None:
    assert not steers(safe(text, lines=lines).replace("\n" if lines else "", ""))


@given(st.text())
def test_safe_twice_is_safe_once(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@pytest.mark.parametrize("fmt", output.FORMATS)
@pytest.mark.parametrize("text", HOSTILE)
def test_no_format_steers_a_terminal(text: str, fmt: str) -> None:
    stream = Terminal()
    emit([{"id": 1, "title": text}], (("id", "ID"), ("title", "Title")), fmt, stream=stream)
    emit_one({"id": 1, "title": text, text: 2}, fmt, stream=stream)
    shown = stream.getvalue().replace("\x1b[1m", "").replace("\x1b[0m", "")
    assert not steers(shown.replace("\n", ""))


@pytest.mark.parametrize("fmt", ["table", "json"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_message_steers(text: str, fmt: str, capsys: pytest.CaptureFixture[str]) -> None:
    output.error(Conflict(text, hint=text), fmt)
    output.remark(text)
    output.echo(text)
    output.echo(style(text, "bold"), composed=True)
    captured = capsys.readouterr()
    assert not steers((captured.out + captured.err).replace("\n", ""))


def test_text_cannot_pass_for_a_line_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    """A line break in a value or message is indented, so a line that starts at the margin is ours."""
    emit_one({"text": "x\nstate: closed"}, "table")
    output.error(Conflict("no ticket x\nError: forged"))
    captured = capsys.readouterr()
    assert captured.out == "text: x\n    state: closed\n"
    assert captured.err == "Error: no ticket x\n    Error: forged\n"


# S2: CSV and JSON


@pytest.mark.parametrize("text", FORMULAS)
def test_formula_is_defused(text: str) -> None:
    assert cell(text) == "'" + text
    assert uncell(cell(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_stays(text: str) -> None:
    assert cell(text) == text


def test_numbers_are_not_text() -> None:
    assert [cell(value) for value in (-5, -1.5, 0, None, True, ["a", 1])] == [
        "-5",
        "-1.5",
        "0",
        "",
        "yes",
        "a, 1",
    ]
    assert cell("-5") == "'-5"


@given(st.text() | st.text(alphabet="'=+-@ \t\n\u0085\u200b\uff1da"))
def test_uncell_undoes_cell(text: str) -> None:
    assert uncell(cell(text)) == text


@given(st.text() | st.text(alphabet="'=+-@ \t\n\u0085\u200b\uff1da"))
def test_no_cell_starts_a_formula(text: str) -> None:
    """Whatever Unicode form a spreadsheet brings it to, and whatever it skips in front."""
    for shown in (cell(text), unicodedata.normalize("NFKC", cell(text))):
        head = next((c for c in shown if not (c.isspace() or unicodedata.category(c)[0] == "C")), "")
        assert head not in {"=", "+", "-", "@"}


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"])), min_size=1, max_size=4))
def test_csv_reads_back(values: list[str]) -> None:
    row: dict[str, object] = {f"k{i}": value for i, value in enumerate(values)}
    text = printed([row], tuple((key, key) for key in row), "csv")
    header, line = csv.reader(io.StringIO(text, newline=""))
    assert header == list(row)
    assert [uncell(value) for value in line] == values


RECORDS = st.dictionaries(
    st.text(),
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=3),
    max_size=4,
)


@given(st.lists(RECORDS, max_size=4))
def test_json_reads_back(rows: list[dict[str, object]]) -> None:
    assert json.loads(printed(rows, (), "json")) == rows
    assert [json.loads(line) for line in printed(rows, (), "jsonl").split("\n")[:-1]] == rows


@given(RECORDS)
def test_one_json_object_reads_back(row: dict[str, object]) -> None:
    stream = io.StringIO()
    emit_one(row, "json", stream=stream)
    assert json.loads(stream.getvalue()) == row


def test_json_is_valid_on_an_ascii_stream() -> None:
    """`backslashreplace` alone would write \\xe9, which is not JSON."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    emit([{"name": "Hélène 😀"}], (), "json", stream=stream)
    stream.flush()
    assert json.loads(raw.getvalue()) == [{"name": "Hélène 😀"}]


# Tables

ROWS: list[dict[str, object]] = [
    {"id": 7, "title": "Printer D'Hondt-Çelik", "team": "desk", "hidden": 1},
    {"id": 42, "title": "日本 cafe\u0301", "team": None, "hidden": 2},
]
COLUMNS = (("id", "ID"), ("title", "Title"), ("team", "Team"))


def test_table_is_aligned_by_what_is_seen() -> None:
    assert printed(ROWS, COLUMNS, "table") == (
        "ID  Title                  Team\n"
        " 7  Printer D'Hondt-Çelik  desk\n"
        "42  日本 cafe\u0301\n"
    )  # fmt: skip


def test_wide_and_combining_characters_keep_the_next_column_in_place() -> None:
    rows: list[dict[str, object]] = [{"a": "日本", "b": "x"}, {"a": "e\u0301e\u0301e\u0301e\u0301", "b": "x"}]
    assert printed(rows, (("a", "A"), ("b", "B")), "table") == (
        "A     B\n日本  x\ne\u0301e\u0301e\u0301e\u0301  x\n"
    )


def test_empty_table_prints_nothing_and_empty_json_a_list() -> None:
    assert [printed([], COLUMNS, fmt) for fmt in output.FORMATS] == ["", "[]\n", "", "id,title,team\n"]


def test_json_has_all_keys_and_csv_the_columns() -> None:
    assert json.loads(printed(ROWS, COLUMNS, "json"))[0]["hidden"] == 1
    assert printed(ROWS, COLUMNS, "csv").splitlines()[:2] == ["id,title,team", "7,Printer D'Hondt-Çelik,desk"]


@pytest.mark.parametrize("width", [40, 60, 80])
def test_table_fits_a_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    long: dict[str, object] = {"id": 123456, "title": "日本 woord " * 20, "team": "Dienst Informatica " * 3}
    emit([*ROWS, long], COLUMNS, "table", stream=stream)
    lines = stream.getvalue().splitlines()
    assert max(map(output.display_width, lines)) <= width
    assert "123456" in lines[-1]
    assert "…" in lines[-1]


def test_too_many_columns_run_on_rather_than_vanish(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    emit(
        [{f"k{i}": "abcdefghijkl" for i in range(8)}],
        tuple((f"k{i}", "H") for i in range(8)),
        "table",
        stream=stream,
    )
    assert stream.getvalue().splitlines()[1] == "  ".join(["abcdefg…"] * 8)


def test_table_is_not_cut_in_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert "x" * 300 in printed([{"title": "x" * 300}], (("title", "Title"),), "table")


@pytest.mark.parametrize(
    ("env", "tty", "coloured"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"NO_COLOR": "yes"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"TERM": "dumb"}, True, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour(env: dict[str, str], tty: bool, coloured: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    stream = Terminal() if tty else io.StringIO()
    assert style("late!", "bold", "red", stream=stream) == ("\x1b[1;31mlate!\x1b[0m" if coloured else "late!")


# Moments, lengths, errors


def test_moments_are_shown_in_local_time() -> None:
    assert local(1795426800) == "2026-11-23 10:40"
    assert iso(1795426800) == "2026-11-23T10:40:00+01:00"
    assert iso(1795426800, "Europe/Istanbul") == "2026-11-23T12:40:00+03:00"
    assert local(None) == iso(None) == duration(None) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        *[(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (11_520, "3 h 12 min")],
        *[(-59, "-59 s"), (-7500, "-2 h 5 min"), (360_000, "100 h")],
    ],
)
def test_duration(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_error_as_sentence_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    fault = Conflict("Ticket 7 is closed already", hint="sd reopen 7 opens it")
    output.error(fault)
    output.error(fault, "json")
    text, hint, as_json = capsys.readouterr().err.splitlines()
    assert (text, hint) == ("Error: Ticket 7 is closed already", "sd reopen 7 opens it")
    assert json.loads(as_json) == {"error": {"code": 5, "message": fault.message, "hint": fault.hint}}


def test_every_error_has_a_documented_code() -> None:
    codes = [child.exit_code for child in SdError.__subclasses__()]
    assert sorted(codes) == [1, 2, 3, 4, 5, 65, 70, 74, 75, 77, 78]
    assert set(EXIT_CODES) == {0, 130, *codes}


# Streams: a real process each

PRINT = """
import sys
from sdtool import output
from sdtool.errors import OutputFailed
output.prepare_streams()
try:
    output.stored("Ticket 42 was created")
    output.emit([{"name": "H\\u00e9l\\u00e8ne"}] * int(sys.argv[1]), (("name", "Name"),), "table")
    output.flush()
except BrokenPipeError:
    sys.exit(141)
except OutputFailed as fault:
    output.error(fault)
    sys.exit(fault.exit_code)
"""


def run(shell: str, rows: int = 1, **env: str) -> subprocess.CompletedProcess[str]:
    """Run PRINT as SD inside a shell line."""
    env = {**os.environ, **env, "PY": sys.executable, "CODE": PRINT, "ROWS": str(rows)}
    line = shell.replace("SD", '"$PY" -c "$CODE" "$ROWS"')
    return subprocess.run(["bash", "-c", line], env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("rows", [1, 100_000])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_full_disk_is_exit_74_and_says_what_was_done(rows: int, unbuffered: str) -> None:
    done = run("SD > /dev/full", rows, PYTHONUNBUFFERED=unbuffered)
    said = "Error: Ticket 42 was created, but the output could not be written: No space left on device\n"
    assert (done.returncode, done.stderr) == (74, said)


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_reader_that_leaves_is_quiet(unbuffered: str) -> None:
    done = run("SD | head -1; exit ${PIPESTATUS[0]}", 100_000, PYTHONUNBUFFERED=unbuffered)
    assert (done.returncode, done.stdout, done.stderr) == (141, "Name\n", "")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", "2>/dev/full"])
def test_closed_streams_are_survived(closed: str) -> None:
    done = run(f"SD {closed}")
    assert (done.returncode, done.stderr) == (0, "")


def test_closed_stdout_does_not_hand_its_number_to_the_next_file() -> None:
    code = "from sdtool.output import prepare_streams as p; p(); f = open('/dev/null'); exit(f.fileno())"
    done = subprocess.run(["bash", "-c", f'"{sys.executable}" -c "{code}" <&- >&- 2>&-'], check=False)
    assert done.returncode >= 3


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_encoding_is_survived(encoding: str) -> None:
    done = run("SD | cat -v", PYTHONIOENCODING=encoding)
    assert done.stdout.startswith("Name\nH")
    assert done.stderr == ""


def test_failed_write_in_emit_is_an_sderror() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    with pytest.raises(OutputFailed, match="The output could not be written: No space left on device"):
        emit(ROWS, COLUMNS, "table", stream=Full())


def test_real_terminal_gives_its_width() -> None:
    """On a pty of 40 columns no line of the table is wider, and the header is bold."""
    code = (
        "from sdtool import output; output.prepare_streams();"
        "output.emit([{'id': 1, 'title': 'woord ' * 30}], (('id', 'ID'), ('title', 'Title')), 'table')"
    )
    env = {
        key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR", "FORCE_COLOR")
    }
    child = pexpect.spawn(
        sys.executable,
        ["-c", code],
        env={**env, "TERM": "xterm"},
        dimensions=(24, 40),
        encoding="utf-8",
        timeout=PATIENCE,
    )
    child.expect(pexpect.EOF)
    child.close()
    header, line = (child.before or "").splitlines()
    assert header == "\x1b[1mID  Title\x1b[0m"
    assert len(line) == 40
    assert line.endswith("…")


def test_import_stays_light() -> None:
    """Every command pays for this module."""
    code = "import sys, click; old = set(sys.modules); import sdtool.output; print(*set(sys.modules) - old)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {"sdtool", "sdtool.errors", "sdtool.output"}
