"""Sparklines of characters."""

from __future__ import annotations

from sdtool.reports.bars import ascii_only, spark


def test_spark_goes_from_lowest_to_highest():
    """A month without a value leaves a gap; values that are all the same stand half-way."""
    assert (spark([0, None, 7]), spark([3, 3]), spark([None])) == ("▁ █", "▄▄", " ")


def test_ascii_for_a_terminal_without_blocks():
    """The same shapes in signs that any encoding has."""
    assert ascii_only(spark([0, 7])) == "_@"
