"""Whether each line of the service sheet holds a KPI that can be computed to a value that it can have.

`sd fiche check` and `sd rulebook check` both look here; that services and dates agree is looked at with the
rest of the rulebook.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from sdtool.reports.entry import TICKETS, Kpi
from sdtool.reports.knowledge import KPIS as KNOWLEDGE
from sdtool.reports.phone import KPIS as PHONE
from sdtool.reports.registry import kpis
from sdtool.reports.satisfaction import SATISFACTION
from sdtool.reports.sheet import BETTER
from sdtool.reports.staffing import STAFFING
from sdtool.rulebook import Norm, Rulebook
from sdtool.rulebook.chasing import chasing
from sdtool.rulebook.check import check
from sdtool.rulebook.read import Fault, Positions, Reader, parse
from sdtool.rulebook.sheet import AT_LEAST, AT_MOST
from sdtool.rulebook.staffing import staffing
from sdtool.store.base import Store

SECTIONS = ("services", "service_sheet")
_ASKED, _STAFFED = ({entry.key for entry in part} for part in (SATISFACTION, STAFFING))
_LIVE = {"phone", "mail", "counter"}  # the channels of a first contact
# KPIs that need what somebody brings in: their entries, a look at whether it is there, what is missing
_BROUGHT_IN = (
    (KNOWLEDGE, "select 1 as one from article limit 1", "no article was registered yet, see `sd article`"),
    (PHONE, "select 1 as one from call_day limit 1", "no calls were imported yet, see `sd calls import`"),
)


def checked(content: bytes) -> tuple[Rulebook | None, list[Fault]]:
    """Return a rulebook (None when unreadable) and every fault of it, those of its service sheet included."""
    return check(content, also=LOOKS)


def readable(content: bytes) -> bool:
    """Tell whether a rulebook is TOML at all; otherwise its one fault is that of the syntax."""
    return not isinstance(parse(content), Fault)


def of_sheet(content: bytes, faults: list[Fault]) -> list[Fault]:
    """Return those of a readable rulebook's faults that stand in its service sheet."""
    positions = Positions(content.decode("utf-8-sig"))
    return [fault for fault in faults if positions.section(fault.line) in SECTIONS]


def without_data(book: Rulebook, content: bytes, store: Store) -> list[Fault]:
    """Return a warning for each line of which the desk has no data yet."""
    positions, found = Positions(content.decode("utf-8-sig")), []
    for entries, sql, why in _BROUGHT_IN:
        keys = {entry.key for entry in entries}
        asked = [index for index, line in enumerate(book.service_sheet) if line.kpi in keys]
        if asked and store.one(sql) is None:
            for index in asked:
                line = positions.line("service_sheet", index, "kpi")
                text = f"{book.service_sheet[index].kpi} has no figures: {why}"
                found.append(Fault(line, text, "warning"))
    return found


def _norms(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Each line holds a KPI that exists and can be computed, in its unit, to a value that it can have."""
    known = kpis(p.level for p in book.priorities)
    for index, line in enumerate(book.service_sheet):
        entry = known.get(line.kpi)
        if entry is None:
            yield Fault(reader.line("service_sheet", index, "kpi"), _unknown(line.kpi, known))
            continue
        for field, text, level in _wrong(book, line, entry):
            yield Fault(reader.line("service_sheet", index, field), text, level)


LOOKS = (_norms,)


def _unknown(key: str, known: dict[str, Kpi]) -> str:
    import difflib

    base, mark, level = key.rpartition("_p")
    if mark and level.isdigit() and base in known:
        return f"{key} cannot be computed: the rulebook has no priority {level}"
    near = difflib.get_close_matches(key, known, 3)
    hint = f"; did you mean {' or '.join(near)}?" if near else "; `sd report kpi --format json` names them"
    return f"there is no KPI {key!r}{hint}"


def _wrong(book: Rulebook, line: Norm, entry: Kpi) -> Iterator[tuple[str, str, str]]:
    """Yield field, text and level of each fault of one line."""
    why = _cannot(book, line, entry)
    if why:
        yield "kpi", f"{line.kpi} cannot be computed: {why}", "error"
    if line.unit and line.unit != entry.unit:
        yield "unit", f"the unit of {line.kpi} is {entry.unit}, not {line.unit}", "error"
    natural = BETTER[entry.better]
    if not natural and not line.direction:
        yield (
            "kpi",
            f"of {line.kpi} neither more nor less is better: say with direction which is meant",
            "error",
        )
    elif natural and line.direction in {AT_LEAST, AT_MOST} - {natural}:
        yield "direction", f"of {line.kpi} {'more' if natural == AT_LEAST else 'less'} is better", "warning"
    if not math.isfinite(line.norm) or line.norm < 0:
        yield "norm", f"the norm of {line.kpi} must be 0 or more", "error"
    elif entry.unit == "share" and line.norm > 1:
        yield "norm", f"the norm of {line.kpi} is a share: write 0.9 for 90 %", "error"


def _cannot(book: Rulebook, line: Norm, entry: Kpi) -> str:
    """Return why a KPI cannot be computed under this rulebook, "" when it can."""
    chased, key = chasing(book), entry.key
    if line.service and entry.about != TICKETS:
        return "it is counted for the desk as a whole, not by service"
    if key in _ASKED and not chased.satisfaction.share:
        return "no customer is asked, [satisfaction] share is 0"
    if key in _STAFFED and not staffing(book).packages:
        return "the rulebook has no [[packages]]"
    if key == "feedback_before_second_reminder" and not _laddered(book):
        return "no [[reminder_steps]] has a second step"
    party = key.removeprefix("waiting_share_")
    if party != key and not any(w.party == party and w.pauses for w in book.waiting):
        return f"the clock does not stop while a ticket waits for the {party}"
    if key.startswith("first_contact_resolution") and not _LIVE & {c.key for c in book.channels}:
        return "none of the [[channels]] is phone, mail or counter"
    if "escalat" in (key + entry.of) and all(group.line == 1 for group in book.groups):
        return "all [[groups]] are of the first line: nothing is escalated"
    return ""


def _laddered(book: Rulebook) -> bool:
    parties = [step.party for step in chasing(book).reminder_steps]
    return any(parties.count(party) > 1 for party in parties)
