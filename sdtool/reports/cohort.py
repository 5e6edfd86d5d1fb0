"""What happened in a period: each ticket resolved or closed in it read once, counted and measured.

Cancelled, merged and test tickets are counted apart. Tickets come in slices: only the durations stay in
memory.

What is planned for a day (`agreed_due`, the tickets of a change of staff) is judged on that deadline alone:
made weeks ahead, on hold until it can begin, it says nothing of the first line, of times and of waiting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple

from sdtool.reports.clocks import Clocks
from sdtool.reports.scope import COUNTED, Scope
from sdtool.reports.tally import Tally
from sdtool.rulebook import Rulebook
from sdtool.rules.deadline import Pause, elapsed
from sdtool.rules.worktime import Calendar
from sdtool.store.base import Row, Store

SLICE = 5_000  # tickets read at a time
CONTACT_CHANNELS = frozenset(("phone", "mail", "counter"))

# one row of counts, or with `_EACH` one of every ticket
_OPENED = f"""
    select min(id) as id, count(case when {COUNTED} then 1 end) as opened,
        count(case when test = 1 then 1 end) as test
    from ticket where opened_at >= :start and opened_at < :end /* scope */
"""  # noqa: S608 (a constant)
_LEFT_OUT = """
    select min(id) as id, count(case when state = 'cancelled' then 1 end) as cancelled,
        count(case when state = 'merged' then 1 end) as merged
    from ticket
    where ended_at >= :start and ended_at < :end and state in ('cancelled', 'merged') and test = 0 /* scope */
"""
_EACH = " group by id"
_RESOLVED = f"""
    select id, type, priority, channel, category, group_key, opened_at, accepted_at, responded_at,
        resolved_at, escalated_at, contacts, escalations, wrong_routings, reopens, respond_due, resolve_due,
        agreed_due, service
    from ticket
    where resolved_at >= :start and resolved_at < :end and (resolved_at > :start or id > :after)
        and {COUNTED} /* scope */
    order by resolved_at, id limit :size
"""  # noqa: S608 (a constant)
# cross join: first the tickets, then their pauses; a planner without statistics may turn it round
_PAUSES = """
    select pause.ticket, pause.start_at, pause.end_at, pause.party
    from ticket cross join pause
    where pause.ticket = ticket.id and ticket.resolved_at >= :first and ticket.resolved_at <= :last
        and pause.start_at < ticket.resolved_at
"""
_CLOSED = f"""
    select id, opened_at, closed_at, reopens, reassignments, agreed_due,
        case when caller is not null and category <> '' and solution <> ''
            and (cause <> '' or type <> 'incident') then 1 else 0 end as complete
    from ticket
    where closed_at >= :start and closed_at < :end and (closed_at > :start or id > :after)
        and {COUNTED} /* scope */
    order by closed_at, id limit :size
"""  # noqa: S608 (a constant)


def count(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    """Count and measure the tickets opened, resolved, closed, cancelled and merged in a period."""
    for sql, names in ((_OPENED, ("opened", "test")), (_LEFT_OUT, ("cancelled", "merged"))):
        each = _EACH if tally.traced else ""
        for row in store.query(scope.narrowed(sql) + each, **scope.bounds):
            for name in names:
                tally.add(name, row[name], row["id"])
    _count_resolved(store, clocks, scope, tally)
    _count_closed(store, scope, tally)


# --- Resolved in the period


class Case(NamedTuple):
    """A resolved ticket, as far as the figures need it."""

    id: int
    type: str
    priority: int
    channel: str
    category: str
    group_key: str
    opened_at: int
    accepted_at: int | None
    responded_at: int | None
    resolved_at: int
    escalated_at: int | None
    contacts: int
    escalations: int
    wrong_routings: int
    reopens: int
    respond_due: int
    resolve_due: int
    agreed_due: int | None
    service: str


class Outcome(NamedTuple):
    """How a case ended; tickets that ended alike are counted together. In time or not None: not judged."""

    priority: int
    category: str
    planned: bool
    solved_in_time: bool | None
    in_time: bool | None
    escalated: bool
    first_line: bool
    wrongly_routed: bool
    contactable: bool
    first_contact: bool


Timed = list[tuple[Case, Calendar]]
Stood = dict[int, list[Pause]]
_COLUMNS = itemgetter(*Case._fields)


def _count_resolved(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    desk, outcomes = _Desk(clocks.rulebook), Counter[Outcome]()
    for rows in slices(store, scope.narrowed(_RESOLVED), "resolved_at", **scope.bounds):
        cases = [Case._make(_COLUMNS(row)) for row in rows]
        timed = [(case, clocks.of(case.type, case.priority, case.opened_at)) for case in cases]
        stood = _pauses(store, cases[0].resolved_at, cases[-1].resolved_at)
        asked = [(case, calendar) for case, calendar in timed if case.agreed_due is None]
        _measure_steps(asked, tally)
        _measure_resolution(asked, stood, tally)
        ended = ((case.id, desk.outcome(case, clock, stood.get(case.id, ()))) for case, clock in timed)
        if tally.traced:
            for number, outcome in ended:
                _add(outcome, 1, desk, tally, number)
        else:
            outcomes.update(outcome for _, outcome in ended)
    for outcome, tickets in outcomes.items():
        _add(outcome, tickets, desk, tally)


def slices(
    store: Store, sql: str, moment: str, start: int | str, end: int | str, **values: Any
) -> Iterator[Sequence[Row]]:
    """Read a cohort in order of its moment (or day, as ISO text) and id, SLICE rows at a time."""
    after = -1
    while rows := store.query(sql, start=start, end=end, after=after, size=SLICE, **values):
        yield rows
        start, after = rows[-1][moment], rows[-1]["id"]


def _pauses(store: Store, first: int, last: int) -> Stood:
    found: Stood = {}
    for row in store.query(_PAUSES, first=first, last=last):
        found.setdefault(row["ticket"], []).append(Pause(row["start_at"], row["end_at"], row["party"]))
    return found


def _measure_steps(timed: Timed, tally: Tally) -> None:
    """Measure the way to each step that was registered."""
    steps = (("accept", "accepted_at"), ("response", "responded_at"), ("escalate", "escalated_at"))
    for series, step in steps:
        at = attrgetter(step)
        reached = [
            (case.id, case.opened_at, at(case), clock) for case, clock in timed if at(case) is not None
        ]
        tickets = [number for number, *_ in reached]
        tally.measure(
            f"{series}_working", (clock.between(start, end) for _, start, end, clock in reached), tickets
        )
        if series != "escalate":
            tally.measure(f"{series}_elapsed", (end - start for _, start, end, _ in reached), tickets)


def _measure_resolution(timed: Timed, stood: Stood, tally: Tally) -> None:
    tickets = [case.id for case, _ in timed]
    gross = [clock.between(case.opened_at, case.resolved_at) for case, clock in timed]
    net = list(gross)
    for place, (case, clock) in enumerate(timed):
        pauses = stood.get(case.id)
        if pauses:
            net[place] = elapsed(clock, case.opened_at, case.resolved_at, pauses)
            _count_waiting(case, clock, pauses, tally)
    tally.measure("resolve_elapsed", (case.resolved_at - case.opened_at for case, _ in timed), tickets)
    tally.measure("resolve_gross_working", gross, tickets)
    tally.measure("resolve_working", net, tickets)
    tally.sums("gross", [max(seconds, 0) for seconds in gross], tickets)


def _count_waiting(case: Case, clock: Calendar, pauses: Sequence[Pause], tally: Tally) -> None:
    for start, end, party in pauses:
        if party:
            last = case.resolved_at if end is None else min(end, case.resolved_at)
            waited = max(clock.between(max(start, case.opened_at), last), 0)
            tally.sum("waited", waited, case.id)
            tally.sum(f"waited_{party}", waited, case.id)


class _Desk:
    """What the rulebook says about first contact, looked up once."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.channels = CONTACT_CHANNELS | {c.key for c in rulebook.channels if c.live}
        self.first_line = {g.key for g in rulebook.groups if g.line == 1}
        self.beyond = {c.key for c in rulebook.categories if not c.first_line}
        self.seconds, self.days = rulebook.closing.first_contact

    def outcome(self, case: Case, clock: Calendar, pauses: Sequence[Pause]) -> Outcome:
        """Judge one case; a first step that was not registered (an import) is not judged.

        Nor is when the parent request of a change of staff ended, after the day itself: its parts are.
        """
        planned = case.agreed_due is not None
        steps = [at for at in (case.accepted_at, case.responded_at) if at is not None and not planned]
        contactable = case.channel in self.channels and not planned
        return Outcome(
            case.priority,
            case.category,
            planned,
            in_time(case.resolve_due, case.resolved_at, clock) if case.service or not planned else None,
            in_time(case.respond_due, min(steps), clock) if steps else None,
            case.escalations > 0,
            not planned and case.escalations == 0 and case.group_key in self.first_line,
            case.escalations > 0 and case.wrong_routings > 0,
            contactable,
            contactable and self._alone(case, pauses) and self._at_once(case, clock),
        )

    def _alone(self, case: Case, pauses: Sequence[Pause]) -> bool:
        # a ticket reopened within five days either stands open, or was not resolved at its first contact
        untouched = not (case.contacts or case.escalations or case.reopens)
        return untouched and case.group_key in self.first_line and not any(p.party for p in pauses)

    def _at_once(self, case: Case, clock: Calendar) -> bool:
        if self.days:
            return bool(case.resolved_at <= clock.add_days(case.opened_at, self.days))
        return clock.between(case.opened_at, case.resolved_at) <= self.seconds


def in_time(due: int, at: int, clock: Calendar) -> bool:
    """Tell whether what was due was done by then: closing time and the next opening are the same instant."""
    return at <= due or clock.between(due, at) <= 0


def _add(outcome: Outcome, tickets: int, desk: _Desk, tally: Tally, ticket: int | None = None) -> None:
    """Count `tickets` cases that ended alike, or this one."""
    add, level = partial(tally.add, ticket=ticket), f"_p{outcome.priority}"
    add("resolved", tickets)
    add("asked", tickets * (not outcome.planned))
    if outcome.solved_in_time is not None:
        category = tally.categories[outcome.category]
        category["resolve_due"] += tickets
        category["resolve_met"] += tickets * outcome.solved_in_time
    for end in ("", level):
        add("resolve_due" + end, tickets * (outcome.solved_in_time is not None))
        add("resolve_met" + end, tickets * bool(outcome.solved_in_time))
        add("respond_due" + end, tickets * (outcome.in_time is not None))
        add("respond_met" + end, tickets * bool(outcome.in_time))
    add("escalated", tickets * outcome.escalated)
    add("by_first_line", tickets * outcome.first_line)
    add("wrongly_routed", tickets * outcome.wrongly_routed)
    for end, counted in (("", True), ("_net", outcome.category not in desk.beyond)):
        add("contactable" + end, tickets * (outcome.contactable and counted))
        add("first_contact" + end, tickets * (outcome.first_contact and counted))


# --- Closed in the period


def _count_closed(store: Store, scope: Scope, tally: Tally) -> None:
    for rows in slices(store, scope.narrowed(_CLOSED), "closed_at", **scope.bounds):
        asked = [row for row in rows if row["agreed_due"] is None]
        numbers, changes = [row["id"] for row in rows], [row["reassignments"] for row in rows]
        tally.each("closed", numbers)
        tally.each("closed_or_undone", numbers)
        tally.each("closed_asked", [row["id"] for row in asked])
        tally.each("closed_reopened", [row["id"] for row in rows if row["reopens"] > 0])
        tally.each("registered_well", [row["id"] for row in rows if row["complete"]])
        tally.sums("reassignments", changes, numbers)
        tally.each("reassigned", [row["id"] for row in rows if row["reassignments"] >= 1])
        tally.each("bounced", [row["id"] for row in rows if row["reassignments"] >= 2])
        lasted = (row["closed_at"] - row["opened_at"] for row in asked)
        tally.measure("close_elapsed", lasted, [row["id"] for row in asked])
