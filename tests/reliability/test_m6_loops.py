"""M6: no robot answers our mail, and it goes to none; what robots write does nothing."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest

from sdtool import jobs
from sdtool.desk import Desk, intake, owed
from sdtool.errors import Failed
from sdtool.mail import outbox
from tests.conftest import MELDER
from tests.owing import ask, ticket
from tests.reliability.every_mail import KINDS, write_all
from tests.smtp_servers import faulty
from tests.test_intake import mail, told
from tests.test_mail_limits import put, to

ROUNDS = 20
ROBOTS = (
    "mailer-daemon@x.example", "MAILER-DAEMON@mx.x.example", "double-bounce@x.example", "bounce@x.example",
    "bounces+42@x.example", "lijst-bounces@x.example", "noreply@x.example", "no-reply@x.example",
    "donotreply@x.example", "do-not-reply@x.example", "desk@oost.example", "DESK@oost.example",
)  # fmt: skip


def answers(mail: EmailMessage) -> bool:
    """Tell whether a vacation program would answer: RFC 3834 (2), sendmail's vacation, Exchange."""
    return (
        mail.get("Auto-Submitted", "no").lower() == "no"
        and mail.get("Precedence", "").lower() not in ("bulk", "junk", "list")
        and "OOF" not in mail.get("X-Auto-Response-Suppress", "")
    )


def test_m6_every_mail_says_that_nobody_should_answer_it(desk: Desk) -> None:
    """By each of the three ways alone, since programs heed one or another; and we know our own again."""
    write_all(desk, "Afwezig")

    rows = desk.store.query("select kind, message from outbox")
    assert {row["kind"] for row in rows} == KINDS
    for row in rows:
        mail = email.message_from_string(row["message"], policy=email.policy.default)
        assert mail["Auto-Submitted"] == "auto-generated"
        assert (mail["Precedence"], mail["X-Auto-Response-Suppress"]) == ("bulk", "OOF, AutoReply")
        assert mail["X-SD-Loop"] == desk.settings.mail.sender
        assert not answers(mail)  # type: ignore[arg-type]


@pytest.mark.parametrize("address", ROBOTS)
def test_m6_nothing_goes_to_a_robot_or_to_ourselves(desk: Desk, address: str) -> None:
    put(desk, 1, address)
    with faulty() as server:
        to(desk, server)
        with pytest.raises(Failed, match="1 held"):
            jobs.run(desk, "mail")

    assert (server.delivered, outbox.counts(desk.store)["held"]) == ([], 1)


def test_m6_jobs_write_no_more_than_once_in_twenty_rounds(desk: Desk) -> None:
    """Two desks that write to each other: what one sends makes the other send nothing."""
    write_all(desk, "Afwezig")
    before = len(outbox.listing(desk.store))
    with faulty() as server:
        to(desk, server)
        for _ in range(ROUNDS):
            for name in ("mail", "sweep", "remind", "staff", "feedback", "kpi"):
                jobs.run(desk, name)

    more = {row["kind"] for row in outbox.listing(desk.store)[:-before]}
    assert more <= {"kpi", "jobs"}, more
    assert sum(recipient == MELDER for recipient, _ in server.delivered) <= 10


# --- What comes in

AUTOMATIC = {
    "RFC 3834": {"Auto-Submitted": "auto-replied"},
    "generated": {"Auto-Submitted": "auto-generated; owner-email=x@x.example"},
    "bulk": {"Precedence": "bulk"},
    "auto_reply": {"Precedence": "auto_reply"},
    "list": {"List-Id": "<lijst.x.example>"},
    "autoreply": {"X-Autoreply": "yes"},
    "autorespond": {"X-Autorespond": "yes"},
    "Outlook, Dutch": {"Subject": "Automatisch antwoord: [SD-1] Printer"},
    "Outlook, English": {"Subject": "Automatic reply: [SD-1] Printer"},
    "Outlook, French": {"Subject": "=?utf-8?q?R=C3=A9ponse_automatique_=3A_Printer?="},
    "absent": {"Subject": "Re: Afwezig tot maandag"},
    "empty envelope": {"Return-Path": "<>", "Auto-Submitted": "auto-replied"},
}


@pytest.mark.parametrize("how", AUTOMATIC)
def test_m6_an_automatic_reply_answers_nothing(desk: Desk, how: str) -> None:
    number = ticket(desk)
    asked = ask(desk, number, "het serienummer", person=1)
    headers = {name.replace("-", "_"): value for name, value in AUTOMATIC[how].items()}
    found = intake.receive(desk, mail("Ik ben er niet.", In_Reply_To=told(desk, number), **headers))

    assert found.verdict in ("auto", "bounce")
    assert (owed.get(desk.store, asked).state, len(outbox.listing(desk.store))) == ("open", 1)


def test_m6_words_from_nobody_answer_nothing(desk: Desk) -> None:
    """With an empty envelope alone it is a program's, and which news it brings a person has to read."""
    number = ticket(desk)
    asked = ask(desk, number, "het serienummer", person=1)
    found = intake.receive(desk, mail("Vol.", In_Reply_To=told(desk, number), Return_Path="<>"))

    assert (found.verdict, owed.get(desk.store, asked).state) == ("kept", "open")
    assert len(outbox.listing(desk.store)) == 1


def test_m6_our_own_mail_that_comes_back_does_nothing(desk: Desk) -> None:
    """Every kind of mail, forwarded to the desk itself, and answered by a desk like it, twenty times over."""
    write_all(desk, "Afwezig")
    before = desk.store.sizes()["event"], desk.store.sizes()["outbox"]
    mails = [row["message"] for row in desk.store.query("select message from outbox order by id")]
    for written in range(ROUNDS):
        for message in mails[written % 4 :: 4]:
            found = intake.receive(desk, f"Received: round {written}\n{message}".encode())
            assert found.verdict == "own"

    assert (desk.store.sizes()["event"], desk.store.sizes()["outbox"]) == before
