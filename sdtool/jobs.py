"""Scheduled jobs: the one list of them, the lock that keeps two runs apart, the ledger of runs.

A job looks where things belong at `desk.now` and makes up the difference: run twice it does nothing
the second time, and after days without a run one run makes up for all of them.
"""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import NamedTuple

from sdtool.desk import Desk
from sdtool.errors import BadSetup, Failed, SdError
from sdtool.rulebook import Rulebook
from sdtool.rules.moments import day_of
from sdtool.store.base import Store

NIGHTLY = 26 * 3600  # a day of 25 hours, in autumn, and time to run
LEDGER_DAYS = 90  # how long runs are kept
LIMIT = 3600.0  # seconds that a run may take; then it is stopped, and the next one goes on
KEY_DAYS = 30  # how long an idempotency key keeps a script from registering twice
_STOPPED = "it was stopped before it ended"


class Job(NamedTuple):
    """A job: `work` does it and returns what it did in a few words, "" when there was nothing to do.

    `late_after` is in seconds after the start of the last good run; the rulebook may say otherwise.
    `schedule` is the local time at which the shipped cron file and timers run it.
    """

    name: str
    what: str
    schedule: str
    late_after: int
    work: Callable[[Desk], str]


class Standing(NamedTuple):
    """How a job stands: moments in epoch seconds, None for never; `message` is that of its last run."""

    job: str
    outcome: str
    last_start: int | None
    last_good: int | None
    late_after: int
    late: bool
    message: str

    @property
    def trouble(self) -> str:
        """What a person should know, in a few words; "" when the job is well."""
        if self.outcome == "never":
            return "never ran"
        if self.outcome == "failed":
            return "failed"
        return "is late" if self.late else ""


# --- The work


def _mail(desk: Desk) -> str:
    from sdtool.desk import intake, outgoing

    if desk.store.dry_run:
        return outgoing.foreseen(desk)
    taken = intake.catch_up(desk)
    done = outgoing.deliver(desk)
    return ", ".join(filter(None, (done.counts if done else "", _counted([(taken, "taken in late")]))))


def _sweep(desk: Desk) -> str:
    from sdtool.desk import alerts

    done = alerts.sweep(desk)
    if done is None:
        return ""
    steps = len(done.steps)
    return _counted(
        [(steps, "step(s)"), (done.mails, "mail(s) queued"), (done.unheard, "with nobody to tell")]
    )


def _remind(desk: Desk) -> str:
    from sdtool.desk import reminders

    done = reminders.remind(desk)
    told = [(len(done.mails), "mail(s) queued"), (len(done.closed), "ticket(s) closed")]
    return "; ".join(filter(None, (_counted(told), *done.unreachable, *done.refused)))


def _staff(desk: Desk) -> str:
    from sdtool.desk import staff_days, staff_letters

    refused: list[str] = []
    released, people = staff_days.catch_up(desk, refused)
    queued = (staff_letters.post(desk, refused=refused), "mail(s) queued")
    done = _counted([(released, "released"), (people, "brought up to date in the directory"), queued])
    if refused:
        raise Failed("; ".join(filter(None, (done, *refused))))
    return done


def _feedback(desk: Desk) -> str:
    from sdtool.desk import satisfaction

    done = satisfaction.post(desk)
    return _counted([(done.asked, "customer(s) asked"), (done.reminded, "reminded")])


def _calendar(desk: Desk) -> str:
    from sdtool.desk import calendars

    days, moved = calendars.sync(desk, calendars.horizon(desk))
    return _counted([(days, "day(s) off changed"), (moved, "deadline(s) moved")])


def _close(desk: Desk) -> str:
    from sdtool.desk import handling

    # in one transaction: a ticket that is reopened meanwhile would be refused in the middle
    closed = desk.run(lambda: handling.close_due(desk))
    return _counted([(len(closed), "closed")])


def _freeze(desk: Desk) -> str:
    from sdtool.reports import freeze

    return freeze.catch_up(desk)


def _kpi(desk: Desk) -> str:
    from sdtool.reports import jobs_mail, kpi_mail

    queued = kpi_mail.queue_due(desk)
    told = jobs_mail.queue_mail(desk, today(desk), late_after(desk.rulebook))
    about = [(count, f"queued about {_days(*days)}") for days, count in queued.items()]
    return _counted([*about, (told, "queued about jobs")])


def _days(first: date, after: date) -> str:
    """Name a period: a whole month as 2026-10, other days as 2026-11-01 to 2026-11-22."""
    whole = first.day == after.day == 1
    return f"{first:%Y-%m}" if whole else f"{first} to {after - timedelta(days=1)}"


def _operations(desk: Desk) -> str:
    from sdtool.reports import operations_mail

    return _counted([(operations_mail.queue_due(desk, unwell(desk, but="operations")), "mail(s) queued")])


def _upkeep(desk: Desk) -> str:
    forgotten = desk.run(
        lambda: desk.store.execute(
            "delete from job_run where started_at < :before"
            " and id not in (select max(id) from job_run group by job, outcome)",
            before=desk.now - LEDGER_DAYS * 86_400,
        )
    )
    keys = desk.run(
        lambda: desk.store.execute(
            "delete from request where at < :before", before=desk.now - KEY_DAYS * 86_400
        )
    )
    mails = desk.run(
        lambda: desk.store.execute(
            "update inmail set raw = '' where raw <> '' and verdict not in ('new', 'kept')"
            " and coalesce(settled_at, received_at) < :before",
            before=desk.now - LEDGER_DAYS * 86_400,
        )
    )
    if not desk.store.dry_run:
        desk.store.upkeep()
    return _counted(
        [
            (mails, "old mail(s) emptied"),
            (forgotten, "old run(s) forgotten"),
            (keys, "old idempotency key(s) forgotten"),
        ]
    )


def today(desk: Desk) -> date:
    """Return the local date at the desk."""
    return day_of(desk.now, desk.timezone)


def _counted(parts: list[tuple[int, str]]) -> str:
    return ", ".join(f"{count} {word}" for count, word in parts if count)


JOBS: dict[str, Job] = {
    job.name: job
    for job in (
        Job("mail", "Sends mails that are due, takes in late ones.", "every 5 minutes", 1200, _mail),
        Job(
            "sweep",
            "Tells agents, groups, lead and manager what nears or passed its deadline.",
            "every 5 minutes",
            1200,
            _sweep,
        ),
        Job(
            "remind",
            "Queues the reminders that are due, and closes what they announced.",
            "every 15 minutes",
            3600,
            _remind,
        ),
        Job(
            "staff",
            "Posts the mails of starts, moves and ends, and brings their tickets up to the day.",
            "every 15 minutes",
            3600,
            _staff,
        ),
        Job(
            "feedback",
            "Asks customers of closed tickets how it went, and reminds them once.",
            "every 15 minutes",
            3600,
            _feedback,
        ),
        Job(
            "calendar",
            "Brings days off, and deadlines with them, up to the rulebook.",
            "every night at 04:10",
            NIGHTLY,
            _calendar,
        ),
        Job(
            "close",
            "Closes resolved tickets whose customer's term has passed.",
            "every night at 04:20",
            NIGHTLY,
            _close,
        ),
        Job("freeze", "Keeps the figures of months that are over.", "every night at 04:30", NIGHTLY, _freeze),
        Job(
            "kpi",
            "Queues the KPI mails that are due, and what jobs did not do the day before.",
            "every night at 04:40",
            NIGHTLY,
            _kpi,
        ),
        Job(
            "operations",
            "Queues the operational reports that are due.",
            "every night at 04:45",
            NIGHTLY,
            _operations,
        ),
        Job(
            "upkeep",
            f"Tidies the database, and forgets runs of jobs after {LEDGER_DAYS} days.",
            "every night at 04:50",
            NIGHTLY,
            _upkeep,
        ),
    )
}


# --- Running


def run(desk: Desk, name: str) -> str | None:
    """Do a job of JOBS and note it in the ledger; return its message, None when it is running already.

    An error is noted and goes on to the caller. A dry run leaves no trace, in the ledger neither.
    """
    job = JOBS[name]
    if desk.store.dry_run:
        return job.work(desk)
    with desk.store.lock(name) as ours:
        if not ours:
            return None
        started = time.monotonic()
        number = desk.run(lambda: _begin(desk, name))
        try:
            with _limited(name):
                message = job.work(desk)
        except BaseException as exc:
            with contextlib.suppress(SdError):  # the first error is the one to tell
                _end(desk, number, started, "failed", _told(exc))
            raise
        _end(desk, number, started, "done", message)
        return message


class _TooLong(KeyboardInterrupt):
    """A run has taken longer than it may."""


@contextlib.contextmanager
def _limited(name: str) -> Iterator[None]:
    """Stop a run that takes longer than LIMIT: its transaction is rolled back, its lock let go.

    It comes as Ctrl-C does: psycopg then calls off the question that the server is at, and nothing takes
    it for an error of its own. The alarm repeats, in case something swallows it. Only the main thread can
    have one.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise _TooLong

    held = signal.signal(signal.SIGALRM, stop)
    before = signal.setitimer(signal.ITIMER_REAL, LIMIT, 60)
    try:
        yield
    except _TooLong:
        raise Failed(f"{name} was stopped: it ran for more than {LIMIT:g} s") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, *before)
        signal.signal(signal.SIGALRM, held)


def _begin(desk: Desk, name: str) -> int:
    """Note that a run begins; one that is still noted as running cannot be: we hold its lock."""
    desk.store.execute(
        "update job_run set outcome = 'failed', finished_at = :now, message = :message"
        " where job = :job and outcome = 'running'",
        now=desk.now,
        message=_STOPPED,
        job=name,
    )
    return int(
        desk.store.value(
            "insert into job_run (job, started_at, outcome) values (:job, :now, 'running') returning id",
            job=name,
            now=desk.now,
        )
    )


def _end(desk: Desk, number: int, started: float, outcome: str, message: str) -> None:
    finished = desk.now + int(time.monotonic() - started)
    values = {"finished_at": finished, "outcome": outcome, "message": message}
    desk.run(lambda: desk.store.update("job_run", number, values))


def _told(exc: BaseException) -> str:
    if isinstance(exc, SdError):
        return exc.message
    return "interrupted" if isinstance(exc, KeyboardInterrupt) else f"internal error ({type(exc).__name__})"


# --- Looking


def late_after(book: Rulebook) -> dict[str, int]:
    """Return for each job the seconds after which it is late, the rulebook's word first.

    Raises:
        BadSetup: the rulebook names a job that does not exist: a typing error would go unseen.
    """
    agreed = {job.name: job.late_after for job in book.jobs}
    for name in agreed:
        if name not in JOBS:
            raise BadSetup(f"[[jobs]] of the rulebook names {name!r}; the jobs are {', '.join(JOBS)}")
    return {name: agreed.get(name, job.late_after) for name, job in JOBS.items()}


def standings(store: Store, book: Rulebook, now: int) -> list[Standing]:
    """Return how every job stands at `now`; runs that start later (a clock put back) do not count yet."""
    return [_standing(store, name, seconds, now) for name, seconds in late_after(book).items()]


def unwell(desk: Desk, *, but: str = "") -> list[Standing]:
    """Return the jobs that are late, failed last time or never ran, `but` one: what runs now is not over."""
    found = standings(desk.store, desk.rulebook, desk.now)
    return [standing for standing in found if standing.trouble and standing.job != but]


def _standing(store: Store, name: str, seconds: int, now: int) -> Standing:
    last = store.one(
        "select outcome, started_at, message from job_run where job = :job and started_at <= :now"
        " order by started_at desc, id desc limit 1",
        job=name,
        now=now,
    )
    good = store.value(
        "select max(started_at) from job_run where job = :job and outcome = 'done' and started_at <= :now",
        job=name,
        now=now,
    )
    late = good is None or now - good > seconds
    if last is None:
        return Standing(name, "never", None, None, seconds, late, "")
    return Standing(name, last["outcome"], last["started_at"], good, seconds, late, last["message"])
