"""Measure the import of HR's files, against the rows that it leaves written plainly into the same tables.

Plainly means: the rows of every table, the search index among them, are in memory; one `executemany` a table
in one transaction, with the durability and the constraints of a desk. Nothing is read, checked, decided,
chained or composed, and the start of a program is not counted. What is left of the ratio is that work, and a
transaction for each row instead of one.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

from bench.measure import AS_OF, Place, Sample, numbers
from tests import hr_files

_TABLES = (
    "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
    " and name not like 'ticket_text_%' order by name"
)
_COPIED = (
    "select count(*) from event union all select count(*) from ticket union all select count(*) from link"
    " union all select count(*) from person union all select count(*) from ticket_text"
)


def measure(place: Place, rows: int, faults: int) -> list[tuple[str, str, str, str]]:
    """Return lines of a table: what, seconds, rows a second, peak memory in MiB; and the ratio.

    Raises:
        SystemExit: the import did not leave a change for each row without a refused number.
    """
    file = Path(place.folder, "hr.csv")
    hr_files.make(file, rows, faults, 11, date.fromisoformat(AS_OF[:10]))
    database, bare = (os.path.join(place.folder, name) for name in ("staff.db", "bare.db"))
    for made in (database, bare):
        place.run(["sd", "init"], made)
    words = ["sd", "onboarding", "import", str(file)]
    # these files have faults: the exit code is 3
    samples = {"check": place.run([*words, "--check"], database, check=False)}
    samples["import"] = place.run(words, database, check=False)
    changes = numbers(database, "select count(*) from staff_change")[0]
    samples["again"] = place.run(words, database, check=False)
    if changes < rows - faults or numbers(database, "select count(*) from staff_change")[0] != changes:
        raise SystemExit(f"{changes} of {rows} rows were taken in")
    content = _content(database)
    plain = _insert(bare, content)
    told = [(name, *_told(sample, rows)) for name, sample in samples.items()]
    if numbers(bare, _COPIED) != numbers(database, _COPIED):
        raise SystemExit("the rows were not all written plainly")
    written = sum(len(found) for _, found in content)
    return [
        *told,
        (f"the {written:,} rows it left, plainly", f"{plain:.2f}", f"{rows / plain:.0f}", ""),
        ("import / plainly", f"{samples['import'].wall / plain:.1f}", "", ""),
    ]


def _told(sample: Sample, rows: int) -> tuple[str, str, str]:
    return f"{sample.wall:.2f}", f"{rows / sample.wall:.0f}", f"{sample.peak:.0f}"


def _content(database: str) -> list[tuple[str, Sequence[tuple[Any, ...]]]]:
    """Return statement and rows of each table of a desk, those that are referred to first."""
    with closing(sqlite3.connect(database)) as connection:
        found: list[tuple[str, Sequence[tuple[Any, ...]]]] = []
        for name in _order(connection):
            rows = connection.execute(f"select * from {name}")  # noqa: S608 - the desk's own names
            names = ", ".join(column[0] for column in rows.description)
            marks = ", ".join("?" for _ in rows.description)
            found.append((f"insert or ignore into {name} ({names}) values ({marks})", rows.fetchall()))  # noqa: S608
    return found


def _order(connection: sqlite3.Connection) -> Iterator[str]:
    """Yield the tables of a desk, each after those that it refers to."""
    left = {name: set[str]() for (name,) in connection.execute(_TABLES)}
    for name, targets in left.items():
        rows = connection.execute(f"pragma foreign_key_list({name})")
        targets.update(row[2] for row in rows if row[2] != name)
    while left:
        free = [name for name, targets in left.items() if not targets & set(left)]
        for name in free or list(left):
            del left[name]
            yield name


def _insert(database: str, content: Sequence[tuple[str, Sequence[tuple[Any, ...]]]]) -> float:
    """Write rows into an empty desk in one transaction; return how many seconds that took."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("pragma synchronous = full")
        connection.execute("pragma foreign_keys = on")
        start = time.perf_counter()
        connection.execute("begin immediate")
        for statement, rows in content:
            connection.executemany(statement, rows)
        connection.execute("commit")
        return time.perf_counter() - start
