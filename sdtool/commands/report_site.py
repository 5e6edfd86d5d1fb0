"""`sd report site`: the dashboard as a folder of pages."""

from __future__ import annotations

import click

from sdtool.commands.base import App, OwnFile, dry_run_option, said
from sdtool.errors import UsageFault
from sdtool.reports.period import last_month
from sdtool.rules import moments
from sdtool.store import outfolder


@click.command()
@click.option(
    "--out",
    type=OwnFile(),
    required=True,
    metavar="DIR",
    help="Write it there; only an empty folder or an earlier dashboard is replaced.",
)
@click.option("--month", metavar="YYYY-MM", help="The month to show, by default the last whole one.")
@click.option(
    "--months",
    type=click.IntRange(1, 13),
    default=13,
    show_default=True,
    help="How many months the trends go back, with the month itself.",
)
@click.option("--language", type=click.Choice(["nl", "en"]), help="By default that of the organisation.")
@click.option(
    "--role",
    type=click.Choice(["management", "coordinator"]),
    default="management",
    show_default=True,
    help="Who reads it: management sees numbers of tickets, a coordinator what they are about.",
)
@click.option("--quiet", "-q", is_flag=True, help="Say nothing when it is written (for cron).")
@dry_run_option
@click.pass_obj
def site(
    app: App, out: str, month: str | None, months: int, language: str | None, role: str, quiet: bool
) -> None:
    """Write the dashboard: a folder of pages for a web server, or to open from disk.

    Figures are those of `sd report kpi`; of a frozen month those that were frozen.
    """
    from sdtool import render
    from sdtool.reports import site, site_view  # jinja2 and babel: only documents pay for them

    app.readonly = True
    zone = app.rulebook.organisation.timezone
    try:
        first, after = moments.parse_period(month) if month else last_month(moments.day_of(app.now, zone))
    except ValueError as exc:
        raise UsageFault(str(exc)) from None
    outfolder.check(out)
    with app.store.snapshot():
        found = site.site(app.store, app.rulebook, first, after, months, now=app.now)
        spoken = render.known(language or found.book.organisation.language, render.REPORT_LANGUAGES)
        pages = site_view.pages(app.store, found, spoken, role, now=app.now)
        written = len(list(pages)) if app.dry_run else outfolder.save(out, pages)
    if not quiet:
        said(app, f"Dashboard of {first:%Y-%m} in {out}: {written} pages")
