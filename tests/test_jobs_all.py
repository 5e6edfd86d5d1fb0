"""What every job must be, whatever it does: run twice, at once, stopped, late, with a clock that jumps."""

from __future__ import annotations

import time
from datetime import date

import pytest

from sdtool import jobs
from sdtool.desk import Desk, handling, staff_intake, tickets
from sdtool.desk.registration import Report, register
from sdtool.errors import Failed
from sdtool.reports import jobs_mail
from sdtool.rulebook import Report as Addressees
from sdtool.rulebook.chasing import Reminding, Satisfaction
from sdtool.store.base import Store
from tests.conftest import Sd
from tests.owing import agree, ask
from tests.test_alerts import at
from tests.test_jobs import ROW, mail_to, queue_mail, runs
from tests.waiting import PATIENCE

NOW = "2026-12-03T09:00"  # a Thursday
EVERY = pytest.mark.parametrize("name", list(jobs.JOBS))
QUIET = ("job_run",)  # what a run may add each time


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A desk on which every job has something to do; no mail server listens."""
    desk.settings = mail_to(desk, 1)
    agree(desk, satisfaction=Satisfaction(1.0), reminding=Reminding(((0, 86_400),), "lead@example.be"))
    desk.rulebook = desk.rulebook._replace(
        reports=tuple(Addressees(key, ("chef@example.be",)) for key in ("kpi", "operations"))
    )
    report = Report("Printer stuk", 1, "phone", "incident", "printer", "high")
    desk.now = at("2026-11-16T09:00")
    numbers = [register(desk, report).id for _ in range(5)]
    ask(desk, numbers[0], "foto", person=1, asked=desk.now, due=at("2026-11-17T09:00"))
    handling.resolve(desk, numbers[1:4], "toner")
    desk.now = at("2026-11-30T09:00")
    tickets.apply(desk, numbers[1], "close")
    staff_intake.take_in(desk, "onboarding", ROW)
    queue_mail(desk)
    desk.store.run(lambda: desk.store.execute("delete from holiday"))
    desk.store.insert(
        "job_run",
        {"job": "close", "started_at": at("2026-12-02T04:20"), "outcome": "failed", "message": "vol"},
    )
    desk.now = at(NOW)
    return desk


def rows(store: Store) -> dict[str, int]:
    return {table: size for table, size in store.sizes().items() if table not in QUIET}


@EVERY
def test_second_run_finds_nothing_to_do(busy: Desk, name: str) -> None:
    first = jobs.run(busy, name)
    after = rows(busy.store)

    assert jobs.run(busy, name) == ""

    assert rows(busy.store) == after
    assert first or name == "upkeep", "the busy desk has nothing for this job: give it something"


@EVERY
def test_run_is_recorded(busy: Desk, name: str) -> None:
    told = jobs.run(busy, name)
    row = busy.store.one("select * from job_run where job = :job order by id desc limit 1", job=name)
    assert row is not None
    assert (row["outcome"], row["message"], row["started_at"]) == ("done", told, at(NOW))
    assert row["finished_at"] >= row["started_at"]


@EVERY
def test_dry_run_leaves_nothing(busy: Desk, name: str) -> None:
    before = busy.store.sizes()
    busy.store.dry_run = True
    jobs.run(busy, name)
    assert busy.store.sizes() == before


@EVERY
def test_second_of_two_at_once_leaves_and_says_so(busy: Desk, sd: Sd, name: str) -> None:
    with busy.store.lock(name) as ours:
        ran = sd("cron", "run", name, as_of=NOW)
    assert ours
    assert ran == (0, "", f"the job {name} is already running: nothing was done\n")
    assert runs(busy.store, name)[1 if name == "close" else 0 :] == []


def grown(store: Store, before: dict[str, int], name: str) -> bool:
    """Tell whether nothing was added; `kpi` has one mail about jobs for each day that it is asked about."""
    return rows(store) in (before, before | {"outbox": before["outbox"] + int(name == "kpi")})


@EVERY
def test_clock_a_day_back_does_nothing_again(busy: Desk, name: str) -> None:
    """A clock that is put right: what was done stays done."""
    jobs.run(busy, name)
    after = rows(busy.store)
    busy.now -= 86_400
    told = jobs.run(busy, name)
    assert grown(busy.store, after, name)
    assert not told or name in ("mail", "kpi")  # a mail that could not be delivered is tried again


@EVERY
def test_clock_a_day_on_and_back_leaves_no_gap_and_no_flood(busy: Desk, name: str) -> None:
    """What the day too early did is not done again; after it the job goes on as ever."""
    busy.now += 86_400
    jobs.run(busy, name)
    early = rows(busy.store)
    busy.now -= 86_400
    jobs.run(busy, name)
    assert grown(busy.store, early, name)
    busy.now += 86_400
    jobs.run(busy, name)
    assert grown(busy.store, early, name)
    standing = next(s for s in jobs.standings(busy.store, busy.rulebook, busy.now) if s.job == name)
    assert standing.trouble == ""


@EVERY
def test_failure_is_recorded_and_the_next_run_makes_up(
    busy: Desk, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    job = jobs.JOBS[name]
    monkeypatch.setitem(jobs.JOBS, name, job._replace(work=broken))
    with pytest.raises(Failed):
        jobs.run(busy, name)
    monkeypatch.setitem(jobs.JOBS, name, job)
    jobs.run(busy, name)
    assert [outcome for outcome, _ in runs(busy.store, name)][-2:] == ["failed", "done"]


def broken(desk: Desk) -> str:
    raise Failed("de schijf is vol")


@EVERY
def test_run_that_hangs_is_stopped(busy: Desk, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What it had not stored is undone, its lock is free, and the failure is told."""
    monkeypatch.setattr(jobs, "LIMIT", 0.2)
    monkeypatch.setitem(jobs.JOBS, name, jobs.JOBS[name]._replace(work=hanging))
    before = rows(busy.store)
    started = time.monotonic()

    with pytest.raises(Failed, match=f"{name} was stopped: it ran for more than 0.2 s"):
        jobs.run(busy, name)

    assert time.monotonic() - started < PATIENCE / 2
    assert rows(busy.store) == before
    assert runs(busy.store, name)[-1][0] == "failed"
    with busy.store.lock(name) as ours:
        assert ours


def hanging(desk: Desk) -> str:
    def work() -> None:
        desk.store.execute("delete from outbox")
        time.sleep(PATIENCE)

    desk.run(work)
    return ""


# --- What the next day's mail says


def told(desk: Desk, day: str) -> list[jobs_mail.Trouble]:
    return jobs_mail.troubles(desk, date.fromisoformat(day), jobs.late_after(desk.rulebook))


def ran(desk: Desk, name: str, *moments: str, outcome: str = "done", message: str = "") -> None:
    for moment in moments:
        run = {"job": name, "started_at": at(moment), "outcome": outcome, "message": message}
        desk.store.insert("job_run", run)


def test_failures_of_yesterday_are_counted_with_the_last_message(desk: Desk) -> None:
    desk.now = at("2026-12-02T04:40")
    ran(desk, "close", "2026-12-01T04:20", "2026-12-02T04:20")
    ran(desk, "close", "2026-12-01T00:00", "2026-12-01T23:59", outcome="failed", message="vol")
    ran(desk, "close", "2026-11-30T23:59", "2026-12-02T00:00", outcome="failed", message="elders")
    (found,) = [one for one in told(desk, "2026-12-02") if one.job == "close"]
    assert found == jobs_mail.Trouble("close", 2, "vol", None)


def test_gap_is_told_from_run_to_run(desk: Desk) -> None:
    """Cron stood still from Saturday to Tuesday morning."""
    desk.now = at("2026-12-02T04:40")
    ran(desk, "close", "2026-11-28T04:20", "2026-12-01T08:00", "2026-12-02T04:20")
    (found,) = [one for one in told(desk, "2026-12-02") if one.job == "close"]
    assert found.gap == (at("2026-11-28T04:20"), at("2026-12-01T08:00"))


def test_job_that_still_does_not_run_is_told_up_to_now(desk: Desk) -> None:
    desk.now = at("2026-12-02T04:40")
    ran(desk, "close", "2026-11-28T04:20")
    (found,) = [one for one in told(desk, "2026-12-02") if one.job == "close"]
    assert found.gap == (at("2026-11-28T04:20"), desk.now)


def test_new_desk_has_no_gaps(desk: Desk) -> None:
    assert told(desk, "2026-11-23") == []


@pytest.mark.parametrize(("key", "readers"), [("kpi", ["a@example.be"]), ("jobs", ["b@example.be"])])
def test_mail_goes_once_a_day_to_who_is_named(desk: Desk, key: str, readers: list[str]) -> None:
    """The report `jobs` when it has readers, else those of `kpi`."""
    named = [Addressees("kpi", ("a@example.be",))] + [Addressees("jobs", ("b@example.be",), "en")] * (
        key == "jobs"
    )
    desk.rulebook = desk.rulebook._replace(reports=tuple(named))
    desk.now = at("2026-12-02T04:40")
    ran(desk, "close", "2026-12-01T04:20", outcome="failed", message="de schijf\nis vol")

    assert "1 queued about jobs" in (jobs.run(desk, "kpi") or "")
    assert jobs.run(desk, "kpi") == ""

    mails = desk.store.query("select recipient, message from outbox where kind = 'jobs'")
    assert [mail["recipient"] for mail in mails] == readers
    assert ("failed 1 time(s)" in mails[0]["message"]) == (key == "jobs")


@pytest.mark.parametrize("role", ["management", "coordinator"])
def test_mail_tells_management_no_address_of_a_person(desk: Desk, role: str) -> None:
    """What a job said last is for the coordinator; management reads which job, and how often."""
    desk.rulebook = desk.rulebook._replace(reports=(Addressees("jobs", ("a@example.be",), "en", role),))
    desk.now = at("2026-12-02T04:40")
    ran(desk, "staff", "2026-12-01T04:15", outcome="failed", message="zoe@example.be is taken")

    jobs.run(desk, "kpi")

    (mail,) = desk.store.query("select message from outbox where kind = 'jobs'")
    assert "- staff failed 1 time(s) yesterday." in mail["message"]
    assert ("The last time: zoe@example.be" in mail["message"]) == (role == "coordinator")
