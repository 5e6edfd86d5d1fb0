"""Where things are: environment over settings file over XDG defaults."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import os
from typing import Any, NamedTuple

from sdtool.errors import BadSetup


class MailSettings(NamedTuple):
    """How mail leaves: SMTP server, `security` none, starttls or tls, login, sender; limits (0: none)."""

    host: str = "localhost"
    port: int = 25
    security: str = "none"
    user: str = ""
    password_file: str = ""
    sender: str = "servicedesk@localhost"
    timeout: int = 60
    per_run: int = 1000
    per_recipient_day: int = 50

    def password(self) -> str:
        """Return the password from SD_SMTP_PASSWORD or `password_file`; "" when neither is set."""
        if "SD_SMTP_PASSWORD" in os.environ:
            return os.environ["SD_SMTP_PASSWORD"]
        if not self.password_file:
            return ""
        try:
            with open(self.password_file, encoding="utf-8") as file:
                return file.readline().rstrip("\n")
        except OSError as exc:
            raise BadSetup(
                f"the mail password file {self.password_file} cannot be read: {exc.strerror}"
            ) from exc


class Settings(NamedTuple):
    """Places and services of one installation; paths are absolute or relative to the working directory."""

    database: str
    rulebook: str
    file: str = ""
    anchor: str = ""
    mail: MailSettings = MailSettings()


def _xdg(variable: str, default: str) -> str:
    return os.path.join(os.environ.get(variable) or os.path.expanduser(default), "sdtool")


def _settings_file() -> str:
    named = os.environ.get("SD_SETTINGS")
    if named:
        return named
    folders = [_xdg("XDG_CONFIG_HOME", "~/.config")]
    folders += [
        os.path.join(d, "sdtool") for d in (os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":")
    ]
    candidates = [os.path.join(folder, "settings.toml") for folder in folders]
    return next((path for path in candidates if os.path.exists(path)), "")


def _parse(path: str) -> dict[str, Any]:
    import tomllib  # only installations with a settings file pay for it

    try:
        with open(path, "rb") as file:
            return tomllib.loads(file.read(1 << 20).decode())
    except OSError as exc:
        raise BadSetup(f"the settings file {path} cannot be read: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise BadSetup(f"the settings file {path} is not valid TOML: {exc}") from exc


def _mail(table: dict[str, Any], path: str) -> MailSettings:
    defaults = MailSettings()._asdict()
    for key, value in table.items():
        if key not in defaults:
            raise BadSetup(f"{path}: mail.{key} is unknown; known are {', '.join(defaults)}")
        if type(value) is not type(defaults[key]):
            raise BadSetup(f"{path}: mail.{key} must be a {type(defaults[key]).__name__}")
    settings = MailSettings(**table)
    if settings.security not in ("none", "starttls", "tls"):
        raise BadSetup(f"{path}: mail.security must be none, starttls or tls")
    if min(settings.per_run, settings.per_recipient_day) < 0 or settings.timeout < 1:
        raise BadSetup(
            f"{path}: mail.timeout must be 1 or more, mail.per_run and mail.per_recipient_day 0 or more"
        )
    return settings


def load() -> Settings:
    """Read the settings of this installation.

    SD_DATABASE (path or URL), SD_RULEBOOK and SD_SETTINGS in the environment win over the
    settings file, which wins over the XDG folders. A rulebook of "" means the shipped default.

    Raises:
        BadSetup: the settings file is unreadable, not TOML, or holds an unknown or mistyped key.
    """
    path = _settings_file()
    table = _parse(path) if path else {}
    unknown = set(table) - {"database", "rulebook", "anchor", "mail"}
    if unknown:
        raise BadSetup(
            f"{path}: {sorted(unknown)[0]} is unknown; known are database, rulebook, anchor and [mail]"
        )
    for key in ("database", "rulebook", "anchor"):
        if not isinstance(table.get(key, ""), str):
            raise BadSetup(f"{path}: {key} must be text")
    default_rulebook = own_rulebook() if os.path.exists(own_rulebook()) else ""
    return Settings(
        database=os.environ.get("SD_DATABASE")
        or table.get("database")
        or os.path.join(_xdg("XDG_DATA_HOME", "~/.local/share"), "desk.db"),
        rulebook=os.environ.get("SD_RULEBOOK") or table.get("rulebook") or default_rulebook,
        file=path,
        anchor=table.get("anchor", ""),
        mail=_mail(table.get("mail", {}), path),
    )


def own_rulebook() -> str:
    """Return where a rulebook of one's own is looked for when nothing names another."""
    return os.path.join(_xdg("XDG_CONFIG_HOME", "~/.config"), "rulebook.toml")


def cache_folder() -> str:
    """Return the folder of compiled rulebooks; it need not exist."""
    return _xdg("XDG_CACHE_HOME", "~/.cache")
