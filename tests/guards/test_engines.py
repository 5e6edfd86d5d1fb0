"""Both engines run the same tests, but for those of an engine itself; who has no server is told so."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.engines import ENGINES, postgresql

CODE = Path(__file__).parents[2]
NO_SERVER = "no PostgreSQL server is installed: nothing was tested on it"


def pytest_run(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in a process of its own; return what it left."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SD_TEST", "PYTEST"))}
    program = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    return subprocess.run(program, cwd=CODE, env={**kept, **env}, capture_output=True, text=True)


def collected(engine: str) -> tuple[set[str], int, int]:
    """Return the tests on either engine, the number of all, and of the engine's own."""
    shared = ("-m", "not sqlite and not postgresql")
    out = pytest_run("--engine", engine, "--collect-only", "-o", "addopts=", "-q", *shared).stdout
    counts = re.search(rf"^{engine}: (\d+) tests, \d+ on either engine and (\d+) of this one", out, re.M)
    assert counts, out
    return set(re.findall(r"^tests/.*::.*$", out, re.M)), int(counts[1]), int(counts[2])


@pytest.mark.skipif(postgresql(), reason="counted in the run on SQLite")
def test_both_engines_run_the_same_tests() -> None:
    """All tests less the engine's own: the same number, and the same tests."""
    (one, all_one, own_one), (other, all_other, own_other) = map(collected, ENGINES)
    assert one ^ other == set()
    assert all_one - own_one == all_other - own_other == len(one) > 1_000
    assert min(own_one, own_other) > 0


@pytest.mark.parametrize("more", [(), ("-n", "2")], ids=["one process", "two"])
def test_without_a_server_one_line_says_so(tmp_path: Path, more: tuple[str, ...]) -> None:
    ran = pytest_run("--engine", "postgresql", *more, SD_TEST_POSTGRESQL=str(tmp_path))
    said = [line for line in (ran.stdout + ran.stderr).splitlines() if line.strip()]
    assert (ran.returncode, said) == (0, [f"Exit: {NO_SERVER}"])


def test_where_services_are_required_that_fails(tmp_path: Path) -> None:
    ran = pytest_run("--engine", "postgresql", SD_TEST_POSTGRESQL=str(tmp_path), SD_TEST_SERVICES="required")
    assert ran.returncode == 1 and NO_SERVER in ran.stderr
