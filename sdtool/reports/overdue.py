"""What waits for somebody past its day: owed feedback, onboardings, instructions to be reviewed."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from heapq import nsmallest
from typing import NamedTuple

from sdtool.desk import Desk, tickets
from sdtool.reports.scope import COUNTED
from sdtool.reports.seen import MOST, Eyes, Listed, confidential
from sdtool.rulebook.chasing import chasing
from sdtool.rules import ladder
from sdtool.store.base import Row


class Owing(NamedTuple):
    """Who owes overdue feedback: how much, since when, and for which tickets (a few of them).

    `hierarchical` tells that it did not come after the step of its ladder at which its own management was
    told. `party` is "" for customers, and where it was not named.
    """

    kind: str
    party: str
    total: int
    since: int
    hierarchical: bool
    tickets: tuple[int, ...]


class Onboarding(NamedTuple):
    """An onboarding that will not be ready: of `parts` `done` are done; `day` is ISO, "" unknown."""

    ticket: int
    name: str
    day: str
    days_left: int | None
    done: int
    parts: int


class Article(NamedTuple):
    """An instruction whose review date (ISO) is over."""

    article: int
    title: str
    owner: str
    review_on: str


_FROM = (
    " from owed join ticket on ticket.id = owed.ticket left join party on party.id = owed.party"
    f" where owed.state = 'open' and owed.due_at < :now and {COUNTED}"
)
_BY_PARTY = (
    "select owed.kind, coalesce(owed.party, 0) as party, coalesce(party.name, '') as name, count(*) as n,"
    " min(owed.due_at) as since, max(owed.step) as step"
    f"{_FROM} group by owed.kind, owed.party, party.name"
)
_FOR = (
    f"select owed.ticket{_FROM} and owed.kind = :kind and coalesce(owed.party, 0) = :party"
    " order by owed.step desc, owed.due_at, owed.id limit :most"
)


def owing(desk: Desk) -> Listed[Owing]:
    """List who owes overdue feedback: whose management was told already first, then by how much it is."""
    rows = desk.store.query(_BY_PARTY, now=desk.now)
    steps = {kind: _hierarchical(desk, kind) for kind in {row["kind"] for row in rows}}
    found = [(not 0 < steps[row["kind"]] <= row["step"], -row["n"], row["since"], row) for row in rows]
    first = nsmallest(MOST, found, key=lambda one: (*one[:3], one[3]["kind"], one[3]["name"]))
    return Listed(
        len(found),
        tuple(
            Owing(row["kind"], row["name"], -n, since, not early, _tickets(desk, row))
            for early, n, since, row in first
        ),
    )


def _hierarchical(desk: Desk, kind: str) -> int:
    """Return the number of the first hierarchical step of a ladder, 0 when it has none."""
    steps = ladder.ladder(chasing(desk.rulebook).reminder_steps, kind)
    return next((number for number, step in enumerate(steps, 1) if step.tone == "hierarchical"), 0)


def _tickets(desk: Desk, row: Row) -> tuple[int, ...]:
    found = desk.store.query(_FOR, now=desk.now, kind=row["kind"], party=row["party"], most=MOST)
    return tuple(dict.fromkeys(one["ticket"] for one in found))


def onboardings(desk: Desk, eyes: Eyes) -> Listed[Onboarding]:
    """List the onboardings that will not be ready, by day; without the names on confidential ones."""
    if desk.store.one("select 1 as one from staff_change limit 1") is None:
        return Listed(0, ())
    from sdtool.desk import staff_view  # it brings much with it

    late = [line for line in staff_view.status(desk, "onboarding") if line.standing == "late"]
    secret = confidential(desk.store, [line.id for line in late[:MOST]])
    return Listed(
        len(late),
        tuple(
            Onboarding(
                line.id,
                "" if line.id in secret else eyes.name(line.name),
                line.day,
                line.days_left,
                line.done,
                line.total,
            )
            for line in late[:MOST]
        ),
    )


_PAST = " from article where state = 'active' and review_on < :today"


def articles(desk: Desk, eyes: Eyes) -> Listed[Article]:
    """List the instructions that are past their review date, the longest first."""
    today = tickets.day_of(desk.now, desk.timezone)
    count = desk.store.value(f"select count(*){_PAST}", today=today)
    rows = desk.store.query(
        f"select id, title, owner, review_on{_PAST} order by review_on, id limit :most",
        today=today,
        most=MOST,
    )
    return Listed(
        count,
        tuple(Article(row["id"], row["title"], eyes.name(row["owner"]), row["review_on"]) for row in rows),
    )
