"""What was counted and measured, under the names that the registry refers to."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence


class Tally:
    """Counts, and measures (durations in seconds, lead times in days).

    `groups`, `categories` and `services` split a few counts for the reader. Every count comes with the number
    of its ticket, if it has one; here nobody asks for them. `traced`: somebody does, so do not count in bulk.
    """

    traced = False

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.times: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))  # 4 bytes each: 136 years
        self.groups: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.categories: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self.services: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def add(self, name: str, amount: int = 1, ticket: int | None = None) -> None:
        """Count something, of this ticket; of a ticket that is counted with 0, nothing is kept."""
        self.counts[name] += amount

    def sum(self, name: str, amount: int, ticket: int | None = None) -> None:
        """Add to a sum: seconds, changes."""
        self.add(name, amount, ticket)

    def each(self, name: str, tickets: Collection[int]) -> None:
        """Count each of these tickets once."""
        self.counts[name] += len(tickets)

    def sums(self, name: str, amounts: Sequence[int], tickets: Sequence[int]) -> None:
        """Add to a sum, each amount of the ticket in the same place."""
        self.counts[name] += sum(amounts)

    def measure(self, series: str, values: Iterable[int], tickets: Iterable[int] = ()) -> None:
        """Keep measures, each of the ticket in the same place.

        One below zero (a moment before the ticket was made) says nothing.
        """
        self.times[series].extend(value for value in values if value >= 0)
