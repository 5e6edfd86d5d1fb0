"""S1: no text from outside steers a terminal: list, show, search, history, errors; in a pipe and on a pty."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from pathlib import Path

import pexpect
import pytest

from tests.conftest import MELDER, Ran, Sd
from tests.engines import restored, save
from tests.reliability.kit import REPORT, SD, call, environment

# 24 strings, each of which does something to a terminal or hides something on it
HOSTILE = (
    *("\x1b[7mreverse", "\x1b[38;5;196mred", "\x1b[2J\x1b[H", "\x1bc", "\x1b]0;title\x07", "\x1b[6n"),
    *("\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\", "\x1bP$q\"p\x1b\\", "\x9b31mC1", "\x9d0;t\x9c"),
    *("real\rfake", "abc\b\b\bxyz", "bell\a", "form\ffeed", "shift\x0eout\x0f", "del\x7f", "\u202egnp.exe"),
    *("\u2066isolate\u2069", "zero\u200bwidth", "\ufeffbom", "tag\U000e0041\U000e007f", "line\u2028sep"),
    *("soft\u00adhyphen", "fill\u3164er"),
)  # fmt: skip
LOOKS = re.compile(r"\x1b\[(0|1|2|31|32|33|34|36)m")  # ours: sdtool.output


def steering(text: str) -> set[str]:
    """Return what could steer a terminal or hide on it; told without the code under test."""
    return {
        char
        for char in text
        if char != "\n"
        and (unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp") or char == "\u3164")
    }


def quiet(ran: Ran) -> None:
    """Check both streams of a command in a pipe."""
    assert steering(ran.out + ran.err) == set(), ran


# many commands of one process: each start would cost ten times what the command does
MANY = """
import json, sys
from sdtool import cli, output
output.prepare_streams()
for words in json.loads(sys.argv[1]):
    cli.run(words)
"""


def on_a_terminal(*commands: tuple[object, ...], colour: bool = False) -> str:
    """Return what commands show on a terminal; one alone is a process of its own."""
    env = environment(TERM="xterm-256color", COLUMNS="120")
    env.pop("NO_COLOR", None)
    env |= {} if colour else {"NO_COLOR": "1"}
    typed = [[str(word) for word in words] for words in commands]
    program = [*SD[1:], *typed[0]] if len(typed) == 1 else ["-c", MANY, json.dumps(typed)]
    child = pexpect.spawn(SD[0], program, env=env, timeout=60, dimensions=(40, 120))
    child.expect(pexpect.EOF)
    child.close()
    return bytes(child.before).decode("utf-8").replace("\r\n", "\n")


@pytest.fixture
def filled(sd: Sd, database: Path) -> Path:
    """A desk with a person and a ticket for each string, which is in every text that a ticket has."""
    if not restored(database, "hostile"):
        for number, text in enumerate(HOSTILE, 1):
            ran = sd(
                "person",
                "add",
                f"P {text}",
                "--department",
                text,
                "--site",
                text,
                "--staff-number",
                f"S{number}",
            )
            assert ran.code == 0, ran
            for words in (
                [
                    "new",
                    f"kapot {text}",
                    *REPORT,
                    "--caller",
                    f"S{number}",
                    "--description",
                    "-",
                    "--fmis",
                    text,
                ],
                ["note", number, f"nota {text}"],
                ["wait", number, "--on", "customer", "--for", text, "--until", "+2wd"],
                ["escalate", number, "--to", "workplace", "--reason", text],
                ["close", number, "--solution", text, "--cause", text],
            ):
                ran = sd(*words, stdin=f"verhaal {text}")
                assert ran.code == 0, (text, ran)
                quiet(ran)
        save(database, "hostile")
    return database


def test_there_are_twenty_four() -> None:
    """S1 wants 24 different strings, and each of them steers."""
    assert len(set(HOSTILE)) == 24
    assert [text for text in HOSTILE if not steering(text)] == []


LISTS = (
    ("list", "--state", "all"),
    ("list", "--state", "all", "--columns", "id,summary,caller,fmis_ref"),
    ("search", "kapot", "--limit", "30"),
    ("person", "list"),
    ("audit", "log"),
)
FORMATS = ("table", "csv", "json", "jsonl")


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_lists_in_a_pipe(sd: Sd, filled: Path, words: tuple[str, ...], fmt: str) -> None:
    """S1: all strings at once. CSV goes to files and keeps the text, so it is no terminal's business here."""
    ran = sd(*words, "--format", fmt)
    assert ran.code == 0, ran
    if fmt != "csv":
        quiet(ran)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("words", LISTS, ids=" ".join)
def test_lists_on_a_terminal(filled: Path, words: tuple[str, ...], fmt: str) -> None:
    """S1: on a terminal, CSV too."""
    shown = on_a_terminal((*words, "--format", fmt))

    assert steering(shown) == set(), shown
    assert "SD-" in shown or "kapot" in shown or "ticket" in shown or "P " in shown


@pytest.mark.parametrize("word", ["show", "history", "why"])
def test_tickets_in_a_pipe(sd: Sd, filled: Path, word: str) -> None:
    """S1: each of 24 tickets, as text and as JSON, where the text is whole all the same."""
    for number, text in enumerate(HOSTILE, 1):
        quiet(sd(word, number))
        told = sd(word, number, "--format", "json")
        quiet(told)
        assert (
            word == "why"
            or text in json.dumps(told.json(), ensure_ascii=False)
            or text in _strings(told.json())
        )


def _strings(value: object) -> str:
    if isinstance(value, dict):
        return "\0".join(map(_strings, value.values()))
    if isinstance(value, list):
        return "\0".join(map(_strings, value))
    return str(value)


@pytest.mark.parametrize("word", ["show", "history", "search"])
def test_tickets_on_a_terminal(filled: Path, word: str) -> None:
    """S1: each of 24 tickets on a real terminal."""
    numbers = range(1, len(HOSTILE) + 1)
    shown = on_a_terminal(*((word, HOSTILE[n - 1] if word == "search" else n) for n in numbers))

    assert steering(shown) == set(), shown
    assert len(shown.splitlines()) >= len(HOSTILE)
    assert "Traceback" not in shown


def test_only_our_own_colours(filled: Path) -> None:
    """S1: with colours on, what is left after taking away our few looks is plain."""
    for words in (("list", "--state", "all"), ("show", 1), ("show", 2), ("search", "kapot")):
        shown = on_a_terminal(words, colour=True)
        assert LOOKS.search(shown), "colours are off"
        assert steering(LOOKS.sub("", shown)) == set(), shown


WRONG = (
    ("{}",),
    ("show", "{}"),
    ("list", "--group", "{}", "--sort", "{}"),
    ("list", "--columns", "{}"),
    ("list", "--view", "{}"),
    ("list", "--caller", "{}"),
    ("new", "x", *REPORT, "--category", "{}"),
    ("new", "x", *REPORT, "--urgency", "{}"),
    ("new", "x", *REPORT, "--at", "{}"),
    ("assign", "1", "{}"),
    ("person", "add", "X", "--mail", "{}"),
    ("audit", "verify", "--anchor", "{}"),
    ("--as-of", "{}", "list"),
    ("list", "--{}"),
)  # fmt: skip


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_errors_in_a_pipe(sd: Sd, words: tuple[str, ...]) -> None:
    """S1: an error that repeats what was typed repeats it visibly; also as JSON."""
    for text in HOSTILE:
        typed = [word.format(text) for word in words]
        for more in ((), ("--format", "json")):
            ran = sd(*typed, *more)
            quiet(ran)
            assert ran.code != 70, ran


def test_errors_on_a_terminal(database: Path) -> None:
    """S1: the same on a terminal."""
    typed = [[word.format(text) for word in words] for words in WRONG for text in HOSTILE]
    shown = on_a_terminal(*map(tuple, typed))

    assert shown.count("Error: ") == len(typed)
    assert steering(shown) == set(), shown


def test_files_with_hostile_names_and_content(database: Path, place: Path) -> None:
    """S1: errors that quote a file, or its name."""
    path = place / "\x1b[7mpeople\u202e.csv"
    path.write_text("name,mail\x1b[7m\n")
    for text in ("name,mail\nX,\x1b[2J\x9b31m\n", "name,language\nX,\u202exx\n", "\x1b[7m\nX\n"):
        path.write_text(text)
        ran = call("person", "import", path)
        assert ran.code == 65 or ran.code == 2, ran
        quiet(ran)
    quiet(call("list", env={"SD_DATABASE": str(place / "\x1b[7mdesk\x9b.db")}))
    quiet(call("list", env={"SD_RULEBOOK": str(path)}))
    quiet(call("list", env={"SD_SETTINGS": str(path)}))


def test_a_name_of_the_environment(database: Path) -> None:
    """S1: information about the installation is text from outside too."""
    quiet(call("admin", "info", env={"XDG_CACHE_HOME": os.environ["XDG_CACHE_HOME"] + "\x1b[7m"}))
    assert MELDER in call("person", "list").out
