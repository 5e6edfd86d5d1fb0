"""What a process rule looks at, a ticket or a problem, and of each rule whether it is broken, and since when.

Each function takes a record and what is agreed; it returns a moment, None where the rule is kept. Pure.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Callable
from typing import Any, NamedTuple

from sdtool.rulebook import PARTIES
from sdtool.rules.deadline import Target, due
from sdtool.rules.worktime import Calendar

# acts with words in them that tell why something is late
TELLING = ("note", "wait", "pend", "escalate", "escalate-up", "return")


class Did(NamedTuple):
    """Something that was done to a ticket and not taken back.

    `move` is (from, to) of a solver group that changed, `higher` says that this was a step to a higher line,
    `reason` that a reason is with it, `override` that it made the priority another than that of the rules.
    """

    verb: str
    at: int
    source: str = ""
    move: tuple[str, str] | None = None
    higher: bool = False
    reason: bool = False
    override: bool = False


class Case(NamedTuple):
    """A ticket as far as the rules need it; moments are epoch seconds.

    `planned`: work for an agreed day, or a part of it. `reachable`: its caller has a mail address or a phone
    number. `owed`: somebody owes feedback for it. `told_by`: when the customer of a ticket of the highest
    priority must hear something; `update_by`: when those struck by a major incident must. `whole`: number and
    end of the ticket that it is a part of; `problem`: those of the one that it was linked to; None while they
    are open. `skipped`: when a mandatory item of its checklist was.
    """

    id: int
    type: str
    state: str
    priority: int
    derived_priority: int
    override_reason: str
    category: str
    target_group: str
    group_key: str
    agent: str
    opened_at: int
    accepted_at: int | None
    responded_at: int | None
    resolved_at: int | None
    ended_at: int | None
    waiting_on: str
    waiting_until: int | None
    paused: int
    respond_due: int
    resolve_due: int
    solved: int
    explained: int
    planned: int
    reachable: int
    summary: str = ""
    confidential: int = 0
    registered_by: str = ""
    last_at: int = 0
    owed: bool = False
    told_by: int | None = None
    update_by: int | None = None
    whole: tuple[int, int] | None = None
    problem: tuple[int, int] | None = None
    skipped: int | None = None
    did: tuple[Did, ...] = ()


class Problem(NamedTuple):
    """A problem as far as the rules need it."""

    id: int
    title: str
    owner: str
    state: str
    workaround: str
    cause: str
    opened_at: int
    ended_at: int | None


class Agreed(NamedTuple):
    """What the rulebook says, and what counts as now; terms are (working seconds, working days)."""

    now: int
    calendar: Calendar
    categories: frozenset[str]
    catch_all: frozenset[str]
    target_groups: frozenset[str]
    silent_after: tuple[int, float]
    returned_often: int
    reopened_often: int
    unowned_problem_after: tuple[int, float]
    stuck_problem_after: tuple[int, float]

    def passed(self, since: int, term: tuple[int, float]) -> int | None:
        """Return when a term since a moment was over, None when it is not over yet."""
        moment = due(self.calendar, since, Target(*term), ())
        return moment if moment <= self.now else None


def _when(condition: bool, since: int | None) -> int | None:
    return since if condition else None


def _open(case: Case) -> bool:
    return case.ended_at is None


def _editable(case: Case) -> bool:
    return _open(case) or case.state == "resolved"


def _rests(case: Case, agreed: Agreed) -> bool:
    """It waits or is put off until a moment that is still to come."""
    return case.state == "waiting" and (case.waiting_until or 0) > agreed.now


def _no_category(case: Case, agreed: Agreed) -> int | None:
    return _when(_editable(case) and case.category not in agreed.categories, case.opened_at)


def _catch_all(case: Case, agreed: Agreed) -> int | None:
    broken = _editable(case) and case.category in agreed.catch_all and not case.planned
    return _when(broken, case.accepted_at)


def _no_contact(case: Case, agreed: Agreed) -> int | None:
    return _when(_open(case) and not case.planned and not case.reachable, case.opened_at)


def _no_target_group(case: Case, agreed: Agreed) -> int | None:
    return _when(_open(case) and case.target_group not in agreed.target_groups, case.opened_at)


def _not_taken(case: Case, agreed: Agreed) -> int | None:
    untouched = _open(case) and case.accepted_at is None and case.responded_at is None
    late = untouched and case.respond_due <= agreed.now
    return _when(late and not case.planned and not _rests(case, agreed), case.respond_due)


def _waiting_unowed(case: Case, agreed: Agreed) -> int | None:
    waits = case.state == "waiting" and case.waiting_on in PARTIES
    return _when(waits and not case.owed and not case.planned, case.last_at)


def _waiting_undated(case: Case, agreed: Agreed) -> int | None:
    return _when(case.state == "waiting" and case.waiting_until is None and not case.planned, case.last_at)


def _unheard(case: Case, agreed: Agreed) -> int | None:
    overdue = _open(case) and case.told_by is not None and case.told_by <= agreed.now
    rests = case.waiting_on == "customer" and _rests(case, agreed)
    return _when(overdue and not rests, case.told_by)


def _major_unheard(case: Case, agreed: Agreed) -> int | None:
    overdue = _open(case) and case.update_by is not None and case.update_by <= agreed.now
    return _when(overdue, case.update_by)


def _silent(case: Case, agreed: Agreed) -> int | None:
    if not _open(case) or _rests(case, agreed) or (case.planned and case.resolve_due > agreed.now):
        return None
    return agreed.passed(case.last_at, agreed.silent_after)


def _late_unexplained(case: Case, agreed: Agreed) -> int | None:
    late = _open(case) and not case.paused and case.resolve_due < agreed.now
    told = any(act.verb in TELLING and act.at >= case.resolve_due for act in case.did)
    return _when(late and not told, case.resolve_due)


def _no_solution(case: Case, agreed: Agreed) -> int | None:
    return _when(case.state in ("resolved", "closed") and not case.solved, case.ended_at)


def _no_cause(case: Case, agreed: Agreed) -> int | None:
    return _when(case.type == "incident" and not case.explained, case.resolved_at)


def _skipped(case: Case, agreed: Agreed) -> int | None:
    return _when(not _open(case), case.skipped)


def _forced(case: Case, agreed: Agreed) -> int | None:
    """The ladder closed it: nobody else resolves a ticket from a scheduled job."""
    last = next((act for act in reversed(case.did) if act.verb == "resolve"), None)
    return None if last is None or _open(case) or last.source != "cron" else last.at


def _returned(case: Case, agreed: Agreed) -> int | None:
    return _time(case, "return", agreed.returned_often)


def _reopened(case: Case, agreed: Agreed) -> int | None:
    return _time(case, "reopen", agreed.reopened_often)


def _time(case: Case, verb: str, times: int) -> int | None:
    """Return when something was done for the given time."""
    moments = [act.at for act in case.did if act.verb == verb]
    return moments[times - 1] if len(moments) >= times else None


def _to_and_fro(case: Case, agreed: Agreed) -> int | None:
    """It was moved from one group to another for the second time."""
    seen = set()
    for act in case.did:
        if act.move is not None and act.move in seen:
            return act.at
        seen.add(act.move)
    return None


def _overridden(case: Case, agreed: Agreed) -> int | None:
    moments = [act.at for act in case.did if act.override]
    since = moments[-1] if moments else case.opened_at
    return _when(case.priority != case.derived_priority and bool(case.override_reason), since)


def _override_unreasoned(case: Case, agreed: Agreed) -> int | None:
    broken = _editable(case) and case.priority != case.derived_priority and not case.override_reason
    return _when(broken, case.opened_at)


def _bare_escalation(case: Case, agreed: Agreed) -> int | None:
    """The group above got neither a reason nor a note: not with the step, not before, not since."""
    if not _open(case) or any(act.verb == "note" for act in case.did):
        return None
    bare = (act.at for act in case.did if act.higher and not act.reason and act.source != "import")
    return next(bare, None)


def _whole_ended(case: Case, agreed: Agreed) -> int | None:
    return case.whole[1] if _open(case) and case.whole is not None else None


def _problem_ended(case: Case, agreed: Agreed) -> int | None:
    return case.problem[1] if _open(case) and case.problem is not None else None


def _unowned(problem: Problem, agreed: Agreed) -> int | None:
    if problem.ended_at is not None or problem.owner:
        return None
    return agreed.passed(problem.opened_at, agreed.unowned_problem_after)


def _stuck(problem: Problem, agreed: Agreed) -> int | None:
    if problem.state != "open" or problem.cause or problem.workaround:
        return None
    return agreed.passed(problem.opened_at, agreed.stuck_problem_after)


# by the key of the rule in `rules.process`
BROKEN: dict[str, Callable[[Any, Agreed], int | None]] = {
    "no-category": _no_category,
    "catch-all-category": _catch_all,
    "no-contact": _no_contact,
    "no-target-group": _no_target_group,
    "not-taken": _not_taken,
    "waiting-without-owed": _waiting_unowed,
    "waiting-without-date": _waiting_undated,
    "highest-priority-unheard": _unheard,
    "major-unheard": _major_unheard,
    "silent": _silent,
    "late-unexplained": _late_unexplained,
    "no-solution": _no_solution,
    "no-cause": _no_cause,
    "skipped-item": _skipped,
    "closed-by-force": _forced,
    "returned-often": _returned,
    "reopened-often": _reopened,
    "to-and-fro": _to_and_fro,
    "priority-overridden": _overridden,
    "override-without-reason": _override_unreasoned,
    "escalated-without-reason": _bare_escalation,
    "whole-ended": _whole_ended,
    "problem-ended": _problem_ended,
    "problem-unowned": _unowned,
    "problem-stuck": _stuck,
}
