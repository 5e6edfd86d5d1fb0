"""`sd fiche`: the service sheet (*dienstenfiche*)."""

from __future__ import annotations

from typing import Any

import click

from sdtool import output
from sdtool.commands import fiche_edit
from sdtool.commands.base import App, OwnFile, format_option
from sdtool.errors import BadSetup, Failed, SdError
from sdtool.rulebook import compiled, require
from sdtool.rulebook.sheet import sheet

_TITLES = (
    ("service_name", "Service"),
    ("label", "KPI"),
    ("norm", "Norm"),
    ("valid_from", "From"),
    ("valid_until", "Until"),
    ("owner", "Owner"),
    ("public", "Public"),
    ("state", "State"),
)


@click.group("fiche")
def fiche() -> None:
    """The service sheet (dienstenfiche): show, check, edit."""


@fiche.command("show")
@click.option("--service", help="Only this service.")
@click.option("--day", metavar="DATE", help="Only what is in force that day; without it, everything.")
@click.option("--language", type=click.Choice(["nl", "en"]), help="By default that of the organisation.")
@click.option(
    "--format",
    "fmt",
    type=click.Choice([*output.FORMATS, "md", "html"]),
    default="table",
    show_default=True,
    help="How to print; md and html are pages to hand out.",
)
@click.pass_obj
def show(app: App, service: str | None, day: str | None, language: str | None, fmt: str) -> None:
    """Show the norms: of which service, from when, who answers for them."""
    from sdtool.reports import sheet as sheets

    book = app.rulebook
    if service is not None:
        require(sheet(book).services, service, "service")
    on, served = fiche_edit.day_of(app, day).isoformat(), language or book.organisation.language
    served = served if served == "nl" else "en"
    lines = sheets.lines(book, on, served, service)
    if day is not None:
        lines = [line for line in lines if line.state == "in force"]
    if fmt in ("md", "html"):
        page = sheets.document(book, lines, on, fmt, served)
        output.echo(output.safe(page, lines=True).removesuffix("\n"), composed=True)
        return
    rows = [line._asdict() for line in lines]
    output.emit(rows if fmt != "table" else [_brief(row) for row in rows], _columns(rows, fmt), fmt)


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    state = "" if row["state"] == "in force" else row["state"]
    return {**row, "norm": f"{row['direction']} {row['shown']}", "state": state}


def _columns(rows: list[dict[str, Any]], fmt: str) -> tuple[tuple[str, str], ...]:
    """Return the columns: of a table those that say something."""
    if fmt != "table":
        from sdtool.reports.sheet import Line

        return tuple((key, key) for key in Line._fields)
    briefs = [_brief(row) for row in rows]
    return tuple((key, title) for key, title in _TITLES if any(row[key] for row in briefs))


@fiche.command("check")
@click.argument("path", required=False, type=OwnFile(), help="Which rulebook; by default the one in use.")
@format_option
@click.pass_obj
def check(app: App, path: str | None, fmt: str) -> None:
    """List every fault of the service sheet with its line; exit 1 when there is one.

    A KPI that cannot be computed is one. That a desk has no data for a KPI yet is a warning.
    """
    from sdtool.reports import sheet_check

    name, content = compiled.source(path or app.settings.rulebook)
    book, faults = sheet_check.checked(content)
    if not sheet_check.readable(content):
        raise BadSetup(f"{name}:{faults[0].line}: {faults[0].text}")
    own = sheet_check.of_sheet(content, faults)
    others = sum(fault.level == "error" for fault in faults) - sum(fault.level == "error" for fault in own)
    if book is not None and not others and path is None:
        own = sorted([*own, *_without_data(app, content)])
    fiche_edit.told(name, own, fmt)
    if others:
        output.remark(f"the rest of the rulebook has {others} fault(s): `sd rulebook check`")
    errors = sum(fault.level == "error" for fault in own)
    if errors:
        raise Failed(f"the service sheet in {name} has {errors} fault(s)")
    if fmt == "table" and not own:
        output.echo(f"{name}: no faults in the service sheet")


def _without_data(app: App, content: bytes) -> list[Any]:
    """Return what the desk has no data for; nothing where there is no desk."""
    from sdtool.reports import sheet_check

    app.readonly = True
    try:
        return sheet_check.without_data(app.rulebook, content, app.store)
    except SdError:
        return []


fiche.add_command(fiche_edit.edit)
