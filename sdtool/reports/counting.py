"""One count of everything behind the KPIs, and the values that come of it."""

from __future__ import annotations

from collections.abc import Iterable

from sdtool.reports import (
    backlog,
    cohort,
    knowledge,
    majors,
    owing,
    phone,
    repeats,
    satisfaction,
    staffing,
)
from sdtool.reports.clocks import Clocks
from sdtool.reports.entry import Kpi
from sdtool.reports.percentile import statistics
from sdtool.reports.scope import Scope
from sdtool.reports.tally import Tally
from sdtool.store.base import Store

# what counts: each has `count(store, clocks, scope, tally)`
SOURCES = (cohort, backlog, staffing, satisfaction, owing, knowledge, repeats, phone, majors)
COSTLY = (repeats,)  # reads every word of a month: of months to compare with, only what was frozen is shown
Value = tuple[str, float | None, str, int, int | None]


def count(store: Store, clocks: Clocks, scope: Scope, tally: Tally, *, costly: bool = True) -> None:
    """Count and measure all there is in a scope, or all but what is costly."""
    for source in SOURCES:
        if costly or source not in COSTLY:
            source.count(store, clocks, scope, tally)


def costly(key: str) -> bool:
    """Tell whether a KPI needs what is costly."""
    return any(entry.key == key for source in COSTLY for entry in source.KPIS)


def so_far(scope: Scope, now: int | None) -> Scope:
    """Return a scope of which the period is not over (`now`, epoch seconds) as far as it went."""
    if now is None or now >= scope.period.end:
        return scope
    return scope._replace(period=scope.period._replace(end=now + 1))


def values(tally: Tally, listed: Iterable[Kpi]) -> list[Value]:
    """Return key, value, unit, n and of of every KPI; the measures are gone afterwards."""
    measured = {
        name: (len(tally.times[name]), statistics(tally.times.pop(name))) for name in list(tally.times)
    }
    counts, found = tally.counts, []
    for kpi in listed:
        of = counts[kpi.of] if kpi.of else None
        if kpi.statistic:
            n, stats = measured.get(kpi.n, (0, statistics(())))
            value = stats[kpi.statistic]
        else:
            n = counts[kpi.n]
            value = n if of is None else n / of if of else None
        found.append((kpi.key, value, kpi.unit, n, of))
    return found
