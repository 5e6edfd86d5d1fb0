"""From a ticket's history to its deadline and to the account of every second.

Nothing here is stored: a deadline is a function of the calendar, the history and the target in force
now. So a new priority keeps the time already worked and waited, and a corrected history corrects all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from sdtool.rules.worktime import Calendar

COUNTED = "counted"
PAUSED = "paused"
STOPPED = "stopped"
OUTSIDE = "outside"


class Target(NamedTuple):
    """An agreed time: working seconds, or working days that keep the clock time; never both."""

    seconds: int = 0
    days: float = 0


class Pause(NamedTuple):
    """A period in which the clock does not run.

    `end` None means that it lasts, without a planned end. `party` is who is waited for; "" is nobody,
    because the ticket is resolved.
    """

    start: int
    end: int | None
    party: str


class Interval(NamedTuple):
    """A stretch of a ticket's life; `kind` is counted, paused, stopped or outside opening hours."""

    start: int
    end: int
    kind: str
    party: str
    seconds: int


class Ledger(NamedTuple):
    """A ticket's life, without gaps, and its sums in seconds; together they are all of it."""

    intervals: tuple[Interval, ...]
    counted: int
    paused: dict[str, int]
    stopped: int
    outside: int


def due(calendar: Calendar, start: int, target: Target, pauses: Sequence[Pause]) -> int:
    """Return the moment at which the target is used up.

    Without pauses that is the target taken literally. A pause that begins before the moment reached
    so far moves it on. For a target in seconds: by the open seconds of the pause.

    For a target in days: by its length in working days, of which each is one day, short ones too,
    because that is how the target counts them. Part of a day goes by clock time: a pause from nine to
    nine the next working day is one day, from nine to eleven two hours, lunch not counted. The clock
    times that count are those at which any day of the week is open, so that 15:00 is equally far in
    every day; of a short day the closed afternoon counts too. Hence a holiday in a pause takes one day
    from it and costs one day at the end, whatever its length. What remains of a target of 2.5 days
    after two days is working time, and moves as a target in seconds does.

    A pause without an end moves nothing yet: the answer is then the earliest possible one. A further
    holiday, closed hour or pause, or a longer pause, never makes the deadline earlier.

    Args:
        calendar: the ticket's opening hours.
        start: when the ticket was made; pauses before it do not count.
        target: 0 means due at `start`.
        pauses: in any order; time that several share counts once.

    Raises:
        ValueError: the calendar has no hours within ten years.
    """
    ended = ((max(pause.start, start), pause.end) for pause in pauses if pause.end is not None)
    waits = _merged(ended)
    origin, seconds = start, target.seconds
    if target.days:
        whole, seconds = calendar.split_days(start, target.days)
        origin = _days_later(calendar, start, whole, waits)
    moment = calendar.add(origin, seconds)
    for first, last in waits:
        first = max(first, origin)
        if first >= moment:
            break
        moment = calendar.add(moment, max(calendar.between(first, last), 0))
    return moment


def _days_later(calendar: Calendar, start: int, whole: int, waits: Sequence[tuple[int, int]]) -> int:
    """Return the moment `whole` working days after `start`, moved on by pauses (merged).

    The literal moment and the one on the scale of days differ where hours change or a day has special
    ones; the later counts, because neither can be moved forward by a holiday. Nor does it lie in a pause.
    """
    literal = calendar.add_days(start, whole)
    if not whole or not waits or waits[0][0] >= literal:
        return literal
    moment = max(literal, calendar.add_days_without(start, whole, waits))
    return next((last for first, last in waits if first < moment < last), moment)


def target_seconds(calendar: Calendar, start: int, target: Target) -> int:
    """Return the working seconds a target stands for, for a ticket made at `start`.

    For a day target they depend on the days it crosses: one day that ends on a short Friday is less.
    """
    if target.days:
        return calendar.between(start, calendar.add_days(start, target.days))
    return target.seconds


def elapsed(calendar: Calendar, start: int, until: int, pauses: Sequence[Pause]) -> int:
    """Return the working seconds from `start` to `until` that count, 0 when `until` lies before."""
    if until <= start:
        return 0
    ranges = ((max(p.start, start), until if p.end is None else min(p.end, until)) for p in pauses)
    lost = sum(calendar.between(first, last) for first, last in _merged(ranges))
    return calendar.between(start, until) - lost


def ledger(calendar: Calendar, start: int, until: int, pauses: Sequence[Pause]) -> Ledger:
    """Account for every second from `start` to `until`.

    Closed hours are outside, whatever the state of the ticket. Of pauses that overlap, the one that
    began last gives the kind and the party. An `until` before `start` gives an empty ledger.
    """
    intervals: list[Interval] = []
    for first, last, kind, party in _states(start, until, pauses):
        at = first
        for opening, closing in calendar.spans(first, last):
            _append(intervals, at, opening, OUTSIDE, "")
            _append(intervals, opening, closing, kind, party)
            at = closing
        _append(intervals, at, last, OUTSIDE, "")
    sums = {COUNTED: 0, STOPPED: 0, OUTSIDE: 0}
    paused: dict[str, int] = {}
    for interval in intervals:
        account, key = (paused, interval.party) if interval.kind == PAUSED else (sums, interval.kind)
        account[key] = account.get(key, 0) + interval.seconds
    return Ledger(tuple(intervals), sums[COUNTED], paused, sums[STOPPED], sums[OUTSIDE])


def _merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sort ranges, join those that touch or overlap, leave out the empty ones."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(ranges):
        if last <= first:
            continue
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        else:
            merged.append((first, last))
    return merged


def _states(start: int, until: int, pauses: Sequence[Pause]) -> Iterator[tuple[int, int, str, str]]:
    """Cut `start` to `until` where the state may change; name the state of each piece."""
    known = sorted(pauses, key=lambda pause: pause.start)
    edges = (edge for p in known for edge in (p.start, p.end) if edge is not None and start < edge < until)
    for first, last in pairwise(sorted({start, *edges, max(start, until)})):
        ruling = [p for p in known if p.start <= first and (p.end is None or first < p.end)]
        if not ruling:
            yield first, last, COUNTED, ""
        else:
            party = ruling[-1].party
            yield first, last, PAUSED if party else STOPPED, party


def _append(intervals: list[Interval], start: int, end: int, kind: str, party: str) -> None:
    """Add a stretch, joined to the one before it when only a state without effect lies between."""
    if end <= start:
        return
    if intervals and intervals[-1][2:4] == (kind, party):
        start = intervals.pop().start
    intervals.append(Interval(start, end, kind, party, end - start))
