"""Lists as people keep them: every way to write one gives the same people, and what is wrong is told."""

from __future__ import annotations

import datetime
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdtool.desk import sheets
from sdtool.desk.sheets import Sheet, read_sheet
from sdtool.desk.tables import Fault, Row
from sdtool.errors import BadInput, SdError, UsageFault
from sdtool.resources import shipped
from sdtool.rules import values
from tests import staff_lists, workbooks
from tests.staff_lists import ENCODINGS, FOREIGN, NAMES, PEOPLE, Person, grid, written

Read = Callable[..., Sheet]
Pages = dict[str, dict[int, list[workbooks.Cell]]]
PLAIN = "Personeelsnummer;Voornaam;Naam\n000017;Amélie;Peeters\n000204;Jörg;Maes\n"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def write_and_read(content: bytes | str, **options: object) -> Sheet:
        file = tmp_path / "list.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_sheet(str(file), NAMES, **options)

    return write_and_read


def people(sheet: Sheet) -> list[Person]:
    """Return the people of a sheet, their values understood."""
    return [
        Person(**{
            **record,
            "start_date": values.day(record["start_date"]),
            "fte": values.number(record["fte"]),
            "phone": values.phone(record["phone"]),
        })
        for _, record in sheet.records()
    ]  # fmt: skip


# --- All renderings of one list


def test_every_rendering_gives_the_same_people(read: Read) -> None:
    """All encodings, delimiters, dates, languages, line ends and quirks."""
    renderings = dict([*staff_lists.plain_renderings(), *staff_lists.odd_renderings()])

    wrong = {name for name, content in renderings.items() if people(read(content)) != PEOPLE}

    assert (len(renderings), wrong) == (684, set())


@pytest.mark.parametrize("encoding", [name for name in ENCODINGS if name != "windows"])
def test_letters_that_windows_lacks(read: Read, encoding: str) -> None:
    assert people(read(ENCODINGS[encoding](written(grid([*PEOPLE, FOREIGN]))))) == [*PEOPLE, FOREIGN]


def test_workbook_gives_the_same_people(tmp_path: Path) -> None:
    """With real dates and numbers in its cells, a title, and a blank row."""
    rows: list[list[workbooks.Cell]] = [[*person] for person in PEOPLE]
    rows[2][-1] = "'=geen formule"
    about: dict[int, list[workbooks.Cell]] = {2: ["Indiensttredingen"], 4: [*staff_lists.TITLES["fr"]]}
    file = workbooks.xlsx(
        tmp_path / "list.xlsx", {"Blad1": {**about, 5: rows[0], 7: rows[1], 8: rows[2], 9: rows[3]}}
    )

    sheet = read_sheet(str(file), NAMES)

    assert people(sheet) == PEOPLE
    assert (sheet.kind, sheet.sheet, sheet.line) == ("xlsx", "Blad1", 4)
    assert [row.line for row in sheet.rows] == [5, 7, 8, 9]


# --- The header


def test_what_a_sheet_tells_of_itself(read: Read) -> None:
    sheet = read("Lijst\n\n" + PLAIN.replace("Naam", " Naam ;Schoenmaat"))

    assert (sheet.kind, sheet.encoding, sheet.delimiter, sheet.sheet, sheet.line) == (
        "csv",
        "utf-8",
        ";",
        "",
        3,
    )
    assert sheet.header == ("Personeelsnummer", "Voornaam", "Naam", "Schoenmaat")
    assert sheet.fields == ("staff_number", "first_name", "last_name", None)
    assert sheet.titles == {"staff_number": "Personeelsnummer", "first_name": "Voornaam", "last_name": "Naam"}
    assert sheet.unknown == ("Schoenmaat",)


@pytest.mark.parametrize(
    ("header", "fields"),
    [
        ("Voornaam;Naam", ("first_name", "last_name")),
        ("Stamnr;Naam", ("staff_number", "name")),
        ("Voornaam;Naam;Volledige naam", ("first_name", "last_name", "name")),
        ("Naam;Familienaam", ("name", "last_name")),
        ("STAM-NR.;\ufeffE_mail adres", ("staff_number", "mail")),
        ('"Datum\nin dienst";Stamnr*', ("start_date", "staff_number")),
        ("Datum in dienst (dd/mm/jjjj);Stamnr", ("start_date", "staff_number")),
        ("Stamnr (Verplicht veld);Telefoon [optioneel]", ("staff_number", "phone")),
        ("Stamnr;Naam;Telefoon (privé)", ("staff_number", "name", None)),
        ("numero matricule;TELEPHONE", ("staff_number", "phone")),
    ],
)
def test_header_says_what_columns_mean(read: Read, header: str, fields: tuple[str, ...]) -> None:
    assert read(f"{header}\na;b;c\n" if header.count(";") == 2 else f"{header}\na;b\n").fields == fields


def test_best_header_wins(read: Read) -> None:
    """A title that happens to hold two of our words is none."""
    assert read("Dienst;Naam\nICT;Maes\n" + PLAIN).line == 3


def test_header_below_the_thirtieth_line_is_not_looked_for(read: Read) -> None:
    with pytest.raises(BadInput, match="no header"):
        read("regel\n" * 30 + PLAIN)


def test_no_header_says_what_was_found_and_what_to_do(read: Read) -> None:
    with pytest.raises(BadInput) as refusal:
        read("Lijst\nAccount;Voornaam;Directie\nx;y;z\n")

    assert "line 2 comes nearest, with the columns Account, Voornaam, Directie" in refusal.value.message
    assert "only Voornaam (first_name) is known" in refusal.value.message
    assert "[[staff_columns]]" in refusal.value.hint and '--map "Account=' in refusal.value.hint


def test_a_list_without_header_shows_nobodys_national_number(read: Read) -> None:
    with pytest.raises(BadInput) as refusal:
        read("Amélie;Peeters;85.07.30-033.28\n")

    assert "033" not in refusal.value.message


def test_two_columns_that_mean_the_same_are_named(read: Read) -> None:
    with pytest.raises(BadInput, match="'Stamnr' and 'Personeelsnummer' both mean staff_number") as refusal:
        read("Stamnr;Voornaam;Personeelsnummer\n1;a;2\n")

    assert '--map "Stamnr=staff_number"' in refusal.value.hint


def test_two_columns_of_one_name_need_another(read: Read) -> None:
    with pytest.raises(BadInput) as refusal:
        read("Stamnr;Voornaam;Stam nr\n1;a;2\n")

    assert refusal.value.hint == "give one of them another name, or take it out"


def test_mapping_decides(read: Read) -> None:
    sheet = read(
        "Stamnr;Roepnaam;Personeelsnummer\n1;a;2\n",
        mapping={"stam-nr": "staff_number", "ROEPNAAM": "first_name"},
    )

    assert list(sheet.records()) == [(2, {"staff_number": "1", "first_name": "a"})]


def test_mapping_to_nothing_leaves_a_column_out(read: Read) -> None:
    assert read(PLAIN, mapping={"Voornaam": ""}).fields == ("staff_number", None, "name")


@pytest.mark.parametrize(
    ("mapping", "text"),
    [
        ({"Foo": "phone"}, "no column 'Foo'; it has Personeelsnummer, Voornaam"),
        ({"Naam": "nom"}, "no field 'nom'"),
    ],
)
def test_mapping_of_what_is_not_there_is_a_usage_fault(
    read: Read, mapping: dict[str, str], text: str
) -> None:
    with pytest.raises(UsageFault, match=text):
        read(PLAIN, mapping=mapping)


def test_the_shipped_names_mean_one_thing_each() -> None:
    """But for "Naam" and its like, which the file itself decides."""
    with open(shipped("templates", "rulebook.toml"), "rb") as file:
        columns = tomllib.load(file)["staff_columns"]
    fields: dict[str, set[str]] = {}
    for column in columns:
        for name in column["names"]:
            fields.setdefault(sheets.folded(name), set()).add(column["field"])

    assert {frozenset(found) for found in fields.values() if len(found) > 1} == {
        frozenset({"last_name", "name"})
    }


# --- Rows


def test_a_broken_row_stops_no_other(read: Read) -> None:
    """Each has its line; what an open quote seemed to swallow is read."""
    sheet = read(PLAIN + '1;"a"b;c\n2;a;b;c\n3;"open\n4;x\0y;z\n5;d\n6;e;"f"\n')

    assert [row.values for row in sheet.rows[2:]] == [["5", "d", ""], ["6", "e", "f"]]
    assert sheet.broken == [
        Fault(4, "text follows a closing quote; a quote inside a field is doubled"),
        Fault(5, "has 4 cells, the header names 3 columns"),
        Fault(6, "text follows a closing quote; a quote inside a field is doubled"),
        Fault(7, "holds a NUL: this is no text"),
    ]


def test_lines_are_those_of_the_file(read: Read) -> None:
    """A sep line, titles, blank lines and cells of two lines count."""
    sheet = read('sep=;\nLijst\n\n"Stam\nnr";Naam\n\n1;"x\ny"\n2;z\n')

    assert (sheet.line, [row.line for row in sheet.rows]) == (4, [7, 9])


def test_values_keep_what_they_are(read: Read) -> None:
    sheet = read("Stamnr;Naam;Opmerking\n007;='x;=cmd|' /C calc'!A0\n008;'=1+1;'t Zand\n")

    assert [row.values for row in sheet.rows] == [
        ["007", "='x", "=cmd|' /C calc'!A0"],
        ["008", "=1+1", "'t Zand"],
    ]


def test_too_many_rows_are_refused(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "MOST_ROWS", 1)

    with pytest.raises(BadInput, match="more than 1 rows: divide it"):
        read(PLAIN)


def test_too_many_cells_are_refused(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    """Short rows become as wide as the header, so a wide header is a bomb."""
    monkeypatch.setattr(sheets, "MOST_CELLS", 4)

    with pytest.raises(BadInput, match="more than 1 rows"):
        read("Stamnr;Naam;c\n1\n2\n3\n")


def test_encoding_can_be_named(read: Read) -> None:
    assert read(PLAIN.encode("cp850"), encoding="cp850").rows[0].values[1] == "Amélie"


# --- Workbooks


def test_first_worksheet_with_a_header_is_read(tmp_path: Path) -> None:
    """A hidden one only when it is named."""
    pages: Pages = {
        "Uitleg": {1: ["Lees mij"]},
        "Oud": {1: ["Stamnr", "Naam"]},
        "Nieuw": {3: ["Stamnr", "Naam"], 4: [7, "x"]},
    }
    file = str(workbooks.xlsx(tmp_path / "list.xlsx", pages, hidden="Oud"))

    assert [read_sheet(file, NAMES, sheet=name).sheet for name in (None, "Oud")] == ["Nieuw", "Oud"]
    assert list(read_sheet(file, NAMES).records()) == [(4, {"staff_number": "7", "name": "x"})]


def test_workbook_without_header_is_told_of_as_a_csv_file_is(tmp_path: Path) -> None:
    pages: Pages = {"Uitleg": {1: ["Lees mij"]}, "Nieuw": {3: ["Stamnr", "Account"]}}
    file = workbooks.xlsx(tmp_path / "list.xlsx", pages)

    with pytest.raises(
        BadInput, match=r"line 3 comes nearest, with the columns Stamnr, Account, of which only"
    ):
        read_sheet(str(file), NAMES)


def test_cells_become_the_texts_that_a_person_sees(tmp_path: Path) -> None:
    cells: list[workbooks.Cell] = [
        456.0, 0.1 + 0.2, "007", True, datetime.date(2025, 4, 3), datetime.datetime(2025, 4, 3, 9, 30),
        "=2+3", None, 32470123456, " x\r\ny ", -2,
    ]  # fmt: skip
    header: list[workbooks.Cell] = ["Stamnr", "Naam", *"cdefghijk"]
    file = workbooks.xlsx(tmp_path / "list.xlsx", {"Blad1": {1: header, 2: cells}})

    assert read_sheet(str(file), NAMES).rows[0].values == [
        "456", "0.3", "007", "TRUE", "2025-04-03", "2025-04-03 09:30:00", "5", "", "32470123456",
        "x\ny", "-2",
    ]  # fmt: skip


def test_zeros_that_a_workbook_shows_in_front_of_a_number_count(tmp_path: Path) -> None:
    rows: dict[int, list[workbooks.Cell]] = {3: [None, "Stamnr", "Naam"], 5: [None, 901, 902]}
    file = workbooks.xlsx(tmp_path / "list.xlsx", {"Leeg": {}, "Blad1": rows})
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content.replace(b'r="B5"', b'r="B5" s="3"'))

    assert read_sheet(str(file), NAMES).rows == [Row(5, ["000901", "902"])]


@pytest.mark.parametrize("name", ["Blad2", "../etc"])
def test_unknown_worksheet_is_a_usage_fault(tmp_path: Path, name: str) -> None:
    file = workbooks.xlsx(tmp_path / "list.xlsx", {"Blad1": {1: ["Stamnr", "Naam"]}})

    with pytest.raises(UsageFault, match=f"no worksheet '{name}'; it has 'Blad1'"):
        read_sheet(str(file), NAMES, sheet=name)


def test_worksheet_of_a_csv_file_is_a_usage_fault(read: Read) -> None:
    with pytest.raises(UsageFault, match="is no workbook"):
        read(PLAIN, sheet="Blad1")


def test_workbook_is_known_by_its_content(tmp_path: Path) -> None:
    """Mail programs rename attachments."""
    file = workbooks.xlsx(tmp_path / "list.csv", {"Blad1": {1: ["Stamnr", "Naam"], 2: ["1", "x"]}})

    assert read_sheet(str(file), NAMES).kind == "xlsx"


# --- Hostile content


@settings(max_examples=200, deadline=None)
@given(
    content=st.binary(max_size=300)
    | st.text("\"'=;,\n\r\t\0 aé", max_size=80).map(lambda t: (PLAIN + t).encode())
)
def test_any_bytes_are_a_sheet_or_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    """Nothing but our own errors comes out, and a sheet is always rectangular."""
    file = Path(tmp_path_factory.getbasetemp()) / "any.csv"
    file.write_bytes(content)

    try:
        sheet = read_sheet(str(file), NAMES)
    except SdError as exc:
        assert exc.message.startswith(str(file))
        return
    assert all(len(row.values) == len(sheet.header) for row in sheet.rows)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(*[st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=8)] * 3)
    )
)
def test_what_a_program_wrote_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, ...]]
) -> None:
    """Whatever the texts are, quotes and delimiters included; formulas come back without their guard."""
    file = Path(tmp_path_factory.getbasetemp()) / "written.csv"
    kept = [["n", *row] for row in rows if not any(text[:1] in ("'", "=") for text in row)]
    file.write_text(written([["Stamnr", "Voornaam", "Naam", "Dienst"], *kept]), encoding="utf-8", newline="")

    assert [row.values for row in read_sheet(str(file), NAMES).rows] == kept
