"""`sd calendar`: the days off the clock knows, against those that were agreed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Sd
from tests.rulebooks import changed, shipped_text, use, with_matrix

New = Callable[..., int]
EXTRA = '[[days]]\ncalendar = "office"\non = "2026-11-26"\nname = "Personeelsfeest"\n'


def days(sd: Sd, year: int) -> dict[str, str]:
    """Return the days of a year that differ in the office calendar: date to opening hours."""
    rows = sd("calendar", "show", year, "--format", "json").json()
    return {row["day"]: row["hours"] for row in rows if row["calendar"] == "office"}


def test_days_off_of_2026(sd: Sd) -> None:
    """Legal holidays, the Flemish ones, the bridge day and the closed last week are known after init."""
    legal = "01-01 04-06 05-01 05-14 05-25 07-21 08-15 11-01 11-11 12-25"
    own = "05-15 07-11 11-02 11-15 12-26 12-27 12-28 12-29 12-30 12-31"
    known = days(sd, 2026)
    assert [known.get(f"2026-{day}") for day in f"{legal} {own}".split()] == ["closed"] * 20


def test_half_day_on_open_days_only(sd: Sd) -> None:
    """24 December is a half day, but opens no weekend."""
    assert days(sd, 2026)["2026-12-24"] == "08:00-12:00"
    assert "2028-12-24" not in days(sd, 2028)  # a Sunday


def test_show_names_weekday(sd: Sd) -> None:
    """The table names day, weekday and what it is."""
    line = next(line for line in sd("calendar", "show", 2026).out.splitlines() if "2026-11-02" in line)
    assert line.split() == ["office", "2026-11-02", "Mon", "closed", "Allerzielen"]


def test_check_agrees_after_init(sd: Sd) -> None:
    """A fresh desk knows what was agreed."""
    ran = sd("calendar", "check", 2026)
    assert (ran.code, ran.out) == (0, "2026: the clock knows every day off that was agreed\n")


def test_check_lists_differences(sd: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 1 and each day that differs, whichever way."""
    gone = changed(('on = "07-11"', 'on = "07-12"'), ('name = "Allerzielen"', 'name = "Zielen"'))
    use(place, monkeypatch, gone + EXTRA)
    ran = sd("calendar", "check", 2026, "--format", "json")
    assert ran.code == 1
    assert [(row["day"], row["difference"]) for row in ran.json()] == [
        ("2026-07-11", "no longer agreed: Feestdag van de Vlaamse Gemeenschap"),
        ("2026-07-12", "missing in the table: Feestdag van de Vlaamse Gemeenschap"),
        ("2026-11-02", "other name or hours"),
        ("2026-11-26", "missing in the table: Personeelsfeest"),
    ]


def test_sync_brings_both_up(sd: Sd, new: New, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Days and open deadlines follow the rulebook; the second time nothing is left to do."""
    number = new()
    use(place, monkeypatch, shipped_text() + EXTRA)
    assert sd("calendar", "sync").out == "1 day(s) changed, 1 deadline(s) of open tickets moved\n"
    assert sd("show", number, "--format", "json").json()["resolve_by"][:16] == "2026-11-27T10:30"
    assert sd("calendar", "sync").out == "0 day(s) changed, 0 deadline(s) of open tickets moved\n"
    assert sd("audit", "verify").code == 0


def test_sync_takes_days_away(sd: Sd, new: New, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day off that is no longer agreed opens again."""
    use(place, monkeypatch, changed(('on = "07-11"', 'on = "07-12"')))
    sd("calendar", "sync", 2026)
    assert "2026-07-11" not in days(sd, 2026) and "2026-07-12" in days(sd, 2026)
    assert "2027-07-11" in days(sd, 2027)


def test_far_years_are_filled_when_asked(sd: Sd) -> None:
    """A year beyond those of init has no days until it is synchronised."""
    assert days(sd, 2035) == {}
    sd("calendar", "sync", 2035)
    assert days(sd, 2035)["2035-11-11"] == "closed"


@pytest.mark.parametrize(
    ("on", "until", "year", "closed"),
    [
        ("02-29", "", 2027, []),
        ("02-29", "", 2028, ["2028-02-29"]),
        ("02-27", "02-29", 2027, ["2027-02-27", "2027-02-28"]),
        ("2026-12-30", "2027-01-03", 2027, ["2027-01-01", "2027-01-02", "2027-01-03"]),
    ],
)
def test_odd_dates(
    run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch, on: str, until: str, year: int, closed: list[str]
) -> None:
    """29 February, and a range over New Year, name the days that exist."""
    ends = f'until = "{until}"\n' if until else ""
    day = f'[[days]]\ncalendar = "office"\non = "{on}"\nname = "x"\n{ends}'
    use(place, monkeypatch, with_matrix(["a"], ["b"], [[1]], {1: ("1 h", "4 h")}) + day)
    assert run("init").code == 0
    assert list(days(run, year)) == closed


def test_init_after_new_year(run: Sd, place: Path) -> None:
    """The years to fill are counted by the desk's own date, which in UTC is still the old year."""
    assert run("init", as_of="2027-01-01T00:30").code == 0
    assert [bool(days(run, year)) for year in (2025, 2026, 2030, 2031)] == [False, True, True, False]


def test_the_hint_of_check_helps(sd: Sd) -> None:
    """A year beyond those that are filled by themselves must be named."""
    assert "`sd calendar sync 2035`" in sd("calendar", "check", 2035).err
    assert sd("calendar", "sync", 2035).code == sd("calendar", "check", 2035).code == 0


def test_unknown_country(run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A country whose holidays nobody knows is a fault of the rulebook, told at init."""
    use(place, monkeypatch, changed(('holidays = "BE"', 'holidays = "XX"')))
    ran = run("init")
    assert (ran.code, "holidays of 'XX'" in ran.err) == (78, True)


@pytest.mark.parametrize("year", ["1989", "2200", "x"])
def test_impossible_years(sd: Sd, year: str) -> None:
    """A year that no calendar covers is a usage fault."""
    assert sd("calendar", "show", year).code == 2
