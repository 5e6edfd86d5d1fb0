"""The program as scripts, terminals and cron see it: exit codes, streams, signals, widths."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pexpect
import pytest

from sdtool.cli import COMMANDS, root
from sdtool.desk import Desk, registration
from sdtool.errors import EXIT_CODES
from tests.conftest import MELDER, NOW, Sd, interrupt, interruptible
from tests.waiting import PATIENCE

New = Callable[..., int]
SD = [sys.executable, "-m", "sdtool", "--as-of", NOW]
REGISTER = f"new x --caller {MELDER} --channel phone --type incident --category printer --urgency normal"


def commands(command: click.Command = root, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and group of the program."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command, info_name=path[-1] if path else "sd")
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, (*path, name))


# --- exit codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("list", 0),
        ("list --state merged", 0),
        ("--version", 0),
        ("--help", 0),
        ("", 2),
        ("sla", 2),
        ("nothing", 2),
        ("list --nothing", 2),
        ("--as-of yesterday list", 2),
        ("calendar check 2040", 1),
        ("close 1", 2),
        ("edit 1 --priority 1", 3),
        ("show 99", 4),
        ("resume 1", 5),
        ("init", 5),
        ("person import {place}/wrong.csv", 65),
        ("rulebook check {place}/wrong.csv", 78),
    ],
)
def test_exit_codes(sd: Sd, new: New, place: Path, line: str, code: int) -> None:
    """Each kind of outcome has its own exit code."""
    new()
    (place / "wrong.csv").write_text("wrong\nx\n")
    assert sd(*line.format(place=place).split()).code == code


def test_not_allowed(sd: Sd, desk: Desk) -> None:
    """What somebody may not read is 77."""
    report = registration.Report("x", 1, "phone", "incident", "other", "normal", confidential=True)
    assert sd("show", registration.register(desk, report).id).code == 77


@pytest.mark.parametrize("code", EXIT_CODES)
def test_exit_codes_are_documented(code: int) -> None:
    """Each exit code has its sentence."""
    assert EXIT_CODES[code].endswith(".")


# --- errors -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("show 99 --format json", 4),
        ("show --format=json 99", 4),
        ("list --format jsonl --nothing", 2),
        ("new --format json", 2),
        ("show x --format json", 2),
        ("resume 1 --format json", 5),
    ],
)
def test_errors_for_machines(sd: Sd, new: New, line: str, code: int) -> None:
    """Under --format json an error is JSON on standard error, and standard output stays empty."""
    new()
    ran = sd(*line.split())
    error = json.loads(ran.err)["error"]
    assert (ran.out, error["code"]) == ("", code) and error["message"]


def test_errors_for_people(sd: Sd) -> None:
    """A sentence, and what to try."""
    assert sd("show").err == "Error: Missing argument 'ID'\n`sd show --help` shows how\n"


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("lst", "list"),
        ("asign 1 x", "assign"),
        ("person ad", "add"),
        ("list --agnt x", "--agent"),
        ("nwe", "new"),
    ],
)
def test_did_you_mean(sd: Sd, line: str, meant: str) -> None:
    """Who mistypes a word or an option is shown what was probably meant."""
    ran = sd(*line.split())
    assert ran.code == 2
    assert "Did you mean" in ran.err and meant in ran.err


def test_hostile_words_in_errors(sd: Sd) -> None:
    """Control characters in what was typed do not reach the terminal through the error."""
    ran = sd("show", "\x1b[31mrood\x07")
    assert "\x1b" not in ran.err and "\x07" not in ran.err


def test_internal_error_is_one_line(shell: Sd, sd: Sd, place: Path) -> None:
    """A bug prints one line and 70; SD_DEBUG=1 shows where."""
    (place / "sitecustomize.py").write_text(
        "import time\ndef broken():\n    raise RuntimeError('boom')\ntime.time = broken\n"
    )
    env = {"PYTHONPATH": f"{place}:{Path.cwd()}"}
    ran = shell("list", env=env)
    assert (ran.code, ran.out) == (70, "") and "internal error (RuntimeError)" in ran.err
    assert "Traceback" not in ran.err
    assert "boom" in shell("list", env={**env, "SD_DEBUG": "1"}).err


# --- streams ------------------------------------------------------------------------------------------


def shell_line(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `sd` is the program; return code, output, errors."""
    script = f'set -o pipefail; sd() {{ {" ".join(SD)} "$@"; }}; {line}'
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=PATIENCE, env={**os.environ, **env}
    )


def test_reader_that_goes_away(sd: Sd, new: New) -> None:
    """`| head` ends sd quietly with 141."""
    new()
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([*SD, "list", "--format", "json"], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_closed_streams(sd: Sd, closed: str) -> None:
    """With a stream closed the work is done all the same, and nothing is written into the database."""
    assert shell_line(f"sd {REGISTER} {closed}").returncode == 0
    assert sd("list", "--format", "json").json()[0]["id"] == 1
    assert sd("audit", "verify").code == 0


def test_full_disk_behind_the_output(sd: Sd) -> None:
    """When the answer cannot be written: 74, and what was done, so that no script repeats it."""
    done = shell_line(f"sd {REGISTER} > /dev/full")
    assert done.returncode == 74
    assert "Ticket 1 was registered, but the output could not be written" in done.stderr


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("take 1", "Ticket 1 was changed, but"),
        ("assign 1,2 network", "2 tickets were changed, but"),
        ("person add Bea", "Person 2 was stored, but"),
        ("undo", "Your last act was undone, but"),
        ("list", "The output could not be written"),
    ],
)
def test_full_disk_tells_what_was_done(sd: Sd, new: New, line: str, said: str) -> None:
    """Each command that changes something says so when its answer is lost."""
    new(), new()
    done = shell_line(f"sd {line} > /dev/full")
    assert (done.returncode, said in done.stderr) == (74, True)


def test_plain_locale(sd: Sd) -> None:
    """Under LC_ALL=C, as in cron, accents go in and come out as what they are."""
    done = shell_line("sd person add 'Anaïs Çelik'", LC_ALL="C")
    assert (done.returncode, "Anaïs Çelik" in done.stdout) == (0, True)
    assert sd("person", "show", "Anaïs Çelik", "--format", "json").json()["name"] == "Anaïs Çelik"


def test_ascii_output(sd: Sd, new: New) -> None:
    """A stream that cannot show a letter shows its escape."""
    new("café")
    done = shell_line("sd show 1", PYTHONIOENCODING="ascii")
    assert done.returncode == 0 and "caf\\xe9" in done.stdout


def test_bytes_that_are_no_text(sd: Sd) -> None:
    """A summary that is not UTF-8 is refused, not stored half."""
    done = shell_line(REGISTER.replace("new x", "sd new $'\\xff'"))
    assert done.returncode == 2 and "half a character" in done.stderr
    assert shell_line("printf '\\xff' | sd take -").returncode in (2, 65)  # by locale


def test_no_colour_in_a_pipe(sd: Sd, new: New) -> None:
    """Nothing but text goes into a pipe, unless colour is forced."""
    new()
    assert "\x1b" not in shell_line("sd list; sd show 1").stdout
    assert "\x1b[1m" in shell_line("sd list", FORCE_COLOR="1").stdout
    assert "\x1b" not in shell_line("sd list", FORCE_COLOR="1", NO_COLOR="1").stdout


# --- a terminal ---------------------------------------------------------------------------------------


def screen(line: str, columns: int, env: dict[str, str] | None = None) -> list[str]:
    """Run a command on a terminal of this width; return its lines without colour."""
    surroundings = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | (env or {})
    text = pexpect.run(
        " ".join([*SD, line]), encoding="utf-8", timeout=PATIENCE,
        env={**surroundings, "NO_COLOR": "1"}, dimensions=(50, columns),
    )  # fmt: skip
    return str(text).replace("\r", "").splitlines()


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize(
    "line", ["list", "next", "calendar show 2026", "history 1", "audit log", "person list"]
)
def test_tables_fit_the_terminal(sd: Sd, new: New, line: str, columns: int) -> None:
    """On a terminal no line of a table is wider than it is."""
    new("Printer op de derde verdieping werkt niet meer sinds de verhuizing van vorige week")
    shown = screen(line, columns)
    narrowest = {
        "list": 72,
        "person list": 66,
        "history 1": 80,
        "audit log": 80,
    }  # no column is cut to nothing
    assert shown and max(map(len, shown)) <= max(columns, narrowest.get(line, 0))


def test_narrow_terminal_still_shows_the_number(sd: Sd, new: New) -> None:
    """On 40 columns columns are cut, not lost."""
    new("Printer op de derde verdieping")
    shown = screen("list", 40)
    assert shown[1].split()[:2] == ["1", "3"] and "…" in shown[1]


def test_pipe_cuts_nothing(sd: Sd, new: New) -> None:
    """In a pipe texts are whole, whatever the width."""
    new("lang " * 60)
    assert "lang " * 59 in shell_line("sd list", COLUMNS="40").stdout


def test_interrupt(sd: Sd) -> None:
    """Ctrl-C while sd waits for input ends it with 130 and a word, without a traceback."""
    child: Any = pexpect.spawn(
        SD[0], [*SD[1:], "take", "-"], encoding="utf-8", timeout=PATIENCE, preexec_fn=interruptible
    )
    interrupt(child)
    child.expect(pexpect.EOF)
    assert "Traceback" not in child.before and "Interrupted" in child.before
    assert child.wait() == 130


def test_terminated_while_it_waits(sd: Sd) -> None:
    """SIGTERM ends it at once."""
    process = subprocess.Popen([*SD, "take", "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    process.send_signal(signal.SIGTERM)
    assert process.wait(PATIENCE) == -signal.SIGTERM
    process.communicate()


# --- help ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_every_command_has_help(run: Sd, path: tuple[str, ...], option: str) -> None:
    """-h and --help of every command and group print usage and leave with 0, without any desk."""
    ran = run(*path, option)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith(f"Usage: {' '.join(('sd', *path))} ")


def test_help_of_all_words(run: Sd) -> None:
    """`sd --help` lists each word in the order of a working day."""
    listed = [
        line.split()[0] for line in run("--help").out.split("Commands:\n")[1].splitlines() if line[2] != " "
    ]
    assert listed == list(COMMANDS)


# --- who and when -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2026-11-20T09:00", "2026-11-20T09:00:00+01:00"),
        ("2026-11-20", "2026-11-20T00:00:00+01:00"),
        ("2026-11-20T09:00:00Z", "2026-11-20T10:00:00+01:00"),
        ("2026-07-01T09:00", "2026-07-01T09:00:00+02:00"),
    ],
)
def test_as_of(sd: Sd, new: New, moment: str, shown: str) -> None:
    """--as-of acts as at that moment, local unless it says otherwise."""
    number = new(as_of=moment)
    assert sd("show", number, "--format", "json").json()["opened_at"] == shown


def test_as_of_from_the_environment(sd: Sd, monkeypatch: pytest.MonkeyPatch) -> None:
    """SD_AS_OF does the same for a whole script."""
    monkeypatch.setenv("SD_AS_OF", "2026-11-20T09:00")
    assert sd(*REGISTER.split(), "--format", "json", as_of=None).json()["opened_at"][:10] == "2026-11-20"


@pytest.mark.parametrize("moment", ["gisteren", "2026-13-01", "99999-01-01", ""])
def test_as_of_that_is_no_moment(run: Sd, moment: str) -> None:
    """What is no moment is refused."""
    assert run("--as-of", moment, "list", as_of=None).code == 2


def test_the_environment_does_not_say_who_acts(sd: Sd, new: New, monkeypatch: pytest.MonkeyPatch) -> None:
    """The actor is whom the system knows, whatever USER, LOGNAME or SUDO_USER pretend."""
    for name in ("USER", "LOGNAME", "SUDO_USER", "USERNAME"):
        monkeypatch.setenv(name, "mallory")
    number = new()
    assert sd("show", number, "--format", "json").json()["registered_by"] != "mallory"
