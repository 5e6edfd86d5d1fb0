"""A file of HR: looked at as a whole, then taken in row by row, each row whole or not at all."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import NamedTuple

from sdtool.desk import Desk, calendars, staff, staff_intake, tickets
from sdtool.desk.sheets import Sheet, read_sheet
from sdtool.errors import BadInput, Conflict, NotFound, Refused, UsageFault
from sdtool.rulebook.staffing import FIELDS, staffing
from sdtool.rules import completeness
from sdtool.rules.completeness import Checked, CheckedRow, Context, Known, Row
from sdtool.rules.findings import found
from sdtool.rules.packages import opening

ACTIONS = ("new", "changed", "unchanged", "withdrawn", "unknown", "refused")


class Taken(NamedTuple):
    """What became of a row: an action of ACTIONS, its parent ticket (0: none), remarks for a person."""

    line: int
    staff_number: str
    name: str
    action: str
    ticket: int
    complete: bool
    remarks: tuple[str, ...] = ()


def read(
    desk: Desk,
    path: str,
    *,
    mapping: Mapping[str, str],
    encoding: str | None,
    sheet: str | None,
) -> Sheet:
    """Read a file of HR by the names that the rulebook gives its columns; `mapping` overrules them.

    Raises:
        BadInput: no line of it is a header, or it is no list at all; the message says what to do.
    """
    names = {column.field: column.names for column in staffing(desk.rulebook).staff_columns}
    found = read_sheet(path, names, mapping=mapping, encoding=encoding, sheet=sheet)
    if "staff_number" not in found.fields:
        known = ", ".join(f"{title} ({field.replace('_', ' ')})" for field, title in found.titles.items())
        raise BadInput(
            f"{path} has no column with staff numbers, by which people are known; recognised are {known}",
            hint="ask HR for that column, or name it: --map HEADER=staff_number",
        )
    return found


def check(desk: Desk, kind: str, sheet: Sheet) -> Checked:
    """Look at every row of a file; nothing is written."""
    checked = completeness.check_rows(_rows(sheet), context(desk, kind))
    broken = [found(line, "", "", "unreadable", {"why": why}) for line, why in sheet.broken]
    findings = sorted([*checked.findings, *broken], key=lambda finding: finding.line)
    return Checked(checked.rows, findings)


def _rows(sheet: Sheet) -> Iterator[Row]:
    known = [(column, field) for column, field in enumerate(sheet.fields) if field is not None]
    other = [(column, title) for column, title in enumerate(sheet.header) if sheet.fields[column] is None]
    for line, values in sheet.rows:
        yield Row(line, {field: values[n] for n, field in known}, {title: values[n] for n, title in other})


def context(desk: Desk, kind: str) -> Context:
    """Return what rows of HR are held against: the rulebook, today, and who is known here."""
    book, store = desk.rulebook, desk.store
    rows = list(store.query("select * from person where active = 1 order by id"))
    told = _told(desk, kind)
    managers = {row[name] for row in rows for name in ("mail", "staff_number", "name") if row[name]}
    known = {
        row["staff_number"]: Known(
            row["name"], row["mail"] or "", row["target_group"], told.get(row["staff_number"], {})
        )
        for row in store.query("select * from person where staff_number is not null order by id")
    }
    return Context(
        kind,
        staffing(book),
        date.fromisoformat(tickets.day_of(desk.now, desk.timezone)),
        _working_days(desk),
        {group.key: group.name for group in book.target_groups},
        book.default_target_group(),
        managers,
        known,
    )


def _told(desk: Desk, kind: str) -> dict[str, dict[str, str]]:
    running = staff.listing(desk.store, kind)
    return {change.staff_number: change.data for change in running if change.withdrawn_at is None}


def _working_days(desk: Desk) -> Callable[[date, date], int]:
    calendar = calendars.own(desk)
    return lambda first, last: calendar.working_days(opening(calendar, first), opening(calendar, last))


def take_in(
    desk: Desk,
    kind: str,
    rows: Iterable[CheckedRow],
    *,
    progress: Callable[[], None] = lambda: None,
) -> list[Taken]:
    """Take the rows of a file in, each in a transaction of its own; return what became of each, by line.

    A row that is refused stops no other. Who manages others of the file comes first.
    """
    rows = list(rows)
    managers = {row.values.get("manager_mail", "").casefold() for row in rows} - {""}
    done = []
    for row in sorted(rows, key=lambda row: row.values.get("mail", "").casefold() not in managers):
        done.append(_taken(desk, kind, row))
        progress()
    return sorted(done)


def unread(sheet: Sheet) -> list[Taken]:
    """Return the rows of a file that could not be read, as refused ones."""
    return [Taken(line, "", "", "refused", 0, False) for line, _ in sheet.broken]


def _taken(desk: Desk, kind: str, row: CheckedRow) -> Taken:
    number, name = row.values.get("staff_number", ""), staff.full_name(row.values)
    if row.refused:
        return Taken(row.line, number, name, "refused", 0, False)
    try:
        outcome = staff_intake.take_in(desk, kind, row.values)
    except (Conflict, NotFound, Refused, UsageFault) as exc:
        return Taken(row.line, number, name, "refused", 0, False, (exc.message,))
    return Taken(row.line, number, name, outcome.action, outcome.ticket, not row.missing, outcome.remarks)


def check_one(desk: Desk, kind: str, fields: Mapping[str, str], number: int | None = None) -> CheckedRow:
    """Look at one person's fields as at a row of a file; those of the change `number` stand behind them.

    Only what was given now is found fault with.
    """
    strange = [name for name in fields if name not in FIELDS]
    if strange:
        raise UsageFault(f"there is no field {', '.join(map(repr, strange))}; known are {', '.join(FIELDS)}")
    known = staff.get(desk.store, number).data if number is not None else {}
    (row,) = completeness.check_rows([Row(0, {**known, **fields})], context(desk, kind)).rows
    told = tuple(finding for finding in row.findings if number is None or finding.field in fields)
    return row._replace(findings=told)


def digest(sheet: Sheet) -> str:
    """Return what names the content of a file, and what its columns were taken for."""
    from sdtool.digest import hexdigest

    return hexdigest(json.dumps([sheet.header, sheet.fields, sheet.rows, sheet.broken]))


def left_out(desk: Desk, kind: str, present: Collection[str]) -> list[Taken]:
    """Withdraw the changes of a day to come whose staff number is not in a file that should hold them all."""
    today = tickets.day_of(desk.now, desk.timezone)
    gone = [
        change
        for change in staff.listing(desk.store, kind)
        if change.withdrawn_at is None and change.staff_number not in present and change.day > today
    ]
    done = []
    for change in gone:
        outcome = desk.run(partial(staff_intake.withdraw, desk, change))
        name = staff.full_name(change.data)
        done.append(Taken(0, change.staff_number, name, outcome.action, change.id, False, outcome.remarks))
    return done
