"""Which tickets and problems break a rule of their process: open ones, and those that ended lately.

Reads only. Open tickets come a solver group at a time, those that ended some at a time; each slice is found
by an index, with what its rules need beside it, so that only the findings stay in memory.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.desk import Desk, calendars, queue, tickets, updates
from sdtool.desk.registration import blank
from sdtool.errors import BadSetup, NotFound
from sdtool.reports.clocks import Clocks
from sdtool.rulebook.chasing import Update
from sdtool.rulebook.sheet import Process, sheet
from sdtool.rules.demands import Agreed, Case, Did, Problem
from sdtool.rules.process import FAULT, LEVELS, RULES, WARNING, Finding, Rule, chosen, judge
from sdtool.store.base import Row, Store
from sdtool.store.journal import data_of

SLICE = 2_000  # ended tickets read at a time
LATELY = 7 * 86_400  # how long what ended is looked at, unless somebody asks for longer

_FIELDS = """
    select ticket.id, ticket.type, ticket.state, ticket.priority, ticket.derived_priority,
        ticket.override_reason, ticket.category, ticket.target_group, ticket.group_key, ticket.agent,
        ticket.opened_at, ticket.accepted_at, ticket.responded_at, ticket.resolved_at, ticket.ended_at,
        ticket.waiting_on, ticket.waiting_until, ticket.paused, ticket.respond_due, ticket.resolve_due,
        case when ticket.solution = '' then 0 else 1 end as solved,
        case when ticket.cause = '' then 0 else 1 end as explained,
        case when ticket.agreed_due is not null or ticket.service <> '' or staff_change.id is not null
            then 1 else 0 end as planned,
        case when coalesce(person.mail, '') <> '' or coalesce(person.phone, '') <> ''
            then 1 else 0 end as reachable,
        ticket.summary, ticket.confidential, ticket.registered_by
    from ticket left join person on person.id = ticket.caller
        left join staff_change on staff_change.id = ticket.id
"""
_COUNTS = "ticket.test = 0 and ticket.state not in ('cancelled', 'merged')"
# the predicate of open tickets is spelled as in the partial index
_OPEN = f"ticket.ended_at is null and ticket.group_key = :group and {_COUNTS}"
_ENDED = f"ticket.ended_at >= :first and ticket.ended_at <= :last and {_COUNTS}"
_GROUPS = "select distinct group_key from ticket where ended_at is null order by group_key"
_TICKETS_OPEN = f"{_FIELDS} where {_OPEN} order by ticket.id"
_TICKETS_ENDED = f"""{_FIELDS}
    where ticket.ended_at >= :start and (ticket.ended_at > :start or ticket.id > :after)
        and (:group = '' or ticket.group_key = :group) and {_COUNTS}
    order by ticket.ended_at, ticket.id limit :size
"""
_EVENTS = """
    select event.id, event.subject, event.verb, event.at, event.source, event_data.data
    from ticket cross join event left join event_data on event_data.event = event.id
    where event.kind = 'ticket' and event.subject = ticket.id and event.verb <> 'reschedule' and {}
    order by event.id
"""
_OWED = """
    select owed.ticket from ticket cross join owed
    where owed.ticket = ticket.id and owed.state = 'open' and {}
"""
_WHOLES = """
    select link.ticket, whole.id, whole.ended_at
    from ticket cross join link join ticket whole on whole.id = link.other
    where link.ticket = ticket.id and link.kind = 'part-of' and whole.ended_at is not null and {}
    order by whole.id
"""
_ENDED_PROBLEMS = """
    select problem_ticket.ticket, problem.id, problem.ended_at
    from ticket cross join problem_ticket join problem on problem.id = problem_ticket.problem
    where problem_ticket.ticket = ticket.id and problem.ended_at is not null and {} order by problem.id
"""
_SKIPPED = """
    select item.ticket, max(item.done_at) as at from ticket cross join checklist_item item
    where item.ticket = ticket.id and item.state = 'skipped' and item.mandatory = 1 and {}
    group by item.ticket
"""
_BESIDE = (_EVENTS, _OWED, _WHOLES, _ENDED_PROBLEMS, _SKIPPED)
_BESIDE_OPEN = tuple(sql.format(_OPEN) for sql in _BESIDE)
_BESIDE_ENDED = tuple(sql.format(_ENDED) for sql in _BESIDE)
_DECLARED = """
    select ticket.id, ticket.type, ticket.priority, ticket.opened_at, major.declared_at, major.update_every,
        (select max(event.at) from event where event.kind = 'ticket' and event.subject = major.id
            and event.verb = 'reopen') as reopened_at
    from major cross join ticket
    where ticket.id = major.id and major.revoked_at is null and ticket.ended_at is null order by ticket.id
"""
_PROBLEMS = """
    select id, title, owner, state, workaround, cause, opened_at, ended_at from problem
    where ended_at is null order by id
"""
_ORDER = {level: place for place, level in enumerate(LEVELS)}
_KEPT = ("assign", "escalate", "escalate-up", "return", "reopen", "note", "wait", "pend", "resolve", "edit")


class Wanted(NamedTuple):
    """What is asked for: rules of a process, one rule, a group; "" is all. `since` is about what ended."""

    process: str = ""
    rule: str = ""
    group: str = ""
    since: int = 0
    levels: tuple[str, ...] = LEVELS


def findings(desk: Desk, wanted: Wanted) -> list[Finding]:
    """Return what breaks a rule now: gravest first, then by priority, then what is so longest.

    Raises:
        NotFound: there is no such rule.
        BadSetup: the rulebook switches off a rule that does not exist.
    """
    terms = sheet(desk.rulebook).process
    rules = _rules(terms, wanted)
    found = list(_judged(desk, terms, rules, wanted))
    found.sort(key=lambda one: (_ORDER[one.rule.level], priority_of(one), one.since, one.case.id))
    return found


def own(desk: Desk, groups: Sequence[str]) -> list[Finding]:
    """Return what the actor should mend: own tickets and problems, and tickets nobody has in `groups`.

    What is closed is not among it: nothing there can be mended any more.
    """
    wanted = Wanted(since=desk.now - LATELY, levels=(FAULT, WARNING))
    mine = []
    for one in findings(desk, wanted):
        case = one.case
        if isinstance(case, Problem):
            take = case.owner == desk.actor
        else:
            unowned = not case.agent and case.group_key in groups and case.ended_at is None
            take = case.state != "closed" and (case.agent == desk.actor or unowned)
        mine += [one] * take
    return mine


def priority_of(finding: Finding) -> int:
    """Return the priority of a ticket; a problem, which has none, comes after them."""
    return finding.case.priority if isinstance(finding.case, Case) else 99


def text_of(desk: Desk, case: Case | Problem) -> str:
    """Return what a ticket or problem is about, hidden from who may not read it."""
    if isinstance(case, Problem):
        return case.title
    return case.summary if readable(desk, case._asdict()) else queue.HIDDEN


def readable(desk: Desk, row: Mapping[str, Any]) -> bool:
    """Tell whether the actor may read what a ticket is about."""
    if not row["confidential"]:
        return True
    asked = {name: row[name] for name in ("confidential", "registered_by", "agent", "group_key")}
    return tickets.may_read(desk, blank()._replace(**asked))


# --- Gather


def _rules(terms: Process, wanted: Wanted) -> list[Rule]:
    unknown = [key for key in terms.off if key not in RULES]
    if unknown:
        known = ", ".join(RULES)
        raise BadSetup(
            f"[process] off names rules that do not exist: {', '.join(unknown)}; known are {known}"
        )
    if wanted.rule and wanted.rule not in RULES:
        raise NotFound(f"there is no rule {wanted.rule!r}; known are {', '.join(RULES)}")
    picked = chosen(wanted.process, wanted.rule, terms.off)
    return [rule for rule in picked if rule.level in wanted.levels]


def _judged(desk: Desk, terms: Process, rules: list[Rule], wanted: Wanted) -> Iterator[Finding]:
    agreed = _agreed(desk, terms)
    if any(rule.process != ("problem",) for rule in rules):
        for case in _cases(desk, terms, wanted):
            yield from judge(case, agreed, rules)
    if any("problem" in rule.process for rule in rules) and not wanted.group:
        for row in desk.store.query(_PROBLEMS):
            yield from judge(Problem(**dict(row)), agreed, rules)


def _agreed(desk: Desk, terms: Process) -> Agreed:
    book = desk.rulebook
    return Agreed(
        desk.now,
        calendars.own(desk, 0),
        frozenset(category.key for category in book.categories),
        frozenset(terms.catch_all),
        frozenset(group.key for group in book.target_groups),
        terms.silent_after,
        terms.returned_often,
        terms.reopened_often,
        terms.unowned_problem_after,
        terms.stuck_problem_after,
    )


def _cases(desk: Desk, terms: Process, wanted: Wanted) -> Iterator[Case]:
    """Yield the open tickets, a solver group at a time, then those that ended since."""
    store = desk.store
    told = _told_by(desk, terms)
    updated = _updated_by(desk)
    for group in [row["group_key"] for row in store.query(_GROUPS)]:
        if wanted.group in ("", group):
            rows = store.query(_TICKETS_OPEN, group=group)
            for case in _filled(store, rows, _BESIDE_OPEN, {"group": group}):
                yield case._replace(told_by=told.get(case.id), update_by=updated.get(case.id))
    start, after = wanted.since, 0
    while rows := store.query(_TICKETS_ENDED, start=start, after=after, group=wanted.group, size=SLICE):
        first, start, after = rows[0]["ended_at"], rows[-1]["ended_at"], rows[-1]["id"]
        yield from _filled(store, rows, _BESIDE_ENDED, {"first": first, "last": start})


def _filled(
    store: Store, rows: Sequence[Row], beside: Sequence[str], values: Mapping[str, Any]
) -> Iterator[Case]:
    """Yield the tickets of a slice with what is beside them."""
    events, owed, wholes, problems, skipped = (store.query(sql, **values) for sql in beside)
    lives: dict[int, list[Row]] = {}
    for event in events:
        lives.setdefault(event["subject"], []).append(event)
    owing = {row["ticket"] for row in owed}
    whole = {row["ticket"]: (row["id"], row["ended_at"]) for row in wholes}
    problem = {row["ticket"]: (row["id"], row["ended_at"]) for row in problems}
    passed = {row["ticket"]: row["at"] for row in skipped}
    for row in rows:
        number, life = row["id"], lives.get(row["id"], [])
        yield Case(
            **dict(row),
            last_at=max((event["at"] for event in life), default=row["opened_at"]),
            owed=number in owing,
            whole=whole.get(number),
            problem=problem.get(number),
            skipped=passed.get(number),
            did=tuple(_did(life)),
        )


def _did(life: Sequence[Row]) -> Iterator[Did]:
    """Yield what was done to a ticket, without what was taken back."""
    kept = [(event, data_of(event["data"])) for event in life if event["verb"] in (*_KEPT, "undo")]
    undone = {data.get("undoes") for _, data in kept}
    for event, data in kept:
        if event["id"] not in undone and event["verb"] != "undo":
            set_, was = data.get("set", {}), data.get("was", {})
            move = (
                (was["group_key"], set_["group_key"]) if "group_key" in set_ and "group_key" in was else None
            )
            yield Did(
                event["verb"],
                event["at"],
                event["source"],
                move,
                higher="escalations" in set_,
                reason=bool(data.get("reason")) or event["data"] is None,  # erased: nobody can tell
                override=bool(set_.get("override_reason")),
            )


def _told_by(desk: Desk, terms: Process) -> dict[int, int]:
    """Return by when the customers of open tickets of the highest priority must hear something, by ticket."""
    top = min(level.level for level in desk.rulebook.priorities)
    entry = Update(terms.update_every, (top,))
    heard = updates.heard(desk.store, [entry])
    rows = desk.store.query(
        "select id, type, priority, opened_at, caller, service from ticket"
        " where ended_at is null and priority = :top and test = 0 order by id",
        top=top,
    )
    clocks, found = Clocks(desk.store, desk.rulebook), {}
    for row in rows:
        if updates.agreed([entry], row) is not None:
            calendar = clocks.of(row["type"], row["priority"], row["opened_at"])
            told = heard.get(row["id"], updates.NOTHING)
            found[row["id"]] = updates.promised(calendar, entry, row["opened_at"], told).due
    return found


def _updated_by(desk: Desk) -> dict[int, int]:
    """Return by when those struck by a major incident must hear of it, by ticket: in opening hours."""
    clocks, found = Clocks(desk.store, desk.rulebook), {}
    for row in desk.store.query(_DECLARED):
        entry = Update((row["update_every"], 0.0))
        told = updates.heard(desk.store, [entry], row["id"], row["id"]).get(row["id"], updates.NOTHING)
        since = max(row["declared_at"], row["reopened_at"] or 0, told.at or 0)
        calendar = clocks.of(row["type"], row["priority"], row["opened_at"])
        found[row["id"]] = calendar.add(since, row["update_every"])
    return found
