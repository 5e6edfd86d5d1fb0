"""Taking in what HR tells of a colleague: a change is registered, changed or withdrawn, or nothing is new."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sdtool.desk import Desk, people, staff, tickets
from sdtool.desk.staff_tickets import make_parent, settle, wanted
from sdtool.errors import Conflict, NotFound, UsageFault
from sdtool.rulebook.staffing import staffing
from sdtool.rules.completeness import DAY_FIELD
from sdtool.rules.completeness import missing as lacking
from sdtool.rules.lifecycle import ENDED_STATES
from sdtool.rules.packages import services_of
from sdtool.store.base import Store


def take_in(desk: Desk, kind: str, values: Mapping[str, str], *, again: bool = False) -> staff.Outcome:
    """Take one row of HR in: register a change, change it, withdraw it, or see that nothing is new.

    All of it in one transaction. The same row again changes nothing; an empty field never erases one.

    Args:
        values: clean values of `completeness.read_row`; `staff_number` at least, `status` "withdrawn" for
            who does not come, move or leave after all.
        again: register what was withdrawn for that day anew; a file that still holds it does not.
    """
    return desk.run(lambda: _take_in(desk, kind, values, again))


def _take_in(desk: Desk, kind: str, values: Mapping[str, str], again: bool) -> staff.Outcome:
    given = {name: value for name, value in values.items() if value and name != "status"}
    number, day = given["staff_number"], given.get(DAY_FIELD[kind], "")
    change = _expected(desk.store, kind, number, day)
    if values.get("status") == "withdrawn":
        if change is not None:
            return withdraw(desk, change)
        gone = _withdrawn(desk.store, kind, number, day, undated=not day)
        return staff.Outcome("unknown" if gone is None else "unchanged", gone or 0)
    if change is not None:
        return update(desk, change, given)
    gone = None if again else _withdrawn(desk.store, kind, number, day)
    if gone is not None:
        remark = f"was withdrawn (SD-{gone}); `sd {kind} new {number} …` registers it anew"
        return staff.Outcome("unchanged", gone, (remark,))
    return _register(desk, kind, given)


def _withdrawn(store: Store, kind: str, staff_number: str, day: str, *, undated: bool = False) -> int | None:
    """Return the change of that day (`undated`: of any) that was withdrawn, None when there is none."""
    found: int | None = store.value(
        "select max(id) from staff_change where staff_number = :number and kind = :kind"
        " and (day = :day or :undated = 1) and withdrawn_at is not null",
        undated=int(undated),
        number=staff_number,
        kind=kind,
        day=day,
    )
    return found


def _expected(store: Store, kind: str, staff_number: str, day: str) -> staff.Change | None:
    """Return the change that a row means: the one of that day, else the one that still runs."""
    rows = store.query(
        "select staff_change.*, ticket.ended_at from staff_change join ticket on ticket.id = staff_change.id"
        " where staff_number = :number and kind = :kind and withdrawn_at is null order by staff_change.id",
        number=staff_number,
        kind=kind,
    )
    same = [row for row in rows if row["day"] == day]
    running = [row for row in rows if row["ended_at"] is None]
    chosen = same or running
    return staff.read(chosen[-1]) if chosen else None


def _register(desk: Desk, kind: str, given: dict[str, str]) -> staff.Outcome:
    lists, day = staffing(desk.rulebook), given.get(DAY_FIELD[kind], "")
    person = _person(desk, kind, given)
    values = _with_known(desk, given, person)
    missing = lacking(values, kind, lists)
    parent = make_parent(desk, kind, values, day)
    number = given["staff_number"]
    held = staff.held_by(desk.store, number) if kind != "onboarding" else set()
    if kind != "onboarding" and not held:  # given before this was kept: what the packages say counts
        held = services_of(lists.packages, _old_values(desk, number, person))
    change = staff.Change(
        parent.id, kind, number, day, values, tuple(sorted(held)), tuple(missing), person, desk.now,
        int(not missing), 0, None, None, 1,
    )  # fmt: skip
    staff.add(desk, change)
    return staff.Outcome("new", change.id, tuple(settle(desk, change)))


def update(desk: Desk, change: staff.Change, given: Mapping[str, str]) -> staff.Outcome:
    """Change what HR told about a change, as part of a transaction; empty fields stay as they were."""
    values = _merged(change.data, given)
    day = values.get(DAY_FIELD[change.kind], "")
    lists = staffing(desk.rulebook)
    missing = tuple(lacking(values, change.kind, lists))
    ended = tickets.get(desk.store, change.id).state in ENDED_STATES
    if ended or (values == change.data and missing == change.missing):
        return staff.Outcome("unchanged", change.id)
    tickets.require_readable(desk, tickets.get(desk.store, change.id))
    moves = change.moves + int(bool(change.day) and day != change.day)
    before = set(wanted(lists, change))
    # what the directory knew of it already is brought up to it anew
    after = staff.write(
        desk, change, "edit", data=values, day=day, missing=missing, moves=moves, applied_at=None
    )
    if _left_too_soon(desk, change) and day >= tickets.day_of(desk.now, desk.timezone):
        _set_active(desk, change, 1)
    if change.kind == "onboarding" and change.person is not None:
        people.edit(desk, change.person, staff.directory(values))
    again = set(wanted(lists, after)) - before
    return staff.Outcome("changed", change.id, tuple(settle(desk, after, again)))


def complete(desk: Desk, number: int, kind: str, given: Mapping[str, str]) -> staff.Outcome:
    """Change what HR told about the change of this ticket; the faults are those of `running`.

    Raises:
        UsageFault: another staff number: that is another change.
    """

    def work() -> staff.Outcome:
        change = running(desk, number, kind)
        if given.get("staff_number", change.staff_number) != change.staff_number:
            raise UsageFault("a staff number is not changed: withdraw this one, and register the right one")
        return update(desk, change, {name: value for name, value in given.items() if value})

    return desk.run(work)


def running(desk: Desk, number: int, kind: str) -> staff.Change:
    """Return the change of this ticket.

    Raises:
        NotFound: it is none of this kind.
        Conflict: it ended, or was withdrawn.
    """
    change = staff.get(desk.store, number)
    if change.kind != kind:
        raise NotFound(f"ticket {number} is no {kind} but {change.kind}: use `sd {change.kind} …`")
    state = "withdrawn" if change.withdrawn_at is not None else tickets.get(desk.store, number).state
    if state == "withdrawn" or state in ENDED_STATES:
        raise Conflict(f"{kind} {number} is {state}: nothing about it changes any more")
    return change


def withdraw(desk: Desk, change: staff.Change) -> staff.Outcome:
    """Take a change back, as part of a transaction: what was not begun ends, what was done is undone."""
    if tickets.get(desk.store, change.id).state in ENDED_STATES and change.kind != "onboarding":
        return staff.Outcome("unchanged", change.id)
    tickets.require_readable(desk, tickets.get(desk.store, change.id))
    after = staff.write(desk, change, "withdraw", withdrawn_at=desk.now)
    if _left_too_soon(desk, change):
        _set_active(desk, change, 1)
    elif change.kind == "onboarding" and (
        _came_with(desk.store, change) or staff.gone(desk.store, change.staff_number)
    ):
        _set_active(desk, change, 0)
    return staff.Outcome("withdrawn", change.id, tuple(settle(desk, after)))


def _merged(known: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the values after new ones: a whole name and its two halves do not outlive each other."""
    halves = {"first_name", "last_name"}
    if "name" in given and not halves & set(given) and given["name"] != staff.full_name(known):
        known = {name: value for name, value in known.items() if name not in halves}
    elif halves & set(given) and "name" not in given:
        known = {name: value for name, value in known.items() if name != "name"}
    return {**known, **given}


# --- People


def _left_too_soon(desk: Desk, change: staff.Change) -> bool:
    """Tell whether the directory has it that somebody left, for an end that changes now."""
    return change.kind == "offboarding" and change.applied_at is not None


def _set_active(desk: Desk, change: staff.Change, active: int) -> None:
    if change.person is not None:
        people.edit(desk, change.person, {"active": active})


def _came_with(store: Store, change: staff.Change) -> bool:
    """Tell whether the colleague came into the directory with this change: nobody knew them before."""
    first = store.value(
        "select min(at) from event where kind = 'person' and subject = :person", person=change.person
    )
    return first is not None and int(first) >= change.known_at


def _person(desk: Desk, kind: str, values: Mapping[str, str]) -> int | None:
    """Return the colleague's number in the directory; who comes and is not there yet is added."""
    known = people.twin_of(desk.store, values)
    if known is not None:
        if kind == "onboarding":
            people.edit(desk, known.id, {**staff.directory(values), "active": 1})
        return known.id
    added = {"name": staff.full_name(values), **staff.directory(values)}
    return people.add(desk, added).id if kind == "onboarding" else None


def _with_known(desk: Desk, given: dict[str, str], person: int | None) -> dict[str, str]:
    """Complete what HR told with name and target group of the directory."""
    values = dict(given)
    if person is not None and staff.full_name(given) == given["staff_number"]:
        values["name"] = people.get(desk.store, person).name
    if not given.get("target_group"):
        default = desk.rulebook.default_target_group()
        values["target_group"] = default if person is None else people.target_group(desk, person)
    return values


def _old_values(desk: Desk, staff_number: str, person: int | None) -> dict[str, str]:
    """Return what is known of a colleague before a change: the last one told, else the directory."""
    row = desk.store.one(
        "select data from staff_change where staff_number = :number and withdrawn_at is null"
        " order by id desc limit 1",
        number=staff_number,
    )
    if row is not None:
        return dict(json.loads(row["data"]))
    if person is None:
        return {}
    known = people.get(desk.store, person)
    return {"target_group": known.target_group, "department": known.department}
