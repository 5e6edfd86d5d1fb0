"""`sd new`: registering in one line, by whatever name the caller gives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pexpect
import pytest

from tests.conftest import MELDER, NOW, Ran, Sd, interrupt, interruptible
from tests.rulebooks import changed, use, with_matrix
from tests.waiting import PATIENCE

New = Callable[..., int]
GIVEN = {"caller": MELDER, "channel": "phone", "type": "incident", "category": "printer", "urgency": "normal"}


def options(**values: str) -> list[str]:
    """Return the options of a whole registration, some with another value; "" leaves one out."""
    return [word for name, value in {**GIVEN, **values}.items() if value for word in (f"--{name}", value)]


def register(sd: Sd, *more: object, stdin: str = "", **values: str) -> Ran:
    """Register with JSON output."""
    return sd("new", "Printer werkt niet", *options(**values), *more, "--format", "json", stdin=stdin)


def test_json_keys(sd: Sd) -> None:
    """The promised keys are there, moments with their offset."""
    row = register(sd).json()
    promised = {
        "id": 1,
        "summary": "Printer werkt niet",
        "state": "new",
        "priority": 3,
        "group": "servicedesk",
    }
    assert promised.items() <= row.items()
    assert row["respond_by"] == "2026-11-23T15:00:00+01:00"
    assert row["resolve_by"] == "2026-11-26T10:30:00+01:00"


@pytest.mark.parametrize("fmt", ["jsonl", "csv"])
def test_other_formats(sd: Sd, fmt: str) -> None:
    """A script may ask for one line of JSON, or for CSV with a header."""
    lines = sd("new", "x", *options(), "--format", fmt).out.splitlines()
    assert len(lines) == (1 if fmt == "jsonl" else 2)
    assert "summary" in lines[0]


def test_all_that_is_missing_at_once(sd: Sd) -> None:
    """In a pipe nobody can be asked: everything missing is listed, exit 2, nothing is stored."""
    ran = sd("new")
    assert ran.code == 2
    assert "missing: TEXT, --caller, --channel, --type, --category, --urgency" in ran.err
    assert sd("list", "--format", "json").json() == []


@pytest.mark.parametrize("left_out", GIVEN)
def test_each_required_option(sd: Sd, left_out: str) -> None:
    """One missing option is named alone."""
    ran = register(sd, **{left_out: ""})
    assert ran.code == 2
    assert json.loads(ran.err)["error"]["message"] == f"missing: --{left_out}"


def test_blank_is_missing(sd: Sd) -> None:
    """A summary of spaces is no summary."""
    assert "missing: TEXT" in sd("new", "   ", *options()).err


@pytest.mark.parametrize(
    ("values", "code", "said"),
    [
        ({"channel": "fax"}, 2, "known are phone, mail, counter, portal, monitoring"),
        ({"type": "question"}, 2, "incident"),
        ({"category": "koffie"}, 4, "known are account, workplace, printer"),
        ({"urgency": "soon"}, 2, "known are critical, high, normal, low"),
        ({"impact": "world"}, 2, "known are person, department, organisation"),
    ],
)
def test_unknown_values_list_the_known(sd: Sd, values: dict[str, str], code: int, said: str) -> None:
    """A value that the rulebook does not have is answered with those it has."""
    ran = register(sd, **values)
    assert (ran.code, said in ran.err) == (code, True)


@pytest.mark.parametrize("text", ["x" * 501, "a\0b", "half \udc80"])
def test_texts_that_cannot_be_kept(sd: Sd, text: str) -> None:
    """A summary that is too long, or that no database can keep, is refused."""
    assert sd("new", text, *options()).code == 2


@pytest.mark.parametrize(
    "text", ["'; drop table ticket; --", "$(reboot)", "=1+1", "\u202etxet", "🖨 stuk", "-"]
)
def test_hostile_texts_are_just_text(sd: Sd, text: str) -> None:
    """Any other text is kept letter by letter."""
    assert sd("new", *options(), "--format", "json", "--", text).json()["summary"] == text


def test_control_characters_stay_off_the_terminal(sd: Sd) -> None:
    """An escape sequence in a summary is shown, not obeyed."""
    sd("new", "rood \x1b[31m alarm\x07", *options())
    shown = sd("show", 1).out
    assert "\x1b" not in shown and "\\x1b[31m" in shown and "\\x07" in shown


@pytest.fixture
def crowd(sd: Sd) -> Sd:
    """A desk with people who can be named in many ways."""
    sd("person", "add", "Anaïs D'Hondt-Çelik", "--staff-number", "4711", "--phone", "09 267 70 01")
    sd(
        "person",
        "add",
        "Jan Peeters",
        "--mail",
        "jan@x.be",
        "--department",
        "Wegen",
        "--target-group",
        "deputies",
    )
    sd("person", "add", "Jan Peeters", "--mail", "jan2@x.be", "--department", "Water")
    return sd


@pytest.mark.parametrize(
    "caller", ["Anaïs D'Hondt-Çelik", "d'hondt-celik", "çelik", "4711", "+32 9 267 70 01", "092677001"]
)
def test_caller_however_named(crowd: Sd, caller: str) -> None:
    """Name, part of it, staff number and phone all find the caller."""
    assert register(crowd, caller=caller).json()["caller"] == "Anaïs D'Hondt-Çelik"


def test_caller_gives_the_target_group(crowd: Sd) -> None:
    """The priority follows from the target group of who calls."""
    row = register(crowd, caller="jan@x.be").json()
    assert (row["target_group"], row["priority"]) == ("deputies", 2)


def test_ambiguous_caller(crowd: Sd) -> None:
    """Several who fit are listed with mail and department; nothing is stored."""
    ran = crowd("new", "x", *options(caller="Jan Peeters"))
    assert (ran.code, "(#3, jan@x.be, Wegen); Jan Peeters (#4, jan2@x.be, Water)" in ran.err) == (2, True)
    assert crowd("list", "--format", "json").json() == []


def test_all_wrong_values_are_named_at_once(sd: Sd) -> None:
    """Not one a try."""
    ran = register(sd, category="x", urgency="y", channel="z")
    assert ran.code == 2
    for name in ("category 'x'", "urgency 'y'", "channel 'z'"):
        assert name in ran.err


def test_unknown_caller(sd: Sd) -> None:
    """Nobody of that name: exit 4, and the command that adds somebody."""
    ran = sd("new", "x", *options(caller="Wie Weet"))
    assert (ran.code, "sd person add" in ran.err) == (4, True)


def test_own_number_of_the_fmis(sd: Sd) -> None:
    """A number of the facility system is kept, and belongs to one ticket."""
    assert register(sd, "--fmis", " F-2026/17 ").json()["fmis_ref"] == "F-2026/17"
    again = register(sd, "--fmis", "F-2026/17")
    assert (again.code, "is ticket 1 already" in again.err) == (5, True)
    assert register(sd, "--fmis", " ").code == 2


def test_confidential(sd: Sd) -> None:
    """A confidential ticket is marked as such."""
    assert register(sd, "--confidential").json()["confidential"] is True


@pytest.mark.parametrize(
    ("at", "opened"),
    [
        ("09:15", "2026-11-23T09:15"),
        ("gisteren 16u", "2026-11-22T16:00"),
        ("2026-11-20T08:30", "2026-11-20T08:30"),
        ("20/11/2026 8u30", "2026-11-20T08:30"),
    ],
)
def test_registered_afterwards(sd: Sd, at: str, opened: str) -> None:
    """--at says when it came in; the deadlines count from then."""
    assert register(sd, "--at", at).json()["opened_at"][:16] == opened


@pytest.mark.parametrize(("at", "said"), [("10:31", "future"), ("morgen", "future"), ("straks", "10:40")])
def test_not_in_the_future(sd: Sd, at: str, said: str) -> None:
    """A moment to come, or none at all, is refused with 2."""
    ran = register(sd, "--at", at)
    assert (ran.code, said in ran.err) == (2, True)


def test_description_from_stdin(sd: Sd) -> None:
    """The whole story may come from standard input."""
    assert register(sd, "--description", "-", stdin="één\ntwee\n").json()["description"] == "één\ntwee"


def test_description_from_a_file(sd: Sd, place: Path) -> None:
    """Or from a file."""
    (place / "verhaal.txt").write_text("het verhaal", encoding="utf-8")
    assert register(sd, "--description", str(place / "verhaal.txt")).json()["description"] == "het verhaal"


def test_description_from_the_editor(sd: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or from the editor of who types."""
    (place / "getypt").write_text("uit de editor", encoding="utf-8")
    monkeypatch.setenv("EDITOR", f"cp {place / 'getypt'}")
    monkeypatch.delenv("VISUAL", raising=False)
    assert register(sd, "--description", "editor").json()["description"] == "uit de editor"


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        (None, 4, "there is no file"),
        (b"\xff\xfe\xff", 65, "is not UTF-8 text"),
        (b"x" * 100_001, 2, "longer than"),
    ],
)
def test_descriptions_that_cannot_be_read(
    sd: Sd, place: Path, content: bytes | None, code: int, said: str
) -> None:
    """A missing, unreadable or endless file is told, and nothing is stored."""
    if content is not None:
        (place / "x").write_bytes(content)
    ran = register(sd, "--description", str(place / "x"))
    assert (ran.code, said in ran.err) == (code, True)
    assert sd("list", "--format", "json").json() == []


# --- idempotency ------------------------------------------------------------------------------------


def test_same_key_registers_once(sd: Sd) -> None:
    """Repeating a registration with its key answers with the first ticket."""
    first = register(sd, "--idempotency-key", "k1").json()
    assert register(sd, "--idempotency-key", "k1").json() == first
    assert len(sd("list", "--format", "json").json()) == 1


def test_other_report_under_the_same_key(sd: Sd) -> None:
    """Another report under a used key is a fault of the script: 2, and nothing is stored."""
    register(sd, "--idempotency-key", "k1")
    ran = register(sd, "--idempotency-key", "k1", urgency="high")
    assert (ran.code, "was used for something else" in ran.err) == (2, True)
    assert len(sd("list", "--format", "json").json()) == 1


def test_failed_attempt_uses_no_key(sd: Sd) -> None:
    """A registration that was refused leaves its key free."""
    assert register(sd, "--idempotency-key", "k1", caller="Niemand").code == 4
    assert register(sd, "--idempotency-key", "k1").code == 0


def test_same_key_at_the_same_time(sd: Sd) -> None:
    """Four processes that send the same report with one key make one ticket between them."""
    words = [sys.executable, "-m", "sdtool", "--as-of", NOW, "new", "x", *options(), "--idempotency-key", "k"]
    running = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    lines = {process.communicate(timeout=PATIENCE)[0] for process in running}
    assert lines == {"SD-1  P3  servicedesk  respond by 2026-11-23 15:00  resolve by 2026-11-26 10:30\n"}


# --- on a terminal ----------------------------------------------------------------------------------


def terminal(*words: str, **more: Any) -> Any:
    """Start `sd` on a terminal of its own."""
    command = [sys.executable, "-m", "sdtool", "--as-of", NOW, *words]
    size = {"dimensions": (24, 120), "preexec_fn": interruptible}
    return pexpect.spawn(command[0], command[1:], encoding="utf-8", timeout=PATIENCE, **size, **more)


def test_asks_for_what_is_missing(sd: Sd) -> None:
    """On a terminal sd asks, offers the choices of the rulebook, and proposes the usual urgency."""
    child = terminal("new", "Scherm zwart", "--channel", "phone")
    for prompt, answer in (
        ("Caller", "melder"),
        ("Type .*request", "incident"),
        ("Category .*printer", "koffie"),
        ("koffie.*", "workplace"),
        (r"Urgency .*\[normal\]", ""),
    ):
        child.expect(prompt)
        child.sendline(answer)
    child.expect("SD-1  P3  servicedesk")
    child.expect(pexpect.EOF)
    assert child.wait() == 0


def test_asks_which_of_several(crowd: Sd) -> None:
    """On a terminal one of several callers is chosen by number."""
    child = terminal("new", "x", *options(caller="jan peeters"), "--format", "jsonl")
    child.expect("1. Jan Peeters .#3., jan@x.be, Wegen")
    child.expect("Which one")
    child.sendline("2")
    child.expect('"caller_mail": "jan2@x.be"')
    child.expect(pexpect.EOF)
    assert child.wait() == 0


def test_interrupted_question(sd: Sd) -> None:
    """Ctrl-C at a question ends with 130, and nothing is stored."""
    child = terminal("new")
    child.expect("Summary")
    interrupt(child)
    child.expect("Interrupted")
    child.expect(pexpect.EOF)
    assert child.wait() == 130
    assert sd("list", "--format", "json").json() == []


# --- other rulebooks ----------------------------------------------------------------------------------


def test_channels_of_the_rulebook(sd: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that the rulebook adds can be used at once."""
    use(
        place,
        monkeypatch,
        changed(('key = "portal"', 'key = "chat"'), ('channel = "portal"', 'channel = "chat"')),
    )
    assert register(sd, channel="chat").json()["channel"] == "chat"


ROWS = ["1 - High", "2 - Middling", "3 - Low"]
COLUMNS = ["1- Now", "2 - Today or so", "Later"]
FIVE = [[1, 2, 3], [2, 3, 4], [3, 4, 5]]
FOUR = [[1, 2, 3], [2, 3, 4], [3, 4, 4]]
TARGETS = {
    1: ("15 min", "4 kantooruren"),
    2: ("1 business hour", "0.5 werkdag"),
    3: ("2 h", "1 werkdag"),
    4: ("0.5 werkdag", "2 business days"),
    5: ("1 day", "30 days"),
}
# from Monday 23 November 10:30 in hours of 09:00-17:00; 25 December is a holiday nowhere here
DUE = {
    1: ("2026-11-23T10:45", "2026-11-23T14:30"),
    2: ("2026-11-23T11:30", "2026-11-23T14:30"),
    3: ("2026-11-23T12:30", "2026-11-24T10:30"),
    4: ("2026-11-23T14:30", "2026-11-25T10:30"),
    5: ("2026-11-24T10:30", "2027-01-04T10:30"),
}


@pytest.mark.parametrize("cells", [FIVE, FOUR], ids=["five levels", "four levels"])
def test_each_cell_of_a_matrix(
    run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch, cells: list[list[int]]
) -> None:
    """In any 3 x 3 matrix each cell gives its priority, and each priority its two deadlines."""
    levels = {level: TARGETS[level] for row in cells for level in row}
    use(place, monkeypatch, with_matrix(ROWS, COLUMNS, cells, levels))
    run("init")
    for r, row in enumerate(ROWS):
        run("person", "add", f"Van {r}", "--staff-number", str(100 + r), "--target-group", row)
        for c, column in enumerate(COLUMNS):
            got = register(run, caller=str(100 + r), urgency=column).json()
            assert got["priority"] == cells[r][c]
            assert (got["respond_by"][:16], got["resolve_by"][:16]) == DUE[cells[r][c]]
