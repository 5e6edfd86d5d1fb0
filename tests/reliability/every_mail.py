"""Every kind of mail that the desk writes, with the same words wherever words of people come in."""

from __future__ import annotations

import contextlib
from datetime import date

from sdtool.desk import Desk, alerts, handling, owed_letters, reminders, satisfaction, staff_letters, tickets
from sdtool.desk.registration import Report as Ticket
from sdtool.desk.registration import register
from sdtool.errors import SdError
from sdtool.reports import jobs_mail, kpi_mail
from sdtool.rulebook import Report
from sdtool.rulebook.chasing import Satisfaction, chasing
from tests.owing import agree, ask, at, led
from tests.test_staff import ROW, told

KINDS = {"note", "staff", "kpi", "jobs", "reminder", "alert", "feedback", "answered"}


def write_all(desk: Desk, words: str) -> None:
    """Queue mails of all KINDS; `words` are in names, summaries, questions, notes and the desk's own name."""
    organisation = desk.rulebook.organisation._replace(desk=words or "-", name=words or "-")
    addressees = (Report("kpi", ("kpi@example.be",), "nl"),)
    desk.rulebook = desk.rulebook._replace(organisation=organisation, reports=addressees)
    agree(desk, satisfaction=Satisfaction(1.0, 30, 2, (0, 5.0)))
    led(desk)
    assert chasing(desk.rulebook).reminding.lead
    desk.now = at("2026-11-16 09:00")
    late, asked, closed = (_ticket(desk, words) for _ in range(3))
    owed = ask(desk, asked, words or "-", person=1)
    handling.assign(desk, [asked], "/lea")
    with contextlib.suppress(SdError):
        handling.note(desk, late, words, public=True)
    _newcomer(desk, words)
    staff_letters.post(desk)
    handling.resolve(desk, [closed], f"- {words}")
    _failed(desk, words)
    desk.now = at("2026-11-23 10:30")
    tickets.apply(desk, closed, "close")
    handling.note(desk, late, f"- {words}", public=True)
    alerts.sweep(desk)
    reminders.remind(desk)
    satisfaction.post(desk)
    owed_letters.answer(desk, owed, words)
    kpi_mail.queue_mail(desk, date(2026, 10, 1), date(2026, 11, 1))
    jobs_mail.queue_mail(desk, date(2026, 11, 23), {"mail": 600})


def _ticket(desk: Desk, words: str) -> int:
    """Register a ticket; the words go in below what `sd new` and the directory would refuse."""
    number = register(desk, Ticket("Printer", 1, "phone", "incident", "printer", "critical")).id
    desk.store.execute("update ticket set summary = :words where id = :id", words=words, id=number)
    desk.store.execute("update person set name = :words where id = 1", words=words)
    return number


def _newcomer(desk: Desk, words: str) -> None:
    """Tell of a newcomer who is called so, or of another when HR may not call anybody so."""
    for row in ({"first_name": words, "last_name": words, "department": words}, {}):
        if row and not words.strip():
            continue
        try:
            told(desk, **{**ROW, **row, "start_date": "2026-12-07"})
            return
        except SdError:
            continue


def _failed(desk: Desk, words: str) -> None:
    desk.store.insert(
        "job_run",
        {"job": "mail", "started_at": at("2026-11-22 10:00"), "finished_at": at("2026-11-22 10:01"),
         "outcome": "failed", "message": words},
    )  # fmt: skip
