"""The mail about jobs that failed or did not run, the day after: a cron that stopped tells nobody."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from sdtool import render
from sdtool.desk import Desk
from sdtool.desk.letters import Letter, parted, queue
from sdtool.reports.addressees import moment, readers
from sdtool.reports.seen import EYES, Eyes
from sdtool.rulebook import Report as Entry
from sdtool.rules.moments import midnight

KEY, INSTEAD = "jobs", "kpi"


class Trouble(NamedTuple):
    """What went wrong with a job: how often it failed, with its last message, and when it did not run."""

    job: str
    failures: int
    message: str
    gap: tuple[int, int] | None


def recipients(desk: Desk) -> list[tuple[str, str, Entry]]:
    """Return who is told, as `readers` does: who gets `jobs`, else who gets `kpi`."""
    return readers(desk, KEY) or readers(desk, INSTEAD)


def queue_mail(desk: Desk, day: date, late_after: Mapping[str, int]) -> int:
    """Queue the mail of a day, once for each recipient; return how many were queued, none without trouble.

    Args:
        day: the local date; what is told is of the day before it, and of now.
        late_after: seconds without a good run that are too many, by job.
    """
    found = troubles(desk, day, late_after)
    letters = [
        (
            f"{KEY}:{day}:{recipient}",
            _written(desk, recipient, language, found, EYES[entry.role]),
            moment(desk, day, entry.at),
        )
        for recipient, language, entry in recipients(desk)
        if found
    ]
    return desk.run(
        lambda: sum(
            queue(desk, None, KEY, letter, dedupe, not_before=leaves) for dedupe, letter, leaves in letters
        )
    )


def troubles(desk: Desk, day: date, late_after: Mapping[str, int]) -> list[Trouble]:
    """Return which jobs failed on the day before `day`, local time, or did not run then or since."""
    since, until = midnight(day - timedelta(days=1), desk.timezone), midnight(day, desk.timezone)
    began = desk.store.value("select min(started_at) from job_run where started_at <= :now", now=desk.now)
    found = []
    for name, seconds in late_after.items():
        failed = desk.store.query(
            "select message from job_run where job = :job and outcome = 'failed'"
            " and started_at >= :since and started_at < :until order by started_at, id",
            job=name,
            since=since,
            until=until,
        )
        gap = _gap(desk, name, since, began)
        missed = gap[1] - gap[0] > seconds
        if failed or missed:
            message = failed[-1]["message"] if failed else ""
            found.append(Trouble(name, len(failed), message, gap if missed else None))
    return found


def _gap(desk: Desk, name: str, since: int, began: int | None) -> tuple[int, int]:
    """Return the longest time without a good run that ends after `since`.

    A job that never ran is missed since the first run of any (`began`): a new desk has no gaps.
    """
    last = desk.store.value(
        "select max(started_at) from job_run where job = :job and outcome = 'done' and started_at < :since",
        job=name,
        since=since,
    )
    rows = desk.store.query(
        "select started_at from job_run where job = :job and outcome = 'done'"
        " and started_at >= :first and started_at <= :now order by started_at",
        job=name,
        first=since if last is None else last,
        now=desk.now,
    )
    good = [row["started_at"] for row in rows] or [desk.now if began is None else began]
    return max(pairwise([*good, desk.now]), key=lambda pair: pair[1] - pair[0])


def _written(desk: Desk, recipient: str, language: str, found: Sequence[Trouble], eyes: Eyes) -> Letter:
    """Compose the mail of a recipient; what a job said last may hold the address of a person."""
    from sdtool.output import safe

    whole = render.text(
        "report/jobs",
        language,
        jobs=[{**one._asdict(), "message": safe(eyes.name(one.message))} for one in found],
        zone=desk.timezone,
        desk=desk.rulebook.organisation.desk,
    )
    return parted(desk, None, recipient, language, whole)
