"""Calendars: opening hours of the rulebook, days from the `holiday` table.

The holidays library fills the table (`sync`); the clock reads the table only, so what counts
as a day off can be seen and signed off.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterator
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sdtool.desk import Desk
from sdtool.errors import BadSetup, NotFound
from sdtool.rulebook import Day, Rulebook, in_force
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


def own(desk: Desk, since: int | None = None) -> Calendar:
    """Return the calendar of the desk itself, the rulebook's first, for moments from `since` (now) on."""
    first = desk.rulebook.calendars[0].key
    return load(desk.store, desk.rulebook, first, desk.now if since is None else since)


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

        try:
            found = holidays.country_holidays(country, years=year, language=rulebook.organisation.language)
        except NotImplementedError as exc:
            raise BadSetup(
                f"nobody knows the holidays of {country!r}: calendar {key} needs a country such as BE"
            ) from exc
        days = {d.isoformat(): DayOff(d.isoformat(), name, ()) for d, name in found.items()}
    for day, name, hours in _own_days(rulebook, key, year):
        days[day] = DayOff(day, name, hours)
    return [days[day] for day in sorted(days)]


def _own_days(rulebook: Rulebook, key: str, year: int) -> Iterator[tuple[str, str, Hours]]:
    for entry in rulebook.days:
        if entry.calendar != key:
            continue
        yearly = len(entry.on) == 5
        for day in _each_day(entry, year):
            # hours of every year say when one leaves earlier: they open no weekend
            if not (yearly and entry.hours) or _opens(rulebook, key, day):
                yield day.isoformat(), entry.name, entry.hours


def _each_day(entry: Day, year: int) -> Iterator[date]:
    """Yield the days of `year` that an entry names; 02-29 names none in a year without it."""
    on, until = entry.on, entry.until or entry.on
    for ordinal in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1):
        text = date.fromordinal(ordinal).isoformat()
        if on <= (text[5:] if len(on) == 5 else text) <= until:
            yield date.fromordinal(ordinal)


def _opens(rulebook: Rulebook, key: str, day: date) -> bool:
    """Tell whether the weekly hours open a calendar on this day."""
    version = in_force([c for c in rulebook.calendars if c.key == key], day.isoformat())
    return version is not None and bool(version.hours[day.weekday()])


def stored(store: Store, key: str, year: int) -> list[DayOff]:
    """Return the days of `year` as the table has them."""
    rows = store.query(
        "select day, name, hours from holiday"
        " where calendar = :key and day >= :first and day < :after order by day",
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

    from sdtool.desk import staff_days, tickets  # what stands on calendars, not the other way round
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
    moved = tickets.reschedule(desk)
    staff_days.replan(desk)
    return moved


def horizon(desk: Desk) -> range:
    """Return the years that the table is kept filled for: last year to three years ahead, by local date."""
    year = datetime.fromtimestamp(desk.now, ZoneInfo(desk.timezone)).year
    return range(year - 1, year + 4)


def covered(store: Store, rulebook: Rulebook, year: int) -> bool:
    """Tell whether the table was filled for `year`, for every calendar that has holidays."""
    keys = {c.key for c in rulebook.calendars if c.holidays}
    return all(stored(store, key, year) for key in keys)
