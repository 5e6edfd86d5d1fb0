"""Frozen months: figures that stay what they were, whatever happens afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdtool.desk import Desk
from sdtool.reports import freeze, kpi, plain
from tests.conftest import Sd
from tests.engines import restored, save
from tests.reliability.kit import change

DAY = "2026-11-04T04:30"
FORMS = ("text", "html", "md", "json", "csv")


@pytest.fixture
def october(sd: Sd, new: Callable[..., int], place: Path) -> Path:
    """A desk that resolved tickets in October 2026; the month is not frozen; made once."""
    named = os.environ["SD_DATABASE"]
    database = named if "://" in named else Path(named)
    if restored(database, "october"):
        return place
    for day in (5, 6, 7):
        number = new(f"Ticket {day}", as_of=f"2026-10-0{day}T09:00")
        done = sd("close", number, "--solution", "vervangen", as_of=f"2026-10-0{day}T11:00")
        assert done.code == 0, done.err
    new("Later", as_of="2026-10-20T09:00")
    new("Later still", as_of="2026-10-20T09:00")
    save(database, "october")
    return place


def pages(sd: Sd) -> list[str]:
    """Return the report on October in every form."""
    ran = [sd("report", "kpi", "--month", "2026-10", "--format", form) for form in FORMS]
    assert {one.code for one in ran} == {0}, ran
    return [one.out for one in ran]


def test_a_frozen_month_says_when(sd: Sd, october: Path) -> None:
    """Every form but CSV tells the day; the figures are those that were not frozen."""
    before = sd("report", "kpi", "--month", "2026-10", "--format", "json").json()
    ran = sd("report", "freeze", "--month", "2026-10", as_of=DAY)
    assert ran.code == 0, ran
    text, html, md, found, _ = pages(sd)

    assert all("bevroren op 4 november 2026" in page for page in (text, html, md))
    assert json.loads(found) == before | {"frozen_at": "2026-11-04T04:30:00+01:00"}
    assert "frozen on 4 November 2026" in sd("report", "kpi", "--month", "2026-10", "--language", "en").out
    assert sd("audit", "verify").code == 0


def test_the_same_again_changes_nothing(sd: Sd, october: Path) -> None:
    """A second time is no fault while the figures are the same, and one when they are not."""
    sd("report", "freeze", "--month", "2026-10", as_of=DAY)
    again = sd("report", "freeze", "--month", "2026-10")
    merged = sd("merge", 5, "--into", 4)
    assert merged.code == 0, merged
    other = sd("report", "freeze", "--month", "2026-10")

    assert (again.code, again.out) == (0, "2026-10 was frozen already on 2026-11-04 04:30, nothing changed\n")
    assert (other.code, "was frozen on 2026-11-04 with other figures" in other.err) == (5, True)


def test_what_a_month_is_compared_with_may_be_frozen_later(
    sd: Sd, new: Callable[..., int], october: Path
) -> None:
    """The figures of the month itself are the same then."""
    new("September", as_of="2026-09-03T10:00")
    codes = [sd("report", "freeze", "--month", f"2026-{month}").code for month in ("10", "09", "10")]
    assert codes == [0, 0, 0]


@pytest.mark.parametrize(("month", "code"), [("2026-11", 3), ("2026-09", 3), ("2026-13", 2)])
def test_refused(sd: Sd, october: Path, month: str, code: int) -> None:
    """A month that is not over, one before the first ticket, and what is no month."""
    assert sd("report", "freeze", "--month", month).code == code


def test_dry_run(sd: Sd, october: Path) -> None:
    """Nothing is frozen."""
    ran = sd("report", "freeze", "--month", "2026-10", "--dry-run")

    assert (ran.code, ran.out.startswith("(dry run) 2026-10 is frozen; digest ")) == (0, True)
    assert sd("report", "kpi", "--month", "2026-10", "--format", "json").json()["frozen_at"] is None


def test_figures_by_key(october: Path, desk: Desk) -> None:
    """Readers get the values by KPI, or nothing."""
    freeze.freeze(desk, "2026-10")
    found = freeze.figures_of(desk.store, "2026-10")

    assert found is not None
    assert found["opened"] == 5
    assert freeze.figures_of(desk.store, "2026-09") is None


def test_plain_and_back() -> None:
    """A report keeps every value; a field that the program learned later has its default or is empty."""
    from datetime import date

    figure = kpi.Figure("opened", 0.1 + 0.2, "count", 3, None, None, 2.0)
    report = kpi.Report(date(2026, 10, 1), date(2026, 11, 1), (figure,), (), (), (), True)
    data: dict[str, Any] = json.loads(json.dumps(plain.plain(report)))
    assert plain.restored(kpi.Report, data) == report

    del data["kpis"][0]["norm"], data["groups"], data["frozen_at"]
    assert plain.restored(kpi.Report, {**data, "unheard": 1}) == report


def test_recompute_tells_what_differs(sd: Sd, october: Path) -> None:
    """No difference is exit 0; a merge afterwards shows, in every form, with exit 1."""
    sd("report", "freeze", "--month", "2026-10", as_of=DAY)
    words = ("report", "kpi", "--month", "2026-10", "--recompute", "--format")
    none = sd(*words, "text")
    sd("merge", 5, "--into", 4)
    ran = {form: sd(*words, form) for form in FORMS}

    assert (none.code, none.out.endswith("Geen verschil.\n")) == (0, True)
    assert {one.code for one in ran.values()} == {1}
    assert "differ from those that were frozen" in ran["text"].err
    found = {one["key"]: one for one in ran["json"].json()["differences"]}
    assert (found["opened"]["frozen"], found["opened"]["now"], found["opened"]["difference"]) == (5, 4, -1)
    assert all("Geopend" in ran[form].out for form in ("text", "html", "md"))
    assert "\nopened,count,5,4,-1," in ran["csv"].out


def test_recompute_needs_a_frozen_month(sd: Sd, october: Path) -> None:
    """What is not frozen has nothing to differ from; a part of a month cannot be frozen."""
    assert sd("report", "kpi", "--month", "2026-10", "--recompute").code == 4
    assert sd("report", "kpi", "--from", "2026-10-01", "--to", "2026-10-05", "--recompute").code == 2


@pytest.mark.parametrize("form", ["table", "jsonl"])
def test_recompute_is_no_list(sd: Sd, october: Path, form: str) -> None:
    """As the report itself, it is not written in the forms of lists."""
    ran = sd("report", "kpi", "--month", "2026-10", "--recompute", "--format", form)
    assert (ran.code, f"is not written as {form}" in ran.err) == (2, True)


@pytest.mark.parametrize(("as_of", "is_frozen"), [("2026-11-04T23:59", False), ("2026-11-05T04:30", True)])
def test_job_on_the_third_working_day(sd: Sd, october: Path, as_of: str, is_frozen: bool) -> None:
    """October 2026 ends on a Saturday, and 2 November is a day off: it is frozen on Thursday."""
    ran = sd("cron", "run", "freeze", as_of=as_of)
    again = sd("cron", "run", "freeze", as_of=as_of)

    assert (ran.code, ran.err, again.out + again.err) == (0, "", "")
    found = sd("report", "kpi", "--month", "2026-10", "--format", "json").json()
    assert (found["frozen_at"] is not None) == is_frozen


def test_job_catches_up_oldest_first(october: Path, desk: Desk) -> None:
    """After years without a run, two years of months a night."""
    desk.now += 3 * 365 * 86_400
    told = [freeze.catch_up(desk) for _ in range(3)]

    assert told[0].startswith("frozen: 2026-10, 2026-11, ")
    assert [text.count("20") for text in told] == [24, 13, 0]


def test_nothing_changes_a_frozen_month(sd: Sd, october: Path) -> None:
    """Neither a person erased, tickets merged, days off nor another service sheet does."""
    sd("report", "freeze", "--month", "2026-10", as_of=DAY)
    before = pages(sd)
    sd("merge", 5, "--into", 4)
    sd("close", 4, "--solution", "vervangen")
    sd("cron", "run", "close", as_of="2026-12-20T04:20")
    erased = sd("person", "erase", 1, "--yes", as_of="2026-12-21T09:00")
    rulebook = october / "rulebook.toml"
    sd("rulebook", "init", rulebook)
    text = rulebook.read_text(encoding="utf-8").replace("norm = 0.90", "norm = 0.50")
    day = '\n[[days]]\ncalendar = "office"\non = "2026-10-05"\nname = "Brugdag"\n'
    rulebook.write_text(text + day, encoding="utf-8")
    os.environ["SD_RULEBOOK"] = str(rulebook)
    try:
        synced = sd("calendar", "sync")
        after, ran = pages(sd), sd("report", "kpi", "--month", "2026-10", "--recompute", "--format", "json")
        read = sd("report", "kpi", "--month", "2026-10", "--recompute").out
        verified = sd("audit", "verify")
    finally:
        del os.environ["SD_RULEBOOK"]

    assert (erased.code, synced.code, verified.code) == (0, 0, 0), (erased, synced, verified)
    assert after == before
    assert "Periode: van 1 oktober 2026 tot, maar niet met, 1 november 2026" in after[0]
    changed = {one["key"] for one in ran.json()["differences"]}
    assert {"opened", "time_to_resolve_mean_working"} <= changed
    assert ("\nOplostijd, netto, gemiddelde (openingsuren)\n" in read, "…" in read) == (True, False), read


@pytest.mark.parametrize(
    "statement",
    [
        "update frozen_month set data = replace(data, '\"opened\"', '\"closed\"')",
        "update frozen_month set frozen_at = frozen_at + 1",
        "insert into frozen_month select id - 1, digest, data, frozen_at, rev from frozen_month",
        "delete from frozen_month",
    ],
)
def test_a_change_of_the_row_is_found(sd: Sd, october: Path, statement: str) -> None:
    """Whatever is done to a frozen month behind the journal's back; other figures are not shown either."""
    sd("report", "freeze", "--month", "2026-10", as_of=DAY)
    change(os.environ["SD_DATABASE"], statement)

    ran = sd("audit", "verify")
    assert (ran.code, "frozen month" in ran.out) == (1, True)
    if "replace" in statement:
        assert sd("report", "kpi", "--month", "2026-10").code == 1
