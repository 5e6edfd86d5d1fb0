"""Owed feedback: who owes what, for which ticket, and what an answer does."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdtool.desk import Desk, handling, owed, records, registration, replay, tickets, undo
from sdtool.errors import Conflict, SdError
from sdtool.store.journal import history
from tests.conftest import Sd

New = Callable[..., int]


def lay(desk: Desk, ticket: int, kind: str = "customer", **more: object) -> int:
    """Store owed feedback as it is, and return its number."""
    values = {
        "ticket": ticket, "kind": kind, "person": None, "party": None, "what": "nummer",
        "asked_at": desk.now, "asked_by": "agent", "due_at": desk.now + 86_400, "step": 0, "step_at": None,
        "state": "open", "ended_at": None, "ended_by": "", "remark": "", **more,
    }  # fmt: skip
    return desk.run(lambda: records.add(desk, "owed", values))


def test_listed_with_who_owes_it(desk: Desk, new: New) -> None:
    """What is owed comes with its ticket and the person, what is due first first."""
    ticket = new()
    late, soon = lay(desk, ticket, person=1, due_at=desk.now + 9), lay(desk, ticket, due_at=desk.now + 8)
    found = owed.listing(desk.store)
    assert [one.owed.id for one in found] == [soon, late]
    assert (found[1].ticket.id, found[1].person and found[1].person.name) == (ticket, "Test Melder")
    assert (found[0].person, found[0].party) == (None, None)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, [1, 2]),
        ({"kind": "supplier"}, [2]),
        ({"before": 1}, []),
        ({"ended": True}, [1, 2, 3]),
        ({"ticket": 9}, []),
        ({"party": 9}, []),
    ],
)
def test_filters(desk: Desk, new: New, given: dict[str, int], found: list[int]) -> None:
    """Each filter narrows the list; who owed and answered is there only when asked for."""
    ticket = new()
    lay(desk, ticket)
    lay(desk, ticket, "supplier")
    lay(desk, ticket, state="answered", ended_at=desk.now)
    assert [one.owed.id for one in owed.listing(desk.store, **given)] == found  # type: ignore[arg-type]


def test_advance_is_journaled(desk: Desk, new: New) -> None:
    """A reached step is kept with its moment and an event of its own."""
    number = lay(desk, new())
    after = desk.run(lambda: owed.advance(desk, number, 2, desk.now + 5))
    assert (after.step, after.step_at, after.rev) == (2, desk.now + 5, 2)
    last = history(desk.store, "owed", number)[-1]
    assert (last["verb"], last["at"]) == ("remind", desk.now + 5)


def test_no_step_twice(desk: Desk, new: New) -> None:
    """A step that was reached is not reached again, and nothing is after an answer."""
    number, answered = lay(desk, new(), step=2), lay(desk, new("b"), state="answered", ended_at=desk.now)
    for one, step in ((number, 2), (number, 1), (answered, 1)):
        with pytest.raises(Conflict, match=r"already"):
            owed.advance(desk, one, step, desk.now)


# --- asking and answering


def asked(sd: Sd, ticket: int, *words: str, until: str = "+3wd") -> int:
    """Ask for something with `sd wait`; return its number."""
    ran = sd("wait", ticket, "--for", "nummer", "--until", until, *words)
    assert ran.code == 0, ran.err
    return max(int(row["id"]) for row in sd("owed", "list", "--all", "--format", "json").json())


def ticket_of(sd: Sd, number: int) -> dict[str, object]:
    """Return a ticket as JSON."""
    return dict(sd("show", number, "--format", "json").json())


def owed_of(sd: Sd, number: int) -> dict[str, object]:
    """Return owed feedback as JSON."""
    return dict(sd("owed", "show", number, "--format", "json").json())


@pytest.fixture
def acme(sd: Sd) -> int:
    """A supplier, party 1."""
    assert sd("party", "add", "Acme NV", "--kind", "supplier", "--mail", "hulp@acme.example").code == 0
    return 1


def test_wait_makes_one(sd: Sd, new: New) -> None:
    """Who waits for the customer is owed something by the caller, from now on, by that moment."""
    row = owed_of(sd, asked(sd, new(), "--on", "customer"))
    assert (row["person"], row["party"], row["state"]) == ("Test Melder", "", "open")
    assert (row["what"], row["due_at"]) == ("nummer", "2026-11-26T10:30:00+01:00")


def test_party_tells_the_kind(sd: Sd, new: New, acme: int) -> None:
    """With --party the kind need not be said; the ticket shows who owes what."""
    number = new()
    row = owed_of(sd, asked(sd, number, "--party", "acme"))
    assert (row["kind"], row["party"]) == ("supplier", "Acme NV")
    assert ticket_of(sd, number)["waiting_for"] == "Acme NV: nummer"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--on", "customer", "--party", "acme"], 2, "is of kind supplier, not customer"),
        (["--on", "internal", "--party", "#1"], 2, "is of kind supplier, not internal"),
        (["--party", "nergens"], 4, "`sd party add"),
        ([], 2, "--on customer, or --party NAME"),
    ],
)
def test_waiting_for_nobody(sd: Sd, new: New, acme: int, words: list[str], code: int, said: str) -> None:
    """A party of another kind, none at all and nobody: refused, and nothing waits."""
    number = new()
    ran = sd("wait", number, "--for", "x", "--until", "+1wd", *words)
    assert (ran.code, said in ran.err) == (code, True)
    assert ticket_of(sd, number)["state"] == "new"


def test_who_is_inactive_is_not_asked(sd: Sd, new: New, acme: int) -> None:
    """A party that was put away owes nothing new."""
    sd("party", "edit", "acme", "--inactive")
    ran = sd("wait", new(), "--party", "Acme NV", "--for", "x", "--until", "+1wd")
    assert (ran.code, "sd party edit #1 --active" in ran.err) == (5, True)


def test_several_at_once(sd: Sd, new: New, acme: int) -> None:
    """A waiting ticket can be asked for more: it shows what is due first."""
    number = new()
    asked(sd, number, "--party", "acme")
    asked(sd, number, "--on", "customer", until="+2wd")
    row = ticket_of(sd, number)
    assert (row["waiting_on"], row["waiting_until"]) == ("customer", "2026-11-25T10:30:00+01:00")
    assert [line.partition(" ")[0] for line in sd("show", number, "--format", "json").json()["owed"]] == [
        "F-2",
        "F-1",
    ]


def test_the_clock_stands_while_one_stops_it(sd: Sd, new: New) -> None:
    """An internal answer that is due first does not start the clock that the customer stopped."""
    number = new()
    asked(sd, number, "--on", "customer")
    asked(sd, number, "--on", "internal", until="+1wd")
    assert sd("list", "--state", "waiting", "--late", "--format", "json").json() == []
    assert "for customer until 2026-11-26 10:30, the clock stands" in sd("owed", "extend", 2, "--until",
        "+2wd", "--reason", "verlof").out  # fmt: skip


def test_the_last_answer_wakes(sd: Sd, new: New, acme: int) -> None:
    """The first answer leaves it waiting for the other; the last one puts it on the work list."""
    number = new()
    asked(sd, number, "--party", "acme")
    asked(sd, number, "--on", "customer")
    sd("owed", "done", "F-2")
    assert ticket_of(sd, number)["waiting_on"] == "supplier"
    sd("owed", "done", "f-1")
    row = ticket_of(sd, number)
    assert (row["state"], row["waiting_on"], row["waiting_until"], row["owed"]) == ("new", "", None, [])
    assert [step["id"] for step in sd("next", "--format", "json").json()] == [number]


def test_an_answer_is_a_note_once(sd: Sd, new: New) -> None:
    """The text of an answer is an internal note: it is found by, and no contact with the customer."""
    number = new()
    asked(sd, number, "--on", "supplier")
    sd("owed", "done", 1, "--text", "onderdeel zeldzaamwoord onderweg")
    assert [row["id"] for row in sd("search", "zeldzaamwoord", "--format", "json").json()] == [number]
    assert sd("owed", "done", 1, "--text", "nog eens").code == 5
    notes = [e for e in sd("history", number, "--format", "json").json() if e["verb"] == "note"]
    assert [(e["data"]["text"], e["data"]["public"]) for e in notes] == [
        ("onderdeel zeldzaamwoord onderweg", False)
    ]


def test_resume_answers_all(sd: Sd, new: New) -> None:
    """Who goes on with a ticket has what was owed for it."""
    number = new()
    asked(sd, number, "--on", "customer")
    asked(sd, number, "--on", "supplier")
    sd("resume", number)
    assert [owed_of(sd, one)["state"] for one in (1, 2)] == ["answered", "answered"]


@pytest.mark.parametrize(
    "end", [["close", 1, "--solution", "x"], ["cancel", 1, "--reason", "x"], ["merge", 1, "--into", 2]]
)
def test_the_end_cancels(sd: Sd, new: New, end: list[object]) -> None:
    """What is owed for a ticket that ends is let go; reopening asks nothing anew."""
    new(), new("andere")
    asked(sd, 1, "--on", "customer")
    assert sd(*end).code == 0
    assert (owed_of(sd, 1)["state"], str(owed_of(sd, 1)["remark"])[:7]) == ("cancelled", "ticket ")
    sd("reopen", 1, "--reason", "toch niet") if end[0] != "merge" else sd("unmerge", 1)
    assert sd("owed", "list", "--format", "json").json() == []
    assert ticket_of(sd, 1)["state"] != "waiting"


def test_cancelling_the_last_wakes(sd: Sd, new: New) -> None:
    """What is not needed any more is let go for a reason, and the ticket goes on."""
    number = new()
    asked(sd, number, "--on", "supplier")
    assert "cancelled" in sd("owed", "cancel", "F-1", "--reason", "zelf gevonden").out
    assert (ticket_of(sd, number)["state"], owed_of(sd, 1)["remark"]) == ("new", "zelf gevonden")


def test_extending(sd: Sd, new: New) -> None:
    """Longer means: the record and the ticket have the new moment, the reason is kept."""
    number = new()
    asked(sd, number, "--on", "supplier")
    sd("owed", "extend", "F-1", "--until", "+5wd", "--reason", "levering volgt")
    due = "2026-11-30T10:30:00+01:00"
    assert (owed_of(sd, 1)["due_at"], ticket_of(sd, number)["waiting_until"]) == (due, due)
    assert owed_of(sd, 1)["remark"] == "levering volgt"


@pytest.mark.parametrize(
    ("until", "said"), [("2026-11-20", "must lie in the future"), ("2026-11-26T10:30", "already")]
)
def test_extending_to_no_new_moment(sd: Sd, new: New, until: str, said: str) -> None:
    """The past, and the moment it is due at already, are no extension."""
    asked(sd, new(), "--on", "supplier")
    ran = sd("owed", "extend", 1, "--until", until, "--reason", "x")
    assert (ran.code, said in ran.err) == (2, True)


@pytest.mark.parametrize("number", ["0", "F-9", "99"])
def test_what_nobody_owes(sd: Sd, number: str) -> None:
    """A number that was never given out is not found."""
    assert [sd("owed", word, number).code for word in ("show", "done")] == [4, 4]


@pytest.mark.parametrize("number", ["x", "F-", "-", "SD-1", "1.5", "F-99999999999"])
def test_what_is_no_number(sd: Sd, number: str) -> None:
    """What is no number is a usage fault that says how one is written."""
    ran = sd("owed", "done", "--", number)
    assert (ran.code, "write F-12" in ran.err) == (2, True)


# --- lists


def test_list_late(sd: Sd, new: New) -> None:
    """--late shows what is past its moment, marked in the table."""
    number = new()
    asked(sd, number, "--on", "customer", until="+1wd")
    asked(sd, number, "--on", "supplier", until="+9wd")
    ran = sd("owed", "list", "--late", as_of="2026-11-25T09:00")
    assert ("F-1" in ran.out, "F-2" in ran.out, "2026-11-24 10:30 !" in ran.out) == (True, False, True)


def test_list_by_party(sd: Sd, new: New, acme: int) -> None:
    """--party finds it by any name; an unknown one is not found."""
    asked(sd, new(), "--party", "acme")
    asked(sd, new("b"), "--on", "supplier")
    rows = sd("owed", "list", "--party", "hulp@acme.example", "--format", "json").json()
    assert [row["id"] for row in rows] == [1]
    assert sd("owed", "list", "--party", "bestaat niet").code == 4


def test_nothing_prints_nothing(sd: Sd) -> None:
    """No row, no line: cron mails what a job prints."""
    assert sd("owed", "list").out == ""


@pytest.mark.parametrize("fmt", ["table", "json", "csv"])
def test_confidential_is_hidden_in_lists(sd: Sd, desk: Desk, new: New, fmt: str) -> None:
    """Who may not read the ticket sees neither what is owed nor by whom, and cannot answer it."""
    number = new("geheim", "--confidential")
    assert sd("assign", number, "network/els").code == 0
    asked_by = Desk(desk.store, desk.rulebook, desk.settings, actor="els", source="cli", now=desk.now)
    handling.wait(asked_by, [number], "customer", "zeer geheim", desk.now + 9)
    desk.store.run(lambda: desk.store.update("ticket", number, {"registered_by": "els"}))
    shown = sd("owed", "list", "--format", fmt).out
    assert ("geheim" in shown, "Melder" in shown, "(confidential)" in shown) == (False, False, True)
    assert [sd("owed", *words).code for words in (["show", 1], ["done", 1, "--text", "x"])] == [77, 77]


# --- undo


def test_undo_of_a_wait(sd: Sd, new: New) -> None:
    """A wait that is undone was not asked: the ticket is as before, the record says so."""
    number = new()
    asked(sd, number, "--on", "customer")
    assert sd("undo").code == 0
    assert (ticket_of(sd, number)["state"], owed_of(sd, 1)["remark"]) == ("new", "asking undone")


@pytest.mark.parametrize(
    "words",
    [
        ["owed", "done", 1, "--text", "hier is het"],
        ["owed", "cancel", 1, "--reason", "x"],
        ["owed", "extend", 1, "--until", "+9wd", "--reason", "x"],
        ["resume", 1],
        ["close", 1, "--solution", "x"],
    ],
)
def test_undo_of_what_was_done_to_it(sd: Sd, new: New, words: list[object]) -> None:
    """Undo puts the record and the ticket back together, and the journal agrees."""
    number = new()
    asked(sd, number, "--on", "customer")
    before = ticket_of(sd, number), owed_of(sd, 1)
    assert sd(*words).code == 0
    assert sd("undo").code == 0
    after = ticket_of(sd, number), owed_of(sd, 1)
    assert [{**row, "rev": 0} for row in after] == [{**row, "rev": 0} for row in before]
    assert sd("audit", "verify").code == 0


def test_no_undo_after_a_reminder(sd: Sd, desk: Desk, new: New) -> None:
    """What somebody was reminded of was asked: that is not undone."""
    number = new()
    asked(sd, number, "--on", "customer")
    desk.source = "cron"
    desk.run(lambda: owed.advance(desk, 1, 1, desk.now))
    ran = sd("undo")
    assert (ran.code, "F-1 was changed since (remind" in ran.err) == (5, True)


# --- the whole


_ACTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["wait", "wait", "wait", "done", "extend", "cancel", "resume", "resolve", "drop", "reopen",
             "assign", "take", "pend", "undo", "undo", "remind", "merge", "unmerge"]
        ),
        st.integers(0, 5),
        st.sampled_from(["agent", "els"]),
    ),
    max_size=14,
)  # fmt: skip
_KINDS = ("customer", "supplier", "internal")
_SOLE = count()


def _act(desk: Desk, word: str, pick: int, ticket: int, other: int) -> None:
    still = owed.open_of(desk.store, ticket)
    one = still[pick % len(still)].id if still else 999
    acts: dict[str, Callable[[], object]] = {
        "wait": lambda: handling.wait(desk, [ticket], _KINDS[pick % 3], "x", desk.now + 3600 * (pick + 1)),
        "done": lambda: owed.answer(desk, one, "antwoord" if pick % 2 else ""),
        "extend": lambda: owed.extend(desk, one, desk.now + 7200 * (pick + 1), "later"),
        "cancel": lambda: owed.cancel(desk, one, "niet nodig"),
        "resume": lambda: handling.each(desk, [ticket], "resume", {}),
        "resolve": lambda: handling.resolve(desk, [ticket], "klaar"),
        "drop": lambda: handling.cancel(desk, [ticket], "dubbel"),
        "reopen": lambda: handling.reopen(desk, [ticket], "toch niet"),
        "assign": lambda: handling.assign(desk, [ticket], "/els"),
        "take": lambda: handling.take(desk, [ticket]),
        "pend": lambda: handling.pend(desk, [ticket], desk.now + 60 * (pick + 1)),
        "undo": lambda: undo.undo(desk),
        "remind": lambda: desk.run(lambda: owed.advance(desk, one, pick, desk.now)),
        "merge": lambda: tickets.apply(desk, ticket, "merge", {"into": other}),
        "unmerge": lambda: tickets.apply(desk, ticket, "unmerge"),
    }
    acts[word]()


def test_waiting_and_owing_are_one(desk: Desk) -> None:
    """Whatever is done in whatever order: a ticket waits exactly as long as something is owed for it."""

    @settings(max_examples=60, deadline=None)
    @given(acts=_ACTS)
    def live(acts: list[tuple[str, int, str]]) -> None:
        registrar = Desk(desk.store, desk.rulebook, desk.settings, actor="bea", source="cli", now=desk.now)
        ticket, other = (_registered(registrar, f"nummer {next(_SOLE)}") for _ in range(2))
        for step, (word, pick, actor) in enumerate(acts):
            source, now = "cron" if word == "remind" else "cli", desk.now + step
            by = Desk(desk.store, desk.rulebook, desk.settings, actor=actor, source=source, now=now)
            with contextlib.suppress(SdError):  # what is refused must leave no trace either
                _act(by, word, pick, ticket, other)
            _holds(desk, ticket)

    live()
    assert list(replay.differences(desk.store)) == []


def _holds(desk: Desk, number: int) -> None:
    ticket, still = tickets.get(desk.store, number), owed.open_of(desk.store, number)
    pended = ticket.waiting_on == "desk"
    assert (ticket.state == "waiting" and not pended) == bool(still)
    if still:
        stops = [one for one in still if desk.rulebook.party_pauses(one.kind, "2026-11-23")]
        first = min(stops or still, key=lambda one: (one.due_at, one.id))
        assert (ticket.waiting_on, ticket.waiting_until) == (first.kind, first.due_at)
        assert ticket.paused == int(bool(stops))


def _registered(desk: Desk, summary: str) -> int:
    report = registration.Report(
        summary=summary, caller=1, channel="phone", type="incident", category="printer", urgency="normal"
    )
    return registration.register(desk, report).id
