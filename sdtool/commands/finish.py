"""`sd close`, `reopen`, `cancel`: how tickets end, and begin again."""

from __future__ import annotations

import click

from sdtool import output
from sdtool.commands.base import IDS, App, dry_run_option, format_option, if_rev_option
from sdtool.commands.shown import report
from sdtool.desk import handling
from sdtool.rules.lifecycle import Ticket


@click.command("close")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets: 12, 12-15,20, or - for standard input.")
@click.option("--solution", default="", help="What solved it; the customer and the next agent read it.")
@click.option("--cause", default="", help="What caused it.")
@click.option(
    "--article",
    "articles",
    type=int,
    multiple=True,
    metavar="NR",
    help="Article that helped; may be repeated.",
)
@if_rev_option
@dry_run_option
@format_option
@click.pass_obj
def close(
    app: App,
    numbers: list[int],
    solution: str,
    cause: str,
    articles: tuple[int, ...],
    if_rev: int | None,
    fmt: str,
) -> None:
    """Resolve tickets; the nightly job closes them after the customer's term.

    A ticket with open sub-tickets is refused.
    """

    def work() -> list[Ticket]:
        done = handling.resolve(app.desk, numbers, solution, cause, if_rev=if_rev)
        if articles:
            from sdtool.desk.articles import use

            for article in articles:
                use(app.desk, article, numbers)
        return done

    ended = app.desk.run(work)
    report(app, ended, fmt)
    _remind(app, ended)


@click.command("reopen")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets.")
@click.option("--reason", required=True, help="Why it is not solved after all.")
@if_rev_option
@format_option
@click.pass_obj
def reopen(app: App, numbers: list[int], reason: str, if_rev: int | None, fmt: str) -> None:
    """Open tickets again; their clock goes on where it stopped."""
    report(app, handling.reopen(app.desk, numbers, reason, if_rev=if_rev), fmt)


@click.command("cancel")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets.")
@click.option("--reason", required=True, help="Why it should not have been made.")
@if_rev_option
@dry_run_option
@format_option
@click.pass_obj
def cancel(app: App, numbers: list[int], reason: str, if_rev: int | None, fmt: str) -> None:
    """Cancel tickets that should not have been made; no KPI counts them."""
    ended = handling.cancel(app.desk, numbers, reason, if_rev=if_rev)
    report(app, ended, fmt)
    _remind(app, ended)


def _remind(app: App, ended: list[Ticket]) -> None:
    """Tell that what was promised for a ticket is not over because it ended."""
    for ticket in ended:
        rows = app.store.query(
            "select id, text, at from promise where ticket = :id and state = 'open' order by at, id",
            id=ticket.id,
        )
        for row in rows:
            at = output.local(row["at"], app.desk.timezone)
            output.remark(f"promise {row['id']} for SD-{ticket.id} stays open: {at} {row['text']}")
