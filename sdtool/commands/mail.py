"""Mail: send what is due, look at the queue, try again, hold, drop; take in what comes, settle what waits."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, IDS, App, dry_run_option, format_option, said
from sdtool.errors import Busy, Failed, SdError, UsageFault
from sdtool.mail import acts, addresses, incoming, outbox

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
_NAMED = "Mails: 12, 12-15,20, or - for standard input."
_INBOX = (
    ("id", "Mail"),
    ("received_at", "Received"),
    ("verdict", "Taken as"),
    ("sender", "From"),
    ("subject", "Subject"),
    ("ticket", "Ticket"),
    ("remark", "Why"),
)
_BAD = (("address", "Address"), ("since", "Since"), ("held", "Held"), ("mail", "Mail"), ("reason", "Answer"))


@click.group()
def mail() -> None:
    """Mail: send, queue, show, retry, hold, drop, bad, good; receive, inbox, read, settle."""


@mail.command()
@dry_run_option
@click.pass_obj
def send(app: App) -> None:
    """Deliver what is due (cron runs this).

    Prints one line of counts, or nothing when there was nothing to do. Exits with 1 when a mail failed
    or expired for good, or was held; `sd mail queue` tells why.
    """
    from sdtool.desk import outgoing

    if app.dry_run:
        waiting = outgoing.foreseen(app.desk)
        if waiting:
            said(app, f"Mail: {waiting}")
        return
    done = outgoing.deliver(app.desk)
    if done is None:
        output.remark("another `sd mail send` is already running")
    elif done.counts:
        output.echo(f"Mail: {done.counts}" + (f" ({done.trouble})" if done.trouble else ""))


@mail.command()
@click.option("--state", type=click.Choice(outbox.STATES), help="Only mails in this state.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="At most so many.")
@format_option
@click.pass_obj
def queue(app: App, state: str | None, limit: int, fmt: str) -> None:
    """List mails, newest first, without their text.

    Of those about a confidential ticket, only who may read it sees to whom they go and what the server said.
    """
    rows = [_shown(app, row, fmt) for row in outbox.listing(app.store, state=state, limit=limit)]
    output.emit([_guarded(app, row, "recipient", "last_error") for row in rows], _COLUMNS, fmt)


def _guarded(app: App, row: dict[str, Any], *fields: str) -> dict[str, Any]:
    """Return a row of a list without what the actor may not see of a confidential ticket."""
    from sdtool.desk import queue as desk_queue
    from sdtool.desk import tickets

    if row["ticket"] is None or desk_queue.may_see(app.desk, tickets.get(app.store, row["ticket"])):
        return row
    return {**row, **{name: desk_queue.HIDDEN for name in fields if row[name]}}


def _shown(app: App, row: Any, fmt: str) -> dict[str, Any]:
    """Return a mail as lists show it."""
    dated = output.local if fmt == "table" else output.iso
    record = dict(row) | {key: dated(row[key], app.desk.timezone) or None for key in _MOMENTS}
    record["maybe_twice"] = bool(row["maybe_twice"])
    if row["state"] != "queued":
        record["next_try"] = None
    return record


@mail.command()
@click.argument("number", metavar="ID", type=ID, help="Mail of the queue.")
@format_option
@click.pass_obj
def show(app: App, number: int, fmt: str) -> None:
    """Show a mail: how it stands, its headers, its text.

    About a confidential ticket, only to who may read the ticket.
    """
    from sdtool.commands.look import readable

    row = outbox.get(app.store, number)
    if row["ticket"] is not None:
        readable(app, row["ticket"])
    facts = _shown(app, outbox.listing(app.store, id_=number)[0], fmt)
    headers, text = _read(row["message"])
    if fmt == "table":
        known = {key: value for key, value in facts.items() if value not in (None, "")}
        output.emit_one({**known, **headers, "text": f"\n{text}"}, fmt)
    else:
        output.emit_one({**facts, "headers": headers, "text": text}, fmt)


def _read(message: str) -> tuple[dict[str, str], str]:
    """Return headers, decoded, and the plain text of a message of ours."""
    import email
    import email.policy
    from email.message import EmailMessage

    parsed = email.message_from_string(message, policy=email.policy.default)
    plain = parsed.get_body(("plain",)) if isinstance(parsed, EmailMessage) else None
    return {name: str(value) for name, value in parsed.items()}, plain.get_content() if plain else ""


def _chosen(act: Callable[..., None]) -> Callable[..., None]:
    """Add what names the mails of an act."""
    held = click.option("--held", is_flag=True, help="All that are held.")
    ids = click.argument("ids", type=IDS, required=False, help=_NAMED)
    return ids(held(dry_run_option(click.pass_obj(act))))


def _ids(app: App, ids: list[int] | None, held: bool) -> list[int]:
    if bool(ids) == held:
        raise UsageFault("name the mails, or --held for all that are held")
    return ids or acts.held(app.store)


@mail.command()
@_chosen
def retry(app: App, ids: list[int] | None, held: bool) -> None:
    """Make mails due now, held ones too: IDS from `sd mail queue`, as 12-15,20."""
    done = acts.retry(app.desk, _ids(app, ids, held))
    said(app, f"Mails due now: {len(done)}; `sd mail send` sends them.")


@mail.command()
@click.argument("ids", type=IDS, help=_NAMED)
@dry_run_option
@click.pass_obj
def hold(app: App, ids: list[int]) -> None:
    """Keep mails until `sd mail retry` or `drop`: IDS from `sd mail queue`, as 12-15,20."""
    said(app, f"Mails held: {len(acts.hold(app.desk, ids))}")


@mail.command()
@_chosen
def drop(app: App, ids: list[int] | None, held: bool) -> None:
    """Take mails out of the queue: IDS from `sd mail queue`, as 12-15,20."""
    said(app, f"Mails dropped: {len(acts.drop(app.desk, _ids(app, ids, held)))}")


@mail.command()
@format_option
@click.pass_obj
def bad(app: App, fmt: str) -> None:
    """List addresses that a server refused for good; no mail goes there."""
    dated = output.local if fmt == "table" else output.iso
    rows = [{**row, "since": dated(row["since"], app.desk.timezone)} for row in addresses.listing(app.store)]
    output.emit(rows, _BAD, fmt)


@mail.command()
@click.argument("address", help="One of `sd mail bad`.")
@dry_run_option
@click.pass_obj
def good(app: App, address: str) -> None:
    """Let mail go to an address again, and what was held for it."""
    said(app, f"{address} gets mail again; mails due now: {acts.good(app.desk, address)}")


# --- What comes in


@mail.command()
@click.option(
    "--maildir",
    type=click.Path(exists=True, file_okay=False),
    metavar="DIR",
    help="Take the new mails of a maildir, and mark them as seen; without it one mail on standard input.",
)
@click.pass_obj
def receive(app: App, maildir: str | None) -> None:
    """Take in mail: answers, scores, notes and bounces; the rest waits in `sd mail inbox`.

    A mail server that pipes a mail in gets 0 when it is kept, else 75: it then tries again later.
    """
    from sdtool.desk import intake

    app.source = "mail"
    if maildir is not None:
        _from_maildir(app, maildir)
        return
    raw = b"" if sys.stdin.isatty() else sys.stdin.buffer.read()
    if not raw.strip():
        raise UsageFault("no mail came in: give one on standard input, or a folder with --maildir")
    try:
        intake.receive(app.desk, raw)
    except SdError as exc:
        raise Busy(f"the mail was not kept: {exc.message}", hint=exc.hint) from exc
    except Exception as exc:  # whatever it is, the server has the mail and must try again
        raise Busy(f"the mail was not kept: internal error ({type(exc).__name__})") from exc


def _from_maildir(app: App, folder: str) -> None:
    from sdtool.desk import intake

    done = intake.from_maildir(app.desk, folder)
    if done is None:
        output.remark("another `sd mail receive --maildir` is already running")
        return
    taken, faults = done
    verdicts = [found.verdict for found in taken]
    if verdicts:
        counted = ", ".join(f"{verdicts.count(word)} {word}" for word in sorted(set(verdicts)))
        said(app, f"Mails taken in: {counted}")
    if faults:
        raise Failed(f"not taken in, or not marked as seen, in {folder}: {'; '.join(faults)}")


@mail.command()
@click.option(
    "--verdict",
    type=click.Choice(incoming.VERDICTS),
    default="kept",
    show_default=True,
    help="Only those that were taken so.",
)
@click.option("--all", "everything", is_flag=True, help="Whatever became of them.")
@click.option("--limit", type=click.IntRange(1), default=200, show_default=True, help="At most so many.")
@format_option
@click.pass_obj
def inbox(app: App, verdict: str, everything: bool, limit: int, fmt: str) -> None:
    """List mails that came in and wait for a person, newest first; `sd mail read` shows one.

    Of those about a confidential ticket, only who may read it sees from whom and what they are.
    """
    dated = output.local if fmt == "table" else output.iso
    found = incoming.listing(app.store, verdict=None if everything else verdict, limit=limit)
    rows = [{**row, "received_at": dated(row["received_at"], app.desk.timezone)} for row in found]
    output.emit([_guarded(app, row, "sender", "subject", "remark") for row in rows], _INBOX, fmt)


@mail.command()
@click.argument("number", metavar="ID", type=ID, help="Mail of the inbox.")
@format_option
@click.pass_obj
def read(app: App, number: int, fmt: str) -> None:
    """Show a mail that came in: who wrote it, what became of it, its text.

    About a confidential ticket, only to who may read the ticket.
    """
    from sdtool.commands.look import readable

    row = incoming.get(app.store, number)
    if row["ticket"] is not None:
        readable(app, row["ticket"])
    mail_in = incoming.read(row)
    dated = output.local if fmt == "table" else output.iso
    facts = {name: row[name] for name in ("id", "verdict", "sender", "subject", "ticket", "remark")}
    facts["received_at"] = dated(row["received_at"], app.desk.timezone)
    text = mail_in.text if mail_in else ""
    if fmt == "table":
        known = {name: value for name, value in facts.items() if value not in (None, "")}
        output.emit_one({**known, "text": f"\n{text}"}, fmt)
    else:
        output.emit_one({**facts, "text": text}, fmt)


@mail.command()
@click.argument("number", metavar="ID", type=ID, help="Mail of the inbox.")
@click.option("--ticket", type=ID, metavar="TICKET", help="Add it there as a note.")
@click.option("--remark", default="", help="Why nothing, or what else, is to be done.")
@dry_run_option
@click.pass_obj
def settle(app: App, number: int, ticket: int | None, remark: str) -> None:
    """Settle a mail of the inbox: as a note of a ticket, or with a reason why nothing is to be done."""
    from sdtool.desk import intake

    done = intake.settle(app.desk, number, ticket, remark)
    where = f", a note of SD-{done.ticket}" if done.ticket is not None else ""
    said(app, f"Mail {number} is settled{where}.")
