"""What is wrong with a file of HR, told twice: to the desk as records, to HR as a copy of the file."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sdtool.desk.sheets import Sheet
from sdtool.errors import Conflict
from sdtool.output import cell
from sdtool.rules.findings import LANGUAGES, Finding, label, worded
from sdtool.rules.staff_rows import masked
from sdtool.store import outfile

# headers of the columns that are added: they mean no field, so that the corrected copy can be imported
ADDED = {
    "en": ("Faults", "What to do"),
    "nl": ("Fouten", "Wat te doen"),
    "fr": ("Fautes", "Que faire"),
}
_GRAVITY = {"refused": ("refused", "geweigerd", "refusé"), "warning": ("mind", "let op", "attention")}
_APART = " | "
_NUMBER = re.compile(r"0[0-9]+|[0-9]{12,}")  # a spreadsheet would take off zeros, or round it
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_PAIRS = "|".join(f"{faults}[;,\t|]{advice}" for faults, advice in ADDED.values())
FAULT_LIST = outfile.Kind("fault list", re.compile(rf"\ufeff[^\0]*?(?:^|[;,\t|])(?:{_PAIRS})\r\n"))


def rows_of(sheet: Sheet, findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings as records for `output.emit`: the column bears the header that it has in the file."""
    titles = sheet.titles
    return [
        {
            "file": sheet.path,
            "line": finding.line,
            "column": _column(titles, finding.field, "en"),
            "value": finding.value,
            "rule": finding.rule,
            "level": finding.level,
            "text": finding.text,
            "advice": finding.advice,
        }
        for finding in findings
    ]


def write_faults(
    path: str, sheet: Sheet, findings: Iterable[Finding], language: str, *, database: str
) -> None:
    """Write HR a copy of its file as CSV, with what is wrong and what to do at the right of each row.

    Rows stand in the order of the file, those without faults too; of a row that could not be read there is
    only the fault. No cell runs in a spreadsheet, none loses its leading zeros there, and national register
    numbers are cut. Line numbers in the texts are those of the copy. What HR corrects and saves can be
    imported as it is.

    Args:
        language: one of LANGUAGES.
        database: URL of the desk, whose files are never written over.

    Raises:
        Conflict: at `path` is anything but an earlier fault list, or it is the file that was read.
        OutputFailed: it could not be written; nothing is there then.
    """
    if all(map(os.path.exists, (path, sheet.path))) and os.path.samefile(path, sheet.path):
        raise Conflict(f"{path} is the file of HR itself: nothing was written, give another name")
    language = language if language in LANGUAGES else "en"
    file = io.StringIO()
    writer = csv.writer(file, delimiter=sheet.delimiter or ";", lineterminator="\r\n")
    writer.writerows(_copy(sheet, list(findings), language))
    outfile.save(path, "\ufeff" + _UNKEPT.sub("\ufffd", file.getvalue()), FAULT_LIST, database)


def _copy(sheet: Sheet, findings: list[Finding], language: str) -> Iterator[list[str]]:
    """Yield the header and the rows of the copy; columns that an earlier copy added are left out."""
    added = {title for titles in ADDED.values() for title in titles}
    kept = [n for n, title in enumerate(sheet.header) if title not in added or sheet.fields[n] is not None]
    fields = [sheet.fields[n] or "" for n in kept]
    yield [*(cell(masked("", sheet.header[n])) for n in kept), *ADDED[language]]
    lines = {line: values for line, values in sheet.rows}
    lines |= {fault.line: [""] * len(sheet.header) for fault in sheet.broken}
    places = {line: str(place) for place, line in enumerate(sorted(lines), 2)}
    told: dict[int, list[Finding]] = {}
    for finding in findings:
        about = tuple(
            (name, places.get(int(said), said) if name == "other" else said) for name, said in finding.about
        )
        told.setdefault(finding.line, []).append(finding._replace(about=about))
    titles = sheet.titles
    for line in sorted(lines):
        values = [masked(field, lines[line][n]) for n, field in zip(kept, fields, strict=True)]
        yield [*map(_cell, values), *map(cell, _beside(told.get(line, ()), titles, language))]


def _cell(text: str) -> str:
    """Guard a cell as exports do; so that no spreadsheet shortens it, a number is made text the same way."""
    return f"'{text}" if _NUMBER.fullmatch(text) else cell(text)


def _beside(findings: Sequence[Finding], titles: dict[str, str], language: str) -> tuple[str, str]:
    """Return what is wrong with a row and what to do, each finding with its column."""
    faults, advices = [], []
    for finding in findings:
        text, advice = worded(finding, language)
        column = _column(titles, finding.field, language)
        gravity = _GRAVITY.get(finding.level)
        mark = f"[{gravity[LANGUAGES.index(language)]}] " if gravity else ""
        faults.append(f"{mark}{column}: {text}" if column else f"{mark}{text}")
        advices.append(f"{column}: {advice}" if column else advice)
    return _APART.join(faults), _APART.join(advices)


def _column(titles: dict[str, str], field: str, language: str) -> str:
    """Return the header of a field in the file, else what it is called."""
    return masked("", titles[field]) if field in titles else label(field, language)
