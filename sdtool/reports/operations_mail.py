"""The operational report by mail: text and HTML, once a period and recipient, as their role may see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from functools import cache

from sdtool import render
from sdtool.desk import Desk
from sdtool.desk.letters import queue, write
from sdtool.reports.addressees import Due, due, queued, readers
from sdtool.reports.operations import Page, Standing, report
from sdtool.reports.operations_view import document
from sdtool.store.journal import head

KEY = "operations"
LATE = 4 * 86_400  # seconds after which the report is no longer sent: what was at risk then is over


def queue_week(desk: Desk, first: date, after: date, jobs: Sequence[Standing]) -> int:
    """Queue the report from `first` up to, but not on, `after` to everybody, at once; return how many were.

    Who was sent this period before is not sent it again. `jobs` are those that are not well.
    """
    wanted = [
        Due(recipient, language, entry.role, "week", first, after, desk.now)
        for recipient, language, entry in readers(desk, KEY)
    ]
    return _post(desk, wanted, jobs)


def queue_due(desk: Desk, jobs: Sequence[Standing]) -> int:
    """Queue what is due, to leave at the moment that the rulebook names; return how many were queued."""
    return _post(desk, due(desk, KEY), jobs)


def _post(desk: Desk, addressed: Sequence[Due], jobs: Sequence[Standing]) -> int:
    wanted = [one for one in addressed if not queued(desk, _dedupe(one))]
    if not wanted:
        return 0
    at = head(desk.store)

    @cache
    def page(first: date, after: date, role: str) -> Page:
        return report(desk, first, after, role=role, jobs=jobs)

    @cache
    def bodies(first: date, after: date, role: str, language: str) -> tuple[str, str, str]:
        return _bodies(desk, page(first, after, role), language, at)

    letters = [
        (
            one,
            write(
                desk,
                None,
                one.recipient,
                one.language,
                *bodies(one.first, one.after, one.role, one.language),
            ),
        )
        for one in wanted
    ]
    late = desk.now + LATE
    return desk.run(
        lambda: sum(
            queue(desk, None, KEY, letter, _dedupe(one), late, one.not_before) for one, letter in letters
        )
    )


def _dedupe(one: Due) -> str:
    return f"{KEY}:{one.first}:{one.after}:{one.recipient}"


def _bodies(desk: Desk, page: Page, language: str, at: tuple[int, str]) -> tuple[str, str, str]:
    """Return subject, text and HTML."""
    values = {
        "period": render.period(page.first, page.after, language),
        "desk": desk.rulebook.organisation.desk,
    }
    subject = render.text("report/operations-subject", language, **values).strip()
    text, html = (document(page, desk.rulebook, form, language, head=at) for form in ("text", "html"))
    return subject, text, html
