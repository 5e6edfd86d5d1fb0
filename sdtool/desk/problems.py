"""Problems: the cause of incidents, from the first suspicion over a known error to its solution."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.desk import Desk, handling, records, tickets
from sdtool.errors import Conflict, NotFound, Refused, UsageFault
from sdtool.rulebook import find
from sdtool.store.base import Row, Store

KIND = "problem"
STANDING = ("open", "known-error")
ENDED = ("resolved", "cancelled")
STATES = STANDING + ENDED
LONGEST_TITLE = 200
_TEXTS = ("title", "workaround", "cause", "solution")


class Problem(NamedTuple):
    """A problem; moments are epoch seconds. `known_at` is when it became a known error, with a workaround."""

    id: int
    title: str
    category: str
    owner: str
    state: str
    workaround: str
    cause: str
    solution: str
    opened_at: int
    known_at: int | None
    ended_at: int | None
    rev: int


def _problem(row: Row) -> Problem:
    return Problem(**{name: row[name] for name in Problem._fields})


# --- Reading


def get(store: Store, number: int) -> Problem:
    """Return the problem with this number; NotFound when there is none."""
    row = store.one("select * from problem where id = :id", id=number)
    if row is None:
        raise NotFound(f"there is no problem {number}; `sd problem list --state all` shows which there are")
    return _problem(row)


_LISTED = """
    select * from problem
    where (:state = 'all' or state = :state or (:state = 'standing' and state in ('open', 'known-error')))
        and (:owner = '' or owner = :owner or (:owner = '-' and owner = ''))
        and (:ticket = 0 or exists (
            select 1 from problem_ticket where problem_ticket.problem = problem.id and ticket = :ticket))
    order by id
"""


def listing(store: Store, *, state: str = "standing", owner: str = "", ticket: int = 0) -> list[Problem]:
    """Return problems by number: in one of STATES, `all` or `standing`; of an owner (`-`: of nobody)."""
    rows = store.query(_LISTED, state=state, owner=owner, ticket=ticket)
    return [_problem(row) for row in rows]


def tickets_of(store: Store, number: int) -> list[int]:
    """Return the incidents of a problem."""
    rows = store.query("select ticket from problem_ticket where problem = :id order by ticket", id=number)
    return [row["ticket"] for row in rows]


# --- Acts: each of them passes the gate


def _decide(problem: Problem, verb: str, now: int) -> dict[str, Any]:
    """Return what an act changes beside what it is given; Conflict when the state forbids it."""
    if verb == "reopen":
        if problem.state in STANDING:
            raise Conflict(f"problem {problem.id} is not ended: it is {problem.state}")
        return {"state": "known-error" if problem.known_at is not None else "open", "ended_at": None}
    if problem.state in ENDED:
        raise Conflict(
            f"problem {problem.id} is {problem.state} already",
            hint=f"`sd problem reopen {problem.id} --reason …` opens it again",
        )
    if verb == "known":
        return {"state": "known-error", "known_at": now if problem.known_at is None else problem.known_at}
    if verb in ("resolve", "cancel"):
        return {"state": "resolved" if verb == "resolve" else "cancelled", "ended_at": now}
    return {}


def _act(
    desk: Desk, number: int, verb: str, values: Mapping[str, Any], if_rev: int | None = None, **context: Any
) -> Problem:
    problem = get(desk.store, number)
    if if_rev is not None and problem.rev != if_rev:
        raise Conflict(
            f"problem {number} was changed meanwhile: it is at revision {problem.rev}, not {if_rev};"
            f" look at it with `sd problem show {number}` and decide again"
        )
    fields = {**values, **_decide(problem, verb, desk.now)}
    records.change(desk, KIND, problem, verb, fields, **context)
    return get(desk.store, number)


def new(
    desk: Desk,
    title: str,
    *,
    owner: str = "",
    category: str = "",
    workaround: str = "",
    numbers: Sequence[int] = (),
) -> Problem:
    """Open a problem, of incidents when `numbers` has any; with a workaround it is a known error at once.

    Raises:
        UsageFault, NotFound: the title, the login or the category is none.
        NotFound, Conflict, Refused: as for `link`.
    """
    given = _clean(desk, {"title": title, "owner": owner, "category": category, "workaround": workaround})
    rest = {"cause": "", "solution": "", "ended_at": None, "opened_at": desk.now}
    known = (
        {"state": "known-error", "known_at": desk.now} if workaround else {"state": "open", "known_at": None}
    )

    def work() -> Problem:
        number = records.add(desk, KIND, {**given, **rest, **known})
        return link(desk, number, numbers) if numbers else get(desk.store, number)

    return desk.run(work)


def edit(desk: Desk, number: int, values: Mapping[str, Any], *, if_rev: int | None = None) -> Problem:
    """Change title, owner, category or workaround; "" clears owner and category."""
    given = _clean(desk, values)
    return desk.run(lambda: _act(desk, number, "edit", given, if_rev))


def link(desk: Desk, number: int, numbers: Iterable[int], *, if_rev: int | None = None) -> Problem:
    """Say that incidents have this cause; one that is linked already stays so.

    Raises:
        NotFound: a ticket is none.
        Refused: a ticket is a request.
        Conflict: a ticket was cancelled or merged, or the problem ended.
        NotAllowed: a ticket is confidential, and not for the actor.
    """

    def work() -> Problem:
        problem, expected = get(desk.store, number), if_rev
        held = set(tickets_of(desk.store, number))
        for ticket in numbers:
            _require_incident(desk, ticket)
            if ticket not in held:
                problem = _act(desk, number, "link", {}, expected, ticket=ticket)
                desk.store.insert("problem_ticket", {"problem": number, "ticket": ticket})
                expected = None
        return problem

    return desk.run(work)


def unlink(desk: Desk, number: int, numbers: Iterable[int], *, if_rev: int | None = None) -> Problem:
    """Say that tickets do not have this cause.

    Raises:
        Conflict: one is not linked to the problem.
        NotAllowed: one is confidential, and not for the actor.
    """

    def work() -> Problem:
        problem, expected = get(desk.store, number), if_rev
        for ticket in numbers:
            tickets.require_readable(desk, tickets.get(desk.store, ticket))
            sql = "delete from problem_ticket where problem = :problem and ticket = :ticket"
            if not desk.store.execute(sql, problem=number, ticket=ticket):
                raise Conflict(f"ticket {ticket} is not linked to problem {number}")
            problem, expected = _act(desk, number, "unlink", {}, expected, ticket=ticket), None
        return problem

    return desk.run(work)


def known(desk: Desk, number: int, workaround: str, cause: str = "", *, if_rev: int | None = None) -> Problem:
    """Make it a known error: who handles its incidents sees the workaround. Again: put another one there."""
    texts = {"workaround": workaround, **({"cause": cause} if cause else {})}
    given = _clean(desk, texts, needed=("workaround",))
    return desk.run(lambda: _act(desk, number, "known", given, if_rev))


def resolve(desk: Desk, number: int, cause: str, solution: str, *, if_rev: int | None = None) -> Problem:
    """The cause is found and taken away; both are kept. Its tickets stay as they are."""
    given = _clean(desk, {"cause": cause, "solution": solution}, needed=("cause", "solution"))
    return desk.run(lambda: _act(desk, number, "resolve", given, if_rev))


def cancel(desk: Desk, number: int, reason: str, *, if_rev: int | None = None) -> Problem:
    """It is no problem: its incidents have no cause in common. They are no candidate again."""
    why = handling.text_of("reason", reason, longest=500)
    return desk.run(lambda: _act(desk, number, "cancel", {}, if_rev, reason=why))


def reopen(desk: Desk, number: int, reason: str, *, if_rev: int | None = None) -> Problem:
    """It came back, or was ended too soon; a known error is one again. Cause and solution are kept."""
    why = handling.text_of("reason", reason, longest=500)
    return desk.run(lambda: _act(desk, number, "reopen", {}, if_rev, reason=why))


def _clean(desk: Desk, values: Mapping[str, Any], needed: Sequence[str] = ()) -> dict[str, Any]:
    given = dict(values)
    for name in _TEXTS:
        if given.get(name) or name in needed or (name == "title" and name in given):
            longest = LONGEST_TITLE if name == "title" else handling.LONGEST_TEXT
            given[name] = handling.text_of(name, given[name], longest=longest)
    if "\n" in given.get("title", ""):
        raise UsageFault("the title is one line")
    if given.get("owner"):
        given["owner"] = handling.login(desk, given["owner"])
    if given.get("category"):
        find(desk.rulebook.categories, given["category"], "category")
    return given


def _require_incident(desk: Desk, number: int) -> None:
    ticket = tickets.get(desk.store, number)
    tickets.require_readable(desk, ticket)
    if ticket.type != "incident":
        raise Refused(
            f"ticket {number} is a {ticket.type}: a problem is the cause of incidents",
            hint=f"`sd edit {number} --type incident` corrects it",
        )
    if ticket.state == "merged":
        raise Conflict(f"ticket {number} was merged into {ticket.merged_into}: link that one")
    if ticket.state == "cancelled":
        raise Conflict(f"ticket {number} is cancelled: it tells nothing of a problem")
