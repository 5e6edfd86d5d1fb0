"""`sd owed`: feedback that customers, suppliers and internal services owe the desk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, App, format_option, read_text, said
from sdtool.commands.look import readable
from sdtool.desk import handling, owed, owed_letters, parties
from sdtool.desk.owed import Owed
from sdtool.errors import UsageFault
from sdtool.rulebook import PARTIES

_TITLES = (
    ("id", "Nr"),
    ("ticket", "Ticket"),
    ("kind", "Kind"),
    ("who", "Who"),
    ("what", "What"),
    ("due_at", "Due"),
    ("asked_at", "Asked"),
    ("step", "Step"),
    ("agent", "Agent"),
    ("state", "State"),
    ("ended_at", "Ended"),
    ("remark", "Remark"),
)
_KEYS = (
    *("id", "ticket", "kind", "party", "person", "what", "asked_at", "asked_by", "due_at", "late", "step"),
    *("step_at", "state", "ended_at", "ended_by", "remark", "group", "agent", "rev"),
)
_ALWAYS = ("id", "ticket", "who", "what", "due_at")  # the others when they tell something
_MOMENTS = ("asked_at", "due_at", "step_at", "ended_at")


class OwedId(click.ParamType[int]):
    """The number of owed feedback: `F-12` or `12`."""

    name = "nr"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        digits = str(value).strip().upper().removeprefix("F-")
        if not (digits.isascii() and digits.isdigit() and len(digits) < 10):
            self.fail(f"{value!r} is no number of owed feedback; write F-12", param, ctx)
        return int(digits)


_number = click.argument("number", metavar="NR", type=OwedId(), help="Its number, see `sd owed list`: F-12.")


@click.group("owed")
def owed_() -> None:
    """Owed feedback: who owes the desk what, for which ticket, by when. `sd wait` asks for it."""


@owed_.command("list")
@click.option("--party", metavar="PARTY", help="Only what this one owes: number, name or mail.")
@click.option("--ticket", metavar="ID", type=ID, default=0, help="Only what is owed for this ticket.")
@click.option("--kind", type=click.Choice(PARTIES), help="Only what this kind of party owes.")
@click.option("--late", is_flag=True, help="Only what is past its due moment.")
@click.option("--all", "ended", is_flag=True, help="Also what was answered or cancelled.")
@format_option
@click.pass_obj
def list_(
    app: App, party: str | None, ticket: int, kind: str | None, late: bool, ended: bool, fmt: str
) -> None:
    """List what is owed, what is due first first; what is late is marked with !."""
    who = parties.find_one(app.store, party).id if party is not None else 0
    before = app.now if late else 0
    found = owed.listing(
        app.store, kind=kind or "", ticket=ticket, party=who, before=before, ended=ended and not late
    )
    _print(app, [owed.brief(app.desk, one) for one in found], fmt)


@owed_.command("show")
@_number
@format_option
@click.pass_obj
def show(app: App, number: int, fmt: str) -> None:
    """Show owed feedback whole."""
    readable(app, owed.get(app.store, number).ticket)
    row = _row(app, number)
    if fmt != "table":
        output.emit_one(_dated(app, row), fmt)
        return
    known = {key: value for key, value in _words(app, row).items() if value not in ("", None, 0, False)}
    output.emit_one({key: known[key] for key in ("id", *known) if key in known}, "table")


@owed_.command("done")
@_number
@click.option("--text", default="", help="What was answered: it becomes an internal note of the ticket.")
@click.option("--file", "source", metavar="-|FILE|editor", help="A longer answer: standard input, a file.")
@format_option
@click.pass_obj
def done(app: App, number: int, text: str, source: str | None, fmt: str) -> None:
    """Note that it came. When nothing else is owed for the ticket, that goes on."""
    if text and source is not None:
        raise UsageFault("give the answer with --text or with --file, not both")
    if source is not None:
        text = read_text(source, what="answer", longest=handling.LONGEST_TEXT)
    one = owed_letters.answer(app.desk, number, handling.text_of("answer", text) if text else "")
    output.stored(f"{owed.spelled(number)} was answered")
    _report(app, one, fmt)


@owed_.command("extend")
@_number
@click.option("--until", required=True, metavar="MOMENT", help="When it is due now: vr, +3wd, morgen 9u.")
@click.option("--reason", required=True, help="Why it takes longer.")
@format_option
@click.pass_obj
def extend(app: App, number: int, until: str, reason: str, fmt: str) -> None:
    """Give somebody longer to answer."""
    why = handling.text_of("reason", reason, longest=500)
    _report(app, owed.extend(app.desk, number, app.moment(until), why), fmt)


@owed_.command("cancel")
@_number
@click.option("--reason", required=True, help="Why it is not needed any more.")
@format_option
@click.pass_obj
def cancel(app: App, number: int, reason: str, fmt: str) -> None:
    """Let go of it. When nothing else is owed for the ticket, that goes on."""
    _report(app, owed.cancel(app.desk, number, handling.text_of("reason", reason, longest=500)), fmt)


def _row(app: App, number: int) -> dict[str, Any]:
    return owed.brief(app.desk, owed.standing(app.store, number))


def _report(app: App, one: Owed, fmt: str) -> None:
    """Print where owed feedback and its ticket stand after an act."""
    from sdtool.commands.shown import state_line
    from sdtool.desk import tickets

    output.stored(f"Owed feedback {owed.spelled(one.id)} was changed")
    row = _row(app, one.id)
    if fmt != "table":
        output.emit_one(_dated(app, row), fmt)
        return
    row = _words(app, row)
    due = f"due {row['due_at']}" if one.state == "open" else one.state
    said(app, "  ".join(part for part in (row["id"], row["who"], row["what"], due) if part))
    said(app, state_line(app.desk, tickets.get(app.store, one.ticket)))


def _print(app: App, rows: Sequence[dict[str, Any]], fmt: str) -> None:
    if fmt != "table":
        output.emit([_dated(app, row) for row in rows], [(key, key) for key in _KEYS], fmt)
        return
    shown = [_words(app, row) for row in rows]
    if all(row["state"] == "open" for row in shown):
        for row in shown:
            row["state"] = ""
    titles = [title for title in _TITLES if title[0] in _ALWAYS or any(row[title[0]] for row in shown)]
    output.emit(shown, titles, fmt)


def _dated(app: App, row: dict[str, Any]) -> dict[str, Any]:
    return row | {key: output.iso(row[key], app.desk.timezone) or None for key in _MOMENTS}


def _words(app: App, row: dict[str, Any]) -> dict[str, Any]:
    """Return owed feedback as a table shows it."""
    moments = {key: output.local(row[key], app.desk.timezone) for key in _MOMENTS}
    words = {
        "id": owed.spelled(row["id"]),
        "ticket": f"SD-{row['ticket']}",
        "kind": row["kind"],
        "who": row["party"] or row["person"],
        **{key: row[key] for key in _KEYS if key not in ("id", "ticket", "kind", "party", "person")},
        **moments,
    }
    return words | {"due_at": moments["due_at"] + (" !" if row["late"] else ""), "step": row["step"] or ""}
