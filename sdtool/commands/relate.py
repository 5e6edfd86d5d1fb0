"""`sd link`, `unlink`, `merge`, `unmerge`, `undo`: how tickets hang together, and taking back."""

from __future__ import annotations

import click

from sdtool import output
from sdtool.commands.base import ID, IDS, App, dry_run_option, format_option, said
from sdtool.commands.shown import report
from sdtool.desk import links
from sdtool.rules.lifecycle import LINKS

_KIND = click.Choice(LINKS)


@click.command("link")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@click.argument("kind", type=_KIND, help="What it is of the other.")
@click.argument("other", metavar="OTHER", type=ID, help="The other ticket.")
@click.pass_obj
def link(app: App, number: int, kind: str, other: int) -> None:
    """Link two tickets: `sd link 12 part-of 7`."""
    links.link(app.desk, number, kind, other)
    said(app, f"SD-{number} {kind} SD-{other}")


@click.command("unlink")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@click.argument("kind", type=_KIND, help="What it is of the other.")
@click.argument("other", metavar="OTHER", type=ID, help="The other ticket.")
@click.pass_obj
def unlink(app: App, number: int, kind: str, other: int) -> None:
    """Take a link away."""
    links.unlink(app.desk, number, kind, other)
    said(app, f"SD-{number} no longer {kind} SD-{other}")


@click.command("merge")
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets that end.")
@click.option("--into", metavar="ID", type=ID, required=True, help="The ticket that stays.")
@dry_run_option
@format_option
@click.pass_obj
def merge(app: App, numbers: list[int], into: int, fmt: str) -> None:
    """Merge tickets into one."""
    report(app, links.merge(app.desk, numbers, into), fmt)


@click.command("unmerge")
@click.argument("numbers", metavar="IDS", type=IDS, help="Merged tickets.")
@format_option
@click.pass_obj
def unmerge(app: App, numbers: list[int], fmt: str) -> None:
    """Take merged tickets out again."""
    report(app, links.unmerge(app.desk, numbers), fmt)


@click.command("undo")
@dry_run_option
@click.pass_obj
def undo(app: App) -> None:
    """Undo your last act on tickets, if nothing was done to them since."""
    from sdtool.desk.undo import undo as take_back

    done = take_back(app.desk)
    output.stored("Your last act was undone")
    for line in done:
        said(app, line)
