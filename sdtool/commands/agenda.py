"""`sd agenda`: what is due when."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import App
from sdtool.desk import Desk, agenda
from sdtool.desk.agenda import Day, Entry
from sdtool.desk.promises import WORDS
from sdtool.errors import UsageFault

_COLUMNS = tuple(
    (key, key)
    for key in ("at", "until", "kind", "late", "agent", "group", "ticket", "ticket_state", "number", "text")
)
_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@click.command("agenda")
@click.option("--day", metavar="DATE", help="Another day than today: morgen, vr, 27/11, 2026-11-27.")
@click.option("--week", is_flag=True, help="The whole week of that day, Monday to Sunday.")
@click.option("--team/--mine", default=False, help="That of your groups, or only yours (the default).")
@click.option(
    "--format",
    "fmt",
    type=click.Choice([*output.FORMATS, "ics"]),
    default="table",
    show_default=True,
    help="How to print; `ics` for calendar programs.",
)
@click.pass_obj
def agenda_(app: App, day: str | None, week: bool, team: bool, fmt: str) -> None:
    """Show what is due when: what is late first, then the day.

    Promises, call-backs, appointments, feedback that others owe, deadlines of your tickets and of those
    nobody has in your groups, and tickets that come back. `--format ics` holds all days, unless --day or
    --week is given.
    """
    app.readonly = True
    desk = app.desk
    first = _day(desk, day)
    count = 7 if week else 1
    if week:
        first -= timedelta(days=first.weekday())
    if fmt == "ics":
        bounded = day is not None or week
        _print_ics(desk, agenda.scope(desk, team=team, first=first if bounded else None, days=count))
        return
    wanted = agenda.scope(desk, team=team, first=first, days=count)
    found, days = agenda.entries(desk, wanted), agenda.days(desk, first, count)
    if fmt == "table":
        _print(desk, found, days, team)
    else:
        output.emit([_row(entry, desk.timezone) for entry in _with_days(desk, found, days)], _COLUMNS, fmt)


def _day(desk: Desk, text: str | None) -> date:
    from sdtool.rules import moments

    try:
        return moments.parse_date(text or "today", desk.now, desk.timezone)
    except ValueError as exc:
        raise UsageFault(str(exc)) from None


def _print_ics(desk: Desk, wanted: agenda.Scope) -> None:
    from sdtool.desk import ics

    whose = ", ".join(wanted.groups) if wanted.team else wanted.agent
    found = [*agenda.entries(desk, wanted), *agenda.withdrawn(desk, wanted)]
    text = ics.calendar(desk, found, f"{desk.rulebook.organisation.desk}: {whose}")
    output.echo(text.removesuffix("\n"), composed=True)


def _with_days(desk: Desk, found: Sequence[Entry], days: Sequence[Day]) -> list[Entry]:
    """Put the opening hours and days off among the entries, for programs."""
    told = []
    for one in days:
        if one.hours:
            told += [Entry("open", a, b, False, "", "", None, "", None, one.name) for a, b in one.hours]
        else:
            start, end = agenda.period(desk, one.day, 1)
            told.append(Entry("closed", start, end, False, "", "", None, "", None, one.name))
    return sorted([*found, *told], key=agenda.order)


def _row(entry: Entry, zone: str) -> dict[str, Any]:
    row = {key: getattr(entry, key) for key, _ in _COLUMNS}
    return row | {key: output.iso(row[key], zone) or None for key in ("at", "until")}


def _print(desk: Desk, found: Sequence[Entry], days: Sequence[Day], team: bool) -> None:
    late = [entry for entry in found if entry.late]
    if late:
        output.echo(output.style("Late", "bold"), composed=True)
        _print_lines(desk, late, team, dated=True)
    for one in days:
        output.echo(output.style(_headed(desk, one), "bold"), composed=True)
        start, end = agenda.period(desk, one.day, 1)
        own = [e for e in found if not e.late and e.at < end and (e.until or e.at) >= start]
        _print_lines(desk, own, team, dated=False)
    if not found:
        output.remark("nothing on the agenda")


def _headed(desk: Desk, one: Day) -> str:
    named = f"{_WEEK[one.day.weekday()]} {one.day.isoformat()}"
    if not one.hours:
        return f"{named}  closed" + (f": {one.name}" if one.name else "")
    hours = " ".join("-".join(output.local(at, desk.timezone)[11:] for at in span) for span in one.hours)
    return f"{named}  {hours}" + (f" ({one.name})" if one.name else "")


def _print_lines(desk: Desk, found: Sequence[Entry], team: bool, *, dated: bool) -> None:
    rows = []
    for entry in found:
        ticket = f"SD-{entry.ticket} " if entry.ticket is not None else ""
        who = f"{entry.agent or entry.group}: " if team else ""
        start = output.local(entry.at, desk.timezone)
        end = output.local(entry.until, desk.timezone)
        span = start[11:] + (f"-{end[11:]}" if end else "")
        rows.append(
            {
                "at": start if dated else span,
                "kind": _named(entry),
                "text": who + ticket + entry.text + _ended(entry),
            }
        )
    output.emit(rows, (("at", ""), ("kind", ""), ("text", "")), "table")


def _named(entry: Entry) -> str:
    """Return the kind, with the number by which other commands know it."""
    if entry.kind == "feedback" and entry.number is not None:
        from sdtool.desk import owed

        return f"feedback {owed.spelled(entry.number)}"
    return f"{WORDS[entry.kind]} {entry.number}" if entry.kind in WORDS else entry.kind


def _ended(entry: Entry) -> str:
    from sdtool.rules.lifecycle import ENDED_STATES

    return f" ({entry.ticket_state})" if entry.ticket_state in ENDED_STATES else ""
