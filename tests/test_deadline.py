"""Deadlines from history: tables, and the properties that no calendar or history may break."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdtool.rules.deadline import Pause, Target, due, elapsed, ledger, target_seconds
from sdtool.rules.worktime import Calendar, Hours

BRUSSELS = ZoneInfo("Europe/Brussels")
HOUR, DAY = 3600, 86_400
MORNING, AFTERNOON = (8 * HOUR, 12 * HOUR), (13 * HOUR, 17 * HOUR)
FULL: Hours = (MORNING, AFTERNOON)
WEEKS: dict[str, list[Hours]] = {
    "even": [FULL] * 5 + [()] * 2,
    "short": [FULL, FULL, (MORNING,), FULL, (MORNING,), (), ()],
    "always": [((0, DAY),)] * 7,
    "night": [((22 * HOUR, 30 * HOUR),)] * 5 + [()] * 2,
}
CLOSED = frozenset({date(2026, 7, 21), date(2026, 11, 2), date(2026, 11, 11)})


@cache
def calendar(name: str, closed: frozenset[date] = CLOSED) -> Calendar:
    return Calendar("Europe/Brussels", [(date.min, WEEKS[name])], closed)


def at(text: str) -> int:
    """Read a local moment; September 2026 begins on a Tuesday."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).timestamp())


def sept(day: int, clock: str) -> int:
    return at(f"2026-09-{day:02}T{clock}")


def local(moment: int) -> str:
    return datetime.fromtimestamp(moment, BRUSSELS).strftime("%a %d %H:%M")


def wait(start: int, end: int | None, party: str = "customer") -> Pause:
    return Pause(start, end, party)


EVEN = calendar("even")
FOUR_HOURS, ONE_DAY = Target(seconds=4 * HOUR), Target(days=1)


# Tables


@pytest.mark.parametrize(
    ("target", "pauses", "expected"),
    [
        (FOUR_HOURS, [], "Mon 07 15:00"),
        (FOUR_HOURS, [wait(sept(7, "11:00"), sept(7, "14:00"))], "Mon 07 17:00"),  # lunch does not count
        (FOUR_HOURS, [wait(sept(7, "11:00"), sept(8, "09:00"))], "Tue 08 12:00"),
        (FOUR_HOURS, [wait(sept(7, "18:00"), sept(8, "07:00"))], "Mon 07 15:00"),  # at night
        (FOUR_HOURS, [wait(sept(7, "16:00"), sept(8, "09:00"))], "Mon 07 15:00"),  # after the due moment
        (FOUR_HOURS, [wait(sept(7, "11:00"), None)], "Mon 07 15:00"),  # at the earliest
        (FOUR_HOURS, [wait(sept(7, "09:00"), sept(7, "11:00"))], "Mon 07 16:00"),  # began before the ticket
        (FOUR_HOURS, [wait(sept(7, "11:00"), sept(7, "12:00"), "")], "Mon 07 16:00"),  # resolved, reopened
        (ONE_DAY, [], "Tue 08 10:00"),
        (ONE_DAY, [wait(sept(7, "11:00"), sept(7, "12:00"))], "Tue 08 11:00"),
        (Target(days=2.5), [], "Wed 09 15:00"),
        (Target(), [wait(sept(7, "10:00"), sept(7, "12:00"))], "Mon 07 10:00"),
    ],
)
def test_due(target: Target, pauses: list[Pause], expected: str) -> None:
    """The ticket is made on Monday at 10:00."""
    assert local(due(EVEN, sept(7, "10:00"), target, pauses)) == expected


def test_pause_reached_through_an_earlier_one_counts() -> None:
    """The second begins after the first due moment, but before the moved one."""
    pauses = [wait(sept(7, "15:30"), sept(7, "16:30")), wait(sept(7, "14:00"), sept(7, "15:00"))]
    assert local(due(EVEN, sept(7, "10:00"), FOUR_HOURS, pauses)) == "Mon 07 17:00"


def test_overlapping_pauses_count_once() -> None:
    pauses = [wait(sept(7, "10:30"), sept(7, "11:30")), wait(sept(7, "11:00"), sept(7, "12:00"), "supplier")]
    assert local(due(EVEN, sept(7, "10:00"), FOUR_HOURS, pauses)) == "Mon 07 16:30"


@pytest.mark.parametrize(
    ("start", "target", "expected"),
    [
        (sept(7, "10:00"), FOUR_HOURS, 4),
        (sept(7, "10:00"), ONE_DAY, 8),
        (sept(8, "16:00"), ONE_DAY, 5),  # ends on a short Wednesday, after its closing
        (sept(7, "10:00"), Target(days=0.5), 4),
    ],
)
def test_target_seconds(start: int, target: Target, expected: int) -> None:
    assert target_seconds(calendar("short"), start, target) == expected * HOUR


@pytest.mark.parametrize(
    ("until", "pauses", "expected"),
    [
        (sept(7, "12:30"), [], 2),
        (sept(8, "10:00"), [wait(sept(7, "11:00"), None)], 1),
        (sept(8, "10:00"), [wait(sept(7, "11:00"), sept(8, "09:00"), "")], 2),
        (sept(7, "09:00"), [wait(sept(7, "08:00"), None)], 0),
    ],
)
def test_elapsed(until: int, pauses: list[Pause], expected: int) -> None:
    assert elapsed(EVEN, sept(7, "10:00"), until, pauses) == expected * HOUR


def test_ledger_lists_each_stretch() -> None:
    pauses = [wait(sept(7, "11:00"), sept(7, "14:00")), wait(sept(7, "16:00"), None, "")]
    account = ledger(EVEN, sept(7, "10:00"), sept(8, "09:00"), pauses)
    assert [(local(i.start)[-5:], i.kind, i.party, i.seconds / HOUR) for i in account.intervals] == [
        ("10:00", "counted", "", 1),
        ("11:00", "paused", "customer", 1),
        ("12:00", "outside", "", 1),
        ("13:00", "paused", "customer", 1),
        ("14:00", "counted", "", 2),
        ("16:00", "stopped", "", 1),
        ("17:00", "outside", "", 15),
        ("08:00", "stopped", "", 1),
    ]
    assert account[1:] == (3 * HOUR, {"customer": 2 * HOUR}, 2 * HOUR, 16 * HOUR)


def test_ledger_gives_shared_time_to_the_later_pause() -> None:
    pauses = [wait(sept(7, "10:30"), sept(7, "12:00")), wait(sept(7, "11:00"), sept(7, "11:30"), "supplier")]
    account = ledger(EVEN, sept(7, "10:00"), sept(7, "12:00"), pauses)
    assert account.paused == {"customer": HOUR, "supplier": HOUR // 2}


def test_ledger_over_a_clock_change() -> None:
    account = ledger(calendar("always"), at("2026-10-25T00:00"), at("2026-10-26T00:00"), [])
    assert [(i.kind, i.seconds) for i in account.intervals] == [("counted", 25 * HOUR)]


def test_ledger_before_the_start_is_empty() -> None:
    assert ledger(EVEN, sept(7, "10:00"), sept(7, "09:00"), [wait(0, None)]) == ((), 0, {}, 0, 0)


def test_priority_change_keeps_the_history() -> None:
    """Raised after a two hour wait: the new, smaller target starts at creation, wait included."""
    pauses = [wait(sept(7, "10:00"), sept(7, "12:00"))]
    worked = elapsed(EVEN, sept(7, "09:00"), sept(7, "15:00"), pauses)
    assert worked == 3 * HOUR
    assert local(due(EVEN, sept(7, "09:00"), Target(seconds=3 * HOUR), pauses)) == "Mon 07 15:00"
    assert local(due(EVEN, sept(7, "09:00"), Target(seconds=HOUR), pauses)) == "Mon 07 10:00"


# Properties

FIRST = at("2026-09-01T00:00")
starts = st.integers(FIRST, FIRST + 90 * DAY)  # the autumn clock change and two holidays lie within
names = st.sampled_from(sorted(WEEKS))
parties = st.sampled_from(["customer", "supplier", ""])
ended = st.builds(lambda a, n, p: Pause(a, a + n, p), starts, st.integers(0, 6 * DAY), parties)
histories = st.lists(ended, max_size=5)
any_histories = st.lists(ended | st.builds(Pause, starts, st.none(), parties), max_size=5)
seconds_targets = st.integers(0, 60 * HOUR).map(lambda n: Target(seconds=n))
targets = seconds_targets | st.floats(0, 8).map(lambda n: Target(days=n))
holidays = st.frozensets(st.dates(date(2026, 9, 1), date(2026, 12, 20)), max_size=4)


@settings(deadline=None)
@given(names, starts, targets, holidays)
def test_m1_holiday_never_makes_a_deadline_earlier(
    name: str, start: int, target: Target, extra: frozenset[date]
) -> None:
    longer = due(calendar(name, CLOSED | extra), start, target, [])
    assert longer >= due(calendar(name), start, target, [])


@settings(deadline=None)
@given(names, starts, targets, any_histories, holidays)
def test_m1_with_pauses(
    name: str, start: int, target: Target, pauses: list[Pause], extra: frozenset[date]
) -> None:
    longer = due(calendar(name, CLOSED | extra), start, target, pauses)
    assert longer >= due(calendar(name), start, target, pauses)


@given(names, starts, targets, any_histories, ended)
def test_pause_never_makes_a_deadline_earlier(
    name: str, start: int, target: Target, pauses: list[Pause], extra: Pause
) -> None:
    desk = calendar(name)
    assert due(desk, start, target, [*pauses, extra]) >= due(desk, start, target, pauses)


@given(names, starts, targets, histories, ended, st.integers(0, 3 * DAY))
def test_longer_pause_never_makes_a_deadline_earlier(
    name: str, start: int, target: Target, pauses: list[Pause], one: Pause, more: int
) -> None:
    desk, longer = calendar(name), wait(one.start, (one.end or 0) + more)
    assert due(desk, start, target, [*pauses, longer]) >= due(desk, start, target, [*pauses, one])


@given(names, starts, starts, seconds_targets, any_histories)
def test_later_start_is_never_due_earlier(
    name: str, a: int, b: int, target: Target, pauses: list[Pause]
) -> None:
    desk = calendar(name)
    assert due(desk, min(a, b), target, pauses) <= due(desk, max(a, b), target, pauses)


@given(names, starts, targets, targets, any_histories)
def test_smaller_target_is_never_due_later(
    name: str, start: int, one: Target, other: Target, pauses: list[Pause]
) -> None:
    desk = calendar(name)
    small, large = sorted((one, other), key=lambda target: due(desk, start, target, []))
    assert due(desk, start, small, pauses) <= due(desk, start, large, pauses)


@given(names, starts, seconds_targets, histories)
def test_target_is_used_up_at_the_due_moment(
    name: str, start: int, target: Target, pauses: list[Pause]
) -> None:
    desk = calendar(name)
    moment = due(desk, start, target, pauses)
    assert elapsed(desk, start, moment, pauses) == target_seconds(desk, start, target)


@given(names, starts, st.integers(0, 30 * DAY), any_histories)
def test_ledger_accounts_for_every_second(name: str, start: int, length: int, pauses: list[Pause]) -> None:
    desk, until = calendar(name), start + length
    account = ledger(desk, start, until, pauses)
    edges = [start, *(interval.end for interval in account.intervals)]
    assert [interval.start for interval in account.intervals] == edges[:-1]
    assert edges[-1] == until
    assert account.counted + sum(account.paused.values()) + account.stopped + account.outside == length
    assert account.counted == elapsed(desk, start, until, pauses)
    assert account.outside == length - desk.between(start, until)
