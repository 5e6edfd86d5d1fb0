"""What a period is compared with: the one before, the same one last year; a month with a year of months."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Collection
from datetime import date, timedelta
from typing import NamedTuple

from sdtool.reports import freeze
from sdtool.reports.clocks import Clocks
from sdtool.reports.counting import COSTLY, count, values
from sdtool.reports.entry import Kpi
from sdtool.reports.period import before, period, shifted
from sdtool.reports.scope import Scope
from sdtool.reports.tally import Tally
from sdtool.store.base import Store

MONTHS = 13  # of a series: the month itself, and the twelve before it
Values = dict[str, float | None]


class Trend(NamedTuple):
    """Values by KPI of other periods, none of a KPI that is missing; `series` is of the months before."""

    previous: Values
    last_year: Values
    series: tuple[Values, ...]


def trend(store: Store, clocks: Clocks, scope: Scope, listed: Collection[Kpi]) -> Trend:
    """Return what the figures of a scope are compared with: nothing before the desk had tickets."""
    zone = clocks.rulebook.organisation.timezone
    first, after = scope.period.first, scope.period.after
    opened = freeze.first_opened(store)
    costly = {entry.key for source in COSTLY for entry in source.KPIS}

    def of(first: date, after: date) -> Values:
        month = freeze.month_of(first, after) if scope.whole else ""
        frozen = freeze.figures_of(store, month) if month else None
        if frozen is not None:
            return frozen
        other = period(first, after, zone)
        if opened is None or opened >= other.end:
            return {}
        tally = Tally()
        count(store, clocks, scope._replace(period=other), tally, costly=False)
        return {key: value for key, value, *_ in values(tally, listed) if key not in costly}

    if not freeze.month_of(first, after):
        # of a period longer than a year, "a year before" is half of the period itself
        year = after <= first + timedelta(days=366)
        return Trend(of(*before(first, after)), of(*shifted(first, after, 12)) if year else {}, ())
    series = tuple(of(*shifted(first, after, months)) for months in range(MONTHS - 1, 0, -1))
    return Trend(series[-1], series[0], series)
