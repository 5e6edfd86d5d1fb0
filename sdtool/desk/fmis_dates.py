"""Moments as another system writes them, read by the formats that a map names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

# stricter than strptime: `10:5` is half of a moment that was cut, not five past ten
_TOKENS = {
    "Y": r"(?P<Y>\d{4})",
    "y": r"(?P<y>\d{2})",
    "m": r"(?P<m>\d{1,2})",
    "d": r"(?P<d>\d{1,2})",
    "H": r"(?P<H>\d{1,2})",
    "I": r"(?P<I>\d{1,2})",
    "M": r"(?P<M>\d{2})",
    "S": r"(?P<S>\d{2})",
    "f": r"(?P<f>\d{1,9})",
    "p": r"(?P<p>[AaPp][Mm])",
    "z": r"(?P<z>Z|[+-]\d{2}:?\d{2})",
    "%": "%",
}


def pattern(form: str) -> re.Pattern[str]:
    """Return what a format such as `%d/%m/%Y %H:%M` reads; ValueError says what is wrong with it."""
    parts, seen = [], set()
    for token in re.findall(r"%.?|[^%]+", form):
        letter = token[1:] if token[0] == "%" else ""
        if token[0] != "%":
            parts.append(re.escape(token))
        elif letter not in _TOKENS:
            raise ValueError(f"{form!r}: {token} is none of {' '.join('%' + t for t in _TOKENS)}")
        elif letter in seen:
            raise ValueError(f"{form!r} has {token} twice")
        else:
            parts.append(_TOKENS[letter])
            seen.add(letter)
    if not {"d", "m"} <= seen or not seen & {"Y", "y"}:
        raise ValueError(f"{form!r} lacks the day, month or year: %d, %m, %Y")
    if ("I" in seen) != ("p" in seen):
        raise ValueError(f"{form!r}: %I and %p belong together")
    return re.compile("".join(parts), re.ASCII)


class Dates:
    """Reads moments by several formats in one time zone, each text once."""

    def __init__(self, patterns: Sequence[re.Pattern[str]], zone: str) -> None:
        self._patterns, self._zone = patterns, ZoneInfo(zone)
        self._known: dict[str, int | None] = {}

    def read(self, text: str) -> int | None:
        """Return epoch seconds; None when no format reads `text` as a moment that exists."""
        if text not in self._known:
            matches = (one.fullmatch(text) for one in self._patterns)
            found = (self._moment(match) for match in matches if match)
            self._known[text] = next((at for at in found if at is not None), None)
        return self._known[text]

    def _moment(self, match: re.Match[str]) -> int | None:
        part = match.groupdict()
        year = int(part.get("Y") or f"20{part.get('y')}")
        hour = int(part.get("H") or 0)
        if part.get("I"):
            hour = int(part["I"]) % 12 + 12 * (part["p"].lower() == "pm")
            if not 1 <= int(part["I"]) <= 12:
                return None
        try:
            local = datetime(
                year, int(part["m"]), int(part["d"]), hour, int(part.get("M") or 0), int(part.get("S") or 0)
            )
            return int(local.replace(tzinfo=self._offset(part.get("z"))).timestamp())
        except (ValueError, OverflowError):
            return None

    def _offset(self, text: str | None) -> ZoneInfo | timezone:
        if text is None:
            return self._zone
        if text == "Z":
            return UTC
        minutes = int(text[1:3]) * 60 + int(text[-2:])
        return timezone(timedelta(minutes=-minutes if text[0] == "-" else minutes))
