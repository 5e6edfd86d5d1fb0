"""The charts of the dashboard: which figures of a site each of them shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from sdtool import render
from sdtool.reports import charts
from sdtool.reports.registry import BUCKETS, bucket_key
from sdtool.reports.site import Site
from sdtool.rulebook.sheet import norm_on


class Charts:
    """The charts of a site, in one language."""

    def __init__(self, found: Site, language: str, words: Mapping[str, Any]) -> None:
        self.site, self.language, self.words = found, language, words
        self.figures = {figure.key: figure for figure in found.report.kpis}
        self.count = len(found.months)

    def series(self, key: str) -> list[float | None]:
        """Return the values of a KPI by month; None where the desk had none."""
        values = list(self.figures[key].series)[-self.count :]
        return [None] * (self.count - len(values)) + values

    def labels(self) -> list[str]:
        """Return short names of the months; the first one and January with their year."""
        from babel import dates

        locale = {"nl": "nl_BE", "en": "en_GB"}[self.language]
        names = [
            str(dates.format_date(month, "MMM", locale=locale)).rstrip(".") for month in self.site.months
        ]
        last = len(names) - 1
        return [
            f"{name} {month.year}" if place in (0, last) or month.month == 1 else name
            for place, (name, month) in enumerate(zip(names, self.site.months, strict=True))
        ]

    def trend(self) -> charts.Spec:
        """Return what came in, what was resolved and what was left, by month."""
        lines = [
            (self.words["opened"], self.series("opened")),
            (self.words["resolved"], self.series("resolved")),
        ]
        return charts.trend(self.labels(), (self.words["backlog"], self.series("backlog")), lines)

    def attainment(self) -> charts.Spec:
        """Return which share was resolved and answered in time, by month, beside the norm of then."""
        lines = [
            (self.words["resolved_in_time"], self.series("resolve_attainment")),
            (self.words["responded_in_time"], self.series("respond_attainment")),
        ]
        return charts.shares(self.labels(), lines, [(self.words["norm_resolved"], self._norms())])

    def _norms(self) -> list[float | None]:
        """Return the norm of what is resolved in time by month, as the service sheet held it then."""
        held = [norm_on(self.site.book, "resolve_attainment", last_day(month)) for month in self.site.months]
        return [None if line is None else line.norm for line in held]

    def ages(self) -> charts.Spec:
        """Return how many tickets were open at the end, by age."""
        keys = [bucket_key(low, high) for low, high in BUCKETS]
        labels = [
            self.words["days"].format(f"> {low - 1}" if high is None else f"{low}–{high}")
            for low, high in BUCKETS
        ]
        counted = [self.figures[key].n for key in keys]
        return charts.ranked(
            [
                (label, n, render.number(n, self.language), None)
                for label, n in zip(labels, counted, strict=True)
            ]
        )

    def priorities(self) -> charts.Spec:
        """Return which share was resolved in time, by priority."""
        lines = []
        for priority in self.site.book.priorities:
            figure = self.figures[f"resolve_attainment_p{priority.level}"]
            share = render.percent(figure.value, self.language)
            counted = f" ({render.number(figure.n, self.language)}/{render.number(figure.of, self.language)})"
            lines.append((f"P{priority.level}", figure.value, share + counted * bool(figure.of), figure.norm))
        return charts.ranked(lines, share=True)


def picture(found: Site, language: str) -> charts.Spec:
    """Return inflow, outflow, backlog and attainment of the months as one chart, for a mail."""
    words = render.words("report/site-words", language)
    drawn = Charts(found, language, words)
    return charts.below((words["trend"], drawn.trend()), (words["attained"], drawn.attainment()))


def last_day(month: date) -> str:
    """Return the last day of a month, in ISO text."""
    return ((month + timedelta(days=31)).replace(day=1) - timedelta(days=1)).isoformat()
