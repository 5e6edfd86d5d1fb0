"""Tables from outside: CSV as spreadsheets and other systems write it, read whole or not at all.

Encoding: byte order mark, else strict UTF-8, else Windows-1252. A guess from statistics is no rung
of this ladder: it takes one Western code page for another, and nobody sees it in the names.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from sdtool.errors import BadInput, UsageFault, unreadable
from sdtool.output import uncell

MOST_BYTES = 128 * 1024 * 1024
MOST_FAULTS = 50
DELIMITERS = ";,\t|"
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
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
    found = content(path, MOST_BYTES)
    if found.startswith(WORKBOOKS):
        raise BadInput(f"{path} is a workbook: save it as CSV, and import that")
    text, used = decoded(path, found, encoding)
    if "\n" not in text:
        text = text.replace("\r", "\n")  # as spreadsheets of old wrote it
    faults = [Fault(n, "holds a NUL: this is no text") for n in _lines_with(text, "\0")]
    if faults:
        raise refused(path, faults)
    said = said_delimiter(text)
    delimiter = said or _widest(text if said is None else text.partition("\n")[2])
    header, rows = _parsed(records(text, delimiter), faults)
    if not header:
        faults.append(Fault(0, "the file is empty: a header line with column names is needed"))
    if faults:
        raise refused(path, faults)
    return Table(header, rows, used, delimiter, text.endswith("\n"))


def content(path: str, most: int) -> bytes:
    """Return what a file holds, at most `most` bytes; `-` is standard input.

    Raises:
        NotFound, NotAllowed: the file is not there, or you may not read it.
        BadInput: it cannot be read, or is larger.
    """
    try:
        with open(0 if path == "-" else path, "rb", closefd=path != "-") as file:
            found = file.read(most + 1)
    except (OSError, ValueError) as exc:
        raise unreadable(path, exc) from None
    if len(found) > most:
        raise BadInput(f"{path} is larger than {most // 1024 // 1024} MiB: divide it")
    return found


def decoded(path: str, found: bytes, encoding: str | None) -> tuple[str, str]:
    """Return the text of a file's bytes, without its mark, and the encoding that the ladder chose.

    Raises:
        UsageFault: there is no such encoding.
        BadInput: the bytes are not text in it; the lines are named.
    """
    name = encoding or next((name for mark, name in _MARKS if found.startswith(mark)), None)
    try:
        text = found.decode(name or "utf-8")
        text.encode()  # some encodings can spell half a character, which no database keeps
    except LookupError:
        raise UsageFault(f"there is no encoding {name!r}; try utf-8, cp1252 or utf-16") from None
    except UnicodeError as exc:
        if name is not None or _meant_utf8(found):
            raise refused(path, _undecodable(found, name or "utf-8", exc)) from None
    else:
        return text.removeprefix("\ufeff"), name or "utf-8"
    try:
        return found.decode("cp1252"), "cp1252"
    except UnicodeError as exc:
        raise refused(path, _undecodable(found, "cp1252", exc)) from None


def _meant_utf8(found: bytes) -> bool:
    """Tell whether a file that is not UTF-8 was so before it was damaged: most of its accents still are."""
    text = found.decode("utf-8", errors="replace")
    wrong = text.count("\ufffd")
    accents = sum(not char.isascii() for char in text) - wrong
    return accents > wrong


def _undecodable(found: bytes, encoding: str, exc: UnicodeError) -> list[Fault]:
    faults = []
    if not encoding.lower().startswith(("utf-16", "utf16", "utf-32", "utf32")):
        for number, line in enumerate(found.split(b"\n"), 1):
            try:
                line.decode(encoding)
            except UnicodeError:
                faults.append(Fault(number, f"is not {encoding} text"))
    start = getattr(exc, "start", 0)
    whole = Fault(found[:start].count(b"\n") + 1, f"is not {encoding} text: {getattr(exc, 'reason', exc)}")
    return faults or [whole]


def _lines_with(text: str, char: str) -> list[int]:
    if char not in text:
        return []
    return [number for number, line in enumerate(text.split("\n"), 1) if char in line]


def said_delimiter(text: str) -> str | None:
    """Return the delimiter that a first line `sep=;` names, "" if it names none; None without such a line."""
    said = text.partition("\n")[0].strip("\r\"' ")
    return said[4:] if said[:4].lower() == "sep=" and said[4:] in (*DELIMITERS, "") else None


def _widest(text: str) -> str:
    line = next((line for line in text.split("\n", 50)[:50] if line.strip()), "")
    return max(DELIMITERS, key=lambda delimiter: _width(line, delimiter))


def _width(line: str, delimiter: str) -> int:
    try:
        return len(next(csv.reader([line], delimiter=delimiter), []))
    except csv.Error:  # what is wrong with it is said when it is read
        return 0


def _parsed(found: Iterable[Row | Fault], faults: list[Fault]) -> tuple[tuple[str, ...], list[Row]]:
    header: tuple[str, ...] = ()
    rows: list[Row] = []
    seen: dict[str, str] = {}  # most values recur: each is kept in memory once
    width = 0
    for record in found:
        if isinstance(record, Fault):
            faults.append(record)
            continue
        line, values = record
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


def records(text: str, delimiter: str) -> Iterator[Row | Fault]:
    """Yield each record of a CSV text, or what is wrong with it; a `sep=` line is left out.

    After a fault reading goes on at the line below it, so that a quote that was never closed hides no record.
    """
    stream = io.StringIO(text, newline="\n")
    before = 0
    if said_delimiter(text) is not None:
        stream.readline()
        before = 1
    reader = csv.reader(stream, delimiter=delimiter, strict=True)
    while True:
        line, start = before + reader.line_num + 1, stream.tell()
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as exc:
            yield Fault(line, next((words for said, words in _WORDS.items() if said in str(exc)), str(exc)))
            stream.seek(start)
            stream.readline()
            before, reader = line, csv.reader(stream, delimiter=delimiter, strict=True)
        else:
            yield Row(line, values)


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
