"""Counts of telephone calls, by day and line, as a telephone exchange exports them or somebody types them.

Nothing of a single call is kept: no number, no name, no moment.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sdtool.desk import Desk, people, records, tickets
from sdtool.errors import BadInput, NotFound, UsageFault
from sdtool.store.base import Row, Store

if TYPE_CHECKING:
    from sdtool.desk.sheets import Sheet

KIND = "call_day"
# what the columns of an export may be called; case, accents, blanks and punctuation make no difference
NAMES = {
    "day": ("day", "date", "dag", "datum", "jour"),
    "line": ("line", "queue", "lijn", "wachtrij", "nummer", "groep", "ligne", "file", "file d'attente"),
    "offered": ("offered", "calls offered", "calls", "received", "aangeboden", "aangeboden oproepen",
                "binnenkomend", "oproepen", "aantal oproepen", "présentés", "appels présentés", "appels"),
    "answered": ("answered", "calls answered", "handled", "beantwoord", "beantwoorde oproepen",
                 "aangenomen", "répondus", "appels répondus", "décrochés", "traités"),
    "abandoned": ("abandoned", "calls abandoned", "afgebroken", "afgebroken oproepen", "opgehangen",
                  "verlaten", "gemist", "abandonnés", "appels abandonnés"),
    "dropped": ("dropped", "short abandoned", "short calls", "afgebroken binnen 10 s", "kort afgebroken",
                "korte oproepen", "abandons courts"),
    "waited": ("waited", "total wait", "total waiting time", "totale wachttijd", "wachttijd totaal",
               "wachttijd", "attente totale"),
    "mean_wait": ("mean wait", "average wait", "average speed of answer", "asa", "gemiddelde wachttijd",
                  "gem wachttijd", "wachttijd gemiddeld", "attente moyenne", "temps d'attente moyen"),
    "in_time": ("in time", "answered in time", "within threshold", "answered within 30 s",
                "beantwoord binnen 30 s", "binnen de norm", "binnen 30 s", "tijdig beantwoord",
                "dans les temps", "répondus dans les 30 s"),
}  # fmt: skip
NEEDED = ("day", "offered", "answered", "abandoned")
COUNTS = ("offered", "answered", "abandoned", "dropped", "in_time")
MOST_CALLS = 100_000  # a day and line: more is a slip, or another column
MOST_WAIT = 4 * 3600  # seconds a call, in the mean
_YEARS = 10  # older counts are a slip of the pen
_TOTALS = frozenset(("totaal", "total", "totaux", "eindtotaal", "som", "sum", "gemiddelde", "average"))


class Day(NamedTuple):
    """The calls of a day (ISO) on a line ("": all lines): offered, answered, abandoned (given up).

    Of those abandoned `dropped` were given up within the first seconds. `waited` is what all answered calls
    waited, in seconds; `in_time` is how many were answered soon enough. None: the exchange does not tell.
    """

    id: int
    day: str
    line: str
    offered: int
    answered: int
    abandoned: int
    dropped: int | None
    waited: int | None
    in_time: int | None
    rev: int

    @property
    def mean_wait(self) -> float | None:
        """Seconds that an answered call waited, in the mean."""
        return self.waited / self.answered if self.waited is not None and self.answered else None


# --- Reading


def listing(store: Store, *, first: str = "", after: str = "9999", line: str = "") -> list[Day]:
    """Return the counts of days from `first` up to, but not on, `after` (ISO), newest first."""
    rows = store.query(
        "select * from call_day where day >= :first and day < :after order by day desc, line",
        first=first,
        after=after,
    )
    found = [_day(row) for row in rows]
    return [one for one in found if not line or people.fold(one.line) == people.fold(line)]


def get(store: Store, number: int) -> Day:
    """Return the counts with this number; NotFound when there are none."""
    row = store.one("select * from call_day where id = :id", id=number)
    if row is None:
        raise NotFound(f"there are no counts of calls {number}")
    return _day(row)


def _day(row: Row) -> Day:
    return Day(**{name: row[name] for name in Day._fields})


# --- Writing


def record(desk: Desk, texts: Mapping[str, Any]) -> tuple[Day, str]:
    """Keep the counts of a day and line, in the place of what was known; what is not given stays.

    Args:
        texts: by the fields of NAMES, as people write them; NEEDED at least.

    Returns:
        the counts, and added, changed or same.

    Raises:
        UsageFault: they cannot be true; all faults are named.
    """
    values = clean(desk, {name: str(text) for name, text in texts.items() if text is not None})

    def work() -> tuple[Day, str]:
        twin = _twin(desk.store, values["day"], values["line"])
        if twin is None:
            return get(desk.store, records.add(desk, KIND, {**_UNKNOWN, **values})), "added"
        given = {name: value for name, value in values.items() if name != "line"}
        _faults_of({**twin._asdict(), **given})
        changed = records.change(desk, KIND, twin, "edit", given)
        return get(desk.store, twin.id), "changed" if changed else "same"

    return desk.run(work)


_UNKNOWN = dict.fromkeys(("dropped", "waited", "in_time"))


def _twin(store: Store, day: str, line: str) -> Day | None:
    """Return what is known of a day and line; lines that differ in case or accents are one."""
    rows = store.query("select * from call_day where day = :day order by line", day=day)
    return next((_day(row) for row in rows if people.fold(row["line"]) == people.fold(line)), None)


def import_sheet(desk: Desk, sheet: "Sheet") -> records.Imported:
    """Take in an export; all of its rows or none. Rows of totals are left out.

    Raises:
        BadInput: a column is missing, or a row cannot be true; every such row is named with its line.
    """
    missing = [name for name in NEEDED if name not in sheet.fields]
    if missing:
        known = ", ".join(f"{title} ({field.replace('_', ' ')})" for field, title in sheet.titles.items())
        raise BadInput(
            f"{sheet.path} has no column for {', '.join(missing)}; recognised are {known}",
            hint=f"say which it is: --map HEADER={missing[0]}",
        )
    place = sheet.fields.index("day")
    counted = [row for row in sheet.rows if people.fold(row.values[place]).split(" ")[0] not in _TOTALS]

    def take_in(desk: Desk, row: Mapping[str, str]) -> tuple[int, str]:
        day, did = record(desk, row)
        return day.id, did

    whole = sheet._replace(rows=counted)
    return records.import_table(desk, sheet.path, whole, take_in, "day and line", NEEDED)


# --- Values


def clean(desk: Desk, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a day's counts, checked; every fault in one UsageFault."""
    faults: list[str] = []
    line = " ".join(texts.get("line", "").split())
    people.check_text("line", line, faults, longest=100)
    values: dict[str, Any] = {"day": _date(desk, texts.get("day", ""), faults), "line": line}
    for name in COUNTS:
        if texts.get(name, "").strip():
            values[name] = _count(name.replace("_", " "), texts[name], faults)
    for name in ("waited", "mean_wait"):
        if texts.get(name, "").strip():
            values[name] = _seconds(name.replace("_", " "), texts[name], faults)
    if "mean_wait" in values:
        mean = values.pop("mean_wait")
        values.setdefault("waited", None if mean is None else round(mean * (values.get("answered") or 0)))
    elif values.get("waited") is not None:
        values["waited"] = round(values["waited"])
    faults += [f"the {name} is missing" for name in NEEDED[1:] if name not in values]
    _faults_of(values, faults)
    return values


def _faults_of(values: Mapping[str, Any], faults: list[str] | None = None) -> None:
    """Raise what cannot be true of counts together, beside the faults known already."""
    found = list(faults or ())
    offered, answered, abandoned = (values.get(name) for name in NEEDED[1:])
    if offered is not None and (answered or 0) + (abandoned or 0) > offered:
        found.append(f"{answered} answered and {abandoned} abandoned are more than {offered} offered")
    for part, whole in (("dropped", "abandoned"), ("in_time", "answered")):
        some, most = values.get(part), values.get(whole)
        if some is not None and most is not None and some > most:
            named = part.replace("_", " ")
            found.append(f"{some} {named} are more than {most} {whole}, of which they are part")
    waited = values.get("waited")
    if waited is not None and answered is not None and waited > answered * MOST_WAIT:
        found.append(f"{waited} seconds of waiting for {answered} answered calls cannot be meant")
    if found:
        raise UsageFault("; ".join(found))


def _date(desk: Desk, text: str, faults: list[str]) -> str:
    from sdtool.rules import values

    try:
        day = values.day(text)
    except ValueError as exc:
        faults.append(f"the day: {exc}")
        return ""
    today = date.fromisoformat(tickets.day_of(desk.now, desk.timezone))
    if day > today:
        faults.append(f"the day {day} is still to come")
    elif today.year - day.year > _YEARS:
        faults.append(f"the day {day} is more than {_YEARS} years ago: that cannot be meant")
    return day.isoformat()


def _count(name: str, text: str, faults: list[str]) -> int | None:
    found = _number(name, text, faults)
    if found is None:
        return None
    if found != int(found):
        faults.append(f"the {name} must be a whole number, not {text.strip()[:20]!r}")
    elif found > MOST_CALLS:
        faults.append(f"the {name} is more than {MOST_CALLS}: that cannot be meant")
    else:
        return int(found)
    return None


def _number(name: str, text: str, faults: list[str]) -> float | None:
    from sdtool.rules import values

    try:
        found = values.number(text)
    except ValueError as exc:
        faults.append(f"the {name}: {exc}")
        return None
    if found < 0 or "%" in text:
        faults.append(f"the {name} must be a number, 0 or more, not {text.strip()[:20]!r}")
        return None
    return found


def _seconds(name: str, text: str, faults: list[str]) -> float | None:
    """Read seconds, or hours, minutes and seconds; two parts may mean either, and are refused."""
    clock = re.fullmatch(r"([0-9]{1,4}):([0-5][0-9]):([0-5][0-9])", text.strip())
    if clock:
        return float(int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3]))
    if ":" in text:
        faults.append(f"the {name} {text.strip()[:20]!r} may mean two things: write seconds, or 0:00:32")
        return None
    found = _number(name, text, faults)
    if found is not None and found > MOST_CALLS * MOST_WAIT:
        faults.append(f"the {name} is longer than can be meant")
        return None
    return found
