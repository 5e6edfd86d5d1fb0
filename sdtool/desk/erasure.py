"""Erasing a person: the data goes, from the journal too; the number stays, and with it tickets and figures.

What goes, what stays and why is told in docs/explanation/privacy.md.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import base64
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from sdtool.desk import Desk, people
from sdtool.errors import Busy, Refused
from sdtool.mail import incoming
from sdtool.store.base import Row, Store
from sdtool.store.journal import Entry, append, data_of, erase_data, history

GONE = people.GONE
_CALLED = "select id from ticket where caller = :id"
# HR's rows name a newcomer by number before the directory knows who it is
_THEIRS = (
    "(staff_change.person = :id"
    " or staff_change.staff_number = (select staff_number from person where person.id = :id))"
)
_OPEN = {
    "ticket SD-{}": "select id from ticket where caller = :id and ended_at is null order by id",
    "owed feedback F-{}": "select id from owed where state = 'open'"  # noqa: S608 (constants)
    f" and (person = :id or ticket in ({_CALLED})) order by id",
    "promise {}": f"select id from promise where state = 'open' and ticket in ({_CALLED}) order by id",  # noqa: S608
    "change of staff SD-{}": "select staff_change.id from staff_change"  # noqa: S608
    " join ticket on ticket.id = staff_change.id"
    f" where {_THEIRS} and ticket.ended_at is null order by staff_change.id",
}
_TICKETS = (  # those of a person, and of the changes of staff about them
    "select id from ticket where caller = :id"  # noqa: S608 (constants)
    f" union select id from staff_change where {_THEIRS}"
    " union select link.ticket from link join staff_change on staff_change.id = link.other"
    f" where link.kind = 'part-of' and {_THEIRS}"
)
_ABOUT = (  # mails about these, whoever read them
    f"select id from outbox where ticket in ({_TICKETS}) and state in ('sent', 'failed', 'dropped')"  # noqa: S608
)
_CAME_IN = f"select id, remark, sender from inmail where ticket in ({_TICKETS})"  # noqa: S608 (constants)


class Erased(NamedTuple):
    """What an erasure came to: journal rows and mails that lost their text, tickets that name the person.

    `shared` are addresses that the person had and somebody else has now: mails to and from them were left.
    """

    person: int
    events: int
    mails: int
    tickets: int
    shared: tuple[str, ...]


def naming(store: Store, person: people.Person) -> int:
    """Return how many tickets name a person in their text, at most 1000."""
    from sdtool.store.search import variants

    return len(store.search(variants(person.name), 1000))


def standing(store: Store, person: int) -> list[str]:
    """Return what is open with a person, in words: tickets, owed feedback, promises, changes of staff."""
    return [word.format(row["id"]) for word, sql in _OPEN.items() for row in store.query(sql, id=person)]


def erase(desk: Desk, number: int, reason: str = "") -> Erased:
    """Erase the personal data of a person and keep the number.

    Raises:
        NotFound: there is no such person.
        Refused: something is open with the person; or the person was erased before.
        Busy: a mail to the person is on its way, or one with their address was not taken in yet.
    """
    return desk.run(lambda: _erase(desk, people.get(desk.store, number), reason))


def require_erasable(store: Store, person: people.Person) -> None:
    """Refuse to erase who was erased, or with whom something is open."""
    if people.erased(person):
        raise Refused(f"person {person.id} was erased before: nothing was changed")
    found = standing(store, person.id)
    if found:
        raise Refused(f"person {person.id} has {', '.join(found)} open: end these first")


def _erase(desk: Desk, person: people.Person, reason: str) -> Erased:
    require_erasable(desk.store, person)
    tickets, changes = naming(desk.store, person), _changes(desk.store, person)
    addresses = _addresses(desk.store, person, [row["id"] for row in changes])
    shared = addresses & _of_others(desk.store, person.id)
    mails = _empty_mails(desk, person.id, addresses - shared)
    events = _forget(desk, "person", "person", person._asdict(), _nobody(desk), reason)
    for row in changes:
        events += _forget(desk, "staff", "staff_change", row, _NO_CHANGE, reason)
    for found in desk.store.query("select * from feedback where person = :id order by id", id=person.id):
        events += _forget(desk, "feedback", "feedback", dict(found), {"comment": ""}, reason)
    return Erased(person.id, events, mails, tickets, tuple(sorted(shared)))


_NO_CHANGE = {"staff_number": GONE, "data": f'{{"name": "{GONE}"}}', "held": "[]"}


def _nobody(desk: Desk) -> dict[str, Any]:
    """Return the fields of a person without what tells who it was."""
    nothing = dict.fromkeys(("mail", "phone", "staff_number", "mail_key", "phone_key"))
    group, language = desk.rulebook.default_target_group(), desk.rulebook.organisation.language
    rest = {"department": "", "site": "", "target_group": group, "language": language, "active": 0}
    return {"name": GONE, "name_key": people.fold(GONE), **nothing, **rest}


def _changes(store: Store, person: people.Person) -> list[dict[str, Any]]:
    rows = store.query(
        "select * from staff_change where person = :id or staff_number = :number order by id",
        id=person.id,
        number=person.staff_number,
    )
    return [dict(row) for row in rows]


def _forget(
    desk: Desk, kind: str, table: str, row: Mapping[str, Any], new: Mapping[str, Any], reason: str
) -> int:
    """Blank a record, note all that is left of it, and erase the journal rows before; return how many."""
    number = row["id"]
    before = [event["id"] for event in history(desk.store, kind, number) if event["data"]]
    left = {name: value for name, value in {**row, **new}.items() if name not in ("id", "rev")}
    desk.store.update(table, number, {**new, "rev": row["rev"] + 1})
    data = {"set": left, "was": {}, "reason": reason}
    append(desk.store, [Entry(kind, number, "erase", desk.actor, desk.source, desk.now, data)])
    erase_data(desk.store, before, desk.actor, desk.source, desk.now)
    return len(before)


# --- Mails


def _addresses(store: Store, person: people.Person, changes: Iterable[int]) -> set[str]:
    """Return every mail address that the person had, as far as the journal knows."""
    found = {person.mail_key} if person.mail_key else set()
    for kind, number in (("person", person.id), *(("staff", change) for change in changes)):
        for event in history(store, kind, number):
            for side in ("set", "was"):
                values = event["data"].get(side) or {}
                if kind == "staff":
                    values = data_of(values.get("data"))
                if values.get("mail"):
                    found.add(values["mail"].casefold())
    return found


def _of_others(store: Store, person: int) -> set[str]:
    """Return the addresses that other people and parties have now: a corrected slip, one passed on."""
    rows = store.query(
        "select mail_key as mail from person where id <> :id and mail_key is not null"
        " union select mail from party where mail is not null"
        " union select escalation_mail from party where escalation_mail is not null",
        id=person,
    )
    return {row["mail"].casefold() for row in rows}


def _empty_mails(desk: Desk, person: int, addresses: set[str]) -> int:
    """Take the text from mails to and about the person, and the address; what was not sent is dropped."""
    store, own = desk.store, set()
    for key in sorted(addresses):
        for row in store.query("select id, state from outbox where lower(recipient) = :key", key=key):
            if row["state"] == "sending":
                raise Busy(f"mail {row['id']} to person {person} is on its way: try again in a moment")
            own.add(row["id"])
        store.execute("delete from bad_address where mail_key = :key", key=key)
    _empty_inmails(store, person, addresses, own)
    about = {row["id"] for row in store.query(_ABOUT, id=person)}
    store.many("update outbox set message = '' where id = :id", [{"id": id_} for id_ in sorted(own | about)])
    store.many(
        "update outbox set recipient = :gone, last_error = '',"
        " state = case when state = 'sent' then state else 'dropped' end where id = :id",
        [{"id": id_, "gone": GONE} for id_ in sorted(own)],
    )
    return len(own | about)


def _empty_inmails(store: Store, person: int, addresses: set[str], own: Iterable[int]) -> None:
    """Take the text from what came in from a person, about their tickets, or of mails not delivered to them.

    Args:
        own: the mails to the person; the Message-ID of one tells a delivery report about it.
    """
    found = {row["id"]: row for row in store.query(_CAME_IN, id=person)}
    for key in sorted(addresses):
        rows = store.query("select id, remark, sender from inmail where lower(sender) = :key", key=key)
        found |= {row["id"]: row for row in rows}
    found |= {row["id"]: row for row in _naming(store, addresses, own)}
    for number, row in sorted(found.items()):
        status = re.match(r"bounced: \d\.\d+\.\d+", row["remark"])
        sender = GONE if row["sender"].casefold() in addresses else row["sender"]
        nothing = {"subject": "", "raw": "", "remark": status[0] if status else "", "sender": sender}
        store.update("inmail", number, nothing)


def _naming(store: Store, addresses: set[str], own: Iterable[int]) -> Iterable[Row]:
    """Yield the delivery reports, and mails without a sender, that hold an address or Message-ID of these.

    Raises:
        Busy: such a mail was not looked at yet.
    """
    ids = (store.value("select message_id from outbox where id = :id", id=number) for number in own)
    signs = sorted(addresses | {id_.strip("<>").casefold() for id_ in ids if id_})
    if not signs:
        return
    sought = re.compile("|".join(map(re.escape, signs)))
    numbers = store.query(
        "select id from inmail where verdict in ('new', 'bounce') or (verdict = 'kept' and sender = '')"
        " order by id"
    )
    for row in numbers:  # one at a time: each may be of 25 MB
        found = incoming.get(store, row["id"])
        raw = base64.b64decode(found["raw"]).decode("latin-1")
        if sought.search(f"{raw}\n{found['remark']}".casefold()):
            if found["verdict"] == "new":
                told = "was not taken in yet: `sd cron run mail` does it, then try again"
                raise Busy(f"mail {found['id']} that came in {told}")
            yield found
