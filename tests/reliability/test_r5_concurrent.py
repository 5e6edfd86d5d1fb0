"""R5: many at once: nobody fails, no number twice, nobody waits long; a stopped one delays, no more."""

from __future__ import annotations

import os
import re
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.conftest import Ran, Sd
from tests.engines import connected, postgresql
from tests.reliability.kit import REPORT, call, ended, holds, one_sentence, rows, sound, start

WRITERS, EACH = 32, 5
SLOWEST = 20  # times the median
AT_ONCE = 20  # tickets that each of 32 processes registers
# stops itself in the middle of a write transaction: the gate and the write lock are its own
STOPPED = """
import os, signal
from sdtool.settings import load
from sdtool.store import open_store
store = open_store(load().database)
store.run(lambda: os.kill(os.getpid(), signal.SIGSTOP))
"""
# one process, many commands: nothing but the desk itself keeps the writers apart
REGISTER = """
import os, sys, time
from sdtool import cli
go, name, count, words = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
print("ready", flush=True)
while not os.path.exists(go):
    time.sleep(0.001)
sys.exit(max(cli.run(["new", f"{name} {number}", *words]) for number in range(count)))
"""
IMPATIENT = "import sdtool.store.{} as engine; engine.PATIENCE = 1.0; from sdtool import cli; cli.main()"


def stopped() -> subprocess.Popen[str]:
    """Start a writer and return when it has stopped inside its transaction."""
    child = start(program=(sys.executable, "-c", STOPPED))
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), ended(child)
    return child


def numbers(told: list[Ran]) -> list[int]:
    """Return the ticket numbers that commands printed."""
    return [int(number) for ran in told for number in re.findall(r"^SD-(\d+) ", ran.out, re.MULTILINE)]


def test_writers_beside_a_reader_and_a_stopped_writer(database: Path) -> None:
    """R5: 32 writers, five tickets each: no failure, numbers unique, the slowest within 20 medians."""
    seconds: list[float] = []

    def write(writer: int) -> list[Ran]:
        told = []
        for number in range(EACH):
            began = time.monotonic()
            told.append(call("new", f"writer {writer} ticket {number}", *REPORT))
            seconds.append(time.monotonic() - began)
        return told

    with connected(database) as reader, ThreadPoolExecutor(WRITERS) as pool:
        reader.execute("begin isolation level repeatable read" if postgresql() else "begin")
        reader.execute("select count(*) from person").fetchall()
        child = stopped()
        work = [pool.submit(write, writer) for writer in range(WRITERS)]
        time.sleep(1.5)
        child.send_signal(signal.SIGCONT)
        told = [ran for one in work for ran in one.result()]

    assert [ran for ran in [*told, ended(child)] if ran.code != 0] == []
    assert sorted(numbers(told)) == list(range(1, WRITERS * EACH + 1))
    slowest, median = max(seconds), statistics.median(seconds)
    print(f"R5: {len(seconds)} commands, median {median:.2f} s, slowest {slowest / median:.1f} medians")
    assert slowest <= SLOWEST * median
    sound(database)
    holds()


def test_thirty_two_processes_register_twenty_tickets_each_at_once(database: Path, tmp_path: Path) -> None:
    """640 tickets, no error, numbers 1 to 640, an unbroken chain."""
    go = tmp_path / "go"
    program = (sys.executable, "-c", REGISTER)
    children = [start(go, f"process {n}", AT_ONCE, *REPORT, program=program) for n in range(WRITERS)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    go.touch()
    told = [ended(child) for child in children]

    assert [ran for ran in told if ran.code != 0 or ran.err] == []
    assert sorted(numbers(told)) == list(range(1, WRITERS * AT_ONCE + 1))
    assert rows(database, "select count(*), min(id), max(id) from ticket") == [(640, 1, 640)]
    sound(database)
    holds()


def test_a_reader_sees_one_moment(database: Path, tmp_path: Path) -> None:
    """`audit verify` reads much; what is written meanwhile must not look like a fault."""
    go = tmp_path / "go"
    go.touch()
    writers = [start(go, f"w{n}", 60, *REPORT, program=(sys.executable, "-c", REGISTER)) for n in range(2)]
    seen = []
    while any(writer.poll() is None for writer in writers):
        seen.append(call("audit", "verify"))

    assert [ended(writer).code for writer in writers] == [0, 0]
    assert [ran for ran in seen if ran.code != 0] == []


def test_upkeep_meanwhile(database: Path, tmp_path: Path) -> None:
    """The write-ahead log is cut while others write and one reads: nobody fails, nothing is lost."""
    go = tmp_path / "go"
    go.touch()
    program = (sys.executable, "-c", REGISTER)
    with connected(database) as reader:
        reader.execute("select count(*) from ticket").fetchall()
        writers = [start(go, f"w{n}", 40, *REPORT, program=program) for n in range(3)]
        seen = []
        while any(writer.poll() is None for writer in writers):
            seen.append(call("cron", "run", "upkeep"))

    assert [ran for ran in [*seen, *map(ended, writers)] if ran.code != 0] == []
    assert rows(database, "select count(*), max(id) from ticket") == [(120, 120)]
    sound(database)
    holds()


def test_a_writer_that_stopped_for_good_is_told_and_overcome(database: Path) -> None:
    """Whoever cannot wait any longer is told that nothing was stored; with the culprit gone all is well."""
    child = stopped()
    late = call(
        "new",
        "late",
        *REPORT,
        program=(sys.executable, "-c", IMPATIENT.format("postgres" if postgresql() else "sqlite")),
    )
    reading = call("list")
    child.kill()

    assert (late.code, ended(child).code) == (75, -9)
    one_sentence(late)
    assert "nothing was stored" in late.err
    assert reading.code == 0
    assert numbers([call("new", "after", *REPORT)]) == [1]
    holds()


def test_two_agents_take_one_ticket(sd: Sd, new: Callable[..., int], database: Path) -> None:
    """Of many who change one ticket at the revision they saw, exactly one is first; the others are told."""
    number, revision = new(), 1
    children = [start("start", number, "--if-rev", revision) for _ in range(8)]
    codes = sorted(ended(child).code for child in children)

    assert codes == [0, *[5] * 7]
    assert rows(database, "select rev from ticket") == [(2,)]
