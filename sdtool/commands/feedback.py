"""`sd feedback`: what customers answered when they were asked how it went."""

from __future__ import annotations

from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, App, dry_run_option, format_option, said
from sdtool.desk import queue, satisfaction, tickets
from sdtool.desk.satisfaction import Feedback

_TITLES = (
    ("ticket", "Ticket"),
    ("asked_at", "Asked"),
    ("reminded_at", "Reminded"),
    ("answered_at", "Answered"),
    ("score", "Score"),
    ("comment", "Comment"),
)


@click.group()
def feedback() -> None:
    """Satisfaction: record, list, show."""


@feedback.command()
@click.argument("number", metavar="TICKET", type=ID, help="Ticket about which the customer was asked.")
@click.argument("score", type=click.IntRange(1, 5), help="From 1, very dissatisfied, to 5, very satisfied.")
@click.option("--comment", default="", help="What the customer said.")
@dry_run_option
@click.pass_obj
def record(app: App, number: int, score: int, comment: str) -> None:
    """Record the answer of a customer; a low score makes a call-back.

    A second answer takes the place of the first. Only who was asked counts.
    """
    _, call = satisfaction.record(app.desk, number, score, comment)
    said(app, f"SD-{number}: {score} of 5" + (f", call-back {call} made" if call is not None else ""))


@feedback.command("list")
@click.option("--answered/--unanswered", default=None, help="Only who answered, or did not.")
@click.option("--low", is_flag=True, help="Only scores that ask for a call-back.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="At most so many.")
@format_option
@click.pass_obj
def list_(app: App, answered: bool | None, low: bool, limit: int, fmt: str) -> None:
    """List who was asked and what they answered, newest first."""
    from sdtool.rulebook.chasing import chasing

    most = chasing(app.rulebook).satisfaction.low if low else None
    found = satisfaction.listing(app.store, answered=answered, low=most, limit=limit)
    output.emit([_row(app, entry, fmt) for entry in found], _TITLES, fmt)


@feedback.command()
@click.argument("number", metavar="TICKET", type=ID, help="Ticket about which the customer was asked.")
@format_option
@click.pass_obj
def show(app: App, number: int, fmt: str) -> None:
    """Show what a customer answered about a ticket."""
    row = _row(app, satisfaction.get(app.store, number), fmt)
    if fmt in ("json", "jsonl"):
        output.emit_one(row, fmt)
    elif fmt == "csv":
        output.emit([row], _TITLES, fmt)
    else:
        for key, title in _TITLES:
            if row[key] not in (None, ""):
                output.echo(f"{title:<9} {output.safe(row[key])}")


def _row(app: App, entry: Feedback, fmt: str) -> dict[str, Any]:
    """Return an answer as it is shown; of a confidential ticket not its words."""
    zone, moment = app.desk.timezone, output.local if fmt == "table" else output.iso
    visible = queue.may_see(app.desk, tickets.get(app.store, entry.id))
    return {
        "ticket": entry.id,
        "asked_at": moment(entry.asked_at, zone),
        "reminded_at": moment(entry.reminded_at, zone) or None,
        "answered_at": moment(entry.answered_at, zone) or None,
        "score": entry.score,
        "comment": entry.comment if visible else queue.HIDDEN,
        "source": entry.source,
        "rev": entry.rev,
    }
