"""`sd next`: what to do now, first things first, and why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.conftest import Sd

New = Callable[..., int]


def order(sd: Sd, *words: str, as_of: str = "2026-11-23T10:30") -> list[int]:
    """Return the numbers in the order of `sd next`."""
    return [row["id"] for row in sd("next", *words, "--format", "json", as_of=as_of).json()]


def test_share_left_comes_first(sd: Sd, new: New) -> None:
    """An old ticket with little of its time left goes before a fresh one of higher priority."""
    fresh = new(urgency="high", as_of="2026-11-23T10:29")
    old = new(as_of="2026-11-18T10:40")
    urgent = new(urgency="critical", as_of="2026-11-23T10:29")
    assert order(sd) == [old, urgent, fresh]


def test_then_priority_then_age(sd: Sd, new: New) -> None:
    """With the same share the higher priority goes first, then the older."""
    low, high, later = new(urgency="low"), new(urgency="critical"), new(urgency="critical")
    assert order(sd) == [high, later, low]


def test_first_line_says_why(sd: Sd, new: New) -> None:
    """The reason of the first stands on top, with the time left of what was promised."""
    new(as_of="2026-11-23T09:00")
    out = sd("next").out
    assert out.splitlines()[0] == "SD-1 first: 2 h 30 min of 4 h left to respond (62 %), P3"


def test_late_says_by_how_much(sd: Sd, new: New) -> None:
    """What is late says so, in working time."""
    number = new(as_of="2026-11-18T10:00")
    sd("take", number, as_of="2026-11-18T10:00")
    ran = sd("next", as_of="2026-11-23T11:00")
    assert ran.out.startswith("SD-1 first: late: 1 h over the ")


def test_waiting_is_not_offered_until_it_is_over(sd: Sd, new: New) -> None:
    """A wait that pauses takes the ticket off the list; when its time is over it comes back."""
    number = new()
    sd("wait", number, "--on", "customer", "--for", "x", "--until", "2026-11-24T09:00")
    assert order(sd, as_of="2026-11-24T08:59") == []
    assert order(sd, as_of="2026-11-24T09:00") == [number]
    assert "the wait for the customer is over" in sd("next", as_of="2026-11-24T09:00").out


def test_a_wait_that_is_over_tells_how_late_it_is(sd: Sd, new: New) -> None:
    """Not by a time below zero."""
    number = new()
    sd("wait", number, "--on", "customer", "--for", "x", "--until", "2026-11-24T09:00")
    said = sd("next", as_of="2026-12-09T09:00").out.splitlines()[0]
    assert said.startswith(f"SD-{number} first: the wait for the customer is over, late: ")


def test_a_wait_that_does_not_pause_stays(sd: Sd, new: New) -> None:
    """While an internal service is waited for the clock runs, so the ticket stays on the list."""
    number = new()
    sd("wait", number, "--on", "internal", "--for", "x", "--until", "+5wd")
    assert order(sd) == [number]
    assert "waits for the internal" in sd("next").out


def test_own_and_unclaimed_only(sd: Sd, new: New) -> None:
    """One's own tickets wherever they are, and what nobody has in one's groups."""
    own, theirs, queued, elsewhere = new(), new(), new(), new(category="server")
    sd("assign", own, "network/@me")
    sd("assign", theirs, "/els")
    assert sorted(order(sd)) == [own, queued]
    assert sorted(order(sd, "--group", "systems")) == [own, elsewhere]


def test_ended_is_never_offered(sd: Sd, new: New) -> None:
    """What is resolved or cancelled needs nothing now."""
    sd("close", new(), "--solution", "x")
    sd("cancel", new(), "--reason", "x")
    assert order(sd) == []


@pytest.mark.parametrize(("limit", "shown"), [(1, 1), (5, 5), (7, 7), (20, 8)])
def test_limit_is_kept(sd: Sd, new: New, limit: int, shown: int) -> None:
    """As many as are asked for, also when they are all alike."""
    for _ in range(8):
        new()
    assert len(order(sd, "--limit", str(limit))) == shown


def test_nothing_to_do(sd: Sd) -> None:
    """An empty queue says so on standard error, and is no failure."""
    ran = sd("next")
    assert (ran.code, ran.out) == (0, "") and "nothing to do for" in ran.err


def test_unknown_group(sd: Sd) -> None:
    """A group that is not there is not found, with the known ones."""
    ran = sd("next", "--group", "koffie")
    assert (ran.code, "known are servicedesk" in ran.err) == (4, True)


def test_formats(sd: Sd, new: New) -> None:
    """JSON carries share and seconds left; CSV a header and a line."""
    new()
    (row,) = sd("next", "--format", "json").json()
    assert (row["share_left"], row["seconds_left"]) == (1.0, 14_400)
    assert sd("next", "--format", "csv").out.splitlines()[0] == "id,priority,resolve_by,summary,why"


def test_taking_what_is_next_answers_it(sd: Sd, new: New) -> None:
    """Once somebody has it, the time to resolve counts instead of the time to respond."""
    number = new()
    sd("take", number)
    assert "left to resolve" in sd("next").out
