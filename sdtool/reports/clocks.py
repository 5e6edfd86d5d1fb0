"""The calendar that each ticket was promised, found without asking the rulebook a million times."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date

from sdtool.desk import calendars
from sdtool.rulebook import Rulebook, Target
from sdtool.rules.moments import midnight
from sdtool.rules.worktime import Calendar
from sdtool.store.base import Store


class Clocks:
    """The calendars of a desk, by what a ticket's type, priority and day promise."""

    def __init__(self, store: Store, rulebook: Rulebook) -> None:
        self._store, self.rulebook = store, rulebook
        self._timezone = rulebook.organisation.timezone
        self._versions: dict[tuple[str, int], tuple[list[int], list[Calendar]]] = {}

    def main(self) -> Calendar:
        """Return the calendar of the desk itself: the first of the rulebook."""
        return self._load(self.rulebook.calendars[0].key)

    def of(self, type_: str, priority: int, opened_at: int) -> Calendar:
        """Return the calendar of a ticket of this type and priority, made at this moment.

        A priority that the rulebook no longer has counts by its first calendar.
        """
        kind = (type_, priority)
        known = self._versions.get(kind)
        if known is None:
            known = self._versions[kind] = self._find(kind)
        since, found = known
        return found[0] if len(found) == 1 else found[max(bisect_right(since, opened_at) - 1, 0)]

    def _find(self, kind: tuple[str, int]) -> tuple[list[int], list[Calendar]]:
        targets = [t for t in self.rulebook.targets if (t.type, t.priority) == kind]
        if not targets:
            return [0], [self.main()]
        ordered = sorted(targets, key=lambda target: target.valid_from)
        if len({target.calendar for target in ordered}) == 1:
            ordered = ordered[:1]
        return [self._since(t) for t in ordered], [self._load(t.calendar) for t in ordered]

    def _since(self, target: Target) -> int:
        """Return the midnight from which a target holds; the first one holds always."""
        if not target.valid_from:
            return 0
        return midnight(date.fromisoformat(target.valid_from), self._timezone)

    def _load(self, key: str) -> Calendar:
        return calendars.load(self._store, self.rulebook, key, 0)
