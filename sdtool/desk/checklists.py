"""Checklists: the items that a ticket carries, and what is done to them."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.desk import Desk, tickets
from sdtool.rules.lifecycle import Ticket
from sdtool.rules.worktime import Calendar
from sdtool.store.base import Row, Store


class Item(NamedTuple):
    """An item of a ticket's checklist; its number is given when it is put there.

    `list` is the key of the rulebook's list it came from, "" for one added by hand; `due_at` epoch
    seconds. An item with `other` is that ticket: it is done when the ticket is, and then has no `done_by`.
    """

    text: str
    list: str = ""
    owner: str = ""
    due_at: int | None = None
    mandatory: int = 1
    other: int | None = None
    number: int = 0
    state: str = "open"
    done_by: str = ""
    done_at: int | None = None
    remark: str = ""


def of(store: Store, number: int) -> list[Item]:
    """Return the items of a ticket, in order."""
    rows = store.query("select * from checklist_item where ticket = :id order by number", id=number)
    return [item_of(row) for row in rows]


def item_of(row: Row) -> Item:
    """Return the item that a row, or the data of an event, holds."""
    return Item(**{name: row[name] for name in Item._fields})


def for_ticket(
    desk: Desk, fields: Mapping[str, Any], *, lists: Sequence[str] = (), more: Sequence[Item] = ()
) -> list[Item]:
    """Return the items of a new ticket: of lists whose conditions it meets, of `lists` by key, and `more`.

    `fields` holds its type, category, target_group and opened_at. Each list counts once.
    """
    fitting = desk.rulebook.checklists_for(fields["type"], fields["category"], fields["target_group"])
    keys = dict.fromkeys([*fitting, *lists])
    return [item for key in keys for item in of_list(desk, key, fields["opened_at"])] + list(more)


def of_list(desk: Desk, key: str, start: int) -> list[Item]:
    """Return the items of a list of the rulebook, due counted from `start`; NotFound when there is none."""
    from sdtool.desk import calendars
    from sdtool.rulebook import find
    from sdtool.rulebook.staffing import staffing

    template = find(staffing(desk.rulebook).checklists, key, "checklist")
    calendar = calendars.load(desk.store, desk.rulebook, desk.rulebook.calendars[0].key, start)
    return [
        Item(line.text, key, line.owner, _due(calendar, start, *line.due), int(not line.optional))
        for line in template.items
    ]


def _due(calendar: Calendar, start: int, seconds: int, days: float) -> int | None:
    """Return the moment that a term (working seconds, working days) ends; none for a term of nothing."""
    if not seconds and not days:
        return None
    return calendar.add_days(start, days) if days else calendar.add(start, seconds)


def place(desk: Desk, number: int, items: Sequence[Item], at: int) -> list[Item]:
    """Put items on a ticket (inside a transaction), after those it has; return them as they are there.

    An item that is another ticket gets the state that follows from that ticket.

    Raises:
        NotFound: the ticket that an item stands for does not exist.
    """
    last = desk.store.value("select max(number) from checklist_item where ticket = :id", id=number) or 0
    placed = [
        _follow(item, tickets.get(desk.store, item.other), at) if item.other is not None else item
        for item in items
    ]
    numbered = [item._replace(number=n) for n, item in enumerate(placed, last + 1)]
    desk.store.insert("checklist_item", *({"ticket": number, **item._asdict()} for item in numbered))
    return numbered


def _follow(item: Item, other: Ticket, at: int) -> Item:
    """Return an item as the ticket it stands for has it; what a person decided about it stays."""
    if item.state != "open" and item.done_by:
        return item
    wanted = {"resolved": "done", "closed": "done", "cancelled": "skipped", "merged": "skipped"}
    state = wanted.get(other.state, "open")
    if state == item.state:
        return item
    if state == "open":
        return item._replace(state="open", done_at=None, remark="")
    remark = f"SD-{other.id} is {other.state}" if state == "skipped" else ""
    return item._replace(state=state, done_at=at, remark=remark)
