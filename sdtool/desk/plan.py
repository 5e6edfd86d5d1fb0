"""What to do now: least remaining working time in proportion to what was promised comes first."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Sequence
from typing import Any, NamedTuple

from sdtool.desk import Desk, tickets
from sdtool.rules.lifecycle import DESK, Ticket
from sdtool.store.base import Row

# candidates, or as many as are asked for, of each group, type and priority: within one of these the due
# moment decides
PER_CLASS = 5
MINE = 200
# the predicate of open tickets stands first and as in the index; a wait that is over is work again
_READY = (
    f"{tickets.OPEN}"
    " and (state <> 'waiting' or (paused = 0 and waiting_on <> 'desk') or waiting_until <= :now)"
)
_QUEUED = (
    f"select * from ticket where {_READY} and group_key = :group and type = :type"  # noqa: S608 (a constant)
    " and priority = :priority"
    " and agent = '' order by resolve_due, id limit :limit"
)
_MINE = (
    f"select * from ticket where {_READY} and agent = :agent"  # noqa: S608 (a constant)
    " order by resolve_due, id limit :limit"
)
# the state stands as in the partial index
_DUE = (
    "select id, ticket, kind, text, at from promise where state = 'open' and agent = :agent and at <= :now"
    " and ticket is not null order by at, id limit :limit"
)


class Step(NamedTuple):
    """A ticket to work on: `share` of the promised time that is left (negative: late), and why.

    `due` is the promise to a customer that is due for it: its number, and what the agent will be told.
    """

    ticket: Ticket
    share: float
    left: int
    promise: str
    now: int
    due: tuple[int, str] | None = None
    major: bool = False

    @property
    def reason(self) -> str:
        """In words: what was promised, or how much time is left; made only for the few that are shown."""
        ticket = self.ticket
        mark = "major incident; " if self.major else ""
        if self.due is not None:
            return mark + self.due[1]
        target = ticket.resolve_target if self.promise == "resolve" else ticket.respond_target
        return mark + _reason(ticket, self.promise, self.left, target, self.now)


def next_steps(desk: Desk, groups: Sequence[str], limit: int) -> list[Step]:
    """Return what the actor should do, first things first: own tickets, and what nobody has in `groups`.

    What the actor promised to do by now comes before all; the rest is ordered by remaining working time
    over target, then priority, then age.
    """
    promised = _promised(desk, limit)
    candidates = [t for t in _candidates(desk, groups, max(limit, PER_CLASS)) if t.id not in promised]
    known = [*(ticket for ticket, _ in promised.values()), *candidates]
    since = min([desk.now, *(ticket.opened_at for ticket in known)])
    first = [_step(desk, ticket, since)._replace(due=due) for ticket, due in promised.values()]
    steps = [_step(desk, ticket, since) for ticket in candidates]
    steps.sort(key=lambda s: (s.share, s.ticket.priority, s.ticket.opened_at, s.ticket.id))
    return _marked(desk, [*first, *steps][:limit])


def _marked(desk: Desk, steps: list[Step]) -> list[Step]:
    """Mark which of a few steps are for declared major incidents."""
    numbers = [step.ticket.id for step in steps]
    if not numbers:
        return steps
    sql = "select id from major where id between :low and :high and revoked_at is null"
    declared = {row["id"] for row in desk.store.query(sql, low=min(numbers), high=max(numbers))}
    return [step._replace(major=True) if step.ticket.id in declared else step for step in steps]


def _promised(desk: Desk, limit: int) -> dict[int, tuple[Ticket, tuple[int, str]]]:
    """Return the tickets for which the actor promised something by now, each with the first of that."""
    rows = desk.store.query(_DUE, agent=desk.actor, now=desk.now, limit=limit)
    found: dict[int, tuple[Ticket, tuple[int, str]]] = {}
    for row in rows:
        if row["ticket"] not in found:
            ticket = tickets.get(desk.store, row["ticket"])
            found[ticket.id] = (ticket, (row["id"], _said(desk, ticket, row)))
    return found


def _said(desk: Desk, ticket: Ticket, row: Row) -> str:
    from sdtool.desk import queue
    from sdtool.output import local

    moment = local(row["at"], desk.timezone)
    today = tickets.day_of(desk.now, desk.timezone) == moment[:10]
    what = "to call back" if row["kind"] == "callback" else "this"
    text = row["text"] if queue.may_see(desk, ticket) else queue.HIDDEN
    ended = f", the ticket is {ticket.state}" if ticket.ended_at is not None else ""
    return f"you promised {what} at {moment[11:] if today else moment}: {text} (promise {row['id']}{ended})"


def _candidates(desk: Desk, groups: Sequence[str], limit: int) -> list[Ticket]:
    rows: list[Row] = list(desk.store.query(_MINE, now=desk.now, agent=desk.actor, limit=MINE))
    for group in groups:
        for type_, priority in dict.fromkeys((t.type, t.priority) for t in desk.rulebook.targets):
            rows += desk.store.query(
                _QUEUED, now=desk.now, group=group, type=type_, priority=priority, limit=limit
            )
    return [Ticket(**dict(row)) for row in rows]


def _step(desk: Desk, ticket: Ticket, since: int) -> Step:
    from sdtool.desk import calendars

    day = tickets.day_of(ticket.opened_at, desk.timezone)
    key = desk.rulebook.target_on(ticket.type, ticket.priority, day).calendar
    calendar = calendars.load(desk.store, desk.rulebook, key, since)
    promises = [("resolve", ticket.resolve_due, ticket.resolve_target)]
    if ticket.accepted_at is None and ticket.responded_at is None:
        promises.append(("respond", ticket.respond_due, ticket.respond_target))
    left = {name: calendar.between(desk.now, due) for name, due, _ in promises}
    # of two promises of which the same share is left, the one that is due first
    share, _, name = min((left[name] / max(target, 1), left[name], name) for name, _, target in promises)
    return Step(ticket, share, left[name], name, desk.now)


def _reason(ticket: Ticket, promise: str, left: int, target: int, now: int) -> str:
    from sdtool.output import duration

    late = f"late: {duration(-left)} over the {duration(target)} to {promise}"
    if ticket.state == "waiting":
        stands = _waits(ticket, now)
        return f"{stands}, {late}" if left < 0 else f"{stands}: {duration(left)} left to {promise}"
    percent = round(100 * left / max(target, 1))
    return late if left < 0 else f"{duration(left)} of {duration(target)} left to {promise} ({percent} %)"


def _waits(ticket: Ticket, now: int) -> str:
    """Return what a ticket waits for, or that the wait is over."""
    if ticket.waiting_on == DESK:
        return "it was put off until now"
    over = ticket.waiting_until is not None and ticket.waiting_until <= now
    return f"the wait for the {ticket.waiting_on} is over" if over else f"waits for the {ticket.waiting_on}"


def _open_promises(desk: Desk, number: int, visible: bool) -> list[str]:
    from sdtool.output import local

    rows = desk.store.query(
        "select id, kind, agent, text, at from promise where ticket = :id and state = 'open' order by at, id",
        id=number,
    )
    return [
        f"{row['id']} {row['kind']} {local(row['at'], desk.timezone)} {row['agent']}"
        + (f": {row['text']}" if visible else "")
        for row in rows
    ]


def _owed(desk: Desk, ticket: Ticket, visible: bool) -> list[str]:
    if ticket.state != "waiting":
        return []
    from sdtool.desk import owed

    return owed.lines(desk, ticket.id, visible=visible)


def _major(desk: Desk, ticket: Ticket, visible: bool) -> str:
    if desk.store.one("select 1 as one from major where id = :id", id=ticket.id) is None:
        return ""
    from sdtool.desk import majors

    return majors.line(desk, ticket, visible=visible)


_ARTICLES = (
    "select article.id, article.title from article_use join article on article.id = article_use.article"
    " where article_use.ticket = :id order by article.id"
)


def _articles(desk: Desk, ticket: Ticket, visible: bool) -> list[str]:
    rows = desk.store.query(_ARTICLES, id=ticket.id) if visible else ()
    return [f"{row['id']} {row['title']}" for row in rows]


# cross join: first what the ticket is linked to, then that
_PROBLEMS = """
    select problem.id, problem.state, problem.title, problem.workaround
    from problem_ticket cross join problem
    where problem_ticket.ticket = :id and problem.id = problem_ticket.problem and problem.state <> 'cancelled'
    order by problem.id
"""


def _problems(desk: Desk, ticket: Ticket, visible: bool) -> list[str]:
    """Return the problems of a ticket, a known one with its workaround; only the state if not `visible`."""
    found = []
    for row in desk.store.query(_PROBLEMS, id=ticket.id):
        text = f"{row['id']} {row['state']}" + (f" {row['title']}" if visible else "")
        if visible and row["state"] == "known-error":
            text += f"; workaround: {' '.join(row['workaround'].split())}"
        found.append(text)
    return found


def _checklist(desk: Desk, ticket: Ticket) -> dict[str, int]:
    items, settled, held = tickets.tally(desk.store, ticket.id)
    return {"checklist_items": items, "checklist_settled": settled, "checklist_open": held}


def _beside(desk: Desk, ticket: Ticket, visible: bool) -> dict[str, Any]:
    return {
        "promises": _open_promises(desk, ticket.id, visible),
        "problems": _problems(desk, ticket, visible),
        "major": _major(desk, ticket, visible),
        "articles": _articles(desk, ticket, visible),
    }


_CALLER = ("caller", "caller_mail", "caller_phone", "department")


def _caller(desk: Desk, ticket: Ticket) -> dict[str, str]:
    from sdtool.desk import people

    if ticket.caller is None:
        return dict.fromkeys(_CALLER, "")
    person = people.get(desk.store, ticket.caller)
    known = (person.name, person.mail or "", person.phone or "", person.department)
    return dict(zip(_CALLER, known, strict=True))


def details(desk: Desk, ticket: Ticket) -> dict[str, Any]:
    """Return a ticket as `sd show` and `--format json` give it; moments in epoch seconds."""
    from sdtool.desk import links, queue

    visible = queue.may_see(desk, ticket)
    hidden = queue.HIDDEN
    return {
        "id": ticket.id,
        "summary": ticket.summary if visible else hidden,
        "state": ticket.state,
        "type": ticket.type,
        "priority": ticket.priority,
        "derived_priority": ticket.derived_priority,
        "override_reason": ticket.override_reason,
        "group": ticket.group_key,
        "agent": ticket.agent,
        "route": ticket.route,
        "respond_by": ticket.respond_due,
        "resolve_by": ticket.resolve_due,
        "late": queue.is_late(ticket, desk.now),
        **(_caller(desk, ticket) if visible else dict.fromkeys(_CALLER, hidden)),
        "channel": ticket.channel,
        "category": ticket.category,
        "urgency": ticket.urgency,
        "impact": ticket.impact,
        "target_group": ticket.target_group,
        **{flag: bool(getattr(ticket, flag)) for flag in ("confidential", "test")},
        "fmis_ref": ticket.fmis_ref or "",
        "registered_by": ticket.registered_by,
        "opened_at": ticket.opened_at,
        "accepted_at": ticket.accepted_at,
        "responded_at": ticket.responded_at,
        "resolved_at": ticket.resolved_at,
        "closed_at": ticket.closed_at,
        "waiting_on": ticket.waiting_on,
        "waiting_for": ticket.waiting_for if visible else hidden,
        "waiting_until": ticket.waiting_until,
        "owed": _owed(desk, ticket, visible),
        "escalations": ticket.escalations,
        "reassignments": ticket.reassignments,
        "reopens": ticket.reopens,
        "merged_into": ticket.merged_into,
        "links": [f"{row['ticket']} {row['kind']} {row['other']}" for row in links.of(desk.store, ticket.id)],
        **_checklist(desk, ticket),
        **_beside(desk, ticket, visible),
        "description": ticket.description if visible else hidden,
        "solution": ticket.solution if visible else hidden,
        "cause": ticket.cause if visible else hidden,
        "rev": ticket.rev,
    }
