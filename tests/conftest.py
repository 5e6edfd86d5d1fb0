"""A real desk for every test: its own database, whole commands, no doubles."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sdtool import cli, output
from sdtool.commands.base import App
from sdtool.desk import Desk
from sdtool.settings import load
from sdtool.store.base import Store

NOW = "2026-11-23T10:30"  # a Monday; opening hours of the default rulebook are 08:00-12:00, 12:30-17:00
MELDER = "test.melder@example.be"


class Ran(NamedTuple):
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """Return the output as JSON."""
        return json.loads(self.out)


Sd = Callable[..., Ran]


def _surround(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("SD_", "XDG_"))]:
        monkeypatch.delenv(name)
    for name in ("config", "data", "cache", "state"):
        monkeypatch.setenv(f"XDG_{name.upper()}_HOME", str(folder / name))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(folder / "etc"))
    monkeypatch.setenv("SD_DATABASE", str(folder / "desk.db"))
    monkeypatch.setenv("COLUMNS", "200")
    return folder


def _call(*arguments: object, as_of: str | None = NOW, stdin: str = "") -> Ran:
    out, err = io.StringIO(), io.StringIO()
    words = [*(["--as-of", as_of] if as_of else []), *map(str, arguments)]
    held, sys.stdin = sys.stdin, io.StringIO(stdin)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.run(words)
    finally:
        sys.stdin = held
        output.stored("")  # a process of its own would forget, too
    return Ran(code, out.getvalue(), err.getvalue())


def interruptible() -> None:
    """In a child: let Ctrl-C end it, also when this run of the tests was started in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment without a desk: everything of this test lies in the folder returned."""
    return _surround(tmp_path, monkeypatch)


@pytest.fixture
def run(place: Path) -> Sd:
    """Run `sd` in this process: arguments, `as_of`, `stdin`."""
    return _call


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a desk that is made once; tests work on copies."""
    with pytest.MonkeyPatch.context() as patched:
        folder = _surround(tmp_path_factory.mktemp("made"), patched)
        assert _call("init").code == 0
        assert _call("person", "add", "Test Melder", "--mail", MELDER, "--phone", "+32 9 267 70 00").code == 0
    return folder


@pytest.fixture
def sd(run: Sd, made: Path, place: Path) -> Sd:
    """Run `sd` on a fresh desk that knows one person, Test Melder."""
    shutil.copy(made / "desk.db", place / "desk.db")
    shutil.copytree(made / "cache", place / "cache", dirs_exist_ok=True)
    return run


@pytest.fixture
def new(sd: Sd) -> Callable[..., int]:
    """Register a ticket, with defaults for what is not given; return its number."""

    def call(summary: str = "Printer werkt niet", *more: object, as_of: str = NOW, **options: str) -> int:
        given = {"caller": MELDER, "channel": "phone", "type": "incident", "category": "printer"}
        given["urgency"] = "normal"
        words = [word for name, value in {**given, **options}.items() for word in (f"--{name}", value)]
        ran = sd("new", summary, *words, *more, "--format", "json", as_of=as_of)
        assert ran.code == 0, ran.err
        return int(ran.json()["id"])

    return call


@pytest.fixture
def desk(sd: Sd) -> Iterator[Desk]:
    """The desk itself, for tests of what lies below the commands; `now` is NOW."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    now = int(datetime.fromisoformat(NOW).replace(tzinfo=ZoneInfo("Europe/Brussels")).timestamp())
    app = App(load(), now=now, actor=lambda database: "agent")
    yield app.desk
    app.close()


@pytest.fixture
def store(desk: Desk) -> Store:
    """The store of `desk`."""
    return desk.store


@pytest.fixture
def shell(place: Path) -> Sd:
    """Run `sd` as a process of its own: `env`, `stdin`, `umask`; for streams, signals, exit codes."""

    def call(*arguments: object, env: dict[str, str] | None = None, stdin: str = "", **more: Any) -> Ran:
        words = [sys.executable, "-m", "sdtool", *map(str, arguments)]
        whole = {**os.environ, **(env or {})}
        done = subprocess.run(
            words, env=whole, input=stdin, capture_output=True, text=True, timeout=120, **more
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    return call


_skipped_services: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember each service test that could not run."""
    if report.skipped and "service" in report.keywords:
        _skipped_services.append(report.nodeid)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where services are required (CI), a skipped service test fails the run."""
    if _skipped_services and os.environ.get("SD_TEST_SERVICES") == "required":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which service tests were left out, and that this fails where services are required."""
    for nodeid in _skipped_services:
        terminalreporter.write_line(f"service test left out: {nodeid}")
