"""The charts of the dashboard and the mail: which figures of a report each of them shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from sdtool import render
from sdtool.reports import charts
from sdtool.reports.kpi import Report
from sdtool.reports.kpi_view import shown
from sdtool.reports.period import shifted
from sdtool.reports.registry import BUCKETS, bucket_key, kpis
from sdtool.rulebook import Rulebook
from sdtool.rulebook.sheet import norm_on


class Charts:
    """The charts of a report and of the months up to it, in one language."""

    def __init__(self, report: Report, book: Rulebook, months: Sequence[date], language: str) -> None:
        self.book, self.months, self.language = book, months, language
        self.words = render.words("report/site-words", language)
        self.figures = {figure.key: figure for figure in report.kpis}

    def series(self, key: str) -> list[float | None]:
        """Return the values of a KPI by month; None where the desk had none."""
        values = list(self.figures[key].series)[-len(self.months) :]
        return [None] * (len(self.months) - len(values)) + values

    def labels(self) -> list[str]:
        """Return short names of the months; the first one and January with their year."""
        from babel import dates

        locale = {"nl": "nl_BE", "en": "en_GB"}[self.language]
        names = [str(dates.format_date(month, "MMM", locale=locale)).rstrip(".") for month in self.months]
        last = len(names) - 1
        return [
            f"{name} {month.year}" if place in (0, last) or month.month == 1 else name
            for place, (name, month) in enumerate(zip(names, self.months, strict=True))
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

    def said(self, name: str) -> str:
        """Say what a chart shows, in a sentence or two."""
        entries = kpis(priority.level for priority in self.book.priorities)
        values = {
            key: shown(figure.value, entries[key], self.language)
            for key, figure in self.figures.items()
            if key in entries
        }
        levels = [f"P{p.level} {values[f'resolve_attainment_p{p.level}']}" for p in self.book.priorities]
        month = render.month(self.months[-1], self.language)
        return str(self.words["said"][name]).format(
            **values,
            span=f"{render.month(self.months[0], self.language)} – {month}",
            month=month,
            listed=", ".join(levels),
            ages=", ".join(f"{label}: {values[key]}" for key, label in self._ages()),
        )

    def _ages(self) -> list[tuple[str, str]]:
        days = [(bucket_key(*ends), f"> {ends[0] - 1}" if ends[1] is None else "{}–{}".format(*ends))
                for ends in BUCKETS]  # fmt: skip
        return [(key, self.words["days"].format(span)) for key, span in days]

    def _norms(self) -> list[float | None]:
        """Return the norm of what is resolved in time by month, as the service sheet held it then."""
        held = [norm_on(self.book, "resolve_attainment", last_day(month)) for month in self.months]
        return [None if line is None else line.norm for line in held]

    def ages(self) -> charts.Spec:
        """Return how many tickets were open at the end, by age."""
        counted = [(label, self.figures[key].n) for key, label in self._ages()]
        return charts.ranked([(label, n, render.number(n, self.language), None) for label, n in counted])

    def priorities(self) -> charts.Spec:
        """Return which share was resolved in time, by priority."""
        lines = []
        for priority in self.book.priorities:
            figure = self.figures[f"resolve_attainment_p{priority.level}"]
            share = render.percent(figure.value, self.language)
            counted = f" ({render.number(figure.n, self.language)}/{render.number(figure.of, self.language)})"
            lines.append((f"P{priority.level}", figure.value, share + counted * bool(figure.of), figure.norm))
        return charts.ranked(lines, share=True)


def picture(report: Report, book: Rulebook, language: str) -> tuple[bytes, str] | None:
    """Return inflow, outflow, backlog and attainment up to a month as one PNG for a mail, and in words.

    None without the library, without tickets, and for a period that is not a month.
    """
    opened = next((figure.series for figure in report.kpis if figure.key == "opened"), ())
    if not any(opened) or not charts.installed():
        return None
    months = len(opened)
    span = [shifted(report.first, report.after, back)[0] for back in range(months - 1, -1, -1)]
    drawn = Charts(report, book, span, language)
    parts = (drawn.words["trend"], drawn.trend()), (drawn.words["attained"], drawn.attainment())
    return charts.png(charts.below(*parts), language), f"{drawn.said('trend')} {drawn.said('attained')}"


def last_day(month: date) -> str:
    """Return the last day of a month, in ISO text."""
    return ((month + timedelta(days=31)).replace(day=1) - timedelta(days=1)).isoformat()
