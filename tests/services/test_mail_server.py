"""A real mail server, exim of Debian, takes our mails on loopback and delivers them to a file."""

from __future__ import annotations

import email
import email.policy
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from sdtool import jobs
from sdtool.desk import Desk
from sdtool.errors import Failed
from sdtool.mail import addresses, outbox
from tests.conftest import MELDER, Sd
from tests.waiting import PATIENCE, free_port

New = Callable[..., int]
EXIM = shutil.which("exim4", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
# Nothing of the machine's own configuration: everything lies in a folder of the test, and runs as its user.
CONFIGURE = """\
primary_hostname = mx.oost.example
exim_path = {exim}
exim_user = {user}
exim_group = {group}
never_users =
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
daemon_smtp_ports = {port}
local_interfaces = 127.0.0.1
tls_advertise_hosts =
keep_environment =
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
smtp_accept_queue_per_connection = 0
begin acl
rcpt:
  deny message = 5.1.1 unknown user
       local_parts = weg
  defer message = 4.2.1 greylisted
       local_parts = later
  accept
begin routers
all:
  driver = accept
  transport = files
begin transports
files:
  driver = appendfile
  file = {folder}/mail/all
  user = {user}
  group = {group}
  envelope_to_add
  return_path_add
begin retry
* * F,2h,15m
"""

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(EXIM is None, reason="the mail server exim4 is not installed"),
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can start exim with a configuration of its own"),
]


class Exim:
    """A throw-away server: its port, and the mails that it has delivered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        for name in ("spool", "log", "mail"):
            (folder / name).mkdir()
        text = CONFIGURE.format(exim=EXIM, user="mail", group="mail", folder=folder, port=self.port)
        (folder / "configure").write_text(text, encoding="ascii")
        for path in (folder / "spool", folder / "log", folder / "mail"):
            shutil.chown(path, "mail", "mail")
        (folder / "configure").chmod(0o644)
        self.process = subprocess.Popen(
            [str(EXIM), "-bdf", "-C", str(folder / "configure")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip

    def ready(self) -> None:
        """Wait for the greeting."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as line:
                    assert line.recv(100).startswith(b"220 mx.oost.example")
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"exim does not run: {self.stop()}")

    def arrived(self, address: str, count: int) -> list[EmailMessage]:
        """Return the mails that were delivered to an address, when there are so many."""
        deadline, box = time.monotonic() + PATIENCE, self.folder / "mail" / "all"
        while True:
            raw = box.read_bytes() if box.exists() else b""
            mails = [_parsed(part) for part in (b"\n" + raw).split(b"\nFrom ") if part.strip()]
            found = [mail for mail in mails if mail["Envelope-to"] == address]
            if len(found) >= count or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    def stop(self) -> bytes:
        """End the server, and what it started; return what it complained of."""
        self.process.terminate()
        return self.process.communicate(timeout=PATIENCE)[1]


def _parsed(part: bytes) -> EmailMessage:
    whole = part.partition(b"\n")[2]  # without the line of the mailbox format
    return email.message_from_bytes(whole, policy=email.policy.default)  # type: ignore[return-value]


@pytest.fixture
def exim(commons_folder: Path) -> Iterator[Exim]:
    server = Exim(commons_folder)
    try:
        server.ready()
        yield server
    finally:
        server.stop()


@pytest.fixture
def commons_folder() -> Iterator[Path]:
    """A folder that the server's user may enter."""
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="sd-exim-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def desk(desk: Desk, exim: Exim) -> Desk:
    """The desk, that sends to the server."""
    mail = desk.settings.mail._replace(host="127.0.0.1", port=exim.port, sender="desk@oost.example")
    desk.settings = desk.settings._replace(mail=mail)
    return desk


def test_exim_takes_and_delivers_what_we_send(sd: Sd, new: New, desk: Desk, exim: Exim) -> None:
    """The headers in the mailbox are those that were queued; the server adds its own above them."""
    number = new("Één printer, =?utf-8?q?=0ABcc:_e@x?=")
    sd("note", number, "--public", "We komen straks langs é\n.\nFrom hier\n..\n")

    assert jobs.run(desk, "mail") == "1 sent"

    (mail,) = exim.arrived(MELDER, 1)
    row = outbox.get(desk.store, 1)
    queued = email.message_from_string(row["message"], policy=email.policy.default)
    added = {"Return-path", "Envelope-to", "Received"}
    theirs = [(name, value) for name, value in mail.items() if name not in added]
    assert [(name, str(value)) for name, value in theirs] == [(n, str(v)) for n, v in queued.items()]
    assert (mail["Envelope-to"], mail["Return-path"]) == (MELDER, "<desk@oost.example>")
    assert (mail["Auto-Submitted"], mail["Message-ID"]) == ("auto-generated", row["message_id"])
    assert "Bcc" not in mail
    kept = mail.get_content().replace("\n>From", "\nFrom")  # what a mailbox file does to such lines
    assert kept.rstrip() == queued.get_content().rstrip()  # type: ignore[attr-defined]
    assert "We komen straks langs é\n.\nFrom hier\n..\n" in kept


def test_exim_gets_many_mails_over_one_connection(sd: Sd, new: New, desk: Desk, exim: Exim) -> None:
    number = new()
    for text in range(30):
        sd("note", number, "--public", f"bericht {text}")

    assert jobs.run(desk, "mail") == "30 sent"

    ids = {mail["Message-ID"] for mail in exim.arrived(MELDER, 30)}
    assert ids == {row["message_id"] for row in outbox.listing(desk.store)}


def test_exim_refuses_and_defers(sd: Sd, new: New, desk: Desk, exim: Exim) -> None:
    """What a real server says of an unknown address marks it; what it puts off waits."""
    for name in ("weg", "later"):
        sd("person", "add", name, "--mail", f"{name}@example.be")
        sd("note", new(caller=f"{name}@example.be"), "--public", "dag")

    with pytest.raises(Failed, match="1 deferred, 1 failed"):
        jobs.run(desk, "mail")

    states = {row["recipient"]: (row["state"], row["last_error"]) for row in outbox.listing(desk.store)}
    assert states["weg@example.be"] == ("failed", "RCPT: 550 5.1.1 unknown user")
    assert states["later@example.be"] == ("queued", "RCPT: 451 4.2.1 greylisted")
    assert [row["address"] for row in addresses.listing(desk.store)] == ["weg@example.be"]
