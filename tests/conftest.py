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
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, settings

from sdtool import cli, output
from sdtool.commands.base import App
from sdtool.desk import Desk
from sdtool.settings import load
from sdtool.store.base import Store
from tests import cluster, engines

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

# how long an example takes tells how busy the machine is, not whether the code is right
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


# --- the engine of this run


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer `--engine`: every test runs on either."""
    parser.addoption("--engine", choices=("sqlite", "postgresql"), default="sqlite")


def pytest_configure(config: pytest.Config) -> None:
    """Start the server once a run, in the process that hands out the tests."""
    idle = config.getoption("collectonly") or hasattr(config, "workerinput")
    if config.getoption("engine") != "postgresql" or idle:
        return
    if cluster.programs() is None:
        required = os.environ.get("SD_TEST_SERVICES") == "required"
        pytest.exit("no PostgreSQL server is installed: nothing was tested on it", returncode=int(required))
    server = cluster.Cluster()
    config.add_cleanup(server.remove)
    os.environ["SD_TEST_PORT"] = str(server.port)  # the workers are our children


def pytest_unconfigure(config: pytest.Config) -> None:
    """Let go of the server before it is stopped."""
    engines.let_go()


_counts: dict[str, dict[str, int]] = {}  # tests of each engine itself, by what they test; "" has all that ran


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what tests the other engine itself: its marker says what that is."""
    named: dict[str, list[pytest.Item]] = {engine: [] for engine in engines.ENGINES}
    for item in items:
        for engine, marked in named.items():
            marker = item.get_closest_marker(engine)
            if marker is not None:
                if not marker.args:
                    raise pytest.UsageError(f"{item.nodeid}: say what of it: @pytest.mark.{engine}('…')")
                marked.append(item)
                own = _counts.setdefault(engine, {})
                own[marker.args[0]] = own.get(marker.args[0], 0) + 1
    (other,) = set(named) - {config.getoption("engine")}
    left = set(named[other])
    items[:] = [item for item in items if item not in left]
    config.hook.pytest_deselected(items=list(left))
    _counts[""] = {"": len(items)}


def _database(folder: Path, request: pytest.FixtureRequest) -> str:
    """Return where a desk of this test is or may be made; nothing is in it unless `sd` puts it there."""
    if not engines.postgresql():
        return engines.own(folder)
    name = engines.own(folder).rsplit("/", 1)[1]
    request.addfinalizer(lambda: engines.drop_database(name))
    return engines.make_database(name, f"made_{name}" if "sd" in request.fixturenames else "template0")


@pytest.fixture
def database_url(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where a test may make a desk: a path, or the URL of an empty database."""
    return _database(tmp_path, request)


def _surround(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("SD_", "XDG_", "PG"))]:
        if not name.startswith("SD_TEST_"):
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


def interrupt(child: Any) -> None:
    """Press Ctrl-C on the terminal of a child that waits for an answer.

    A signal between Python's last look and its read() is seen at the next key only: it must sleep first.
    """
    asleep = 0
    while child.isalive() and asleep < 5:
        time.sleep(0.1)
        state = Path(f"/proc/{child.pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0]
        asleep = asleep + 1 if state == "S" else 0
    child.sendintr()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """An environment without a desk: everything of this test lies in the folder returned."""
    if engines.postgresql() and "sd" in request.fixturenames:
        request.getfixturevalue("made")  # the template of this test's database
    _surround(tmp_path, monkeypatch)
    monkeypatch.setenv("SD_DATABASE", _database(tmp_path, request))
    return tmp_path


@pytest.fixture
def run(place: Path) -> Sd:
    """Run `sd` in this process: arguments, `as_of`, `stdin`."""
    return _call


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a desk that is made once; tests work on copies."""
    with pytest.MonkeyPatch.context() as patched:
        folder = _surround(tmp_path_factory.mktemp("made"), patched)
        if engines.postgresql():
            name = f"made_test_{os.environ.get('PYTEST_XDIST_WORKER', 'one')}"
            patched.setenv("SD_DATABASE", engines.make_database(name))
        assert _call("init").code == 0
        assert _call("person", "add", "Test Melder", "--mail", MELDER, "--phone", "+32 9 267 70 00").code == 0
    return folder


@pytest.fixture
def sd(run: Sd, made: Path, place: Path) -> Sd:
    """Run `sd` on a fresh desk that knows one person, Test Melder."""
    if not engines.postgresql():
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
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["counts"] = _counts
    if _skipped_services and os.environ.get("SD_TEST_SERVICES") == "required":
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over what a worker counted; each of them collects all tests."""
    _counts.update(getattr(node, "workeroutput", {}).get("counts", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say which service tests were left out, and that this fails where services are required."""
    engine = terminalreporter.config.getoption("engine")
    if _counts:
        own = _counts.get(engine, {})
        whole, alone = _counts[""][""], sum(own.values())
        terminalreporter.write_line(
            f"{engine}: {whole} tests, {whole - alone} on either engine and {alone} of this one itself"
        )
        if terminalreporter.config.getoption("collectonly"):
            for what, count in sorted(own.items()):
                terminalreporter.write_line(f"{count:6} {what}")
    for nodeid in _skipped_services:
        terminalreporter.write_line(f"service test left out: {nodeid}")
