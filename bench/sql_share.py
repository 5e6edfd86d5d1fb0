"""Run one command line in this process and tell how much of its time went into the database.

    python -m bench.sql_share report kpi --month 2026-09

Prints a JSON object on standard error: seconds in all (imports left out), seconds in SQL, statements.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

from sdtool import cli
from sdtool.store.sqlite import SqliteStore

spent = {"sql": 0.0, "statements": 0}


def timed(work: Callable[..., Any]) -> Callable[..., Any]:
    """Return `work`, with its time added to what was spent in SQL."""

    def call(*args: Any, **named: Any) -> Any:
        start = time.perf_counter()
        try:
            return work(*args, **named)
        finally:
            spent["sql"] += time.perf_counter() - start
            spent["statements"] += 1

    return call


def main() -> None:
    """Time the command line given."""
    for name in ("query", "execute", "many"):
        setattr(SqliteStore, name, timed(getattr(SqliteStore, name)))
    start = time.perf_counter()
    code = cli.run(sys.argv[1:])
    sys.stderr.write(json.dumps({"seconds": time.perf_counter() - start, **spent}) + "\n")
    sys.exit(code)


if __name__ == "__main__":
    main()
