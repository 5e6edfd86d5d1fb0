"""`sd report operations`: the operational report of a week, on one page."""

from __future__ import annotations

import re
from datetime import date, timedelta

import click

from sdtool import jobs, output
from sdtool.commands.base import App, OwnFile, dry_run_option, said
from sdtool.errors import BadSetup, UsageFault
from sdtool.reports import operations as pages
from sdtool.rules import moments
from sdtool.store import outfile

_KIND = outfile.Kind(
    "operational report",
    re.compile(  # each format has a beginning of its own
        r"""
        <!DOCTYPE\ html>[^\0]{1,3000}<meta\ name="generator"\ content="sdtool\ operational\ report">
        | \#\ (Operationeel\ verslag|Operational\ report)\ .+\n\n.+·.+\n
        | .+·.+\n(Operationeel\ verslag|Operational\ report)\ .+\n=+\n
        | \{\n\ \ "period":\ \{\n\ {4}"from":\ "[\d-]{10}",\n\ {4}"to":\ "[\d-]{10}"\n\ \ \},\n\ \ "at":
        """,
        re.VERBOSE,
    ),
)


@click.command("operations")
@click.option(
    "--week", metavar="DATE", help="Any day of the week to report on; without it, the last whole one."
)
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["text", "html", "md", "json"]),
    default="text",
    show_default=True,
    help="How to write it; html is one page in print, for browser and mail.",
)
@click.option("--language", type=click.Choice(["nl", "en"]), help="By default that of the organisation.")
@click.option(
    "--role",
    type=click.Choice(pages.ROLES),
    default="management",
    show_default=True,
    help="Who reads it: management sees figures and numbers, an agent no names of people, a coordinator all"
    " that is not confidential.",
)
@click.option(
    "--out",
    type=OwnFile(),
    metavar="FILE",
    help="Write it there, not to the screen; of what is there, only an earlier such report is replaced.",
)
@click.option("--mail", is_flag=True, help="Queue it for the recipients in the rulebook, once a week.")
@dry_run_option
@click.pass_obj
def operations(
    app: App, week: str | None, fmt: str, language: str | None, role: str, out: str | None, mail: bool
) -> None:
    """Report how the desk stands: one page, what needs a decision first.

    Figures are of a week, Monday to Sunday; what is open, at risk or overdue is that of now. --mail writes
    it for the role and in the language of each recipient.
    """
    app.readonly = not mail
    first, after = _week(app, week)
    if out is not None:
        outfile.check(out, _KIND, app.settings.database)  # before anything is mailed
    if mail:
        _mail(app, first, after)
    if mail and not out:
        return
    text = _written(app, first, after, fmt, language or app.rulebook.organisation.language, role)
    if out is None:
        output.echo(text.removesuffix("\n"), composed=True)
        return
    if not app.dry_run:
        outfile.save(out, text, _KIND, app.settings.database)
    said(app, f"operational report from {first} up to {after} in {out}")


def _week(app: App, text: str | None) -> tuple[date, date]:
    """Return the week of a day, as its Monday and the Monday after it; without a day the last whole one."""
    zone = app.rulebook.organisation.timezone
    today = moments.day_of(app.now, zone)
    if text is None:
        return pages.last_week(today)
    try:
        day = moments.parse_date(text, app.now, zone)
    except ValueError as exc:
        raise UsageFault(str(exc)) from None
    monday = day - timedelta(days=day.weekday())
    if monday > today:
        raise UsageFault(f"the week of {day} has not begun: there is nothing to report on")
    return monday, monday + timedelta(days=7)


def _written(app: App, first: date, after: date, fmt: str, language: str, role: str) -> str:
    """Return the report as the text of a file; what comes from outside cannot steer a terminal."""
    page = pages.report(app.desk, first, after, role=role, jobs=jobs.unwell(app.desk))
    if fmt == "json":
        import io

        stream = io.StringIO()
        output.emit_one(pages.as_dict(page, app.rulebook.organisation.timezone), "json", stream=stream)
        return stream.getvalue()
    from sdtool.reports.operations_view import document  # jinja2 and babel: only documents pay for them

    return output.safe(document(page, app.rulebook, fmt, language), lines=True)


def _mail(app: App, first: date, after: date) -> None:
    from sdtool.reports import addressees, operations_mail

    if not addressees.readers(app.desk, operations_mail.KEY):
        raise BadSetup(
            "the rulebook names nobody who receives the operational report: nothing was queued",
            hint='add [[reports]] with key = "operations" and recipients = ["…"]',
        )
    queued = operations_mail.queue_week(app.desk, first, after, jobs.unwell(app.desk))
    said(app, f"mails queued: {queued}" if queued else "the mail was queued before for everybody")
