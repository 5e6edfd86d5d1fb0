"""Lists as people keep them: CSV of any kind and workbooks, with titles above the header and odd rows.

Other than a table of `tables.py`, which another program wrote, a sheet is read row by row: what is wrong
with one row is told of that row, and the others stand. Columns are known by what their headers are called.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import NamedTuple

from sdtool.desk import tables
from sdtool.desk.tables import Fault, Row
from sdtool.errors import BadInput, UsageFault
from sdtool.output import uncell

MOST_BYTES = 20 * 1024 * 1024
MOST_ROWS = 100_000
MOST_CELLS = 4_000_000
_LOOKED_AT = 30  # rows with text in them, among which the header is looked for
_FEWEST = 2  # columns that a header must have in common with what we know
_SHOWN = 40  # columns that are named in an error
# Wider than str.strip: also what no screen shows, soft hyphens, direction and byte order marks.
_BLANK = "".join(map(chr, (*range(9, 14), *range(28, 33), 0x85, 0xA0, 0xAD, 0x1680, 0x180E))) + "".join(
    map(chr, (*range(0x2000, 0x2010), *range(0x2028, 0x2030), 0x205F, 0x2060, 0x3000, 0xFEFF))
)
_SPACES = dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " ")
_LITERAL = re.compile(r'="([^"]*)"')  # how exports keep leading zeros from a spreadsheet
_KEPT = re.compile(r"'(?:0[0-9]+|[0-9]{12,})")  # how our fault lists keep them, and people at the keyboard
_ASIDE = (
    r"[djmyah\W]+|verplicht( veld)?|optioneel|facultatief|required|mandatory|optional|obligatoire|facultatif"
)
_HINT = re.compile(rf"\(({_ASIDE})\)|\[({_ASIDE})\]", re.IGNORECASE)  # (dd/mm/jjjj), (verplicht)
_NUMBER = re.compile(r"[0-9](?:[-. /]*[0-9]){8,}")
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # the marks of UTF-16
_JUNK = re.compile(r"[\x00-\x08\x0e-\x1f]")


class Sheet(NamedTuple):
    """A list as it was read.

    `header` holds the texts as written, `fields` what each means (None: not known). Each row has a text for
    each column. `broken` are the rows that could not be read, with why; they are not in `rows`. `delimiter`
    is "" in a workbook, `sheet` and `encoding` likewise where they mean nothing. `line` is where the
    header stands; lines count from 1, in a workbook they are its row numbers.
    """

    path: str
    kind: str
    encoding: str
    delimiter: str
    sheet: str
    line: int
    header: tuple[str, ...]
    fields: tuple[str | None, ...]
    rows: list[Row]
    broken: list[Fault]

    def records(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Yield (line, {field: text}) for each row; columns that are not known are left out."""
        known = [(column, field) for column, field in enumerate(self.fields) if field is not None]
        for line, values in self.rows:
            yield line, {field: values[column] for column, field in known}

    @property
    def titles(self) -> dict[str, str]:
        """What the file calls each field that it has."""
        return {field: title for title, field in zip(self.header, self.fields, strict=True) if field}

    @property
    def unknown(self) -> tuple[str, ...]:
        """The headers that mean nothing to us."""
        pairs = zip(self.header, self.fields, strict=True)
        return tuple(title for title, field in pairs if title and field is None)


class _Head(NamedTuple):
    """A line that may be the header, and what repeats of it and of the titles above it look like."""

    line: int
    header: tuple[str, ...]
    fields: tuple[str | None, ...]
    repeats: frozenset[tuple[str, ...]]

    @property
    def known(self) -> int:
        return len(set(self.fields) - {None})

    @property
    def rank(self) -> tuple[int, int]:
        """What makes one line likelier than another: fields; where there is none at all, columns."""
        return self.known, 0 if self.known else len(_filled(self.header))


class _Names:
    """What headers are called: the synonyms, and the mapping that overrules them."""

    def __init__(
        self, names: Mapping[str, Sequence[str]], mapping: Mapping[str, str], rulebook: str = ""
    ) -> None:
        self.first, self.rulebook = next(iter(names), ""), rulebook
        self.synonyms: dict[str, list[str]] = {}
        for field, titles in names.items():
            for title in titles:
                self.synonyms.setdefault(folded(title), []).append(field)
        self.mapping = {folded(title): field for title, field in mapping.items()}
        self.said = mapping
        wrong = sorted(set(mapping.values()) - {*names, ""})
        if wrong:
            known = ", ".join(names)
            raise UsageFault(f"there is no field {', '.join(map(repr, wrong))} to map to; there are {known}")

    def fields(self, header: Sequence[str]) -> tuple[str | None, ...]:
        """Return the field of each header.

        A header that may mean the last or the whole name, such as "Naam", means the last name in a file
        that has a first name, and else the whole.
        """
        keys = [folded(title) for title in header]
        taken = {self.mapping[key] for key in keys if key in self.mapping}
        found = [self._candidates(key, taken) for key in keys]
        first = any(fields == ["first_name"] for fields in found)
        apart = ("last_name", "name") if first else ("name", "last_name")
        return tuple(
            next((name for name in apart if len(fields) > 1 and name in fields), next(iter(fields), None))
            for fields in found
        )

    def _candidates(self, key: str, taken: set[str]) -> list[str]:
        if key in self.mapping:
            return [self.mapping[key]] * bool(self.mapping[key])
        return [field for field in self.synonyms.get(key, ()) if key and field not in taken]


def folded(title: str) -> str:
    """Return a header as it is compared: letters and digits, without case, accents or `(dd/mm/jjjj)`."""
    plain = _HINT.sub("", title) or title
    return "".join(c for c in unicodedata.normalize("NFKD", plain).casefold() if c.isalnum())


def read_sheet(
    path: str,
    names: Mapping[str, Sequence[str]],
    *,
    mapping: Mapping[str, str] | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    rulebook: str = "staff_columns",
) -> Sheet:
    """Read a list of which the columns are known by their headers: CSV, XLSX, XLS or ODS.

    The header is the line, among the first thirty with text, that names most fields, and at least two.
    Lines above it, repeats of it and blank lines are left out; a row that is too short ends in blanks.

    Args:
        path: the file, `-` for standard input; what it is, its content tells.
        names: what each field may be called; case, accents, spaces and punctuation do not count.
        mapping: header -> field, which overrules `names`; "" for a column that is not to be used.
        encoding: overrules the ladder of `tables.decoded`; UTF-16 needs no mark here.
        sheet: which of a workbook's worksheets, instead of the first with a header.
        rulebook: the section that `names` come from ("": none), told when no header is recognised.

    Raises:
        NotFound, NotAllowed: the file is not there, or you may not read it.
        UsageFault: no such encoding, worksheet, field, or column of the mapping.
        BadInput: no header is recognised, two columns mean the same, or it is no list at all.
    """
    known = _Names(names, mapping or {}, rulebook)
    content = tables.content(path, MOST_BYTES)
    path = "standard input" if path == "-" else path
    if content.startswith(tables.WORKBOOKS):
        return _from_workbook(path, content, known, sheet)
    if sheet is not None:
        raise UsageFault(f"{path} is no workbook, so it has no worksheet {sheet!r}")
    return _from_csv(path, content, known, encoding)


def _from_workbook(path: str, content: bytes, known: _Names, worksheet: str | None) -> Sheet:
    from sdtool.desk import workbook

    best = _Head(0, (), (), frozenset())
    for name, found in workbook.worksheets(path, content, worksheet):
        head = _head(found, known)
        if head.known >= _FEWEST:
            return _sheet(
                Sheet(path, workbook.kind(content), "", "", name, *head[:3], [], []), head, found, known
            )
        best = max(best, head, key=lambda one: one.rank)
    raise _no_header(path, best, known)


def _from_csv(path: str, content: bytes, known: _Names, encoding: str | None) -> Sheet:
    text, used = _text(path, content, encoding or _unmarked(content))
    if text.lstrip()[:1] == "<":
        raise BadInput(
            f"{path} is a web page or XML, whatever its name says: open it in a spreadsheet, save it as XLSX"
        )
    text = _lines(text)
    said = tables.said_delimiter(text)
    best, chosen = _Head(0, (), (), frozenset()), ";"
    for delimiter in said or tables.DELIMITERS:
        head = _head(tables.records(text, delimiter), known)
        if (head.known, len(head.header)) > (best.known, len(best.header)):
            best, chosen = head, delimiter
    if best.known < _FEWEST:
        if _JUNK.search(text):
            raise _no_list(path)
        raise _no_header(path, best, known)
    sheet = Sheet(path, "csv", used, chosen, "", *best[:3], [], [])
    return _sheet(sheet, best, tables.records(text, chosen), known)


def _text(path: str, content: bytes, encoding: str | None) -> tuple[str, str]:
    """Return text and encoding; of what was never text not each line is named."""
    try:
        return tables.decoded(path, content, encoding)
    except BadInput:
        if encoding is None and not content.startswith(_WIDE) and _JUNK.search(content.decode("latin-1")):
            raise _no_list(path) from None
        raise


def _no_list(path: str) -> BadInput:
    return BadInput(f"{path} is neither CSV nor a workbook: save the list as XLSX or as CSV")


def _unmarked(content: bytes) -> str | None:
    """Name the UTF-16 that a file without mark must be: every other byte of it is zero, the rest is not."""
    if content.startswith(_WIDE):
        return None
    start = content[:4096]
    half = len(start) // 2
    evens, odds = start[0::2].count(0), start[1::2].count(0)
    if half and odds > half * 0.6 and evens < half * 0.05:
        return "utf-16-le"
    return "utf-16-be" if half and evens > half * 0.6 and odds < half * 0.05 else None


def _lines(text: str) -> str:
    """Return text with the line ends of an old Mac made new; in quotes there may be breaks of any kind."""
    if text.count("\r") == text.count("\r\n"):
        return text
    bare = re.sub('"[^"]*"', "", text)
    if bare.count("\r") - bare.count("\r\n") <= bare.count("\n"):
        return text
    return re.sub("\r(?!\n)", "\n", text)


def _tidy(value: str) -> str:
    """Return a cell as it was meant: no blanks around, plain spaces, one kind of line break, no guard."""
    if not value.isascii():
        value = value.translate(_SPACES)
    value = value.strip(_BLANK)
    if "\r" in value:
        value = value.replace("\r\n", "\n").replace("\r", "\n")
    if value[:1] == "'":
        return value[1:] if _KEPT.fullmatch(value) else uncell(value)
    literal = _LITERAL.fullmatch(value) if value[:1] == "=" else None
    return literal[1].strip(_BLANK) if literal else value


def _filled(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(value for value in values if value)


def _head(records: Iterable[Row | Fault], known: _Names) -> _Head:
    """Return the line that names most fields; of two, the first; without columns where there is no text."""
    texts = ((record.line, list(map(_tidy, record.values))) for record in records if isinstance(record, Row))
    best = _Head(0, (), (), frozenset())
    above: list[tuple[str, ...]] = []
    for line, values in islice((found for found in texts if any(found[1])), _LOOKED_AT):
        while not values[-1]:
            values.pop()
        above.append(_filled(values))
        head = _Head(line, tuple(values), known.fields(values), frozenset(above))
        if head.rank > best.rank:
            best = head
    return best


def _sheet(sheet: Sheet, head: _Head, records: Iterable[Row | Fault], known: _Names) -> Sheet:
    """Fill a sheet with the rows below its header."""
    _check_columns(sheet, known)
    width = len(sheet.header)
    seen: dict[str, str] = {}  # most values recur: each is kept in memory once
    for record in records:
        if record.line <= sheet.line:
            continue
        row = record if isinstance(record, Fault) else _row(record, width, head)
        if isinstance(row, Fault):
            sheet.broken.append(row)
        elif row is not None:
            sheet.rows.append(Row(row.line, [seen.setdefault(value, value) for value in row.values]))
        if len(sheet.rows) > MOST_ROWS or len(sheet.rows) * width > MOST_CELLS:
            raise BadInput(
                f"{sheet.path} has more than {min(MOST_ROWS, MOST_CELLS // width)} rows: divide it"
            )
    return sheet


def _row(record: Row, width: int, head: _Head) -> Row | Fault | None:
    values = list(map(_tidy, record.values))
    filled = _filled(values)
    if not filled or filled in head.repeats:
        return None
    if any("\0" in value for value in filled):
        return Fault(record.line, "holds a NUL: this is no text")
    if any(values[width:]):
        return Fault(record.line, f"has {len(values)} cells, the header names {width} columns")
    return Row(record.line, values[:width] + [""] * (width - len(values)))


def _check_columns(sheet: Sheet, known: _Names) -> None:
    """Refuse two columns that mean the same, and a mapping of columns that are not there."""
    keys = {folded(title) for title in sheet.header}
    absent = [title for title in known.said if folded(title) not in keys]
    if absent:
        raise UsageFault(
            f"{sheet.path} has no column {', '.join(map(repr, absent))}; it has {_listed(sheet.header)}"
        )
    for field in filter(None, sheet.fields):
        same = [title for title, other in zip(sheet.header, sheet.fields, strict=True) if other == field]
        if len(same) > 1:
            alike = len(set(map(folded, same))) < len(same)
            raise BadInput(
                f"{sheet.path}: {' and '.join(map(repr, same))} both mean {field}",
                hint="give one of them another name, or take it out"
                if alike
                else f'say which of them it is, for instance --map "{same[0]}={field}"',
            )


def _no_header(path: str, head: _Head, names: _Names) -> BadInput:
    """Return the sentence for a file of which no line names two fields."""
    if not head.header:
        return BadInput(f"{path} is empty: a line with the names of the columns is needed, then the rows")
    known = [f"{title} ({field})" for title, field in zip(head.header, head.fields, strict=True) if field]
    recognised = f"only {', '.join(known)} is" if known else "none is"
    said = f'--map "{_listed(head.header[:1])}={names.first}"'
    section = (
        f"add what they are called to [[{names.rulebook}]] in the rulebook, or " if names.rulebook else ""
    )
    return BadInput(
        f"{path} has no header that is recognised: line {head.line} comes nearest, with the columns"
        f" {_listed(head.header)}, of which {recognised} known; {_FEWEST} are needed",
        hint=f"{section}say what they mean: {said}",
    )


def _listed(titles: Sequence[str]) -> str:
    """Name columns; where a line of data stood in for the header, nobody's national number is shown."""
    shown = [_NUMBER.sub("…", " ".join(title.split()))[:40] for title in _filled(titles)]
    return ", ".join(shown[:_SHOWN]) + (f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else "")
