"""Deadlines that were missed in a period, each with the one cause that tells most about it.

A breach is a ticket resolved too late in the period, as the KPI of resolve attainment counts it, or one
whose deadline passed in it and that is still open; of one that waits since, the time up to then counts. The
cause follows from the ticket, in this order:

1. Half of the promised time or more went by before somebody took it: taken late. Or while an answer was
   owed and the clock ran: waiting for that party. The longer of the two counts.
2. It was reopened; it was sent to a wrong group; it changed groups twice or more; it was escalated.
3. Nothing of that: the work itself took longer than promised.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections import Counter
from collections.abc import Iterator
from heapq import nsmallest
from typing import NamedTuple

from sdtool.reports.backlog import is_late
from sdtool.reports.clocks import Clocks
from sdtool.reports.cohort import in_time, slices
from sdtool.reports.period import Period
from sdtool.reports.scope import COUNTED
from sdtool.reports.seen import MOST, Eyes, Listed, summaries
from sdtool.rules.deadline import Pause, elapsed
from sdtool.rules.worktime import Calendar
from sdtool.store.base import Row, Store

CAUSES = (
    "taken-late",
    "waiting-customer",
    "waiting-supplier",
    "waiting-internal",
    "reopened",
    "misrouted",
    "reassigned",
    "escalated",
    "work",
)
MANY = 2  # changes of solver group that tell something
_HALF = 2  # a part of the promised time that tells something: one over this
_COLUMNS = (
    "ticket.id, type, priority, group_key, agent, opened_at, accepted_at, resolved_at, resolve_due,"
    " resolve_target, agreed_due, service, escalations, reassignments, wrong_routings, reopens"
)
_RESOLVED = (
    f"select {_COLUMNS} from ticket"  # noqa: S608 (constants)
    " where resolved_at >= :start and resolved_at < :end and (resolved_at > :start or id > :after)"
    f" and resolved_at > resolve_due and {COUNTED} order by resolved_at, id limit :size"
)
_OPEN = (
    f"select {_COLUMNS}, pause.start_at from ticket"  # noqa: S608 (constants)
    " left join pause on pause.ticket = ticket.id and pause.end_at is null"
    " where ended_at is null and resolve_due >= :start and resolve_due < :end"
    f" and {COUNTED} order by resolve_due, ticket.id"
)
_PAUSES = "select start_at, end_at, party from pause where ticket = :id order by start_at"
_OWED = (
    "select kind, asked_at, ended_at from owed where ticket = :id and asked_at < :until order by asked_at, id"
)


class Breach(NamedTuple):
    """A missed deadline: `over` are the working seconds past it; `resolved_at` is None while it is open.

    `times` is how often it changed groups, was reopened … where that is its cause, else 0.
    """

    ticket: int
    priority: int
    summary: str
    group: str
    agent: str
    due: int
    resolved_at: int | None
    over: int
    cause: str
    times: int


class Breaches(NamedTuple):
    """The breaches of a period: how many by cause, the most frequent first, and the first of them."""

    causes: tuple[tuple[str, int], ...]
    listed: Listed[Breach]


def breaches(store: Store, clocks: Clocks, period: Period, now: int, eyes: Eyes) -> Breaches:
    """Return the breaches of a period up to `now`: highest priority first, then the longest over."""
    found = list(_found(store, clocks, period, now))
    counts = Counter(one.cause for one in found)
    causes = sorted(counts.items(), key=lambda item: (-item[1], CAUSES.index(item[0])))
    first = nsmallest(MOST, found, key=lambda one: (one.priority, -one.over, one.ticket))
    shown = summaries(store, [one.ticket for one in first], eyes)
    rows = (one._replace(summary=shown[one.ticket], agent=eyes.name(one.agent)) for one in first)
    return Breaches(tuple(causes), Listed(len(found), tuple(rows)))


def _found(store: Store, clocks: Clocks, period: Period, now: int) -> Iterator[Breach]:
    for rows in slices(store, _RESOLVED, "resolved_at", period.start, period.end):
        for row in rows:
            yield from _judged(store, clocks, row, row["resolved_at"])
    for row in store.query(_OPEN, start=period.start, end=min(period.end, now)):
        if is_late(row["resolve_due"], row["start_at"], now):
            yield from _judged(store, clocks, row, now if row["start_at"] is None else row["start_at"])


def _judged(store: Store, clocks: Clocks, row: Row, until: int) -> Iterator[Breach]:
    """Yield the breach that a ticket is; the request of a change of staff is not judged, its parts are."""
    clock = clocks.of(row["type"], row["priority"], row["opened_at"])
    if (row["service"] or row["agreed_due"] is None) and not in_time(row["resolve_due"], until, clock):
        cause, times = _cause(store, row, clock, until)
        over = clock.between(row["resolve_due"], until)
        about = (row["id"], row["priority"], "", row["group_key"], row["agent"], row["resolve_due"])
        yield Breach(*about, row["resolved_at"], over, cause, times)


def _cause(store: Store, row: Row, clock: Calendar, until: int) -> tuple[str, int]:
    seconds, longest = _longest(store, row, clock, until)
    if seconds and seconds * _HALF >= row["resolve_target"]:
        return longest, 0
    for cause, column, least in (
        ("reopened", "reopens", 1),
        ("misrouted", "wrong_routings", 1),
        ("reassigned", "reassignments", MANY),
        ("escalated", "escalations", 1),
    ):
        if row[column] >= least:
            return cause, row[column]
    return "work", 0


def _longest(store: Store, row: Row, clock: Calendar, until: int) -> tuple[int, str]:
    """Return what used most of the time in which the clock ran, and how many working seconds of it."""
    stood = [Pause(p["start_at"], p["end_at"], p["party"]) for p in store.query(_PAUSES, id=row["id"])]
    taken = until if row["accepted_at"] is None else min(row["accepted_at"], until)
    used = {"taken-late": elapsed(clock, row["opened_at"], taken, stood)}
    for owed in store.query(_OWED, id=row["id"], until=until):
        cause, end = f"waiting-{owed['kind']}", owed["ended_at"]
        last = until if end is None else min(end, until)
        # two answers owed by one kind at once are waited for once: the longer one
        used[cause] = max(used.get(cause, 0), elapsed(clock, max(owed["asked_at"], taken), last, stood))
    cause = max(used, key=lambda name: (used[name], -CAUSES.index(name)))
    return used[cause], cause
