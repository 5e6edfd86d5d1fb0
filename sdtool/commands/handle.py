"""`sd assign`, `take`, `release`, `start`, `note`, `wait`, `pend`, `resume`, `escalate`, `return`."""

from __future__ import annotations

from typing import Any

import click

from sdtool.commands.base import ID, IDS, App, dry_run_option, format_option, if_rev_option, read_text
from sdtool.commands.shown import report
from sdtool.desk import handling
from sdtool.errors import UsageFault
from sdtool.rulebook import PARTIES
from sdtool.rules.lifecycle import RETURN_REASONS


@click.command("assign")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets: 12, 12-15,20, or - for standard input.")
@click.argument("to", metavar="GROUP[/AGENT]", help="Where to; /AGENT keeps the group, @me is you.")
@if_rev_option
@dry_run_option
@format_option
@click.pass_obj
def assign(app: App, numbers: list[int], to: str, if_rev: int | None, fmt: str) -> None:
    """Give tickets to a solver group, or to an agent of one."""
    report(app, handling.assign(app.desk, numbers, to, if_rev=if_rev), fmt)


@click.command("take")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets.")
@if_rev_option
@format_option
@click.pass_obj
def take(app: App, numbers: list[int], if_rev: int | None, fmt: str) -> None:
    """Take tickets yourself."""
    report(app, handling.take(app.desk, numbers, if_rev=if_rev), fmt)


@click.command("release")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets.")
@if_rev_option
@format_option
@click.pass_obj
def release(app: App, numbers: list[int], if_rev: int | None, fmt: str) -> None:
    """Put tickets back in the queue of their group."""
    report(app, handling.each(app.desk, numbers, "release", {}, if_rev=if_rev), fmt)


@click.command("start")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets.")
@if_rev_option
@format_option
@click.pass_obj
def start(app: App, numbers: list[int], if_rev: int | None, fmt: str) -> None:
    """Start working on tickets; who has none yet gets you."""
    report(app, handling.each(app.desk, numbers, "start", {}, if_rev=if_rev), fmt)


@click.command("note")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@click.argument("text", required=False, help="The note in one line; or use --file.")
@click.option("--public", is_flag=True, help="To the customer: it counts as an answer. Otherwise internal.")
@click.option(
    "--file", "source", metavar="-|FILE|editor", help="A longer note: standard input, a file, your editor."
)
@if_rev_option
@format_option
@click.pass_obj
def note(
    app: App, number: int, text: str | None, public: bool, source: str | None, if_rev: int | None, fmt: str
) -> None:
    """Add a note to a ticket, internal unless --public."""
    if (text is None) == (source is None):
        raise UsageFault(
            "give the note as TEXT, or with --file", hint='`sd note 12 "called back, no answer"`'
        )
    body = text if text is not None else read_text(source, what="note", longest=handling.LONGEST_TEXT)
    report(app, [handling.note(app.desk, number, body, public=public, if_rev=if_rev)], fmt)


@click.command("wait")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets.")
@click.option("--on", "kind", type=click.Choice(PARTIES), help="Who owes the feedback; --party tells it too.")
@click.option("--party", default="", help="Supplier or internal service of `sd party`: number, name or mail.")
@click.option("--for", "text", required=True, help="What is waited for.")
@click.option(
    "--until", required=True, metavar="MOMENT", help="When it is due: vr, +3wd, morgen 9u, 2026-11-27."
)
@if_rev_option
@format_option
@click.pass_obj
def wait(app: App, /, numbers: list[int], kind: str | None, until: str, fmt: str, **options: Any) -> None:
    """Wait for somebody's feedback; per party the rulebook says whether the clock stops.

    A ticket may wait for several: each `sd wait` asks one more, `sd owed list` shows them all.
    """
    if kind is None:
        from sdtool.desk import parties

        if not options["party"]:
            raise UsageFault("name who owes the feedback: --on customer, or --party NAME")
        kind = parties.find_one(app.store, options["party"]).kind
    report(app, handling.wait(app.desk, numbers, kind, until=app.moment(until), **options), fmt)


@click.command("pend")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets.")
@click.option("--until", required=True, metavar="MOMENT", help="When they come back: 14u, morgen 9u, +3wd.")
@click.option("--reason", default="", help="Why not now.")
@if_rev_option
@format_option
@click.pass_obj
def pend(app: App, numbers: list[int], until: str, reason: str, if_rev: int | None, fmt: str) -> None:
    """Put tickets off: they leave the work list and come back at that moment. Their deadlines run on."""
    report(app, handling.pend(app.desk, numbers, app.moment(until), reason, if_rev=if_rev), fmt)


@click.command("resume")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets.")
@if_rev_option
@format_option
@click.pass_obj
def resume(app: App, numbers: list[int], if_rev: int | None, fmt: str) -> None:
    """Go on with tickets that waited or were put off."""
    report(app, handling.each(app.desk, numbers, "resume", {}, if_rev=if_rev), fmt)


@click.command("escalate")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets.")
@click.option("--to", "group", metavar="GROUP", help="Functional: the solver group that can do it.")
@click.option(
    "--hierarchical", is_flag=True, help="Up the hierarchy: management must know; the group keeps it."
)
@click.option("--reason", required=True, help="Why; the next reader needs it.")
@if_rev_option
@dry_run_option
@format_option
@click.pass_obj
def escalate(
    app: App, /, numbers: list[int], group: str | None, hierarchical: bool, reason: str, **options: Any
) -> None:
    """Escalate tickets: to another solver group, or up the hierarchy."""
    if (group is None) != hierarchical:
        raise UsageFault("give either --to GROUP (functional) or --hierarchical")
    fmt = options.pop("fmt")
    if group is not None:
        report(app, handling.escalate(app.desk, numbers, group, reason, **options), fmt)
    else:
        report(app, handling.escalate_up(app.desk, numbers, reason, **options), fmt)


@click.command("return")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets.")
@click.option("--reason", type=click.Choice(RETURN_REASONS), required=True, help="Why it comes back.")
@click.option("--text", default="", help="What the first line must know.")
@if_rev_option
@format_option
@click.pass_obj
def return_(app: App, numbers: list[int], reason: str, text: str, if_rev: int | None, fmt: str) -> None:
    """Return tickets to the first line; `wrong-group` counts as wrong routing."""
    report(app, handling.return_(app.desk, numbers, reason, text, if_rev=if_rev), fmt)
