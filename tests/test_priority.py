"""Priority: the cell of the matrix, the shift of the impact, the reason in words."""

from __future__ import annotations

import pytest

from sdtool.errors import BadSetup
from sdtool.rulebook import Impact, Matrix
from sdtool.rules.priority import derive
from tests.rulebooks import read, shipped_text, with_matrix

DAY = "2026-11-23"
BOOK = read(shipped_text())
_CELLS = [(urgency, group, level) for urgency, group, level in BOOK.matrices[0].cells]


@pytest.mark.parametrize(("urgency", "group", "level"), _CELLS)
def test_each_cell(urgency: str, group: str, level: int) -> None:
    """Without a shift the priority is what stands in the cell of urgency and target group."""
    assert derive(BOOK, urgency, group, "person", DAY).level == level


@pytest.mark.parametrize(
    ("urgency", "group", "impact", "level"),
    [
        ("normal", "staff", "person", 3),
        ("normal", "staff", "department", 2),
        ("normal", "staff", "organisation", 1),
        ("critical", "deputies", "organisation", 1),
        ("high", "staff", "organisation", 1),
        ("low", "external", "department", 3),
        ("low", "external", "", 4),
        ("low", "external", "no longer agreed", 4),
    ],
)
def test_impact_shifts_within_the_levels(urgency: str, group: str, impact: str, level: int) -> None:
    """The impact raises the priority, never above the highest level there is."""
    assert derive(BOOK, urgency, group, impact, DAY).level == level


def test_shift_down_stops_at_the_lowest() -> None:
    """An impact that lowers the priority stops at the lowest level."""
    book = BOOK._replace(impacts=(Impact("minor", "Klein", 9),))
    assert derive(book, "critical", "deputies", "minor", DAY).level == 4


@pytest.mark.parametrize(
    ("impact", "reason"),
    [
        ("person", "urgency normal x target group staff gives P3"),
        (
            "department",
            "urgency normal x target group staff gives P3; impact department shifts it by -1 to P2",
        ),
    ],
)
def test_reason_says_which_rule(impact: str, reason: str) -> None:
    """The reason names the axes, the cell and the shift."""
    assert derive(BOOK, "normal", "staff", impact, DAY).reason == reason


@pytest.mark.parametrize(("day", "level"), [("2026-06-30", 3), ("2026-07-01", 1)])
def test_matrix_in_force_on_the_day(day: str, level: int) -> None:
    """A matrix that begins later says nothing about the days before."""
    later = Matrix(tuple((u, g, 1) for u, g, _ in _CELLS), "2026-07-01")
    book = BOOK._replace(matrices=(*BOOK.matrices, later))
    assert derive(book, "normal", "staff", "", day).level == level


def test_hole_is_a_fault_of_the_setup() -> None:
    """A pair without a cell is never guessed."""
    with pytest.raises(BadSetup, match="no cell normal x visitors"):
        derive(BOOK, "normal", "visitors", "", DAY)


def test_axes_are_any_text() -> None:
    """Names of the axes may hold spaces, dashes and digits; impacts are not needed."""
    text = with_matrix(["1 - High"], ["2 - Can wait"], [[1]], {1: ("1 h", "4 h")})
    assert derive(read(text), "2 - Can wait", "1 - High", "", DAY).level == 1
