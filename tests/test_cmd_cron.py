"""`sd cron`, and the files that make cron and systemd call it: all from the one list of jobs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pexpect
import pytest

from sdtool import jobs, output
from sdtool.resources import shipped
from sdtool.store.base import Store
from tests.conftest import Sd
from tests.waiting import PATIENCE

New = Callable[..., int]
TARGET = "/opt/sdtool/bin/sdtool"
CRON = Path(shipped("cron", "sdtool.cron")).read_text(encoding="utf-8")
LINES = [line for line in CRON.splitlines() if line and not line.startswith("#")]
ENTRIES = [line.split(None, 6) for line in LINES if not re.match(r"\w+=", line)]
SETTINGS = dict(line.split("=", 1) for line in LINES if re.match(r"\w+=", line))
ROOT = Path(__file__).parent.parent


def all_jobs(sd: Sd, as_of: str) -> None:
    for name in jobs.JOBS:
        assert sd("cron", "run", name, as_of=as_of).code == 0


# --- sd cron run


@pytest.mark.parametrize("name", list(jobs.JOBS))
def test_run_is_silent_for_cron(sd: Sd, name: str) -> None:
    """Cron mails what is printed: nothing, when nothing is wrong."""
    assert sd("cron", "run", name) == (0, "", "")


def test_run_tells_a_person_what_it_did(sd: Sd) -> None:
    told, code = pexpect.run(
        f"{sys.executable} -m sdtool cron run upkeep", withexitstatus=True, encoding="utf-8"
    )
    assert (told, code) == ("upkeep: nothing to do\r\n", 0)


def test_dry_run_tells_and_leaves_no_trace(sd: Sd, store: Store) -> None:
    ran = sd("cron", "run", "close", "--dry-run")
    assert ran == (0, "(dry run) close: nothing to do\n", "")
    assert store.sizes()["job_run"] == 0


def test_events_of_a_job_say_that_cron_wrote_them(sd: Sd, new: New, store: Store) -> None:
    number = new()
    sd("close", number, "--solution", "ok", "--cause", "slijtage")

    sd("cron", "run", "close", as_of="2026-12-14T04:20")

    sources = store.query("select verb, source from event where kind = 'ticket' order by id")
    assert [(row["verb"], row["source"]) for row in sources][-1] == ("close", "cron")


def test_run_of_an_unknown_job_names_the_jobs(sd: Sd) -> None:
    ran = sd("cron", "run", "sweeping")
    assert ran.code == 2
    assert all(f"'{name}'" in ran.err for name in jobs.JOBS)


def test_failed_job_ends_with_the_code_of_its_error(sd: Sd, store: Store) -> None:
    """Cron mails the sentence; the ledger keeps it."""
    store.run(lambda: store.insert("outbox", poisoned()))

    ran = sd("cron", "run", "mail")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("Error: mail: 1 failed\n`sd mail queue --state failed`")
    assert "mail failed" in sd("cron", "status").err


def poisoned() -> dict[str, object]:
    return {
        "dedupe": "x", "kind": "ack", "recipient": "nobody", "message_id": "<x@example.be>",
        "message": "\n\n", "state": "queued", "next_try": 0, "created_at": 1795426000,
    }  # fmt: skip


# --- sd cron status


def test_status_of_a_fresh_desk_says_that_nothing_ran(sd: Sd) -> None:
    ran = sd("cron", "status")
    assert ran.code == 1
    assert ran.err.startswith("Error: " + "; ".join(f"{name} never ran" for name in jobs.JOBS) + "\n")


def test_status_is_well_after_every_job_ran(sd: Sd) -> None:
    all_jobs(sd, "2026-11-23T04:20")

    ran = sd("cron", "status", as_of="2026-11-23T04:30")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[1] == (
        "mail        every 5 minutes       2026-11-23 04:20  done     2026-11-23 04:20    no"
    )


def test_status_names_the_late_jobs_only(sd: Sd) -> None:
    all_jobs(sd, "2026-11-23T04:20")

    ran = sd("cron", "status", as_of="2026-11-23T05:00")

    late = "; ".join(f"{job.name} is late" for job in jobs.JOBS.values() if job.late_after < 40 * 60)
    assert (ran.code, ran.err) == (
        1,
        f"Error: {late}\n`sd cron run mail` runs it now and says what is wrong\n",
    )


def test_status_follows_the_rulebook(sd: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Path(shipped("templates", "rulebook.toml")).read_text(encoding="utf-8")
    agreed = "".join(f'\n[[jobs]]\nname = "{name}"\nlate_after = 3600\n' for name in jobs.JOBS)
    (place / "own.toml").write_text(book + agreed, encoding="utf-8")
    monkeypatch.setenv("SD_RULEBOOK", str(place / "own.toml"))
    all_jobs(sd, "2026-11-23T04:20")

    assert sd("cron", "status", as_of="2026-11-23T05:20").code == 0
    assert sd("cron", "status", as_of="2026-11-23T05:21").code == 1


def test_status_as_json(sd: Sd) -> None:
    sd("cron", "run", "close", as_of="2026-11-23T04:20")

    ran = sd("cron", "status", "--format", "json", as_of="2026-11-23T04:30")

    rows = {row["job"]: row for row in ran.json()}
    assert list(rows) == list(jobs.JOBS)
    assert rows["close"] == {
        "job": "close",
        "schedule": "every night at 04:20",
        "outcome": "done",
        "last_start": "2026-11-23T04:20:00+01:00",
        "last_good": "2026-11-23T04:20:00+01:00",
        "late_after": 93600,
        "late": False,
        "message": "",
    }
    assert (rows["mail"]["outcome"], rows["mail"]["last_good"], rows["mail"]["late"]) == ("never", None, True)


# --- The files against the list


def test_cron_file_runs_each_job_once_at_its_time() -> None:
    found = {entry[6]: entry[:5] for entry in ENTRIES}
    assert found == {f"{TARGET} cron run {job.name}": fields(job.schedule) for job in jobs.JOBS.values()}
    assert len(ENTRIES) == len(jobs.JOBS)


def fields(schedule: str) -> list[str]:
    """Return what cron calls "every 5 minutes" and "every night at 04:10"."""
    if match := re.fullmatch(r"every (\d+) minutes", schedule):
        return [f"*/{match[1]}", "*", "*", "*", "*"]
    hour, minute = schedule.removeprefix("every night at ").split(":")
    return [str(int(minute)), str(int(hour)), "*", "*", "*"]


def test_cron_file_has_nothing_that_cron_misreads() -> None:
    """A final newline, no `%` (a newline to cron), no bare `NAME=` (it skips the file), an absolute path."""
    assert CRON.endswith("\n")
    assert all(SETTINGS.values())
    assert not any("%" in line for line in LINES)
    assert SETTINGS["PYTHONUTF8"] == "1"
    assert all(entry[6].startswith("/") for entry in ENTRIES)


def test_no_job_runs_in_the_hour_that_clock_changes_take_or_give() -> None:
    assert all(datetime.strptime(entry[1], "%H").hour != 2 for entry in ENTRIES if entry[1] != "*")


def test_timers_run_the_same_jobs_at_the_same_times() -> None:
    found = {}
    for file in Path(shipped("cron")).glob("*.timer"):
        text = file.read_text(encoding="utf-8")
        assert "Persistent=true" in text
        unit, when = re.search(r"^Unit=(.*)$", text, re.M), re.search(r"^OnCalendar=(.*)$", text, re.M)
        assert unit and when
        found[file.stem] = (unit[1], when[1])
    assert found == {
        f"sdtool-{job.name}": (f"sdtool-job@{job.name}.service", on_calendar(job.schedule))
        for job in jobs.JOBS.values()
    }


def on_calendar(schedule: str) -> str:
    minute, hour, *_ = fields(schedule)
    return f"*:0/{minute[2:]}" if hour == "*" else f"*-*-* {int(hour):02}:{int(minute):02}:00"


def test_service_calls_what_the_cron_file_calls() -> None:
    text = Path(shipped("cron", "sdtool-job@.service")).read_text(encoding="utf-8")
    assert f"ExecStart={TARGET} cron run %i\n" in text
    assert "Environment=PYTHONUTF8=1\n" in text
    assert {f"User={entry[5]}" for entry in ENTRIES} <= set(text.splitlines())


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for file in Path(shipped("cron")).glob("sdtool-*"):
        text = (
            file.read_text(encoding="utf-8").replace(TARGET, "/bin/true").replace("User=sd\n", "User=root\n")
        )
        (tmp_path / file.name).write_text(text, encoding="utf-8")
    timers = [str(tmp_path / f"sdtool-{name}.timer") for name in jobs.JOBS]

    told = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *timers], capture_output=True, text=True, timeout=PATIENCE
    )

    assert not [line for line in told.stderr.splitlines() if "sdtool" in line]


def test_how_to_tells_of_each_job_what_the_list_says() -> None:
    text = (ROOT / "docs" / "how-to" / "schedule-jobs.md").read_text(encoding="utf-8")
    told = [line for line in text.splitlines() if line.startswith("| `")]
    assert told == [
        f"| `{job.name}` | {job.what} | {job.schedule} | {output.duration(job.late_after)} |"
        for job in jobs.JOBS.values()
    ]
    assert all(f"sdtool-{name}.timer" in text for name in jobs.JOBS)


# --- The very line of the file


def program(folder: Path) -> Path:
    """Install what `pip` would: a program that needs no environment."""
    path = folder / "sdtool"
    path.write_text(
        f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        "from sdtool.cli import main\nsys.exit(main())\n"
    )
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry[6].split()[-1] for entry in ENTRIES])
def test_line_works_in_the_environment_of_cron(sd: Sd, store: Store, place: Path, entry: list[str]) -> None:
    """Runs each command of the cron file as cron would, but without cron, which may not be installed.

    That is: through `sh -c`, with HOME, LOGNAME, PATH, SHELL, an empty LANG, and what the file sets.
    The daemon itself is in `services/test_cron_daemon.py`.
    """
    settings = place / "home" / ".config" / "sdtool"
    settings.mkdir(parents=True)
    (settings / "settings.toml").write_text(f'database = "{os.environ["SD_DATABASE"]}"\n')
    command = entry[6].replace(TARGET, str(program(place)))
    given = {"HOME": str(place / "home"), "LOGNAME": "sd", "LANG": "", "SHELL": "/bin/sh", **SETTINGS}

    done = subprocess.run(
        ["/usr/bin/env", "-i", *(f"{name}={value}" for name, value in given.items()), "sh", "-c", command],
        cwd="/", env={"PATH": os.defpath}, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    row = store.one("select job, outcome from job_run")
    assert row is not None
    assert dict(row) == {"job": command.split()[-1], "outcome": "done"}
