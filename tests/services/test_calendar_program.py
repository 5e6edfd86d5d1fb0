"""A real calendar program takes the agenda, and shows what is in it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Sd
from tests.waiting import PATIENCE

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(shutil.which("calcurse") is None, reason="calcurse is not installed"),
]


def test_calcurse_opens_the_calendar(sd: Sd, new: Callable[..., int], tmp_path: Path) -> None:
    """Every event is taken in, at its local time, with its text as it was typed."""
    new("Printer, derde verdieping; klem")
    sd("promise", 1, "terugbellen, dan afsluiten", "--at", "14u30", "--callback")
    sd("appointment", "Overleg netwerk", "--at", "morgen 10u", "--until", "11u")
    file, data = tmp_path / "agenda.ics", tmp_path / "calcurse"
    file.write_bytes(sd("agenda", "--format", "ics").out.encode())

    taken = calcurse(data, "-i", str(file))
    shown = calcurse(data, "--input-datefmt=4", "-d", "2026-11-23", "-r7")

    assert "4 apps" in taken and "0 skipped" in taken, taken
    lines = [line.strip() for line in shown.splitlines()]
    assert "Call back: terugbellen, dan afsluiten (SD-1)" in lines
    assert "- 10:00 -> 11:00" in lines and "Overleg netwerk" in lines


def calcurse(data: Path, *words: str) -> str:
    """Run calcurse on data of its own, in Brussels; return what it says."""
    env = {"PATH": "/usr/bin:/bin", "TZ": "Europe/Brussels", "LC_ALL": "C.UTF-8", "HOME": str(data.parent)}
    ran = subprocess.run(
        ["calcurse", "-D", str(data), "-C", str(data), *words],
        env=env, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return ran.stdout + ran.stderr
