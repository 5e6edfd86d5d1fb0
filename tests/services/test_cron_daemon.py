"""The shipped cron file under the real daemon, for a minute: every job of it, each minute."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdtool.jobs import JOBS
from sdtool.store.base import Store
from tests.test_cmd_cron import ENTRIES, SETTINGS, TARGET, program
from tests.waiting import PATIENCE

MINUTES = 240  # seconds: each job every minute, and time to run, all of them at once
# The daemon sees no crontab but ours, and leaves its pid where no other daemon looks.
PRIVATE = (
    'mount --bind "$1/cron.d" /etc/cron.d && mount --bind "$1/crontab" /etc/crontab'
    ' && mount --bind "$1/spool" /var/spool/cron/crontabs && mount --bind "$1/run" /run && exec cron -f'
)

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(shutil.which("cron") is None, reason="the program cron is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start the cron daemon"),
]


@pytest.fixture
def installed(store: Store, place: Path) -> Iterator[Path]:
    """A daemon that reads the folder returned as /etc/cron.d.

    It runs in mounts of its own where the system allows that. Where not (most containers), the folder
    is the machine's, which gets a file of ours for the time of the test; a daemon that runs there
    already reads it as well, and ours then ends at once.
    """
    environment = {**os.environ, "MARK": "of the daemon"}
    if subprocess.run(["sh", "-c", "unshare -m true"], capture_output=True, check=False).returncode == 0:
        for name in ("cron.d", "spool", "run"):
            (place / name).mkdir()
        (place / "crontab").touch(0o644)
        folder, words = place / "cron.d", ["unshare", "-m", "sh", "-c", PRIVATE, "sh", str(place)]
    else:
        folder, words = Path("/etc/cron.d"), ["cron", "-f"]
    ours = folder / f"sdtool-test-{os.getpid()}"
    store.run(lambda: store.execute("delete from holiday"))  # so that the job has something to do
    try:
        install(ours, place)
        daemon = subprocess.Popen(words, env=environment, stderr=subprocess.DEVNULL)
        yield ours
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(timeout=PATIENCE)
    finally:
        ours.unlink(missing_ok=True)


def install(file: Path, place: Path) -> None:
    """Install the shipped file as an operator would, with another path and user, but for every minute."""
    jobs = [f"* * * * * root {entry[6]}" for entry in ENTRIES]
    lines = "\n".join(jobs).replace(TARGET, str(program(place)))
    own = {name: value for name, value in os.environ.items() if name.startswith(("SD_", "XDG_"))}
    text = "".join(f'{name}="{value}"\n' for name, value in {**SETTINGS, "MAILTO": "", **own}.items())
    dump = f"* * * * * root env > {place}/new && mv {place}/new {place}/environment"
    file.write_text(f"{text}{lines}\n{dump}\n", encoding="utf-8")
    file.chmod(0o644)


@pytest.mark.timeout(400)
def test_daemon_runs_every_job_in_its_bare_environment(store: Store, installed: Path, place: Path) -> None:
    """All have run, wrote as `cron`, and had nothing but what cron and the file give."""
    end = time.monotonic() + MINUTES
    while time.monotonic() < end and not (finished(store) and (place / "environment").exists()):
        time.sleep(0.5)

    assert finished(store), f"cron did not run {installed} within {MINUTES} s"
    assert store.value("select source from event where kind = 'calendar' order by id desc limit 1") == "cron"
    lines = (place / "environment").read_text(encoding="utf-8").splitlines()
    given = dict(line.split("=", 1) for line in lines)
    assert given["PATH"] == SETTINGS["PATH"]
    own = {name for name in os.environ if name.startswith(("SD_", "XDG_"))}
    shells = {"PWD", "OLDPWD", "SHLVL", "_", "LANG", "LC_ALL"}  # LANG: from the machine's PAM, if at all
    assert set(given) - shells == {"HOME", "LOGNAME", *SETTINGS, *own}


def finished(store: Store) -> bool:
    """Tell whether a run of each job has ended; one that failed fails the test at once."""
    rows = store.query("select job, outcome, message from job_run where outcome <> 'running'")
    assert [dict(row) for row in rows if row["outcome"] != "done"] == []
    return {row["job"] for row in rows} == set(JOBS)
