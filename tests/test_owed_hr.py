"""What HR owes of a change of staff: asked, changed, answered and cancelled with HR's list."""

from __future__ import annotations

import pytest

from sdtool.desk import Desk, handling, owed, parties, people, replay, staff_intake, tickets
from sdtool.desk.owed import Owed
from tests.test_staff import local, told


@pytest.fixture(autouse=True)
def manager(desk: Desk) -> None:
    """The manager is in the directory."""
    people.add(desk, {"name": "An Hoofd", "mail": "an.hoofd@example.be"})


def from_hr(desk: Desk, number: int) -> list[Owed]:
    """Return what was ever asked for a request, and what came of it."""
    assert list(replay.differences(desk.store)) == []
    return [one.owed for one in owed.listing(desk.store, ticket=number, ended=True)]


def test_what_is_missing_is_owed(desk: Desk) -> None:
    """By the internal service that bears HR's name: exactly what is missing, in three working days."""
    hr = parties.add(desk, {"kind": "internal", "name": "Personeelsdienst"})
    number = told(desk, site="", manager_mail="").ticket
    (one,) = from_hr(desk, number)
    assert (one.kind, one.party, one.state, one.origin) == ("internal", hr.id, "open", "staff")
    assert (one.what, local(desk, one.due_at)) == ("manager mail, site", "2026-11-26 10:30")
    ticket = tickets.get(desk.store, number)
    assert (ticket.waiting_for, ticket.paused) == ("Personeelsdienst: manager mail, site", 1)
    assert (ticket.accepted_at, ticket.contacts) == (None, 0)


@pytest.mark.parametrize("put_away", [False, True])
def test_without_a_party_of_that_name(desk: Desk, put_away: bool) -> None:
    """It is owed all the same, and says by whom; one that is not active is not asked."""
    if put_away:
        parties.add(desk, {"kind": "internal", "name": "Personeelsdienst", "active": 0})
    (one,) = from_hr(desk, told(desk, site="").ticket)
    assert (one.party, one.what) == (None, "Personeelsdienst: site")


def test_nothing_missing_nothing_owed(desk: Desk) -> None:
    """A complete row asks nothing."""
    assert from_hr(desk, told(desk).ticket) == []


def test_due_before_who_starts_soon(desk: Desk) -> None:
    """Of who starts tomorrow, it is due when they start."""
    (one,) = from_hr(desk, told(desk, site="", start_date="2026-11-24").ticket)
    assert local(desk, one.due_at) == "2026-11-24 08:00"


def test_it_follows_the_list(desk: Desk) -> None:
    """What came is off the list; the moment it was asked and is due stays, and nothing is asked twice."""
    number = told(desk, site="", manager_mail="").ticket
    before = from_hr(desk, number)[0]
    desk.now += 3600
    told(desk, manager_mail="")
    (after,) = from_hr(desk, number)
    assert (after.what, after.rev) == ("Personeelsdienst: manager mail", 2)
    assert (after.asked_at, after.due_at) == (before.asked_at, before.due_at)
    told(desk, manager_mail="")
    assert from_hr(desk, number) == [after]


def test_the_last_field_answers(desk: Desk) -> None:
    """With it the request goes on."""
    number = told(desk, site="").ticket
    told(desk)
    assert [one.state for one in from_hr(desk, number)] == ["answered"]
    assert tickets.get(desk.store, number).state == "new"


def test_the_last_field_wakes_what_somebody_took(desk: Desk) -> None:
    """Also when an agent took the request in hand meanwhile."""
    number = told(desk, site="").ticket
    handling.take(desk, [number])
    told(desk)
    assert tickets.get(desk.store, number).state == "active"


def test_it_goes_on_waiting_for_others(desk: Desk) -> None:
    """What an agent asked beside it is still owed."""
    number = told(desk, site="").ticket
    handling.wait(desk, [number], "supplier", "offerte", desk.now + 9 * 86_400)
    told(desk)
    ticket = tickets.get(desk.store, number)
    assert (ticket.state, ticket.waiting_on, ticket.waiting_for) == ("waiting", "supplier", "offerte")
    assert [one.state for one in from_hr(desk, number)] == ["answered", "open"]


def test_withdrawn_is_cancelled(desk: Desk) -> None:
    """Who does not come after all owes nothing."""
    number = told(desk, site="").ticket
    desk.run(lambda: staff_intake.withdraw(desk, staff_intake.running(desk, number, "onboarding")))
    assert [(one.state, one.remark) for one in from_hr(desk, number)] == [
        ("cancelled", "Personeelsdienst withdrew it")
    ]
