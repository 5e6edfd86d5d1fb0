"""`sd list`, `show`, `history`, `search`: looking at tickets."""

from __future__ import annotations

from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, App, format_option
from sdtool.commands.shown import checklist_line, dated, printable
from sdtool.desk import queue, tickets
from sdtool.errors import UsageFault
from sdtool.rulebook import TYPES, find
from sdtool.rules.lifecycle import STATES, Ticket


@click.command("list")
@click.option(
    "--state",
    type=click.Choice(["open", "ended", "all", *STATES]),
    default="open",
    show_default=True,
    help="Which states.",
)
@click.option("--group", help="Solver group.")
@click.option("--agent", help="Login of the agent; `@me` is you, `-` is nobody.")
@click.option("--caller", help="Name, mail address, phone or staff number.")
@click.option("--category", help="Category.")
@click.option("--priority", type=click.IntRange(1), help="Priority level.")
@click.option("--type", "type_", type=click.Choice(TYPES), help="Incident or request.")
@click.option("--text", help="Words that must be in it.")
@click.option(
    "--age", type=click.IntRange(0, 2000), metavar="DAYS", help="At least so many working days old."
)
@click.option("--late", is_flag=True, help="Only what is past its resolve-by.")
@click.option(
    "--sort", type=click.Choice(list(queue.SORTS)), default="newest", show_default=True, help="Order."
)
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=30, show_default=True, help="How many at most."
)
@click.option("--columns", help=f"Which columns, by comma: {', '.join(queue.COLUMNS)}.")
@click.option("--view", help="A saved list of the rulebook; other options narrow it.")
@format_option
@click.pass_context
def list_(ctx: click.Context, /, view: str | None, **options: Any) -> None:
    """List tickets, newest first; open ones unless --state says otherwise."""
    app: App = ctx.obj
    if view is not None:
        saved = find(app.rulebook.views, view, "view")
        with list_.make_context("list", list(saved.options), parent=ctx.parent) as inner:
            named = {
                n: v
                for n, v in options.items()
                if ctx.get_parameter_source(n) != click.core.ParameterSource.DEFAULT
            }
            options = {**inner.params, **named}
            options.pop("view", None)
    _list(app, **options)


def _list(app: App, fmt: str, columns: str | None, sort: str, limit: int, **options: Any) -> None:
    chosen = _columns(columns)
    rows = queue.listing(app.desk, _filters(app, **options), sort, limit + 1)
    shown = rows[:limit]
    _print(app, shown, chosen, fmt)
    if len(rows) > limit:
        output.remark(f"{limit} shown, there are more: --limit shows them")


def _print(app: App, rows: list[dict[str, Any]], chosen: tuple[str, ...], fmt: str) -> None:
    zone = app.rulebook.organisation.timezone
    if fmt in ("json", "jsonl"):
        output.emit([dated(row, zone) for row in rows], (), fmt)
        return
    titles = tuple((key, queue.COLUMNS[key]) for key in chosen)
    for row in rows:
        for key in {"respond_by", "resolve_by", "opened_at"}.intersection(chosen):
            row[key] = output.local(row[key], zone)
        if row["test"] and fmt == "table":
            row["summary"] = f"[test] {row['summary']}"
        if row["late"] and fmt == "table" and "resolve_by" in chosen:
            row["resolve_by"] += " !"
    output.emit(rows, titles, fmt)


def _columns(text: str | None) -> tuple[str, ...]:
    if text is None:
        return queue.DEFAULT_COLUMNS
    chosen = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [name for name in chosen if name not in queue.COLUMNS]
    if unknown or not chosen:
        raise UsageFault(
            f"there is no column {', '.join(unknown) or text!r}; known are {', '.join(queue.COLUMNS)}"
        )
    return chosen


def _filters(
    app: App, state: str, agent: str | None, caller: str | None, type_: str | None, **options: Any
) -> dict[str, Any]:
    filters: dict[str, Any] = {"type": type_, "late": options["late"] or None}
    filters |= {name: options[name] for name in ("priority", "text", "group", "category")}
    if state in ("open", "ended"):
        filters[state] = True
    elif state != "all":
        filters["state"] = state
    if agent is not None:
        filters["agent"] = {"@me": app.desk.actor, "-": ""}.get(agent, agent)
    if caller is not None:
        from sdtool.desk import people

        filters["caller"] = people.find_one(app.store, caller).id
    if options["age"] is not None:
        filters["opened_before"] = queue.opened_before(app.desk, options["age"])
    return filters


@click.command("search")
@click.argument("words", nargs=-1, required=True, help="Words that must all be in the ticket.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most."
)
@format_option
@click.pass_obj
def search(app: App, words: tuple[str, ...], limit: int, fmt: str) -> None:
    """Find tickets by words in summary, description, notes and solution; best first."""
    numbers = queue.found(app.desk, " ".join(words), limit=limit)
    _print(app, _rows(app, numbers), queue.DEFAULT_COLUMNS, fmt)


def _rows(app: App, numbers: list[int]) -> list[dict[str, Any]]:
    rows = [tickets.get(app.store, number) for number in numbers]
    return [queue.brief(app.desk, {**t._asdict(), "caller_name": _name(app, t)}) for t in rows]


def _name(app: App, ticket: Ticket) -> str:
    from sdtool.desk import people

    return people.get(app.store, ticket.caller).name if ticket.caller is not None else ""


@click.command("show")
@click.argument("number", metavar="ID", type=ID, help="Ticket number.")
@format_option
@click.pass_obj
def show(app: App, number: int, fmt: str) -> None:
    """Show a ticket whole."""
    ticket = readable(app, number)
    row = printable(app.desk, ticket)
    if fmt != "table":
        output.emit_one(row, fmt)
        return
    zone = app.desk.timezone
    items, settled, held = (row.pop(f"checklist_{key}") for key in ("items", "settled", "open"))
    row |= {"checklist": checklist_line(items, settled, held)} if items else {}
    output.echo(f"{output.style(f'SD-{ticket.id}', 'bold')}  {output.safe(row['summary'])}", composed=True)
    output.emit_one(
        {key: _shown(key, value, ticket, zone) for key, value in row.items() if _worth(key, value)}, "table"
    )


def _worth(key: str, value: Any) -> bool:
    return key not in ("id", "summary", "derived_priority") and value not in ("", None, [], 0, False)


def _shown(key: str, value: Any, ticket: Ticket, zone: str) -> Any:
    if key in ("respond_by", "resolve_by"):
        return output.local(ticket.respond_due if key == "respond_by" else ticket.resolve_due, zone)
    if key.endswith("_at") or key == "waiting_until":
        return output.local(getattr(ticket, key), zone)
    if key == "priority" and ticket.override_reason:
        return f"{value} (derived: {ticket.derived_priority})"
    return "; ".join(value) if isinstance(value, list) else value


def readable(app: App, number: int) -> Ticket:
    """Return a ticket the actor may read whole; reading a confidential one is journaled."""
    desk = app.desk
    ticket = tickets.get(desk.store, number)
    if not ticket.confidential:
        return ticket
    tickets.require_readable(desk, ticket)
    from sdtool.store.journal import Entry, append

    entry = Entry("reading", number, "read", desk.actor, desk.source, desk.now, {})
    desk.run(lambda: append(desk.store, [entry]))
    return ticket


@click.command("history")
@click.argument("number", metavar="ID", type=ID, help="Ticket number.")
@format_option
@click.pass_obj
def history(app: App, number: int, fmt: str) -> None:
    """Show what happened to a ticket, oldest first."""
    from sdtool.store import journal

    readable(app, number)
    zone = app.desk.timezone
    rows = []
    for event in journal.history(app.store, "ticket", number):
        at = output.iso(event["at"], zone) if fmt in ("json", "jsonl") else output.local(event["at"], zone)
        row = {
            "event": event["id"],
            "at": at,
            "verb": event["verb"],
            "actor": event["actor"],
            "source": event["source"],
        }
        if fmt in ("json", "jsonl"):
            row["data"] = event["data"]
        rows.append({**row, "what": told(event["verb"], event["data"], zone)})
    titles = (("at", "When"), ("actor", "Who"), ("source", "By"), ("verb", "Did"), ("what", "What"))
    output.emit(rows, titles, fmt)


_REGISTERED = (
    "summary",
    "priority",
    "group_key",
    "category",
    "channel",
)  # of a new ticket, the rest is in `show`


def told(verb: str, data: dict[str, Any], zone: str) -> str:
    """Return what an event changed, in one line."""
    parts = [str(data[name]) for name in ("text", "reason") if data.get(name)]
    if "owed" in data:
        parts.append(f"F-{data['owed']}")
    if "item" in data:
        item = data["item"]
        parts.append(f"{item['number']} {item['text']}" + (f" ({item['remark']})" if item["remark"] else ""))
    if "checklist" in data:
        parts.append(f"checklist of {len(data['checklist'])}")
    if "link" in data:
        parts.append(" ".join(str(part) for part in data["link"]))
    was = data.get("was", {})
    for name, value in data.get("set", {}).items():
        if name.endswith("_target") or (verb == "new" and name not in _REGISTERED):
            continue
        new = output.local(value, zone) if name.endswith(("_at", "_due", "_until")) and value else value
        old = was.get(name)
        moment = name.endswith(("_at", "_due", "_until"))
        before = f" (was {old})" if old not in (None, "", 0) and not moment else ""
        parts.append(f"{name.removesuffix('_key')} {new if new not in (None, '') else 'none'}{before}")
    return "; ".join(parts)
