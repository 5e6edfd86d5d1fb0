"""How long those who owe feedback take, and whether they answer unasked: the KPIs, and how they are counted.

An answer counts in the period in which it came; what was cancelled counts nowhere.
"""

from __future__ import annotations

from sdtool.reports.clocks import Clocks
from sdtool.reports.entry import DOWN, UP, Kpi, kpi
from sdtool.reports.period import Period
from sdtool.reports.tally import Tally
from sdtool.store.base import Store

_SOURCE = "what GLPI (issue 15035) and Zammad (issue 1823) lack"
_KINDS = {
    "customer": ("van de klant", "of the customer"),
    "supplier": ("van de leverancier", "of the supplier"),
    "internal": ("van een interne dienst", "of an internal service"),
}


def _time(kind: str) -> Kpi:
    nl, en = _KINDS[kind]
    return Kpi(
        f"feedback_median_{kind}",
        "seconds",
        DOWN,
        f"feedback_{kind}",
        f"feedback_{kind}",
        "median",
        {"nl": f"Terugkoppeling {nl}, mediaan", "en": f"Feedback {en}, median"},
        {
            "nl": f"Van de vraag tot het antwoord {nl}, in openingsuren; antwoorden in de periode.",
            "en": f"From asking to the answer {en}, in opening hours; answers in the period.",
        },
        _SOURCE,
    )


OWING = (
    *map(_time, _KINDS),
    kpi(
        "feedback_before_second_reminder",
        "share",
        UP,
        ("feedback_unchased", "feedback"),
        ("Beantwoord vóór de tweede herinnering", "Answered before the second reminder"),
        (
            "Antwoorden in de periode na hoogstens één herinnering ÷ antwoorden in de periode.",
            "Answers in the period after one reminder at most ÷ answers in the period.",
        ),
        _SOURCE,
    ),
)

_ANSWERED = """
    select kind, asked_at, ended_at, step from owed
    where state = 'answered' and ended_at >= :start and ended_at < :end order by id
"""


def count(store: Store, clocks: Clocks, period: Period, tally: Tally) -> None:
    """Count what was answered in a period, and measure how long each answer took."""
    rows = store.query(_ANSWERED, start=period.start, end=period.end)
    calendar = clocks.main()
    for row in rows:
        series = f"feedback_{row['kind']}"
        tally.measure(series, [calendar.between(row["asked_at"], row["ended_at"])])
        tally.counts[series] += 1
        tally.counts["feedback"] += 1
        tally.counts["feedback_unchased"] += int(row["step"] < 2)
