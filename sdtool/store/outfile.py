"""A file that people get: whole or not at all, and never in the place of anything but an earlier one."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import contextlib
import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from sdtool.errors import Conflict, OutputFailed
from sdtool.store.files import path_of

_LONGEST = 16384  # bytes in which the beginning ends
_BESIDE = ("", "-wal", "-shm", "-journal", ".gate")


class Kind(NamedTuple):
    """A kind of file: its name, and how each begins, so that a nightly run may write its own anew."""

    name: str
    beginning: re.Pattern[str]


def check(path: str, kind: Kind, database: str) -> os.stat_result | None:
    """Return what is known of the earlier file at `path`; None when nothing is there.

    Args:
        kind: what may be there.
        database: URL of the desk, whose files are refused even while they are not there.

    Raises:
        Conflict: something else is there.
        OutputFailed: nobody can tell.
    """
    fault = "belongs to the desk's database" if _is_desks(path, database) else ""
    with failing(path):
        found = None if fault else _stat(path)
    if found is not None:
        fault = _fault(path, kind, found)
    if fault:
        raise Conflict(f"{path} {fault}: nothing was written, give another name")
    return found


def save(path: str, text: str, kind: Kind, database: str) -> None:
    """Write a file under a temporary name and then rename it; an earlier one keeps its permissions.

    Raises:
        Conflict, OutputFailed: as `check`; or it could not be written.
    """
    temporary = os.path.join(os.path.dirname(path), f".sd-{os.urandom(8).hex()}.part")
    with failing(path):
        try:
            _write(temporary, text)
            _place(temporary, path, check(path, kind, database))
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


@contextlib.contextmanager
def failing(path: str) -> Iterator[None]:
    """Say what could not be written, and why."""
    try:
        yield
    except OSError as exc:
        raise OutputFailed(f"{path} could not be written: {exc.strerror or exc}") from exc


def _is_desks(path: str, database: str) -> bool:
    """Tell whether a name is that of the database or of a file that it keeps beside it."""
    name, desk = _real(path), path_of(database)
    desks = (_real(desk), os.path.realpath(desk))
    is_lock = name.endswith(".lock") and name.startswith(tuple(f"{known}." for known in desks))
    return is_lock or name in {known + end for known in desks for end in _BESIDE}


def _real(path: str) -> str:
    """Return a path whose folder is reached through no link; its last part may be one."""
    folder, name = os.path.split(os.path.abspath(path))
    return os.path.join(os.path.realpath(folder), name)


def _stat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def _fault(path: str, kind: Kind, found: os.stat_result) -> str:
    """Return why what is there stays there; "" when it is an earlier file of the kind."""
    if stat.S_ISLNK(found.st_mode):
        return "is a link"
    if stat.S_ISDIR(found.st_mode):
        return "is a folder"
    if not stat.S_ISREG(found.st_mode):
        return "is no ordinary file"
    return "" if kind.beginning.match(_head(path)) else f"is there and is no {kind.name}"


def _head(path: str) -> str:
    """Return how a file begins; nothing of one that cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return ""
    with open(descriptor, "rb") as file:
        return file.read(_LONGEST).decode("utf-8", "replace")


def _write(path: str, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(path, flags, 0o666), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _place(temporary: str, path: str, earlier: os.stat_result | None) -> None:
    if earlier is not None:
        os.chmod(temporary, stat.S_IMODE(earlier.st_mode) & 0o777)
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # a rename would replace what came there meanwhile
    except FileExistsError:
        raise Conflict(f"{path} was made by somebody else meanwhile: nothing was written") from None
    except OSError:  # a file system without links
        os.rename(temporary, path)
