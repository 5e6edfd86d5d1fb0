"""Tables from outside: CSV as spreadsheets and other systems write it, read whole or not at all.

Encoding: byte order mark, else strict UTF-8, else Windows-1252. A guess from statistics is no rung
of this ladder: it takes one Western code page for another, and nobody sees it in the names.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sdtool.errors import BadInput, NotAllowed, NotFound, UsageFault
from sdtool.output import uncell

MOST_BYTES = 128 * 1024 * 1024
MOST_FAULTS = 50
DELIMITERS = ";,\t|"
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_WORDS = {
    "unexpected end of data": "a quote is opened and never closed: the file was cut, or the quote is a slip",
    "field larger": "a field is longer than 131072 characters, or its quote is never closed",
    "new-line character": "a lone carriage return stands in a field without quotes",
    "expected after": "text follows a closing quote; a quote inside a field is doubled",
}


class Fault(NamedTuple):
    """Something wrong in a file: its line (1 is the first; 0 for the file as a whole), and what."""

    line: int
    text: str


class Row(NamedTuple):
    """A record: the line where it begins (1 is the first of the file), a text for each column."""

    line: int
    values: list[str]


class Table(NamedTuple):
    """A file read: column names, records that are not empty, and how it was read.

    `ended` is False when the last line lacks its line break, as after a cut that met the last field.
    """

    header: tuple[str, ...]
    rows: list[Row]
    encoding: str
    delimiter: str
    ended: bool

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield (line, {column: text}) for each record."""
        for row in self.rows:
            yield row.line, dict(zip(self.header, row.values, strict=True))


def refused(path: str, faults: Sequence[Fault]) -> BadInput:
    """Return the error that names the first faults of a file, a line each."""
    shown = [f"line {f.line}: {f.text}" if f.line else f.text for f in faults[:MOST_FAULTS]]
    if len(faults) > MOST_FAULTS:
        shown.append(f"… and {len(faults) - MOST_FAULTS} more")
    counted = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return BadInput("\n".join([f"{path} has {counted}; nothing was stored:", *shown]))


def read_table(path: str, *, encoding: str | None = None) -> Table:
    """Read a CSV file with a header line; `encoding` overrules the ladder.

    The delimiter is what a `sep=` line says, else of semicolon, comma, tab and bar the one that
    divides the header into most columns. Lines without any text are skipped. An apostrophe that
    guards a formula is taken off, as our own exports put it there.

    Raises:
        NotFound, NotAllowed: the file is not there, or you may not read it.
        UsageFault: there is no such encoding.
        BadInput: the file is empty, too big, cut, no text, or not rectangular; all faults are listed.
    """
    content = _content(path)
    text, used = _decoded(path, content, encoding)
    if "\n" not in text:
        text = text.replace("\r", "\n")  # as spreadsheets of old wrote it
    faults = [Fault(n, "holds a NUL: this is no text") for n in _lines_with(text, "\0")]
    if faults:
        raise refused(path, faults)
    skipped, delimiter = _delimiter(text)
    header, rows = _parsed(text, skipped, delimiter, faults)
    if not header:
        faults.append(Fault(0, "the file is empty: a header line with column names is needed"))
    if faults:
        raise refused(path, faults)
    return Table(header, rows, used, delimiter, text.endswith("\n"))


def _content(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}") from None
    except PermissionError:
        raise NotAllowed(f"you may not read {path}") from None
    except (OSError, ValueError) as exc:
        raise BadInput(f"{path} cannot be read: {getattr(exc, 'strerror', None) or exc}") from None
    if len(content) > MOST_BYTES:
        raise BadInput(f"{path} is larger than {MOST_BYTES // 1024 // 1024} MiB: divide it")
    if content.startswith(_WORKBOOKS):
        raise BadInput(f"{path} is a workbook: save it as CSV, and import that")
    return content


def _decoded(path: str, content: bytes, encoding: str | None) -> tuple[str, str]:
    name = encoding or next((name for mark, name in _MARKS if content.startswith(mark)), None)
    try:
        text = content.decode(name or "utf-8")
        text.encode()  # some encodings can spell half a character, which no database keeps
    except LookupError:
        raise UsageFault(f"there is no encoding {name!r}; try utf-8, cp1252 or utf-16") from None
    except UnicodeError as exc:
        if name is not None or _meant_utf8(content):
            raise refused(path, _undecodable(content, name or "utf-8", exc)) from None
    else:
        return text.removeprefix("\ufeff"), name or "utf-8"
    try:
        return content.decode("cp1252"), "cp1252"
    except UnicodeError as exc:
        raise refused(path, _undecodable(content, "cp1252", exc)) from None


def _meant_utf8(content: bytes) -> bool:
    """Tell whether a file that is not UTF-8 was so before it was damaged: most of its accents still are."""
    text = content.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    accents = sum(not char.isascii() for char in text) - wrong
    return accents > wrong


def _undecodable(content: bytes, encoding: str, exc: UnicodeError) -> list[Fault]:
    faults = []
    if not encoding.lower().startswith(("utf-16", "utf16", "utf-32", "utf32")):
        for number, line in enumerate(content.split(b"\n"), 1):
            try:
                line.decode(encoding)
            except UnicodeError:
                faults.append(Fault(number, f"is not {encoding} text"))
    start = getattr(exc, "start", 0)
    whole = Fault(content[:start].count(b"\n") + 1, f"is not {encoding} text: {getattr(exc, 'reason', exc)}")
    return faults or [whole]


def _lines_with(text: str, char: str) -> list[int]:
    if char not in text:
        return []
    return [number for number, line in enumerate(text.split("\n"), 1) if char in line]


def _delimiter(text: str) -> tuple[int, str]:
    """Return how many lines to skip before the header, and what divides the columns."""
    first, _, rest = text.partition("\n")
    said = first.strip("\r\"' ")
    if said[:4].lower() == "sep=" and said[4:] in (*DELIMITERS, ""):
        return 1, said[4:] or _widest(rest)
    return 0, _widest(text)


def _widest(text: str) -> str:
    line = next((line for line in text.split("\n", 50)[:50] if line.strip()), "")
    return max(DELIMITERS, key=lambda delimiter: _width(line, delimiter))


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:  # what is wrong with it is said when it is read
        return 0


def _parsed(
    text: str, skipped: int, delimiter: str, faults: list[Fault]
) -> tuple[tuple[str, ...], list[Row]]:
    stream = io.StringIO(text, newline="\n")
    for _ in range(skipped):
        stream.readline()
    header: tuple[str, ...] = ()
    rows: list[Row] = []
    seen: dict[str, str] = {}  # most values recur: each is kept in memory once
    width = 0
    for line, values in _records(stream, skipped, delimiter, faults):
        if not any(map(str.strip, values)):
            continue
        if not header:
            width, header = len(values), _names(line, values, faults)
        elif len(values) != width:
            faults.append(Fault(line, f"has {_columns(len(values))}, the header {width}"))
        elif any(map(str.strip, values[len(header) :])):
            faults.append(Fault(line, "has text in a column without name"))
        elif not faults:
            kept = [seen.setdefault(value, value) for value in values[: len(header)]]
            rows.append(Row(line, [uncell(v) if v[:1] == "'" else v for v in kept]))
    return header, rows


def _columns(count: int) -> str:
    return "1 column" if count == 1 else f"{count} columns"


def _records(
    stream: io.StringIO, skipped: int, delimiter: str, faults: list[Fault]
) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + skipped + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            text = next((words for start, words in _WORDS.items() if start in str(exc)), str(exc))
            faults.append(Fault(line, text))


def _names(line: int, values: list[str], faults: list[Fault]) -> tuple[str, ...]:
    names = [value.strip() for value in values]
    while names and not names[-1]:  # a delimiter at the end of each line makes a column without name
        names.pop()
    for number, name in enumerate(names, 1):
        if not name:
            faults.append(Fault(line, f"column {number} has no name"))
    for name, count in Counter(names).items():
        if name and count > 1:
            faults.append(Fault(line, f"{count} columns are named {name!r}"))
    return tuple(names)
