"""The rows of an export, translated by a map into the lives of tickets; nothing is stored here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from operator import attrgetter
from typing import Any, NamedTuple

from sdtool.desk.fmis_dates import Dates
from sdtool.desk.fmis_map import (
    COUNTERS,
    DEFAULTABLE,
    FIELDS,
    KEYS,
    MOMENTS,
    MUST,
    NAMES,
    TEXTS,
    Map,
    allowed,
)
from sdtool.desk.registration import LONGEST_SUMMARY, LONGEST_TEXT
from sdtool.desk.tables import Fault, Table, refused
from sdtool.digest import hexdigest
from sdtool.output import local
from sdtool.rulebook import Rulebook

EARLIEST = 631_152_000  # 1990: before that, a moment is a slip or the zero of some calendar
_LONGEST_NAME = 200
_HISTORY = ("moment", *KEYS, "agent", *COUNTERS)  # what a row of a log says itself, and never says otherwise


class Event(NamedTuple):
    """A row: what a ticket was at a moment; None is a counter or moment that the row does not say.

    `mark` identifies the row when it comes again; `priority` is 0 when the file has none;
    `label` is the state in the other system's words.
    """

    line: int
    mark: str
    moment: int
    state: str
    label: str
    group: str
    agent: str
    category: str
    type: str
    urgency: str
    impact: str
    priority: int
    channel: str
    summary: str
    description: str
    solution: str
    caller: str
    resolver: str
    by: str
    opened_at: int | None
    resolved_at: int | None
    closed_at: int | None
    reassignments: int | None
    reopens: int | None


class Case(NamedTuple):
    """A ticket of the file: its number there, its rows in the order in which they happened."""

    reference: str
    events: list[Event]

    @property
    def opened_at(self) -> int:
        """The moment it was made; that of its first row when the file does not say."""
        said = next((event.opened_at for event in self.events if event.opened_at is not None), None)
        return self.events[0].moment if said is None else said


def read_cases(path: str, table: Table, map_: Map, book: Rulebook, now: int) -> list[Case]:
    """Return the tickets of a table, by the moment they were made.

    Raises:
        BadInput: a column is missing, or a cell cannot be translated; the first faults are listed.
    """
    reader = _Reader(map_, book, now)
    faults = [
        Fault(1, f"there is no column {name!r}, which the map names for {field}")
        for field, columns in map_.columns.items()
        for name in columns
        if name not in table.header
    ]
    if faults:
        raise refused(path, faults)
    cases: dict[str, list[Event]] = {}
    for line, record in table.records():
        reference, event = reader.event(line, record)
        cases.setdefault(reference, []).append(event)
    if reader.faults:
        raise refused(path, reader.all_faults())
    return sorted((Case(ref, _in_order(events)) for ref, events in cases.items()), key=_opened)


def _opened(case: Case) -> tuple[int, str]:
    return case.opened_at, case.reference


def _in_order(events: list[Event]) -> list[Event]:
    """Return rows as they happened; those of one moment as the file has them, newest first or last.

    Of rows alike in all, as of one minute, each gets a mark of its own.
    """
    if events[0].moment > events[-1].moment:
        events = events[::-1]
    seen = Counter[str]()
    ordered = []
    for event in sorted(events, key=attrgetter("moment")):
        seen[event.mark] += 1
        times = seen[event.mark]
        ordered.append(event if times == 1 else event._replace(mark=f"{event.mark}:{times}"))
    return ordered


class _Reader:
    """Translates cells, collecting faults; a wrong value is told once, with how often it occurs."""

    def __init__(self, map_: Map, book: Rulebook, now: int) -> None:
        self._map, self._book, self._now = map_, book, now
        self._dates = Dates(map_.patterns, map_.timezone)
        self._known: dict[tuple[str, str], str] = {}
        self._counted: dict[str, int] = {}
        self._line = 0
        log = map_.rows == "event"
        self._marked = [field for field in map_.columns if not log or field in _HISTORY]
        self.faults: list[Fault] = []

    def all_faults(self) -> list[Fault]:
        """Return every fault in the order of the lines."""
        more = {text: f" ({count} rows)" for text, count in self._counted.items() if count > 1}
        return sorted(Fault(line, text + more.get(text, "")) for line, text in self.faults)

    def _fault(self, text: str, *, recurs: bool = False) -> None:
        """Note a fault of this row; one that `recurs` for the same reason is told at its first line."""
        if recurs:
            self._counted[text] = self._counted.get(text, 0) + 1
            if self._counted[text] > 1:
                return
        self.faults.append(Fault(self._line, text))

    def event(self, line: int, record: Mapping[str, str]) -> tuple[str, Event]:
        """Return the ticket's number in the other system and the row; faults are noted."""
        self._line = line
        cells = {field: self._cell(field, record) for field in self._map.columns}
        reference = cells["reference"]
        if not reference:
            self._fault(f"the reference is empty ({self._map.columns['reference'][0]})")
        self._length("reference", reference, _LONGEST_NAME)
        values: dict[str, Any] = {field: self._value(field, cells.get(field, "")) for field in FIELDS[1:]}
        values |= self._summary(values, reference)
        for field in MUST[self._map.rows]:
            if field in MOMENTS and not cells[field]:
                self._fault(f"the {field} is empty ({self._map.columns[field][0]})")
        values["moment"] = self._happened(values)
        mark = hexdigest("\x1f".join(cells[field] for field in self._marked))[:20]
        return reference, Event(line=line, mark=mark, label=cells.get("state", ""), **values)

    def _cell(self, field: str, record: Mapping[str, str]) -> str:
        texts = (record[name].strip() for name in self._map.columns[field])
        return ", ".join(text for text in texts if text not in self._map.empty)

    def _value(self, field: str, text: str) -> Any:
        if field in MOMENTS:
            return self._when(field, text) if text else None
        if field in COUNTERS:
            return self._count(field, text) if text else None
        known = self._known.get((field, text))
        if known is None:
            known = self._translate(field, text)
            if known is None:
                return 0 if field == "priority" else ""
            self._known[field, text] = known
        return int(known or 0) if field == "priority" else known

    def _when(self, field: str, text: str) -> int | None:
        at = self._dates.read(text)
        column = self._map.columns[field][0]
        if at is None:
            first, others = self._map.formats[0], len(self._map.formats) - 1
            more = f", nor in one of the map's {others} other formats" if others else ""
            self._fault(f"{column} {text[:100]!r} is no moment written as {first}{more}")
        elif at > self._now:
            shown = local(self._now, self._map.timezone)
            self._fault(f"{column} {text!r} lies in the future (it is {shown} in {self._map.timezone})")
        elif at < EARLIEST:
            self._fault(f"{column} {text!r} lies before 1990")
        return at

    def _count(self, field: str, text: str) -> int | None:
        if text.isascii() and text.isdigit() and len(text) < 7:
            return int(text)
        self._fault(f"{self._map.columns[field][0]} {text!r} is no whole number")
        return None

    def _translate(self, field: str, text: str) -> str | None:
        """Return our value for a cell; None after noting that there is none."""
        if not text:
            return self._empty(field)
        pairs = self._map.values.get(field, {})
        value = pairs.get(text, pairs.get("*", text))
        free = field not in KEYS or field in self._map.keep or text in pairs or "*" in pairs
        if not free and value not in allowed(self._book, field):
            self._unknown(field, text)
            return None
        if field not in TEXTS:
            self._length(field, value, _LONGEST_NAME)
        return value

    def _unknown(self, field: str, text: str) -> None:
        column = self._map.columns[field][0]
        self._fault(
            f"{column} {text[:100]!r} is no {field} we know: translate it in [values.{field}]", recurs=True
        )

    def _empty(self, field: str) -> str | None:
        if field in self._map.defaults or field in (*NAMES, *TEXTS):
            return self._map.defaults.get(field, "")
        if field in ("type", "impact", "priority"):
            return "incident" if field == "type" else self._book.default_impact() if field == "impact" else ""
        hint = ", and the map has no default for it" if field in DEFAULTABLE else ""
        self._fault(f"the {field} is empty{hint}", recurs=True)
        return None

    def _length(self, field: str, text: str, most: int) -> None:
        if len(text) > most:
            self._fault(f"the {field} has {len(text)} characters, at most {most} are kept")

    def _summary(self, values: Mapping[str, Any], reference: str) -> dict[str, str]:
        """A ticket needs a summary of one line; what is too long for it goes on in the description."""
        summary, description = " ".join(values["summary"].split()) or reference, values["description"]
        if len(summary) > LONGEST_SUMMARY:
            description = f"{summary}\n\n{description}".strip()
            summary = summary[: LONGEST_SUMMARY - 1] + "…"
        self._length("description", description, LONGEST_TEXT)
        self._length("solution", values["solution"], LONGEST_TEXT)
        return {"summary": summary, "description": description}

    def _happened(self, values: Mapping[str, Any]) -> int:
        """Return when the row was true: what it says, else the last moment it knows, else now."""
        known = (values[field] for field in ("moment", "closed_at", "resolved_at"))
        return int(next((at for at in known if at is not None), self._now))
