"""`sd calendar`: the days off that the clock knows, against those that were agreed."""

from __future__ import annotations

from datetime import date

import click

from sdtool import output
from sdtool.commands.base import App, format_option
from sdtool.desk import calendars
from sdtool.errors import Failed
from sdtool.rulebook.shown import ranges

_YEAR = click.IntRange(1990, 2199)
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@click.group("calendar")
def calendar() -> None:
    """Days off and special hours: show, check, sync."""


@calendar.command("show")
@click.argument("year", type=_YEAR, help="Which year.")
@format_option
@click.pass_obj
def show(app: App, year: int, fmt: str) -> None:
    """Show the days of YEAR that differ from the weekly hours, as the clock knows them."""
    rows = []
    for key in dict.fromkeys(c.key for c in app.rulebook.calendars):
        for day in calendars.stored(app.store, key, year):
            weekday = _DAYS[date.fromisoformat(day.day).weekday()]
            rows.append(
                {
                    "calendar": key,
                    "day": day.day,
                    "weekday": weekday,
                    "hours": ranges(day.hours),
                    "name": day.name,
                }
            )
    titles = (
        ("calendar", "Calendar"),
        ("day", "Day"),
        ("weekday", "Weekday"),
        ("hours", "Open"),
        ("name", "Name"),
    )
    output.emit(rows, titles, fmt)


@calendar.command("check")
@click.argument("year", type=_YEAR, help="Which year.")
@format_option
@click.pass_obj
def check(app: App, year: int, fmt: str) -> None:
    """Compare the clock's days of YEAR with the rulebook and the legal holidays; exit 1 when they differ."""
    found = calendars.differences(app.store, app.rulebook, year)
    rows = [{"calendar": key, "day": day, "difference": text} for key, day, text in found]
    output.emit(rows, (("calendar", "Calendar"), ("day", "Day"), ("difference", "Difference")), fmt)
    if found:
        raise Failed(
            f"{len(found)} day(s) of {year} differ",
            hint=f"`sd calendar sync {year}` brings the clock up to the rulebook",
        )
    if fmt == "table":
        output.echo(f"{year}: the clock knows every day off that was agreed")


@calendar.command("sync")
@click.argument("years", nargs=-1, type=_YEAR, help="Which years; by default last year to three years ahead.")
@click.pass_obj
def sync(app: App, years: tuple[int, ...]) -> None:
    """Bring the clock's days up to the rulebook, and the deadlines of open tickets with them."""
    chosen = range(min(years), max(years) + 1) if years else calendars.horizon(app.desk)
    changed, moved = calendars.sync(app.desk, chosen)
    output.stored("The calendar was synchronised")
    output.echo(f"{changed} day(s) changed, {moved} deadline(s) of open tickets moved")
