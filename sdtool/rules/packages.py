"""Which support services a colleague gets, keeps and gives back, and by when.

Pure: values and the rulebook's entries in, parts and moments out.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime, time
from typing import NamedTuple

from sdtool.rulebook.staffing import Package, Service
from sdtool.rulebook.words import holds, words_of
from sdtool.rules.worktime import Calendar


class Part(NamedTuple):
    """One support service of a change: given, or taken away when it is a `reversal`."""

    service: str
    reversal: bool


def services_of(packages: Iterable[Package], values: Mapping[str, str]) -> set[str]:
    """Return the keys of the services of who has these values: those of all packages that fit."""
    found: set[str] = set()
    for package in packages:
        if _fits(package, values):
            found.update(package.services)
    return found


def _fits(package: Package, values: Mapping[str, str]) -> bool:
    if package.target_group and values.get("target_group") not in package.target_group:
        return False
    for field in ("department", "job_title"):
        phrases = getattr(package, field)
        if phrases:
            words = words_of(values.get(field, ""))
            if not any(holds(words, words_of(phrase)) for phrase in phrases):
                return False
    return True


def parts_of(kind: str, held: Collection[str], wanted: Collection[str]) -> set[Part]:
    """Return what a change asks for.

    Args:
        kind: onboarding gives what is wanted; a mover gets what is new and gives back what is not wanted
            any more; an offboarding gives everything back.
        held: the services that the colleague has.
        wanted: the services of the packages that fit, for an offboarding of no account.
    """
    if kind == "onboarding":
        return {Part(key, False) for key in wanted}
    if kind == "offboarding":
        return {Part(key, True) for key in held}
    given = {Part(key, False) for key in set(wanted) - set(held)}
    return given | {Part(key, True) for key in set(held) - set(wanted)}


def on_the_day(services: Iterable[Service]) -> set[str]:
    """Return the keys of the services that are given on the first day itself, not before it."""
    return {service.key for service in services if not service.days_before}


def due(calendar: Calendar, day: date, service: Service, *, reversal: bool) -> int:
    """Return the deadline of a part, epoch seconds.

    What is given is ready at closing time, `days_before` working days before the day; 0 is the day itself.
    What is taken away is done at closing time of the day itself, or `days_after` working days on. A day
    without hours counts as the next working day for a start, as the one before for an end.
    """
    if reversal:
        moment = calendar.prev_open(_midnight(calendar, day, 1))
        for _ in range(service.days_after):
            moment = calendar.prev_open(_next_midnight(calendar, calendar.next_open(moment)))
        return moment
    moment = calendar.next_open(_midnight(calendar, day, 0))
    if not service.days_before:
        return calendar.prev_open(_next_midnight(calendar, moment))
    for _ in range(service.days_before):
        moment = calendar.prev_open(_midnight(calendar, _date(calendar, moment), 0))
    return moment


def opening(calendar: Calendar, day: date) -> int:
    """Return the first opening on or after a day, epoch seconds: when somebody starts."""
    return calendar.next_open(_midnight(calendar, day, 0))


def _midnight(calendar: Calendar, day: date, later: int) -> int:
    local = date.fromordinal(day.toordinal() + later)
    return int(datetime.combine(local, time(), calendar.zone).timestamp())


def _next_midnight(calendar: Calendar, moment: int) -> int:
    return _midnight(calendar, _date(calendar, moment), 1)


def _date(calendar: Calendar, moment: int) -> date:
    return datetime.fromtimestamp(moment, calendar.zone).date()


def waits_for(service: Service, missing: Collection[str], open_services: Collection[str]) -> Sequence[str]:
    """Return what a part cannot begin without: missing fields, then services that are not ready."""
    return [f for f in service.needs if f in missing] + [s for s in service.after if s in open_services]
