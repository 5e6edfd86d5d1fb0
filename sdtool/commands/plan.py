"""`sd next`, `why`: what to do now, and the reasons for priority, route and deadlines."""

from __future__ import annotations

import click

from sdtool import output
from sdtool.commands.base import ID, App, format_option
from sdtool.commands.shown import dated
from sdtool.desk import plan, queue


@click.command("next")
@click.option("--group", multiple=True, help="Look in this group's queue instead of your own groups'.")
@click.option("--limit", type=click.IntRange(1, 100), default=5, show_default=True, help="How many at most.")
@format_option
@click.pass_obj
def next_(app: App, group: tuple[str, ...], limit: int, fmt: str) -> None:
    """Tell what to do now; the first line says why.

    What you promised to do by now comes first. The rest is ordered by remaining working time as a share of
    the target, then priority, then age: your own tickets, and those nobody has in your groups.
    """
    desk = app.desk
    groups = [desk.rulebook.group(key).key for key in group] or list(desk.rulebook.groups_of(desk.actor))
    steps = plan.next_steps(desk, groups, limit)
    rows = []
    for step in steps:
        row = queue.brief(desk, {**step.ticket._asdict(), "caller_name": ""})
        del row["caller"]
        rows.append(
            {
                **row,
                "share_left": round(step.share, 4),
                "seconds_left": step.left,
                "promise": step.due[0] if step.due is not None else None,
                "major": step.major,
                "why": step.reason,
            }
        )
    zone = desk.timezone
    if fmt in ("json", "jsonl"):
        output.emit([dated(row, zone) for row in rows], (), fmt)
        return
    if not rows:
        output.remark(f"nothing to do for {desk.actor} in {', '.join(groups)}")
        return
    if fmt == "table":
        output.echo(f"SD-{rows[0]['id']} first: {rows[0]['why']}, P{rows[0]['priority']}")
    for row in rows:
        row["resolve_by"] = output.local(row["resolve_by"], zone)
    titles = (
        ("id", "Id"),
        ("priority", "P"),
        ("resolve_by", "Resolve by"),
        ("summary", "Summary"),
        ("why", "Why"),
    )
    output.emit(rows, titles, fmt)


@click.command("why")
@click.argument("number", metavar="ID", type=ID, help="Ticket.")
@format_option
@click.pass_obj
def why(app: App, number: int, fmt: str) -> None:
    """Explain priority, route and both deadlines of a ticket, each with the rule that gave it."""
    from sdtool.commands.look import readable
    from sdtool.desk.reasons import explain

    reasons = explain(app.desk, readable(app, number))
    if fmt in ("json", "jsonl"):
        output.emit_one(
            {reason.what: {"value": reason.value, "rule": reason.rule} for reason in reasons}, fmt
        )
    elif fmt == "csv":
        output.emit(
            [r._asdict() for r in reasons], (("what", "What"), ("value", "Value"), ("rule", "Rule")), fmt
        )
    else:
        for reason in reasons:
            output.echo(f"{reason.what.replace('_', ' ').capitalize():<12} {reason.value}: {reason.rule}")
