"""Frozen months: figures that were reported once, and stay what they were whatever happens afterwards.

A frozen month holds its whole report with every name in it, so that showing it asks nothing of the tickets
or the rulebook of today. Its digest and its figures stand in the journal as well.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import json
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sdtool import __version__
from sdtool.desk import Desk, calendars
from sdtool.digest import hexdigest
from sdtool.errors import Conflict, Failed, Refused
from sdtool.reports.period import period
from sdtool.reports.scope import NO_FILTER
from sdtool.rulebook import Organisation, Priority, Rulebook
from sdtool.rules.moments import day_of, parse_period
from sdtool.store.base import Store
from sdtool.store.journal import Entry, append, canonical

if TYPE_CHECKING:  # the report asks us for what was frozen before it
    from sdtool.reports.kpi import Report

KIND = "frozen_month"
AFTER = 3  # working days of the desk after its end, the month is frozen by the nightly job
AT_ONCE = 24  # months that one run of the job freezes at most


class Frozen(NamedTuple):
    """A frozen month: its report, what the rulebook called things then, when it was frozen and its digest."""

    month: str
    report: "Report"
    organisation: Organisation
    priorities: tuple[Priority, ...]
    frozen_at: int
    digest: str

    def book(self, rulebook: Rulebook) -> Rulebook:
        """Return the rulebook with the names and priorities of then, for who words the report."""
        return rulebook._replace(organisation=self.organisation, priorities=self.priorities)


# --- Reading


def month_of(first: date, after: date) -> str:
    """Return the month that a period is ("2026-10"), "" when it is not one whole month."""
    month = first.isoformat()[:7]
    return month if parse_period(month) == (first, after) else ""


def first_opened(store: Store) -> int | None:
    """Return the moment of the desk's first ticket, None when it has none: before it there are no figures."""
    opened: int | None = store.value("select min(opened_at) from ticket")
    return opened


def figures_of(store: Store, month: str) -> dict[str, float | None] | None:
    """Return the values of a frozen month ("2026-10") by KPI, None when it is not frozen."""
    held = _held(store, month)
    return held and {figure["key"]: figure["value"] for figure in held[0]["report"]["kpis"]}


def stored(store: Store, month: str) -> Frozen | None:
    """Return a frozen month with the names of then, None when it is not frozen.

    Raises:
        Failed: what is stored is not what was frozen.
    """
    from sdtool.reports.kpi import Report
    from sdtool.reports.plain import restored

    held = _held(store, month)
    if held is None:
        return None
    data, at, digest = held
    organisation = restored(Organisation, data["organisation"])
    priorities = tuple(restored(Priority, one) for one in data["priorities"])
    return Frozen(month, restored(Report, data["report"]), organisation, priorities, at, digest)


def shown(
    store: Store,
    rulebook: Rulebook,
    first: date,
    after: date,
    *,
    now: int | None,
    only: Mapping[str, Any] = NO_FILTER,
) -> tuple["Report", Rulebook]:
    """Return the report of a period and the rulebook that words it: of a frozen month those of then.

    With filters (`only`) it is computed now.
    """
    from sdtool.reports.kpi import report

    month = "" if only else month_of(first, after)
    held = stored(store, month) if month else None
    if held is not None:
        return held.report._replace(frozen_at=held.frozen_at), held.book(rulebook)
    zone = rulebook.organisation.timezone
    return report(store, rulebook, first, after, timezone=zone, now=now, only=only), rulebook


def _held(store: Store, month: str) -> tuple[dict[str, Any], int, str] | None:
    """Return the data of a frozen month, the moment and the digest."""
    row = store.one("select * from frozen_month where id = :id", id=_number(month))
    if row is None:
        return None
    if hexdigest(row["data"]) != row["digest"]:
        raise Failed(f"the figures of {month} are not those that were frozen: `sd audit verify` tells more")
    return json.loads(row["data"]), row["frozen_at"], row["digest"]


def _number(month: str) -> int:
    return int(month.replace("-", ""))


# --- Freezing


def freeze(desk: Desk, month: str) -> tuple[Frozen, bool]:
    """Freeze a month ("2026-10"); return it, and whether that is new.

    Raises:
        Refused: the month is not over, or ended before the first ticket.
        Conflict: it is frozen already, with other figures.
    """
    from sdtool.reports.refreeze import differences

    _require_over(desk, month)
    data = _computed(desk, month)
    held, computed = stored(desk.store, month), _dry(desk, month, data)
    if held is None:
        desk.run(lambda: _keep(desk, month, data))
        return stored(desk.store, month) or computed, True  # a dry run leaves nothing behind
    if differences(held.report, computed.report):  # of the month itself
        raise _conflict(desk, month, held.frozen_at)
    return held, False


def _require_over(desk: Desk, month: str) -> None:
    current = period(*parse_period(month), desk.timezone)
    if current.end > desk.now:
        raise Refused(
            f"{month} is not over: its figures still change", hint=f"freeze it from {current.after} on"
        )
    opened = first_opened(desk.store)
    if opened is None or opened >= current.end:
        raise Refused(f"the desk had no tickets in {month} yet: there are no figures to freeze")


def _computed(desk: Desk, month: str) -> dict[str, Any]:
    """Return what is kept of a month, of one moment: what others store meanwhile is not seen."""
    from sdtool.reports.kpi import report
    from sdtool.reports.plain import plain

    with desk.store.snapshot():
        found = report(desk.store, desk.rulebook, *parse_period(month), timezone=desk.timezone, now=desk.now)
    book = desk.rulebook
    return {
        "month": month,
        "report": plain(found),
        "organisation": plain(book.organisation),
        "priorities": plain(book.priorities),
        "program": __version__,
    }


def _keep(desk: Desk, month: str, data: dict[str, Any]) -> None:
    """Store a month with its journal row, unless somebody was first."""
    number, text = _number(month), canonical(data)
    held = desk.store.one("select frozen_at from frozen_month where id = :id", id=number)
    if held is not None:
        raise _conflict(desk, month, held["frozen_at"])
    values = {"digest": hexdigest(text), "data": text, "frozen_at": desk.now}
    desk.store.insert(KIND, {"id": number, **values})
    entry = Entry(KIND, number, "freeze", desk.actor, desk.source, desk.now, {"set": values, "was": {}})
    append(desk.store, [entry])


def _conflict(desk: Desk, month: str, at: int) -> Conflict:
    since = day_of(at, desk.timezone)
    return Conflict(
        f"{month} was frozen on {since} with other figures: nothing was changed",
        hint=f"`sd report kpi --month {month} --recompute` shows what differs",
    )


def _dry(desk: Desk, month: str, data: dict[str, Any]) -> Frozen:
    from sdtool.reports.kpi import Report
    from sdtool.reports.plain import restored

    book, report = desk.rulebook, restored(Report, json.loads(canonical(data))["report"])
    digest = hexdigest(canonical(data))
    return Frozen(month, report, book.organisation, book.priorities, desk.now, digest)


def due(desk: Desk) -> list[str]:
    """Return the months to freeze now, oldest first: over for three working days, and not frozen yet."""
    opened = first_opened(desk.store)
    if opened is None:
        return []
    held = {row["id"] for row in desk.store.query("select id from frozen_month")}
    calendar = calendars.own(desk, opened)
    month = f"{day_of(opened, desk.timezone):%Y-%m}"
    found: list[str] = []
    while len(found) < AT_ONCE:
        current = period(*parse_period(month), desk.timezone)
        if current.end > desk.now or calendar.working_days(current.end - 1, desk.now) < AFTER:
            break
        if _number(month) not in held:
            found.append(month)
        month = f"{current.after:%Y-%m}"
    return found


def catch_up(desk: Desk) -> str:
    """Freeze what is due, for the nightly job; return the months in words, "" when nothing was due."""
    months = due(desk)
    for month in months:
        freeze(desk, month)
    return f"frozen: {', '.join(months)}" if months else ""
