"""Looks at text that any layer takes: names as they are heard, mail addresses, national register numbers."""

from __future__ import annotations

import re

MAIL = (  # compiled when first used
    r"[^@\s,;<>()\[\]\"\\]+@[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+"
)
_APOSTROPHE = re.compile(r"(\w*)['’‘`´](\w+)")
_HYPHENS = str.maketrans({"-": " ", "‐": " ", "–": " ", "ı": "i"})
# written as 85.07.30-033.28, with anything or nothing between the groups; after a plus it is a phone number
_NATIONAL = r"(?<![\d+])(\d\d)[\W_]{0,3}(\d\d)[\W_]{0,3}(\d\d)[\W_]{0,3}(\d{3})[\W_]{0,3}(\d\d)(?!\d)"
_MASK = "•••"


def fold(text: str) -> str:
    """Return the words of a name as it is heard: no case, accents or hyphens; `d'hondt` as `dhondt hondt`."""
    text = _APOSTROPHE.sub(r"\1\2 \2", text).translate(_HYPHENS)
    if not text.isascii():
        import unicodedata

        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(text.casefold().split())


def is_national_number(text: str) -> bool:
    """Tell a rijksregisternummer: birth as yymmdd, three digits, 97 minus the rest modulo 97 (2… from 2000).

    Month and day may be 0; the month of a bis number is 20 or 40 higher. Blanks and points do not matter.

    Source: royal decree of 3 April 1984 on the number; ksz-bcss.fgov.be, bis numbers.
    """
    digits = re.sub(r"[\W_]", "", text)
    if not re.fullmatch(r"\d{11}", digits):
        return False
    month, day = int(digits[2:4]), int(digits[4:6])
    if month > 52 or month % 20 > 12 or day > 31:
        return False
    birth, check = digits[:9], int(digits[9:])
    return check in (97 - int(birth) % 97, 97 - int(f"2{birth}") % 97)


def holds_national_number(text: str) -> bool:
    """Tell whether a national register number stands anywhere in a text."""
    return hidden(text) != text


def hidden(text: str, *, whole: bool = False) -> str:
    """Return a text in which national register numbers are cut to their first two digits: `85•••`.

    Args:
        whole: the text is meant as one, be it right or wrong.
    """
    if whole and text:
        return _first_two(text)
    if len(text) < 11:
        return text
    if len(text) < 50 and "+" not in text and is_national_number(text):
        return _first_two(text)
    return re.sub(_NATIONAL, lambda m: _first_two(m[0]) if is_national_number(m[0]) else m[0], text)


def _first_two(text: str) -> str:
    return "".join(re.findall(r"\d", text)[:2]) + _MASK
