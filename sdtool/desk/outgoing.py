"""Sending the mails that are due, and telling who handles a ticket that its mail did not arrive."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sdtool.desk import Desk, tickets
from sdtool.errors import OF_ONE, Failed, SdError
from sdtool.mail import addresses, limits
from sdtool.store.base import Row

if TYPE_CHECKING:
    from sdtool.mail.deliver import Sent

MOST_NOTES = 500  # that a run writes; the next one goes on


def deliver(desk: Desk) -> Sent | None:
    """Send what is due; return the counts, or None when another run is at it. See `mail.deliver.send`.

    Raises:
        Failed: mails failed, expired or are held, told once: in the run in which it happened.
    """
    from sdtool.mail import deliver as sender  # smtplib and ssl: only who sends pays for them

    started = time.monotonic()
    done = sender.send(
        desk.store,
        desk.settings.mail,
        now=lambda: desk.now + int(time.monotonic() - started),
        zone=desk.timezone,
    )
    if done is None:
        return None
    tell(desk)
    failed = done.failed + done.expired
    if failed or done.held:
        states = [state for state, mails in (("failed", failed), ("held", done.held)) if mails]
        asked = " and ".join(f"`sd mail queue --state {state}`" for state in states)
        raise Failed(f"mail: {done.counts}", hint=f"{asked} tells which, and why")
    return done


def foreseen(desk: Desk) -> str:
    """Return in words what a run would begin with, "3 due, 9980 to be held"; "" when there is nothing."""
    going, over = limits.sift(desk.store, desk.settings.mail, desk.now, desk.timezone)
    return ", ".join(
        f"{count} {word}" for count, word in ((len(going), "due"), (len(over), "to be held")) if count
    )


def tell(desk: Desk) -> int:
    """Note on tickets which of their mails did not arrive; return how many notes that are.

    A ticket is told once of an address that was refused, however many mails wait for it. What is held by a
    limit or by a person is no news to who handles a ticket.

    Raises:
        SdError: a note was refused; the next run tries it again.
    """
    rows = desk.store.query(
        "select outbox.id, ticket, recipient, last_error, bad_address.since from outbox"
        " left join bad_address on bad_address.mail_key = lower(recipient)"
        " where told_at is null and ticket is not null"
        " and (state = 'failed' or (state = 'held' and last_error like :held))"
        " order by outbox.id limit :most",
        most=MOST_NOTES,
        held=f"{addresses.HELD}%",
    )
    # the desk itself tells, whoever runs this: of a confidential ticket too
    teller = Desk(desk.store, desk.rulebook, desk.settings, actor=desk.actor, source="mail", now=desk.now)
    noted = 0
    fault: SdError | None = None
    for row in rows:
        try:
            noted += desk.run(lambda row=row: _tell(teller, row))  # type: ignore[misc]
        except OF_ONE as exc:  # the other tickets are told all the same
            fault = fault or exc
    if fault is not None:
        raise fault
    return noted


def _tell(desk: Desk, row: Row) -> bool:
    desk.store.update("outbox", row["id"], {"told_at": max(desk.now, row["since"] or 0)})
    if row["since"] is not None and desk.store.one(
        "select 1 from outbox where ticket = :ticket and recipient = :recipient"
        " and told_at >= :since and id <> :id limit 1",
        **{key: row[key] for key in ("id", "ticket", "recipient", "since")},
    ):
        return False
    ticket = tickets.lasting(desk.store, row["ticket"])
    text = f"The mail to {row['recipient']} did not arrive: {row['last_error']} (`sd mail show {row['id']}`)"
    tickets.apply(desk, ticket.id, "note", {"public": False}, data={"text": text, "public": False})
    return True
