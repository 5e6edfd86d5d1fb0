"""Jobs: each does what is due and no more, whatever the clock, the calendar or a kill did before."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from sdtool import jobs
from sdtool.desk import Desk, staff_intake
from sdtool.errors import BadSetup, Failed
from sdtool.mail import outbox
from sdtool.reports import addressees
from sdtool.rulebook import Job, Report
from sdtool.store.base import Store
from sdtool.store.sqlite import PATIENCE
from tests.conftest import Sd
from tests.engines import settled
from tests.smtp_servers import faulty
from tests.waiting import until

New = Callable[..., int]
DAY = 86_400
BROKEN = jobs.Job("broken", "Breaks.", "never", 1, lambda desk: str(1 // 0))


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Brussels")).timestamp())


def runs(store: Store, name: str) -> list[tuple[str, str]]:
    rows = store.query("select outcome, message from job_run where job = :job order by id", job=name)
    return [(row["outcome"], row["message"]) for row in rows]


def queue_mail(desk: Desk) -> None:
    message = "From: desk@example.be\nTo: a@example.be\nSubject: Hallo\nMessage-ID: <1@example.be>\n\nHallo\n"
    outbox.queue(
        desk.store, now=desk.now, dedupe="test:1", kind="ack", recipient="a@example.be", message=message,
        message_id="<1@example.be>",
    )  # fmt: skip


def resolved(sd: Sd, new: New, as_of: str) -> int:
    number = new(as_of=as_of)
    assert sd("close", number, "--solution", "ok", "--cause", "slijtage", as_of=as_of).code == 0
    return number


def closings(store: Store) -> list[int]:
    rows = store.query("select subject from event where kind = 'ticket' and verb = 'close' order by id")
    return [row["subject"] for row in rows]


# --- What each job does


def test_close_runs_twice_and_closes_once(sd: Sd, new: New, desk: Desk) -> None:
    number = resolved(sd, new, "2026-11-23T10:30")
    desk.now += 10 * DAY

    assert jobs.run(desk, "close") == "1 closed"
    assert jobs.run(desk, "close") == ""

    assert closings(desk.store) == [number]
    assert runs(desk.store, "close") == [("done", "1 closed"), ("done", "")]


def test_missed_days_are_caught_up_in_one_run(sd: Sd, new: New, desk: Desk) -> None:
    """A desk that was off closes at the moments at which it would have closed, not when it is back."""
    days = ("2026-11-16", "2026-11-17", "2026-11-18")
    numbers = [resolved(sd, new, f"{day}T10:00") for day in days]
    desk.now = moment("2026-12-14T04:20")

    assert jobs.run(desk, "close") == "3 closed"

    rows = desk.store.query("select id, closed_at from ticket order by id")
    due = [moment(f"{day}T10:00") for day in ("2026-11-23", "2026-11-24", "2026-11-25")]
    assert [(row["id"], row["closed_at"]) for row in rows] == list(zip(numbers, due, strict=True))


@pytest.mark.parametrize("night", ["2026-03-29", "2026-10-25", "2028-02-29", "2027-01-01"])
@pytest.mark.parametrize("name", list(jobs.JOBS))
def test_odd_nights_are_nights_like_others(desk: Desk, name: str, night: str) -> None:
    """Clock changes, leap day, New Year, and a clock put back 90 minutes: nothing fails or is done twice."""
    desk.now = moment(f"{night}T03:30")
    jobs.run(desk, name)
    desk.now -= 90 * 60

    assert jobs.run(desk, name) == ""


ROW = {
    "staff_number": "000123", "first_name": "Ana", "last_name": "Maes", "start_date": "2026-12-07",
    "department": "Archief", "job_title": "Archivaris", "manager_mail": "an@example.be", "site": "Gent",
}  # fmt: skip


def test_staff_posts_each_letter_once(desk: Desk) -> None:
    staff_intake.take_in(desk, "onboarding", ROW)

    assert [jobs.run(desk, "staff"), jobs.run(desk, "staff")] == ["1 mail(s) queued", ""]


def test_staff_releases_what_waited_for_the_day(desk: Desk) -> None:
    """Who left on Friday: on the day itself the accounts are closed, after it the directory knows."""
    staff_intake.take_in(desk, "onboarding", ROW)
    staff_intake.take_in(desk, "offboarding", {**ROW, "end_date": "2026-12-11"})
    jobs.run(desk, "staff")
    told = []
    for day in ("2026-12-11T08:00", "2026-12-12T08:00"):
        desk.now = moment(day)
        told += [jobs.run(desk, "staff"), jobs.run(desk, "staff")]

    assert told == ["1 released", "", "1 brought up to date in the directory", ""]


def test_calendar_fills_the_years_around_now(desk: Desk) -> None:
    desk.now = moment("2027-06-01T04:10")

    assert "day(s) off changed" in (jobs.run(desk, "calendar") or "")
    assert jobs.run(desk, "calendar") == ""

    years = desk.store.query("select distinct substr(day, 1, 4) as year from holiday order by 1")
    assert [row["year"] for row in years] == [str(year) for year in range(2025, 2031)]


@pytest.mark.parametrize(
    ("now", "first", "after"),
    [
        ("2026-03-29T04:40", "2026-02-01", "2026-03-01"),
        ("2026-10-25T04:40", "2026-09-01", "2026-10-01"),
        ("2028-02-29T04:40", "2028-01-01", "2028-02-01"),
        ("2028-03-01T04:40", "2028-02-01", "2028-03-01"),
        ("2027-01-01T00:30", "2026-12-01", "2027-01-01"),
    ],
)
def test_kpi_is_about_the_last_whole_local_month(desk: Desk, now: str, first: str, after: str) -> None:
    """The last case is still 2026 in UTC."""
    desk.now = moment(now)
    desk.rulebook = desk.rulebook._replace(reports=(Report("kpi", ("a@example.be",)),))

    (due,) = addressees.due(desk, "kpi")
    assert (due.first, due.after) == (date.fromisoformat(first), date.fromisoformat(after))


@pytest.mark.parametrize(
    ("now", "month"),
    [
        ("2026-03-29", "2026-02"),
        ("2026-10-25", "2026-09"),
        ("2028-02-29", "2028-01"),
        ("2027-01-01", "2026-12"),
    ],
)
def test_kpi_mail_goes_once_a_month_to_each_recipient(desk: Desk, now: str, month: str) -> None:
    """Whoever is added to the list later gets it too, the others not again."""
    desk.now = moment(f"{now}T04:40")
    desk.rulebook = desk.rulebook._replace(reports=(Report("kpi", ("a@example.be",)),))
    assert jobs.run(desk, "kpi") == f"1 queued about {month}"
    assert jobs.run(desk, "kpi") == ""
    desk.rulebook = desk.rulebook._replace(reports=(Report("kpi", ("a@example.be", "b@example.be")),))
    assert jobs.run(desk, "kpi") == f"1 queued about {month}"

    queued = desk.store.query("select recipient from outbox where kind = 'kpi' order by recipient")
    assert [row["recipient"] for row in queued] == ["a@example.be", "b@example.be"]


def test_kpi_mail_of_every_day_goes_once_a_working_day(desk: Desk) -> None:
    """With the month so far, and not again the same day."""
    desk.rulebook = desk.rulebook._replace(reports=(Report("kpi", ("a@example.be",), every="day"),))
    for now in ("2026-11-20T04:40", "2026-11-20T05:40", "2026-11-21T04:40", "2026-11-23T04:40"):
        desk.now = moment(now)
        jobs.run(desk, "kpi")

    queued = desk.store.query("select dedupe, next_try from outbox where kind = 'kpi' order by id")
    assert [(row["dedupe"], row["next_try"]) for row in queued] == [
        ("kpi:2026-11-01:2026-11-20:a@example.be", moment("2026-11-20T07:00")),
        ("kpi:2026-11-01:2026-11-23:a@example.be", moment("2026-11-23T07:00")),
    ]


def test_mail_is_delivered_and_counted(desk: Desk) -> None:
    queue_mail(desk)

    with faulty() as server:
        desk.settings = mail_to(desk, server.port)
        assert jobs.run(desk, "mail") == "1 sent"

    assert [recipient for recipient, _ in server.delivered] == ["a@example.be"]


def mail_to(desk: Desk, port: int) -> Any:
    return desk.settings._replace(mail=desk.settings.mail._replace(host="127.0.0.1", port=port))


def test_mail_that_waits_is_no_failure_of_the_job(desk: Desk) -> None:
    queue_mail(desk)
    desk.settings = mail_to(desk, 1)  # nobody listens there

    assert jobs.run(desk, "mail") == "1 deferred"


def test_mail_that_failed_for_good_fails_the_job_once(desk: Desk) -> None:
    """A person must hear of it, but not every five minutes."""
    queue_mail(desk)
    desk.store.run(lambda: desk.store.execute("update outbox set recipient = 'nobody'"))
    desk.settings = mail_to(desk, 1)

    with pytest.raises(Failed, match="1 failed"):
        jobs.run(desk, "mail")
    assert jobs.run(desk, "mail") == ""

    assert runs(desk.store, "mail") == [("failed", "mail: 1 failed"), ("done", "")]


def test_upkeep_forgets_old_runs_but_not_the_last_of_a_job(desk: Desk) -> None:
    for _ in range(3):
        jobs.run(desk, "close")
    desk.now += 91 * DAY

    assert jobs.run(desk, "upkeep") == "2 old run(s) forgotten"

    assert runs(desk.store, "close") == [("done", "")]


def test_upkeep_forgets_idempotency_keys_after_thirty_days(desk: Desk) -> None:
    """A script that repeats a call does so within the hour, not after a month."""
    for key, age in (("old", 31), ("young", 29)):
        desk.store.insert("request", {"key": key, "digest": "", "answer": "1", "at": desk.now - age * DAY})

    jobs.run(desk, "upkeep")

    assert [row["key"] for row in desk.store.query("select key from request")] == ["young"]


def test_upkeep_leaves_mails_that_nobody_looked_at(desk: Desk) -> None:
    """Of one that a person settled, the days count from then."""
    cases = {"new": None, "kept": None, "note": None, "settled": 0, "settled late": 89}
    for name, days in cases.items():
        row = {"digest": name, "verdict": name.partition(" ")[0], "raw": "x", "received_at": desk.now}
        settled = None if days is None else desk.now + days * DAY
        desk.store.insert("inmail", {**row, "settled_at": settled})
    desk.now += 91 * DAY

    jobs.run(desk, "upkeep")

    left = desk.store.query("select digest from inmail where raw <> '' order by id")
    assert [row["digest"] for row in left] == ["new", "kept", "settled late"]


@pytest.mark.sqlite("its upkeep")
def test_upkeep_empties_the_log_and_leaves_plans_alone(desk: Desk, new: New) -> None:
    """Without other readers the log is cut; statistics would make SQLite plan the lists otherwise."""
    new()
    jobs.run(desk, "upkeep")
    desk.store.upkeep()

    assert Path(f"{desk.settings.database}-wal").stat().st_size == 0
    assert not desk.store.query("select name from sqlite_master where name like 'sqlite_stat%'")


@pytest.mark.sqlite("its upkeep")
def test_upkeep_does_not_wait_for_a_reader(desk: Desk, new: New) -> None:
    import sqlite3

    with sqlite3.connect(desk.settings.database) as reader:
        reader.execute("begin")
        reader.execute("select count(*) from ticket").fetchall()
        new()
        started = time.monotonic()
        desk.store.upkeep()
        assert time.monotonic() - started < PATIENCE / 2
    reader.close()


def test_dry_run_changes_nothing(sd: Sd, new: New, desk: Desk) -> None:
    resolved(sd, new, "2026-11-23T10:30")
    queue_mail(desk)
    staff_intake.take_in(desk, "onboarding", ROW)
    desk.now += 10 * DAY
    desk.store.dry_run = True

    assert jobs.run(desk, "close") == "1 closed"
    assert jobs.run(desk, "staff") == "1 mail(s) queued"
    assert jobs.run(desk, "mail") == "1 due"
    assert jobs.run(desk, "upkeep") == ""

    assert (closings(desk.store), desk.store.sizes()["job_run"]) == ([], 0)
    assert outbox.counts(desk.store)["queued"] == 1


# --- Locks and the ledger


@pytest.mark.sqlite("locks beside the file")
def test_a_lock_is_of_the_desk_by_whatever_name(desk: Desk, place: Path) -> None:
    """A link to the file is the same desk."""
    from sdtool.store import open_store

    (place / "link.db").symlink_to(place / "desk.db")
    other = open_store(str(place / "link.db"))
    with desk.store.lock("close") as ours, other.lock("close") as theirs:
        assert (ours, theirs) == (True, False)
    other.close()


def test_job_that_runs_already_is_left_alone(desk: Desk, shell: Sd) -> None:
    with desk.store.lock("close") as ours:
        held = shell("cron", "run", "close")

    assert ours
    assert (held.code, held.out) == (0, "")
    assert held.err == "the job close is already running: nothing was done\n"
    assert runs(desk.store, "close") == []


def test_locks_of_jobs_do_not_touch_each_other(desk: Desk) -> None:
    with desk.store.lock("close"), desk.store.lock("kpi") as other, desk.store.lock("close") as again:
        assert (other, again) == (True, False)


@pytest.mark.sqlite("modes of its files")
def test_lock_file_is_the_groups_and_no_link_is_followed(desk: Desk, tmp_path: Path) -> None:
    from sdtool.errors import NotAllowed

    with desk.store.lock("close"):
        assert (tmp_path / "desk.db.close.lock").stat().st_mode & 0o777 == 0o660
    (tmp_path / "desk.db.kpi.lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(NotAllowed), desk.store.lock("kpi"):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_six_at_once_close_a_ticket_once(sd: Sd, new: New, desk: Desk) -> None:
    number = resolved(sd, new, "2026-11-23T10:30")
    words = [sys.executable, "-m", "sdtool", "--as-of", "2026-12-14T04:20", "cron", "run", "close"]

    at_once = [subprocess.Popen(words, stderr=subprocess.PIPE, text=True) for _ in range(6)]
    told = [(process.communicate()[1], process.returncode) for process in at_once]

    assert {code for _, code in told} == {0}
    assert {text for text, _ in told} <= {"", "the job close is already running: nothing was done\n"}
    assert closings(desk.store) == [number]


def test_killed_run_is_noted_as_failed_by_the_next(desk: Desk, place: Path) -> None:
    """A real run hangs on a mail server that says nothing; another is told so; then it is killed."""
    queue_mail(desk)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        (place / "config" / "sdtool").mkdir(parents=True)
        settings = f'[mail]\nhost = "127.0.0.1"\nport = {silent.getsockname()[1]}\n'
        (place / "config" / "sdtool" / "settings.toml").write_text(settings)
        words = [sys.executable, "-m", "sdtool", "cron", "run", "mail"]
        hanging = subprocess.Popen(words)
        until(lambda: runs(desk.store, "mail") == [("running", "")])
        until(lambda: outbox.counts(desk.store)["sending"] == 1)
        second = subprocess.run(words, capture_output=True, text=True, check=True)
        hanging.send_signal(signal.SIGKILL)
        hanging.wait()
    settled(desk.settings.database)
    later = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(time.time() + 300))  # past the lease
    words[3:3] = ["--as-of", later]
    third = subprocess.run(words, capture_output=True, text=True, check=True)

    assert "already running" in second.stderr
    assert (third.stdout, third.stderr) == ("", "")
    assert [outcome for outcome, _ in runs(desk.store, "mail")] == ["failed", "done"]
    assert runs(desk.store, "mail")[0][1] == "it was stopped before it ended"
    assert outbox.counts(desk.store)["queued"] == 1


def test_bug_in_a_job_is_noted_and_goes_on(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(jobs.JOBS, "broken", BROKEN)

    with pytest.raises(ZeroDivisionError):
        jobs.run(desk, "broken")

    assert runs(desk.store, "broken") == [("failed", "internal error (ZeroDivisionError)")]


# --- How jobs stand


def standing(desk: Desk, name: str) -> jobs.Standing:
    found = jobs.standings(desk.store, desk.rulebook, desk.now)
    return next(standing for standing in found if standing.job == name)


def test_job_is_late_after_its_time_and_not_before(desk: Desk) -> None:
    jobs.run(desk, "close")
    desk.now += jobs.NIGHTLY
    assert standing(desk, "close").trouble == ""
    desk.now += 1
    assert standing(desk, "close").trouble == "is late"


def test_longest_day_of_the_year_makes_no_nightly_job_late(desk: Desk) -> None:
    desk.now = moment("2026-10-24T04:20")
    jobs.run(desk, "close")
    desk.now = moment("2026-10-25T04:50")
    assert not standing(desk, "close").late


def test_rulebook_says_when_a_job_is_late(desk: Desk) -> None:
    jobs.run(desk, "close")
    desk.rulebook = desk.rulebook._replace(jobs=(Job("close", 60),))
    desk.now += 61
    assert standing(desk, "close").late


def test_rulebook_with_an_unknown_job_is_refused(desk: Desk) -> None:
    with pytest.raises(BadSetup, match="'closing'.*" + ", ".join(jobs.JOBS)):
        jobs.late_after(desk.rulebook._replace(jobs=(Job("closing", 60),)))


def test_run_of_tomorrow_does_not_count_yet(desk: Desk) -> None:
    """A clock that was wrong for a while must not keep a dead job looking well."""
    desk.now += 400 * DAY
    jobs.run(desk, "close")
    desk.now -= 400 * DAY
    assert standing(desk, "close").trouble == "never ran"
