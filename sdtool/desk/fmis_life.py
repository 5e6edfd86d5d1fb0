"""One ticket of an export: its rows become acts, each through the gate that all acts pass."""

from __future__ import annotations

from typing import Any, NamedTuple

from sdtool.desk import Desk, tickets
from sdtool.desk.fmis_map import OPEN, Map
from sdtool.desk.fmis_rows import Case, Event
from sdtool.rules.lifecycle import DESK, Ticket
from sdtool.rules.priority import derive

OVERRIDE = "from FMIS"
SOLUTION = "solved in the other system"
_ENDED = ("resolved", "closed")
_DESCRIBED = ("category", "type", "urgency", "impact", "channel", "summary", "description")
_UNEDITABLE = ("closed", "cancelled", "merged")


class Standing(NamedTuple):
    """How a ticket stands at its last row, and since when the rows stand like that.

    `start` is the place of the first row of that end. `resolved` and `closed` are the moments that
    the file fixes for it, None where its rows tell; `silent` says that the file holds it unresolved.
    """

    start: int
    resolved: int | None
    closed: int | None
    silent: bool

    def target(self, place: int, event: Event) -> str:
        """Return the state that a row brings, "same" for a row that brings none.

        A resolved row before the moment that the file gives is not the resolution that stands. A row
        after that moment does not reopen the ticket: the file says that it has been solved since then.
        """
        if place < self.start:
            later = self.resolved is not None and event.moment > self.resolved
            return "same" if later else event.state
        if event.state == "resolved" and (self.silent or self.resolved is not None):
            return "same"
        if event.state == "closed" and self.closed is not None:
            return "same"
        return event.state


def standing(case: Case, map_: Map) -> Standing:
    """Return how the ticket stands at its last row; an open one starts after its rows."""
    state, start = "new", 0
    for place, event in enumerate(case.events):
        if event.state != "same" and not (event.state == "cancelled" and state in _ENDED):
            state = event.state  # what was solved is not cancelled any more, only closed
        if state not in _ENDED:
            start = place + 1
    last = case.events[-1]
    if state not in _ENDED:
        return Standing(start, None, None, False)
    closed = last.closed_at if state == "closed" else None
    silent = state == "closed" and last.resolved_at is None and "resolved_at" in map_.columns
    return Standing(start, last.resolved_at, closed, silent)


class Life:
    """Brings a ticket from row to row. `unsaid` are rows that the journal does not know yet."""

    def __init__(self, desk: Desk, map_: Map, ticket: Ticket, unsaid: list[Event]) -> None:
        self.desk, self._map, self.ticket = desk, map_, ticket
        self._unsaid, self.acts = unsaid, 0

    def follow(self, case: Case, new: set[str]) -> None:
        """Do what the rows whose marks are in `new` ask for, in order, and remember these rows."""
        stands = standing(case, self._map)
        followed = self.ticket.state != "merged"  # that ticket lives on in another one
        for place, event in enumerate(case.events if followed else ()):
            if event.mark in new:
                self._settle(stands, case.events[-1], event.moment)
                self._row(event, stands.target(place, event))
        if followed:
            self._settle(stands, case.events[-1], None)
        if self._unsaid:
            self._act("import-edit", case.events[-1].moment, case.events[-1], {"fields": {}})

    # --- what the file fixes -----------------------------------------------------------------------

    def _settle(self, stands: Standing, last: Event, before: int | None) -> None:
        """Resolve and close at the moments that the file gives, when they lie before that of a row."""
        for moment, end in ((stands.resolved, self._resolve), (stands.closed, self._close)):
            if moment is not None and (before is None or moment < before):
                end(last, moment)

    def _resolve(self, event: Event, at: int) -> None:
        if self.ticket.ended_at is None:
            solution = event.solution or SOLUTION
            self._act("resolve", at, event, {"solution": solution, "by": event.resolver})
        if self.ticket.state in _ENDED and at >= self.ticket.opened_at:
            # an act never happens before the last one; the file knows better when it was solved
            self._edit(at, event, {"resolved_at": at, "ended_at": at})

    def _close(self, event: Event, at: int) -> None:
        if self.ticket.state == "resolved":
            self._act("close", at, event)
        elif self.ticket.ended_at is None:
            self._act("import-close", at, event)
        since = self.ticket.resolved_at or self.ticket.opened_at
        if self.ticket.state == "closed" and at >= since:
            self._edit(at, event, {"closed_at": at, "ended_at": self.ticket.resolved_at or at})

    # --- what a row says ---------------------------------------------------------------------------

    def _row(self, event: Event, target: str) -> None:
        if self.ticket.ended_at is not None and target in OPEN:
            counted = self._rise("reopens", event)
            args = {"counted": 1 if counted is None else counted}
            self._act("reopen", event.moment, event, args, reason="reopened in the FMIS", **args)
        self._describe(event)
        waits = self.ticket.state == "waiting" and self.ticket.waiting_on != DESK  # theirs, not ours
        if waits and target in ("new", "active"):
            self._act("resume", event.moment, event)
        self._place(event)
        self._turn(event, target)
        self._count(event)

    def _describe(self, event: Event) -> None:
        fields: dict[str, Any] = {n: getattr(event, n) for n in _DESCRIBED if n in self._map.columns}
        after = self.ticket._replace(**fields)
        self._edit(event.moment, event, fields | priority(self.desk, after, event))

    def _place(self, event: Event) -> None:
        ticket, columns = self.ticket, self._map.columns
        group = event.group if "group" in columns else ticket.group_key
        moved = group != ticket.group_key
        rise = self._rise("reassignments", event)
        counted = {"counted": 1 if rise is None else rise} if moved else {}
        if ticket.ended_at is not None:
            total = ticket.reassignments + counted.get("counted", 0)
            self._edit(event.moment, event, {"group_key": group, "reassignments": total}, **counted)
            return
        agent = event.agent if "agent" in columns else "" if moved else ticket.agent
        if moved or (agent and agent != ticket.agent):
            args = {"group": group, "agent": agent, **counted}
            self._act("assign", event.moment, event, args, **counted)
        elif agent != ticket.agent:
            self._act("release", event.moment, event)

    def _turn(self, event: Event, target: str) -> None:
        if target in (*_ENDED, "cancelled"):
            self._end(event, target)
        elif self.ticket.ended_at is not None:
            return
        elif target == "active":
            self._start(event)
        elif target.startswith("waiting-"):
            self._wait(event, target.removeprefix("waiting-"))

    def _end(self, event: Event, target: str) -> None:
        state = self.ticket.state
        if target == "resolved" and self.ticket.ended_at is None:
            self._resolve(event, event.moment)
        elif target == "cancelled" and self.ticket.ended_at is None:
            self._act("cancel", event.moment, event)
        elif target != "resolved" and state not in ("closed", "cancelled"):
            self._close(event, event.moment)

    def _start(self, event: Event) -> None:
        if self.ticket.state not in ("new", "assigned"):
            return
        if self.ticket.agent:
            self._act("start", event.moment, event)
        elif self.ticket.accepted_at is None:  # somebody works on it, the file does not say who
            self._edit(event.moment, event, {"accepted_at": max(event.moment, self.ticket.opened_at)})

    def _wait(self, event: Event, party: str) -> None:
        if self.ticket.state == "waiting" and self.ticket.waiting_on == party:
            return
        day = tickets.day_of(event.moment, self.desk.timezone)
        pauses = self.desk.rulebook.party_pauses(party, day)
        args = {"party": party, "text": event.label, "until": None, "pauses": pauses}
        self._act("wait", event.moment, event, args)

    def _count(self, event: Event) -> None:
        """Count what the file counted and no row shows: two changes between two rows, for one."""
        rises = {field: self._rise(field, event) or 0 for field in ("reassignments", "reopens")}
        counted = {field: getattr(self.ticket, field) + rise for field, rise in rises.items() if rise}
        if counted:
            self._edit(event.moment, event, counted, counted=sum(rises.values()))

    def _rise(self, counter: str, event: Event) -> int | None:
        """Return by how much a counter of the file rose; None when the file does not count."""
        value = getattr(event, counter)
        return None if value is None else max(value - getattr(self.ticket, counter), 0)

    # --- the gate ------------------------------------------------------------------------------------

    def _edit(self, at: int, event: Event, fields: dict[str, Any], **context: Any) -> None:
        changed = {name: value for name, value in fields.items() if getattr(self.ticket, name) != value}
        if changed:
            verb = "import-edit" if self.ticket.state in _UNEDITABLE else "edit"
            self._act(verb, at, event, {"fields": changed}, **context)

    def _act(
        self, verb: str, at: int, event: Event, args: dict[str, Any] | None = None, **context: Any
    ) -> None:
        said = remembered(self._unsaid) if self._unsaid else {}
        if event.by:
            said["by"] = event.by
        data = {**context, "fmis": said} if said else context
        self.ticket = tickets.apply(self.desk, self.ticket.id, verb, args, data=data, at=at)
        self._unsaid = []
        self.acts += 1


def remembered(events: list[Event]) -> dict[str, Any]:
    """Return what the journal keeps of rows: by it, an import knows them when they come again."""
    return {"rows": [event.mark for event in events], "until": max(event.moment for event in events)}


def priority(desk: Desk, ticket: Ticket, event: Event) -> dict[str, Any]:
    """Return the priority of a ticket: what the file says, as an override of what follows here."""
    day = tickets.day_of(ticket.opened_at, desk.timezone)
    derived = derive(desk.rulebook, ticket.urgency, ticket.target_group, ticket.impact, day).level
    if not event.priority:
        effective = ticket.priority if ticket.override_reason else derived
        return {"derived_priority": derived, "priority": effective}
    reason = OVERRIDE if event.priority != derived else ""
    return {"derived_priority": derived, "priority": event.priority, "override_reason": reason}
