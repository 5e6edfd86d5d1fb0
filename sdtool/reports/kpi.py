"""The KPI report: every KPI of the registry over a period, beside its norm and the period before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, NamedTuple

from sdtool.reports import staffing
from sdtool.reports.clocks import Clocks
from sdtool.reports.counting import Value, count, so_far, values
from sdtool.reports.entry import DOWN, NEUTRAL, TICKETS, UP, Kpi
from sdtool.reports.period import period
from sdtool.reports.registry import KPIS, kpis
from sdtool.reports.scope import NO_FILTER, Scope
from sdtool.reports.tally import Tally
from sdtool.reports.trend import Trend, trend
from sdtool.rulebook import Norm, Rulebook
from sdtool.rulebook.sheet import AT_LEAST, AT_MOST, norm_on
from sdtool.store.base import Store

__all__ = ["KPIS", "Figure", "Report", "Split", "met", "report"]

_DIRECTIONS = {AT_LEAST: UP, AT_MOST: DOWN}


class Figure(NamedTuple):
    """One KPI; `value` is None when there is nothing to measure.

    Of a count, `n` is the value. Of a share or ratio, `n` / `of` is the value. Of a time, `n` tickets of the
    `of` in the cohort had it registered; so of days, which are working days. `norm` and `previous` are None
    where there is none, as is `last_year`, the value of the same period a year before. `series` is empty, or
    of a month the values of the twelve before it and its own. `better`: up, down or "" for neither.
    """

    key: str
    value: float | None
    unit: str
    n: int
    of: int | None
    norm: float | None
    previous: float | None
    last_year: float | None = None
    series: tuple[float | None, ...] = ()
    better: str = NEUTRAL


class Split(NamedTuple):
    """A few counts of one solver group, category or support service; `key` is that of the rulebook."""

    key: str
    name: str
    counts: Mapping[str, int]


class Report(NamedTuple):
    """The figures of a period, from `first` up to, but not on, `after`.

    `staffed` tells whether the desk had been told of anybody who comes, moves or leaves by then, `frozen_at`
    (epoch seconds) that these are the figures of a frozen month. `filters`: what was chosen, by its kind.
    """

    first: date
    after: date
    kpis: tuple[Figure, ...]
    groups: tuple[Split, ...]
    categories: tuple[Split, ...]
    services: tuple[Split, ...]
    staffed: bool
    frozen_at: int | None = None
    filters: tuple[tuple[str, tuple[str, ...]], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the promised JSON: {"period": {"from", "to"}, "kpis": [{"key", …}], "filters"}.

        Nothing is rounded.
        """
        between = {"from": self.first.isoformat(), "to": self.after.isoformat()}
        return {
            "period": between,
            "kpis": [figure._asdict() for figure in self.kpis],
            "filters": dict(self.filters),
        }


def report(
    store: Store,
    rulebook: Rulebook,
    first: date,
    after: date,
    *,
    timezone: str,
    now: int | None = None,
    only: Mapping[str, Any] = NO_FILTER,
) -> Report:
    """Compute every KPI from `first` up to, but not on, `after`, local dates in `timezone`.

    Args:
        now: epoch seconds; of a period that is not over, what is open, who came and what was due by now.
        only: filters, as `Scope` names them; KPIs that are not of tickets are left out then.

    Raises:
        ValueError: the period has no days.
    """
    scope, clocks = Scope(period(first, after, timezone), **only), Clocks(store, rulebook)
    listed = [
        entry
        for entry in kpis(p.level for p in rulebook.priorities).values()
        if scope.whole or entry.about == TICKETS
    ]
    compared = trend(store, clocks, scope, listed)
    tally = Tally()
    count(store, clocks, so_far(scope, now), tally)
    norms = _norms(rulebook, scope)
    found = zip(listed, values(tally, listed), strict=True)
    return Report(
        first,
        after,
        tuple(_figure(entry, value, norms.get(entry.key), compared) for entry, value in found),
        _split(tally.groups, {g.key: g.name for g in rulebook.groups}),
        _split(tally.categories, {c.key: c.name for c in rulebook.categories}),
        _split(tally.services, staffing.names(rulebook)),
        scope.whole and staffing.known(store, scope.period.end),
        filters=scope.filters,
    )


def met(kpi: Kpi, figure: Figure) -> bool | None:
    """Tell whether a figure meets its norm; None when either is missing or no direction is better."""
    better = figure.better or kpi.better
    if figure.value is None or figure.norm is None or better == NEUTRAL:
        return None
    return figure.value >= figure.norm if better == UP else figure.value <= figure.norm


def _figure(entry: Kpi, value: Value, norm: Norm | None, compared: Trend) -> Figure:
    key = entry.key
    months = [month.get(key) for month in compared.series]
    return Figure(
        *value,
        norm=None if norm is None else norm.norm,
        previous=compared.previous.get(key),
        last_year=compared.last_year.get(key),
        series=(*months, value[1]) if months else (),
        better=bettered(entry, norm),
    )


def bettered(entry: Kpi, norm: Norm | None) -> str:
    """Return which way is better: that of the line of the service sheet, else that of the KPI."""
    return entry.better if norm is None else _DIRECTIONS.get(norm.direction, entry.better)


def _norms(rulebook: Rulebook, scope: Scope) -> dict[str, Norm]:
    """Return what the service sheet held each KPI to on the last day of the period.

    Of one service, its own norm goes before that of the whole desk.
    """
    day = (scope.period.after - timedelta(days=1)).isoformat()
    own = scope.services if len(scope.services) == 1 else ()
    found: dict[str, Norm] = {}
    for key in dict.fromkeys(line.kpi for line in rulebook.service_sheet):
        held = next(filter(None, (norm_on(rulebook, key, day, service) for service in (*own, ""))), None)
        if held is not None:
            found[key] = held
    return found


def _split(counted: Mapping[str, Mapping[str, int]], names: Mapping[str, str]) -> tuple[Split, ...]:
    """Name the parts in the order of the rulebook; those it no longer has come last, by their key."""
    order = [*(key for key in names if key in counted), *sorted(key for key in counted if key not in names)]
    return tuple(Split(key, names.get(key, key), dict(counted[key])) for key in order)
