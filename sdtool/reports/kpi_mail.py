"""The KPI report by mail: text and HTML, once a period and recipient.

The mail states the head of the journal. It lies in mailboxes that nobody at the desk can change, so a
journal that was rewritten or cut off later can be told from the one that was reported on.
"""

from __future__ import annotations

from datetime import date

from sdtool import render
from sdtool.desk import Desk
from sdtool.desk.letters import queue, write
from sdtool.reports.addressees import due, queued, readers
from sdtool.reports.freeze import shown
from sdtool.reports.kpi import Report
from sdtool.reports.kpi_view import document
from sdtool.reports.site_charts import picture
from sdtool.rulebook import Rulebook
from sdtool.store.journal import head

KEY = "kpi"
LATE = 7 * 86_400  # seconds after which the report is no longer sent


def queue_mail(desk: Desk, first: date, after: date) -> int:
    """Queue the report from `first` up to, but not on, `after` to everybody; return how many were queued.

    Who was sent this period before is not sent it again.
    """
    found = [(recipient, language, desk.now) for recipient, language, _ in readers(desk, KEY)]
    return _post(desk, first, after, found)


def queue_due(desk: Desk) -> dict[tuple[date, date], int]:
    """Queue what is due, to each at the moment the rulebook names; return how many by period.

    Cron may ask every night: who was sent a period before is not sent it again.
    """
    wanted: dict[tuple[date, date], list[tuple[str, str, int]]] = {}
    for one in due(desk, KEY):
        wanted.setdefault((one.first, one.after), []).append((one.recipient, one.language, one.not_before))
    return {days: _post(desk, *days, addressed) for days, addressed in wanted.items()}


def _post(desk: Desk, first: date, after: date, addressed: list[tuple[str, str, int]]) -> int:
    """Queue a period's report to (recipient, language, moment) each, but who has it."""
    wanted = [one for one in addressed if not queued(desk, _dedupe(first, after, one[0]))]
    if not wanted:
        return 0
    found, book = shown(desk.store, desk.rulebook, first, after, now=desk.now)
    at = head(desk.store)
    bodies = {
        language: _bodies(desk, found, book, language, at)
        for language in dict.fromkeys(language for _, language, _ in wanted)
    }
    letters = [
        (write(desk, None, recipient, language, *bodies[language]), leaves)
        for recipient, language, leaves in wanted
    ]
    late = desk.now + LATE
    return desk.run(
        lambda: sum(
            queue(desk, None, KEY, one, _dedupe(first, after, one.recipient), late, leaves)
            for one, leaves in letters
        )
    )


def _dedupe(first: date, after: date, recipient: str) -> str:
    return f"{KEY}:{first}:{after}:{recipient}"


def _bodies(
    desk: Desk, found: Report, book: Rulebook, language: str, at: tuple[int, str]
) -> tuple[str, str, str, list[tuple[str, bytes]]]:
    """Return subject, text, HTML and the picture that it shows, if there is one."""
    period = render.period(found.first, found.after, language)
    subject = render.text("report/subject", language, period=period, desk=book.organisation.desk)
    drawn = picture(found, book, language)
    text = document(found, book, "text", language, head=at)
    page = document(found, book, "html", language, head=at, picture=drawn[1] if drawn else "")
    return subject.strip(), text, page, [("figures", drawn[0])] if drawn else []
