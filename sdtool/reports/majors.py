"""Major incidents: how many, how long they took, and whether who was struck heard of them in time.

Where none was ever declared nothing is counted. A declaration that was revoked counts nowhere.
"""

from __future__ import annotations

from sdtool.desk.majors import Major, updates
from sdtool.reports.clocks import Clocks
from sdtool.reports.cohort import slices
from sdtool.reports.entry import DOWN, NEUTRAL, kpi
from sdtool.reports.entry import count as counted
from sdtool.reports.scope import COUNTED, Scope
from sdtool.reports.tally import Tally
from sdtool.store.base import Row, Store
from sdtool.store.journal import history

_SOURCE = "number and % of major incidents (ITIL v3, Micro Focus)"
_RESOLVED = ("Grote storingen opgelost in de periode.", "Major incidents resolved in the period.")
KPIS = (
    counted(
        "majors",
        NEUTRAL,
        ("Grote storingen", "Major incidents", "Incidents majeurs"),
        ("Grote storingen afgekondigd in de periode.", "Major incidents declared in the period."),
        _SOURCE,
    ),
    kpi(
        "majors_share",
        "share",
        DOWN,
        ("majors", "majors_incidents"),
        ("Aandeel grote storingen", "Share of major incidents", "Part des incidents majeurs"),
        (
            "Grote storingen afgekondigd in de periode ÷ incidenten gemaakt in de periode.",
            "Major incidents declared in the period ÷ incidents made in the period.",
        ),
        _SOURCE,
        population=("Incidenten gemaakt in de periode.", "Incidents made in the period."),
    ),
    kpi(
        "major_resolve_mean_working",
        "seconds",
        DOWN,
        ("major_resolve_working", "majors_resolved"),
        (
            "Oplostijd grote storing, openingsuren",
            "Time to resolve a major, working",
            "Résolution des incidents majeurs, moyenne",
        ),
        (
            "Gemiddeld van de afkondiging tot de oplossing, in openingsuren, ook terwijl er gewacht werd.",
            "Mean from the declaration to the resolution, in opening hours, also while waiting.",
        ),
        _SOURCE,
        population=_RESOLVED,
        statistic="mean",
    ),
    kpi(
        "major_resolve_mean_elapsed",
        "seconds",
        DOWN,
        ("major_resolve_elapsed", "majors_resolved"),
        (
            "Oplostijd grote storing, verstreken",
            "Time to resolve a major, elapsed",
            "Résolution des incidents majeurs, moyenne (écoulée)",
        ),
        (
            "Gemiddeld van de afkondiging tot de oplossing, verstreken tijd.",
            "Mean from the declaration to the resolution, elapsed time.",
        ),
        _SOURCE,
        population=_RESOLVED,
        statistic="mean",
    ),
    kpi(
        "major_updates_late",
        "share",
        DOWN,
        ("major_updates_late", "major_updates"),
        ("Te late updates bij grote storingen", "Late updates of major incidents", "Mises à jour tardives"),
        (
            "Updates aan wie getroffen is die te laat of niet kwamen ÷ updates die in de periode moesten.",
            "Updates to who is struck that came late or not at all ÷ updates owed in the period.",
        ),
        _SOURCE,
        population=(
            "Updates van grote storingen: na de afkondiging, na elke update en na een heropening.",
            "Updates of major incidents: after the declaration, after each update and after a reopening.",
        ),
    ),
)

_ANY = "select 1 as one from major where revoked_at is null and declared_at < :end limit 1"
_INCIDENTS = f"""
    select id, opened_at from ticket
    where opened_at >= :start and opened_at < :end and (opened_at > :start or id > :after)
        and type = 'incident' and {COUNTED} /* scope */
    order by opened_at, id limit :size
"""  # noqa: S608 (a constant)
# all that lived in the period: declared before its end, and not ended before its start
_MAJORS = f"""
    select major.*, ticket.type, ticket.priority, ticket.opened_at, ticket.resolved_at
    from major join ticket on ticket.id = major.id
    where major.revoked_at is null and major.declared_at < :end
        and (ticket.ended_at is null or ticket.ended_at >= :start) and {COUNTED} /* scope */
    order by major.id
"""  # noqa: S608 (a constant)


def count(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    """Count major incidents and their updates."""
    if store.one(_ANY, end=scope.period.end) is None:
        return
    for rows in slices(store, scope.narrowed(_INCIDENTS), "opened_at", **scope.bounds):
        tally.each("majors_incidents", [row["id"] for row in rows])
    for row in store.query(scope.narrowed(_MAJORS), **scope.bounds):
        _count(store, clocks, scope, tally, row)


def _count(store: Store, clocks: Clocks, scope: Scope, tally: Tally, row: Row) -> None:
    start, end = scope.period.start, scope.period.end
    major = Major(**{name: row[name] for name in Major._fields})
    calendar = clocks.of(row["type"], row["priority"], row["opened_at"])
    if start <= major.declared_at < end:
        tally.add("majors", 1, major.id)
    resolved = row["resolved_at"]
    if resolved is not None and start <= resolved < end and resolved >= major.declared_at:
        tally.add("majors_resolved", 1, major.id)
        tally.measure("major_resolve_working", [calendar.between(major.declared_at, resolved)], [major.id])
        tally.measure("major_resolve_elapsed", [resolved - major.declared_at], [major.id])
    for update in updates(history(store, "ticket", major.id), major, calendar, end):
        if start <= update.counts_at < end:
            tally.add("major_updates", 1, major.id)
            tally.add("major_updates_late", int(update.late), major.id)
