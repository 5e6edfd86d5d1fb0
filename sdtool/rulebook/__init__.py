"""The desk's agreements as values, read from one checked TOML file.

The entries are `NamedTuple`s: immutable, typed, and ten times cheaper to define at
start-up than dataclasses. Every entry may carry `valid_from` (ISO date, "" for always):
of the entries with one key, the latest that is in force on a day counts on that day.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol, TypeVar

from sdtool.errors import BadSetup, NotFound, UsageFault

TYPES = ("incident", "request")
PARTIES = ("customer", "supplier", "internal")


class Organisation(NamedTuple):
    """Who the desk is: names, language of its customers, time zone of its clock."""

    name: str
    desk: str
    language: str = "nl"
    timezone: str = "Europe/Brussels"


class Calendar(NamedTuple):
    """Opening hours: seven days, Monday first, each a tuple of (open, close) seconds after midnight."""

    key: str
    hours: tuple[tuple[tuple[int, int], ...], ...]
    name: str = ""
    timezone: str = "Europe/Brussels"
    holidays: str = ""
    valid_from: str = ""


class Day(NamedTuple):
    """A day that differs: `on` is MM-DD (every year) or an ISO date; no hours means closed."""

    calendar: str
    on: str
    name: str
    until: str = ""
    hours: tuple[tuple[int, int], ...] = ()


class TargetGroup(NamedTuple):
    """Customers who are served alike, an axis of the priority matrix."""

    key: str
    name: str
    default: bool = False


class Urgency(NamedTuple):
    """How soon the customer needs it, the other axis of the priority matrix."""

    key: str
    name: str


class Impact(NamedTuple):
    """How far it reaches; `shift` is added to the priority of the matrix."""

    key: str
    name: str
    shift: int = 0
    default: bool = False


class Channel(NamedTuple):
    """How it came in; on a `live` channel the customer is there while the ticket is made."""

    key: str
    name: str
    live: bool = False


class Priority(NamedTuple):
    """A level, 1 the highest."""

    level: int
    name: str


class Matrix(NamedTuple):
    """Urgency x target group: `cells` are (urgency, target group, level)."""

    cells: tuple[tuple[str, str, int], ...]
    valid_from: str = ""


class Target(NamedTuple):
    """What is promised for a type and priority; each time is (working seconds, working days)."""

    type: str
    priority: int
    respond: tuple[int, float]
    resolve: tuple[int, float]
    calendar: str
    valid_from: str = ""


class Category(NamedTuple):
    """What it is about; `first_line` says whether the first line can solve it at all."""

    key: str
    name: str
    first_line: bool = True


class Group(NamedTuple):
    """A solver group: its line (1, 2, 3), mail address and the logins of its members."""

    key: str
    name: str
    line: int = 2
    mail: str = ""
    members: tuple[str, ...] = ()


class Route(NamedTuple):
    """A routing rule: all conditions that are given must hold; `words` asks for any one of them."""

    name: str
    group: str
    type: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    target_group: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    priority: tuple[int, ...] = ()
    words: tuple[str, ...] = ()
    valid_from: str = ""


class Waiting(NamedTuple):
    """A party one may wait for, and whether the clock stops while one does."""

    party: str
    pauses: bool
    name: str = ""
    valid_from: str = ""


class Closing(NamedTuple):
    """When a resolved ticket closes, how long an intake contact lasts: (working seconds, working days)."""

    customer_term: tuple[int, float] = (0, 5.0)
    first_contact: tuple[int, float] = (1800, 0.0)


class Norm(NamedTuple):
    """A line of the service sheet: the value a KPI is held to, of a service or ("") of the whole desk.

    `valid_until` is its last day; `direction` (>= or <=) and `unit` "" are those of the KPI.
    """

    kpi: str
    norm: float
    valid_from: str = ""
    valid_until: str = ""
    service: str = ""
    direction: str = ""
    unit: str = ""
    owner: str = ""
    public: str = ""


class Report(NamedTuple):
    """Who receives a report: in which language, how often, not before which local time.

    `role` is what they may see. `every` "" is what suits the report: the KPIs monthly, operations weekly.
    """

    key: str
    recipients: tuple[str, ...]
    language: str = "nl"
    role: str = "management"
    every: str = ""
    day: str = "mon"
    at: str = "07:00"


class Job(NamedTuple):
    """How long after its last good run a scheduled job counts as late, in seconds."""

    name: str
    late_after: int


class View(NamedTuple):
    """A saved list: a name for options of `sd list`."""

    key: str
    name: str
    options: tuple[str, ...]


class _Keyed(Protocol):
    @property
    def key(self) -> str: ...


_K = TypeVar("_K", bound=_Keyed)
_V = TypeVar("_V")


class Rulebook(NamedTuple):
    """Everything the desk agreed, checked; `digest` names the content it was read from.

    `seldom` holds the sections of SELDOM as plain rows: few commands ask for their entries.
    """

    digest: str
    organisation: Organisation
    calendars: tuple[Calendar, ...]
    days: tuple[Day, ...]
    target_groups: tuple[TargetGroup, ...]
    urgencies: tuple[Urgency, ...]
    impacts: tuple[Impact, ...]
    channels: tuple[Channel, ...]
    priorities: tuple[Priority, ...]
    matrices: tuple[Matrix, ...]
    targets: tuple[Target, ...]
    categories: tuple[Category, ...]
    groups: tuple[Group, ...]
    routes: tuple[Route, ...]
    waiting: tuple[Waiting, ...]
    closing: Closing
    service_sheet: tuple[Norm, ...]
    reports: tuple[Report, ...]
    jobs: tuple[Job, ...]
    views: tuple[View, ...]
    seldom: tuple[tuple[Any, ...], ...]

    def group(self, key: str) -> Group:
        """Return the solver group `key`; NotFound when there is none."""
        return find(self.groups, key, "group")

    def target_on(self, type_: str, priority: int, day: str) -> Target:
        """Return what is promised on `day` for a ticket type and priority level."""
        chosen = in_force([t for t in self.targets if t.type == type_ and t.priority == priority], day)
        if chosen is None:
            raise BadSetup(
                f"the rulebook has no target for {type_} P{priority} on {day}; see `sd rulebook check`"
            )
        return chosen

    def groups_of(self, login: str) -> tuple[str, ...]:
        """Return the groups `login` works in; who is in none works in the first line."""
        own = tuple(g.key for g in self.groups if login in g.members)
        return own or tuple(g.key for g in self.groups if g.line == 1)

    def default_target_group(self) -> str:
        """Return the target group of a caller of whom none is known."""
        return next((g.key for g in self.target_groups if g.default), self.target_groups[-1].key)

    def default_impact(self) -> str:
        """Return the impact that counts when none is given; "" when the rulebook has no impacts."""
        if not self.impacts:
            return ""
        return next((i.key for i in self.impacts if i.default), self.impacts[0].key)

    def checklists_for(self, type_: str, category: str, target_group: str) -> list[str]:
        """Return the keys of the checklists that go with such a new ticket: each has conditions, all hold.

        The plain rows are read: few rulebooks have such a list, and every new ticket asks.
        """
        case = (type_, category, target_group)
        fitting = []
        for key, _, _, *conditions in self.seldom[1]:
            given = [(value, wanted) for value, wanted in zip(case, conditions, strict=True) if wanted]
            if given and all(value in wanted for value, wanted in given):
                fitting.append(key)
        return fitting

    def party_pauses(self, party: str, day: str) -> bool:
        """Tell whether the clock stops on `day` while a ticket waits for `party`."""
        chosen = in_force([w for w in self.waiting if w.party == party], day)
        return chosen.pauses if chosen is not None else False


# section of the TOML file -> class of its entries; a single table where it is not a list
LISTS: dict[str, Any] = {
    "calendars": Calendar,
    "days": Day,
    "target_groups": TargetGroup,
    "urgencies": Urgency,
    "impacts": Impact,
    "channels": Channel,
    "priorities": Priority,
    "matrices": Matrix,
    "targets": Target,
    "categories": Category,
    "groups": Group,
    "routes": Route,
    "waiting": Waiting,
    "service_sheet": Norm,
    "reports": Report,
    "jobs": Job,
    "views": View,
}
# sections whose entries are made when asked for, by `rulebook.staffing`, `.chasing` and `.sheet`
SELDOM = (
    "staff", "checklists", "staff_columns", "staff_rules", "staff_formats", "support_services", "packages",
    "staff_mails", "reminding", "satisfaction", "agents", "reminder_steps", "escalations", "updates",
    "services", "process", "recurrence", "majors",
)  # fmt: skip
TABLES: dict[str, Any] = {"organisation": Organisation, "closing": Closing}


def find(entries: tuple[_K, ...], key: str, what: str) -> _K:
    """Return the entry with `key`; NotFound names the keys there are."""
    for entry in entries:
        if entry.key == key:
            return entry
    known = ", ".join(dict.fromkeys(e.key for e in entries))
    raise NotFound(f"there is no {what} {key!r} in the rulebook; known are {known}")


def require(entries: tuple[_K, ...], key: str, what: str) -> str:
    """Return `key` if an entry has it; UsageFault names the keys there are."""
    try:
        return find(entries, key, what).key
    except NotFound as exc:
        raise UsageFault(str(exc)) from None


def in_force(entries: list[_V], day: str) -> _V | None:
    """Return the entry with the latest `valid_from` not after `day`, the first of equals; None if none is."""
    chosen: _V | None = None
    best = ""
    for entry in entries:
        since = str(getattr(entry, "valid_from", ""))
        if since <= day and (chosen is None or since > best):
            chosen, best = entry, since
    return chosen


def routes_in_force(routes: Iterable[Route], day: str) -> list[Route]:
    """Return the routing rules of `day`, in order; of one name only the latest version counts."""
    versions: dict[str, list[Route]] = {}
    for route in routes:
        versions.setdefault(route.name, []).append(route)
    chosen = (in_force(found, day) for found in versions.values())
    return [route for route in chosen if route is not None]
