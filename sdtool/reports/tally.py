"""What was counted and measured of a period, by name."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable


class Tally:
    """Counts, and measures (durations in seconds, lead times in days).

    `groups`, `categories` and `services` split a few counts for the reader.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.times: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))  # 4 bytes each: 136 years
        self.groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.categories: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.services: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def measure(self, series: str, values: Iterable[int]) -> None:
        """Keep measures; one below zero (a moment before the ticket was made) says nothing."""
        self.times[series].extend(value for value in values if value >= 0)
