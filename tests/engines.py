"""The database seen from outside, without the program, whichever engine the run is for."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.cluster import url_of
from tests.waiting import until

ENGINES = ("sqlite", "postgresql")
Place = Path | str
_admin: dict[int, Any] = {}


def postgresql() -> bool:
    """Tell whether this run is for PostgreSQL."""
    return "SD_TEST_PORT" in os.environ


def admin() -> Any:
    """Return the connection that makes and drops databases, one a process."""
    import psycopg

    port = int(os.environ["SD_TEST_PORT"])
    if port not in _admin or _admin[port].closed:
        _admin[port] = psycopg.connect(url_of(port, "postgres"), autocommit=True)
    return _admin[port]


def let_go() -> None:
    """Close what `admin` opened."""
    for connection in _admin.values():
        connection.close()
    _admin.clear()


def make_database(name: str, template: str = "template0") -> str:
    """Make a database, a copy of `template`; return its URL."""
    drop_database(name)
    admin().execute(f"create database {name} template {template} strategy file_copy")
    return url_of(int(os.environ["SD_TEST_PORT"]), name)


def drop_database(name: str) -> None:
    """Drop a database, whoever is still connected."""
    # a session that is about to end is gone sooner than the server looks again
    for _ in range(20):
        if not admin().execute("select 1 from pg_stat_activity where datname = %s", (name,)).fetchall():
            break
        time.sleep(0.002)
    admin().execute(f"drop database if exists {name} with (force)")


def settled(place: Place) -> None:
    """Wait until nobody is in a transaction: a server learns late that a process was killed."""
    if "://" in str(place):
        sql = "select 1 from pg_stat_activity where datname = %s and state <> 'idle'"
        until(lambda: not admin().execute(sql, (str(place).rsplit("/", 1)[1],)).fetchall())


@contextmanager
def connected(place: Place) -> Iterator[Any]:
    """Connect to a desk; what was done is kept when the `with` ends well."""
    if "://" in str(place):
        import psycopg

        with psycopg.connect(str(place)) as connection:
            yield connection
    else:
        with closing(sqlite3.connect(place, timeout=30)) as db:
            yield db
            db.commit()


def rows(place: Place, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a statement; `?` stands for a value."""
    if "://" in str(place):
        sql = sql.replace("%", "%%").replace("?", "%s")
    with connected(place) as db:
        return [tuple(row) for row in db.execute(sql, values).fetchall()]


def change(place: Place, *statements: str) -> None:
    """Change the database behind the program's back: its triggers do not bind who has the whole of it."""
    with connected(place) as db:
        if "://" in str(place):
            db.execute("set session_replication_role = replica")
        else:
            for (trigger,) in db.execute("select name from sqlite_master where type = 'trigger'").fetchall():
                db.execute(f"drop trigger {trigger}")
        for statement in statements:
            db.execute(statement)


def refusal() -> type[Exception]:
    """Return what comes of a trigger's refusal, and of nothing else that a test of them could run into."""
    if not postgresql():
        return sqlite3.IntegrityError
    from psycopg.errors import RaiseException

    return RaiseException


_TABLES = "select tablename from pg_tables where schemaname = 'public'"


def digests(place: Place) -> dict[str, str]:
    """Return a digest of the rows of every table."""
    with connected(place) as db:
        catalogue = "select name from sqlite_master where type = 'table'"
        names = [n for (n,) in db.execute(_TABLES if "://" in str(place) else catalogue).fetchall()]
        return {
            name: hashlib.sha256(
                repr(sorted(map(repr, db.execute(f"select * from {name}").fetchall()))).encode()
            ).hexdigest()
            for name in names
        }


def sound(place: Place) -> None:
    """Check the file itself: pages, full-text index, references. A server looks after its own."""
    if "://" in str(place):
        return
    with closing(sqlite3.connect(place, timeout=30)) as db:
        assert db.execute("pragma integrity_check").fetchall() == [("ok",)]
        assert db.execute("pragma foreign_key_check").fetchall() == []
        db.execute("insert into ticket_text (ticket_text) values ('integrity-check')")


def columns_of(place: Place, table: str) -> list[str]:
    """Return the columns of a table, in order."""
    if "://" in str(place):
        sql = "select column_name from information_schema.columns where table_name = ?"
        sql += " order by ordinal_position"
        return [name for (name,) in rows(place, sql, table)]
    return [name for (name,) in rows(place, f"select name from pragma_table_info('{table}')")]


def row_of(place: Place) -> str:
    """Return what the engine calls the number of a row."""
    return "ctid" if "://" in str(place) else "rowid"


_saved: dict[str, bytes] = {}


def save(place: Place, name: str) -> None:
    """Keep a desk as it is now, for `restored` in later tests of this process."""
    if "://" in str(place):
        source = str(place).rsplit("/", 1)[1]
        make_database(f"{source}_{name}", source)
        _saved[name] = b""
    else:
        _saved[name] = Path(place).read_bytes()


def restored(place: Place, name: str) -> bool:
    """Make a desk what `save` kept; False when nothing was kept yet."""
    if name not in _saved:
        return False
    if "://" in str(place):
        name_of_own = str(place).rsplit("/", 1)[1]
        make_database(name_of_own, f"{name_of_own}_{name}")
    else:
        Path(place).write_bytes(_saved[name])
    return True


def twin(place: str) -> str:
    """Make a copy of a desk that nobody is at work on; return where it is."""
    if "://" in place:
        name = place.rsplit("/", 1)[1]
        return make_database(f"{name}_twin", name)
    other = f"{place}-twin"
    with closing(sqlite3.connect(place)) as desk, closing(sqlite3.connect(other)) as copy:
        desk.backup(copy)
    return other


def own(folder: Path) -> str:
    """Return where the desk of a test with this temporary folder is."""
    if not postgresql():
        return str(folder / "desk.db")
    return url_of(int(os.environ["SD_TEST_PORT"]), f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'one')}")
