"""The files of a SQLite desk: finding and making them, and what to say when they cannot be used."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from functools import partial

from sdtool.errors import BadSetup, Busy, NotAllowed, OutputFailed, SdError
from sdtool.store.base import explaining


def path_of(url: str) -> str:
    """Return the absolute path that a path or sqlite:///PATH names."""
    return os.path.abspath(url.removeprefix("sqlite:///"))


def explain(exc: sqlite3.Error, path: str) -> SdError | None:
    """Return what a person can do about a database error; None when it is a bug of ours."""
    name = getattr(exc, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_BUSY") or name.startswith("SQLITE_LOCKED"):
        return Busy("the desk is busy: nothing was stored, try again in a moment")
    if name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"):  # the second: no room for the file beside the WAL
        return OutputFailed(f"the disk of {path} is full: nothing was stored; make room and try again")
    if name.startswith("SQLITE_IOERR"):
        return OutputFailed(f"the disk of {path} reports an error ({name}): check it before you go on")
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")):
        text = f"{path} cannot be written by you: nothing was stored; ask who administers the desk"
        return NotAllowed(text)
    if name.startswith("SQLITE_CANTOPEN"):
        return NotAllowed(f"{path} cannot be opened by you (its folder must be writable too)")
    damaged = name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB"))
    if damaged or "malformed" in str(exc) or "decode to UTF-8" in str(exc):
        return BadSetup(f"{path} is damaged or is no database: leave it as it is and restore a backup")
    return None


explained = partial(explaining, sqlite3.Error, explain)  # with explained(where): …


def require(path: str) -> None:
    """Refuse a path where there is nothing, or where we may not even look."""
    try:
        os.stat(path)
    except PermissionError as exc:
        raise NotAllowed(f"{path} cannot be reached by you: {exc.strerror}") from exc
    except OSError as exc:
        hint = "`sd init` makes one; SD_DATABASE names another"
        raise BadSetup(f"there is no desk at {path}", hint=hint) from exc


def share(path: str) -> None:
    """Let the group write what reading a read-only desk leaves behind; the next writer needs it."""
    for name in (f"{path}-wal", f"{path}-shm"):
        with contextlib.suppress(OSError):
            if os.stat(name).st_uid == os.geteuid():
                os.chmod(name, 0o660)


def gate_name(path: str) -> str:
    """Return the name of the gate: one for a file, through whatever links it was reached."""
    return f"{os.path.realpath(path)}.gate"


def make_folder(path: str) -> None:
    """Make the folder of a desk: its group's own, whatever the umask; those above it may be entered."""
    missing = []
    while not os.path.isdir(path):
        missing.append(path)
        path = os.path.dirname(path)
    for folder in reversed(missing):
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:  # somebody was first
            continue
        os.chmod(folder, 0o2770 if folder == missing[0] else 0o755)


def make_file(path: str) -> None:
    """Make an empty file with mode 0660; never through a link, never over an existing one."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o660)
    os.fchmod(descriptor, 0o660)
    os.close(descriptor)


def open_lock(path: str) -> int:
    """Open a lock file for reading, which is enough to hold the lock; make it when it is not there."""
    try:
        try:
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except FileNotFoundError:  # a restored backup has none yet
            with contextlib.suppress(FileExistsError):
                make_file(path)
            return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as exc:
        raise NotAllowed(
            f"the lock file {path} cannot be opened: {exc.strerror}; nothing was stored"
        ) from exc
