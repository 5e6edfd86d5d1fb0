"""Deadlines in working days: a day is one day whatever its length, and no holiday brings one forward."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sdtool.rules.deadline import Pause, Target, due
from sdtool.rules.worktime import Calendar, Hours

BRUSSELS = ZoneInfo("Europe/Brussels")
HOUR, DAY = 3600, 86_400
MORNING, AFTERNOON = (8 * HOUR, 12 * HOUR), (13 * HOUR, 17 * HOUR)
FULL: Hours = (MORNING, AFTERNOON)
EVENING: Hours = (MORNING, (13 * HOUR, 19 * HOUR))
SHORT: list[Hours] = [FULL, FULL, (MORNING,), FULL, (MORNING,), (), ()]
LATE: list[Hours] = [FULL, FULL, FULL, EVENING, FULL, (), ()]
AROUND: list[Hours] = [((0, DAY),)] * 7
NIGHT: list[Hours] = [((22 * HOUR, 30 * HOUR),)] * 5 + [()] * 2
TAIL: list[Hours] = [((5 * HOUR, 13 * HOUR),)] * 4 + [((20 * HOUR, 32 * HOUR),), (), ()]


def at(text: str, fold: int = 0) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS, fold=fold).timestamp())


def moment(text: str) -> int:
    """Read "7 16:00", a day of September 2026; the 7th is a Monday, the 9th a Wednesday."""
    day, clock = text.split()
    return at(f"2026-09-{int(day):02}T{clock}")


def desk(week: list[Hours], *closed: int, **other: dict[date, Hours]) -> Calendar:
    holidays = {date(2026, 9, day) for day in closed}
    return Calendar("Europe/Brussels", [(date.min, week)], holidays, **other)


def answer(calendar: Calendar, start: str, days: float, *pauses: str) -> str:
    """Return the due moment; a pause is written "7 16:30 - 10 09:00"."""
    ends = [pause.split(" - ") for pause in pauses]
    waits = [Pause(moment(first), moment(last), "customer") for first, last in ends]
    found = due(calendar, moment(start), Target(days=days), waits)
    return datetime.fromtimestamp(found, BRUSSELS).strftime("%a %-d %H:%M")


# Tables


@pytest.mark.parametrize(
    ("start", "days", "pause", "holiday", "without", "with_holiday"),
    [
        ("7 16:00", 1, "7 16:30 - 10 09:00", 8, "Fri 11 08:30", "Fri 11 08:30"),
        ("7 16:00", 1, "7 16:30 - 10 09:00", 9, "Fri 11 08:30", "Fri 11 08:30"),
        ("7 16:00", 1, "7 16:30 - 10 09:00", 10, "Fri 11 08:30", "Fri 11 16:30"),
        ("7 16:00", 1, "7 16:30 - 10 09:00", 11, "Fri 11 08:30", "Mon 14 08:30"),
        ("7 16:00", 1, "7 16:30 - 10 09:00", 7, "Fri 11 08:30", "Fri 11 09:00"),
        ("7 10:00", 1, "7 14:00 - 9 14:00", 8, "Thu 10 10:00", "Thu 10 10:00"),
        ("8 10:00", 1, "8 11:00 - 9 11:00", 9, "Thu 10 10:00", "Thu 10 16:00"),
        ("7 10:00", 2, "9 09:30 - 11 00:00", 10, "Fri 11 08:30", "Fri 11 08:30"),
        ("7 10:00", 2.5, "9 09:30 - 11 00:00", 10, "Mon 14 08:30", "Mon 14 08:30"),
        ("9 11:30", 1, "9 11:40 - 9 11:50", 10, "Thu 10 11:40", "Fri 11 11:40"),
        ("9 11:30", 1, "9 18:00 - 10 07:00", 10, "Thu 10 11:30", "Fri 11 11:30"),
    ],
)
def test_holiday_where_days_differ_in_length(
    start: str, days: float, pause: str, holiday: int, without: str, with_holiday: str
) -> None:
    """Wednesday and Friday are short."""
    assert answer(desk(SHORT), start, days, pause) == without
    assert answer(desk(SHORT, holiday), start, days, pause) == with_holiday


@pytest.mark.parametrize(
    ("week", "start", "pauses", "expected"),
    [
        (SHORT, "9 09:00", ["9 09:30 - 9 11:30"], "Thu 10 11:00"),  # two hours on the clock
        (SHORT, "7 09:00", ["7 11:00 - 7 14:00"], "Tue 8 11:00"),  # lunch does not count
        (SHORT, "8 15:00", [], "Wed 9 15:00"),  # literal, after closing
        (SHORT, "8 15:00", ["9 13:00 - 9 14:00"], "Wed 9 16:00"),  # the closed afternoon counts
        (SHORT, "8 09:00", ["8 10:00 - 9 10:00"], "Thu 10 09:00"),  # a day is a day
        (SHORT, "8 09:00", ["8 10:00 - 9 10:00", "9 11:00 - 10 11:00"], "Fri 11 09:00"),
        (SHORT, "7 09:00", ["7 10:00 - 7 11:00", "8 11:30 - 9 09:00"], "Tue 8 10:00"),  # too late to count
        (SHORT, "9 14:00", ["9 14:00 - 10 07:00"], "Fri 11 08:00"),  # begun and ended while closed
        (SHORT, "7 08:00", ["7 18:00 - 8 09:00"], "Tue 8 09:00"),  # over the due moment itself
        (LATE, "10 18:00", ["10 18:30 - 11 08:30"], "Fri 11 19:00"),  # Thursdays until seven
        (NIGHT, "8 02:00", ["8 03:00 - 8 23:00"], "Wed 9 06:00"),  # four hours of the shifts
        (NIGHT, "11 23:00", ["12 00:00 - 12 02:00"], "Tue 15 01:00"),  # Saturday is part of Friday
    ],
)
def test_one_day_with_pauses(week: list[Hours], start: str, pauses: list[str], expected: str) -> None:
    assert answer(desk(week), start, 1, *pauses) == expected


@pytest.mark.parametrize(
    ("special", "expected"),
    [
        ({}, "Thu 10 10:00"),
        ({date(2026, 9, 8): (MORNING,)}, "Thu 10 10:00"),  # shut in the afternoon: still a day
        ({date(2026, 9, 12): FULL}, "Thu 10 10:00"),
        ({date(2026, 9, 10): ((18 * HOUR, 20 * HOUR),)}, "Thu 10 10:00"),
    ],
)
def test_special_hours_leave_a_day_a_day(special: dict[date, Hours], expected: str) -> None:
    """Paused for two days; a half day off within the pause neither helps nor harms."""
    assert answer(desk(SHORT, special=special), "7 10:00", 1, "7 14:00 - 9 14:00") == expected


def test_due_moment_outside_the_frame_does_not_lie_in_a_pause() -> None:
    """A special evening lies outside the clock times of the week; the pause holds its literal end."""
    evening = desk([FULL] * 5 + [(), ()], special={date(2026, 9, 10): ((8 * HOUR, 20 * HOUR),)})
    assert answer(evening, "10 18:00", 1) == "Fri 11 18:00"
    assert answer(evening, "10 18:00", 1, "11 17:30 - 14 09:00") == "Mon 14 09:00"


def test_new_hours_keep_the_order_of_the_days() -> None:
    """The frame moves with the hours; the last day of the old ones is one day still."""
    weeks = [(date.min, [FULL] * 7), (date(2026, 9, 9), NIGHT)]
    found = [
        due(Calendar("Europe/Brussels", weeks), moment("7 16:00"), Target(days=1), [pause])
        for pause in (
            Pause(moment("7 16:30"), moment("7 17:00"), ""),
            Pause(moment("7 16:30"), moment("9 22:00"), ""),
        )
    ]
    assert found == [moment("8 16:30"), moment("10 05:30")]


def test_longer_pause_where_new_hours_begin_before_the_old_shift_ends() -> None:
    old: list[Hours] = [((22 * HOUR, 32 * HOUR),)] * 7
    new: list[Hours] = [((5 * HOUR, 13 * HOUR),)] * 7
    calendar = Calendar("Europe/Brussels", [(date.min, old), (date(2026, 9, 9), new)])
    waits = [Pause(moment("7 23:00"), moment("8 08:00") + more, "") for more in range(0, 20 * HOUR, 900)]
    found = [due(calendar, moment("7 22:00"), Target(days=1), [wait]) for wait in waits]
    assert found == sorted(found)
    assert found[0] == moment("9 05:00")


def test_pause_that_outgrows_the_table() -> None:
    for weeks in range(1, 60):
        end, after = (date(2026, 9, 7) + timedelta(weeks=n * weeks) for n in (1, 2))
        pause = Pause(moment("7 09:00"), at(f"{end}T09:00"), "")
        found = due(desk([FULL] * 5 + [(), ()]), moment("7 09:00"), Target(days=5 * weeks), [pause])
        assert found == at(f"{after}T09:00")


def test_second_pass_of_the_repeated_hour_adds_nothing() -> None:
    waits = [Pause(at("2026-10-25T01:00"), at("2026-10-25T02:30", fold=fold), "") for fold in (0, 1)]
    found = [due(desk(AROUND), at("2026-10-25T00:30"), Target(days=1), [wait]) for wait in waits]
    assert found == [at("2026-10-26T02:00"), at("2026-10-26T02:29:59")]


def test_holiday_takes_the_night_in_which_the_ticket_was_made() -> None:
    """Made in Friday's night shift; the next shift opens at an earlier hour than that."""
    assert answer(desk(TAIL), "12 07:00", 1) == "Tue 15 05:00"
    assert answer(desk(TAIL, 11), "12 07:00", 1) == "Tue 15 05:00"


def test_shifts_of_two_days() -> None:
    """Each takes the hours that the one before leaves; the clock time is kept within one's own."""
    assert answer(desk([((0, 2 * DAY),)] * 7), "8 06:00", 1) == "Wed 9 06:00"


# Properties, for calendars of any kind

ranges = st.builds(
    lambda start, length: (start * HOUR // 2, min(start * HOUR // 2 + length, 2 * DAY)),
    st.integers(0, 47),
    st.integers(1, 12).map(lambda n: n * HOUR) | st.integers(1, 2 * DAY),
)
hours = st.sampled_from([(), FULL, (MORNING,), (AFTERNOON,), EVENING, NIGHT[0], TAIL[4]]) | st.lists(
    ranges, max_size=3
).map(tuple)
weeks = st.sampled_from([SHORT, LATE, AROUND, NIGHT, TAIL]) | st.lists(hours, min_size=7, max_size=7).filter(
    any
)
dates = st.dates(date(2026, 10, 5), date(2026, 11, 20))
versions = st.tuples(weeks) | st.tuples(weeks, weeks)
days_off = st.frozensets(dates, max_size=4)
cuts = st.dictionaries(dates, st.lists(ranges, min_size=1, max_size=2).map(tuple), max_size=3)
specials = st.dictionaries(dates, hours, max_size=2)
FIRST = at("2026-10-12T00:00")  # the clock is set back on the 25th
moments = st.integers(0, 20 * 48).map(lambda n: FIRST + n * HOUR // 2) | st.integers(FIRST, FIRST + 20 * DAY)
lengths = st.integers(1, 160).map(lambda n: n * HOUR // 2) | st.integers(0, 4 * DAY)
pauses = st.builds(lambda start, length: Pause(start, start + length, ""), moments, lengths)
histories = st.lists(pauses, max_size=4)
targets = st.builds(Target, days=st.integers(1, 4) | st.sampled_from([0.5, 1.5]) | st.floats(0, 4))
calendars = st.tuples(versions, days_off, specials, cuts)
Agreed = tuple[tuple[list[Hours], ...], frozenset[date], dict[date, Hours], dict[date, Hours]]


def build(agreed: Agreed, extra: frozenset[date] = frozenset()) -> Calendar:
    hours, closed, special, breaks = agreed
    since = (date.min, date(2026, 10, 21))
    return Calendar("Europe/Brussels", list(zip(since, hours, strict=False)), closed | extra, special, breaks)


def reach(calendar: Calendar, start: int, target: Target, waits: list[Pause]) -> int:
    try:
        return due(calendar, start, target, waits)
    except ValueError:  # a last version without hours
        assume(False)
        raise


@settings(deadline=None)
@given(calendars, moments, targets, histories, days_off)
def test_m1_for_any_calendar(
    agreed: Agreed, start: int, target: Target, waits: list[Pause], extra: frozenset[date]
) -> None:
    before = reach(build(agreed), start, target, waits)
    assert reach(build(agreed, extra), start, target, waits) >= before


@settings(deadline=None)
@given(calendars, moments, targets, histories, cuts)
def test_closed_hours_never_make_it_earlier(
    agreed: Agreed, start: int, target: Target, waits: list[Pause], extra: dict[date, Hours]
) -> None:
    hours, closed, special, breaks = agreed
    both = breaks | {day: breaks.get(day, ()) + cut for day, cut in extra.items()}
    before = reach(build(agreed), start, target, waits)
    assert reach(build((hours, closed, special, both)), start, target, waits) >= before


@settings(deadline=None)
@given(calendars, moments, targets, histories, pauses, lengths)
def test_pauses_never_make_it_earlier(
    agreed: Agreed, start: int, target: Target, waits: list[Pause], one: Pause, more: int
) -> None:
    calendar, longer = build(agreed), Pause(one.start, (one.end or 0) + more, "")
    literal = reach(calendar, start, target, [])
    found = [reach(calendar, start, target, known) for known in (waits, [*waits, one], [*waits, longer])]
    assert found == sorted(found)
    assert found[0] >= literal


@settings(deadline=None)
@given(calendars, moments, targets, histories)
def test_due_moment_never_lies_in_a_pause(
    agreed: Agreed, start: int, target: Target, waits: list[Pause]
) -> None:
    calendar = build(agreed)
    whole = Target(days=int(target.days) + 1)
    found = reach(calendar, start, whole, waits)
    assert not any(max(wait.start, start) < found < (wait.end or 0) for wait in waits)
