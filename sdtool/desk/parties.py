"""Parties: suppliers and internal services that owe the desk feedback."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from sdtool.desk import Desk, people, records
from sdtool.errors import Conflict, NotFound, UsageFault
from sdtool.rulebook import Rulebook, find
from sdtool.store.base import Row, Store

if TYPE_CHECKING:
    from sdtool.desk.tables import Table

KINDS = ("supplier", "internal")
FIELDS = (
    "kind",
    "name",
    "mail",
    "phone",
    "language",
    "calendar",
    "contract",
    "escalation_name",
    "escalation_mail",
    "active",
)


class Party(NamedTuple):
    """A supplier or an internal service; `calendar` is one of the rulebook, "" its first one."""

    id: int
    kind: str
    name: str
    mail: str | None
    phone: str | None
    language: str
    calendar: str
    contract: str
    escalation_name: str
    escalation_mail: str | None
    active: int
    name_key: str
    rev: int


def _party(row: Row) -> Party:
    return Party(**dict(row))


def get(store: Store, number: int) -> Party:
    """Return the party with this number; NotFound when there is none."""
    row = store.one("select * from party where id = :id", id=number)
    if row is None:
        raise NotFound(f"there is no party {number}")
    return _party(row)


def listing(store: Store, kind: str = "", *, inactive: bool = False) -> list[Party]:
    """Return the parties of a kind ("": all) by name, active ones only unless `inactive`."""
    rows = store.query(
        "select * from party where (:kind = '' or kind = :kind) and (active = 1 or :inactive = 1)"
        " order by name_key, id",
        kind=kind,
        inactive=int(inactive),
    )
    return [_party(row) for row in rows]


def find_all(store: Store, text: str) -> list[Party]:
    """Return the parties that `text` names: `#3` by number; else mail, else name, else words of the name.

    One that is not active any more is found by its number or whole name only.
    """
    text = text.strip()
    if re.fullmatch(r"#[0-9]{1,9}", text):
        row = store.one("select * from party where id = :id", id=int(text[1:]))
        return [_party(row)] if row is not None else []
    everybody, key = listing(store, inactive=True), people.fold(text)
    active = [one for one in everybody if one.active]
    return (
        [one for one in active if one.mail and one.mail.casefold() == text.casefold()]
        or [one for one in everybody if one.name_key == key]
        or [one for one in active if people.begins(one.name_key, key.split())]
    )


def find_one(store: Store, text: str) -> Party:
    """Return the one party that `text` names.

    Raises:
        NotFound: none; the message says how to add one.
        UsageFault: several; the message lists them.
    """
    found = find_all(store, text)
    if not found:
        raise NotFound(
            f"no party is known as {text!r}", hint='`sd party add "NAME" --kind supplier --mail …` adds one'
        )
    if len(found) > 1:
        listed = "; ".join(f"{one.name} (#{one.id}, {one.kind})" for one in found[:10])
        raise UsageFault(
            f"{len(found)} parties fit {text!r}: {listed}", hint="name one by its whole name or #number"
        )
    return found[0]


def owing(store: Store, kind: str, text: str) -> int:
    """Return the number of the party that is to owe feedback of a kind.

    Raises:
        UsageFault: it is of another kind, or a customer is asked.
        Conflict: it is not active any more.
    """
    party = find_one(store, text)
    if party.kind != kind:
        raise UsageFault(f"{party.name} is of kind {party.kind}, not {kind}: leave --on out, or correct it")
    if not party.active:
        raise Conflict(
            f"{party.name} is not active any more: nobody is asked there",
            hint=f"`sd party edit #{party.id} --active` takes it up again",
        )
    return party.id


def named(store: Store, name: str, kind: str) -> Party | None:
    """Return the active party of a kind that bears exactly this name, None when there is none."""
    row = store.one(
        "select * from party where name_key = :key and kind = :kind and active = 1",
        key=people.fold(name),
        kind=kind,
    )
    return _party(row) if row is not None else None


# --- Writing


def clean(book: Rulebook, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a party, checked, with the key of its name; every fault in one UsageFault."""
    faults: list[str] = []
    given = people.cleaned(values, faults)
    if given.get("kind", KINDS[0]) not in KINDS:
        faults.append(f"the kind must be one of {', '.join(KINDS)}, not {given['kind']!r}")
    if given.get("calendar"):
        try:
            find(book.calendars, given["calendar"], "calendar")
        except NotFound as exc:
            faults.append(exc.message)
    if faults:
        raise UsageFault("; ".join(faults))
    return {**given, "name_key": people.fold(given["name"])} if "name" in given else given


def _refuse_twin(store: Store, values: Mapping[str, Any], own: int) -> None:
    twin = store.one(
        "select id, name from party where name_key = :key and id <> :own",
        key=values.get("name_key", ""),
        own=own,
    )
    if twin is not None:
        raise Conflict(
            f"the name {values['name']} is that of party {twin['id']} ({twin['name']}) already",
            hint=f"`sd party edit #{twin['id']} …` changes that one",
        )


def add(desk: Desk, values: Mapping[str, Any]) -> Party:
    """Add a party; `values` by field name, `kind` and `name` at least.

    Raises:
        UsageFault: a value is not what its field holds; all faults are named.
        Conflict: there is one of that name.
    """
    given = {name: value for name, value in values.items() if value is not None}
    if not given.get("kind"):
        raise UsageFault(f"the kind is missing: {' or '.join(KINDS)}")
    empty = {name: None if name in people.NULLABLE else "" for name in FIELDS}
    fields = {**empty, "active": 1, "language": desk.rulebook.organisation.language, **given}

    def work() -> Party:
        whole = clean(desk.rulebook, fields)
        _refuse_twin(desk.store, whole, 0)
        return get(desk.store, records.add(desk, "party", whole))

    return desk.run(work)


def edit(desk: Desk, number: int, values: Mapping[str, Any]) -> Party:
    """Change fields of a party; nothing new changes nothing.

    Raises:
        UsageFault, Conflict: as for `add`; and the kind of one that owes something stays.
    """
    given = clean(desk.rulebook, values)

    def work() -> Party:
        party = get(desk.store, number)
        _refuse_twin(desk.store, given, number)
        if given.get("kind", party.kind) != party.kind:
            _refuse_owing(desk.store, party)
        records.change(desk, "party", party, "edit", given)
        return get(desk.store, number)

    return desk.run(work)


def _refuse_owing(store: Store, party: Party) -> None:
    row = store.one("select id from owed where state = 'open' and party = :party limit 1", party=party.id)
    if row is not None:
        raise Conflict(f"{party.name} owes F-{row['id']} as {party.kind}: its kind stays until that is over")


def import_table(desk: Desk, path: str, table: "Table") -> records.Imported:
    """Add or change parties, matched by name; all of them or none.

    Raises:
        BadInput: a row cannot be taken; every such row is named with its line.
    """
    return records.import_table(desk, path, table, _take_in, "party")


def _take_in(desk: Desk, row: Mapping[str, Any]) -> tuple[int, str]:
    key = people.fold(row["name"])
    twin = desk.store.one("select id, rev from party where name_key = :key", key=key)
    if twin is None:
        return add(desk, row).id, "added"
    return twin["id"], "same" if edit(desk, twin["id"], row).rev == twin["rev"] else "changed"
