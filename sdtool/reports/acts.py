"""What was done past the rules, or without somebody's word, in a period: read from the journal.

- priority: a person set another priority than the rules give, for a reason.
- skipped: a mandatory item of a checklist was skipped.
- unanswered: a ticket was resolved because the answer it waited for never came.
- cancelled-late: a ticket was cancelled after its deadline, so that no figure counts it as late.

What another system did (an import) and what was undone is left out.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from sdtool.desk.replay import undone
from sdtool.reports.period import Period
from sdtool.reports.seen import MOST, Eyes, Listed, confidential
from sdtool.store.base import Store
from sdtool.store.journal import data_of

KINDS = ("priority", "skipped", "unanswered", "cancelled-late")


class Act(NamedTuple):
    """One of them; `was` and `now` are priorities, 0 for the other kinds.

    `by` is a login and `reason` what that person gave: "" for who may not see it.
    """

    kind: str
    ticket: int
    at: int
    by: str
    reason: str
    was: int
    now: int


_EVENTS = (
    "select event.id, event.subject, event.verb, event.actor, event.source, event.at, event_data.data,"
    " ticket.resolve_due, ticket.priority from ticket cross join event"
    " left join event_data on event_data.event = event.id"
    " where {} and ticket.test = 0 and event.kind = 'ticket' and event.subject = ticket.id"
    " and event.at >= :start and (event.at < :end or event.verb = 'undo') and event.source <> 'import'"
    " and (event.verb in ('edit', 'skip', 'cancel', 'undo')"
    " or (event.verb = 'resolve' and event.source = 'cron')) order by event.id"
)
# what happened in a period happened to what is open now, or ended since
_OPEN = _EVENTS.format("ticket.ended_at is null")
_ENDED = _EVENTS.format("ticket.ended_at >= :start")


def acts(store: Store, period: Period, eyes: Eyes) -> tuple[tuple[tuple[str, int], ...], Listed[Act]]:
    """Return how many of each kind there were, and the acts themselves, the newest first."""
    found = [*_found(store, _OPEN, period), *_found(store, _ENDED, period)]
    found.sort(key=lambda act: (-act.at, act.ticket, act.kind))
    counts = Counter(act.kind for act in found)
    first = found[:MOST]
    secret = confidential(store, [act.ticket for act in first])
    rows = (
        act._replace(
            by=eyes.name(act.by), reason=act.reason if eyes.contents and act.ticket not in secret else ""
        )
        for act in first
    )
    return tuple((kind, counts[kind]) for kind in KINDS if counts[kind]), Listed(len(found), tuple(rows))


def _found(store: Store, sql: str, period: Period) -> Iterator[Act]:
    rows = store.query(sql, start=period.start, end=period.end)
    events = [{**dict(row), "data": data_of(row["data"])} for row in rows]
    gone = undone(events)
    for event in events:
        if event["id"] not in gone and event["at"] < period.end:
            yield from _acts(event)


def _acts(event: Mapping[str, Any]) -> Iterator[Act]:
    """Yield what an event amounts to: an act, or nothing that the page tells."""
    data, verb = event["data"], event["verb"]
    about = (event["subject"], event["at"], event["actor"])
    if verb == "resolve":
        yield Act("unanswered", *about, "", 0, 0)
    elif verb == "cancel" and event["resolve_due"] < event["at"]:
        yield Act("cancelled-late", *about, str(data.get("reason", "")), 0, 0)
    elif verb == "skip" and data.get("item", {}).get("mandatory") and data["item"].get("done_by"):
        yield Act("skipped", *about, str(data["item"].get("remark", "")), 0, 0)
    elif verb == "edit" and data.get("set", {}).get("override_reason"):
        was, now = ({**event, **data.get(name, {})}["priority"] for name in ("was", "set"))
        yield Act("priority", *about, data["set"]["override_reason"], was, now)
