"""Working on tickets: assign, take, release, start, note, wait, resume, escalate, return."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sdtool.desk import Desk, handling
from sdtool.store.journal import history
from tests.conftest import Sd

New = Callable[..., int]


def shown(sd: Sd, number: int) -> dict[str, Any]:
    """Return a ticket as JSON."""
    row: dict[str, Any] = sd("show", number, "--format", "json").json()
    return row


@pytest.fixture
def six(new: New) -> list[int]:
    """Six new tickets, 1 to 6."""
    return [new(f"nummer {i}") for i in range(6)]


# --- which tickets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ids", "stdin", "touched"),
    [
        ("1", "", [1]),
        ("2-4,6", "", [2, 3, 4, 6]),
        ("SD-2,#3", "", [2, 3]),
        ("SD-2-SD-4", "", [2, 3, 4]),
        ("3, 1 ,3", "", [3, 1]),
        ("-", "2\n4\n\n6\n", [2, 4, 6]),
        ("-", "SD-1,2-3", [1, 2, 3]),
    ],
)
def test_many_tickets(sd: Sd, six: list[int], ids: str, stdin: str, touched: list[int]) -> None:
    """Numbers, ranges, lists and standard input, each ticket once, in the order given."""
    ran = sd("assign", ids, "network/els", "--format", "json", stdin=stdin)
    assert [row["id"] for row in ran.json()] == touched


@pytest.mark.parametrize(
    "ids", ["", " ", ",", "x", "1-", "-1", "4-2", "1,4-2", "1-2-3", "1-99999", "1.5", "١"]
)
def test_what_is_no_number(sd: Sd, six: list[int], ids: str) -> None:
    """What cannot be read as numbers is a usage fault, and nothing is done, not even in part."""
    assert sd("assign", "--", ids, "network").code == 2
    assert shown(sd, 1)["group"] == "servicedesk"


def test_empty_standard_input(sd: Sd) -> None:
    """A pipe without numbers is a usage fault: something before it failed."""
    assert sd("take", "-", stdin="").code == 2


def test_piped_from_a_list(sd: Sd, six: list[int]) -> None:
    """The ids of a list can be piped in."""
    listed = sd("list", "--columns", "id", "--format", "csv").out.split("\n", 1)[1]
    assert sd("take", "-", stdin=listed).out.count("assigned") == 6


def test_all_or_none(sd: Sd, six: list[int]) -> None:
    """When one of many cannot be done, none is."""
    sd("cancel", 3, "--reason", "dubbel")
    assert sd("assign", "1-4", "network").code == 5
    assert sd("assign", "5,99", "network").code == 4
    assert [shown(sd, number)["group"] for number in (1, 2, 5)] == ["servicedesk"] * 3


# --- each verb ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "group", "agent", "state"),
    [
        ("network", "network", "", "new"),
        ("network/els", "network", "els", "assigned"),
        ("/els", "servicedesk", "els", "assigned"),
    ],
)
def test_assign(sd: Sd, new: New, to: str, group: str, agent: str, state: str) -> None:
    """To a group, to an agent of one, or to an agent of the same group."""
    number = new()
    assert sd("assign", number, to).code == 0
    row = shown(sd, number)
    assert (row["group"], row["agent"], row["state"]) == (group, agent, state)


def test_assign_to_me(sd: Sd, new: New) -> None:
    """@me is who types."""
    number = new()
    sd("assign", number, "/@me")
    assert shown(sd, number)["agent"] == sd("admin", "info", "--format", "json").json()["actor"]


@pytest.mark.parametrize(
    ("to", "code", "said"),
    [
        ("koffie", 4, "known are servicedesk"),
        ("network/a b", 2, "no login"),
        ("", 2, "names neither"),
        ("/", 2, "neither"),
    ],
)
def test_assign_to_nowhere(sd: Sd, new: New, to: str, code: int, said: str) -> None:
    """An unknown group, an impossible login and nothing at all are refused."""
    number = new()
    ran = sd("assign", number, to)
    assert (ran.code, said in ran.err) == (code, True)


def test_line_after_an_act(sd: Sd, new: New) -> None:
    """One line says where the ticket stands now."""
    assert sd("assign", new(), "network/els").out == (
        "SD-1  P3  assigned  network/els  resolve by 2026-11-26 10:30\n"
    )


def test_take_of_somebody_elses(sd: Sd, new: New) -> None:
    """What somebody else has is not taken by accident: 5, and how to take it over on purpose."""
    number = new()
    sd("assign", number, "/els")
    ran = sd("take", number)
    assert (ran.code, f"is with els already\n`sd assign {number} /@me`" in ran.err) == (5, True)
    assert shown(sd, number)["agent"] == "els"


def test_take_twice(sd: Sd, new: New) -> None:
    """Taking what one has is no conflict."""
    number = new()
    assert [sd("take", number).code for _ in range(2)] == [0, 0]


def test_release_and_start(sd: Sd, new: New) -> None:
    """Starting takes it in hand; releasing puts it back in the queue."""
    number = new()
    sd("start", number)
    assert (shown(sd, number)["state"], shown(sd, number)["agent"] != "") == ("active", True)
    sd("release", number)
    assert (shown(sd, number)["state"], shown(sd, number)["agent"]) == ("new", "")


def test_internal_note(sd: Sd, new: New, desk: Desk) -> None:
    """A note is internal unless said otherwise: it answers nobody and mails nobody."""
    number = new()
    assert sd("note", number, "kabel getest").code == 0
    assert shown(sd, number)["responded_at"] is None
    assert desk.store.value("select count(*) from outbox") == 0


def test_public_note_answers(sd: Sd, new: New) -> None:
    """A public note is the first answer to the customer."""
    number = new()
    assert sd("note", number, "we bellen u terug", "--public", as_of="2026-11-23T11:00").code == 0
    assert shown(sd, number)["responded_at"][:16] == "2026-11-23T11:00"


def test_note_from_file_and_pipe(sd: Sd, new: New, desk: Desk, place: Path) -> None:
    """A longer note comes from a file or from standard input."""
    number = new()
    (place / "n.txt").write_text("uit een bestand", encoding="utf-8")
    sd("note", number, "--file", place / "n.txt")
    sd("note", number, "--file", "-", stdin="uit een pijp\n")
    texts = [event["data"]["text"] for event in history(desk.store, "ticket", number)[1:]]
    assert texts == ["uit een bestand", "uit een pijp"]


@pytest.mark.parametrize("words", [[], ["tekst", "--file", "-"], ["  "], ["x" * 100_001], ["a\0b"]])
def test_notes_that_are_none(sd: Sd, new: New, words: list[str]) -> None:
    """No text, two texts, a blank, an endless one and one with a NUL are refused."""
    assert sd("note", new(), *words).code == 2


@pytest.mark.parametrize(
    ("party", "stands"),
    [("customer", "the clock stands"), ("supplier", "the clock stands"), ("internal", "the clock runs on")],
)
def test_wait_says_whether_the_clock_stands(sd: Sd, new: New, party: str, stands: str) -> None:
    """The line after a wait names party, moment, and what the rulebook says about the clock."""
    ran = sd("wait", new(), "--on", party, "--for", "x", "--until", "vr 9u")
    assert f"waiting  servicedesk  for {party} until 2026-11-27 09:00, {stands}" in ran.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--on", "customer", "--for", "x", "--until", "10:30"], 2),
        (["--on", "customer", "--for", "x", "--until", "gisteren"], 2),
        (["--on", "customer", "--for", "x", "--until", "ooit"], 2),
        (["--on", "customer", "--for", " ", "--until", "+1d"], 2),
        (["--on", "mother", "--for", "x", "--until", "+1d"], 2),
        (["--for", "x", "--until", "+1d"], 2),
    ],
)
def test_waits_that_cannot_be(sd: Sd, new: New, words: list[str], code: int) -> None:
    """A wait needs a party, a reason and a moment to come."""
    assert sd("wait", new(), *words).code == code


def test_resume_needs_a_wait(sd: Sd, new: New) -> None:
    """What does not wait cannot be resumed; what waited goes on where it was."""
    number = new()
    ran = sd("resume", number)
    assert (ran.code, "nothing to resume" in ran.err) == (5, True)
    sd("take", number)
    sd("wait", number, "--on", "customer", "--for", "x", "--until", "+1d")
    sd("resume", number)
    assert (shown(sd, number)["state"], shown(sd, number)["waiting_until"]) == ("active", None)


def test_functional_escalation(sd: Sd, new: New) -> None:
    """To another group, queued there, counted, with the reason kept."""
    number = new()
    sd("take", number)
    sd("escalate", number, "--to", "workplace", "--reason", "trommel kapot")
    row = shown(sd, number)
    assert (row["group"], row["agent"], row["state"], row["escalations"]) == ("workplace", "", "new", 1)


def test_hierarchical_escalation(sd: Sd, new: New, desk: Desk) -> None:
    """Up the hierarchy moves nothing, and leaves its reason in the journal."""
    number = new()
    sd("take", number)
    before = shown(sd, number)
    assert sd("escalate", number, "--hierarchical", "--reason", "pers belt").code == 0
    after = shown(sd, number)
    assert {k: v for k, v in before.items() if k != "rev"} == {k: v for k, v in after.items() if k != "rev"}
    assert history(desk.store, "ticket", number)[-1]["data"]["reason"] == "pers belt"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--reason", "x"], 2),
        (["--to", "network", "--hierarchical", "--reason", "x"], 2),
        (["--to", "network"], 2),
        (["--to", "network", "--reason", " "], 2),
        (["--to", "koffie", "--reason", "x"], 4),
        (["--to", "servicedesk", "--reason", "x"], 3),
    ],
)
def test_escalations_that_cannot_be(sd: Sd, new: New, words: list[str], code: int) -> None:
    """One direction, a reason, and another group than the one that has it."""
    assert sd("escalate", new(), *words).code == code


@pytest.mark.parametrize("reason", ["wrong-group", "incomplete", "no-access", "other"])
def test_return_reasons(sd: Sd, new: New, desk: Desk, reason: str) -> None:
    """Back to the first line, for one of four reasons; only the wrong group counts as wrong routing."""
    number = new(category="server")
    sd("return", number, "--reason", reason, "--text", "graag toestelnummer")
    wrong = desk.store.value("select wrong_routings from ticket where id = :id", id=number)
    assert (shown(sd, number)["group"], wrong) == ("servicedesk", int(reason == "wrong-group"))


@pytest.mark.parametrize(("reason", "code"), [("boredom", 2), ("other", 3)])
def test_returns_that_cannot_be(sd: Sd, new: New, reason: str, code: int) -> None:
    """Another reason is unknown; what the first line has is not returned to it."""
    assert sd("return", new(), "--reason", reason).code == code


# --- conditions ---------------------------------------------------------------------------------------

LINES = [
    "take 1", "assign 1 network", "release 2", "start 1", "note 1 x", "edit 1 --summary x", "resume 3",
    "wait 1 --on customer --for x --until +1d", "escalate 1 --to network --reason x",
    "escalate 1 --hierarchical --reason x", "return 4 --reason other", "close 1 --solution x",
    "cancel 1 --reason x", "reopen 5 --reason x",
]  # fmt: skip


@pytest.fixture
def every_state(sd: Sd, new: New) -> Sd:
    """Tickets: 1 new, 2 taken, 3 waiting, 4 with another group, 5 resolved."""
    numbers = [new(), new(), new(), new(), new()]
    assert numbers == [1, 2, 3, 4, 5]
    sd("take", 2)
    sd("wait", 3, "--on", "customer", "--for", "x", "--until", "+1d")
    sd("assign", 4, "network")
    sd("close", 5, "--solution", "x")
    return sd


@pytest.mark.parametrize("line", LINES)
def test_if_rev(every_state: Sd, line: str) -> None:
    """Every verb refuses a ticket that was changed since it was read, and accepts the right revision."""
    number = line.split()[1]
    rev = shown(every_state, int(number))["rev"]
    ran = every_state(*line.split(), "--if-rev", rev + 1)
    assert (ran.code, "was changed meanwhile" in ran.err) == (5, True)
    assert shown(every_state, int(number))["rev"] == rev
    assert every_state(*line.split(), "--if-rev", rev).code == 0


DRY = [
    "assign 1-4 network/els",
    "escalate 1 --to network --reason x",
    "close 1-4 --solution x",
    "cancel 1,2 --reason x",
    "merge 1 --into 2",
    "undo",
]


@pytest.mark.parametrize("line", DRY)
def test_dry_run_changes_nothing(every_state: Sd, place: Path, line: str) -> None:
    """A dry run prints what would be, and leaves every record and the journal as they were."""
    before = every_state("audit", "verify").out, every_state("list", "--state", "all", "--format", "json").out
    ran = every_state(*line.split(), "--dry-run")
    assert ran.code == 0 and ran.out.startswith("(dry run) ")
    after = every_state("audit", "verify").out, every_state("list", "--state", "all", "--format", "json").out
    assert before == after


@pytest.mark.parametrize("line", DRY[:-1])
def test_dry_run_says_what_comes(every_state: Sd, line: str) -> None:
    """What a dry run prints is, but for the mark, what the real run prints."""
    dry = every_state(*line.split(), "--dry-run").out
    assert dry.replace("(dry run) ", "") == every_state(*line.split()).out


def test_dry_run_refuses_what_would_be_refused(every_state: Sd) -> None:
    """A dry run of what cannot be done says so, with its exit code."""
    assert every_state("assign", "1,5", "network", "--dry-run").code == 5


def test_acts_of_others_are_seen(sd: Sd, new: New, desk: Desk) -> None:
    """The journal names who acted."""
    number = new()
    handling.take(desk, [number])
    assert [row["actor"] for row in sd("history", number, "--format", "json").json()][-1] == "agent"
