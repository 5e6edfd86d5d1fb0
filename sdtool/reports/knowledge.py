"""Articles and work instructions: what was handled with them, and whether they are reviewed in time.

Where the desk keeps no articles nothing is counted, so that nothing is shown as 0 %.
"""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from sdtool.reports.clocks import Clocks
from sdtool.reports.cohort import slices
from sdtool.reports.entry import OTHER, UP, kpi
from sdtool.reports.scope import COUNTED, Scope
from sdtool.reports.tally import Tally
from sdtool.store.base import Store
from sdtool.store.journal import data_of

KPIS = (
    kpi(
        "handled_from_kb",
        "share",
        UP,
        ("kb_handled", "kb_resolved"),
        ("Opgelost met een artikel", "Handled from the knowledge base", "Résolu avec un article"),
        (
            "Opgelost met minstens één artikel of werkinstructie ÷ opgelost.",
            "Resolved with an article or instruction at least ÷ resolved.",
        ),
        "% of resolutions using previously identified and recorded solutions (ITIL 4)",
        population=("Meldingen opgelost in de periode.", "Tickets resolved in the period."),
    ),
    kpi(
        "articles_in_review",
        "share",
        UP,
        ("articles_reviewed", "articles_active"),
        ("Artikels binnen de herzieningsdatum", "Instructions within review date", "Articles à jour"),
        (
            "Actieve artikels waarvan de herzieningsdatum niet voorbij is ÷ actieve artikels,"
            " op het einde van de periode.",
            "Active articles whose review date is not past ÷ active articles, at the end of the period.",
        ),
        population=("Actieve artikels en werkinstructies.", "Active articles and work instructions."),
        exclusions=("Ingetrokken artikels.", "Articles that were withdrawn."),
        about=OTHER,
    ),
)

_ANY = "select 1 as one from article where made_at < :end limit 1"
_RESOLVED = f"""
    select id, resolved_at,
        exists (select 1 from article_use where article_use.ticket = ticket.id) as handled
    from ticket
    where resolved_at >= :start and resolved_at < :end and (resolved_at > :start or id > :after)
        and {COUNTED} /* scope */
    order by resolved_at, id limit :size
"""  # noqa: S608 (a constant)
_ACTIVE = """
    select id, review_on from article
    where made_at < :end and (ended_at is null or ended_at >= :end) order by id
"""
_MOVED = """
    select subject, event_data.data from event join event_data on event_data.event = event.id
    where kind = 'article' and verb in ('edit', 'review') and at >= :end order by event.id desc
"""


def count(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    """Count what was resolved, with and without articles; and articles, unless the scope is narrowed."""
    if store.one(_ANY, end=scope.period.end) is None:
        return
    for rows in slices(store, scope.narrowed(_RESOLVED), "resolved_at", **scope.bounds):
        tally.each("kb_resolved", [row["id"] for row in rows])
        tally.each("kb_handled", [row["id"] for row in rows if row["handled"]])
    if scope.whole:
        zone = ZoneInfo(clocks.rulebook.organisation.timezone)
        _articles(store, scope.period.end, datetime.fromtimestamp(scope.period.end - 1, zone), tally)


def _articles(store: Store, end: int, last: datetime, tally: Tally) -> None:
    """Count articles by the review date that they had then: what changed it since is in the journal."""
    had: dict[int, str] = {}
    for event in store.query(_MOVED, end=end):
        was = data_of(event["data"]).get("was", {})
        if "review_on" in was:
            had[event["subject"]] = was["review_on"]
    for row in store.query(_ACTIVE, end=end):
        tally.add("articles_active")
        due: str = had.get(row["id"]) or row["review_on"]
        tally.add("articles_reviewed", int(due >= last.date().isoformat()))
