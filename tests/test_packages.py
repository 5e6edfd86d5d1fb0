"""Packages and the deadlines of their parts: counted back from the start, on from the end."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool.rulebook.staffing import Package, Service
from sdtool.rules.packages import Part, due, parts_of, services_of, waits_for
from sdtool.rules.worktime import Calendar

_DAY = ((28_800, 43_200), (45_000, 61_200))
_SHORT = ((28_800, 43_200), (45_000, 57_600))
WEEK = (_DAY, _DAY, _DAY, _DAY, _SHORT, (), ())
ARMISTICE = date(2026, 11, 11)  # a Wednesday
BRUSSELS = ZoneInfo("Europe/Brussels")


def calendar(*closed: date) -> Calendar:
    """Return office hours of 8 to 17, Fridays to 16."""
    return Calendar("Europe/Brussels", [(date.min, WEEK)], closed=closed)


def service(**values: object) -> Service:
    """Return a support service."""
    return Service("account", "Account", "account", "systems")._replace(**values)


def local(moment: int) -> str:
    """Return a moment as people write it."""
    return f"{datetime.fromtimestamp(moment, BRUSSELS):%Y-%m-%d %H:%M}"


@pytest.mark.parametrize(
    ("days", "wanted"),
    [(0, "2026-11-16 17:00"), (1, "2026-11-13 16:00"), (2, "2026-11-12 17:00"), (3, "2026-11-10 17:00")],
)
def test_deadline_is_counted_back_over_weekend_and_holiday(days: int, wanted: str) -> None:
    """Ready at closing time so many working days before Monday 16 November; the 11th is no working day."""
    found = due(calendar(ARMISTICE), date(2026, 11, 16), service(days_before=days), reversal=False)
    assert local(found) == wanted


@pytest.mark.parametrize(
    ("days", "wanted"), [(0, "2026-11-10 17:00"), (1, "2026-11-12 17:00"), (2, "2026-11-13 16:00")]
)
def test_reversal_is_counted_on_from_the_last_day(days: int, wanted: str) -> None:
    """Off at closing time of Tuesday 10 November, or so many working days after."""
    found = due(calendar(ARMISTICE), date(2026, 11, 10), service(days_after=days), reversal=True)
    assert local(found) == wanted


def test_start_in_a_weekend_counts_from_the_next_working_day() -> None:
    """Who starts on a Saturday finds everything ready by Friday."""
    found = due(calendar(), date(2026, 11, 14), service(days_before=1), reversal=False)
    assert local(found) == "2026-11-13 16:00"


@given(st.dates(date(2026, 1, 1), date(2028, 12, 31)), st.integers(0, 30), st.integers(0, 40))
def test_a_holiday_never_gives_more_time(start: date, days: int, before: int) -> None:
    """One more day off before a start makes the deadline the same or earlier, never later."""
    holiday = start - timedelta(days=before)
    plain = due(calendar(), start, service(days_before=days), reversal=False)
    if before:
        assert due(calendar(holiday), start, service(days_before=days), reversal=False) <= plain


@given(st.dates(date(2026, 1, 1), date(2028, 12, 31)), st.integers(0, 29))
def test_one_day_more_before_is_earlier(start: date, days: int) -> None:
    """Each working day before the start is another, earlier one."""
    later, earlier = (
        due(calendar(ARMISTICE), start, service(days_before=n), reversal=False) for n in (days, days + 1)
    )
    assert earlier < later


PACKAGES = (
    Package("base", "Iedereen", ("account",)),
    Package("desk", "Werkplek", ("laptop",), target_group=("staff",)),
    Package("lead", "Leiding", ("phone",), job_title=("diensthoofd", "hoofd van")),
    Package("law", "Juristen", ("register",), department=("juridische",)),
)


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({}, {"account"}),
        ({"target_group": "staff"}, {"account", "laptop"}),
        ({"target_group": "external", "job_title": "Adjunct-diensthoofd"}, {"account", "phone"}),
        ({"job_title": "Hoofd van dienst"}, {"account", "phone"}),
        ({"job_title": "Boekhouder"}, {"account"}),
        ({"department": "Juridische dienst"}, {"account", "register"}),
    ],
)
def test_all_packages_that_fit_add_up(values: dict[str, str], wanted: set[str]) -> None:
    """A package without conditions is for everybody, one with several asks for all of them."""
    assert services_of(PACKAGES, values) == wanted


def test_mover_gets_the_difference() -> None:
    """What stays is not touched."""
    parts = parts_of("mover", {"account", "phone"}, {"account", "laptop"})
    assert parts == {Part("laptop", False), Part("phone", True)}


def test_leaver_gives_back_what_he_has() -> None:
    """Not what the package says: what was given."""
    assert parts_of("offboarding", {"account", "phone"}, {"account", "laptop"}) == {
        Part("account", True),
        Part("phone", True),
    }


def test_a_part_waits_for_fields_and_services() -> None:
    """Only for those that it needs, and that are not there."""
    mailbox = service(needs=("last_name", "site"), after=("account", "badge"))
    assert waits_for(mailbox, {"site", "phone"}, {"account"}) == ["site", "account"]
