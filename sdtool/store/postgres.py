"""PostgreSQL: the same desk for agents on several machines, through psycopg 3.

Writers queue at one row (the gate), as they do at a lock file with SQLite: the journal is one
chain, so they would meet there anyway, and behind the gate no transaction can fail on another.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import sql as parts

from sdtool.errors import BadSetup, Conflict, NotAllowed, OutputFailed
from sdtool.store import shown
from sdtool.store.base import Row, Store, T, closed_on_error
from sdtool.store.migrations import VERSION, require_current
from sdtool.store.pgfaults import explain, explained, parsed, passing
from sdtool.store.pglocks import Locks
from sdtool.store.pgschema import Connection, begin, connect, found, upgrade, version_of
from sdtool.store.pgtext import asked, checked, to_pyformat, vector

PATIENCE = 30.0  # seconds to wait for the gate, and for a server to come back
BULK = 50  # rows from which COPY is worth its start
TOGETHER = 200  # statements sent in one go


class _Again(Exception):
    """The transaction left nothing behind; another try may succeed."""


class PostgresStore(Store):
    """A desk on a PostgreSQL server."""

    engine = "postgresql"

    def __init__(self, url: str, *, readonly: bool = False) -> None:
        super().__init__()
        self.url, self._readonly, self._still = url, readonly, False
        self._xact = ""
        self._waiting: list[str] = []  # statements without an answer go along with the next that has one
        self._numbers: dict[str, int] = {}  # counters of the running transaction, which nobody else moves
        self._began = 0.0, 0.0  # the server's clock behind the gate, and ours at that moment
        self._target = parsed(url)
        # with several hosts one is about to take over; a single one that is down is told at once
        fleet = "," in str(self._target.get("host", "")) + str(self._target.get("port", ""))
        self._db = self._connected(time.monotonic() + PATIENCE * fleet)
        self._locks = Locks(lambda: connect(self._target))

    def _connected(self, deadline: float) -> Connection:
        while True:
            try:
                return connect(self._target, readonly=self._readonly)
            except psycopg.OperationalError as exc:
                fault = explain(exc, self.url)
                if fault is None or fault.exit_code != 75 or time.monotonic() > deadline:
                    raise
            time.sleep(0.1)

    @classmethod
    def open(cls, url: str, *, readonly: bool = False) -> PostgresStore:
        """Open an existing desk; see `store.open_store`."""
        with explained(url):
            store = cls(url, readonly=readonly)
            with closed_on_error(store):
                version = version_of(store._db, url)
                if version is None:
                    raise BadSetup(f"there is no desk at {shown(url)}", hint="`sd init` makes one")
                require_current(version, shown(url))
        return store

    @classmethod
    def create(cls, url: str, desk_id: str) -> PostgresStore:
        """Make a desk in an empty database; of two who do so at once, one is told that there is one."""
        with explained(url):
            store = cls(url)
            with closed_on_error(store):
                try:
                    if version_of(store._db, url, strange_is_none=True) is None:
                        found(store._db, url, desk_id)
                        return store
                except (pg.UniqueViolation, pg.DuplicateTable, pg.DuplicateFunction):
                    pass
                raise Conflict(
                    f"{shown(url)} holds a desk already, or tables of its names: nothing was changed"
                )

    @classmethod
    def migrate(cls, url: str) -> tuple[int, int]:
        """Bring the schema up to date in one transaction; return the versions before and after."""
        with explained(url), contextlib.closing(cls(url)) as store:
            before = version_of(store._db, url)
            if before is None:
                raise BadSetup(f"there is no desk at {shown(url)}", hint="`sd init` makes one")
            if before > VERSION:
                raise BadSetup(
                    f"the desk at {shown(url)} has schema {before}, newer than this program's {VERSION}",
                    hint="install a newer sdtool",
                )
            # the version is read again behind the gate: another program may have been first
            store.run(lambda: upgrade(store._db, version_of(store._db, url) or 0))
        return before, VERSION

    # --- reading and writing -------------------------------------------------------------------

    def query(self, sql: str, /, **values: Any) -> Sequence[Row]:
        """Return all rows of a statement."""
        return self._asked(lambda: self._sent(sql, values).fetchall())

    def execute(self, sql: str, /, **values: Any) -> int:
        """Run a statement without rows; return how many rows it touched."""
        return self._asked(lambda: self._sent(sql, values).rowcount)

    def many(self, sql: str, rows: Iterable[Mapping[str, Any]], /) -> None:
        """Run a statement once a row, many of them in one go; in a transaction, at the next answer."""
        with explained_unless(self._running, self.url):
            for bound in [self._bound(sql, row) for row in rows]:  # all of them, before one is sent
                self._waiting.append(bound)
                if len(self._waiting) == TOGETHER:
                    self._flush()
            if not self._running:
                self._flush()

    def _bound(self, sql: str, values: Mapping[str, Any]) -> str:
        return psycopg.ClientCursor(self._db).mogrify(to_pyformat(sql), checked(values))

    def _sent(self, sql: str, values: Mapping[str, Any]) -> psycopg.Cursor[dict[str, Any]]:
        """Send what waits and a statement behind it; return the cursor at its answer."""
        self._waiting.append(self._bound(sql, values))
        return self._go()

    def _go(self) -> psycopg.Cursor[dict[str, Any]]:
        together, self._waiting = "; ".join(self._waiting), []
        cursor = self._db.execute(parts.SQL(together))
        while cursor.nextset():
            pass
        return cursor

    def _flush(self) -> None:
        if self._waiting:
            self._go()

    def insert(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Insert rows, all with the columns of the first; many of them by COPY."""
        if len(rows) < BULK:
            super().insert(table, *rows)
            return
        columns = list(rows[0])
        names = parts.SQL(", ").join(map(parts.Identifier, columns))
        statement = parts.SQL("copy {} ({}) from stdin").format(parts.Identifier(table), names)
        with explained_unless(self._running, self.url):
            self._flush()
            with self._db.cursor() as cursor, cursor.copy(statement) as copy:
                for row in rows:
                    copy.write_row([row[column] for column in columns])

    def next_number(self, name: str, count: int = 1) -> int:
        """Take numbers; the second time in a transaction the server need not be asked."""
        if not self._running or name not in self._numbers:
            last = super().next_number(name, count)
        else:
            last = self._numbers[name] + count
            self.many("update counter set value = :value where name = :name", [{"name": name, "value": last}])
        if self._running:
            self._numbers[name] = last
        return last

    def _asked(self, work: Callable[[], T]) -> T:
        """Ask the database; a read outside any transaction is asked again when the connection was lost."""
        if self._running:
            return work()  # `transaction` decides what comes of an error
        with explained(self.url):
            try:
                return work()
            except pg.ReadOnlySqlTransaction as exc:
                if self._readonly:
                    raise self._for_reading() from exc
                raise
            except (psycopg.OperationalError, psycopg.InterfaceError):
                if self._still or not self._db.closed:
                    raise
                self._db = self._connected(time.monotonic() + PATIENCE)
                return work()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """See one moment within a `with`."""
        with explained(self.url):
            self._db.execute("begin isolation level repeatable read read only")
            self._still = True
            try:
                yield
            finally:
                self._still = False
                self._rollback()

    def continue_numbers(self) -> None:
        """Set the identities behind the highest number there is."""
        for table in ("outbox", "inmail", "job_run"):
            statement = (
                "select setval(pg_get_serial_sequence({}, 'id'), coalesce(max(id), 0) + 1, false) from {}"
            )
            self._flush()
            self._db.execute(parts.SQL(statement).format(parts.Literal(table), parts.Identifier(table)))

    def clock(self) -> int:
        """Return the database's own clock, epoch seconds; in a transaction, that of its start and ours on."""
        if self._running:
            theirs, ours = self._began
            return int(theirs + time.monotonic() - ours)
        return int(
            self.value("select cast(floor(extract(epoch from clock_timestamp())) as bigint) as seconds")
        )

    # --- writing: the gate, the retry, the commit in doubt ---------------------------------------

    def transaction(self, work: Callable[[], T]) -> T:
        """Run `work` behind the gate; the whole of it again when the server went away under it."""
        if self._readonly:
            raise self._for_reading()
        deadline, pause = time.monotonic() + PATIENCE, 0.01
        with explained(self.url):
            while True:
                try:
                    return self._attempt(work, deadline)
                except _Again as again:
                    if time.monotonic() > deadline:
                        raise again.args[0] from None
                    self.head, self.act = None, None  # of the try that came to nothing
                    self.cache.clear()
                time.sleep(pause)  # no dice: writers meet at the gate, which lets them in one by one
                pause = min(pause * 2, 1.0)

    def _for_reading(self) -> NotAllowed:
        return NotAllowed(f"{shown(self.url)} was opened for reading only: nothing was stored")

    def _attempt(self, work: Callable[[], T], deadline: float) -> T:
        if self._db.closed:
            self._db = self._connected(deadline)
        try:
            try:
                self._xact = self._begin()
                result = work()
                self._flush()
            except BaseException:
                self._rollback()
                raise
        except psycopg.Error as exc:
            # a standby may have become one after we came: the other hosts are asked
            if isinstance(exc, pg.ReadOnlySqlTransaction):
                self._db.close()
            if passing(exc) or self._db.closed:
                raise _Again(exc) from exc
            raise
        if self.dry_run:
            self._rollback()
        else:
            self._commit(deadline)
        return result

    def _begin(self) -> str:
        self._waiting, self._numbers = [], {}
        row = begin(self._db, PATIENCE)
        if row is None:
            raise BadSetup(f"the desk at {shown(self.url)} lost its gate: restore it, nothing was stored")
        self._began = row["now"], time.monotonic()
        return str(row["xact"])

    def _rollback(self) -> None:
        self._waiting = []  # or the next question would take them along, outside any transaction
        with contextlib.suppress(psycopg.Error):  # a lost connection has rolled back
            self._db.execute("rollback")

    def _commit(self, deadline: float) -> None:
        try:
            self._db.execute("commit")
        except psycopg.Error as exc:
            if not self._db.closed:  # the server answered: it was rolled back
                if passing(exc):
                    raise _Again(exc) from exc
                raise
            self._settle(exc, max(deadline, time.monotonic() + PATIENCE))

    def _settle(self, exc: psycopg.Error, deadline: float) -> None:
        """Find out what became of a COMMIT whose answer was lost; return when it is stored."""
        while True:
            try:
                self._db = self._connected(deadline)
                stored = self._kept()
                break
            except psycopg.Error as fault:
                if time.monotonic() > deadline or explain(fault, self.url) is None:
                    raise OutputFailed(
                        f"{shown(self.url)} was lost while storing, and whether it was stored is unknown:"
                        " look with `sd list` before you repeat it"
                    ) from exc
            self._db.close()
            time.sleep(0.1)
        if not stored:
            raise _Again(exc) from exc

    def _kept(self) -> bool:
        """Tell whether the transaction is there; the gate waits until its old connection is gone."""
        wanted, before = self.head, self._xact
        try:
            self._begin()
            if wanted is not None:
                sql = "select hash as kept from event where id = :id"
                row = self._db.execute(to_pyformat(sql), {"id": wanted[0]}).fetchone()
                return bool(row and row["kept"] == wanted[1])
            # nothing in the journal: its number, which is sure unless another server took over
            sql = "select pg_xact_status(cast(:xact as xid8)) = 'committed' as kept"
            row = self._db.execute(to_pyformat(sql), {"xact": before}).fetchone()
            return bool(row and row["kept"])
        finally:
            self._rollback()

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[bool]:
        """Hold a row of the gate on a connection of its own, which goes with the process."""
        with explained(self.url), self._locks.held(name) as ours:
            yield ours

    def upkeep(self) -> None:
        """Tidy tables and count what they hold; who does not own them leaves it to the server."""
        self._asked(lambda: self._db.execute("vacuum (analyze)"))

    # --- full text -----------------------------------------------------------------------------

    def index_text(self, texts: Iterable[tuple[int, str]]) -> None:
        """Put the searchable text of tickets in the index."""
        rows = [(ticket, vector(text)) for ticket, text in dict(texts).items()]
        for first in range(0, len(rows), TOGETHER):
            some = rows[first : first + TOGETHER]
            self.execute(
                "insert into ticket_text (id, body) select id, cast(body as tsvector)"
                " from unnest(cast(:ids as bigint[]), cast(:bodies as text[])) as given (id, body)"
                " on conflict (id) do update set body = excluded.body",
                ids=[ticket for ticket, _ in some],
                bodies=[body for _, body in some],
            )

    def search(self, words: Sequence[Sequence[str]], limit: int) -> list[int]:
        """Return tickets with every word (or a word that begins with it), best first."""
        match = asked(words)
        if not match:
            return []
        rows = self.query(
            "select id from ticket_text where body @@ cast(:match as tsquery)"
            " order by ts_rank(body, cast(:match as tsquery)) desc, id desc limit :limit",
            match=match,
            limit=limit,
        )
        return [row["id"] for row in rows]

    def sizes(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        rows = self.query(
            "select tablename as name from pg_tables where schemaname = current_schema()"
            " and tablename not in ('gate', 'ticket_text') order by 1"
        )
        counted = "select count(*) as n from {}"
        with explained(self.url):
            self._flush()
            return {
                name: self._db.execute(parts.SQL(counted).format(parts.Identifier(name))).fetchall()[0]["n"]
                for name in (row["name"] for row in rows)
            }

    def close(self) -> None:
        """Let go of the server."""
        self._locks.close()
        self._db.close()


def explained_unless(running: bool, url: str) -> contextlib.AbstractContextManager[None]:
    """Leave errors inside a transaction as they are: `transaction` decides whether to try again."""
    return contextlib.nullcontext() if running else explained(url)
