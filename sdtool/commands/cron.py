"""`sd cron`: the scheduled jobs, run by cron or a systemd timer, and how they stand."""

from __future__ import annotations

import sys

import click

from sdtool import jobs, output
from sdtool.commands.base import App, dry_run_option, format_option, said
from sdtool.errors import Failed
from sdtool.resources import shipped

_COLUMNS = (
    ("job", "Job"),
    ("schedule", "When"),
    ("last_start", "Last run"),
    ("outcome", "Outcome"),
    ("last_good", "Last good run"),
    ("late", "Late"),
    ("message", "Message"),
)
_LIST = "\n".join(f"{job.name:<10}{job.what}" for job in jobs.JOBS.values())


@click.group(epilog=f"The cron file and the systemd timers to install lie in {shipped('cron')}.")
def cron() -> None:
    """Scheduled jobs: run, status."""


@cron.command("run", epilog=f"\b\nJobs:\n{_LIST}")
@click.argument("job", type=click.Choice(list(jobs.JOBS)), help="Which job.")
@dry_run_option
@click.pass_obj
def run(app: App, job: str) -> None:
    """Run one JOB now; cron does this.

    Says in a line what it did, on a terminal only: cron mails what is printed, and should only do so
    when something is wrong. A job that is running already is left alone.
    """
    app.source = "cron"
    message = jobs.run(app.desk, job)
    if message is None:
        output.remark(f"the job {job} is already running: nothing was done")
    elif app.dry_run or sys.stdout.isatty():
        said(app, f"{job}: {message or 'nothing to do'}")


@cron.command("status")
@format_option
@click.pass_obj
def status(app: App, fmt: str) -> None:
    """Show how every job stands; exit 1 when one is late, failed last time, or never ran."""
    zone = app.rulebook.organisation.timezone
    shown = output.local if fmt == "table" else output.iso
    found = jobs.standings(app.store, app.rulebook, app.now)
    rows = []
    for standing in found:
        row = {**standing._asdict(), "schedule": jobs.JOBS[standing.job].schedule}
        row |= {key: shown(row[key], zone) or None for key in ("last_start", "last_good")}
        rows.append(row)
    output.emit(rows, _COLUMNS, fmt)
    unwell = [standing for standing in found if standing.trouble]
    if unwell:
        hint = f"`sd cron run {unwell[0].job}` runs it now and says what is wrong"
        raise Failed("; ".join(f"{standing.job} {standing.trouble}" for standing in unwell), hint=hint)
