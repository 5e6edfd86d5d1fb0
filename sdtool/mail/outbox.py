"""The outbox: one row is one message to one recipient, until `deliver` has sent it or given it up."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from sdtool.errors import BadInput, Conflict, NotFound
from sdtool.mail.compose import valid_address
from sdtool.store.base import Row, Store
from sdtool.store.journal import Entry, append

if TYPE_CHECKING:
    from typing import Protocol

    class Desk(Protocol):
        """What the operator's acts need of `sdtool.desk.Desk`, which is a layer above this one."""

        store: Store
        actor: str
        source: str
        now: int


STATES = ("queued", "sending", "sent", "failed", "cancelled")
FIRST_WAIT = 300  # seconds before the second try, doubling; Postfix's minimal_backoff_time
LONGEST_WAIT = 4000  # seconds between two tries at most; its maximal_backoff_time
GIVE_UP = 5 * 86_400  # seconds in the queue after which a mail that was tried has failed


class Outcome(NamedTuple):
    """How a try ended: sent, queued again or failed; `twice` when the server may have it all the same."""

    state: str
    reason: str = ""
    twice: bool = False


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
) -> bool:
    """Put a complete message in the outbox, in the transaction that is running.

    Args:
        dedupe: names this mail for ever ("ack:42"); a second one of that name is not queued.
        kind: what it is ("ack", "reminder", "kpi"), for lists and counts.
        recipient: the one envelope recipient; never taken from a header.
        message: from `compose.message`.
        expires_at: epoch seconds from which it is too late to send it; None for never.

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
            " 'queued', :now, :expires_at, :now) on conflict (dedupe) do nothing",
            now=now,
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


def due(store: Store, now: int) -> list[int]:
    """Return the ids of the queued mails whose time has come, longest waiting first.

    A wait that is longer than any wait we set means that the clock went back: such a mail is due.
    """
    rows = store.query(
        "select id from outbox where state = 'queued' and (next_try <= :now or next_try > :now + :longest)"
        " order by next_try, id",
        now=now,
        longest=LONGEST_WAIT,
    )
    return [row["id"] for row in rows]


def listing(store: Store, *, state: str | None = None, limit: int = 200) -> Sequence[Row]:
    """Return the newest mails, newest first, without their text; of every state unless one is named."""
    return store.query(
        "select id, state, kind, ticket, recipient, attempts, next_try, expires_at, maybe_twice, last_error,"
        " created_at, sent_at, message_id, dedupe from outbox"
        " where :state is null or state = :state order by id desc limit :limit",
        state=state,
        limit=limit,
    )


def counts(store: Store) -> dict[str, int]:
    """Return the number of mails in each state, 0 included."""
    rows = store.query("select state, count(*) as mails from outbox group by state")
    return dict.fromkeys(STATES, 0) | {row["state"]: row["mails"] for row in rows}


# --- For the sender, which holds the lock and calls these inside `store.run`


def tidy(store: Store, now: int) -> tuple[int, int]:
    """Take back what a stopped run was sending, give up what is too old; return how many of each.

    A mail that was never tried gets its try, however old: the desk may have been off for a week.
    """
    left = store.query("select id, attempts from outbox where state = 'sending' order by id")
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


def claim(store: Store, id_: int) -> Row | None:
    """Take a queued mail for sending; None when it is queued no more."""
    return store.one(
        "update outbox set state = 'sending', attempts = attempts + 1"
        " where id = :id and state = 'queued' returning id, recipient, message, attempts",
        id=id_,
    )


def mark(store: Store, row: Row, outcome: Outcome, now: int) -> None:
    """Write down how the try of a claimed mail ended; queued again, it waits longer after each try."""
    wait = min(FIRST_WAIT * 2 ** min(row["attempts"] - 1, 10), LONGEST_WAIT)
    store.execute(
        "update outbox set state = :state, last_error = :reason, next_try = :next_try, sent_at = :sent_at,"
        " maybe_twice = case when :twice = 1 then 1 else maybe_twice end"
        " where id = :id and state = 'sending'",
        id=row["id"],
        state=outcome.state,
        reason=outcome.reason,
        next_try=now + wait,
        sent_at=now if outcome.state == "sent" else None,
        twice=int(outcome.twice),
    )


# --- For the operator


def retry(desk: Desk, ids: Sequence[int]) -> list[int]:
    """Make mails due now, as if they had never been tried; all of them or none. Return their ids.

    Raises:
        NotFound: there is no such mail.
        Conflict: it was sent, or is being sent.
    """
    return desk.store.run(
        lambda: [_move(desk, id_, "queued", ("queued", "failed", "cancelled")) for id_ in ids]
    )


def cancel(desk: Desk, ids: Sequence[int]) -> list[int]:
    """Take mails out of the queue for good; all of them or none. Return their ids.

    Raises:
        NotFound: there is no such mail.
        Conflict: it was sent or cancelled, or is being sent.
    """
    return desk.store.run(lambda: [_move(desk, id_, "cancelled", ("queued", "failed")) for id_ in ids])


def _move(desk: Desk, id_: int, state: str, allowed: tuple[str, ...]) -> int:
    row = desk.store.one("select state, expires_at from outbox where id = :id", id=id_)
    verb = "retry" if state == "queued" else "cancel"
    if row is None:
        raise NotFound(f"there is no mail {id_}: nothing was changed", hint="`sd mail queue` lists them")
    if row["state"] not in allowed:
        raise Conflict(f"mail {id_} is {row['state']}, too late to {verb} it: nothing was changed")
    new: dict[str, object] = {"state": state, "last_error": ""}
    if state == "queued":
        late = row["expires_at"] is not None and row["expires_at"] <= desk.now
        new |= {"attempts": 0, "next_try": desk.now, "expires_at": None if late else row["expires_at"]}
    desk.store.update("outbox", id_, new)
    data = {"set": {"state": state}, "was": {"state": row["state"]}}
    append(desk.store, [Entry("mail", id_, verb, desk.actor, desk.source, desk.now, data)])
    return id_
