"""Escalation over time: how much of a promise is used up, and which step of it is told.

Pure, and by level, not by step: what was reached is compared with what was noted, so that it does not
matter how often, how late or in what order anybody asks.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Collection
from typing import NamedTuple

from sdtool.rules.worktime import Calendar

SEEN = 0  # the percentage under which a deadline is noted of which nothing was reached yet


class Promise(NamedTuple):
    """What a customer may count on: its name, when it is due, the working seconds it stands for."""

    name: str
    due: int
    target: int


def left(calendar: Calendar, promise: Promise, now: int) -> int:
    """Return the working seconds that are left of a promise, negative when it is late.

    A deadline outside opening hours, agreed by people, is not over before it: a second is left.
    """
    seconds = calendar.between(now, promise.due)
    return max(seconds, 1) if now < promise.due else seconds


def reached(promise: Promise, seconds: int, percents: Collection[int]) -> set[int]:
    """Return the percentages of a promise that are used up when so many working seconds are left of it."""
    return {percent for percent in percents if 100 * (promise.target - seconds) >= percent * promise.target}


def news(
    reached: Collection[int], noted: Collection[int], former: Collection[int] = ()
) -> tuple[int | None, set[int]]:
    """Return the percentage to tell now, None when there is none, and all those to note.

    Of several at once the highest is told. What was told of the deadline before this one, as much or
    more, is not told again when this one is looked at for the first time: moving a deadline is no news.

    Args:
        reached: percentages that are used up, and whose conditions hold.
        noted: those noted of this deadline; SEEN too.
        former: those noted of the deadline that it replaced.
    """
    fresh = set(reached) - set(noted)
    known = max(noted or former, default=SEEN)
    tell = max(fresh, default=SEEN)
    if former and not noted:
        fresh.add(SEEN)
    return (tell if tell > known else None), fresh
