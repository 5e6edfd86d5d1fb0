"""What the rulebook says of chasing: reminders, escalations over time, updates, satisfaction, agents."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from typing import Any, NamedTuple

from sdtool.rulebook import Rulebook
from sdtool.rulebook.staffing import Staffing

TONES = ("friendly", "firm", "hierarchical", "closing", "close")
COPIES = ("lead", "manager", "escalation")
TOLD = ("agent", "group", "lead", "manager")
PROMISES = ("respond", "resolve", "update")
CONDITIONS = ("", "not-started", "not-assigned")


class Agent(NamedTuple):
    """Somebody of the desk or a solver group: the login, and where mail for them goes."""

    login: str
    mail: str
    name: str = ""
    language: str = "nl"


class Reminding(NamedTuple):
    """When reminders may go out (working days of the party, these hours), and who leads here."""

    window: tuple[tuple[int, int], ...] = ((30_600, 59_400),)
    lead: str = ""
    manager: str = ""


class Step(NamedTuple):
    """A rung of a ladder: `term` after it was asked, in a tone; copies to more people.

    `closing` announces that the ticket will be closed, `close` closes it; for customers alone.
    """

    party: str
    term: tuple[int, float]
    tone: str
    copy: tuple[str, ...] = ()


class Escalation(NamedTuple):
    """Who is told when so much of a promise is used up: 75 is three quarters, 150 half as much again."""

    promise: str
    percent: int
    tell: tuple[str, ...]
    priority: tuple[int, ...] = ()
    only: str = ""


class Update(NamedTuple):
    """How long a customer may hear nothing, while a ticket of these priorities is open."""

    every: tuple[int, float]
    priority: tuple[int, ...] = ()
    type: tuple[str, ...] = ()


class Satisfaction(NamedTuple):
    """Of how many closed tickets the customer is asked (0 to 1), and what a low score is, of 1 to 5."""

    share: float = 0.0
    days: int = 30
    low: int = 2
    remind_after: tuple[int, float] = (0, 5.0)


class Chasing(NamedTuple):
    """These sections of a rulebook, by the names they have in the file."""

    reminding: Reminding = Reminding()
    satisfaction: Satisfaction = Satisfaction()
    agents: tuple[Agent, ...] = ()
    reminder_steps: tuple[Step, ...] = ()
    escalations: tuple[Escalation, ...] = ()
    updates: tuple[Update, ...] = ()


TABLES: dict[str, Any] = {"reminding": Reminding, "satisfaction": Satisfaction}
LISTS: dict[str, Any] = {
    "agents": Agent,
    "reminder_steps": Step,
    "escalations": Escalation,
    "updates": Update,
}


def chasing(book: Rulebook) -> Chasing:
    """Return these sections of a rulebook as entries."""
    first = len(Staffing._fields)
    rows = book.seldom[first : first + len(Chasing._fields)]
    values: dict[str, Any] = {
        name: TABLES[name]._make(row) if name in TABLES else tuple(LISTS[name]._make(one) for one in row)
        for name, row in zip(Chasing._fields, rows, strict=True)
    }
    return Chasing(**values)
