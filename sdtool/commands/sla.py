"""`sd sla show`: the ledger of a ticket's time."""

from __future__ import annotations

import click

from sdtool import output
from sdtool.commands.base import ID, App, format_option
from sdtool.desk import tickets


@click.group("sla")
def sla() -> None:
    """Deadlines: the ledger of a ticket's time."""


@sla.command("show")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@format_option
@click.pass_obj
def show(app: App, number: int, fmt: str) -> None:
    """Account for every second since a ticket was opened: counted, paused, stopped or outside hours."""
    from sdtool.desk.reasons import ledger

    desk = app.desk
    ticket = tickets.get(desk.store, number)
    book = ledger(desk, ticket)
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
        promises = {
            "respond_by": output.iso(ticket.respond_due, zone),
            "resolve_by": output.iso(ticket.resolve_due, zone),
        }
        targets = {"respond_target": ticket.respond_target, "resolve_target": ticket.resolve_target}
        output.emit_one({"id": number, **promises, **targets, "sums": sums, "intervals": rows}, fmt)
        return
    titles = (("from", "From"), ("to", "To"), ("kind", "Kind"), ("party", "Party"), ("seconds", "Seconds"))
    output.emit(rows, titles, fmt)
    if fmt == "table":
        output.echo("  ".join(f"{name.replace('_', ' ')} {seconds} s" for name, seconds in sums.items()))
        left = ticket.resolve_target - book.counted
        state = f"{output.duration(left)} left" if left >= 0 else f"{output.duration(-left)} over"
        promise = output.duration(ticket.resolve_target)
        output.echo(f"resolve by {output.local(ticket.resolve_due, zone)}: {state} of {promise}")
