"""Locks on PostgreSQL: rows of the table `gate`, each held by a connection that goes with the process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus

Connection = psycopg.Connection[Any]


class Locks:
    """Holds rows of the gate, each on a connection of its own; one that is let go of serves the next lock."""

    def __init__(self, dial: Callable[[], Connection]) -> None:
        self._dial = dial
        self._idle: list[Connection] = []

    @contextlib.contextmanager
    def held(self, name: str) -> Iterator[bool]:
        """Hold the lock `name` within a `with`: True when it is ours, False when another process has it."""
        holder = self._idle.pop() if self._idle else self._dial()
        try:
            holder.execute("set idle_in_transaction_session_timeout = 0")
            values = {"name": name}
            if not holder.execute("select 1 from gate where name = %(name)s", values).fetchall():
                holder.execute("insert into gate (name) values (%(name)s) on conflict do nothing", values)
            holder.execute("begin")
            statement = "select 1 from gate where name = %(name)s for update skip locked"
            yield bool(holder.execute(statement, values).fetchall())
        finally:  # the server looks up from a connection that was closed only after a while
            with contextlib.suppress(psycopg.Error):
                holder.execute("rollback")
            if holder.info.transaction_status == TransactionStatus.IDLE:
                self._idle.append(holder)
            else:
                holder.close()

    def close(self) -> None:
        """Let go of the connections that hold no lock now."""
        while self._idle:
            self._idle.pop().close()
