"""Bars and sparklines of characters."""

from __future__ import annotations

from sdtool.reports.bars import bar, spark


def test_bar_is_as_long_as_its_share():
    """A full bar fills the width; half a column shows as half a block."""
    assert [bar(value, 100, 4) for value in (100, 50, 12.5, 0, None)] == ["████", "██", "▌", "", ""]


def test_bar_never_leaves_its_width():
    """What is above the most is cut, and what is hardly anything still shows."""
    assert (bar(900, 100, 4), bar(0.01, 100, 4), bar(5, 0, 4)) == ("████", "▏", "")


def test_spark_goes_from_lowest_to_highest():
    """A month without a value leaves a gap; values that are all the same stand half-way."""
    assert (spark([0, None, 7]), spark([3, 3]), spark([None])) == ("▁ █", "▄▄", " ")


def test_ascii_for_a_terminal_without_blocks():
    """The same shapes in signs that any encoding has."""
    assert (bar(50, 100, 4, ascii=True), spark([0, 7], ascii=True)) == ("##", "_@")
