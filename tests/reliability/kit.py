"""What the reliability tests share: `sd` as real processes, other users, the database seen from outside."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MELDER, NOW, Ran
from tests.engines import change, digests, rows, sound  # noqa: F401 (for the tests)
from tests.waiting import PATIENCE

CODE = Path(__file__).parents[2]
SD = (sys.executable, "-m", "sdtool")
REPORT = ("--caller", MELDER, "--channel", "phone", "--type", "incident", "--category", "printer",
          "--urgency", "normal")  # fmt: skip


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a test's processes: the code under test, a fixed moment."""
    return {**os.environ, "PYTHONPATH": str(CODE), "SD_AS_OF": NOW, **more}


def start(*words: object, program: tuple[str, ...] = SD, env: dict[str, str] | None = None, **more: Any):  # type: ignore[no-untyped-def]
    """Start a process with its output in pipes; `env` is added to `environment`."""
    streams = {"stdin": subprocess.DEVNULL, **dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)}
    return subprocess.Popen([*program, *map(str, words)], text=True,
                            env=environment(**(env or {})), **{**streams, **more})  # fmt: skip


def ended(child: subprocess.Popen[str]) -> Ran:
    """Wait for a process and return what it left."""
    out, err = child.communicate(timeout=PATIENCE)
    return Ran(child.returncode, out, err)


def call(*words: object, **more: Any) -> Ran:
    """Run a process to its end; see `start`."""
    return ended(start(*words, **more))


def one_sentence(ran: Ran) -> None:
    """Check that an error is told in a sentence (and perhaps a hint), by the program and not by Python."""
    lines = ran.err.splitlines()
    assert ran.err.startswith("Error: "), ran
    assert len(lines) <= 2, ran
    assert len(lines[0]) <= 400, ran
    for word in ("Traceback", "sqlite3.", "internal error", "Errno", "SQL logic", 'near "', "fts5"):
        assert word not in ran.err + ran.out, ran


def holds() -> None:
    """Check that journal and records agree."""
    ran = call("audit", "verify")
    assert ran.code == 0, ran


# --- other users


class User:
    """A throw-away uid in a throw-away group, for root to run processes as; nobody is created."""

    def __init__(self, uid: int, gid: int, *, groups: tuple[int, ...] = ()) -> None:
        self.who = {"user": uid, "group": gid, "extra_groups": groups} if os.geteuid() == 0 else {}
        self.uid = uid if self.who else os.geteuid()

    def call(self, *words: object, env: dict[str, str] | None = None, **more: Any) -> Ran:
        """Run `sd` as this user, from a folder everybody may enter."""
        python, path = runnable()
        return call(*words, program=(python, "-m", "sdtool"), env={"PYTHONPATH": path, **(env or {})},
                    cwd="/", **self.who, **more)  # fmt: skip


@functools.cache
def runnable() -> tuple[str, str]:
    """Return an interpreter that any user may run, and the module path it needs; skip where there is none."""
    import click
    import sqlite_utils

    homes = (Path(click.__file__).parents[1], Path(sqlite_utils.__file__).parents[1])
    path = os.pathsep.join(map(str, dict.fromkeys((CODE, *homes))))
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    for python in filter(None, (sys.executable, shutil.which(version, path="/usr/bin:/usr/local/bin"))):
        who = {"user": 64_001, "group": 64_001, "extra_groups": ()} if os.geteuid() == 0 else {}
        with suppress(PermissionError):
            done = subprocess.run([python, "-m", "sdtool", "--version"], env={"PYTHONPATH": path}, cwd="/",
                                  capture_output=True, **who)  # fmt: skip
            if done.returncode == 0:
                return python, path
    pytest.skip("needs an interpreter and code that another user may read")
