"""How changes of staff are printed: a line a person, one as a tree."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, App, format_option
from sdtool.rules.lifecycle import Ticket


def counted(number: int, what: str) -> str:
    """Return a number of things in words: 1 row, 2 rows."""
    return f"{number} {what}{'s' * (number != 1)}"


def say_one(app: App, action: str, number: int, remarks: Sequence[str], fmt: str) -> None:
    """Say what became of one change, and how it stands now."""
    for remark in remarks:
        output.remark(remark)
    if fmt == "table":
        output.echo(f"SD-{number} {action}")
    _show_tree(app, _change(app, number), fmt)


_STATUS = (
    ("id", "Id"),
    ("standing", "Stands"),
    ("day", "Day"),
    ("days_left", "Days"),
    ("progress", "Done"),
    ("late", "Late"),
    ("name", "Name"),
    ("staff_number", "Staff number"),
    ("missing", "HR owes"),
)


def status(kind: str) -> click.Command:
    """Return the command that lists the changes of a kind."""

    @click.command("status", help="List a line a person, what is late first: day, days left, what is done.")
    @click.option("--all", "ended", is_flag=True, help="Those that ended too.")
    @format_option
    @click.pass_obj
    def command(app: App, ended: bool, fmt: str) -> None:
        from sdtool.desk import staff_view

        rows = []
        for line in staff_view.status(app.desk, kind, ended=ended):
            row = line._asdict() | {"missing": [name.replace("_", " ") for name in line.missing]}
            if fmt == "table":
                row["progress"] = f"{line.done}/{line.total}"
                row["standing"] = line.standing.upper() if line.standing == "late" else line.standing
            rows.append(row)
        columns = _STATUS if fmt == "table" else tuple((name, name) for name in staff_view.Line._fields)
        if not rows and fmt == "table":
            output.remark(f"no {kind} is running; `sd {kind} import FILE` takes a file of HR in")
            return
        output.emit(rows, columns, fmt)

    return command


def show(kind: str) -> click.Command:
    """Return the command that shows one change."""

    @click.command("show", help="Show one person's tickets as a tree, with state and deadline of each.")
    @click.argument("number", metavar="ID", type=ID, help="Ticket of the change, or one of its parts.")
    @format_option
    @click.pass_obj
    def command(app: App, number: int, fmt: str) -> None:
        change = _change(app, number)
        if change.kind != kind:
            output.remark(f"SD-{change.id} is not of {kind} but of {change.kind}")
        _show_tree(app, change, fmt)

    return command


def _change(app: App, number: int) -> Any:
    """Return the change of staff with this number, or with a part that has it."""
    from sdtool.desk import staff

    return staff.of_part(app.desk.store, number) or staff.get(app.desk.store, number)


def _show_tree(app: App, change: Any, fmt: str) -> None:
    from sdtool.commands.look import readable
    from sdtool.desk import staff_view

    desk = app.desk
    parent, leaves = readable(app, change.id), staff_view.tree(desk, change)
    if fmt in ("json", "jsonl"):
        output.emit_one(_tree(desk, change, parent, leaves), fmt)
    elif fmt == "csv":
        rows = _tree(desk, change, parent, leaves)["parts"]
        output.emit(rows, tuple((key, key) for key in rows[0]) if rows else (), fmt)
    else:
        _print_tree(desk, change, parent, leaves)


def _tree(desk: Any, change: Any, parent: Ticket, leaves: Sequence[Any]) -> dict[str, Any]:
    from sdtool.desk import staff_view

    return {
        "id": change.id,
        "kind": change.kind,
        "state": parent.state,
        "staff_number": change.staff_number,
        "day": change.day,
        "days_left": staff_view.days_left(desk, change.day),
        "withdrawn": change.withdrawn_at is not None,
        "missing": list(change.missing),
        "data": change.data,
        "parts": [
            {
                "id": leaf.ticket.id,
                "service": leaf.ticket.service,
                "reversal": bool(leaf.ticket.reversal),
                "summary": leaf.ticket.summary,
                "state": leaf.ticket.state,
                "group": leaf.ticket.group_key,
                "agent": leaf.ticket.agent,
                "resolve_by": output.iso(leaf.ticket.resolve_due, desk.timezone),
                "late": leaf.late,
                "waits_for": leaf.ticket.waiting_for,
                "items": leaf.items,
                "open_items": leaf.open_items,
            }
            for leaf in leaves
        ],
    }


def _print_tree(desk: Any, change: Any, parent: Ticket, leaves: Sequence[Any]) -> None:
    from sdtool.desk import staff, staff_view

    when = change.day or "day unknown"
    left = staff_view.days_left(desk, change.day)
    if left is not None and not parent.ended_at:
        days = f"{counted(abs(left), 'working day')} {'left' if left > 0 else 'ago'}"
        when += f", {days if left else 'today'}"
    output.echo(f"SD-{parent.id}  {parent.summary}  {parent.state}  {when}")
    if change.missing:
        output.echo("HR owes: " + ", ".join(name.replace("_", " ") for name in change.missing))
    name = staff.full_name(change.data)
    for number, leaf in enumerate(leaves, 1):
        branch = "└─" if number == len(leaves) else "├─"
        ticket, holder = leaf.ticket, leaf.ticket.group_key
        holder += f"/{ticket.agent}" if ticket.agent else ""
        what = ticket.summary.removesuffix(f": {name}")  # the first line says whose they are
        line = f"{branch} SD-{ticket.id}  {what}  {ticket.state}  {holder}"
        line += f"  by {output.local(ticket.resolve_due, desk.timezone)}" if not ticket.ended_at else ""
        line += "  LATE" if leaf.late else ""
        line += f"  {leaf.items - leaf.open_items}/{leaf.items}" if leaf.items else ""
        output.echo(line + (f"  waits for {ticket.waiting_for}" if ticket.state == "waiting" else ""))
