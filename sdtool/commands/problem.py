"""`sd problem`: problems, known errors with a workaround, and candidates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, IDS, App, F, dry_run_option, format_option, given, said
from sdtool.desk import candidates, problems, queue, tickets
from sdtool.desk.candidates import Candidate
from sdtool.desk.problems import Problem

_TITLES = (
    ("id", "Nr"),
    ("state", "State"),
    ("title", "Title"),
    ("category", "Category"),
    ("owner", "Owner"),
    ("incidents", "Incidents"),
    ("opened_at", "Opened"),
)
_REST = ("workaround", "cause", "solution", "known_at", "ended_at", "tickets", "rev")
_MOMENTS = ("opened_at", "known_at", "ended_at")
_number = click.argument(
    "number", metavar="NR", type=click.IntRange(1, 2**31), help="Its number, see `sd problem list`."
)
_tickets = click.argument("numbers", metavar="TICKETS", type=IDS, help="Tickets: 12-15,20.")
_if_rev: Callable[[F], F] = click.option(
    "--if-rev", type=int, metavar="N", help="Only when the problem is still at revision N."
)
_OWNER = "Login of who finds the cause; `@me` is you."
_CATEGORY = "Category of the rulebook."
_WORKAROUND = "How to go on meanwhile; who handles its incidents sees it."
_REASON = "Why."


@click.group("problem")
def problem() -> None:
    """Problems: the cause of incidents, known errors with their workaround, and candidates."""


@problem.command("new")
@click.argument("title", help="What seems to be wrong, in one line.")
@click.option("--owner", default="", metavar="LOGIN", help=_OWNER)
@click.option("--category", default="", help=_CATEGORY)
@click.option("--workaround", default="", help="How to go on meanwhile: it is a known error at once.")
@click.option("--tickets", "numbers", metavar="TICKETS", type=IDS, help="Its incidents: 12-15,20.")
@dry_run_option
@format_option
@click.pass_obj
def new(app: App, /, title: str, numbers: list[int] | None, fmt: str, **values: str) -> None:
    """Open a problem, of incidents or on a suspicion."""
    _say(app, lambda: problems.new(app.desk, title, numbers=numbers or (), **values), fmt)


@problem.command("list")
@click.option(
    "--state",
    type=click.Choice(["standing", *problems.STATES, "all"]),
    default="standing",
    show_default=True,
    help="Which states; standing are open and known-error.",
)
@click.option("--owner", default="", metavar="LOGIN", help="Of whom; `@me` is you, `-` is nobody.")
@click.option("--ticket", metavar="ID", type=ID, default=0, help="Those of this ticket.")
@format_option
@click.pass_obj
def list_(app: App, state: str, owner: str, ticket: int, fmt: str) -> None:
    """List problems by number."""
    whom = app.desk.actor if owner == "@me" else owner
    rows = [
        _row(app, one, fmt) for one in problems.listing(app.store, state=state, owner=whom, ticket=ticket)
    ]
    output.emit(rows, _TITLES if fmt == "table" else _TITLES + tuple((key, key) for key in _REST), fmt)


@problem.command("show")
@_number
@format_option
@click.pass_obj
def show(app: App, number: int, fmt: str) -> None:
    """Show a problem whole: its incidents, its workaround, what happened."""
    row = _row(app, problems.get(app.store, number), fmt) | {"history": _history(app, number)}
    if fmt == "table":
        row["tickets"] = "\n".join(_ticket(app, ticket) for ticket in row["tickets"])
        row["history"] = "\n".join(row["history"])
        row = {key: value for key, value in row.items() if value not in ("", None, [], 0)}
    output.emit_one(row, fmt)


@problem.command("edit")
@_number
@click.option("--title", help="What is wrong, in one line.")
@click.option("--owner", metavar="LOGIN", help=_OWNER)
@click.option("--category", help=_CATEGORY)
@click.option("--workaround", help=_WORKAROUND)
@_if_rev
@format_option
@click.pass_obj
def edit(app: App, /, number: int, if_rev: int | None, fmt: str, **values: str | None) -> None:
    """Change a problem; an empty value ("") clears owner or category."""
    _say(app, lambda: problems.edit(app.desk, number, given("problem", values, None), if_rev=if_rev), fmt)


@problem.command("link")
@_number
@_tickets
@_if_rev
@dry_run_option
@format_option
@click.pass_obj
def link(app: App, number: int, numbers: list[int], if_rev: int | None, fmt: str) -> None:
    """Say that incidents have this cause."""
    _say(app, lambda: problems.link(app.desk, number, numbers, if_rev=if_rev), fmt)


@problem.command("unlink")
@_number
@_tickets
@_if_rev
@format_option
@click.pass_obj
def unlink(app: App, number: int, numbers: list[int], if_rev: int | None, fmt: str) -> None:
    """Say that tickets do not have this cause."""
    _say(app, lambda: problems.unlink(app.desk, number, numbers, if_rev=if_rev), fmt)


@problem.command("known")
@_number
@click.option("--workaround", required=True, help=_WORKAROUND)
@click.option("--cause", default="", help="What it comes from, when that is clear.")
@_if_rev
@format_option
@click.pass_obj
def known(app: App, number: int, workaround: str, cause: str, if_rev: int | None, fmt: str) -> None:
    """Make it a known error: analysed, not solved, with a workaround."""
    _say(app, lambda: problems.known(app.desk, number, workaround, cause, if_rev=if_rev), fmt)


@problem.command("resolve")
@_number
@click.option("--cause", required=True, help="What it came from.")
@click.option("--solution", required=True, help="What was done so that it does not come back.")
@_if_rev
@format_option
@click.pass_obj
def resolve(app: App, number: int, cause: str, solution: str, if_rev: int | None, fmt: str) -> None:
    """Say that the cause is taken away. Its tickets stay as they are."""
    _say(app, lambda: problems.resolve(app.desk, number, cause, solution, if_rev=if_rev), fmt)


@problem.command("cancel")
@_number
@click.option("--reason", required=True, help=_REASON)
@_if_rev
@format_option
@click.pass_obj
def cancel(app: App, number: int, reason: str, if_rev: int | None, fmt: str) -> None:
    """Say that it is no problem: its tickets have no cause in common."""
    _say(app, lambda: problems.cancel(app.desk, number, reason, if_rev=if_rev), fmt)


@problem.command("reopen")
@_number
@click.option("--reason", required=True, help=_REASON)
@_if_rev
@format_option
@click.pass_obj
def reopen(app: App, number: int, reason: str, if_rev: int | None, fmt: str) -> None:
    """Open a problem again: it came back."""
    _say(app, lambda: problems.reopen(app.desk, number, reason, if_rev=if_rev), fmt)


@problem.command("candidates")
@click.option(
    "--days",
    type=click.IntRange(1, 366),
    metavar="N",
    help="Look back so many days; else as the rulebook says.",
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="How many at most."
)
@format_option
@click.pass_obj
def candidates_(app: App, days: int | None, limit: int, fmt: str) -> None:
    """List incidents that may have one cause, with the command that makes a problem of them.

    The most telling come first. They are alike by words and category, or the number of a device;
    `[recurrence]` of the rulebook says how many and how much. What is no problem after all leaves
    the list when you make one of it and cancel that.
    """
    app.readonly = True
    desk = app.desk
    found = candidates.candidates(
        app.store,
        app.rulebook,
        app.now,
        days=days,
        sees=lambda number: tickets.may_read(desk, tickets.get(app.store, number)),
    )
    if fmt != "table":
        output.emit([_candidate(app, one) for one in found[:limit]], [(key, key) for key in _CANDIDATE], fmt)
    else:
        for one in found[:limit]:
            output.echo(f"{_told(app, one)}\n  {one.command}")
    if len(found) > limit:
        output.remark(f"{limit} shown, there are {len(found)}: --limit shows them")


# --- Printing

_CANDIDATE = (
    *("title", "tickets", "confidential", "words", "category", "group", "callers", "departments", "sites"),
    *("first_at", "last_at", "score", "problem", "command"),
)


def _say(app: App, act: Callable[[], Problem], fmt: str) -> None:
    """Do an act and say how the problem stands after it: read before a dry run takes it back."""

    def work() -> tuple[Problem, dict[str, Any]]:
        one = act()
        return one, _row(app, one, fmt)

    one, row = app.desk.run(work)
    output.stored(f"Problem {one.id} was stored")
    if fmt != "table":
        output.emit_one(row, fmt)
        return
    about = f"{_plural(row['incidents'], 'incident')}, owner {one.owner or 'nobody'}"
    said(app, f"problem {one.id}  {one.state}  {one.title}  ({about})")


def _row(app: App, one: Problem, fmt: str) -> dict[str, Any]:
    linked, zone = problems.tickets_of(app.store, one.id), app.desk.timezone
    if fmt == "table":
        moments = {name: output.local(getattr(one, name), zone) for name in _MOMENTS}
    else:
        moments = {name: output.iso(getattr(one, name), zone) or None for name in _MOMENTS}  # type: ignore[misc]
    row = one._asdict() | moments | {"incidents": len(linked), "tickets": linked}
    return {key: row[key] for key in (*(key for key, _ in _TITLES), *_REST)}


def _ticket(app: App, number: int) -> str:
    ticket = tickets.get(app.store, number)
    summary = ticket.summary if queue.may_see(app.desk, ticket) else queue.HIDDEN
    return f"SD-{number} {ticket.state} {summary}"


def _history(app: App, number: int) -> list[str]:
    """Return what happened to a problem, a line each."""
    from sdtool.store import journal

    lines = []
    for event in journal.history(app.store, problems.KIND, number):
        data, at = event["data"], output.local(event["at"], app.desk.timezone)
        told = [f"SD-{data['ticket']}"] if "ticket" in data else []
        told += [_line(data["reason"])] if data.get("reason") else []
        told += [f"{name} {_line(value) or 'none'}" for name, value in _changed(event["verb"], data)]
        lines.append(f"{at} {event['actor']} {event['verb']} {'; '.join(told)}".rstrip())
    return lines


def _line(value: object) -> str:
    """Return a value in one line: a line end would begin a line of its own in the history."""
    return " ".join(str(value).split())


def _changed(verb: str, data: dict[str, Any]) -> list[tuple[str, Any]]:
    changed = {name: value for name, value in data.get("set", {}).items() if name not in (*_MOMENTS, "state")}
    return [(name, value) for name, value in changed.items() if value or verb != "new"]


def _candidate(app: App, one: Candidate) -> dict[str, Any]:
    told, zone = one.evidence, app.desk.timezone
    return {
        "title": one.title,
        "tickets": list(one.tickets),
        "confidential": one.confidential,
        "words": [f"{word} {count}" for word, count in told.words],
        "category": told.category,
        "group": told.group,
        "callers": told.callers,
        "departments": told.departments,
        "sites": told.sites,
        "first_at": output.iso(told.first_at, zone),
        "last_at": output.iso(told.last_at, zone),
        "score": one.score,
        "problem": one.problem or None,
        "command": one.command,
    }


def _told(app: App, one: Candidate) -> str:
    told = one.evidence
    since = output.local(told.first_at, app.desk.timezone)[:10]
    more = f" more of problem {one.problem}" if one.problem else ""
    parts = [f"{_plural(one.incidents, 'incident')}{more} since {since}"]
    parts += [f"{one.confidential} of them confidential"] if one.confidential else []
    parts += [_plural(told.callers, "caller")] + ([_plural(told.sites, "site")] if told.sites > 1 else [])
    parts += [f"category {told.category}"] if told.category else []
    words = ", ".join(f"{word} {count}x" for word, count in told.words)
    return f"{', '.join(parts)}: {words or 'each like one of them'}"


def _plural(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
