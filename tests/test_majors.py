"""Major incidents: declared, told about in time or not, resolved, revoked."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdtool.rulebook.check import check
from tests.conftest import Sd
from tests.engines import change
from tests.rulebooks import changed, use

New = Callable[..., int]
DAY = "2026-11-23T"  # a Monday; closed from 12:00 to 12:30


@pytest.fixture
def struck(sd: Sd, new: New) -> Sd:
    """A desk with an incident that was declared at 10:30, with an update every hour."""
    new("Netwerk plat")
    assert sd("major", "declare", 1, "--reason", "hele campus").code == 0
    return sd


def shown(sd: Sd, at: str = "10:30") -> dict[str, Any]:
    """Return the declaration as JSON."""
    found: dict[str, Any] = sd("major", "show", 1, "--format", "json", as_of=DAY + at).json()
    return found


def figures(sd: Sd, *more: object) -> dict[str, tuple[float | None, int, int | None]]:
    """Return value, n and of of the figures of November."""
    words = ("report", "kpi", "--month", "2026-11", "--format", "json", *more)
    page = sd(*words, as_of="2026-12-02T09:00").json()
    return {kpi["key"]: (kpi["value"], kpi["n"], kpi["of"]) for kpi in page["kpis"] if "major" in kpi["key"]}


def test_next_and_show_mark_a_major_incident(struck: Sd, new: New) -> None:
    """Until it is revoked."""
    new()
    assert {row["id"]: row["major"] for row in struck("next", "--format", "json").json()} == {
        1: True,
        2: False,
    }
    assert "major incident; " in struck("next").out
    found = struck("show", 1, "--format", "json").json()["major"]
    assert found.startswith("declared 2026-11-23 10:30 by ")
    assert found.endswith(", update due 2026-11-23 11:30: hele campus")
    struck("major", "revoke", 1, "--reason", "toch niet")
    assert "major" not in struck("next").out
    assert struck("show", 1, "--format", "json").json()["major"] == ""


def test_updates_are_counted_from_the_one_before(struck: Sd) -> None:
    """At 11:20 in time; the next is due at 12:50, after the midday closing, and comes late."""
    struck("note", 1, "we zoeken", "--public", as_of=DAY + "11:20")
    assert shown(struck, "11:20")["update_due"] == "2026-11-23T12:50:00+01:00"
    struck("note", 1, "intern", as_of=DAY + "12:40")
    assert [shown(struck, "12:40")[key] for key in ("updates", "updates_late")] == [1, 0]
    assert [shown(struck, "13:00")[key] for key in ("updates", "updates_late")] == [2, 1]
    struck("note", 1, "gevonden", "--public", as_of=DAY + "13:00")
    struck("close", 1, "--solution", "switch", as_of=DAY + "13:30")
    assert [shown(struck, "16:00")[key] for key in ("updates", "updates_late", "update_due")] == [2, 1, None]


def test_a_reopened_one_owes_updates_again(struck: Sd) -> None:
    """From the reopening; none while it was resolved. An undone message tells nobody."""
    struck("close", 1, "--solution", "x", as_of=DAY + "11:00")
    struck("reopen", 1, "--reason", "niet opgelost", as_of=DAY + "14:00")
    assert shown(struck, "14:30")["update_due"] == "2026-11-23T15:00:00+01:00"
    assert shown(struck, "15:30")["updates_late"] == 1


def test_acts_of_one_moment_count_in_their_order(struck: Sd) -> None:
    """A message and the solution in the same second: one update, late, and then an end."""
    struck("note", 1, "gevonden", "--public", as_of=DAY + "11:50")
    struck("close", 1, "--solution", "x", as_of=DAY + "11:50")
    assert [shown(struck, "16:00")[key] for key in ("updates", "updates_late")] == [1, 1]


@pytest.mark.parametrize(
    ("more", "code"),
    [((), 5), (("--every", "1 min"), 2), (("--every", "soon"), 2)],
    ids=["again", "min", "no"],
)
def test_what_is_refused(struck: Sd, new: New, more: tuple[str, ...], code: int) -> None:
    """Twice, and updates that nobody can mean; a request; a ticket that ended."""
    number = new() if more else 1
    assert struck("major", "declare", number, "--reason", "x", *more).code == code


def test_only_open_incidents(sd: Sd, new: New) -> None:
    """A request is none, nor what is resolved already."""
    new(type="request")
    sd("close", new(), "--solution", "x")
    assert [sd("major", "declare", number, "--reason", "x").code for number in (1, 2, 9)] == [3, 5, 4]


def test_figures(struck: Sd, new: New) -> None:
    """One of two incidents; 1.5 working hours, 2 elapsed; one update owed, and late."""
    new()
    struck("note", 1, "we zoeken", "--public", as_of=DAY + "11:40")
    struck("close", 1, "--solution", "x", as_of=DAY + "12:30")
    found = figures(struck)
    assert found["majors"] == (1, 1, None)
    assert found["majors_share"] == (0.5, 1, 2)
    assert found["major_resolve_mean_working"] == (5400, 1, 1)
    assert found["major_resolve_mean_elapsed"] == (7200, 1, 1)
    assert found["major_updates_late"] == (1, 1, 1)
    struck("major", "revoke", 1, "--reason", "toch niet")
    assert found.keys() == figures(struck).keys()
    assert {n for _, n, _ in figures(struck).values()} == {0}


def test_a_change_by_hand_is_seen(struck: Sd) -> None:
    """S9: the journal knows the declaration."""
    named = os.environ["SD_DATABASE"]
    change(named if "://" in named else Path(named), "update major set declared_at = declared_at + 60")
    assert "major incident 1 differs" in struck("audit", "verify").out


@pytest.mark.parametrize("update", ["1 min", "11 d"])
def test_the_rulebook_has_updates_that_can_be_meant(update: str) -> None:
    """Nobody can tell the same every minute; two weeks are no update."""
    faults = check(changed(('update = "1 h" ', f'update = "{update}" ')).encode())[1]
    assert [fault.text[:49] for fault in faults] == ["[majors] update must be from 5 min to 10 days, no"]


def test_what_was_agreed_is_named(sd: Sd, new: New, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A part of a working day may be too short for this calendar: the message says what was agreed."""
    use(place, monkeypatch, changed(('update = "1 h" ', 'update = "0.005 d" ')))
    ran = sd("major", "declare", new(), "--reason", "x")
    assert (ran.code, "update of the rulebook, 0.005 wd, cannot" in ran.err) == (78, True), ran
