"""`sd sla`: the ledger of a ticket's time, and the steps of its deadlines that people are told of."""

from __future__ import annotations

from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, App, dry_run_option, format_option, said
from sdtool.desk import tickets


@click.group("sla")
def sla() -> None:
    """Deadlines: show, sweep."""


@sla.command("show")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@format_option
@click.pass_obj
def show(app: App, number: int, fmt: str) -> None:
    """Account for every second since a ticket was opened: counted, paused, stopped or outside hours."""
    from sdtool.desk import updates
    from sdtool.desk.reasons import ledger

    desk = app.desk
    ticket = tickets.get(desk.store, number)
    book, update = ledger(desk, ticket), updates.deadline(desk, ticket)
    zone = desk.timezone
    show_moment = output.iso if fmt in ("json", "jsonl") else output.local
    rows = [
        {
            "from": show_moment(i.start, zone),
            "to": show_moment(i.end, zone),
            "kind": i.kind,
            "party": i.party,
            "seconds": i.seconds,
        }
        for i in book.intervals
    ]
    sums = {"counted": book.counted, **{f"paused_{p}": s for p, s in sorted(book.paused.items())}}
    sums |= {
        "stopped": book.stopped,
        "outside": book.outside,
        "total": sum(i.seconds for i in book.intervals),
    }
    if fmt in ("json", "jsonl"):
        promises: dict[str, str | None] = {
            "respond_by": output.iso(ticket.respond_due, zone),
            "resolve_by": output.iso(ticket.resolve_due, zone),
        }
        promises["update_by"] = output.iso(update.due, zone) if update else None
        targets = {"respond_target": ticket.respond_target, "resolve_target": ticket.resolve_target}
        output.emit_one({"id": number, **promises, **targets, "sums": sums, "intervals": rows}, fmt)
        return
    titles = (("from", "From"), ("to", "To"), ("kind", "Kind"), ("party", "Party"), ("seconds", "Seconds"))
    output.emit(rows, titles, fmt)
    if fmt == "table":
        if update is not None:
            output.echo(f"tell the customer something by {output.local(update.due, zone)}")
        output.echo("  ".join(f"{name.replace('_', ' ')} {seconds} s" for name, seconds in sums.items()))
        left = ticket.resolve_target - book.counted
        state = f"{output.duration(left)} left" if left >= 0 else f"{output.duration(-left)} over"
        promise = output.duration(ticket.resolve_target)
        output.echo(f"resolve by {output.local(ticket.resolve_due, zone)}: {state} of {promise}")


_STEPS = (
    ("ticket", "Ticket"),
    ("priority", "P"),
    ("promise", "Promise"),
    ("percent", "%"),
    ("due", "By"),
    ("seconds_left", "Seconds left"),
    ("told", "Told"),
)


@sla.command("sweep")
@dry_run_option
@format_option
@click.pass_obj
def sweep(app: App, fmt: str) -> None:
    """Tell agents, groups, lead and manager what nears or passed its deadline (cron runs this).

    The steps are those of the rulebook, each told once per deadline; of several that were reached
    at once, the highest. Prints a line a step, nothing when there is nothing to tell.
    """
    from sdtool.desk import alerts

    done = alerts.sweep(app.desk)
    if done is None:
        output.remark("another `sd sla sweep` is already running: nothing was done")
        return
    output.emit([_told(app, *told, fmt) for told in done.steps], _STEPS, fmt)
    if fmt == "table" and done.steps:
        said(app, f"Steps: {len(done.steps)}, mails: {done.mails}")


def _told(app: App, step: Any, readers: tuple[str, ...], fmt: str) -> dict[str, Any]:
    moment = output.local if fmt == "table" else output.iso
    return {
        "ticket": step.ticket,
        "priority": step.priority,
        "promise": step.promise,
        "percent": step.percent,
        "due": moment(step.due, app.desk.timezone),
        "seconds_left": step.left,
        "told": list(readers) if fmt in ("json", "jsonl") else ", ".join(readers),
    }
