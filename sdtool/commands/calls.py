"""`sd calls`: counts of telephone calls."""

from __future__ import annotations

from typing import Any

import click

from sdtool import output
from sdtool.commands.base import App, dry_run_option, format_option, said
from sdtool.commands.importing import imported, list_options
from sdtool.desk import calls as desk_calls
from sdtool.errors import UsageFault

_TITLES = (
    ("day", "Day"),
    ("line", "Line"),
    ("offered", "Offered"),
    ("answered", "Answered"),
    ("abandoned", "Abandoned"),
    ("dropped", "Dropped"),
    ("mean_wait", "Mean wait"),
    ("in_time", "In time"),
)
_REST = tuple((key, key) for key in ("waited", "id", "rev"))
_MONTH = "The month, as 2026-11."


@click.group("calls")
def calls() -> None:
    """Counts of telephone calls, by day and line."""


def _row(day: desk_calls.Day, fmt: str) -> dict[str, Any]:
    mean = day.mean_wait
    if mean is not None and fmt == "table":
        mean = round(mean)
    row = {name: getattr(day, name) for name in ("id", "day", "line", *desk_calls.COUNTS, "waited", "rev")}
    return {**row, "mean_wait": mean}


@calls.command("import")
@list_options
@click.pass_obj
def import_(app: App, /, **how: Any) -> None:
    """Take in an export of the telephone exchange: all of its rows, or none.

    A row a day and line: day, line, offered, answered, abandoned; and where the exchange tells, dropped
    (given up within the first seconds, part of abandoned), waited (seconds of all answered calls) or mean
    wait, in time. Columns may be named in Dutch, French or English. The same export again changes nothing.
    """
    imported(app, desk_calls.NAMES, desk_calls.import_sheet, "The counts of calls", **how)


@calls.command("record")
@click.argument("day", metavar="DAY", help="Date: 2026-11-23 or 23/11/2026.")
@click.option("--line", default="", help="Line or queue; without it, all lines together.")
@click.option("--offered", required=True, help="Calls that came in.")
@click.option("--answered", required=True, help="Calls that were answered.")
@click.option("--abandoned", required=True, help="Calls that were given up.")
@click.option("--dropped", help="Of these, given up within the first seconds.")
@click.option("--waited", help="What all answered calls waited, in seconds.")
@click.option(
    "--mean-wait", help="What an answered call waited in the mean, in seconds; instead of --waited."
)
@click.option("--in-time", help="Calls that were answered in time.")
@dry_run_option
@format_option
@click.pass_obj
def record(app: App, /, fmt: str, **texts: Any) -> None:
    """Type the counts of a day, for a desk without an export; typed again, they are replaced.

    What is left out stays as it was.
    """
    day, did = desk_calls.record(app.desk, texts)
    output.stored("The counts were stored")
    if fmt != "table":
        output.emit_one(_row(day, fmt), fmt)
        return
    words = {"added": "added", "changed": "changed", "same": "unchanged"}
    counted = f"{day.offered} offered, {day.answered} answered, {day.abandoned} abandoned"
    said(app, "  ".join(part for part in (day.day, day.line, counted, words[did]) if part))


@calls.command("list")
@click.option("--month", metavar="YYYY-MM", help=_MONTH)
@click.option("--line", default="", help="Only this line.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="At most so many.")
@format_option
@click.pass_obj
def list_(app: App, month: str | None, line: str, limit: int, fmt: str) -> None:
    """List the counts by day, newest first."""
    first, after = _bounds(month) if month else ("", "9999")
    found = desk_calls.listing(app.store, first=first, after=after, line=line)
    rows = [_row(day, fmt) for day in found[:limit]]
    output.emit(rows, _TITLES if fmt == "table" else _TITLES + _REST, fmt)
    if len(found) > limit:
        output.remark(f"{limit} shown, there are more: --limit shows them")


def _bounds(month: str) -> tuple[str, str]:
    from sdtool.rules.moments import parse_period

    try:
        first, after = parse_period(month)
    except ValueError as exc:
        raise UsageFault(str(exc)) from None
    return first.isoformat(), after.isoformat()
