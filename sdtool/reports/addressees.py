"""Who is due a report by mail: which of the rulebook's [[reports]], about which days, from which moment on.

Level, not step: what was due and was not sent is due still; the caller's dedupe key keeps it from going out
twice. A mail is queued when the job runs, and leaves at the moment that the rulebook names.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sdtool import render
from sdtool.desk import Desk, calendars
from sdtool.reports.period import last_month
from sdtool.rulebook import Report as Entry
from sdtool.rulebook.sheet import WEEKDAYS
from sdtool.rules.moments import day_of

USUAL = {"kpi": "month", "operations": "week", "jobs": "day"}


class Due(NamedTuple):
    """A mail that is due: to whom, in which language, for which role; from which moment it may leave.

    `first` up to, but not on, `after` are the days that it is about: of a month the last whole one, of a week
    the seven days before its day, of a day the month up to it.
    """

    recipient: str
    language: str
    role: str
    every: str
    first: date
    after: date
    not_before: int


def due(desk: Desk, key: str) -> list[Due]:
    """Return what is due of report `key` at `desk.now`, each recipient once a period."""
    today = day_of(desk.now, desk.timezone)
    found: dict[tuple[str, date, date], Due] = {}
    for recipient, language, entry in readers(desk, key):
        every = entry.every or USUAL[key]
        if every == "day" and not _works(desk, today):
            continue
        since, first, after = _days(every, entry.day, today)
        leaves = moment(desk, since, entry.at)
        one = Due(recipient, language, entry.role, every, first, after, leaves)
        found.setdefault((recipient, first, after), one)
    return list(found.values())


def readers(desk: Desk, key: str) -> list[tuple[str, str, Entry]]:
    """Return address, language and the rulebook's entry of who receives report `key`."""
    return [
        (recipient, render.known(entry.language, render.REPORT_LANGUAGES), entry)
        for entry in desk.rulebook.reports
        if entry.key == key
        for recipient in entry.recipients
    ]


def queued(desk: Desk, dedupe: str) -> bool:
    """Tell whether a mail is in the outbox already."""
    return desk.store.one("select id from outbox where dedupe = :dedupe", dedupe=dedupe) is not None


def moment(desk: Desk, day: date, at: str) -> int:
    """Return local time `at` (HH:MM) of a day in epoch seconds; 24:00 is the midnight after it."""
    hours, minutes = map(int, at.split(":"))
    local = datetime.combine(day + timedelta(days=hours // 24), time(hours % 24, minutes))
    return int(local.replace(tzinfo=ZoneInfo(desk.timezone)).timestamp())


def _days(every: str, weekday: str, today: date) -> tuple[date, date, date]:
    """Return the day on which a report went due last, and the days that it is about."""
    if every == "month":
        first, after = last_month(today)
        return after, first, after
    if every == "week":
        since = today - timedelta(days=(today.weekday() - WEEKDAYS.index(weekday)) % 7)
        return since, since - timedelta(days=7), since
    return today, (today - timedelta(days=1)).replace(day=1), today


def _works(desk: Desk, day: date) -> bool:
    """Tell whether the desk opens on a day."""
    midnight, next_one = (moment(desk, one, "00:00") for one in (day, day + timedelta(days=1)))
    return calendars.own(desk, midnight).between(midnight, next_one) > 0
