"""What the rulebook says of figures: services, and terms of process rules, recurrence, majors."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from typing import Any, NamedTuple

from sdtool.rulebook import Norm, Rulebook, in_force
from sdtool.rulebook.chasing import Chasing
from sdtool.rulebook.staffing import Staffing

AT_LEAST, AT_MOST = ">=", "<="
DIRECTIONS = ("", AT_LEAST, AT_MOST)
REPORTS = ("kpi", "operations", "jobs")
ROLES = ("management", "coordinator", "agent")
EVERY = ("", "month", "week", "day")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SHORTEST, LONGEST_EVERY = 300, 10 * 86_400  # seconds between updates of a major that somebody can mean


class Service(NamedTuple):
    """A service of the sheet (*dienst*): a set of categories; who answers for it, and whom it is for."""

    key: str
    name: str
    categories: tuple[str, ...]
    owner: str = ""
    public: str = ""


class Process(NamedTuple):
    """The terms of the process rules, each as (working seconds, working days), and which rules are off."""

    update_every: tuple[int, float] = (3600, 0.0)
    silent_after: tuple[int, float] = (0, 3.0)
    returned_often: int = 2
    reopened_often: int = 2
    unowned_problem_after: tuple[int, float] = (0, 2.0)
    off: tuple[str, ...] = ()
    catch_all: tuple[str, ...] = ()
    stuck_problem_after: tuple[int, float] = (0, 20.0)


class Recurrence(NamedTuple):
    """When like incidents are one problem: so many in so many days, alike for this share of their words."""

    days: int = 30
    incidents: int = 3
    share: float = 0.5


class Majors(NamedTuple):
    """How often who is struck by a major incident hears of it."""

    update: tuple[int, float] = (3600, 0.0)


class Sheet(NamedTuple):
    """These sections of a rulebook, by the names they have in the file."""

    services: tuple[Service, ...] = ()
    process: Process = Process()
    recurrence: Recurrence = Recurrence()
    majors: Majors = Majors()


TABLES: dict[str, Any] = {"process": Process, "recurrence": Recurrence, "majors": Majors}
LISTS: dict[str, Any] = {"services": Service}


def sheet(book: Rulebook) -> Sheet:
    """Return these sections of a rulebook as entries."""
    rows = book.seldom[len(Staffing._fields) + len(Chasing._fields) :]
    values: dict[str, Any] = {
        name: TABLES[name]._make(row) if name in TABLES else tuple(LISTS[name]._make(one) for one in row)
        for name, row in zip(Sheet._fields, rows, strict=True)
    }
    return Sheet(**values)


def norm_on(book: Rulebook, kpi: str, day: str, service: str = "") -> Norm | None:
    """Return the line that holds a KPI on `day`, an ISO date, for a service ("": the desk); None without one.

    Of lines whose validity covers the day, the one that began last counts.
    """
    lines = [
        line
        for line in book.service_sheet
        if (line.kpi, line.service) == (kpi, service) and (not line.valid_until or day <= line.valid_until)
    ]
    return in_force(lines, day)
