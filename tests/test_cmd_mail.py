"""`sd mail show` and the acts on mails."""

from __future__ import annotations

from collections.abc import Callable

from sdtool.desk import Desk, handling, registration
from sdtool.store.base import Store
from tests.conftest import MELDER, Sd

New = Callable[..., int]


def test_show_prints_headers_and_text(sd: Sd, new: New) -> None:
    sd("note", new("Één printer"), "--public", "We komen\nstraks langs é")

    ran = sd("mail", "show", 1)

    assert (ran.code, ran.err) == (0, "")
    assert "state: queued\nkind: note\nticket: 1\n" in ran.out
    assert f"To: {MELDER}\n" in ran.out
    assert "Subject: [SD-1] Één printer\n" in ran.out
    assert "    straks langs é\n" in ran.out


def test_show_as_json(sd: Sd, new: New) -> None:
    sd("note", new(), "--public", "We komen")

    shown = sd("mail", "show", 1, "--format", "json").json()

    assert (shown["id"], shown["state"], shown["ticket"], shown["maybe_twice"]) == (1, "queued", 1, False)
    assert shown["headers"]["Auto-Submitted"] == "auto-generated"
    assert "We komen" in shown["text"]


def test_show_is_safe_on_a_terminal(sd: Sd, new: New) -> None:
    """Neither an escape sequence, nor a line that passes for a header."""
    sd("note", new(), "--public", "\x1b[31mrood\nTo: boss@x.example")

    shown = sd("mail", "show", 1).out

    assert "\x1b" not in shown
    assert "\nTo: boss" not in shown


def test_a_confidential_mail_is_for_who_may_read_the_ticket(sd: Sd, desk: Desk) -> None:
    """The mail itself gives the number only; who may not read the ticket does not even see that."""
    report = registration.Report("Klacht", 1, "phone", "incident", "other", "normal", confidential=True)
    number = registration.register(desk, report).id
    handling.note(desk, number, "HR neemt contact op", public=True)

    ran = sd("mail", "show", 1)

    assert (ran.code, ran.out) == (77, "")
    assert MELDER not in ran.err
    assert sd("mail", "queue", "--format", "json").json()[0]["recipient"] == "(confidential)"


def test_reading_a_confidential_mail_is_in_the_journal(sd: Sd, new: New, store: Store) -> None:
    sd("note", new("Klacht", "--confidential"), "--public", "HR neemt contact op")

    assert sd("mail", "show", 1).code == 0
    assert store.value("select count(*) from event where kind = 'reading'") == 1


def test_a_mail_that_is_not_there(sd: Sd) -> None:
    assert sd("mail", "show", 9).code == 4


def test_hold_keeps_a_mail_until_retry(sd: Sd, new: New) -> None:
    sd("note", new(), "--public", "We komen")

    assert sd("mail", "hold", 1).out == "Mails held: 1\n"
    assert sd("mail", "send").out == ""
    (held,) = sd("mail", "queue", "--state", "held", "--format", "json").json()
    assert held["last_error"].startswith("by ")
    assert sd("mail", "hold", 1).code == 5
    assert sd("mail", "retry", 1).code == 0
    assert sd("mail", "queue", "--state", "queued", "--format", "json").json()[0]["id"] == 1
