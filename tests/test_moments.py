"""Moments as people write them; the table is a Monday morning in November, 2026-11-23 10:30 in Brussels."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool.rules.moments import parse, parse_date, parse_period

BRUSSELS = ZoneInfo("Europe/Brussels")


class Weekdays:
    """Monday to Friday, no closed days, the wall clock kept."""

    def add_days(self, start: int, days: int) -> int:
        at = datetime.fromtimestamp(start, BRUSSELS)
        while days:
            at += timedelta(days=1)
            days -= at.weekday() < 5
        return int(at.timestamp())


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BRUSSELS).timestamp())


def read(text: str, now: str = "2026-11-23T10:30", **options: str) -> str:
    """Parse `text` and return local wall time with its offset left out."""
    found = parse(text, epoch(now), Weekdays(), **options)
    return datetime.fromtimestamp(found, BRUSSELS).isoformat(sep=" ", timespec="minutes")[:16]


MOMENTS = {
    "2026-02-01": "2026-02-01 09:00",
    "2026-11-23": "2026-11-23 09:00",
    "2026-11-23T10:40": "2026-11-23 10:40",
    "2026-11-23 10:40": "2026-11-23 10:40",
    "2026-11-23 10:40:59": "2026-11-23 10:40",
    "2026-11-23T10:40Z": "2026-11-23 11:40",
    "2026-11-23T10:40:00+01:00": "2026-11-23 10:40",
    "2026-11-23T10:40:00-05:00": "2026-11-23 16:40",
    "2026-11-23 9u30": "2026-11-23 09:30",
    "23/11/2026": "2026-11-23 09:00",
    "23/11/2026 9u30": "2026-11-23 09:30",
    "23/11": "2026-11-23 09:00",
    "1/2 8h": "2026-02-01 08:00",
    "3 mrt 2027 9u30": "2027-03-03 09:30",
    "3 maart": "2026-03-03 09:00",
    "3 mrt.": "2026-03-03 09:00",
    "24 December 16:00": "2026-12-24 16:00",
    "10:40": "2026-11-23 10:40",
    "9u": "2026-11-23 09:00",
    "9u30": "2026-11-23 09:30",
    "9h30": "2026-11-23 09:30",
    "2u30": "2026-11-23 02:30",
    "9 uur": "2026-11-23 09:00",
    "om 14u": "2026-11-23 14:00",
    "nu": "2026-11-23 10:30",
    "now": "2026-11-23 10:30",
    "vandaag": "2026-11-23 09:00",
    "today 17:00": "2026-11-23 17:00",
    "morgen": "2026-11-24 09:00",
    "morgen 9u": "2026-11-24 09:00",
    "morgen om 9u": "2026-11-24 09:00",
    "tomorrow at 14:15": "2026-11-24 14:15",
    "overmorgen": "2026-11-25 09:00",
    "gisteren 16u": "2026-11-22 16:00",
    "yesterday": "2026-11-22 09:00",
    "eergisteren": "2026-11-21 09:00",
    "ma": "2026-11-30 09:00",
    "di": "2026-11-24 09:00",
    "vr": "2026-11-27 09:00",
    "vrijdag 9u": "2026-11-27 09:00",
    "zo": "2026-11-29 09:00",
    "mon": "2026-11-30 09:00",
    "Friday 10:00": "2026-11-27 10:00",
    "volgende ma": "2026-11-30 09:00",
    "volgende vr": "2026-12-04 09:00",
    "volgende vrijdag 9u30": "2026-12-04 09:30",
    "volgende week maandag": "2026-11-30 09:00",
    "next fri": "2026-12-04 09:00",
    "+3d": "2026-11-26 10:30",
    "-1d": "2026-11-22 10:30",
    "+0d": "2026-11-23 10:30",
    "+2w": "2026-12-07 10:30",
    "+4u": "2026-11-23 14:30",
    "+4h": "2026-11-23 14:30",
    "+30m": "2026-11-23 11:00",
    "+30min": "2026-11-23 11:00",
    "+3wd": "2026-11-26 10:30",
    "+5wd": "2026-11-30 10:30",
    "over 3 dagen": "2026-11-26 10:30",
    "over 1 dag": "2026-11-24 10:30",
    "in 2 weken": "2026-12-07 10:30",
    "over 2 uren": "2026-11-23 12:30",
    "binnen 5 werkdagen": "2026-11-30 10:30",
    "over 45 minuten": "2026-11-23 11:15",
    "in 5 working days": "2026-11-30 10:30",
    "  MORGEN   9u ": "2026-11-24 09:00",
    "morgen\u00a09u": "2026-11-24 09:00",
}

NONSENSE = (
    *(
        "2026-13-01",
        "2026-02-30",
        "31/02/2026",
        "29/02/2026",
        "23/13",
        "00/11/2026",
        "0026-11-23",
        "9026-11-23",
    ),
    *(
        "23/11/26",
        "23-11-2026",
        "11/23/2026",
        "2026-11",
        "2026",
        "20261123",
        "2026-W48-1",
        "2026-11-23T25:00",
    ),
    *(
        "mei",
        "10",
        "9",
        "24:00",
        "9u60",
        "9u5",
        "10:4",
        "99u",
        "mei 9u",
        "32 mei",
        "3 blauw",
        "volgende",
        "om",
    ),
    *("volgende week", "volgende morgen", "vrijd", "nu 9u", "morgen overmorgen", "morgen om", "demain 9h"),
    *("+3", "+d", "+3x", "3d", "+-3d", "-3wd", "+99999d", "over dagen", "over drie dagen", "+9999w 9u"),
    *("", " ", "0", "x" * 10_000, "\u0662\u0660\u0662\u0666-11-23", "\x1b[31m", "9u\x00", "morgen\u200b"),
)


@pytest.mark.parametrize(("text", "expected"), MOMENTS.items())
def test_moment_is_read(text: str, expected: str) -> None:
    assert read(text) == expected


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_refused_with_the_forms(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"^[^\n\x1b]{0,60} is not a moment; write one like 2026-11-23 10:40, "
    ):
        read(text)


def test_day_without_time_takes_the_time_asked_for() -> None:
    assert read("vr", day_time="17:00") == "2026-11-27 17:00"


def test_other_zone() -> None:
    assert read("2026-11-23 10:40", timezone="Europe/Istanbul") == "2026-11-23 08:40"


@pytest.mark.parametrize("weekday", range(7))
def test_weekday_is_after_today_and_within_a_week(weekday: int) -> None:
    """On a Monday "ma" is next Monday; "volgende" goes to the next ISO week."""
    monday = date(2026, 11, 23) + timedelta(days=weekday)
    now = f"{monday}T10:30"
    assert read("ma", now) == "2026-11-30 09:00"
    assert read("volgende ma", now) == "2026-11-30 09:00"
    assert read("volgende zo", now) == "2026-12-06 09:00"


@pytest.mark.parametrize(
    ("now", "text", "utc"),
    [
        ("2026-03-28T12:00", "29/03/2026 02:30", "2026-03-29T01:30"),  # skipped: becomes 03:30 summer time
        ("2026-03-28T02:30", "+1d", "2026-03-29T01:30"),  # the same by way of an offset
        ("2026-03-28T10:30", "+1d", "2026-03-29T08:30"),  # a day on the wall clock is 23 hours here
        ("2026-03-28T10:30", "+24u", "2026-03-29T09:30"),  # 24 hours are 24 hours
        ("2026-10-24T12:00", "25/10/2026 02:30", "2026-10-25T00:30"),  # comes twice: the first
        ("2026-10-24T10:30", "+1d", "2026-10-25T09:30"),
        ("2026-10-24T10:30", "+1w", "2026-10-31T09:30"),
    ],
)
def test_summer_time(now: str, text: str, utc: str) -> None:
    expected = int(datetime.fromisoformat(utc + "+00:00").timestamp())
    assert parse(text, epoch(now), Weekdays()) == expected


def test_fault_of_the_calendar_is_not_blamed_on_the_text() -> None:
    class Closed:
        def add_days(self, start: int, days: int) -> int:
            raise ValueError("the desk never opens")

    with pytest.raises(ValueError, match="never opens"):
        parse("+3wd", 0, Closed())


@given(st.text(max_size=30) | st.from_regex(r"\A[+-]?[0-9/:uh. -]{1,12}[a-z]{0,5}\Z"))
def test_any_text_is_a_moment_or_a_valueerror(text: str) -> None:
    try:
        assert isinstance(parse(text, epoch("2026-11-23T10:30"), Weekdays()), int)
    except ValueError as fault:
        assert "is not a moment" in str(fault)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2199, 12, 31)), st.integers(0, 2_000_000_000))
def test_iso_does_not_depend_on_now(at: datetime, now: int) -> None:
    text = at.isoformat(timespec="seconds")
    assert parse(text, now, Weekdays()) == epoch(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-02-01", "2026-02-01"),
        ("1/2/2027", "2027-02-01"),
        ("25 dec", "2026-12-25"),
        ("morgen", "2026-11-24"),
        ("vr", "2026-11-27"),
        ("volgende vr", "2026-12-04"),
        ("+3d", "2026-11-26"),
        ("-2w", "2026-11-09"),
        ("over 2 weken", "2026-12-07"),
    ],
)
def test_date_is_read(text: str, expected: str) -> None:
    assert parse_date(text, epoch("2026-11-23T10:30")).isoformat() == expected


@pytest.mark.parametrize(
    "text", ["2026-13-01", "mei", "10", "10:40", "+4u", "+3wd", "morgen 9u", "", "+9999w"]
)
def test_nonsense_date_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a date; write one like 2026-11-23, "):
        parse_date(text, epoch("2026-11-23T10:30") + 86_400 * 365 * 150)


def test_today_is_the_local_day() -> None:
    """Half past midnight in Brussels is still the day before in UTC."""
    assert parse_date("vandaag", epoch("2026-11-23T00:30")) == date(2026, 11, 23)


def test_period_is_half_open() -> None:
    assert parse_period("2016-04") == (date(2016, 4, 1), date(2016, 5, 1))
    assert parse_period(" 2016-12 ") == (date(2016, 12, 1), date(2017, 1, 1))


@pytest.mark.parametrize(
    "text", ["2016-13", "2016-00", "2016-4", "2016", "04-2016", "2016-04-01", "april", ""]
)
def test_nonsense_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a month; write one like 2016-04"):
        parse_period(text)
