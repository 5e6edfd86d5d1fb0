"""What a KPI is: an entry of the registry, and two short ways to write one."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from typing import NamedTuple

UP, DOWN, NEUTRAL = "up", "down", ""


class Kpi(NamedTuple):
    """One figure. Unit: count, share (0 to 1), seconds, days (working days) or ratio.

    `better` is up, down or "" for neither.
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


def kpi(
    key: str,
    unit: str,
    better: str,
    parts: tuple[str, str],
    label: tuple[str, str],
    definition: tuple[str, str],
    source: str,
) -> Kpi:
    """Return an entry with `parts` n and of; its words in Dutch and English."""
    words = {"nl": label[0], "en": label[1]}, {"nl": definition[0], "en": definition[1]}
    return Kpi(key, unit, better, *parts, "", *words, source)


def count(
    key: str, better: str, label: tuple[str, str], definition: tuple[str, str], source: str = ""
) -> Kpi:
    """Return the entry of what is only counted, under its own key."""
    return kpi(key, "count", better, (key, ""), label, definition, source)
