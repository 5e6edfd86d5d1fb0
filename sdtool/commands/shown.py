"""Tickets as commands print them: one line, or an object with ISO moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sdtool import output
from sdtool.commands.base import App
from sdtool.desk import Desk
from sdtool.rules.lifecycle import DESK, Ticket

MOMENTS = (
    "respond_by",
    "resolve_by",
    "opened_at",
    "accepted_at",
    "responded_at",
    "resolved_at",
    "closed_at",
    "waiting_until",
)


def printable(desk: Desk, ticket: Ticket) -> dict[str, Any]:
    """Return a ticket with every key of `sd show --format json`; see `docs/reference/json.md`."""
    from sdtool.desk import plan

    return dated(plan.details(desk, ticket), desk.timezone)


def dated(row: dict[str, Any], timezone: str) -> dict[str, Any]:
    """Return the row with its moments as ISO text with offset, None where there is none."""
    return {k: (output.iso(v, timezone) or None) if k in MOMENTS else v for k, v in row.items()}


def one_line(desk: Desk, ticket: Ticket) -> str:
    """Return number, priority, group and both deadlines in one line."""
    respond, resolve = (output.local(due, desk.timezone) for due in (ticket.respond_due, ticket.resolve_due))
    return (
        f"SD-{ticket.id}  P{ticket.priority}  {ticket.group_key}  respond by {respond}  resolve by {resolve}"
    )


def state_line(desk: Desk, ticket: Ticket) -> str:
    """Return in one line where a ticket stands after an act."""
    holder = ticket.group_key + (f"/{ticket.agent}" if ticket.agent else "")
    line = f"SD-{ticket.id}  P{ticket.priority}  {ticket.state}  {holder}"
    if ticket.ended_at is not None:
        return line
    due = output.local(ticket.resolve_due, desk.timezone)
    if ticket.state == "waiting":
        stands = "the clock stands" if ticket.paused else "the clock runs on"
        until = output.local(ticket.waiting_until, desk.timezone)
        whom = "pended" if ticket.waiting_on == DESK else f"for {ticket.waiting_on}"
        return f"{line}  {whom} until {until}, {stands}  resolve by {due}"
    return f"{line}  resolve by {due}"


def checklist_line(items: int, settled: int, held: int) -> str:
    """Return how a checklist stands: `2/5 (2 mandatory open)`."""
    return f"{settled}/{items}" + (f" ({held} mandatory open)" if held else "")


def report(app: App, tickets: Sequence[Ticket], fmt: str = "table") -> None:
    """Print where tickets stand after an act."""
    numbers = ", ".join(str(ticket.id) for ticket in tickets[:5])
    output.stored(
        f"Ticket {numbers} was changed" if len(tickets) == 1 else f"{len(tickets)} tickets were changed"
    )
    if fmt != "table":
        output.emit([printable(app.desk, ticket) for ticket in tickets], _every(), fmt)
        return
    for ticket in tickets:
        output.echo(
            f"(dry run) {state_line(app.desk, ticket)}" if app.dry_run else state_line(app.desk, ticket)
        )


def _every() -> tuple[tuple[str, str], ...]:
    from sdtool.desk import queue

    return tuple((key, title) for key, title in queue.COLUMNS.items() if key != "caller")
