"""Five weeks at steps of five minutes: who gets which mail when, as a list that a person can read.

In them: the end of summer time (Sunday 25 October), All Saints and All Souls (1 and 2 November), the holiday
of 11 November, weekends, two days in which cron stood still, answers, extensions, a closing by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from sdtool.desk import Desk, checklists, handling, owed, people, reminders
from sdtool.desk.checklists import Item
from tests.owing import ZONE, ask, at, golden, led, parsed, party, person, ticket

FIRST, LAST = at("2026-10-19 00:00"), at("2026-11-21 00:00")
STANDSTILL = (at("2026-10-29 00:00"), at("2026-10-31 00:00"))
Act = tuple[str, str, Callable[[Desk], object]]  # when, what it is called in the list, what is done


def story(desk: Desk) -> list[Act]:
    """Make tickets and people; return what happens when."""
    zoe = person(desk, "Zoë D'Hondt-Çelik", "zoe@example.be")
    luc = person(desk, "Luc Lefèvre", "luc@example.be", "fr")
    amy = person(desk, "Amy O'Neill", "amy@example.be", "en")
    canon = party(desk, "Canon Support", "support@canon.example", contract="RO-2026/14", language="en",
                  escalation_name="Ann Boss", escalation_mail="boss@canon.example")  # fmt: skip
    noc = party(desk, "Netwerkwacht", "wacht@noc.example", calendar="always")
    site = party(desk, "Gebouwen", "gebouwen@example.be", "internal")
    silent = party(desk, "Zonder Adres", None)
    printer, screen = ticket(desk, "Printer werkt niet", zoe), ticket(desk, "Scherm blijft zwart", zoe)
    french, english = ticket(desk, "Imprimante en panne", luc), ticket(desk, "Laptop too slow", amy)
    line, secret = ticket(desk, "Lijn valt uit"), ticket(desk, "Vertrouwelijk", confidential=True)
    checked = ticket(desk, "Met controlelijst", amy)

    def asks(*given: Any, **more: Any) -> Callable[[Desk], object]:
        return lambda desk: ask(desk, *given, **more)

    def listed(desk: Desk) -> object:
        return checklists.add(desk, checked, [Item("laptop terugnemen")])

    def moved(desk: Desk) -> object:
        return people.edit(desk, zoe, {"mail": "z.dhondt@example.be"})

    def later(desk: Desk) -> object:
        return owed.extend(desk, 5, at("2026-11-06 12:00"), "verlof")

    return [
        ("10-19 09:00", "F-1 asked of Zoë for the printer", asks(printer, "serienummer", person=zoe)),
        ("10-19 09:10", "F-2 asked of Canon for it", asks(printer, "fuser", "supplier", party=canon)),
        ("10-19 15:00", "F-3 asked of Luc", asks(french, "modèle", person=luc)),
        ("10-20 10:00", "F-4 asked of Zoë for the screen", asks(screen, "foto", person=zoe)),
        ("10-20 16:45", "F-5 asked of Amy, after the window", asks(english, "a picture", person=amy)),
        ("10-21 11:00", "F-6 asked of Gebouwen", asks(secret, "sleutel", "internal", party=site)),
        ("10-21 11:05", "F-7 asked of Zonder Adres", asks(secret, "slot", "supplier", party=silent)),
        ("10-22 02:30", "F-8 asked of Netwerkwacht", asks(line, "log", "supplier", party=noc)),
        ("10-22 09:20", "F-9 asked of Amy for SD-7", asks(checked, "a date", person=amy)),
        ("10-22 09:30", "SD-7 gets a mandatory item", listed),
        ("10-23 14:00", "F-3 answered by Luc", lambda desk: owed.answer(desk, 3, "X1")),
        ("10-26 08:40", "F-5 extended to 6 November", later),
        ("10-27 10:00", "F-10 asked of Luc", asks(french, "photo", person=luc)),
        ("10-28 23:00", "Zoë gets another address", moved),
        ("11-03 17:00", "F-4 answered by Zoë", lambda desk: owed.answer(desk, 4, "kapot")),
        ("11-05 11:15", "SD-5 closed by an agent", lambda desk: handling.resolve(desk, [line], "hersteld")),
    ]


def walk(desk: Desk, step: int) -> Iterator[str]:
    """Run at every step of so many seconds; yield what happened and what was mailed, a line each."""
    acts = [(at(f"2026-{when}"), what, act) for when, what, act in story(desk)]
    told: set[str] = set()
    for now in range(FIRST, LAST, step):
        for moment, what, act in [act for act in acts if now - step < act[0] <= now]:
            desk.now = moment
            act(desk)
            yield _line(moment, f"-- {what}")
        if STANDSTILL[0] <= now < STANDSTILL[1]:
            continue
        desk.now = now
        done = reminders.remind(desk)
        yield from (_line(now, _told(mail)) for mail in done.mails)
        yield from (_line(now, f"** SD-{number} closed") for number in done.closed)
        for trouble in [*done.unreachable, *done.refused]:
            if trouble not in told:  # it is told at every run
                told.add(trouble)
                yield _line(now, f"!! {trouble}")


def _line(moment: int, text: str) -> str:
    return f"{datetime.fromtimestamp(moment, ZONE):%a %d %b %H:%M}  {text}\n"


def _told(mail: reminders.Mail) -> str:
    steps = ", ".join(f"{owed.spelled(id_)} {number} {tone}" for id_, _, number, tone in mail.steps)
    copy = f" (copy: {mail.copy})" if mail.copy else ""
    return f"{mail.to}{copy}: {parsed(mail.message)['Subject']} | {steps}"


def test_the_mails_of_five_weeks(desk: Desk) -> None:
    led(desk)
    desk.now = FIRST

    golden("week.txt", "".join(walk(desk, 300)))
