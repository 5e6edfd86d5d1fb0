"""Changing a rulebook file: a new norm as text, what changed, and a replacement that loses nothing."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import tempfile
import tomllib
from typing import Any

from sdtool.errors import Conflict, NotAllowed
from sdtool.rulebook import Norm, Rulebook

_HEADER = re.compile(r"\s*\[")
_SHEET = re.compile(r"\s*\[\[\s*service_sheet\s*\]\]")


def place(text: str) -> int:
    """Return the line (1 is the first) at which the service sheet begins; the last one when there is none."""
    rows = text.splitlines()
    return next((number for number, row in enumerate(rows, 1) if _SHEET.match(row)), max(len(rows), 1))


def with_norm(text: str, norm: Norm) -> str:
    """Return the text of a rulebook with a line added to its service sheet, below the last one."""
    end = "\r\n" if "\r\n" in text else "\n"
    block = ["[[service_sheet]]", *(f"{k} = {_toml(v)}" for k, v in norm._asdict().items() if v != "")]
    rows = text.splitlines()
    at = _after_sheet(rows)
    for where in (at, len(rows)):
        added = end.join([*rows[:where], "", *block, *rows[where:], ""])
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if _is_added(text, added):
                return added
    return text.rstrip() + end * 2 + end.join(block) + end


def _toml(value: str | float) -> str:
    if isinstance(value, float):
        return repr(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _after_sheet(rows: list[str]) -> int:
    """Return the place below the last entry of the sheet; the end when there is none."""
    starts = [number for number, row in enumerate(rows) if _SHEET.match(row)]
    if not starts:
        return len(rows)
    last = starts[-1]
    for number in range(starts[-1] + 1, len(rows)):
        if _HEADER.match(rows[number]):
            break
        if "=" in rows[number] and not rows[number].lstrip().startswith("#"):
            last = number
    return last + 1


def _is_added(before: str, after: str) -> bool:
    """Tell whether two texts differ by the last line of the service sheet alone."""
    old, new = (tomllib.loads(text.removeprefix("\ufeff")) for text in (before, after))
    added = new.get("service_sheet", [])
    return {**new, "service_sheet": added[:-1]} == {**old, "service_sheet": old.get("service_sheet", [])}


def changes(before: Rulebook, after: Rulebook) -> list[tuple[str, Norm]]:
    """Return what became of each line of the service sheet that differs: added, changed, ended or removed."""
    old, new = ({(n.service, n.kpi, n.valid_from): n for n in b.service_sheet} for b in (before, after))
    found = []
    for key, norm in new.items():
        was = old.get(key)
        if was is None:
            found.append(("added", norm))
        elif was != norm:
            ended = was._replace(valid_until=norm.valid_until) == norm and bool(norm.valid_until)
            found.append(("ended" if ended else "changed", norm))
    return found + [("removed", norm) for key, norm in old.items() if key not in new]


def replace(path: str, before: bytes, after: bytes) -> None:
    """Put `after` in the place of a file that held `before`: whole or not at all, mode and owner kept.

    Raises:
        Conflict: it holds something else by now.
        NotAllowed: it cannot be written, or its owner not be kept.
    """
    target, temporary = os.path.realpath(path), ""
    try:
        with open(target, "rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            with open(target, "rb") as file:  # by its name: who had the lock before may have replaced it
                if file.read() != before:
                    raise Conflict(f"somebody else changed {path} meanwhile: nothing was written")
            status = os.fstat(held.fileno())
            descriptor, temporary = tempfile.mkstemp(prefix=".rulebook-", dir=os.path.dirname(target))
            with os.fdopen(descriptor, "wb") as file:
                _like(file.fileno(), status)
                file.write(after)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, target)
    except OSError as exc:
        _forget(temporary)
        raise NotAllowed(f"{path} cannot be written: {exc.strerror}") from exc
    except BaseException:
        _forget(temporary)
        raise


def _like(descriptor: int, status: Any) -> None:
    """Give a new file the owner and mode of the one it replaces."""
    made = os.fstat(descriptor)
    if (made.st_uid, made.st_gid) != (status.st_uid, status.st_gid):
        os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, status.st_mode & 0o7777)


def _forget(temporary: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink(temporary)
