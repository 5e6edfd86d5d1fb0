"""What to say when PostgreSQL cannot be used, and what another try may cure."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import psycopg
from psycopg import errors as pg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict

from sdtool.errors import BadSetup, Busy, NotAllowed, OutputFailed, SdError, UsageFault
from sdtool.store import shown
from sdtool.store.base import explaining

HOW = "docs/how-to/postgresql.md"
# the server is restarting, was stopped, is a standby, or chose another winner
_PASSING = (
    pg.SerializationFailure,
    pg.DeadlockDetected,
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.ReadOnlySqlTransaction,
    pg.IdleInTransactionSessionTimeout,
)
_LOGIN = ("password authentication failed", "no password supplied", "authentication failed",
          "no pg_hba.conf entry", "is not permitted to log in", "permission denied for database")  # fmt: skip
_MEANT = re.compile(r"connection is bad: (?:invalid |could not match )|^bad value for ")  # what the URL says
_LATER = ("too many", "connection slots", "starting up", "shutting down", "not yet accepting", "recovery")


def parsed(url: str) -> dict[str, Any]:
    """Return what a URL says of a server.

    Raises:
        BadSetup: it is none; a password in it is not told.
    """
    try:
        said: dict[str, Any] = dict(conninfo_to_dict(url))
    except psycopg.ProgrammingError as exc:
        text = str(exc).strip()
        text = text if shown(url) == url else re.sub('"[^"]*"', '"…"', text)
        raise BadSetup(f"{shown(url)} is no URL of a database: {text}") from None
    if "@" in str(said.get("host", "")) or re.search(r"[^0-9,]", str(said.get("port", ""))):
        raise BadSetup(
            f"{shown(url)} is no URL of a database: host or port cannot be told",
            hint="in a name or password @ is written %40, / %2F and : %3A",
        )
    return said


def passing(exc: psycopg.Error) -> bool:
    """Tell whether the same work may succeed in another transaction or connection."""
    return isinstance(exc, _PASSING)


def explain(exc: psycopg.Error, url: str) -> SdError | None:
    """Return what a person can do about a database error; None when it is a bug of ours."""
    where, text = shown(url), _told(exc)
    if isinstance(exc, pg.LockNotAvailable):
        return Busy("the desk is busy: nothing was stored, try again in a moment")
    if isinstance(exc, (pg.InsufficientPrivilege, pg.InvalidSchemaName)):
        return NotAllowed(
            f"your database role may not do this: nothing was stored ({text})",
            hint=f"{HOW} shows the grants of each role",
        )
    if isinstance(exc, pg.DiskFull):
        return OutputFailed(f"the disk of {where} is full: nothing was stored; make room and try again")
    if isinstance(exc, pg.ReadOnlySqlTransaction):
        return Busy(
            f"{where} takes no writes (a standby?): nothing was stored",
            hint="name all hosts in the URL, with target_session_attrs=read-write",
        )
    if isinstance(exc, psycopg.DataError) and "NUL" in text:
        return UsageFault("a text holds a character that cannot be kept (NUL): take it out")
    if isinstance(exc, (pg.UndefinedTable, pg.UndefinedColumn)):
        return BadSetup(f"{where} lacks a part of the desk: nothing was stored ({text})")
    if isinstance(exc, (psycopg.OperationalError, psycopg.InterfaceError)) or _MEANT.search(text):
        return _unreachable(exc, url, text)
    return None


def _unreachable(exc: psycopg.Error, url: str, text: str) -> SdError:
    where = shown(url)
    if _MEANT.search(text):
        return BadSetup(f"{where} is no URL of a database: {text}")
    if any(words in text for words in _LOGIN) or re.search(r'role "[^"]*" does not exist', text):
        return NotAllowed(
            f"{where} refuses your login: nothing was stored ({text})",
            hint="~/.pgpass or PGPASSFILE holds passwords",
        )
    if isinstance(exc, pg.InvalidCatalogName) or re.search(r'database "[^"]*" does not exist', text):
        return BadSetup(f"there is no such database: {where} ({text})", hint=f"{HOW} shows how to make one")
    if "certificate" in text or "SSL" in text:
        return BadSetup(f"{where} has no connection that can be trusted: nothing was stored ({text})")
    if _refused(exc, url, text):
        return NotAllowed(f"{where} refuses the connection: nothing was stored ({text})", hint=HOW)
    return Busy(f"{where} cannot be reached: nothing was stored, try again later ({text})")


def _refused(exc: psycopg.Error, url: str, text: str) -> bool:
    """Tell whether a server that is at work sent us away: it said so without a code, in its own language."""
    said = exc.sqlstate is None and "FATAL" in str(exc)
    if not said or any(words in text for words in _LATER):
        return False
    return pq.PGconn.ping(url.encode()) == pq.Ping.OK


def _told(exc: psycopg.Error) -> str:
    """Return the server's own words in one line, the last host's when several were tried."""
    lines = str(exc).strip().splitlines() or [type(exc).__name__]
    hosts = [line[2:] for line in lines if line.startswith("- host")]
    said = exc.diag.message_primary or (hosts or lines[:1])[-1]
    return re.sub(r"\s+", " ", said)[:250]


explained = partial(explaining, psycopg.Error, explain)  # with explained(where): …
