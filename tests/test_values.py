"""How people write dates, numbers and telephone numbers, and what is refused with a sentence."""

from __future__ import annotations

import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool.rules.values import day, number, phone

DAYS = st.dates(date(1955, 1, 1), date(2118, 12, 31))
APRIL_3 = (
    "2025-04-03", "2025-4-3", "2025/04/03", "20250403", "03/04/2025", "3/4/2025", "3-4-2025", "03.04.2025",
    "3/4/25", "45750", "45750.0", "45750,00", "2025-04-03T00:00:00", "2025-04-03 00:00",
    "2025-04-03T00:00:00.000Z", "03/04/2025 0:00:00", "3 april 2025", "3 apr. 2025", "3-apr-25",
    "03-Apr-2025", "3 avril 2025",
    "le 3 avril 2025", "April 3, 2025", "3rd April 2025", "do 3/4/2025", "donderdag 3 april 2025",
    "Thu, 3 Apr 2025", "jeudi 3 avril 2025", " 3\u00a0april 2025 ", "3 APRIL 2025",
)  # fmt: skip
OTHERS = {
    "1 september 2025": date(2025, 9, 1),
    "1 sept. 2025": date(2025, 9, 1),
    "1er août 2025": date(2025, 8, 1),
    "ma 1 dec 2025": date(2025, 12, 1),
    "3 mrt 2025": date(2025, 3, 3),
    "Mar 3, 2025": date(2025, 3, 3),
    "mar. 4 mars 2025": date(2025, 3, 4),
    "12 fév. 2026": date(2026, 2, 12),
    "2 mei 2025": date(2025, 5, 2),
    "14 juil. 2025": date(2025, 7, 14),
    "29/02/2028": date(2028, 2, 29),
    "20000": date(1954, 10, 3),
    "80000": date(2119, 1, 11),
}
NO_DATES = {
    "2025-13-01": "there is no month 13",
    "13/25/2025": "there is no month 25",
    "31/02/2025": "2025-02 has no day 31",
    "29/02/2025": "2025-02 has no day 29",
    "00/01/2025": "has no day 0",
    "03/2025": "has no day",
    "april 2025": "has no day",
    "2025-04": "has no day",
    "2025": "is no date",
    "3/4": "is no date",
    "03/04-2025": "is no date",
    "3 4 2025": "is no date",
    "2025-04-03 09:30": "has a time of day",
    "3/4/2025 9u30": "has a time of day",
    "0205-04-03": "the year 0205",
    "03042025": "the year 0304",
    "19999": "is no date",
    "80001": "is no date",
    "45750.5": "is no date",
    "3 jui 2025": "jui is no month, or could be two",
    "3 foo 2025": "foo is no month",
    "vrijdag 3 april 2025": "is another day of the week",
    "z.s.m.": "is no date",
    "": "is empty",
    "=TODAY()": "is no date",
    "٣/٤/٢٠٢٥": "is no date",
}


@pytest.mark.parametrize("text", APRIL_3)
def test_third_of_april(text: str) -> None:
    """The day comes first, always."""
    assert day(text) == date(2025, 4, 3)


@pytest.mark.parametrize("text", OTHERS)
def test_dates_of_three_languages(text: str) -> None:
    assert day(text) == OTHERS[text]


@pytest.mark.parametrize("text", NO_DATES)
def test_no_date_says_why_and_how_to_write_it(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(NO_DATES[text])) as refusal:
        day(text)

    assert str(refusal.value).startswith(repr(text))
    if "another day" not in str(refusal.value):
        assert str(refusal.value).endswith("write 2025-04-03, 03/04/2025 (day first) or 3 april 2025")


@given(DAYS)
def test_every_way_to_write_a_day_is_that_day(when: date) -> None:
    serial = str((when - date(1899, 12, 30)).days)
    ways = [
        when.isoformat(),
        when.strftime("%d/%m/%Y"),
        f"{when.day}-{when.month}-{when.year}",
        f"{serial}.0",
    ]
    ways += [when.strftime("%Y%m%d"), when.strftime("%A %d %B %Y"), when.strftime("%b %d, %Y")]

    assert [day(way) for way in ways] == [when] * len(ways)


@given(st.text(max_size=20) | st.from_regex(r"[0-9]{1,4}[-/. ][0-9]{1,4}[-/. ][0-9]{1,4}", fullmatch=True))
def test_any_text_is_a_date_or_a_sentence(text: str) -> None:
    try:
        found = day(text)
    except ValueError as exc:
        assert str(exc)[0] in "'\""
        return
    assert 1900 <= found.year <= 2199


NUMBERS = {
    "1": 1, "0,8": 0.8, "0.8": 0.8, "80%": 0.8, "80 %": 0.8, "100,0": 100, ".5": 0.5, "-1,5": -1.5,
    "0,375": 0.375, "12345,678": 12345.678, "1.234,5": 1234.5, "1,234.5": 1234.5, "1 234": 1234,
    "1\u00a0234,5": 1234.5, "1.234.567": 1234567, "38,00": 38,
}  # fmt: skip
NO_NUMBERS = {
    "4/5": "is a fraction: write 0,8 or 80%",
    "38/38": "is a fraction",
    "1.234": "may mean 1234 or 1.234",
    "1,234": "may mean 1234 or 1.234",
    "1,2,3": "is no number",
    "1.234,567.8": "is no number",
    "1e3": "is no number",
    "nan": "is no number",
    "0,8 VTE": "is no number",
    "": "is no number",
    "٣": "is no number",
}


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers(text: str) -> None:
    assert number(text) == pytest.approx(NUMBERS[text])


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_no_number_says_why(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(NO_NUMBERS[text])):
        number(text)


@given(st.integers(0, 10_000_000), st.integers(1, 99))
def test_a_number_is_what_a_belgian_wrote(whole: int, part: int) -> None:
    """With points, or blanks, for the thousands and a decimal comma."""
    texts = [f"{whole:,}".replace(",", mark) + f",{part:02}" for mark in (".", " ", "")]

    assert [number(text) for text in texts] == [float(f"{whole}.{part:02}")] * 3


PHONES = {
    "+32 2 555 00 00": "+32 2 555 00 00",
    "02/555.00.00": "02/555.00.00",
    "0032 470 12 34 56": "0032 470 12 34 56",
    "(02) 555-00-00": "(02) 555-00-00",
    "+32 (0)470 12 34 56": "+32 (0)470 12 34 56",
    " 0470\u00a012  34 56 ": "0470 12 34 56",
    "32470123456.0": "32470123456",
    "032470123456,0": "032470123456",
    "1204": "1204",
}
NO_PHONES = {
    "12": "is too short",
    "02 555 00 00 / 0470 12 34 56": "is too long for one",
    "ext. 12": "is no telephone number",
    "02 555 00 00 thuis": "is no telephone number",
    "3.2470123456E10": "is no telephone number",
    "": "is no telephone number",
    "=1+1": "is no telephone number",
}


@pytest.mark.parametrize("text", PHONES)
def test_phones_keep_their_zeros(text: str) -> None:
    assert phone(text) == PHONES[text]


@pytest.mark.parametrize("text", NO_PHONES)
def test_no_phone_says_why(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(NO_PHONES[text])):
        phone(text)


@given(st.text(max_size=20))
def test_a_tidy_phone_stays_as_it_is(text: str) -> None:
    try:
        tidy = phone(text)
    except ValueError:
        return
    assert phone(tidy) == tidy
