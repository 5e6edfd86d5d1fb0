"""What a person does with mails of the outbox: retry, hold, drop. Each act stands in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sdtool.errors import Conflict
from sdtool.mail import addresses, outbox
from sdtool.store.journal import Entry, append

if TYPE_CHECKING:
    from typing import Protocol

    from sdtool.store.base import Row, Store

    class Desk(Protocol):
        """What these acts need of `sdtool.desk.Desk`, which is a layer above this one."""

        store: Store
        actor: str
        source: str
        now: int


# act -> the state after it, the states in which it can be done
_ACTS = {
    "retry": ("queued", ("queued", "failed", "held", "dropped")),
    "hold": ("held", ("queued", "failed")),
    "drop": ("dropped", ("queued", "failed", "held")),
}


def retry(desk: Desk, ids: Sequence[int]) -> list[int]:
    """Make mails due now, as if they had never been tried; all of them or none. Return their ids.

    No limit and no mark of an address stops a mail that a person has looked at.

    Raises:
        NotFound: there is no such mail.
        Conflict: it was sent, or is being sent.
    """
    return _each(desk, "retry", ids)


def hold(desk: Desk, ids: Sequence[int]) -> list[int]:
    """Keep mails until a person decides; all of them or none. `retry` has its errors; return their ids."""
    return _each(desk, "hold", ids)


def drop(desk: Desk, ids: Sequence[int]) -> list[int]:
    """Take mails out of the queue for good; all of them or none. `retry` has its errors; return their ids."""
    return _each(desk, "drop", ids)


def good(desk: Desk, address: str) -> int:
    """Take the mark from an address that was refused; return how many mails are due by that.

    Raises:
        NotFound: the address has no mark.
    """

    def work() -> int:
        mark = desk.store.value("select mail from bad_address where mail_key = :key", key=address.casefold())
        queued = addresses.forgive(desk.store, address, desk.now)
        data = {"set": {}, "was": {}, "mails": queued}
        append(desk.store, [Entry("mail", mark, "good", desk.actor, desk.source, desk.now, data)])
        return queued

    return desk.store.run(work)


def held(store: Store) -> list[int]:
    """Return the ids of all mails that are held."""
    return [row["id"] for row in store.query("select id from outbox where state = 'held' order by id")]


def _each(desk: Desk, verb: str, ids: Sequence[int]) -> list[int]:
    def work() -> list[int]:
        rows = [outbox.get(desk.store, id_) for id_ in ids]
        for row in rows:
            _act(desk, verb, row)
        append(desk.store, [_entry(desk, verb, row) for row in rows])
        return list(ids)

    return desk.store.run(work)


def _act(desk: Desk, verb: str, row: Row) -> None:
    state, allowed = _ACTS[verb]
    if row["state"] not in allowed:
        raise Conflict(f"mail {row['id']} is {row['state']}, too late to {verb} it: nothing was changed")
    new: dict[str, object] = {"state": state, "last_error": f"by {desk.actor}" if verb == "hold" else ""}
    if verb == "retry":
        late = row["expires_at"] is not None and row["expires_at"] <= desk.now
        new |= {"attempts": 0, "next_try": desk.now, "released": 1, "told_at": None}
        new |= {"expires_at": None if late else row["expires_at"]}
    desk.store.update("outbox", row["id"], new)


def _entry(desk: Desk, verb: str, row: Row) -> Entry:
    data = {"set": {"state": _ACTS[verb][0]}, "was": {"state": row["state"]}}
    return Entry("mail", row["id"], verb, desk.actor, desk.source, desk.now, data)
