"""Tables from outside: every way to write a CSV file that people use, and the ways to break one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdtool.desk import tables
from sdtool.desk.tables import Table, read_table
from sdtool.errors import BadInput, NotFound, UsageFault, unreadable

PLAIN = "Naam;Dienst\nHélène;Financiën\nÖzgür;ICT\n"
WHOLE = [["Hélène", "Financiën"], ["Özgür", "ICT"]]


@pytest.fixture
def read(tmp_path):
    def write_and_read(content: bytes | str, **options: str) -> Table:
        file = tmp_path / "table.csv"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(str(file), **options)

    return write_and_read


RENDERINGS = {
    "utf-8": (PLAIN.encode(), "utf-8"),
    "byte order mark": (PLAIN.encode("utf-8-sig"), "utf-8-sig"),
    "windows": (PLAIN.encode("cp1252"), "cp1252"),
    "unicode text": (PLAIN.encode("utf-16"), "utf-16"),
    "unicode text, big end first": (b"\xfe\xff" + PLAIN.encode("utf-16-be"), "utf-16"),
    "sep line": (("sep=;\n" + PLAIN).encode("utf-8-sig"), "utf-8-sig"),
    "quoted sep line": (('"sep=;"\r\n' + PLAIN).encode(), "utf-8"),
    "tab": (PLAIN.replace(";", "\t").encode(), "utf-8"),
    "comma": (PLAIN.replace(";", ",").encode(), "utf-8"),
    "bar": (PLAIN.replace(";", "|").encode(), "utf-8"),
    "dos lines": (PLAIN.replace("\n", "\r\n").encode(), "utf-8"),
    "old mac lines": (PLAIN.replace("\n", "\r").encode(), "utf-8"),
    "header with spaces": (PLAIN.replace("Naam", " Naam ").encode(), "utf-8"),
    "quotes": (PLAIN.replace("ICT", '"ICT"').encode(), "utf-8"),
    "delimiter at the end of lines": (PLAIN.replace("\n", ";\n").encode(), "utf-8"),
    "empty lines": (PLAIN.replace("\n", "\n\n;\n").encode(), "utf-8"),
    "no last line break": (PLAIN.rstrip("\n").encode(), "utf-8"),
}


@pytest.mark.parametrize("name", RENDERINGS)
def test_every_rendering_gives_the_same_table(read, name):
    content, encoding = RENDERINGS[name]

    table = read(content)

    assert (table.header, table.encoding) == (("Naam", "Dienst"), encoding)
    assert [row.values for row in table.rows] == WHOLE


BROKEN = {
    "ragged": ("a;b\n1;2\n3\n4;5;6\n", ["line 3: has 1 column, the header 2", "line 4: has 3 columns"]),
    "truncated": ("a;b\n1;2\n3", ["line 3: has 1 column"]),
    "truncated in quotes": ('a;b\n1;2\n3;"x\n', ["line 3: a quote is opened and never closed"]),
    "nul": ("a;b\n1;2\n3;\0\n", ["line 3: holds a NUL"]),
    "lone carriage return": ("a;b\n1;x\ry\n3;4\n", ["line 2: a lone carriage return"]),
    "lone carriage return in the header": ("a;\rb\n1;2\n", ["line 1: a lone carriage return"]),
    "huge field": (
        f"a;b\n1;2\n3;{'x' * 200_000}\n5\n",
        ["line 3: a field is longer", "line 4: has 1 column"],
    ),
    "text after quote": ('a;b\n1;"x"y\n', ["line 2: text follows a closing quote"]),
    "empty": ("", ["the file is empty"]),
    "blank": ("\n \n", ["the file is empty"]),
    "only a sep line": ("sep=;\n", ["the file is empty"]),
    "open quote above other faults": (
        'a;b\n1;"x\n2\n3;"y"\n4;5;6\n',
        ["line 2: text follows a closing quote", "line 3: has 1 column", "line 5: has 3 columns"],
    ),
    "duplicate header": ("a;b;a\n1;2;3\n", ["line 1: 2 columns are named 'a'"]),
    "nameless column": ("a;;b\n1;2;3\n", ["line 1: column 2 has no name"]),
    "text beyond the header": ("a;b;\n1;2;3\n", ["line 2: has text in a column without name"]),
    "wrong windows byte": (b"a;b\n1;\xe9\x81\n", ["line 2: is not cp1252 text"]),
    "damaged utf-8": ("a;b\né;ë\n".encode() + b"x;\xe9\n", ["line 3: is not utf-8 text"]),
    "cut inside a character": ("a;b\né;ë\nx;é".encode()[:-1], ["line 3: is not utf-8 text"]),
    "cut unicode text": (PLAIN.encode("utf-16")[:-1], ["line 3: is not utf-16 text"]),
    "utf-16 without mark": (PLAIN.encode("utf-16-le"), ["is"]),
    "workbook": (b"PK\x03\x04rest", ["is a workbook: save it as CSV"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_refused_with_its_lines(read, name):
    content, expected = BROKEN[name]

    with pytest.raises(BadInput) as refusal:
        read(content)

    assert [text for text in expected if text not in refusal.value.message] == []


def test_line_numbers_count_lines_of_the_file(read):
    """A sep line, empty lines and a field of two lines do not shift the number of what follows."""
    table = read('sep=;\na;b\n\n1;"two\nlines"\n2;x\n')

    assert [row.line for row in table.rows] == [4, 6]


def test_records_pair_names_with_texts(read):
    assert list(read("a,b\n1,2\n").records()) == [(2, {"a": "1", "b": "2"})]


def test_encoding_can_be_named(read):
    assert read("a;b\né;x\n".encode("cp850"), encoding="cp850").rows[0].values == ["é", "x"]


def test_named_encoding_is_strict(read):
    with pytest.raises(BadInput, match="line 3: is not ascii text"):
        read("a;b\n1;2\né;x\n", encoding="ascii")


@pytest.mark.parametrize("name", ["no-such", "base64"])
def test_unknown_encoding_is_a_usage_fault(read, name):
    with pytest.raises(UsageFault, match="no encoding"):
        read(PLAIN, encoding=name)


def test_half_a_character_is_refused(read):
    with pytest.raises(BadInput):
        read(b"a;b\n1;\\ud800\n", encoding="unicode_escape")


def test_guard_of_a_formula_is_taken_off_a_formula_stays(read):
    assert read("a;b\n'=1+1;=2+2\n").rows[0].values == ["=1+1", "=2+2"]


def test_missing_last_line_break_is_seen(read):
    assert (read("a;b\n1;2\n").ended, read("a;b\n1;2").ended) == (True, False)


def test_first_fifty_faults_are_listed(read):
    with pytest.raises(BadInput) as refusal:
        read("a;b\n" + "1\n" * 70)

    assert refusal.value.message.startswith(refusal.value.message.split(" has ")[0] + " has 70 faults")
    assert refusal.value.message.endswith("line 51: has 1 column, the header 2\n… and 20 more")


def test_missing_file_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        read_table(str(tmp_path / "none.csv"))


def test_what_the_system_says_has_a_code():
    """One helper decides for every file that is read: not there, not allowed, else bad input."""
    said = [
        FileNotFoundError(),
        PermissionError(),
        IsADirectoryError(21, "Is a directory"),
        ValueError("NUL"),
    ]

    assert [unreadable("list.csv", exc).exit_code for exc in said] == [4, 77, 65, 65]


def test_folder_is_refused(tmp_path):
    with pytest.raises(BadInput, match="cannot be read"):
        read_table(str(tmp_path))


def test_too_big_file_is_refused(read, monkeypatch):
    monkeypatch.setattr(tables, "MOST_BYTES", 10)

    with pytest.raises(BadInput, match="larger than"):
        read(PLAIN)


@settings(max_examples=300, deadline=None)
@given(content=st.binary(max_size=200))
def test_any_bytes_are_a_table_or_bad_input(tmp_path_factory, content):
    """Nothing but BadInput comes out of a hostile file, and a table is always rectangular."""
    file = Path(tmp_path_factory.getbasetemp()) / "any.csv"
    file.write_bytes(content)

    try:
        table = read_table(str(file))
    except BadInput:
        return
    assert all(len(row.values) == len(table.header) for row in table.rows)
