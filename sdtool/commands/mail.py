"""Outgoing mail: send what is due, look at the queue, try again, cancel."""

from __future__ import annotations

import time
from collections.abc import Callable

import click

from sdtool import output
from sdtool.commands.base import IDS, App, dry_run_option, format_option, said
from sdtool.mail import outbox

_COLUMNS = (
    ("id", "Mail"),
    ("state", "State"),
    ("kind", "Kind"),
    ("ticket", "Ticket"),
    ("recipient", "To"),
    ("attempts", "Tries"),
    ("next_try", "Next try"),
    ("sent_at", "Sent"),
    ("maybe_twice", "Twice?"),
    ("last_error", "Last answer"),
)
_MOMENTS = ("next_try", "expires_at", "created_at", "sent_at")


@click.group()
def mail() -> None:
    """Outgoing mail: send, queue, retry, cancel."""


@mail.command()
@dry_run_option
@click.pass_obj
def send(app: App) -> None:
    """Deliver what is due (cron runs this).

    Prints one line of counts, or nothing when there was nothing to do. Exits with 1 when a mail
    failed or expired for good; `sd mail queue --state failed` tells why.
    """
    if app.dry_run:
        waiting = len(outbox.due(app.store, app.now))
        if waiting:
            said(app, f"Mails due: {waiting}")
        return
    from sdtool.mail import deliver  # smtplib and ssl: only who sends pays for them

    done = deliver.send(app.store, app.settings.mail, now=_clock(app.now))
    if done is None:
        output.remark("another `sd mail send` is already running")
        return
    if done.counts:
        output.echo(f"Mail: {done.counts}" + (f" ({done.trouble})" if done.trouble else ""))
    if done.failed or done.expired:
        raise click.exceptions.Exit(1)


def _clock(now: int) -> Callable[[], int]:
    """Return a clock that starts at the moment of the command, --as-of or not, and runs on."""
    started = time.monotonic()
    return lambda: now + int(time.monotonic() - started)


@mail.command()
@click.option("--state", type=click.Choice(outbox.STATES), help="Only mails in this state.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="At most so many.")
@format_option
@click.pass_obj
def queue(app: App, state: str | None, limit: int, fmt: str) -> None:
    """List mails, newest first, without their text."""
    zone = app.desk.timezone
    shown = output.local if fmt == "table" else output.iso
    rows = []
    for row in outbox.listing(app.store, state=state, limit=limit):
        record = dict(row) | {key: shown(row[key], zone) or None for key in _MOMENTS}
        record["maybe_twice"] = bool(row["maybe_twice"])
        if row["state"] != "queued":
            record["next_try"] = None
        rows.append(record)
    output.emit(rows, _COLUMNS, fmt)


@mail.command()
@click.argument("ids", type=IDS, help="Mails of the queue: 12, 12-15,20, or - for standard input.")
@dry_run_option
@click.pass_obj
def retry(app: App, ids: list[int]) -> None:
    """Make mails due now: IDS from `sd mail queue`, as 12-15,20."""
    outbox.retry(app.desk, ids)
    said(app, f"Mails due now: {len(ids)}; `sd mail send` sends them.")


@mail.command()
@click.argument("ids", type=IDS, help="Mails of the queue: 12, 12-15,20, or - for standard input.")
@dry_run_option
@click.pass_obj
def cancel(app: App, ids: list[int]) -> None:
    """Take mails out of the queue: IDS from `sd mail queue`, as 12-15,20."""
    outbox.cancel(app.desk, ids)
    said(app, f"Mails cancelled: {len(ids)}")
