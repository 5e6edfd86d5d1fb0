"""The points of the weekly page that need a decision: at most five, in this order.

1. jobs: a scheduled job failed, is late or never ran: what is below may then be old.
2. highest: tickets of the highest priority are past their deadline, or their customers heard nothing in time.
3. onboarding: somebody starts, or started, and will not find everything ready.
4. owed: feedback did not come although the other's own management was told.
5. backlog: it grew in the week by more than a tenth, and by five tickets at least.
6. norms: norms of the service sheet were missed two weeks running.
7. problems: incidents belong together and no problem was made of them.
8. articles: instructions are more than ninety days past their review date.

What burns now comes before what will burn, and what only the reader can move before what the desk can do.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.reports import kpi
from sdtool.reports.entry import Kpi
from sdtool.reports.overdue import Article, Onboarding, Unheard
from sdtool.reports.repeated import Candidate
from sdtool.reports.running import Urgent
from sdtool.reports.seen import MOST, Listed

GREW, GREW_BY = 0.10, 5  # of the backlog: a share, and tickets
LONG_PAST = 90  # days after the review date of an instruction
FEWEST = 5  # tickets that a norm is judged on: of fewer, one ticket decides


class Point(NamedTuple):
    """Something to decide: how many it is about, which tickets (the first), and who has it in hand.

    `names` are jobs, parties, KPIs, categories or titles; `who` solver groups, by key. `since` is epoch
    seconds, None where nobody knows. `was` and `now` are the numbers that say how it went, where there are.
    """

    kind: str
    total: int
    tickets: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    who: tuple[str, ...] = ()
    since: int | None = None
    was: float | None = None
    now: float | None = None


class Known(NamedTuple):
    """What is decided on; `start` is when the week began, `articles` those that are LONG_PAST."""

    start: int
    jobs: Listed[Any]
    urgent: Sequence[Urgent]
    onboardings: Listed[Onboarding]
    unheard: Unheard
    backlog: tuple[int, int | None]
    missed: Sequence[kpi.Figure]
    candidates: Listed[Candidate]
    articles: Listed[Article]


def decisions(known: Known) -> Listed[Point]:
    """Return the points, the most pressing first, and of how many kinds there were any."""
    found = [point for kind in _KINDS for point in kind(known)]
    return Listed(len(found), tuple(found[:MOST]))


def missed_twice(known: Mapping[str, Kpi], figures: Iterable[kpi.Figure]) -> list[kpi.Figure]:
    """Return the figures that missed their norm in this period and in the one before."""
    return [
        figure
        for figure in figures
        if (figure.of is None or figure.of >= FEWEST)
        and kpi.met(known[figure.key], figure) is False
        and kpi.met(known[figure.key], figure._replace(value=figure.previous)) is False
    ]


def _jobs(known: Known) -> Iterator[Point]:
    if known.jobs.total:
        good = [job.last_good for job in known.jobs.rows if job.last_good is not None]
        names = tuple(job.job for job in known.jobs.rows)
        yield Point("jobs", known.jobs.total, names=names, since=min(good, default=None))


def _highest(known: Known) -> Iterator[Point]:
    first = sorted(known.urgent, key=lambda one: (one.since, one.ticket))
    if first:
        numbers = tuple(one.ticket for one in first[:MOST])
        groups = tuple(dict.fromkeys(one.group for one in first))
        yield Point("highest", len(first), numbers, who=groups[:MOST], since=first[0].since)


def _onboarding(known: Known) -> Iterator[Point]:
    rows = known.onboardings.rows
    if rows:
        days = tuple(min((row.day for row in rows if row.day), default="").split())
        yield Point("onboarding", known.onboardings.total, tuple(row.ticket for row in rows), names=days)


def _owed(known: Known) -> Iterator[Point]:
    total, since, parties, tickets = known.unheard
    if total:
        yield Point("owed", total, tickets, parties, since=since)


def _backlog(known: Known) -> Iterator[Point]:
    end, before = known.backlog
    if before is not None and end - before >= GREW_BY and end - before > GREW * before:
        yield Point("backlog", end - before, since=known.start, was=before, now=end)


def _norms(known: Known) -> Iterator[Point]:
    if known.missed:
        yield Point("norms", len(known.missed), names=tuple(figure.key for figure in known.missed))


def _problems(known: Known) -> Iterator[Point]:
    rows = known.candidates.rows
    if rows:
        numbers = rows[0].tickets[:MOST]
        names = tuple(dict.fromkeys(row.category for row in rows))
        yield Point("problems", known.candidates.total, numbers, names, since=rows[0].since)


def _articles(known: Known) -> Iterator[Point]:
    total, rows = known.articles
    if total:
        owners = tuple(dict.fromkeys(row.owner for row in rows if row.owner))
        yield Point("articles", total, names=tuple(row.title for row in rows), who=owners)


_KINDS: tuple[Callable[[Known], Iterator[Point]], ...] = (
    _jobs, _highest, _onboarding, _owed, _backlog, _norms, _problems, _articles,
)  # fmt: skip
