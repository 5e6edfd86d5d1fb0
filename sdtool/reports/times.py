"""The times that are measured: until somebody takes a ticket, answers it, resolves it, closes it."""

from __future__ import annotations

from typing import NamedTuple

STATISTICS = {"mean": ("gemiddelde", "mean"), "median": ("mediaan", "median"), "p90": ("P90", "P90")}


class Time(NamedTuple):
    """A measured stretch: key with `{}` for the statistic, series, cohort, and words in Dutch and English."""

    key: str
    series: str
    of: str
    clock: tuple[str, str]
    label: tuple[str, str]
    definition: tuple[str, str]
    source: str


_OPENING_HOURS = ("openingsuren", "opening hours")
_PASSED = ("verstreken tijd", "elapsed")
_ACCEPT = (
    ("Tijd tot aanname", "Time to accept"),
    ("Van het maken tot iemand de melding aanneemt.", "From making the ticket until a person takes it."),
    "time to own (GLPI, iTop)",
)
_RESPOND = (
    ("Tijd tot eerste antwoord", "Time to first response"),
    (
        "Tot het eerste bericht van een mens aan de klant, of de oplossing; automatische tellen niet.",
        "Until a person's first message to the customer, or the resolution; automatic ones do not count.",
    ),
    "Zammad slas.rst; Znuny admin/queues",
)
_RESOLVE = (
    ("Oplostijd", "Time to resolve"),
    ("Van het maken tot de oplossing die geldt.", "From making the ticket to the resolution that stands."),
    "MTTR (BMC Helix)",
)
_NET = (
    ("Oplostijd, netto", "Time to resolve, net"),
    (
        "Van het maken tot de oplossing die geldt, zonder de tijd dat de klok stilstond.",
        "From making the ticket to the resolution that stands, without the time the clock stood still.",
    ),
    "MTTR (BMC Helix)",
)
_GROSS = (
    ("Oplostijd, bruto", "Time to resolve, gross"),
    (
        "Van het maken tot de oplossing die geldt, de tijd dat de klok stilstond inbegrepen.",
        "From making the ticket to the resolution that stands, with the time the clock stood still.",
    ),
    "MTTR (BMC Helix)",
)
_CLOSE = (
    ("Tijd tot sluiting", "Time to close"),
    (
        "Van het maken tot de sluiting, van wie in de periode gesloten is.",
        "From making to closing, of those closed in the period.",
    ),
    "closed in the period (Micro Focus Service Manager)",
)

TIMES = (
    Time("time_to_accept_{}_working", "accept_working", "asked", _OPENING_HOURS, *_ACCEPT),
    Time("time_to_accept_{}_elapsed", "accept_elapsed", "asked", _PASSED, *_ACCEPT),
    Time("first_response_{}_working", "response_working", "asked", _OPENING_HOURS, *_RESPOND),
    Time("first_response_{}_elapsed", "response_elapsed", "asked", _PASSED, *_RESPOND),
    Time("time_to_resolve_{}_working", "resolve_working", "asked", _OPENING_HOURS, *_NET),
    Time("time_to_resolve_gross_{}_working", "resolve_gross_working", "asked", _OPENING_HOURS, *_GROSS),
    Time("time_to_resolve_{}_elapsed", "resolve_elapsed", "asked", _PASSED, *_RESOLVE),
    Time("time_to_close_{}_elapsed", "close_elapsed", "closed_asked", _PASSED, *_CLOSE),
)
