"""Working on tickets: each act gathers what its rule needs, and goes through `tickets.apply`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sdtool.desk import Desk, people, tickets
from sdtool.errors import Conflict, NotFound, Refused, UsageFault
from sdtool.rulebook import PARTIES, TYPES, find, require
from sdtool.rules.lifecycle import RETURN_REASONS, Ticket
from sdtool.rules.priority import derive

LONGEST_TEXT = 100_000
_AXES = {"urgency", "impact", "target_group"}  # what the priority is derived from
EDITABLE = (
    "summary",
    "description",
    "type",
    "category",
    "urgency",
    "impact",
    "channel",
    "fmis_ref",
    "cause",
    "confidential",
    "test",
)


def text_of(name: str, text: str, *, longest: int = LONGEST_TEXT) -> str:
    """Return a text to keep; UsageFault when it is empty, too long or cannot be kept."""
    faults: list[str] = []
    people.check_text(name, text, faults, longest=longest)
    if not text.strip():
        faults.append(f"the {name} is empty")
    if faults:
        raise UsageFault("; ".join(faults))
    return text.strip()


def each(desk: Desk, numbers: Sequence[int], verb: str, args: Mapping[str, Any], **more: Any) -> list[Ticket]:
    """Do one act on several tickets: all of them in one transaction, or none."""
    return desk.run(lambda: [tickets.apply(desk, number, verb, args, **more) for number in numbers])


def place(desk: Desk, text: str) -> tuple[str, str]:
    """Read `GROUP`, `GROUP/AGENT` or `/AGENT` as group and agent; the group must exist."""
    group, _, agent = text.partition("/")
    if not group and not agent:
        raise UsageFault(f"{text!r} names neither a group nor an agent; write GROUP, GROUP/AGENT or /AGENT")
    if group:
        desk.rulebook.group(group)
    return group, login(desk, agent) if agent else ""


def login(desk: Desk, text: str) -> str:
    """Return a login name as it is kept; `@me` is who acts."""
    name = desk.actor if text == "@me" else text
    if not name or len(name) > 64 or any(not (c.isalnum() or c in "._@-") for c in name):
        raise UsageFault(f"{text!r} is no login name")
    return name


def assign(desk: Desk, numbers: Sequence[int], to: str, *, if_rev: int | None = None) -> list[Ticket]:
    """Give tickets to `GROUP[/AGENT]`. A step to a higher line counts as functional escalation."""
    group, agent = place(desk, to)
    return each(desk, numbers, "assign", {"group": group, "agent": agent}, if_rev=if_rev)


def take(desk: Desk, numbers: Sequence[int], *, if_rev: int | None = None) -> list[Ticket]:
    """Take tickets in hand; Conflict when somebody else has one (`assign` moves it on purpose)."""

    def work() -> list[Ticket]:
        for number in numbers:
            holder = tickets.get(desk.store, number).agent
            if holder and holder != desk.actor:
                raise Conflict(
                    f"ticket {number} is with {holder} already",
                    hint=f"`sd assign {number} /@me` takes it over",
                )
        return each(desk, numbers, "take", {"agent": desk.actor}, if_rev=if_rev)

    return desk.run(work)


def note(desk: Desk, number: int, text: str, *, public: bool, if_rev: int | None = None) -> Ticket:
    """Add a note: internal, or to the customer; then it counts as an answer and is mailed."""
    body = text_of("note", text)
    # the mail is composed before the gate is taken: templates are slow
    from sdtool.desk import letters

    letter = letters.note(desk, tickets.get(desk.store, number), body) if public else None

    def work() -> Ticket:
        data = {"text": body, "public": public} | ({"mail": letter.message_id} if letter else {})
        after = tickets.apply(desk, number, "note", {"public": public}, data=data, if_rev=if_rev)
        if letter is not None:
            letters.queue(desk, number, "note", letter)
        return after

    return desk.run(work)


def wait(
    desk: Desk,
    numbers: Sequence[int],
    kind: str,
    text: str,
    until: int,
    *,
    party: str = "",
    if_rev: int | None = None,
) -> list[Ticket]:
    """Wait for a customer, a supplier or an internal service to give `text`, until a moment to come.

    It is owed from now on (`desk/owed.py`), by the caller or by `party`; a ticket may wait for several.
    Whether the clock stops meanwhile is agreed per kind in the rulebook.
    """
    from sdtool.desk import owed, parties

    if kind not in PARTIES:
        raise UsageFault(f"wait for one of {', '.join(PARTIES)}, not {kind!r}")
    if until <= desk.now:
        raise UsageFault("--until must lie in the future: it is when the answer is due")
    what = text_of("text of what is waited for", text, longest=500)

    def work() -> list[Ticket]:
        who = parties.owing(desk.store, kind, party) if party else None
        for number in numbers:
            owed.ask(desk, number, kind, what, until, party=who, if_rev=if_rev)
        return [tickets.get(desk.store, number) for number in numbers]

    return desk.run(work)


def pend(desk: Desk, numbers: Sequence[int], until: int, reason: str = "", **more: Any) -> list[Ticket]:
    """Put tickets off until a moment to come: off the work list, while their deadlines run on."""
    if until <= desk.now:
        raise UsageFault("--until must lie in the future: it is when the ticket comes back")
    text = text_of("reason", reason, longest=500) if reason else ""
    return each(desk, numbers, "pend", {"text": text, "until": until}, **more)


def escalate(desk: Desk, numbers: Sequence[int], group: str, reason: str, **more: Any) -> list[Ticket]:
    """Escalate functionally: another group can do what this one cannot; the reason is kept."""
    desk.rulebook.group(group)
    return each(
        desk, numbers, "escalate", {"group": group}, data={"reason": text_of("reason", reason)}, **more
    )


def escalate_up(desk: Desk, numbers: Sequence[int], reason: str, **more: Any) -> list[Ticket]:
    """Escalate hierarchically: management is told; the ticket stays where it is."""
    return each(desk, numbers, "escalate-up", {}, data={"reason": text_of("reason", reason)}, **more)


def return_(desk: Desk, numbers: Sequence[int], reason: str, text: str, **more: Any) -> list[Ticket]:
    """Return tickets to the first line for one of the agreed reasons; wrong-group counts as wrong routing."""
    if reason not in RETURN_REASONS:
        raise UsageFault(f"the reason must be one of {', '.join(RETURN_REASONS)}, not {reason!r}")
    first = next(group.key for group in desk.rulebook.groups if group.line == 1)
    data = {"reason": reason, "text": text}
    return each(desk, numbers, "return", {"group": first, "reason": reason}, data=data, **more)


def resolve(desk: Desk, numbers: Sequence[int], solution: str, cause: str = "", **more: Any) -> list[Ticket]:
    """Resolve tickets, all with one solution; refused while a sub-ticket is open."""
    if solution:
        solution = text_of("solution", solution)
    cause = text_of("cause", cause, longest=500) if cause else ""

    def work() -> list[Ticket]:
        done = []
        for number in sorted(numbers, key=lambda n: _depth(desk, n), reverse=True):
            args = {"solution": solution, "cause": cause}
            done.append(tickets.apply(desk, number, "resolve", args, **more))
        return sorted(done, key=lambda ticket: list(numbers).index(ticket.id))

    return desk.run(work)


def _depth(desk: Desk, number: int) -> int:
    """Return how many tickets this one is part of: sub-tickets close first."""
    sql = (
        "with recursive above (id) as (select cast(:id as bigint) union"
        " select link.other from link join above on link.ticket = above.id where link.kind = 'part-of')"
        " select count(*) from above"
    )
    return int(desk.store.value(sql, id=number))


def reopen(desk: Desk, numbers: Sequence[int], reason: str, **more: Any) -> list[Ticket]:
    """Open ended tickets again; their clock goes on where it stopped."""
    return each(desk, numbers, "reopen", {}, data={"reason": text_of("reason", reason)}, **more)


def cancel(desk: Desk, numbers: Sequence[int], reason: str, **more: Any) -> list[Ticket]:
    """Cancel tickets that should not have been made; no KPI counts them."""
    return each(desk, numbers, "cancel", {}, data={"reason": text_of("reason", reason)}, **more)


def edit(desk: Desk, number: int, given: Mapping[str, Any], *, priority: int | None = None, reason: str = "",
         if_rev: int | None = None) -> Ticket:  # fmt: skip
    """Change what was registered; the priority follows from it, unless it is overridden with a reason.

    `given` holds fields of EDITABLE and `caller` (a person's number). `priority` overrides the derived
    one; 0 takes an override away. A routing rule is not asked again: `assign` moves a ticket. The parts of a
    change of staff are confidential, or open, as it is.
    """

    def work() -> Ticket:
        ticket = tickets.get(desk.store, number)
        tickets.require_readable(desk, ticket)
        fields = _edited(desk, ticket, given)
        if "confidential" in fields:
            from sdtool.desk import staff_tickets

            staff_tickets.disclose(desk, number, fields["confidential"])
        if priority is not None or _AXES & fields.keys():
            fields |= _priority(desk, ticket._replace(**fields), priority, reason)
        if all(getattr(ticket, name) == value for name, value in fields.items()):
            tickets.require_rev(ticket, if_rev)
            return ticket
        data = {"reason": reason} if reason else {}
        return tickets.apply(desk, number, "edit", {"fields": fields}, data=data, if_rev=if_rev)

    return desk.run(work)


def _edited(desk: Desk, ticket: Ticket, given: Mapping[str, Any]) -> dict[str, Any]:
    fields = dict(given)
    _require_known(desk, fields)
    if "summary" in fields:
        fields["summary"] = text_of("summary", fields["summary"], longest=500)
    if fields.get("description"):
        fields["description"] = text_of("description", fields["description"])
    if fields.get("cause"):
        fields["cause"] = text_of("cause", fields["cause"], longest=500)
    if "fmis_ref" in fields:
        fields["fmis_ref"] = _free_reference(desk, ticket, fields["fmis_ref"])
    if "caller" in fields:
        fields["target_group"] = people.target_group(desk, fields["caller"])
    return fields


def _require_known(desk: Desk, fields: Mapping[str, Any]) -> None:
    book = desk.rulebook
    if "category" in fields:
        find(book.categories, fields["category"], "category")
    for name, entries in (("urgency", book.urgencies), ("impact", book.impacts), ("channel", book.channels)):
        if name in fields:
            require(entries, fields[name], name)
    if fields.get("type", "incident") not in TYPES:
        raise UsageFault(f"the type must be one of {', '.join(TYPES)}, not {fields['type']!r}")


def _free_reference(desk: Desk, ticket: Ticket, reference: str) -> str | None:
    """Return a reference to keep; an empty one takes it away, one of another ticket is refused."""
    if not reference.strip():
        return None
    reference = text_of("FMIS reference", reference, longest=100)
    twin = tickets.by_reference(desk.store, reference)
    if twin is not None and twin.id != ticket.id:
        raise Conflict(f"reference {reference} is ticket {twin.id} already")
    return reference


def _priority(desk: Desk, ticket: Ticket, priority: int | None, reason: str) -> dict[str, Any]:
    """Derive the priority anew; an override stays visible beside it until it is taken away."""
    day = tickets.day_of(ticket.opened_at, desk.timezone)
    derived = derive(desk.rulebook, ticket.urgency, ticket.target_group, ticket.impact, day).level
    if priority == 0:
        return {"derived_priority": derived, "priority": derived, "override_reason": ""}
    if priority is None:
        effective = ticket.priority if ticket.override_reason else derived
        return {"derived_priority": derived, "priority": effective}
    if priority not in [p.level for p in desk.rulebook.priorities]:
        raise NotFound(f"there is no priority {priority} in the rulebook")
    if not reason.strip():
        raise Refused(f"overriding the priority of ticket {ticket.id} needs a reason: add --reason …")
    return {
        "derived_priority": derived,
        "priority": priority,
        "override_reason": text_of("reason", reason, longest=500),
    }


def close_due(desk: Desk) -> list[Ticket]:
    """Close every resolved ticket whose customer's term has passed; asked twice, it closes nothing twice.

    One whose checklist was opened again since, with an item that is another ticket, stays resolved.
    """
    from sdtool.desk import calendars

    calendar = calendars.own(desk, desk.now - 400 * 86400)
    seconds, days = desk.rulebook.closing.customer_term
    closed = []
    rows = desk.store.query(
        "select id, resolved_at from ticket where state = 'resolved' order by resolved_at, id"
    )
    for row in rows:
        resolved = int(row["resolved_at"])
        ends = calendar.add_days(resolved, days) if days else calendar.add(resolved, seconds)
        if ends <= desk.now and not tickets.open_items(desk.store, row["id"]):
            closed.append(tickets.apply(desk, row["id"], "close", at=ends))
    return closed
