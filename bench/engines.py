"""Both engines side by side: the same desk in a file and on a server of the run's own, in turn."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence

from bench import event_log
from bench.measure import Place, Sample, desk, interleaved, median
from tests.cluster import Cluster, programs

LASTING = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on", "autovacuum": "on"}
KPI = ("sd", "report", "kpi", "--from", "2022-10-01", "--to", "2025-11-01", "--format", "json")
NEW = (
    "sd", "new", "Printer werkt niet", "--caller", "persoon1@example.be", "--channel", "phone",
    "--type", "incident", "--category", "printer", "--urgency", "normal",
)  # fmt: skip


def measure(place: Place, size: int, incidents: int, rounds: int) -> list[tuple[str, ...]]:
    """Return the rows of a table: what, SQLite, PostgreSQL, ratio; [] where no server is installed."""
    if programs() is None:
        return []
    python = os.path.join(place.bin, "python")
    subprocess.run([python, "-m", "pip", "install", "-q", "psycopg[binary]>=3.2"], check=True)
    server = Cluster(settings=LASTING, folder=tempfile.gettempdir())
    try:
        server.make("bench")
        file, url = desk(place, size), server.url("bench")
        moved = place.run(["sd", "admin", "copy", "--to", url], file)
        rows: list[tuple[str, ...]] = [
            (f"copy to PostgreSQL, {size:,} tickets", "", f"{moved.wall:.1f} s", "")
        ]
        rows += _commands(place, file, url, rounds)
        return [*rows, *_import(place, file, url, incidents)]
    finally:
        server.remove()


def _commands(place: Place, file: str, url: str, rounds: int) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    lasting = {"sd new": (NEW, rounds), "sd list": (("sd", "list", "--limit", "20"), rounds)}
    for name, (words, times) in {**lasting, "sd report kpi": (KPI, 3)}.items():
        samples = interleaved(
            {"file": _runs(place, words, file), "url": _runs(place, words, url)},
            times,
        )
        one, other = (median([sample.wall for sample in samples[key]]) for key in ("file", "url"))
        rows.append((name, f"{1000 * one:.0f} ms", f"{1000 * other:.0f} ms", f"{other / one:.2f}"))
    return rows


def _runs(place: Place, words: Sequence[str], database: str) -> Callable[[int], Sample]:
    return lambda number: place.run(words, database)


def _import(place: Place, file: str, url: str, incidents: int) -> list[tuple[str, ...]]:
    log = os.path.join(place.folder, "engines.csv")
    count = event_log.write(log, incidents)
    rates = []
    for database in (file, url):
        began = time.perf_counter()
        place.run(["sd", "fmis", "import", log, "--map", "servicenow-log"], database)
        rates.append(count / (time.perf_counter() - began))
    return [("import, rows/s", f"{rates[0]:.0f}", f"{rates[1]:.0f}", f"{rates[0] / rates[1]:.2f}")]
