"""SQLite: one file, WAL with FULL synchronisation, a lock file as the gate before every write."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from sdtool.errors import BadSetup, Busy, Conflict, NotAllowed, OutputFailed
from sdtool.store import files
from sdtool.store.base import Row, Store, T, closed_on_error
from sdtool.store.files import explained, path_of
from sdtool.store.migrations import MIGRATIONS, VERSION, require_current

PATIENCE = 30.0  # seconds to wait for the gate, and behind it for SQLite's own lock
_WORDS = {"id": "integer primary key", "int": "integer", "strict": " strict"}
_ENGINE_STEPS: tuple[tuple[str, ...], ...] = (
    (
        "create virtual table ticket_text using fts5"
        "(body, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3')",
        *(
            f"create trigger {table}_no_{verb} before {verb} on {table} {unless}"
            f" begin select raise(abort, 'the journal is append-only'); end"
            for table, verb, unless in (
                ("event", "update", ""),
                ("event", "delete", ""),
                ("event_data", "update", ""),
                # personal data may go, after an event that says so
                (
                    "event_data",
                    "delete",
                    "when not exists (select 1 from event where kind = 'event'"
                    " and subject = old.event and verb = 'erased')",
                ),
            )
        ),
    ),
)


class SqliteStore(Store):
    """A desk in one SQLite file."""

    engine = "sqlite"

    def __init__(self, path: str, *, readonly: bool = False, alone: bool = False) -> None:
        super().__init__()
        self.path, self._readonly, self._alone = path, readonly, alone
        self._connect()

    def _connect(self) -> None:
        # autocommit mode: transactions begin and end where `transaction` says, nowhere else
        self._db = sqlite3.connect(self.path, timeout=PATIENCE, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        pragmas = ["locking_mode = exclusive"] * self._alone
        # what is erased must not stay readable in the file
        pragmas += ["synchronous = full", "foreign_keys = on", "secure_delete = on"]
        pragmas += ["query_only = on"] * self._readonly
        try:
            for pragma in pragmas:
                self._db.execute(f"pragma {pragma}")
        except sqlite3.Error:  # an open file keeps its locks, also against our own next try
            self._db.close()
            raise

    @classmethod
    def open(cls, url: str, *, readonly: bool = False) -> SqliteStore:
        """Open an existing desk; see `store.open_store`."""
        path = path_of(url)
        files.require(path)
        with explained(path):
            store = cls._connected(path, readonly)
            with closed_on_error(store):
                version = _version(store, path)
                if not os.access(path, os.W_OK):
                    files.share(path)
                require_current(version, path)
        return store

    @classmethod
    def _connected(cls, path: str, readonly: bool) -> SqliteStore:
        """Connect; on a full disk alone, in memory instead of the file that sessions share."""
        try:
            return cls(path, readonly=readonly)
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorname != "SQLITE_IOERR_SHMSIZE":
                raise
        return cls(path, readonly=readonly, alone=True)

    @classmethod
    def create(cls, url: str, desk_id: str) -> SqliteStore:
        """Make an empty desk that the group may write, whatever the umask; SQLite itself would not."""
        path = path_of(url)
        try:
            files.make_folder(os.path.dirname(path))
            files.make_file(path)
        except FileExistsError as exc:
            if os.path.islink(path) or os.stat(path).st_size:  # an empty file is an init that was interrupted
                raise Conflict(f"{path} exists already: nothing was changed") from exc
        except OSError as exc:
            raise NotAllowed(f"{exc.filename} cannot be made: {exc.strerror}") from exc
        with explained(path):
            store = cls(path)
            with closed_on_error(store):
                store._db.execute("pragma journal_mode = wal")
                store.run(lambda: _found(store, desk_id))
        return store

    @classmethod
    def migrate(cls, url: str) -> tuple[int, int]:
        """Bring the schema up to date in one transaction; return the versions before and after."""
        path = path_of(url)
        files.require(path)
        with explained(path), contextlib.closing(cls(path)) as store:
            before = _version(store, path)
            if before > VERSION:
                raise BadSetup(
                    f"the desk at {path} has schema {before}, newer than this program's {VERSION}",
                    hint="install a newer sdtool",
                )
            # the version is read again inside the gate: another program may have been first
            store.run(lambda: _upgrade(store, _version(store, path)))
        return before, VERSION

    # --- reading and writing -------------------------------------------------------------------

    def query(self, sql: str, /, **values: Any) -> Sequence[Row]:
        """Return all rows of a statement."""
        with explained(self.path):
            rows: Sequence[Row] = self._db.execute(sql, values).fetchall()
            return rows

    def execute(self, sql: str, /, **values: Any) -> int:
        """Run a statement without rows; return how many rows it touched."""
        with explained(self.path):
            return self._db.execute(sql, values).rowcount

    def many(self, sql: str, rows: Iterable[Mapping[str, Any]], /) -> None:
        """Run a statement once a row."""
        with explained(self.path):
            self._db.executemany(sql, rows)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one moment; WAL keeps its pages until the `with` ends, so be quick."""
        with explained(self.path):
            self._db.execute("begin")  # the first read fixes the moment
            try:
                yield
            finally:
                self._rollback()

    def clock(self) -> int:
        """Return the database's own clock, epoch seconds."""
        return int(self.value("select cast(strftime('%s', 'now') as integer)"))

    def transaction(self, work: Callable[[], T]) -> T:
        """Run `work` behind the gate, in a transaction that holds the write lock from its start."""
        with self._gate(), explained(self.path):
            self._db.execute("begin immediate")
            try:
                result = work()
            except BaseException:
                self._rollback()
                raise
            if self.dry_run:
                self._rollback()
            else:
                self._commit()
            return result

    def _rollback(self) -> None:
        if self._db.in_transaction:  # a full disk has rolled back already
            self._db.execute("rollback")

    def _commit(self) -> None:
        try:
            self._db.execute("commit")
        except sqlite3.Error as exc:
            if not (getattr(exc, "sqlite_errorname", "") or "").startswith("SQLITE_IOERR"):
                self._rollback()
                raise
            self._settle(exc)

    def _settle(self, exc: sqlite3.Error) -> None:
        """A COMMIT that failed is in doubt: ask again in a small write, which buries stale frames."""
        wanted = self.head
        try:
            self._db.close()
            self._connect()
            self._db.execute("begin immediate")
            self._db.execute(
                "insert or replace into meta (key, value) values ('commit-failed', strftime('%s', 'now'))"
            )
            row = wanted and self._db.execute("select hash from event where id = ?", (wanted[0],)).fetchone()
            stored = bool(wanted and row and row["hash"] == wanted[1])
            self._db.execute("commit")
        except sqlite3.Error:
            raise OutputFailed(
                f"the disk of {self.path} failed while storing, and whether it was stored is unknown:"
                " check the disk, then look with `sd list` before you repeat it"
            ) from exc
        if stored:
            raise OutputFailed(
                f"stored, but the disk of {self.path} reported an error: do not repeat it, check the disk"
            ) from exc
        raise OutputFailed(
            f"nothing was stored: the disk of {self.path} reported an error; check it first"
        ) from exc

    @contextlib.contextmanager
    def _gate(self) -> Iterator[None]:
        """One writer at a time, all of them waiting here: SQLite's own lock starves under load."""
        descriptor = files.open_lock(files.gate_name(self.path))
        try:
            deadline, pause = time.monotonic() + PATIENCE, 0.001
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise Busy("the desk is busy: nothing was stored, try again in a moment") from None
                    time.sleep(pause)
                    pause = min(pause * 2, 0.02)
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Hold a lock file beside the database; see `Store.lock`."""
        descriptor = files.open_lock(f"{os.path.realpath(self.path)}.{name}.lock")
        try:
            ours = False
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                ours = True
            yield ours
        finally:
            os.close(descriptor)

    def upkeep(self) -> None:
        """Merge pieces of the full-text index, and cut the write-ahead log to nothing.

        No ANALYZE, nor `pragma optimize`, which may run it: the lists count on the partial indexes
        of open tickets, and with statistics SQLite leaves those (the list of a group took 1.1 ms
        instead of 0.3 ms among 100,000 tickets).
        """
        self.run(lambda: self.execute("insert into ticket_text (ticket_text, rank) values ('merge', 500)"))
        with self._gate(), explained(self.path):  # two checkpoints at once can corrupt SQLite before 3.51.3
            self._db.execute("pragma busy_timeout = 0")  # who reads or writes now is not made to wait
            try:
                self._db.execute("pragma wal_checkpoint(truncate)").fetchall()
            finally:
                self._db.execute(f"pragma busy_timeout = {int(PATIENCE * 1000)}")

    # --- full text -----------------------------------------------------------------------------

    def index_text(self, texts: Iterable[tuple[int, str]]) -> None:
        """Put the searchable text of tickets in the index; the row number is the ticket."""
        rows = [{"id": ticket, "body": body} for ticket, body in texts]
        self.many("delete from ticket_text where rowid = :id", rows)
        self.many("insert into ticket_text (rowid, body) values (:id, :body)", rows)

    def search(self, words: Sequence[Sequence[str]], limit: int) -> list[int]:
        """Return tickets with every word (or a word that begins with it), best first."""
        if not words:
            return []
        # only letters and digits come in (store.search), each in quotes: never FTS syntax
        match = " AND ".join("(" + " OR ".join(f'"{form}"*' for form in forms) + ")" for forms in words)
        rows = self.query(
            "select rowid as id from ticket_text where ticket_text match :match"
            " order by rank, rowid desc limit :limit",
            match=match,
            limit=limit,
        )
        return [row["id"] for row in rows]

    def sizes(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        from sqlite_utils import (
            Database,
        )  # schema work is what it is best at; 50 ms, so never on the hot path

        database = Database(self._db, execute_plugins=False)
        names = [t for t in database.table_names() if not t.startswith(("ticket_text", "sqlite_"))]
        return {name: database.table(name).count for name in sorted(names)}

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()


def _version(store: SqliteStore, path: str) -> int:
    try:
        facts = dict(
            store._db.execute("select key, value from meta where key in ('schema', 'desk')").fetchall()
        )
        if facts.get("desk"):  # other programs have a table of that name too
            return int(facts["schema"])
    except (KeyError, ValueError, TypeError):
        pass
    except sqlite3.OperationalError as exc:
        if "no such table" not in str(exc) and "no such column" not in str(exc):
            raise
    raise BadSetup(f"{path} is a database, but no desk of sdtool", hint="SD_DATABASE names another")


def _found(store: SqliteStore, desk_id: str) -> None:
    """Schema and identity in one transaction: a desk is whole or is not there."""
    _upgrade(store, 0)
    store.insert("meta", {"key": "desk", "value": desk_id})


def _upgrade(store: SqliteStore, version: int) -> None:
    for (_, statements), engine_steps in list(zip(MIGRATIONS, _ENGINE_STEPS, strict=True))[version:]:
        for statement in (*statements, *engine_steps):
            store._db.execute(_worded(statement))
    store._db.execute("insert or replace into meta (key, value) values ('schema', ?)", (str(VERSION),))


def _worded(statement: str) -> str:
    for word, meaning in _WORDS.items():
        statement = statement.replace(f"{{{word}}}", meaning)
    return statement
