"""Records that are journaled under the name of their table, with a `rev` that counts their events."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Union

from sdtool.desk import Desk
from sdtool.errors import Conflict, UsageFault

if TYPE_CHECKING:
    from sdtool.desk.sheets import Sheet
    from sdtool.desk.tables import Table


class Record(Protocol):
    """What can be changed here: a named tuple of all columns of its table."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def rev(self) -> int:
        """How many events it has."""


def add(desk: Desk, table: str, values: Mapping[str, Any], *, at: int | None = None) -> int:
    """Store a new record with its journal row (inside a transaction); return its number."""
    number = desk.store.next_number(table)
    desk.store.insert(table, {"id": number, **values})
    _record(desk, table, number, "new", {"set": dict(values), "was": {}}, at)
    return number


def change(
    desk: Desk,
    table: str,
    record: Record,
    verb: str,
    values: Mapping[str, Any],
    *,
    at: int | None = None,
    **context: Any,
) -> bool:
    """Store what is new in `values` with its journal row; tell whether anything was.

    An event with `context` is kept though nothing changed. `at` is when it happened, by default now.
    """
    changed = {name: value for name, value in values.items() if getattr(record, name) != value}
    if not changed and not context:
        return False
    was = {name: getattr(record, name) for name in changed}
    desk.store.update(table, record.id, {**changed, "rev": record.rev + 1})
    _record(desk, table, record.id, verb, {**context, "set": changed, "was": was}, at)
    return True


def _record(desk: Desk, kind: str, number: int, verb: str, data: Mapping[str, Any], at: int | None) -> None:
    from sdtool.store.journal import Entry, append

    append(
        desk.store,
        [Entry(kind, number, verb, desk.actor, desk.source, desk.now if at is None else at, data)],
    )


class Imported(NamedTuple):
    """What an import did, in records."""

    added: int
    changed: int
    same: int


def import_table(
    desk: Desk,
    path: str,
    table: Union["Table", "Sheet"],
    take_in: Callable[[Desk, Mapping[str, str]], tuple[int, str]],
    what: str,
    needed: tuple[str, ...] = ("name",),
) -> Imported:
    """Take in all rows of a table or none, in one transaction.

    Args:
        take_in: adds or changes the record of a row, given without its empty fields; returns its number,
            and added, changed or same.
        what: the word for such a record.
        needed: the fields that no row may leave empty.

    Raises:
        BadInput: a row cannot be taken; every such row is named with its line.
    """
    from sdtool.desk.tables import Fault, refused

    def work() -> Imported:
        counts, faults = {"added": 0, "changed": 0, "same": 0}, [*getattr(table, "broken", ())]
        lines: dict[int, int] = {}  # record -> the line that named it
        for line, row in table.records():
            try:
                number, did = _taken_in(desk, row, take_in, needed)
            except (UsageFault, Conflict) as exc:
                faults.append(Fault(line, exc.message))
                continue
            counts[did] += 1
            if lines.setdefault(number, line) != line:
                faults.append(Fault(line, f"is the same {what} as line {lines[number]}"))
        if faults:
            raise refused(path, sorted(faults, key=lambda fault: fault.line))
        return Imported(**counts)

    return desk.run(work)


def _taken_in(
    desk: Desk,
    row: Mapping[str, str],
    take_in: Callable[[Desk, Mapping[str, str]], tuple[int, str]],
    needed: tuple[str, ...],
) -> tuple[int, str]:
    given = {name: value for name, value in row.items() if value.strip()}
    for name in needed:
        if not given.get(name):
            raise UsageFault(f"the {name.replace('_', ' ')} is empty")
    return take_in(desk, given)
