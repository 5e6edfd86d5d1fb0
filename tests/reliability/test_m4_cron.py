"""M4: jobs that overlap, are killed, missed days, meet a clock put back: still the mails of one clean run."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from sdtool import jobs
from sdtool.cli import run as command
from sdtool.desk import Desk, staff_intake
from sdtool.mail import outbox
from sdtool.resources import shipped
from sdtool.rulebook import compiled
from sdtool.settings import cache_folder
from sdtool.store.base import Store
from tests.engines import settled
from tests.owing import ask, at, ticket
from tests.reliability.kit import ended, start
from tests.smtp_servers import faulty
from tests.test_staff import ROW

JOBS = ("remind", "staff", "sweep", "kpi")
AGREED = """
[[reports]]
key = "kpi"
recipients = ["coordinator@example.be", "lead@example.be"]
"""
# when nothing has run for three days or more, and when the desk is open again
NIGHTS = {
    "2026-03-29 03:30": "2026-03-30 10:30",
    "2026-10-25 03:30": "2026-10-26 10:30",
    "2028-02-29 03:30": "2028-02-29 10:30",
    "2026-11-23 03:30": "2026-11-23 10:30",
}


@pytest.fixture
def desk(desk: Desk, place: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose rulebook, in a file for every process, says who gets the report."""
    book = Path(shipped("templates", "rulebook.toml")).read_text(encoding="utf-8")
    (place / "own.toml").write_text(book + AGREED, encoding="utf-8")
    desk.rulebook = compiled.load(str(place / "own.toml"), cache_folder())
    monkeypatch.setenv("SD_RULEBOOK", str(place / "own.toml"))
    return desk


def prepare(desk: Desk, morning: int) -> None:
    """Let everything be due that a job writes about: an answer, a newcomer, a deadline, the report."""
    desk.now = morning - 12 * 86_400
    for summary in ("Printer werkt niet", "Scherm blijft zwart"):
        ask(desk, ticket(desk, summary), "serienummer", person=1)
    day = time.strftime("%Y-%m-%d", time.gmtime(morning + 9 * 86_400))
    staff_intake.take_in(desk, "onboarding", {**ROW, "start_date": day})


def mails(store: Store) -> list[tuple[str, str]]:
    # the mail about jobs that were killed is no mail of a clean run
    rows = store.query("select dedupe, recipient from outbox where kind <> 'jobs' order by dedupe")
    return [(row["dedupe"], row["recipient"]) for row in rows]


class Undone(Exception):
    """Takes the clean run back."""


def by_one_clean_run(desk: Desk, at: int) -> list[tuple[str, str]]:
    """Return the mails that the jobs write, each run once; the desk is then as it was."""
    found = []

    def work() -> None:
        for name in JOBS:
            jobs.JOBS[name].work(desk)
        found.extend(mails(desk.store))
        raise Undone

    desk.now = at
    with contextlib.suppress(Undone):
        desk.store.run(work)
    return found


def moment(epoch: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(epoch))


def each_once(epoch: int, *names: str) -> None:
    """Run jobs one after the other; a mail that failed would be told by the code."""
    for name in names:
        assert command(["--as-of", moment(epoch), "cron", "run", name]) == 0, name


def overlapping(epoch: int, dice: random.Random) -> int:
    """Start six jobs at once and kill one of them; return how many that were."""
    names = [*JOBS, "mail", dice.choice(JOBS)]
    children = [
        start("cron", "run", name, env={"SD_AS_OF": moment(epoch), "SD_DEBUG": "1"}) for name in names
    ]
    time.sleep(dice.uniform(0.05, 0.5))
    alive = [child for child in children if child.poll() is None]
    if alive:
        dice.choice(alive).send_signal(signal.SIGKILL)
    left = [ended(child) for child in children]
    settled(os.environ["SD_DATABASE"])
    assert {ran.code for ran in left} <= {0, -signal.SIGKILL}, left
    return [ran.code for ran in left].count(-signal.SIGKILL)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("night", NIGHTS)
def test_m4_overlapping_killed_late_jobs_write_the_mails_of_one_clean_run(
    desk: Desk, place: Path, night: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hour, morning, dice = at(night), at(NIGHTS[night]), random.Random(night)
    prepare(desk, morning)
    with faulty() as server:
        settings = place / "settings.toml"
        settings.write_text(f'[mail]\nhost = "127.0.0.1"\nport = {server.port}\n', encoding="utf-8")
        monkeypatch.setenv("SD_SETTINGS", str(settings))
        clean = by_one_clean_run(desk, morning)
        killed = overlapping(hour, dice)
        each_once(hour - 90 * 60, *JOBS)
        killed += overlapping(morning, dice)
        each_once(morning - 90 * 60, *JOBS)
        each_once(morning, *JOBS)
        for later in (0, 1, 2):
            each_once(morning + later * 5000, "mail")

    print(f"{len(clean)} mails, {killed} runs killed")
    assert len(clean) >= 4
    assert mails(desk.store) == clean
    counts = outbox.counts(desk.store)
    assert counts["sent"] == sum(counts.values())
    copies = Counter(raw.partition(b"Message-ID: ")[2].partition(b"\r\n")[0] for _, raw in server.delivered)
    assert len(copies) == counts["sent"]
    assert sum(copies.values()) - len(copies) <= killed
