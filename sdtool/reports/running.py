"""The open tickets now: how many, how old, which run out of time, which of the highest need a word."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import contextlib
from collections import Counter
from datetime import timedelta
from heapq import nsmallest
from typing import NamedTuple

from sdtool.desk import Desk, tickets, updates
from sdtool.errors import BadSetup
from sdtool.reports.backlog import is_late
from sdtool.reports.clocks import Clocks
from sdtool.reports.registry import BUCKETS, bucket_key
from sdtool.reports.scope import COUNTED
from sdtool.reports.seen import MOST, Eyes, Listed, summaries
from sdtool.rules.moments import day_of, midnight
from sdtool.store.base import Row

RISKY = 4  # at risk is what has less than one over this of its promised time left


class Backlog(NamedTuple):
    """What is open: of it late, waiting (the clock stands), and by age as (key of a KPI, tickets)."""

    open: int
    late: int
    waiting: int
    ages: tuple[tuple[str, int], ...]


class Risk(NamedTuple):
    """An open ticket that is due today or has used most of its time: `left` are working seconds."""

    ticket: int
    priority: int
    summary: str
    group: str
    agent: str
    due: int
    left: int


class Urgent(NamedTuple):
    """An open ticket of the highest priority that is late, or of which the customer heard nothing in time."""

    ticket: int
    group: str
    since: int


# a group at a time: what is open need not fit in memory whole
_GROUPS = "select distinct group_key from ticket where ended_at is null order by group_key"
_OPEN = (
    "select ticket.id, type, priority, group_key, agent, opened_at, responded_at, respond_due, resolve_due,"  # noqa: S608
    " resolve_target, paused, pause.start_at from ticket"
    " left join pause on pause.ticket = ticket.id and pause.end_at is null"
    f" where ended_at is null and group_key = :group and {COUNTED}"
)


class Running:
    """The open tickets of a desk at its moment, read once."""

    def __init__(self, desk: Desk, clocks: Clocks) -> None:
        self._desk, self._clocks = desk, clocks
        self._highest = min((one.level for one in desk.rulebook.priorities), default=1)
        self._day_end = midnight(day_of(desk.now, desk.timezone) + timedelta(days=1), desk.timezone)
        self._counts: Counter[str] = Counter()
        self._risks: list[Risk] = []
        self.urgent: list[Urgent] = []
        for group in desk.store.query(_GROUPS):
            for row in desk.store.query(_OPEN, group=group["group_key"]):
                self._add(row)

    def _add(self, row: Row) -> None:
        clock, now = self._clocks.of(row["type"], row["priority"], row["opened_at"]), self._desk.now
        late = is_late(row["resolve_due"], row["start_at"], now)
        age = clock.working_days(row["opened_at"], now)
        bucket = next(bucket_key(low, high) for low, high in BUCKETS if high is None or age <= high)
        self._counts.update({"open": 1, "late": int(late), "waiting": row["paused"], bucket: 1})
        if row["priority"] == self._highest:
            self._add_urgent(row, late)
        if late or row["paused"]:
            return
        left = max(clock.between(now, row["resolve_due"]), 0)
        if row["resolve_due"] < self._day_end or left * RISKY < row["resolve_target"]:
            about = (row["id"], row["priority"], "", row["group_key"], row["agent"])
            self._risks.append(Risk(*about, row["resolve_due"], left))

    def _add_urgent(self, row: Row, late: bool) -> None:
        passed = [row["resolve_due"]] if late else []
        passed += [due for due in self._words_due(row) if due < self._desk.now]
        if passed:
            self.urgent.append(Urgent(row["id"], row["group_key"], min(passed)))

    def _words_due(self, row: Row) -> list[int]:
        """Return by when the customer must have heard something: at first, and again."""
        found = [row["respond_due"]] if row["responded_at"] is None and not row["paused"] else []
        with contextlib.suppress(BadSetup):  # nothing is promised any more for its type and priority
            promise = updates.deadline(self._desk, tickets.get(self._desk.store, row["id"]))
            found += [promise.due] if promise is not None else []
        return found

    def backlog(self) -> Backlog:
        """Return what was counted."""
        counts = self._counts
        ages = tuple((key, counts[key]) for key in (bucket_key(*bucket) for bucket in BUCKETS))
        return Backlog(counts["open"], counts["late"], counts["waiting"], ages)

    def at_risk(self, eyes: Eyes) -> Listed[Risk]:
        """List what is at risk: highest priority first, then by deadline."""
        first = nsmallest(MOST, self._risks, key=lambda risk: (risk.priority, risk.due, risk.ticket))
        shown = summaries(self._desk.store, [risk.ticket for risk in first], eyes)
        rows = (risk._replace(summary=shown[risk.ticket], agent=eyes.name(risk.agent)) for risk in first)
        return Listed(len(self._risks), tuple(rows))
