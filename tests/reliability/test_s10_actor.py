"""S10: who acts is the operating system's word; the environment's only where sudo alone can have set it."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path

import pytest

from tests.reliability.kit import REPORT, User, call, rows

NEW = ("new", "Printer werkt niet", *REPORT)
ANN = User(64_001, 64_001)
NAME = pwd.getpwuid(os.getuid()).pw_name
FORGED = ("USER", "LOGNAME", "USERNAME", "SUDO_USER", "SD_ACTOR", "SD_USER", "LNAME")

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be another user")


def acted(**env: str) -> str:
    """Return who the journal says has acted, with this environment."""
    ran = call(*NEW, "--format", "json", env=env)
    assert ran.code == 0, ran
    ((actor,),) = rows(os.environ["SD_DATABASE"], "select actor from event order by id desc limit 1")
    assert rows(os.environ["SD_DATABASE"], "select registered_by from ticket order by id desc limit 1") == [
        (actor,)
    ]
    return str(actor)


@pytest.mark.parametrize("variable", FORGED)
def test_a_forged_name_is_not_accepted(database: Path, variable: str) -> None:
    """S10: no variable with a name in it makes us somebody else."""
    assert acted(**{variable: "burgemeester"}) == NAME


def test_a_forged_sudo_is_not_accepted(database: Path) -> None:
    """S10: where the group may write, everybody can set SUDO_UID."""
    assert acted(SUDO_UID="64009", SUDO_USER="burgemeester", SUDO_GID="64009") == NAME


@pytest.mark.parametrize("option", ["--actor", "--as", "--user"])
def test_there_is_no_option_to_be_somebody_else(database: Path, option: str) -> None:
    """S10: nor on the command line."""
    assert call(option, "burgemeester", *NEW).code == 2


@pytest.mark.sqlite("modes of its files")
def test_sudo_counts_where_only_the_service_user_may_write(database: Path) -> None:
    """S10: a database of our own, 0600: only sudo can have made somebody us."""
    database.chmod(0o600)

    assert acted(SUDO_UID="64009") == "uid-64009"
    assert acted(SUDO_UID="0", SUDO_USER="burgemeester") == pwd.getpwuid(0).pw_name


@pytest.mark.sqlite("modes of its files")
@pytest.mark.parametrize("mode", [0o660, 0o606, 0o620, 0o640, 0o604])
def test_sudo_does_not_count_where_others_may(database: Path, mode: int) -> None:
    """S10: one bit for others, and SUDO_UID is a variable like any other."""
    database.chmod(mode)

    assert acted(SUDO_UID="64009") == NAME


@pytest.mark.sqlite("modes of its files")
@pytest.mark.parametrize("value", ["", "x", "-1", "1e3", "9" * 40, "0x10", " 64009 \n", "²"])
def test_a_strange_sudo_uid(database: Path, value: str) -> None:
    """S10: what is no number of a user does not stop anybody, and names nobody else."""
    database.chmod(0o600)

    assert acted(SUDO_UID=value) in (NAME, "uid-64009")


@root_only
def test_another_owner(commons: Path) -> None:
    """S10: a 0600 database of the service user, used by root: that is not sudo to that user."""
    assert ANN.who
    folder = commons / "desk"
    folder.mkdir()
    os.chown(folder, ANN.uid, ANN.uid)
    assert ANN.call("init").code == 0
    (folder / "desk.db").chmod(0o600)

    assert ANN.call("person", "add", "Test Melder", "--mail", REPORT[1], env={"SUDO_UID": "64009"}).code == 0
    assert call("person", "edit", "1", "--site", "B2", env={"SUDO_UID": "64009"}).code == 0
    assert rows(folder / "desk.db", "select actor from event where kind = 'person' order by id") == [
        ("uid-64009",), (pwd.getpwuid(0).pw_name,)]  # fmt: skip


@root_only
def test_a_user_without_a_name(commons: Path) -> None:
    """A uid that the system does not know acts under its number."""
    folder = commons / "desk"
    folder.mkdir()
    os.chown(folder, ANN.uid, ANN.uid)
    assert ANN.call("init").code == 0

    assert json.loads(ANN.call("admin", "info", "--format", "json").out)["actor"] == "uid-64001"
