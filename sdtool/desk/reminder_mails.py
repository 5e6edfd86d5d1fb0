"""What a reminder says: the digest of a party, and the copies to who is to know.

A mail is a function of the desk, the party, the items with their steps, and the moment: written twice it is
the same to the byte, its Message-ID too. Templates get a few fields by name, nothing of what is confidential.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from sdtool import render
from sdtool.desk import Desk, tickets
from sdtool.desk.letters import line, signature
from sdtool.desk.reminders import Digest, Due, Mail, dedupe
from sdtool.mail import compose
from sdtool.rulebook.chasing import COPIES, chasing
from sdtool.rules import ladder

_GRAVITY = (
    "close",
    "friendly",
    "firm",
    "hierarchical",
    "closing",
)  # of what is left to answer; close is over


class Reader(NamedTuple):
    """Who reads a mail: `copy` is the role of who gets a copy, "" for the party itself."""

    copy: str
    address: str
    name: str
    language: str


def write(desk: Desk, digest: Digest) -> list[Mail]:
    """Write the mails of a digest: the party's own first, then one for each who gets a copy."""
    party = Reader("", digest.address, digest.name, render.known(digest.language))
    copies = _copies(desk, digest)
    told = [reader for reader, _ in copies]
    return [_mail(desk, digest, reader, items, told) for reader, items in ((party, digest.items), *copies)]


def solution(digest: Digest, ticket: int, language: str) -> str:
    """Return in words why a ticket is closed without an answer."""
    own = [due for due in digest.items if due.standing.ticket.id == ticket]
    items = [_item(digest, due, hidden=False) for due in own]
    return render.text("mail/remind-solution", language, items=items).strip()


# --- To whom


def _copies(desk: Desk, digest: Digest) -> list[tuple[Reader, tuple[Due, ...]]]:
    """Return who gets a copy, of which items: each address once, and the party itself never."""
    found: dict[str, tuple[Reader, tuple[Due, ...]]] = {}
    for role in COPIES:
        own = [due for due in digest.items if role in due.step.copy]
        reader = _reader(desk, digest, role) if own else None
        if reader is None or reader.address.casefold() == digest.address.casefold():
            continue
        first, before = found.get(reader.address.casefold(), (reader, ()))
        both = tuple(due for due in digest.items if due in own or due in before)
        found[reader.address.casefold()] = first, both
    return list(found.values())


def _reader(desk: Desk, digest: Digest, role: str) -> Reader | None:
    """Return who reads the copies of a role; None when nobody is agreed, or mail does not reach them."""
    agreed, party = chasing(desk.rulebook), digest.items[0].standing.party
    if role == "escalation":
        if party is None or not party.escalation_mail:
            return None
        address, name, language = party.escalation_mail, party.escalation_name, party.language
    else:
        address = getattr(agreed.reminding, role)
        known = next((agent for agent in agreed.agents if agent.mail == address), None)
        name = known.name if known else ""
        language = known.language if known else desk.rulebook.organisation.language
    return Reader(role, address, name, render.known(language)) if _works(desk, address) else None


def _works(desk: Desk, address: str) -> bool:
    if not compose.valid_address(address):
        return False
    sql = "select 1 as one from bad_address where mail_key = :key"
    return desk.store.one(sql, key=address.casefold()) is None


# --- What it says


def _mail(desk: Desk, digest: Digest, reader: Reader, items: Sequence[Due], told: Sequence[Reader]) -> Mail:
    numbers = list(dict.fromkeys(due.standing.ticket.id for due in items))
    ticket = numbers[0] if len(numbers) == 1 else None
    values = _values(desk, digest, reader, items, told)
    whole = re.sub(r"\n{3,}", "\n\n", render.text("mail/remind", reader.language, **values))
    subject, _, text = whole.partition("\n")
    text = text.lstrip("\n")
    message_id = _message_id(desk, digest, reader, items)
    message = compose.message(
        sender=desk.settings.mail.sender,
        recipient=reader.address,
        subject=subject,
        text=text,
        html=render.html("mail/remind", reader.language, **values, subject=subject),
        message_id=message_id,
        language=reader.language,
        now=digest.now,
        desk_name=desk.rulebook.organisation.desk,
        ticket=ticket,
    )
    return Mail(
        party=digest.key,
        name=digest.name,
        to=reader.address,
        copy=reader.copy,
        language=reader.language,
        subject=subject,
        text=text,
        steps=tuple((d.standing.owed.id, d.standing.ticket.id, d.number, d.step.tone) for d in items),
        ticket=ticket,
        message_id=message_id,
        message=message,
        dedupe=f"{dedupe(digest)}:{reader.copy}" if reader.copy else dedupe(digest),
        expires_at=ladder.end_of_next_day(digest.calendar, digest.now),
    )


def _message_id(desk: Desk, digest: Digest, reader: Reader, items: Iterable[Due]) -> str:
    """Return the Message-ID that this mail has whenever it is written on this day."""
    from hashlib import sha256

    steps = ",".join(f"{due.standing.owed.id}.{due.number}" for due in items)
    named = "\n".join((desk.store.meta("desk"), digest.key, steps, digest.day, reader.copy, reader.address))
    return f"<sd-{sha256(named.encode()).hexdigest()[:32]}@{desk.settings.mail.sender.rpartition('@')[2]}>"


def _values(
    desk: Desk, digest: Digest, reader: Reader, items: Sequence[Due], told: Sequence[Reader]
) -> dict[str, Any]:
    """Return what templates name, each text on one line."""
    tone = max((due.step.tone for due in items), key=_GRAVITY.index)
    party = digest.items[0].standing.party
    left = [due for due in items if due.step.tone != "close"]
    opened = _tickets(digest, reader, left)
    closed = _tickets(digest, reader, [due for due in items if due.step.tone == "close"])
    return {
        "tone": tone,
        "again": any(due.number > 1 and due.step.tone == tone for due in items),
        "kind": items[0].standing.owed.kind if party else "person",
        "customer": all(due.standing.owed.kind == "customer" for due in items),
        "reader": line(reader.name),
        "party": line(digest.name),
        "contract": line(party.contract) if party else "",
        "copy": reader.copy,
        "copies": [{"role": one.copy, "name": line(one.name)} for one in told],
        "tickets": opened,
        "closed": closed,
        "asked": len(left),
        "closes": min((_day(digest, due.closes) for due in left if due.closes), default=""),
        "reply_by": _day(digest, ladder.end_of_next_day(digest.calendar, digest.now) - 1),
        **signature(desk),
    }


def _tickets(digest: Digest, reader: Reader, items: Iterable[Due]) -> list[dict[str, Any]]:
    """Return tickets with what is owed for each; of a confidential one its number only.

    Its own caller also reads since when and by when: that tells nothing of what it is about.
    """
    found = []
    for number, group in groupby(items, key=lambda due: due.standing.ticket.id):
        dues = list(group)
        ticket, person = dues[0].standing.ticket, dues[0].standing.person
        own = not reader.copy and person is not None and person.id == ticket.caller
        hidden = bool(ticket.confidential)
        shown = [] if hidden and not own else [_item(digest, due, hidden=hidden) for due in dues]
        summary = "" if hidden else line(ticket.summary)
        found.append({"number": number, "summary": summary, "confidential": hidden, "owed": shown})
    return found


def _item(digest: Digest, due: Due, *, hidden: bool) -> dict[str, Any]:
    entry = due.standing.owed
    return {
        "what": "" if hidden else line(entry.what),
        "asked": _day(digest, entry.asked_at),
        "days": digest.calendar.working_days(entry.asked_at, digest.now),
        "due": _day(digest, entry.due_at),
        "closes": _day(digest, due.closes) if due.closes else "",
    }


def _day(digest: Digest, moment: int) -> str:
    return tickets.day_of(moment, digest.calendar.zone.key)
