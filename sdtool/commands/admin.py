"""`sd init`, `sd admin`: making a desk and keeping it running."""

from __future__ import annotations

import os
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import App, format_option
from sdtool.errors import UsageFault


@click.command("init")
@click.pass_obj
def init(app: App) -> None:
    """Make a new desk where SD_DATABASE or the settings say, and fill its calendar."""
    from sdtool.desk import calendars
    from sdtool.store import create_store, shown

    book = app.rulebook  # a faulty rulebook is said before anything is made
    create_store(app.settings.database, os.urandom(16).hex()).close()
    days, _ = calendars.sync(app.desk, calendars.horizon(app.desk))
    output.stored("The desk was made")
    where, owner = shown(app.settings.database), book.organisation.name
    output.echo(f"{where} made for {owner}, with {days} days off in its calendar")


@click.group("admin")
def admin() -> None:
    """Keep the desk running: migrate, copy, info."""


@admin.command("migrate")
@click.pass_obj
def migrate(app: App) -> None:
    """Bring the database up to this version of the program."""
    from sdtool.store import migrate_store

    before, after = migrate_store(app.settings.database)
    output.echo(
        f"schema {after}: nothing to do" if before == after else f"schema {before} brought up to {after}"
    )


@admin.command("copy")
@click.option(
    "--to", "target", required=True, metavar="URL", help="A path or URL where there is no desk yet."
)
@click.pass_obj
def copy(app: App, target: str) -> None:
    """Copy the whole desk to another database, and check both sides."""
    from sdtool.desk import moving
    from sdtool.store import shown

    if shown(target) != target:
        raise UsageFault("leave the password out of the URL: ~/.pgpass or PGPASSWORD holds it")
    counts = moving.copy(app.store, target)
    output.stored(f"The desk was copied to {target}")
    output.echo(
        f"{counts['ticket']} tickets and {counts['event']} journal rows copied to {target};"
        " counts and journal agree on both sides"
    )


@admin.command("info")
@format_option
@click.pass_obj
def info(app: App, fmt: str) -> None:
    """Tell where things are, how much there is, and which versions are at work."""
    import sqlite3

    from sdtool import __version__
    from sdtool.store import journal, shown
    from sdtool.store.migrations import VERSION

    number, head = journal.head(app.store)
    row: dict[str, Any] = {
        "version": __version__,
        "database": shown(app.settings.database),
        "engine": app.store.engine,
        "sqlite": sqlite3.sqlite_version,
        "schema": VERSION,
        "rulebook": app.settings.rulebook or "the shipped default",
        "rulebook_digest": app.rulebook.digest,
        "settings": app.settings.file or "none",
        "anchor": app.settings.anchor or "system log only",
        "actor": app.desk.actor,
        **app.store.sizes(),
        "journal_head": f"{number}:{head}",
    }
    output.emit_one(row, fmt)
