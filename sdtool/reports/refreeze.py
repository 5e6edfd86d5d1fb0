"""What a frozen month would be if it were computed now: the figures that differ, and how people read them."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Sequence
from typing import Any, NamedTuple

from sdtool import render
from sdtool.errors import NotFound
from sdtool.reports.entry import NEUTRAL, Kpi
from sdtool.reports.freeze import Frozen, stored
from sdtool.reports.kpi import Figure, Report, report
from sdtool.reports.layout import lined
from sdtool.reports.registry import kpis
from sdtool.rulebook import Rulebook
from sdtool.rules.moments import parse_period
from sdtool.store.base import Store


class Difference(NamedTuple):
    """One KPI as it was frozen and as it is now; a side that has no such KPI is empty."""

    key: str
    unit: str
    frozen: float | None
    now: float | None
    difference: float | None
    frozen_n: int | None
    now_n: int | None
    frozen_of: int | None
    now_of: int | None
    frozen_norm: float | None
    now_norm: float | None
    frozen_better: str | None
    now_better: str | None


def compare(store: Store, rulebook: Rulebook, month: str, *, now: int) -> tuple[Frozen, list[Difference]]:
    """Return a frozen month ("2026-10"), and each KPI whose value, count or norm would be another now.

    Raises:
        NotFound: the month is not frozen.
    """
    held = stored(store, month)
    if held is None:
        raise NotFound(f"{month} is not frozen", hint=f"`sd report freeze --month {month}` freezes it")
    zone = rulebook.organisation.timezone
    found = report(store, rulebook, *parse_period(month), timezone=zone, now=now)
    return held, differences(held.report, found)


def differences(held: Report, found: Report) -> list[Difference]:
    """Return each KPI whose value, count or norm differs between two reports of a period."""
    before, after = ({figure.key: figure for figure in one.kpis} for one in (held, found))
    pairs = [(key, before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after])]
    return [_difference(key, was, now) for key, was, now in pairs if _counted(was) != _counted(now)]


def _counted(figure: Figure | None) -> tuple[Any, ...]:
    return (None,) * 4 if figure is None else (figure.value, figure.n, figure.of, figure.norm)


def _difference(key: str, was: Figure | None, now: Figure | None) -> Difference:
    pairs = zip(_counted(was), _counted(now), strict=True)
    (before, after), *rest = pairs
    change = None if before is None or after is None else after - before
    unit = next(figure.unit for figure in (was, now) if figure is not None)
    better = (None if figure is None else figure.better for figure in (was, now))
    return Difference(key, unit, before, after, change, *(part for pair in rest for part in pair), *better)


# --- As people read it


def rows(
    held: Frozen, found: Sequence[Difference], rulebook: Rulebook, language: str
) -> list[dict[str, str]]:
    """Return the differences in words: key, label, frozen, now, difference, norm, and of shares both n/N."""
    known = kpis(sorted({p.level for book in (held.book(rulebook), rulebook) for p in book.priorities}))
    some = next(iter(known.values()))
    return [_row(one, known.get(one.key) or _unknown(some, one), language) for one in found]


def _unknown(some: Kpi, one: Difference) -> Kpi:
    """Return an entry for a KPI that another version of the program had, under its key."""
    label = dict.fromkeys(some.label, one.key)
    return some._replace(key=one.key, unit=one.unit, better=NEUTRAL, label=label)


def _row(one: Difference, kpi: Kpi, language: str) -> dict[str, str]:
    from sdtool.reports.kpi_view import counted, limit, shown

    def part(n: int | None, of: int | None) -> str:
        return counted(kpi, n, of, language) if kpi.unit == "share" else ""

    def held(norm: float | None, better: str | None) -> str:
        return "–" if norm is None else f"{limit(kpi, better)} {shown(norm, kpi, language)}"

    norms = [held(one.frozen_norm, one.frozen_better), held(one.now_norm, one.now_better)]
    return {
        "key": one.key,
        "label": kpi.label[language],
        "frozen": shown(one.frozen, kpi, language),
        "now": shown(one.now, kpi, language),
        "frozen_counted": part(one.frozen_n, one.frozen_of),
        "now_counted": part(one.now_n, one.now_of),
        "difference": shown(one.difference, kpi, language, sign=True) if one.difference else "",
        "norm": " → ".join(norms) if norms[0] != norms[1] else "",
    }


def document(held: Frozen, found: Sequence[Difference], rulebook: Rulebook, form: str, language: str) -> str:
    """Return the differences as a document: html, text or md; in a language of `render.REPORT_LANGUAGES`."""
    from sdtool.reports.kpi_view import frozen_on

    draw = render.html if form == "html" else render.text
    report = held.report
    page = draw(
        "report/difference.md" if form == "md" else "report/difference",
        language,
        rows=rows(held, found, rulebook, language),
        desk=held.organisation.desk,
        organisation=held.organisation.name,
        period=render.period(report.first, report.after, language),
        frozen=frozen_on(held.frozen_at, held.organisation.timezone, language),
    )
    return lined(page)
