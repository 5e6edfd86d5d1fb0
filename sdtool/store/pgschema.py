"""The tables of a desk on PostgreSQL, and the connections that ask them."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg.adapt import Buffer, Dumper
from psycopg.rows import dict_row
from psycopg.types.numeric import FloatLoader

from sdtool.errors import BadSetup
from sdtool.store import shown
from sdtool.store.migrations import MIGRATIONS, VERSION
from sdtool.store.pgtext import worded

Connection = psycopg.Connection[dict[str, Any]]
# what a URL may say otherwise; a machine that went away is found out in a minute
_DEFAULTS = {
    "connect_timeout": "10", "application_name": "sdtool", "client_encoding": "UTF8",
    "keepalives_idle": "30", "keepalives_interval": "10", "keepalives_count": "3",
}  # fmt: skip
# a writer that was stopped, or whose machine went away, holds up the others no longer than this
_BEGIN = (
    "begin; set local lock_timeout = '{patience}ms'; set local idle_in_transaction_session_timeout = '60s';"
    " set local tcp_keepalives_idle = 30; set local tcp_keepalives_interval = 10;"
    " set local tcp_keepalives_count = 3;"
    " with held as materialized (select name from gate where name = 'write' for update)"
    " select cast(pg_current_xact_id() as text) as xact,"
    " cast(extract(epoch from clock_timestamp()) as float8) as now from held"
)

_ENGINE_STEPS: tuple[tuple[str, ...], ...] = (
    (
        "create table gate (name text primary key)",
        "insert into gate (name) values ('write')",
        "create table ticket_text (id bigint primary key, body tsvector not null)",
        "create index ticket_text_body on ticket_text using gin (body)",
        "create function journal_is_append_only() returns trigger language plpgsql as"
        " $$ begin raise exception 'the journal is append-only'; end $$",
        "create trigger event_append_only before update or delete or truncate on event"
        " for each statement execute function journal_is_append_only()",
        "create trigger event_data_append_only before update or truncate on event_data"
        " for each statement execute function journal_is_append_only()",
        # personal data may go, after an event that says so
        "create function journal_forgets() returns trigger language plpgsql as"
        " $$ begin if not exists (select 1 from event where kind = 'event' and subject = old.event"
        " and verb = 'erased') then raise exception 'the journal is append-only'; end if; return old; end $$",
        "create trigger event_data_forgets before delete on event_data"
        " for each row execute function journal_forgets()",
    ),
)


class _Whole(FloatLoader):
    """`sum(bigint)` is numeric: an integer where it is whole."""

    def load(self, data: Any) -> Any:
        """Return an int for a whole number, else a float."""
        value = super().load(data)
        return int(value) if value.is_integer() else value


class _Flag(Dumper):
    """Flags are 0 and 1."""

    def dump(self, obj: Any) -> Buffer:
        """Return the digit."""
        return b"1" if obj else b"0"

    def quote(self, obj: Any) -> Buffer:
        """Return the digit, which needs no quotes."""
        return self.dump(obj)


def connect(target: dict[str, Any], *, readonly: bool = False) -> Connection:
    """Connect; transactions begin and end where the store says, nowhere else."""
    # parameters are bound on our side: an optional filter may be null without a type
    connection: Connection = psycopg.connect(
        **{**_DEFAULTS, **target},
        autocommit=True,
        row_factory=dict_row,
        cursor_factory=psycopg.ClientCursor,
    )
    connection.adapters.register_loader("numeric", _Whole)
    connection.adapters.register_dumper(bool, _Flag)
    try:
        if readonly:
            connection.execute("set default_transaction_read_only = on")
    except BaseException:
        connection.close()
        raise
    return connection


def begin(connection: Connection, patience: float) -> dict[str, Any] | None:
    """Begin a transaction behind the gate; return its number and the server's clock, None without a gate."""
    cursor = connection.execute(_BEGIN.replace("{patience}", str(int(patience * 1000))).encode())
    while cursor.nextset():
        pass
    return cursor.fetchone()


def version_of(connection: Connection, url: str, *, strange_is_none: bool = False) -> int | None:
    """Return the version of the desk's schema, None where there is none."""
    try:
        found = connection.execute("select key, value from meta where key in ('schema', 'desk')").fetchall()
        facts = {row["key"]: row["value"] for row in found}
        if facts.get("desk"):  # other programs have a table of that name too
            return int(facts["schema"])
    except pg.UndefinedTable:
        return None
    except (KeyError, ValueError, TypeError, pg.UndefinedColumn):
        pass
    if strange_is_none:
        return None
    raise BadSetup(f"{shown(url)} is a database, but no desk of sdtool", hint="SD_DATABASE names another")


def found(connection: Connection, url: str, desk_id: str) -> None:
    """Make schema and identity in one transaction: a desk is whole or is not there."""
    encoding = connection.execute("show server_encoding").fetchall()[0]["server_encoding"]
    if encoding != "UTF8":
        raise BadSetup(f"{shown(url)} is encoded in {encoding}: make a database in UTF8")
    with connection.transaction():
        upgrade(connection, 0)
        connection.execute("insert into meta (key, value) values ('desk', %(id)s)", {"id": desk_id})


def upgrade(connection: Connection, version: int) -> None:
    """Take the steps after `version`, in the transaction that runs."""
    for (_, statements), engine_steps in list(zip(MIGRATIONS, _ENGINE_STEPS, strict=True))[version:]:
        for statement in statements:
            connection.execute(worded(statement).encode())
        for statement in engine_steps:
            connection.execute(statement.encode())
    connection.execute(
        "insert into meta (key, value) values ('schema', %(version)s)"
        " on conflict (key) do update set value = excluded.value",
        {"version": str(VERSION)},
    )
