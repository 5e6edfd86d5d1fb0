"""A copy of a desk on SQLite for reading: figures and courses of events, without names and contents.

Only the columns that are named here are copied: a new column is nobody's to see until somebody thought of it.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sdtool.store.files import explained, path_of, require

_AT = "strftime('%Y-%m-%dT%H:%M:%SZ', {0}, 'unixepoch') as {0}"
_TICKET = (
    "id type state category channel urgency impact target_group priority derived_priority route group_key"
    " contacts escalations reassignments wrong_routings reopens waiting_on service"
    " confidential test merged_into"
)
_TICKET_AT = "opened_at accepted_at responded_at resolved_at closed_at ended_at respond_due resolve_due"
# table -> its columns, its moments
_TABLES: dict[str, tuple[str, str]] = {
    "ticket": (_TICKET, _TICKET_AT),
    "pause": ("ticket party", "start_at end_at"),
    "link": ("ticket kind other", ""),
    "owed": ("id ticket kind step state", "asked_at due_at step_at ended_at"),
    "problem": ("id category state", "opened_at known_at ended_at"),
    "problem_ticket": ("problem ticket", ""),
    "article": ("id title version review_on state", "made_at ended_at reviewed_at"),
    "article_use": ("article ticket", ""),
    "call_day": ("day line offered answered abandoned dropped waited in_time", ""),
    "major": ("id update_every", "declared_at revoked_at"),
    "job_run": ("job outcome", "started_at finished_at"),
    "holiday": ("calendar day name hours", ""),
}
# what is computed while a table is copied: months are those of the desk, as in its reports
_MADE = {"ticket": ["local_month(opened_at) as opened_month"]}
# with personal data: who, and what about; of confidential tickets neither
_PERSONAL = """
    create table who as
    select ticket.id as ticket, summary, agent, registered_by, person.name as caller, person.department
    from desk.ticket left join desk.person on person.id = ticket.caller
    where ticket.confidential = 0
"""
_INDEXES = (
    "create unique index ticket_id on ticket (id)",
    "create index ticket_opened on ticket (opened_at)",
    "create index ticket_group on ticket (group_key, state)",
    "create index pause_ticket on pause (ticket)",
)


def write(
    url: str,
    target: str,
    figures: Iterable[Sequence[Any]],
    *,
    personal: bool = False,
    timezone: str = "UTC",
) -> None:
    """Write the copy of a desk to a new file that only its owner may read.

    Args:
        url: the desk, a path or sqlite:///PATH.
        target: does not exist yet.
        figures: (month, key, label, unit, value, n, of, norm, frozen) of KPIs, for the table `kpi`.
        personal: with the names of callers and agents, and summaries, of what is not confidential.
        timezone: that of the desk, of which the months in `opened_month` are.
    """
    zone = ZoneInfo(timezone)
    path = path_of(url)
    require(path)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with explained(path):
        copy = sqlite3.connect(f"file:{target}", uri=True, isolation_level=None)
        try:
            quoted = path.replace("%", "%25").replace("?", "%3f").replace("#", "%23")
            copy.create_function("local_month", 1, lambda at: f"{datetime.fromtimestamp(at, zone):%Y-%m}")
            copy.execute("attach ? as desk", (f"file:{quoted}?mode=ro",))
            copy.execute("begin")
            for name, (columns, moments) in _TABLES.items():
                wanted = [*columns.split(), *(_AT.format(one) for one in moments.split())]
                wanted += _MADE.get(name, [])
                copy.execute(f"create table {name} as select {', '.join(wanted)} from desk.{name}")  # noqa: S608
            if personal:
                copy.execute(_PERSONAL)
            copy.execute("create table kpi (month, key, label, unit, value, n, of_n, norm, frozen)")
            copy.executemany("insert into kpi values (?, ?, ?, ?, ?, ?, ?, ?, ?)", figures)
            for index in _INDEXES:
                copy.execute(index)
            copy.execute("commit")
        finally:
            copy.close()
