"""The copy of its file that HR gets: every fault beside its row, nothing that runs, nothing that is lost."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from sdtool.desk.faults import ADDED, rows_of, write_faults
from sdtool.desk.sheets import Sheet
from sdtool.errors import Conflict
from sdtool.rules.completeness import Checked, Row, check_rows
from sdtool.rules.findings import LANGUAGES, found
from tests import hr_files
from tests.test_completeness import GROUPS, TODAY, context, read, said

FILE = """Personeel;;;;
Personeelsnummer;Voornaam;Naam;Datum in dienst;Gsm privé;Opmerking;Nr
000012;Zoë;D'Hondt;31/02/2027;0479 12 34 56;=1+1;0479123456
000013;An;Peeters;01/04/2027;;rrn 85.07.30-033.28;5
000012;Jan;Peeters;01/04/2027;;"twee
regels";123456789012345
"""


@pytest.fixture
def sheet(tmp_path: Path) -> Sheet:
    (tmp_path / "hr.csv").write_text(FILE, encoding="utf-8")
    return read(tmp_path / "hr.csv")


def checked(sheet: Sheet) -> Checked:
    known = [(n, field) for n, field in enumerate(sheet.fields) if field]
    rows = [Row(line, {field: values[n] for n, field in known}) for line, values in sheet.rows]
    return check_rows(rows, context(target_groups=GROUPS))


def copy(sheet: Sheet, path: Path, language: str = "nl") -> list[list[str]]:
    """Write the copy; return its cells."""
    write_faults(str(path), sheet, checked(sheet).findings, language, database="desk.db")
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    text = content.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=sheet.delimiter or ";"))


def test_the_copy_has_header_rows_and_their_order(sheet: Sheet, tmp_path: Path) -> None:
    header, *rows = copy(sheet, tmp_path / "faults.csv")
    assert header == [*sheet.header, "Fouten", "Wat te doen"]
    assert [row[1] for row in rows] == ["Zoë", "An", "Jan"]
    assert rows[2][5] == "twee\nregels"


def test_what_is_wrong_stands_beside_the_row_with_its_column(sheet: Sheet, tmp_path: Path) -> None:
    """The row that is named is that of the copy: titles above the header are not in it."""
    first = copy(sheet, tmp_path / "faults.csv")[1]
    assert first[-2].startswith(
        "[geweigerd] Personeelsnummer: staat ook op rij 4, waar iets anders staat"
        " | Datum in dienst: is geen datum | dienst: ontbreekt"
    )
    assert first[-1].startswith(
        "Personeelsnummer: behoud alleen de juiste rij | Datum in dienst: schrijf dag/maand/jaar"
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_copy_speaks_the_language_of_hr(sheet: Sheet, tmp_path: Path, language: str) -> None:
    header, first, *_ = copy(sheet, tmp_path / "faults.csv", language)
    assert tuple(header[-2:]) == ADDED[language]
    assert {"en": "is not a date", "nl": "is geen datum", "fr": "n'est pas une date"}[language] in first[-2]


def test_no_cell_runs_and_none_loses_its_zeros(sheet: Sheet, tmp_path: Path) -> None:
    """No cell begins with what a spreadsheet runs; numbers that it would shorten are kept as text."""
    rows = copy(sheet, tmp_path / "faults.csv")
    assert rows[1][0] == "'000012"
    assert rows[1][5] == "'=1+1"
    assert (rows[1][6], rows[2][6], rows[3][6]) == ("'0479123456", "5", "'123456789012345")


def test_national_register_numbers_are_cut(sheet: Sheet, tmp_path: Path) -> None:
    assert copy(sheet, tmp_path / "faults.csv")[2][5] == "rrn 85•••"
    assert "033" not in (tmp_path / "faults.csv").read_text(encoding="utf-8")


def test_a_row_that_could_not_be_read_has_its_place(tmp_path: Path) -> None:
    (tmp_path / "hr.csv").write_text(FILE + "1;2;3;4;5;6;7;8;9\n000014;Els;Wouters;;;;\n", encoding="utf-8")
    sheet = read(tmp_path / "hr.csv")
    findings = [found(line, "", "", "unreadable", {"why": why}) for line, why in sheet.broken]
    write_faults(str(tmp_path / "faults.csv"), sheet, findings, "nl", database="desk.db")

    lines = (tmp_path / "faults.csv").read_text(encoding="utf-8").splitlines()
    assert lines[-2].startswith(";;;;;;;[geweigerd] deze rij kan niet gelezen worden;")
    assert lines[-1].endswith(";;")


# --- Back again


def test_a_corrected_copy_is_imported_as_it_is(sheet: Sheet, tmp_path: Path) -> None:
    path = tmp_path / "faults.csv"
    copy(sheet, path)
    text = path.read_text(encoding="utf-8").replace("31/02/2027", "01/03/2027").replace("rrn 85•••", "")
    path.write_text(text.replace("'000012;Jan", "'000014;Jan"), encoding="utf-8")

    again = read(path)

    assert again.fields[:6] == sheet.fields[:6]
    assert again.rows[0].values[:6] == ["000012", "Zoë", "D'Hondt", "01/03/2027", "0479 12 34 56", "=1+1"]
    assert {rule for _, _, rule in said(checked(again))} == {"missing"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_copy_of_a_copy_has_the_columns_once(sheet: Sheet, tmp_path: Path, language: str) -> None:
    copy(sheet, tmp_path / "one.csv", language)
    rows = copy(read(tmp_path / "one.csv"), tmp_path / "two.csv", "nl")
    assert rows[0] == [*sheet.header, "Fouten", "Wat te doen"]


def test_faults_of_a_copy_are_those_of_the_file(tmp_path: Path) -> None:
    """Only what was cut is no longer found."""
    made = hr_files.make(tmp_path / "hr.csv", 600, 60, 3, TODAY)
    sheet = read(made.path)
    copy(sheet, tmp_path / "faults.csv")
    rules = [rule for _, _, rule in said(checked(read(tmp_path / "faults.csv")))]
    assert sorted(rules) == sorted(rule for _, _, rule in made.expected if rule != "national-number")


# --- Never over anything else


def test_an_earlier_copy_is_written_anew(sheet: Sheet, tmp_path: Path) -> None:
    for language in (*LANGUAGES, *LANGUAGES):
        assert copy(sheet, tmp_path / "faults.csv", language)[0][-2:] == list(ADDED[language])


@pytest.mark.parametrize("text", ["", "notes\n", "Personeelsnummer;Naam\n1;An\n", "Fouten;Wat te doen\r\n"])
def test_anything_else_stays(sheet: Sheet, tmp_path: Path, text: str) -> None:
    (tmp_path / "other.csv").write_bytes(text.encode())
    with pytest.raises(Conflict, match="is there and is no fault list"):
        write_faults(str(tmp_path / "other.csv"), sheet, [], "nl", database="desk.db")
    assert (tmp_path / "other.csv").read_bytes() == text.encode()


def test_the_file_that_was_read_stays(sheet: Sheet, tmp_path: Path) -> None:
    """Also when it is a copy that HR corrected."""
    copy(sheet, tmp_path / "faults.csv")
    corrected = read(tmp_path / "faults.csv")
    with pytest.raises(Conflict, match="the file of HR itself"):
        write_faults(str(tmp_path / "faults.csv"), corrected, [], "nl", database="desk.db")


def test_files_of_the_desk_stay(sheet: Sheet, tmp_path: Path) -> None:
    with pytest.raises(Conflict, match="belongs to the desk"):
        write_faults(str(tmp_path / "desk.db-wal"), sheet, [], "nl", database=str(tmp_path / "desk.db"))


def test_characters_that_no_file_holds_are_replaced(sheet: Sheet, tmp_path: Path) -> None:
    sheet.rows[0].values[5] = "a\0b\ud800"
    assert copy(sheet, tmp_path / "faults.csv")[1][5] == "a\ufffdb\ufffd"


# --- For the desk


def test_findings_are_records_with_the_headers_of_the_file(sheet: Sheet) -> None:
    found_ = checked(sheet).findings
    by_rule = {row["rule"]: row for row in rows_of(sheet, found_)}
    assert by_rule["not-a-date"] == {
        "file": sheet.path,
        "line": 3,
        "column": "Datum in dienst",
        "value": "31/02/2027",
        "rule": "not-a-date",
        "level": "fault",
        "text": "is not a date",
        "advice": "write day/month/year, 03/04/2025, or 2025-04-03",
    }
    assert by_rule["missing"]["column"] == "site"
