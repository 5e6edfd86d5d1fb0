"""The KPI report: every KPI of the registry over a period, beside its norm and the period before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from sdtool.reports import backlog, cohort, owing, satisfaction, staffing
from sdtool.reports.clocks import Clocks
from sdtool.reports.entry import NEUTRAL, UP, Kpi
from sdtool.reports.percentile import statistics
from sdtool.reports.period import before, period
from sdtool.reports.registry import KPIS, kpis
from sdtool.reports.scope import Scope
from sdtool.reports.tally import Tally
from sdtool.rulebook import Rulebook, in_force
from sdtool.store.base import Store

__all__ = ["KPIS", "Figure", "Report", "Split", "met", "report"]

# what counts: each has `count(store, clocks, scope, tally)`
SOURCES = (cohort, backlog, staffing, satisfaction, owing)
_FIRST_OPENED = "select min(opened_at) from ticket"


class Figure(NamedTuple):
    """One KPI; `value` is None when there is nothing to measure.

    Of a count, `n` is the value. Of a share or ratio, `n` / `of` is the value. Of a time, `n` tickets of the
    `of` in the cohort had it registered; so of days, which are working days. `norm` and `previous` are None
    where there is none.
    """

    key: str
    value: float | None
    unit: str
    n: int
    of: int | None
    norm: float | None
    previous: float | None


class Split(NamedTuple):
    """A few counts of one solver group, category or support service; `key` is that of the rulebook."""

    key: str
    name: str
    counts: Mapping[str, int]


class Report(NamedTuple):
    """The figures of a period, from `first` up to, but not on, `after`.

    `staffed` tells whether the desk had been told of anybody who comes, moves or leaves by then, `frozen_at`
    (epoch seconds) that these are the figures of a frozen month.
    """

    first: date
    after: date
    kpis: tuple[Figure, ...]
    groups: tuple[Split, ...]
    categories: tuple[Split, ...]
    services: tuple[Split, ...]
    staffed: bool
    frozen_at: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the promised JSON: {"period": {"from", "to"}, "kpis": [{"key", "value", …}]}, unrounded."""
        between = {"from": self.first.isoformat(), "to": self.after.isoformat()}
        return {"period": between, "kpis": [figure._asdict() for figure in self.kpis]}


def report(
    store: Store, rulebook: Rulebook, first: date, after: date, *, timezone: str, now: int | None = None
) -> Report:
    """Compute every KPI from `first` up to, but not on, `after`, local dates in `timezone`.

    Args:
        now: epoch seconds; of a period that is not over, what is open, who came and what was due by now.

    Raises:
        ValueError: the period has no days.
    """
    listed = kpis(p.level for p in rulebook.priorities).values()
    earlier = _previous(store, rulebook, Scope(period(*before(first, after), timezone)), listed)
    current = period(first, after, timezone)
    tally = _tally(store, rulebook, Scope(current), now)
    day = (after - timedelta(days=1)).isoformat()
    figures = tuple(
        Figure(key, value, unit, n, of, _norm(rulebook, key, day), earlier.get(key))
        for key, value, unit, n, of in _values(tally, listed)
    )
    groups = _split(tally.groups, {g.key: g.name for g in rulebook.groups})
    categories = _split(tally.categories, {c.key: c.name for c in rulebook.categories})
    services = _split(tally.services, staffing.names(rulebook))
    staffed = staffing.known(store, current.end)
    return Report(first, after, figures, groups, categories, services, staffed)


def met(kpi: Kpi, figure: Figure) -> bool | None:
    """Tell whether a figure meets its norm; None when either is missing or no direction is better."""
    if figure.value is None or figure.norm is None or kpi.better == NEUTRAL:
        return None
    return figure.value >= figure.norm if kpi.better == UP else figure.value <= figure.norm


def _tally(store: Store, rulebook: Rulebook, scope: Scope, now: int | None) -> Tally:
    tally, clocks = Tally(), Clocks(store, rulebook)
    if now is not None and now < scope.period.end:
        scope = scope._replace(period=scope.period._replace(end=now + 1))
    for source in SOURCES:
        source.count(store, clocks, scope, tally)
    return tally


def _previous(
    store: Store, rulebook: Rulebook, earlier: Scope, listed: Iterable[Kpi]
) -> dict[str, float | None]:
    """Return the values of the period before; none when the desk had no tickets yet."""
    first = store.value(_FIRST_OPENED)
    if first is None or first >= earlier.period.end:
        return {}
    return {key: value for key, value, *_ in _values(_tally(store, rulebook, earlier, None), listed)}


def _values(tally: Tally, listed: Iterable[Kpi]) -> list[tuple[str, float | None, str, int, int | None]]:
    """Return key, value, unit, n and of of every KPI."""
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


def _norm(rulebook: Rulebook, key: str, day: str) -> float | None:
    """Return what the service sheet held the KPI to on the last day of the period."""
    line = in_force([norm for norm in rulebook.service_sheet if norm.kpi == key], day)
    return None if line is None else line.norm


def _split(counted: Mapping[str, Mapping[str, int]], names: Mapping[str, str]) -> tuple[Split, ...]:
    """Name the parts in the order of the rulebook; those it no longer has come last, by their key."""
    order = [*(key for key in names if key in counted), *sorted(key for key in counted if key not in names)]
    return tuple(Split(key, names.get(key, key), dict(counted[key])) for key in order)
