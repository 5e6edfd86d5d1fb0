"""`sd audit`: whether the journal holds, and what it says."""

from __future__ import annotations

import click

from sdtool import output
from sdtool.commands.base import App, OwnFile, format_option
from sdtool.errors import Failed, UsageFault


@click.group("audit")
def audit() -> None:
    """The journal: verify, log."""


@audit.command("verify")
@click.option(
    "--anchor", "anchors", multiple=True, metavar="N:HASH", help="A head noted outside: system log, KPI mail."
)
@click.option(
    "--anchor-file", type=OwnFile(exists=True, dir_okay=False), help="A log or mail that holds such heads."
)
@click.pass_obj
def verify(app: App, anchors: tuple[str, ...], anchor_file: str | None) -> None:
    """Check the journal's chain and that every record is what the journal says; exit 1 if not.

    Heads noted outside the database show when the newest part was cut off: those of the anchor
    file of the settings, and those given here.
    """
    from sdtool.desk import anchor, replay
    from sdtool.store import journal

    heads = anchor.noted(app.settings.anchor)
    for text in anchors:
        read = anchor.read_heads(f"journal {text}")
        if not read:
            raise UsageFault(f"{text!r} is no head of a journal; write NUMBER:HASH as the log has it")
        heads += read
    if anchor_file:
        heads += anchor.heads_in(anchor_file)
    with app.store.snapshot():  # a ticket registered meanwhile is no fault
        faults = journal.broken(app.store, heads) + list(replay.differences(app.store))
        number, head = journal.head(app.store)
    for fault in faults:
        output.echo(fault)
    if faults:
        raise Failed(f"the journal does not hold: {len(faults)} fault(s)")
    output.echo(f"the journal holds: {number} events, {len(heads)} anchors, head {number}:{head}")


@audit.command("log")
@click.option(
    "--limit", type=click.IntRange(1, 1_000_000), default=50, show_default=True, help="How many at most."
)
@click.option("--actor", help="Only what this login did.")
@click.option("--since", type=click.IntRange(0), default=0, metavar="N", help="Only events after number N.")
@format_option
@click.pass_obj
def log(app: App, limit: int, actor: str | None, since: int, fmt: str) -> None:
    """Print the newest events of the journal, oldest of them first."""
    sql = (
        "select id, act, kind, subject, verb, actor, source, at, recorded_at, hash from event"
        " where id > :since and (:actor is null or actor = :actor) order by id desc limit :limit"
    )
    rows = [dict(row) for row in reversed(app.store.query(sql, since=since, actor=actor, limit=limit))]
    zone = app.rulebook.organisation.timezone
    shown = output.iso if fmt in ("json", "jsonl") else output.local
    for row in rows:
        row["at"], row["recorded_at"] = shown(row["at"], zone), shown(row["recorded_at"], zone)
    titles = (("id", "Event"), ("at", "At"), ("recorded_at", "Recorded"), ("actor", "Who"), ("source", "By"))
    output.emit(rows, (*titles, ("kind", "Kind"), ("subject", "Subject"), ("verb", "Did")), fmt)
