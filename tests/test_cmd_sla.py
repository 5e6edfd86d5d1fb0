"""`sd sla show`: an account of every second, whose sums agree."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from tests.conftest import Sd
from tests.test_tickets import epoch

New = Callable[..., int]


def account(sd: Sd, number: int, as_of: str) -> dict[str, Any]:
    """Return the account of a ticket as at a moment."""
    row: dict[str, Any] = sd("sla", "show", number, "--format", "json", as_of=as_of).json()
    return row


@pytest.mark.parametrize(
    "as_of", ["2026-11-23T10:30:00", "2026-11-23T10:30:07", "2026-11-25T23:11:59", "2027-01-04T12:15"]
)
def test_sums_agree_to_the_second(sd: Sd, new: New, as_of: str) -> None:
    """Counted, paused, stopped and outside together are all the time there was; no gap, no overlap."""
    number = new()
    sd("wait", number, "--on", "customer", "--for", "x", "--until", "+2wd", as_of="2026-11-23T11:11:11")
    sd("wait", number, "--on", "supplier", "--for", "y", "--until", "+3wd", as_of="2026-11-24T09:00:03")
    sd("resume", number, as_of="2026-11-24T15:00:01")
    sd("close", number, "--solution", "x", as_of="2026-11-25T16:00:59")
    sd("reopen", number, "--reason", "z", as_of="2026-11-27T08:00:13")

    book = account(sd, number, as_of)
    sums, intervals = book["sums"], book["intervals"]

    assert sum(i["seconds"] for i in intervals) == sums["total"] == epoch(as_of) - epoch("2026-11-23T10:30")
    assert sum(v for k, v in sums.items() if k != "total") == sums["total"]
    assert all(a["to"] == b["from"] for a, b in pairwise(intervals))


def test_each_account(sd: Sd, new: New) -> None:
    """An hour worked, an hour waited, an hour resolved, an hour worked."""
    number = new(as_of="2026-11-23T08:00")
    sd("wait", number, "--on", "customer", "--for", "x", "--until", "+2wd", as_of="2026-11-23T09:00")
    sd("resume", number, as_of="2026-11-23T10:00")
    sd("close", number, "--solution", "x", as_of="2026-11-23T11:00")
    sd("reopen", number, "--reason", "z", as_of="2026-11-23T12:00")
    book = account(sd, number, "2026-11-23T12:30")
    assert book["sums"] == {
        "counted": 7200, "paused_customer": 3600, "stopped": 3600, "outside": 1800, "total": 16_200,
    }  # fmt: skip
    kinds = [(i["kind"], i["party"], i["seconds"]) for i in book["intervals"]]
    assert kinds[1] == ("paused", "customer", 3600) and kinds[-1] == ("outside", "", 1800)


@pytest.mark.parametrize(
    ("opened", "seconds"), [("2026-03-28T12:00", 169_200), ("2026-10-24T12:00", 176_400)]
)
def test_clock_changes(sd: Sd, new: New, opened: str, seconds: int) -> None:
    """The days on which the clock changes are 23 and 25 hours long; all of it lies outside office hours."""
    number = new(as_of=opened)
    until = opened[:8] + str(int(opened[8:10]) + 2) + "T12:00"
    sums = account(sd, number, until)["sums"]
    assert (sums["total"], sums["counted"]) == (seconds, 4 * 3600)


def test_ends_with_the_ticket(sd: Sd, new: New) -> None:
    """After the end nothing is counted any more."""
    number = new()
    sd("close", number, "--solution", "x", as_of="2026-11-23T11:00")
    assert account(sd, number, "2027-01-04T12:00")["sums"]["total"] == 1800


def test_table_says_what_is_left(sd: Sd, new: New) -> None:
    """The last lines give the sums, and what is left of the promise or over it."""
    number = new(urgency="critical")
    lines = sd("sla", "show", number, as_of="2026-11-23T11:30").out.splitlines()
    assert lines[-2] == "counted 3600 s  stopped 0 s  outside 0 s  total 3600 s"
    assert lines[-1] == "resolve by 2026-11-24 10:00: 7 h left of 8 h"
    assert sd("sla", "show", number, as_of="2026-11-24T11:00").out.endswith("1 h over of 8 h\n")


def test_missing(sd: Sd) -> None:
    """A ticket that is not there is not found."""
    assert sd("sla", "show", 9).code == 4
