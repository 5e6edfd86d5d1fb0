"""Who is due a report, about which days, and that it leaves no earlier than agreed."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from sdtool.desk.letters import queue, write
from sdtool.mail import outbox
from sdtool.reports import addressees
from sdtool.rulebook import Report

ZONE = ZoneInfo("Europe/Brussels")


def moment(text: str) -> int:
    """Return a local moment, `2026-11-23T04:40`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


def due(desk, now: str, **entry: str):
    """Return what is due at a local moment of one entry of the rulebook."""
    desk.now = moment(now)
    desk.rulebook = desk.rulebook._replace(reports=(Report("kpi", ("a@example.be",), **entry),))
    return addressees.due(desk, "kpi")


@pytest.mark.parametrize(
    ("entry", "now", "first", "after", "leaves"),
    [
        ({}, "2026-11-23T04:40", "2026-10-01", "2026-11-01", "2026-11-01T07:00"),
        ({"every": "week"}, "2026-11-25T04:40", "2026-11-16", "2026-11-23", "2026-11-23T07:00"),
        ({"every": "week", "day": "thu"}, "2026-11-25T04:40", "2026-11-12", "2026-11-19", "2026-11-19T07:00"),
        (
            {"every": "day", "at": "09:30"},
            "2026-11-23T04:40",
            "2026-11-01",
            "2026-11-23",
            "2026-11-23T09:30",
        ),
        ({"every": "day"}, "2026-12-01T04:40", "2026-11-01", "2026-12-01", "2026-12-01T07:00"),
    ],
)
def test_each_rhythm_has_its_days(desk, entry, now, first, after, leaves) -> None:
    """A month is the last whole one, a week the seven days before its day, a day the month so far."""
    (one,) = due(desk, now, **entry)

    assert (str(one.first), str(one.after), one.not_before) == (first, after, moment(leaves))


@pytest.mark.parametrize("day", ["2026-11-21", "2026-11-22", "2026-07-21"])
def test_nothing_daily_on_a_day_off(desk, day) -> None:
    """A Saturday, a Sunday and a holiday."""
    from sdtool.desk import calendars

    calendars.sync(desk, range(2026, 2027))
    assert due(desk, f"{day}T04:40", every="day") == []


def test_a_mail_does_not_leave_before_its_moment(desk) -> None:
    """Also when that is further away than the longest wait between two tries."""
    desk.now = moment("2026-11-23T04:40")
    letter = write(desk, None, "a@example.be", "nl", "Cijfers", "tekst", "<p>tekst</p>")
    desk.run(lambda: queue(desk, None, "kpi", letter, not_before=moment("2026-11-23T09:30")))

    early, late = (outbox.due(desk.store, moment(f"2026-11-23T{at}")) for at in ("09:29", "09:30"))
    assert (len(early), len(late)) == (0, 1)


def test_a_mail_of_the_future_leaves_when_the_clock_went_back(desk) -> None:
    """It was made later than now, so its moment means nothing."""
    desk.now = moment("2026-11-23T04:40")
    letter = write(desk, None, "a@example.be", "nl", "Cijfers", "tekst", "<p>tekst</p>")
    desk.run(lambda: queue(desk, None, "kpi", letter))

    assert len(outbox.due(desk.store, moment("2026-11-20T04:40"))) == 1
