"""Bars and sparklines of characters, for a terminal and for mail without pictures."""

from __future__ import annotations

from collections.abc import Sequence

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_HEIGHTS = "▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS = "_.-=+*#@"
NO_VALUE = " "


def bar(value: float | None, most: float, width: int, *, ascii: bool = False) -> str:
    """Return a bar of at most `width` columns: full for `most`, nothing for None or 0.

    Whatever is above 0 shows; what is above `most` is cut. With `ascii`, a bar of `#`.
    """
    if not value or value < 0 or most <= 0:
        return ""
    eighths = max(round(min(value / most, 1) * width * 8), 1)
    if ascii:
        return "#" * max(round(eighths / 8), 1)
    whole, rest = divmod(eighths, 8)
    return "█" * whole + _EIGHTHS[rest].strip()


def ascii_only(text: str) -> str:
    """Return text with its sparklines in ASCII."""
    return text.translate(str.maketrans(_HEIGHTS, _ASCII_HEIGHTS))


def spark(values: Sequence[float | None], *, ascii: bool = False) -> str:
    """Return a line with one character a value, from the lowest to the highest; a blank for None.

    Values that are all the same stand half-way: there is nothing to compare.
    """
    signs = _ASCII_HEIGHTS if ascii else _HEIGHTS
    known = [value for value in values if value is not None]
    if not known:
        return NO_VALUE * len(values)
    low, span = min(known), max(known) - min(known)
    return "".join(
        NO_VALUE if value is None else signs[round((value - low) / span * 7) if span else 3]
        for value in values
    )
