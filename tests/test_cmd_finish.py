"""`sd close`, `reopen`, `cancel`, and the term after which a resolved ticket closes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sdtool.desk import Desk, handling
from tests.conftest import Sd
from tests.test_tickets import epoch

New = Callable[..., int]


def shown(sd: Sd, number: int) -> dict[str, Any]:
    """Return a ticket as JSON."""
    row: dict[str, Any] = sd("show", number, "--format", "json").json()
    return row


def test_close_resolves(sd: Sd, new: New) -> None:
    """Closing resolves, with solution and cause, by whoever did it."""
    number = new()
    sd("close", number, "--solution", "trommel vervangen", "--cause", "slijtage", as_of="2026-11-23T14:00")
    row = shown(sd, number)
    assert (row["state"], row["solution"], row["cause"]) == ("resolved", "trommel vervangen", "slijtage")
    assert (row["resolved_at"][:16], row["closed_at"]) == ("2026-11-23T14:00", None)
    assert row["agent"] == sd("admin", "info", "--format", "json").json()["actor"]


@pytest.mark.parametrize("solution", [[], ["--solution", ""], ["--solution", "   "]])
def test_close_needs_a_solution(sd: Sd, new: New, solution: list[str]) -> None:
    """Without a solution nothing is closed, and the message says what to add."""
    number = new()
    ran = sd("close", number, *solution)
    assert ran.code == 2 and shown(sd, number)["state"] == "new"


@pytest.mark.parametrize("verb", ["close", "cancel"])
def test_ended_stays_ended(sd: Sd, new: New, verb: str) -> None:
    """What has ended is not ended again; the message says how to open it."""
    number = new()
    sd("close", number, "--solution", "x")
    more = ["--solution", "y"] if verb == "close" else ["--reason", "y"]
    ran = sd(verb, number, *more)
    assert (ran.code, f"`sd reopen {number}` opens it again" in ran.err) == (5, True)


def test_met_or_missed_does_not_change(sd: Sd, new: New) -> None:
    """Whether a ticket was in time is judged at its solution, not afterwards."""
    in_time, late = new(), new()
    sd("close", in_time, "--solution", "x", as_of="2026-11-26T10:30")
    sd("close", late, "--solution", "x", as_of="2026-11-26T10:31")
    rows = sd("list", "--state", "all", "--format", "json", as_of="2027-01-04T10:00").json()
    assert {row["id"]: row["late"] for row in rows} == {in_time: False, late: True}


def test_reopen_counts_and_clears(sd: Sd, new: New) -> None:
    """Reopening counts once, and the solution that failed no longer has a moment."""
    number = new()
    sd("close", number, "--solution", "x")
    sd("reopen", number, "--reason", "werkt weer niet")
    row = shown(sd, number)
    assert (row["state"], row["reopens"], row["resolved_at"]) == ("active", 1, None)


def test_reopen_and_cancel_need_a_reason(sd: Sd, new: New) -> None:
    """Why is kept in the journal, so it must be said."""
    number = new()
    assert sd("cancel", number).code == 2
    assert sd("cancel", number, "--reason", " ").code == 2
    assert sd("reopen", number).code == 2


def test_cancelled_can_be_reopened(sd: Sd, new: New) -> None:
    """A ticket that was cancelled by mistake is opened again, and counts no reopening."""
    number = new()
    sd("cancel", number, "--reason", "dubbel")
    sd("reopen", number, "--reason", "toch niet")
    assert (shown(sd, number)["state"], shown(sd, number)["reopens"]) == ("new", 0)


@pytest.mark.parametrize(
    ("resolved", "still", "closes"),
    [
        ("2026-11-23T14:00", "2026-11-30T13:59", "2026-11-30T14:00"),
        ("2026-12-22T14:00", "2027-01-06T13:59", "2027-01-06T14:00"),
    ],
)
def test_closes_after_the_customers_term(
    sd: Sd, new: New, desk: Desk, resolved: str, still: str, closes: str
) -> None:
    """Five working days after the solution the ticket closes, at that moment, and only once."""
    number = new()
    sd("close", number, "--solution", "x", as_of=resolved)
    desk.now = epoch(still)
    assert handling.close_due(desk) == []
    desk.now = epoch("2027-03-01T09:00")
    assert [ticket.closed_at for ticket in handling.close_due(desk)] == [epoch(closes)]
    assert handling.close_due(desk) == []


def test_many_with_one_solution(sd: Sd, new: New) -> None:
    """An outage closes in one go."""
    new(), new(), new()
    assert sd("close", "1-3", "--solution", "netwerk hersteld").out.count("resolved") == 3
