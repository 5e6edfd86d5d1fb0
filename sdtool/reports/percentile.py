"""Mean, median and percentiles of whole numbers; None where there is nothing to measure."""

from __future__ import annotations

from collections.abc import Sequence


def percentile(ordered: Sequence[int], percent: int) -> float | None:
    """Return a percentile of ascending values, interpolated between neighbours.

    The position is counted in whole numbers, so no rounding picks the wrong neighbour.

    Source: type 7 of Hyndman and Fan, as in numpy and in PERCENTILE.INC of spreadsheets.
    """
    if not ordered:
        return None
    index, rest = divmod(percent * (len(ordered) - 1), 100)
    if not rest:
        return ordered[index]
    return ordered[index] + (ordered[index + 1] - ordered[index]) * rest / 100


def statistics(values: Sequence[int]) -> dict[str, float | None]:
    """Return mean, median and p90 of values in any order."""
    if not values:
        return {"mean": None, "median": None, "p90": None}
    ordered = sorted(values)
    return {
        "mean": sum(ordered) / len(ordered),
        "median": percentile(ordered, 50),
        "p90": percentile(ordered, 90),
    }
