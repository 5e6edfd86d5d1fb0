"""What comes back, and the problems behind it: the KPIs, and how they are counted.

Clusters are looked for per calendar month, among its incidents and those of the days before it that the
rulebook looks back: a figure of a month does not depend on later ones, a year is the sum of its months, and
no more than that is in memory. They are found among all incidents, whatever the report is narrowed to.
That takes about a second for a month of 20,000 tickets; of more than a year nothing is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from sdtool.reports.clocks import Clocks
from sdtool.reports.entry import DOWN, LEFT_OUT, NEUTRAL, OTHER, kpi
from sdtool.reports.entry import count as counted
from sdtool.reports.period import Period
from sdtool.reports.scope import COUNTED, Scope
from sdtool.reports.tally import Tally
from sdtool.rulebook.sheet import Recurrence, sheet
from sdtool.rules import recurrence
from sdtool.rules.moments import midnight
from sdtool.rules.recurrence import DAY, Incident
from sdtool.store.base import Store

SLICE = 5_000  # incidents read at a time
LONGEST = 366  # days of a period in which clusters are looked for
_PROBLEMS = ("Problemen.", "Problems.")
KPIS = (
    kpi(
        "repeat_incidents",
        "share",
        DOWN,
        ("repeated", "incidents_opened"),
        ("Terugkerende incidenten", "Repeat incidents", "Incidents récurrents"),
        (
            "Nieuwe incidenten in een gevonden reeks gelijkaardige, of gekoppeld aan een probleem"
            " ÷ nieuwe incidenten; over hoogstens een jaar.",
            "New incidents in a cluster of like ones that was found, or linked to a problem ÷ new incidents;"
            " over a year at most.",
        ),
        "% of repeat incidents; what a cluster is, is the desk's own: [recurrence] of the rulebook",
        population=("Incidenten geregistreerd in de periode.", "Incidents registered in the period."),
        exclusions=(
            f"{LEFT_OUT[0]} Geannuleerde problemen.",
            f"{LEFT_OUT[1]} Cancelled problems.",
        ),
    ),
    counted(
        "problems_open",
        NEUTRAL,
        ("Openstaande problemen", "Open problems", "Problèmes ouverts"),
        (
            "Problemen en gekende fouten zonder oplossing op het einde van de periode.",
            "Problems and known errors without a solution at the end of the period.",
        ),
        population=_PROBLEMS,
        exclusions=("", ""),
        about=OTHER,
    ),
    counted(
        "problems_known_error",
        NEUTRAL,
        ("Gekende fouten", "Known errors", "Erreurs connues"),
        (
            "Openstaande problemen die geanalyseerd zijn, met een tijdelijke oplossing.",
            "Open problems that were analysed and have a workaround.",
        ),
        "known error: a problem that has been analysed but has not been resolved (ITIL 4)",
        population=_PROBLEMS,
        exclusions=("", ""),
        about=OTHER,
    ),
    counted(
        "problems_unowned",
        DOWN,
        ("Problemen zonder eigenaar", "Problems without owner", "Problèmes sans responsable"),
        (
            "Openstaande problemen waarvan niemand de eigenaar is; de eigenaar van nu telt.",
            "Open problems that nobody owns; the owner of now counts.",
        ),
        population=_PROBLEMS,
        exclusions=("", ""),
        about=OTHER,
    ),
)

_READ = f"""
    select ticket.id, ticket.category, ticket.summary, ticket.opened_at from ticket
    where ticket.opened_at >= :start and ticket.opened_at < :end
        and (ticket.opened_at > :start or ticket.id > :after)
        and ticket.type = 'incident' and {COUNTED}
    order by ticket.opened_at, ticket.id limit :size
"""  # noqa: S608 (a constant)
_OPENED = f"""
    select ticket.id, exists (
        select 1 from problem_ticket cross join problem
        where problem_ticket.ticket = ticket.id and problem.id = problem_ticket.problem
            and problem.state <> 'cancelled'
    ) as linked
    from ticket
    where ticket.opened_at >= :start and ticket.opened_at < :end
        and ticket.type = 'incident' and {COUNTED} /* scope */
"""  # noqa: S608 (a constant)
_STANDING = """
    select count(*) as problems_open, count(case when known_at < :end then 1 end) as problems_known_error,
        count(case when owner = '' then 1 end) as problems_unowned
    from problem where opened_at < :end and (ended_at is null or ended_at >= :end)
"""


def count(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    """Count the incidents of a scope, those that repeat, and, unless it is narrowed, problems at its end."""
    if (scope.period.after - scope.period.first).days <= LONGEST:
        _count_repeated(store, clocks, scope, tally)
    if scope.whole:
        for name, number in dict(store.one(_STANDING, end=scope.period.end) or {}).items():
            tally.add(name, number)


def _count_repeated(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    terms = sheet(clocks.rulebook).recurrence
    span = terms.days * DAY
    held = list(_read(store, scope.period.start - span, scope.period.start))
    for month in _months(scope.period, clocks.rulebook.organisation.timezone):
        held = [incident for incident in held if incident.opened_at >= month.start - span]
        held += _read(store, month.start, month.end)
        _count(store, scope._replace(period=month), _repeated(held, terms), tally)


def _count(store: Store, scope: Scope, repeated: set[int], tally: Tally) -> None:
    rows = store.query(scope.narrowed(_OPENED), **scope.bounds)
    tally.each("incidents_opened", [row["id"] for row in rows])
    tally.each("repeated", [row["id"] for row in rows if row["linked"] or row["id"] in repeated])


def _repeated(incidents: list[Incident], terms: Recurrence) -> set[int]:
    found = recurrence.clusters(incidents, days=terms.days, least=terms.incidents, share=terms.share)
    return {member.number for cluster in found for member in cluster.members}


def _read(store: Store, start: int, end: int) -> Iterator[Incident]:
    after = 0
    while rows := store.query(_READ, start=start, end=end, after=after, size=SLICE):
        for row in rows:
            yield Incident(row["id"], row["category"], "", row["summary"], row["opened_at"])
        start, after = rows[-1]["opened_at"], rows[-1]["id"]


def _months(period: Period, timezone: str) -> Iterator[Period]:
    """Yield the calendar months of a period, the first and the last of them cut at its ends."""
    first, start = period.first, period.start
    while start < period.end:
        after = min((first.replace(day=1) + timedelta(days=32)).replace(day=1), period.after)
        end = min(midnight(after, timezone), period.end)
        yield Period(first, after, start, end)
        first, start = after, end
