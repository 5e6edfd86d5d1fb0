"""`sd fmis`: exchange with the facility management information system."""

from __future__ import annotations

import click

from sdtool import output
from sdtool.commands.base import App, OwnFile, format_option, refuse_borrowed
from sdtool.desk import fmis as exchange
from sdtool.desk.fmis_map import names, source


@click.group("fmis")
def fmis() -> None:
    """Exchange with the facility management system."""


@fmis.command("import")
@click.argument("file", type=OwnFile(), help="CSV export of the other system.")
@click.option("--map", "map_", required=True, metavar="MAP.toml", help="Map file, or a shipped map's name.")
@click.option("--check", "--dry-run", "check", is_flag=True, help="Do all but store, and say what would be.")
@click.option("--encoding", metavar="NAME", help="Encoding of the file; by default found out.")
@format_option
@click.pass_obj
def import_(app: App, file: str, map_: str, check: bool, encoding: str | None, fmt: str) -> None:
    """Import tickets with their history; run again, it adds only what is new."""
    app.dry_run = check
    _refuse_borrowed_map(map_)
    done = exchange.import_file(app.desk, file, map_, encoding=encoding)
    sentence = told(done)
    if not check:
        output.stored(sentence)
    if not done.whole:
        output.remark(f"The last line of {file} has no line break: look whether the file is whole.")
    if fmt == "table":
        output.echo(f"(check only) {sentence}" if check else sentence)
    else:
        output.emit_one({"stored": not check, **done._asdict()}, fmt)


@fmis.command("map")
@click.argument("name", help="Shipped map, or a file.")
def map_command(name: str) -> None:
    """Print a map, to copy and adapt it."""
    _refuse_borrowed_map(name)
    output.echo(source(name)[1].decode("utf-8", errors="replace").rstrip("\n"))


def _refuse_borrowed_map(name: str) -> None:
    if name not in names():
        refuse_borrowed(name)


def told(done: exchange.Imported) -> str:
    """Return what an import did, in a sentence."""
    counted = f"{_many(done.tickets, 'ticket')} in {_many(done.rows, 'row')}"
    if done.added or done.extended:
        parts = [f"{done.added} new", f"{done.extended} with new rows", f"{done.same} here already"]
        told = [f"{counted}: {', '.join(parts)}; {_many(done.acts, 'act')} in the journal"]
    else:
        told = [f"{counted}, all here already: nothing changed"]
    if done.callers:
        told.append(f"{_many(done.callers, 'caller')} added to the directory")
    if done.unknown:
        told.append(f"{_many(done.unknown, 'ticket')} without caller: nobody known, or several, by that name")
    if done.late:
        told.append(f"{_many(done.late, 'row')} left out, older than what was imported before")
    return "; ".join(told)


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
