"""What customers answered when they were asked how it went: the KPIs of it, and how they are counted.

An answer counts in the period in which it came, a question in the period in which it was asked.
"""

from __future__ import annotations

from sdtool.reports.entry import UP, kpi
from sdtool.reports.period import Period
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

_SCORED = """
    select count(*) as scored, count(case when score >= :good then 1 end) as satisfied from feedback
    where answered_at >= :start and answered_at < :end
"""
_ASKED = """
    select count(*) as surveyed, count(case when answered_at < :end then 1 end) as surveyed_answered
    from feedback where asked_at >= :start and asked_at < :end
"""


def count(store: Store, period: Period, tally: Tally) -> None:
    """Count who was asked and who answered in a period, up to its end."""
    for row in (
        store.one(_SCORED, good=GOOD, start=period.start, end=period.end),
        store.one(_ASKED, start=period.start, end=period.end),
    ):
        tally.counts.update(dict(row or {}))
