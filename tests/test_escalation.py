"""The ladder of a deadline: by level, each step once, the highest of several, and no burst when it moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool.rules.escalation import SEEN, Promise, left, news, reached
from tests.test_worktime import Calendar, at, date, week

PERCENTS = (50, 75, 100, 150)
OFFICE = Calendar("Europe/Brussels", [(date.min, week("09:00-17:00", "", "09:00-17:00"))])  # shut on Tuesdays
EIGHT = Promise("resolve", at("2026-11-23T17:00"), 8 * 3600)  # a Monday


@pytest.mark.parametrize(
    ("now", "percents"),
    [
        ("2026-11-23T08:00", set()),
        ("2026-11-23T12:59:59", set()),
        ("2026-11-23T13:00", {50}),
        ("2026-11-23T15:00", {50, 75}),
        ("2026-11-23T16:59:59", {50, 75}),
        ("2026-11-23T17:00", {50, 75, 100}),
        ("2026-11-24T23:00", {50, 75, 100}),  # closed: nothing is used up
        ("2026-11-25T12:59:59", {50, 75, 100}),
        ("2026-11-25T13:00", {50, 75, 100, 150}),
    ],
)
def test_share_is_counted_in_working_time(now: str, percents: set[int]) -> None:
    """Past the deadline too."""
    assert reached(EIGHT, left(OFFICE, EIGHT, at(now)), PERCENTS) == percents


def test_deadline_outside_opening_hours_is_not_over_before_it() -> None:
    agreed = Promise("resolve", at("2026-11-24T20:00"), 8 * 3600)
    assert [100 in reached(agreed, left(OFFICE, agreed, at(now)), PERCENTS)
            for now in ("2026-11-23T17:00", "2026-11-24T19:59:59", "2026-11-24T20:00")] == [
        False, False, True]  # fmt: skip


def test_promise_without_a_term_is_all_used_up_at_once() -> None:
    none = Promise("respond", at("2026-11-23T10:00"), 0)
    assert reached(none, left(OFFICE, none, at("2026-11-23T09:59")), PERCENTS) == set()
    assert reached(none, left(OFFICE, none, at("2026-11-23T10:00")), PERCENTS) == set(PERCENTS)


@pytest.mark.parametrize(
    ("now", "noted", "former", "tell", "note"),
    [
        ((), (), (), None, set()),
        ((50,), (), (), 50, {50}),
        ((50, 75, 100), (), (), 100, {50, 75, 100}),  # after a standstill: the highest
        ((50, 75), (50, 75), (), None, set()),
        ((50, 75), (75,), (), None, {50}),  # a condition holds now: too late to be of use
        ((), (), (75,), None, {SEEN}),  # it moved away: from here on it is a deadline of its own
        ((50,), (SEEN,), (75,), 50, {50}),
        ((50, 75), (), (75,), None, {SEEN, 50, 75}),  # it moved a little: no news
        ((50, 75, 100), (), (75,), 100, {SEEN, 50, 75, 100}),
    ],
)
def test_news(
    now: tuple[int, ...], noted: tuple[int, ...], former: tuple[int, ...], tell: int | None, note: set[int]
) -> None:
    assert news(now, noted, former) == (tell, note)


@given(st.lists(st.sets(st.sampled_from(PERCENTS)), max_size=12), st.sets(st.sampled_from(PERCENTS)))
def test_every_step_is_noted_once_and_told_upwards(runs: list[set[int]], former: set[int]) -> None:
    """Whatever holds at whatever run: nothing twice, nothing lower after higher, nothing left unnoted."""
    noted: set[int] = set()
    told: list[int] = []
    for now in runs:
        tell, fresh = news(now, noted, former)
        assert not fresh & noted
        noted |= fresh
        assert now <= noted
        told += [tell] if tell else []
    assert told == sorted(set(told))
