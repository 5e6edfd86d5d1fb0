"""Messages to customers and colleagues, built as 7-bit text with the standard `email` package.

`email` takes 12 ms to import, so the functions do it: only a command that queues mail pays. CPython 3.11.7,
here or at a relay, writes an encoded word of a summary out as a header of its own (CVE-2024-6923). So text
from outside loses `=?` and control characters before it enters a header, and the headers are read back.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sdtool.errors import BadInput, Internal

if TYPE_CHECKING:
    from email.charset import Charset
    from email.message import Message
    from email.policy import Compat32

SUBJECT_LIMIT = 500  # characters; a longer subject is cut
LINE_LIMIT = 998  # characters without the line end, RFC 5321 4.5.3.1.6
_PLAIN = 66  # characters of a line that stays readable: with `Subject: ` within 76
_ATOM = r"[A-Za-z0-9#$&'*+/=?^_`{}~-]+"  # no % ! |: some servers still route or pipe on them
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}\.)*(?![0-9]){_LABEL}"  # a.b@10.0.0.1 is no name
_ADDRESS = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_DOMAIN}")
_MESSAGE_ID = re.compile(rf"<[A-Za-z0-9._+=-]{{1,128}}@{_DOMAIN}>")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?")
# what keeps vacation programs and other desks from answering: RFC 3834, older ones, Exchange
_AUTOMATIC = (
    ("Auto-Submitted", "auto-generated"),
    ("Precedence", "bulk"),
    ("X-Auto-Response-Suppress", "OOF, AutoReply"),
)
# C0, C1, the line and paragraph separators, and what turns the reading direction around
_CONTROL = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def valid_address(text: str) -> bool:
    """Tell whether `text` is one plain ASCII address, `local@domain`, that nobody can read as another.

    Narrower than RFC 5321 on purpose: no quotes, comments, names, routes, address literals or encoded words.
    """
    return _ADDRESS.fullmatch(text) is not None and "=?" not in text


def mint_id(domain: str) -> str:
    """Return a new Message-ID, `<…@domain>`, that nobody can guess."""
    return f"<sd-{os.urandom(16).hex()}@{domain}>"


def message(
    *,
    sender: str,
    recipient: str,
    subject: str,
    text: str,
    html: str | None,
    message_id: str,
    language: str = "nl",
    now: int,
    desk_name: str = "",
    ticket: int | None = None,
    pictures: Sequence[tuple[str, bytes]] = (),
) -> str:
    """Return a complete message: ASCII, lines of at most 998 characters that end in a newline alone.

    Args:
        sender, recipient: one address each; see `valid_address`.
        subject: what people read; cut at SUBJECT_LIMIT. A ticket puts `[SD-42]` before it.
        text, html: the two bodies; the same content for readers with and without HTML.
        message_id: from `mint_id`.
        now: epoch seconds, for the Date.
        desk_name: shown before the sender's address.
        ticket: also threads the mails about one ticket together.
        pictures: PNG files that the HTML shows, each by a name of ours: `<img src="cid:NAME">`.

    Raises:
        BadInput: an address is not exactly one valid address.
        Internal: the header block does not read back as what was put in.
    """
    _check(sender, recipient, message_id, language)
    mail = _body(text, html, message_id, pictures)
    mail["Date"] = _date(now)
    mail["From"] = _named(desk_name, sender)
    mail["To"] = recipient
    mail["Message-ID"] = message_id
    mail["Subject"] = _words("Subject", _subject(subject, ticket))
    for name, value in (*_thread(ticket, sender), *_AUTOMATIC):
        mail[name] = value
    mail["X-SD-Loop"] = sender
    mail["Content-Language"] = language
    return _read_back(mail.as_string(), mail.items())


def _check(sender: str, recipient: str, message_id: str, language: str) -> None:
    """Refuse what goes into a header as it is, unless it can be nothing else there."""
    for address in (sender, recipient):
        if not valid_address(address):
            raise BadInput(f"{address!r} is not one valid mail address: no mail was made, correct it first")
    if not _MESSAGE_ID.fullmatch(message_id) or not _LANGUAGE.fullmatch(language):
        raise Internal(f"a mail cannot have the Message-ID {message_id!r} or the language {language!r}")


def wire(message: str) -> bytes:
    """Return a message as it goes over the line after DATA: CRLF, dots doubled, the final dot.

    Raises:
        ValueError: it holds other than ASCII, NUL, or a line that is too long.
    """
    from smtplib import quotedata

    if "\0" in message or max(map(len, message.replace("\r", "\n").split("\n"))) > LINE_LIMIT:
        raise ValueError("the message has a NUL or a line that is too long")
    return (quotedata(message).removesuffix("\r\n") + "\r\n.\r\n").encode("ascii")


def _clean(text: str) -> str:
    """Return text for a header on one line, without what a mail program could take for something else."""
    whole = text.encode("utf-8", "replace").decode()  # a lone surrogate becomes a question mark
    return _CONTROL.sub(" ", whole).strip().replace("=?", "= ?")


def _date(now: int) -> str:
    from datetime import UTC, datetime
    from email.utils import format_datetime

    return format_datetime(datetime.fromtimestamp(now, UTC))


def _thread(ticket: int | None, sender: str) -> tuple[tuple[str, str], ...]:
    """Return what makes one conversation of a ticket's mails.

    The root is no mail and easy to guess; it groups, and proves nothing.
    """
    if ticket is None:
        return ()
    root = f"<sd-ticket-{ticket:d}@{sender.rpartition('@')[2]}>"
    return ("In-Reply-To", root), ("References", root), ("X-SD-Ticket", f"{ticket:d}")


def _subject(subject: str, ticket: int | None) -> str:
    line = _clean(subject)
    if len(line) > SUBJECT_LIMIT:
        line = line[: SUBJECT_LIMIT - 1] + "…"
    mark = "" if ticket is None else f"[SD-{ticket:d}]"
    return line if mark and mark in line else f"{mark} {line}".strip() or "-"


def _words(name: str, line: str) -> str:
    """Return a clean line for the header `name`: as it is, or in encoded words when long or not ASCII."""
    from email.header import Header

    if line.isascii() and len(line) <= _PLAIN:
        return line
    return Header(line, _charset(), header_name=name).encode()


def _named(name: str, address: str) -> str:
    """Return an address with the name to show before it; the address alone when there is no name."""
    from email.utils import formataddr

    clean = _clean(name)[:100].strip()
    words = _words("From", clean)
    return formataddr((clean, address)) if words == clean else f"{words} <{address}>"


def _body(text: str, html: str | None, message_id: str, pictures: Sequence[tuple[str, bytes]]) -> Message:
    """Return a message that has no sender yet: plain text, or plain text and HTML with its pictures."""
    from email.mime.multipart import MIMEMultipart
    from email.mime.text import MIMEText

    parts: list[Message] = []
    for kind, content in (("plain", text), ("html", html)):
        if content is not None:
            whole = content.encode("utf-8", "replace").decode().removesuffix("\n") + "\n"
            parts.append(MIMEText(whole, kind, _charset(), policy=_policy()))  # type: ignore[arg-type]  # stub
    boundary = "=_" + message_id[1:].partition("@")[0][:60]  # no quoted-printable text holds =_
    if html is not None and pictures:
        shown = [parts[1], *(_picture(*one) for one in pictures)]
        parts[1] = MIMEMultipart("related", boundary + "_r", shown, policy=_policy())
        parts[1].set_param("type", "text/html")
    return parts[0] if html is None else MIMEMultipart("alternative", boundary, parts, policy=_policy())


def _picture(name: str, data: bytes) -> Message:
    """Return a PNG as a part that the HTML beside it names."""
    from email.mime.image import MIMEImage

    part = MIMEImage(data, "png", policy=_policy())
    part["Content-ID"] = f"<{name}>"
    part["Content-Disposition"] = f'inline; filename="{name}.png"'
    return part


@functools.cache
def _policy() -> Compat32:
    """Return compat32 without folding: long values come folded, and doing it again is a third of the time."""
    from email.policy import Compat32

    class AsSet(Compat32):
        def fold(self, name: str, value: str) -> str:
            return f"{name}: {value}\n"

    return AsSet()


@functools.cache
def _charset() -> Charset:
    """Return UTF-8 with quoted-printable texts, and base64 in headers, where that is much the quicker one."""
    from email.charset import BASE64, QP, Charset

    charset = Charset("utf-8")
    charset.header_encoding, charset.body_encoding = BASE64, QP
    return charset


def _read_back(written: str, headers: list[tuple[str, str]]) -> str:
    """Return the message, once its headers parse as those that were set: no others, none empty."""
    from email.parser import HeaderParser

    again = HeaderParser().parsestr(written)
    if again.items() != headers or again.defects or not written.isascii() or "" in again.values():
        raise Internal("a mail was not made: its headers do not read back as they were written")
    return written
