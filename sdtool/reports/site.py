"""What the dashboard shows of a month: its figures, when tickets come in, how they move, which they are."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sdtool.desk.replay import undone
from sdtool.reports import freeze
from sdtool.reports.clocks import Clocks
from sdtool.reports.cohort import slices
from sdtool.reports.counting import Value, count, so_far, values
from sdtool.reports.entry import TICKETS
from sdtool.reports.kpi import Report
from sdtool.reports.period import Period, period, shifted
from sdtool.reports.registry import kpis
from sdtool.reports.scope import COUNTED, Scope
from sdtool.reports.tally import Tally, Trace
from sdtool.rulebook import Rulebook
from sdtool.rulebook.sheet import Service
from sdtool.store.base import Row, Store

MOST = 200  # tickets that a page lists; the command line lists them all
_QUARTER = 900  # seconds; no clock of the world is off by less
_ARRIVED = f"""
    select opened_at / {_QUARTER} as quarter, count(*) as n from ticket
    where opened_at >= :start and opened_at < :end and {COUNTED}
    group by 1
"""  # noqa: S608 (constants)
_MOVED = f"""
    select id, resolved_at from ticket
    where resolved_at >= :start and resolved_at < :end and (resolved_at > :start or id > :after)
        and reassignments > 0 and {COUNTED}
    order by resolved_at, id limit :size
"""  # noqa: S608 (a constant)
# cross join: first the tickets of a slice, then their events; a planner without statistics may turn it round
_MOVES = f"""
    select event.id, event.verb, event_data.data from ticket cross join event cross join event_data
    where ticket.resolved_at >= :first and ticket.resolved_at <= :last and reassignments > 0 and {COUNTED}
        and (ticket.resolved_at > :first or ticket.id >= :first_id)
        and (ticket.resolved_at < :last or ticket.id <= :last_id)
        and event.kind = 'ticket' and event.subject = ticket.id and event.verb <> 'new'
        and event_data.event = event.id and event_data.data like '%"group_key"%'
"""  # noqa: S608 (a constant)
_ROWS = """
    select id, opened_at, priority, group_key, resolve_due, confidential, summary from ticket
    where id in ({})
"""


class Behind(NamedTuple):
    """The tickets of a KPI: those of its numerator (or the count), and those of its denominator only."""

    n: tuple[int, ...]
    rest: tuple[int, ...]


class Site(NamedTuple):
    """A month as the dashboard shows it; `arrivals` by weekday (Monday 0) and hour, `moves` by (from, to)."""

    report: Report
    book: Rulebook
    months: tuple[date, ...]
    arrivals: tuple[tuple[int, ...], ...]
    moves: tuple[tuple[str, str, int], ...]
    behind: dict[str, Behind]


def site(store: Store, rulebook: Rulebook, first: date, after: date, months: int, *, now: int) -> Site:
    """Gather what the dashboard shows of a whole month, with as many months up to it as are asked for.

    Figures and names of a frozen month are those of then; the tickets behind them are those of now.
    """
    report, book = freeze.shown(store, rulebook, first, after, now=now)
    zone = book.organisation.timezone
    current = period(first, after, zone)
    shown = [shifted(first, after, back)[0] for back in range(months - 1, -1, -1)]
    whole = period(shown[0], after, zone)
    return Site(
        report,
        book,
        tuple(shown),
        _arrivals(store, whole, zone),
        _moves(store, current),
        _behind(store, rulebook, current, now),
    )


def rows(store: Store, numbers: Sequence[int]) -> list[Row]:
    """Return what a page tells of these tickets, in their order; at most MOST."""
    chosen = numbers[:MOST]
    if not chosen:
        return []
    marks = {f"t{place}": number for place, number in enumerate(chosen)}
    found = store.query(_ROWS.format(", ".join(f":{name}" for name in marks)), **marks)
    known = {row["id"]: row for row in found}
    return [known[number] for number in chosen if number in known]


def of_service(
    store: Store, book: Rulebook, service: Service, first: date, after: date, now: int
) -> list[Value]:
    """Return the values of a service in a month, of the KPIs that are of tickets."""
    current = period(first, after, book.organisation.timezone)
    scope = Scope(current, categories=service.categories, services=(service.key,))
    tally = Tally()
    count(store, Clocks(store, book), so_far(scope, now), tally, costly=False)
    listed = kpis(p.level for p in book.priorities).values()
    return values(tally, [entry for entry in listed if entry.about == TICKETS])


def _arrivals(store: Store, whole: Period, zone: str) -> tuple[tuple[int, ...], ...]:
    """Count tickets by local weekday and hour; the store adds them up by quarters, so little is read."""
    grid, local = [[0] * 24 for _ in range(7)], ZoneInfo(zone)
    for row in store.query(_ARRIVED, start=whole.start, end=whole.end):
        at = datetime.fromtimestamp(row["quarter"] * _QUARTER, local)
        grid[at.weekday()][at.hour] += row["n"]
    return tuple(map(tuple, grid))


def _moves(store: Store, current: Period) -> tuple[tuple[str, str, int], ...]:
    """Count the changes of solver group of the tickets resolved in a month, most frequent first."""
    found: Counter[tuple[str, str]] = Counter()
    for part in slices(store, _MOVED, "resolved_at", start=current.start, end=current.end):
        first, last = part[0], part[-1]
        bounds = {"first": first["resolved_at"], "first_id": first["id"]}
        bounds |= {"last": last["resolved_at"], "last_id": last["id"]}
        found.update(_changes(store.query(_MOVES, **bounds)))
    ranked = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return tuple((origin, to, n) for (origin, to), n in ranked)


def _changes(events: Iterable[Row]) -> Iterator[tuple[str, str]]:
    found = [{**dict(row), "data": json.loads(row["data"])} for row in events]
    gone = undone(found)
    for event in found:
        if event["id"] in gone or event["verb"] == "undo":
            continue
        data = event["data"]
        origin, to = (data.get(side, {}).get("group_key") for side in ("was", "set"))
        if origin and to and origin != to:
            yield origin, to


def _behind(store: Store, rulebook: Rulebook, current: Period, now: int) -> dict[str, Behind]:
    """Return the tickets behind every KPI, newest first, in one count."""
    entries = kpis(p.level for p in rulebook.priorities).values()
    trace = Trace({name for entry in entries for name in (entry.n, entry.of) if name})
    count(store, Clocks(store, rulebook), so_far(Scope(current), now), trace)
    found = {}
    for entry in entries:
        part = _counted(trace.measured if entry.statistic else trace.counted, entry.n)
        whole = _counted(trace.counted, entry.of) if entry.of else set()
        if part or whole:
            rest = sorted(whole - part, reverse=True)
            found[entry.key] = Behind(tuple(sorted(part, reverse=True)), tuple(rest))
    return found


def _counted(kept: Mapping[str, tuple[Sequence[int], Sequence[int]]], name: str) -> set[int]:
    return set(kept[name][0]) if name in kept else set()
