"""Moments as people write them, in Dutch and English: ISO first, then a small grammar.

General date parsers read "2026-02-01" as 2 January, "2026-13-01" as 13 January, and "morgen om 9u" as half
past seven in the evening. Here a text has one meaning or is refused. A day without a year is in this year.
"""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

FORMS = "2026-11-23 10:40, 23/11/2026 9u30, 10:40, morgen 9u, vr, volgende vr, +3d, +4u, +30m or +3wd"
DATE_FORMS = "2026-11-23, 23/11/2026, 23/11, 3 mrt, morgen, vr, volgende vr, +3d or +2w"

# Compiled when first used: most texts need one or two of these, and compiling all costs 1 ms.
_ISO = r"(\d{4}-\d\d-\d\d)(?:[ t](\d\d:\d\d(?::\d\d)?)(z|[+-]\d\d:\d\d)?)?"
_TIME = r"(?:^|(?<= ))(?:(?:om|at) )?(\d{1,2})(?::(\d\d)| ?(?:u|h|uur)(?: ?(\d\d))?)$"
_SLASHED = r"(\d{1,2})/(\d{1,2})(?:/(\d{4}))?"
_NAMED = r"(\d{1,2}) ([a-z]+)\.?(?: (\d{4}))?"
_WEEKDAY = r"(?:(volgende week|next week|volgende|next) )?([a-z]+)"
_OFFSET = r"([+-])(\d{1,4}) ?([a-z]+)|(?:in|over|binnen|within) (\d{1,4}) ([a-z ]+)"

_DAYS = {
    **dict.fromkeys(("vandaag", "today"), 0),
    **dict.fromkeys(("morgen", "tomorrow"), 1),
    "overmorgen": 2,
    **dict.fromkeys(("gisteren", "yesterday"), -1),
    "eergisteren": -2,
}
_WEEK = (
    ("ma", "maandag", "mon", "monday"),
    ("di", "dinsdag", "tue", "tuesday"),
    ("wo", "woensdag", "wed", "wednesday"),
    ("do", "donderdag", "thu", "thursday"),
    ("vr", "vrijdag", "fri", "friday"),
    ("za", "zaterdag", "sat", "saturday"),
    ("zo", "zondag", "sun", "sunday"),
)
_WEEKDAYS = {name: number for number, names in enumerate(_WEEK) for name in names}
_YEAR = (
    ("jan", "januari", "january"),
    ("feb", "februari", "february"),
    ("mrt", "maart", "mar", "march"),
    ("apr", "april"),
    ("mei", "may"),
    ("jun", "juni", "june"),
    ("jul", "juli", "july"),
    ("aug", "augustus", "august"),
    ("sep", "sept", "september"),
    ("okt", "oktober", "oct", "october"),
    ("nov", "november"),
    ("dec", "december"),
)
_MONTHS = {name: number for number, names in enumerate(_YEAR, 1) for name in names}
_UNITS = {
    **dict.fromkeys(("d", "dag", "dagen", "day", "days"), "day"),
    **dict.fromkeys(("w", "week", "weken", "weeks"), "week"),
    **dict.fromkeys(("wd", "werkdag", "werkdagen", "working day", "working days"), "working day"),
    **dict.fromkeys(("u", "h", "uur", "uren", "hour", "hours"), "hour"),
    **dict.fromkeys(("m", "min", "minuut", "minuten", "minute", "minutes"), "minute"),
}
_SECONDS = {"hour": 3600, "minute": 60}
_NIGHTS = {"day": 1, "week": 7}
_FIRST_YEAR, _LAST_YEAR = 1900, 2199


class Calendar(Protocol):
    """What is needed of the desk's calendar."""

    def add_days(self, start: int, days: int, /) -> int:
        """Return the moment `days` working days after `start`, at the same time of the clock."""


def parse(
    text: str,
    now: int,
    calendar: Calendar,
    timezone: str = "Europe/Brussels",
    *,
    day_time: str = "09:00",
) -> int:
    """Return the moment that `text` means, in epoch seconds.

    Args:
        text: one of FORMS; a time without a day is today's, also when it is past.
        now: epoch seconds; where relative forms start.
        calendar: counts working days, for `+3wd`.
        timezone: the zone of the clock people look at. A time that the change to summer time skips moves an
            hour forward; of a time that comes twice the first is meant.
        day_time: the time of a day that is given without one.

    Raises:
        ValueError: the text is none of these; the message is one sentence that names the forms.
    """
    zone, usual, tidy = ZoneInfo(timezone), time.fromisoformat(day_time), _tidy(text)
    count, unit = _offset(tidy)
    if unit == "working day" and count >= 0:
        return calendar.add_days(now, count)
    try:
        found = _shift(count, unit, now, zone) if unit else _moment(tidy, now, zone, usual)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise ValueError(f"{text[:40]!r} is not a moment; write one like {FORMS}")
    return found


def day_of(at: int, timezone: str) -> date:
    """Return the local day of a moment in epoch seconds."""
    return datetime.fromtimestamp(at, ZoneInfo(timezone)).date()


def midnight(day: date, timezone: str) -> int:
    """Return the moment, in epoch seconds, at which a local day begins."""
    return int(datetime.combine(day, time(), ZoneInfo(timezone)).timestamp())


def parse_date(text: str, now: int, timezone: str = "Europe/Brussels") -> date:
    """Return the calendar date that `text` means, one of DATE_FORMS; `now` is in epoch seconds.

    Raises:
        ValueError: the text is none of these; the message is one sentence that names the forms.
    """
    today = day_of(now, timezone)
    try:
        found = _date(_tidy(text), today)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise ValueError(f"{text[:40]!r} is not a date; write one like {DATE_FORMS}")
    return found


def parse_period(text: str) -> tuple[date, date]:
    """Return the first day of a month written as 2016-04, and the first day after it.

    Raises:
        ValueError: the text is not a month; the message is one sentence.
    """
    match = re.fullmatch(r"(\d{4})-(\d\d)", text.strip(), re.ASCII)
    try:
        first = _checked(date(int(match[1]), int(match[2]), 1)) if match else None
    except ValueError:
        first = None
    if first is None:
        raise ValueError(f"{text[:40]!r} is not a month; write one like 2016-04")
    return first, (first + timedelta(days=31)).replace(day=1)


def _tidy(text: str) -> str:
    return " ".join(text.lower().split()) if len(text) <= 60 else ""


def _offset(text: str) -> tuple[int, str]:
    """Read "+3d" or "over 3 dagen" as (3, "day"); return an empty unit for anything else."""
    match = re.fullmatch(_OFFSET, text, re.ASCII)
    if not match:
        return 0, ""
    count = int(match[2] or match[4])
    return -count if match[1] == "-" else count, _UNITS.get(match[3] or match[5], "")


def _moment(text: str, now: int, zone: ZoneInfo, day_time: time) -> int | None:
    """Try the forms in turn: now, ISO, a time with or without a day, a day."""
    if text in ("now", "nu"):
        return now
    if iso := re.fullmatch(_ISO, text, re.ASCII):
        return _iso(iso, zone, day_time)
    today = datetime.fromtimestamp(now, zone).date()
    if clock := re.search(_TIME, text, re.ASCII):
        day_text = text[: clock.start()].strip()
        day = _day(day_text, today) if day_text else today
        return _epoch(day, time(int(clock[1]), int(clock[2] or clock[3] or 0)), zone) if day else None
    day = _day(text, today)
    return _epoch(day, day_time, zone) if day else None


def _iso(match: re.Match[str], zone: ZoneInfo, day_time: time) -> int:
    day = _checked(date.fromisoformat(match[1]))
    clock = time.fromisoformat(match[2]) if match[2] else day_time
    if not match[3]:
        return _epoch(day, clock, zone)
    offset = "+00:00" if match[3] == "z" else match[3]
    return int(datetime.fromisoformat(f"{day}T{clock}{offset}").timestamp())


def _epoch(day: date, clock: time, zone: ZoneInfo) -> int:
    """Return the moment of a wall clock; the default fold does what `parse` promises around summer time."""
    return int(datetime.combine(_checked(day), clock, zone).timestamp())


def _shift(count: int, unit: str, now: int, zone: ZoneInfo) -> int | None:
    """Move `now`: hours and minutes as they pass, days and weeks on the wall clock."""
    if unit in _SECONDS:
        return now + count * _SECONDS[unit]
    if unit not in _NIGHTS:
        return None
    wall = datetime.fromtimestamp(now, zone)
    day = wall.date() + timedelta(days=count * _NIGHTS[unit])
    return _epoch(day, wall.time(), zone) if count else now


def _date(text: str, today: date) -> date | None:
    """Read a day, or an offset in days or weeks."""
    count, unit = _offset(text)
    if not unit:
        return _day(text, today)
    return _checked(today + timedelta(days=count * _NIGHTS[unit])) if unit in _NIGHTS else None


def _day(text: str, today: date) -> date | None:
    """Read one day; raise ValueError for a date that does not exist, return None for no date at all."""
    if text in _DAYS:
        return today + timedelta(days=_DAYS[text])
    if re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII):
        return _checked(date.fromisoformat(text))
    if match := re.fullmatch(_SLASHED, text, re.ASCII):
        return _checked(date(int(match[3] or today.year), int(match[2]), int(match[1])))
    if (match := re.fullmatch(_NAMED, text, re.ASCII)) and match[2] in _MONTHS:
        return _checked(date(int(match[3] or today.year), _MONTHS[match[2]], int(match[1])))
    match = re.fullmatch(_WEEKDAY, text, re.ASCII)
    return _weekday(today, _WEEKDAYS[match[2]], match[1]) if match and match[2] in _WEEKDAYS else None


def _weekday(today: date, weekday: int, following: str | None) -> date:
    """Return the next such day after today; after "volgende" the one of the next ISO week."""
    if following:
        return today + timedelta(days=7 - today.weekday() + weekday)
    return today + timedelta(days=(weekday - today.weekday() - 1) % 7 + 1)


def _checked(day: date) -> date:
    """Refuse years that can only be a slip of the finger."""
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(day)
    return day
