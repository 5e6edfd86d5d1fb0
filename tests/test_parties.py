"""Suppliers and internal services: adding, finding, changing, importing them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Ran, Sd

HEADER = "kind;name;mail;contract;escalation_mail"


@pytest.fixture
def some(sd: Sd) -> Sd:
    """A desk with three parties: two suppliers whose names are alike, and an internal service."""
    for words in (
        ["Acme Printing NV", "--kind", "supplier", "--mail", "hulp@acme.example", "--contract", "C-12"],
        ["Acme Networks", "--kind", "supplier"],
        ["Personeelsdienst", "--kind", "internal", "--language", "nl"],
    ):
        assert sd("party", "add", *words).code == 0
    return sd


def load(sd: Sd, place: Path, *lines: str, header: str = HEADER, more: tuple[str, ...] = ()) -> Ran:
    """Import a CSV file made of these lines."""
    file = place / "parties.csv"
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return sd("party", "import", file, *more)


def names(sd: Sd) -> list[str]:
    """Return the names of all active parties."""
    return [row["name"] for row in sd("party", "list", "--format", "json").json()]


def test_add_says_which(sd: Sd) -> None:
    """One line with number, kind, name and how to reach it."""
    ran = sd("party", "add", "Acme NV", "--kind", "supplier", "--mail", "a@x.example", "--phone", "09 12 34")
    assert ran.out == "party 1  supplier  Acme NV  a@x.example, 09 12 34\n"


def test_add_as_json(sd: Sd) -> None:
    """Every field by its name; the language is the desk's unless given."""
    words = ["--escalation-name", "An", "--escalation-mail", "an@x.example", "--format", "json"]
    row = sd("party", "add", "Acme", "--kind", "supplier", *words).json()
    assert (row["escalation_name"], row["escalation_mail"], row["mail"]) == ("An", "an@x.example", None)
    assert (row["language"], row["calendar"], row["active"]) == ("nl", "", 1)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["x", "--kind", "supplier", "--mail", "x"], 2, "not a mail address"),
        (["x", "--kind", "supplier", "--escalation-mail", "x y@z"], 2, "not a mail address"),
        (["x", "--kind", "supplier", "--phone", "?"], 2, "not a phone number"),
        (["x", "--kind", "supplier", "--calendar", "maan"], 2, "no calendar"),
        (["x", "--kind", "customer"], 2, "customer"),
        (["x"], 2, "--kind"),
        ([" ", "--kind", "supplier"], 2, "the name is empty"),
        (["ACME  printing nv", "--kind", "supplier"], 5, "that of party 1 (Acme Printing NV)"),
    ],
)
def test_parties_that_cannot_be_added(some: Sd, words: list[str], code: int, said: str) -> None:
    """Nothing is added with a fault, nor a second one of a name."""
    ran = some("party", "add", *words)
    assert (ran.code, said in ran.err) == (code, True), ran.err
    assert len(names(some)) == 3


@pytest.mark.parametrize("who", ["#1", "acme printing nv", "printing", "HULP@acme.example", "nv acme"])
def test_found_however_named(some: Sd, who: str) -> None:
    """Number, name whatever its case, part of it, and mail find the same one."""
    assert some("party", "show", who, "--format", "json").json()["id"] == 1


@pytest.mark.parametrize(("who", "code"), [("acme", 2), ("koffie", 4), ("#9", 4), ("", 4), ("ersoneel", 4)])
def test_not_found_by_chance(some: Sd, who: str, code: int) -> None:
    """A name that fits two is a fault that names them; the middle of one, or nothing, fits none."""
    ran = some("party", "show", who)
    assert (ran.code, "Acme Networks (#2, supplier)" in ran.err) == (code, code == 2)


def test_edit_and_clear(some: Sd) -> None:
    """A field changes; an empty value clears it; the same again changes nothing."""
    some("party", "edit", "#1", "--mail", "", "--contract", "C-13")
    row = some("party", "show", "#1", "--format", "json").json()
    assert (row["mail"], row["contract"], row["rev"]) == (None, "C-13", 2)
    assert some("party", "edit", "#1", "--contract", "C-13", "--format", "json").json()["rev"] == 2
    assert some("party", "edit", "#1").code == 2


def test_put_away(some: Sd) -> None:
    """One that is not active any more is not listed, and found by its whole name or number only."""
    some("party", "edit", "#2", "--inactive")
    assert names(some) == ["Acme Printing NV", "Personeelsdienst"]
    assert len(some("party", "list", "--all", "--format", "json").json()) == 3
    assert [some("party", "show", who).code for who in ("acme", "networks", "acme networks")] == [0, 4, 0]


def test_kind_of_one_that_owes(some: Sd) -> None:
    """A supplier that owes feedback stays a supplier until that is over."""
    words = ("--channel", "phone", "--type", "incident", "--category", "printer", "--urgency", "normal")
    some("new", "Printer", "--caller", "melder", *words)
    some("wait", 1, "--party", "#1", "--for", "onderdeel", "--until", "+3wd")
    ran = some("party", "edit", "#1", "--kind", "internal")
    assert (ran.code, "owes F-1" in ran.err) == (5, True)
    some("owed", "done", 1)
    assert some("party", "edit", "#1", "--kind", "internal").code == 0


def test_list_of_a_kind(some: Sd) -> None:
    """--kind narrows the list."""
    rows = some("party", "list", "--kind", "internal", "--format", "json").json()
    assert [row["name"] for row in rows] == ["Personeelsdienst"]


def test_a_change_is_not_undone(some: Sd) -> None:
    """Undo says what to do instead, and the journal holds."""
    ran = some("undo")
    assert (ran.code, "sd party edit #3" in ran.err) == (3, True)
    assert some("audit", "verify").code == 0


# --- import


def test_import_adds_and_changes(some: Sd, place: Path) -> None:
    """Rows are matched by name; what a row does not say stays; the same file again changes nothing."""
    lines = (
        "supplier;acme networks;net@x.example;;",
        "internal;Aankoop;;;chef@x.example",
        ";Personeelsdienst;;C;",
    )
    assert load(some, place, *lines).out == "1 added, 2 changed, 0 unchanged\n"
    assert load(some, place, *lines).out == "0 added, 0 changed, 3 unchanged\n"
    assert some("party", "show", "aankoop", "--format", "json").json()["escalation_mail"] == "chef@x.example"


def test_import_all_or_none(some: Sd, place: Path) -> None:
    """Every fault is named with its line, and nothing is taken."""
    ran = load(
        some, place, "supplier;Nieuw;;;", ";Ander;;;", "klant;Derde;x;;", "supplier;;;;", "supplier;NIEUW;;;"
    )
    assert ran.code == 65
    assert [f"line {number}:" in ran.err for number in range(2, 7)] == [False, True, True, True, True]
    assert len(names(some)) == 3


@pytest.mark.parametrize("header", ["kind;mail", "kind;name;active", "kind;naam"])
def test_import_of_other_columns(some: Sd, place: Path, header: str) -> None:
    """A header without name, or with what is no field, is refused with the fields that there are."""
    ran = load(some, place, header=header)
    assert (ran.code, "escalation_mail" in ran.err) == (65, True)


def test_import_dry_run(some: Sd, place: Path) -> None:
    """--dry-run counts and changes nothing."""
    assert load(some, place, "supplier;Nieuw;;;", more=("--dry-run",)).out.startswith("(dry run) 1 added")
    assert len(names(some)) == 3
