"""Sparklines of characters, for a terminal and for mail without pictures."""

from __future__ import annotations

from collections.abc import Sequence

_HEIGHTS = "▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS = "_.-=+*#@"
NO_VALUE = " "


def ascii_only(text: str) -> str:
    """Return text with its sparklines in ASCII."""
    return text.translate(str.maketrans(_HEIGHTS, _ASCII_HEIGHTS))


def spark(values: Sequence[float | None]) -> str:
    """Return a line with one character a value, from the lowest to the highest; a blank for None.

    Values that are all the same stand half-way: there is nothing to compare.
    """
    known = [value for value in values if value is not None]
    if not known:
        return NO_VALUE * len(values)
    low, span = min(known), max(known) - min(known)
    return "".join(
        NO_VALUE if value is None else _HEIGHTS[round((value - low) / span * 7) if span else 3]
        for value in values
    )
