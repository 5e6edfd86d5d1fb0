"""S7: modes, umask, links, two agents: nobody locked out, nothing for others to read."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.reliability.kit import REPORT, User, call, ended, holds, one_sentence, runnable, start
from tests.reliability.test_r5_concurrent import STOPPED

pytestmark = pytest.mark.sqlite("modes of its files")

DESK, OTHERS = 64_100, 64_200  # groups: of the desk, of everybody else
ANN = User(64_001, 64_001, groups=(DESK,))
BEN = User(64_002, 64_002, groups=(DESK,))
EVE = User(64_003, OTHERS)
NEW = ("new", "Printer werkt niet", *REPORT)
MASKS = (0o000, 0o022, 0o077)

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be more than one user")


@pytest.fixture
def folder(commons: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a desk as the guide has it, 2770 and of the desk's group, with an anchor file."""
    path = commons / "desk"
    path.mkdir()
    if os.geteuid() == 0:
        os.chown(path, 0, DESK)
    path.chmod(0o2770)
    settings = commons / "settings.toml"
    settings.write_text(f'anchor = "{path / "anchor"}"\n')
    settings.chmod(0o644)
    monkeypatch.setenv("SD_SETTINGS", str(settings))
    return path


def files(folder: Path) -> dict[str, int]:
    """Return the permission bits of what lies in a folder."""
    return {path.name: stat.S_IMODE(path.lstat().st_mode) for path in folder.iterdir()}


def halted(user: User, umask: int) -> subprocess.Popen[str]:
    """Start a writer of a user's that has stopped inside its transaction, its files open."""
    python, path = runnable()
    child = start(program=(python, "-c", STOPPED), env={"PYTHONPATH": path}, cwd="/", umask=umask, **user.who)
    _, status = os.waitpid(child.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), child.communicate()
    return child


@pytest.mark.parametrize("umask", MASKS, ids=oct)
def test_every_file_is_the_groups_and_nobody_elses(folder: Path, umask: int) -> None:
    """S7: whatever the umask, database, -wal, -shm, gate, lock and anchor are 0660."""
    for command in (("init",), ("person", "add", "Test Melder", "--mail", REPORT[1]), NEW, ("mail", "send")):
        ran = ANN.call(*command, umask=umask)
        assert (ran.code, ran.err) == (0, ""), ran
    child = halted(ANN, umask)
    found = files(folder)
    child.kill()
    child.communicate()

    assert {"desk.db", "desk.db-wal", "desk.db-shm", "desk.db.gate", "anchor"} <= found.keys()
    assert {name: oct(mode) for name, mode in found.items() if mode != 0o660} == {}


@root_only
@pytest.mark.parametrize("umask", MASKS, ids=oct)
def test_the_second_agent_works_when_the_first_was_killed(folder: Path, umask: int) -> None:
    """S7: Ann's session died with its files open; Ben works on, mails, and notes the anchor."""
    for command in (("init",), ("person", "add", "Test Melder", "--mail", REPORT[1]), NEW, ("mail", "send")):
        assert ANN.call(*command, umask=umask).code == 0
    child = halted(ANN, umask)
    child.kill()
    child.communicate()
    assert (folder / "desk.db-wal").exists()

    for command in (NEW, ("list",), ("note", "1", "gebeld"), ("mail", "send"), ("audit", "verify")):
        ran = BEN.call(*command, umask=umask)
        assert (ran.code, ran.err) == (0, ""), ran
    assert ANN.call("show", 2, umask=umask).code == 0
    holds()


@root_only
def test_both_write_at_once(folder: Path) -> None:
    """Ben waits at the gate that Ann made."""
    for command in (("init",), ("person", "add", "Test Melder", "--mail", REPORT[1])):
        assert ANN.call(*command, umask=0o077).code == 0
    child = halted(ANN, 0o077)
    child.send_signal(signal.SIGCONT)

    assert BEN.call(*NEW, umask=0o077).out.startswith("SD-1 ")
    assert ended(child).code == 0


@root_only
def test_who_is_not_of_the_desk_reads_nothing(folder: Path) -> None:
    """S7: Eve gets a sentence and no byte."""
    assert ANN.call("init", umask=0).code == 0
    for command in (("list",), ("audit", "verify"), ("init",), NEW):
        ran = EVE.call(*command)
        one_sentence(ran)
        assert ran.code == 77, ran
    peek = subprocess.run(["cat", *map(str, folder.iterdir())], capture_output=True, **EVE.who)

    assert peek.stdout == b""


@pytest.mark.parametrize("umask", MASKS, ids=oct)
def test_folders_that_init_makes(commons: Path, monkeypatch: pytest.MonkeyPatch, umask: int) -> None:
    """S7: the desk's own folder is its group's; those above can be entered and are not for all to write."""
    monkeypatch.setenv("SD_DATABASE", str(commons / "a" / "b" / "desk.db"))
    assert call("init", umask=umask).code == 0

    modes = {
        path.name: oct(stat.S_IMODE(path.stat().st_mode)) for path in (commons / "a", commons / "a" / "b")
    }
    assert modes == {"a": "0o755", "b": "0o2770"}


@pytest.mark.parametrize("umask", MASKS, ids=oct)
def test_the_compiled_rulebook_is_private(commons: Path, umask: int) -> None:
    """S7: nobody else may put another rulebook in our cache."""
    call("rulebook", "show", umask=umask)

    folder = commons / "cache" / "sdtool"
    assert stat.S_IMODE(folder.stat().st_mode) & 0o077 == 0
    assert {mode & 0o077 for mode in files(folder).values()} == {0}


def test_a_compiled_rulebook_that_others_may_write_is_not_read(commons: Path) -> None:
    """It is compiled anew from the source."""
    before = call("rulebook", "show").out
    (compiled,) = (commons / "cache" / "sdtool").iterdir()
    compiled.write_bytes(b"\xff")
    compiled.chmod(0o666)

    assert call("rulebook", "show").out == before


# --- links


@pytest.mark.parametrize("name", ["desk.db.gate", "desk.db-wal", "desk.db-shm", "anchor"])
def test_no_write_through_a_link(folder: Path, commons: Path, name: str) -> None:
    """S7: a link planted where the program writes leads nowhere."""
    for command in (("init",), ("person", "add", "Test Melder", "--mail", REPORT[1])):
        assert call(*command).code == 0
    target = commons / "precious"
    target.write_text("precious")
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(target)
    ran = call(*NEW)

    assert target.read_text() == "precious"
    assert stat.S_IMODE(target.stat().st_mode) != 0o660
    assert ran.code == (0 if name == "anchor" else 77), ran
    assert str(folder) in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize("there", [True, False])
def test_init_does_not_follow_a_link(folder: Path, commons: Path, there: bool) -> None:
    """S7: a link, dangling or not, is something that exists."""
    target = commons / "elsewhere"
    if there:
        target.write_bytes(b"")
    (folder / "desk.db").symlink_to(target)

    assert call("init").code == 5
    assert target.exists() == there
    assert not there or target.read_bytes() == b""


def test_a_desk_reached_by_a_link_has_one_gate(
    folder: Path, commons: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S7: two names of one file wait at the same gate."""
    for command in (("init",), ("person", "add", "Test Melder", "--mail", REPORT[1])):
        assert call(*command).code == 0
    (commons / "short.db").symlink_to(folder / "desk.db")
    monkeypatch.setenv("SD_DATABASE", str(commons / "short.db"))

    assert call(*NEW).code == 0
    assert sorted(path.name for path in commons.iterdir() if "gate" in path.name) == []
