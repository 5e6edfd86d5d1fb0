"""How reports grow with the desk, beside the same aggregates in one plain script."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Sequence

from bench.measure import ROOT, Place, Sample, desk, median

MONTH = "2025-09"  # the generated desks end in November
REPORTS = {
    "report kpi": ("report", "kpi", "--month", MONTH, "--format", "json"),
    "report operations": ("report", "operations", "--format", "json"),
}


def multiplied(base: str, target: str, times: int) -> str:
    """Write a desk with the tickets of `base` so many times, under other numbers; return its path.

    Ten tickets a minute instead of one: rows and indexes are as they would be, the journal's chain is not.
    """
    shutil.copyfile(base, target)
    db = sqlite3.connect(target)
    for (trigger,) in db.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        db.execute(f"drop trigger {trigger}")
    tickets, events = (
        db.execute(sql).fetchone()[0] for sql in ("select max(id) from ticket", "select max(id) from event")
    )
    shifts = {
        "ticket": {"id": tickets, "merged_into": tickets},
        "pause": {"ticket": tickets},
        "link": {"ticket": tickets, "other": tickets},
        "event": {"id": events, "act": events, "subject": tickets},
        "event_data": {"event": events},
    }
    db.execute("update ticket set fmis_ref = null")
    for table, shifted in shifts.items():
        own = {"event": "id", "event_data": "event", "ticket": "id"}.get(table, "ticket")
        most = events if table.startswith("event") else tickets
        names = [row[1] for row in db.execute(f"pragma table_info({table})")]
        values = ", ".join(f"{n} + {shifted[n]} * :k" if n in shifted else n for n in names)
        for k in range(1, times):
            db.execute(
                # of our own tables and columns
                f"insert into {table} ({', '.join(names)}) select {values} from {table} where {own} <= :most",  # noqa: S608
                {"k": k, "most": most},
            )
            db.commit()
    db.close()
    return target


def growth(place: Place, sizes: Sequence[int], runs: int) -> list[tuple[str, ...]]:
    """Return rows of a table: each report at each size, with the plain script's time as 1."""
    rows: list[tuple[str, ...]] = [("", "tickets", "s", "cpu s", "MiB", "to plain", "to a tenth")]
    before: dict[str, float] = {}
    for size in sizes:
        database = desk(place, min(size, 100_000))
        if size > 100_000:
            database = multiplied(database, os.path.join(place.folder, f"{size}.db"), size // 100_000)
        plain = _median([_plain(place, database) for _ in range(runs)])
        for name, words in REPORTS.items():
            place.run(["sd", *words], database)  # warm
            found = _median([place.run(["sd", *words], database) for _ in range(runs)])
            rows.append(_row(name, size, found, plain.wall, before))
        rows.append(_row("plain script", size, plain, plain.wall, before))
        os.remove(database)
    return rows


def _plain(place: Place, database: str) -> Sample:
    return place.run(["python", os.path.join(ROOT, "bench", "plain.py"), database, MONTH])


def _median(found: Sequence[Sample]) -> Sample:
    return Sample(*(median([sample[n] for sample in found]) for n in range(3)))


def _row(name: str, size: int, found: Sample, plain: float, before: dict[str, float]) -> tuple[str, ...]:
    last = before.get(name)
    before[name] = found.wall
    times = f"{found.wall:.2f}", f"{found.cpu:.2f}", f"{found.peak:.0f}", f"{found.wall / plain:.2f}"
    return name, f"{size:,}", *times, "" if last is None else f"{found.wall / last:.1f}"
