"""What the commands of every minute import: exactly this, or every one of them gets slower unnoticed.

The processes are real and end as `sd` ends. What `import click, sqlite3` loads is the price of a program
that keeps a ticket at all (`bench/reference.py`), and is left out.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import MELDER, Sd

pytestmark = pytest.mark.sqlite("the start of its commands")

PROBE = """
import os, sys
leave, out = os._exit, os.fdopen(3, "w")
def told(code):
    out.write("\\n".join(sys.modules)); out.flush(); leave(code)
os._exit = told
from sdtool.__main__ import main
main()
"""
PLAIN = "import click, sqlite3, sys; open(3, 'w').write('\\n'.join(sys.modules))"
# of the standard library beside what click and sqlite3 load; names differ with the version of Python
STANDARD = {
    "_bisect", "_json", "_locale", "_sha2", "_sha256", "_struct", "_sysconfig", "_zoneinfo", "bisect",
    "fcntl", "gc", "json", "json.decoder", "json.encoder", "json.scanner", "locale", "pwd", "struct",
    "sysconfig", "syslog", "zoneinfo", "zoneinfo._common", "zoneinfo._tzpath",
}  # fmt: skip
ALWAYS = {
    "__main__", "cli", "commands", "commands.base", "commands.shown", "desk", "desk.anchor", "desk.tickets",
    "digest", "errors", "output", "resources", "rulebook", "rulebook.compiled", "rules", "rules.lifecycle",
    "settings", "store", "store.base", "store.files", "store.migrations", "store.sqlite",
}  # fmt: skip
READING = {"commands.look", "desk.queue"}
CLOCK = {"desk.calendars", "rules.deadline", "rules.hours", "rules.worktime"}
WRITING = {"desk.handling", "desk.people", "rules.priority", "rules.texts", "store.journal"}
EXPECTED = {
    "new": ALWAYS
    | CLOCK
    | {
        "commands.register",
        "desk.people",
        "desk.registration",
        "rules.priority",
        "rules.routing",
        "rules.texts",
        "rulebook.words",
        "store.journal",
    },
    "list": ALWAYS | READING,
    "show": ALWAYS | READING | {"desk.links", "desk.people", "desk.plan", "rules.texts"},
    "next": ALWAYS
    | {"commands.plan", "desk.calendars", "desk.plan", "desk.queue", "rules.hours", "rules.worktime"},
    "assign": ALWAYS | WRITING | {"commands.handle"},
    "close": ALWAYS | WRITING | CLOCK | {"commands.finish"},
}
WORDS: dict[str, tuple[str, ...]] = {
    "new": (
        "new", "Printer", "--caller", MELDER, "--channel", "phone", "--type", "incident",
        "--category", "printer", "--urgency", "normal",
    ),
    "list": ("list",),
    "show": ("show", "1"),
    "next": ("next",),
    "assign": ("assign", "1", "network/els"),
    "close": ("close", "1", "--solution", "toner vervangen"),
}  # fmt: skip


def modules(code: str, *words: str) -> set[str]:
    """Run code in a Python of its own; return the names of all modules it had loaded at its end."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    reader, writer = os.pipe()
    with os.fdopen(reader) as told:
        child = subprocess.Popen(
            ["bash", "-c", f'exec 3>&{writer}; exec "$@"', "bash", sys.executable, "-c", code, *words],
            pass_fds=[writer], env=environment, cwd=Path(__file__).parents[2], stdout=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(writer)
        names = set(told.read().split())
    assert child.wait() == 0
    return names


@pytest.fixture(scope="module")
def plain() -> set[str]:
    """What any program with click and sqlite3 loads."""
    return modules(PLAIN)


@pytest.fixture
def loaded(sd: Sd, plain: set[str], request: pytest.FixtureRequest) -> set[str]:
    """What one command loads beyond that, on a desk with a ticket and a compiled rulebook."""
    assert sd(*WORDS["new"]).code == 0
    return modules(PROBE, *WORDS[request.param]) - plain


@pytest.mark.parametrize(("loaded", "word"), [(word, word) for word in WORDS], indirect=["loaded"])
def test_a_command_loads_what_it_needs_and_no_more(loaded: set[str], word: str) -> None:
    """Of our own modules exactly these; a new one is worth a look at `make bench` first."""
    own = {name.removeprefix("sdtool.") for name in loaded if name.startswith("sdtool.")}

    assert own == EXPECTED[word]


@pytest.mark.parametrize("loaded", WORDS, indirect=True)
def test_a_command_loads_nothing_heavy(loaded: set[str]) -> None:
    """Of others only a few small modules: no hashlib, email, icalendar, jinja2, holidays, sqlite_utils."""
    foreign = {name for name in loaded if name.split(".")[0] not in ("sdtool", "__main__")}

    assert {name for name in foreign if not name.startswith("_sysconfigdata")} <= STANDARD
