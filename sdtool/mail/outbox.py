"""The outbox: one row is one message to one recipient, until `deliver` has sent it or given it up."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import NamedTuple

from sdtool.errors import BadInput, NotFound
from sdtool.mail import addresses
from sdtool.mail.compose import valid_address
from sdtool.store.base import Row, Store

STATES = ("queued", "sending", "sent", "failed", "held", "dropped")
FIRST_WAIT = 300  # seconds before the second try, doubling; Postfix's minimal_backoff_time
LONGEST_WAIT = 4000  # seconds between two tries; its maximal_backoff_time
SPREAD = 20  # per cent that a wait may be longer, so that what failed together does not come back together
LONGEST = LONGEST_WAIT * (100 + SPREAD) // 100
GIVE_UP = 5 * 86_400  # seconds in the queue after which a mail that was tried has failed


class Outcome(NamedTuple):
    """How a try ended: sent, queued again, failed or held.

    `twice` when the server may have it all the same, `bad` when it is the address that was refused for good.
    """

    state: str
    reason: str = ""
    twice: bool = False
    bad: bool = False


def queue(
    store: Store,
    *,
    now: int,
    dedupe: str,
    kind: str,
    recipient: str,
    message: str,
    message_id: str,
    ticket: int | None = None,
    expires_at: int | None = None,
    not_before: int | None = None,
) -> bool:
    """Put a complete message in the outbox, in the transaction that is running.

    Args:
        dedupe: names this mail for ever ("ack:42"); a second one of that name is not queued.
        kind: what it is ("ack", "reminder", "kpi"), for lists and counts.
        recipient: the one envelope recipient; never taken from a header.
        message: from `compose.message`.
        expires_at: epoch seconds from which it is too late to send it; None for never.
        not_before: epoch seconds before which it does not leave; None for at once.

    Returns:
        False when the dedupe key is there already: nothing was queued.

    Raises:
        BadInput: the recipient is not one valid address.
    """
    if not valid_address(recipient):
        raise BadInput(f"{recipient!r} is not one valid mail address: no mail was queued, correct it first")
    added = store.run(
        lambda: store.execute(
            "insert into outbox (dedupe, kind, ticket, recipient, message_id, message, state, next_try,"
            " expires_at, created_at) values (:dedupe, :kind, :ticket, :recipient, :message_id, :message,"
            " 'queued', :next_try, :expires_at, :now) on conflict (dedupe) do nothing",
            now=now,
            next_try=max(now, not_before or now),
            dedupe=dedupe,
            kind=kind,
            recipient=recipient,
            message=message,
            message_id=message_id,
            ticket=ticket,
            expires_at=expires_at,
        )
    )
    return added == 1


def due(store: Store, now: int) -> Sequence[Row]:
    """Return (id, recipient, released) of the queued mails whose time has come, longest waiting first.

    A wait that is longer than any wait we set means that the clock went back: such a mail is due. Unless it
    was made before and never tried: then it waits for the moment that it was given (`not_before`).
    """
    return store.query(
        "select id, recipient, released from outbox"
        " where state = 'queued' and (next_try <= :now"
        " or (next_try > :now + :longest and (attempts > 0 or created_at > :now))) order by next_try, id",
        now=now,
        longest=LONGEST,
    )


def get(store: Store, id_: int) -> Row:
    """Return a mail with its message; NotFound when there is none."""
    row = store.one("select * from outbox where id = :id", id=id_)
    if row is None:
        raise NotFound(f"there is no mail {id_}", hint="`sd mail queue` lists them")
    return row


def listing(
    store: Store, *, state: str | None = None, id_: int | None = None, limit: int = 200
) -> Sequence[Row]:
    """Return the newest mails, newest first, without their text; all unless a state or one mail is named."""
    return store.query(
        "select id, state, kind, ticket, recipient, attempts, next_try, expires_at, created_at, sent_at,"
        " maybe_twice, last_error, message_id from outbox"
        " where (:state is null or state = :state) and (:id is null or id = :id)"
        " order by id desc limit :limit",
        state=state,
        id=id_,
        limit=limit,
    )


def counts(store: Store) -> dict[str, int]:
    """Return the number of mails in each state, 0 included."""
    rows = store.query("select state, count(*) as mails from outbox group by state")
    return dict.fromkeys(STATES, 0) | {row["state"]: row["mails"] for row in rows}


# --- For the sender, which holds the lock and calls these inside `store.run`


def tidy(store: Store, now: int) -> tuple[int, int]:
    """Take back what a stopped run was sending, give up what is too old; return how many of each.

    A mail is taken back when its lease is over: only then nobody can be sending it any more. (A lock that
    is free does not say so: a server of PostgreSQL frees the lock of a machine that it no longer reaches.)
    A mail that was never tried gets its try, however old: the desk may have been off for a week.
    """
    left = store.query(
        "select id, attempts, recipient from outbox"
        " where state = 'sending' and (next_try <= :now or next_try > :now + :longest) order by id",
        now=now,
        longest=LONGEST,
    )
    for row in left:
        mark(store, row, Outcome("queued", "the run that sent it was stopped", twice=True), now)
    expired = store.execute(
        "update outbox set state = 'failed', last_error = 'expired: ' ||"
        " case when last_error = '' then 'too late to be of use' else last_error end"
        " where state = 'queued' and (expires_at <= :now or (created_at < :oldest and attempts > 0))",
        now=now,
        oldest=now - GIVE_UP,
    )
    return len(left), expired


def claim(store: Store, id_: int, lease_end: int) -> Row | None:
    """Take a queued mail until `lease_end` for sending; None when it is queued no more.

    A mail to an address that was refused is held instead: the row then says so in `state`.
    """
    row = store.one(
        "update outbox set state = 'sending', attempts = attempts + 1, next_try = :lease_end"
        " where id = :id and state = 'queued' returning id, state, recipient, message, attempts, released",
        id=id_,
        lease_end=lease_end,
    )
    reason = addresses.reason(store, row["recipient"]) if row and not row["released"] else ""
    if not row or not reason:
        return row
    store.execute(
        "update outbox set state = 'held', last_error = :reason, attempts = attempts - 1 where id = :id",
        id=id_,
        reason=reason,
    )
    return {**row, "state": "held", "last_error": reason}


def hold(store: Store, mails: Sequence[tuple[int, str]]) -> None:
    """Keep mails, (id, reason), until a person decides."""
    store.many(
        "update outbox set state = 'held', last_error = :reason where id = :id",
        [{"id": id_, "reason": reason} for id_, reason in mails],
    )


def mark(store: Store, row: Row, outcome: Outcome, now: int) -> None:
    """Write down how the try of a claimed mail ended; queued again, it waits longer after each try.

    The number of tries tells whose claim it is. Who was away for longer than the lease says nothing about the
    claim of another, but that its mail was sent still spares a second copy.
    """
    store.execute(
        "update outbox set state = :state, last_error = :reason, next_try = :next_try, sent_at = :sent_at,"
        " maybe_twice = case when :twice = 1 then 1 else maybe_twice end"
        " where id = :id and attempts = :attempts"
        " and (state = 'sending' or (state = 'queued' and :state = 'sent'))",
        id=row["id"],
        attempts=row["attempts"],
        state=outcome.state,
        reason=outcome.reason,
        next_try=now + (wait(row["id"], row["attempts"]) if outcome.state == "queued" else 0),
        sent_at=now if outcome.state == "sent" else None,
        twice=int(outcome.twice),
    )
    if outcome.bad:
        addresses.refuse(store, row["recipient"], outcome.reason, row["id"], now)


def wait(id_: int, attempts: int) -> int:
    """Return the seconds until the next try: doubling, up to a longest, and more for some than for others.

    What is more comes from the mail and the try, not from dice: it can be told, and tested.
    """
    seconds: int = min(FIRST_WAIT * 2 ** min(attempts - 1, 10), LONGEST_WAIT)
    return seconds + seconds * (binascii.crc32(f"{id_}:{attempts}".encode()) % (SPREAD + 1)) // 100
