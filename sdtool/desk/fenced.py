"""The cells of a workbook, read in a process of its own: `fenced.py PATH [WORKSHEET] < PATH` writes JSON.

A damaged or hostile workbook can end a reader in the middle of a word: two cells in opposite corners make
it ask for a terabyte, and it is aborted. So this program has limits, imports nothing of ours, and what
started it (`workbook.py`) survives. An answer is {"worksheets": [[name, [[row, [text, …]], …]], …]}, or
{"fault": word}: password, damaged (with "said"), large, missing (with "names").
"""

import datetime
import io
import json
import resource
import sys
from collections.abc import Iterable, Iterator
from typing import Any

import python_calamine as calamine

MOST_MEMORY = 1024 * 1024 * 1024
MOST_SECONDS = 60
MOST_ROWS = 100_000  # with text in them, of one worksheet
MOST_CELLS = 4_000_000  # of all worksheets
MOST_TEXT = 64 * 1024 * 1024  # characters, of all worksheets
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


def rows(cells: Iterable[list[Cell]]) -> Iterator[tuple[int, list[str]]]:
    """Yield (row number, texts) of each row that has text in it, without the blanks at its end."""
    for number, row in enumerate(cells, 1):
        texts = [text(cell) for cell in row]
        while texts and not texts[-1].strip():
            texts.pop()
        if texts:
            yield number, texts


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
            for row in rows(book.get_sheet_by_index(number).iter_rows()):
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
