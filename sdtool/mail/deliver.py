"""Delivering the outbox over SMTP: never lost, never silently, and twice only where nobody can know.

A mail is claimed (state `sending`, committed) before anything is sent, and `sent` only after 250 to the final
dot. Between that dot and its answer a broken connection leaves open whether the server has the mail
(RFC 1047): it goes again, marked `maybe_twice`, under the same Message-ID.
"""

from __future__ import annotations

import binascii
import contextlib
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from sdtool.errors import BadSetup, Refused
from sdtool.mail import outbox
from sdtool.mail.compose import valid_address, wire
from sdtool.mail.outbox import Outcome
from sdtool.settings import MailSettings
from sdtool.store.base import Row, Store

RUN_TIME = 120.0  # seconds a run may take
CONNECT_FAILURES = 3  # end a run: the server is not there
MAILS_A_CONNECTION = 100
LAST_START = 5.0  # seconds of the run that must be left to begin a mail
_QUIT_TIME = 1.0
_CHUNK = 65_536  # bytes at a time, and of one reply
_LOCAL = ("localhost", "127.0.0.1", "::1")


class Sent(NamedTuple):
    """What one run did, in numbers of mails; `trouble` is the last reason why one was not sent."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    expired: int = 0
    twice_possible: int = 0
    trouble: str = ""

    @property
    def counts(self) -> str:
        """The counts in words, "3 sent, 1 deferred"; "" when there was nothing to do."""
        named = zip(("sent", "deferred", "failed", "expired", "may arrive twice"), self[:5], strict=True)
        return ", ".join(f"{count} {word}" for word, count in named if count)


class _NoSession(Exception):
    """The server cannot be used now, which says nothing about the mail."""


class _Hopeless(_NoSession):
    """And trying again in the same run would not help."""


def send(
    store: Store, mail: MailSettings, *, now: Callable[[], int], run_time: float = RUN_TIME
) -> Sent | None:
    """Deliver what is due; return the counts, or None when another run is at it.

    Args:
        mail: server and sender; one mail takes at most `mail.timeout` seconds, whatever the server does.
        now: tells the moment, epoch seconds.
        run_time: seconds after which the run ends; what is left waits for the next one.

    Raises:
        BadSetup: no valid sender, no password for the user, or one that would travel readable.
        Refused: the store is on a dry run; what leaves by SMTP cannot be rolled back.
    """
    if store.dry_run:
        raise Refused("mail cannot be sent on a dry run: nothing was sent")
    end = time.monotonic() + run_time
    with store.lock("sending") as ours:
        if not ours:
            return None
        recovered, expired = store.run(lambda: outbox.tidy(store, now()))
        ids = outbox.due(store, now())
        if not ids:
            return Sent(expired=expired, twice_possible=recovered)
        session = _Session(mail)
        try:
            outcomes = _deliver(store, session, ids, now, end)
        finally:
            session.quit()
        return _total(outcomes, expired, recovered)


def _total(outcomes: list[Outcome], expired: int, recovered: int) -> Sent:
    states = [outcome.state for outcome in outcomes]
    return Sent(
        states.count("sent"),
        states.count("queued"),
        states.count("failed"),
        expired,
        recovered + sum(outcome.twice for outcome in outcomes),
        next((outcome.reason for outcome in reversed(outcomes) if outcome.reason), ""),
    )


def _deliver(
    store: Store, session: _Session, ids: list[int], now: Callable[[], int], end: float
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    last: tuple[Row, Outcome] | None = None
    margin = min(LAST_START, session.mail.timeout)
    try:
        for id_ in ids:
            if session.gone or end - time.monotonic() < margin:
                break
            row = _step(store, last, id_, now())
            last = None
            if row is not None:
                last = (row, _attempt(session, row, end))
                outcomes.append(last[1])
    finally:
        _step(store, last, None, now())
    return outcomes


# --- One commit a mail


def _step(store: Store, last: tuple[Row, Outcome] | None, id_: int | None, now: int) -> Row | None:
    """Write down how the last mail went and claim the next, in one commit; None when that one is gone."""

    def work() -> Row | None:
        if last is not None:
            outbox.mark(store, *last, now)
        return None if id_ is None else outbox.claim(store, id_)

    return store.run(work) if last is not None or id_ is not None else None


# --- One mail


def _attempt(session: _Session, row: Row, end: float) -> Outcome:
    try:
        content = wire(row["message"])
        if not valid_address(row["recipient"]):
            raise ValueError("the recipient is not one valid address")
    except Exception as exc:  # whatever it is, this mail cannot be sent, and the next one can
        return Outcome("failed", f"cannot be built: {_shown(exc)}")
    deadline = min(time.monotonic() + session.mail.timeout, end)
    return session.deliver(row["recipient"], content, deadline)


class _Session:
    """One connection, used for many mails; it is opened when a mail needs it."""

    def __init__(self, mail: MailSettings) -> None:
        self.mail = mail
        self.gone = False  # the server cannot be used in this run
        self._failures = 0
        self._used = 0
        self._line: _Line | None = None
        self._password = _checked_password(mail)
        self._name = smtplib.SMTP().local_hostname  # looked up once, not at each connection

    def deliver(self, recipient: str, content: bytes, deadline: float) -> Outcome:
        """Carry out one transaction; whatever happens, an outcome, and no later than the deadline."""
        dotted = False
        try:
            line, code, text = self._begin(deadline)
            stage = "MAIL"
            if code == 250:
                stage, (code, text) = "RCPT", line.docmd("RCPT", f"TO:<{recipient}>")
            if code in (250, 251) and stage == "RCPT":
                stage, (code, text) = "DATA", line.docmd("DATA")
            if code == 354 and stage == "DATA":
                line.send(content)
                dotted = True
                stage, (code, text) = "message", line.getreply()
            return self._judge(stage, code, text)
        except _NoSession as exc:
            self._drop()
            self._failures += 1
            self.gone = isinstance(exc, _Hopeless) or self._failures >= CONNECT_FAILURES
            return Outcome("queued", str(exc))
        except OSError as exc:
            self._drop()
            return Outcome("queued", _shown(exc), twice=dotted)

    def _judge(self, stage: str, code: int, text: bytes) -> Outcome:
        reason = f"{stage}: {code} {_shown(text)}"
        if stage == "message" and code == 250:
            self._used += 1
            return Outcome("sent")
        if code == 530:  # "authentication required" is about us, not about this mail
            raise _Hopeless(reason)
        if stage == "message" and not 400 <= code <= 599:
            raise OSError(f"the server answered the final dot with {code} {_shown(text)}")
        self._reset(code)
        return Outcome("failed" if 500 <= code <= 599 else "queued", reason)

    def _begin(self, deadline: float) -> tuple[_Line, int, bytes]:
        """Say MAIL; on a new connection when the old one, as servers do, has been closed meanwhile."""
        if self._used >= MAILS_A_CONNECTION:
            self.quit()
        command = f"FROM:<{self.mail.sender}>"
        if self._line is not None:
            self._line.deadline = deadline
            with contextlib.suppress(OSError):
                code, text = self._line.docmd("MAIL", command)
                if code not in (-1, 421):
                    return self._line, code, text
            self._drop()
        self._line = _Line(local_hostname=self._name)
        self._line.deadline = deadline
        try:
            _open(self._line, self.mail, self._password)
        except (OSError, UnicodeError) as exc:
            fault = _Hopeless if isinstance(exc, ssl.SSLCertVerificationError) else _NoSession
            raise fault(f"{self.mail.host}:{self.mail.port}: {_shown(exc)}") from exc
        return self._line, *self._line.docmd("MAIL", command)

    def _reset(self, code: int) -> None:
        """Make the connection ready for the next mail after a clean refusal, else close it."""
        with contextlib.suppress(OSError):
            if self._line and code not in (-1, 421) and self._line.docmd("RSET")[0] == 250:
                return
        self._drop()

    def _drop(self) -> None:
        if self._line is not None:
            self._line.close()
        self._line, self._used = None, 0

    def quit(self) -> None:
        """Say good-bye; how the server takes it no longer matters."""
        if self._line is not None:
            self._line.deadline = time.monotonic() + _QUIT_TIME
            with contextlib.suppress(OSError):
                self._line.docmd("QUIT")
        self._drop()


def _shown(what: bytes | Exception) -> str:
    """Return what a server said or what went wrong, on one line and not too long."""
    plain = what.decode("utf-8", "replace") if isinstance(what, bytes) else str(what) or type(what).__name__
    return " ".join(plain.replace("\0", " ").split())[:300]


# --- The connection


class _Line(smtplib.SMTP):
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


def _open(line: _Line, mail: MailSettings, password: str) -> None:
    """Make a connection ready for MAIL, secured and logged in as the settings demand."""
    _dial(line, mail)
    if mail.security == "tls":
        line.secure(mail.host)
    _expect(220, "greeting", line.getreply())
    _greet(line, mail)
    if mail.security == "starttls":
        if not line.has_extn("starttls"):
            raise _Hopeless("the server offers no STARTTLS, which is required")
        _expect(220, "STARTTLS", line.docmd("STARTTLS"))
        line.secure(mail.host)
        _greet(line, mail)
    if mail.user:
        _log_in(line, mail.user, password)


def _dial(line: _Line, mail: MailSettings) -> None:
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


def _greet(line: _Line, mail: MailSettings) -> None:
    code, text = line.ehlo()
    if code != 250 and mail.security == "none" and not mail.user:
        code, text = line.helo()
    _expect(250, "EHLO", (code, text))


def _log_in(line: _Line, user: str, password: str) -> None:
    offered = str(line.esmtp_features.get("auth", "")).upper().split()
    if "PLAIN" in offered:
        both = f"\0{user}\0{password}"
        reply = line.docmd("AUTH", f"PLAIN {_base64(both)}")
    elif "LOGIN" in offered:
        reply = line.docmd("AUTH", f"LOGIN {_base64(user)}")
        if reply[0] == 334:
            reply = line.docmd(_base64(password))
    else:
        raise _Hopeless("the server offers no login by password (AUTH PLAIN or LOGIN)")
    # a server may repeat what it was sent, so its words are not kept: the code tells enough
    _expect(235, "AUTH", (reply[0], b"the login was refused"))


def _base64(text: str) -> str:
    return binascii.b2a_base64(text.encode(), newline=False).decode()


def _expect(code: int, stage: str, reply: tuple[int, bytes]) -> None:
    """Go on only after the expected reply; a login that is refused is not tried again in the same run."""
    if reply[0] != code:
        fault = _Hopeless if stage == "AUTH" and reply[0] >= 500 else _NoSession
        raise fault(f"{stage}: {reply[0]} {_shown(reply[1])}")


def _checked_password(mail: MailSettings) -> str:
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
