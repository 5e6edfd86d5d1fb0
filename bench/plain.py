"""The reports' aggregates in one plain script: `plain.py DESK MONTH` counts a month and the twelve before it.

No rules, no working time, no words: what SQL gives for the question, the tickets of a period by its index and
percentiles by order. `reports.py` states the times of `sd report` as ratios to this.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

_COUNTED = "state not in ('cancelled', 'merged') and test = 0"  # in the place of COUNTED
_QUESTIONS = {
    "opened": "select count(*) from ticket where opened_at >= :start and opened_at < :end and COUNTED",
    "left_out": "select state, count(*) from ticket where ended_at >= :start and ended_at < :end"
    " and state in ('cancelled', 'merged') group by state",
    "resolved": "select priority, category, group_key, count(*), sum(resolved_at <= resolve_due),"
    " sum(coalesce(min(accepted_at, responded_at), accepted_at, responded_at) <= respond_due),"
    " sum(escalations > 0), sum(wrong_routings > 0), sum(contacts = 0 and escalations = 0 and reopens = 0),"
    " sum(resolved_at - opened_at), sum(accepted_at - opened_at), sum(responded_at - opened_at),"
    " sum(escalated_at - opened_at)"
    " from ticket where resolved_at >= :start and resolved_at < :end and COUNTED group by 1, 2, 3",
    "times": "select resolved_at - opened_at from ticket where resolved_at >= :start and resolved_at < :end"
    " and COUNTED order by 1",
    "accepting": "select accepted_at - opened_at from ticket where resolved_at >= :start"
    " and resolved_at < :end and COUNTED order by 1",
    "answering": "select responded_at - opened_at from ticket where resolved_at >= :start"
    " and resolved_at < :end and COUNTED order by 1",
    "closed": "select count(*), sum(reopens > 0), sum(reassignments), sum(reassignments > 0),"
    " sum(reassignments > 1), sum(cause <> '' and solution <> '' and caller is not null)"
    " from ticket where closed_at >= :start and closed_at < :end and COUNTED",
    "closing": "select closed_at - opened_at from ticket where closed_at >= :start and closed_at < :end"
    " and COUNTED order by 1",
    "waiting": "select party, sum(min(coalesce(end_at, resolved_at), resolved_at) - start_at)"
    " from ticket cross join pause where pause.ticket = ticket.id and resolved_at >= :start"
    " and resolved_at < :end and COUNTED and start_at < resolved_at group by party",
    "backlog": "select group_key, (:end - opened_at) / 86400 > 20, count(*), sum(resolve_due < :end),"
    " sum(exists (select 1 from pause where pause.ticket = ticket.id and start_at < :end"
    "     and (end_at is null or end_at >= :end)))"
    " from ticket where opened_at < :end and (closed_at is null or closed_at >= :end)"
    " and (ended_at is null or ended_at >= :end) and COUNTED group by 1, 2",
    "reopened": "select count(*) from event where kind = 'ticket' and verb = 'reopen' and subject in"
    " (select id from ticket where closed_at >= :start and closed_at < :end and reopens > 0 and COUNTED)",
}


def month(db: sqlite3.Connection, start: int, end: int) -> dict[str, Any]:
    """Return the answers of one month; of times the mean, the median and the P90."""
    found = {}
    for name, sql in _QUESTIONS.items():
        rows = db.execute(sql.replace("COUNTED", _COUNTED), {"start": start, "end": end}).fetchall()
        if name in ("times", "accepting", "answering", "closing"):
            values = [value for (value,) in rows if value is not None]
            middle, high = len(values) // 2, len(values) * 9 // 10
            rows = [(sum(values) / len(values), values[middle], values[high])] if values else []
        found[name] = rows
    return found


def main() -> None:
    """Count thirteen months; print them as JSON."""
    path, last = sys.argv[1:]
    year, number = map(int, last.split("-"))
    edges = []
    for back in range(12, -2, -1):
        years, month_ = divmod(year * 12 + number - 1 - back, 12)
        edges.append(int(datetime(years, month_ + 1, 1, tzinfo=UTC).timestamp()))
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    json.dump([month(db, *edge) for edge in pairwise(edges)], sys.stdout)


if __name__ == "__main__":
    main()
