"""The areas of the desk, one module a noun: reads take `store`, writes take `desk`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sdtool.rulebook import Rulebook
from sdtool.settings import Settings
from sdtool.store.base import Store

T = TypeVar("T")


class Desk:
    """Who acts, when, on which records, under which agreements; what takes it may write.

    `now` is epoch seconds, `source` one of cli, cron, mail, import.
    """

    __slots__ = ("actor", "now", "rulebook", "settings", "source", "store")

    def __init__(
        self, store: Store, rulebook: Rulebook, settings: Settings, *, actor: str, source: str, now: int
    ) -> None:
        self.store, self.rulebook, self.settings = store, rulebook, settings
        self.actor, self.source, self.now = actor, source, now

    @property
    def timezone(self) -> str:
        """The time zone in which the desk reads and writes moments."""
        return self.rulebook.organisation.timezone

    def run(self, work: Callable[[], T]) -> T:
        """Run `work` as one write transaction, or as part of the running one."""
        return self.store.run(work)
