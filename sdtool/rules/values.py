"""How people write dates, numbers and telephone numbers in a list, and what they mean.

A date with numbers only has its day first: `03/04/2025` is 3 April, always. What can be read in two ways
is refused; the sentence of each ValueError says what is wrong and how to write it.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, timedelta

DATES = "write 2025-04-03, 03/04/2025 (day first) or 3 april 2025"
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_MONTHS = (
    "januari janvier january",
    "februari fevrier february",
    "maart mrt mars march",
    "april avril",
    "mei mai may",
    "juni juin june",
    "juli juillet july",
    "augustus aout august",
    "september septembre",
    "oktober octobre october",
    "november novembre",
    "december decembre",
)
_WEEKDAYS = (
    "maandag ma lundi monday",
    "dinsdag di mardi tuesday",
    "woensdag wo mercredi wednesday",
    "donderdag do jeudi thursday",
    "vrijdag vr vendredi friday",
    "zaterdag za samedi saturday",
    "zondag zo dimanche sunday",
)
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_DAY_FIRST = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})")
_WORDS = re.compile(
    r"(?:le )?([0-9]{1,2})(?:er|e|ste|de|st|nd|rd|th)?[-. ]+([^\W\d_]+)\.?[- ]+([0-9]{4}|[0-9]{2})"
)
_MONTH_FIRST = re.compile(r"([^\W\d_]+)\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})")
_SERIAL = re.compile(r"([2-8][0-9]{4})(?:[.,]0+)?")
_MIDNIGHT = re.compile(r"(.*[0-9])(?:t| +)0{1,2}:00(?::00(?:[.,]0+)?)?(?:z|[+-]00:?00)?")
_OTHER_TIME = re.compile(r".*[0-9](?:t| +)[0-9]{1,2}[:hu][0-9]{2}.*")
_WEEKDAY = re.compile(r"([^\W\d_]+)[.,]{0,2} (.+)")
_MONTH_ONLY = re.compile(r"[0-9]{1,2}[-/.][0-9]{4}|[0-9]{4}[-/.][0-9]{1,2}|[^\W\d_]+\.? [0-9]{4}")


def day(text: str) -> date:
    """Return the date that a person wrote, or a spreadsheet for them.

    `2025-04-03`, `20250403`, `03/04/2025`, `3-4-25`, `3.4.2025`, `3 april 2025`, `do 3 apr. 2025`, `1er avril
    2025`, `April 3, 2025` (Dutch, French, English), a date with midnight behind it, and the number of days
    that a spreadsheet counts from 1900 (20000 to 80000). A year of two digits is in this century.

    Raises:
        ValueError: it is no date, or not without a guess.
    """
    said = " ".join(_plain(text).split())
    midnight = _MIDNIGHT.fullmatch(said)
    said = midnight[1] if midnight else said
    weekday = None if _MONTH_FIRST.fullmatch(said) else _WEEKDAY.fullmatch(said)  # mar 3, 2025
    named = _one_of(_WEEKDAYS, weekday[1], 2) if weekday else None
    found = _read(weekday[2] if weekday and named is not None else said, text)
    if named is not None and found.weekday() != named:
        raise ValueError(f"{_shown(text)} contradicts itself: {found.isoformat()} is another day of the week")
    return found


def _read(said: str, text: str) -> date:
    if match := _YEAR_FIRST.fullmatch(said):
        return _date(match[1], match[3], match[4], text)
    if match := _COMPACT.fullmatch(said):
        return _date(match[1], match[2], match[3], text)
    if match := _DAY_FIRST.fullmatch(said):
        return _date(match[4], match[3], match[1], text)
    if match := _SERIAL.fullmatch(said):
        return _serial(int(match[1]), text)
    if match := _WORDS.fullmatch(said):
        return _date(match[3], _month(match[2], text), match[1], text)
    if match := _MONTH_FIRST.fullmatch(said):
        return _date(match[3], _month(match[1], text), match[2], text)
    raise ValueError(f"{_shown(text)} {_why_none(said)}; {DATES}")


def _why_none(said: str) -> str:
    if not said:
        return "is empty"
    if _OTHER_TIME.fullmatch(said):
        return "has a time of day"
    return "has no day" if _MONTH_ONLY.fullmatch(said) else "is no date"


def _date(year: str, month: str | int, day_of_month: str, text: str) -> date:
    y, m, d = int(year) + (2000 if len(year) == 2 else 0), int(month), int(day_of_month)
    if not _FIRST_YEAR <= y <= _LAST_YEAR:
        raise ValueError(f"{_shown(text)} is no date: the year {year} cannot be meant; {DATES}")
    if not 1 <= m <= 12:
        raise ValueError(f"{_shown(text)} is no date: there is no month {m}; {DATES}")
    try:
        return date(y, m, d)
    except ValueError:
        raise ValueError(f"{_shown(text)} is no date: {y}-{m:02} has no day {d}; {DATES}") from None


def _serial(days: int, text: str) -> date:
    if not 20_000 <= days <= 80_000:
        raise ValueError(f"{_shown(text)} is no date; {DATES}")
    return date(1899, 12, 30) + timedelta(days)  # the 1900 system, which counts a 29 February 1900


def _month(word: str, text: str) -> int:
    number = _one_of(_MONTHS, word, 3)
    if number is None:
        raise ValueError(f"{_shown(text)} is no date: {word} is no month, or could be two; {DATES}")
    return number + 1


def _one_of(names: tuple[str, ...], word: str, shortest: int) -> int | None:
    """Return the one entry of which a name is `word`, or begins so; None when it could be two."""
    if len(word) < shortest:
        return None
    whole = [number for number, entry in enumerate(names) if word in entry.split()]
    begun = [number for number, entry in enumerate(names) if any(n.startswith(word) for n in entry.split())]
    found = whole or begun
    return found[0] if len(found) == 1 else None


def number(text: str) -> float:
    """Return a number written with a decimal comma or point; `80%` is 0.8.

    Separators of thousands are taken where they can be nothing else: `1.234,5`, `1 234`, `1.234.567`.

    Raises:
        ValueError: it is no number, a fraction such as `4/5`, or `1.234`, which may mean either.
    """
    said = " ".join(_plain(text).split())
    percent = said.endswith("%")
    said = said.removesuffix("%").rstrip()
    if re.fullmatch(r"[-+]?[0-9]+ ?/ ?[0-9]+", said):
        raise ValueError(f"{_shown(text)} is a fraction: write 0,8 or 80%")
    if re.fullmatch(r"[-+]?[1-9][0-9]{0,2}[.,][0-9]{3}", said):
        thousand, point = said.replace(",", "").replace(".", ""), said.replace(",", ".")
        raise ValueError(f"{_shown(text)} may mean {thousand} or {point}: write {thousand}, or {point}0")
    for mark, parts in ((",", ". "), (".", ", ")):
        for part in parts:
            if re.fullmatch(rf"[-+]?[1-9][0-9]{{0,2}}([{part}][0-9]{{3}})+([{mark}][0-9]+)?", said):
                said = said.replace(part, "")
    if not re.fullmatch(r"[-+]?(?:[0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)", said):
        raise ValueError(f"{_shown(text)} is no number: write it as 0,8 or 80%")
    value = float(said.replace(",", "."))
    return value / 100 if percent else value


def phone(text: str) -> str:
    """Return a telephone number as it was written, its blanks tidied; an extension is one too.

    Leading zeros, `+32` and `0032` stay. `32470123456.0`, as a spreadsheet keeps it, loses its `.0`.

    Raises:
        ValueError: it has other signs than a number has, fewer than 3 digits, or more than 15 (E.164).
    """
    said = " ".join(text.replace("\u00a0", " ").replace("\u202f", " ").split())
    said = re.sub(r"^([0-9]{5,})[.,]0+$", r"\1", said)
    if not re.fullmatch(r"\+?[0-9()][0-9 ()/.\-]*", said):
        raise ValueError(
            f"{_shown(text)} is no telephone number: write it as 02 555 00 00 or +32 2 555 00 00"
        )
    digits = sum(char.isdigit() for char in said)
    if digits < 3:
        raise ValueError(f"{_shown(text)} is too short for a telephone number")
    if digits - 2 * said.startswith("00") - ("(0)" in said) > 15:
        raise ValueError(f"{_shown(text)} is too long for one telephone number: give one")
    return said


def _plain(text: str) -> str:
    """Return text in small letters without accents, every kind of blank as a blank."""
    apart = unicodedata.normalize("NFKD", text) if not text.isascii() else text
    return "".join(char for char in apart if not unicodedata.combining(char)).casefold().strip()


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")
