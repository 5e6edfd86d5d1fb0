"""The check of a rulebook: ladders that go up, and announce what they do."""

from __future__ import annotations

import pytest

from tests.rulebooks import changed
from tests.test_rulebook_check import faults_of, line_of


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"6 werkdagen"\ntone = "firm"', '"3 werkdagen"\ntone = "firm"', "needs a longer term"),
        ('"6 werkdagen"\ntone = "firm"', '"60 h"\ntone = "firm"', "in the same unit"),
        ('"10 werkdagen"\ntone = "closing"', '"10 werkdagen"\ntone = "firm"', "that announces it"),
        ('"15 werkdagen"\ntone = "close"', '"15 werkdagen"\ntone = "firm"', "needs the tone 'close'"),
        ('tone = "hierarchical"\ncopy', 'tone = "closing"\ncopy', "does not answer"),
    ],
)  # fmt: skip
def test_a_ladder_that_cannot_be(old: str, new: str, said: str) -> None:
    """Each fault is told."""
    assert any(said in fault.text for fault in faults_of(changed((old, new))))


def test_the_fault_stands_at_its_step() -> None:
    """The line is that of the step which is too early."""
    text = changed(('"15 werkdagen"', '"9 werkdagen"'))

    (fault,) = faults_of(text)

    assert line_of(text, '"9 werkdagen"') - 2 == fault.line
