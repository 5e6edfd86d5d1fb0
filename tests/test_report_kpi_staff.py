"""The KPIs of who comes, moves and leaves, against figures computed by hand."""

from __future__ import annotations

import json
import random
import statistics
from datetime import date, datetime, timedelta

import pytest

from sdtool import render
from sdtool.desk import Desk, handling, people, staff, staff_intake
from sdtool.reports import kpi, staffing
from sdtool.reports.kpi_view import SECTIONS, document
from sdtool.rulebook.staffing import Staffing
from tests.kpi_world import ZONE, World, at, world
from tests.test_report_kpi_pages import HOSTILE, Tags

__all__ = ["world"]  # the fixture
FAR = "2027-12-31 17:00"
ARMISTICE = date(2026, 11, 11)  # a Wednesday


@pytest.fixture(autouse=True)
def holiday(request: pytest.FixtureRequest) -> None:
    """11 November is a day off in the desk whose rows a test puts there."""
    if "world" not in request.fixturenames:
        return
    made = request.getfixturevalue("world")
    row = {"calendar": "office", "day": ARMISTICE.isoformat(), "name": "Wapenstilstand"}
    made.store.insert("holiday", row)


def part(world: World, parent: int, service: str, resolved: str | None, due: str = FAR, **more) -> int:
    """Add the ticket of a support service, with a deadline that was agreed."""
    number = world.ticket(service=service, resolved_at=resolved, resolve_due=due, agreed_due=at(due), **more)
    world.store.insert("link", {"ticket": number, "kind": "part-of", "other": parent})
    return number


def told(world: World, day: str, *resolved: str | None, known: str = "02 09:00", **more) -> int:
    """Add an onboarding with an account of each of these moments, None for one that is open."""
    parent = world.ticket(known, agreed_due=at(FAR))
    change = {"kind": "onboarding", "staff_number": str(parent), "day": day, "data": "{}"}
    change |= {"known_at": at(known), "complete_first": 1, "withdrawn_at": None}
    world.store.insert("staff_change", {"id": parent, **change, **more})
    for moment in resolved:
        part(world, parent, "account", moment)
    return parent


def counted(world: World, key: str, *days: date, **more) -> tuple[int, int | None]:
    figure = world.figures(*days, **more)[key]
    return figure.n, figure.of


# --- Ready on day one


@pytest.mark.parametrize(
    ("start", "last", "ready"),
    [
        ("2026-11-12", "10 16:59", 1),  # Tuesday; Wednesday is a day off
        ("2026-11-12", "10 23:00", 1),
        ("2026-11-12", "11 10:00", 1),  # on the day off itself
        ("2026-11-12", "12 07:00", 0),  # before opening, but on the day
        ("2026-11-12", "12 08:00", 0),
        ("2026-11-12", None, 0),
        ("2026-11-11", "11 10:00", 1),  # starts on the day off: the first day is Thursday
        ("2026-11-11", "12 07:00", 0),
        ("2026-11-09", "06 15:59", 1),  # Friday
        ("2026-11-09", "08 12:00", 1),  # Sunday
        ("2026-11-09", "09 07:59", 0),
    ],
)
def test_ready_a_working_day_before_the_start(world, start, last, ready):
    told(world, start, "03 10:00", last)

    assert counted(world, "ready_on_day_one") == (ready, 1)


def test_one_open_part_of_many_is_not_ready(world):
    told(world, "2026-11-20", "03 10:00", None, "03 10:00")
    told(world, "2026-11-20", "03 10:00")

    assert counted(world, "ready_on_day_one") == (1, 2)


def test_what_is_given_on_the_day_itself_does_not_count(world):
    """Training has `days_before = 0`."""
    part(world, told(world, "2026-11-20", "03 10:00"), "training", None)

    assert counted(world, "ready_on_day_one") == (1, 1)


@pytest.mark.parametrize(
    "gone", [{"state": "cancelled"}, {"state": "merged", "merged_into": 1}, {"reversal": 1}]
)
def test_parts_that_ended_otherwise_do_not_count(world, gone):
    part(world, told(world, "2026-11-20", "03 10:00"), "badge", None, **gone)

    assert counted(world, "ready_on_day_one") == (1, 1)


def test_without_any_part_nothing_was_made_ready(world):
    part(world, told(world, "2026-11-20"), "badge", None, state="cancelled")

    assert counted(world, "ready_on_day_one") == (0, 1)


def test_a_request_that_a_person_cancelled_counts_nowhere(world):
    """It was no onboarding: neither a start nor told; who was withdrawn was told."""
    gone, withdrawn = told(world, "2026-11-10"), told(world, "2026-11-10", withdrawn_at=at("05 09:00"))
    for number in (gone, withdrawn):
        world.store.update("ticket", number, {"state": "cancelled", "closed_at": 1, "ended_at": 1})

    assert counted(world, "ready_on_day_one")[1] in (None, 0)
    assert counted(world, "complete_at_first_import") == (1, 1)


def test_starts_count_by_their_day_unless_they_were_withdrawn(world):
    for day in ("2026-10-31", "2026-11-01", "2026-11-30", "2026-12-01"):
        told(world, day)
    told(world, "2026-11-10", withdrawn_at=at("05 09:00"))
    told(world, "2026-11-10", kind="mover")

    assert counted(world, "ready_on_day_one") == (0, 2)


def test_in_a_period_that_is_not_over_starts_count_up_to_today(world):
    for day in ("2026-11-10", "2026-11-12", "2026-11-13"):
        told(world, day)

    assert counted(world, "ready_on_day_one", now=at("12 00:00")) == (0, 2)


# --- What HR told


def test_complete_counts_by_the_moment_it_was_told(world):
    told(world, "2026-12-01", known="02 09:00")
    told(world, "2027-01-04", known="30 23:59", complete_first=0)
    told(world, "2026-11-10", known="2026-10-30 09:00")
    told(world, "2026-11-10", known="02 09:00", withdrawn_at=at("03 09:00"))

    assert counted(world, "complete_at_first_import") == (2, 3)


def test_notice_in_working_days(world):
    """From Monday 2 November: seven to Thursday 12, one to Tuesday 3, none to who began on 27 October."""
    for day in ("2026-11-12", "2026-11-03", "2026-10-27", ""):
        told(world, day)

    found = world.figures()
    values = [found[f"lead_time_{statistic}"].value for statistic in ("mean", "median", "p90")]
    assert values == pytest.approx([8 / 3, 1, 1 + 0.8 * 6])
    assert (found["lead_time_mean"].n, found["lead_time_mean"].of) == (3, 4)


# --- Late by service


@pytest.mark.parametrize(
    ("resolved", "late"),
    [("10 17:00", 0), ("11 12:00", 0), ("12 08:00", 0), ("12 08:01", 1), (None, 1)],
)
def test_late_by_service_is_after_the_deadline_with_opening_hours_between(world, resolved, late):
    part(world, told(world, "2026-11-12"), "badge", resolved, "10 17:00")

    (found,) = world.report().services
    assert (found.name, found.counts) == ("Toegangsbadge", {"due": 1, "late": late})


def test_services_count_by_deadline_in_the_order_of_the_rulebook(world):
    """Given or taken away; not what was cancelled, nor what is due later."""
    parent = told(world, "2026-11-12")
    part(world, parent, "gone", "03 10:00", "10 17:00")
    part(world, parent, "badge", "2026-10-30 10:00", "10 17:00", opened="2026-10-28 09:00")
    part(world, parent, "badge", None, "10 17:00", reversal=1)
    part(world, parent, "account", None, "10 17:00", state="cancelled")
    part(world, parent, "account", "10 10:00", "2026-12-01 17:00")
    part(world, parent, "account", "11 10:00", "10 17:00")

    found = [(split.key, split.counts["late"], split.counts["due"]) for split in world.report().services]
    assert found == [("account", 0, 1), ("badge", 1, 2), ("gone", 0, 1)]


def test_what_is_not_due_yet_is_not_late(world):
    part(world, told(world, "2026-11-12"), "badge", None, "10 17:00")

    assert world.report(now=at("10 16:59")).services == ()
    assert world.report(now=at("10 17:00")).services[0].counts == {"due": 1, "late": 1}


# --- All of it, computed another way


def _working(day: date) -> bool:
    return day.weekday() < 5 and day != ARMISTICE


def _days_between(first: date, last: date) -> int:
    return sum(_working(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))


def _first(day: date) -> date:
    return day if _working(day) else _first(day + timedelta(days=1))


def test_a_month_of_onboardings_computed_day_by_day(world, monkeypatch):
    """Sixty people told and started around November; slices of seven."""
    monkeypatch.setattr("sdtool.reports.cohort.SLICE", 7)
    chance, ready, starts, notice, complete = random.Random(4), 0, 0, [], 0
    for _ in range(60):
        known = datetime(2026, 10, 12, 9, tzinfo=ZONE) + timedelta(days=chance.randrange(40))
        day = known.date() + timedelta(days=chance.randrange(-2, 25))
        whole = chance.randrange(2)
        done = [
            None if chance.random() < 0.05 else known + timedelta(hours=chance.randrange(24 * 15))
            for _ in range(chance.randrange(4))
        ]
        moments = [None if moment is None else f"{moment:%Y-%m-%d %H:%M}" for moment in done]
        told(world, str(day), *moments, known=f"{known:%Y-%m-%d %H:%M}", complete_first=whole)
        if day.month == 11:
            starts += 1
            ready += bool(done) and all(m and _days_between(m.date(), _first(day)) >= 1 for m in done)
        if known.month == 11:
            complete += whole
            notice.append(max(_days_between(known.date(), _first(day)), 0))

    assert counted(world, "ready_on_day_one") == (ready, starts)
    assert counted(world, "complete_at_first_import") == (complete, len(notice))
    assert world.values("lead_time_mean", "lead_time_median") == [
        pytest.approx(statistics.mean(notice)),
        statistics.median(notice),
    ]
    assert 0 < ready < starts


ROW = {
    "staff_number": "000123", "first_name": "Zoë", "last_name": "Çelik", "start_date": "2026-12-10",
    "department": "Juridische dienst", "job_title": "Jurist", "manager_mail": "an@example.be",
    "site": "Provinciehuis",
}  # fmt: skip


def test_a_real_onboarding_is_measured(desk: Desk) -> None:
    """Told on Monday 23 November for Thursday 10 December, one of two complete; all but training done."""
    people.add(desk, {"name": "An Hoofd", "mail": "an@example.be"})
    number = staff_intake.take_in(desk, "onboarding", ROW).ticket
    staff_intake.take_in(desk, "onboarding", {**ROW, "staff_number": "000124", "site": ""})
    for part_ in sorted(staff.parts(desk.store, number), key=lambda found: found.state == "waiting"):
        if part_.service != "training":
            desk.store.execute("update checklist_item set state = 'done' where ticket = :id", id=part_.id)
            handling.resolve(desk, [part_.id], "gedaan")

    report = kpi.report(
        desk.store, desk.rulebook, date(2026, 11, 1), date(2027, 1, 1), timezone="Europe/Brussels"
    )

    found = {figure.key: (figure.n, figure.of) for figure in report.kpis}
    assert [found[key] for key in ("ready_on_day_one", "complete_at_first_import")] == [(1, 2), (1, 2)]
    assert next(f.value for f in report.kpis if f.key == "lead_time_median") == 13
    late = {split.key: (split.counts["late"], split.counts["due"]) for split in report.services}
    assert (late["badge"], late["training"]) == ((1, 2), (2, 2))


# --- Planned work in the other figures


def test_what_is_planned_counts_by_its_deadline_only(world):
    """A month on hold, then taken and resolved in time."""
    hold = [("internal", "2026-10-05 09:00", "09 09:00")]
    planned = {"accepted_at": "09 10:00", "responded_at": "09 10:00", "closed_at": "10 10:00"}
    parent = told(world, "2026-11-12")
    part(
        world, parent, "badge", "10 10:00", "10 17:00", opened="2026-10-05 09:00",
        respond_due="2026-10-06 09:00", pauses=hold, **planned,
    )  # fmt: skip
    world.ticket("10 09:00", resolved_at="10 10:00", closed_at="10 11:00", accepted_at="10 09:00")

    found = world.figures()
    assert [found[key].n for key in ("resolved", "closed")] == [2, 2]
    assert [found[f"{promise}_attainment"].of for promise in ("resolve", "respond")] == [2, 1]
    assert [found[key].of for key in ("first_line_resolution", "first_contact_resolution")] == [1, 1]
    assert [found[f"time_to_resolve{kind}"].value for kind in ("_mean_working", "_gross_p90_working")] == [
        3600,
        3600,
    ]
    closing = found["time_to_close_mean_elapsed"]
    assert (closing.value, closing.n, closing.of) == (7200, 1, 1)
    assert found["waiting_share"].value == 0


def test_a_parent_request_is_not_held_to_the_start(world):
    """It ends on the first day at the earliest, when its deadline is over."""
    world.ticket(resolved_at="12 10:00", agreed_due=at("12 08:00"), resolve_due="12 08:00")

    assert world.values("resolved", "resolve_attainment") == [1, None]
    assert world.report().categories == ()


# --- Pages


@pytest.mark.parametrize("form", ["html", "text", "md"])
@pytest.mark.parametrize("language", render.REPORT_LANGUAGES)
def test_a_desk_that_was_told_of_nobody_shows_nothing_of_it(world, form, language):
    world.ticket(resolved_at="03 10:00")
    told(world, "2026-12-20", known="2026-12-01 09:00")

    page = document(world.report(), world.book, form, language).lower()
    assert not any(word in page for word in ("dag één", "day one", "vooraf gemeld", "notice", "komt, ver"))


@pytest.mark.parametrize("form", ["html", "text", "md"])
def test_a_month_without_newcomers_shows_that_there_were_none(world, form):
    told(world, "2026-10-20", known="2026-10-01 09:00")

    page = document(world.report(), world.book, form, "nl")
    assert "klaar op dag één" in page.lower()
    assert "te laat per ondersteunende dienst" in page.lower()


def test_the_page_says_who_was_ready_and_which_service_was_late(world):
    parent = told(world, "2026-11-12", "03 10:00", known="02 09:00")
    part(world, parent, "badge", "10 10:00", "10 17:00")
    part(world, parent, "badge", None, "10 17:00", reversal=1)
    told(world, "2026-11-10", None)

    lines = [
        " ".join(line.split()) for line in document(world.report(), world.book, "text", "nl").splitlines()
    ]
    assert "✗ Klaar op dag één 50,0 % ≥ 95,0 % niet gehaald" in lines
    assert "Werkdagen vooraf gemeld, mediaan 6,5 2/2" in lines
    assert "Toegangsbadge 50,0 % 1/2" in lines


@pytest.mark.parametrize("language", render.REPORT_LANGUAGES)
def test_all_of_it_fits_a_mail_and_eighty_columns(world, language):
    for service in staffing.names(world.book):
        part(world, told(world, "2026-11-12"), service, None, "10 17:00")
    told(world, "2026-10-12", "2026-10-02 09:00", known="2026-10-01 09:00")

    page = document(world.report(), world.book, "html", language, head=(1, "ab" * 32))
    assert len(page.encode()) < 102_000  # where Gmail cuts a mail off
    text = document(world.report(), world.book, "text", language)
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text


@pytest.mark.parametrize("name", HOSTILE)
def test_the_name_of_a_service_is_text(world, name):
    _named(world, "x")  # like tickets add up: enough of them for both pages to tell that they repeat
    plain = Tags(document(_named(world, "x"), world.book, "html", "nl"))

    page = Tags(document(_named(world, name), world.book, "html", "nl"))

    assert (page.tags, page.names) == (plain.tags, plain.names)
    assert " ".join(name.split()) in " ".join(page.text.split())


def _named(world: World, name: str) -> kpi.Report:
    """Report on a desk whose support services are all called `name`."""
    place = Staffing._fields.index("support_services")
    rows = [(key, name, *rest) for key, _, *rest in world.book.seldom[place]]
    seldom = (*world.book.seldom[:place], tuple(rows), *world.book.seldom[place + 1 :])
    world.book = world.book._replace(seldom=seldom)
    part(world, told(world, "2026-11-12"), "badge", None, "10 17:00")
    return world.report()._replace(services=world.report().services[:1])


def test_json_keeps_the_keys_of_a_desk_that_was_told_of_nobody(world):
    rows = {row["key"]: row for row in json.loads(json.dumps(world.report().as_dict()))["kpis"]}

    assert set(SECTIONS["staffing"]) <= rows.keys()
    assert (rows["lead_time_mean"]["unit"], rows["lead_time_mean"]["value"]) == ("days", None)


# --- Cost


@pytest.mark.sqlite("its query plans")
@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (staffing._KNOWN, "staff_change_known"),
        (staffing._TOLD, "staff_change_known"),
        (staffing._STARTS, "staff_change_day"),
        (staffing._GIVEN, "staff_change_day"),
        (staffing._DUE, "ticket_service_due"),
    ],
)
def test_who_came_is_read_by_index(world, sql, index):
    names = ("start", "end", "after", "size", "first", "last", "first_id", "last_id")

    plan = [
        row["detail"] for row in world.store.query("explain query plan " + sql, **dict.fromkeys(names, 1))
    ]

    assert index in plan[0]
    assert not any("SCAN" in step or "TEMP B-TREE" in step for step in plan)
