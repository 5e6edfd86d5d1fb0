"""Who comes, moves and leaves: the KPIs of it, and how they are counted.

An onboarding counts in the period of its first day (ready) or of the moment that HR told of it (complete,
lead time); the ticket of a support service in the period of its deadline.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sdtool.reports.clocks import Clocks
from sdtool.reports.cohort import in_time, slices
from sdtool.reports.entry import CHANGES, UP, Kpi, kpi
from sdtool.reports.scope import COUNTED, Scope
from sdtool.reports.tally import Tally
from sdtool.reports.times import STATISTICS
from sdtool.rulebook import Rulebook
from sdtool.rulebook.staffing import staffing
from sdtool.rules.packages import on_the_day, opening
from sdtool.rules.worktime import Calendar
from sdtool.store.base import Row, Store

_SHARES = (
    kpi(
        "ready_on_day_one",
        "share",
        UP,
        ("ready", "starts"),
        ("Klaar op dag één", "Ready on day one"),
        (
            "Alle deelmeldingen opgelost minstens één werkdag voor de start, op die van diensten na die pas"
            " op de dag zelf leveren ÷ indiensttredingen met een start in de periode.",
            "All sub-tickets resolved at least one working day before the start, except those of services"
            " that deliver on the day itself ÷ onboardings with a start in the period.",
        ),
        about=CHANGES,
    ),
    kpi(
        "complete_at_first_import",
        "share",
        UP,
        ("complete_first", "told"),
        ("Volledig bij de eerste aanlevering", "Complete when first told"),
        (
            "Indiensttredingen waarvan HR meteen alles meegaf ÷ indiensttredingen gemeld in de periode.",
            "Onboardings of which HR gave everything at once ÷ onboardings told in the period.",
        ),
        about=CHANGES,
    ),
)


def _lead_time(statistic: str) -> Kpi:
    nl, en = STATISTICS[statistic]
    label = (f"Werkdagen vooraf gemeld, {nl}", f"Working days of notice, {en}")
    definition = (
        "Van de dag dat HR een indiensttreding meldde tot de start die nu geldt, 0 voor wie er al was;"
        " van wie in de periode gemeld is.",
        "From the day that HR told of an onboarding until the start that stands, 0 for who was there"
        " already; of those told in the period.",
    )
    key, parts = f"lead_time_{statistic}", ("lead_time", "told")
    return kpi(key, "days", UP, parts, label, definition, statistic=statistic, about=CHANGES)


STAFFING = (*_SHARES, *(_lead_time(statistic) for statistic in STATISTICS))

_KNOWN = "select 1 from staff_change where known_at < :end limit 1"
# cross join: first the onboardings in order, then their tickets. Who was withdrawn was told, though that
# cancels the request; one that a person cancelled or merged is left out as every ticket is
_TOLD = """
    select staff_change.id, day, known_at, complete_first
    from staff_change cross join ticket
    where kind = 'onboarding' and known_at >= :start and known_at < :end
        and (known_at > :start or staff_change.id > :after)
        and ticket.id = staff_change.id and ticket.test = 0
        and (withdrawn_at is not null or ticket.state not in ('cancelled', 'merged'))
    order by known_at, staff_change.id limit :size
"""
_STARTS = f"""
    select staff_change.id, day from staff_change cross join ticket
    where kind = 'onboarding' and withdrawn_at is null and day >= :start and day < :end
        and (day > :start or staff_change.id > :after)
        and ticket.id = staff_change.id and {COUNTED}
    order by day, staff_change.id limit :size
"""  # noqa: S608 (a constant)
# cross join here too: the onboardings of a slice, from its first row to its last, then their tickets
_GIVEN = f"""
    select staff_change.id, staff_change.day, ticket.service, ticket.resolved_at
    from staff_change cross join link cross join ticket
    where staff_change.kind = 'onboarding' and staff_change.withdrawn_at is null
        and staff_change.day >= :first and staff_change.day <= :last
        and (staff_change.day > :first or staff_change.id >= :first_id)
        and (staff_change.day < :last or staff_change.id <= :last_id)
        and link.other = staff_change.id and link.kind = 'part-of' and ticket.id = link.ticket
        and ticket.service <> '' and ticket.reversal = 0 and {COUNTED}
"""  # noqa: S608 (a constant)
_DUE = f"""
    select id, type, priority, opened_at, service, resolved_at, resolve_due from ticket
    where service <> '' and resolve_due >= :start and resolve_due < :end
        and (resolve_due > :start or id > :after) and {COUNTED}
    order by resolve_due, id limit :size
"""  # noqa: S608 (a constant)


def known(store: Store, end: int) -> bool:
    """Tell whether the desk had been told of anybody who comes, moves or leaves before this moment."""
    return store.one(_KNOWN, end=end) is not None


def count(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    """Count who came and of whom HR told, and by support service what was due, up to the period's end.

    Who comes belongs to no service of the desk and no group: with a filter, nothing is counted.
    """
    if scope.whole and known(store, scope.period.end):
        calendar = clocks.main()
        _count_told(store, calendar, scope, tally)
        _count_starts(store, clocks.rulebook, calendar, scope, tally)
        _count_services(store, clocks, scope, tally)


def names(rulebook: Rulebook) -> dict[str, str]:
    """Return the names of the support services by key, in the order of the rulebook."""
    return {service.key: service.name for service in staffing(rulebook).support_services}


def _count_told(store: Store, calendar: Calendar, scope: Scope, tally: Tally) -> None:
    for rows in slices(store, _TOLD, "known_at", scope.period.start, scope.period.end):
        tally.each("told", [row["id"] for row in rows])
        tally.each("complete_first", [row["id"] for row in rows if row["complete_first"]])
        dated = [(row["known_at"], date.fromisoformat(row["day"])) for row in rows if row["day"]]
        days = (_days(calendar, told_at, day) for told_at, day in dated)
        tally.measure("lead_time", days, [row["id"] for row in rows if row["day"]])


def _days(calendar: Calendar, since: int, day: date) -> int:
    """Return the working days until somebody starts; a start that is over does not count below 0."""
    return max(calendar.working_days(since, opening(calendar, day)), 0)


def _count_starts(store: Store, rulebook: Rulebook, calendar: Calendar, scope: Scope, tally: Tally) -> None:
    """Count the onboardings that began; on the last day of a period that is not over, today's too."""
    last = datetime.fromtimestamp(scope.period.end - 1, calendar.zone).date()
    later = on_the_day(staffing(rulebook).support_services)
    first, after = scope.period.first.isoformat(), (last + timedelta(days=1)).isoformat()
    for rows in slices(store, _STARTS, "day", first, after):
        started = {row["id"] for row in rows}
        tally.each("starts", started)
        tally.each("ready", started & _ready(calendar, _given(store, rows), later))


def _given(store: Store, rows: Sequence[Row]) -> Sequence[Row]:
    first, last = rows[0], rows[-1]
    return store.query(_GIVEN, first=first["day"], first_id=first["id"], last=last["day"], last_id=last["id"])


def _ready(calendar: Calendar, parts: Sequence[Row], on_the_day: set[str]) -> set[int]:
    """Return the onboardings with parts, none of which was late; without any, nothing was made ready."""
    starts = {day: opening(calendar, date.fromisoformat(day)) for day in {row["day"] for row in parts}}
    late = {
        row["id"]
        for row in parts
        if row["service"] not in on_the_day
        and not _day_before(calendar, row["resolved_at"], starts[row["day"]])
    }
    return {row["id"] for row in parts} - late


def _day_before(calendar: Calendar, resolved_at: int | None, start: int) -> bool:
    return resolved_at is not None and calendar.working_days(resolved_at, start) >= 1


def _count_services(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    for rows in slices(store, _DUE, "resolve_due", scope.period.start, scope.period.end):
        for row in rows:
            counts = tally.services[row["service"]]
            counts["due"] += 1
            counts["late"] += _late(row, clocks)


def _late(row: Row, clocks: Clocks) -> bool:
    """Tell whether a ticket was resolved after its deadline, or is not resolved though that is over."""
    clock = clocks.of(row["type"], row["priority"], row["opened_at"])
    return row["resolved_at"] is None or not in_time(row["resolve_due"], row["resolved_at"], clock)
