"""The month figures of an imported log, against those that pandas computes from the same file."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from bench import event_log
from tests.conftest import Sd

ROOT = Path(__file__).parent.parent
ORACLE = Path(os.environ.get("SD_TEST_ORACLE", ROOT / ".venv-oracle" / "bin" / "python"))
INCIDENTS = 250
TRACED = ("opened", "closed", "backlog")  # figures whose tickets are listed, and counted again


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a year of incidents; `SD_TEST_LOG` names another file of that kind."""
    given = os.environ.get("SD_TEST_LOG")
    path = Path(given) if given else tmp_path_factory.mktemp("log") / "log.csv"
    if not given:
        event_log.write(str(path), INCIDENTS)
    return path


@pytest.fixture(scope="module")
def expected(log: Path) -> dict[str, dict[str, float | None]]:
    """The figures of each month, from an environment of its own: pandas would slow down every `sd`."""
    if not ORACLE.exists():
        if os.environ.get("SD_TEST_SERVICES") == "required":
            pytest.fail(f"there is no {ORACLE}: `make test` makes it")
        pytest.skip("pandas has no environment of its own: `make test` makes it")
    program = [str(ORACLE), "-W", "error", str(ROOT / "tests" / "oracle_kpi.py"), str(log)]
    done = subprocess.run(program, capture_output=True, text=True, check=True)
    found: dict[str, dict[str, float | None]] = json.loads(done.stdout)
    return found


@pytest.mark.service
def test_every_month_of_a_log_as_pandas_counts_it(
    sd: Sd, log: Path, expected: dict[str, dict[str, float | None]]
) -> None:
    assert sd("fmis", "import", log, "--map", "servicenow-log").code == 0
    assert len(expected) >= 7

    for month, figures in expected.items():
        report = sd("report", "kpi", "--month", month, "--format", "json").json()
        found = {figure["key"]: figure["value"] for figure in report["kpis"]}
        wanted = {key: None if value is None else pytest.approx(value) for key, value in figures.items()}
        assert {key: found[key] for key in figures} == wanted, month
        for key in TRACED:
            lines = sd("report", "kpi", "--month", month, "--detail", key, "--format", "json").json()
            assert sum(line["n"] for line in lines) == figures[key], (month, key)
