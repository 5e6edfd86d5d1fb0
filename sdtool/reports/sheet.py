"""The service sheet (*dienstenfiche*) as people read it: norms with their direction and unit, by service."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Callable
from typing import Any, NamedTuple

from sdtool import render
from sdtool.reports.entry import DOWN, NEUTRAL, UP, Kpi
from sdtool.reports.layout import lined
from sdtool.reports.registry import kpis
from sdtool.rulebook import Norm, Rulebook
from sdtool.rulebook.sheet import AT_LEAST, AT_MOST, norm_on, sheet

BETTER = {UP: AT_LEAST, DOWN: AT_MOST, NEUTRAL: ""}
_SIGNS = {AT_LEAST: "≥", AT_MOST: "≤", "": "="}
_DAYS = {"nl": ("werkdag", "werkdagen"), "en": ("working day", "working days")}


class Line(NamedTuple):
    """A line of the sheet: `service` "" is the desk, `state` in force, past, future or replaced."""

    service: str
    service_name: str
    kpi: str
    label: str
    direction: str
    norm: float
    unit: str
    shown: str
    owner: str
    public: str
    valid_from: str
    valid_until: str
    state: str


def lines(book: Rulebook, day: str, language: str, service: str | None = None) -> list[Line]:
    """Return the sheet as it stands on `day` (ISO date), the desk first, then service by service.

    Args:
        service: only the lines of this one.
    """
    known = kpis(p.level for p in book.priorities)
    services = {entry.key: entry for entry in sheet(book).services}
    found = []
    for key in ("", *services):
        if service not in (None, key):
            continue
        held = services.get(key)
        for norm in sorted((n for n in book.service_sheet if n.service == key), key=_order(known)):
            entry = known.get(norm.kpi)
            found.append(
                Line(
                    service=key,
                    service_name=held.name if held else book.organisation.desk,
                    kpi=norm.kpi,
                    label=entry.label[language] if entry else norm.kpi,
                    direction=_SIGNS[norm.direction or (BETTER[entry.better] if entry else "")],
                    norm=norm.norm,
                    unit=entry.unit if entry else norm.unit,
                    shown=worded(norm.norm, entry, language),
                    owner=norm.owner or (held.owner if held else ""),
                    public=norm.public or (held.public if held else ""),
                    valid_from=norm.valid_from,
                    valid_until=norm.valid_until,
                    state=_state(book, norm, day),
                )
            )
    return found


def worded(value: float, entry: Kpi | None, language: str) -> str:
    """Return a norm the way reports show the KPI: 90,0 %, 4 u, 5 werkdagen."""
    if entry is None or entry.unit == "count":
        return render.number(value, language, 2)
    if entry.unit == "share":
        return render.percent(value, language)
    if entry.unit == "seconds":
        return render.duration(value, language, days=entry.key.endswith("_elapsed"))
    if entry.unit == "days":
        one, more = _DAYS[language]
        return f"{render.number(value, language, 1)}\u00a0{one if value == 1 else more}"
    return render.number(value, language, 2, fixed=True)


def document(book: Rulebook, found: list[Line], day: str, form: str, language: str) -> str:
    """Return lines of the sheet as a document, `form` html or md; `day` (ISO) is the day it is of."""
    from datetime import date

    draw = {"html": render.html, "md": render.text}[form]
    groups: dict[str, list[dict[str, Any]]] = {}
    for line in found:
        groups.setdefault(line.service_name, []).append(line._asdict())
    page = draw(
        f"report/sheet{'.md' if form == 'md' else ''}",
        language,
        organisation=book.organisation.name,
        desk=book.organisation.desk,
        day=render.day(date.fromisoformat(day), language),
        groups=list(groups.items()),
    )
    return lined(page)


def _order(known: dict[str, Kpi]) -> Callable[[Norm], tuple[int, str]]:
    places = {key: place for place, key in enumerate(known)}
    return lambda norm: (places.get(norm.kpi, len(places)), norm.valid_from)


def _state(book: Rulebook, norm: Norm, day: str) -> str:
    if norm.valid_from > day:
        return "future"
    if norm.valid_until and norm.valid_until < day:
        return "past"
    return "in force" if norm_on(book, norm.kpi, day, norm.service) is norm else "replaced"
