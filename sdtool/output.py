"""Everything that is printed: tables, JSON, CSV, remarks, errors, moments. Nobody else prints.

Text from outside is encoded here, for the place it goes to: `safe` for a terminal, `cell` for a spreadsheet,
JSON escapes for JSON. Only the standard library is used, little of it at import: every command pays for it.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from sdtool.errors import OutputFailed, SdError

FORMATS = ("table", "json", "jsonl", "csv")

# What str.isprintable() passes although it shows nothing: fillers, joiners, variation selectors but one.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE0F), *range(0xE0100, 0xE01F0))))
)
_SPACES = frozenset("\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B))))
# A coarse net: what is outside ranges known to be plain is looked at one by one. Newlines are the caller's.
_SUSPECT = "[^\n\x20-\x7e\xa0-\xac\xae-\u02ff\u1e00-\u1eff\u2010-\u2027\u20ac]"
_FORMULA = ("=", "+", "-", "@")
_LOOKS = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "blue": "34", "cyan": "36"}
_NARROWEST = 8
_stored = ""


def safe(text: object, *, lines: bool = False) -> str:
    r"""Return `text` for a terminal: what could steer it or hide in it becomes visible, such as `\x1b`.

    That is: C0 and C1 controls, bidi controls, zero-width, tag, private, unassigned characters, surrogates.
    A newline or tab becomes a space; with `lines`, newlines stay and a tab becomes four spaces.
    """
    plain = str(text)
    if plain.isprintable() and (plain.isascii() or _INVISIBLE.isdisjoint(plain)):
        return plain
    plain = plain.replace("\r\n", "\n")
    plain = plain.replace("\t", "    ") if lines else plain.replace("\t", " ").replace("\n", " ")
    return re.sub(_SUSPECT, _escape, plain)


def _shows(char: str) -> bool:
    return (char.isprintable() or char in _SPACES) and char not in _INVISIBLE


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    if _shows(char):
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escape_json(match: re.Match[str]) -> str:
    char = match[0]
    if _shows(char):
        return char
    units = char.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def cell(value: object) -> str:
    """Return a CSV cell that no spreadsheet runs: a formula gets a leading apostrophe, a number stays."""
    text = _text(value)
    if isinstance(value, (int, float)) or not _runs(text):
        return text
    return "'" + text


def uncell(text: str) -> str:
    """Undo `cell`: take off exactly the apostrophe it put there, so that an export can be imported."""
    return text[1:] if text.startswith("'") and _runs(text[1:]) else text


def _runs(text: str) -> bool:
    """Tell whether a spreadsheet may run `text`; leading apostrophes do not count, for `uncell`."""
    head = text.lstrip("'")
    if head[:1].isalnum() and head[:1].isascii():
        return False
    if head.startswith(("\t", "\r")):
        return True
    first = next((char for char in head if _shows(char) and not char.isspace()), "")
    if not first or first.isascii():
        return first in _FORMULA and bool(first)
    import unicodedata

    return unicodedata.normalize("NFKC", first).lstrip().startswith(_FORMULA)


def _text(value: object) -> str:
    """Return one value as words: nothing for None, yes and no, lists with commas."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_text, value))
    return _json(dict(value)) if isinstance(value, Mapping) else str(value)


def _json(value: object, stream: TextIO | None = None, indent: int | None = None) -> str:
    """Return `value` as JSON that cannot steer a terminal; all ASCII when the stream is not Unicode."""
    import json

    text = json.dumps(value, ensure_ascii=not is_unicode(stream), indent=indent, allow_nan=False, default=str)
    return text if text.isascii() and "\x7f" not in text else re.sub(_SUSPECT, _escape_json, text)


def emit(
    rows: Iterable[Mapping[str, Any]],
    columns: Sequence[tuple[str, str]],
    fmt: str,
    *,
    stream: TextIO | None = None,
) -> None:
    """Print records in one of FORMATS.

    Args:
        rows: mappings; JSON shows all their keys, the other formats those in `columns`.
        columns: (key, header of the table); the header line of CSV holds the keys.
        fmt: table, json, jsonl or csv. An empty table prints nothing (cron stays silent), empty JSON [].
        stream: standard output unless given.

    Raises:
        OutputFailed, BrokenPipeError: see `flush`.
    """
    out = stream or sys.stdout
    records = [dict(row) for row in rows]
    if fmt == "json":
        text = "[" + ",\n ".join(_json(row, out) for row in records) + "]\n"
    elif fmt == "jsonl":
        text = "".join(_json(row, out) + "\n" for row in records)
    elif fmt == "csv":
        keys = [key for key, _ in columns]
        text = _csv_line(keys) + "".join(_csv_line(row.get(key) for key in keys) for row in records)
        text = safe(text, lines=True) if _is_terminal(out) else text
    else:
        text = _table(records, columns, out) if records else ""
    _write(text, out)


def emit_one(row: Mapping[str, Any], fmt: str, *, stream: TextIO | None = None) -> None:
    """Print one record: `key: value` lines, a JSON object, or CSV with a header."""
    out = stream or sys.stdout
    record = dict(row)
    if fmt in ("json", "jsonl"):
        _write(_json(record, out, 2 if fmt == "json" else None) + "\n", out)
    elif fmt == "csv":
        emit([record], [(key, key) for key in record], "csv", stream=out)
    else:
        _write("".join(f"{safe(key)}: {_block(value)}".rstrip() + "\n" for key, value in record.items()), out)


def _block(value: object) -> str:
    """Indent all lines but the first, so that text from outside cannot pass for a line of ours."""
    return safe(_text(value), lines=True).replace("\n", "\n    ")


def _csv_line(values: Iterable[object]) -> str:
    """Return an RFC 4180 line, but ended as other Unix tools end lines."""
    line = ",".join(map(_quote, map(cell, values)))
    return (line or '""') + "\n"  # an empty line would be no record


def _quote(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]|^ | $', text) else text


def _table(records: list[dict[str, Any]], columns: Sequence[tuple[str, str]], out: TextIO) -> str:
    """Return a header and aligned lines, numbers to the right; cut to fit a terminal, not in a pipe."""
    grid = [[safe(header) for _, header in columns]]
    grid += [[safe(_text(row.get(key))) for key, _ in columns] for row in records]
    numeric = [all(isinstance(row.get(k), int | float | None) for row in records) for k, _ in columns]
    widths = [max(map(display_width, column)) for column in zip(*grid, strict=True)]
    if _is_terminal(out):
        dates = [all(re.match(r"\d{4}-\d\d-\d\d", t or "-") for t in c) for c in zip(*grid[1:], strict=True)]
        firm = [*map(max, numeric, dates)]  # a number or a moment that is cut says something else
        widths = _fit(widths, firm, _terminal_width(out))
    head, *lines = [_line(cells, widths, numeric, "…" if is_unicode(out) else "~") for cells in grid]
    named = [style(head, "bold", stream=out)] * bool(head)  # columns without headers have no line of them
    return "\n".join([*named, *lines]) + "\n"


def _line(cells: list[str], widths: list[int], numeric: list[bool], more: str) -> str:
    parts = zip(cells, widths, numeric, strict=True)
    return "  ".join(_pad(_cut(text, width, more), width, right) for text, width, right in parts).rstrip()


def _fit(widths: list[int], firm: list[bool], limit: int) -> list[int]:
    """Narrow the widest text column, then the next, until the line fits or no column can be narrower."""
    fitted = list(widths)
    texts = [i for i, stays in enumerate(firm) if not stays]
    excess = sum(fitted) + 2 * (len(fitted) - 1) - limit
    while excess > 0 and texts:
        ranked = sorted(texts, key=lambda i: fitted[i])
        widest, next_width = ranked[-1], fitted[ranked[-2]] if len(ranked) > 1 else 0
        if fitted[widest] <= _NARROWEST:
            break
        target = max(_NARROWEST, fitted[widest] - excess, min(next_width, fitted[widest] - 1))
        excess -= fitted[widest] - target
        fitted[widest] = target
    return fitted


def display_width(text: str) -> int:
    """Return the terminal columns that safe text takes: 2 for wide East Asian, 0 for combining characters."""
    if text.isascii():
        return len(text)
    from unicodedata import category, east_asian_width

    return sum(0 if category(c) in ("Mn", "Me") else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _cut(text: str, width: int, more: str) -> str:
    if display_width(text) <= width:
        return text
    kept, used = "", 1
    for char in text:
        used += display_width(char)
        if used > width:
            break
        kept += char
    return kept + more


def _pad(text: str, width: int, right: bool) -> str:
    blank = " " * (width - display_width(text))
    return blank + text if right else text + blank


def echo(text: str, *, composed: bool = False) -> None:
    """Print lines on standard output; `composed` text is made of `safe` and `style` parts and goes as is."""
    _write((text if composed else safe(text, lines=True)) + "\n", sys.stdout)


def remark(text: str) -> None:
    """Print one line on standard error: talk, not data."""
    _tell(safe(text))


def error(exc: SdError, fmt: str = "table") -> None:
    """Print an error on standard error, as a sentence or, for the JSON formats, as an object."""
    if fmt in ("json", "jsonl"):
        what = {"code": exc.exit_code, "message": exc.message, "hint": exc.hint}
        _tell(_json({"error": what}, sys.stderr))
        return
    hint = f"\n{_block(exc.hint)}" if exc.hint else ""
    _tell(f"Error: {_block(exc.message)}{hint}")


def style(text: str, *looks: str, stream: TextIO | None = None) -> str:
    """Return `text`, made safe, bold, dim or coloured where the stream shows that; colour alone says nothing.

    Source: no-color.org, force-color.org, in the order that CPython's own output follows.
    """
    plain = safe(text)
    if not looks or not _has_colour(stream or sys.stdout):
        return plain
    return f"\x1b[{';'.join(_LOOKS[look] for look in looks)}m{plain}\x1b[0m"


def _has_colour(stream: TextIO | None) -> bool:
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or (os.environ.get("TERM") != "dumb" and _is_terminal(stream))


def local(epoch: int | None, timezone: str = "Europe/Brussels") -> str:
    """Return a moment as people read it, "2026-11-23 10:40"; nothing for None."""
    return iso(epoch, timezone)[:16].replace("T", " ")


def iso(epoch: int | None, timezone: str = "Europe/Brussels") -> str:
    """Return a moment as machines read it, "2026-11-23T10:40:00+01:00"; nothing for None."""
    if epoch is None:
        return ""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    return datetime.fromtimestamp(epoch, ZoneInfo(timezone)).isoformat(timespec="seconds")


def duration(seconds: int | None) -> str:
    """Return a length of time, "3 h 12 min"; seconds only below a minute; nothing for None."""
    if seconds is None:
        return ""
    sign, size = ("-" if seconds < 0 else ""), abs(int(seconds))
    hours, minutes = divmod(size // 60, 60)
    if not hours and not minutes:
        return f"{sign}{size} s"
    parts = [f"{hours} h"] * bool(hours) + [f"{minutes} min"] * bool(minutes)
    return sign + " ".join(parts)


def prepare_streams() -> None:
    """Make printing possible whatever we were started with: any encoding, and closed descriptors.

    A closed descriptor 0, 1 or 2 goes to /dev/null, else the next file opened, maybe the database, gets it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # gets the lowest free number: this one
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - stays open
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    if isinstance(getattr(sys.stdout, "buffer", None), io.RawIOBase):
        # PYTHONUNBUFFERED: Python then takes half a write for a whole one, and the rest is lost unnoticed
        sys.stdout = open(1, "w", encoding=sys.stdout.encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115
    stored("")


def stored(what: str | None = None) -> str:
    """Remember what this command has committed, "Ticket 42 was created", to say it should it fail later."""
    global _stored
    _stored = _stored if what is None else what
    return _stored


def flush() -> None:
    """Write out what is buffered for standard output; call it before the program says it succeeded.

    Raises:
        OutputFailed: it could not be written, for instance because the disk is full.
        BrokenPipeError: the reader went away; end quietly with 141.
    """
    _write("", sys.stdout, flush=True)


def _write(text: str, stream: TextIO | None, *, flush: bool = False) -> None:
    if stream is None:
        return
    try:
        stream.write(text)
        if flush:
            stream.flush()
    except BrokenPipeError:
        _abandon(stream)
        raise
    except OSError as exc:
        _abandon(stream)
        so_far = f"{_stored}, but the" if _stored else "The"
        raise OutputFailed(f"{so_far} output could not be written: {exc.strerror or exc}") from exc


def _tell(text: str) -> None:
    """Write a line to standard error; when even that fails, nobody is left to tell."""
    stream: TextIO | None = sys.stderr
    if stream is None:
        return
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError:
        _abandon(stream)


def _abandon(stream: TextIO) -> None:
    """Send the rest of a broken stream to /dev/null, else Python complains once more when it ends."""
    try:
        number = stream.fileno()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, number)
        os.close(null)
    except (OSError, ValueError, AttributeError):
        return


def _is_terminal(stream: TextIO | None) -> bool:
    return stream is not None and stream.isatty()


def is_unicode(stream: TextIO | None) -> bool:
    """Tell whether a stream can show any character."""
    return (getattr(stream, "encoding", None) or "utf").lower().startswith("utf")


def _terminal_width(stream: TextIO) -> int:
    """Return COLUMNS if that is a number, else what the terminal says, else 80."""
    try:
        return max(int(os.environ["COLUMNS"]), 1)
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError, AttributeError):
        return 80
