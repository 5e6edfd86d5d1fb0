"""Which rows of an HR file can be taken in, which are complete, and everything that is wrong with them.

A file is looked at in one pass: each row by itself (`staff_rows`), then the rows beside each other and beside
who is known here. No fault hides another but one of the same cell.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from typing import NamedTuple

from sdtool.rulebook.staffing import FIELDS, Staffing
from sdtool.rules.findings import RULES as RULES
from sdtool.rules.findings import Finding as Finding
from sdtool.rules.staff_rows import Context as Context
from sdtool.rules.staff_rows import Known as Known
from sdtool.rules.staff_rows import Read as Read
from sdtool.rules.staff_rows import Row as Row
from sdtool.rules.staff_rows import has, name_key, read_row

DAY_FIELD = {"onboarding": "start_date", "mover": "start_date", "offboarding": "end_date"}
_FAR = timedelta(days=2 * 366)
_NOBODY = Known("")


class CheckedRow(NamedTuple):
    """A row after the whole file was looked at: `values` hold no faulty one; `missing` is what HR still owes.

    A row is `refused` when a finding of it is; it is complete when nothing is `missing`.
    """

    line: int
    values: dict[str, str]
    findings: tuple[Finding, ...]
    missing: tuple[str, ...]
    refused: bool


class Checked(NamedTuple):
    """A file that was looked at: every row, and every finding in the order of the lines."""

    rows: list[CheckedRow]
    findings: list[Finding]

    @property
    def faults(self) -> list[Finding]:
        """The findings that are no mere warnings."""
        return [finding for finding in self.findings if finding.level != "warning"]


def required(kind: str, staffing: Staffing, target_group: str = "") -> tuple[str, ...]:
    """Return the fields that a row of this kind and target group must hold, in the order of FIELDS."""
    needed = {
        field
        for rule in staffing.staff_rules
        if (not rule.kind or kind in rule.kind)
        and (not rule.target_group or target_group in rule.target_group)
        for field in rule.required
    }
    return tuple(field for field in FIELDS if field in needed)


def missing(
    values: Mapping[str, str], kind: str, staffing: Staffing, target_group: str = ""
) -> tuple[str, ...]:
    """Return the required fields that clean values lack; a full name of two words has a first and a last one.

    Args:
        target_group: counts where the values name none.
    """
    group = values.get("target_group") or target_group
    return tuple(field for field in required(kind, staffing, group) if not has(values, field))


def check_rows(rows: Iterable[Row], context: Context) -> Checked:
    """Look at all rows of a file; every fault of every row comes back, a cell has one at most."""
    read = [read_row(row.line, row.fields, context, row.extra) for row in rows]
    _numbers(read)
    _mails(read, context)
    _managers(read, context)
    _twins(read)
    checked = [_checked(row, context) for row in read]
    return Checked(checked, [finding for row in checked for finding in row.findings])


def _number(row: Read) -> str:
    """Return whose row it is; who has no staff number is somebody of their own."""
    return row.values.get("staff_number", f"line {row.line}").casefold()


def _grouped(rows: Iterable[Read], key: Callable[[Read], str]) -> Iterator[list[Read]]:
    """Yield the rows that have a key in common; "" is none."""
    groups: dict[str, list[Read]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return (group for shared, group in groups.items() if shared and len(group) > 1)


def _numbers(rows: list[Read]) -> None:
    """A staff number stands once in a file: a repeated row counts once, rows that differ not at all."""
    for group in _grouped(rows, _number):
        first = group[0]
        alike = all(row.says == first.says for row in group)
        for row in group[1:] if alike else group:
            other = first.line if row is not first else group[1].line
            row.fault("staff_number", "duplicate-row" if alike else "duplicate-number", {"other": other})


def _mails(rows: list[Read], context: Context) -> None:
    """A mail address belongs to one staff number, in the file and in the directory."""
    owners = {known.mail.casefold(): number for number, known in context.people.items() if known.mail}
    for row in rows:
        mail, number = row.values.get("mail", "").casefold(), row.values.get("staff_number", "")
        if mail and number and owners.get(mail, number) != number:
            row.fault("mail", "mail-taken")
    for group in _grouped(rows, lambda row: row.values.get("mail", "").casefold()):
        first = group[0]
        others = [row for row in group if _number(row) != _number(first)]
        for row in group if others else ():
            beside = others[0] if _number(row) == _number(first) else first
            row.fault("mail", "duplicate-mail", {"other": beside.line})


def _managers(rows: list[Read], context: Context) -> None:
    """A manager works here or stands in the file; a mail address tells it better than a name or a number."""
    known = {name_key(name) for name in context.managers}
    coming = [row for row in rows if row.values.get("status") != "withdrawn"]
    for row in coming:
        if not row.refused:
            told = (row.values.get("mail", ""), row.values["staff_number"], row.full_name)
            known.update(name_key(name) for name in told if name)
    for row in coming:
        field = "manager_mail" if row.given("manager_mail") else "manager"
        value = row.values.get(field)
        if value and name_key(value) not in known:
            row.fault(field, "unknown-manager")


def _twins(rows: list[Read]) -> None:
    """Two staff numbers with one name and birth date may be one person."""
    firsts: dict[tuple[str, str], Read] = {}
    for row in rows:
        name, birth = name_key(row.full_name), row.values.get("birth_date", "")
        if name and birth:
            first = firsts.setdefault((name, birth), row)
            if _number(row) != _number(first):
                row.warn("birth_date", "same-person", {"other": first.line})


def _checked(row: Read, context: Context) -> CheckedRow:
    person = context.people.get(row.values.get("staff_number", ""), _NOBODY)
    lacking: tuple[str, ...] = ()
    if row.values.get("status") != "withdrawn":
        _known_here(row, person, context)
        _days(row, person, context)
        lacking = _lacking(row, person, context)
    findings = tuple(sorted(row.findings, key=_place))
    return CheckedRow(row.line, row.values, findings, lacking, row.refused)


def _place(finding: Finding) -> int:
    return FIELDS.index(finding.field) if finding.field in FIELDS else len(FIELDS)


def _known_here(row: Read, person: Known, context: Context) -> None:
    """Who moves or leaves is known by the staff number; a name, told or known, there must be."""
    number = row.values.get("staff_number", "")
    if number and person is _NOBODY and context.kind != "onboarding":
        row.fault("staff_number", "not-here")
    name = row.full_name
    told, here = set(name_key(name).split()), set(name_key(person.name).split())
    if told and here and not (told <= here or here <= told):
        row.warn("last_name" if "last_name" in row.values else "name", "other-name", {"known": person.name})
    if not name and not person.name:
        row.refuse_nameless()


def _days(row: Read, person: Known, context: Context) -> None:
    """The end comes after the start, and what HR tells comes in time; what was told before is no news."""
    values = row.values
    start, end = values.get("start_date", ""), values.get("end_date", "")
    if start and end and end < start:
        row.fault("end_date", "start-after-end")
    field = DAY_FIELD[context.kind]
    if not values.get(field) or values[field] == person.told.get(field):
        return
    day, agreed = date.fromisoformat(values[field]), context.staffing.staff.lead_time[1]
    if day < context.today:
        row.warn(field, "start-in-past")
    elif day > context.today + _FAR:
        row.warn(field, "far-ahead")
    elif context.kind != "offboarding" and day < context.today + timedelta(days=8 * agreed + 60):
        # further ahead it is in time in any calendar
        days = context.working_days(context.today, day)
        if days < agreed:
            row.warn(field, "late", {"days": days, "agreed": f"{agreed:g}"})


def _lacking(row: Read, person: Known, context: Context) -> tuple[str, ...]:
    """Note what is missing, unless the cell holds a fault already; what was told before still counts."""
    told = {**person.told, **row.values}
    group = person.target_group or context.target_group
    lacking = missing(told, context.kind, context.staffing, group)
    for field in lacking:
        if not row.given(field):
            row.fault(field, "missing")
    return lacking
