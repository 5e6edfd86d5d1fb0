"""Measure reminders: rendered and queued, then delivered to a real SMTP server, as a plain loop does too.

    python -m bench.remind [--mails 10000]

The server is aiosmtpd in a process of its own, on loopback. The plain loop sends the same bytes over one
connection, in two halves, before and after ours; it keeps nothing of what it does. Ours claims each mail,
sends it and notes the answer, with the durability of a desk.
"""

from __future__ import annotations

import argparse
import os
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

from sdtool.desk import Desk, calendars, people, records, registration, reminders
from sdtool.mail import deliver
from sdtool.rulebook import compiled
from sdtool.settings import MailSettings, Settings
from sdtool.store import create_store
from sdtool.store.base import Store

ASKED = int(datetime(2026, 11, 23, 9, 30, tzinfo=UTC).timestamp())
DUE = ASKED + 3 * 86_400  # three working days later, in the window


def main() -> None:
    """Measure, and print a line a figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mails", type=int, default=10_000)
    count = parser.parse_args().mails
    with tempfile.TemporaryDirectory() as folder, _server() as port:
        for what, figure in measure(folder, port, count):
            print(f"{what:<38}{figure:>10}")


def measure(folder: str, port: int, count: int) -> Iterator[tuple[str, str]]:
    """Yield figures with what they are."""
    desk = _desk(folder, port)
    _owe(desk, count)
    desk.now = DUE
    start = time.perf_counter()
    done = reminders.remind(desk)
    queued = time.perf_counter() - start
    if len(done.mails) != count:
        raise SystemExit(f"{len(done.mails)} of {count} mails were queued")
    yield "rendered and queued, mails/s", f"{count / queued:.0f}"
    mails = [(mail.to, mail.message) for mail in done.mails]
    plain = _plain(port, mails[: count // 2])
    start = time.perf_counter()
    _deliver(desk)
    ours = time.perf_counter() - start
    left = desk.store.value("select count(*) from outbox where state <> 'sent'")
    if left:
        raise SystemExit(f"{left} mails were not sent")
    plain += _plain(port, mails[count // 2 :])
    yield "plain smtplib, mails/s", f"{count / plain:.0f}"
    yield "delivered by sd, mails/s", f"{count / ours:.0f}"
    yield "time of sd / plain smtplib", f"{ours / plain:.2f}"


def _desk(folder: str, port: int) -> Desk:
    url = os.path.join(folder, "desk.db")
    store: Store = create_store(url, "bench")
    mail = MailSettings("127.0.0.1", port, sender="servicedesk@example.be")
    mail = mail._replace(per_run=0, per_recipient_day=0)
    book = compiled.load("", folder)
    desk = Desk(store, book, Settings(url, "", mail=mail), actor="bench", source="cron", now=ASKED)
    calendars.sync(desk, range(2025, 2028))
    return desk


def _owe(desk: Desk, count: int) -> None:
    """Let so many people owe an answer for a ticket each, in one transaction: this is not measured."""

    def work() -> None:
        for number in range(count):
            given = {"name": f"Persoon {number} D'Hondt-Çelik", "mail": f"persoon{number}@example.be"}
            who = people.add(desk, {**given, "language": ("nl", "nl", "en", "fr")[number % 4]}).id
            report = registration.Report("Printer werkt niet", who, "phone", "incident", "printer", "normal")
            values = {
                "ticket": registration.register(desk, report).id, "kind": "customer", "person": who,
                "party": None, "what": f"het serienummer van toestel {number}", "asked_at": ASKED,
                "asked_by": "bench", "due_at": ASKED, "step": 0, "step_at": None, "state": "open",
                "ended_at": None, "ended_by": "", "remark": "",
            }  # fmt: skip
            records.add(desk, "owed", values)

    desk.run(work)


def _deliver(desk: Desk) -> None:
    """Send what is due, in as many runs as that takes."""
    sent: deliver.Sent | None = deliver.Sent(1)
    while sent is not None and sent.sent:
        sent = deliver.send(desk.store, desk.settings.mail, now=lambda: DUE, zone=desk.timezone)


def _plain(port: int, mails: Sequence[tuple[str, str]]) -> float:
    """Send mails as a short script would; return the seconds."""
    start = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as session:
        for recipient, message in mails:
            session.sendmail("servicedesk@example.be", [recipient], message)
    return time.perf_counter() - start


@contextmanager
def _server() -> Iterator[int]:
    """Run a server that takes everything and keeps nothing."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [
        sys.executable,
        "-m",
        "aiosmtpd",
        "-n",
        "-l",
        f"127.0.0.1:{port}",
        "-c",
        "aiosmtpd.handlers.Sink",
    ]
    with subprocess.Popen(words) as server:
        try:
            _await(port)
            yield port
        finally:
            server.terminate()


def _await(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the mail server did not start")


if __name__ == "__main__":
    main()
