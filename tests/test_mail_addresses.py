"""Addresses that a server refused: marked, told to who handles the ticket, taken up again."""

from __future__ import annotations

import email
from collections.abc import Callable

import pytest

from sdtool import jobs
from sdtool.desk import Desk
from sdtool.errors import Failed, NotFound
from sdtool.mail import acts, addresses, outbox
from tests.conftest import MELDER, Sd
from tests.smtp_servers import faulty
from tests.test_mail_limits import counts, to

New = Callable[..., int]
UNKNOWN = "550 5.1.1 unknown user"


def refused(desk: Desk, reply: str = UNKNOWN) -> None:
    """Run the job while the server refuses the address."""
    with faulty({"rcpt": reply}) as server:
        to(desk, server)
        with pytest.raises(Failed):
            jobs.run(desk, "mail")


def taken(desk: Desk) -> list[tuple[str, bytes]]:
    """Run the job while the server takes everything; return what it took."""
    with faulty() as server:
        to(desk, server)
        jobs.run(desk, "mail")
    return server.delivered


def notes(sd: Sd, number: int) -> list[str]:
    rows = sd("history", number, "--format", "json").json()
    return [str(row) for row in rows if row["verb"] == "note" and "did not arrive" in str(row)]


@pytest.fixture
def marked(sd: Sd, new: New, desk: Desk) -> int:
    """A ticket whose caller's address was refused, on the first of two notes."""
    number = new()
    sd("note", number, "--public", "eerste")
    sd("note", number, "--public", "tweede")
    refused(desk)
    return number


@pytest.mark.parametrize(
    ("code", "text", "about"),
    [
        (550, b"5.1.1 <jan@x.example>: Recipient address rejected", True),
        (550, b"no such user", True),
        (553, b"5.1.3 bad syntax", True),
        (550, b"5.2.1 mailbox disabled", True),
        (551, b"moved", True),
        (556, b"5.1.10 null MX", True),
        (550, b"5.7.1 message refused", False),
        (554, b"5.7.1 Relay access denied", False),
        (550, b"relay not permitted", False),
        (552, b"5.2.2 over quota", False),
        (552, b"mailbox full", False),
        (550, b"5.1.8 sender's domain does not exist", False),
        (550, b"5.1.7 bad sender", False),
        (503, b"bad sequence", False),
        (530, b"log in", False),
        (450, b"4.1.1 unknown", False),
    ],
)
def test_what_a_reply_says_about_an_address(code: int, text: bytes, about: bool) -> None:
    assert addresses.about_address(code, text) is about


def test_a_refused_address_holds_what_follows(marked: int, desk: Desk) -> None:
    rows = desk.store.query("select state, last_error, attempts from outbox order by id")

    assert [tuple(dict(row).values()) for row in rows] == [
        ("failed", f"RCPT: {UNKNOWN}", 1),
        ("held", f"{addresses.HELD}: RCPT: {UNKNOWN}", 0),
    ]


def test_refused_otherwise_marks_nothing(sd: Sd, new: New, desk: Desk) -> None:
    sd("note", new(), "--public", "dag")
    refused(desk, "554 5.7.1 Relay access denied")

    assert addresses.listing(desk.store) == []


def test_the_ticket_is_told_once(marked: int, sd: Sd, desk: Desk) -> None:
    """Neither by the second mail, nor by the next that is written, nor by another run."""
    sd("note", marked, "--public", "derde")
    with faulty() as server, pytest.raises(Failed, match="1 held"):
        to(desk, server)
        jobs.run(desk, "mail")
    jobs.run(desk, "mail")

    (note,) = notes(sd, marked)
    assert f"The mail to {MELDER} did not arrive: RCPT: {UNKNOWN} (`sd mail show 1`)" in note
    assert counts(desk) == {"failed": 1, "held": 2}


def test_the_note_is_internal_and_no_answer(marked: int, sd: Sd, desk: Desk) -> None:
    row = desk.store.one("select contacts, rev from ticket where id = :id", id=marked)

    assert row is not None
    assert (row["contacts"], len(outbox.listing(desk.store))) == (2, 2)


def test_each_ticket_is_told(sd: Sd, new: New, desk: Desk) -> None:
    first, second = new(), new("Scherm blijft zwart")
    for number in (first, second):
        sd("note", number, "--public", "dag")
    refused(desk)

    assert [len(notes(sd, number)) for number in (first, second)] == [1, 1]


def test_a_merged_ticket_is_told_where_it_goes_on(sd: Sd, new: New, desk: Desk) -> None:
    first, second = new(), new("Scherm blijft zwart")
    sd("note", first, "--public", "dag")
    assert sd("merge", first, "--into", second).code == 0
    refused(desk)

    assert len(notes(sd, second)) == 1


def test_a_run_killed_before_it_told_is_made_up_for(marked: int, sd: Sd, desk: Desk) -> None:
    desk.store.run(lambda: desk.store.execute("update outbox set told_at = null"))
    desk.store.run(lambda: desk.store.execute("delete from bad_address"))

    jobs.run(desk, "mail")

    assert len(notes(sd, marked)) > 1


def test_the_list_of_refused_addresses(marked: int, sd: Sd) -> None:
    (row,) = sd("mail", "bad", "--format", "json").json()

    assert (row["address"], row["held"], row["mail"], row["reason"]) == (MELDER, 1, 1, f"RCPT: {UNKNOWN}")
    assert MELDER in sd("mail", "bad").out


def test_a_good_address_gets_what_was_held(marked: int, sd: Sd, desk: Desk) -> None:
    """The refused mail itself stays failed: `sd mail retry` is for it."""
    assert sd("mail", "good", MELDER).out == f"{MELDER} gets mail again; mails due now: 1\n"

    assert [recipient for recipient, _ in taken(desk)] == [MELDER]
    assert counts(desk) == {"failed": 1, "sent": 1}
    assert sd("mail", "good", MELDER).code == 4


def test_taking_the_mark_away_stands_in_the_journal(marked: int, desk: Desk) -> None:
    acts.good(desk, MELDER.upper())

    assert desk.store.value("select count(*) from event where kind = 'mail' and verb = 'good'") == 1


def test_who_gets_another_address_gets_the_mails(marked: int, sd: Sd, desk: Desk) -> None:
    """Both, in the new name only; the mails that follow go out too."""
    assert sd("person", "edit", MELDER, "--mail", "melder@nieuw.example").code == 0
    sd("note", marked, "--public", "derde")

    arrived = taken(desk)
    assert [recipient for recipient, _ in arrived] == ["melder@nieuw.example"] * 3
    assert {email.message_from_bytes(raw)["To"] for _, raw in arrived} == {"melder@nieuw.example"}
    assert MELDER.encode() not in b"".join(raw for _, raw in arrived)


def test_the_old_address_stays_marked(marked: int, sd: Sd, desk: Desk) -> None:
    sd("person", "edit", MELDER, "--mail", "melder@nieuw.example")

    assert [row["address"] for row in addresses.listing(desk.store)] == [MELDER]


def test_another_address_of_somebody_else_moves_nothing(marked: int, sd: Sd, desk: Desk) -> None:
    sd("person", "add", "Ana", "--mail", "ana@example.be")
    sd("person", "edit", "ana@example.be", "--mail", "ana@nieuw.example")

    assert counts(desk) == {"failed": 1, "held": 1}


def test_what_a_person_held_or_a_limit_does_not_go_by_that(marked: int, sd: Sd, desk: Desk) -> None:
    sd("note", marked, "--public", "derde")
    sd("mail", "hold", "3")
    sd("person", "edit", MELDER, "--mail", "melder@nieuw.example")

    assert counts(desk) == {"queued": 2, "held": 1}


def test_a_retried_mail_goes_to_a_marked_address(marked: int, sd: Sd, desk: Desk) -> None:
    """Who asks for it gets one more try, and is told of the answer as of the first."""
    assert sd("mail", "retry", "2").code == 0

    assert len(taken(desk)) == 1


def test_forgiving_an_unknown_address_is_refused(desk: Desk) -> None:
    with pytest.raises(NotFound):
        addresses.forgive(desk.store, "wie@x.example", desk.now)


def test_a_confidential_ticket_is_told_too(sd: Sd, new: New, desk: Desk) -> None:
    """Whoever runs it may not read the ticket, and is not who tells."""
    secret, other = new(), new("Scherm blijft zwart")
    for number in (secret, other):
        sd("note", number, "--public", "dag")
    desk.store.execute("update outbox set state = 'failed', last_error = 'x'")
    desk.store.execute("update ticket set confidential = 1, registered_by = 'ines', agent = ''")

    assert sd("mail", "send").code == 0
    told = desk.store.query("select subject, source from event where verb = 'note' order by id desc limit 2")
    assert [(row["subject"], row["source"]) for row in told] == [(other, "mail"), (secret, "mail")]
