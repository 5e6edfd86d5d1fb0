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


class Trace(Tally):
    """A tally that also keeps which tickets it was told of, for these names: 16 bytes each time.

    `counted` and `measured` hold by name the tickets and, in the same places, the amounts or measures.
    """

    traced = True

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__()
        self.counted = {name: (array("q"), array("q")) for name in names}
        self.measured = {name: (array("q"), array("q")) for name in self.counted}

    def add(self, name: str, amount: int = 1, ticket: int | None = None) -> None:
        """Count something, of this ticket."""
        self.sums(name, (amount,), (ticket,) if ticket is not None else ())

    def each(self, name: str, tickets: Collection[int]) -> None:
        """Count each of these tickets once."""
        self.sums(name, [1] * len(tickets), list(tickets))

    def sums(self, name: str, amounts: Sequence[int], tickets: Sequence[int]) -> None:
        """Add to a sum, each amount of the ticket in the same place."""
        super().sums(name, amounts, tickets)
        _keep(self.counted.get(name), ((ticket, n) for ticket, n in zip(tickets, amounts, strict=False) if n))

    def measure(self, series: str, values: Iterable[int], tickets: Iterable[int] = ()) -> None:
        """Keep measures, each with its ticket."""
        known = list(values)
        super().measure(series, known)
        pairs = zip(tickets, known, strict=False)
        _keep(self.measured.get(series), ((ticket, value) for ticket, value in pairs if value >= 0))


def _keep(kept: tuple[array[int], array[int]] | None, pairs: Iterable[tuple[int, int]]) -> None:
    if kept is not None:
        for ticket, value in pairs:
            kept[0].append(ticket)
            kept[1].append(value)
