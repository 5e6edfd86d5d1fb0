"""Workbooks from outside (XLSX, XLS, ODS), read behind a fence: see `fenced.py`."""

import json
import os
import subprocess
import sys
from typing import Any, NamedTuple

from sdtool.desk.tables import Row
from sdtool.errors import BadInput, UsageFault

_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "fenced.py")
_PATIENCE = 120  # seconds; the processor time that it may use is less
_ADVICE = "open it in a spreadsheet program and save it again as XLSX, or save the list as CSV"


class Worksheet(NamedTuple):
    """A worksheet: its name, and the rows with text in them, numbered as the spreadsheet numbers them."""

    name: str
    rows: list[Row]


def kind(content: bytes) -> str:
    """Tell the kind of a workbook from its first bytes: ods, xlsx, or xls of before 2007."""
    if not content.startswith(b"PK"):
        return "xls"
    return "ods" if b"opendocument.spreadsheet" in content[:200] else "xlsx"


def worksheets(path: str, content: bytes, name: str | None = None) -> list[Worksheet]:
    """Return the worksheets that are not hidden, or the one that is named.

    Cells come as texts: a formula as the value last computed, a whole number without `.0`, a date as ISO.

    Raises:
        UsageFault: no worksheet has that name.
        BadInput: the workbook is damaged, needs a password, is too large, or is none.
    """
    found = _answer(path, content, name)
    fault = found.get("fault")
    if fault == "missing":
        raise UsageFault(f"{path} has no worksheet {name!r}; it has {', '.join(map(repr, found['names']))}")
    if fault == "password":
        raise BadInput(f"{path} is protected with a password: save it without one")
    if fault == "large":
        raise _too_large(path)
    if fault:
        raise BadInput(f"{path} cannot be read as a workbook ({found['said'][:200]}): {_ADVICE}")
    return [
        Worksheet(name, [Row(line, values) for line, values in rows]) for name, rows in found["worksheets"]
    ]


def _too_large(path: str) -> BadInput:
    what = "more than a list can be, 100,000 rows, or cells far outside it"
    return BadInput(f"{path} holds {what}: save the list alone as CSV")


def _answer(path: str, content: bytes, name: str | None) -> dict[str, Any]:
    """Run the fenced reader; that it was ended by the system means that it wanted too much."""
    words = [sys.executable, "-P", _PROGRAM, path, *([] if name is None else [name])]
    try:
        done = subprocess.run(  # noqa: S603 - our own program, without a shell
            words, input=content, capture_output=True, timeout=_PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise _too_large(path) from None
    if done.returncode < 0:
        raise _too_large(path)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise BadInput(f"{path} cannot be read as a workbook ({' '.join(said)[:200]}): {_ADVICE}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
