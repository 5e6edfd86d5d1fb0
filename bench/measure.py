"""What the measurements stand on: an installed `sd`, desks to measure on, processes timed one by one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
KEPT = os.path.join(ROOT, "build", "bench")  # environment and generated desks, used again by the next run
SOURCES = ("sdtool", "templates", "cron", "setup.cfg", "pyproject.toml")
# what decides whether a desk that was generated before is still what would be generated now
SHAPE = ("bench/generate.py", "sdtool/store/migrations.py", "templates/rulebook.toml")


AS_OF = "2025-11-03T09:00"  # when the generated history ends: `generate.UNTIL`


class Sample(NamedTuple):
    """One run of a program: seconds on the wall, seconds of processor, peak memory in MiB.

    The peak is at least that of this runner (about 15 MiB): Linux hands it on to the child.
    """

    wall: float
    cpu: float
    peak: float


class Place:
    """A folder of its own with settings, cache and databases, and the installed programs."""

    def __init__(self, folder: str) -> None:
        self.folder, self.bin = folder, os.path.join(KEPT, "venv", "bin")
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SD_", "XDG_", "PYTHON", "COV"))
        }
        for name in ("CONFIG", "DATA", "CACHE", "STATE"):
            self.environment[f"XDG_{name}_HOME"] = os.path.join(folder, name.lower())
        self.environment["REFERENCE_DATABASE"] = os.path.join(folder, "reference.db")

    def settings(self, database: str) -> dict[str, str]:
        """Return the environment in which `sd` works on this database, on the day its history ends."""
        return {**self.environment, "SD_DATABASE": database, "SD_AS_OF": AS_OF}

    def run(self, words: Sequence[str], database: str = "", *, check: bool = True) -> Sample:
        """Run an installed program to its end; its output is thrown away."""
        program = os.path.join(self.bin, words[0])
        null = [(os.POSIX_SPAWN_OPEN, stream, os.devnull, os.O_RDWR, 0) for stream in (0, 1, 2)]
        start = time.perf_counter()
        child = os.posix_spawn(program, [program, *words[1:]], self.settings(database), file_actions=null)
        _, status, used = os.wait4(child, 0)
        wall = time.perf_counter() - start
        if check and status:
            raise SystemExit(f"{' '.join(words)} ended with {os.waitstatus_to_exitcode(status)}")
        return Sample(wall, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)

    def python(self, words: Sequence[str], database: str = "") -> subprocess.CompletedProcess[str]:
        """Run the environment's Python in the checkout; return what it wrote."""
        program = [os.path.join(self.bin, "python"), *words]
        settings = self.settings(database)
        return subprocess.run(program, cwd=ROOT, env=settings, capture_output=True, text=True, check=True)


def install(place: Place) -> None:
    """Install this checkout and the reference program as a user would, with compiled modules."""
    if not os.path.exists(os.path.join(place.bin, "sqlite-utils")):
        subprocess.run([sys.executable, "-m", "venv", os.path.dirname(place.bin)], check=True)
        _pip(place)
    _pip(place, "--force-reinstall", "--no-deps")
    library = place.python(["-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]).stdout.strip()
    shutil.copy(os.path.join(HERE, "reference.py"), os.path.join(library, "sd_reference.py"))
    place.python(["-m", "compileall", "-q", os.path.join(library, "sd_reference.py")])
    with open(os.path.join(place.bin, "sd"), encoding="utf-8") as script:
        text = script.read().replace("sdtool.__main__", "sd_reference")
    program = os.path.join(place.bin, "sd-reference")
    with open(program, "w", encoding="utf-8") as script:
        script.write(text)
    os.chmod(program, 0o700)
    place.python(
        ["-c", f"import sd_reference; sd_reference.prepare({place.environment['REFERENCE_DATABASE']!r})"]
    )


def _pip(place: Place, *options: str) -> None:
    """Install from a copy, so that building leaves nothing in the checkout."""
    with tempfile.TemporaryDirectory() as copy:
        for name in SOURCES:
            source, target = os.path.join(ROOT, name), os.path.join(copy, name)
            if os.path.isdir(source):
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, copy]
        settings = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run([os.path.join(place.bin, "python"), *words], env=settings, check=True)


def desk(place: Place, count: int) -> str:
    """Return a fresh copy of a desk with so many tickets; the first time it is generated (1 ms an act)."""
    digest = sha256()
    for name in SHAPE:
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    kept = os.path.join(KEPT, f"desk-{count}-{digest.hexdigest()[:12]}.db")
    if not os.path.exists(kept):
        for stale in Path(KEPT).glob(f"desk-{count}-*.db"):
            stale.unlink()
        made = os.path.join(place.folder, "generated.db")
        place.python(["-m", "bench.generate", made, "--tickets", str(count)])
        os.replace(made, kept)
        os.remove(f"{made}.gate")
    copy = os.path.join(place.folder, f"desk-{count}.db")
    shutil.copy(kept, copy)
    return copy


def numbers(database: str, sql: str) -> list[int]:
    """Return the first column of a query."""
    connection = sqlite3.connect(database)
    try:
        return [row[0] for row in connection.execute(sql)]
    finally:
        connection.close()


def interleaved(runs: Mapping[str, Callable[[int], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """Run each in turn, so many rounds; two rounds before that are not counted.

    What disturbs the machine meanwhile then disturbs all of them, and their ratios stand.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in runs}
    for number in range(rounds + 2):
        for name, run in runs.items():
            sample = run(number)
            if number >= 2:
                samples[name].append(sample)
    return samples


def median(values: Sequence[float]) -> float:
    """Return the middle one of the values, or the mean of the two in the middle."""
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2
