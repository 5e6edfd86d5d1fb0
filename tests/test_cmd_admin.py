"""`sd init`, `sd admin`: making a desk, and what can be wrong with one."""

from __future__ import annotations

import gc
import os
import sqlite3
import warnings
from pathlib import Path

import pytest

from sdtool.commands.base import App
from sdtool.errors import NotAllowed
from sdtool.settings import load
from sdtool.store.migrations import VERSION
from tests import engines
from tests.conftest import Sd
from tests.rulebooks import changed, use


@pytest.mark.sqlite("making and finding its file")
def test_init_makes_a_desk(run: Sd, place: Path) -> None:
    """A database that the group may write, with its days off."""
    ran = run("init")
    assert ran.out.startswith(f"{place / 'desk.db'} made for Provincie Scheldeland, with ")
    assert (place / "desk.db").stat().st_mode & 0o777 == 0o660


def test_init_twice(run: Sd, place: Path) -> None:
    """What is there is left alone: 5."""
    run("init")
    run("person", "add", "Bea")
    ran = run("init")
    assert (ran.code, "nothing was changed" in ran.err) == (5, True)
    assert "Bea" in run("person", "list").out


@pytest.mark.sqlite("making and finding its file")
@pytest.mark.parametrize("content", [b"text", b"SQLite format 3\0"])
def test_init_over_another_file(run: Sd, place: Path, content: bytes) -> None:
    """A file that is something else is not overwritten."""
    (place / "desk.db").write_bytes(content)
    assert run("init").code == 5
    assert (place / "desk.db").read_bytes() == content


@pytest.mark.sqlite("making and finding its file")
def test_init_makes_its_folder(run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of the desk is made when it is not there."""
    monkeypatch.setenv("SD_DATABASE", f"sqlite:///{place}/a/b/desk.db")
    assert run("init").code == 0
    assert (place / "a" / "b" / "desk.db").exists()


def test_init_with_a_faulty_rulebook(run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A faulty rulebook is told before anything is made."""
    use(place, monkeypatch, changed(("line = 3", "line = 'x'")))
    assert run("init").code == 78
    monkeypatch.delenv("SD_RULEBOOK")
    ran = run("list")
    assert (ran.code, "`sd init` makes one" in ran.err) == (78, True)


def test_own_rulebook_names_the_desk(run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line after init names the organisation of the rulebook."""
    use(place, monkeypatch, changed(("Provincie Scheldeland", "Provincie Maasland")))
    assert "Provincie Maasland" in run("init").out


def test_no_desk_yet(run: Sd) -> None:
    """Without a desk each command says how to make one."""
    ran = run("list")
    assert (ran.code, "`sd init` makes one" in ran.err) == (78, True)


@pytest.mark.sqlite("making and finding its file")
@pytest.mark.parametrize("content", [b"", b"text that is no database at all"])
def test_another_file_is_no_desk(run: Sd, place: Path, content: bytes) -> None:
    """A file that is no desk is told, and left as it is."""
    (place / "desk.db").write_bytes(content)
    assert run("list").code == 78
    assert (place / "desk.db").read_bytes() == content


@pytest.mark.sqlite("making and finding its file")
def test_another_database_is_no_desk(run: Sd, place: Path) -> None:
    """A database of another program is told, and left as it is."""
    with sqlite3.connect(place / "desk.db") as connection:
        connection.execute("create table notes (text)")
    connection.close()
    ran = run("list")
    assert (ran.code, "no desk of sdtool" in ran.err) == (78, True)


def test_another_engine(run: Sd, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine that is not here is a setup error."""
    monkeypatch.setenv("SD_DATABASE", "oracle://desk")
    assert run("list").code == 78


@pytest.mark.parametrize(
    ("version", "hint"), [(VERSION - 1, "sd admin migrate"), (VERSION + 1, "newer sdtool")]
)
def test_schema_of_another_version(sd: Sd, place: Path, version: int, hint: str) -> None:
    """An older or newer schema is refused, with what to do."""
    engines.change(os.environ["SD_DATABASE"], f"update meta set value = '{version}' where key = 'schema'")
    ran = sd("list")
    assert (ran.code, hint in ran.err) == (78, True)


@pytest.mark.parametrize("words", ["list", "report kpi", "init", "admin migrate", "admin info"])
def test_a_command_that_is_refused_lets_go_of_the_database(sd: Sd, place: Path, words: str) -> None:
    """Nothing stays open until somebody collects it: it would keep a session of the server."""
    newer = f"update meta set value = '{VERSION + 1}' where key = 'schema'"
    engines.change(os.environ["SD_DATABASE"], newer)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert sd(*words.split()).code in (5, 78)
        gc.collect()
    assert [str(one.message) for one in told if one.category is ResourceWarning] == []


def test_who_cannot_be_named_opens_nothing(sd: Sd) -> None:
    def nobody(database: str) -> str:
        raise NotAllowed("who are you?")

    app = App(load(), now=0, actor=nobody)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(NotAllowed):
            app.desk  # noqa: B018
        gc.collect()
    assert [str(one.message) for one in told if one.category is ResourceWarning] == []


def test_migrate_has_nothing_to_do(sd: Sd) -> None:
    """A desk of this version is left alone."""
    assert sd("admin", "migrate").out == f"schema {VERSION}: nothing to do\n"


def test_migrate_without_a_desk(run: Sd) -> None:
    """There must be one."""
    assert run("admin", "migrate").code == 78


def test_migrate_from_the_future(sd: Sd, place: Path) -> None:
    """A newer desk is not touched."""
    engines.change(os.environ["SD_DATABASE"], "update meta set value = '99' where key = 'schema'")
    assert sd("admin", "migrate").code == 78


def test_info_tells_where_and_how_much(sd: Sd, place: Path) -> None:
    """Paths, versions, who acts, and the number of rows of each table."""
    row = sd("admin", "info", "--format", "json").json()
    assert (row["database"], row["schema"], row["person"], row["ticket"]) == (
        os.environ["SD_DATABASE"],
        VERSION,
        1,
        0,
    )
    assert row["rulebook"] == "the shipped default" and row["anchor"] == "system log only"


@pytest.mark.sqlite("making and finding its file")
@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_desk(sd: Sd, place: Path) -> None:
    """A desk that may not be read is 77."""
    (place / "desk.db").chmod(0)
    assert sd("list").code == 77
