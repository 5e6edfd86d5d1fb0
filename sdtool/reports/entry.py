"""What a KPI is: an entry of the registry, and two short ways to write one."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from typing import NamedTuple

UP, DOWN, NEUTRAL = "up", "down", ""
LEFT_OUT = (
    "Geannuleerde, samengevoegde en testmeldingen.",
    "Cancelled, merged and test tickets.",
)  # what nearly every figure leaves out
_LABELS, _WORDS = ("nl", "en", "fr"), ("nl", "en")


# what a KPI is of: tickets; tickets too, but of who comes and leaves, which no filter divides; neither
TICKETS, CHANGES, OTHER = "tickets", "changes", ""


class Kpi(NamedTuple):
    """One figure. Unit: count, share (0 to 1), seconds, days (working days) or ratio.

    `better` is up, down or "" for neither. `label` is in Dutch, English and French; `definition` (the
    formula), `population` (what it is taken of) and `exclusions` (what of that is left out) in Dutch and
    English. `about`: TICKETS, CHANGES or OTHER; of OTHER no tickets can be listed, only TICKETS are filtered.
    """

    key: str
    unit: str
    better: str
    n: str
    of: str
    statistic: str
    label: dict[str, str]
    definition: dict[str, str]
    source: str
    population: dict[str, str]
    exclusions: dict[str, str]
    about: str = TICKETS


def kpi(
    key: str,
    unit: str,
    better: str,
    parts: tuple[str, str],
    label: tuple[str, ...],
    definition: tuple[str, str],
    source: str = "",
    *,
    population: tuple[str, str] = ("", ""),
    exclusions: tuple[str, str] = LEFT_OUT,
    statistic: str = "",
    about: str = TICKETS,
) -> Kpi:
    """Return an entry with `parts` n and of; its label in Dutch, English and French, its words in two."""
    return Kpi(
        key,
        unit,
        better,
        *parts,
        statistic,
        dict(zip(_LABELS, label, strict=False)),
        _words(definition),
        source,
        _words(population),
        _words(exclusions),
        about,
    )


def count(
    key: str,
    better: str,
    label: tuple[str, ...],
    definition: tuple[str, str],
    source: str = "",
    *,
    population: tuple[str, str] = ("", ""),
    exclusions: tuple[str, str] = LEFT_OUT,
    about: str = TICKETS,
) -> Kpi:
    """Return the entry of what is only counted, under its own key."""
    return kpi(
        key,
        "count",
        better,
        (key, ""),
        label,
        definition,
        source,
        population=population,
        exclusions=exclusions,
        about=about,
    )


def _words(texts: tuple[str, str]) -> dict[str, str]:
    return dict(zip(_WORDS, texts, strict=True))
