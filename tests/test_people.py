"""The directory: finding people as they are named on the phone, keeping them apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sdtool.desk import Desk, people
from sdtool.errors import Conflict, NotFound, UsageFault
from tests.conftest import Sd


@pytest.fixture
def crowd(desk: Desk) -> Desk:
    """A desk that knows some people with names that are easy to confuse."""
    for name, mail, phone, staff in (
        ("Anaïs D'Hondt-Çelik", "anais@x.be", "+32 9 123 45 67", "0012"),
        ("Jan Peeters", "jan.p@x.be", "0478/12.34.56", "0013"),
        ("Jan Peeters", "jan.peeters@x.be", None, "0014"),
        ("Jan-Willem Claes", None, "02 345 67 89", None),
        ("Bo Peters", "bo@x.be", None, "77"),
    ):
        people.add(desk, {"name": name, "mail": mail, "phone": phone, "staff_number": staff})
    return desk


@pytest.mark.parametrize(
    "text",
    [
        "Anaïs D'Hondt-Çelik",
        "anais d'hondt-celik",
        "D'Hondt-Çelik",
        "d'hondt",
        "hondt",
        "Çelik",
        "celik anais",
        "Anaïs D’Hondt-Çelik",
        "Anai\u0308s",
        "  anaïs   hondt ",
        "ANAIS@X.BE",
        "0012",
        "09 123 45 67",
        "+3291234567",
        "0032 9 123 45 67",
        "09/123.45.67",
        "+32 (0)9 123 45 67",
    ],
)
def test_found_however_named(crowd: Desk, text: str) -> None:
    """Name, part of it, accents or not, mail, staff number and phone all find the same person."""
    assert people.find_one(crowd.store, text).name == "Anaïs D'Hondt-Çelik"


@pytest.mark.parametrize("text", ["", "x", "elik", "ondt", "anais jan", "%", "_", "0099", "%@x.be", "'"])
def test_nobody_is_found_by_chance(crowd: Desk, text: str) -> None:
    """The middle of a name, a wildcard or nothing finds nobody; the hint says how to add somebody."""
    with pytest.raises(NotFound) as caught:
        people.find_one(crowd.store, text)
    assert "sd person add" in caught.value.hint


def test_several_are_listed(crowd: Desk) -> None:
    """When a name fits several, all are listed with what tells them apart."""
    with pytest.raises(people.Ambiguous) as caught:
        people.find_one(crowd.store, "peeters")
    assert "Jan Peeters (#3, jan.p@x.be); Jan Peeters (#4, jan.peeters" in caught.value.message


def test_an_exact_name_wins(crowd: Desk) -> None:
    """Who bears exactly the name that was typed is meant, not who bears a longer one."""
    people.add(crowd, {"name": "Bo"})
    assert people.find_one(crowd.store, "bo").name == "Bo"


def test_who_left_is_found_by_mail_only(crowd: Desk) -> None:
    """Somebody who no longer works here is not offered by name or phone."""
    bo = people.find_one(crowd.store, "bo@x.be")
    people.edit(crowd, bo.id, {"active": 0})
    assert people.find_all(crowd.store, "Bo Peters") == []
    assert people.find_one(crowd.store, "bo@x.be").active == 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": " "}, "the name is empty"),
        ({"mail": "no address"}, "is not a mail address"),
        ({"mail": "a@b"}, "is not a mail address"),
        ({"mail": "a@b..be"}, "is not a mail address"),
        ({"mail": "a@x.be, b@x.be"}, "is not a mail address"),
        ({"phone": "op kantoor"}, "is not a phone number"),
        ({"language": "de"}, "language must be one of nl, en, fr"),
        ({"target_group": "vips"}, "known are deputies"),
        ({"name": "x" * 201}, "201 characters, at most 200"),
        ({"department": "a\0b"}, "NUL or half a character"),
        ({"site": "\udc80"}, "NUL or half a character"),
    ],
)
def test_faulty_values_are_refused(desk: Desk, values: dict[str, Any], said: str) -> None:
    """What a field cannot hold is refused with the reason."""
    with pytest.raises(UsageFault, match=said):
        people.add(desk, {"name": "Iemand", **values})


def test_every_fault_at_once(desk: Desk) -> None:
    """Three faults of one person are told together."""
    with pytest.raises(UsageFault) as caught:
        people.add(desk, {"name": "", "mail": "x", "language": "xx"})
    assert caught.value.message.count("; ") == 2


@pytest.mark.parametrize("values", [{"mail": "Jan.P@X.be"}, {"staff_number": "0013"}])
def test_keys_belong_to_one(crowd: Desk, values: dict[str, str]) -> None:
    """A mail address or staff number of somebody else is a conflict that names that person."""
    with pytest.raises(Conflict, match="belongs to Jan Peeters"):
        people.add(crowd, {"name": "Nieuw", **values})


def test_defaults_of_the_rulebook(desk: Desk) -> None:
    """Who is added without more belongs to the default target group and language."""
    one = people.add(desk, {"name": "  Jan   Janssens "})
    assert (one.name, one.target_group, one.language, one.mail) == ("Jan Janssens", "staff", "nl", None)


def test_empty_value_clears(crowd: Desk) -> None:
    """An empty value takes mail, phone or number away, so that somebody else can have it."""
    jan = people.find_one(crowd.store, "jan.p@x.be")
    people.edit(crowd, jan.id, {"mail": ""})
    assert people.add(crowd, {"name": "Nieuw", "mail": "jan.p@x.be"}).mail == "jan.p@x.be"


def test_same_values_change_nothing(crowd: Desk) -> None:
    """Editing to what it is already leaves no event and no new revision."""
    jan = people.find_one(crowd.store, "jan.p@x.be")
    events = crowd.store.value("select count(*) from event")
    assert people.edit(crowd, jan.id, {"name": "Jan Peeters"}) == jan
    assert crowd.store.value("select count(*) from event") == events


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+32 478 12 34 56", "0478123456"),
        ("0032478123456", "0478/12.34.56"),
        ("+32 (0)478 123456", "0478 123456"),
    ],
)
def test_phone_numbers_in_all_forms(one: str, other: str) -> None:
    """The forms of a Belgian number are the same number."""
    assert people.phone_key(one) == people.phone_key(other)


def test_short_and_foreign_numbers_stay() -> None:
    """An internal number and one from abroad are not cut as if they were Belgian."""
    assert (people.phone_key("3210"), people.phone_key("+31 20 1234567")) == ("3210", "31201234567")


def test_dropped_target_group_falls_back(desk: Desk) -> None:
    """Who belongs to a target group that the rulebook no longer has is served as the default one."""
    one = people.add(desk, {"name": "Jan", "target_group": "deputies"})
    kept = tuple(g for g in desk.rulebook.target_groups if g.key != "deputies")
    desk.rulebook = desk.rulebook._replace(target_groups=kept)
    assert people.target_group(desk, one.id) == "staff"


@pytest.mark.parametrize(
    "heard", ["dhondt", "D'Hondt", "d’hondt celik", "hondt-çelik", "DHONDT CELIK", "leen çelik"]
)
def test_a_name_is_found_as_it_sounds(sd: Sd, heard: str) -> None:
    """On the phone nobody spells apostrophes, hyphens and cedillas."""
    sd("person", "add", "Leen D'Hondt-Çelik", "--mail", "leen@example.be")

    assert "leen@example.be" in sd("person", "list", heard).out


@pytest.mark.parametrize("number", ["85073003328", "85.07.30-033.28", "85 07 30 033 28"])
def test_a_national_register_number_is_not_kept(sd: Sd, number: str) -> None:
    """A service desk has no right to it; its check digits give it away."""
    ran = sd("person", "add", "Jan", "--staff-number", number)

    assert (ran.code, "may not be kept" in ran.err) == (2, True)


def test_namesakes_are_told_apart_by_number(sd: Sd, new: Callable[..., int]) -> None:
    """Who has no contact data is named by the number that the list of candidates gives."""
    sd("person", "add", "Jan Zonder")
    sd("person", "add", "Jan Zonder")

    assert "#2" in sd("person", "show", "jan zonder").err
    assert new(caller="#3") == 1
