"""`sd major`: major incidents."""

from __future__ import annotations

from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, App, dry_run_option, format_option
from sdtool.desk import majors, queue, tickets

_TITLES = (
    ("ticket", "Ticket"),
    ("state", "State"),
    ("declared_at", "Declared"),
    ("declared_by", "By"),
    ("update_due", "Update due"),
    ("updates_late", "Late"),
    ("summary", "Summary"),
    ("reason", "Reason"),
)
_REST = tuple((key, key) for key in ("update_every", "updates", "revoked_at", "rev"))
_ticket = click.argument("number", metavar="TICKET", type=ID, help="Ticket.")


@click.group("major")
def major() -> None:
    """Major incidents: who is struck hears of them at agreed times."""


def _row(app: App, one: majors.Major, fmt: str) -> dict[str, Any]:
    """Return a declaration as it is shown; of a confidential ticket not what it is about."""
    desk, zone = app.desk, app.desk.timezone
    moment = output.local if fmt == "table" else output.iso
    ticket = tickets.get(app.store, one.id)
    visible = queue.may_see(desk, ticket)
    owed = majors.owed(desk, one)
    return {
        "ticket": one.id,
        "summary": ticket.summary if visible else queue.HIDDEN,
        "state": ticket.state if one.revoked_at is None else "revoked",
        "declared_at": moment(one.declared_at, zone),
        "declared_by": one.declared_by,
        "reason": one.reason if visible else queue.HIDDEN,
        "update_every": one.update_every,
        "updates": len(owed),
        "updates_late": sum(update.late for update in owed),
        "update_due": moment(majors.next_update(desk, one), zone) or None,
        "revoked_at": moment(one.revoked_at, zone) or None,
        "rev": one.rev,
    }


def _say(app: App, one: majors.Major, fmt: str) -> None:
    output.stored(f"Major incident {one.id} was stored")
    row = _row(app, one, fmt)
    if fmt != "table":
        output.emit_one(row, fmt)
        return
    due = f"  update due {row['update_due']}" if row["update_due"] else ""
    would = "(dry run) " if app.dry_run else ""
    stands = "revoked" if one.revoked_at is not None else f"major incident since {row['declared_at']}"
    output.echo(f"{would}SD-{one.id}  {stands}{due}")


@major.command("declare")
@_ticket
@click.option("--reason", required=True, help="Why it is one: who is struck, by what.")
@click.option(
    "--every",
    default="",
    metavar="DURATION",
    help="Time between updates: 30 min, 1 h. Default: the rulebook's.",
)
@dry_run_option
@format_option
@click.pass_obj
def declare(app: App, number: int, reason: str, every: str, fmt: str) -> None:
    """Declare an open incident a major one.

    From then on `sd note --public` is the update that is due; `sd show` tells by when.
    """
    _say(app, majors.declare(app.desk, number, reason, every=every), fmt)


@major.command("list")
@click.option("--all", "ended", is_flag=True, help="Those that ended or were revoked too.")
@format_option
@click.pass_obj
def list_(app: App, ended: bool, fmt: str) -> None:
    """List major incidents that are open, newest first."""
    rows = [_row(app, one, fmt) for one in majors.listing(app.store, ended=ended)]
    output.emit(rows, _TITLES if fmt == "table" else _TITLES + _REST, fmt)


@major.command("show")
@_ticket
@format_option
@click.pass_obj
def show(app: App, number: int, fmt: str) -> None:
    """Show a major incident, and each update that was owed."""
    one = majors.get(app.store, number)
    row = _row(app, one, fmt)
    if fmt != "table":
        output.emit_one(row, fmt)
        return
    row["update_every"] = output.duration(one.update_every)
    output.emit_one({key: value for key, value in row.items() if value not in (None, "")}, "table")
    for update in majors.owed(app.desk, one):
        due = output.local(update.due, app.desk.timezone)
        came = "never came" if update.came is None else f"came {output.local(update.came, app.desk.timezone)}"
        output.echo(f"  update due {due}, {came}" + ("  late" if update.late else ""))


@major.command("revoke")
@_ticket
@click.option("--reason", required=True, help="Why it is none after all.")
@dry_run_option
@format_option
@click.pass_obj
def revoke(app: App, number: int, reason: str, fmt: str) -> None:
    """Take a declaration back; no figure counts it. Declare it again when it was one."""
    _say(app, majors.revoke(app.desk, number, reason), fmt)
