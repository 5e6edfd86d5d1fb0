"""The agenda as an iCalendar file (RFC 5545), for calendar programs that subscribe to it or import it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sdtool import __version__
from sdtool.desk import Desk, queue
from sdtool.desk.agenda import Entry
from sdtool.errors import BadSetup
from sdtool.output import safe

_TITLES = {
    "callback": "Call back",
    "promise": "Promised",
    "appointment": "",
    "buffer": "Buffer",
    "feedback": "Feedback due",
    "respond": "Respond",
    "resolve": "Resolve",
    "returns": "Comes back",
}
_RECORD = {**dict.fromkeys(("callback", "promise", "appointment", "buffer"), "promise"), "feedback": "owed"}
_BUSY = ("callback", "appointment", "buffer")  # the others say by when: they take no time of their own


def calendar(desk: Desk, entries: Iterable[Entry], name: str) -> str:
    """Return a calendar of entries: moments in UTC, the same identifiers every time, lines as RFC 5545 says.

    What a confidential ticket is about is in none. The same records give the same text, whenever it is made.

    Raises:
        BadSetup: the icalendar library is not installed.
    """
    try:
        import icalendar  # 33 ms
    except ImportError as exc:
        raise BadSetup(
            "a calendar file needs icalendar, which is not installed", hint='pip install "sdtool[ics]"'
        ) from exc
    whole = icalendar.Calendar()
    whole.add("prodid", f"-//sdtool//sd {__version__}//EN")
    whole.add("version", "2.0")
    whole.add("x-wr-calname", name)
    for entry in entries:
        event = icalendar.Event()
        for key, value in _properties(desk, entry).items():
            event.add(key, value)
        whole.add_component(event)
    return str(whole.to_ical(), "utf-8")


def _properties(desk: Desk, entry: Entry) -> dict[str, Any]:
    kind = _RECORD.get(entry.kind, "ticket")
    subject = entry.ticket if kind == "ticket" else entry.number
    found: dict[str, Any] = {
        # with the desk's own id: two desks may be in one calendar
        "uid": f"{entry.kind if kind == 'ticket' else kind}-{subject}@{desk.store.meta('desk')}",
        "dtstamp": _utc(_changed(desk, kind, subject, entry.at)),
        "sequence": max(entry.rev - 1, 0),
        "dtstart": _utc(entry.at),
        "summary": _summary(entry),
        "status": "CANCELLED" if entry.cancelled else "CONFIRMED",
        "transp": "OPAQUE" if entry.kind in _BUSY and not entry.cancelled else "TRANSPARENT",
        "categories": [entry.kind],
    }
    if entry.until is not None:
        found["dtend"] = _utc(entry.until)
    if entry.confidential:
        found["class"] = "CONFIDENTIAL"
    return found


def _summary(entry: Entry) -> str:
    """Return what the calendar shows; the one who has the calendar need not be one who may read the desk."""
    text = queue.HIDDEN if entry.confidential else safe(entry.text)
    title = _TITLES[entry.kind]
    number = f" (SD-{entry.ticket})" if entry.ticket is not None else ""
    gone = "Cancelled: " if entry.cancelled else ""  # for programs that do not look at STATUS
    return gone + (f"{title}: {text}" if title else text) + number


def _changed(desk: Desk, kind: str, subject: int | None, otherwise: int) -> int:
    """Return when a record was last changed: without a METHOD, that is what DTSTAMP means."""
    sql = "select max(at) from event where kind = :kind and subject = :subject"
    last = desk.store.value(sql, kind=kind, subject=subject)
    return int(last) if last is not None else otherwise


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, ZoneInfo("UTC"))
