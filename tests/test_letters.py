"""What the desk writes to customers."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Callable

import pytest

from sdtool.store.base import Store
from tests.conftest import MELDER, Sd

New = Callable[..., int]


def _mails(store: Store) -> list[email.message.EmailMessage]:
    rows = store.query("select message from outbox order by id")
    return [email.message_from_string(row["message"], policy=email.policy.default) for row in rows]  # type: ignore[misc]


def test_a_public_note_is_mailed_once(sd: Sd, new: New, store: Store) -> None:
    """The customer gets the text, in the desk's language, under the ticket's number."""
    sd("note", new(), "--public", "We kijken ernaar: {{ 7*7 }}")

    (mail,) = _mails(store)
    assert (mail["To"], mail["Subject"]) == (MELDER, "[SD-1] Printer werkt niet")
    assert "We kijken ernaar: {{ 7*7 }}" in mail.get_content()


@pytest.mark.parametrize(
    ("language", "greeting"), [("nl", "Beste Ana,"), ("en", "Dear Ana,"), ("fr", "Bonjour Ana,")]
)
def test_a_note_is_in_the_language_of_the_caller(
    sd: Sd, new: New, store: Store, language: str, greeting: str
) -> None:
    """Each language of the directory has a note."""
    sd("person", "add", "Ana", "--mail", "ana@example.be", "--language", language)

    sd("note", new(caller="ana@example.be"), "--public", "ok")

    (mail,) = _mails(store)
    assert (mail["Content-Language"], mail.get_content().splitlines()[0]) == (language, greeting)


def test_an_internal_note_is_not_mailed(sd: Sd, new: New, store: Store) -> None:
    """What colleagues write to each other stays inside."""
    sd("note", new(), "klant is moeilijk")

    assert _mails(store) == []


def test_a_confidential_note_says_the_number_only(sd: Sd, new: New, store: Store) -> None:
    """Neither summary nor text of a confidential ticket leaves the desk."""
    number = new("Klacht over collega", "--confidential")

    sd("note", number, "--public", "HR neemt contact op")

    assert not any(word in _mails(store)[0].as_string() for word in ("Klacht", "HR neemt"))


def test_a_note_for_who_has_no_mail_is_only_kept(sd: Sd, new: New, store: Store) -> None:
    """Somebody without a mail address gets no mail, and the note is there."""
    sd("person", "add", "Jan Zonder", "--staff-number", "77")
    number = new(caller="77")

    assert sd("note", number, "--public", "kom langs").code == 0
    assert _mails(store) == []


def test_a_refused_note_leaves_no_mail(sd: Sd, new: New, store: Store) -> None:
    """Note and mail are one transaction."""
    assert sd("note", new(), "--public", "te laat", "--if-rev", "9").code == 5
    assert _mails(store) == []
