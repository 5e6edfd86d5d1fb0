"""Telling people of the desk in time: the escalation steps of the rulebook, each once per deadline.

`sweep` may run at any moment, any number of times. What was reached and never noted is told; the rows of
`alert` are what was noted, told or passed by.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.desk import Desk, calendars, tickets, updates
from sdtool.desk.letters import Letter, line, parted, queue, signature
from sdtool.errors import BadSetup
from sdtool.rulebook.chasing import Chasing, Escalation, Update, chasing
from sdtool.rules.escalation import Promise, left, news, reached
from sdtool.rules.worktime import Calendar
from sdtool.store.base import Row

KIND = "alert"
TRIES = 3  # tickets change while mails are written: then it is looked at again
NOT_STARTED = ("new", "assigned")


class Step(NamedTuple):
    """A step that was reached: `left` working seconds of the promise are left, negative when it is late."""

    ticket: int
    promise: str
    percent: int
    due: int
    left: int
    priority: int
    summary: str
    group: str
    agent: str
    tell: tuple[str, ...]


class Reader(NamedTuple):
    """Somebody who is told: where, in which language, and how to greet."""

    address: str
    language: str
    name: str


class Told(NamedTuple):
    """What a sweep did: the steps with who was told of each, and in how many mails."""

    steps: tuple[tuple[Step, tuple[str, ...]], ...] = ()
    mails: int = 0

    @property
    def unheard(self) -> int:
        """How many steps nobody could be told of, because no address is known."""
        return sum(not readers for _, readers in self.steps)


def sweep(desk: Desk) -> Told | None:
    """Tell what was reached since the last time; None when another run is at it.

    Mails are composed outside any transaction, since that is slow, and queued in the one that notes the
    steps, once it is seen that no ticket changed meanwhile.
    """
    if desk.store.dry_run:
        return _sweep(desk)
    with desk.store.lock("alerts") as ours:
        return _sweep(desk) if ours else None


def _sweep(desk: Desk) -> Told:
    for _ in range(TRIES):
        steps, notes, revs = look(desk)
        if not notes:
            break
        known = directory(desk)
        told = [(step, readers_of(known, step)) for step in steps]
        letters = list(_letters(desk, told))
        if desk.run(lambda: _apply(desk, notes, revs, letters)):  # noqa: B023 (runs at once)
            return Told(
                tuple((step, tuple(one.address for one in readers)) for step, readers in told), len(letters)
            )
    return Told()  # the desk is too busy: the next run makes up for it


def _apply(
    desk: Desk,
    notes: Sequence[Mapping[str, Any]],
    revs: Mapping[int, int],
    letters: Sequence[tuple[int | None, Letter]],
) -> bool:
    now = {
        number: desk.store.value("select rev from ticket where id = :id", id=number)
        for number in sorted(revs)
    }
    if now != revs:
        return False
    desk.store.insert("alert", *notes)
    for number, letter in letters:
        queue(desk, number, KIND, letter)
    return True


# --- Looking


def look(desk: Desk) -> tuple[list[Step], list[dict[str, Any]], dict[int, int]]:
    """Return the steps to tell, most urgent first, the rows to note, and the revisions this rests on."""
    lists = chasing(desk.rulebook)
    rows = _running(desk) if lists.escalations else []
    if not rows:
        return [], [], {}
    noted, heard = _noted(desk), updates.heard(desk.store, lists.updates) if lists.updates else {}
    since = min(row["opened_at"] for row in rows)
    steps, notes, revs = [], [], {}
    for row in rows:
        calendar = _calendar(desk, row, since)
        if not calendar.is_open(desk.now):
            continue  # what was reached at closing time is told when there is somebody to act on it
        for promise in _promises(desk, calendar, row, lists.updates, heard):
            known = noted.get((row["id"], promise.name), {})
            step, fresh = _judge(desk, calendar, row, promise, lists, known)
            steps += step
            notes += [
                {"ticket": row["id"], "promise": promise.name, "due_at": promise.due, "percent": percent,
                 "at": desk.now}
                for percent in sorted(fresh)
            ]  # fmt: skip
            if fresh:
                revs[row["id"]] = row["rev"]
    steps.sort(key=lambda step: (step.priority, step.left, step.ticket, step.promise))
    return steps, notes, revs


def _running(desk: Desk) -> Sequence[Row]:
    """Return what is asked of each open ticket; the index of open ones finds them among any number."""
    return desk.store.query(
        "select id, type, priority, state, summary, confidential, caller, group_key, agent, opened_at,"
        " accepted_at, responded_at, respond_due, respond_target, resolve_due, resolve_target, waiting_on,"
        " waiting_until, paused, service, rev from ticket where ended_at is null order by id"
    )


def _noted(desk: Desk) -> dict[tuple[int, str], dict[int, list[int]]]:
    """Return what was noted of open tickets: per ticket and promise, per deadline, oldest note first."""
    found: dict[tuple[int, str], dict[int, list[int]]] = {}
    rows = desk.store.query(
        "select alert.ticket, alert.promise, alert.due_at, alert.percent from ticket"
        " join alert on alert.ticket = ticket.id where ticket.ended_at is null"
        " order by alert.at, alert.due_at, alert.percent"
    )
    for row in rows:
        of = found.setdefault((row["ticket"], row["promise"]), {})
        percents = of.pop(row["due_at"], [])  # the deadline noted last stands last
        of[row["due_at"]] = [*percents, row["percent"]]
    return found


def _calendar(desk: Desk, row: Row, since: int) -> Calendar:
    """Return the calendar of a ticket's target, the desk's own when nothing is promised any more."""
    try:
        day = tickets.day_of(row["opened_at"], desk.timezone)
        key = desk.rulebook.target_on(row["type"], row["priority"], day).calendar
    except BadSetup:
        key = desk.rulebook.calendars[0].key
    return calendars.load(desk.store, desk.rulebook, key, since)


def _promises(
    desk: Desk,
    calendar: Calendar,
    row: Row,
    entries: Sequence[Update],
    heard: Mapping[int, updates.Heard],
) -> Iterator[Promise]:
    """Yield the promises about a ticket whose clock runs now."""
    waits = row["waiting_until"] is None or row["waiting_until"] > desk.now
    if not (row["paused"] and waits):
        if row["accepted_at"] is None and row["responded_at"] is None:
            yield Promise("respond", row["respond_due"], row["respond_target"])
        yield Promise("resolve", row["resolve_due"], row["resolve_target"])
    entry = updates.agreed(entries, row)
    if entry is not None and not (row["waiting_on"] == "customer" and waits):
        told = heard.get(row["id"], updates.NOTHING)
        yield updates.promised(calendar, entry, row["opened_at"], told)


def _judge(
    desk: Desk,
    calendar: Calendar,
    row: Row,
    promise: Promise,
    lists: Chasing,
    known: Mapping[int, list[int]],
) -> tuple[list[Step], set[int]]:
    """Return the step of a promise to tell, if there is one, and the percentages to note."""
    entries = [one for one in lists.escalations if one.promise == promise.name and _holds(one, row)]
    seconds = left(calendar, promise, desk.now)
    percents = reached(promise, seconds, {one.percent for one in entries})
    # a message to the customer makes a new promise; the other deadlines move, and stay the same promise
    former: list[int] = []
    if promise.name != updates.NAME:
        former = next((seen for at, seen in reversed([*known.items()]) if at != promise.due), [])
    percent, fresh = news(percents, known.get(promise.due, ()), former)
    if percent is None:
        return [], fresh
    tell = dict.fromkeys(one for entry in entries if entry.percent == percent for one in entry.tell)
    summary = "" if row["confidential"] else row["summary"]
    about = (row["priority"], summary, row["group_key"], row["agent"])
    return [Step(row["id"], promise.name, percent, promise.due, seconds, *about, tuple(tell))], fresh


def _holds(entry: Escalation, row: Row) -> bool:
    if entry.priority and row["priority"] not in entry.priority:
        return False
    if entry.only == "not-started":
        return row["state"] in NOT_STARTED
    return entry.only != "not-assigned" or not row["agent"]


# --- Who is told, and what


def directory(desk: Desk) -> dict[tuple[str, str], list[Reader]]:
    """Return who stands behind each word of `tell`: by ("agent", login), ("group", key), ("lead", "") …

    A group without an address of its own is its members. Who has no valid address is not there.
    """
    from sdtool.mail.compose import valid_address

    lists, language = chasing(desk.rulebook), desk.rulebook.organisation.language
    own = {agent.login: Reader(agent.mail, agent.language, agent.name) for agent in lists.agents}
    found = {("agent", login): [reader] for login, reader in own.items()}
    for group in desk.rulebook.groups:
        members = [own[login] for login in group.members if login in own]
        found["group", group.key] = [Reader(group.mail, language, group.name)] if group.mail else members
    for who, address in (("lead", lists.reminding.lead), ("manager", lists.reminding.manager)):
        known = (reader for reader in own.values() if reader.address.casefold() == address.casefold())
        found[who, ""] = [next(known, Reader(address, language, ""))]
    return {key: [one for one in readers if valid_address(one.address)] for key, readers in found.items()}


def readers_of(known: Mapping[tuple[str, str], Sequence[Reader]], step: Step) -> list[Reader]:
    """Return who is told of a step, each once."""
    found: dict[str, Reader] = {}
    for who in step.tell:
        key = {"agent": step.agent, "group": step.group}.get(who, "")
        for reader in known.get((who, key), ()):
            found.setdefault(reader.address.casefold(), reader)
    return list(found.values())


def _letters(
    desk: Desk, told: Iterable[tuple[Step, Sequence[Reader]]]
) -> Iterator[tuple[int | None, Letter]]:
    """Compose one mail for each reader, about all steps; with the ticket when it is about one."""
    steps: dict[str, list[Step]] = {}
    readers: dict[str, Reader] = {}
    for step, several in told:
        for reader in several:
            key = reader.address.casefold()
            steps.setdefault(key, []).append(step)
            readers.setdefault(key, reader)
    for key, reader in readers.items():
        numbers = {step.ticket for step in steps[key]}
        yield (min(numbers) if len(numbers) == 1 else None), _written(desk, reader, steps[key], numbers)


def _written(desk: Desk, reader: Reader, steps: Sequence[Step], numbers: set[int]) -> Letter:
    from sdtool import render

    language = render.known(reader.language)
    whole = render.text(
        "mail/alert",
        language,
        reader=line(reader.name),
        tickets=len(numbers),
        steps=[
            {**step._asdict(), "summary": line(step.summary), "group": _group(desk, step.group)}
            for step in steps
        ],
        zone=desk.timezone,
        **signature(desk),
    )
    about = min(numbers) if len(numbers) == 1 else None
    return parted(desk, about, reader.address, language, whole)


def _group(desk: Desk, key: str) -> str:
    return next((group.name for group in desk.rulebook.groups if group.key == key), key)
