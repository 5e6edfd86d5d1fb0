"""Where records are kept: one store, one SQL subset, one gate for every write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sdtool.errors import BadSetup

if TYPE_CHECKING:
    from sdtool.store.base import Store


def _engine(url: str) -> type[Store]:
    scheme = url.split("://", 1)[0] if "://" in url else "sqlite"
    if scheme == "sqlite":
        from sdtool.store.sqlite import SqliteStore

        return SqliteStore
    if scheme in ("postgresql", "postgres"):
        try:
            from sdtool.store.postgres import PostgresStore
        except ImportError as exc:
            if (exc.name or "psycopg").split(".")[0] != "psycopg":
                raise
            raise BadSetup(
                "a database on PostgreSQL needs psycopg, which is not installed",
                hint='pip install "sdtool[postgres]"',
            ) from exc
        return PostgresStore
    raise BadSetup(
        f"there is no engine for {scheme}://; use a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE"
    )


def shown(url: str) -> str:
    """Return a path or URL as it may be printed: without its password."""
    if "://" not in url:
        return url
    import re

    # up to the last @: who forgot to write it as %40, or a / as %2F, has a password too
    hidden = re.sub(r"(://[^:/@\s]*):\S*@", r"\1:…@", url)
    return re.sub(r"([?&](?:ssl)?password)=[^&\s]*", r"\1=…", hidden)


def open_store(url: str, *, readonly: bool = False) -> Store:
    """Open the desk at `url`, a path, sqlite:///PATH or postgresql://USER@HOST/DATABASE.

    Raises:
        BadSetup: there is none, it is no desk, or its schema is older or newer than the program.
        NotAllowed: it may not be read, or not be written where `readonly` is False.
    """
    return _engine(url).open(url, readonly=readonly)


def create_store(url: str, desk_id: str) -> Store:
    """Make an empty desk at `url`; Conflict when something is there already."""
    return _engine(url).create(url, desk_id)


def migrate_store(url: str) -> tuple[int, int]:
    """Bring the schema at `url` up to this program; return the versions before and after."""
    return _engine(url).migrate(url)
