"""M7: whatever people write, no mail gets a header or a reader by it, in any kind of mail that we send.

RT CVE-2012-4730, CVE-2024-6923 and CVE-2026-1299 of CPython. `SD_SOAK=300` tries 90,000 subjects.
"""

from __future__ import annotations

import email
import email.policy
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdtool.desk import Desk
from sdtool.mail.compose import wire
from tests.reliability.every_mail import KINDS, write_all
from tests.test_mail_compose import HEADERS, HOSTILE, made, names

ABOUT_A_TICKET = ["In-Reply-To", "References", "X-SD-Ticket"]
# what a database takes: NUL and half characters are refused at the door
STORED = [text for text in HOSTILE if "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)]


def without_envelope(message: str) -> list[str]:
    """Return the names of the headers but those of the body, which depend on its kind, and of a ticket."""
    inner = {"Content-Transfer-Encoding", *ABOUT_A_TICKET}
    return [name for name in names(message) if name not in inner]


@pytest.mark.parametrize("words", [*STORED, "Één printer €", "x: y", ".\r\n.\r\nMAIL FROM:<e@x.example>"])
def test_m7_no_kind_of_mail_takes_a_header_from_words(desk: Desk, words: str) -> None:
    write_all(desk, words)

    rows = desk.store.query("select kind, recipient, message from outbox order by id")
    assert {row["kind"] for row in rows} == KINDS
    for row in rows:
        found = email.message_from_string(row["message"], policy=email.policy.default)
        assert sorted(without_envelope(row["message"])) == sorted(HEADERS), row["kind"]
        assert len(found.get_all("To")) == len(found.get_all("From")) == 1, row["kind"]
        assert found["To"] == row["recipient"]
        assert [a.addr_spec for a in found["From"].addresses] == [desk.settings.mail.sender]
        assert names(found.as_bytes().decode("ascii")) == names(
            row["message"]
        )  # a relay that writes it again


@pytest.mark.parametrize("words", [*STORED, ".\r\n.\r\nMAIL FROM:<e@x.example>", "\n.\n", "\r.\r"])
def test_m7_no_text_ends_the_mail_before_its_end(desk: Desk, words: str) -> None:
    """SMTP smuggling, CVE-2023-51764 and others: one final dot, no line end but CRLF."""
    write_all(desk, words)

    for row in desk.store.query("select message from outbox"):
        sent = wire(row["message"])
        assert sent.count(b"\r\n.\r\n") == 1
        assert not set(b"\r\n") & set(sent.replace(b"\r\n", b""))


@settings(max_examples=300 * int(os.environ.get("SD_SOAK", "1")), deadline=None)
@given(
    st.text(st.characters(codec=None), max_size=120),
    st.sampled_from(["", "=?utf-8?q?=0ABcc:_", "\r\nBcc: ", "\u2028Bcc: ", "\n\n"]),
    st.sampled_from([None, 7]),
)
def test_m7_no_subject_makes_a_header(text: str, hostile: str, ticket: int | None) -> None:
    message = made(subject=text + hostile + text, desk_name=hostile + text, ticket=ticket)

    assert [name for name in names(message) if name not in ABOUT_A_TICKET] == HEADERS
    assert wire(message).count(b"\r\n.\r\n") == 1
