"""R1: `kill -9` of `sd new`: nothing lost that was told, nothing torn, doubled or from nowhere."""

from __future__ import annotations

import random
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.conftest import Ran, Sd
from tests.engines import admin, connected, postgresql, settled
from tests.reliability.kit import REPORT, SD, call, ended, holds, rows, sound, start

KILLS = 200  # two thirds of them aimed at the commit
DESKS = 2  # the kills are spread, so that two cores share them

pytestmark = pytest.mark.timeout(600)


class Fallen(NamedTuple):
    """A process that was to be killed: its summary, the ticket it told of, whether it died of it."""

    summary: str
    said: int | None
    killed: bool


def fall(ran: Ran, summary: str) -> Fallen:
    """Read what a process left; only a whole line counts as told."""
    said = re.match(r"SD-(\d+) .*\n", ran.out)
    return Fallen(summary, int(said[1]) if said else None, ran.code == -9)


def state_of(database: Path | str) -> object:
    """Return what changes with each commit."""
    if isinstance(database, str):
        return admin().execute("select pg_current_wal_insert_lsn()::text").fetchone()
    return Path(f"{database}-wal").stat().st_mtime_ns


def shoot(database: Path, summary: str, *, aimed: bool, dice: random.Random) -> Fallen:
    """Kill one `sd new`: around its commit when `aimed`, else at any moment of its life."""
    quiet = state_of(database)
    child = start("new", summary, *REPORT)
    if aimed:
        while state_of(database) == quiet and child.poll() is None:
            time.sleep(0.00002)
        time.sleep(dice.uniform(0, 0.002))
    else:
        time.sleep(dice.uniform(0, 0.12))
    child.kill()
    return fall(ended(child), summary)


def judge(database: Path, shot: list[Fallen]) -> None:
    """Compare what was told with what is there."""
    settled(database)
    kept = rows(database, "select id, summary from ticket order by id")
    summaries = [summary for _, summary in kept]
    whole = rows(
        database,
        "select ticket.id from ticket join event on kind = 'ticket' and subject = ticket.id and verb = 'new'"
        " join event_data on event_data.event = event.id "
        f"join ticket_text on ticket_text.{'id' if postgresql() else 'rowid'} = ticket.id",
    )
    assert [one for one in shot if one.said and (one.said, one.summary) not in kept] == [], "lost"
    assert len(whole) == len(kept), "torn"
    assert len(summaries) == len(set(summaries)), "doubled"
    assert set(summaries) <= {one.summary for one in shot}, "from nowhere"
    assert [number for number, _ in kept] == list(range(1, len(kept) + 1)), "numbers with gaps"
    sound(database)
    holds()


@contextmanager
def open_session(database: Path) -> Iterator[None]:
    """Hold a second session, without which the write-ahead log is tidied away at the end of each command."""
    with connected(database) as session:
        session.execute("select count(*) from ticket").fetchall()
        yield


@pytest.mark.parametrize("seed", range(DESKS))
def test_kill_loses_nothing_that_was_told(database: Path, seed: int) -> None:
    """R1: 200 kills, and nothing lost, torn, doubled or out of nowhere."""
    dice = random.Random(seed)
    shot: list[Fallen] = []
    kills = 0
    with open_session(database):
        while kills < KILLS // DESKS and len(shot) < KILLS * 2:
            shot.append(shoot(database, f"kill {seed} {len(shot)}", aimed=kills % 3 != 0, dice=dice))
            kills += shot[-1].killed

    assert kills == KILLS // DESKS, "too few were killed in time"
    judge(database, shot)
    told = {one.summary for one in shot if one.said}
    kept = {summary for (summary,) in rows(database, "select summary from ticket")}
    print(f"R1: {kills} kills, {len(told)} told, {len(kept - told)} stored without being told")


@pytest.mark.sqlite("system calls on its file")
@pytest.mark.service
@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize(("syscall", "step"), [("pwrite64", 4), ("fdatasync", 1), ("write", 1)])
def test_kill_at_every_write(database: Path, syscall: str, step: int) -> None:
    """R1 without luck: killed at the first, second … write to the file, synchronisation, line of output."""
    shot: list[Fallen] = []
    with open_session(database):
        for number in range(1, 120, step):
            strace = ("strace", "-qq", "-o", "/dev/null", "-e", f"trace={syscall}",
                      "-e", f"inject={syscall}:signal=KILL:when={number}")  # fmt: skip
            summary = f"{syscall} {number}"
            shot.append(fall(call("new", summary, *REPORT, program=(*strace, *SD)), summary))
            if not shot[-1].killed:
                break

    assert shot[-1].said, "the last one should have lived"
    assert len(shot) > 1
    judge(database, shot)


def test_the_desk_goes_on_after_a_kill(sd: Sd, database: Path) -> None:
    """Nobody needs to repair or unlock anything."""
    dice = random.Random(1)
    with open_session(database):
        assert call("new", "before", *REPORT).code == 0
        for number in range(5):
            shoot(database, f"kill {number}", aimed=True, dice=dice)

    assert sd("new", "after", *REPORT).code == 0
    holds()
