"""`sd promise`, `sd appointment`: what agents will do at an agreed moment."""

from __future__ import annotations

from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, App, format_option, said
from sdtool.desk import Desk, promises, queue, tickets
from sdtool.desk.promises import Promise
from sdtool.errors import UsageFault
from sdtool.rules.lifecycle import ENDED_STATES

_TITLES = (
    ("id", "Nr"),
    ("at", "At"),
    ("kind", "What"),
    ("ticket", "Ticket"),
    ("text", "Text"),
    ("agent", "Agent"),
    ("state", "State"),
    ("moves", "Moved"),
    ("remark", "Remark"),
)
_REST = tuple((key, key) for key in ("until", "ticket_state", "late", "ended_at", "rev"))  # for programs
_ALWAYS = ("id", "at", "kind", "ticket", "text")  # the others when they tell something
_number = click.argument(
    "number", metavar="NR", type=click.IntRange(1, 2**31), help="Its number, see `sd promise list`."
)
_WHEN = "When: 14u, morgen 9u, vr 10u30, 2026-11-27 14:00."
_FOR = "Login of who will do it; `@me` is you."


class _Family(click.Group):
    """`sd promise 12 …` is short for `sd promise add 12 …`."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, "add" if _is_ticket(cmd_name) else cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        return super().resolve_command(ctx, ["add", *args] if _is_ticket(args[0]) else args)


def _is_ticket(word: str) -> bool:
    return word.lstrip("#").upper().removeprefix("SD-")[:1].isdigit()


@click.group("promise", cls=_Family)
def promise() -> None:
    """Promises and call-backs: add, list, keep, move, cancel.

    `sd promise 12 "terugbellen" --at "morgen 9u"` is short for `sd promise add 12 …`. Numbers are those of
    `sd promise list`, which also has your appointments (`sd appointment`).
    """


@promise.command("add")
@click.argument("ticket", metavar="ID", type=ID, help="Ticket.")
@click.argument("text", help="What was promised.")
@click.option("--at", required=True, metavar="MOMENT", help=_WHEN)
@click.option("--callback", is_flag=True, help="It is to call the customer back.")
@click.option("--for", "agent", default="@me", show_default=True, metavar="AGENT", help=_FOR)
@format_option
@click.pass_obj
def add(app: App, ticket: int, text: str, at: str, callback: bool, agent: str, fmt: str) -> None:
    """Promise something for a ticket; it stays in the agenda until it is kept or cancelled."""
    kind = "callback" if callback else "promise"
    made = promises.make(app.desk, ticket, text, app.moment(at), kind=kind, agent=agent)
    _report(app, made, fmt)
    _warn_closed(app, made)


@click.command("appointment")
@click.argument("text", help="What it is.")
@click.option("--at", required=True, metavar="MOMENT", help=_WHEN)
@click.option("--until", metavar="MOMENT", help="Its end, counted from --at: 11u, +1u.")
@click.option("--for", "agent", default="@me", show_default=True, metavar="AGENT", help=_FOR)
@click.option("--buffer", is_flag=True, help="Callers are kept from your groups then: in all their agendas.")
@format_option
@click.pass_obj
def appointment(app: App, text: str, at: str, until: str | None, agent: str, buffer: bool, fmt: str) -> None:
    """Put an appointment in the agenda; `sd promise move` and `sd promise cancel` take its number."""
    if buffer and until is None:
        raise UsageFault("a buffer needs --until: colleagues must know when they can be reached again")
    kind = "buffer" if buffer else "appointment"
    start = app.moment(at)
    end = None if until is None else app.moment(until, start)
    made = promises.make(app.desk, None, text, start, kind=kind, agent=agent, until=end)
    _report(app, made, fmt)


@promise.command("list")
@click.option("--team", is_flag=True, help="Everybody's, not only yours.")
@click.option("--ticket", metavar="ID", type=ID, help="Those for one ticket, whoever made them.")
@click.option(
    "--state",
    type=click.Choice([*promises.STATES, "all"]),
    default="open",
    show_default=True,
    help="Which states.",
)
@format_option
@click.pass_obj
def list_(app: App, team: bool, ticket: int | None, state: str, fmt: str) -> None:
    """List promises, call-backs and appointments, first what comes first; a late one is marked with !."""
    agent = "" if team or ticket is not None else app.desk.actor
    _print(app, promises.listing(app.store, agent, state=state, ticket=ticket), fmt)


@promise.command("keep")
@_number
@click.option("--note", default="", help="What came of it.")
@format_option
@click.pass_obj
def keep(app: App, number: int, note: str, fmt: str) -> None:
    """Say that it was done."""
    _report(app, promises.keep(app.desk, number, note), fmt)


@promise.command("move")
@_number
@click.option("--at", required=True, metavar="MOMENT", help=_WHEN)
@click.option("--until", metavar="MOMENT", help="The new end of an appointment; else it keeps its length.")
@click.option("--reason", default="", help="Why.")
@format_option
@click.pass_obj
def move(app: App, number: int, at: str, until: str | None, reason: str, fmt: str) -> None:
    """Agree on another moment; how often that happened is counted."""
    start = app.moment(at)
    end = None if until is None else app.moment(until, start)
    moved = promises.move(app.desk, number, start, until=end, reason=reason)
    _report(app, moved, fmt)
    _warn_closed(app, moved)


@promise.command("cancel")
@_number
@click.option("--reason", required=True, help="Why it will not be done.")
@format_option
@click.pass_obj
def cancel(app: App, number: int, reason: str, fmt: str) -> None:
    """Take a promise back, for a reason that is kept."""
    _report(app, promises.cancel(app.desk, number, reason), fmt)


def _warn_closed(app: App, one: Promise) -> None:
    """Tell who promises something at a moment at which nobody is there."""
    from sdtool.desk import calendars

    if one.kind in promises.SPANS or one.state != "open":
        return
    if not calendars.own(app.desk).is_open(one.at):
        output.remark(f"{output.local(one.at, app.desk.timezone)} lies outside opening hours")


def _report(app: App, one: Promise, fmt: str) -> None:
    output.stored(f"{promises.WORDS[one.kind].capitalize()} {one.id} was stored")
    row = _row(app.desk, one)
    if fmt != "table":
        output.emit_one(_dated(row, app.desk.timezone), fmt)
        return
    ticket = f"  SD-{one.ticket}" if one.ticket is not None else ""
    state = "" if one.state == "open" else f"  {one.state}"
    moved = f"  (moved {one.moves} x)" if one.moves else ""
    at = _span(row, app.desk.timezone)
    said(app, f"{promises.WORDS[one.kind]} {one.id}  {at}{ticket}  {one.agent}: {one.text}{state}{moved}")


def _span(row: dict[str, Any], zone: str) -> str:
    start, end = output.local(row["at"], zone), output.local(row["until"], zone)
    return start + (f"-{end[11:] if end[:10] == start[:10] else end}" if end else "")


def _row(desk: Desk, one: Promise) -> dict[str, Any]:
    ticket = tickets.get(desk.store, one.ticket) if one.ticket is not None else None
    visible = ticket is None or queue.may_see(desk, ticket)
    return {
        "id": one.id,
        "kind": one.kind,
        "ticket": one.ticket,
        "ticket_state": ticket.state if ticket is not None else "",
        "agent": one.agent,
        "text": one.text if visible else queue.HIDDEN,
        "at": one.at,
        "until": one.until_at,
        "late": promises.is_late(one, desk.now),
        "state": one.state,
        "ended_at": one.ended_at,
        "moves": one.moves,
        "remark": one.remark if visible else queue.HIDDEN if one.remark else "",
        "rev": one.rev,
    }


def _dated(row: dict[str, Any], zone: str) -> dict[str, Any]:
    return row | {key: output.iso(row[key], zone) or None for key in ("at", "until", "ended_at")}


def _print(app: App, found: list[Promise], fmt: str) -> None:
    zone = app.desk.timezone
    rows = [_row(app.desk, one) for one in found]
    if fmt != "table":
        output.emit([_dated(row, zone) for row in rows], _TITLES + _REST, fmt)
        return
    agents = {row["agent"] for row in rows}
    for row in rows:
        row["at"] = _span(row, zone) + (" !" if row["late"] else "")
        ended = row["ticket_state"] in ENDED_STATES
        row["ticket"] = (f"SD-{row['ticket']}" if row["ticket"] is not None else "") + (
            f" ({row['ticket_state']})" if ended else ""
        )
        row["kind"] = promises.WORDS[row["kind"]]
        row["state"] = "" if row["state"] == "open" else row["state"]
        row["agent"] = "" if agents == {app.desk.actor} else row["agent"]
        row["moves"] = f"{row['moves']} x" if row["moves"] else ""
    titles = [title for title in _TITLES if title[0] in _ALWAYS or any(row[title[0]] for row in rows)]
    output.emit(rows, titles, fmt)
