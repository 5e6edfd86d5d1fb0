"""The life of a ticket: which act is allowed in which state, and what it changes.

Pure: a ticket and an act in, the changed fields out. Every road to a state goes through
`decide`, so that no rule can be passed by.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.errors import Conflict, Refused, UsageFault

RETURN_REASONS = ("wrong-group", "incomplete", "no-access", "other")
LINKS = ("duplicate-of", "part-of", "caused-by", "blocks")
DESK = "desk"  # what a ticket waits on that was put off here: nobody owes anything, its clock runs
OPEN_STATES = ("new", "assigned", "active", "waiting")
ENDED_STATES = ("resolved", "closed", "cancelled", "merged")
STATES = OPEN_STATES + ENDED_STATES
ENDING = ("resolve", "cancel", "merge")  # refused while a sub-ticket is open: args["open_parts"] lists those
# refused while a mandatory item of its checklist is open: args["open_items"] lists (number, text)
CLOSING = ("resolve", "close", "import-close")


class Ticket(NamedTuple):
    """A ticket as it stands; moments are epoch seconds, flags 0 or 1.

    `agreed_due` is a resolve deadline agreed for this ticket, which no target or pause moves;
    `service` the support service it gives, or takes away when it is a `reversal`; a `test`
    counts in no figure.
    """

    id: int
    fmis_ref: str | None
    type: str
    summary: str
    description: str
    state: str
    caller: int | None
    channel: str
    category: str
    urgency: str
    impact: str
    target_group: str
    priority: int
    derived_priority: int
    override_reason: str
    route: str
    group_key: str
    agent: str
    confidential: int
    registered_by: str
    opened_at: int
    accepted_at: int | None
    responded_at: int | None
    resolved_at: int | None
    closed_at: int | None
    ended_at: int | None
    escalated_at: int | None
    hierarchical: int
    contacts: int
    escalations: int
    reassignments: int
    wrong_routings: int
    reopens: int
    waiting_on: str
    waiting_for: str
    waiting_until: int | None
    paused: int
    solution: str
    cause: str
    merged_into: int | None
    respond_due: int
    resolve_due: int
    respond_target: int
    resolve_target: int
    agreed_due: int | None
    service: str
    reversal: int
    test: int
    rev: int


class Act(NamedTuple):
    """What somebody does: the verb, when, who, and what the verb needs to know.

    `line_of` tells the line of a solver group (1 is the service desk; unknown groups count as 2).
    """

    verb: str
    at: int
    actor: str
    args: Mapping[str, Any]
    line_of: Callable[[str], int]


Fields = dict[str, Any]


def decide(ticket: Ticket, act: Act) -> Fields:
    """Return the fields that the act changes, with their new values.

    Raises:
        Conflict: the ticket is in a state in which this cannot be done; the message says what can.
        Refused: a rule of the desk forbids it.
    """
    states, rule = _VERBS[act.verb]
    if ticket.state not in states:
        raise Conflict(_why_not(ticket, act.verb))
    if act.verb in ENDING and act.args.get("open_parts"):
        listed = ", ".join(str(part) for part in act.args["open_parts"])
        raise Refused(f"ticket {ticket.id} has open sub-tickets: close or unlink {listed} first")
    if act.verb in CLOSING and act.args.get("open_items"):
        raise Refused(_unticked(ticket, act.args["open_items"]))
    changed = rule(ticket, act)
    return {name: value for name, value in changed.items() if getattr(ticket, name) != value}


def _unticked(ticket: Ticket, items: Sequence[tuple[int, str]]) -> str:
    named = [f"{number} {text if len(text) <= 40 else text[:39] + '…'}" for number, text in items[:5]]
    more = f" and {len(items) - 5} more" if len(items) > 5 else ""
    return (
        f"ticket {ticket.id} has open items: {', '.join(named)}{more};"
        f" tick or skip them first (`sd checklist show {ticket.id}`)"
    )


def _why_not(ticket: Ticket, verb: str) -> str:
    number, state = ticket.id, ticket.state
    if state == "merged":
        return (
            f"ticket {number} was merged into {ticket.merged_into}; `sd unmerge {number}` takes it out again"
        )
    if state in ("resolved", "closed", "cancelled"):
        return f"ticket {number} is {state} already; `sd reopen {number}` opens it again"
    if verb == "resume":
        return f"ticket {number} does not wait (it is {state}): there is nothing to resume"
    return f"ticket {number} is {state}: it cannot be {_PARTICIPLES.get(verb, verb)}"


_PARTICIPLES = {
    "reopen": "reopened, it is open",
    "close": "closed before it is resolved",
    "unmerge": "unmerged",
    "add-item": "given items",
    "tick": "ticked",
    "skip": "ticked",
    "untick": "unticked",
}


def _touched(ticket: Ticket, at: int) -> Fields:
    """A person has it in hand: the moment of acceptance, once."""
    return {} if ticket.accepted_at is not None else {"accepted_at": at}


def _answered(ticket: Ticket, at: int) -> Fields:
    """A person has told the customer something: the moment of the first response, once."""
    return {} if ticket.responded_at is not None else {"responded_at": at}


def _moved(ticket: Ticket, group: str, act: Act) -> Fields:
    """The ticket goes to a solver group: count it, and count a step to a higher line as escalation."""
    if group == ticket.group_key:
        return {}
    changed: Fields = {
        "group_key": group,
        "reassignments": ticket.reassignments + int(act.args.get("counted", 1)),
    }
    if act.verb == "escalate" or act.line_of(group) > act.line_of(ticket.group_key):
        changed["escalations"] = ticket.escalations + 1
        if ticket.escalated_at is None:
            changed["escalated_at"] = act.at
    return changed


def _queued(ticket: Ticket) -> Fields:
    """Nobody has it; a ticket that waits goes on waiting."""
    return {"agent": "", "state": ticket.state if ticket.state == "waiting" else "new"}


def _assign(ticket: Ticket, act: Act) -> Fields:
    group, agent = act.args.get("group") or ticket.group_key, act.args.get("agent") or ""
    if not agent:
        return {**_moved(ticket, group, act), **_queued(ticket)}
    state = ticket.state
    if state == "new" or (state == "active" and agent != ticket.agent):
        state = "assigned"
    return {**_moved(ticket, group, act), "agent": agent, "state": state, **_touched(ticket, act.at)}


def _release(ticket: Ticket, act: Act) -> Fields:
    if not ticket.agent:
        raise Conflict(f"nobody has ticket {ticket.id}: there is nothing to release")
    return _queued(ticket)


def _start(ticket: Ticket, act: Act) -> Fields:
    return {"agent": ticket.agent or act.actor, "state": "active", **_touched(ticket, act.at)}


def _note(ticket: Ticket, act: Act) -> Fields:
    if not act.args.get("public"):
        return {}
    contacts = {} if ticket.resolved_at is not None else {"contacts": ticket.contacts + 1}
    return {**contacts, **_answered(ticket, act.at)}


def _edit(ticket: Ticket, act: Act) -> Fields:
    return dict(act.args["fields"])


def _wait(ticket: Ticket, act: Act) -> Fields:
    changed: Fields = {
        "state": "waiting",
        "waiting_on": act.args["party"],
        "waiting_for": act.args["text"],
        "waiting_until": act.args["until"],
        "paused": int(act.args["pauses"]),
        **_touched(ticket, act.at),
    }
    # a ticket may wait for several: whom it shows is not always who was asked just now
    if act.args.get("asked", act.args["party"]) == "customer":
        changed |= {"contacts": ticket.contacts + 1, **_answered(ticket, act.at)}
    return changed


def _hold(ticket: Ticket, act: Act) -> Fields:
    """It cannot begin yet, or still waits for something: nobody took it in hand by that."""
    return {
        "state": "waiting",
        "waiting_on": act.args.get("party", "internal"),
        "waiting_for": act.args["text"],
        "waiting_until": act.args.get("until"),
        "paused": int(act.args.get("pauses", True)),
    }


def _pend(ticket: Ticket, act: Act) -> Fields:
    """Put off until a moment: it goes on counting, and nobody took it in hand by that."""
    if ticket.state == "waiting" and ticket.waiting_on != DESK:
        raise Conflict(
            f"ticket {ticket.id} waits for the {ticket.waiting_on} already;"
            f" `sd owed extend` moves that, `sd resume {ticket.id}` ends it"
        )
    return {
        "state": "waiting",
        "waiting_on": DESK,
        "waiting_for": act.args["text"],
        "waiting_until": act.args["until"],
        "paused": 0,
    }


_NOT_WAITING: Fields = {"waiting_on": "", "waiting_for": "", "waiting_until": None, "paused": 0}


def _resume(ticket: Ticket, act: Act) -> Fields:
    return {**_NOT_WAITING, "state": "active" if ticket.agent else "new"}


def _escalate(ticket: Ticket, act: Act) -> Fields:
    if act.args["group"] == ticket.group_key:
        raise Refused(f"ticket {ticket.id} is with {ticket.group_key} already; escalate it to another group")
    return {**_moved(ticket, act.args["group"], act), **_queued(ticket)}


def _escalate_up(ticket: Ticket, act: Act) -> Fields:
    return {"hierarchical": ticket.hierarchical + 1}


def _return(ticket: Ticket, act: Act) -> Fields:
    if act.args["group"] == ticket.group_key:
        raise Refused(f"ticket {ticket.id} is with {ticket.group_key} already: it cannot be returned to it")
    wrong = int(act.args["reason"] == "wrong-group")
    moved = _moved(ticket, act.args["group"], act)
    return {**moved, **_queued(ticket), "wrong_routings": ticket.wrong_routings + wrong}


def _resolve(ticket: Ticket, act: Act) -> Fields:
    if not act.args.get("solution", "").strip():
        raise UsageFault(f'ticket {ticket.id} needs a solution before it can be closed: add --solution "…"')
    return {
        **_NOT_WAITING,
        "state": "resolved",
        "resolved_at": act.at,
        "ended_at": act.at,
        "agent": ticket.agent or act.args.get("by", act.actor),
        "solution": act.args["solution"],
        "cause": act.args.get("cause") or ticket.cause,
        **_touched(ticket, act.at),
        **_answered(ticket, act.at),
    }


def _close(ticket: Ticket, act: Act) -> Fields:
    return {**_NOT_WAITING, "state": "closed", "closed_at": act.at, "ended_at": ticket.ended_at or act.at}


def _reopen(ticket: Ticket, act: Act) -> Fields:
    return {
        "state": "active" if ticket.agent else "new",
        "resolved_at": None,
        "closed_at": None,
        "ended_at": None,
        "reopens": ticket.reopens + int(act.args.get("counted", ticket.state != "cancelled")),
    }


def _cancel(ticket: Ticket, act: Act) -> Fields:
    return {**_NOT_WAITING, "state": "cancelled", "closed_at": act.at, "ended_at": act.at}


def _merge(ticket: Ticket, act: Act) -> Fields:
    changed = {"state": "merged", "merged_into": act.args["into"], "closed_at": act.at, "ended_at": act.at}
    return {**_NOT_WAITING, **changed}


def _unmerge(ticket: Ticket, act: Act) -> Fields:
    state = "assigned" if ticket.agent else "new"
    return {"state": state, "merged_into": None, "closed_at": None, "ended_at": None}


def _nothing(ticket: Ticket, act: Act) -> Fields:
    return {}


_NOT_MERGED = tuple(state for state in STATES if state != "merged")
_VERBS: dict[str, tuple[tuple[str, ...], Callable[[Ticket, Act], Fields]]] = {
    "assign": (OPEN_STATES, _assign),
    "take": (OPEN_STATES, _assign),
    "release": (OPEN_STATES, _release),
    "start": (("new", "assigned"), _start),
    "note": (_NOT_MERGED, _note),
    "edit": (("new", "assigned", "active", "waiting", "resolved"), _edit),
    "replan": (OPEN_STATES, _edit),
    "disclose": (STATES, _edit),
    "wait": (OPEN_STATES, _wait),
    "hold": (OPEN_STATES, _hold),
    "pend": (OPEN_STATES, _pend),
    "resume": (("waiting",), _resume),
    "escalate": (OPEN_STATES, _escalate),
    "escalate-up": (OPEN_STATES, _escalate_up),
    "return": (OPEN_STATES, _return),
    "resolve": (OPEN_STATES, _resolve),
    "close": (("resolved",), _close),
    "reopen": (("resolved", "closed", "cancelled"), _reopen),
    "cancel": (OPEN_STATES, _cancel),
    "link": (STATES, _nothing),
    "unlink": (STATES, _nothing),
    "merge": (OPEN_STATES, _merge),
    "unmerge": (("merged",), _unmerge),
    # the checklist: an item that is another ticket follows it, whatever the state of the one it is on
    "add-item": (OPEN_STATES, _nothing),
    "tick": ((*OPEN_STATES, "resolved"), _nothing),
    "skip": ((*OPEN_STATES, "resolved"), _nothing),
    "untick": (OPEN_STATES, _nothing),
    # another system closed it without saying when it was solved
    "import-close": (OPEN_STATES, _close),
    # another system changed what is closed here
    "import-edit": (STATES, _edit),
}


def clock(state: str, paused: int, party: str) -> str | None:
    """Return why the clock stands: a party, "" for ended, None when it runs."""
    if state in ENDED_STATES:
        return ""
    return party if paused else None
