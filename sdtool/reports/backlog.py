"""What was left at the end of a period, and what came back after it was thought solved.

A ticket was left when it was made before that moment and is closed after it or not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sdtool.reports.clocks import Clocks
from sdtool.reports.period import Period
from sdtool.reports.registry import BUCKETS, bucket_key
from sdtool.reports.scope import COUNTED, Scope
from sdtool.reports.tally import Tally
from sdtool.rules.worktime import Calendar
from sdtool.store.base import Row, Store

SOON = 10  # working days within which a reopening is held against the solution

_NOT_CLOSED = f"""
    select ticket.id, type, priority, group_key, opened_at, resolve_due, ended_at, closed_at, reopens,
        pause.start_at, pause.party
    from ticket left join pause
        on pause.ticket = ticket.id and pause.start_at < :end
        and (pause.end_at is null or pause.end_at >= :end)
    where closed_at is null and opened_at < :end and {COUNTED} /* scope */
"""  # noqa: S608 (a constant)
_CLOSED_SINCE = f"""
    select ticket.id, type, priority, group_key, opened_at, resolve_due, ended_at, closed_at, reopens,
        pause.start_at, pause.party
    from ticket left join pause
        on pause.ticket = ticket.id and pause.start_at < :end
        and (pause.end_at is null or pause.end_at >= :end)
    where closed_at >= :start and opened_at < :end
        and (closed_at >= :end or reopens > 0) and {COUNTED} /* scope */
"""  # noqa: S608 (a constant)
_STOPS = """
    select pause.start_at, pause.end_at, event.verb, event.at
    from pause left join event
        on event.kind = 'ticket' and event.subject = pause.ticket
        and event.at >= pause.start_at and event.at <= pause.end_at
        and event.verb in ('resolve', 'close', 'import-close', 'cancel', 'merge')
    where pause.ticket = :id and pause.party = '' and pause.end_at >= :start and pause.start_at < :end
    order by pause.start_at, event.id
"""


def count(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    """Count what ran at the end of the period, and what was undone of it."""
    period, bounds = scope.period, scope.bounds
    rows = {row["id"]: row for row in store.query(scope.narrowed(_NOT_CLOSED), **bounds)}
    rows |= {row["id"]: row for row in store.query(scope.narrowed(_CLOSED_SINCE), **bounds)}
    for row in rows.values():
        clock = clocks.of(row["type"], row["priority"], row["opened_at"])
        if row["closed_at"] is None or row["closed_at"] >= period.end:
            tally.add("backlog_unclosed", 1, row["id"])
            _count_open(row, clock, period.end, tally)
        if row["reopens"]:
            _count_undone(row, clock, period, _stops(store, row["id"], period), tally)


def is_late(due: int, waiting_since: int | None, at: int) -> bool:
    """Tell whether an open ticket is past its deadline at a moment: one that waits, if it was before that."""
    return due < at and not (waiting_since is not None and waiting_since < due)


def _count_open(row: Row, clock: Calendar, end: int, tally: Tally) -> None:
    """Count a ticket by age, if it ran: not resolved by then, nor resolved then and reopened since."""
    if row["party"] == "" or (row["ended_at"] is not None and row["ended_at"] < end):
        return
    waiting = row["party"] is not None
    late = is_late(row["resolve_due"], row["start_at"], end)
    group = tally.groups[row["group_key"]]
    for name, counted in (("backlog", True), ("backlog_late", late), ("backlog_waiting", waiting)):
        tally.add(name, int(counted), row["id"])
        group[name] += counted
    age = clock.working_days(row["opened_at"], end - 1)
    bucket = next(bucket_key(low, high) for low, high in BUCKETS if high is None or age <= high)
    tally.add(bucket, 1, row["id"])


def _count_undone(
    row: Row, clock: Calendar, period: Period, stops: Iterator[tuple[int, Sequence[int]]], tally: Tally
) -> None:
    """Count a reopened ticket if it was resolved or closed in the period, and if it came back soon after.

    One that stands closed in the period is among `closed` already.
    """
    ended = [(at, end) for end, moments in stops for at in moments if period.start <= at < period.end]
    if not ended:
        return
    standing = row["closed_at"] is not None and period.start <= row["closed_at"] < period.end
    tally.add("closed_or_undone", int(not standing), row["id"])
    tally.add("reopened_soon", int(any(clock.working_days(at, end) <= SOON for at, end in ended)), row["id"])


def _stops(store: Store, number: int, period: Period) -> Iterator[tuple[int, Sequence[int]]]:
    """List the ends of a ticket that were undone: when, and the moments it was resolved and closed.

    An end without such events in the journal (an import) happened when its clock stopped.
    """
    stops: dict[tuple[int, int], list[Row]] = {}
    for row in store.query(_STOPS, id=number, start=period.start, end=period.end):
        stops.setdefault((row["start_at"], row["end_at"]), []).append(row)
    for (start, end), events in stops.items():
        if not any(row["verb"] in ("cancel", "merge") for row in events):
            yield end, [start if row["at"] is None else row["at"] for row in events]
