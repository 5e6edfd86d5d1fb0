"""The cells of a workbook, read in a process of its own: `fenced.py PATH [WORKSHEET] < PATH` writes JSON.

A damaged or hostile workbook can end a reader in the middle of a word: two cells in opposite corners make
it ask for a terabyte, and it is aborted. So this program has limits, imports nothing of ours, and what
started it (`workbook.py`) survives. An answer is {"worksheets": [[name, [[row, [text, …]], …]], …]}, or
{"fault": word}: password, damaged (with "said"), large, missing (with "names").
"""

import datetime
import io
import json
import re
import resource
import sys
import zipfile
from collections.abc import Iterable, Iterator
from typing import Any
from xml.etree import ElementTree  # within the limits that `main` sets

import python_calamine as calamine

MOST_MEMORY = 1024 * 1024 * 1024
MOST_SECONDS = 60
MOST_ROWS = 100_000  # with text in them, of one worksheet
MOST_CELLS = 4_000_000  # of all worksheets
MOST_TEXT = 64 * 1024 * 1024  # characters, of all worksheets
# of a number format: colours and languages, what is escaped, and quoted signs that are no digits
_DRESS = re.compile(r"\[[^\]]*\]|[\\_*].|\"\W*\"|[ -]")
Places = dict[tuple[int, int], int]
Cell = int | float | str | bool | datetime.time | datetime.date | datetime.datetime | datetime.timedelta


class TooLargeError(Exception):
    """More rows or cells than a list of people can have."""


def text(cell: Cell) -> str:
    """Return a cell as it would stand in a CSV file: no `.0`, no midnight, dates as ISO text."""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, int | float):
        return str(int(cell)) if cell == int(cell) else format(cell, ".15g")  # as precise as they calculate
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(" ", "seconds")
    return str(cell)


def rows(cells: Iterable[list[Cell]], zeros: Places, first: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number, texts) of each row that has text in it, without the blanks at its end.

    Args:
        zeros: where a number is shown with zeros in front, and how many digits there are.
        first: the column of the first cells.
    """
    for number, row in enumerate(cells, 1):
        texts = [text(cell) for cell in row]
        if zeros:
            widths = [zeros.get((number, column), 0) for column in range(first, first + len(texts))]
            texts = [said.zfill(n) if said.isdigit() else said for said, n in zip(texts, widths, strict=True)]
        while texts and not texts[-1].strip():
            texts.pop()
        if texts:
            yield number, texts


def tag(node: ElementTree.Element) -> str:
    """Return the name of a node without its namespace."""
    return node.tag.rpartition("}")[2]


def zero_styles(archive: zipfile.ZipFile) -> dict[str, int]:
    """Return the styles that show a number with zeros in front, `000000`, and how many digits they show."""
    formats: dict[str, int] = {}
    styles: list[str] = []
    for _, node in ElementTree.iterparse(archive.open("xl/styles.xml")):  # noqa: S314
        if tag(node) == "numFmt":
            digits = _DRESS.sub("", node.get("formatCode", "").split(";")[0])
            if re.fullmatch("00{1,30}", digits):
                formats[node.get("numFmtId", "")] = len(digits)
        elif tag(node) == "cellXfs":
            styles = [xf.get("numFmtId", "") for xf in node]
    return {str(n): formats[style] for n, style in enumerate(styles) if style in formats}


def sheet_parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return where in the archive each worksheet is, by its name."""
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    found = {}
    for sheet in ElementTree.fromstring(archive.read("xl/workbook.xml")).iter():  # noqa: S314
        if tag(sheet) == "sheet":
            ids = [value for key, value in sheet.items() if key.endswith("}id")]
            target = targets.get(ids[0] if ids else None, "")
            found[sheet.get("name", "")] = target[1:] if target[:1] == "/" else f"xl/{target}"
    return found


def zero_places(archive: zipfile.ZipFile, part: str, styles: dict[str, int]) -> Places:
    """Return the cells (row, column) of a worksheet whose number is shown with zeros in front."""
    found: Places = {}
    row = column = 0
    for event, node in ElementTree.iterparse(archive.open(part), ("start", "end")):  # noqa: S314
        name = tag(node)
        if event == "start" and name == "row":
            row, column = int(node.get("r") or row + 1), 0
        elif event == "start" and name == "c":
            letters = "".join(filter(str.isalpha, node.get("r", "")))
            column = sum((ord(c) - 64) * 26**n for n, c in enumerate(reversed(letters))) or column + 1
            width = styles.get(node.get("s", ""), 0)
            if width and node.get("t", "n") == "n":
                found[row, column] = width
        elif event == "end" and name in ("row", "c"):
            node.clear()
    return found


def shown_zeros(content: bytes) -> dict[str, Places]:
    """Return by worksheet where an XLSX shows zeros in front of a number: to people they belong to it.

    The library tells the value of a cell only, not how it is shown.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            styles = zero_styles(archive)
            if not styles:
                return {}
            return {name: zero_places(archive, part, styles) for name, part in sheet_parts(archive).items()}
    except (zipfile.BadZipFile, KeyError, ElementTree.ParseError):
        return {}  # XLS, ODS


def opened(content: bytes, path: str) -> calamine.CalamineWorkbook:
    """Return the workbook; where its bytes do not tell what is wrong with it, the end of its name helps."""
    try:
        return calamine.CalamineWorkbook.from_object(io.BytesIO(content))
    except calamine.CalamineError:
        return calamine.CalamineWorkbook.from_path(path)


def worksheets(content: bytes, path: str, name: str | None) -> dict[str, Any]:
    """Return the visible worksheets of a workbook, or the one that is named."""
    found = []
    cells = characters = 0
    zeros: dict[str, Places] | None = None
    with opened(content, path) as book:
        if name is not None and name not in book.sheet_names:
            return {"fault": "missing", "names": book.sheet_names}
        for number, about in enumerate(book.sheets_metadata):
            wanted = (
                about.visible == calamine.SheetVisibleEnum.Visible if name is None else about.name == name
            )
            if not wanted or about.typ != calamine.SheetTypeEnum.WorkSheet:
                continue
            kept = []
            zeros = shown_zeros(content) if zeros is None else zeros
            sheet = book.get_sheet_by_index(number)
            first = (sheet.start or (0, 0))[1] + 1  # blank columns in front of all are left out
            for row in rows(sheet.iter_rows(), zeros.get(about.name, {}), first):
                kept.append(row)
                cells += len(row[1])
                characters += sum(map(len, row[1]))
                if len(kept) > MOST_ROWS or cells > MOST_CELLS or characters > MOST_TEXT:
                    raise TooLargeError
            found.append((about.name, kept))
    return {"worksheets": found}


def answer(content: bytes, path: str, name: str | None) -> dict[str, Any]:
    """Return what `worksheets` does, or in one word why it cannot."""
    try:
        return worksheets(content, path, name)
    except calamine.PasswordError:
        return {"fault": "password"}
    except (TooLargeError, MemoryError):
        return {"fault": "large"}
    except KeyboardInterrupt:
        raise
    except BaseException as exc:  # a panic of the library is no Exception
        return {"fault": "damaged", "said": str(exc)}


def main() -> None:
    """Read a workbook on standard input; write the answer on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    path, name = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    json.dump(answer(sys.stdin.buffer.read(), path, name), sys.stdout)


if __name__ == "__main__":
    main()
