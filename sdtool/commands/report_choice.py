"""`sd report kpi` of some tickets only, the tickets behind a figure, and figures by part."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import reduce
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import App
from sdtool.errors import UsageFault
from sdtool.reports import filters, freeze, parts
from sdtool.reports.detail import Line, detail
from sdtool.reports.period import period
from sdtool.reports.scope import Scope

FILTERS = ("services", "groups", "target_groups", "types", "priorities", "majors")
LISTED = ("table", "json", "jsonl", "csv")
_LINE = (
    ("ticket", "Ticket"), ("group", "Group"), ("priority", "P"), ("opened_at", "Opened"),
    ("resolved_at", "Resolved"), ("n", "n"), ("of", "N"), ("measured", "Measured"), ("summary", "Summary"),
)  # fmt: skip
_PART = (
    ("part", "Part"), ("name", "Name"), ("resolved", "Resolved"), ("in_time", "In time"), ("due", "of"),
    ("median_net", "Median net"), ("reopened", "Reopened"), ("closed", "of"),
)  # fmt: skip
_CHOICES = (
    click.option("--service", "services", multiple=True, metavar="SERVICE", help="Only of this service."),
    click.option("--group", "groups", multiple=True, metavar="GROUP", help="Only of this solver group."),
    click.option(
        "--target-group", "target_groups", multiple=True, metavar="GROUP", help="Only of this target group."
    ),
    click.option(
        "--type", "types", multiple=True, type=click.Choice(["incident", "request"]), help="Only this type."
    ),
    click.option(
        "--priority", "priorities", multiple=True, type=int, metavar="LEVEL", help="Only this priority."
    ),
    click.option(
        "--majors/--no-majors",
        "majors",
        default=None,
        help="Only tickets of major incidents, or all but those.",
    ),
    click.option("--detail", metavar="KPI", help="List the tickets behind this figure instead."),
    click.option(
        "--by", type=click.Choice(list(parts.COLUMNS)), help="Show what each agent, group … resolved instead."
    ),
)


def choice_options(command: Any) -> Any:
    """Add the options that choose which tickets are reported on, and how."""
    add: Callable[[Any, Any], Any] = lambda done, option: option(done)  # noqa: E731
    return reduce(add, reversed(_CHOICES), command)


def table(
    app: App, first: date, after: date, only: dict[str, Any], fmt: str, key: str | None, by: str | None
) -> None:
    """Print the tickets behind a KPI, or what each part of the desk resolved."""
    if key and by:
        raise UsageFault("give --detail or --by, not both")
    fmt = "table" if fmt == "text" else fmt
    if fmt not in LISTED:
        raise UsageFault(f"a list is written as {', '.join(LISTED)}, not as {fmt}")
    scope = Scope(period(first, after, app.rulebook.organisation.timezone), **only)
    if by:
        _parts(app, scope, by, fmt)
    else:
        found = detail(app.store, app.rulebook, scope, key or "", app.now)
        output.emit((_line(app, line, fmt) for line in found), _LINE, fmt)
        month = freeze.month_of(first, after)
        if scope.whole and month and freeze.figures_of(app.store, month) is not None:
            output.remark(f"{month} is frozen: its figure stays, these tickets are as they are now")


def _line(app: App, line: Line, fmt: str) -> dict[str, Any]:
    shown = output.local if fmt == "table" else output.iso
    zone = app.rulebook.organisation.timezone
    moments = {"opened_at": line.opened_at, "resolved_at": line.resolved_at}
    return line._asdict() | {key: at and shown(at, zone) for key, at in moments.items()}


def _parts(app: App, scope: Scope, by: str, fmt: str) -> None:
    found = parts.parts(app.store, app.rulebook, scope, by, app.now)
    rows = [part._asdict() for part in found.rows]
    if fmt == "json":
        dates = {"from": scope.period.first.isoformat(), "to": scope.period.after.isoformat()}
        whole = {"period": dates, "filters": dict(scope.filters), "by": by, "rows": rows}
        output.emit_one({**whole, "hidden": found.hidden}, fmt)
        return
    if fmt == "table":
        for row in rows:
            row["median_net"] = row["median_net"] and output.duration(round(row["median_net"]))
    output.emit(rows, _PART, fmt)
    if found.hidden:
        rows_, few = "row" if found.hidden == 1 else "rows", parts.FEWEST
        output.remark(f"{found.hidden} {rows_} with fewer than {few} resolved tickets hidden")


def chosen(app: App, **options: Any) -> dict[str, Any]:
    """Return the filters as a `Scope` names them."""
    return filters.narrowed(app.rulebook, **options)
