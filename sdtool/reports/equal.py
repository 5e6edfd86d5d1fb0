"""Equal treatment: like cases that did not get the same priority, or did not go to the same group.

Alike are cases of one type, category, target group, urgency and impact. Compared are the priority in force
and the group at registration. Where the rulebook leads to what a case got (a word, a channel, another version
of a matrix or a route) or a reason was given for it, the difference is explained. Reads only; counted in SQL
as far as the columns tell, some tickets at a time for the rest.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from sdtool.desk import Desk, queue, tickets
from sdtool.errors import SdError
from sdtool.reports.process import readable
from sdtool.rulebook import routes_in_force
from sdtool.rules.priority import derive
from sdtool.rules.routing import Case, route
from sdtool.store.base import Row, Store
from sdtool.store.journal import data_of

SLICE = 2_000  # tickets read at a time
# work for an agreed day goes where its support service is; what other systems decided is theirs
_COUNTS = """ticket.opened_at >= :start and ticket.opened_at < :end and ticket.test = 0
    and ticket.state not in ('cancelled', 'merged') and ticket.agreed_due is null and ticket.service = ''
    and ticket.fmis_ref is null"""
_LIKE = "ticket.type, ticket.category, ticket.target_group, ticket.urgency, ticket.impact"
_GROUPED = f"""
    select {_LIKE}, ticket.priority, ticket.group_key, count(*) as cases from ticket
    where {_COUNTS} and ticket.reassignments = 0
    group by {_LIKE}, ticket.priority, ticket.group_key
"""  # noqa: S608 (constants, here and below)
_TICKETS = f"""
    select ticket.id, {_LIKE}, ticket.priority, ticket.derived_priority, ticket.override_reason,
        ticket.group_key, ticket.reassignments, ticket.opened_at, ticket.confidential, ticket.registered_by,
        ticket.agent
    from ticket
    where {_COUNTS} and (ticket.opened_at > :start or ticket.id > :after) and ticket.reassignments >= :moved
    order by ticket.opened_at, ticket.id limit :size
"""  # noqa: S608
# cross join: first the tickets, then what they began as; a planner without statistics may turn it round
_BEGAN = """
    select event.subject, event_data.data from ticket cross join event
        left join event_data on event_data.event = event.id
    where event.kind = 'ticket' and event.subject = ticket.id and event.verb = 'new'
        and ticket.opened_at >= :first and ticket.opened_at <= :last and ticket.reassignments > 0
"""
_NEW = """
    select event_data.data from event left join event_data on event_data.event = event.id
    where event.kind = 'ticket' and event.subject = :id and event.verb = 'new'
"""


class Like(NamedTuple):
    """What makes cases alike."""

    type: str
    category: str
    target_group: str
    urgency: str
    impact: str


class Treated(NamedTuple):
    """Priority in force, and the solver group at registration."""

    priority: int
    group: str


class Odd(NamedTuple):
    """A case that was treated otherwise than most of its like.

    `cases` is how many are alike, `most` how many of them were treated as `usual`. `differs` names priority,
    group or both; `why` is what explains it. It is `explained` when each difference is.
    """

    like: Like
    cases: int
    most: int
    usual: Treated
    id: int
    treated: Treated
    differs: tuple[str, ...]
    opened_at: int
    explained: bool
    why: str


class Share(NamedTuple):
    """How many cases had like ones enough to compare, and how many were treated as most of their like."""

    cases: int
    alike: int


def tally(store: Store, start: int, end: int) -> dict[Like, Counter[Treated]]:
    """Count how like cases were treated that came in from `start` up to, but not on, `end`."""
    found: dict[Like, Counter[Treated]] = {}
    for row in store.query(_GROUPED, start=start, end=end):
        found.setdefault(_like(row), Counter())[Treated(row["priority"], row["group_key"])] += row["cases"]
    for row, treated in _treated(store, start, end, moved=1):
        found.setdefault(_like(row), Counter())[treated] += 1
    return found


def usual(treated: Counter[Treated]) -> tuple[Treated, int]:
    """Return how most were treated, and how many; of equal numbers the lower priority."""
    return min(treated.items(), key=lambda one: (-one[1], -one[0].priority, one[0].group))


def share(found: dict[Like, Counter[Treated]], least: int) -> Share:
    """Return the share of cases treated as most of their like, among those of which there are `least`."""
    compared = [treated for treated in found.values() if treated.total() >= least]
    return Share(sum(one.total() for one in compared), sum(usual(one)[1] for one in compared))


def exceptions(
    desk: Desk, found: dict[Like, Counter[Treated]], start: int, end: int, least: int
) -> Iterator[Odd]:
    """Yield the cases, oldest first, that were treated otherwise than most of at least `least` like ones."""
    compared = {like: treated for like, treated in found.items() if treated.total() >= least}
    varied = {
        like: (usual(treated), treated.total()) for like, treated in compared.items() if len(treated) > 1
    }
    for row, got in _treated(desk.store, start, end, moved=0):
        like = _like(row)
        if like not in varied:
            continue
        (most, count), cases = varied[like]
        differs = tuple(name for name in Treated._fields if getattr(got, name) != getattr(most, name))
        if differs:
            reasons = [_why(desk, row, got, name) for name in differs]
            why = "; ".join(filter(None, reasons))
            yield Odd(like, cases, count, most, row["id"], got, differs, row["opened_at"], all(reasons), why)


def _treated(store: Store, start: int, end: int, *, moved: int) -> Iterator[tuple[Row, Treated]]:
    """Yield tickets by when they came in, with how they were treated; only those that moved, or all.

    Where a ticket that moved went first is in the journal.
    """
    after = 0
    while rows := store.query(_TICKETS, start=start, end=end, after=after, moved=moved, size=SLICE):
        first, start, after = rows[0]["opened_at"], rows[-1]["opened_at"], rows[-1]["id"]
        began = {row["subject"]: row["data"] for row in store.query(_BEGAN, first=first, last=start)}
        for row in rows:
            group = row["group_key"]
            if row["reassignments"]:
                group = data_of(began.get(row["id"])).get("set", {}).get("group_key", group)
            yield row, Treated(row["priority"], group)


def _like(row: Row) -> Like:
    return Like(*(row[name] for name in Like._fields))


# --- Why


def _why(desk: Desk, row: Row, got: Treated, differs: str) -> str:
    """Return what explains that a case differs in priority or group; "" when nothing does."""
    return _why_priority(desk, row) if differs == "priority" else _why_group(desk, row, got)


def _why_priority(desk: Desk, row: Row) -> str:
    if row["priority"] != row["derived_priority"]:
        if not row["override_reason"]:
            return ""
        return f"overridden: {row['override_reason'] if readable(desk, row) else queue.HIDDEN}"
    day = tickets.day_of(row["opened_at"], desk.timezone)
    try:
        agreed = derive(desk.rulebook, row["urgency"], row["target_group"], row["impact"], day)
    except SdError:
        return ""
    return f"as the matrix of {day} says" if agreed.level == row["priority"] else ""


def _why_group(desk: Desk, row: Row, got: Treated) -> str:
    """Ask the routing rules of its day again, with what the ticket was when it was registered."""
    made = data_of(desk.store.value(_NEW, id=row["id"])).get("set", {})
    day = tickets.day_of(row["opened_at"], desk.timezone)
    text = f"{made.get('summary', '')}\n{made.get('description', '')}"
    try:
        case = Case(
            made["type"],
            made["category"],
            made["target_group"],
            made["channel"],
            made["derived_priority"],
            text,
        )
        routed = route(routes_in_force(desk.rulebook.routes, day), case)
    except (KeyError, SdError):  # it was erased, or the rulebook of today knows no way
        return ""
    if routed.group != got.group:
        return ""
    axes = ("type", "category", "target_group")
    edited = [f"{name} was {made[name]}" for name in axes if made[name] != row[name]]
    if not readable(desk, row):
        return f"route {queue.HIDDEN}"
    return ", ".join([f"route {routed.rule} ({routed.reason})", *edited])
