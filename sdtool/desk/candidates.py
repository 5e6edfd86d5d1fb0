"""Problem candidates: incidents that belong together and have no problem yet, with what they share."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sdtool.rulebook import Rulebook
from sdtool.rulebook.sheet import sheet
from sdtool.rules import recurrence
from sdtool.rules.recurrence import Alike, Evidence, Incident
from sdtool.store.base import Row, Store

SLICE = 5_000  # incidents read at a time
_FEWEST = 2  # incidents that are named: beside one alone, a hidden one would be told of
_INCIDENTS = """
    select ticket.id, ticket.category, ticket.group_key, ticket.summary, ticket.opened_at, ticket.caller,
        ticket.confidential, person.department, person.site
    from ticket left join person on person.id = ticket.caller
    where ticket.opened_at >= :start and ticket.opened_at <= :now
        and (ticket.opened_at > :start or ticket.id > :after) and ticket.type = 'incident'
        and ticket.state not in ('cancelled', 'merged') and ticket.test = 0
    order by ticket.opened_at, ticket.id limit :size
"""
# cross join: first the tickets, then what they are linked to; a planner without statistics may turn it round
_LINKED = """
    select problem_ticket.ticket, problem.id as problem, problem.state
    from ticket cross join problem_ticket cross join problem
    where ticket.opened_at >= :start and ticket.opened_at <= :now
        and problem_ticket.ticket = ticket.id and problem.id = problem_ticket.problem
    order by problem_ticket.ticket, problem.id
"""


class Candidate(NamedTuple):
    """Incidents that may have one cause; moments are epoch seconds.

    `tickets` are those without a problem, `confidential` how many more there are that nobody is told of.
    `problem` is the standing one that others of the cluster have already, 0 when there is none: then it is a
    problem to make. `evidence` is that of all of the cluster that may be shown; `title` are words they share.
    """

    title: str
    tickets: tuple[int, ...]
    confidential: int
    problem: int
    score: float
    evidence: Evidence

    @property
    def incidents(self) -> int:
        """How many incidents without a problem there are."""
        return len(self.tickets) + self.confidential

    @property
    def command(self) -> str:
        """The command that makes the problem of them, or links them to the one there is."""
        if self.problem:
            return f"sd problem link {self.problem} {numbers(self.tickets)}"
        category = f" --category {self.evidence.category}" if self.evidence.category else ""
        return f'sd problem new "{self.title}"{category} --tickets {numbers(self.tickets)}'


def candidates(
    store: Store,
    rulebook: Rulebook,
    now: int,
    *,
    days: int | None = None,
    sees: Callable[[int], bool] = lambda number: False,
) -> list[Candidate]:
    """Return the candidates among the incidents of the last `days`, the most telling first.

    Args:
        days: by default those of the rulebook.
        sees: tells of a confidential ticket whether it may be named and its words shown; by default none may.
    """
    terms = sheet(rulebook).recurrence
    span = terms.days if days is None else days
    start = now - span * recurrence.DAY
    hidden: set[int] = set()
    linked: dict[int, list[Row]] = {}
    for row in store.query(_LINKED, start=start, now=now):
        linked.setdefault(row["ticket"], []).append(row)
    found = recurrence.clusters(
        _incidents(store, start, now, hidden), days=span, least=terms.incidents, share=terms.share
    )
    hidden = {number for number in hidden if not sees(number)}
    made = (_candidate(cluster, linked, hidden, terms.incidents) for cluster in found)
    return [candidate for candidate in made if candidate is not None]


def _incidents(store: Store, start: int, now: int, hidden: set[int]) -> Iterator[Incident]:
    """Yield incidents; the confidential ones are noted in `hidden`."""
    after = 0
    while rows := store.query(_INCIDENTS, start=start, now=now, after=after, size=SLICE):
        for row in rows:
            if row["confidential"]:
                hidden.add(row["id"])
            yield Incident(
                row["id"], row["category"], row["group_key"], row["summary"], row["opened_at"], row["caller"],
                row["department"] or "", row["site"] or "",
            )  # fmt: skip
        start, after = rows[-1]["opened_at"], rows[-1]["id"]


def _candidate(
    cluster: Alike, linked: dict[int, list[Row]], hidden: set[int], least: int
) -> Candidate | None:
    fresh = [member for member in cluster.members if member.number not in linked]
    named = [member for member in fresh if member.number not in hidden]
    standing = Counter(
        row["problem"]
        for member in cluster.members
        for row in linked.get(member.number, ())
        if row["state"] in ("open", "known-error")
    )
    problem = max(standing, key=lambda number: (standing[number], -number)) if standing else 0
    if len(named) < (1 if problem else _FEWEST) or (not problem and len(fresh) < least):
        return None
    told = recurrence.evidence([member for member in cluster.members if member.number not in hidden])
    title = told.phrase or told.category or "incidents"
    return Candidate(
        title[:200],
        tuple(member.number for member in named),
        len(fresh) - len(named),
        problem,
        cluster.score,
        told,
    )


def numbers(tickets: Sequence[int]) -> str:
    """Return ticket numbers as commands take them: `12-15,20`."""
    runs: list[list[int]] = []
    for number in sorted(tickets):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 2 else ",".join(map(str, run)) for run in runs)
