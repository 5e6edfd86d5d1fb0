"""S8: the mail password and what customers tell are in no argv, log, error, information or debug output."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from sdtool.mail import compose, outbox
from sdtool.store import open_store
from tests.conftest import Ran
from tests.reliability.kit import REPORT, SD, call
from tests.smtp_servers import faulty

PASSWORD = "Wachtw00rd-7f3a9c"
MARK = "PERSOONLIJK-51e2"
USER = "desk@example.be"
FORMS = (
    PASSWORD,
    base64.b64encode(PASSWORD.encode()).decode().rstrip("="),
    base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode().rstrip("="),
)
needs_strace = pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")


@pytest.fixture
def secret(database: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desk whose mail server asks for a password; the environment and a file hold it, debug is on."""
    (place / "password").write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("SD_SETTINGS", str(place / "settings.toml"))
    monkeypatch.setenv("SD_DEBUG", "1")
    mail_to("127.0.0.1", 1, place)
    return database


def mail_to(host: str, port: int, place: Path) -> None:
    """Write the settings."""
    (place / "settings.toml").write_text(
        f'[mail]\nhost = "{host}"\nport = {port}\nuser = "{USER}"\nsender = "{USER}"\n'
        f'password_file = "{place / "password"}"\n'
    )


def queued(database: Path) -> None:
    """Put a mail in the outbox."""
    store = open_store(str(database))
    letter = compose.message(sender=USER, recipient="klant@example.be", subject=MARK, text=MARK, html=None,
                             message_id="<1@example.be>", now=1)  # fmt: skip
    assert outbox.queue(store, now=1, dedupe="x", kind="note", recipient="klant@example.be",
                        message=letter, message_id="<1@example.be>")  # fmt: skip
    store.close()


def clean(*told: Ran) -> None:
    """Check that nothing printed holds the password, and no error what a customer told."""
    for ran in told:
        assert [form for form in FORMS if form in ran.out + ran.err] == [], ran
        assert MARK not in ran.err, ran


WORK = (
    ("new", "Printer", "--description", "story", *REPORT),
    ("note", 1, "--file", "story"),
    ("note", 1, "--file", "story", "--public"),
    ("edit", 1, "--urgency", "high"),
    ("assign", 1, "workplace/els"),
    ("close", 1, "--solution", "vervangen"),
    ("list", "--state", "all"),
    ("history", 1),
    ("search", "printer"),
    ("admin", "info"),
    ("admin", "info", "--format", "json"),
    ("audit", "verify"),
    ("audit", "log"),
    ("mail", "queue"),
    ("cron", "status"),
    ("cron", "run", "upkeep"),
    ("rulebook", "check"),
    ("report", "kpi"),
)


def test_a_day_of_work_tells_no_secret(secret: Path, place: Path) -> None:
    """S8: with debug on, in every output; the customer's words never on standard error."""
    (place / "story").write_text(MARK)

    for words in WORK:
        ran = call(*words, cwd=place)
        assert ran.code == (1 if words[:2] == ("cron", "status") else 0), ran
        clean(ran)


@pytest.mark.parametrize(
    "words", [("show", 99), ("new", "x"), ("close", 1), ("list", "--columns", "x"), ("mail", "retry", 9)]
)
def test_errors_tell_no_secret(secret: Path, words: tuple[object, ...]) -> None:
    """S8: errors, also as JSON."""
    clean(call(*words), call(*words, "--format", "json"), call("--format", *words))


@pytest.mark.sqlite("system calls on its file")
@pytest.mark.service
@needs_strace
def test_no_child_and_no_log_gets_it(secret: Path, place: Path) -> None:
    """S8: what every user of the server can see: argv of each process that is started, lines to the log."""
    (place / "story").write_text(MARK)
    trace = place / "trace"
    words = (
        "-f",
        "-qq",
        "-s",
        "100000",
        "-o",
        str(trace),
        "-e",
        "trace=execve,execveat,sendto,sendmsg,connect",
    )
    for command in WORK:
        assert call(*command, program=("strace", "-A", *words, *SD), cwd=place).code in (0, 1)
    seen = trace.read_text()

    assert seen.count("execve(") >= len(WORK)
    assert [form for form in (*FORMS, MARK) if form in seen] == []


LOGIN = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
SERVERS = {
    "refuses": {"auth": "535 5.7.8 wrong"},
    "repeats what it was sent": {"auth": f"535 cannot read AUTH PLAIN {LOGIN}"},
    "repeats the password": {"auth": f"501 what is {PASSWORD}?"},
    "hangs up": {"auth": "drop"},
    "breaks off later": {"mail": "421 later"},
}


@pytest.mark.parametrize("server", SERVERS)
def test_a_failing_login_tells_no_secret(secret: Path, place: Path, server: str) -> None:
    """S8: whatever the server answers, the password is in no output, queue, ledger or file of ours."""
    queued(secret)
    with faulty(SERVERS[server], features=("AUTH PLAIN",)) as smtp:
        mail_to("127.0.0.1", smtp.port, place)
        told = [call("mail", "send"), call("cron", "run", "mail"), call("mail", "queue", "--format", "json")]
        assert any(command.startswith("AUTH") for command in smtp.commands)

    clean(*told, call("cron", "status"), call("admin", "info"))
    holding = [
        path.name
        for path in place.rglob("*")
        if path.is_file() and path.name != "password" and any(f.encode() in path.read_bytes() for f in FORMS)
    ]
    assert holding == []


def test_the_environment_is_not_told_either(
    secret: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S8: SD_SMTP_PASSWORD instead of the file."""
    (place / "password").unlink()
    monkeypatch.setenv("SD_SMTP_PASSWORD", PASSWORD)
    queued(secret)
    with faulty({"auth": "535 wrong"}, features=("AUTH PLAIN",)) as smtp:
        mail_to("127.0.0.1", smtp.port, place)
        clean(call("mail", "send"), call("admin", "info"), call("mail", "queue"))


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://desk:{}@db.example.be/desk",
        "postgresql://desk:{}/slash@db.example.be/desk",
        "postgresql://desk:at@{}@db.example.be/desk",
        "postgresql://desk:%zz{}@db.example.be/desk",
        "postgresql://db.example.be/desk?port=x&sslpassword={}",
        "mysql://desk:{}@db/desk",
        "://{}",
    ],
)
def test_a_password_in_the_name_of_a_database(
    secret: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    """S8: a database that cannot be opened is not named with its password."""
    monkeypatch.setenv("SD_DATABASE", url.format(PASSWORD))

    clean(*(call(*words) for words in (("list",), ("admin", "info"), ("init",), ("admin", "migrate"))))


@pytest.mark.parametrize("line", ["password = '{}'", "security = '{}'", "port = '{}'", "{} = 1", "host = {}"])
def test_a_password_in_the_wrong_place_of_the_settings(secret: Path, place: Path, line: str) -> None:
    """S8: settings that are wrong are told by their key, not their value."""
    (place / "settings.toml").write_text(f"[mail]\n{line.format(PASSWORD)}\n")
    ran = call("list")

    assert ran.code == 78
    if not line.startswith("{}"):  # a key must be named
        clean(ran)
