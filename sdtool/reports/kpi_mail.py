"""The KPI report by mail: text and HTML, once a period and recipient.

The mail states the head of the journal. It lies in mailboxes that nobody at the desk can change, so a
journal that was rewritten or cut off later can be told from the one that was reported on.
"""

from __future__ import annotations

from datetime import date

from sdtool import render
from sdtool.desk import Desk
from sdtool.desk.letters import queue, write
from sdtool.reports.freeze import shown
from sdtool.reports.kpi import Report
from sdtool.reports.kpi_view import document
from sdtool.rulebook import Report as Addressees
from sdtool.rulebook import Rulebook
from sdtool.store.journal import head

KEY = "kpi"
LATE = 7 * 86_400  # seconds after which the report is no longer sent


def addressees(desk: Desk) -> list[Addressees]:
    """Return who receives the report, as the rulebook says."""
    return [entry for entry in desk.rulebook.reports if entry.key == KEY and entry.recipients]


def queue_mail(desk: Desk, first: date, after: date) -> int:
    """Queue the report from `first` up to, but not on, `after`; return how many mails were queued.

    Who was sent this period before is not sent it again, so cron may ask every night.
    """
    wanted = [
        (recipient, render.known(entry.language, render.REPORT_LANGUAGES))
        for entry in addressees(desk)
        for recipient in entry.recipients
        if not _queued(desk, _dedupe(first, after, recipient))
    ]
    if not wanted:
        return 0
    found, book = shown(desk.store, desk.rulebook, first, after, now=desk.now)
    at = head(desk.store)
    bodies = {
        language: _bodies(desk, found, book, language, at)
        for language in dict.fromkeys(lang for _, lang in wanted)
    }
    letters = [write(desk, None, recipient, language, *bodies[language]) for recipient, language in wanted]
    late = desk.now + LATE
    return desk.run(
        lambda: sum(
            queue(desk, None, KEY, one, _dedupe(first, after, one.recipient), late) for one in letters
        )
    )


def _dedupe(first: date, after: date, recipient: str) -> str:
    return f"{KEY}:{first}:{after}:{recipient}"


def _queued(desk: Desk, dedupe: str) -> bool:
    return desk.store.one("select id from outbox where dedupe = :dedupe", dedupe=dedupe) is not None


def _bodies(
    desk: Desk, found: Report, book: Rulebook, language: str, at: tuple[int, str]
) -> tuple[str, str, str]:
    """Return subject, text and HTML."""
    period = render.period(found.first, found.after, language)
    subject = render.text("report/subject", language, period=period, desk=book.organisation.desk)
    text, page = (document(found, book, form, language, head=at) for form in ("text", "html"))
    return subject.strip(), text, page
