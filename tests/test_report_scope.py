"""Filters of the KPI report, the tickets behind its figures, and figures by part."""

from __future__ import annotations

import random
from datetime import date

import pytest

from sdtool.reports import parts
from sdtool.reports.detail import detail
from sdtool.reports.entry import OTHER
from sdtool.reports.period import period
from sdtool.reports.registry import kpis
from sdtool.reports.scope import Scope
from sdtool.rulebook import Norm
from tests.kpi_world import NOVEMBER, World, at, world

__all__ = ["world"]  # the fixture
SCOPE = Scope(period(*NOVEMBER, "Europe/Brussels"))


def busy(world: World, seed: int, tickets: int = 60) -> None:
    """Fill a desk with tickets of every fate around November."""
    chance = random.Random(seed)

    def moment(low: int, high: int) -> str:
        day = chance.randrange(low, high)
        month, day = (
            ("2026-10", day + 31) if day < 1 else ("2026-11", day) if day < 31 else ("2026-12", day - 30)
        )
        return f"{month}-{day:02} {chance.randrange(24):02}:{chance.randrange(60):02}"

    for _ in range(tickets):
        fate = chance.randrange(6)
        given = {"opened": moment(-20, 28), "test": int(chance.random() < 0.1)}
        given |= {"resolved_at": moment(1, 40)} if fate else {}
        given |= {"closed_at": moment(1, 45)} if fate > 2 else {}
        if fate == 5 and chance.random() < 0.3:
            given["state"] = "cancelled"
        reached = ("accepted_at", "responded_at", "escalated_at")
        given |= {name: moment(1, 28) for name in reached if chance.random() < 0.6}
        given |= {
            name: chance.randrange(3)
            for name in ("reopens", "escalations", "wrong_routings", "reassignments", "contacts")
        }
        given |= {
            "priority": chance.randrange(1, 5),
            "group_key": chance.choice(("servicedesk", "network")),
            "agent": chance.choice(("an", "bo", "")),
        }
        given |= {
            "channel": chance.choice(("phone", "portal")),
            "resolve_due": moment(5, 40),
            "respond_due": moment(1, 20),
        }
        given |= {
            "category": chance.choice(("printer", "network")),
            "target_group": chance.choice(("staff", "school")),
        }
        if chance.random() < 0.4:
            party = chance.choice(("customer", "supplier", "internal", ""))
            given["pauses"] = [(party, moment(1, 10), chance.choice((moment(11, 35), None)))]
        number = world.ticket(**given)
        if chance.random() < 0.3:
            answers(world, chance, number, at(moment(1, 10)), at(moment(12, 40)))


def answers(world: World, chance: random.Random, ticket: int, asked: int, ended: int) -> None:
    """Add one or two answers of a customer."""
    for _ in range(chance.randrange(1, 3)):
        world.numbers += 1
        row = {"id": world.numbers, "ticket": ticket, "kind": "customer", "what": "x", "state": "answered"}
        moments = {"asked_at": asked, "ended_at": ended, "due_at": 1, "asked_by": "x"}
        world.store.insert("owed", row | moments | {"step": chance.randrange(4)})


# --- The tickets behind a figure


@pytest.mark.parametrize("seed", range(3))
def test_what_is_listed_adds_up_to_the_figure(world, seed):
    """For every KPI that tickets can be listed of: numerator, denominator, and the measures of a time."""
    busy(world, seed)
    figures, wrong = world.figures(), []
    for entry in kpis(p.level for p in world.book.priorities).values():
        if entry.about == OTHER:
            continue
        lines, figure = detail(world.store, world.book, SCOPE, entry.key), figures[entry.key]
        found = sum(line.n for line in lines), sum(line.of or 0 for line in lines)
        measured = [line.measured for line in lines if line.measured is not None]
        if found != (figure.n, figure.of or 0) or (entry.statistic and len(measured) != figure.n):
            wrong.append((entry.key, found, figure))
        elif entry.statistic == "mean" and measured and sum(measured) / len(measured) != figure.value:
            wrong.append((entry.key, measured, figure))

    assert wrong == []
    assert sum(figure.n > 0 for figure in figures.values()) > 50


def test_a_figure_of_articles_has_no_tickets(sd):
    gone = sd("report", "kpi", "--detail", "articles_in_review")

    assert (gone.code, "not counted from tickets" in gone.err) == (2, True)


def test_the_list_says_which_and_hides_what_is_confidential(sd, new):
    new(as_of="2026-10-12T09:00")
    new("Geheim", "--confidential", as_of="2026-10-13T09:00")

    found = sd("report", "kpi", "--detail", "opened", "--format", "json").json()
    assert [(row["ticket"], row["summary"] is None, row["n"], row["of"]) for row in found] == [
        (1, False, 1, None),
        (2, True, 1, None),
    ]


# --- Filters


@pytest.mark.parametrize(
    ("only", "tickets"),
    [
        ({"groups": ("network",)}, 1),
        ({"categories": ("printer", "mail")}, 2),
        ({"target_groups": ("school",), "types": ("request",)}, 1),
        ({"priorities": (1, 2)}, 1),
        ({"priorities": (1,), "groups": ("network",)}, 0),
    ],
)
def test_filters_narrow_every_count(world, only, tickets):
    world.ticket(resolved_at="03 10:00", group_key="network", category="printer")
    world.ticket(resolved_at="03 10:00", category="mail", priority=2)
    world.ticket(resolved_at="03 10:00", target_group="school", type="request")

    found = world.figures(only=only)
    assert [found[key].value for key in ("opened", "resolved", "backlog_unclosed")] == [tickets] * 3
    assert found["resolve_attainment"].of == tickets
    assert "ready_on_day_one" not in found


def test_with_and_without_major_incidents(world):
    """The first is declared, the second part of it, the third declared and taken back."""
    for _ in range(4):
        world.ticket()
    for number, revoked in ((1, None), (3, 5)):
        row = {"reason": "x", "declared_at": 1, "declared_by": "x", "update_every": 1, "revoked_at": revoked}
        world.store.insert("major", {"id": number, **row})
    world.store.insert("link", {"ticket": 2, "kind": "part-of", "other": 1})
    world.store.insert("link", {"ticket": 4, "kind": "caused-by", "other": 3})

    found = [[line.ticket for line in detail(world.store, world.book, SCOPE._replace(majors=m), "opened")]
             for m in (None, True, False)]  # fmt: skip
    assert found == [[1, 2, 3, 4], [1, 2], [3, 4]]


def test_a_service_has_norms_of_its_own(world):
    sheet = Norm("throughput", 1.0), Norm("throughput", 2.0, service="workplace", direction="<=")
    ended = Norm("resolve_attainment", 0.5, valid_until="2026-11-29")
    world.book = world.book._replace(service_sheet=(*sheet, ended))
    world.ticket(closed_at="03 10:00", category="printer")

    only = {"services": ("workplace",), "categories": ("printer",)}
    found, whole = world.figures(only=only), world.figures()
    assert [(one["throughput"].norm, one["throughput"].better) for one in (found, whole)] == [
        (2.0, "down"),
        (1.0, "up"),
    ]
    assert found["resolve_attainment"].norm is None


def test_a_service_without_categories_has_no_tickets(world):
    """It does not show the figures of the whole desk under its name."""
    world.ticket(resolved_at="03 10:00")
    empty = SCOPE._replace(services=("workplace",))

    assert (empty.whole, SCOPE.whole) == (False, True)
    figures = {one.key: one.value for one in world.report(only={"services": ("workplace",)}).kpis}
    assert (figures["resolved"], figures["opened"]) == (0, 0)


def test_the_heading_says_what_was_left_out(sd, new):
    new(as_of="2026-10-12T09:00")

    page = sd("report", "kpi", "--service", "workplace", "--no-majors", "--language", "nl").out
    assert "alleen: dienst Werkplek; zonder grote storingen" in page
    assert "te laat per ondersteunende dienst" not in page.lower()


@pytest.mark.parametrize(
    "words", [("--service", "x"), ("--detail", "x"), ("--mail", "--type", "incident"), ("--format", "table")]
)
def test_what_cannot_be_asked(sd, words):
    assert sd("report", "kpi", *words).code == 2


# --- Compared with


def test_a_month_stands_in_a_year_of_months(world):
    world.ticket("2025-11-03 09:00")
    world.ticket("2026-10-05 09:00")
    for _ in range(2):
        world.ticket()

    figure = world.figures()["opened"]
    assert (figure.previous, figure.last_year) == (1, 1)
    assert figure.series == (1, *[0] * 10, 1, 2)


def test_a_frozen_month_is_read_not_counted(world, monkeypatch):
    world.ticket("2025-10-03 09:00")
    monkeypatch.setattr(
        "sdtool.reports.freeze.figures_of",
        lambda store, month: {"opened": 7.0} if month == "2026-10" else None,
    )

    assert world.figures()["opened"].series == (*[0] * 11, 7.0, 0)
    assert world.figures(only={"types": ("incident",)})["opened"].previous == 0


def test_days_are_compared_with_those_of_the_year_before(world):
    world.ticket("2025-11-03 09:00")

    figure = world.figures(date(2026, 11, 2), date(2026, 11, 5))["opened"]
    assert (figure.last_year, figure.series) == (1, ())


# --- By part


def test_what_each_agent_resolved(world):
    for agent, tickets in (("an", 6), ("bo", 5), ("cas", 4)):
        for n in range(tickets):
            due = "03 11:00" if n else "02 10:00"
            world.ticket(
                resolved_at="03 09:00", closed_at="04 09:00", agent=agent, resolve_due=due, reopens=int(n < 2)
            )

    found = parts.parts(world.store, world.book, SCOPE, "agent")
    assert found.hidden == 1
    assert [row[:1] + row[2:] for row in found.rows] == [
        ("an", 6, 5, 6, 8.5 * 3600, 2, 6),
        ("bo", 5, 4, 5, 8.5 * 3600, 2, 5),
    ]


def test_the_command_says_how_many_rows_are_hidden(sd, new):
    number = new(as_of="2026-10-12T09:00")
    sd("take", number, as_of="2026-10-12T09:00")
    sd("close", number, "--solution", "x", as_of="2026-10-12T10:00")

    found = sd("report", "kpi", "--by", "agent")
    assert (found.out, "1 row with fewer than 5 resolved tickets hidden" in found.err) == ("", True)


# --- Test tickets


def test_a_try_out_counts_nowhere_but_under_its_own_name(sd, new):
    new("Proef", "--test", as_of="2026-10-12T09:00")
    sd("close", 1, "--solution", "x", as_of="2026-10-12T10:00")

    found = {
        row["key"]: row["n"] for row in sd("report", "kpi", "--format", "json").json()["kpis"] if row["n"]
    }
    assert found == {"test": 1}


def test_lists_mark_a_try_out_until_it_is_none(sd, new):
    number = new("Proef", "--test")
    marked = sd("list").out
    sd("edit", number, "--no-test")

    assert ("[test] Proef" in marked, "[test]" in sd("list").out) == (True, False)
    assert sd("show", number, "--format", "json").json()["test"] is False
    assert sd("next").code == 0


# --- The registry


def test_every_kpi_says_what_it_is_in_each_language():
    for entry in kpis(range(1, 6)).values():
        words = [entry.label.get(language, "") for language in ("nl", "en", "fr")]
        words += [
            text[language] for text in (entry.definition, entry.population) for language in ("nl", "en")
        ]
        assert all(words), entry.key


def test_a_ticket_is_registered_in_full(world):
    person = {"name": "An", "name_key": "an", "target_group": "staff", "language": "nl"}
    world.store.insert("person", {"id": 1, **person})
    full = {"closed_at": "03 10:00", "caller": 1, "solution": "x", "cause": "y"}
    for gap in ({}, {"cause": ""}, {"cause": "", "type": "request"}, {"caller": None}, {"solution": ""}):
        world.ticket(**full | gap)

    figure = world.figures()["registration_quality"]
    assert (figure.n, figure.of) == (2, 5)
