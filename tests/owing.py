"""Who owes the desk what: people, parties, tickets and open questions, made in a line each."""

from __future__ import annotations

import email
import email.policy
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sdtool.desk import Desk, people, records
from sdtool.desk.registration import Report, register
from sdtool.rulebook.chasing import Agent, Chasing, chasing
from sdtool.rulebook.staffing import Staffing
from sdtool.rules.texts import fold

ZONE = ZoneInfo("Europe/Brussels")


def at(text: str) -> int:
    """Return a local moment, `2026-11-09 10:30`."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp())


def agree(desk: Desk, **sections: Any) -> None:
    """Let the rulebook say something else in sections of chasing, given as entries."""
    first, seldom = len(Staffing._fields), list(desk.rulebook.seldom)
    for name, value in sections.items():
        seldom[first + Chasing._fields.index(name)] = _plain(value)
    desk.rulebook = desk.rulebook._replace(seldom=tuple(seldom))


def _plain(value: Any) -> tuple[Any, ...]:
    return tuple(value) if hasattr(value, "_fields") else tuple(map(tuple, value))


def led(desk: Desk, lead: str = "lead@example.be", manager: str = "manager@example.be") -> None:
    """Let the desk have somebody who leads it, and a manager."""
    agree(
        desk,
        reminding=chasing(desk.rulebook).reminding._replace(lead=lead, manager=manager),
        agents=[Agent("lea", lead, "Lea Leider", "nl"), Agent("max", manager, "Max Manager", "en")],
    )


def ticket(desk: Desk, summary: str = "Printer werkt niet", caller: int | None = 1, **more: Any) -> int:
    """Register a ticket."""
    report = Report(summary, caller, "phone", "incident", "printer", "normal", **more)
    return register(desk, report).id


def person(desk: Desk, name: str, mail: str | None, language: str = "nl") -> int:
    """Put somebody in the directory."""
    return people.add(desk, {"name": name, "language": language} | ({"mail": mail} if mail else {})).id


def party(desk: Desk, name: str, mail: str | None, kind: str = "supplier", **more: Any) -> int:
    """Make a supplier or an internal service."""
    values = {"kind": kind, "name": name, "mail": mail, "phone": None, "language": "nl", "calendar": "",
              "contract": "", "escalation_name": "", "escalation_mail": None, "active": 1,
              "name_key": fold(name), "rev": 1, **more}  # fmt: skip
    return desk.run(lambda: records.add(desk, "party", values))


def ask(
    desk: Desk, number: int, what: str, kind: str = "customer", *,
    person: int | None = None, party: int | None = None, asked: int | None = None, due: int | None = None,
) -> int:  # fmt: skip
    """Owe the desk an answer from now on, or since `asked`, due at once or at `due`."""
    since = desk.now if asked is None else asked
    values = {"ticket": number, "kind": kind, "person": person, "party": party, "what": what,
              "asked_at": since, "asked_by": "agent", "due_at": since if due is None else due, "step": 0,
              "step_at": None, "state": "open", "ended_at": None, "ended_by": "", "remark": "",
              "rev": 1}  # fmt: skip
    return desk.run(lambda: records.add(desk, "owed", values))


def parsed(message: str) -> EmailMessage:
    """Return a message as a mail program reads it."""
    return email.message_from_string(message, policy=email.policy.default)


def golden(name: str, text: str) -> None:
    """Compare with what lies in golden/; a file that is missing is written, to be read and tried again."""
    path = Path(__file__).parent / "golden" / name
    if not path.exists():
        path.write_text(text, encoding="utf-8")
        raise AssertionError(f"{path} was missing and is written now: read it")
    assert text == path.read_text(encoding="utf-8")
