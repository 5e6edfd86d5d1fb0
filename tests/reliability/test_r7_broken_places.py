"""R7: where a desk cannot work: a clear sentence, the right exit code, nothing lost, nothing made worse."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest

from tests import hr_files
from tests.conftest import Ran
from tests.reliability.kit import REPORT, SD, User, call, holds, one_sentence, rows, sound

pytestmark = pytest.mark.sqlite("its files and disk")

NEW = ("new", "Printer werkt niet", *REPORT)
COMMANDS = (NEW, ("list",), ("audit", "verify"), ("admin", "migrate"))
AGENT = User(64_001, 64_001)
BAD_SETUP, NOT_ALLOWED, OUTPUT_FAILED = 78, 77, 74


def told(ran: Ran, code: int, *words: str) -> None:
    """Check exit code and sentence."""
    one_sentence(ran)
    assert ran.code == code, ran
    assert all(word in ran.err for word in words), ran


# --- kinds of places without a desk that this program can use; each returns what the sentence must name


def missing(path: Path) -> str:
    """Nothing is there."""
    path.unlink()
    return "sd init"


def no_folder(path: Path) -> str:
    """Not even the folder is there."""
    shutil.rmtree(path.parent)
    return "sd init"


def a_folder(path: Path) -> str:
    """The name is that of a folder."""
    path.unlink()
    path.mkdir()
    return str(path)


def empty(path: Path) -> str:
    """An empty file, as an interrupted copy leaves."""
    path.write_bytes(b"")
    return "no desk"


def text(path: Path) -> str:
    """Not a database."""
    path.write_text("a shopping list\n" * 400)
    return "no database"


def foreign(path: Path) -> str:
    """A database of another program."""
    return _foreign(path, "create table customer (id integer primary key)")


def foreign_meta(path: Path) -> str:
    """A database of another program, which keeps its own facts in a table of the same name."""
    return _foreign(path, "create table meta (key text, value text)",
                    "insert into meta values ('version', '7'), ('schema', 'v3')")  # fmt: skip


def foreign_empty_meta(path: Path) -> str:
    """The same, without facts."""
    return _foreign(path, "create table meta (key text, value text)")


def _foreign(path: Path, *statements: str) -> str:
    path.unlink()
    with contextlib.closing(sqlite3.connect(path)) as db:
        for statement in statements:
            db.execute(statement)
        db.commit()
    return "no desk"


def newer(path: Path) -> str:
    """A desk that a later release has migrated."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("update meta set value = '99' where key = 'schema'")
        db.commit()
    return "newer"


def bad_header(path: Path) -> str:
    """Damaged where the file begins."""
    return _overwrite(path, 0, 100)


def bad_schema(path: Path) -> str:
    """Damaged in the page that lists the tables."""
    return _overwrite(path, 100, 3000)


def cut_short(path: Path) -> str:
    """Half of the file is gone."""
    os.truncate(path, path.stat().st_size // 8192 * 4096)
    return "damaged"


def zeroed(path: Path) -> str:
    """The disk gave the right number of zeros back."""
    path.write_bytes(bytes(path.stat().st_size))
    return "no database"


def _overwrite(path: Path, start: int, size: int) -> str:
    with path.open("r+b") as file:
        file.seek(start)
        file.write(b"\xa5" * size)
    return "damaged"


KINDS = (missing, no_folder, a_folder, empty, text, foreign, foreign_meta, foreign_empty_meta, newer,
         bad_header, bad_schema, cut_short, zeroed)  # fmt: skip


def content(path: Path) -> bytes | None:
    """Return the file as it is, None where there is none."""
    return path.read_bytes() if path.is_file() else None


@pytest.fixture
def place_of_its_own(database: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The desk, with a ticket, alone in a folder."""
    assert call(*NEW).code == 0
    path = database.parent / "alone" / "desk.db"
    path.parent.mkdir()
    shutil.copy(database, path)
    monkeypatch.setenv("SD_DATABASE", str(path))
    return path


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_usable_desk(place_of_its_own: Path, database: Path, kind: Callable[[Path], str]) -> None:
    """R7: every command says so, and leaves the file as it was; with a good copy back, all is as before."""
    word = kind(place_of_its_own)
    before = content(place_of_its_own)
    for command in COMMANDS:
        ran = call(*command)
        code = NOT_ALLOWED if kind is a_folder else BAD_SETUP
        told(ran, code, word)
        assert content(place_of_its_own) == before, command

    if place_of_its_own.is_dir():
        place_of_its_own.rmdir()
    place_of_its_own.parent.mkdir(exist_ok=True)
    shutil.copy(database, place_of_its_own)
    assert call(*NEW).out.startswith("SD-2 ")
    holds()


@pytest.mark.parametrize("kind", [text, foreign, newer, bad_header, a_folder], ids=lambda kind: kind.__name__)
def test_init_never_overwrites(place_of_its_own: Path, kind: Callable[[Path], str]) -> None:
    """Where something is already, whatever it is, no desk is made."""
    kind(place_of_its_own)
    before = content(place_of_its_own)

    told(call("init"), 5, "exists already")
    assert content(place_of_its_own) == before


@pytest.mark.parametrize("table", ["ticket", "event", "event_data", "person", "counter"])
def test_damage_in_a_table_is_seen_by_who_reads_it(place_of_its_own: Path, table: str) -> None:
    """R7: damage inside the file is told by the check of the journal, which reads all of these."""
    ((page,),) = rows(place_of_its_own, f"select rootpage from sqlite_master where name = '{table}'")
    _overwrite(place_of_its_own, (page - 1) * 4096, 4096)
    before = content(place_of_its_own)

    ran = call("audit", "verify")
    told(ran, BAD_SETUP, "damaged", "restore a backup")
    assert content(place_of_its_own) == before


# --- places that others own


@pytest.fixture
def shared(commons: Path) -> Path:
    """A desk of root's (or ours) that everybody may read and write so far."""
    path = commons / "desk" / "desk.db"
    for command in (("init",), ("person", "add", "Test Melder", "--mail", REPORT[1]), NEW):
        ran = call(*command)
        assert ran.code == 0, ran
    path.parent.chmod(0o777)
    for name in (path, Path(f"{path}.gate")):
        name.chmod(0o666)
    return path


def read_only_file(path: Path) -> None:
    """The file may be read only."""
    path.chmod(0o444)


def unreadable_file(path: Path) -> None:
    """The file may not even be read."""
    path.chmod(0o000)


def read_only_folder(path: Path) -> None:
    """Nothing can be made beside the file, which WAL needs."""
    path.parent.chmod(0o555)


def closed_folder(path: Path) -> None:
    """The folder may not be entered."""
    path.parent.chmod(0o600)


def unreadable_gate(path: Path) -> None:
    """The lock file belongs to somebody who forgot the others."""
    Path(f"{path}.gate").chmod(0o000)


@pytest.mark.parametrize(
    "kind",
    [read_only_file, unreadable_file, read_only_folder, closed_folder, unreadable_gate],
    ids=lambda kind: kind.__name__,
)
def test_not_allowed(shared: Path, kind: Callable[[Path], None]) -> None:
    """R7: who may not write is told so, and not that there is no desk; back to normal, it works at once."""
    kind(shared)
    told(AGENT.call(*NEW), NOT_ALLOWED, str(shared))
    told(AGENT.call("note", 1, "x"), NOT_ALLOWED, str(shared))
    if kind is not read_only_file and kind is not unreadable_gate:
        told(AGENT.call("list"), NOT_ALLOWED, str(shared))

    shared.parent.chmod(0o777)
    for name in (shared, Path(f"{shared}.gate")):
        name.chmod(0o666)
    assert AGENT.call(*NEW).out.startswith("SD-2 ")
    holds()


def test_reading_a_read_only_desk_works(shared: Path) -> None:
    """An auditor who may only read can read."""
    read_only_file(shared)

    assert AGENT.call("show", 1).code == 0


def test_init_where_one_may_not_write(commons: Path) -> None:
    """No folder can be made there: said with its name."""
    commons.chmod(0o555)

    told(AGENT.call("init"), NOT_ALLOWED, str(commons))


def test_init_below_a_file(commons: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder can be made below a file."""
    (commons / "desk").touch()

    told(call("init"), NOT_ALLOWED, str(commons / "desk"))


# --- versions of the schema

LATER = """
import sdtool.store.migrations as steps
steps.MIGRATIONS += (("another", ("create table another (id {int} primary key){strict}",)),)
steps.VERSION = 2
import sdtool.store.sqlite as engine
engine._ENGINE_STEPS += ((),)
from sdtool import cli
cli.main()
"""


def test_a_desk_of_an_earlier_release(database: Path) -> None:
    """A program with one more step refuses the desk and names the command; that brings it up to date."""
    later = {"program": (sys.executable, "-c", LATER)}
    assert call(*NEW).code == 0

    told(call("list", **later), BAD_SETUP, "schema 1", "sd admin migrate")
    assert call("admin", "migrate", **later).out == "schema 1 brought up to 2\n"
    assert call(*NEW, **later).out.startswith("SD-2 ")
    told(call("list"), BAD_SETUP, "schema 2", "newer")


# --- disks

needs_mount = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("mount"), reason="a small disk takes root and mount"
)
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


@pytest.fixture
def small_disk(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A desk with one person on a disk of 2 MB."""
    disk = place / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], capture_output=True)
    if done.returncode != 0:
        pytest.skip("mounting is not allowed here")
    monkeypatch.setenv("SD_DATABASE", str(disk / "desk.db"))
    try:
        assert call("init").code == 0
        assert call("person", "add", "Test Melder", "--mail", REPORT[1]).code == 0
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)


def fill(disk: Path) -> Path:
    """Take all room that is left."""
    filler = disk / "filler"
    with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


@pytest.mark.service
@needs_mount
def test_full_disk(small_disk: Path) -> None:
    """R7: acknowledged tickets stay, refused ones are not there, reading works, room cures."""
    kept = [call(*NEW) for _ in range(3)]
    filler = fill(small_disk)
    refused = [call(*NEW), call("note", 1, "kapot"), call("close", 2, "--solution", "x" * 5000)]
    reading = [call("list"), call("show", 1), call("audit", "verify")]
    filler.unlink()

    for ran in refused:
        told(ran, OUTPUT_FAILED, "full", "nothing was stored")
    assert [ran.code for ran in kept + reading] == [0] * 6
    assert rows(small_disk / "desk.db", "select id from ticket") == [(1,), (2,), (3,)]
    assert call(*NEW).out.startswith("SD-4 ")
    sound(small_disk / "desk.db")
    holds()


@pytest.mark.service
@needs_mount
def test_disk_that_fills_up_under_an_import(small_disk: Path) -> None:
    """R7: who is told how many rows are in finds them; with room, the same command takes in the others."""
    file = hr_files.make(small_disk.parent / "hr.csv", 150, 0, 1, date(2026, 11, 23)).path
    ran = call("onboarding", "import", file)
    told(ran, OUTPUT_FAILED, "rows taken in: ", "full")
    done = int(ran.err.split()[4])
    changes = rows(small_disk / "desk.db", "select count(*) from staff_change")[0][0]
    subprocess.run(["mount", "-o", "remount,size=20m", small_disk], check=True)

    assert 0 < done == changes < 150
    assert f"{150 - done} new, {done} unchanged" in call("onboarding", "import", file).out
    sound(small_disk / "desk.db")
    holds()


@pytest.mark.service
@needs_mount
def test_disk_that_fills_up(small_disk: Path) -> None:
    """R7: written to until it is full, beside an open session, the last acknowledged ticket is there."""
    with contextlib.closing(sqlite3.connect(small_disk / "desk.db")) as session:
        session.execute("select * from ticket").fetchall()
        story = small_disk.parent / "story"
        story.write_text("lang verhaal " * 7000)
        told_numbers, ran = [], Ran(0, "", "")
        while ran.code == 0 and len(told_numbers) < 60:
            ran = call(*NEW, "--description", story)
            told_numbers += [int(number) for number in re.findall(r"^SD-(\d+) ", ran.out)]

    told(ran, OUTPUT_FAILED, "full", "nothing was stored")
    assert rows(small_disk / "desk.db", "select id from ticket") == [(number,) for number in told_numbers]
    holds()


@pytest.mark.service
@needs_mount
def test_init_on_a_full_disk(small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A desk is whole or is not there: once there is room, `sd init` makes it."""
    filler = fill(small_disk)
    monkeypatch.setenv("SD_DATABASE", str(small_disk / "second.db"))
    failed = call("init")
    filler.unlink()

    told(failed, OUTPUT_FAILED, "full")
    assert call("init").code == 0
    assert call("person", "add", "Test Melder", "--mail", REPORT[1]).code == 0
    assert call(*NEW).code == 0


def _failing(syscall: str, fault: str, when: str) -> tuple[str, ...]:
    """Return the words before a command of which some system calls fail."""
    return ("strace", "-qq", "-o", "/dev/null", "-e", f"trace={syscall}",
            "-e", f"inject={syscall}:error={fault}:when={when}")  # fmt: skip


UNJOURNALED = """
from sdtool import cli
from sdtool.commands.base import App
from sdtool.errors import SdError
from sdtool.settings import load
app = App(load(), now=1_800_000_000, actor=lambda database: "agent")
try:
    app.store.run(lambda: app.store.execute(
        "insert into job_run (job, started_at, outcome) values ('x', 1, 'running')"))
except SdError as exc:
    import sys
    from sdtool import output
    output.error(exc)
    sys.exit(exc.exit_code)
"""


@pytest.mark.service
@needs_strace
@pytest.mark.parametrize("when", ["1", "2", "3", "4", "1+"])
def test_commit_without_a_journal_row_that_fails(database: Path, when: str) -> None:
    """The same for what no journal tells of, such as a job's run: what is said is true."""
    python = (sys.executable, "-c", UNJOURNALED)
    ran = call(program=(*_failing("fdatasync", "EIO", when), *python))
    after = len(rows(database, "select * from job_run"))

    if ran.code != 0:
        told(ran, OUTPUT_FAILED, "disk")
    true = {"nothing was stored": [0], "stored, but": [1], "unknown": [0, 1], "": [1]}
    said = next(words for words in true if words in ran.err)
    assert after in true[said], ran
    assert call(*NEW).code == 0


@pytest.mark.service
@needs_strace
@pytest.mark.parametrize("beside", [False, True], ids=["alone", "beside a session"])
@pytest.mark.parametrize("when", ["1", "2", "3", "4", "5", "1+"])
def test_commit_that_fails_on_the_disk(database: Path, when: str, beside: bool) -> None:
    """Decision 3.6: the disk refuses to synchronise: what is said is true, also after the next recovery."""
    with contextlib.closing(sqlite3.connect(database)) as session:
        if beside:
            session.execute("select * from ticket").fetchall()
        ran = call(*NEW, program=(*_failing("fdatasync", "EIO", when), *SD))
        if beside:  # whoever comes next reads without recovery, and with it
            call("list")
    after = rows(database, "select id from ticket")

    if ran.code != 0:
        told(ran, OUTPUT_FAILED, "disk")
    true = {"nothing was stored": [[]], "stored, but": [[(1,)]], "unknown": [[], [(1,)]], "": [[(1,)]]}
    said = next(words for words in true if words in ran.err)
    assert after in true[said], ran
    assert call(*NEW).out.startswith(f"SD-{len(after) + 1} ")
    sound(database)
    holds()
