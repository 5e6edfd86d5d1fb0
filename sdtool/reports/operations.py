"""The weekly page: how the desk stands after a week, for who leads it and for who must decide.

The figures of the week are those of the KPI report, so that they mean the same in both. The points that need
a decision come first: `reports.decisions` says which there are, and in which order.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple, Protocol

from sdtool.desk import Desk
from sdtool.reports import acts, kpi
from sdtool.reports.breaches import Breaches, breaches
from sdtool.reports.clocks import Clocks
from sdtool.reports.decisions import LONG_PAST, Known, Point, decisions, missed_twice
from sdtool.reports.overdue import Article, Onboarding, Owing, articles, onboardings, owing
from sdtool.reports.period import period
from sdtool.reports.registry import kpis
from sdtool.reports.repeated import Candidate, candidates
from sdtool.reports.running import Backlog, Risk, Running
from sdtool.reports.seen import EYES, MOST, ROLES, Eyes, Listed
from sdtool.rules.moments import day_of

__all__ = ["ROLES", "Job", "Page", "Standing", "as_dict", "last_week", "report"]

FLOW = ("opened", "resolved", "closed", "cancelled", "backlog")


class Job(NamedTuple):
    """A scheduled job that is not well: its last good run, None for never, and what it last said."""

    job: str
    trouble: str
    last_good: int | None
    message: str


class Standing(Protocol):
    """How a job stands, as what runs jobs knows it; reports cannot ask it themselves."""

    @property
    def job(self) -> str: ...  # noqa: D102
    @property
    def trouble(self) -> str: ...  # noqa: D102
    @property
    def last_good(self) -> int | None: ...  # noqa: D102
    @property
    def message(self) -> str: ...  # noqa: D102


class Flow(NamedTuple):
    """A count of the week and of the week before (None when the desk had no tickets then), by KPI."""

    key: str
    value: int
    previous: int | None


class Page(NamedTuple):
    """All of it: the week from `first` up to `after`, and the desk at `now`, as a role may see it.

    `resolved` are the tickets of the week whose deadline counts: what `breaches` is measured against.
    """

    first: date
    after: date
    now: int
    role: str
    decisions: Listed[Point]
    flow: tuple[Flow, ...]
    backlog: Backlog
    resolved: int
    breaches: Breaches
    risk: Listed[Risk]
    owed: Listed[Owing]
    act_kinds: tuple[tuple[str, int], ...]
    acts: Listed[acts.Act]
    onboarding: Listed[Onboarding]
    problems: Listed[Candidate]
    articles: Listed[Article]
    jobs: Listed[Job]
    norms: Listed[kpi.Figure]


def last_week(today: date) -> tuple[date, date]:
    """Return the last whole week before a day: its Monday, and the Monday after it."""
    monday = today - timedelta(days=today.weekday())
    return monday - timedelta(days=7), monday


def report(desk: Desk, first: date, after: date, *, role: str, jobs: Sequence[Standing]) -> Page:
    """Compute the page of a week, from `first` up to, but not on, `after`, for one of ROLES.

    Args:
        jobs: the scheduled jobs that are not well.
    """
    store, eyes = desk.store, EYES[role]
    week, clocks = period(first, after, desk.timezone), Clocks(store, desk.rulebook)
    figures = _figures(desk, first, after)
    running = Running(desk, clocks)
    (owed, unheard), starts = owing(desk), onboardings(desk, eyes)
    today = day_of(desk.now, desk.timezone)
    reviews = articles(desk, eyes, today.isoformat())
    repeated, unwell = candidates(desk), _unwell(jobs, eyes)
    missed = missed_twice(kpis(p.level for p in desk.rulebook.priorities), figures.values())
    flow = tuple(_flow(figures[key]) for key in FLOW)
    kinds, done = acts.acts(store, week, eyes)
    known = Known(
        week.start,
        unwell,
        running.urgent,
        starts,
        unheard,
        (flow[-1].value, flow[-1].previous),
        missed,
        repeated,
        articles(desk, eyes, (today - timedelta(days=LONG_PAST)).isoformat()),
    )
    return Page(
        first,
        after,
        desk.now,
        role,
        decisions(known),
        flow,
        running.backlog(),
        figures["resolve_attainment"].of or 0,
        breaches(store, clocks, week, desk.now, eyes),
        running.at_risk(eyes),
        owed,
        kinds,
        done,
        starts,
        repeated,
        reviews,
        unwell,
        Listed(len(missed), tuple(missed[:MOST])),
    )


def _figures(desk: Desk, first: date, after: date) -> dict[str, kpi.Figure]:
    found = kpi.report(desk.store, desk.rulebook, first, after, timezone=desk.timezone, now=desk.now)
    return {figure.key: figure for figure in found.kpis}


def _flow(figure: kpi.Figure) -> Flow:
    return Flow(figure.key, figure.n, None if figure.previous is None else int(figure.previous))


def _unwell(jobs: Sequence[Standing], eyes: Eyes) -> Listed[Job]:
    """List the jobs that are not well; what one said last may hold the address of a person."""
    rows = (Job(one.job, one.trouble, one.last_good, eyes.name(one.message)) for one in jobs[:MOST])
    return Listed(len(jobs), tuple(rows))


def as_dict(page: Page, timezone: str) -> dict[str, Any]:
    """Return the promised JSON; moments with their offset, durations in seconds, rows as they are listed."""
    from sdtool.output import iso

    def plain(name: str, value: Any) -> Any:
        if isinstance(value, tuple) and hasattr(value, "_asdict"):
            return {key: plain(key, one) for key, one in value._asdict().items()}
        if isinstance(value, tuple):
            return [plain("", one) for one in value]
        if name in _MOMENTS and value is not None:
            return iso(value, timezone)
        return value

    whole = plain("", page._replace(act_kinds=(), breaches=page.breaches._replace(causes=())))
    flat = {key: value for key, value in whole.items() if key not in ("first", "after", "now", "role")}
    causes, kinds = dict(page.breaches.causes), dict(page.act_kinds)
    flat["breaches"] = {"of": flat.pop("resolved"), "causes": causes, **whole["breaches"]["listed"]}
    flat["acts"] = {"kinds": kinds, **whole["acts"]}
    flat["backlog"]["ages"] = dict(page.backlog.ages)
    del flat["act_kinds"]
    between = {"from": page.first.isoformat(), "to": page.after.isoformat()}
    return {"period": between, "at": iso(page.now, timezone), "role": page.role, **flat}


_MOMENTS = ("due", "resolved_at", "since", "at", "last_good")
