"""The opening hours of one day, and what the days of a week have in common."""

from __future__ import annotations

from collections.abc import Sequence

Hours = tuple[tuple[int, int], ...]
"""Open ranges of one day, in seconds after local midnight, half open. An end past 86,400 is a night
shift: it belongs to the day on which it begins, runs at most to the next midnight but one, and does
not take place when that day is closed."""

_DAY = 86_400


def tidy(hours: Hours) -> Hours:
    """Sort ranges and join those that touch or overlap.

    Raises:
        ValueError: a range is empty or does not fit in a day and the night after it.
    """
    joined: list[tuple[int, int]] = []
    for start, end in sorted(hours):
        if not 0 <= start < _DAY or not start < end <= 2 * _DAY:
            raise ValueError(f"opening hours {start}-{end} do not fit in a day")
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


def cut(hours: Hours, breaks: Hours) -> Hours:
    """Take `breaks` out of `hours`."""
    for first, last in breaks:
        pieces = [piece for a, b in hours for piece in ((a, min(b, first)), (max(a, last), b))]
        hours = tuple((a, b) for a, b in pieces if a < b)
    return hours


def regular_days(weeks: Sequence[Sequence[Hours]]) -> list[int]:
    """Return the regular day of each version: its most common length, the longer one on a tie.

    A version without hours takes that of the next one, which ends its closure.
    """
    regular: list[int] = []
    for week in reversed(weeks):
        lengths = [length(hours) for hours in week if hours]
        following = regular[-1] if regular else 0
        regular.append(max(lengths, key=lambda n: (lengths.count(n), n), default=following))
    return regular[::-1]


def day_frames(weeks: Sequence[Sequence[Hours]]) -> list[Hours]:
    """Return the frame of each version: the clock times at which any day of the week is open.

    It begins after the longest stretch without hours and runs past midnight where night shifts do.
    A version without hours takes that of the next one; the last resort is the whole day.
    """
    frames: list[Hours] = []
    for week in reversed(weeks):
        ranges = [(a, min(b, _DAY)) for hours in week for a, b in hours]
        nights = [(0, b - _DAY) for hours in week for _, b in hours if b > _DAY]
        clock = tidy((*ranges, *nights)) or (frames[-1] if frames else ((0, _DAY),))
        gaps = [clock[i][0] - clock[i - 1][1] + (0 if i else _DAY) for i in range(len(clock))]
        first = gaps.index(max(gaps))
        frames.append(clock[first:] + tuple((a + _DAY, b + _DAY) for a, b in clock[:first]))
    return frames[::-1]


def clock_time(hours: Hours, passed: int) -> int:
    """Return the clock time at which `passed` seconds of `hours` (1 or more) are over."""
    for start, end in hours:
        if passed <= end - start:
            return start + passed
        passed -= end - start
    return hours[-1][1]


def length(hours: Hours) -> int:
    """Return the seconds in ranges that do not overlap."""
    return sum(end - start for start, end in hours)
