"""Messages to customers and colleagues, built as 7-bit text.

Written by hand, not with `email`: importing that costs a command 12 ms, and its generator decodes encoded
words while it folds, which turned the summary of a ticket into a header (CVE-2024-6923). Here text from
outside goes into a header only as plain ASCII without `=?`, or in base64, and the finished header block is
read back.
"""

from __future__ import annotations

import binascii
import os
import re
import time

from sdtool.errors import BadInput, Internal

SUBJECT_LIMIT = 500  # characters; a longer subject is cut
LINE_LIMIT = 998  # characters without the line end, RFC 5321 4.5.3.1.6
_ATOM = r"[A-Za-z0-9#$&'*+/=?^_`{}~-]+"  # no % ! |: some servers still route or pipe on them
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}\.)*(?![0-9]){_LABEL}"  # a.b@10.0.0.1 is no name
_ADDRESS = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_DOMAIN}")
_MESSAGE_ID = re.compile(rf"<[A-Za-z0-9._+=-]{{1,128}}@{_DOMAIN}>")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})?")
# C0, C1, the line and paragraph separators, and what turns the reading direction around
_CONTROL = re.compile("[\x00-\x20\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_PLAIN = re.compile(r"[ -~]{0,66}")
_FIELD = re.compile(r"([!-9;-~]+): ([!-~](?:[ -~]*[!-~])?)")
_FOLDED = re.compile(r" [!-~](?:[ -~]*[!-~])?")
_WORD_BYTES = 39  # 52 characters of base64: with `Subject: ` and the frame within the 76 of RFC 2047
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


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

    Raises:
        BadInput: an address is not exactly one valid address.
        Internal: the header block does not read back as what was put in.
    """
    for address in (sender, recipient):
        if not valid_address(address):
            raise BadInput(f"{address!r} is not one valid mail address: no mail was made, correct it first")
    if not _MESSAGE_ID.fullmatch(message_id) or not _LANGUAGE.fullmatch(language):
        raise Internal(f"a mail cannot have the Message-ID {message_id!r} or the language {language!r}")
    described, body = _content(text, html, message_id)
    headers = [
        ("Date", _date(now)),
        ("From", f"{_phrase(desk_name)}<{sender}>"),
        ("To", recipient),
        ("Message-ID", message_id),
        ("Subject", _words(_subject(subject, ticket))),
        *_thread(ticket, sender),
        ("Auto-Submitted", "auto-generated"),
        ("Precedence", "bulk"),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
        ("X-SD-Loop", sender),
        ("Content-Language", language),
        ("MIME-Version", "1.0"),
        *described,
    ]
    block = "".join(f"{name}: {value}\n" for name, value in headers)
    return _read_back(block, headers) + "\n" + body


def wire(message: str) -> bytes:
    """Return a message as it goes over the line after DATA: CRLF, dots doubled, the final dot.

    Raises:
        ValueError: it holds other than ASCII, NUL, or a line that is too long.
    """
    lines = message.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
    if "\0" in message or max(map(len, lines)) > LINE_LIMIT:
        raise ValueError("the message has a NUL or a line that is too long")
    doubled = ("\r\n" + "\r\n".join(lines)).replace("\r\n.", "\r\n..")
    return (doubled[2:] + "\r\n.\r\n").encode("ascii")


def _clean(text: str) -> str:
    """Return text for a header on one line, without what a mail program could take for something else."""
    whole = text.encode("utf-8", "replace").decode()  # a lone surrogate becomes a question mark
    return _CONTROL.sub(" ", whole).strip().replace("=?", "= ?")


def _subject(subject: str, ticket: int | None) -> str:
    line = _clean(subject)
    if len(line) > SUBJECT_LIMIT:
        line = line[: SUBJECT_LIMIT - 1] + "…"
    mark = "" if ticket is None else f"[SD-{ticket:d}]"
    return line if mark in line else f"{mark} {line}".strip()


def _words(line: str) -> str:
    """Return a clean line as it stands, or as encoded words when it is long or not ASCII (RFC 2047)."""
    if _PLAIN.fullmatch(line):
        return line or "-"
    pieces, piece = [], b""
    for char in line:
        raw = char.encode()
        if len(piece) + len(raw) > _WORD_BYTES:
            pieces.append(piece)
            piece = b""
        piece += raw
    pieces.append(piece)
    return "\n ".join(f"=?utf-8?b?{binascii.b2a_base64(p, newline=False).decode()}?=" for p in pieces)


def _phrase(name: str) -> str:
    """Return the name to show before an address, with the space between them; "" for no name."""
    clean = _clean(name)[:100]
    if not clean:
        return ""
    escaped = clean.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}" ' if _PLAIN.fullmatch(clean) else f"{_words(clean)} "


def _thread(ticket: int | None, sender: str) -> list[tuple[str, str]]:
    """Return the headers by which mail programs show one ticket as one conversation.

    The root is no mail and easy to guess: it groups, and proves nothing about who answers.
    """
    if ticket is None:
        return []
    root = f"<sd-ticket-{ticket:d}@{sender.rpartition('@')[2]}>"
    return [("In-Reply-To", root), ("References", root), ("X-SD-Ticket", f"{ticket:d}")]


def _date(now: int) -> str:
    at = time.gmtime(now)
    clock = f"{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d} +0000"
    return f"{_DAYS[at.tm_wday]}, {at.tm_mday:02d} {_MONTHS[at.tm_mon - 1]} {at.tm_year:04d} {clock}"


def _content(text: str, html: str | None, message_id: str) -> tuple[list[tuple[str, str]], str]:
    """Return the headers that describe the body, and the body: plain text, or plain text and HTML."""
    if html is None:
        return _part("plain", text)
    # quoted-printable writes every = of a text as =3D, so no line of a part can be this boundary
    boundary = f"=_sd_{binascii.crc32(message_id.encode()):08x}"
    body = ""
    for kind, content in (("plain", text), ("html", html)):
        headers, encoded = _part(kind, content)
        described = "".join(f"{name}: {value}\n" for name, value in headers)
        body += f"--{boundary}\n{described}\n{encoded}"
    return [("Content-Type", f'multipart/alternative; boundary="{boundary}"')], f"{body}--{boundary}--\n"


def _part(kind: str, content: str) -> tuple[list[tuple[str, str]], str]:
    lines = content.replace("\r\n", "\n").replace("\r", "\n")
    raw = (lines if lines.endswith("\n") else lines + "\n").encode("utf-8", "replace")
    headers = [
        ("Content-Type", f"text/{kind}; charset=utf-8"),
        ("Content-Transfer-Encoding", "quoted-printable"),
    ]
    return headers, binascii.b2a_qp(raw, istext=True).decode("ascii")


def _read_back(block: str, headers: list[tuple[str, str]]) -> str:
    """Return the header block, read again line by line: the same fields in the same order, no others."""
    found: list[tuple[str, str]] = []
    for line in block.removesuffix("\n").split("\n"):
        field = _FIELD.fullmatch(line)
        if field:
            found.append((field[1], field[2]))
        elif found and _FOLDED.fullmatch(line):
            found[-1] = (found[-1][0], f"{found[-1][1]}\n{line}")
        else:
            raise Internal("a mail was not made: its headers do not read back as they were written")
    if found != headers:
        raise Internal("a mail was not made: its headers do not read back as they were written")
    return block
