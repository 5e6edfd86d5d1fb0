"""The life of a ticket: each act in each state, and what it changes."""

from __future__ import annotations

from typing import Any

import pytest

from sdtool.desk.registration import blank
from sdtool.errors import Conflict, Refused, UsageFault
from sdtool.rules.lifecycle import ENDED_STATES, OPEN_STATES, STATES, Act, Ticket, clock, decide

AT = 1_000
LINES = {"servicedesk": 1, "network": 2, "security": 3}
ARGS: dict[str, dict[str, Any]] = {
    "assign": {"group": "network", "agent": ""},
    "take": {"agent": "els"},
    "release": {},
    "start": {},
    "note": {"public": False},
    "edit": {"fields": {"category": "mail"}},
    "wait": {"party": "customer", "text": "nummer", "until": 2_000, "pauses": True},
    "hold": {"text": "eerst het account"},
    "pend": {"text": "morgen", "until": 2_000},
    "replan": {"fields": {"agreed_due": 3_000}},
    "resume": {},
    "escalate": {"group": "network"},
    "escalate-up": {},
    "return": {"group": "servicedesk", "reason": "wrong-group"},
    "resolve": {"solution": "opgelost"},
    "close": {},
    "reopen": {},
    "cancel": {},
    "link": {},
    "unlink": {},
    "merge": {"into": 7},
    "unmerge": {},
    "add-item": {},
    "tick": {},
    "skip": {},
    "untick": {},
}
# verb -> the states in which it is allowed; everywhere else it is refused
ALLOWED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("assign", "take", "release", "wait", "escalate", "escalate-up", "return"), OPEN_STATES),
    **dict.fromkeys(("resolve", "cancel", "merge", "hold", "pend", "replan"), OPEN_STATES),
    "start": ("new", "assigned"),
    "note": tuple(state for state in STATES if state != "merged"),
    "edit": (*OPEN_STATES, "resolved"),
    "resume": ("waiting",),
    "close": ("resolved",),
    "reopen": ("resolved", "closed", "cancelled"),
    "link": STATES,
    "unlink": STATES,
    "unmerge": ("merged",),
    **dict.fromkeys(("add-item", "untick"), OPEN_STATES),
    **dict.fromkeys(("tick", "skip"), (*OPEN_STATES, "resolved")),
}
# verb -> the state after it, where that does not depend on the state before
AFTER = {
    "start": "active",
    "wait": "waiting",
    "hold": "waiting",
    "pend": "waiting",
    "resolve": "resolved",
    "close": "closed",
    "cancel": "cancelled",
    "merge": "merged",
    "resume": "active",
    "reopen": "active",
    "unmerge": "assigned",
}


def ticket(state: str = "new", **values: Any) -> Ticket:
    """Return a ticket in a state, as it would stand there."""
    fields: dict[str, Any] = {"id": 12, "state": state, "group_key": "servicedesk", "opened_at": 100}
    if state != "new":
        fields |= {"agent": "jan", "accepted_at": 200}
    if state == "waiting":
        fields |= {"waiting_on": "supplier", "waiting_for": "stuk", "waiting_until": 900, "paused": 1}
    if state in ENDED_STATES:
        fields["ended_at"] = 500
    if state in ("resolved", "closed"):
        fields |= {"resolved_at": 500, "responded_at": 500, "solution": "klaar"}
    if state in ("closed", "cancelled", "merged"):
        fields["closed_at"] = 600
    if state == "merged":
        fields["merged_into"] = 7
    return blank()._replace(**{**fields, **values})


def act(verb: str, **args: Any) -> Act:
    """Return an act of jan at AT, with the arguments of ARGS where none are given."""
    return Act(verb, AT, "jan", {**ARGS.get(verb, {}), **args}, lambda group: LINES.get(group, 2))


def after(before: Ticket, verb: str, **args: Any) -> Ticket:
    """Return the ticket after an act."""
    return before._replace(**decide(before, act(verb, **args)))


def ready(verb: str, state: str) -> Ticket:
    """Return a ticket in a state that lacks nothing the verb needs beside it."""
    held: dict[str, Any] = {"agent": "jan"} if verb == "release" else {}
    if verb == "pend" and state == "waiting":
        held = {"waiting_on": "desk", "paused": 0}
    return ticket(state, **held, **({"group_key": "network"} if verb == "return" else {}))


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("verb", ALLOWED)
def test_every_act_in_every_state(verb: str, state: str) -> None:
    """An act is done where the table allows it, and is a conflict everywhere else."""
    if state in ALLOWED[verb]:
        reached = after(ready(verb, state), verb).state
        assert reached == AFTER.get(verb, reached)
    else:
        with pytest.raises(Conflict, match="ticket 12 "):
            decide(ready(verb, state), act(verb))


@pytest.mark.parametrize(
    ("verb", "state"),
    [(v, s) for v, states in ALLOWED.items() for s in states if v not in ("link", "unlink", "note")],
)
def test_end_and_state_agree(verb: str, state: str) -> None:
    """A ticket has an end exactly when its state is one of the ended ones."""
    reached = after(ready(verb, state), verb)
    assert (reached.ended_at is not None) == (reached.state in ENDED_STATES)
    assert (reached.waiting_on != "") == (reached.state == "waiting")


@pytest.mark.parametrize(
    ("state", "verb", "said"),
    [
        ("merged", "start", "was merged into 7; `sd unmerge 12`"),
        ("resolved", "take", "is resolved already; `sd reopen 12`"),
        ("closed", "edit", "is closed already; `sd reopen 12`"),
        ("cancelled", "cancel", "is cancelled already"),
        ("active", "resume", "does not wait (it is active)"),
        ("new", "reopen", "cannot be reopened, it is open"),
        ("active", "close", "cannot be closed before it is resolved"),
        ("new", "unmerge", "cannot be unmerged"),
    ],
)
def test_refusal_says_what_can_be_done(state: str, verb: str, said: str) -> None:
    """A conflict names the state and, where there is one, the command that helps."""
    with pytest.raises(Conflict) as caught:
        decide(ticket(state), act(verb))
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("state", "args", "reached"),
    [
        ("new", {"agent": "els"}, "assigned"),
        ("assigned", {"agent": "els"}, "assigned"),
        ("active", {"agent": "jan"}, "active"),
        ("active", {"agent": "els"}, "assigned"),
        ("waiting", {"agent": "els"}, "waiting"),
        ("active", {"agent": ""}, "new"),
        ("waiting", {"agent": ""}, "waiting"),
    ],
)
def test_state_after_assigning(state: str, args: dict[str, str], reached: str) -> None:
    """Who gets a ticket has it assigned; what waits goes on waiting; without an agent it is queued."""
    assert after(ticket(state), "assign", **args).state == reached


def test_first_acceptance_stays() -> None:
    """The moment of acceptance is the first time a person has it, and stays that."""
    taken = after(ticket(), "take")
    assert taken.accepted_at == AT
    assert after(ticket("assigned"), "take").accepted_at == 200


@pytest.mark.parametrize(
    ("verb", "args", "contacts", "responded"),
    [
        ("note", {"public": False}, 0, None),
        ("note", {"public": True}, 1, AT),
        ("wait", {"party": "customer"}, 1, AT),
        ("wait", {"party": "supplier"}, 0, None),
        ("resolve", {}, 0, AT),
    ],
)
def test_what_answers_the_customer(
    verb: str, args: dict[str, Any], contacts: int, responded: int | None
) -> None:
    """A public note, a question to the customer and the solution are answers; the first one counts."""
    reached = after(ticket("active"), verb, **args)
    assert (reached.contacts, reached.responded_at) == (contacts, responded)


def test_a_message_after_the_solution_is_no_contact() -> None:
    """Contacts count until the solution."""
    assert after(ticket("resolved"), "note", public=True).contacts == 0


@pytest.mark.parametrize(
    ("verb", "args", "reassigned", "escalated"),
    [
        ("assign", {"group": "servicedesk"}, 0, 0),
        ("assign", {"group": "network"}, 1, 1),
        ("assign", {"group": "unknown"}, 1, 1),
        ("escalate", {"group": "network"}, 1, 1),
    ],
)
def test_moves_are_counted(verb: str, args: dict[str, str], reassigned: int, escalated: int) -> None:
    """Each change of group is a reassignment; a step to a higher line is an escalation too."""
    reached = after(ticket("active"), verb, **args)
    assert (reached.reassignments, reached.escalations) == (reassigned, escalated)
    assert (reached.escalated_at is not None) == bool(escalated)


def test_a_step_down_is_no_escalation() -> None:
    """Back from the third line to the first is a reassignment only."""
    reached = after(ticket("active", group_key="security"), "assign", group="servicedesk")
    assert (reached.reassignments, reached.escalations) == (1, 0)


def test_escalating_sideways_counts() -> None:
    """An escalation is one by name, also to a group of the same line; the first moment stays."""
    reached = after(ticket("active", group_key="network", escalated_at=300), "escalate", group="systems")
    assert (reached.escalations, reached.escalated_at, reached.agent) == (1, 300, "")


def test_hierarchical_escalation_moves_nothing() -> None:
    """Management is told; group, agent and state stay."""
    assert decide(ticket("active"), act("escalate-up")) == {"hierarchical": 1}


@pytest.mark.parametrize(
    ("reason", "wrong"), [("wrong-group", 1), ("incomplete", 0), ("no-access", 0), ("other", 0)]
)
def test_only_a_wrong_group_is_wrong_routing(reason: str, wrong: int) -> None:
    """Of the reasons of a return, one says that the routing was wrong."""
    reached = after(ticket("active", group_key="network"), "return", reason=reason)
    assert (reached.wrong_routings, reached.group_key, reached.state) == (wrong, "servicedesk", "new")


@pytest.mark.parametrize(("verb", "args"), [("escalate", {"group": "servicedesk"}), ("return", {})])
def test_no_move_to_where_it_is(verb: str, args: dict[str, str]) -> None:
    """A ticket is neither escalated nor returned to the group it is with."""
    with pytest.raises(Refused, match="with servicedesk already"):
        decide(ticket("active"), act(verb, **args))


def test_resolving_needs_a_solution() -> None:
    """Without a solution a ticket is not resolved."""
    with pytest.raises(UsageFault, match="--solution"):
        decide(ticket("active"), act("resolve", solution="  "))


def test_resolving_waits_for_sub_tickets() -> None:
    """Open sub-tickets are named in the refusal."""
    with pytest.raises(Refused, match="close or unlink 13, 14 first"):
        decide(ticket("active"), act("resolve", open_parts=[13, 14]))


def test_resolving_ends_the_wait() -> None:
    """A ticket that waited no longer waits when it is resolved; who solved it has it."""
    reached = after(ticket("waiting", agent=""), "resolve", cause="slijtage")
    assert (reached.waiting_on, reached.paused, reached.agent, reached.cause) == ("", 0, "jan", "slijtage")


@pytest.mark.parametrize(("state", "counted"), [("resolved", 1), ("closed", 1), ("cancelled", 0)])
def test_only_a_solution_that_fails_is_a_reopening(state: str, counted: int) -> None:
    """Reopening what was cancelled is no failed solution."""
    reached = after(ticket(state), "reopen")
    assert (reached.reopens, reached.resolved_at, reached.ended_at) == (counted, None, None)


def test_releasing_needs_a_holder() -> None:
    """What nobody has cannot be released."""
    with pytest.raises(Conflict, match="nobody has ticket 12"):
        decide(ticket("new"), act("release"))


def test_only_changes_are_returned() -> None:
    """A field that keeps its value is not among the changes."""
    assert decide(ticket("active"), act("edit", fields={"category": ""})) == {}


@pytest.mark.parametrize(
    ("state", "paused", "party", "stands"),
    [
        ("active", 0, "", None),
        ("waiting", 1, "customer", "customer"),
        ("waiting", 0, "internal", None),
        ("resolved", 0, "", ""),
        ("merged", 0, "", ""),
    ],
)
def test_when_the_clock_stands(state: str, paused: int, party: str, stands: str | None) -> None:
    """The clock stands while a party pauses it, and after the end."""
    assert clock(state, paused, party) == stands


@pytest.mark.parametrize(
    ("verb", "state"), [("resolve", "active"), ("close", "resolved"), ("import-close", "new")]
)
def test_open_items_hold_up_every_closing(verb: str, state: str) -> None:
    """However a ticket closes, its mandatory items come first; long ones are cut, many are counted."""
    items = [
        (1, "Account aangemaakt volgens de naamregel van de dienst"),
        *((n, f"punt {n}") for n in range(2, 9)),
    ]
    with pytest.raises(Refused) as caught:
        decide(ready(verb, state), act(verb, open_items=items))
    assert caught.value.message == (
        "ticket 12 has open items: 1 Account aangemaakt volgens de naamregel…, 2 punt 2, 3 punt 3, 4 punt 4,"
        " 5 punt 5 and 3 more; tick or skip them first (`sd checklist show 12`)"
    )


@pytest.mark.parametrize(("verb", "state"), [("cancel", "active"), ("merge", "new")])
def test_what_is_not_solved_needs_no_items(verb: str, state: str) -> None:
    """A ticket that should not have been made ends with its items open."""
    assert after(ready(verb, state), verb, open_items=[(1, "x")]).ended_at == AT
