"""Workbooks for tests, written cell by cell as a spreadsheet program writes them."""

from __future__ import annotations

import datetime
import struct
import zipfile
from collections.abc import Iterable
from pathlib import Path
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_STYLES = (
    f'<styleSheet xmlns="{_MAIN}"><numFmts><numFmt numFmtId="164" formatCode="000&quot; &quot;000;-0"/>'
    '</numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="22"/><xf numFmtId="164"/>'
    "</cellXfs></styleSheet>"
)
Cell = str | int | float | bool | datetime.date | None


def cell(place: str, value: Cell) -> str:
    """Return a cell; a text that begins with `=` is a formula of which `5` was last computed."""
    if value is None:
        return ""
    if isinstance(value, str):
        if value.startswith("="):
            return f'<c r="{place}"><f>{escape(value[1:])}</f><v>5</v></c>'
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, datetime.date):
        clock = isinstance(value, datetime.datetime)
        seconds = (
            (value.hour * 3600 + value.minute * 60) / 86400 if isinstance(value, datetime.datetime) else 0
        )
        days = (datetime.date(value.year, value.month, value.day) - datetime.date(1899, 12, 30)).days
        return f'<c r="{place}" s="{1 + clock}"><v>{days + seconds}</v></c>'
    return f'<c r="{place}"><v>{value}</v></c>'


def xlsx(path: Path, sheets: dict[str, dict[int, list[Cell]]], *, hidden: str = "") -> Path:
    """Write a workbook of {worksheet: {row number: cells from column A}}; one of them may be hidden."""
    numbers = range(1, len(sheets) + 1)
    entries = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"{hide(name == hidden)}/>'
        for n, name in zip(numbers, sheets, strict=True)
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in numbers
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml"'
        f' ContentType="application/xml"/><Override PartName="/xl/workbook.xml"'
        f' ContentType="{_TYPES}.sheet.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{entries}'
        "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">{links}<Relationship'
        f' Id="rId99" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": _STYLES,
    }
    for n, rows in zip(numbers, sheets.values(), strict=True):
        lines = "".join(
            f'<row r="{line}">{"".join(cell(f"{chr(65 + i)}{line}", v) for i, v in enumerate(cells))}</row>'
            for line, cells in rows.items()
        )
        parts[f"xl/worksheets/sheet{n}.xml"] = (
            f'<worksheet xmlns="{_MAIN}"><sheetData>{lines}</sheetData></worksheet>'
        )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, '<?xml version="1.0" encoding="UTF-8"?>' + text)
    return path


def hide(hidden: bool) -> str:
    """Return the attribute of a hidden worksheet."""
    return ' state="hidden"' if hidden else ""


def changed(path: Path, old: str, new: Iterable[str]) -> Path:
    """Write anew the only worksheet of a workbook, with all of `new` where `old` was."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in parts.items():
            before, found, after = content.partition(old.encode())
            with archive.open(name, "w") as part:
                part.write(before)
                for text in new if found and name.endswith("sheet1.xml") else ():
                    part.write(text.encode())
                part.write(after if name.endswith("sheet1.xml") else found + after)
    return path


def far_corners(path: Path) -> Path:
    """Write a workbook of two cells in opposite corners: a reader that makes room for all asks a terabyte."""
    xlsx(path, {"Blad1": {1: ["x"], 1048576: ["y"]}})
    return changed(path, '"A1048576"', ['"XFD1048576"'])


def bomb(path: Path) -> Path:
    """Write a workbook of two megabytes that unpacks to four hundred."""
    xlsx(path, {"Blad1": {1: ["Stamnr", "Naam"], 2: ["x"]}})
    return changed(path, cell("A2", "x"), (cell(f"A{n}", "A" * 1_000_000) for n in range(2, 402)))


def entities(path: Path) -> Path:
    """Write a workbook in which one cell is a billion laughs."""
    names = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    xlsx(path, {"Blad1": {1: ["Stamnr", "Naam"], 2: ["x", "l9"]}})
    changed(path, "?>", [f'?><!DOCTYPE worksheet [<!ENTITY l0 "lol">{names}]>'])
    return changed(path, ">l9<", [">&l9;<"])


def encrypted_xlsx(path: Path) -> Path:
    """Write what a workbook with a password looks like: an OLE file that holds one encrypted package."""

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = name.encode("utf-16-le").ljust(64, b"\0")
        around = struct.pack("<HBBiii", len(name) * 2 + 2 if name else 0, kind, 1, -1, -1, child)
        return text + around + bytes(36) + struct.pack("<iQ", start, size)

    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHH6xIIiiIiIiI", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, -2, 0, -2, 0)
    head += struct.pack("<i", 0) + b"\xff" * 432
    fat = struct.pack("<iii", -3, -2, -2).ljust(512, b"\xff")
    entries = entry("Root Entry", 5, 1, -2, 0) + entry("EncryptedPackage", 2, -1, -2, 0)
    path.write_bytes(head + fat + entries + (bytes(66) + b"\0\0" + b"\xff" * 12 + bytes(48)) * 2 + bytes(512))
    return path


def encrypted_ods(path: Path) -> Path:
    """Write what an ODS file with a password looks like."""
    space = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml",
            f'<?xml version="1.0"?><manifest:manifest xmlns:manifest="{space}">'
            '<manifest:file-entry manifest:full-path="content.xml">'
            '<manifest:encryption-data manifest:checksum="x"/></manifest:file-entry></manifest:manifest>',
        )
        archive.writestr("content.xml", "cipher")
    return path
