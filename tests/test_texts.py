"""National register numbers, wherever they stand in a text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool.rules.texts import hidden, is_national_number

NUMBERS = (
    "85.07.30-033.28",
    "85073003328",
    "85 07 30 033 28",
    "850730 03328",
    "8507 3003 328",
    " 850730-033.28 ",
)
TEXTS = (
    "rrn 85.07.30-033.28.",
    "zie 85073003328",
    "(850730 033 28)",
    "1/85.07.30-033.28",
    "８５０７３００３３２８",
)
OTHERS = (
    "85.07.30-033.29",
    "+32 471 20 30 50",
    "BE68 5390 0754 7034",
    "85073003328 1",
    "2025-09-01 08:30",
    "",
)


def number(birth: str, serial: int, since_2000: bool) -> str:
    first = f"{birth}{serial:03}"
    return f"{first}{97 - int(('2' if since_2000 else '') + first) % 97:02}"


@pytest.mark.parametrize("text", NUMBERS)
def test_a_cell_that_is_one_is_known(text: str) -> None:
    assert is_national_number(text)
    assert hidden(text) == "85•••"


@pytest.mark.parametrize("text", TEXTS)
def test_one_within_a_text_is_hidden(text: str) -> None:
    assert "•••" in hidden(text)
    assert "328" not in hidden(text).translate({ord("８"): "8"})


@pytest.mark.parametrize("text", OTHERS[:-3] + OTHERS[-2:])
def test_other_numbers_stay(text: str) -> None:
    assert hidden(text) == text


@given(
    st.dates().map(lambda day: f"{day:%y%m%d}"),
    st.sampled_from(["", "00", "20", "40"]),
    st.integers(1, 998),
    st.booleans(),
)
def test_every_one_is_hidden_among_words(birth: str, bis: str, serial: int, since_2000: bool) -> None:
    """Born before or since 2000, and with the month of a bis number."""
    month = int(birth[2:4]) + int(bis or 0)
    text = number(f"{birth[:2]}{month:02}{birth[4:]}", serial, since_2000)

    assert hidden(f"mijn nummer is {text}, dank") == f"mijn nummer is {birth[:2]}•••, dank"


@given(st.text("0123456789+ ./-x", min_size=8, max_size=40))
def test_nothing_is_hidden_twice(text: str) -> None:
    assert hidden(hidden(text)) == hidden(text)
