"""What waits for somebody past its day: owed feedback, onboardings, instructions to be reviewed."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Mapping, Sequence
from heapq import nsmallest
from typing import NamedTuple

from sdtool.desk import Desk
from sdtool.reports.scope import COUNTED
from sdtool.reports.seen import MOST, Eyes, Listed, confidential
from sdtool.rulebook.chasing import chasing
from sdtool.rules import ladder
from sdtool.store.base import Row

KINDS = ("customer", "supplier", "internal")
_NEVER = 1_000_000  # a step that no ladder has


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


class Unheard(NamedTuple):
    """Feedback that did not come after the hierarchical step: how much in all, and since when (None: none).

    `parties` are names, or kinds where none was named, who owes most first; `tickets` the longest overdue.
    """

    total: int
    since: int | None
    parties: tuple[str, ...]
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
_TOLD = (
    "owed.step >= case owed.kind when 'customer' then :customer when 'supplier' then :supplier"
    " else :internal end"
)
_BY_PARTY = (
    "select owed.kind, coalesce(owed.party, 0) as party, coalesce(party.name, '') as name, count(*) as n,"
    f" min(owed.due_at) as since, sum(case when {_TOLD} then 1 else 0 end) as told,"
    f" min(case when {_TOLD} then owed.due_at end) as told_since"
    f"{_FROM} group by owed.kind, owed.party, party.name"
)
_UNHEARD = (
    f"select owed.ticket, min(owed.due_at) as since{_FROM} and {_TOLD}"
    " group by owed.ticket order by 2, 1 limit :most"
)
_FOR = (
    f"select owed.ticket{_FROM} and owed.kind = :kind and coalesce(owed.party, 0) = :party"
    " order by owed.step desc, owed.due_at, owed.id limit :most"
)


def owing(desk: Desk) -> tuple[Listed[Owing], Unheard]:
    """List who owes overdue feedback: whose management was told already first, then by how much it is.

    Beside it stands what did not come although it was told, of all parties.
    """
    steps = {kind: _hierarchical(desk, kind) for kind in KINDS}
    rows = desk.store.query(_BY_PARTY, now=desk.now, **steps)
    listed = nsmallest(
        MOST, rows, key=lambda row: (not row["told"], -row["n"], row["since"], row["kind"], row["name"])
    )
    first = tuple(
        Owing(row["kind"], row["name"], row["n"], row["since"], row["told"] > 0, _tickets(desk, row))
        for row in listed
    )
    return Listed(len(rows), first), _unheard(desk, [row for row in rows if row["told"]], steps)


def _unheard(desk: Desk, rows: Sequence[Row], steps: Mapping[str, int]) -> Unheard:
    most = nsmallest(MOST, rows, key=lambda row: (-row["told"], row["told_since"], row["kind"], row["name"]))
    found = desk.store.query(_UNHEARD, now=desk.now, most=MOST, **steps) if rows else ()
    return Unheard(
        sum(row["told"] for row in rows),
        min((row["told_since"] for row in rows), default=None),
        tuple(dict.fromkeys(row["name"] or row["kind"] for row in most)),
        tuple(row["ticket"] for row in found),
    )


def _hierarchical(desk: Desk, kind: str) -> int:
    """Return the number of the first hierarchical step of a ladder, _NEVER when it has none."""
    steps = ladder.ladder(chasing(desk.rulebook).reminder_steps, kind)
    tones = [step.tone for step in steps]
    return tones.index("hierarchical") + 1 if "hierarchical" in tones else _NEVER


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


_PAST = " from article where state = 'active' and review_on < :before"


def articles(desk: Desk, eyes: Eyes, before: str) -> Listed[Article]:
    """List the instructions whose review date lies before a day (ISO), the longest first."""
    count = desk.store.value(f"select count(*){_PAST}", before=before)
    rows = desk.store.query(
        f"select id, title, owner, review_on{_PAST} order by review_on, id limit :most",
        before=before,
        most=MOST,
    )
    return Listed(
        count,
        tuple(Article(row["id"], row["title"], eyes.name(row["owner"]), row["review_on"]) for row in rows),
    )
