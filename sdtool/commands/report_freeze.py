"""`sd report freeze`, and what a frozen month would be now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import App, dry_run_option, said
from sdtool.errors import Failed, UsageFault
from sdtool.reports import freeze as months

recompute_option: Callable[[Any], Any] = click.option(
    "--recompute",
    is_flag=True,
    help="Compute a frozen month anew and show what differs from it, exit 1 when anything does.",
)


@click.command("freeze")
@click.option("--month", metavar="YYYY-MM", required=True, help="The month to freeze.")
@dry_run_option
@click.pass_obj
def freeze(app: App, month: str) -> None:
    """Keep the figures of a month for good.

    Whatever happens to tickets, people or rulebook afterwards, its KPI report stays what it was. A job
    does this every night for months that are over for three working days.
    """
    from sdtool.rules.moments import parse_period

    try:
        month = months.month_of(*parse_period(month))
    except ValueError as exc:
        raise UsageFault(str(exc)) from None
    held, new = months.freeze(app.desk, month)
    since = output.local(held.frozen_at, app.rulebook.organisation.timezone)
    if new:
        said(app, f"{month} is frozen; digest {held.digest}")
    else:
        said(app, f"{month} was frozen already on {since}, nothing changed")


def compare(
    app: App, first: date, after: date, fmt: str, language: str | None, *, alone: bool, filtered: bool = False
) -> None:
    """Print what differs between a frozen month and the same month computed now.

    Raises:
        Failed: something differs.
    """
    from sdtool import render
    from sdtool.reports import refreeze

    if fmt in ("table", "jsonl"):
        raise UsageFault(
            f"what differs from a frozen month is not written as {fmt}: text, html, md, json or csv"
        )
    month = months.month_of(first, after)
    if not month or not alone or filtered:
        raise UsageFault("--recompute goes with one whole month, and without filters, --mail and --out")
    held, found = refreeze.compare(app.store, app.rulebook, month, now=app.now)
    if fmt == "json":
        at = output.iso(held.frozen_at, held.organisation.timezone)
        listed = [one._asdict() for one in found]
        output.emit_one({"month": month, "frozen_at": at, "differences": listed}, "json")
    elif fmt == "csv":
        columns = [(name, name) for name in refreeze.Difference._fields]
        output.emit([one._asdict() for one in found], columns, "csv")
    else:
        spoken = render.known(language or held.organisation.language, render.REPORT_LANGUAGES)
        page = refreeze.document(held, found, app.rulebook, fmt, spoken)
        output.echo(output.safe(page, lines=True).removesuffix("\n"), composed=True)
    if found:
        raise Failed(f"{len(found)} figure(s) of {month} differ from those that were frozen")
