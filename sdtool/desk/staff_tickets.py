"""The tickets of a change of staff: the parent request, and one for each support service.

`settle` computes where each of them belongs and applies the difference: run twice, it changes nothing the
second time. Every step goes through the gate; what a person took in hand is never moved or ended.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from typing import Any

from sdtool.desk import (
    Desk,
    calendars,
    checklists,
    owed,
    parties,
    people,
    registration,
    staff,
    tickets,
)
from sdtool.rulebook import routes_in_force
from sdtool.rulebook.staffing import Staffing, staffing
from sdtool.rules.lifecycle import ENDED_STATES, Fields, Ticket
from sdtool.rules.packages import Part, due, opening, parts_of, services_of, waits_for
from sdtool.rules.priority import derive
from sdtool.rules.routing import Case, route
from sdtool.store.base import Store

_ORIGIN = "staff"  # of what HR owes
_CONTEXT = {"priority_reason": "change of staff", "route_reason": "change of staff"}
_WORDS = {
    "nl": {"onboarding": "Indiensttreding", "mover": "Doorstroom", "offboarding": "Uitdiensttreding"},
    "en": {"onboarding": "Onboarding", "mover": "Move", "offboarding": "Offboarding"},
    "fr": {"onboarding": "Entrée en service", "mover": "Mutation", "offboarding": "Sortie de service"},
}

_HAND_IN = {"nl": "Inleveren", "en": "Hand in", "fr": "À rendre"}


def manager_of(store: Store, values: Mapping[str, str]) -> int | None:
    """Return the manager's number in the directory, None when nobody or more than one fits."""
    for name in ("manager_mail", "manager"):
        found = people.find_all(store, values[name]) if values.get(name) else []
        if len(found) == 1:
            return found[0].id
    return None


def make_parent(desk: Desk, kind: str, values: Mapping[str, str], day: str) -> Ticket:
    """Register the parent request of a change; its caller is the manager, its deadline the start itself."""
    agreed = staffing(desk.rulebook).staff
    fields = _fields(desk, values, agreed.category, _summary(desk, kind, values))
    today = tickets.day_of(desk.now, desk.timezone)
    case = Case("request", agreed.category, values["target_group"], agreed.channel, fields["priority"], "")
    routed = route(routes_in_force(desk.rulebook.routes, today), case)
    due_at = opening(calendars.own(desk), date.fromisoformat(day)) if day else None
    more = {"group_key": routed.group, "route": routed.rule, "agreed_due": due_at}
    fields |= {**more, "caller": manager_of(desk.store, values)}
    known = {checklist.key for checklist in staffing(desk.rulebook).checklists}
    items = checklists.for_ticket(desk, fields, lists=[kind] if kind in known else [])
    return registration.create(desk, fields, _CONTEXT, desk.now, items=items)


def _summary(desk: Desk, kind: str, values: Mapping[str, str]) -> str:
    words = _WORDS.get(desk.rulebook.organisation.language, _WORDS["en"])
    return f"{words[kind]} {staff.full_name(values)} ({values['staff_number']})"[
        : registration.LONGEST_SUMMARY
    ]


def _fields(desk: Desk, values: Mapping[str, str], category: str, summary: str) -> Fields:
    """Return what all tickets of a change share; the priority is that of the colleague's target group."""
    agreed, impact = staffing(desk.rulebook).staff, desk.rulebook.default_impact()
    day = tickets.day_of(desk.now, desk.timezone)
    level = derive(desk.rulebook, agreed.urgency, values["target_group"], impact, day).level
    return {
        "type": "request",
        "summary": summary,
        "state": "new",
        "channel": agreed.channel,
        "category": category,
        "urgency": agreed.urgency,
        "impact": impact,
        "target_group": values["target_group"],
        "priority": level,
        "derived_priority": level,
        "registered_by": desk.actor,
        "opened_at": desk.now,
    }


def settle(desk: Desk, change: staff.Change, again: Collection[Part] = ()) -> list[str]:
    """Bring the tickets of a change where they belong now; return what is left to a person, in words.

    Part of a transaction. Tickets that a person took in hand are never moved or ended. A part whose ticket
    was cancelled stays so, unless it is asked for `again`.
    """
    parent = tickets.get(desk.store, change.id)
    if parent.state in ENDED_STATES and change.withdrawn_at is None:
        return []
    return _Settling(desk, change, parent, again).run()


def wanted(lists: Staffing, change: staff.Change) -> list[Part]:
    """Return the parts that a change asks for, those that others wait for first."""
    services = {service.key: service for service in lists.support_services}
    if change.withdrawn_at is not None:
        return []
    asked = parts_of(change.kind, change.held, services_of(lists.packages, change.data))
    asked = {p for p in asked if p.service in services and (services[p.service].leave or not p.reversal)}
    ordered: list[Part] = []
    while asked:
        waiting = {part.service for part in asked}
        free = [p for p in asked if p.reversal or not waiting & set(services[p.service].after)] or list(asked)
        ordered += sorted(free, key=lambda p: list(services).index(p.service))
        asked -= set(free)
    return ordered


class _Settling:
    """One run of `settle`: what a change asks for against the tickets that are there."""

    def __init__(self, desk: Desk, change: staff.Change, parent: Ticket, again: Collection[Part]) -> None:
        self.desk, self.change, self.parent, self.again = desk, change, parent, again
        self.lists = staffing(desk.rulebook)
        self.services = {service.key: service for service in self.lists.support_services}
        self.calendar = calendars.own(desk)
        self.remarks: list[str] = []
        there = staff.parts(desk.store, change.id)
        self.held = {Part(ticket.service, bool(ticket.reversal)): ticket for ticket in there}

    def run(self) -> list[str]:
        asked = wanted(self.lists, self.change)
        for part in asked:
            if part not in self.held or (part in self.again and self.held[part].state == "cancelled"):
                self.held[part] = self._make(part)
            elif self.held[part].state not in ENDED_STATES:
                self._keep(part, self.held[part])
        for part, ticket in list(self.held.items()):
            if part not in asked:
                self._drop(part, ticket, asked)
        self._settle_parent()
        return self.remarks

    def _due(self, part: Part) -> int | None:
        if not self.change.day or self.change.withdrawn_at is not None:
            return None
        day, service = date.fromisoformat(self.change.day), self.services[part.service]
        return due(self.calendar, day, service, reversal=part.reversal)

    def _obstacle(self, part: Part) -> tuple[str, int | None]:
        """Return what a part waits for, in words, and until when; "" when it can begin."""
        service = self.services[part.service]
        if part.reversal:
            if self.change.day and self.change.withdrawn_at is None:
                begins = opening(self.calendar, date.fromisoformat(self.change.day))
                if begins > self.desk.now:
                    return self.change.day, begins
            return "", None
        open_ones = {p.service: t for p, t in self.held.items() if t.state not in ENDED_STATES}
        names = []
        for key in waits_for(service, self.change.missing, open_ones):
            if key in open_ones and key in service.after:
                names.append(f"{self.services[key].name} (SD-{open_ones[key].id})")
            else:
                names.append(f"{self.lists.staff.hr}: {key.replace('_', ' ')}")
        return ", ".join(names), None

    def _make(self, part: Part) -> Ticket:
        service, values = self.services[part.service], self.change.data
        title = service.leave if part.reversal else service.name
        summary = f"{title}: {staff.full_name(values)}"[: registration.LONGEST_SUMMARY]
        fields = _fields(self.desk, values, service.category, summary)
        text, until = self._obstacle(part)
        waiting = _waiting(text, until) if text else {}
        more = {"group_key": service.group, "agreed_due": self._due(part), "service": service.key}
        more |= {"reversal": int(part.reversal), "caller": self.parent.caller, **waiting}
        more |= {"confidential": self.parent.confidential}
        lists = () if part.reversal else service.checklist  # they tell how it is given
        items = checklists.for_ticket(self.desk, {**fields, **more}, lists=lists)
        ticket = registration.create(
            self.desk, {**fields, **more}, _CONTEXT, self.desk.now, items=items, part_of=self.parent.id
        )
        if part.reversal and service.hand_in and self.parent.state not in ENDED_STATES:
            words = _HAND_IN.get(self.desk.rulebook.organisation.language, _HAND_IN["en"])
            item = checklists.Item(f"{words}: {service.name}", list="hand-in", other=ticket.id)
            checklists.add(self.desk, self.parent.id, [item], change=self.change.id)
        return ticket

    def _keep(self, part: Part, ticket: Ticket) -> None:
        due_at = self._due(part)
        if ticket.agreed_due != due_at:
            if staff.started(ticket):
                self.remarks.append(f"SD-{ticket.id} ({ticket.summary}) is begun: its deadline stays")
            else:
                ticket = self._apply(ticket, "replan", {"fields": {"agreed_due": due_at}})
        text, until = self._obstacle(part)
        if text and not staff.started(ticket):
            if not staff.held_up(ticket) or ticket.waiting_for != text or ticket.waiting_until != until:
                ticket = self._apply(ticket, "hold", {"text": text, "until": until})
        elif not text and staff.held_up(ticket):
            ticket = self._apply(ticket, "resume", {})
        self.held[part] = ticket

    def _drop(self, part: Part, ticket: Ticket, asked: Collection[Part]) -> None:
        """Let go of a part that is not asked for any more."""
        service, back = self.services.get(part.service), Part(part.service, not part.reversal)
        undone = self.held.get(back)
        if ticket.state not in ENDED_STATES:
            if undone is not None and undone.id < ticket.id and back not in asked:
                return  # it undoes what was done for this change
            if staff.started(ticket):
                self.remarks.append(
                    f"SD-{ticket.id} ({ticket.summary}) is begun: stop it and undo what was done"
                )
            else:
                self.held[part] = self._apply(ticket, "cancel", {}, {"reason": self._reason()})
        elif ticket.resolved_at is not None and undone is None and service is not None and service.leave:
            self.held[back] = self._make(back)

    def _reason(self) -> str:
        if self.change.withdrawn_at is not None:
            return f"{self.lists.staff.hr} withdrew it"
        return f"no longer in the package of {staff.full_name(self.change.data)}"

    def _settle_parent(self) -> None:
        change, ticket = self.change, self.parent
        if ticket.state in ENDED_STATES:
            return
        owing = next((o for o in owed.open_of(self.desk.store, ticket.id) if o.origin == _ORIGIN), None)
        if change.withdrawn_at is not None:
            if owing is not None:
                owed.cancel(self.desk, owing.id, self._reason(), change=change.id)
            if all(part.state in ENDED_STATES for part in self.held.values()):
                self._apply(ticket, "cancel", {}, {"reason": self._reason()})
            return
        self._chase(self._replan_parent(ticket), owing)

    def _chase(self, ticket: Ticket, owing: owed.Owed | None) -> None:
        """Let HR owe exactly what is missing, until nothing is; who took the parent in hand decides."""
        desk, hr = self.desk, self.lists.staff.hr
        missing = ", ".join(name.replace("_", " ") for name in self.change.missing)
        party = parties.named(desk.store, hr, "internal")
        number, what = (party.id, missing) if party is not None else (None, f"{hr}: {missing}")
        context: dict[str, Any] = {"change": self.change.id}
        if owing is not None and not missing:
            owed.answer(desk, owing.id, **context)
        elif owing is not None:
            owed.restate(desk, owing.id, what, number, **context)
        elif missing and not staff.started(ticket):
            due_at = self._answer_due()
            owed.ask(desk, ticket.id, "internal", what, due_at, party=number, origin=_ORIGIN, **context)

    def _answer_due(self) -> int:
        """HR has three working days, but not longer than until the day itself."""
        term = self.calendar.add_days(self.desk.now, 3)
        begins = opening(self.calendar, date.fromisoformat(self.change.day)) if self.change.day else term
        return min(term, begins) if begins > self.desk.now else term

    def _replan_parent(self, ticket: Ticket) -> Ticket:
        change = self.change
        fields: Fields = {}
        due_at = opening(self.calendar, date.fromisoformat(change.day)) if change.day else None
        if ticket.agreed_due != due_at:
            fields["agreed_due"] = due_at
        summary = _summary(self.desk, change.kind, change.data)
        if ticket.summary != summary:
            fields["summary"] = summary
        return self._apply(ticket, "replan", {"fields": fields}) if fields else ticket

    def _apply(
        self, ticket: Ticket, verb: str, args: Mapping[str, Any], data: Mapping[str, Any] | None = None
    ) -> Ticket:
        return tickets.apply(
            self.desk, ticket.id, verb, args, data={"change": self.change.id, **(data or {})}
        )


def _waiting(text: str, until: int | None) -> Fields:
    """Return the fields of a ticket that cannot begin yet, as the verb `hold` sets them."""
    return {
        "state": "waiting",
        "waiting_on": "internal",
        "waiting_for": text,
        "waiting_until": until,
        "paused": 1,
    }


def disclose(desk: Desk, number: int, confidential: int) -> None:
    """Make the parts of a change confidential, or open, as their request is (inside a transaction)."""
    for part in staff.parts(desk.store, number):
        if part.confidential != confidential:
            fields = {"fields": {"confidential": confidential}}
            tickets.apply(desk, part.id, "disclose", fields, data={"change": number})


def followed(desk: Desk, ticket: Ticket) -> None:
    """Settle the change of a part that ended or opened again: others may have waited for it."""
    change = staff.of_part(desk.store, ticket.id)
    if change is not None:
        settle(desk, change)
