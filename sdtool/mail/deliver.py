"""Delivering the outbox over SMTP: never lost, never silently, and twice only where nobody can know.

A mail is claimed (state `sending`, committed) before anything is sent, and `sent` only after 250 to the final
dot. Between that dot and its answer a broken connection leaves open whether the server has the mail
(RFC 1047): it goes again, marked `maybe_twice`, under the same Message-ID.
"""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import time
from collections.abc import Callable
from typing import NamedTuple

from sdtool.errors import Refused
from sdtool.mail import addresses, limits, outbox
from sdtool.mail.compose import valid_address, wire
from sdtool.mail.line import Hopeless, Line, NoSession, checked_password, make_ready, shown
from sdtool.mail.outbox import Outcome
from sdtool.settings import MailSettings
from sdtool.store.base import Row, Store

RUN_TIME = 120.0  # seconds a run may take
CONNECT_FAILURES = 3  # one after the other end a run: the server is not there
BREATH = 0.5  # seconds between them: a server that starts again, or is full, is not gone
MAILS_A_CONNECTION = 100
LAST_START = 5.0  # seconds of the run that must be left to begin a mail
CLOCKS_APART = 60  # seconds that the clocks of two machines may differ
_QUIT_TIME = 1.0


class Sent(NamedTuple):
    """What one run did, in numbers of mails; `trouble` is the last reason why one was not sent."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    expired: int = 0
    held: int = 0
    twice_possible: int = 0
    trouble: str = ""

    @property
    def counts(self) -> str:
        """The counts in words, "3 sent, 1 deferred"; "" when there was nothing to do."""
        words = ("sent", "deferred", "failed", "expired", "held", "may arrive twice")
        named = zip(words, self[:6], strict=True)
        return ", ".join(f"{count} {word}" for word, count in named if count)


def send(
    store: Store, mail: MailSettings, *, now: Callable[[], int], zone: str, run_time: float = RUN_TIME
) -> Sent | None:
    """Deliver what is due; return the counts, or None when another run is at it.

    Args:
        mail: server and sender; one mail takes at most `mail.timeout` seconds, whatever the server does.
        now: tells the moment, epoch seconds.
        zone: that of the desk, for the limit of a day.
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
        recovered, expired, held, ids = store.run(lambda: _prepare(store, mail, now(), zone))
        before = Sent(expired=expired, held=held, twice_possible=recovered)
        if not ids:
            return before
        session = _Session(mail)
        try:
            outcomes = _deliver(store, session, ids, now, end)
        finally:
            session.quit()
        return _total(outcomes, before)


def _prepare(store: Store, mail: MailSettings, now: int, zone: str) -> tuple[int, int, int, list[int]]:
    """Return how many mails were taken back, have expired and are held, and the ids of those to send."""
    recovered, expired = outbox.tidy(store, now)
    ids, over = limits.sift(store, mail, now, zone)
    outbox.hold(store, over)
    return recovered, expired, len(over), ids


def _total(outcomes: list[Outcome], before: Sent) -> Sent:
    states = [outcome.state for outcome in outcomes]
    return Sent(
        states.count("sent"),
        states.count("queued"),
        states.count("failed"),
        before.expired,
        before.held + states.count("held"),
        before.twice_possible + sum(outcome.twice for outcome in outcomes),
        next((outcome.reason for outcome in reversed(outcomes) if outcome.reason), ""),
    )


def _deliver(
    store: Store, session: _Session, ids: list[int], now: Callable[[], int], end: float
) -> list[Outcome]:
    outcomes: list[Outcome] = []
    last: tuple[Row, Outcome] | None = None
    timeout = session.mail.timeout
    lease = int(min(timeout, end - time.monotonic())) + CLOCKS_APART
    try:
        for id_ in ids:
            # from before the claim: who is stopped and goes on after the lease must find its time over
            deadline = min(time.monotonic() + timeout, end)
            if session.gone or end - time.monotonic() < min(LAST_START, timeout):
                break
            row = _step(store, last, id_, now(), lease)
            last = None
            if row is not None and row["state"] == "held":
                outcomes.append(Outcome("held", row["last_error"]))
            elif row is not None:
                last = (row, _attempt(session, row, deadline))
                outcomes.append(last[1])
    finally:
        _step(store, last, None, now(), lease)
    return outcomes


# --- One commit a mail


def _step(
    store: Store, last: tuple[Row, Outcome] | None, id_: int | None, now: int, lease: int
) -> Row | None:
    """Write down how the last mail went and claim the next, in one commit; None when that one is gone."""

    def work() -> Row | None:
        if last is not None:
            outbox.mark(store, *last, now)
        return None if id_ is None else outbox.claim(store, id_, now + lease)

    return store.run(work) if last is not None or id_ is not None else None


# --- One mail


def _attempt(session: _Session, row: Row, deadline: float) -> Outcome:
    try:
        content = wire(row["message"])
        if not valid_address(row["recipient"]):
            raise ValueError("the recipient is not one valid address")
    except Exception as exc:  # whatever it is, this mail cannot be sent, and the next one can
        return Outcome("failed", f"cannot be built: {shown(exc)}")
    return session.deliver(row["recipient"], content, deadline)


class _Session:
    """One connection, used for many mails; it is opened when a mail needs it."""

    def __init__(self, mail: MailSettings) -> None:
        self.mail = mail
        self.gone = False  # the server cannot be used in this run
        self._failures = 0
        self._used = 0
        self._line: Line | None = None
        self._password = checked_password(mail)
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
        except NoSession as exc:
            self._drop()
            self._failures += 1
            self.gone = isinstance(exc, Hopeless) or self._failures >= CONNECT_FAILURES
            return Outcome("queued", str(exc))
        except OSError as exc:
            self._drop()
            return Outcome("queued", shown(exc), twice=dotted)

    def _judge(self, stage: str, code: int, text: bytes) -> Outcome:
        reason = f"{stage}: {code} {shown(text)}"
        if stage == "message" and code == 250:
            self._used += 1
            self._failures = 0
            return Outcome("sent")
        # "authentication required", and a sender that is refused: about us, not about this mail
        if code == 530 or (stage == "MAIL" and 500 <= code <= 599):
            raise Hopeless(reason)
        if stage == "message" and not 400 <= code <= 599:
            raise OSError(f"the server answered the final dot with {code} {shown(text)}")
        self._reset(code)
        bad = stage == "RCPT" and addresses.about_address(code, text)
        return Outcome("failed" if 500 <= code <= 599 else "queued", reason, bad=bad)

    def _begin(self, deadline: float) -> tuple[Line, int, bytes]:
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
        if self._failures:
            time.sleep(max(0.0, min(BREATH, deadline - time.monotonic())))
        self._line = Line(local_hostname=self._name)
        self._line.deadline = deadline
        try:
            make_ready(self._line, self.mail, self._password)
        except (OSError, UnicodeError) as exc:
            fault = Hopeless if isinstance(exc, ssl.SSLCertVerificationError) else NoSession
            raise fault(f"{self.mail.host}:{self.mail.port}: {shown(exc)}") from exc
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
