"""Addresses that a server refused for good: no mail goes there until a person says that they work."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sdtool.errors import NotFound
from sdtool.store.base import Row, Store

HELD = "the address was refused"  # how the reason of such a mail begins
_PROGRAM = re.compile(
    r"(mailer-daemon|double-bounce|bounces?|(do-?not|no)-?reply|[^@]+-bounces)([+-].*)?", re.I
)


def about_address(code: int, text: bytes) -> bool:
    """Tell whether a reply to RCPT refuses the address itself for good, not us, our mail or the moment.

    The enhanced code says so (RFC 3463: 5.1.x a bad address, but .7 and .8 that of the sender; 5.2.1 a box
    that is closed). Without one 552 is a full box, 50x a command, 530 a login; "relay" is about our settings.
    """
    if not 500 <= code <= 599:
        return False
    enhanced = re.match(rb"\s*5\.(\d{1,3})\.(\d{1,3})(?!\d)", text)
    if enhanced:
        subject, detail = enhanced.groups()
        return detail not in (b"7", b"8") if subject == b"1" else (subject, detail) == (b"2", b"1")
    return code in (550, 551, 553, 554, 556) and b"relay" not in text.lower()


def of_a_program(address: str) -> bool:
    """Tell whether an address belongs to a program: it reads no mail, or answers and starts a loop."""
    return _PROGRAM.fullmatch(address.partition("@")[0]) is not None


def refuse(store: Store, address: str, reason: str, mail: int, now: int) -> None:
    """Note that a server refused an address for good, when it sent `mail`; the first time counts."""
    store.execute(
        "insert into bad_address (mail_key, since, reason, mail) values (:key, :now, :reason, :mail)"
        " on conflict (mail_key) do nothing",
        key=address.casefold(),
        now=now,
        reason=reason,
        mail=mail,
    )


def reason(store: Store, address: str) -> str:
    """Return why no mail goes to an address; "" when it may."""
    why = store.value("select reason from bad_address where mail_key = :key", key=address.casefold())
    return f"{HELD}: {why}" if why is not None else ""


def listing(store: Store) -> Sequence[Row]:
    """Return refused addresses, newest first: address, since, reason, mail, held (mails that wait)."""
    return store.query(
        "select mail_key as address, since, reason, mail, (select count(*) from outbox"
        " where state = 'held' and lower(recipient) = mail_key and last_error like :held) as held"
        " from bad_address order by since desc, mail_key",
        held=f"{HELD}%",
    )


def forgive(store: Store, address: str, now: int) -> int:
    """Take the mark from an address and queue what was held for it; return how many mails that are.

    Raises:
        NotFound: the address has no mark.
    """
    key = address.casefold()
    if not store.execute("delete from bad_address where mail_key = :key", key=key):
        raise NotFound(
            f"{address} is not marked: nothing was changed", hint="`sd mail bad` lists those that are"
        )
    rows = _held(store, key)
    return _requeue(store, rows, now)


def moved(store: Store, old: str, new: str, now: int) -> int:
    """Send what was refused or held at a person's old address to the new one; return how many mails.

    The old address keeps its mark. A mail is the same in all but whom it names as its reader.
    """
    key = old.casefold()
    mark = store.one("select mail from bad_address where mail_key = :key", key=key)
    if mark is None:
        return 0
    rows = _held(store, key, mark["mail"])
    store.many(
        "update outbox set recipient = :recipient, message = :message where id = :id",
        [
            {"id": row["id"], "recipient": new, "message": _addressed(row["message"], row["recipient"], new)}
            for row in rows
        ],
    )
    return _requeue(store, rows, now)


def _held(store: Store, key: str, first: int = 0) -> Sequence[Row]:
    return store.query(
        "select id, recipient, message from outbox where lower(recipient) = :key"
        " and ((state = 'held' and last_error like :held) or (state = 'failed' and id = :first)) order by id",
        key=key,
        held=f"{HELD}%",
        first=first,
    )


def _requeue(store: Store, rows: Sequence[Row], now: int) -> int:
    """Make mails due; what is past its best-before stays where it is."""
    return sum(
        store.execute(
            "update outbox set state = 'queued', attempts = 0, next_try = :now, last_error = '',"
            " told_at = null where id = :id and (expires_at is null or expires_at > :now)",
            id=row["id"],
            now=now,
        )
        for row in rows
    )


def _addressed(message: str, old: str, new: str) -> str:
    head, gap, body = message.partition("\n\n")
    return f"\n{head}".replace(f"\nTo: {old}", f"\nTo: {new}", 1)[1:] + gap + body
