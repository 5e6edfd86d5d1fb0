"""Registering a ticket: one intake path, whatever the channel."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sdtool.desk import Desk, people, tickets
from sdtool.errors import Conflict, NotFound, UsageFault
from sdtool.rulebook import TYPES, find, routes_in_force
from sdtool.rules.lifecycle import Ticket
from sdtool.rules.priority import derive
from sdtool.rules.routing import Case, route
from sdtool.store.journal import Entry, append

if TYPE_CHECKING:
    from sdtool.desk.checklists import Item

LONGEST_SUMMARY = 500
LONGEST_TEXT = 100_000
REQUIRED = ("summary", "caller", "channel", "type", "category", "urgency")


class Report(NamedTuple):
    """What a customer reports: `caller` is a person's number; `at` epoch seconds, None for now."""

    summary: str
    caller: int | None
    channel: str
    type: str
    category: str
    urgency: str
    impact: str = ""
    description: str = ""
    at: int | None = None
    fmis_ref: str | None = None
    confidential: bool = False
    target_group: str = ""
    test: bool = False


def checked(desk: Desk, report: Report) -> Report:
    """Return the report with its defaults; every name must be in the rulebook.

    Raises:
        NotFound: the category is unknown, and nothing else is wrong.
        UsageFault: names are unknown, a text is empty, too long or cannot be kept, or `at` lies in the
            future; all of it is named.
    """
    book = desk.rulebook
    faults: list[str] = []
    people.check_text("summary", report.summary, faults, longest=LONGEST_SUMMARY)
    people.check_text("description", report.description, faults, longest=LONGEST_TEXT)
    if not report.summary.strip():
        faults.append("the summary is empty")
    if report.type not in TYPES:
        faults.append(f"the type must be one of {', '.join(TYPES)}, not {report.type!r}")
    if report.at is not None and report.at > desk.now:
        faults.append("a ticket cannot be registered in the future: --at lies after now")
    unknown = _unknown(desk, report)
    if list(unknown) == ["category"] and not faults:
        raise NotFound(unknown["category"])
    if faults or unknown:
        raise UsageFault("; ".join([*faults, *unknown.values()]))
    impact = report.impact or book.default_impact()
    return report._replace(impact=impact, summary=report.summary.strip())


def _unknown(desk: Desk, report: Report) -> dict[str, str]:
    """Return what is said of each name of a report that the rulebook does not know."""
    book, unknown = desk.rulebook, {}
    entries: dict[str, Any] = {"category": book.categories, "channel": book.channels}
    entries |= {"urgency": book.urgencies} | ({"impact": book.impacts} if report.impact else {})
    for what, known in entries.items():
        try:
            find(known, getattr(report, what), what)
        except NotFound as exc:
            unknown[what] = exc.message
    return unknown


def register(desk: Desk, report: Report, *, key: str | None = None) -> Ticket:
    """Register a report: priority, solver group, both deadlines, journal; return the ticket.

    With `key` (an idempotency key) the same report is registered once: repeating the call
    returns the first ticket, and another report under the same key is refused.
    """
    report = checked(desk, report)
    return desk.run(lambda: _once(desk, report, key) if key else _register(desk, report))


def _once(desk: Desk, report: Report, key: str) -> Ticket:
    from sdtool.desk import requests

    known = requests.asked(desk, key, report)
    if known is not None:
        return tickets.get(desk.store, int(known))
    ticket = _register(desk, report)
    requests.answered(desk, key, str(ticket.id))
    return ticket


def _register(desk: Desk, report: Report) -> Ticket:
    group = report.target_group or _target_group(desk, report.caller)
    opened = desk.now if report.at is None else report.at
    day = tickets.day_of(opened, desk.timezone)
    derived = derive(desk.rulebook, report.urgency, group, report.impact, day)
    text = f"{report.summary}\n{report.description}"
    case = Case(report.type, report.category, group, report.channel, derived.level, text)
    routed = route(routes_in_force(desk.rulebook.routes, day), case)
    fields: dict[str, Any] = {
        "fmis_ref": report.fmis_ref,
        "type": report.type,
        "summary": report.summary,
        "description": report.description,
        "state": "new",
        "caller": report.caller,
        "channel": report.channel,
        "category": report.category,
        "urgency": report.urgency,
        "impact": report.impact,
        "target_group": group,
        "priority": derived.level,
        "derived_priority": derived.level,
        "route": routed.rule,
        "group_key": routed.group,
        "confidential": int(report.confidential),
        "test": int(report.test),
        "registered_by": desk.actor,
        "opened_at": opened,
    }
    context = {"priority_reason": derived.reason, "route_reason": routed.reason}
    return create(desk, fields, context, opened)


_BLANK = Ticket(
    id=0,
    fmis_ref=None,
    type="",
    summary="",
    description="",
    state="",
    caller=None,
    channel="",
    category="",
    urgency="",
    impact="",
    target_group="",
    priority=0,
    derived_priority=0,
    override_reason="",
    route="",
    group_key="",
    agent="",
    confidential=0,
    registered_by="",
    opened_at=0,
    accepted_at=None,
    responded_at=None,
    resolved_at=None,
    closed_at=None,
    ended_at=None,
    escalated_at=None,
    hierarchical=0,
    contacts=0,
    escalations=0,
    reassignments=0,
    wrong_routings=0,
    reopens=0,
    waiting_on="",
    waiting_for="",
    waiting_until=None,
    paused=0,
    solution="",
    cause="",
    merged_into=None,
    respond_due=0,
    resolve_due=0,
    respond_target=0,
    resolve_target=0,
    agreed_due=None,
    service="",
    reversal=0,
    test=0,
    rev=0,
)


def blank() -> Ticket:
    """Return a ticket before its registration: the start of every replay of the journal."""
    return _BLANK


def create(
    desk: Desk,
    fields: dict[str, Any],
    context: dict[str, Any],
    at: int,
    *,
    items: "Sequence[Item] | None" = None,
    part_of: int | None = None,
) -> Ticket:
    """Write a new ticket with its deadlines, search text, checklist and journal row (in a transaction).

    It may begin on hold, and as part of another ticket. Without `items` it gets those of the rulebook's
    checklists whose conditions it meets (`checklists.for_ticket` adds others to these); with `items`
    exactly those.
    """
    reference = fields.get("fmis_ref")
    twin = tickets.by_reference(desk.store, reference) if reference else None
    if twin is not None:
        raise Conflict(f"reference {reference} is ticket {twin.id} already; `sd show {twin.id}` shows it")
    ticket = _BLANK._replace(**fields, id=desk.store.next_number("ticket"), rev=1)
    ticket = ticket._replace(**tickets.promised(desk, ticket, ()))
    desk.store.insert("ticket", ticket._asdict())
    tickets.move_clock(desk.store, _BLANK, ticket, at)
    if part_of is not None:
        context = {**context, "links": [["part-of", part_of]]}
        desk.store.insert("link", {"ticket": ticket.id, "kind": "part-of", "other": part_of})
    changed = {
        n: v for n, v in ticket._asdict().items() if v != getattr(_BLANK, n) and n not in ("id", "rev")
    }
    data = {**context, **_checklist(desk, ticket, items), "set": changed, "was": {}}
    append(desk.store, [Entry("ticket", ticket.id, "new", desk.actor, desk.source, at, data)])
    desk.store.index_text([(ticket.id, f"{ticket.summary}\n{ticket.description}")])
    return ticket


def _checklist(desk: Desk, ticket: Ticket, items: "Sequence[Item] | None") -> dict[str, Any]:
    """Give a new ticket its checklist; return what the journal keeps of it. Most tickets have none."""
    fitting = desk.rulebook.checklists_for(ticket.type, ticket.category, ticket.target_group)
    if not (fitting if items is None else items):
        return {}
    from sdtool.desk import checklists

    wanted = checklists.for_ticket(desk, ticket._asdict()) if items is None else items
    placed = checklists.place(desk, ticket.id, wanted, ticket.opened_at)
    return {"checklist": [item._asdict() for item in placed]}


def _target_group(desk: Desk, caller: int | None) -> str:
    return desk.rulebook.default_target_group() if caller is None else people.target_group(desk, caller)
