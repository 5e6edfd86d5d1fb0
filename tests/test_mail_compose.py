from __future__ import annotations

import email
import email.policy
import subprocess
import sys
from datetime import date
from email.errors import MessageError
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdtool.errors import BadInput, Internal
from sdtool.mail import compose
from sdtool.mail.compose import message, mint_id, valid_address, wire
from sdtool.reports import kpi_mail
from sdtool.rulebook import Report

NOW = 1_790_000_000  # Monday 21 September 2026, 14:13:20 UTC
HEADERS = [
    "Content-Type", "MIME-Version", "Date", "From", "To", "Message-ID", "Subject", "Auto-Submitted",
    "Precedence", "X-Auto-Response-Suppress", "X-SD-Loop", "Content-Language",
]  # fmt: skip
GIVEN = {
    "sender": "desk@oost.example",
    "recipient": "jan@oost.example",
    "subject": "Printer",
    "text": "Dag",
    "html": "<p>Dag</p>",
    "message_id": "<sd-1@oost.example>",
    "now": NOW,
}
HOSTILE = (
    "=?utf-8?q?hi=0ABcc:_e@x?=",
    "x\r\nBcc: e@x.example",
    "x\n\n<script>",
    "x\rBcc: e@x.example",
    "x\u0085Bcc: e@x.example",
    "x\u2028Bcc: e@x.example",
    "=\n?utf-8?q?=0ABcc:_e@x?=",
    "\x00\x1b]0;x\x07",
    "\udcff\ud83d",
    "=\ud800utf-8?q?=0ABcc:_e@x?=",
    "\u202egnp.exe",
    '" <e@x.example>, "',
    "\\",
    "a" * 5000,
    "é" * 5000,
    "=?" * 300,
    " ",
    "",
)


def made(**changes: object) -> str:
    return message(**{**GIVEN, **changes})  # type: ignore[arg-type]


def read(text: str) -> EmailMessage:
    parsed = email.message_from_string(text, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def names(text: str) -> list[str]:
    """What another program finds: the header names, by Python's old and new parser alike."""
    old = email.message_from_bytes(text.encode(), policy=email.policy.compat32)
    assert list(old.keys()) == list(read(text).keys())
    return list(old.keys())


def test_both_bodies_and_headers_read_back():
    mail = read(
        made(subject="Méér dan één €", text="één\r\ntwee\rdrie", html="<p>é=1</p>", desk_name="IT-desk")
    )

    plain, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert plain.get_content().splitlines() == ["één", "twee", "drie"]
    assert html.get_content().strip() == "<p>é=1</p>"
    assert mail["Subject"] == "Méér dan één €"
    assert mail["From"].addresses[0].display_name == "IT-desk"
    assert mail["Date"].datetime.timestamp() == NOW


def test_it_says_that_it_is_automatic():
    mail = read(made(language="en"))

    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Precedence"] == "bulk"
    assert mail["X-SD-Loop"] == "desk@oost.example"
    assert mail["Content-Language"] == "en"


def test_plain_text_alone_is_no_multipart():
    mail = read(made(html=None, text="Dag é"))

    assert mail.get_content_type() == "text/plain"
    assert mail.get_content() == "Dag é\n"


def test_a_ticket_is_in_the_subject_and_threads_the_mails():
    mail = read(made(ticket=42, subject="Printer"))

    assert mail["Subject"] == "[SD-42] Printer"
    assert mail["References"] == mail["In-Reply-To"] == "<sd-ticket-42@oost.example>"


def test_the_mark_of_a_ticket_is_not_doubled():
    assert read(made(ticket=42, subject="Re: [SD-42] Printer"))["Subject"] == "Re: [SD-42] Printer"


def test_it_is_seven_bit_with_short_lines():
    text = made(subject="é" * 400, text="x" * 5000 + "\x00é\ud800", desk_name="ü" * 90)

    assert text.isascii()
    assert max(map(len, text.split("\n"))) <= 99
    assert "\r" not in text


def test_control_characters_become_spaces():
    subject = read(made(subject="a\u0085b\x1bc\r\n\u202ed\x7f\ud800"))["Subject"]

    assert subject == "a b c d ?"


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_makes_no_header(hostile):
    """CVE-2024-6923, CVE-2026-1299, RT CVE-2012-4730: a summary must not become a header or a recipient."""
    text = made(subject=hostile, desk_name=hostile, text=hostile, html=hostile)

    assert names(text) == HEADERS
    assert read(text)["To"] == "jan@oost.example"
    assert [a.addr_spec for a in read(text)["From"].addresses] == ["desk@oost.example"]
    assert "=?" not in read(text)["Subject"]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet=st.characters(codec=None), max_size=200), st.sampled_from([None, 7]))
def test_no_text_makes_a_header(text, ticket):
    """Any characters at all, lone surrogates too."""
    found = names(made(subject=text, desk_name=text, text=text, html=text, ticket=ticket))

    assert [name for name in found if name not in ("In-Reply-To", "References", "X-SD-Ticket")] == HEADERS


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="="), min_size=1, max_size=400)
)
def test_a_decent_subject_arrives_as_it_was(subject):
    old = email.message_from_string(made(subject=subject))
    parts = email.header.decode_header(old["Subject"])

    arrived = "".join(
        raw if isinstance(raw, str) else raw.decode(charset or "ascii") for raw, charset in parts
    )
    assert arrived == subject


@pytest.mark.parametrize("subject", ["Printer", "Printer é", "[SD-1] " + "woord " * 60])
def test_reserialising_the_mail_changes_no_header(subject):
    """A mailing list in Python parses and writes it again: that is where the injection struck."""
    again = read(read(made(subject=subject)).as_string())

    assert list(again.keys()) == HEADERS


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("field", ["subject", "desk_name"])
def test_reserialising_hostile_text_makes_no_header(field, hostile):
    """CVE-2024-6923 strikes at whoever writes the mail again: a relay with that fault must find nothing."""
    again = read(read(made(**{field: hostile})).as_bytes().decode())

    assert list(again.keys()) == HEADERS
    assert [a.addr_spec for a in again["From"].addresses] == ["desk@oost.example"]


@pytest.mark.parametrize(
    "hostile", [*HOSTILE, "--=_sd-1\nBcc: e@x.example\n\nx", "--=_sd-1--\nBcc: e@x.example"]
)
def test_hostile_bodies_make_no_part_and_no_header(hostile):
    """The boundary is known to who wrote the text, and still ends nothing."""
    parts = list(email.message_from_string(made(text=hostile, html=hostile)).walk())

    assert [part.get_content_type() for part in parts] == ["multipart/alternative", "text/plain", "text/html"]
    assert {name for part in parts[1:] for name in part.keys()} == {  # noqa: SIM118 - a Message yields no names
        "Content-Type", "MIME-Version", "Content-Transfer-Encoding",
    }  # fmt: skip
    assert parts[0].epilogue in (None, "")


@pytest.mark.parametrize("hostile", [text for text in HOSTILE if text.isascii()])
def test_a_hostile_desk_name_adds_nothing_to_the_kpi_mail(desk, hostile):
    """It is in the subject, in the sender, and in both bodies."""
    named = desk.rulebook.organisation._replace(desk=hostile)
    addressees = (Report("kpi", ("a@example.org",), "nl"),)
    desk.rulebook = desk.rulebook._replace(organisation=named, reports=addressees)
    kpi_mail.queue_mail(desk, date(2026, 11, 1), date(2026, 12, 1))

    mail = desk.store.value("select message from outbox")
    assert names(mail) == list(read(read(mail).as_string()).keys()) == HEADERS
    assert [part.get_content_type() for part in read(mail).walk()][1:] == ["text/plain", "text/html"]


@settings(max_examples=200, deadline=None)
@given(st.text(st.characters(categories=["L", "N", "P", "S"], exclude_characters="="), max_size=100))
def test_a_decent_desk_name_arrives_as_it_was(name):
    coded, address = email.utils.parseaddr(email.message_from_string(made(desk_name=name))["From"])

    assert str(email.header.make_header(email.header.decode_header(coded))) == name
    assert address == "desk@oost.example"


def test_what_is_longer_than_a_line_stays_beside_its_name():
    """An address or Message-ID that cannot be folded must not begin with a line end."""
    address = f"{'a' * 64}@{'b' * 60}.{'c' * 60}.example"
    subject, message_id = "https://oost.example/" + "a" * 400, mint_id(address[65:])
    mail = read(made(sender=address, recipient=address, subject=subject, message_id=message_id))

    assert (mail["To"], mail["X-SD-Loop"], mail["Message-ID"]) == (address, address, message_id)
    assert mail["Subject"] == subject


def test_the_net_below_catches_what_cpython_injects():
    """The fault itself; a CPython in which it is mended refuses to write the mail."""
    mail = EmailMessage()
    mail["Subject"] = "=?utf-8?q?hi=0ABcc:_e@x?="
    with pytest.raises((Internal, MessageError)):
        compose._read_back(mail.as_string(), list(mail.items()))


@pytest.mark.parametrize(
    "value", ["x\nBcc: e@x.example", "x\n\nbody", "x\rBcc: e", "x\nno field", "", "é", " x"]
)
def test_the_net_below_catches_what_slips_through(value):
    """A value that was not made harmless does not read back as one header."""
    with pytest.raises(Internal):
        compose._read_back(
            f"Subject: {value}\nTo: a@b.example\n", [("Subject", value), ("To", "a@b.example")]
        )


def test_a_message_id_with_a_newline_is_refused():
    with pytest.raises(Internal):
        made(message_id="<a@b>\nBcc: e@x.example")


def test_a_language_with_a_newline_is_refused():
    with pytest.raises(Internal):
        made(language="nl\nBcc: e@x.example")


@pytest.mark.parametrize("field", ["sender", "recipient"])
def test_an_invalid_address_is_refused(field):
    with pytest.raises(BadInput):
        made(**{field: "boss@city.example <evil@x.example>"})


@pytest.mark.parametrize(
    "address",
    [
        "jan@oost.example",
        "jan.o'brien+x@sub.oost.example",
        "a@localhost",
        "SRS0=a=b=c@x.example",
        "x@xn--bcher-kva.de",
    ],
)
def test_usual_addresses_are_valid(address):
    assert valid_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "a@",
        "@b",
        "a",
        "a@b@c",
        "a@[",
        "a@[10.0.0.1]",
        "a@10.0.0.1",
        "a b@c.example",
        "a@b.example\n",
        "a@b.example,c@d.example",
        "<a@b.example>",
        '"a"@b.example',
        "a(x)@b.example",
        "a@b..example",
        ".a@b.example",
        "a.@b.example",
        "a@-b.example",
        "a@b-.example",
        "é@b.example",
        "a@é.example",
        "a\0@b.example",
        "a@b.example\0",
        "user%c.example@b.example",
        "b!a@c.example",
        "|prog@b.example",
        "=?utf-8?q?a?=@b.example",
        "\ufffd@b.example",
        "\ud800@b.example",
        "a" * 65 + "@b.example",
        "a@" + "b." * 130 + "example",
        "a@b.example Bcc:c@d.example",
    ],
)
def test_ambiguous_addresses_are_not_valid(address):
    assert not valid_address(address)


def test_message_ids_differ_and_are_valid():
    ids = {mint_id("oost.example") for _ in range(100)}

    assert len(ids) == 100
    assert made(message_id=ids.pop())


def test_on_the_wire_lines_end_in_crlf_and_dots_are_doubled():
    assert wire("A: b\n\n.\n..x\r\ny\rz") == b"A: b\r\n\r\n..\r\n...x\r\ny\r\nz\r\n.\r\n"


@pytest.mark.parametrize("text", ["é", "\0", "x" * 999, "\ud800"])
def test_what_smtp_cannot_carry_is_refused(text):
    with pytest.raises(ValueError):
        wire(text)


def test_composing_does_not_import_the_email_package():
    """It costs a command 12 ms."""
    code = "import sys, sdtool.mail.compose, sdtool.mail.outbox; print('email' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def test_picture_lies_beside_the_html_that_shows_it():
    """Readers without HTML get the text alone; the same words and pictures give the same bytes."""
    given = {**GIVEN, "html": '<img src="cid:figures" alt="x">', "pictures": [("figures", b"\x89PNG" * 40)]}
    whole = message(**given)
    mail = email.message_from_string(whole, policy=email.policy.default)

    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"
    ]  # fmt: skip
    (picture,) = (part for part in mail.walk() if part.get_content_type() == "image/png")
    assert (picture["Content-ID"], picture.get_content()) == ("<figures>", b"\x89PNG" * 40)
    assert whole == message(**given)
    assert wire(whole)
