"""A desk whose rows a test puts there itself, for figures computed by hand."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from sdtool.reports import kpi
from sdtool.rulebook import compiled
from sdtool.store import create_store

ZONE = ZoneInfo("Europe/Brussels")
NOVEMBER = date(2026, 11, 1), date(2026, 12, 1)  # 2 November is a Monday; no day off is in the test's table


def at(text: str) -> int:
    """Return a moment of November 2026, "02 09:00", or of any month, "2026-10-30 09:00"."""
    day, clock = text.split()
    return int(
        datetime.fromisoformat(f"{day if len(day) > 2 else '2026-11-' + day} {clock}")
        .replace(tzinfo=ZONE)
        .timestamp()
    )


MOMENTS = ("opened_at", "accepted_at", "responded_at", "resolved_at", "closed_at", "ended_at", "escalated_at")


class World:
    """A desk whose rows a test puts there itself."""

    def __init__(self, folder: Path, url: str) -> None:
        self.store = create_store(url, "test")
        self.book = compiled.load("", str(folder / "cache"))
        self.numbers = 0

    def ticket(self, opened: str = "02 09:00", **given) -> int:
        """Add a ticket; moments as text; `pauses` are (party, start, end)."""
        self.numbers += 1
        pauses = given.pop("pauses", ())
        values = {"opened_at": opened, **given}
        row = {name: at(values[name]) if values.get(name) else None for name in MOMENTS}
        row["ended_at"] = row["ended_at"] or row["resolved_at"] or row["closed_at"]
        state = "closed" if row["closed_at"] else "resolved" if row["resolved_at"] else "new"
        base = dict.fromkeys(("category", "urgency", "summary"), "other") | {
            "type": "incident",
            "state": state,
        }
        base |= {"channel": "phone", "target_group": "staff", "priority": 3, "derived_priority": 3}
        base |= {
            "group_key": "servicedesk",
            "registered_by": "test",
            "respond_target": 1,
            "resolve_target": 1,
        }
        due = {name: at(given.pop(name, "27 17:00")) for name in ("respond_due", "resolve_due")}
        rest = {name: value for name, value in given.items() if name not in MOMENTS}
        self.store.insert("ticket", {"id": self.numbers, **base, **row, **due, **rest})
        for party, start, end in pauses:
            moments = {"start_at": at(start), "end_at": at(end) if end else None, "until_at": None}
            self.store.insert("pause", {"ticket": self.numbers, "party": party, **moments})
        return self.numbers

    def report(self, first: date = NOVEMBER[0], after: date = NOVEMBER[1], **more) -> kpi.Report:
        return kpi.report(self.store, self.book, first, after, timezone="Europe/Brussels", **more)

    def figures(self, *days: date, **more) -> dict[str, kpi.Figure]:
        return {figure.key: figure for figure in self.report(*days, **more).kpis}

    def values(self, *keys: str) -> list[float | None]:
        found = self.figures()
        return [found[key].value for key in keys]


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[World]:
    """A desk without tickets."""
    made = World(tmp_path, database_url)
    yield made
    made.store.close()
