"""Whether checklists, support services and packages agree with each other and with the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sdtool.rulebook import Rulebook
from sdtool.rulebook.read import Fault, Reader
from sdtool.rulebook.staffing import FIELDS, KINDS, READERS, STEPS, staffing

# sections whose keys name what other sections define, or one of the words of the program
REFERRING = (
    "checklists",
    "staff_columns",
    "staff_rules",
    "staff_formats",
    "support_services",
    "packages",
    "staff_mails",
)


def known(reader: Reader) -> dict[str, list[Any]]:
    """Return what the keys of these sections may hold."""
    services = [value for (value,) in reader.named("support_services", "key")]
    lists = [value for (value,) in reader.named("checklists", "key")]
    fields = list(FIELDS)
    return {
        "services": services,
        "after": services,
        "checklist": lists,
        "field": fields,
        "required": fields,
        "needs": fields,
        "kind": list(KINDS),
        "step": list(STEPS),
        "to": list(READERS),
    }


def _circles(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """No support service waits for itself, by whatever way round."""
    services = staffing(book).support_services
    after = {service.key: set(service.after) for service in services}
    while free := [key for key, waits in after.items() if not waits & after.keys()]:
        for key in free:
            del after[key]
    for index, service in enumerate(services):
        if service.key in after:
            line = reader.line("support_services", index, "after")
            yield Fault(line, f"the support service {service.key!r} waits for itself: look at its `after`")


def _desk_side(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Where there are packages, the tickets of a change have a category, urgency and channel."""
    lists = staffing(book)
    if not lists.packages:
        return
    defined = {
        "category": [entry.key for entry in book.categories],
        "urgency": [entry.key for entry in book.urgencies],
        "channel": [entry.key for entry in book.channels],
    }
    for field, keys in defined.items():
        value = getattr(lists.staff, field)
        if value not in keys:
            line, listed = reader.positions.line("staff", field), ", ".join(keys)
            yield Fault(line, f"[staff] needs a {field} of the rulebook, not {value!r}; known are {listed}")


def _days(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    for index, service in enumerate(staffing(book).support_services):
        if service.days_before < 0 or service.days_after < 0:
            line = reader.line("support_services", index)
            yield Fault(line, f"the support service {service.key!r} counts negative days")


LOOKS = (_circles, _desk_side, _days)
