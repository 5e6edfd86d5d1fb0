"""Undo: the last own act is taken back, if nothing depends on it. The journal keeps both."""

from __future__ import annotations

from typing import Any

from sdtool.desk import Desk, articles, checklists, links, owed, promises, replay, staff, tickets
from sdtool.errors import Conflict, NotFound, Refused
from sdtool.rules.lifecycle import Act, Ticket, decide
from sdtool.store.journal import history

REACH = 2000  # events back from the newest that are looked at
KINDS = ("ticket", "person", "staff", "promise", "owed", "party", "article", "call_day", "major", "problem")
# kinds whose acts are not undone: what is done instead; `{}` is the number of the record
_INSTEAD = {
    "problem": "an act on a problem is not undone: `sd problem show {}` tells where it stands",
    "person": "a change of a person is not undone: use `sd person edit {} …`",
    "party": "a change of a party is not undone: use `sd party edit #{} …`",
    "article": "a change of an article is not undone: use `sd article edit {} …`",
    "call_day": "counts of calls are not undone: `sd calls record` or `import` puts others in their place",
    "major": "a major incident is not undone: `sd major revoke {} --reason …` takes it back",
}
Event = dict[str, Any]


def last_act(desk: Desk) -> list[Event]:
    """Return the events of the actor's newest act that is not undone yet, newest first.

    Raises:
        NotFound: there is none among the last `REACH` events.
    """
    store = desk.store
    newest = store.value("select value from counter where name = 'event'") or 0
    rows = store.query(
        "select * from event where id > :since and actor = :actor and source = 'cli'"
        " and verb <> 'reschedule' order by id desc",
        since=newest - REACH,
        actor=desk.actor,
    )
    lives: dict[tuple[str, int], list[Event]] = {}
    # the kind is looked at here: in the statement, it would send SQLite through the index of all events
    rows = [row for row in rows if row["kind"] in KINDS]
    for row in rows:
        subject = (row["kind"], row["subject"])
        if subject not in lives:
            lives[subject] = history(store, *subject)
        if row["id"] not in _settled(lives[subject]):
            return _whole_act(lives, row["act"], [dict(r) for r in rows])
    raise NotFound("there is nothing of yours to undo")


def _settled(life: list[Event]) -> set[int]:
    """Return the events of a record that are undone, or undid something."""
    return replay.undone(life) | {event["id"] for event in life if "undoes" in event["data"]}


def _whole_act(lives: dict[tuple[str, int], list[Event]], act: int, rows: list[Event]) -> list[Event]:
    wanted = [row for row in rows if row["act"] == act]
    found = [e for events in lives.values() for e in events if e["act"] == act]
    known = {event["id"] for event in found}
    return sorted(found + [row for row in wanted if row["id"] not in known], key=lambda e: -e["id"])


def undo(desk: Desk) -> list[str]:
    """Take the last own act back; return a sentence for each record it touched.

    Raises:
        NotFound: there is nothing to undo.
        Conflict: something was done to one of the records since.
        Refused: this kind of act cannot be taken back.
    """

    def work() -> list[str]:
        events = last_act(desk)
        told = [_take_back(desk, event) for event in events]
        for event in events:
            # an item that is another ticket may stand elsewhere now than when the act was done
            if event["kind"] == "ticket":
                checklists.follow(desk, event["subject"], desk.now, undoes=event["id"])
        return told

    return desk.run(work)


def _take_back(desk: Desk, event: Event) -> str:
    life = history(desk.store, event["kind"], event["subject"])
    event = next(e for e in life if e["id"] == event["id"])
    if event["verb"] in ("use", "unuse"):  # what was done with an article for other tickets is no matter
        return articles.take_back(desk, event)
    taken_back = replay.undone(life)
    later = [e for e in life if e["id"] > event["id"] and e["id"] not in taken_back and e["verb"] != "undo"]
    if later:
        by = later[-1]["actor"]
        raise Conflict(f"{_named(event)} was changed since ({later[-1]['verb']} by {by}): not undone")
    if event["kind"] == "staff":
        kind, number = staff.get(desk.store, event["subject"]).kind, event["subject"]
        raise Refused(f"a change of staff is not undone: `sd {kind} withdraw {number}` takes it back")
    if event["kind"] == "promise":
        return promises.take_back(desk, event)
    if event["kind"] == "owed":
        return owed.take_back(desk, event, max(desk.now, life[-1]["at"]))
    if event["kind"] in _INSTEAD:
        raise Refused(_INSTEAD[event["kind"]].format(event["subject"]))
    if event["verb"] == "new":
        return _unregister(desk, event)
    return _restore(desk, event, life)


def _named(event: Event) -> str:
    number = event["subject"]
    return owed.spelled(number) if event["kind"] == "owed" else f"{event['kind']} {number}"


def _unregister(desk: Desk, event: Event) -> str:
    """A registration is not erased: its number was given out. The ticket is cancelled."""
    ticket = tickets.get(desk.store, event["subject"])
    act = Act("cancel", max(desk.now, ticket.opened_at), desk.actor, {}, lambda key: 1)
    data = {"reason": "registration undone", "undoes": event["id"]}
    tickets.write(desk, ticket, "cancel", decide(ticket, act), data, act.at)
    return f"ticket {ticket.id}: the registration is undone, the ticket is cancelled"


def _call_back(desk: Desk, ticket: Ticket, message_id: str) -> None:
    """Take the mail of an act out of the queue; one that may have left is not undone."""
    from sdtool.mail import acts

    row = desk.store.one("select id, state from outbox where message_id = :id", id=message_id)
    if row is None or row["state"] == "dropped":
        return
    if row["state"] not in ("queued", "failed", "held"):
        raise Refused(f"the customer of ticket {ticket.id} has this in a mail already: not undone")
    acts.drop(desk, [row["id"]])


def _restore(desk: Desk, event: Event, life: list[Event]) -> str:
    ticket: Ticket = tickets.get(desk.store, event["subject"])
    was = event["data"].get("was", {})
    if "mail" in event["data"]:
        _call_back(desk, ticket, event["data"]["mail"])
    at = max(desk.now, life[-1]["at"])
    tickets.record(desk, ticket, "undo", was, {"undoes": event["id"], "verb": event["verb"]}, at)
    again = history(desk.store, "ticket", ticket.id)
    tickets.rewrite_pauses(desk.store, ticket.id, tickets.replayed_pauses(replay.states(again)))
    if event["verb"] in ("link", "unlink"):
        kind, other = event["data"]["link"]
        if not links.remove(desk.store, ticket.id, kind, other):
            desk.store.insert("link", {"ticket": ticket.id, "kind": kind, "other": other})
    if event["verb"] in replay.ITEM_VERBS:
        checklists.rewrite(desk.store, ticket.id, replay.items_of(again))
    return f"ticket {ticket.id}: {event['verb']} is undone"
