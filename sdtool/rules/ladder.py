"""Which step of its ladder an item of owed feedback belongs at: when to remind, and when not.

The first step comes its term after the question, in working time of who owes the answer, and never before
the agreed date; the others keep their distance to the first. One step at a time, none twice, none left out:
after days without a run an item gets the step that is next, and the one after it not before the distance
between the two has passed since. So a standstill delays reminders, and never heaps them up.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from sdtool.rulebook.chasing import Step
from sdtool.rules.worktime import Calendar

Window = Sequence[tuple[int, int]]  # clock times from midnight in seconds: from, up to but not on
_DAY = 86_400
_FURTHEST = 400  # working days ahead that a window is looked for


class Item(NamedTuple):
    """What a ladder needs of an item: moments in epoch seconds; `step` is the last one taken, 0 for none.

    `due_at` is the date that was agreed, as it was last extended; `open` is false once the item was
    answered or cancelled, or its ticket ended.
    """

    asked_at: int
    due_at: int
    step: int = 0
    step_at: int | None = None
    open: bool = True


def ladder(steps: Iterable[Step], kind: str) -> tuple[Step, ...]:
    """Return the ladder of a kind of party, lowest step first."""
    return tuple(step for step in steps if step.party == kind)


def begins(calendar: Calendar, steps: Sequence[Step], item: Item, number: int) -> int:
    """Return the moment from which step `number` of an item may be taken, window or not.

    Args:
        calendar: of who owes the answer.
        steps: from `ladder`, each later than the one before, all in working days or all in working time.
        number: 1 for the first; the next after `item.step` when it is to be taken.
    """
    first, own = steps[0].term, steps[number - 1].term
    moment = _on(calendar, max(_on(calendar, item.asked_at, first), item.due_at), _apart(first, own))
    if number > 1 and item.step_at is not None:
        moment = max(moment, _on(calendar, item.step_at, _apart(steps[number - 2].term, own)))
    return moment


def due(calendar: Calendar, steps: Sequence[Step], window: Window, item: Item, now: int) -> int:
    """Return the number of the step to take now, 0 for none: it is early, over, or outside the window."""
    number = item.step + 1
    if not item.open or number > len(steps) or not in_window(calendar, window, now):
        return 0
    return number if begins(calendar, steps, item, number) <= now else 0


def next_moment(calendar: Calendar, steps: Sequence[Step], window: Window, item: Item) -> int | None:
    """Return when the next step of an item will be due if nothing changes; None when there is none."""
    if not item.open or item.step >= len(steps):
        return None
    return send_moment(calendar, window, begins(calendar, steps, item, item.step + 1))


def in_window(calendar: Calendar, window: Window, at: int) -> bool:
    """Tell whether a reminder may leave at `at`: in the window of a working day of who gets it."""
    return any(start <= at < end for start, end in _windows(calendar, window, _date(calendar, at)))


def send_moment(calendar: Calendar, window: Window, at: int) -> int | None:
    """Return the first moment from `at` on at which a reminder may leave; None when there never is one."""
    day = _date(calendar, at)
    for _ in range(_FURTHEST):
        for start, end in _windows(calendar, window, day):
            if at < end:
                return max(at, start)
        day = _date(calendar, calendar.next_open(_midnight(calendar, day + timedelta(days=1))))
    return None


def end_of_next_day(calendar: Calendar, at: int) -> int:
    """Return when the next working day after that of `at` closes: from then a reminder is too late."""
    opening = calendar.next_open(_midnight(calendar, _date(calendar, at) + timedelta(days=1)))
    return calendar.prev_open(_midnight(calendar, _date(calendar, opening) + timedelta(days=1)))


def _apart(earlier: tuple[int, float], later: tuple[int, float]) -> tuple[int, float]:
    """Return how far two terms lie apart, as working seconds and working days."""
    return max(later[0] - earlier[0], 0), max(later[1] - earlier[1], 0)


def _on(calendar: Calendar, start: int, term: tuple[int, float]) -> int:
    seconds, days = term
    return calendar.add_days(start, days) if days else calendar.add(start, seconds)


def _windows(calendar: Calendar, window: Window, day: date) -> Iterator[tuple[int, int]]:
    """Yield the windows that touch a local day; one after midnight belongs to the day it began."""
    for began in (day - timedelta(days=1), day):
        noon = int(datetime.combine(began, time(12), calendar.zone).timestamp())
        if (began == day or any(end > _DAY for _, end in window)) and calendar.working_days(
            noon - _DAY, noon
        ):
            for start, end in window:
                yield _at(calendar, began, start), _at(calendar, began, end)


def _at(calendar: Calendar, day: date, seconds: int) -> int:
    """Return the moment of a clock time, which may lie after midnight."""
    local = datetime.combine(day + timedelta(days=seconds // _DAY), time(), calendar.zone)
    return int((local + timedelta(seconds=seconds % _DAY)).timestamp())


def _date(calendar: Calendar, at: int) -> date:
    return datetime.fromtimestamp(at, calendar.zone).date()


def _midnight(calendar: Calendar, day: date) -> int:
    return _at(calendar, day, 0)
