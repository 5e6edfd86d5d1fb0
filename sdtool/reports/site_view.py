"""The dashboard as people read it: its pages, each a name and its HTML, made one at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sdtool import render
from sdtool.desk.queue import HIDDEN
from sdtool.digest import hexdigest
from sdtool.output import local
from sdtool.reports import charts
from sdtool.reports.kpi import Figure, Split, bettered, met
from sdtool.reports.kpi_view import limit, shown, view
from sdtool.reports.registry import kpis
from sdtool.reports.site import MOST, Behind, Site, of_service, rows
from sdtool.reports.site_charts import Charts, last_day
from sdtool.rulebook.sheet import norm_on, sheet
from sdtool.store.base import Store

STEPS = 5  # shades of a table that is a picture, with none
_HEADLINES = (
    "opened",
    "resolved",
    "backlog",
    "backlog_late",
    "resolve_attainment",
    "respond_attainment",
    "first_line_resolution",
    "time_to_resolve_median_working",
    "reopen_rate_10wd",
    "satisfaction",
)
_UNSAFE = re.compile(r"[^a-z0-9_-]+")

Page = tuple[str, str]


def pages(store: Store, found: Site, language: str, role: str, *, now: int) -> Iterator[Page]:
    """Yield the files of the dashboard: name and text.

    Args:
        role: `management` sees numbers of tickets, `coordinator` also what those that are not confidential
            are about.
    """
    view = _View(store, found, language, role, now)
    yield "index.html", view.index()
    for key in view.linked:
        yield f"{_name('kpi', key)}.html", view.kpi(key)
    for split in found.report.groups:
        yield f"{_name('group', split.key)}.html", view.group(split)
    for service in sheet(found.book).services:
        yield f"{_name('service', service.key)}.html", view.service(service)


def _name(kind: str, key: str) -> str:
    """Return the name of a page without its ending; keys that differ only in other signs stay apart."""
    plain = _UNSAFE.sub("-", key.lower())[:60]
    return f"{kind}-{plain}" if plain == key else f"{kind}-{plain}-{hexdigest(key)[:12]}"


class _View:
    """The pages of one dashboard, in one language and for one role."""

    def __init__(self, store: Store, found: Site, language: str, role: str, now: int) -> None:
        self.store, self.site, self.language, self.role, self.now = store, found, language, role, now
        self.report, self.book = found.report, found.book
        self.zone = self.book.organisation.timezone
        self.charts = Charts(found.report, found.book, found.months, language)
        self.words, self.figures = self.charts.words, self.charts.figures
        self.entries = kpis(p.level for p in self.book.priorities)
        page = view(self.report, self.book, language, None)
        self.page = page
        listed = [row for rows in page["sections"].values() for row in rows] + page["ages"]
        listed += [time[s] for time in page["times"] for s in ("mean", "median", "p90")]
        self.rows = {row["key"]: row for row in listed}
        self.linked = {key: _name("kpi", key) for key in self.rows}
        self.groups = {group.key: group.name for group in self.book.groups}

    def index(self) -> str:
        """Return the first page."""
        services = sheet(self.book).services
        return self._draw(
            "index",
            title=f"{self.words['dashboard']} {self.page['period']}",
            headlines=[self.rows[key] for key in _HEADLINES if key in self.rows],
            pictures=self._pictures(),
            heat=self._heat(),
            moves=self._moves(),
            sections={**self.page["sections"], "ages": self.page["ages"]},
            times=self.page["times"],
            groups=[{**row, "link": _name("group", split.key)}
                    for row, split in zip(self.page["groups"], self.report.groups, strict=True)],
            services=[{"name": one.name, "link": _name("service", one.key)} for one in services],
            definitions=self.page["definitions"],
            report_words=render.words("report/words", self.language, **self.page),
        )  # fmt: skip

    def kpi(self, key: str) -> str:
        """Return the page of a KPI: its months, its definition, the tickets behind it."""
        entry, row = self.entries[key], self.rows[key]
        behind = self.site.behind.get(key, Behind((), ()))
        values = self.charts.series(key)
        most = 1 if entry.unit == "share" else max((value for value in values if value), default=0)
        return self._draw(
            "kpi",
            title=entry.label[self.language],
            row=row,
            definition=entry.definition[self.language],
            source=entry.source,
            months=[
                {"month": render.month(month, self.language), "value": shown(value, entry, self.language),
                 "bar": round(100 * value / most) if value and most and value > 0 else 0}
                for month, value in zip(self.site.months, values, strict=True)
            ],
            lists=[
                self._listed(what, numbers)
                for what, numbers in (("part", behind.n), ("rest", behind.rest))
                if what == "part" or entry.of
            ],
        )  # fmt: skip

    def group(self, split: Split) -> str:
        """Return the page of a solver group: what was open there at the end, oldest deadline first."""
        from_backlog = self.site.behind.get("backlog", Behind((), ())).n
        own = _of_group(self.store, from_backlog, split.key)
        counted = {name: render.number(split.counts.get(f"backlog{name}", 0), self.language)
                   for name in ("", "_late", "_waiting")}  # fmt: skip
        return self._draw(
            "group",
            title=split.name,
            open=counted[""],
            late=counted["_late"],
            waiting=counted["_waiting"],
            tickets_=self._listed("open", own),
        )

    def service(self, service: Any) -> str:
        """Return the page of a service: its own figures."""
        # these are computed now, also of a month of which the other figures are frozen
        values = of_service(self.store, self.book, service, self.report.first, self.report.after, self.now)
        rows = [self._service_row(service.key, *value) for value in values]
        return self._draw(
            "service",
            title=service.name,
            frozen="",
            owner=service.owner if self.role != "management" else "",
            categories=[c.name for c in self.book.categories if c.key in service.categories],
            figures_=[row for row in rows if row is not None],
        )

    def _service_row(
        self, service: str, key: str, value: float | None, unit: str, n: int, of: int | None
    ) -> dict[str, Any] | None:
        entry, row = self.entries[key], self.rows.get(key)
        if row is None or value is None:
            return None
        day = last_day(self.report.first)
        line = norm_on(self.book, key, day, service) or norm_on(self.book, key, day)
        norm = None if line is None else line.norm
        figure = Figure(key, value, unit, n, of, norm, None, better=bettered(entry, line))
        counted = (
            "" if of is None else f"{render.number(n, self.language)}/{render.number(of, self.language)}"
        )
        text = "" if norm is None else shown(norm, entry, self.language)
        return {**row, "value": shown(value, entry, self.language), "counted": counted, "norm": text,
                "limit": limit(entry, figure.better), "met": met(entry, figure)}  # fmt: skip

    def _draw(self, page: str, **values: Any) -> str:
        common = {
            "w": self.words,
            "desk": self.page["desk"],
            "organisation": self.page["organisation"],
            "period": self.page["period"],
            "frozen": self.page.get("frozen", ""),
            "timezone": self.zone,
            "made": render.moment(self.now, self.language, self.zone),
            "links": self.linked,
            "management": self.role == "management",
        }
        html = render.html(f"report/site-{page}", self.language, **(common | values))
        return "\n".join(filter(None, map(str.strip, html.splitlines()))) + "\n"

    # --- Parts of pages

    def _pictures(self) -> dict[str, dict[str, Any]]:
        """Return the charts by name, each with what it says in a sentence and its table."""
        drawn = {
            "trend": self.charts.trend,
            "attained": self.charts.attainment,
            "ages": self.charts.ages,
            "priorities": self.charts.priorities,
        }
        found = {}
        for name, draw in drawn.items():
            said, title = self.charts.said(name), self.words[name]
            picture = charts.svg(draw(), name, title, said, self.language) if charts.installed() else ""
            found[name] = {"svg": picture, "said": said, **self._table(name)}
        return found

    def _table(self, name: str) -> dict[str, Any]:
        """Return the header and the rows of the table beside a chart; a month a line, newest first."""
        keys = {
            "trend": ("opened", "resolved", "backlog"),
            "attained": ("resolve_attainment", "respond_attainment"),
        }.get(name)
        if keys is None:
            listed = self.page["ages"] if name == "ages" else [
                self.rows[f"resolve_attainment_p{p.level}"] for p in self.book.priorities
            ]  # fmt: skip
            plain = name == "ages"
            lines = [[row["label"], row["value"], *([] if plain else [row["counted"]])] for row in listed]
            head = [self.words["figure"], self.words["tickets"] if plain else self.words["value"]]
            return {"head": head + ([] if plain else ["n/N"]), "lines": lines}
        series = [self.charts.series(key) for key in keys]
        lines = [
            [render.month(month, self.language)]
            + [
                shown(part[i], self.entries[key], self.language)
                for key, part in zip(keys, series, strict=True)
            ]
            for i, month in enumerate(self.site.months)
        ]
        return {"head": [self.words["month"], *(self.entries[key].label[self.language] for key in keys)],
                "lines": lines[::-1]}  # fmt: skip

    def _heat(self) -> dict[str, Any]:
        """Return arrivals as the rows of a table, an hour a line, with a shade for each cell."""
        grid = self.site.arrivals
        hours = [hour for hour in range(24) if any(day[hour] for day in grid)]
        most = max((n for day in grid for n in day), default=0)
        span = range(hours[0], hours[-1] + 1) if hours else range(0)
        mark = "u" if self.language == "nl" else "h"
        lines = [
            {"hour": f"{hour}–{hour + 1}\u00a0{mark}",
             "cells": [self._cell(day[hour], most) for day in grid]}
            for hour in span
        ]  # fmt: skip
        totals = [render.number(sum(day), self.language) for day in grid]
        return {"lines": lines, "totals": totals, "months": len(self.site.months)}

    def _moves(self) -> dict[str, Any]:
        """Return moves between groups, most frequent first, and as a matrix with shades."""
        found = self.site.moves
        most = found[0][2] if found else 0
        keys = [key for key in self.groups if any(key in move[:2] for move in found)]
        keys += sorted({key for move in found for key in move[:2]} - set(keys))
        known = {(origin, to): n for origin, to, n in found}
        matrix = [
            {"name": self.groups.get(origin, origin),
             "cells": [self._cell(known.get((origin, to), 0), most) for to in keys]}
            for origin in keys
        ]  # fmt: skip
        lines = [
            {"from": self.groups.get(origin, origin), "to": self.groups.get(to, to),
             "n": render.number(n, self.language), "bar": round(100 * n / most)}
            for origin, to, n in found
        ]  # fmt: skip
        return {"lines": lines, "names": [self.groups.get(key, key) for key in keys], "matrix": matrix}

    def _cell(self, n: int, most: int) -> dict[str, Any]:
        """Return a number with its shade: 0 for nothing, else 1 to 4."""
        shade = -(-n * (STEPS - 1) // most) if n else 0
        return {"n": render.number(n, self.language), "shade": shade}

    def _listed(self, what: str, numbers: Sequence[int]) -> dict[str, Any]:
        """Return tickets for a page: how many there are, and the first of them as this role may see them."""
        listed = [] if self.role == "management" else [self._ticket(row) for row in rows(self.store, numbers)]
        return {
            "what": what,
            "count": render.number(len(numbers), self.language),
            "numbers": [f"SD-{number}" for number in numbers[:MOST]],
            "more": render.number(len(numbers) - MOST, self.language) if len(numbers) > MOST else "",
            "tickets": listed,
        }

    def _ticket(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "number": f"SD-{row['id']}",
            "opened": local(row["opened_at"], self.zone),
            "due": local(row["resolve_due"], self.zone),
            "priority": f"P{row['priority']}",
            "group": self.groups.get(row["group_key"], row["group_key"]),
            "summary": HIDDEN if row["confidential"] else row["summary"],
        }


def _of_group(store: Store, numbers: Sequence[int], key: str) -> list[int]:
    """Return which of these tickets are with a group now, by deadline."""
    sql = """
        select id from ticket where group_key = :key and id >= :low and id <= :high order by resolve_due, id
    """
    if not numbers:
        return []
    chosen = set(numbers)
    found = store.query(sql, key=key, low=min(chosen), high=max(chosen))
    return [row["id"] for row in found if row["id"] in chosen]
