"""What customers answered when they were asked how it went: the KPIs of it, and how they are counted.

An answer counts in the period in which it came, a question in the period in which it was asked.
"""

from __future__ import annotations

from sdtool.reports.clocks import Clocks
from sdtool.reports.entry import UP, kpi
from sdtool.reports.scope import COUNTED, Scope
from sdtool.reports.tally import Tally
from sdtool.store.base import Store

GOOD = 4  # of 5: from here on a customer counts as satisfied
SATISFACTION = (
    kpi(
        "satisfaction",
        "share",
        UP,
        ("satisfied", "scored"),
        ("Tevreden klanten (CSAT)", "Satisfied customers (CSAT)"),
        (
            f"Antwoorden met score {GOOD} of 5 ÷ antwoorden in de periode.",
            f"Answers with a score of {GOOD} or 5 ÷ answers in the period.",
        ),
        "amount of positive responses (UT Austin); always beside the response rate",
    ),
    kpi(
        "satisfaction_response",
        "share",
        UP,
        ("surveyed_answered", "surveyed"),
        ("Beantwoorde tevredenheidsvragen", "Response to the question"),
        (
            "Vragen uit de periode waarop een antwoord kwam ÷ vragen gesteld in de periode.",
            "Questions of the period that were answered ÷ questions asked in the period.",
        ),
        "response rate (UT Austin)",
    ),
)

# one row of counts, or with `_EACH` one of every ticket
_SCORED = f"""
    select min(feedback.id) as id, count(*) as scored,
        count(case when score >= {GOOD} then 1 end) as satisfied
    from feedback cross join ticket
    where ticket.id = feedback.id and answered_at >= :start and answered_at < :end and {COUNTED} /* scope */
"""  # noqa: S608 (a constant)
_ASKED = f"""
    select min(feedback.id) as id, count(*) as surveyed,
        count(case when answered_at < :end then 1 end) as surveyed_answered
    from feedback cross join ticket
    where ticket.id = feedback.id and asked_at >= :start and asked_at < :end and {COUNTED} /* scope */
"""  # noqa: S608 (a constant)
_EACH = " group by feedback.id"


def count(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    """Count who was asked and who answered in a period, up to its end."""
    for sql, names in ((_SCORED, ("scored", "satisfied")), (_ASKED, ("surveyed", "surveyed_answered"))):
        each = _EACH if tally.traced else ""
        for row in store.query(scope.narrowed(sql) + each, **scope.bounds):
            for name in names:
                tally.add(name, row[name], row["id"])
