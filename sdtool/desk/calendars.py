"""Calendars: opening hours of the rulebook, days from the `holiday` table.

The holidays library fills the table (`sync`); the clock reads the table only, so what counts
as a day off can be seen and signed off.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sdtool.desk import Desk
from sdtool.errors import NotFound
from sdtool.rulebook import Rulebook
from sdtool.rules.worktime import Calendar, Hours
from sdtool.store.base import Store

BEFORE = 31 * 86400  # a calendar is asked for days a little before the moment it was loaded for


class DayOff(NamedTuple):
    """A day that differs from the week: ISO date, name, opening hours (none: closed)."""

    day: str
    name: str
    hours: Hours


def load(store: Store, rulebook: Rulebook, key: str, since: int) -> Calendar:
    """Return calendar `key` for moments from `since` (epoch seconds) on.

    Raises:
        NotFound: the rulebook has no such calendar.
    """
    first = (datetime.fromtimestamp(max(since - BEFORE, 0), ZoneInfo("UTC"))).date().isoformat()
    held: tuple[str, Calendar] | None = store.cache.get(f"calendar {key}")
    if held is not None and held[0] <= first:
        return held[1]
    calendar = _build(store, rulebook, key, first)
    store.cache[f"calendar {key}"] = (first, calendar)
    return calendar


def _build(store: Store, rulebook: Rulebook, key: str, first: str) -> Calendar:
    versions = [c for c in rulebook.calendars if c.key == key]
    if not versions:
        known = ", ".join(dict.fromkeys(c.key for c in rulebook.calendars))
        raise NotFound(f"there is no calendar {key!r} in the rulebook; known are {known}")
    rows = store.query(
        "select day, hours from holiday where calendar = :key and day >= :first order by day",
        key=key,
        first=first,
    )
    days = {row["day"]: _hours(row["hours"]) for row in rows}
    return Calendar(
        versions[0].timezone,
        [
            (date.fromisoformat(v.valid_from) if v.valid_from else date.min, v.hours)
            for v in sorted(versions, key=_since)
        ],
        closed={date.fromisoformat(day) for day, hours in days.items() if not hours},
        special={date.fromisoformat(day): hours for day, hours in days.items() if hours},
    )


def _since(version: Any) -> str:
    return str(version.valid_from)


def _hours(text: str) -> Hours:
    if text == "[]":
        return ()
    import json  # few days have hours of their own

    return tuple((opened, closed) for opened, closed in json.loads(text))


def wanted(rulebook: Rulebook, key: str, year: int) -> list[DayOff]:
    """Return the days of `year` that differ, as library and rulebook have them; own days win."""
    days: dict[str, DayOff] = {}
    country = next((c.holidays for c in rulebook.calendars if c.key == key and c.holidays), "")
    if country:
        import holidays  # 118 ms with its first country: only here

        language = rulebook.organisation.language
        found = holidays.country_holidays(country, years=year, language=language)
        days = {d.isoformat(): DayOff(d.isoformat(), name, ()) for d, name in found.items()}
    for day, name, hours in _own_days(rulebook, key, year):
        days[day] = DayOff(day, name, hours)
    return [days[day] for day in sorted(days)]


def _own_days(rulebook: Rulebook, key: str, year: int) -> Iterator[tuple[str, str, Hours]]:
    for entry in rulebook.days:
        if entry.calendar != key:
            continue
        on, until = entry.on, entry.until or entry.on
        if len(on) == 5:
            on, until = f"{year}-{on}", f"{year}-{until}"
        if on.endswith("02-29") and not _is_leap(year):
            continue
        day, last = date.fromisoformat(on), date.fromisoformat(until)
        while day <= last:
            if day.year == year:
                yield day.isoformat(), entry.name, entry.hours
            day += timedelta(days=1)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def stored(store: Store, key: str, year: int) -> list[DayOff]:
    """Return the days of `year` as the table has them."""
    rows = store.query(
        "select day, name, hours from holiday where calendar = :key and day >= :first and day < :after order by day",
        key=key,
        first=f"{year}-01-01",
        after=f"{year + 1}-01-01",
    )
    return [DayOff(row["day"], row["name"], _hours(row["hours"])) for row in rows]


def differences(store: Store, rulebook: Rulebook, year: int) -> list[tuple[str, str, str]]:
    """Return (calendar, day, what differs) between table and rulebook for `year`."""
    found = []
    for key in dict.fromkeys(c.key for c in rulebook.calendars):
        table = {d.day: d for d in stored(store, key, year)}
        agreed = {d.day: d for d in wanted(rulebook, key, year)}
        for day in sorted(table.keys() | agreed.keys()):
            if table.get(day) != agreed.get(day):
                found.append((key, day, _difference(table.get(day), agreed.get(day))))
    return found


def _difference(table: DayOff | None, agreed: DayOff | None) -> str:
    if table is None and agreed is not None:
        return f"missing in the table: {agreed.name}"
    if agreed is None and table is not None:
        return f"no longer agreed: {table.name}"
    return "other name or hours"


def sync(desk: Desk, years: range) -> tuple[int, int]:
    """Bring the table up to the rulebook for `years`, and open tickets' deadlines with it.

    Return how many days changed, and how many tickets got another deadline. Run twice, it
    changes nothing the second time.
    """
    found = [d for year in years for d in differences(desk.store, desk.rulebook, year)]
    if not found:
        return 0, 0
    return len(found), desk.run(lambda: _apply(desk, found))


def _apply(desk: Desk, found: list[tuple[str, str, str]]) -> int:
    import json

    from sdtool.desk import tickets  # the clock of tickets stands on calendars, not the other way round
    from sdtool.store.journal import Entry, append

    agreed = {
        (key, day.day): day
        for key, year in {(key, int(day[:4])) for key, day, _ in found}
        for day in wanted(desk.rulebook, key, year)
    }
    for key, day, _ in found:
        desk.store.execute("delete from holiday where calendar = :key and day = :day", key=key, day=day)
        if (key, day) in agreed:
            new = agreed[key, day]
            hours = json.dumps(new.hours)
            desk.store.insert("holiday", {"calendar": key, "day": day, "name": new.name, "hours": hours})
    data = {"changes": [list(change) for change in found]}
    append(desk.store, [Entry("calendar", 0, "sync", desk.actor, desk.source, desk.now, data)])
    desk.store.cache.clear()
    return tickets.reschedule(desk)


def covered(store: Store, rulebook: Rulebook, year: int) -> bool:
    """Tell whether the table was filled for `year`, for every calendar that has holidays."""
    keys = {c.key for c in rulebook.calendars if c.holidays}
    return all(stored(store, key, year) for key in keys)
