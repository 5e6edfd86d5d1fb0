"""The journal's head, written down outside the database, where cutting its tail leaves a trace."""

from __future__ import annotations

import contextlib
import os
import re

from sdtool.errors import BadInput, NotAllowed
from sdtool.output import remark
from sdtool.store.files import make_file

_LINE = r"journal (\d+):([0-9a-f]{64})"
_LONGEST = 1 << 16  # characters of a line that are looked at together


def note_head(path: str, number: int, head: str) -> None:
    """Note the newest event in the system log and, when `path` is set, at the end of that file."""
    import syslog

    line = f"journal {number}:{head}"
    syslog.openlog("sdtool", syslog.LOG_PID, syslog.LOG_AUTHPRIV)
    syslog.syslog(syslog.LOG_INFO, line)
    if path:
        try:
            with contextlib.suppress(FileExistsError):
                make_file(path)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.write(descriptor, f"{line}\n".encode())
            finally:
                os.close(descriptor)
        except OSError as exc:
            # the change is stored: failing now would make a script repeat it
            remark(f"the journal's head could not be noted in {path}: {exc.strerror}")


def read_heads(text: str) -> list[tuple[int, str]]:
    """Return every `journal N:HASH` in a text: a log, an anchor file, a KPI mail, a command line."""
    return [(int(number), head) for number, head in re.findall(_LINE, text)]


def heads_in(path: str) -> list[tuple[int, str]]:
    """Return the heads in a log or mail that somebody named.

    Raises:
        BadInput: it is no file, or holds none: then nothing would be compared.
        NotAllowed: it may not be read.
    """
    heads: list[tuple[int, str]] = []
    if os.path.isfile(path):
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                for line in iter(lambda: file.readline(_LONGEST), ""):
                    heads += read_heads(line)
        except OSError as exc:
            raise NotAllowed(f"{path} cannot be read: {exc.strerror}") from exc
    if not heads:
        raise BadInput(f"{path} holds no head of a journal, such as `journal 12:…`: is it the right file?")
    return heads


def noted(path: str) -> list[tuple[int, str]]:
    """Return the heads in an anchor file; [] when none is set, or none is there (which is remarked).

    Raises:
        NotAllowed: it may not be read.
    """
    if not path:
        return []
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return read_heads(file.read())
    except FileNotFoundError:
        remark(f"the anchor file {path} is not there: a tail that was cut off cannot be seen")
        return []
    except OSError as exc:
        raise NotAllowed(f"the anchor file {path} cannot be read: {exc.strerror}") from exc
