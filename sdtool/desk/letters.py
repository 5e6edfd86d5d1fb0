"""What the desk writes: composed before the transaction, queued in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sdtool.desk import Desk, people
from sdtool.rules.lifecycle import Ticket


class Letter(NamedTuple):
    """A complete message to one recipient, ready for the outbox."""

    recipient: str
    message: str
    message_id: str


def note(desk: Desk, ticket: Ticket, text: str) -> Letter | None:
    """Compose a note to the caller in the caller's language; None when there is no mail address.

    Of a confidential ticket the mail gives the number only, not what it is about.
    """
    from sdtool import render
    from sdtool.mail import compose

    caller = people.get(desk.store, ticket.caller) if ticket.caller is not None else None
    if caller is None or not caller.mail or not compose.valid_address(caller.mail):
        return None
    language = render.known(caller.language)
    body = render.text(
        "mail/note",
        language,
        caller=caller.name,
        number=ticket.id,
        summary=ticket.summary,
        text=text,
        confidential=bool(ticket.confidential),
        **signature(desk),
    )
    subject = f"SD-{ticket.id}" if ticket.confidential else ticket.summary
    return write(desk, ticket.id, caller.mail, language, subject, body)


def signature(desk: Desk) -> dict[str, str]:
    """Return the names with which templates sign: `desk` and `organisation`."""
    organisation = desk.rulebook.organisation
    return {"desk": organisation.desk, "organisation": organisation.name}


def line(text: str) -> str:
    """Return text from outside on one line, without what could steer a mail program."""
    from sdtool.output import safe

    return safe(" ".join(text.split()))


def parted(desk: Desk, ticket: int | None, recipient: str, language: str, whole: str) -> Letter:
    """Make a letter of a whole template, of which the first line is the subject; see `write`."""
    subject, _, text = whole.partition("\n")
    return write(desk, ticket, recipient, language, subject, text.lstrip("\n"))


def write(
    desk: Desk,
    ticket: int | None,
    recipient: str,
    language: str,
    subject: str,
    text: str,
    html: str | None = None,
    pictures: Sequence[tuple[str, bytes]] = (),
) -> Letter:
    """Make a letter about a ticket (None: about several) of its words; the recipient is one valid address.

    `pictures` are those that its HTML shows, see `compose.message`.
    """
    from sdtool.mail import compose

    sender = desk.settings.mail.sender
    message_id = compose.mint_id(sender.rpartition("@")[2])
    message = compose.message(
        sender=sender,
        recipient=recipient,
        subject=subject,
        text=text,
        html=html,
        message_id=message_id,
        language=language,
        now=desk.now,
        desk_name=desk.rulebook.organisation.desk,
        ticket=ticket,
        pictures=pictures,
    )
    return Letter(recipient, message, message_id)


def queue(
    desk: Desk,
    ticket: int | None,
    kind: str,
    letter: Letter,
    dedupe: str = "",
    expires_at: int | None = None,
    not_before: int | None = None,
) -> bool:
    """Put a letter in the outbox, in the transaction of the act that it tells about.

    With `dedupe`, a name for ever, a second letter of that name is not queued; tell whether it was. From
    `expires_at` on it is too late to send it; before `not_before` it does not leave.
    """
    from sdtool.mail import outbox

    return outbox.queue(
        desk.store,
        now=desk.now,
        dedupe=dedupe or letter.message_id,
        kind=kind,
        recipient=letter.recipient,
        message=letter.message,
        message_id=letter.message_id,
        ticket=ticket,
        expires_at=expires_at,
        not_before=not_before,
    )
