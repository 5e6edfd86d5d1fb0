"""The reference: the least a Click program can do to keep a ticket, one row and its event in one commit.

It has the durability of `sd` (WAL, synchronous=FULL) and nothing else: no rules, no deadlines, no journal
chain, no search. It imports plainly and ends in the ordinary way. `run.py` states times as ratios to it.
"""

from __future__ import annotations

import sqlite3
import time

import click

SCHEMA = """
    pragma journal_mode = wal;
    create table if not exists ticket (
        id integer primary key, summary text not null, opened_at integer not null
    );
    create table if not exists event (
        id integer primary key, ticket integer not null, verb text not null, at integer not null
    );
"""


def prepare(path: str) -> None:
    """Make the database, once, before anything is measured."""
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    connection.close()


@click.group()
def main() -> None:
    """Keep tickets."""


@main.command()
@click.argument("summary")
@click.option("--database", envvar="REFERENCE_DATABASE", required=True, help="The file.")
def new(summary: str, database: str) -> None:
    """Insert a ticket and its event, and print the number."""
    connection = sqlite3.connect(database, timeout=30, isolation_level=None)
    connection.execute("pragma synchronous = full")
    connection.execute("begin immediate")
    now = int(time.time())
    ticket = connection.execute(
        "insert into ticket (summary, opened_at) values (?, ?)", (summary, now)
    ).lastrowid
    connection.execute("insert into event (ticket, verb, at) values (?, 'new', ?)", (ticket, now))
    connection.execute("commit")
    connection.close()
    click.echo(f"ticket {ticket}")


if __name__ == "__main__":
    main()
