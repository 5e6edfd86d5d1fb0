"""The KPIs of owed feedback, against figures computed by hand."""

from __future__ import annotations

import pytest

from sdtool.reports.kpi_view import document
from tests.kpi_world import World, at, world

__all__ = ["world"]  # the fixture
HOUR = 3600


def owe(
    world: World, kind: str, asked: str, ended: str | None, step: int = 0, state: str = "answered"
) -> None:
    """Add owed feedback; `ended` is None while it is open."""
    number = 1 + (world.store.value("select max(id) from owed") or 0)
    row = {"id": number, "ticket": world.ticket(), "kind": kind, "what": "x", "asked_by": "an", "step": step}
    row |= {"asked_at": at(asked), "due_at": at(asked), "ended_at": at(ended) if ended else None}
    world.store.insert("owed", {**row, "state": state if ended else "open"})


def test_median_by_kind(world: World) -> None:
    """2, 4 and 9 opening hours are 4; other kinds have their own figure, or none."""
    for ended in ("03 11:00", "03 13:30", "04 09:30"):
        owe(world, "supplier", "03 09:00", ended)
    owe(world, "customer", "03 09:00", "03 10:00")
    keys = [f"feedback_median_{kind}" for kind in ("supplier", "customer", "internal")]
    assert world.values(*keys) == [4 * HOUR, HOUR, None]
    assert (world.figures()[keys[0]].n, world.figures()[keys[0]].of) == (3, 3)


def test_only_answers_of_the_period_count(world: World) -> None:
    """What is open, was cancelled, or was answered in another month is not in it."""
    owe(world, "supplier", "03 09:00", None)
    owe(world, "supplier", "03 09:00", "03 10:00", state="cancelled")
    owe(world, "supplier", "2026-10-05 09:00", "2026-10-06 09:00")
    assert world.values("feedback_median_supplier", "feedback_before_second_reminder") == [None, None]


@pytest.mark.parametrize(("steps", "share"), [((0, 1), 1.0), ((0, 1, 2, 3), 0.5), ((2,), 0.0)])
def test_answered_before_the_second_reminder(world: World, steps: tuple[int, ...], share: float) -> None:
    """None and one reminder are before the second; two are not."""
    for step in steps:
        owe(world, "internal", "03 09:00", "05 09:00", step)
    assert world.values("feedback_before_second_reminder") == [share]


@pytest.mark.parametrize("form", ["html", "text", "md"])
def test_page_names_who_answered(world: World, form: str) -> None:
    """The page has a line for each kind that answered, and none for the others."""
    owe(world, "supplier", "03 09:00", "03 11:00")
    page = document(world.report(), world.book, form, "en")
    assert "Feedback of the supplier" in page
    assert "Feedback of the customer" not in page


def test_page_says_nothing_without_answers(world: World) -> None:
    """Where nobody answered anything, the page has no line about it."""
    assert "second reminder" not in document(world.report(), world.book, "text", "en")
