"""What few commands need of the rulebook: checklists, and what goes with who comes, moves or leaves.

A rulebook keeps these sections as plain rows, so that no other command pays for their classes.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from typing import Any, NamedTuple

from sdtool.rulebook import Rulebook

KINDS = ("onboarding", "mover", "offboarding")
STEPS = ("registered", "incomplete", "moved", "withdrawn", "ready")
READERS = ("manager", "newcomer", "hr")
FIELDS = (
    "staff_number",
    "first_name",
    "last_name",
    "name",
    "birth_date",
    "mail",
    "phone",
    "start_date",
    "end_date",
    "department",
    "job_title",
    "manager_mail",
    "manager",
    "site",
    "fte",
    "remark",
    "target_group",
    "language",
    "status",
    "national_number",
)


class Item(NamedTuple):
    """A line of a checklist; `due` counts from the ticket's registration: (working seconds, working days)."""

    text: str
    owner: str = ""
    due: tuple[int, float] = (0, 0.0)
    optional: bool = False


class Checklist(NamedTuple):
    """A checklist: each new ticket that meets its conditions gets it; without conditions only by name."""

    key: str
    name: str
    items: tuple[Item, ...]
    type: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    target_group: tuple[str, ...] = ()


class Staff(NamedTuple):
    """How HR and the desk work together: kind of its tickets, who HR is, how long before a start it tells."""

    category: str = ""
    urgency: str = ""
    channel: str = ""
    lead_time: tuple[int, float] = (0, 10.0)
    hr: str = "HR"
    hr_mail: str = ""
    sites: tuple[str, ...] = ()


class Column(NamedTuple):
    """What a column of an HR file may be called; case, accents and punctuation make no difference."""

    field: str
    names: tuple[str, ...]


class Rule(NamedTuple):
    """What a row must hold, for these kinds and target groups (none: all); of several rules all count."""

    required: tuple[str, ...]
    kind: tuple[str, ...] = ()
    target_group: tuple[str, ...] = ()


class Format(NamedTuple):
    """How a field is written: a regular expression for the whole text, and what to do when it is not."""

    field: str
    pattern: str
    advice: str
    target_group: tuple[str, ...] = ()


class Service(NamedTuple):
    """A support service: the ticket that gives it, and (`leave`) the one that takes it away again.

    `days_before` counts working days back from the start, `days_after` working days on from the end.
    """

    key: str
    name: str
    category: str
    group: str
    days_before: int = 1
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    checklist: tuple[str, ...] = ()
    leave: str = ""
    days_after: int = 0
    hand_in: bool = False


class Package(NamedTuple):
    """Services for who is in these target groups, departments and functions; all packages that fit add up."""

    key: str
    name: str
    services: tuple[str, ...]
    target_group: tuple[str, ...] = ()
    department: tuple[str, ...] = ()
    job_title: tuple[str, ...] = ()


class Mail(NamedTuple):
    """A mail at a step of a change: to the manager, the newcomer or HR."""

    step: str
    to: str
    kind: tuple[str, ...] = ()


class Staffing(NamedTuple):
    """These sections of a rulebook, by the names they have in the file."""

    staff: Staff = Staff()
    checklists: tuple[Checklist, ...] = ()
    staff_columns: tuple[Column, ...] = ()
    staff_rules: tuple[Rule, ...] = ()
    staff_formats: tuple[Format, ...] = ()
    support_services: tuple[Service, ...] = ()
    packages: tuple[Package, ...] = ()
    staff_mails: tuple[Mail, ...] = ()


TABLES: dict[str, Any] = {"staff": Staff}
LISTS: dict[str, Any] = {
    "checklists": Checklist,
    "staff_columns": Column,
    "staff_rules": Rule,
    "staff_formats": Format,
    "support_services": Service,
    "packages": Package,
    "staff_mails": Mail,
}


_latest: tuple[Any, Staffing] = ((), Staffing())  # the rows last asked for, and their entries


def staffing(book: Rulebook) -> Staffing:
    """Return these sections of a rulebook as entries; an import asks for them with every row."""
    global _latest
    if _latest[0] is not book.seldom:
        _latest = (book.seldom, _entries(book))
    return _latest[1]


def _entries(book: Rulebook) -> Staffing:
    values: dict[str, Any] = {}
    for name, rows in zip(Staffing._fields, book.seldom, strict=False):
        values[name] = Staff._make(rows) if name == "staff" else tuple(LISTS[name]._make(row) for row in rows)
    lists = tuple(entry._replace(items=tuple(map(Item._make, entry.items))) for entry in values["checklists"])
    return Staffing(**{**values, "checklists": lists})
