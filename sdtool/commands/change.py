"""`sd edit`: change what was registered."""

from __future__ import annotations

from typing import Any

import click

from sdtool.commands.base import ID, App, format_option, if_rev_option, read_text
from sdtool.commands.shown import report
from sdtool.desk import handling, people
from sdtool.errors import UsageFault
from sdtool.rulebook import TYPES


@click.command("edit")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@click.option("--summary", help="The report in one line.")
@click.option("--description", metavar="-|FILE|editor", help="The whole story.")
@click.option("--caller", help="Name, mail address, phone or staff number.")
@click.option("--type", "type_", type=click.Choice(TYPES), help="Incident or request.")
@click.option("--category", help="What it is about.")
@click.option("--urgency", help="How soon the customer needs it.")
@click.option("--impact", help="How far it reaches.")
@click.option("--channel", help="How it came in: phone, mail, counter and so on.")
@click.option("--fmis", "fmis_ref", metavar="REF", help="Its number in the facility management system.")
@click.option("--cause", help="What it came from, once that is known; until it closes.")
@click.option("--confidential/--open", "confidential", default=None, help="Who may read it.")
@click.option("--test/--no-test", "test", default=None, help="A try-out, that no KPI counts; or not.")
@click.option(
    "--priority",
    type=click.IntRange(0),
    help="Override the derived priority (with --reason); 0 takes it away.",
)
@click.option("--reason", default="", help="Why.")
@if_rev_option
@format_option
@click.pass_obj
def edit(
    app: App, /, number: int, fmt: str, if_rev: int | None, priority: int | None, reason: str, **options: Any
) -> None:
    """Change what was registered; priority and deadlines follow."""
    given = {name: value for name, value in options.items() if value is not None and name != "type_"}
    if options["type_"]:
        given["type"] = options["type_"]
    if "description" in given:
        given["description"] = read_text(
            given["description"], what="description", longest=handling.LONGEST_TEXT
        )
    if "caller" in given:
        given["caller"] = people.find_one(app.store, given["caller"]).id
    given |= {name: int(given[name]) for name in ("confidential", "test") if name in given}
    if not given and priority is None:
        raise UsageFault("nothing to change: name at least one option", hint="`sd edit --help` lists them")
    ticket = handling.edit(app.desk, number, given, priority=priority, reason=reason, if_rev=if_rev)
    report(app, [ticket], fmt)
