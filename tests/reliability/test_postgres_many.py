"""R5 on PostgreSQL: many at once, some killed, a server that dies: nothing lost, nothing twice, no gap."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from tests.cluster import Cluster
from tests.conftest import Ran, Sd
from tests.engines import rows
from tests.reliability.kit import REPORT, call, ended, holds, start
from tests.reliability.test_r5_concurrent import REGISTER, numbers
from tests.waiting import PATIENCE, until

pytestmark = [pytest.mark.postgresql("64 processes, a fail-over"), pytest.mark.timeout(600)]
PROCESSES, EACH = 64, 20
FAILOVER = 50


def register(folder: Path, kill: int = 0) -> list[Ran]:
    """Let 64 processes register 20 tickets each at once; kill some of them half-way."""
    go, program = folder / "go", (sys.executable, "-c", REGISTER)
    children = [start(go, f"process {n}", EACH, *REPORT, program=program) for n in range(PROCESSES)]
    for child in children:
        assert child.stdout.readline() == "ready\n"
    go.touch()
    if kill:
        until(lambda: rows(rows_url(), "select count(*) from ticket")[0][0] >= PROCESSES * EACH // 2)
        shuffled = random.Random(1).sample(children, len(children))
        # one may be done already, or be so before the signal arrives
        died = (child for child in shuffled if child.poll() is None and slain(child))
        assert len(list(islice(died, kill))) == kill
    return [ended(child) for child in children]


def slain(child: subprocess.Popen[str]) -> bool:
    """Kill a process; tell whether it died of it."""
    child.kill()
    return child.wait(PATIENCE) == -signal.SIGKILL


def rows_url() -> str:
    """Return the URL of the desk."""
    return os.environ["SD_DATABASE"]


def gapless(url: str, count: int) -> None:
    """Check that tickets and events are numbered from 1 without a gap, and that the chain holds."""
    assert rows(url, "select count(*), min(id), max(id) from ticket") == [(count, 1, count)]
    assert rows(url, "select max(id) - count(*) from event") == [(0,)]
    names = rows(url, "select summary, count(*) from ticket group by summary having count(*) > 1")
    assert names == [], "registered twice"
    holds()


def test_sixty_four_processes_register_twenty_tickets_each(database: str, tmp_path: Path) -> None:
    """1,280 tickets, no error."""
    told = register(tmp_path)
    assert [ran for ran in told if ran.code != 0 or ran.err] == []
    assert sorted(numbers(told)) == list(range(1, PROCESSES * EACH + 1))
    gapless(database, PROCESSES * EACH)


def test_two_of_them_are_killed(database: str, tmp_path: Path) -> None:
    """What the others were told is there, once; the killed leave no gap and hold nobody up."""
    told = register(tmp_path, kill=2)
    assert sorted(ran.code for ran in told)[:2] == [-9, -9]
    assert [ran for ran in told if ran.code not in (0, -9)] == []
    kept = {number for (number,) in rows(database, "select id from ticket")}
    assert set(numbers(told)) <= kept
    gapless(database, len(kept))
    assert len(kept) >= (PROCESSES - 2) * EACH


@pytest.fixture
def pair() -> Iterator[tuple[Cluster, Cluster]]:
    """A primary and its synchronous standby."""
    safe = {"fsync": "on", "synchronous_commit": "on", "wal_level": "replica", "max_wal_senders": "5"}
    primary = Cluster(settings=safe)
    standby = Cluster(settings=safe, base=primary)
    try:
        yield primary, standby
    finally:
        standby.remove()
        primary.remove()


def test_fail_over_in_the_middle_of_registering(
    run: Sd, pair: tuple[Cluster, Cluster], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The primary stops at once, the standby is promoted: 50 registrations run through it."""
    primary, standby = pair
    url = (
        f"postgresql://tester@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/postgres"
        "?target_session_attrs=read-write"
    )
    monkeypatch.setenv("SD_DATABASE", url)
    assert call("init").code == 0
    assert call("person", "add", "Test Melder", "--mail", REPORT[1]).code == 0
    synchronous(primary)
    began, told, children = time.monotonic(), [], []
    for number in range(FAILOVER):
        children.append((number, start("new", f"melding {number}", *REPORT), time.monotonic()))
        if number == FAILOVER // 2:
            primary.stop(signal.SIGQUIT)
            standby.promote()
        if len(children) >= 4:
            told.append(finish(children.pop(0)))
    told += [finish(child) for child in children]
    slowest = max(seconds for _, seconds in told)
    print(f"fail-over: {FAILOVER} in {time.monotonic() - began:.1f} s, the slowest {slowest:.1f} s")

    assert [ran for ran, _ in told if ran.code != 0] == []
    own = standby.url("postgres")
    assert rows(own, "select count(*), count(distinct summary) from ticket") == [(FAILOVER, FAILOVER)]
    assert sorted(numbers([ran for ran, _ in told])) == list(range(1, FAILOVER + 1))
    gapless(own, FAILOVER)


def finish(child: tuple[int, object, float]) -> tuple[Ran, float]:
    """Wait for a registration; return what it left, and how long it took."""
    return ended(child[1]), time.monotonic() - child[2]  # type: ignore[arg-type]


def synchronous(primary: Cluster) -> None:
    """Make commits wait for the standby from now on."""
    import psycopg

    with psycopg.connect(primary.url("postgres"), autocommit=True) as db:
        standby = "select 1 from pg_stat_replication where "
        until(lambda: db.execute(f"{standby} state = 'streaming'".encode()).fetchall())
        db.execute("alter system set synchronous_standby_names = '*'")
        db.execute("select pg_reload_conf()")
        until(lambda: db.execute(f"{standby} sync_state = 'sync'".encode()).fetchall())
