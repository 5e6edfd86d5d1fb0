"""What the desk writes to managers, newcomers and HR about changes of staff.

A letter is owed because of how a change stands, not because of what just happened to it, and goes out once:
`post` may run at any moment, any number of times, and makes up for what an earlier run did not get to.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sdtool.desk import Desk, people, staff, tickets
from sdtool.desk.letters import Letter, line, parted, queue, signature
from sdtool.rulebook.staffing import Staffing, staffing
from sdtool.rules.lifecycle import ENDED_STATES, OPEN_STATES, Ticket
from sdtool.rules.packages import on_the_day
from sdtool.store.base import Store

KIND = "staff"
LOOK_BACK = 30 * 86_400  # seconds: an older end or withdrawal is no news to anybody
_SOLVED = ("resolved", "closed")
_OF_THEIR_OWN = ("registered", "moved", "ready")  # what a newcomer reads in words of their own


class Owed(NamedTuple):
    """A letter that is due: at which step, to which reader, where, in which language, and how to greet."""

    step: str
    to: str
    address: str
    language: str
    name: str


def owed(desk: Desk, change: staff.Change, parts: Sequence[Ticket]) -> list[Owed]:
    """Return the letters that a change is due as it stands, those sent already too.

    The rulebook says who reads what. About a confidential change nobody reads anything by mail, and a
    newcomer nothing once the day is past.

    Args:
        parts: the tickets of its services, of `staff.parts`.
    """
    lists, parent = staffing(desk.rulebook), tickets.get(desk.store, change.id)
    if parent.confidential:
        return []
    steps = _steps(lists, change, parent, parts)
    found: list[Owed] = []
    past = bool(change.day) and change.day < tickets.day_of(desk.now, desk.timezone)
    for mail in lists.staff_mails:
        agreed = mail.step in steps and (not mail.kind or change.kind in mail.kind)
        if agreed and not (past and mail.to == "newcomer"):
            found += _to(desk, lists, change, parent, mail.step, mail.to)
    return list(dict.fromkeys(found))


def _steps(lists: Staffing, change: staff.Change, parent: Ticket, parts: Sequence[Ticket]) -> set[str]:
    """Return the steps at which a change stands."""
    if change.withdrawn_at is not None:
        return {"withdrawn"}
    steps = set()
    if parent.state not in ENDED_STATES:
        steps.add("incomplete" if change.missing else "registered")
        if change.moves:
            steps.add("moved")
    needed = _needed(lists, parts)
    done = all(p.state in ENDED_STATES for p in needed) and any(p.state in _SOLVED for p in needed)
    if done and change.day and not change.missing and parent.state not in ("cancelled", "merged"):
        steps.add("ready")
    return steps


def _needed(lists: Staffing, parts: Sequence[Ticket]) -> Sequence[Ticket]:
    """Return the parts that are done before somebody starts; all of them where none is, as for who leaves."""
    later = on_the_day(lists.support_services)
    return [part for part in parts if not part.reversal and part.service not in later] or parts


def _to(
    desk: Desk, lists: Staffing, change: staff.Change, parent: Ticket, step: str, to: str
) -> Iterable[Owed]:
    """Yield the letter to a reader; none to who has no valid address."""
    from sdtool.mail.compose import valid_address

    values, told = change.data, ""
    if to == "hr":
        known = [lists.staff.hr_mail]
    elif to == "newcomer":
        known, told = [values.get("mail", "")], values.get("language", "")
    else:
        known = [values.get("manager_mail", "")]
        if parent.caller is not None:
            known.append(people.get(desk.store, parent.caller).mail or "")
    for address in filter(valid_address, known):
        name, language = _in_directory(desk.store, address)
        yield Owed(step, to, address, _language(desk, language or told), name)
        return


def _in_directory(store: Store, address: str) -> tuple[str, str]:
    """Return name and language of who has a mail address, "" when nobody has it."""
    row = store.one(
        "select name, language from person where mail_key = :key order by active desc, id limit 1",
        key=address.casefold(),
    )
    return (row["name"], row["language"]) if row is not None else ("", "")


def _language(desk: Desk, language: str) -> str:
    from sdtool import render

    return language if language in render.LANGUAGES else render.known(desk.rulebook.organisation.language)


# --- Posting


def post(desk: Desk, numbers: Iterable[int] | None = None, refused: list[str] | None = None) -> int:
    """Queue the letters that are owed and were never queued; return how many.

    Letters are composed outside any transaction, since that is slow, and queued in one a change, which
    looks again whether they are still due.

    Args:
        numbers: the changes to look at; None for those that run, or ended in the last LOOK_BACK seconds.
        refused: as for `staff.each`.
    """
    found = _recent(desk) if numbers is None else numbers
    return sum(staff.each(found, lambda number: _post(desk, number), refused))


def _recent(desk: Desk) -> list[int]:
    rows = desk.store.query(
        "select staff_change.id from staff_change join ticket on ticket.id = staff_change.id"
        " where ticket.confidential = 0 and (ticket.ended_at is null or ticket.ended_at >= :since"
        " or staff_change.withdrawn_at >= :since) order by staff_change.id",
        since=desk.now - LOOK_BACK,
    )
    return [row["id"] for row in rows]


def _post(desk: Desk, number: int) -> int:
    change, parts = staff.get(desk.store, number), staff.parts(desk.store, number)
    unsent = _unsent(desk, change, parts)
    written = [(letter, _written(desk, change, parts, letter)) for letter in unsent]
    return desk.run(lambda: _queue(desk, change, written)) if written else 0


def _queue(desk: Desk, change: staff.Change, written: Sequence[tuple[Owed, Letter]]) -> int:
    """Queue the letters of a change that are still owed; when it changed meanwhile, the next run tells."""
    now = staff.get(desk.store, change.id)
    still = _unsent(desk, now, staff.parts(desk.store, now.id)) if now.rev == change.rev else []
    return sum(
        queue(desk, change.id, KIND, letter, _key(change, due)) for due, letter in written if due in still
    )


def _unsent(desk: Desk, change: staff.Change, parts: Sequence[Ticket]) -> list[Owed]:
    told = _told(desk.store, change.id)
    found = [letter for letter in owed(desk, change, parts) if _is_news(change, letter, told)]
    # who hears of it for the first time now reads the new day in that letter
    first = {letter.to for letter in found if letter.step == "registered"}
    return [letter for letter in found if letter.step != "moved" or letter.to not in first]


def _told(store: Store, number: int) -> dict[tuple[str, str], int]:
    """Return what was queued about a change, by step and reader, and the last move that it told of."""
    told: dict[tuple[str, str], int] = {}
    rows = store.query(
        "select dedupe from outbox where dedupe >= :first and dedupe < :after order by dedupe",
        first=f"staff-{number}-",
        after=f"staff-{number}.",  # the character after the hyphen
    )
    for row in rows:
        _, _, step, to, *moves = row["dedupe"].split("-")
        told[step, to] = max(told.get((step, to), 0), int(moves[0]) if moves else 0)
    return told


def _is_news(change: staff.Change, letter: Owed, told: dict[tuple[str, str], int]) -> bool:
    if letter.step != "moved":
        return (letter.step, letter.to) not in told
    return change.moves > max(told.get((step, letter.to), 0) for step in ("registered", "moved"))


def _key(change: staff.Change, letter: Owed) -> str:
    """Return the name of a letter for ever; letters that tell the day say of which move they know."""
    key = f"staff-{change.id}-{letter.step}-{letter.to}"
    return f"{key}-{change.moves}" if change.moves and letter.step in ("registered", "moved") else key


# --- Words


def _written(desk: Desk, change: staff.Change, parts: Sequence[Ticket], due: Owed) -> Letter:
    """Compose a letter: the first line of a template is the subject."""
    from sdtool import render

    own = due.to == "newcomer" and change.kind == "onboarding" and due.step in _OF_THEIR_OWN
    name = f"mail/staff-{due.step}{'-newcomer' if own else ''}"
    whole = render.text(name, due.language, **_values(desk, change, parts, due))
    return parted(desk, change.id, due.address, due.language, re.sub(r"\n{3,}", "\n\n", whole))


def _values(desk: Desk, change: staff.Change, parts: Sequence[Ticket], due: Owed) -> dict[str, Any]:
    """Return what templates name: what this reader may know, each text on one line.

    HR reads no more of a row than name, staff number and day; the staff number is for HR alone.
    """
    from sdtool.rules.findings import label

    name = staff.full_name(change.data)
    hr = due.to == "hr"
    return {
        "kind": change.kind,
        "colleague": line(name or change.staff_number),
        "reader": line(name if due.to == "newcomer" else due.name),
        "number": line(change.staff_number) if hr else "",
        "day": change.day,
        "site": "" if hr else line(change.data.get("site", "")),
        "missing": [label(field, due.language) for field in change.missing],
        "services": _services(desk, parts, due, _SOLVED if due.step == "ready" else _SOLVED + OPEN_STATES),
        "later": _services(desk, parts, due, OPEN_STATES),
        **signature(desk),
    }


def _services(
    desk: Desk, parts: Iterable[Ticket], due: Owed, states: Collection[str]
) -> list[dict[str, Any]]:
    """Return the services in these states by deadline: name, day by which, whether it is done."""
    known = {service.key: service for service in staffing(desk.rulebook).support_services}
    found = []
    for part in sorted(parts, key=lambda part: (part.agreed_due or 0, part.id)):
        service, by = known.get(part.service), part.agreed_due
        if service is None or part.state not in states or (part.reversal and due.to == "newcomer"):
            continue
        day = tickets.day_of(by, desk.timezone) if by is not None else ""
        name = service.leave if part.reversal else service.name
        found.append({"name": name, "due": day, "done": part.state in _SOLVED})
    return found
