"""S4: lists that were damaged, mistaken or made to harm. No crash, no half row, no wrong line."""

from __future__ import annotations

import gzip
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from sdtool.desk.sheets import read_sheet
from sdtool.errors import BadInput
from tests import workbooks
from tests.staff_lists import NAMES

HEAD = "Stamnr;Voornaam;Naam\n"
PATIENCE = 100  # seconds: less than what hangs would take; a busy machine needs a tenth of it


class Read(NamedTuple):
    """A file that is read: lines of the rows that stand, of those that do not."""

    content: bytes | str | Callable[[Path], Path]
    rows: list[int]
    broken: list[int]


class Refused(NamedTuple):
    """A file that is no list: what the sentence says."""

    content: bytes | str | Callable[[Path], Path]
    said: str


def cut_workbook(path: Path) -> Path:
    """A download that stopped half-way."""
    workbooks.xlsx(path, {"Blad1": {1: ["Stamnr", "Naam"]}})
    path.write_bytes(path.read_bytes()[:-200])
    return path


def other_archive(path: Path) -> Path:
    """A text document, which is an archive too."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<document/>")
    return path


FILES: dict[str, Read | Refused] = {
    "NUL in a cell": Read(HEAD + "1;a\0b;c\n2;d;e\n", [3], [2]),
    "NUL instead of blanks": Read(HEAD + "1;a;\0\0\n2;d;e\n", [3], [2]),
    "only NULs": Refused(b"\0" * 1000, "neither CSV nor a workbook"),
    "field of ten megabytes": Read(HEAD + f"1;a;{'x' * 10_000_000}\n2;d;e\n", [3], [2]),
    "quoted field of ten megabytes": Read(HEAD + f'1;a;"{"x" * 10_000_000}"\n2;d;e\n', [3], [2]),
    "a hundred thousand columns": Read(HEAD + ";" * 100_000 + "x\n2;d;e\n", [3], [2]),
    "a hundred thousand blank columns": Read(HEAD + "1;a;b" + ";" * 100_000 + "\n2;d;e\n", [2, 3], []),
    "lone quote at the start of a cell": Read(HEAD + '1;"a;b\n2;d;e\n3;f;g\n', [3, 4], [2]),
    "lone quote within a cell": Read(HEAD + '1;a 24" b;c\n2;d;e\n', [2, 3], []),
    "lone quote in the last cell": Read(HEAD + '1;a;b\n2;d;"', [2], [3]),
    "lone quote in the title": Read('"Lijst van P&O\n' + HEAD + '1;a;"b"\n', [3], []),
    "quote that closes too early": Read(HEAD + '1;"Jan" Peeters;b\n2;d;e\n', [3], [2]),
    "lone quote in every row": Read(HEAD + '1;"a;b\n' * 20_000, [], list(range(2, 20_002))),
    "cut in the middle of a row": Read(HEAD + "1;a;b\n2;d", [2, 3], []),
    "cut in a quoted cell": Read(HEAD + '1;a;b\n2;d;"e\nf', [2, 4], [3]),
    "cut in the middle of a letter": Refused((HEAD + "1;é;ë\n2;é").encode()[:-1], "line 3: is not utf-8"),
    "two encodings in one file": Refused((HEAD + "1;é;ë\n").encode() + b"3;\xe9;x\n", "line 3: is not utf-8"),
    "half of a UTF-16 character": Refused((HEAD + "1;a;b").encode("utf-16") + b"\0", "is not utf-16 text"),
    "two marks": Read("\ufeff\ufeff" + HEAD + "1;a;b\n", [2], []),
    "mark in the middle": Read(HEAD + "1;a;b\n\ufeff" + HEAD + "2;d;e\n", [2, 4], []),
    "formulas": Read(HEAD + "1;=cmd|' /C calc'!A0;@SUM(1)\n2;+1+1;-1\n", [2, 3], []),
    "guarded formula": Read(HEAD + "1;'=1+1;'@x\n", [2], []),
    "control characters": Read(HEAD + "1;a\x1b[2Jb;\x07c\n2;d;e\n", [2, 3], []),
    "backspaces and direction marks": Read(HEAD + "1;a\x08;\u202eb\u202c\n", [2], []),
    "odd line separators": Read(HEAD + "1;a\x85b\u2028c;d\x0be\x1cf\n2;d;e\n", [2, 3], []),
    "lone carriage return in a cell": Read(HEAD + "1;a\rb;c\n2;d;e\n", [3], [2]),
    "line ends of all kinds": Read(HEAD + "1;a;b\r\n2;d;e\n\r\n3;f;g", [2, 3, 5], []),
    "random bytes": Refused(bytes(range(256)) * 40, "neither CSV nor a workbook"),
    "program": Refused(b"\x7fELF\2\1\1\0" + bytes(100) + b"\x81\x8d", "neither CSV nor a workbook"),
    "archive": Refused(gzip.compress(HEAD.encode(), mtime=0), "neither CSV nor a workbook"),
    "web page with another name": Refused("\n<html><table><tr><td>Stamnr</td></tr>", "is a web page"),
    "text document with another name": Refused(other_archive, "cannot be read as a workbook"),
    "workbook that was cut": Refused(cut_workbook, "cannot be read as a workbook"),
    "workbook with a password": Refused(workbooks.encrypted_xlsx, "is protected with a password"),
    "workbook of a terabyte": Refused(workbooks.far_corners, "holds more than a list can be"),
    "workbook that unpacks without end": Refused(workbooks.bomb, "holds more than a list can be"),
}  # fmt: skip


def stored(content: bytes | str | Callable[[Path], Path], folder: Path) -> str:
    """Write a file of the table; return its path."""
    file = folder / ("list.xlsx" if callable(content) else "list.csv")
    if callable(content):
        return str(content(file))
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(file)


@pytest.mark.parametrize("name", FILES)
def test_hostile_file_is_read_or_refused(tmp_path: Path, name: str) -> None:
    case = FILES[name]
    path = stored(case.content, tmp_path)
    began = time.monotonic()

    if isinstance(case, Refused):
        with pytest.raises(BadInput, match=case.said):
            read_sheet(path, NAMES)
    else:
        sheet = read_sheet(path, NAMES)
        assert [row.line for row in sheet.rows] == case.rows
        assert [fault.line for fault in sheet.broken] == case.broken

    assert time.monotonic() - began < PATIENCE


def test_there_are_as_many_files_as_promised() -> None:
    assert len(FILES) == 36


@pytest.mark.parametrize("make", [workbooks.entities, workbooks.encrypted_ods])
def test_other_workbooks_made_to_harm(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    end = ".ods" if "ods" in make.__name__ else ".xlsx"

    with pytest.raises(BadInput):
        read_sheet(str(make(tmp_path / f"list{end}")), NAMES)
