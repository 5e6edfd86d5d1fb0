"""Process control: each rule finds what breaks it and leaves alone what is near; equal treatment."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from sdtool.desk import Desk
from sdtool.reports import equal, process
from sdtool.rules.demands import BROKEN, Agreed, Case, Did, Problem
from sdtool.rules.process import RULES, Rule, chosen, judge
from sdtool.rules.worktime import Calendar
from tests.conftest import MELDER, Sd
from tests.guards.test_docs import differs, fault
from tests.test_query_plans import planned, scans

New = Callable[..., int]
DAY = 86_400
NOW = 100 * DAY
ALWAYS = Calendar("UTC", [(date.min, [((0, DAY),)] * 7)])
AGREED = Agreed(
    NOW, ALWAYS, frozenset({"printer", "other"}), frozenset({"other"}), frozenset({"staff"}),
    (DAY, 0), 2, 2, (DAY, 0), (9 * DAY, 0),
)  # fmt: skip
# a ticket that somebody works on, and with which nothing is wrong
GOOD: dict[str, Any] = {
    "id": 1, "type": "incident", "state": "active", "priority": 3, "derived_priority": 3,
    "override_reason": "", "category": "printer", "target_group": "staff", "group_key": "servicedesk",
    "agent": "an",
    "opened_at": NOW - 900, "accepted_at": NOW - 800, "responded_at": None, "resolved_at": None,
    "ended_at": None, "waiting_on": "", "waiting_until": None, "paused": 0, "respond_due": NOW + DAY,
    "resolve_due": NOW + DAY,
    "solved": 0, "explained": 0, "planned": 0, "reachable": 1, "last_at": NOW - 800,
}  # fmt: skip
ENDED = {"state": "closed", "resolved_at": NOW - 9, "ended_at": NOW - 9, "solved": 1, "explained": 1}
WAITS = {"state": "waiting", "waiting_on": "customer", "waiting_until": NOW + 9, "owed": True}
TOP = {"priority": 1, "derived_priority": 1, "told_by": NOW - 5}
LATE = {"resolve_due": NOW - 50}
RAISED = {"priority": 2, "override_reason": "raad"}
AWAY, BACK = ("servicedesk", "network"), ("network", "servicedesk")


def did(verb: str, at: int = NOW - 10, **more: Any) -> Did:
    """Return something that was done."""
    return Did(verb, at, more.pop("source", "cli"), **more)


# rule -> what breaks it, what nearly does
TICKETS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "no-category": ({"category": "fax"}, {**ENDED, "category": "fax"}),
    "catch-all-category": ({"category": "other"}, {"category": "other", "accepted_at": None}),
    "no-contact": ({"reachable": 0}, {"reachable": 0, "planned": 1}),
    "no-target-group": ({"target_group": "board"}, {**ENDED, "target_group": "board"}),
    "not-taken": (
        {"accepted_at": None, "respond_due": NOW},
        {"accepted_at": None, "respond_due": NOW, "responded_at": NOW - 1},
    ),
    "waiting-without-owed": ({**WAITS, "owed": False}, {**WAITS, "owed": False, "waiting_on": "desk"}),
    "waiting-without-date": ({**WAITS, "waiting_until": None}, WAITS),
    "highest-priority-unheard": (TOP, {**TOP, **WAITS}),
    "major-unheard": ({"update_by": NOW}, {"update_by": NOW + 1}),
    "silent": ({"last_at": NOW - DAY}, {"last_at": NOW - DAY, **WAITS}),
    "late-unexplained": (
        {**LATE, "did": (did("note", NOW - 60),)},
        {**LATE, "did": (did("note", NOW - 50),)},
    ),
    "no-solution": ({**ENDED, "solved": 0}, {"solved": 0}),
    "no-cause": ({**ENDED, "explained": 0}, {**ENDED, "explained": 0, "type": "request"}),
    "skipped-item": ({**ENDED, "skipped": NOW - 99}, {"skipped": NOW - 99}),
    "closed-by-force": (
        {**ENDED, "did": (did("resolve", source="cron"),)},
        {**ENDED, "did": (did("resolve", source="cron"), did("reopen"), did("resolve"))},
    ),
    "returned-often": ({"did": (did("return"),) * 2}, {"did": (did("return"),)}),
    "reopened-often": ({"did": (did("reopen"),) * 2}, {"did": (did("reopen"),)}),
    "to-and-fro": (
        {"did": tuple(did("assign", move=move) for move in (AWAY, BACK, AWAY))},
        {"did": tuple(did("assign", move=move) for move in (AWAY, BACK))},
    ),
    "priority-overridden": (RAISED, {"override_reason": "raad"}),
    "override-without-reason": ({**RAISED, "override_reason": ""}, RAISED),
    "escalated-without-reason": (
        {"did": (did("assign", higher=True),)},
        {"did": (did("note"), did("assign", higher=True))},
    ),
    "whole-ended": ({"whole": (7, NOW - 3)}, {**ENDED, "whole": (7, NOW - 3)}),
    "problem-ended": ({"problem": (4, NOW - 3)}, {**ENDED, "problem": (4, NOW - 3)}),
}
PROBLEM = Problem(1, "Wifi", "an", "open", "", "", NOW - 8 * DAY, None)
PROBLEMS = {
    "problem-unowned": (PROBLEM._replace(owner=""), PROBLEM),
    "problem-stuck": (PROBLEM._replace(opened_at=NOW - 9 * DAY), PROBLEM),
}


def broken(case: Case | Problem) -> list[str]:
    """Return the keys of the rules that a record breaks."""
    return [finding.rule.key for finding in judge(case, AGREED, RULES.values())]


def test_a_good_ticket_breaks_no_rule() -> None:
    """Nor does one that ended well."""
    assert broken(Case(**GOOD)) == broken(Case(**{**GOOD, **ENDED})) == []


def test_every_rule_finds_what_breaks_it() -> None:
    """That rule alone."""
    found = {key: broken(Case(**{**GOOD, **bad})) for key, (bad, _) in TICKETS.items()}
    found |= {key: broken(bad) for key, (bad, _) in PROBLEMS.items()}
    assert found == {key: [key] for key in RULES} and RULES.keys() == BROKEN.keys()


def test_every_rule_leaves_alone_what_is_near() -> None:
    """The near miss of each."""
    near = {key: Case(**{**GOOD, **fine}) for key, (_, fine) in TICKETS.items()}
    assert [key for key, case in near.items() if key in broken(case)] == []
    assert [key for key, (_, fine) in PROBLEMS.items() if broken(fine)] == []


def test_what_to_do_can_be_typed() -> None:
    """Every command that a rule names exists, with its options."""
    parts = [part for rule in RULES.values() for part in re.split(r", or |, then |; ", rule.do)]
    typed = [part.removeprefix("sd ").split() for part in parts if part.startswith("sd ")]
    assert [words for words in typed if fault(words)] == []


def test_rules_of_a_process() -> None:
    """One process, one rule, and those that are off."""
    keys = [rule.key for rule in chosen("problem", off=("problem-stuck",))]
    assert keys == ["problem-ended", "problem-unowned"]
    one: list[Rule] = chosen(rule="silent")
    assert one == [RULES["silent"]]


# --- The commands


def found(sd: Sd, *words: object, command: str = "process check", as_of: str = "2026-11-23T10:35") -> Any:
    """Return (number, rule) of what a check finds."""
    ran = sd(*command.split(), *words, "--format", "json", as_of=as_of)
    assert ran.code in (0, 1), ran.err
    return [(row["id"], row["rule"]) for row in ran.json()]


def test_a_desk_in_order_finds_nothing(sd: Sd, new: New) -> None:
    """Exit code 0 and no output, for cron."""
    new()
    ran = sd("process", "check")
    assert (ran.code, ran.out, ran.err) == (0, "", "")


def test_what_the_store_tells(sd: Sd, new: New, desk: Desk) -> None:
    """Returned twice, a part whose whole ended, a wait for which nobody owes anything."""
    for _ in range(4):
        new()
    for group in ("network", "systems"):
        sd("escalate", 1, "--to", group, "--reason", "kabel")
        sd("return", 1, "--reason", "wrong-group")
    sd("close", 2, "--solution", "x", "--cause", "y")
    sd("link", 3, "part-of", 2)
    sd("wait", 4, "--on", "customer", "--for", "foto", "--until", "+2d")
    assert found(sd) == [(3, "whole-ended"), (1, "returned-often")]
    desk.store.execute("delete from owed")
    ran = sd("process", "check", "--rule", "waiting-without-owed")
    assert ran.code == 1 and 'sd wait 4 --on … --for "…"' in ran.out


def test_what_was_taken_back_does_not_count(sd: Sd, new: New) -> None:
    """An undone return is none."""
    new()
    for group in ("network", "systems"):
        sd("escalate", 1, "--to", group, "--reason", "kabel")
        sd("return", 1, "--reason", "wrong-group")
    sd("undo")
    assert found(sd) == []


def test_test_and_cancelled_tickets_are_left_out(sd: Sd, new: New, desk: Desk) -> None:
    """Only what counts is judged."""
    new("Restcategorie", category="other")
    new("Restcategorie", category="other")
    new("Restcategorie", category="other")
    sd("take", "1-3")
    sd("cancel", 3, "--reason", "dubbel")
    desk.store.execute("update ticket set test = 1 where id = 2")
    assert found(sd) == [(1, "catch-all-category")]


def test_the_customer_of_a_p1_hears_something(sd: Sd, new: New) -> None:
    """After an hour without a word; a public note makes it good."""
    new(urgency="critical", category="network")
    sd("edit", 1, "--impact", "organisation")
    sd("take", 1)
    late = "2026-11-23T11:31"
    assert found(sd, "--rule", "highest-priority-unheard", as_of="2026-11-23T11:29") == []
    assert found(sd, "--rule", "highest-priority-unheard", as_of=late) == [(1, "highest-priority-unheard")]
    sd("note", 1, "--public", "we zoeken", as_of=late)
    assert found(sd, "--rule", "highest-priority-unheard", as_of=late) == []


def test_a_major_incident_is_told_of(sd: Sd, new: New, desk: Desk) -> None:
    """An hour after its declaration somebody must hear of it; a public note makes it good."""
    new(urgency="high")
    sd("take", 1)
    declared = {"id": 1, "reason": "iedereen", "declared_at": desk.now, "declared_by": "an"}
    desk.store.insert("major", {**declared, "update_every": 3600})
    late = "2026-11-23T11:31"
    assert found(sd, as_of="2026-11-23T11:29") == []
    assert found(sd, as_of=late) == [(1, "major-unheard")]
    sd("note", 1, "--public", "we zoeken", as_of=late)
    assert found(sd, as_of=late) == []


def test_an_incident_without_cause_can_be_mended(sd: Sd, new: New) -> None:
    """Until it closes; what ended long ago is looked at when asked."""
    new()
    sd("close", 1, "--solution", "toner")
    assert found(sd) == [(1, "no-cause")]
    assert found(sd, as_of="2026-12-10T09:00") == []
    assert found(sd, "--since", "2026-11-20", as_of="2026-12-10T09:00") == [(1, "no-cause")]
    assert sd("edit", 1, "--cause", "leeg").code == 0
    assert found(sd) == []


def test_problems_are_judged(sd: Sd, new: New) -> None:
    """One without owner, and an incident that is open when its problem ended."""
    new()
    sd("problem", "new", "Toner", "--tickets", "1")
    late = "2026-11-26T10:00"
    assert found(sd, "--process", "problem", as_of=late) == [(1, "problem-unowned")]
    sd("problem", "resolve", 1, "--cause", "x", "--solution", "y")
    assert found(sd, "--process", "problem") == [(1, "problem-ended")]


def test_a_confidential_ticket_shows_no_contents(sd: Sd, new: New, desk: Desk) -> None:
    """Number and rule, for who may not read it."""
    new("Geheim dossier", "--confidential", category="other")
    sd("take", 1)
    assert "Geheim" in sd("process", "check", "--format", "json").out
    desk.store.execute("update ticket set agent = 'bram', registered_by = 'bram'")
    ran = sd("process", "check", "--format", "json")
    assert "Geheim" not in ran.out and ran.json()[0]["rule"] == "catch-all-category"


def test_a_notice_does_not_fail(sd: Sd, new: New) -> None:
    """An override with its reason is shown, and nothing has to be mended."""
    new()
    sd("edit", 1, "--priority", 1, "--reason", "raadszitting")
    ran = sd("process", "check", "--format", "json")
    assert (ran.code, [row["rule"] for row in ran.json()]) == (0, ["priority-overridden"])
    assert sd("lint").code == 0


def test_lint_is_ones_own_list(sd: Sd, new: New) -> None:
    """Own tickets and those nobody has in one's groups, with what to type; not a colleague's."""
    for _ in range(3):
        new(category="other")
    sd("take", 1)
    sd("assign", 2, "/bram")
    sd("assign", 3, "network")
    assert found(sd, command="lint") == [(1, "catch-all-category")]
    ran = sd("lint")
    assert ran.code == 1 and "sd edit 1 --category …" in ran.out


def test_a_rule_can_be_off(sd: Sd, new: New, place: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name; a name that no rule has is told."""
    from sdtool.resources import shipped

    with open(shipped("templates", "rulebook.toml"), encoding="utf-8") as file:
        text = file.read()
    path = place / "own.toml"
    path.write_text(text.replace("off = []", 'off = ["catch-all-category"]'), encoding="utf-8")
    monkeypatch.setenv("SD_RULEBOOK", str(path))
    new(category="other")
    sd("take", 1)
    assert found(sd) == []
    path.write_text(text.replace('["other"] ', '["others"] '), encoding="utf-8")
    assert "no category 'others'" in sd("rulebook", "check").out
    path.write_text(text.replace("off = []", 'off = ["catchall"]'), encoding="utf-8")
    ran = sd("process", "check")
    assert ran.code == 78 and "catchall" in ran.err
    assert sd("process", "check", "--rule", "catchall").code == 78


# --- Equal treatment


def test_like_cases_treated_otherwise_are_told(sd: Sd, new: New, desk: Desk) -> None:
    """What differs, and what explains it: a reason, a word of a route, or nothing."""
    for _ in range(5):
        new()
    new("Phishing op de printer")
    for number in (1, 2):
        sd("edit", number, "--priority", 1, "--reason", "raadszitting")
    desk.store.execute("update ticket set override_reason = '' where id = 2")
    sd("assign", 3, "network")  # after its registration: no other route
    ran = sd("process", "equal", "--format", "json")
    rows = {row["id"]: row for row in ran.json()}
    assert {n: (row["differs"], row["explained"]) for n, row in rows.items()} == {
        1: (["priority"], True), 2: (["priority"], False), 6: (["group"], True)}  # fmt: skip
    assert rows[1]["why"] == "overridden: raadszitting"
    assert (
        rows[6]["why"] == "route veiligheid eerst (word phishing)" and rows[6]["usual_group"] == "servicedesk"
    )
    assert (rows[1]["cases"], rows[1]["most"]) == (6, 3) and "3 of 6" in ran.err


def test_few_like_cases_are_not_compared(sd: Sd, new: New) -> None:
    """Nor are those of another target group, or of longer ago."""
    for caller in (MELDER, MELDER):
        new(caller=caller)
    sd("edit", 1, "--priority", 1, "--reason", "raadszitting")
    assert sd("process", "equal").out == ""
    assert "SD-1" in sd("process", "equal", "--min", 2).out
    assert sd("process", "equal", "--min", 2, as_of="2027-03-01T09:00").out == ""


def test_json_is_what_the_page_promises(sd: Sd, new: New) -> None:
    """Of a finding and of a case treated otherwise."""
    for _ in range(3):
        new()
    sd("edit", 1, "--priority", 1, "--reason", "raadszitting")
    checked, odd = (sd("process", word, "--format", "json").json()[0] for word in ("check", "equal"))
    assert differs(checked, "## What breaks a rule: `sd process check`, `sd lint`") == []
    assert differs(odd, "## A case treated otherwise: `sd process equal`") == []


def test_csv_has_its_header_without_rows(sd: Sd, new: New) -> None:
    """The same with and without, with every key of the JSON."""
    commands = [("process", "check"), ("process", "equal"), ("lint",)]
    empty = [sd(*words, "--format", "csv").out.splitlines() for words in commands]
    for _ in range(3):
        new()
    sd("edit", 1, "--priority", 1, "--reason", "raadszitting")
    for words, header in zip(commands, empty, strict=True):
        keys = [",".join(row) for row in sd(*words, "--format", "json").json()[:1]]
        assert len(header) == 1 and header[:1] == (keys or header[:1])
        assert sd(*words, "--format", "csv").out.splitlines()[:1] == header


@pytest.mark.sqlite("its query plans")
def test_no_large_table_is_read_whole(new: New, desk: Desk) -> None:
    """Open tickets, those that ended, and all beside them are found by an index."""
    new()
    with planned(desk) as steps:
        process.findings(desk, process.Wanted())
        list(equal.exceptions(desk, equal.tally(desk.store, 0, desk.now + 1), 0, desk.now + 1, 1))
    allowed = ("SCAN problem", "SCAN major", "SCAN ticket USING COVERING INDEX ticket_open")
    assert [step for step in scans(steps) if not step.startswith(allowed)] == []


def test_a_list_that_gets_lost_is_told(sd: Sd, new: New) -> None:
    """On a full disk "1 thing to mend" alone would say nothing: code 74, and both are said."""
    new()
    line = f"{sys.executable} -m sdtool --as-of 2027-01-04T09:00 process check > /dev/full"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=120)

    said = [
        words in done.stderr for words in ("finding(s) that somebody must act on", "could not be written")
    ]
    assert (done.returncode, said) == (74, [True, True]), done.stderr
