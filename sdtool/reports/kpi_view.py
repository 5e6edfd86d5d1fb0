"""The KPI report as people read it: worded figures in sections, for the templates `report/kpi`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sdtool import render
from sdtool.reports import knowledge, majors, phone, repeats
from sdtool.reports.bars import spark
from sdtool.reports.entry import DOWN, NEUTRAL, UP, Kpi
from sdtool.reports.filters import named
from sdtool.reports.freeze import month_of
from sdtool.reports.kpi import Figure, Report, Split, met
from sdtool.reports.layout import finished
from sdtool.reports.owing import OWING
from sdtool.reports.period import before
from sdtool.reports.registry import BUCKETS, bucket_key, kpis
from sdtool.reports.satisfaction import SATISFACTION
from sdtool.reports.staffing import STAFFING
from sdtool.reports.times import STATISTICS, TIMES, Time
from sdtool.rulebook import Rulebook
from sdtool.rules.moments import day_of

SECTIONS: dict[str, tuple[str, ...]] = {
    "flow": ("opened", "resolved", "closed", "throughput", "cancelled", "merged", "test"),
    "backlog": ("backlog", "backlog_late", "backlog_waiting", "backlog_unclosed"),
    "first_line": ("first_line_resolution", "first_contact_resolution", "first_contact_resolution_net"),
    "quality": (
        "reopen_rate",
        "reopen_rate_10wd",
        "escalation_rate",
        "time_to_escalate_mean_working",
        "wrong_routing",
        "reassignment_rate",
        "bounce_rate",
        "reassignments_mean",
        "registration_quality",
        *(entry.key for entry in SATISFACTION),
    ),
    "waiting": (
        "waiting_share",
        "waiting_share_customer",
        "waiting_share_supplier",
        "waiting_share_internal",
        *(entry.key for entry in OWING),
    ),
    "staffing": tuple(entry.key for entry in STAFFING),
    "problems": tuple(entry.key for entry in repeats.KPIS),
    "knowledge": tuple(entry.key for entry in knowledge.KPIS),
    "phone": tuple(entry.key for entry in phone.KPIS),
    "majors": tuple(entry.key for entry in majors.KPIS),
}
# sections that a desk does not see while they have nothing to tell
_MAY_BE_SILENT = ("problems", "knowledge", "phone", "majors")
_SILENT_AT_0 = ("repeat_incidents",)  # that nothing came back is told only where problems are kept
_SURVEYED = tuple(entry.key for entry in SATISFACTION)
_OWED = tuple(entry.key for entry in OWING)
_BARE = {
    "first": "",
    "after": "",
    "timezone": "",
    "staffed": False,
}  # the words of filters name none of these
_DIGITS = {"ratio": 2, "days": 1}


def document(
    report: Report,
    rulebook: Rulebook,
    form: str,
    language: str,
    *,
    head: tuple[int, str] | None = None,
    picture: str = "",
) -> str:
    """Return the report as a document.

    Args:
        form: html (styles inlined), text (80 columns) or md.
        language: one of `render.REPORT_LANGUAGES`; any other reads English.
        head: number and hash of the journal's newest event, stated at the end where the report is mailed.
        picture: what the picture that goes with the mail says, "" without one; see `site_charts.picture`.
    """
    language = render.known(language, render.REPORT_LANGUAGES)
    values = {**view(report, rulebook, language, head), "picture": picture}
    if form == "md":
        values["tables"] = _tables(values, language)
    return finished(form, "report/kpi", language, values)


def view(report: Report, rulebook: Rulebook, language: str, head: tuple[int, str] | None) -> dict[str, Any]:
    """Return what the templates name: plain values, with figures as text in `language`.

    Of who comes, moves and leaves it says nothing where the desk was told of nobody, of satisfaction
    nothing where nobody was asked, of those who owe feedback nothing where none came. Sections of
    `extra` that have nothing to tell are left out.
    """
    surveyed = any(figure.of for figure in report.kpis if figure.key in _SURVEYED)
    silent = tuple(figure.key for figure in report.kpis if figure.key in _OWED and not figure.of)
    telling = {one.key for one in report.kpis if one.n or (one.of and one.key not in _SILENT_AT_0)}
    for name in _MAY_BE_SILENT:
        silent += () if telling.intersection(SECTIONS[name]) else SECTIONS[name]
    hidden = (() if report.staffed else SECTIONS["staffing"]) + (() if surveyed else _SURVEYED) + silent
    known = {k: e for k, e in kpis(p.level for p in rulebook.priorities).items() if k not in hidden}
    figures = {figure.key: figure for figure in report.kpis if figure.key in known}
    rows = {key: _row(known[key], figure, language) for key, figure in figures.items()}
    attained = [key for key in rows if "attainment" in key]
    listed = {
        **SECTIONS,
        "promises": attained,
    }
    return {
        "organisation": rulebook.organisation.name,
        "desk": rulebook.organisation.desk,
        "timezone": rulebook.organisation.timezone,
        "period": render.period(report.first, report.after, language),
        "earlier": render.period(*before(report.first, report.after), language),
        "first": render.day(report.first, language),
        "after": render.day(report.after, language),
        "norms": [rows[key] for key, figure in figures.items() if figure.norm is not None],
        "sections": {name: [rows[key] for key in keys if key in rows] for name, keys in listed.items()},
        "extra": [name for name in _MAY_BE_SILENT if telling.intersection(SECTIONS[name])],
        "ages": _ages(figures, rows),
        "times": [_time(rows, time, render.REPORT_LANGUAGES.index(language)) for time in TIMES],
        "groups": [_group(split, language) for split in report.groups],
        "categories": [_share(split, "resolve_met", "resolve_due", language) for split in report.categories],
        "services": [_share(split, "late", "due", language) for split in report.services],
        "staffed": report.staffed,
        "definitions": _definitions(known, language),
        "filters": named(report.filters, rulebook, render.words("report/words", language, **_BARE)["kinds"]),
        "frozen": frozen_on(report.frozen_at, rulebook.organisation.timezone, language),
        # a mail is all that its reader has; who is at the desk may ask again
        "provisional": head is not None
        and report.frozen_at is None
        and bool(month_of(report.first, report.after)),
        "head": None if head is None else f"{head[0]}:{head[1]}",
    }


def frozen_on(at: int | None, timezone: str, language: str) -> str:
    """Return the day on which figures were frozen (epoch seconds) in words, "" of figures of now."""
    return "" if at is None else render.day(day_of(at, timezone), language)


def shown(value: float | None, kpi: Kpi, language: str, *, sign: bool = False) -> str:
    """Return a value of this KPI as people read it; with `sign`, as a difference."""
    if kpi.unit == "share" and sign and value is not None:
        points = render.number(value * 100, language, 1, sign=True, fixed=True)
        return f"{points}\u00a0{'pp' if language == 'nl' else 'pts'}"
    if kpi.unit == "share":
        return render.percent(value, language)
    if kpi.unit == "seconds":
        return render.duration(value, language, sign=sign, days=kpi.key.endswith("_elapsed"))
    return render.number(value, language, _DIGITS.get(kpi.unit, 0), sign=sign, fixed=True)


def limit(kpi: Kpi, better: str | None) -> str:
    """Return the sign before a norm: its own direction (up, down) goes before that of the KPI."""
    return "≤" if (better or kpi.better) == DOWN else "≥"


def _row(kpi: Kpi, figure: Figure, language: str) -> dict[str, Any]:
    change = None
    if figure.value is not None and figure.previous is not None:
        change = figure.value - figure.previous
    better = None if kpi.better == NEUTRAL or not change else (change > 0) == (kpi.better == UP)
    share = figure.value if kpi.unit == "share" else None
    return {
        "key": kpi.key,
        "label": kpi.label[language],
        "value": shown(figure.value, kpi, language),
        "missing": figure.value is None,
        "counted": counted(kpi, figure.n, figure.of, language),
        "norm": "" if figure.norm is None else shown(figure.norm, kpi, language),
        "limit": limit(kpi, figure.better),
        "met": met(kpi, figure),
        "change": "" if change is None else shown(change, kpi, language, sign=True),
        "better": better,
        "last_year": "" if figure.last_year is None else shown(figure.last_year, kpi, language),
        "spark": _spark(figure.series),
        "bar": None if share is None else max(0, min(100, round(100 * share))),
    }


def _spark(series: Sequence[float | None]) -> str:
    """Return the months as a line; "" of two months or none that differ, where there is nothing to see."""
    known = [value for value in series if value is not None]
    return spark(series) if len(known) > 2 and len(set(known)) > 1 else ""


def counted(kpi: Kpi, n: int | None, of: int | None, language: str) -> str:
    """Return what a value was computed from: "110/119", or hours for a share of time, or ""."""
    if n is None or of is None:
        return ""
    if kpi.of == "gross":
        hours = [render.number(seconds / 3600, language) for seconds in (n, of)]
        return f"{hours[0]}/{hours[1]}\u00a0{'u' if language == 'nl' else 'h'}"
    return f"{render.number(n, language)}/{render.number(of, language)}"


def _time(rows: Mapping[str, dict[str, Any]], time: Time, place: int) -> dict[str, Any]:
    found = {statistic: rows[time.key.format(statistic)] for statistic in STATISTICS}
    clock = "working" if time.key.endswith("working") else "elapsed"
    return {"label": time.label[place], "clock": clock, "counted": found["mean"]["counted"], **found}


def _ages(figures: Mapping[str, Figure], rows: Mapping[str, dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ageing buckets, each with a bar against the fullest."""
    keys = [bucket_key(low, high) for low, high in BUCKETS]
    most = max(figures[key].n for key in keys) or 1
    return [rows[key] | {"bar": round(100 * figures[key].n / most)} for key in keys]


def _group(split: Split, language: str) -> dict[str, str]:
    counts = {
        name: render.number(split.counts.get(f"backlog{name}", 0), language)
        for name in ("", "_late", "_waiting")
    }
    return {"name": split.name, "open": counts[""], "late": counts["_late"], "waiting": counts["_waiting"]}


def _share(split: Split, part: str, whole: str, language: str) -> dict[str, Any]:
    """Return a split as a row of a table: which share of its whole a part is."""
    n, of = split.counts.get(part, 0), split.counts.get(whole, 0)
    share = n / of if of else None
    return {
        "name": split.name,
        "value": render.percent(share, language),
        "counted": f"{render.number(n, language)}/{render.number(of, language)}",
        "bar": None if share is None else round(100 * share),
    }


def _definitions(known: Mapping[str, Kpi], language: str) -> list[dict[str, str]]:
    """Return each definition once, under the first label that has it, without its statistic."""
    found: dict[str, dict[str, str]] = {}
    for kpi in _one_of_each(known.values()):
        label = kpi.label[language].rsplit(", ", 1)[0] if kpi.statistic else kpi.label[language]
        text = kpi.definition[language]
        found.setdefault(text, {"label": label, "text": text})
    return list(found.values())


def _one_of_each(listed: Iterable[Kpi]) -> Iterable[Kpi]:
    return (kpi for kpi in listed if kpi.key not in _BUCKET_KEYS)


_BUCKET_KEYS = {bucket_key(low, high) for low, high in BUCKETS}


# --- Markdown: each table's columns, a field of its rows and the word above it

_FIGURES = {
    "label": "figure", "value": "value", "counted": "measured", "change": "change",
    "last_year": "last_year", "spark": "months", "held": "norm",
}  # fmt: skip
_TIMES = {"label": "clock", "mean": "mean", "median": "median", "p90": "p90", "counted": "measured"}
_COLUMNS = {
    "norms": {"label": "figure", "value": "value", "counted": "measured", "norm": "norm", "verdict": ""},
    "ages": {"label": "figure", "value": "open"},
    "groups": {"name": "group", "open": "open", "late": "late", "waiting": "waiting"},
    "categories": {"name": "category", "value": "in_time", "counted": "measured"},
    "services": {"name": "service", "value": "late", "counted": "measured"},
}
_LEFT = ("label", "name", "held", "verdict")
_VERDICTS = {None: ("·", "unknown"), True: ("✓", "met"), False: ("✗", "missed")}


def _tables(page: Mapping[str, Any], language: str) -> dict[str, str]:
    """Return the tables of a page by section, list or clock; "" for one without rows."""
    words = render.words("report/words", language, **page)
    listed = [(name, page[name], columns) for name, columns in _COLUMNS.items()]
    listed += [(name, rows, _FIGURES) for name, rows in page["sections"].items()]
    tables = {name: _table(rows, columns, words, language) for name, rows, columns in listed}
    for clock, title in words["clocks"].items():
        times = [time for time in page["times"] if time["clock"] == clock]
        rows = [time | {name: time[name]["value"] for name in STATISTICS} for time in times]
        tables[clock] = _table(rows, _TIMES, {**words, "clock": title}, language)
    return tables


def _table(
    rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str], words: Mapping[str, str], language: str
) -> str:
    from tabulate import tabulate  # only Markdown pays for it

    if not rows:
        return ""
    return tabulate(
        [[_cell(row, field, words, language) for field in columns] for row in rows],
        [words[word] if word else "" for word in columns.values()],
        tablefmt="pipe",
        disable_numparse=True,
        colalign=["left" if field in _LEFT else "right" for field in columns],
    )


def _cell(row: Mapping[str, Any], field: str, words: Mapping[str, str], language: str) -> str:
    """Return a field of a row: names without what Markdown acts on, figures with their limit and verdict."""
    if field in ("label", "name"):
        return render.markdown(row[field], language)
    if field not in ("norm", "verdict", "held"):
        return str(row[field])
    mark, word = _VERDICTS[row["met"]]
    limit, verdict = f"{row['limit']} {row['norm']}", f"{mark} {words[word]}"
    whole = {"norm": limit, "verdict": verdict, "held": f"{limit} {verdict}"}
    return whole[field] if row["norm"] else ""
