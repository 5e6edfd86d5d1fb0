"""Reports: the KPIs of the service sheet."""

from __future__ import annotations

import io
import re
import sys
from datetime import date
from typing import Any

import click

from sdtool import output
from sdtool.commands import report_choice, report_freeze, report_operations, report_site
from sdtool.commands.base import App, OwnFile, dry_run_option, said
from sdtool.errors import BadSetup, UsageFault
from sdtool.reports import bars, freeze
from sdtool.reports import kpi as kpis
from sdtool.reports.period import last_month
from sdtool.rules import moments
from sdtool.store import outfile

# a series is a list, and CSV has no lists
_COLUMNS = [(name, name) for name in kpis.Figure._fields if name != "series"]
_REPORT = outfile.Kind(
    "KPI report",
    re.compile(  # each format has a beginning of its own
        r"""
        <!DOCTYPE\ html>[^\0]{1,3000}<meta\ name="generator"\ content="sdtool\ KPI\ report">
        | \#\ (KPI-verslag|KPI\ report)\ .+\n\n.+·.+·\ (vergeleken\ met|compared\ with)\ .+\n
        | .+·.+\n(KPI-verslag|KPI\ report)\ .+\n=+\n(vergeleken\ met|compared\ with)\ .+\n
        | \{\n\ \ "period":\ \{\n\ {4}"from":\ "[\d-]{10}",\n\ {4}"to":\ "[\d-]{10}"\n\ \ \},\n\ \ "kpis":
        """
        + rf"| {','.join(name for name, _ in _COLUMNS)}\n",
        re.VERBOSE,
    ),
)


@click.group()
def report() -> None:
    """Reports: kpi, freeze, operations, site."""


@report.command()
@click.option(
    "--month", metavar="YYYY-MM", help="The month to report on; without a period, the last whole one."
)
@click.option("--from", "first", metavar="DATE", help="The first day to report on.")
@click.option("--to", "after", metavar="DATE", help="The first day after it: not reported on itself.")
@click.option(
    "--format",
    "fmt",
    type=click.Choice(["text", "html", "json", "csv", "md", "table", "jsonl"]),
    default="text",
    show_default=True,
    help="How to write it; html is one file for browser and mail. A list: table, json, jsonl or csv.",
)
@click.option("--language", type=click.Choice(["nl", "en"]), help="By default that of the organisation.")
@click.option(
    "--out",
    type=OwnFile(),
    metavar="FILE",
    help="Write it there, not to the screen; of what is there, only an earlier KPI report is replaced.",
)
@report_freeze.recompute_option
@report_choice.choice_options
@click.option("--mail", is_flag=True, help="Queue it for the recipients in the rulebook, once a period.")
@dry_run_option
@click.pass_obj
def kpi(app: App, /, month: str | None, first: str | None, after: str | None, **options: Any) -> None:
    """Report the KPIs of a period, each beside its norm, the period before and the year before.

    A period is half open: `--from 2016-04-01 --to 2016-05-01` is April. In a period that is not
    over, the backlog is that of now. Filters may be given several times.
    """
    app.readonly = not options["mail"]
    begin, end = _period(app, month, first, after)
    only = report_choice.chosen(app, **{name: options.pop(name) for name in report_choice.FILTERS})
    detail, by, recompute = (options.pop(name) for name in ("detail", "by", "recompute"))
    alone = not (options["mail"] or options["out"])
    if recompute:
        alone = alone and not (detail or by)
        fmt, language = options["fmt"], options["language"]
        report_freeze.compare(app, begin, end, fmt, language, alone=alone, filtered=bool(only))
    elif detail or by:
        if not alone:
            raise UsageFault("--detail and --by print a list: leave out --mail and --out")
        report_choice.table(app, begin, end, only, options["fmt"], detail, by)
    elif options["mail"] and only:
        raise UsageFault("--mail sends the report of the whole desk: leave out the filters")
    elif options["fmt"] in ("table", "jsonl"):
        raise UsageFault(f"only the lists of --detail and --by are written as {options['fmt']}")
    else:
        _report(app, begin, end, only, **options)


def _report(
    app: App,
    begin: date,
    end: date,
    only: dict[str, Any],
    *,
    fmt: str,
    language: str | None,
    out: str | None,
    mail: bool,
) -> None:
    """Write the report, mail it, or both."""
    if out is not None:
        outfile.check(out, _REPORT, app.settings.database)  # before anything is mailed
    if mail:
        _mail(app, begin, end)
    if mail and not out:
        return
    text = _written(app, begin, end, fmt, language, only)
    if out is None:
        text = text if output.is_unicode(sys.stdout) else bars.ascii_only(text)
        output.echo(text.removesuffix("\n"), composed=True)
    elif not app.dry_run:
        outfile.save(out, text, _REPORT, app.settings.database)
    if out is not None:
        said(app, f"KPI report from {begin} up to {end} in {out}")


def _period(app: App, month: str | None, first: str | None, after: str | None) -> tuple[date, date]:
    """Return the half-open period that the options name."""
    if month and (first or after):
        raise UsageFault("give --month, or --from and --to, not both")
    if bool(first) != bool(after):
        raise UsageFault("a period needs both --from and --to; --to is the first day after it")
    zone = app.rulebook.organisation.timezone
    try:
        if month:
            return moments.parse_period(month)
        if first and after:
            begin, end = (moments.parse_date(text, app.now, zone) for text in (first, after))
        else:
            begin, end = last_month(moments.day_of(app.now, zone))
    except ValueError as exc:
        raise UsageFault(str(exc)) from None
    if end <= begin:
        raise UsageFault(f"the period from {begin} up to {end} has no days; --to is the first day after it")
    return begin, end


def _written(app: App, first: date, after: date, fmt: str, language: str | None, only: dict[str, Any]) -> str:
    """Return the report as the text of a file; what comes from outside cannot steer a terminal."""
    found, book = freeze.shown(app.store, app.rulebook, first, after, now=app.now, only=only)
    stream = io.StringIO()
    if fmt == "json":
        at = found.frozen_at and output.iso(found.frozen_at, book.organisation.timezone)
        output.emit_one({**found.as_dict(), "frozen_at": at}, "json", stream=stream)
    elif fmt == "csv":
        output.emit((figure._asdict() for figure in found.kpis), _COLUMNS, "csv", stream=stream)
    else:
        from sdtool.reports.kpi_view import document  # jinja2 and babel: only documents pay for them

        return output.safe(document(found, book, fmt, language or book.organisation.language), lines=True)
    return stream.getvalue()


def _mail(app: App, first: date, after: date) -> None:
    from sdtool.reports import addressees, kpi_mail

    if not addressees.readers(app.desk, kpi_mail.KEY):
        raise BadSetup(
            "the rulebook names nobody who receives the KPI report: nothing was queued",
            hint='add [[reports]] with key = "kpi" and recipients = ["…"]',
        )
    queued = kpi_mail.queue_mail(app.desk, first, after)
    said(app, f"KPI mails queued: {queued}" if queued else "KPI mail was queued before for everybody")


report.add_command(report_freeze.freeze)
report.add_command(report_operations.operations)
report.add_command(report_site.site)
