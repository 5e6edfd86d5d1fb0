"""The telephone: calls that were given up, and how long callers waited.

Calls that were dropped within the first seconds are part of those offered, but count as dropped and not as
abandoned. What the exchange did not tell of a day (waiting, in time) leaves that day out of that figure.
"""

from __future__ import annotations

from sdtool.reports.clocks import Clocks
from sdtool.reports.entry import DOWN, NEUTRAL, OTHER, UP, kpi
from sdtool.reports.entry import count as counted
from sdtool.reports.scope import Scope
from sdtool.reports.tally import Tally
from sdtool.store.base import Store

_CALLS = ("Oproepen van alle lijnen in de periode.", "Calls of all lines in the period.")
_NONE = ("", "")
KPIS = (
    counted(
        "calls_offered",
        NEUTRAL,
        ("Oproepen", "Calls offered", "Appels présentés"),
        ("Oproepen aangeboden in de periode.", "Calls offered in the period."),
        population=_CALLS,
        exclusions=_NONE,
        about=OTHER,
    ),
    kpi(
        "abandonment",
        "share",
        DOWN,
        ("calls_given_up", "calls_offered"),
        ("Afgebroken oproepen", "Calls abandoned", "Appels abandonnés"),
        (
            "Oproepen die de beller afbrak, zonder die binnen de eerste 10 seconden ÷ aangeboden oproepen.",
            "Calls that the caller gave up, without those within the first 10 seconds ÷ calls offered.",
        ),
        "percentage of abandoned calls compared to total received (O'Reilly glossary); norm 5 % (Tilburg)",
        population=_CALLS,
        exclusions=(
            "Uit de teller: afgebroken binnen 10 seconden; ze staan apart.",
            "From the numerator: given up within 10 seconds; they are shown apart.",
        ),
        about=OTHER,
    ),
    counted(
        "calls_dropped",
        NEUTRAL,
        ("Kort afgebroken oproepen", "Calls dropped at once", "Abandons courts"),
        (
            "Oproepen die binnen de eerste 10 seconden werden afgebroken.",
            "Calls that were given up within the first 10 seconds.",
        ),
        "shown apart from abandonment (Tilburg)",
        population=_CALLS,
        exclusions=_NONE,
        about=OTHER,
    ),
    kpi(
        "speed_to_answer_mean",
        "seconds",
        DOWN,
        ("calls_waited", "calls_timed"),
        ("Wachttijd aan de telefoon, gemiddelde", "Speed to answer, mean", "Attente moyenne"),
        (
            "Seconden gewacht ÷ beantwoorde oproepen.",
            "Seconds waited ÷ calls answered.",
        ),
        "ASA 30 s (UT Austin)",
        population=("Beantwoorde oproepen.", "Calls that were answered."),
        exclusions=(
            "Dagen waarvan de centrale de wachttijd niet meldt.",
            "Days of which the exchange does not tell the waiting.",
        ),
        about=OTHER,
    ),
    kpi(
        "answer_attainment",
        "share",
        UP,
        ("calls_in_time", "calls_judged"),
        ("Tijdig beantwoorde oproepen", "Calls answered in time", "Appels répondus à temps"),
        (
            "Oproepen beantwoord binnen de afgesproken seconden (standaard 30) ÷ aangeboden oproepen.",
            "Calls answered within the seconds agreed (30 by default) ÷ calls offered.",
        ),
        "70 % within 30 s (Tilburg)",
        population=_CALLS,
        exclusions=(
            "Dagen waarvan de centrale dit niet meldt.",
            "Days of which the exchange does not tell it.",
        ),
        about=OTHER,
    ),
)

_SUMS = """
    select sum(offered) as calls_offered, sum(abandoned - coalesce(dropped, 0)) as calls_given_up,
        sum(coalesce(dropped, 0)) as calls_dropped, sum(waited) as calls_waited,
        sum(case when waited is not null then answered end) as calls_timed, sum(in_time) as calls_in_time,
        sum(case when in_time is not null then offered end) as calls_judged
    from call_day
    where day >= :first and day < :after and (
        line <> '' or not exists (select 1 from call_day one where one.day = call_day.day and one.line <> '')
    )
"""  # a day with lines is their sum: what was counted of all lines together says the same calls again


def count(store: Store, clocks: Clocks, scope: Scope, tally: Tally) -> None:
    """Count calls, unless the scope is narrowed: a call has no category and no group."""
    if not scope.whole:
        return
    first, after = scope.period.first.isoformat(), scope.period.after.isoformat()
    for name, amount in dict(store.one(_SUMS, first=first, after=after) or {}).items():
        if amount is not None:
            tally.add(name, int(amount))
