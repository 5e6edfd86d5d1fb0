"""What was counted and measured of a period, by name."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable


class Tally:
    """Counts, and durations in seconds; `groups` and `categories` split a few counts for the reader."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.times: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))  # 4 bytes each: 136 years
        self.groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.categories: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def measure(self, series: str, seconds: Iterable[int]) -> None:
        """Keep durations; one below zero (a moment before the ticket was made) says nothing."""
        self.times[series].extend(value for value in seconds if value >= 0)
