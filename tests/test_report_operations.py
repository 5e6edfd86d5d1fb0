"""The operational report: each section's figures, what needs a decision, and who may see what."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sdtool.desk import Desk
from sdtool.output import display_width, safe
from sdtool.reports import operations
from sdtool.reports.operations import Job, Page
from sdtool.reports.operations_view import document
from sdtool.rulebook import Norm
from sdtool.settings import Settings
from sdtool.store.journal import Entry, append
from tests.conftest import Sd
from tests.kpi_world import World, at
from tests.kpi_world import world as world  # a fixture

WEEK = date(2026, 11, 16), date(2026, 11, 23)  # now is the Monday after it, half past ten
NOW = "23 10:30"
LATER = "27 17:00"
FORMS = ("text", "html", "md")
HOSTILE = 'A "x" <b>{{ 7*7 }}</b> | \x1b[31m =SOM(1) `ls`'


@pytest.fixture
def desk(world: World) -> Desk:
    return Desk(
        world.store, world.book, Settings(database="", rulebook=""), actor="an", source="cli", now=at(NOW)
    )


def page(desk: Desk, role: str = "coordinator", jobs: tuple[Job, ...] = ()) -> Page:
    return operations.report(desk, *WEEK, role=role, jobs=jobs)


def written(desk: Desk, role: str, jobs: tuple[Job, ...] = ()) -> dict[str, str]:
    """Return the page in every form, those of people in Dutch and English."""
    found = page(desk, role, jobs)
    texts = {
        f"{form}.{lang}": document(found, desk.rulebook, form, lang)
        for form in FORMS
        for lang in ("nl", "en")
    }
    return texts | {"json": json.dumps(operations.as_dict(found, desk.timezone), ensure_ascii=False)}


def event(
    world: World, ticket: int, verb: str, when: str, data: dict[str, object], source: str = "cli"
) -> None:
    entry = Entry("ticket", ticket, verb, "zoe", source, at(when), {"set": {}, "was": {}, **data})
    world.store.run(lambda: append(world.store, [entry]))


def party(world: World, name: str, number: int = 1) -> int:
    row = {"id": number, "kind": "supplier", "name": name, "mail": None, "language": "nl", "name_key": name}
    world.store.insert("party", row)
    return number


def owe(world: World, ticket: int, kind: str, asked: str, due: str, **more: object) -> None:
    number = (world.store.value("select max(id) from owed") or 0) + 1
    row = {"id": number, "ticket": ticket, "kind": kind, "what": "iets", "asked_at": at(asked),
           "asked_by": "zoe", "due_at": at(due), "state": "open"}  # fmt: skip
    world.store.insert("owed", {**row, **more})


def article(world: World, number: int, review_on: str, **more: object) -> None:
    row = {"id": number, "title": f"Instructie {number}", "owner": "zoe", "review_on": review_on,
           "state": "active", "made_at": 1}  # fmt: skip
    world.store.insert("article", {**row, **more})


def waiting(since: str) -> dict[str, Any]:
    """Return what a ticket has that waits for its customer since a moment, the clock standing."""
    return {"paused": 1, "state": "waiting", "pauses": [("customer", since, None)]}


# --- The week


def test_figures_of_the_week_are_those_of_the_kpi_report(world: World, desk: Desk) -> None:
    world.ticket("10 09:00", resolved_at="12 09:00", closed_at="17 09:00")
    world.ticket("17 09:00", resolved_at="18 09:00")
    world.ticket("17 10:00", test=1)
    world.ticket("18 09:00")
    kpis = world.figures(*WEEK, now=desk.now)

    found = page(desk)

    assert [(flow.key, flow.value, flow.previous) for flow in found.flow] == [
        (flow.key, kpis[flow.key].n, kpis[flow.key].previous) for flow in found.flow
    ]
    assert [flow.value for flow in found.flow] == [2, 1, 1, 0, 1]
    assert (found.backlog.open, dict(found.backlog.ages)["backlog_2_5"]) == (1, 1)


def test_breaches_are_those_that_the_kpi_counts_and_what_is_still_open(world: World, desk: Desk) -> None:
    world.ticket("10 09:00", resolved_at="17 09:00", resolve_due="16 12:00")
    world.ticket("10 09:00", resolved_at="17 17:30", resolve_due="17 17:00")  # no opening hours between
    world.ticket("10 09:00", resolve_due="20 12:00")
    world.ticket("10 09:00", resolve_due="20 12:00", **waiting("20 11:00"))
    world.ticket("10 09:00", resolve_due="13 12:00")  # of the week before
    world.ticket("10 09:00", resolve_due="20 12:00", **waiting("20 13:30"))
    attained = world.figures(*WEEK)["resolve_attainment"]

    found = page(desk)

    assert [(row.ticket, row.resolved_at is None) for row in found.breaches.listed.rows] == [
        (3, True),
        (1, False),
        (6, True),
    ]
    assert found.breaches.listed.rows[2].over == 3600  # while it waits it is not later still
    assert (found.resolved, found.resolved - attained.n) == (2, 1)


CAUSES = [
    ("taken-late", {"accepted_at": "17 09:00"}, ()),
    ("waiting-internal", {"accepted_at": "16 09:00"}, (("internal", "16 10:00", "17 10:00"),)),
    (
        "waiting-supplier",
        {"accepted_at": "16 12:00"},
        (("supplier", "16 13:00", None), ("internal", "16 13:00", "16 15:00")),
    ),
    ("reopened", {"accepted_at": "16 09:00", "reopens": 1, "reassignments": 3}, ()),
    ("misrouted", {"accepted_at": "16 09:00", "wrong_routings": 1, "escalations": 1}, ()),
    ("reassigned", {"accepted_at": "16 09:00", "reassignments": 2, "escalations": 1}, ()),
    ("escalated", {"accepted_at": "16 09:00", "reassignments": 1, "escalations": 1}, ()),
    ("work", {"accepted_at": "16 09:00", "reassignments": 1}, ()),
]  # fmt: skip


def test_each_breach_has_the_cause_that_tells_most(world: World, desk: Desk) -> None:
    expected = {}
    for cause, given, owed in CAUSES:
        number = world.ticket(
            "16 08:00", resolve_due="17 12:00", resolve_target=8 * 3600, resolved_at="18 09:00", **given
        )
        for kind, asked, ended in owed:
            ends = {"state": "answered", "ended_at": at(ended)} if ended else {}
            owe(world, number, kind, asked, asked, **ends)
        expected[number] = cause

    found = page(desk)

    assert {row.ticket: row.cause for row in found.breaches.listed.rows}.items() <= expected.items()
    assert dict(found.breaches.causes) == dict.fromkeys(expected.values(), 1)


def test_a_pause_is_no_cause(world: World, desk: Desk) -> None:
    """While the clock stood the deadline moved: that used no time."""
    number = world.ticket(
        "16 08:00", accepted_at="16 09:00", resolve_due="17 12:00", resolve_target=8 * 3600,
        resolved_at="18 09:00", pauses=[("customer", "16 09:00", "18 08:00")],
    )  # fmt: skip
    owe(world, number, "customer", "16 09:00", "17 09:00", state="answered", ended_at=at("18 08:00"))

    assert page(desk).breaches.causes == (("work", 1),)


def test_what_is_due_today_or_nearly_used_up_is_at_risk(world: World, desk: Desk) -> None:
    hours = 3600
    world.ticket("20 09:00", resolve_due="23 16:00", resolve_target=100 * hours, priority=4)
    world.ticket(
        "20 09:00", resolve_due="24 09:00", resolve_target=40 * hours, priority=2
    )  # 7 hours are left
    world.ticket("20 09:00", resolve_due="24 17:00", resolve_target=40 * hours)
    world.ticket("20 09:00", resolve_due="23 16:00", **waiting("20 10:00"))
    world.ticket("20 09:00", resolve_due="23 09:00")  # late, not at risk

    found = page(desk)

    assert [(row.ticket, row.left) for row in found.risk.rows] == [(2, 7 * hours), (1, 5 * hours)]
    assert (found.backlog.late, found.backlog.waiting) == (1, 1)


def test_what_is_past_its_deadline_is_what_the_kpi_counts(world: World, desk: Desk) -> None:
    world.ticket("10 09:00", resolve_due="20 12:00")
    world.ticket("10 09:00", resolve_due="20 12:00", **waiting("20 11:00"))
    world.ticket("10 09:00", resolve_due="20 12:00", **waiting("20 13:30"))
    kpis = world.figures(*WEEK, now=desk.now)

    backlog = page(desk).backlog

    assert (backlog.late, backlog.waiting) == (2, 2)
    assert (backlog.late, backlog.waiting) == (kpis["backlog_late"].n, kpis["backlog_waiting"].n)


# --- What waits for somebody


def test_overdue_feedback_is_told_by_party(world: World, desk: Desk) -> None:
    number = world.ticket("10 09:00")
    acme = party(world, "Acme NV")
    owe(world, number, "customer", "16 09:00", "18 09:00")
    owe(world, number, "customer", "16 09:00", "17 09:00")
    owe(world, number, "supplier", "16 09:00", "20 09:00", party=acme, step=3)
    owe(world, number, "internal", "16 09:00", "24 09:00")  # not due
    owe(world, world.ticket(test=1), "internal", "16 09:00", "18 09:00")

    rows = page(desk).owed.rows

    assert [(row.kind, row.party, row.total, row.hierarchical) for row in rows] == [
        ("supplier", "Acme NV", 1, True), ("customer", "", 2, False),
    ]  # fmt: skip
    assert rows[1].since == at("17 09:00")


def test_acts_past_the_rules_are_read_from_the_journal(world: World, desk: Desk) -> None:
    first = world.ticket("10 09:00", resolve_due="17 09:00")
    second = world.ticket("10 09:00", ended_at="18 09:00", state="cancelled", resolve_due="17 09:00")
    override = {"set": {"priority": 1, "override_reason": "gouverneur"}, "was": {"priority": 3}}
    event(world, first, "edit", "17 10:00", override)
    event(world, first, "edit", "17 11:00", {"set": {"summary": "iets"}})
    event(world, first, "edit", "17 12:00", override, source="import")
    event(world, first, "edit", "14 12:00", override)  # the week before
    event(
        world, first, "skip", "17 13:00", {"item": {"mandatory": 1, "done_by": "zoe", "remark": "niet nodig"}}
    )
    event(world, first, "skip", "17 14:00", {"item": {"mandatory": 0, "done_by": "zoe", "remark": ""}})
    event(world, second, "cancel", "18 09:00", {"reason": "dubbel"})
    event(world, world.ticket("10 09:00", resolved_at="19 09:00"), "resolve", "19 09:00", {}, source="cron")

    found = page(desk)

    assert [(act.kind, act.was, act.now, act.reason) for act in found.acts.rows] == [
        ("unanswered", 0, 0, ""), ("cancelled-late", 0, 0, "dubbel"),
        ("skipped", 0, 0, "niet nodig"), ("priority", 3, 1, "gouverneur"),
    ]  # fmt: skip
    assert dict(found.act_kinds) == dict.fromkeys(("priority", "skipped", "unanswered", "cancelled-late"), 1)


def test_an_act_that_was_undone_is_left_out(sd: Sd, new) -> None:
    new()
    sd("edit", 1, "--priority", 1, "--reason", "gouverneur", as_of="2026-11-23T10:31")
    told = ("report", "operations", "--week", "2026-11-23", "--format", "json")
    before = sd(*told, as_of="2026-11-24T09:00").json()["acts"]["total"]
    sd("undo", as_of="2026-11-23T10:32")

    assert (before, sd(*told, as_of="2026-11-24T09:00").json()["acts"]["total"]) == (1, 0)


def test_an_act_that_is_undone_after_the_week_is_left_out(sd: Sd, new) -> None:
    new(as_of="2026-11-27T16:00")
    sd("edit", 1, "--priority", 1, "--reason", "gouverneur", as_of="2026-11-27T16:31")
    sd("undo", as_of="2026-11-30T08:00")
    week = sd("report", "operations", "--week", "2026-11-23", "--format", "json", as_of="2026-11-30T09:00")
    assert week.json()["acts"]["total"] == 0


def test_instructions_past_their_review_are_listed_the_longest_first(world: World, desk: Desk) -> None:
    article(world, 1, "2026-11-20")
    article(world, 2, "2026-01-10")
    article(world, 3, "2026-11-23")  # today is in time
    article(world, 4, "2026-01-01", state="withdrawn", ended_at=1)

    assert [row.article for row in page(desk).articles.rows] == [2, 1]


# --- What needs a decision


def troubled(world: World, desk: Desk) -> tuple[Job, ...]:
    """Let every kind of point apply; return the jobs that are not well."""
    norm = Norm("reopen_rate_10wd", 0.01)
    desk.rulebook = desk.rulebook._replace(service_sheet=(norm, Norm("resolve_attainment", 0.9)))
    for opened, resolved in (("09 09:00", "10 09:00"), ("16 09:00", "17 09:00")):
        for _ in range(6):
            world.ticket(opened, accepted_at=opened, resolved_at=resolved, closed_at=resolved,
                         resolve_due=opened, agent="zoe")  # fmt: skip
    for number in range(6):
        world.ticket("18 09:00", summary=f"Printer PRN-0412 hapert op bureau {number}", category="printer",
                     resolve_due="23 16:00", agent="zoe", confidential=0)  # fmt: skip
    late = world.ticket("12 09:00", priority=1, resolve_due="20 09:00", respond_due="12 10:00",
                        summary="GEHEIM", confidential=1, agent="zoe", override_reason="GEHEIM")  # fmt: skip
    event(world, late, "edit", "17 10:00", {"set": {"priority": 1, "override_reason": "GEHEIM"}})
    for number in range(1, 7):
        party(world, f"{HOSTILE} {number}", number)
        owe(world, late, "supplier", "02 09:00", "05 09:00", party=number, step=3)
        article(world, number, f"2026-01-0{number}", title=f"{HOSTILE} {number}")
    for number in range(6):
        onboard(world, number)
        event(
            world, late, "skip", "18 09:00", {"item": {"mandatory": 1, "done_by": "zoe", "remark": "GEHEIM"}}
        )
    return tuple(Job(f"job{n}", "failed", at("22 04:00"), "zoe@example.be is vol") for n in range(6))


def onboard(world: World, number: int) -> None:
    """Let somebody start today whose laptop is not ready."""
    parent = world.ticket("10 09:00", type="request", agent="zoe", agreed_due=at("23 08:00"))
    part = world.ticket("10 09:00", type="request", service="laptop", resolve_due="20 09:00", agent="zoe")
    world.store.insert("link", {"ticket": part, "kind": "part-of", "other": parent})
    data = json.dumps({"first_name": "Nele", "last_name": "Nieuwkomer"})
    row = {"id": parent, "kind": "onboarding", "staff_number": f"{number}", "day": "2026-11-23", "data": data}
    world.store.insert("staff_change", {**row, "known_at": at("10 09:00"), "complete_first": 1})


def test_what_needs_a_decision_comes_in_the_stated_order(world: World, desk: Desk) -> None:
    jobs = troubled(world, desk)

    kinds = [point.kind for point in page(desk, jobs=jobs).decisions.rows]
    others = page(desk).decisions

    assert kinds == ["jobs", "highest", "onboarding", "owed", "backlog"]
    assert [point.kind for point in others.rows] == ["highest", "onboarding", "owed", "backlog", "norms"]
    assert others.total == 7  # problems and articles too


def test_a_small_growth_needs_no_decision(world: World, desk: Desk) -> None:
    for opened, times in (("09 09:00", 50), ("17 09:00", 5)):
        for _ in range(times):
            world.ticket(opened)

    def growth() -> list[tuple[object, ...]]:
        found = page(desk).decisions.rows
        return [(point.total, point.was, point.now) for point in found if point.kind == "backlog"]

    assert growth() == []
    world.ticket("17 09:00")
    assert growth() == [(6, 50, 56)]


def test_the_highest_priority_needs_word_in_time(world: World, desk: Desk) -> None:
    world.ticket("23 09:00", priority=1, respond_due="23 10:00", resolve_due=LATER, accepted_at="23 09:01")
    world.ticket("23 09:00", priority=1, respond_due="23 11:00", resolve_due=LATER)

    (point,) = page(desk).decisions.rows

    assert (point.kind, point.tickets, point.since) == ("highest", (1,), at("23 10:00"))


def test_what_did_not_come_after_the_hierarchical_step_is_counted_whole(world: World, desk: Desk) -> None:
    numbers = [world.ticket("10 09:00") for _ in range(8)]
    for number in numbers[:7]:
        named = party(world, f"P{number}", number)
        owe(world, number, "supplier", "02 09:00", "05 09:00", party=named, step=3)
    for step in (0, 1, 2):  # overdue, but the management of the first was not told of these
        owe(world, numbers[7], "supplier", "02 09:00", "03 09:00", party=1, step=step)

    (point,) = (point for point in page(desk).decisions.rows if point.kind == "owed")

    assert (point.total, point.since) == (7, at("05 09:00"))
    assert (point.tickets, point.names) == ((1, 2, 3, 4, 5), ("P1", "P2", "P3", "P4", "P5"))


def test_long_past_instructions_are_counted_whole(world: World, desk: Desk) -> None:
    for number in range(1, 8):
        article(world, number, f"2026-01-0{number}")
    article(world, 8, "2026-11-20")

    found = page(desk)
    (point,) = found.decisions.rows

    assert (point.kind, point.total, len(point.names)) == ("articles", 7, 5)
    assert found.articles.total == 8
    assert "1. 7 werkinstructies meer dan 90 dagen voorbij" in written(desk, "coordinator")["text.nl"]


def test_the_sign_of_a_norm_is_that_of_the_service_sheet(world: World, desk: Desk) -> None:
    """A sheet may turn the direction of a KPI."""
    desk.rulebook = desk.rulebook._replace(service_sheet=(Norm("escalation_rate", 0.5, direction=">="),))
    for opened, resolved in (("09 09:00", "10 09:00"), ("16 09:00", "17 09:00")):
        for _ in range(6):
            world.ticket(opened, resolved_at=resolved)

    assert "(norm ≥ 50,0" in written(desk, "coordinator")["text.nl"].replace("\n   ", " ")


# --- Who may see what


def test_management_sees_no_names_and_no_summaries(world: World, desk: Desk) -> None:
    for form, text in written(desk, "management", troubled(world, desk)).items():
        for word in ("zoe", "Nieuwkomer", "GEHEIM", "hapert"):
            assert word not in text, (form, word)


def test_an_agent_sees_no_names_and_a_coordinator_nothing_confidential(world: World, desk: Desk) -> None:
    jobs = troubled(world, desk)
    for role, hidden in (("agent", ("zoe", "Nieuwkomer", "GEHEIM")), ("coordinator", ("GEHEIM",))):
        for form, text in written(desk, role, jobs).items():
            assert [word for word in hidden if word in text] == [], (role, form)
    told = written(desk, "coordinator", jobs)["json"]
    assert all(word in told for word in ("zoe", "Nele Nieuwkomer", "hapert"))


# --- On paper


def test_an_empty_desk_says_so_in_few_words(desk: Desk) -> None:
    texts = written(desk, "coordinator")

    assert texts["text.nl"].count("\nGeen.\n") == texts["html.nl"].count("Geen.") == 8
    assert "Er is nu niets te beslissen." in texts["md.nl"]


def test_text_has_80_columns_and_steers_no_terminal(world: World, desk: Desk) -> None:
    texts = written(desk, "coordinator", troubled(world, desk))

    for form in ("text.nl", "text.en"):
        assert [line for line in texts[form].splitlines() if display_width(line) > 80] == []
        assert texts[form] == safe(texts[form], lines=True)
    assert "{{ 7*7 }}" in texts["text.nl"] and "&lt;b&gt;{{ 7*7 }}" in texts["html.nl"]
    assert "\x1b" not in "".join(texts.values()) and "<b>{{" not in texts["html.en"]


def test_only_five_rows_are_listed_and_the_others_counted(world: World, desk: Desk) -> None:
    texts = written(desk, "coordinator", troubled(world, desk))

    assert "… en nog 1: `sd owed list`" in texts["text.nl"]
    assert "… and 1 more: <code" in texts["html.en"]


# --- The command


def test_any_day_names_its_week(sd: Sd) -> None:
    def days(*more: object) -> list[str]:
        ran = sd("report", "operations", "--format", "json", *more)
        return list(ran.json()["period"].values())

    assert (
        days() == days("--week", "2026-11-16") == days("--week", "2026-11-22") == ["2026-11-16", "2026-11-23"]
    )
    assert sd("report", "operations", "--week", "2026-11-30").code == 2


@pytest.mark.parametrize("fmt", ["text", "html", "md", "json"])
def test_a_script_writes_its_report_anew_and_nothing_else(sd: Sd, place: Path, fmt: str) -> None:
    (place / "notes").write_text("notes")
    words = ("report", "operations", "--format", fmt, "--out")

    assert [sd(*words, place / name).code for name in ("page", "page", "notes")] == [0, 0, 5]


# --- By mail


@pytest.fixture
def addressed(place: Path, sd: Sd, monkeypatch: pytest.MonkeyPatch) -> Sd:
    """A desk whose rulebook names a manager and a coordinator."""
    book = place / "rulebook.toml"
    assert sd("rulebook", "init", book).code == 0
    with open(book, "a", encoding="utf-8") as file:
        file.write(
            '\n[[reports]]\nkey = "operations"\nrecipients = ["chef@example.org"]\n'
            '[[reports]]\nkey = "operations"\nrecipients = ["lea@example.org"]\nlanguage = "en"\n'
            'role = "coordinator"\nday = "tue"\nat = "08:30"\n'
        )
    monkeypatch.setenv("SD_RULEBOOK", str(book))
    return sd


def queued(sd: Sd) -> list[dict[str, object]]:
    numbers = [mail["id"] for mail in sd("mail", "queue", "--format", "json").json()]
    return [sd("mail", "show", number, "--format", "json").json() for number in numbers]


def test_the_mail_goes_once_to_each_as_their_role_may_see_it(addressed: Sd, new) -> None:
    new("Toner lekt", as_of="2026-11-17T09:00", urgency="critical")

    first, again = (addressed("report", "operations", "--mail") for _ in range(2))

    assert (first.out, again.out) == ("mails queued: 2\n", "the mail was queued before for everybody\n")
    texts = {str(mail["recipient"]): str(mail["text"]) for mail in queued(addressed)}
    assert "voor het management" in texts["chef@example.org"] and "Toner" not in texts["chef@example.org"]
    assert "for the coordinator" in texts["lea@example.org"] and "Toner lekt" in texts["lea@example.org"]


def test_the_job_sends_each_week_at_the_moment_of_the_rulebook(addressed: Sd) -> None:
    told = {}
    for day in ("23", "24", "25", "30"):
        assert addressed("cron", "run", "operations", as_of=f"2026-11-{day}T04:45") == (0, "", "")
        told[day] = [(m["recipient"], m["next_try"]) for m in queued(addressed)]

    # the coordinator's last Tuesday was the seventeenth: that week is due still on the first run
    assert {day: len(mails) for day, mails in told.items()} == {"23": 2, "24": 3, "25": 3, "30": 4}
    assert ("chef@example.org", "2026-11-23T07:00:00+01:00") in told["23"]
    assert ("lea@example.org", "2026-11-24T08:30:00+01:00") in told["24"]


def test_mail_without_recipients_says_what_to_do(sd: Sd) -> None:
    ran = sd("report", "operations", "--mail")

    assert (ran.code, "[[reports]]" in ran.err) == (78, True)
