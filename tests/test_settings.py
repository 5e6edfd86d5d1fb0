"""Settings: environment over settings file over XDG folders; every mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from sdtool import settings
from sdtool.errors import BadSetup
from tests.conftest import Sd


def write(place: Path, text: str) -> Path:
    """Write the settings file where sd looks for it."""
    file = place / "config" / "sdtool" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    return file


def test_defaults_follow_xdg(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any setting the desk lies in the data folder and the shipped rulebook counts."""
    monkeypatch.delenv("SD_DATABASE")
    found = settings.load()
    assert (found.database, found.rulebook) == (str(place / "data" / "sdtool" / "desk.db"), "")


def test_file_over_defaults(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings file names database, rulebook, anchor and mail server."""
    monkeypatch.delenv("SD_DATABASE")
    write(place, 'database = "/srv/desk.db"\nanchor = "/var/log/a"\n[mail]\nhost = "mta"\nport = 587\n')
    found = settings.load()
    assert (found.database, found.anchor, found.mail.host, found.mail.port) == (
        "/srv/desk.db",
        "/var/log/a",
        "mta",
        587,
    )


@pytest.mark.parametrize(("variable", "field"), [("SD_DATABASE", "database"), ("SD_RULEBOOK", "rulebook")])
def test_environment_over_file(
    place: Path, monkeypatch: pytest.MonkeyPatch, variable: str, field: str
) -> None:
    """What the environment says wins over the file."""
    write(place, 'database = "file"\nrulebook = "file"\n')
    monkeypatch.setenv(variable, "environment")
    assert getattr(settings.load(), field) == "environment"


def test_own_rulebook_is_found(place: Path) -> None:
    """A rulebook in the configuration folder is used without being named."""
    own = place / "config" / "sdtool" / "rulebook.toml"
    own.parent.mkdir(parents=True)
    own.write_text("")
    assert settings.load().rulebook == str(own)


def test_system_wide_file(place: Path) -> None:
    """The settings of the whole system count when a person has none."""
    file = place / "etc" / "sdtool" / "settings.toml"
    file.parent.mkdir(parents=True)
    file.write_text('anchor = "system"')
    assert settings.load().anchor == "system"


def test_named_file_wins(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SD_SETTINGS names the one file that is read."""
    write(place, 'anchor = "standard"')
    (place / "other.toml").write_text('anchor = "named"')
    monkeypatch.setenv("SD_SETTINGS", str(place / "other.toml"))
    assert settings.load().anchor == "named"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("databse = 'x'", "databse is unknown; known are database, rulebook, anchor"),
        ("database = 4", "database must be text"),
        ("database = ", "is not valid TOML"),
        ("[mail]\nhots = 'x'", "mail.hots is unknown; known are host"),
        ("[mail]\nport = '25'", "mail.port must be a int"),
        ("[mail]\nsecurity = 'ssl'", "security must be none, starttls or tls"),
    ],
)
def test_mistakes_are_told(place: Path, text: str, said: str) -> None:
    """An unknown key, a wrong kind and bad TOML are setup errors that name the place."""
    write(place, text)
    with pytest.raises(BadSetup, match=said):
        settings.load()


def test_missing_named_file(place: Path, run: Sd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A settings file that was named and is not there ends with 78, not with the defaults."""
    monkeypatch.setenv("SD_SETTINGS", str(place / "none.toml"))
    ran = run("list")
    assert (ran.code, "cannot be read" in ran.err) == (78, True)


def test_mail_password(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The password comes from the environment, else from the first line of its own file."""
    (place / "secret").write_text("geheim\nrest")
    mail = settings.MailSettings(password_file=str(place / "secret"))
    assert mail.password() == "geheim"
    monkeypatch.setenv("SD_SMTP_PASSWORD", "omgeving")
    assert mail.password() == "omgeving"


def test_unreadable_password_is_told(place: Path) -> None:
    """A password file that is not there is a setup error."""
    with pytest.raises(BadSetup, match="password file"):
        settings.MailSettings(password_file=str(place / "none")).password()
