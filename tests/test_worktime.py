"""The working-time clock: tables for known days, properties, and a minute-by-minute oracle (T1)."""

from __future__ import annotations

import os
import random
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sdtool.rules.worktime import Calendar, Hours

BRUSSELS = ZoneInfo("Europe/Brussels")
HOUR, DAY = 3600, 86_400
T1_STARTS = int(os.environ.get("SD_T1_STARTS", "2000"))


def hours(text: str) -> Hours:
    """Read "08:30-12:00 13:00-17:00"."""
    clock = [[part.split(":") for part in piece.split("-")] for piece in text.split()]
    return tuple((int(a[0]) * HOUR + int(a[1]) * 60, int(b[0]) * HOUR + int(b[1]) * 60) for a, b in clock)


def week(*days: str) -> list[Hours]:
    """Seven days; the last one given fills the rest."""
    return [hours(day) for day in (*days, *[days[-1]] * (7 - len(days)))]


def at(text: str, fold: int = 0) -> int:
    """Read a local moment."""
    return int(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS, fold=fold).timestamp())


def local(moment: int) -> str:
    return datetime.fromtimestamp(moment, BRUSSELS).strftime("%a %d %b %H:%M")


OFFICE = "08:30-17:00"
FLEMISH = frozenset(
    date.fromisoformat(day) for day in ("2026-07-11", "2026-07-21", "2026-11-02", "2026-11-11", "2026-11-15")
)
WEEKS = {
    "office": week(OFFICE, OFFICE, OFFICE, OFFICE, OFFICE, ""),
    "lunch": week(
        *["08:30-12:00 12:45-17:15"] * 2, "08:30-12:00", "08:30-12:00 12:45-17:15", "08:30-12:00", ""
    ),
    "always": week("00:00-24:00"),
    "night": week(*["22:00-30:00"] * 4, "", "20:00-24:00", "00:00-06:00"),
    "saturday": week(*["08:00-18:00"] * 5, "09:00-12:30", ""),
}


def calendar(name: str, closed: frozenset[date] = FLEMISH) -> Calendar:
    return Calendar("Europe/Brussels", [(date.min, WEEKS[name])], closed)


# Tables


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-03-29T00:00", "2026-03-30T00:00", 23),
        ("2026-10-25T00:00", "2026-10-26T00:00", 25),
        ("2026-03-29T01:30", "2026-03-29T03:30", 1),
        ("2026-10-25T01:30", "2026-10-25T03:30", 3),
    ],
)
def test_clock_changes_count_real_hours(start: str, end: str, expected: int) -> None:
    assert calendar("always").between(at(start), at(end)) == expected * HOUR


@pytest.mark.parametrize(
    ("start", "due"), [("2026-03-29T00:30", "Sun 29 Mar 05:30"), ("2026-10-25T00:30", "Sun 25 Oct 03:30")]
)
def test_four_hours_over_a_clock_change(start: str, due: str) -> None:
    assert local(calendar("always").add(at(start), 4 * HOUR)) == due


@pytest.mark.parametrize(("sunday", "expected"), [("2026-03-29", 7), ("2026-10-25", 9), ("2026-06-07", 8)])
def test_night_shift_over_a_clock_change(sunday: str, expected: int) -> None:
    """A shift from Saturday 22:00 to Sunday 06:00 lasts 7 hours in spring and 9 in autumn."""
    shift = Calendar("Europe/Brussels", [(date.min, week("", "", "", "", "", "22:00-30:00", ""))])
    assert shift.between(at(f"{sunday}T00:00") - DAY, at(f"{sunday}T12:00")) == expected * HOUR


def test_repeated_hour_reaches_both_readings() -> None:
    first, second = at("2026-10-25T02:30"), at("2026-10-25T02:30", fold=1)
    assert second - first == calendar("always").between(first, second) == HOUR


@pytest.mark.parametrize(
    ("opens", "expected"), [("2026-03-29", "Sun 29 Mar 03:00"), ("2026-10-25", "Sun 25 Oct 02:30")]
)
def test_opening_time_in_the_changed_hour(opens: str, expected: str) -> None:
    """02:30 does not exist in spring: the change itself; it comes twice in autumn: the first."""
    early = Calendar("Europe/Brussels", [(date.min, week("02:30-06:00"))])
    opening = early.next_open(at(f"{opens}T00:00"))
    assert local(opening) == expected
    assert early.between(opening, at(f"{opens}T07:00")) == (3 if opens < "2026-06" else 4.5) * HOUR


@pytest.mark.parametrize(
    ("name", "start", "amount", "expected"),
    [
        ("office", "2026-07-10T16:00", 2, "Mon 13 Jul 09:30"),  # Friday, then Saturday 11 July
        ("office", "2026-07-20T16:00", 2, "Wed 22 Jul 09:30"),  # 21 July
        ("office", "2026-10-30T16:30", 1, "Tue 03 Nov 09:00"),  # 2 November is a Monday
        ("office", "2026-11-10T16:30", 1, "Thu 12 Nov 09:00"),
        ("office", "2026-07-10T16:00", 1, "Fri 10 Jul 17:00"),  # a full day ends at closing time
        ("office", "2026-07-11T10:00", 1, "Mon 13 Jul 09:30"),  # starts on a closed day
        ("lunch", "2026-09-07T11:30", 1, "Mon 07 Sep 13:15"),  # over lunch
        ("lunch", "2026-09-07T12:15", 1, "Mon 07 Sep 13:45"),  # starts at lunch
        ("lunch", "2026-09-11T11:30", 1, "Mon 14 Sep 09:00"),  # short Friday
        ("lunch", "2026-09-07T08:30", 8, "Mon 07 Sep 17:15"),
        ("saturday", "2026-09-12T12:00", 1, "Mon 14 Sep 08:30"),
        ("night", "2026-09-07T23:00", 8, "Tue 08 Sep 23:00"),
        ("office", "2026-11-03T09:00", -1, "Fri 30 Oct 16:30"),
        ("office", "2026-09-08T10:00", -1.5, "Tue 08 Sep 08:30"),  # back to opening, not to last closing
        ("lunch", "2026-09-07T13:15", -1, "Mon 07 Sep 11:30"),
        ("office", "2026-07-11T10:00", 0, "Sat 11 Jul 10:00"),
    ],
)
def test_add(name: str, start: str, amount: float, expected: str) -> None:
    assert local(calendar(name).add(at(start), int(amount * HOUR))) == expected


@pytest.mark.parametrize(
    ("name", "start", "days", "expected"),
    [
        ("office", "2026-09-07T16:00", 1, "Tue 08 Sep 16:00"),
        ("office", "2026-07-10T16:00", 1, "Mon 13 Jul 16:00"),
        ("office", "2026-10-30T10:15", 1, "Tue 03 Nov 10:15"),
        ("office", "2026-10-23T10:15", 5, "Fri 30 Oct 10:15"),  # the clock change does not show
        ("office", "2026-09-07T07:00", 1, "Tue 08 Sep 08:30"),
        ("office", "2026-09-04T18:00", 1, "Tue 08 Sep 08:30"),
        ("office", "2026-07-11T12:00", 0, "Mon 13 Jul 08:30"),
        ("lunch", "2026-09-07T12:15", 1, "Tue 08 Sep 12:45"),
        ("lunch", "2026-09-08T17:00", 1, "Wed 09 Sep 17:00"),  # literal, after that day's closing
        ("office", "2026-09-07T10:00", 0.5, "Mon 07 Sep 14:15"),  # half of 8.5 hours
        ("office", "2026-09-07T10:00", 1.5, "Tue 08 Sep 14:15"),
        ("lunch", "2026-09-07T08:30", 0.5, "Mon 07 Sep 13:15"),  # four of eight hours
        ("always", "2026-03-28T02:30", 1, "Sun 29 Mar 03:00"),
        ("always", "2026-10-24T02:30", 1, "Sun 25 Oct 02:30"),
        ("night", "2026-09-08T02:00", 1, "Wed 09 Sep 02:00"),  # in Monday's shift, so in Tuesday's
        ("night", "2026-09-11T02:00", 1, "Sun 13 Sep 02:00"),  # Thursday's shift, then Saturday's day
    ],
)
def test_add_days_keeps_the_clock_time(name: str, start: str, days: float, expected: str) -> None:
    assert local(calendar(name).add_days(at(start), days)) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2026-09-07T08:00", "2026-09-07T23:59", 0),
        ("2026-09-07T23:59", "2026-09-08T00:00", 1),
        ("2026-09-04T10:00", "2026-09-06T10:00", 0),
        ("2026-09-04T10:00", "2026-09-07T00:00", 1),
        ("2026-07-20T10:00", "2026-07-27T10:00", 4),
        ("2026-07-27T10:00", "2026-07-20T10:00", -4),
    ],
)
def test_working_days(start: str, end: str, expected: int) -> None:
    assert calendar("office").working_days(at(start), at(end)) == expected


def test_special_hours_and_breaks() -> None:
    """Special hours open a closed day; a break is taken out of its own date only."""
    desk = Calendar(
        "Europe/Brussels",
        [(date.min, WEEKS["office"])],
        FLEMISH,
        special={date(2026, 7, 11): hours("10:00-14:00"), date(2026, 7, 13): ()},
        breaks={date(2026, 7, 11): hours("11:00-11:30"), date(2026, 7, 14): hours("00:00-09:00 16:00-18:00")},
    )
    spans = [(local(a), local(b)[-5:]) for a, b in desk.spans(at("2026-07-11T00:00"), at("2026-07-15T00:00"))]
    assert spans == [
        ("Sat 11 Jul 10:00", "11:00"),
        ("Sat 11 Jul 11:30", "14:00"),
        ("Tue 14 Jul 09:00", "16:00"),
    ]


def test_day_that_a_break_empties_is_no_working_day() -> None:
    desk = Calendar(
        "Europe/Brussels", [(date.min, WEEKS["office"])], breaks={date(2026, 9, 8): hours("00:00-24:00")}
    )
    assert local(desk.add_days(at("2026-09-07T10:00"), 1)) == "Wed 09 Sep 10:00"


def test_versions_of_the_week() -> None:
    """New hours hold from their local date on, and do not move the past."""
    old, new = WEEKS["office"], week(*["10:00-12:00"] * 5, "")
    desk = Calendar("Europe/Brussels", [(date.min, old), (date(2026, 9, 9), new)])
    assert local(desk.add(at("2026-09-08T16:00"), 2 * HOUR)) == "Wed 09 Sep 11:00"
    assert local(desk.add_days(at("2026-09-08T10:00"), 0.5)) == "Tue 08 Sep 14:15"
    assert local(desk.add_days(at("2026-09-09T10:00"), 0.5)) == "Wed 09 Sep 11:00"


def test_holiday_takes_the_night_shift_that_begins_on_it() -> None:
    desk = calendar("night", frozenset({date(2026, 9, 8)}))
    assert not desk.is_open(at("2026-09-09T02:00"))
    assert desk.is_open(at("2026-09-08T02:00"))  # Monday's


def test_spans_join_days_that_touch() -> None:
    window = at("2026-03-01T00:00"), at("2026-12-01T00:00")
    assert list(calendar("always", frozenset()).spans(*window)) == [window]


def test_overlapping_shift_counts_once() -> None:
    """A night shift that runs into the next day's hours is not counted twice."""
    desk = Calendar("Europe/Brussels", [(date.min, week("06:00-32:00"))])
    assert desk.between(at("2026-09-07T00:00"), at("2026-09-14T00:00")) == 7 * DAY


def test_overlapping_ranges_of_a_day_are_joined() -> None:
    desk = Calendar("Europe/Brussels", [(date.min, week("13:00-17:00 08:00-12:00 11:00-13:00"))])
    window = at("2026-09-07T00:00"), at("2026-09-08T00:00")
    assert list(desk.spans(*window)) == [(at("2026-09-07T08:00"), at("2026-09-07T17:00"))]
    assert list(desk.spans(*reversed(window))) == []


@pytest.mark.parametrize("moment", ["2026-09-07T08:00", "2026-09-05T10:00", "2026-09-04T17:00"])
def test_previous_closing_as_first_question(moment: str) -> None:
    assert local(calendar("office").prev_open(at(moment))) == "Fri 04 Sep 17:00"


@pytest.mark.parametrize("closed_for_good", [week(""), WEEKS["office"]])
def test_no_hours_within_ten_years(closed_for_good: list[Hours]) -> None:
    desk = Calendar("Europe/Brussels", [(date.min, closed_for_good), (date(2026, 1, 1), week(""))])
    for question in (
        desk.next_open,
        lambda moment: desk.add(moment, 1),
        lambda moment: desk.add_days(moment, 2),
    ):
        with pytest.raises(ValueError, match="no opening hours within ten years"):
            question(at("2026-09-07T10:00"))


def test_going_back_before_the_first_hours() -> None:
    desk = Calendar("Europe/Brussels", [(date.min, week("")), (date(2026, 9, 7), WEEKS["office"])])
    assert local(desk.add(at("2026-09-07T10:00"), -90 * 60)) == "Mon 07 Sep 08:30"
    with pytest.raises(ValueError, match="ten years"):
        desk.add(at("2026-09-07T10:00"), -91 * 60)
    with pytest.raises(ValueError, match="ten years"):
        desk.prev_open(at("2026-09-07T08:30"))


@pytest.mark.parametrize(
    "weeks",
    [
        [],
        [(date.min, week("")[:6])],
        [(date(2026, 1, 2), week("")), (date(2026, 1, 1), week(""))],
        [(date.min, [((7200, 3600),)] * 7)],
        [(date.min, [((0, 3 * DAY),)] * 7)],
    ],
)
def test_bad_hours_are_refused(weeks: list[tuple[date, list[Hours]]]) -> None:
    with pytest.raises(ValueError, match=r"ascending|seven|fit"):
        Calendar("Europe/Brussels", weeks)


def test_negative_days_are_refused() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        calendar("office").add_days(0, -1)


def test_answers_do_not_depend_on_the_order_of_questions() -> None:
    """The table grows both ways; a grown one answers as a fresh one does."""
    moments = [at(f"{year}-06-15T10:00") for year in (2026, 2001, 2050, 1985, 2026)]
    grown = calendar("lunch")
    for moment in moments:
        fresh = calendar("lunch")
        assert grown.add(moment, 100 * HOUR) == fresh.add(moment, 100 * HOUR)
        assert grown.add(moment, -5000 * HOUR) == fresh.add(moment, -5000 * HOUR)
        assert grown.add_days(moment, 400) == fresh.add_days(moment, 400)


# Properties

moments = st.integers(at("2025-06-01T00:00"), at("2027-06-01T00:00"))
names = st.sampled_from(sorted(WEEKS))
amounts = st.integers(1, 400 * HOUR)
dates = st.dates(date(2025, 6, 1), date(2027, 8, 1))
known = cache(calendar)


@given(names, moments, amounts)
def test_add_and_between_are_inverse(name: str, start: int, seconds: int) -> None:
    desk = known(name)
    due = desk.add(start, seconds)
    assert desk.between(start, due) == seconds
    assert desk.between(start, due - 1) == seconds - 1  # the earliest such moment
    back = desk.add(due, -seconds)
    assert desk.between(back, due) == seconds
    assert desk.between(back + 1, due) == seconds - 1  # the latest


@given(names, moments, moments, moments)
def test_between_is_additive(name: str, a: int, b: int, c: int) -> None:
    desk = known(name)
    assert desk.between(a, b) + desk.between(b, c) == desk.between(a, c)
    assert desk.between(a, b) == -desk.between(b, a)


@given(names, moments, st.integers(0, 40 * DAY))
def test_spans_agree_with_between(name: str, start: int, length: int) -> None:
    desk = known(name)
    spans = list(desk.spans(start, start + length))
    assert sum(b - a for a, b in spans) == desk.between(start, start + length)
    assert all(start <= a < b <= start + length for a, b in spans)
    assert all(b < c for (_, b), (c, _) in pairwise(spans))


@given(names, moments)
def test_neighbouring_openings(name: str, moment: int) -> None:
    desk = known(name)
    following, previous = desk.next_open(moment), desk.prev_open(moment)
    assert previous <= moment <= following
    assert desk.is_open(following)
    assert desk.is_open(previous - 1)
    assert desk.between(previous, following) == 0
    assert desk.is_open(moment) == (following == moment)


@settings(deadline=None)
@given(names, moments, amounts, st.floats(0, 12), st.sets(dates, max_size=4))
def test_m1_holiday_never_makes_it_earlier(
    name: str, start: int, seconds: int, days: float, extra: set[date]
) -> None:
    without, with_holidays = known(name), calendar(name, FLEMISH | extra)
    assert with_holidays.add(start, seconds) >= without.add(start, seconds)
    assert with_holidays.add_days(start, days) >= without.add_days(start, days)
    assert with_holidays.add(start, -seconds) <= without.add(start, -seconds)


@given(names, moments, moments, amounts, st.floats(0, 12))
def test_later_start_is_never_earlier(name: str, a: int, b: int, seconds: int, days: float) -> None:
    """The second reading of the repeated autumn hour aside: its clock time is the earlier one."""
    assume(not datetime.fromtimestamp(max(a, b), BRUSSELS).fold)
    desk, first, second = known(name), min(a, b), max(a, b)
    assert desk.add(first, seconds) <= desk.add(second, seconds)
    assert desk.add_days(first, days) <= desk.add_days(second, days)


# T1: against an oracle that looks at the clock on the wall, minute after minute of UTC

FIRST, AFTER = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
CHANGES = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)


def minutes_open(name: str) -> list[bool]:
    """Tell of each UTC minute of 2026 whether the wall clock lies in the hours of its date."""
    clock = [[(a // 60, b // 60) for a, b in day] for day in WEEKS[name]]
    flags = []
    for stamp in range(int(FIRST.timestamp()), int(AFTER.timestamp()), 60):
        wall = datetime.fromtimestamp(stamp, BRUSSELS)
        today = wall.date()
        minute = wall.hour * 60 + wall.minute
        opened = today not in FLEMISH and any(a <= minute < b for a, b in clock[today.weekday()])
        if not opened and minute < 6 * 60:
            before = today - timedelta(days=1)
            opened = before not in FLEMISH and any(a <= minute + 1440 < b for a, b in clock[before.weekday()])
        flags.append(opened)
    return flags


def oracle_add(flags: list[bool], start: int, seconds: int) -> int:
    """Walk on from `start`, a second count after FIRST, until `seconds` were open."""
    while True:
        left = 60 - start % 60
        if flags[start // 60]:
            if seconds <= left:
                return start + seconds
            seconds -= left
        start += left


@pytest.mark.parametrize("name", ["lunch", "always", "night"])
def test_t1_clock_agrees_with_a_minute_oracle(name: str) -> None:
    flags, desk, zero = minutes_open(name), calendar(name), int(FIRST.timestamp())
    chance = random.Random(f"T1 {name}")
    for turn in range(T1_STARTS // 3 + 1):
        if turn % 2:
            start = int(chance.choice(CHANGES).timestamp()) - zero + chance.randrange(-2 * DAY, 2 * DAY)
        else:
            start = chance.randrange(330 * DAY)
        seconds = chance.randrange(1, 20 * HOUR)
        due = oracle_add(flags, start, seconds)
        assert desk.add(zero + start, seconds) == zero + due, (name, start, seconds)
        assert desk.between(zero + start, zero + due) == seconds
        assert desk.is_open(zero + start) == flags[start // 60]
