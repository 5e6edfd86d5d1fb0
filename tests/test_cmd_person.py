"""`sd person`: the directory, by hand and from a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran, Sd

New = Callable[..., int]
HEADER = "name;mail;staff_number;department"


def load(sd: Sd, place: Path, *lines: str, header: str = HEADER, more: tuple[str, ...] = ()) -> Ran:
    """Import a CSV file made of these lines."""
    file = place / "people.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return sd("person", "import", file, *more)


def names(sd: Sd) -> list[str]:
    """Return all names in the directory."""
    return [row["name"] for row in sd("person", "list", "--format", "json", "--limit", "1000").json()]


def test_add_says_who(sd: Sd) -> None:
    """One line with number, name, how to reach, target group."""
    ran = sd("person", "add", "Bea Claes", "--mail", "bea@x.be", "--target-group", "deputies")
    assert ran.out == "person 2  Bea Claes  bea@x.be  deputies\n"


def test_add_as_json(sd: Sd) -> None:
    """Every field by its name."""
    row = sd("person", "add", "Bea", "--site", "Gent", "--language", "fr", "--format", "json").json()
    assert (row["id"], row["site"], row["language"], row["active"]) == (2, "Gent", "fr", 1)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["x", "--mail", "x"], 2, "not a mail address"),
        (["x", "--mail", "test.melder@EXAMPLE.be"], 5, "belongs to Test Melder (person 1)"),
        (["x", "--target-group", "vips"], 2, "known are deputies"),
        (["x", "--language", "de"], 2, "nl"),
        ([" "], 2, "the name is empty"),
        ([], 2, "NAME"),
    ],
)
def test_people_that_cannot_be_added(sd: Sd, words: list[str], code: int, said: str) -> None:
    """Nobody is added with a fault."""
    ran = sd("person", "add", *words)
    assert (ran.code, said in ran.err) == (code, True)
    assert names(sd) == ["Test Melder"]


@pytest.mark.parametrize("who", ["1", "Test Melder", "melder", "test.melder@example.be", "09 267 70 00"])
def test_show_by_any_name(sd: Sd, who: str) -> None:
    """Number, name, mail and phone name the same person."""
    assert sd("person", "show", who, "--format", "json").json()["id"] == 1


def test_number_and_staff_number_apart(sd: Sd) -> None:
    """Where a number is one person's own and another's staff number, sd asks rather than guesses."""
    sd("person", "add", "Bea Claes", "--staff-number", "1")
    ran = sd("person", "edit", "1", "--site", "Gent")
    assert (ran.code, "2 people fit '1'" in ran.err) == (2, True)


def test_edit_and_clear(sd: Sd) -> None:
    """Fields change; an empty value clears one."""
    sd("person", "edit", "1", "--phone", "", "--department", "Wegen", "--name", "Test Nieuw")
    row = sd("person", "show", "1", "--format", "json").json()
    assert (row["phone"], row["department"], row["name"], row["rev"]) == (None, "Wegen", "Test Nieuw", 2)


def test_edit_nothing(sd: Sd) -> None:
    """An edit without an option is a usage fault."""
    assert sd("person", "edit", "1").code == 2


def test_inactive_is_not_offered(sd: Sd) -> None:
    """Who left is no caller by name any more."""
    sd("person", "edit", "1", "--inactive")
    assert sd("person", "list", "melder").out == ""
    sd("person", "edit", "1", "--active")
    assert "Test Melder" in sd("person", "list", "melder").out


def test_edit_moves_no_ticket(sd: Sd, new: New) -> None:
    """Another target group changes no ticket, its priority or its deadlines."""
    number = new()
    before = sd("show", number, "--format", "json").json()
    sd("person", "edit", "1", "--target-group", "deputies")
    assert sd("show", number, "--format", "json").json() == before


def test_list_is_limited(sd: Sd) -> None:
    """By name, with a remark when there are more."""
    sd("person", "add", "Ann")
    ran = sd("person", "list", "--limit", "1")
    assert "Ann" in ran.out and ran.err == "1 shown, there are more: --limit shows them\n"


# --- import -------------------------------------------------------------------------------------------


def test_import_adds_changes_keeps(sd: Sd, place: Path) -> None:
    """New ones are added, known ones changed, equal ones left alone; twice changes nothing."""
    lines = ("Bea Claes;bea@x.be;77;Wegen", "Test Melder;test.melder@example.be;;Griffie")
    assert load(sd, place, *lines).out == "1 added, 1 changed, 0 unchanged\n"
    assert load(sd, place, *lines).out == "0 added, 0 changed, 2 unchanged\n"
    assert sd("audit", "verify").code == 0


def test_import_matches_staff_number_first(sd: Sd, place: Path) -> None:
    """A new mail address belongs to the person with that staff number."""
    load(sd, place, "Bea Claes;bea@x.be;77;Wegen")
    assert load(sd, place, "Bea Claes;bea.claes@x.be; 77 ;Wegen").out == "0 added, 1 changed, 0 unchanged\n"


def test_import_tells_every_faulty_row(sd: Sd, place: Path) -> None:
    """All faults with their lines, exit 65, and nobody is added: all or nothing."""
    ran = load(sd, place, "Goed;goed@x.be;1;", "Fout;geen adres;2;", ";leeg@x.be;3;", "Dubbel;goed@x.be;4;")
    assert ran.code == 65
    assert "3 faults; nothing was stored" in ran.err
    told = [line.split(":")[0].strip() for line in ran.err.splitlines()[1:]]
    assert told == ["line 3", "line 4", "line 5"]
    assert names(sd) == ["Test Melder"]


def test_import_of_two_keys_of_two_people(sd: Sd, place: Path) -> None:
    """A row whose number is one person's and whose mail another's is a fault, not a guess."""
    load(sd, place, "Bea;bea@x.be;77;", "Jan;jan@x.be;78;")
    ran = load(sd, place, "Wie;jan@x.be;77;")
    assert (ran.code, "line 2: the mail address jan@x.be belongs to Jan" in ran.err) == (65, True)


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("name;email", "unknown column 'email'"),
        ("mail", "no column name"),
        ("name;active", "unknown column 'active'"),
        ("name;name", "2 columns are named 'name'"),
    ],
)
def test_import_needs_a_known_header(sd: Sd, place: Path, header: str, said: str) -> None:
    """The header names fields; what it may hold is listed."""
    ran = load(sd, place, header=header)
    assert (ran.code, said in ran.err) == (65, True)


def test_import_of_another_encoding(sd: Sd, place: Path) -> None:
    """A file from a spreadsheet of Windows keeps its accents."""
    (place / "p.csv").write_bytes("name,mail\r\nAnaïs Çelik,a@x.be\r\n".encode("cp1252"))
    sd("person", "import", place / "p.csv")
    assert "Anaïs Çelik" in names(sd)


def test_import_dry_run(sd: Sd, place: Path) -> None:
    """A dry run counts, and adds nobody."""
    assert (
        load(sd, place, "Bea;b@x.be;1;", more=("--dry-run",)).out
        == "(dry run) 1 added, 0 changed, 0 unchanged\n"
    )
    assert names(sd) == ["Test Melder"]


def test_import_of_one_person_twice(sd: Sd, place: Path) -> None:
    """Two rows about one person are a fault: which of them would count?"""
    ran = load(sd, place, "Bea;b@x.be;7;Wegen", "Bea;b@x.be;7;Water")
    assert (ran.code, "line 3: is the same person as line 2" in ran.err) == (65, True)


@pytest.mark.parametrize(("file", "code"), [("none.csv", 2), (".", 2)])
def test_import_of_no_file(sd: Sd, place: Path, file: str, code: int) -> None:
    """What is no file is refused."""
    assert sd("person", "import", place / file).code == code


def test_exported_names_come_back_whole(sd: Sd, place: Path) -> None:
    """A name that a spreadsheet would run is guarded in the export, and comes back as it was."""
    sd("person", "add", "=Bea", "--mail", "b@x.be")
    rows = sd("person", "list", "--format", "csv").out.splitlines()
    guarded = next(row for row in rows if "Bea" in row).split(",")[1]
    assert guarded == "'=Bea"
    load(sd, place, f"{guarded};b@x.be;9;")
    assert sorted(names(sd)) == ["=Bea", "Test Melder"]
