"""The store: what every engine offers, and the part that is the same for all.

SQL stays in one subset (see `docs/explanation/store.md`): `:name` parameters, ON CONFLICT,
RETURNING, CTEs, window functions; moments as epoch seconds, flags as 0 and 1, JSON as text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cache
from typing import Any, TypeVar

from sdtool.errors import SdError, UsageFault

T = TypeVar("T")
E = TypeVar("E", bound=Exception)
Row = Mapping[str, Any]


@contextmanager
def explaining(kind: type[E], explain: Callable[[E, str], SdError | None], where: str) -> Iterator[None]:
    """Say an engine's errors, of one `kind`, as what a person can do about them; bugs stay as they are."""
    try:
        yield
    except kind as exc:
        fault = explain(exc, where)
        if fault is None:
            raise
        raise fault from exc
    except UnicodeEncodeError as exc:  # invalid UTF-8 on the command line arrives as lone surrogates
        raise UsageFault("a text holds half a character; type it again") from exc
    except OverflowError as exc:
        raise UsageFault("a number is too large") from exc


@cache
def _named(identifier: str) -> str:
    """Identifiers come from our own code only; this is the net below that."""
    if not re.fullmatch(r"[a-z][a-z_]*", identifier):
        raise ValueError(f"not an identifier: {identifier!r}")
    return identifier


@contextmanager
def closed_on_error(store: Store) -> Iterator[None]:
    """Let go of a store that is being opened, when that fails half-way."""
    try:
        yield
    except BaseException:
        store.close()
        raise


class Store:
    """A desk's records. Reading is direct; writing goes through `run`, one transaction a call."""

    engine = ""

    def __init__(self) -> None:
        self.dry_run = False
        self.head: tuple[int, str] | None = None  # newest journal row of the running transaction
        self.act: int | None = None  # the act that its events belong to
        self.anchored: Callable[[int, str], None] | None = None  # told of the head after each commit
        self.cache: dict[str, Any] = {}  # what a reader built from rows and may use again
        self._running = False

    # --- what an engine must say for itself ---------------------------------------------------

    @classmethod
    def open(cls, url: str, *, readonly: bool = False) -> Store:
        """Open an existing desk."""
        raise NotImplementedError

    @classmethod
    def create(cls, url: str, desk_id: str) -> Store:
        """Make an empty desk."""
        raise NotImplementedError

    @classmethod
    def migrate(cls, url: str) -> tuple[int, int]:
        """Bring the schema up to date; return the versions before and after."""
        raise NotImplementedError

    def query(self, sql: str, /, **values: Any) -> Sequence[Row]:
        """Return all rows of a statement."""
        raise NotImplementedError

    def execute(self, sql: str, /, **values: Any) -> int:
        """Run a statement without rows; return how many rows it touched."""
        raise NotImplementedError

    def many(self, sql: str, rows: Iterable[Mapping[str, Any]], /) -> None:
        """Run a statement once a row."""
        raise NotImplementedError

    def snapshot(self) -> AbstractContextManager[None]:
        """See one moment within a `with`: what others store meanwhile is not seen. It takes no writes."""
        raise NotImplementedError

    def clock(self) -> int:
        """Return the database's own clock, epoch seconds."""
        raise NotImplementedError

    def index_text(self, texts: Iterable[tuple[int, str]]) -> None:
        """Put the searchable text of tickets, (ticket, text), in the full-text index."""
        raise NotImplementedError

    def search(self, words: Sequence[Sequence[str]], limit: int) -> list[int]:
        """Return tickets that hold every word, each word in any of its variants; best first."""
        raise NotImplementedError

    def sizes(self) -> dict[str, int]:
        """Return the number of rows of each table."""
        raise NotImplementedError

    def lock(self, name: str) -> AbstractContextManager[bool]:
        """Hold the lock `name` within a `with`: True when it is ours, False when another process has it.

        It never waits, and goes with the process, however that ends.
        """
        raise NotImplementedError

    def upkeep(self) -> None:
        """Tidy what writing leaves behind, outside any transaction; records stay as they are."""
        raise NotImplementedError

    def close(self) -> None:
        """Let go of the database."""
        raise NotImplementedError

    def transaction(self, work: Callable[[], T]) -> T:
        """Run `work` in one write transaction; roll back on any error, and always on a dry run."""
        raise NotImplementedError

    # --- the same for every engine ---------------------------------------------------------------

    def run(self, work: Callable[[], T]) -> T:
        """Run `work` as one write transaction; inside a running one, as part of it."""
        if self._running:
            return work()
        self._running, self.head, self.act = True, None, None
        try:
            result = self.transaction(work)
        finally:
            self._running = False
        if self.head is not None and self.anchored is not None and not self.dry_run:
            self.anchored(*self.head)
        return result

    def one(self, sql: str, /, **values: Any) -> Row | None:
        """Return the first row, or None."""
        rows = self.query(sql, **values)
        return rows[0] if rows else None

    def value(self, sql: str, /, **values: Any) -> Any:
        """Return the first column of the first row, or None."""
        rows = self.query(sql, **values)
        return next(iter(dict(rows[0]).values())) if rows else None

    def insert(self, table: str, *rows: Mapping[str, Any]) -> None:
        """Insert rows, all with the columns of the first."""
        if rows:
            columns = [_named(column) for column in rows[0]]
            marks = ", ".join(f":{column}" for column in columns)
            self.many(f"insert into {_named(table)} ({', '.join(columns)}) values ({marks})", rows)  # noqa: S608

    def update(self, table: str, id_: int, values: Mapping[str, Any]) -> None:
        """Set columns of the row with this id."""
        marks = ", ".join(f"{_named(column)} = :{column}" for column in values)
        self.many(f"update {_named(table)} set {marks} where id = :id", [{**values, "id": id_}])  # noqa: S608

    def next_number(self, name: str, count: int = 1) -> int:
        """Take `count` numbers of a counter; return the last. Without gaps: a rollback gives them back."""
        return int(
            self.value(
                "insert into counter (name, value) values (:name, :count)"
                " on conflict (name) do update set value = counter.value + :count returning value",
                name=name,
                count=count,
            )
        )

    def continue_numbers(self) -> None:
        """Let the engine's own numbers go on after rows that came with theirs; SQLite looks itself."""

    def meta(self, key: str) -> str:
        """Return a fact about this desk, "" when it has none."""
        return str(self.value("select value from meta where key = :key", key=key) or "")
