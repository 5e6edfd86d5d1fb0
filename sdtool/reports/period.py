"""Periods of a report: half open, in local dates."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from sdtool.rules.moments import midnight


class Period(NamedTuple):
    """From the first day up to, but not on, `after`; `start` and `end` are the moments, epoch seconds."""

    first: date
    after: date
    start: int
    end: int


def period(first: date, after: date, timezone: str) -> Period:
    """Return the period between two local midnights.

    Raises:
        ValueError: it has no days.
    """
    if after <= first:
        raise ValueError(f"the period from {first} up to {after} has no days")
    return Period(first, after, midnight(first, timezone), midnight(after, timezone))


def before(first: date, after: date) -> tuple[date, date]:
    """Return the period of equal length just before: as many whole months when it is made of months."""
    from dateutil.relativedelta import relativedelta  # only reports pay for it

    if first.day == after.day == 1:
        return first - relativedelta(after, first), first
    return first - (after - first), first


def shifted(first: date, after: date, months: int) -> tuple[date, date]:
    """Return the same period so many months earlier; of a day at least, for 28 February has no 29th."""
    from dateutil.relativedelta import relativedelta

    start, end = first - relativedelta(months=months), after - relativedelta(months=months)
    return start, max(end, start + timedelta(days=1))


def last_month(today: date) -> tuple[date, date]:
    """Return the last whole month before `today`."""
    from dateutil.relativedelta import relativedelta

    after = today.replace(day=1)
    return after - relativedelta(months=1), after
