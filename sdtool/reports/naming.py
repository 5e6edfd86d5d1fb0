"""What the registry says once for many KPIs: French names, and what a denominator stands for."""

from __future__ import annotations

from sdtool.reports.entry import Kpi

_FRENCH = {
    "opened": "Ouverts",
    "resolved": "Résolus",
    "closed": "Clôturés",
    "throughput": "Sorties ÷ entrées",
    "cancelled": "Annulés (comptés nulle part ailleurs)",
    "merged": "Fusionnés (comptés nulle part ailleurs)",
    "test": "Tickets de test (comptés nulle part ailleurs)",
    "backlog": "Ouverts à la fin",
    "backlog_late": "Ouverts et en retard",
    "backlog_waiting": "dont en attente",
    "backlog_unclosed": "Non clôturés à la fin",
    "backlog_0_1": "0–1 jour ouvrable",
    "backlog_2_5": "2–5 jours ouvrables",
    "backlog_6_10": "6–10 jours ouvrables",
    "backlog_11_20": "11–20 jours ouvrables",
    "backlog_over_20": "> 20 jours ouvrables",
    "first_line_resolution": "Résolution en première ligne",
    "first_contact_resolution": "Résolution au premier contact (FCR)",
    "first_contact_resolution_net": "Résolution au premier contact, net",
    "resolve_attainment": "Résolus dans le délai",
    "respond_attainment": "Réponse dans le délai",
    "time_to_accept": "Délai de prise en charge",
    "first_response": "Délai de première réponse",
    "time_to_resolve": "Délai de résolution",
    "time_to_resolve_net": "Délai de résolution, net",
    "time_to_resolve_gross": "Délai de résolution, brut",
    "time_to_close": "Délai de clôture",
    "time_to_escalate_mean_working": "Délai d'escalade, moyenne",
    "reopen_rate": "Rouverts un jour",
    "reopen_rate_10wd": "Rouverts dans les 10 jours ouvrables",
    "escalation_rate": "Escaladés",
    "wrong_routing": "Mal orientés",
    "reassignment_rate": "Changés de groupe",
    "bounce_rate": "Renvoyés de groupe en groupe",
    "reassignments_mean": "Changements de groupe par ticket",
    "registration_quality": "Enregistrement complet",
    "satisfaction": "Clients satisfaits (CSAT)",
    "satisfaction_response": "Taux de réponse",
    "waiting_share": "Part d'attente",
    "waiting_share_customer": "Attente du client",
    "waiting_share_supplier": "Attente du fournisseur",
    "waiting_share_internal": "Attente d'un service interne",
    "feedback_median_customer": "Réponse du client, médiane",
    "feedback_median_supplier": "Réponse du fournisseur, médiane",
    "feedback_median_internal": "Réponse d'un service interne, médiane",
    "feedback_before_second_reminder": "Répondu avant le deuxième rappel",
    "ready_on_day_one": "Prêt le premier jour",
    "complete_at_first_import": "Complet à la première annonce",
    "lead_time": "Jours ouvrables de préavis",
}
_STATISTICS = {"mean": "moyenne", "median": "médiane", "p90": "P90"}
_CLOCKS = {"working": "heures d'ouverture", "elapsed": "temps écoulé"}
_POPULATIONS = {
    "opened": ("Meldingen gemaakt in de periode.", "Tickets made in the period."),
    "resolved": ("Meldingen opgelost in de periode.", "Tickets resolved in the period."),
    "asked": (
        "Meldingen opgelost in de periode, behalve wat voor een dag gepland was.",
        "Tickets resolved in the period, but for what was planned for a day.",
    ),
    "contactable": (
        "Opgelost in de periode en binnengekomen langs een kanaal met iemand aan de lijn.",
        "Resolved in the period and come in by a channel with a person on it.",
    ),
    "escalated": (
        "Meldingen opgelost in de periode na een functionele escalatie.",
        "Tickets resolved in the period after a functional escalation.",
    ),
    "due": ("Opgelost in de periode, met die termijn.", "Resolved in the period, with that deadline."),
    "closed": ("Meldingen gesloten in de periode.", "Tickets closed in the period."),
    "cancelled": ("Meldingen geannuleerd in de periode.", "Tickets cancelled in the period."),
    "merged": ("Meldingen samengevoegd in de periode.", "Tickets merged in the period."),
    "test": ("Testmeldingen gemaakt in de periode.", "Test tickets made in the period."),
    "backlog": ("Meldingen die op het einde liepen.", "Tickets that ran at the end."),
    "major": ("Grote storingen.", "Major incidents."),
    "majors": ("Grote storingen.", "Major incidents."),
    "gross": ("Openingsuren van wat in de periode is opgelost.", "Opening hours of what was resolved."),
    "scored": ("Antwoorden van klanten in de periode.", "Answers of customers in the period."),
    "surveyed": ("Vragen gesteld in de periode.", "Questions asked in the period."),
    "feedback": ("Antwoorden die in de periode kwamen.", "Answers that came in the period."),
    "starts": ("Indiensttredingen met een start in de periode.", "Onboardings that start in the period."),
    "told": ("Indiensttredingen gemeld in de periode.", "Onboardings told in the period."),
}


def named(entry: Kpi) -> Kpi:
    """Return an entry with its French name and its population, where its own module did not give them."""
    label = entry.label if "fr" in entry.label else {**entry.label, "fr": _french(entry.key)}
    population = entry.population
    if not population["nl"]:
        population = dict(zip(("nl", "en"), _population(entry.of or entry.n), strict=True))
    return entry._replace(label=label, population=population)


def _french(key: str) -> str:
    if key in _FRENCH:
        return _FRENCH[key]
    stem, _, last = key.rpartition("_")
    if last.startswith("p") and stem in _FRENCH:
        return f"{_FRENCH[stem]}, {last.upper()}"
    if last in _STATISTICS:
        return f"{_FRENCH[stem]}, {_STATISTICS[last]}"
    stem, _, statistic = stem.rpartition("_")
    name = _FRENCH["time_to_resolve_net" if (stem, last) == ("time_to_resolve", "working") else stem]
    return f"{name}, {_STATISTICS[statistic]} ({_CLOCKS[last]})"


def _population(counted: str) -> tuple[str, str]:
    if "_due" in counted:
        return _POPULATIONS["due"]
    known = counted if counted in _POPULATIONS else counted.split("_")[0]
    return _POPULATIONS.get(known, ("", ""))
