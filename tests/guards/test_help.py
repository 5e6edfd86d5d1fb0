"""Everything a person can type is explained, and what is packaged is what is there."""

from __future__ import annotations

import configparser
import re
from pathlib import Path

import click
import pytest

from sdtool.cli import COMMANDS, root
from tests.test_cli import commands

ROOT = Path(__file__).resolve().parents[2]


def command_at(path: tuple[str, ...]) -> click.Command:
    """Return the command that these words name."""
    command: click.Command = root
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return command


PARAMETERS = [
    (path, parameter)
    for path in commands()
    for parameter in command_at(path).params
]  # fmt: skip


@pytest.mark.parametrize("path", list(commands()), ids=" ".join)
def test_every_command_says_what_it_does(path: tuple[str, ...]) -> None:
    """Each command has a sentence of help that ends as one."""
    first = (command_at(path).help or "").strip().split("\n\n")[0]
    assert first and first[0].isupper() and first.endswith((".", ":"))


@pytest.mark.parametrize(
    ("path", "parameter"), PARAMETERS, ids=[f"{' '.join(p)} {o.name}" for p, o in PARAMETERS]
)
def test_every_option_is_explained(path: tuple[str, ...], parameter: click.Parameter) -> None:
    """Each option and argument has a sentence of help."""
    text = getattr(parameter, "help", None) or ""
    assert text[:1].isupper() and text.endswith(".")


@pytest.mark.parametrize("word", COMMANDS)
def test_short_help_names_the_subcommands(word: str) -> None:
    """The table of words says of a family exactly which commands it has."""
    command, (_, _, text) = command_at((word,)), COMMANDS[word]
    assert text.endswith(".")
    if isinstance(command, click.Group) and len(command.commands) > 1:
        assert re.findall(r"[a-z-]+", text.split(":")[-1]) == list(command.commands)


@pytest.mark.parametrize("word", COMMANDS)
def test_words_of_a_family_agree(word: str) -> None:
    """The name of a command is the word that is typed."""
    assert command_at((word,)).name == word


def test_packages_are_those_of_the_tree() -> None:
    """setup.cfg lists each package there is, and no other: a wheel misses nothing."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = config["options"]["packages"].split()
    found = [".".join(p.parent.relative_to(ROOT).parts) for p in (ROOT / "sdtool").rglob("__init__.py")]
    assert sorted(listed) == sorted([*found, "sdtool.templates", "sdtool.cron"])


def test_version_is_told_once() -> None:
    """The version stands in the package, and setup.cfg reads it there."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    assert config["metadata"]["version"] == "attr: sdtool.__version__"
