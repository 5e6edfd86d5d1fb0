"""A folder that people get: whole or not at all, and never in the place of anything but an earlier one."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
from collections.abc import Iterable

from sdtool.errors import Conflict
from sdtool.store.outfile import failing

_MARK = ".sdtool"  # names the files that were written, so that nobody else's are removed


def check(path: str) -> None:
    """Refuse a place where anything is but nothing, an empty folder, or one that `save` made.

    Raises:
        Conflict: something else is there.
        OutputFailed: nobody can tell, or there is no folder to put it in.
    """
    with failing(path):
        os.stat(os.path.dirname(os.path.realpath(path)))
        fault = _fault(path)
    if fault:
        raise Conflict(f"{path} {fault}: nothing was written, give another folder")


def save(path: str, files: Iterable[tuple[str, str]]) -> int:
    """Write files (name, text) into a new folder, then put it in the place of the earlier one.

    Whoever reads meanwhile gets the earlier files or the new ones, for an instant none. Everybody may read
    them. Returns how many there are.

    Raises:
        Conflict, OutputFailed: as `check`; or it could not be written.
    """
    check(path)
    folder, name = os.path.split(os.path.realpath(path))
    part, earlier = (os.path.join(folder, f".{name}.{os.urandom(6).hex()}.{end}") for end in ("part", "old"))
    with failing(path):
        try:
            os.mkdir(part)
            names = [_write(part, *file) for file in files]
            _write(part, _MARK, "".join(f"{one}\n" for one in names))
            os.chmod(part, 0o755)  # noqa: S103 - a web server reads it
            check(path)
            _swap(part, os.path.join(folder, name), earlier)
        finally:
            for left in (part, earlier):
                shutil.rmtree(left, ignore_errors=True)
    return len(names)


def _swap(part: str, path: str, earlier: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.rename(path, earlier)
    try:
        os.rename(part, path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.rename(earlier, path)
        raise


def _write(folder: str, name: str, text: str) -> str:
    if os.path.basename(name) != name or name in ("", ".", ".."):
        raise ValueError(f"not the name of a file: {name!r}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(os.open(os.path.join(folder, name), flags, 0o644), "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
    return name


def _fault(path: str) -> str:
    """Return why what is there stays there; "" when nothing is, or what may be replaced."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return ""
    if stat.S_ISLNK(mode) or not stat.S_ISDIR(mode):
        return "is no folder"
    with os.scandir(path) as entries:
        found = {entry.name for entry in entries}
    if not found:
        return ""
    if _MARK not in found:
        return "holds something else"
    with open(os.path.join(path, _MARK), encoding="utf-8") as file:
        strange = found - {_MARK, *file.read().splitlines()}
    return f"holds {min(strange)}, which was not written there" if strange else ""
