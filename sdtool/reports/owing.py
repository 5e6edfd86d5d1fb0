"""How long those who owe feedback take, and whether they answer unasked: the KPIs, and how they are counted.

An answer counts in the period in which it came; what was cancelled counts nowhere.
"""

from __future__ import annotations

from sdtool.reports.clocks import Clocks
from sdtool.reports.entry import DOWN, UP, Kpi, kpi
from sdtool.reports.scope import COUNTED, Scope
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
    return kpi(
        f"feedback_median_{kind}",
        "seconds",
        DOWN,
        (f"feedback_{kind}", f"feedback_{kind}"),
        (f"Terugkoppeling {nl}, mediaan", f"Feedback {en}, median"),
        (
            f"Van de vraag tot het antwoord {nl}, in openingsuren; antwoorden in de periode.",
            f"From asking to the answer {en}, in opening hours; answers in the period.",
        ),
        _SOURCE,
        statistic="median",
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

_ANSWERED = f"""
    select owed.ticket, owed.kind, owed.asked_at, owed.ended_at, owed.step
    from owed cross join ticket
    where ticket.id = owed.ticket and owed.state = 'answered'
        and owed.ended_at >= :start and owed.ended_at < :end and {COUNTED} /* scope */
    order by owed.id
"""  # noqa: S608 (a constant)


def count(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    """Count what was answered in a period, and measure how long each answer took."""
    rows = store.query(scope.narrowed(_ANSWERED), **scope.bounds)
    calendar = clocks.main()
    for row in rows:
        series, number = f"feedback_{row['kind']}", row["ticket"]
        tally.measure(series, [calendar.between(row["asked_at"], row["ended_at"])], [number])
        tally.add(series, 1, number)
        tally.add("feedback", 1, number)
        tally.add("feedback_unchased", int(row["step"] < 2), number)
