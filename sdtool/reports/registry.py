"""The KPIs: what each is called, how it is defined, where the definition comes from, what it is made of.

`n` and `of` name what `cohort`, `backlog`, `owing`, `satisfaction` and `staffing` count; `statistic` is taken
of the measures that `n` names.
"""

from __future__ import annotations

from collections.abc import Iterable

from sdtool.reports import knowledge, majors, phone, repeats
from sdtool.reports.entry import DOWN, NEUTRAL, UP, Kpi, count, kpi
from sdtool.reports.naming import named
from sdtool.reports.owing import OWING
from sdtool.reports.satisfaction import SATISFACTION
from sdtool.reports.staffing import STAFFING
from sdtool.reports.times import STATISTICS, TIMES, Time

BUCKETS = ((0, 1), (2, 5), (6, 10), (11, 20), (21, None))
PARTIES = ("customer", "supplier", "internal")

_FLOW = (
    count(
        "opened",
        NEUTRAL,
        ("Geopend", "Opened"),
        ("Meldingen gemaakt in de periode.", "Tickets made in the period."),
    ),
    count(
        "resolved",
        NEUTRAL,
        ("Opgelost", "Resolved"),
        (
            "Meldingen waarvan de oplossing die nu geldt in de periode viel.",
            "Tickets whose resolution that stands fell in the period.",
        ),
    ),
    count(
        "closed",
        NEUTRAL,
        ("Gesloten", "Closed"),
        ("Meldingen gesloten in de periode.", "Tickets closed in the period."),
    ),
    kpi(
        "throughput",
        "ratio",
        UP,
        ("closed", "opened"),
        ("Uitstroom ÷ instroom", "Outflow ÷ inflow"),
        (
            "Gesloten ÷ geopend in de periode; onder 1 groeit de werkvoorraad.",
            "Closed ÷ opened in the period; below 1 the backlog grows.",
        ),
        "incident queue rate (metricskpis.com 5004)",
    ),
    count(
        "cancelled",
        NEUTRAL,
        ("Geannuleerd (telt nergens mee)", "Cancelled (counted nowhere else)"),
        ("Meldingen geannuleerd in de periode.", "Tickets cancelled in the period."),
        exclusions=("Testmeldingen.", "Test tickets."),
    ),
    count(
        "test",
        NEUTRAL,
        ("Testmeldingen (tellen nergens mee)", "Test tickets (counted nowhere else)"),
        (
            "Testmeldingen gemaakt in de periode, hoe ze ook eindigden.",
            "Test tickets made in the period, however they ended.",
        ),
        exclusions=("", ""),
    ),
    count(
        "merged",
        NEUTRAL,
        ("Samengevoegd (telt nergens mee)", "Merged (counted nowhere else)"),
        (
            "Meldingen in de periode samengevoegd met een andere.",
            "Tickets merged into another one in the period.",
        ),
        exclusions=("Testmeldingen.", "Test tickets."),
    ),
)

_BACKLOG_SOURCE = "incidents not yet closed (Micro Focus Service Manager); ICR 4.2.5"
_BACKLOG = (
    count(
        "backlog",
        DOWN,
        ("Open op het einde", "Open at the end"),
        ("Meldingen die aan het einde van de periode liepen.", "Tickets that ran at the end of the period."),
        _BACKLOG_SOURCE,
    ),
    count(
        "backlog_late",
        DOWN,
        ("Open en over de termijn", "Open and late"),
        (
            "Open op het einde en de oplostermijn verstreken, tenzij de klok toen al stilstond.",
            "Open at the end and past the resolve deadline, unless the clock stood still before it.",
        ),
        "open & already breached, beside SLA attainment",
    ),
    count(
        "backlog_waiting",
        DOWN,
        ("waarvan in afwachting", "of which waiting"),
        (
            "Open op het einde, de klok stil: wacht op klant, leverancier of iets dat eerst moet;"
            " wachten dat de klok niet stilzet, telt niet.",
            "Open at the end with the clock paused for customer, supplier or what must come first;"
            " waiting that does not pause the clock does not count.",
        ),
        "column “waiting for others” beside the backlog",
    ),
    count(
        "backlog_unclosed",
        DOWN,
        ("Niet gesloten op het einde", "Not closed at the end"),
        (
            "Open of opgelost, maar aan het einde van de periode nog niet gesloten.",
            "Open or resolved, but not closed yet at the end of the period.",
        ),
        _BACKLOG_SOURCE,
    ),
)


def bucket_key(low: int, high: int | None) -> str:
    """Return the key of an ageing bucket, `backlog_2_5` or `backlog_over_20`."""
    return f"backlog_over_{low - 1}" if high is None else f"backlog_{low}_{high}"


def _bucket(low: int, high: int | None) -> Kpi:
    days = f"> {low - 1}" if high is None else f"{low}–{high}"
    return count(
        bucket_key(low, high),
        DOWN if low > 10 else NEUTRAL,
        (f"{days} werkdagen oud", f"{days} working days old"),
        (
            f"Open op het einde, {days} werkdagen geleden gemaakt.",
            f"Open at the end, made {days} working days before.",
        ),
        _BACKLOG_SOURCE,
    )


_FIRST_LINE = (
    kpi(
        "first_line_resolution",
        "share",
        UP,
        ("by_first_line", "asked"),
        ("Eerstelijnsoplossing", "First-line resolution"),
        (
            "Opgelost door een groep van de eerste lijn, zonder functionele escalatie ÷ opgelost.",
            "Resolved by a first-line group, without functional escalation ÷ resolved.",
        ),
        "first level resolution rate (MetricNet); ITIL v3",
    ),
    kpi(
        "first_contact_resolution",
        "share",
        UP,
        ("first_contact", "contactable"),
        ("Direct opgelost (FCR)", "First contact resolution (FCR)"),
        (
            "Opgelost door de eerste lijn binnen de duur van het eerste contact, zonder escalatie, wachten,"
            " tweede contact of heropening ÷ opgelost en binnengekomen per telefoon, mail of balie.",
            "Resolved by the first line within the time of the first contact, without escalation, waiting,"
            " second contact or reopening ÷ resolved that came by phone, mail or counter.",
        ),
        "FCR = at initial contact (MetricNet)",
    ),
    kpi(
        "first_contact_resolution_net",
        "share",
        UP,
        ("first_contact_net", "contactable_net"),
        ("Direct opgelost, netto", "First contact resolution, net"),
        (
            "Idem, zonder de categorieën die de eerste lijn niet kan oplossen.",
            "The same without the categories that the first line cannot solve.",
        ),
        "net FCR (MetricNet)",
    ),
)


def _timed(time: Time, statistic: str) -> Kpi:
    kind, words = time.clock, STATISTICS[statistic]
    label = tuple(f"{time.label[i]}, {words[i]} ({kind[i]})" for i in range(len(time.label)))
    key, parts = time.key.format(statistic), (time.series, time.of)
    return kpi(key, "seconds", DOWN, parts, label, time.definition, time.source, statistic=statistic)


def _attainment(promise: str, level: int | None) -> Kpi:
    """Return the share of deadlines met, of one priority or (None) of all."""
    nl, en = {
        "resolve": ("Opgelost binnen de termijn", "Resolved in time"),
        "respond": ("Beantwoord binnen de termijn", "Responded in time"),
    }[promise]
    met = {
        "resolve": (
            "Opgelost uiterlijk op de oplostermijn, of erna zonder openingsuren ertussen"
            " ÷ opgelost met die termijn.",
            "Resolved by the resolve deadline, or after it with no opening hours between"
            " ÷ resolved that had one.",
        ),
        "respond": (
            "Aangenomen of beantwoord uiterlijk op de reactietermijn, of erna zonder openingsuren ertussen"
            " ÷ opgelost met die termijn.",
            "Accepted or answered by the respond deadline, or after it with no opening hours between"
            " ÷ resolved that had one.",
        ),
    }[promise]
    end, mark = ("", "") if level is None else (f"_p{level}", f", P{level}")
    parts = (f"{promise}_met{end}", f"{promise}_due{end}")
    source = "closed within target ÷ all closed (Micro Focus Service Manager)"
    return kpi(f"{promise}_attainment{end}", "share", UP, parts, (nl + mark, en + mark), met, source)


_QUALITY = (
    kpi(
        "reopen_rate",
        "share",
        DOWN,
        ("closed_reopened", "closed"),
        ("Ooit heropend", "Ever reopened"),
        (
            "Gesloten in de periode en ooit heropend ÷ gesloten.",
            "Closed in the period and ever reopened ÷ closed.",
        ),
        "reopened ÷ all closed (Micro Focus Service Manager)",
    ),
    kpi(
        "reopen_rate_10wd",
        "share",
        DOWN,
        ("reopened_soon", "closed_or_undone"),
        ("Heropend binnen 10 werkdagen", "Reopened within 10 working days"),
        (
            "Heropend binnen 10 werkdagen na een oplossing of sluiting in de periode"
            " ÷ in de periode gesloten, of opgelost en weer geopend.",
            "Reopened within 10 working days of a resolution or closing in the period"
            " ÷ closed in the period, or resolved and opened again.",
        ),
        "reopened because not accepted ÷ all closed (Micro Focus Service Manager)",
    ),
    kpi(
        "escalation_rate",
        "share",
        DOWN,
        ("escalated", "resolved"),
        ("Geëscaleerd", "Escalated"),
        (
            "Opgelost met minstens één functionele escalatie ÷ opgelost.",
            "Resolved after an escalation ÷ resolved.",
        ),
        "100 % − first-line resolution (ITIL v3)",
    ),
    kpi(
        "time_to_escalate_mean_working",
        "seconds",
        DOWN,
        ("escalate_working", "escalated"),
        ("Tijd tot escalatie, gemiddelde", "Time to escalate, mean"),
        (
            "Van het maken tot de eerste escalatie, in openingsuren, van wie opgelost is.",
            "From making the ticket to its first escalation, in opening hours, of those resolved.",
        ),
        "average time to escalate (ITIL v3)",
        statistic="mean",
    ),
    kpi(
        "wrong_routing",
        "share",
        DOWN,
        ("wrongly_routed", "escalated"),
        ("Verkeerd doorgezet", "Wrongly routed"),
        (
            "Teruggestuurd met reden “verkeerde groep” ÷ geëscaleerd, van wie opgelost is.",
            "Returned with reason “wrong group” ÷ escalated, of those resolved.",
        ),
        "incorrectly assigned (ITIL v3, Micro Focus)",
    ),
    kpi(
        "registration_quality",
        "share",
        UP,
        ("registered_well", "closed"),
        ("Volledig geregistreerd", "Registered in full"),
        (
            "Gesloten met melder, categorie en oplossing, en bij een incident een oorzaak ÷ gesloten.",
            "Closed with caller, category and solution, and of an incident a cause ÷ closed.",
        ),
        "our own; beside % incorrectly categorised (ITIL v3)",
    ),
    kpi(
        "reassignment_rate",
        "share",
        DOWN,
        ("reassigned", "closed"),
        ("Van oplosgroep veranderd", "Changed solver group"),
        (
            "Gesloten na minstens één wissel van oplosgroep ÷ gesloten.",
            "Closed after a change of group ÷ closed.",
        ),
        "number of reassignments (ITIL 4)",
    ),
    kpi(
        "bounce_rate",
        "share",
        DOWN,
        ("bounced", "closed"),
        ("Heen en weer gestuurd", "Bounced"),
        (
            "Gesloten na minstens twee wissels van oplosgroep ÷ gesloten.",
            "Closed after two changes or more ÷ closed.",
        ),
        "number of reassignments (ITIL 4)",
    ),
    kpi(
        "reassignments_mean",
        "ratio",
        DOWN,
        ("reassignments", "closed"),
        ("Wissels van oplosgroep per melding", "Changes of solver group a ticket"),
        ("Wissels van oplosgroep ÷ gesloten meldingen.", "Changes of solver group ÷ tickets closed."),
        "number of reassignments (ITIL 4)",
    ),
)

_PARTY_WORDS = {
    "customer": ("op de klant", "for the customer"),
    "supplier": ("op de leverancier", "for the supplier"),
    "internal": ("op een interne dienst", "for an internal service"),
}


def _waiting(party: str) -> Kpi:
    """Return the share of working time spent waiting, for one party or ("") for all."""
    nl, en = _PARTY_WORDS.get(party, ("", ""))
    end = f"_{party}" if party else ""
    return kpi(
        f"waiting_share{end}",
        "share",
        DOWN,
        (f"waited{end}", "gross"),
        (f"Wachttijd {nl}".strip(), f"Waiting {en}".strip()),
        (
            "Openingsuren dat de klok stilstond ÷ alle openingsuren tot de oplossing;"
            " wachten dat de klok niet stilzet, telt niet.",
            "Opening hours with the clock paused ÷ all opening hours up to the resolution;"
            " waiting that does not pause the clock does not count.",
        ),
        "percentage of waiting time in overall handling time (ITIL 4)",
    )


def kpis(levels: Iterable[int]) -> dict[str, Kpi]:
    """Return every KPI of a desk with these priority levels, by key, in the order of the report."""
    priorities = [None, *levels]
    listed = (
        *_FLOW,
        *_BACKLOG,
        *(_bucket(low, high) for low, high in BUCKETS),
        *_FIRST_LINE,
        *(_attainment(promise, level) for promise in ("resolve", "respond") for level in priorities),
        *(_timed(time, statistic) for time in TIMES for statistic in STATISTICS),
        *_QUALITY,
        *SATISFACTION,
        *(_waiting(party) for party in ("", *PARTIES)),
        *OWING,
        *STAFFING,
        *repeats.KPIS,
        *knowledge.KPIS,
        *phone.KPIS,
        *majors.KPIS,
    )
    return {entry.key: named(entry) for entry in listed}


KPIS = kpis(range(1, 5))
