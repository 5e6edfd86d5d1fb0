"""`sd remind`: remind who owes the desk an answer, up the ladder of the rulebook."""

from __future__ import annotations

import contextlib

import click

from sdtool import output
from sdtool.commands.base import App, dry_run_option, format_option
from sdtool.desk import owed, reminders

_COLUMNS = (
    ("to", "To"),
    ("copy", "Copy"),
    ("language", "Language"),
    ("subject", "Subject"),
    ("steps", "Steps"),
)


@click.command()
@dry_run_option
@format_option
@click.pass_obj
def remind(app: App, fmt: str) -> None:
    """Queue the reminders that are due now: one mail a party and day (cron runs this).

    The rulebook holds the ladders and the hours in which reminders leave. --dry-run prints the mails exactly
    as they would be queued, as a mailbox that mail programs read; with --format json also their plain text.
    Of a mail about a confidential ticket, only who may read the ticket sees to whom it goes and what it says.
    """
    app.source = "cron"  # the work of the job `remind`, whoever starts it
    with contextlib.nullcontext(True) if app.dry_run else app.store.lock("remind") as ours:
        if not ours:
            output.remark("another `sd remind` is already running: nothing was done")
            return
        done = reminders.remind(app.desk)
    mails = [_guarded(app, mail) for mail in done.mails]
    if app.dry_run and fmt == "table":
        for mail in mails:
            output.echo(f"From sdtool {_date(app.now)}\n{mail.message}")
    else:
        output.emit([_row(app, mail, fmt) for mail in mails], _COLUMNS, fmt)
    for number in done.closed:
        output.remark(f"SD-{number} {'would be' if app.dry_run else 'was'} closed: nobody answered")
    for trouble in (*done.unreachable, *done.refused):
        output.remark(trouble)


def _guarded(app: App, mail: reminders.Mail) -> reminders.Mail:
    """Return a mail without what the actor may not see of a confidential ticket."""
    from sdtool.desk import queue, tickets

    if all(queue.may_see(app.desk, tickets.get(app.store, ticket)) for _, ticket, _, _ in mail.steps):
        return mail
    none = queue.HIDDEN
    return mail._replace(to=none, party=none, name=none, text=none, message=f"To: {none}\n\n{none}\n")


def _date(now: int) -> str:
    """Return a moment as the first line of a mail in a mailbox has it."""
    import time

    return time.strftime("%a %b %d %H:%M:%S %Y", time.gmtime(now))


def _row(app: App, mail: reminders.Mail, fmt: str) -> dict[str, object]:
    steps = [
        {"owed": id_, "ticket": ticket, "step": step, "tone": tone} for id_, ticket, step, tone in mail.steps
    ]
    shown = ", ".join(f"{owed.spelled(id_)} {tone}" for id_, _, _, tone in mail.steps)
    return {
        "to": mail.to,
        "copy": mail.copy,
        "party": mail.party,
        "name": mail.name,
        "language": mail.language,
        "subject": mail.subject,
        "text": mail.text,
        "steps": steps if fmt in ("json", "jsonl") else shown,
        "expires_at": output.iso(mail.expires_at, app.desk.timezone),
        "message_id": mail.message_id,
        "message": mail.message,
    }
