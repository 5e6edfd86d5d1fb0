"""Mail servers for the tests, on loopback: an honest one (aiosmtpd) and one that misbehaves at any stage."""

from __future__ import annotations

import contextlib
import shutil
import socket
import socketserver
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from tests.waiting import PATIENCE, free_port


class Faulty(socketserver.ThreadingTCPServer):
    """A server that does at some stages what `faults` says, `times` times, and is honest otherwise.

    The stages are greeting, ehlo, mail, rcpt, data, body, dot, late, rset and quit. An action is a reply
    ("451 later"), or one of drop, rst, hang, dribble, hold (honest, but only after `go_on`); after "keep "
    the mail counts as accepted all the same (stage dot). "late" comes right after 250 to the dot.
    `choose` decides at random.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 50

    def __init__(
        self,
        faults: dict[str, str] | None = None,
        *,
        times: int = 10**9,
        features: tuple[str, ...] = ("8BITMIME",),
        choose: Callable[[str], str] | None = None,
        pause: float = 0,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Talk)
        self.faults, self.times, self.features, self.pause = faults or {}, times, features, pause
        self.choose = choose or (lambda stage: self.faults.get(stage, ""))
        self.delivered: list[tuple[str, bytes]] = []
        self.commands: list[str] = []
        self.connections = 0
        self.reached = threading.Event()  # some fault has struck
        self.go_on = threading.Event()
        self.ended = threading.Event()

    @property
    def port(self) -> int:
        return self.server_address[1]

    def next_fault(self, stage: str) -> str:
        action = self.choose(stage)
        if not action or self.times <= 0:
            return ""
        self.times -= 1
        return action

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients go away; nobody needs to read that."""


class _Gone(Exception):
    """The server has ended the conversation."""


class _Talk(socketserver.StreamRequestHandler):
    server: Faulty

    def handle(self) -> None:
        self.server.connections += 1
        recipient = ""
        with contextlib.suppress(_Gone, OSError):
            self.say("greeting", "220 ready")
            while line := self.rfile.readline():
                command = line.decode("latin-1").strip()
                self.server.commands.append(command)
                word = command[:4].upper()
                if word == "EHLO":
                    self.say(
                        "ehlo",
                        "\r\n".join(["250-here", *(f"250-{f}" for f in self.server.features), "250 OK"]),
                    )
                elif word == "RCPT":
                    recipient = command[9:-1]
                    self.say("rcpt", "250 ok")
                elif word == "DATA":
                    self.take_content(recipient)
                elif word == "QUIT":
                    self.say("quit", "221 bye")
                    return
                else:
                    self.say(word.lower(), "250 ok")

    def take_content(self, recipient: str) -> None:
        if not self.say("data", "354 go on"):
            return
        self.strike(self.server.next_fault("body"))
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            if not line:
                raise _Gone
            lines.append(line[1:] if line.startswith(b".") else line)
        time.sleep(self.server.pause)
        action = self.server.next_fault("dot")
        if not action or action.startswith("keep "):
            self.server.delivered.append((recipient, b"".join(lines)))
        if not self.strike(action.removeprefix("keep ")):
            self.wfile.write(b"250 kept\r\n")
            self.strike(self.server.next_fault("late"))

    def say(self, stage: str, reply: str) -> bool:
        """Answer, or misbehave; True when the answer was the honest one."""
        if self.strike(self.server.next_fault(stage)):
            return False
        self.wfile.write(f"{reply}\r\n".encode())
        return True

    def strike(self, action: str) -> bool:
        if not action:
            return False
        self.server.reached.set()
        if action == "rst":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if action in ("drop", "rst"):
            self.finish()
            self.connection.close()
            raise _Gone
        if action == "hold":
            self.server.go_on.wait(PATIENCE)
            return False
        if action == "hang":
            self.server.ended.wait(PATIENCE)
            raise _Gone
        while action == "dribble" and not self.server.ended.wait(0.02):
            self.wfile.write(b"2")
        self.wfile.write(f"{action}\r\n".encode())
        if action.startswith("421"):
            raise _Gone
        return True


@contextlib.contextmanager
def faulty(faults: dict[str, str] | None = None, **options: Any) -> Iterator[Faulty]:
    """Run a Faulty server."""
    server = Faulty(faults, **options)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.ended.set()
        server.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


class Sink:
    """Keeps what it is given: envelope recipient and content."""

    def __init__(self) -> None:
        self.port = 0
        self.delivered: list[tuple[str, bytes]] = []
        self.senders: list[str] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.senders.append(envelope.mail_from)
        self.delivered += [(recipient, envelope.original_content) for recipient in envelope.rcpt_tos]
        return "250 kept"

    def check(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == "geheim é".encode())


@contextlib.contextmanager
def honest(**options: Any) -> Iterator[Sink]:
    """Run an aiosmtpd server; the options are those of its Controller and SMTP."""
    sink = Sink()
    sink.port = free_port()
    if "auth_required" in options:
        options["authenticator"] = sink.check
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port, ready_timeout=PATIENCE, **options)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """Make a throw-away certificate for 127.0.0.1; return the server's side and the file to trust."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, cert = folder / "key.pem", folder / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", cert, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert
