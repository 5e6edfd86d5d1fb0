"""The rulebook in force: found, checked once per content, and kept compiled for the commands after it."""

from __future__ import annotations

import contextlib
import marshal
import os
import sys
from typing import Any

from sdtool import __version__
from sdtool.digest import hexdigest
from sdtool.errors import BadSetup
from sdtool.resources import shipped
from sdtool.rulebook import LISTS, SELDOM, TABLES, Rulebook

LARGEST = 1 << 20  # bytes of a rulebook


def plain(value: Any) -> Any:
    """Turn named tuples into tuples: `marshal` takes exact types only."""
    return tuple(plain(v) for v in value) if isinstance(value, tuple) else value


def _revive(data: tuple[Any, ...]) -> Rulebook:
    values: dict[str, Any] = {}
    for name, value in zip(Rulebook._fields, data, strict=True):
        if name in LISTS:
            value = tuple(LISTS[name]._make(row) for row in value)
        elif name in TABLES:
            value = TABLES[name]._make(value)
        elif name == "seldom" and len(value) != len(SELDOM):
            raise ValueError("compiled by another version")
        values[name] = value
    return Rulebook(**values)


def _cached(path: str) -> Rulebook | None:
    """Read a compiled rulebook, if it is there and only we can have written it."""
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid != os.geteuid() or status.st_mode & 0o022:
                return None
            return _revive(marshal.loads(file.read()))  # noqa: S302 (our own file, checked above)
    except (OSError, EOFError, ValueError, TypeError):
        return None


def _store_cache(path: str, book: Rulebook) -> None:
    """Write a compiled rulebook; a folder that cannot be written only costs time."""
    temporary = f"{path}.{os.getpid()}"
    with contextlib.suppress(OSError):
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(marshal.dumps(plain(book)))
        os.replace(temporary, path)


def source(path: str) -> tuple[str, bytes]:
    """Return the name and content of the rulebook file; `path` "" is the shipped default."""
    name = path or shipped("templates", "rulebook.toml")
    try:
        with open(name, "rb") as file:
            content = file.read(LARGEST + 1)
    except OSError as exc:
        raise BadSetup(
            f"the rulebook {name} cannot be read: {exc.strerror}",
            hint="`sd rulebook init` writes a first one",
        ) from exc
    if len(content) > LARGEST:
        raise BadSetup(f"the rulebook {name} is larger than {LARGEST >> 20} MiB: that is no rulebook")
    return name, content


def load(path: str, cache: str) -> Rulebook:
    """Return the checked rulebook at `path` ("" for the shipped default), compiled in folder `cache`.

    Raises:
        BadSetup: the file is missing or has faults; the message lists every one with its line.
    """
    name, content = source(path)
    digest = hexdigest(content)
    version = f"{__version__}-{sys.version_info[0]}{sys.version_info[1]}"
    compiled = os.path.join(cache, f"rulebook-{digest[:32]}-{version}.bin")
    book = _cached(compiled)
    if book is not None:
        return book
    from sdtool.rulebook.check import check  # parsing and checking: only when the content is new

    book, faults = check(content)
    errors = [f for f in faults if f.level == "error"]
    if book is None or errors:
        listed = "; ".join(f"line {f.line}: {f.text}" for f in errors)
        raise BadSetup(
            f"the rulebook {name} has {len(errors)} fault(s): {listed}", hint="`sd rulebook check`"
        )
    _store_cache(compiled, book)
    return book
