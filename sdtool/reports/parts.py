"""What each agent, group, category … did in a period: the same count as the report, told apart by ticket."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from array import array
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.reports.clocks import Clocks
from sdtool.reports.counting import count, so_far
from sdtool.reports.detail import parts_of
from sdtool.reports.percentile import statistics
from sdtool.reports.scope import Scope
from sdtool.reports.tally import Trace
from sdtool.rulebook import Rulebook
from sdtool.store.base import Store

FEWEST = 5  # tickets resolved from which on a row says anything, of a person or of chance
COLUMNS = {
    "agent": "agent",
    "group": "group_key",
    "category": "category",
    "target-group": "target_group",
    "priority": "priority",
    "channel": "channel",
}
_COUNTED = ("resolved", "resolve_met", "resolve_due", "closed_reopened", "closed")
_NET = "resolve_working"


class Part(NamedTuple):
    """What one part resolved and closed; `median_net` in seconds, None when nothing was measured."""

    part: str
    name: str
    resolved: int
    in_time: int
    due: int
    median_net: float | None
    reopened: int
    closed: int


class Parts(NamedTuple):
    """The parts that resolved most first, and how many are left out because they resolved too few."""

    rows: tuple[Part, ...]
    hidden: int


def parts(store: Store, rulebook: Rulebook, scope: Scope, by: str, now: int | None = None) -> Parts:
    """Divide what was resolved and closed in a scope by one of `COLUMNS`, as tickets are now."""
    trace = Trace((*_COUNTED, _NET))
    count(store, Clocks(store, rulebook), so_far(scope, now), trace, costly=False)
    tickets = {ticket for numbers, _ in trace.counted.values() for ticket in numbers}
    part_of = parts_of(store, tickets, COLUMNS[by])
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    times: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
    for name in _COUNTED:
        for ticket, amount in zip(*trace.counted[name], strict=True):
            counts[str(part_of[ticket])][name] += amount
    for ticket, seconds in zip(*trace.measured[_NET], strict=True):
        times[str(part_of[ticket])].append(seconds)
    names = _names(rulebook, by)
    shown = sorted((-n["resolved"], key) for key, n in counts.items() if n["resolved"] >= FEWEST)
    rows = tuple(_part(key, names.get(key, key), counts[key], times[key]) for _, key in shown)
    return Parts(rows, len(counts) - len(rows))


def _part(key: str, name: str, n: Mapping[str, int], times: Sequence[int]) -> Part:
    return Part(
        key,
        name,
        resolved=n["resolved"],
        in_time=n["resolve_met"],
        due=n["resolve_due"],
        median_net=statistics(times)["median"],
        reopened=n["closed_reopened"],
        closed=n["closed"],
    )


def _names(rulebook: Rulebook, by: str) -> dict[str, str]:
    entries: dict[str, Sequence[Any]] = {
        "group": rulebook.groups,
        "category": rulebook.categories,
        "target-group": rulebook.target_groups,
        "channel": rulebook.channels,
    }
    return {entry.key: entry.name for entry in entries.get(by, ())}
