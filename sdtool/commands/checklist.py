"""`sd checklist`: what must be done for a ticket, item by item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, App, format_option, if_rev_option
from sdtool.commands.look import readable
from sdtool.commands.shown import checklist_line
from sdtool.desk import checklists, tickets
from sdtool.desk.checklists import Item
from sdtool.errors import UsageFault

_TITLES = (
    ("number", "Nr"),
    ("state", "State"),
    ("text", "Item"),
    ("owner", "Owner"),
    ("due_at", "Due"),
    ("done_by", "By"),
    ("done_at", "On"),
    ("remark", "Remark"),
)
_REST = tuple((key, key) for key in ("ticket", "list", "late", "mandatory", "other"))  # for programs
_ALWAYS = ("number", "state", "text")  # the others only when an item has one: a terminal may be narrow


@click.group("checklist")
def checklist() -> None:
    """The checklist of a ticket: show, tick, skip, untick, add.

    The rulebook gives tickets their lists. A ticket with open mandatory items cannot be closed.
    """


@checklist.command("show")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@format_option
@click.pass_obj
def show(app: App, number: int, fmt: str) -> None:
    """Show the items of a ticket."""
    readable(app, number)
    _print(app, number, checklists.of(app.store, number), fmt)


@checklist.command("tick")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@click.argument("item", help="Its number (1, or 1-3,5 for several), or how its text begins.")
@click.option("--note", default="", help="What the next reader should know.")
@if_rev_option
@format_option
@click.pass_obj
def tick(app: App, number: int, item: str, note: str, if_rev: int | None, fmt: str) -> None:
    """Tick items: they are done. An item that is another ticket ticks itself when that is closed."""
    which = checklists.chosen(app.desk, number, item)
    _report(app, number, checklists.tick(app.desk, number, which, note, if_rev=if_rev), fmt)


@checklist.command("skip")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@click.argument("item", help="Its number (1, or 1-3,5 for several), or how its text begins.")
@click.option("--reason", required=True, help="Why it need not be done.")
@if_rev_option
@format_option
@click.pass_obj
def skip(app: App, number: int, item: str, reason: str, if_rev: int | None, fmt: str) -> None:
    """Skip items, mandatory or not: they need not be done, for a reason that is kept."""
    which = checklists.chosen(app.desk, number, item)
    _report(app, number, checklists.skip(app.desk, number, which, reason, if_rev=if_rev), fmt)


@checklist.command("untick")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@click.argument("item", help="Its number (1, or 1-3,5 for several), or how its text begins.")
@if_rev_option
@format_option
@click.pass_obj
def untick(app: App, number: int, item: str, if_rev: int | None, fmt: str) -> None:
    """Open items again that were ticked or skipped."""
    which = checklists.chosen(app.desk, number, item)
    _report(app, number, checklists.untick(app.desk, number, which, if_rev=if_rev), fmt)


@checklist.command("add")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@click.argument("text", required=False, help="What must be done; or use --list.")
@click.option("--list", "key", metavar="KEY", help="A checklist of the rulebook; its terms count from now.")
@click.option("--owner", default="", help="Who does it.")
@click.option("--due", metavar="MOMENT", help="By when: vr, +3wd, morgen 9u, 2026-11-27.")
@click.option("--optional", is_flag=True, help="The ticket may be closed while it is open.")
@click.option("--ticket", "other", metavar="ID", type=ID, help="It is this ticket, and follows it.")
@if_rev_option
@format_option
@click.pass_obj
def add(
    app: App, /, number: int, text: str | None, key: str | None, if_rev: int | None, fmt: str, **options: Any
) -> None:
    """Put an item on a ticket, or those of a list of the rulebook."""
    if (text is None) == (key is None) or (key is not None and any(options.values())):
        raise UsageFault(
            "give either TEXT, with what belongs to it, or --list KEY alone",
            hint='`sd checklist add 12 "Sleutel ingeleverd" --owner els --due vr`',
        )
    if key is not None:
        items = checklists.of_list(app.desk, key, app.now)
    else:
        due = app.moment(options["due"]) if options["due"] else None
        items = [
            checklists.new(
                app.desk,
                text or "",
                owner=options["owner"],
                due_at=due,
                optional=options["optional"],
                other=options["other"],
            )
        ]
    _report(app, number, checklists.add(app.desk, number, items, if_rev=if_rev), fmt)


def _report(app: App, number: int, items: Sequence[Item], fmt: str) -> None:
    """Print items after an act, and how the whole list stands."""
    output.stored(f"The checklist of ticket {number} was changed")
    if fmt != "table":
        _print(app, number, items, fmt)
        return
    for item in items:
        output.echo(f"SD-{number}  item {item.number} {item.state}: {output.safe(item.text)}")
    output.echo(f"SD-{number}  checklist {checklist_line(*tickets.tally(app.store, number))}")


def _print(app: App, number: int, items: Sequence[Item], fmt: str) -> None:
    rows = [_row(app, number, item, fmt) for item in items]
    if fmt == "table":
        titles = [(key, title) for key, title in _TITLES if key in _ALWAYS or any(row[key] for row in rows)]
    else:
        titles = [*_TITLES, *_REST]
    output.emit(rows, titles, fmt)


def _row(app: App, number: int, item: Item, fmt: str) -> dict[str, Any]:
    zone = app.desk.timezone
    late = item.state == "open" and item.due_at is not None and item.due_at < app.now
    row = {
        "ticket": number,
        "number": item.number,
        "state": item.state,
        "text": item.text,
        "list": item.list,
        "owner": item.owner,
        "due_at": output.iso(item.due_at, zone) or None,
        "late": late,
        "mandatory": bool(item.mandatory),
        "other": item.other,
        "done_by": item.done_by,
        "done_at": output.iso(item.done_at, zone) or None,
        "remark": item.remark,
    }
    if fmt != "table":
        return row
    itself = f"SD-{item.other}" if item.other is not None else ""
    return row | {
        "state": item.state if item.mandatory or item.state != "open" else "optional",
        "text": f"{itself} {item.text}".strip(),
        "due_at": output.local(item.due_at, zone) + (" !" if late else ""),
        "done_by": item.done_by or (itself if item.state != "open" else ""),
        "done_at": output.local(item.done_at, zone),
    }
