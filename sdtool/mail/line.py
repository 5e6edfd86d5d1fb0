"""One SMTP connection: smtplib's commands, where every wait counts against one deadline."""

from __future__ import annotations

import binascii
import smtplib
import socket
import ssl
import time
from typing import Any

from sdtool.errors import BadSetup
from sdtool.mail.compose import valid_address
from sdtool.settings import MailSettings

_CHUNK = 65_536  # bytes at a time, and of one reply
_LOCAL = ("localhost", "127.0.0.1", "::1")


class NoSession(Exception):
    """The server cannot be used now, which says nothing about the mail."""


class Hopeless(NoSession):
    """And trying again in the same run would not help."""


def shown(what: bytes | Exception) -> str:
    """Return what a server said or what went wrong, on one line and not too long."""
    plain = what.decode("utf-8", "replace") if isinstance(what, bytes) else str(what) or type(what).__name__
    return " ".join(plain.replace("\0", " ").split())[:300]


class Line(smtplib.SMTP):
    """smtplib's commands, where every wait counts against one deadline; its own starts anew at each byte."""

    deadline = 0.0
    _rest = b""

    def send(self, s: Any) -> None:
        """Send all of it."""
        raw = memoryview(s.encode("ascii") if isinstance(s, str) else s)
        while raw:
            raw = raw[self.timed().send(raw[:_CHUNK]) :]

    def getreply(self) -> tuple[int, bytes]:
        """Return code (-1 for none) and text of the next reply, all of its lines."""
        texts: list[bytes] = []
        size = 0
        while size < _CHUNK:
            line = self._read_line()
            size += len(line)
            texts.append(line[4:].strip())
            if not line[:3].isdigit():
                return -1, line.strip()
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(texts)
        raise smtplib.SMTPServerDisconnected("the server does not stop talking")

    def secure(self, host: str) -> None:
        """Speak TLS from here on; nothing that was said before counts."""
        if self._rest:
            raise smtplib.SMTPServerDisconnected("the server talks on after STARTTLS")
        self.sock = ssl.create_default_context().wrap_socket(self.timed(), server_hostname=host)

    def _read_line(self) -> bytes:
        while b"\n" not in self._rest:
            more = self.timed().recv(_CHUNK)
            if not more:
                raise smtplib.SMTPServerDisconnected("the server closed the connection")
            self._rest += more
            if len(self._rest) > _CHUNK:
                raise smtplib.SMTPServerDisconnected("the server does not stop talking")
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def timed(self) -> socket.socket:
        """Return the socket, which waits until the deadline at most; TimeoutError when that is past."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the server took too long")
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected("the connection is closed")
        self.sock.settimeout(left)
        return self.sock


def make_ready(line: Line, mail: MailSettings, password: str) -> None:
    """Make a connection ready for MAIL, secured and logged in as the settings demand."""
    _dial(line, mail)
    if mail.security == "tls":
        line.secure(mail.host)
    _expect(220, "greeting", line.getreply())
    _greet(line, mail)
    if mail.security == "starttls":
        if not line.has_extn("starttls"):
            raise Hopeless("the server offers no STARTTLS, which is required")
        _expect(220, "STARTTLS", line.docmd("STARTTLS"))
        line.secure(mail.host)
        _greet(line, mail)
    if mail.user:
        _log_in(line, mail.user, password)


def _dial(line: Line, mail: MailSettings) -> None:
    """Connect to the first address that answers; all of them share the deadline."""
    fault: OSError = OSError("the name has no address")
    found = socket.getaddrinfo(mail.host, mail.port, type=socket.SOCK_STREAM)
    for family, kind, protocol, _, address in found:
        line.sock = socket.socket(family, kind, protocol)
        try:
            line.timed().connect(address)
            line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return
        except OSError as exc:
            fault = exc
            line.sock.close()
    line.sock = None
    raise fault


def _greet(line: Line, mail: MailSettings) -> None:
    code, text = line.ehlo()
    if code != 250 and mail.security == "none" and not mail.user:
        code, text = line.helo()
    _expect(250, "EHLO", (code, text))


def _log_in(line: Line, user: str, password: str) -> None:
    offered = str(line.esmtp_features.get("auth", "")).upper().split()
    if "PLAIN" in offered:
        both = f"\0{user}\0{password}"
        reply = line.docmd("AUTH", f"PLAIN {_base64(both)}")
    elif "LOGIN" in offered:
        reply = line.docmd("AUTH", f"LOGIN {_base64(user)}")
        if reply[0] == 334:
            reply = line.docmd(_base64(password))
    else:
        raise Hopeless("the server offers no login by password (AUTH PLAIN or LOGIN)")
    # a server may repeat what it was sent, so its words are not kept: the code tells enough
    _expect(235, "AUTH", (reply[0], b"the login was refused"))


def _base64(text: str) -> str:
    return binascii.b2a_base64(text.encode(), newline=False).decode()


def _expect(code: int, stage: str, reply: tuple[int, bytes]) -> None:
    """Go on only after the expected reply; a login that is refused is not tried again in the same run."""
    if reply[0] != code:
        fault = Hopeless if stage == "AUTH" and reply[0] >= 500 else NoSession
        raise fault(f"{stage}: {reply[0]} {shown(reply[1])}")


def checked_password(mail: MailSettings) -> str:
    """Return the password of settings that can work, "" when none is needed; else BadSetup."""
    if not valid_address(mail.sender):
        raise BadSetup(f"mail.sender must be one mail address, not {mail.sender!r}: no mail was sent")
    if not mail.user:
        return ""
    if mail.security == "none" and mail.host not in _LOCAL:
        raise BadSetup("mail.user is set and mail.security is none: the password would travel readable")
    password = mail.password()
    if not password:
        raise BadSetup("mail.user is set, but there is no password in mail.password_file or SD_SMTP_PASSWORD")
    return password
