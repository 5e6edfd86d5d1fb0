"""Under sudo no file is opened: the rights that sudo lends are for the desk, not for other files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import MELDER, Ran
from tests.reliability.kit import User

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")
SERVICE = User(64_031, 64_031)
NEW = ("new", "x", "--caller", MELDER, "--channel", "phone", "--type", "incident", "--category", "other")


@pytest.fixture
def folder(commons: Path) -> Path:
    """A desk that is the service user's own, and a secret file beside it."""
    folder = commons / "desk"
    folder.mkdir()
    os.chown(folder, SERVICE.uid, SERVICE.uid)
    assert SERVICE.call("init").code == 0
    (folder / "desk.db").chmod(0o600)
    assert SERVICE.call("person", "add", "Test Melder", "--mail", MELDER).code == 0
    (folder / "secret").write_text("password=geheim")
    os.chown(folder / "secret", SERVICE.uid, SERVICE.uid)
    return folder


def lent(*words: object, **more: Any) -> Ran:
    """Run `sd` as the service user, as sudo does it for root."""
    return SERVICE.call(*words, env={"SUDO_UID": "0"}, **more)


@pytest.mark.parametrize(
    "words",
    [
        ("note", "1", "--file", "SECRET"),
        ("note", "1", "--file", "editor"),
        ("person", "import", "SECRET"),
        ("fmis", "map", "SECRET"),
        ("fmis", "import", "SECRET", "--map", "servicenow-log"),
        ("audit", "verify", "--anchor-file", "SECRET"),
        ("rulebook", "check", "SECRET"),
        ("rulebook", "init", "SECRET.new"),
        ("report", "kpi", "--out", "SECRET.new"),
    ],
)
def test_no_file_is_opened_with_lent_rights(folder: Path, words: tuple[str, ...]) -> None:
    """Each option that names a file is refused, nothing of the file is shown, none is made."""
    ran = lent(*[word.replace("SECRET", str(folder / "secret")) for word in words])

    assert (ran.code, "geheim" in ran.out + ran.err) == (77, False), ran
    assert not (folder / "secret.new").exists()


def test_standard_input_is_the_agents_own(folder: Path) -> None:
    """What the agent's own shell opened is the agent's, and the journal names the agent."""
    assert lent(*NEW, "--urgency", "low").code == 0

    (folder / "note").write_text("teruggebeld")
    with (folder / "note").open() as typed:
        assert lent("note", "1", "--file", "-", stdin=typed).code == 0
    assert "root" in lent("history", "1").out


def test_the_service_user_opens_its_own(folder: Path) -> None:
    """Without sudo between them, cron and the administrator open what is theirs."""
    ran = SERVICE.call("audit", "verify", "--anchor-file", str(folder / "secret"))

    assert (ran.code, "holds no head" in ran.err) == (65, True)
