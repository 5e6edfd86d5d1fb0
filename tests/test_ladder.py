"""Which step of its ladder an item of owed feedback is due: by table, and in any order of acts."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool.rulebook.chasing import Step
from sdtool.rules import ladder
from sdtool.rules.ladder import Item
from sdtool.rules.worktime import Calendar

ZONE = ZoneInfo("Europe/Brussels")
OFFICE = ((28_800, 43_200), (45_000, 61_200))  # 08:00-12:00, 12:30-17:00
WEEK = [OFFICE] * 5 + [()] * 2
WINDOW = ((30_600, 59_400),)  # 08:30-16:30
STEPS = tuple(
    Step("customer", (0, days), tone)
    for days, tone in ((3.0, "friendly"), (6.0, "firm"), (10.0, "closing"), (15.0, "close"))
)
HOURS = (Step("internal", (7_200, 0.0), "friendly"), Step("internal", (14_400, 0.0), "firm"))


def office(*closed: date) -> Calendar:
    """A calendar of working days without these."""
    return Calendar("Europe/Brussels", [(date.min, WEEK)], closed=closed)


ALWAYS = Calendar("Europe/Brussels", [(date.min, [((0, 86_400),)] * 7)])
CALENDAR = office(date(2026, 11, 11))


def at(text: str) -> int:
    """A local moment, `2026-11-09 10:30`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


def told(moment: int | None) -> str:
    """A moment as `at` takes it."""
    return "" if moment is None else f"{datetime.fromtimestamp(moment, ZONE):%Y-%m-%d %H:%M}"


# a Monday; Wednesday the 11th is a holiday
ASKED, ANSWER_BY = at("2026-11-09 10:30"), "2026-11-10 17:00"


@pytest.mark.parametrize(
    ("what", "due", "step", "step_at", "begins"),
    [
        ("three working days after it was asked", ANSWER_BY, 0, "", "2026-11-13 10:30"),
        ("never before the agreed date", "2026-11-18 16:00", 0, "", "2026-11-18 16:00"),
        ("an agreed date on a Saturday", "2026-11-14 12:00", 0, "", "2026-11-14 12:00"),
        ("firm, three days after the first", ANSWER_BY, 1, "2026-11-13 10:30", "2026-11-18 10:30"),
        ("closing, four days later", ANSWER_BY, 2, "2026-11-18 10:30", "2026-11-24 10:30"),
        ("close, five days later", ANSWER_BY, 3, "2026-11-24 10:30", "2026-12-01 10:30"),
        ("with the first, all move", "2026-11-18 16:00", 1, "2026-11-18 16:00", "2026-11-23 16:00"),
        ("after a late step the distance is kept", ANSWER_BY, 1, "2026-11-17 11:00", "2026-11-20 11:00"),
        ("extended after a step", "2026-11-30 16:00", 1, "2026-11-13 10:30", "2026-12-03 16:00"),
        ("closing time is the next opening", "2026-11-30 17:00", 1, "2026-11-13 10:30", "2026-12-04 08:00"),
    ],
)
def test_a_step_begins(what: str, due: str, step: int, step_at: str, begins: str) -> None:
    item = Item(ASKED, at(due), step, at(step_at) if step_at else None)

    assert told(ladder.begins(CALENDAR, STEPS, item, step + 1)) == begins, what


@pytest.mark.parametrize(
    ("now", "number"),
    [
        pytest.param("2026-11-13 10:29", 0, id="a minute early"),
        pytest.param("2026-11-13 10:30", 1, id="on the minute"),
        pytest.param("2026-11-13 16:29", 1, id="in the window"),
        pytest.param("2026-11-13 16:30", 0, id="after the window"),
        pytest.param("2026-11-14 10:30", 0, id="on Saturday"),
        pytest.param("2026-11-16 08:29", 0, id="before the window"),
        pytest.param("2026-11-16 08:30", 1, id="on Monday"),
        pytest.param("2027-02-01 10:00", 1, id="after months it is still the first"),
        pytest.param("2026-11-08 10:30", 0, id="the clock went back"),
    ],
)
def test_the_first_step_is_due(now: str, number: int) -> None:
    assert ladder.due(CALENDAR, STEPS, WINDOW, Item(ASKED, ASKED), at(now)) == number


def test_nothing_is_due_on_a_holiday() -> None:
    item = Item(at("2026-11-02 10:30"), at("2026-11-02 10:30"))

    assert ladder.due(CALENDAR, STEPS, WINDOW, item, at("2026-11-11 10:30")) == 0


def test_nothing_is_due_after_the_end_nor_above_the_ladder() -> None:
    late = at("2027-02-01 10:00")
    over = Item(ASKED, ASKED, 4, at("2026-12-01 10:30"))

    assert ladder.due(CALENDAR, STEPS, WINDOW, Item(ASKED, ASKED, open=False), late) == 0
    assert ladder.due(CALENDAR, STEPS, WINDOW, over, late) == 0
    assert ladder.due(CALENDAR, (), WINDOW, Item(ASKED, ASKED), late) == 0


def test_terms_in_hours_are_working_time() -> None:
    """Two hours after Tuesday 16:30 is Thursday 09:30: the 11th is a holiday, and the window is open."""
    item = Item(at("2026-11-10 16:30"), at("2026-11-10 16:30"))

    assert told(ladder.begins(CALENDAR, HOURS, item, 1)) == "2026-11-12 09:30"
    assert told(ladder.begins(CALENDAR, HOURS, item, 2)) == "2026-11-12 11:30"


@pytest.mark.parametrize(
    ("moment", "sent"),
    [
        ("2026-11-10 12:00", "2026-11-10 12:00"),
        ("2026-11-10 06:00", "2026-11-10 08:30"),
        ("2026-11-10 16:30", "2026-11-12 08:30"),
        ("2026-11-13 17:00", "2026-11-16 08:30"),
    ],
)
def test_it_is_sent_at_the_first_moment_of_the_window(moment: str, sent: str) -> None:
    assert told(ladder.send_moment(CALENDAR, WINDOW, at(moment))) == sent


def test_who_is_open_on_sundays_is_reminded_when_the_clock_changes() -> None:
    """The window is clock time: 08:30 is 08:30 before and after the change."""
    evenings = ("2026-10-24 23:00", "2026-10-25 23:00", "2027-03-28 01:00")
    moments = [ladder.send_moment(ALWAYS, WINDOW, at(evening)) for evening in evenings]

    assert [told(moment) for moment in moments] == [
        "2026-10-25 08:30",
        "2026-10-26 08:30",
        "2027-03-28 08:30",
    ]


def test_a_window_may_run_past_midnight() -> None:
    """The night after a working day belongs to it: Saturday 01:00 does, Sunday 01:00 does not."""
    night = ((79_200, 93_600),)  # 22:00-02:00
    moments = (
        "2026-11-13 21:59",
        "2026-11-13 23:00",
        "2026-11-14 01:00",
        "2026-11-14 02:00",
        "2026-11-15 01:00",
    )

    assert [ladder.in_window(CALENDAR, night, at(m)) for m in moments] == [False, True, True, False, False]


def test_without_a_window_nothing_is_sent() -> None:
    assert ladder.send_moment(CALENDAR, (), ASKED) is None
    assert ladder.due(CALENDAR, STEPS, (), Item(ASKED, ASKED), at("2027-02-01 10:00")) == 0


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-11-09 10:00", "2026-11-10 17:00"),
        ("2026-11-10 10:00", "2026-11-12 17:00"),
        ("2026-11-13 16:00", "2026-11-16 17:00"),
    ],
)
def test_a_reminder_is_of_use_until_the_next_working_day_ends(now: str, end: str) -> None:
    assert told(ladder.end_of_next_day(CALENDAR, at(now))) == end


def test_next_moment_is_when_the_step_is_due() -> None:
    item = Item(ASKED, at("2026-11-18 17:00"))
    moment = ladder.next_moment(CALENDAR, STEPS, WINDOW, item)

    assert told(moment) == "2026-11-19 08:30"
    assert moment is not None and ladder.due(CALENDAR, STEPS, WINDOW, item, moment) == 1
    assert ladder.next_moment(CALENDAR, STEPS, WINDOW, item._replace(open=False)) is None


def test_a_ladder_is_that_of_the_kind_of_party() -> None:
    assert ladder.ladder((*HOURS, *STEPS), "customer") == STEPS


# --- Any order of answers, extensions, closings, holidays and gaps of cron

DAYS = 60
Act = tuple[int, str, int]  # seconds after START, what, days
FIRST = date(2026, 10, 12)  # a Monday; the clock changes on the 25th
offsets = st.integers(0, DAYS * 24 * 60).map(lambda minutes: minutes * 60)
START = at("2026-10-12 00:00")


def naive_working_days(closed: set[date]) -> list[date]:
    """The working days from FIRST on, counted one by one."""
    days = [FIRST + timedelta(days=n) for n in range(4 * DAYS)]
    return [day for day in days if day.weekday() < 5 and day not in closed]


def naive_later(days: list[date], moment: int, count: int) -> int:
    """The same clock time so many working days on; from a closed moment, of the opening after it."""
    local = datetime.fromtimestamp(moment, ZONE)
    hours = [
        (local.replace(hour=h, minute=m, second=0), h, m) for h, m in ((8, 0), (12, 0), (12, 30), (17, 0))
    ]
    day = next(d for d in days if d >= local.date())
    if day > local.date():
        local = datetime(day.year, day.month, day.day, 8, tzinfo=ZONE)
    elif local < hours[0][0]:
        local = hours[0][0]
    elif hours[1][0] <= local < hours[2][0]:
        local = hours[2][0]
    elif local >= hours[3][0]:
        day = next(d for d in days if d > local.date())
        local = datetime(day.year, day.month, day.day, 8, tzinfo=ZONE)
    then = days[days.index(local.date()) + count]
    return int(local.replace(year=then.year, month=then.month, day=then.day).timestamp())


def naive_due(days: list[date], item: Item, now: int) -> bool:
    """Whether the next step is due, by the words of the agreement."""
    local = datetime.fromtimestamp(now, ZONE)
    clock = local.hour * 3600 + local.minute * 60 + local.second
    if not item.open or item.step == len(STEPS) or local.date() not in days or not 30_600 <= clock < 59_400:
        return False
    terms = [int(step.term[1]) for step in STEPS]
    first = max(naive_later(days, item.asked_at, terms[0]), item.due_at)
    if item.step == 0:
        return first <= now
    own = naive_later(days, first, terms[item.step] - terms[0])
    assert item.step_at is not None
    return max(own, naive_later(days, item.step_at, terms[item.step] - terms[item.step - 1])) <= now


acts = st.lists(
    st.tuples(offsets, st.sampled_from(("extend", "answer", "close")), st.integers(1, 14)), max_size=4
)
gaps = st.lists(st.tuples(st.integers(0, DAYS), st.integers(1, 6)), max_size=4)


@given(
    asked=st.integers(0, 10 * 24 * 60),
    term=st.integers(0, 10 * 24 * 60),
    closed=st.sets(st.integers(1, DAYS), max_size=12),
    acts=acts,
    gaps=gaps,
    every=st.sampled_from((5, 15, 60, 240)),
)
def test_any_order_of_acts_holidays_and_gaps(
    asked: int, term: int, closed: set[int], acts: list[Act], gaps: list[tuple[int, int]], every: int
) -> None:
    """No step twice, after the end or outside the window; none left out that was due and is of use."""
    holidays = {FIRST + timedelta(days=n) for n in closed}
    calendar, days = office(*holidays), naive_working_days(holidays)
    item = Item(START + asked * 60, START + (asked + term) * 60)
    taken: list[tuple[int, int]] = []
    for now in moments(acts, gaps, every):
        item = acted(item, acts, now)
        number = ladder.due(calendar, STEPS, WINDOW, item, now)
        assert bool(number) == naive_due(days, item, now)
        if number:
            taken.append((number, now))
            item = item._replace(step=number, step_at=now)

    assert [number for number, _ in taken] == list(range(1, len(taken) + 1))
    for (_, earlier), (number, later) in pairwise(taken):
        apart = STEPS[number - 1].term[1] - STEPS[number - 2].term[1]
        assert calendar.add_days(earlier, apart) <= later


def moments(acts: list[Act], gaps: list[tuple[int, int]], every: int) -> list[int]:
    """When cron runs: in steps of `every` minutes round each opening of the window, but not in the gaps."""
    found = set()
    for day in range(DAYS):
        if any(first <= day < first + length for first, length in gaps):
            continue
        morning = int(datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), ZONE).timestamp())
        found |= {morning + minutes * 60 for minutes in (*range(480, 540, every), *range(540, 1080, 120))}
    return sorted(found | {START + offset + 60 for offset, _, _ in acts})


def acted(item: Item, acts: list[Act], now: int) -> Item:
    """The item after what happened to it up to `now`."""
    for offset, act, days in sorted(acts):
        if item.asked_at < START + offset <= now and item.open:
            if act == "extend":
                item = item._replace(due_at=max(item.due_at, START + offset + days * 86_400))
            else:
                item = item._replace(open=False)
    return item
