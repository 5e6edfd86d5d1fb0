"""Tickets with their history out of another system, each of its rows once.

The import commits a hundred tickets at a time, and lets others in between. What it took in
stands in the journal: run again, it goes on where it was stopped, and adds only what is new.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, NamedTuple

from sdtool.desk import Desk, calendars, people, registration, tickets
from sdtool.desk.fmis_life import Life, priority, remembered
from sdtool.desk.fmis_map import Map, load
from sdtool.desk.fmis_rows import Case, Event, read_cases
from sdtool.desk.tables import read_table
from sdtool.errors import SdError
from sdtool.rules.lifecycle import Ticket
from sdtool.store.base import Store
from sdtool.store.journal import history

SLICE = 100  # tickets that are committed together: a fraction of a second
BREATH = 0.04  # seconds between two slices; who waits for the gate looks at it every 0.02 s


class Imported(NamedTuple):
    """What an import did (or, on a dry run, would do).

    Of `tickets` in the file, `added` were not here, `extended` got new rows, `same` had none.
    `rows` are those of the file, `acts` the events they became. `late` rows are older than what
    was taken in before, and left out. `callers` were added to the directory; `unknown` callers
    fit nobody or several people: those tickets have none. `whole` is False when the file's last
    line lacks its end.
    """

    tickets: int
    rows: int
    added: int
    extended: int
    same: int
    acts: int
    late: int
    callers: int
    unknown: int
    whole: bool


def import_file(desk: Desk, path: str, map_name: str, *, encoding: str | None = None) -> Imported:
    """Import tickets from a CSV file by a map (a path, or the name of a shipped one).

    Raises:
        NotFound: there is no such file or map.
        BadInput: map or file have faults; all are listed, nothing is stored.
    """
    map_ = load(map_name, desk.rulebook)
    table = read_table(path, encoding=encoding)
    cases = read_cases(path, table, map_, desk.rulebook, desk.now)
    desk = Desk(desk.store, desk.rulebook, desk.settings, actor=desk.actor, source="import", now=desk.now)
    return import_cases(desk, map_, cases)._replace(whole=table.ended, rows=len(table.rows))


def import_cases(desk: Desk, map_: Map, cases: Sequence[Case]) -> Imported:
    """Import tickets, a hundred in a transaction; a ticket is taken in whole or not at all."""
    if cases:
        _prepare_calendars(desk, cases)
    counts, names = Counter[str](), set[str]()
    for first in range(0, len(cases), SLICE):
        if first:
            time.sleep(BREATH)
        part = cases[first : first + SLICE]
        try:
            counts += desk.run(partial(_slice, desk, map_, part, names))
        except SdError as exc:
            if first and not desk.store.dry_run:
                exc.hint = (
                    f"{first} tickets of the file are imported: run it again, and it goes on from there"
                )
            raise
    return Imported(
        tickets=len(cases),
        rows=sum(len(case.events) for case in cases),
        added=counts["added"],
        extended=counts["extended"],
        same=counts["same"],
        acts=counts["acts"],
        late=counts["late"],
        callers=len(names),
        unknown=counts["unknown"],
        whole=True,
    )


def _prepare_calendars(desk: Desk, cases: Sequence[Case]) -> None:
    """Fill the days off for the years of the data, and load calendars that begin before all of it."""
    opened = cases[0].opened_at
    last = max(case.events[-1].moment for case in cases)
    first_year, last_year = (datetime.fromtimestamp(at, UTC).year for at in (opened, max(opened, last)))
    years = range(first_year, last_year + 2)  # a deadline may lie in the next year
    missing = [year for year in years if not calendars.covered(desk.store, desk.rulebook, year)]
    if missing:
        calendars.sync(desk, range(missing[0], missing[-1] + 1))
    for key in dict.fromkeys(calendar.key for calendar in desk.rulebook.calendars):
        calendars.load(desk.store, desk.rulebook, key, opened)


def _slice(desk: Desk, map_: Map, cases: Sequence[Case], names: set[str]) -> Counter[str]:
    counts = Counter[str]()
    callers = _Callers(desk, map_.create_callers)
    for case in cases:
        desk.store.act = None  # each ticket is an act of its own
        ticket = tickets.by_reference(desk.store, case.reference)
        if ticket is None:
            life = Life(desk, map_, _register(desk, map_, case, callers), [])
            life.follow(case, {event.mark for event in case.events})
            counts += Counter(added=1, acts=life.acts + 1)
        else:
            _extend(desk, map_, case, ticket, counts)
    counts["unknown"] += callers.unknown
    names |= callers.added
    return counts


def _extend(desk: Desk, map_: Map, case: Case, ticket: Ticket, counts: Counter[str]) -> None:
    known, until = _taken_in(desk.store, ticket)
    new = [event for event in case.events if event.mark not in known]
    # without a column for it, the moment of a row is a guess and says nothing about its place
    late = [event for event in new if event.moment < until] if "moment" in map_.columns else []
    counts["late"] += len(late)
    new = [event for event in new if event not in late]
    if not new:
        counts["same"] += 1
        return
    life = Life(desk, map_, ticket, new)
    life.follow(case, {event.mark for event in new})
    counts += Counter(extended=1, acts=life.acts)


def _taken_in(store: Store, ticket: Ticket) -> tuple[set[str], int]:
    """Return the marks of the rows taken in before, and the moment up to which they tell the life."""
    known: set[str] = set()
    until = last = ticket.opened_at
    for event in history(store, "ticket", ticket.id):
        said = event["data"].get("fmis", {})
        if "rows" in said:
            known.update(said["rows"])
            until = max(until, said["until"])
        last = event["at"]
    return known, until if known else last  # registered here, and only now found in a file


def _register(desk: Desk, map_: Map, case: Case, callers: _Callers) -> Ticket:
    first, opened = case.events[0], case.opened_at
    caller = callers.find(first.caller)
    said = {**remembered(case.events), **({"by": first.by} if first.by else {})}
    if first.caller and caller is None:
        said["caller"] = first.caller
    fields: dict[str, Any] = {
        "fmis_ref": case.reference,
        "type": first.type,
        "summary": first.summary,
        "description": first.description,
        "state": "new",
        "caller": caller.id if caller else None,
        "channel": first.channel,
        "category": first.category,
        "urgency": first.urgency,
        "impact": first.impact,
        "target_group": _target_group(desk, caller),
        "group_key": first.group,
        "registered_by": desk.actor,
        "opened_at": opened,
        "reassignments": first.reassignments or 0,
        "reopens": first.reopens or 0,
        **_holder(map_, first),
    }
    fields |= priority(desk, registration.blank()._replace(**fields), first)
    context = {"route_reason": "as in the FMIS", "fmis": said}
    # what has its history from elsewhere was worked on there: no checklist of ours goes with it
    return registration.create(desk, fields, context, opened, items=())


def _holder(map_: Map, first: Event) -> dict[str, str]:
    """A row that is a whole ticket does not say when its agent got it: then at its making."""
    return {"agent": first.agent, "state": "assigned"} if map_.rows == "ticket" and first.agent else {}


def _target_group(desk: Desk, caller: people.Person | None) -> str:
    known = {group.key for group in desk.rulebook.target_groups}
    if caller is not None and caller.target_group in known:
        return caller.target_group
    return desk.rulebook.default_target_group()


class _Callers:
    """Finds callers by mail, staff number or whole name, each once; adds them when the map says so."""

    def __init__(self, desk: Desk, create: bool) -> None:
        self._desk, self._create = desk, create
        self._found: dict[str, people.Person | None] = {}
        self.added: set[str] = set()
        self.unknown = 0

    def find(self, text: str) -> people.Person | None:
        """Return the person; None when the file names nobody, or nobody can be told."""
        if not text:
            return None
        if text not in self._found:
            self._found[text] = self._look(text)
        self.unknown += self._found[text] is None
        return self._found[text]

    def _look(self, text: str) -> people.Person | None:
        store = self._desk.store
        rows = store.query(
            "select id from person where mail_key = :mail or staff_number = :text order by id",
            mail=text.casefold(),
            text=text,
        ) or store.query(
            "select id from person where name_key = :name order by active desc, id limit 2",
            name=people.fold(text),
        )
        if len(rows) == 1:
            return people.get(store, rows[0]["id"])
        if rows or not self._create:
            return None
        self.added.add(text)
        return people.add(self._desk, {"name": text})
