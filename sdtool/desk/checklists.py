"""Checklists: the items that a ticket carries, and what is done to them."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sdtool.desk import Desk, tickets
from sdtool.desk.handling import text_of
from sdtool.errors import Conflict, NotFound, Refused, UsageFault
from sdtool.output import local
from sdtool.rules.lifecycle import Ticket
from sdtool.rules.worktime import Calendar
from sdtool.store.base import Row, Store

_AS_TICKET = {"resolved": "done", "closed": "done", "cancelled": "skipped", "merged": "skipped"}
_VERB_TO = {"open": "untick", "done": "tick", "skipped": "skip"}
_STATE_OF = {"tick": "done", "skip": "skipped"}
_PARTICIPLE = {"done": "ticked", "skipped": "skipped"}


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
    calendar = calendars.own(desk, start)
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
    """Return an item as the ticket that it is has it; what a person decided about it stays."""
    if item.state != "open" and item.done_by:
        return item
    state = _AS_TICKET.get(other.state, "open")
    if state == item.state:
        return item
    remark = f"SD-{other.id} is {other.state}" if state == "skipped" else ""
    return item._replace(state=state, done_at=None if state == "open" else at, remark=remark)


def follow(desk: Desk, number: int, at: int, *, undoes: int | None = None) -> None:
    """Bring the items that are ticket `number`, and those on it that are tickets, to where these stand.

    It is level, not step: asked twice, it changes nothing twice. `undoes` is the event that an undo
    takes back, if that is why.
    """
    rows = desk.store.query(
        "select * from checklist_item where other = :id union"
        " select * from checklist_item where ticket = :id and other is not null order by ticket, number",
        id=number,
    )
    for row in rows:
        item, ticket = item_of(row), tickets.get(desk.store, row["ticket"])
        moment = tickets.after_last(desk.store, ticket, at)
        after = _follow(item, tickets.get(desk.store, row["other"]), moment)
        if after != item:
            data = {"item": after._asdict()} | ({} if undoes is None else {"undoes": undoes})
            tickets.record(desk, ticket, _VERB_TO[after.state], {}, data, moment)
            _store(desk.store, ticket.id, after)


def _store(store: Store, number: int, item: Item) -> None:
    store.execute(
        "update checklist_item set state = :state, done_by = :by, done_at = :at, remark = :remark"
        " where ticket = :ticket and number = :number",
        state=item.state,
        by=item.done_by,
        at=item.done_at,
        remark=item.remark,
        ticket=number,
        number=item.number,
    )


def rewrite(store: Store, number: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Replace the checklist of a ticket (undo takes an act out of its history)."""
    store.execute("delete from checklist_item where ticket = :id", id=number)
    store.insert("checklist_item", *({"ticket": number, **row} for row in rows))


# --- what people do


def new(
    desk: Desk,
    text: str,
    *,
    owner: str = "",
    due_at: int | None = None,
    optional: bool = False,
    other: int | None = None,
) -> Item:
    """Return an item as somebody gives it; UsageFault when a text cannot be kept or it is due in the past."""
    if due_at is not None and due_at <= desk.now:
        raise UsageFault("--due must lie in the future")
    owner = owner and text_of("owner", owner, longest=100)
    return Item(
        text_of("item", text, longest=500),
        owner=owner,
        due_at=due_at,
        mandatory=int(not optional),
        other=other,
    )


def add(
    desk: Desk, number: int, items: Sequence[Item], *, if_rev: int | None = None, **context: Any
) -> list[Item]:
    """Put items on a ticket; return them with their numbers.

    Args:
        context: what the journal keeps beside them.

    Raises:
        NotFound: the ticket that an item is does not exist.
        Refused: a ticket would be an item of itself, over however many tickets.
    """

    def work() -> list[Item]:
        return [_add(desk, number, item, if_rev if n == 0 else None, context) for n, item in enumerate(items)]

    return desk.run(work)


def _add(desk: Desk, number: int, item: Item, if_rev: int | None, context: Mapping[str, Any]) -> Item:
    ticket = tickets.get(desk.store, number)
    tickets.require_readable(desk, ticket, context)
    if item.other is not None and _would_circle(desk.store, number, item.other):
        raise Refused(
            f"ticket {item.other} cannot be an item of ticket {number}: it waits for that one itself"
        )
    at = tickets.after_last(desk.store, ticket, desk.now)
    (placed,) = place(desk, number, [item], at)
    data = {"item": placed._asdict(), **context}
    tickets.apply(desk, number, "add-item", data=data, at=at, if_rev=if_rev)
    return placed


def _would_circle(store: Store, number: int, other: int) -> bool:
    """Tell whether ticket `number` is an item of `other`, of one of its items, and so on."""
    sql = (
        "with recursive reached (id) as (select cast(:other as bigint) union"
        " select item.other from checklist_item item join reached on item.ticket = reached.id"
        " where item.other is not null)"
        " select 1 from reached where id = :number"
    )
    return store.one(sql, other=other, number=number) is not None


def tick(
    desk: Desk, number: int, which: Sequence[int], note: str = "", *, if_rev: int | None = None
) -> list[Item]:
    """Tick items by number; Conflict when one is not open, Refused when it is another ticket."""
    return _each(desk, number, "tick", which, note and text_of("note", note, longest=500), if_rev)


def skip(
    desk: Desk, number: int, which: Sequence[int], reason: str, *, if_rev: int | None = None
) -> list[Item]:
    """Skip items, mandatory or not, for a reason; Conflict when one is not open."""
    return _each(desk, number, "skip", which, text_of("reason", reason, longest=500), if_rev)


def untick(desk: Desk, number: int, which: Sequence[int], *, if_rev: int | None = None) -> list[Item]:
    """Open items again that were ticked or skipped; Refused for one that follows another ticket."""
    return _each(desk, number, "untick", which, "", if_rev)


def _each(
    desk: Desk, number: int, verb: str, which: Sequence[int], remark: str, if_rev: int | None
) -> list[Item]:
    def work() -> list[Item]:
        return [
            _act(desk, number, verb, item, remark, if_rev if n == 0 else None)
            for n, item in enumerate(dict.fromkeys(which))
        ]

    return desk.run(work)


def _act(desk: Desk, number: int, verb: str, which: int, remark: str, if_rev: int | None) -> Item:
    ticket = _readable(desk, number)
    item = find(of(desk.store, number), number, which)
    _require(desk, number, verb, item)
    at = tickets.after_last(desk.store, ticket, desk.now)
    if verb == "untick":
        after = item._replace(state="open", done_by="", done_at=None, remark="")
        if item.other is not None:
            after = _follow(after, tickets.get(desk.store, item.other), at)
    else:
        after = item._replace(state=_STATE_OF[verb], done_by=desk.actor, done_at=at, remark=remark)
    tickets.apply(desk, number, verb, data={"item": after._asdict()}, at=at, if_rev=if_rev)
    _store(desk.store, number, after)
    return after


def _readable(desk: Desk, number: int) -> Ticket:
    ticket = tickets.get(desk.store, number)
    tickets.require_readable(desk, ticket)
    return ticket


def _require(desk: Desk, number: int, verb: str, item: Item) -> None:
    """Refuse an act that the state of the item, or the ticket that it is, does not allow."""
    named = f"item {item.number} of ticket {number}"
    if verb == "untick":
        if item.state == "open":
            raise Conflict(f"{named} is open: there is nothing to untick")
        if not item.done_by:
            raise Refused(f"{named} is SD-{item.other}: it opens again when that is reopened")
    elif item.state != "open":
        who = item.done_by or f"SD-{item.other}"
        when, how = local(item.done_at, desk.timezone), _PARTICIPLE[item.state]
        again = f"`sd checklist untick {number} {item.number}` opens it again" if item.done_by else ""
        raise Conflict(f"{named} was {how} by {who} on {when} already", hint=again)
    elif verb == "tick" and item.other is not None:
        raise Refused(
            f"{named} is SD-{item.other}: it ticks itself when that is closed;"
            f" `sd checklist skip {number} {item.number} --reason …` when it is not needed"
        )


def find(items: Sequence[Item], number: int, which: int) -> Item:
    """Return the item of ticket `number` with this number; NotFound when there is none."""
    for item in items:
        if item.number == which:
            return item
    raise _missing(number, f"no item {which}")


def _missing(number: int, what: str) -> NotFound:
    return NotFound(f"ticket {number} has {what}", hint=f"`sd checklist show {number}` shows its items")


def chosen(desk: Desk, number: int, text: str) -> list[int]:
    """Return the numbers of the items that `text` names: `1`, `1-3,5`, or how the text of one begins.

    Raises:
        NotFound: there is no such item.
        UsageFault: the text of several begins so.
    """
    _readable(desk, number)
    items = of(desk.store, number)
    if re.fullmatch(r"[0-9]{1,9}(-[0-9]{1,9})?(,[0-9]{1,9}(-[0-9]{1,9})?)*", text):
        ranges = [part.partition("-") for part in text.split(",")]
        wanted = [(int(first), int(last or first)) for first, _, last in ranges]
        for first, last in wanted:
            find(items, number, first), find(items, number, last)
        return [item for first, last in wanted for item in range(first, last + 1)]
    fitting = [item for item in items if text and item.text.casefold().startswith(text.casefold())]
    if len(fitting) > 1:
        told = ", ".join(str(item.number) for item in fitting)
        raise UsageFault(f"the items {told} of ticket {number} begin with {text!r}: name one by its number")
    if not fitting:
        raise _missing(number, f"no item that begins with {text!r}")
    return [fitting[0].number]
