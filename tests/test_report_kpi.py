"""Each KPI against figures computed by hand, and what it costs to compute them."""

from __future__ import annotations

import statistics
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool.reports import backlog, cohort
from sdtool.reports.percentile import percentile
from sdtool.reports.period import before, last_month, shifted
from sdtool.rulebook import Norm
from sdtool.store.journal import Entry, append
from tests.kpi_world import at, world

__all__ = ["world"]  # the fixture


# --- Counting


def test_opened_resolved_and_closed_each_count_by_their_own_moment(world):
    world.ticket("2026-10-30 09:00", resolved_at="03 10:00", closed_at="2026-12-02 10:00")
    world.ticket(resolved_at="03 10:00", closed_at="10 10:00")
    world.ticket("2026-10-30 09:00", resolved_at="2026-10-30 10:00", closed_at="06 10:00")

    assert world.values("opened", "resolved", "closed", "throughput") == [1, 2, 2, 2.0]


def test_a_period_ends_at_local_midnight(world):
    """Also across the end of summer time: 25 October 2026 has 25 hours."""
    for moment in ("2026-10-24 23:59", "2026-10-25 00:00", "2026-10-25 23:59", "2026-10-26 00:00"):
        world.ticket(moment)

    assert world.figures(date(2026, 10, 25), date(2026, 10, 26))["opened"].value == 2


def test_cancelled_and_merged_count_apart_and_nowhere_else(world):
    world.ticket(closed_at="03 10:00", state="cancelled")
    world.ticket(closed_at="03 10:00", state="merged", merged_into=1)

    found = world.figures()
    assert {key for key, figure in found.items() if figure.value} == {"cancelled", "merged"}


def test_a_ticket_without_a_registered_resolution_only_counts_as_closed(world):
    world.ticket(closed_at="04 10:00")

    found = world.figures()
    assert (found["closed"].value, found["resolved"].value) == (1, 0)
    assert found["time_to_resolve_mean_elapsed"].value is None
    assert found["time_to_close_mean_elapsed"].value == 2 * 86400 + 3600


def test_no_data_is_not_zero(world):
    found = world.figures()

    measured = [figure for figure in found.values() if figure.unit != "count"]
    assert measured
    assert all(figure.value is None for figure in measured)


def test_slices_do_not_change_the_figures(world, monkeypatch):
    for minute in range(12):
        world.ticket(
            f"02 09:{minute:02}", resolved_at="03 10:00", closed_at="04 10:00", accepted_at="02 12:00"
        )
    whole = world.report()

    monkeypatch.setattr(cohort, "SLICE", 5)

    assert world.report() == whole


# --- Times


def test_mean_median_and_p90_of_the_time_to_accept(world):
    for accepted in ("02 09:10", "02 09:20", "02 10:00"):
        world.ticket(accepted_at=accepted, resolved_at="02 11:00")

    keys = [f"time_to_accept_{statistic}_working" for statistic in ("mean", "median", "p90")]
    assert world.values(*keys) == [1800, 1200, 1200 + 0.8 * 2400]


def test_an_unregistered_moment_is_left_out_and_shows(world):
    world.ticket(accepted_at="02 09:10", resolved_at="02 11:00")
    world.ticket(resolved_at="02 11:00")

    figure = world.figures()["time_to_accept_mean_elapsed"]
    assert (figure.value, figure.n, figure.of) == (600, 1, 2)


def test_net_gross_and_elapsed_time_to_resolve(world):
    """Monday 9:00 to Tuesday 9:00: 7.5 h and 1 h of opening hours, of which 2 h paused."""
    world.ticket(resolved_at="03 09:00", pauses=[("customer", "02 14:00", "02 16:00")])

    stems = (
        "time_to_resolve_mean_working",
        "time_to_resolve_gross_mean_working",
        "time_to_resolve_mean_elapsed",
    )
    assert world.values(*stems) == [6.5 * 3600, 8.5 * 3600, 86400]


def test_waiting_share_by_party(world):
    pauses = [("customer", "02 13:00", "02 14:00"), ("supplier", "02 16:00", "03 09:00")]
    world.ticket(resolved_at="03 10:00", pauses=pauses)

    found = world.figures()
    hours = [found[f"waiting_share{party}"].n / 3600 for party in ("", "_customer", "_supplier", "_internal")]
    assert (hours, found["waiting_share"].of / 3600) == ([3, 1, 2, 0], 9.5)


def test_time_between_resolution_and_reopening_is_neither_net_nor_waiting(world):
    world.ticket(resolved_at="03 09:00", reopens=1, pauses=[("", "02 14:00", "02 16:00")])

    assert world.values("time_to_resolve_mean_working", "waiting_share") == [6.5 * 3600, 0]


def test_a_target_keeps_its_own_calendar(world):
    """The clock of the first priority runs day and night from 1 November on."""
    ours = [t for t in world.book.targets if (t.type, t.priority) == ("incident", 1)]
    always = ours[0]._replace(calendar="always", valid_from="2026-11-01")
    world.book = world.book._replace(targets=(*world.book.targets, always))
    world.ticket("02 09:00", resolved_at="03 09:00", priority=1)

    assert world.values("time_to_resolve_mean_working") == [86400]


@given(st.lists(st.integers(0, 10**9), min_size=2, max_size=60))
def test_percentiles_agree_with_the_statistics_module(values):
    ordered = sorted(values)

    assert percentile(ordered, 50) == pytest.approx(statistics.median(values))
    assert percentile(ordered, 90) == pytest.approx(statistics.quantiles(values, n=10, method="inclusive")[8])


# --- Promises


def test_attainment_in_total_and_by_priority(world):
    world.ticket(resolved_at="03 10:00", resolve_due="03 10:00", priority=1)
    world.ticket(resolved_at="03 10:01", resolve_due="03 10:00", priority=1)
    world.ticket(resolved_at="03 10:00", resolve_due="03 11:00", priority=4)

    found = world.figures()
    pairs = [
        (found[f"resolve_attainment{end}"].n, found[f"resolve_attainment{end}"].of)
        for end in ("", "_p1", "_p4")
    ]
    assert pairs == [(2, 3), (1, 2), (1, 1)]
    assert found["resolve_attainment_p2"].value is None


def test_the_first_response_is_met_by_acceptance_or_answer(world):
    world.ticket(
        accepted_at="02 09:10", responded_at="02 10:00", resolved_at="02 11:00", respond_due="02 09:15"
    )
    world.ticket(
        accepted_at="02 10:00", responded_at="02 09:10", resolved_at="02 11:00", respond_due="02 09:15"
    )
    world.ticket(
        accepted_at="02 09:16", responded_at="02 10:00", resolved_at="02 11:00", respond_due="02 09:15"
    )
    world.ticket(resolved_at="02 11:00", respond_due="02 09:15")

    figure = world.figures()["respond_attainment"]
    assert (figure.n, figure.of) == (2, 3)


@pytest.mark.parametrize(
    ("done", "met"),
    [("03 17:00", 1), ("03 17:05", 1), ("03 23:59", 1), ("04 08:00", 1), ("04 08:01", 0)],
)
def test_after_closing_time_is_the_same_instant_until_the_desk_opens(world, done, met):
    """Due at closing time: met until there is working time in between, for response and solution alike."""
    world.ticket(accepted_at=done, resolved_at=done, resolve_due="03 17:00", respond_due="03 17:00")

    found = world.figures()
    assert [found[f"{promise}_attainment"].n for promise in ("resolve", "respond")] == [met, met]


def test_by_a_clock_that_never_stops_a_minute_late_is_late(world):
    always = [t._replace(calendar="always") for t in world.book.targets]
    world.book = world.book._replace(targets=tuple(always))
    world.ticket(resolved_at="03 17:05", resolve_due="03 17:00")
    world.ticket(resolved_at="03 17:00", resolve_due="03 17:00")

    assert world.values("resolve_attainment") == [0.5]


def test_a_norm_holds_from_its_day_on(world):
    sheet = (Norm("throughput", 1.0), Norm("throughput", 1.2, "2026-11-30"))
    world.book = world.book._replace(service_sheet=sheet)

    assert world.figures()["throughput"].norm == 1.2
    assert world.figures(date(2026, 10, 1), date(2026, 11, 1))["throughput"].norm == 1.0


# --- The first line


CONTACT = {"accepted_at": "02 09:00", "responded_at": "02 09:30", "resolved_at": "02 09:30"}


def test_solved_while_the_customer_was_there(world):
    world.ticket(**CONTACT)

    assert world.values("first_contact_resolution") == [1.0]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"resolved_at": "02 09:31"},
        {"group_key": "network"},
        {"contacts": 1},
        {"escalations": 1},
        {"reopens": 1},
        {"pauses": [("customer", "02 09:05", "02 09:10")]},
    ],
)
def test_what_is_no_first_contact_resolution(world, spoilt):
    world.ticket(**{**CONTACT, **spoilt})

    assert world.values("first_contact_resolution") == [0.0]


def test_first_contact_counts_only_where_there_was_a_contact(world):
    world.ticket(**CONTACT, channel="portal")

    assert world.values("first_contact_resolution") == [None]


def test_net_first_contact_leaves_out_what_the_first_line_cannot_solve(world):
    world.ticket(**CONTACT)
    world.ticket(resolved_at="04 10:00", category="network")

    assert world.values("first_contact_resolution", "first_contact_resolution_net") == [0.5, 1.0]


def test_escalation_and_wrong_routing(world):
    world.ticket(resolved_at="03 10:00")
    world.ticket(resolved_at="03 10:00", escalations=1, escalated_at="02 10:00", wrong_routings=1)
    world.ticket(resolved_at="03 10:00", escalations=2, escalated_at="02 09:30")

    keys = ("first_line_resolution", "escalation_rate", "wrong_routing", "time_to_escalate_mean_working")
    assert world.values(*keys) == [1 / 3, 2 / 3, 1 / 2, 2700]


def test_what_a_rule_sent_to_the_second_line_is_not_first_line_work(world):
    """Routed on registration or escalated later: the first line did not resolve it."""
    world.ticket(resolved_at="03 10:00")
    world.ticket(resolved_at="03 10:00", group_key="network")

    assert world.values("first_line_resolution", "escalation_rate") == [1 / 2, 0]


def test_changes_of_solver_group(world):
    for changes in (0, 1, 3):
        world.ticket(closed_at="03 10:00", reassignments=changes)

    assert world.values("reassignment_rate", "bounce_rate", "reassignments_mean") == [2 / 3, 1 / 3, 4 / 3]


# --- Reopened


def test_ever_reopened(world):
    world.ticket(resolved_at="03 10:00", closed_at="10 10:00", reopens=2)
    world.ticket(resolved_at="03 10:00", closed_at="10 10:00")

    assert world.values("reopen_rate") == [0.5]


@pytest.mark.parametrize(("reopened", "n"), [("17 10:00", 1), ("18 08:00", 0)])
def test_reopened_within_ten_working_days(world, reopened, n):
    """Resolved on Tuesday the 3rd; the tenth working day after it is the 17th. It stands open since."""
    world.ticket(closed_at="05 10:00")
    world.ticket(reopens=1, pauses=[("", "03 10:00", reopened)])

    figure = world.figures()["reopen_rate_10wd"]
    assert (figure.n, figure.of) == (n, 2)


def test_reopened_soon_after_a_closing_that_the_journal_knows(world):
    """Resolved in October, closed on 2 November, reopened ten working days after that."""
    number = world.ticket("2026-10-20 09:00", reopens=1, pauses=[("", "2026-10-21 09:00", "16 09:00")])
    entries = [("resolve", "2026-10-21 09:00"), ("close", "02 10:00")]
    rows = [Entry("ticket", number, verb, "test", "cli", at(moment), {}) for verb, moment in entries]
    world.store.run(lambda: append(world.store, rows))

    figure = world.figures()["reopen_rate_10wd"]
    assert (figure.n, figure.of) == (1, 1)


def test_a_cancellation_taken_back_is_no_reopening(world):
    number = world.ticket(reopens=1, pauses=[("", "03 10:00", "04 10:00")])
    world.store.run(
        lambda: append(world.store, [Entry("ticket", number, "cancel", "t", "cli", at("03 10:00"), {})])
    )

    assert world.values("reopen_rate_10wd") == [None]


# --- The backlog


def test_ages_of_the_backlog_in_working_days(world):
    """Monday 30 November is the last day: Friday is 1 working day before it, the 16th is 10, the 2nd 20."""
    for opened in (
        "30 16:00",
        "27 09:00",
        "26 09:00",
        "23 09:00",
        "20 09:00",
        "16 09:00",
        "02 09:00",
        "2026-10-30 09:00",
    ):
        world.ticket(opened)

    buckets = ("0_1", "2_5", "6_10", "11_20", "over_20")
    assert world.values("backlog", *(f"backlog_{bucket}" for bucket in buckets)) == [8, 2, 2, 2, 1, 1]


def test_what_ran_at_the_end_though_it_has_ended_since(world):
    world.ticket(resolved_at="2026-12-02 10:00", closed_at="2026-12-09 10:00")
    world.ticket(resolved_at="27 10:00", closed_at="2026-12-04 10:00")
    world.ticket(resolved_at="27 10:00", closed_at="30 10:00")
    world.ticket("2026-12-01 00:00")

    assert world.values("backlog", "backlog_unclosed") == [1, 2]


def test_what_was_resolved_at_the_end_and_reopened_since_did_not_run(world):
    world.ticket(reopens=1, pauses=[("", "27 10:00", "2026-12-02 10:00")])

    assert world.values("backlog", "backlog_unclosed") == [0, 1]


def test_late_unless_the_clock_stood_still_before(world):
    world.ticket(resolve_due="10 10:00")
    world.ticket(resolve_due="10 10:00", pauses=[("supplier", "11 10:00", None)])
    world.ticket(resolve_due="10 10:00", pauses=[("supplier", "09 10:00", None)])
    world.ticket(resolve_due="2026-12-10 10:00")

    assert world.values("backlog_late", "backlog_waiting") == [2, 2]


def test_in_a_period_that_is_not_over_the_backlog_is_that_of_now(world):
    world.ticket(resolve_due="20 10:00")

    found = world.figures(now=at("04 10:00"))
    assert [found[key].value for key in ("backlog_late", "backlog_2_5", "backlog_11_20")] == [0, 1, 0]


def test_the_backlog_by_group_and_the_resolved_by_category(world):
    world.ticket(group_key="network")
    world.ticket(resolved_at="03 10:00", category="printer")

    report = world.report()
    assert [(split.key, split.counts["backlog"]) for split in report.groups] == [("network", 1)]
    assert [(split.name, split.counts["resolve_met"]) for split in report.categories] == [
        ("Printer en scanner", 1)
    ]


# --- Periods


@pytest.mark.parametrize(
    ("first", "after", "earlier"),
    [
        (date(2016, 4, 1), date(2016, 5, 1), date(2016, 3, 1)),
        (date(2016, 1, 1), date(2016, 2, 1), date(2015, 12, 1)),
        (date(2016, 1, 1), date(2017, 1, 1), date(2015, 1, 1)),
        (date(2016, 3, 1), date(2016, 4, 1), date(2016, 2, 1)),  # 31 days, and 29 before them
        (date(2015, 11, 1), date(2017, 1, 1), date(2014, 9, 1)),
        (date(2016, 3, 30), date(2016, 4, 2), date(2016, 3, 27)),
    ],
)
def test_the_period_before(first, after, earlier):
    assert before(first, after) == (earlier, first)


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)), st.integers(1, 40))
def test_months_are_compared_with_as_many_months(day, months):
    """Counted by hand, in months since the year 0."""
    first = day.replace(day=1)
    year, month = divmod(first.year * 12 + first.month - 1 + months, 12)

    earlier, end = before(first, date(year, month + 1, 1))

    assert end == first
    assert (first.year - earlier.year) * 12 + first.month - earlier.month == months


@pytest.mark.parametrize(
    ("today", "first"),
    [
        (date(2026, 11, 23), date(2026, 10, 1)),
        (date(2026, 3, 31), date(2026, 2, 1)),
        (date(2026, 1, 1), date(2025, 12, 1)),
    ],
)
def test_the_last_whole_month(today, first):
    assert last_month(today) == (first, today.replace(day=1))


def test_a_leap_day_is_compared_with_the_day_before_it():
    """28 February 2028 up to the 29th, a year earlier: there was no 29th."""
    assert shifted(date(2028, 2, 28), date(2028, 2, 29), 12) == (date(2027, 2, 28), date(2027, 3, 1))


def test_the_figure_of_the_month_before(world):
    world.ticket("2026-10-05 09:00")
    world.ticket("02 09:00")
    world.ticket("03 09:00")

    figure = world.figures()["opened"]
    assert (figure.value, figure.previous) == (2, 1)


def test_before_the_first_ticket_there_is_nothing_to_compare_with(world):
    world.ticket()

    assert {figure.previous for figure in world.figures().values()} == {None}


# --- Cost


@pytest.mark.sqlite("its query plans")
@pytest.mark.parametrize(
    ("sql", "index"),
    [
        (cohort._OPENED, "ticket_opened"),
        (cohort._LEFT_OUT, "ticket_ended"),
        (cohort._RESOLVED, "ticket_resolved"),
        (cohort._PAUSES, "ticket_resolved"),
        (cohort._CLOSED, "ticket_closed"),
        (backlog._CLOSED_SINCE, "ticket_closed"),
        (backlog._NOT_CLOSED, "ticket_closed"),
    ],
)
def test_a_period_is_read_by_index(world, sql, index):
    values = dict.fromkeys(("start", "end", "after", "size", "first", "last"), 1)

    plan = [row["detail"] for row in world.store.query("explain query plan " + sql, **values)]

    assert f"ticket USING INDEX {index}" in plan[0] or f"ticket USING COVERING INDEX {index}" in plan[0]
    assert not any("SCAN" in step or "TEMP B-TREE FOR ORDER" in step for step in plan)
