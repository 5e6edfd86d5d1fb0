"""Filters of the KPI report, the tickets behind its figures, and figures by part."""

from __future__ import annotations

import random
from datetime import date

import pytest

from sdtool.errors import UsageFault
from sdtool.reports import counting, parts
from sdtool.reports.clocks import Clocks
from sdtool.reports.detail import detail
from sdtool.reports.entry import OTHER
from sdtool.reports.period import period
from sdtool.reports.registry import kpis
from sdtool.reports.scope import Scope
from sdtool.rulebook import Norm
from tests.kpi_world import NOVEMBER, World, at, world

__all__ = ["world"]  # the fixture
SCOPE = Scope(period(*NOVEMBER, "Europe/Brussels"))


def busy(world: World, seed: int, tickets: int = 60) -> None:
    """Fill a desk with tickets of every fate around November."""
    chance = random.Random(seed)

    def moment(low: int, high: int) -> str:
        day = chance.randrange(low, high)
        month, day = (
            ("2026-10", day + 31) if day < 1 else ("2026-11", day) if day < 31 else ("2026-12", day - 30)
        )
        return f"{month}-{day:02} {chance.randrange(24):02}:{chance.randrange(60):02}"

    for _ in range(tickets):
        fate = chance.randrange(6)
        given = {"opened": moment(-20, 28), "test": int(chance.random() < 0.1)}
        if fate:
            given["resolved_at"] = moment(1, 40)
        if fate > 2:
            given["closed_at"] = moment(1, 45)
        if fate == 5 and chance.random() < 0.3:
            given["state"] = "cancelled"
        reached = ("accepted_at", "responded_at", "escalated_at")
        given |= {name: moment(1, 28) for name in reached if chance.random() < 0.6}
        given |= {
            name: chance.randrange(3)
            for name in ("reopens", "escalations", "wrong_routings", "reassignments", "contacts")
        }
        given |= {
            "priority": chance.randrange(1, 5),
            "group_key": chance.choice(("servicedesk", "network")),
            "agent": chance.choice(("an", "bo", "")),
        }
        given |= {
            "channel": chance.choice(("phone", "portal")),
            "resolve_due": moment(5, 40),
            "respond_due": moment(1, 20),
        }
        given |= {
            "category": chance.choice(("printer", "network")),
            "target_group": chance.choice(("staff", "school")),
        }
        if chance.random() < 0.4:
            party = chance.choice(("customer", "supplier", "internal", ""))
            given["pauses"] = [(party, moment(1, 10), chance.choice((moment(11, 35), None)))]
        number = world.ticket(**given)
        if chance.random() < 0.3:
            asked = {
                "asked_at": at(moment(1, 10)),
                "ended_at": at(moment(12, 40)),
                "due_at": 1,
                "asked_by": "x",
            }
            for _ in range(chance.randrange(1, 3)):
                world.numbers += 1
                row = {
                    "id": world.numbers,
                    "ticket": number,
                    "kind": "customer",
                    "what": "x",
                    "state": "answered",
                }
                world.store.insert("owed", row | asked | {"step": chance.randrange(4)})


# --- The tickets behind a figure


@pytest.mark.parametrize("seed", range(3))
def test_what_is_listed_adds_up_to_the_figure(world, seed):
    """For every KPI that tickets can be listed of: numerator, denominator, and the measures of a time."""
    busy(world, seed)
    figures, wrong = world.figures(), []
    for entry in kpis(p.level for p in world.book.priorities).values():
        if entry.about == OTHER:
            continue
        lines, figure = detail(world.store, world.book, SCOPE, entry.key), figures[entry.key]
        found = sum(line.n for line in lines), sum(line.of or 0 for line in lines)
        measured = [line.measured for line in lines if line.measured is not None]
        if found != (figure.n, figure.of or 0) or (entry.statistic and len(measured) != figure.n):
            wrong.append((entry.key, found, figure))
        elif entry.statistic == "mean" and measured and sum(measured) / len(measured) != figure.value:
            wrong.append((entry.key, measured, figure))

    assert wrong == []
    assert sum(figure.n > 0 for figure in figures.values()) > 50
