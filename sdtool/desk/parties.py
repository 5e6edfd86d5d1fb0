"""Parties: suppliers and internal services that owe the desk feedback."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from typing import NamedTuple

from sdtool.errors import NotFound
from sdtool.store.base import Store


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


def get(store: Store, number: int) -> Party:
    """Return the party with this number; NotFound when there is none."""
    row = store.one("select * from party where id = :id", id=number)
    if row is None:
        raise NotFound(f"there is no party {number}")
    return Party(**dict(row))
