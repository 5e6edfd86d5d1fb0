"""The tickets behind a figure: those that were counted, with what each of them counts for."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.errors import UsageFault
from sdtool.reports.clocks import Clocks
from sdtool.reports.counting import costly, count, so_far
from sdtool.reports.entry import CHANGES, OTHER, Kpi
from sdtool.reports.registry import kpis
from sdtool.reports.scope import Scope
from sdtool.reports.tally import Trace
from sdtool.rulebook import Rulebook
from sdtool.store.base import Store

TOGETHER = 500  # tickets that are read in one statement


class Line(NamedTuple):
    """A ticket behind a figure, as it is now; `n` and `of` are its part in those of the figure.

    `measured` is the measure of a time: seconds, or working days. `summary` is None of a confidential ticket.
    """

    ticket: int
    summary: str | None
    group: str
    priority: int
    opened_at: int
    resolved_at: int | None
    n: int
    of: int | None
    measured: int | None


def detail(store: Store, rulebook: Rulebook, scope: Scope, key: str, now: int | None = None) -> list[Line]:
    """List the tickets behind a KPI of a scope, by number; their `n` and `of` add up to those of the figure.

    Raises:
        UsageFault: there is no such KPI, or none that tickets can be listed of.
    """
    entry = _entry(rulebook, key, scope)
    trace = Trace(name for name in (entry.n, entry.of) if name)
    count(store, Clocks(store, rulebook), so_far(scope, now), trace, costly=costly(key))
    taken = _summed(trace.counted[entry.of]) if entry.of else {}
    parts: list[tuple[int, int, int | None, int | None]]
    if entry.statistic:
        parts = list(_measured(trace.measured[entry.n], taken))
    else:
        made = _summed(trace.counted[entry.n])
        numbers = sorted({*made, *taken})
        parts = [(t, made.get(t, 0), taken.get(t, 0) if entry.of else None, None) for t in numbers]
    known = {row["id"]: row for row in _rows(store, sorted({ticket for ticket, *_ in parts}))}
    return [_line(known[ticket], n, of, value) for ticket, n, of, value in parts]


def _entry(rulebook: Rulebook, key: str, scope: Scope) -> Kpi:
    known = kpis(p.level for p in rulebook.priorities)
    entry = known.get(key)
    if entry is None:
        raise UsageFault(f"there is no KPI {key!r}", hint="`sd report kpi --format csv` lists them")
    if entry.about == OTHER:
        raise UsageFault(f"{key} is not counted from tickets: there are none to list")
    if entry.about == CHANGES and not scope.whole:
        raise UsageFault(f"{key} cannot be filtered: it is of who comes, moves and leaves")
    return entry


def _summed(kept: tuple[Sequence[int], Sequence[int]]) -> Mapping[int, int]:
    found: Counter[int] = Counter()
    for ticket, amount in zip(*kept, strict=True):
        found[ticket] += amount
    return found


def _measured(
    kept: tuple[Sequence[int], Sequence[int]], taken: Mapping[int, int]
) -> Iterator[tuple[int, int, int | None, int | None]]:
    """Return a part for every measure; one for a ticket that was to be measured and had none."""
    found: defaultdict[int, list[int]] = defaultdict(list)
    for ticket, value in zip(*kept, strict=True):
        found[ticket].append(value)
    for ticket in sorted({*found, *taken}):
        values, rest = found.get(ticket, []), taken.get(ticket, 0)
        for value in values:
            yield ticket, 1, min(rest, 1), value
            rest -= min(rest, 1)
        if rest:
            yield ticket, 0, rest, None


def _rows(store: Store, numbers: Sequence[int]) -> Iterator[Mapping[str, Any]]:
    for start in range(0, len(numbers), TOGETHER):
        chosen = {f"ticket_{place}": n for place, n in enumerate(numbers[start : start + TOGETHER])}
        sql = f"select * from ticket where id in ({', '.join(f':{name}' for name in chosen)})"  # noqa: S608
        yield from store.query(sql, **chosen)


def _line(row: Mapping[str, Any], n: int, of: int | None, measured: int | None) -> Line:
    return Line(
        row["id"],
        None if row["confidential"] else row["summary"],
        row["group_key"],
        row["priority"],
        row["opened_at"],
        row["resolved_at"],
        n,
        of,
        measured,
    )


def parts_of(store: Store, numbers: Collection[int], column: str) -> dict[int, Any]:
    """Return one column of these tickets, by number."""
    return {row["id"]: row[column] for row in _rows(store, sorted(numbers))}
