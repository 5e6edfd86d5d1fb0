"""A mail that came in, read in a process of its own: `reading.py < MAIL` writes what it says as JSON.

The standard parser needs gigabytes for a header of 700 kB, and raises whatever it likes on odd bytes. So
headers are cut to what real ones need, the process has limits, and imports nothing of ours: what started it
(`incoming.py`) survives. Who wrote is what From says and nothing else, and only when that is one address.
"""

import contextlib
import email
import html.parser
import json
import re
import resource
import sys
from email.header import decode_header
from email.message import Message
from typing import Any

MOST_MEMORY = 512 * 1024 * 1024
MOST_SECONDS = 10
MOST_HEADER = 8_192  # bytes of one header; Postfix keeps 102,400 of all
MOST_HEADERS = 102_400
MOST_PARTS = 200
MOST_TEXT = 200_000  # characters of the text
_OURS = re.compile(r"<(sd-[0-9a-f]{32}@[A-Za-z0-9.-]{1,255})>")
_ADDRESS = r"[^\s<>()\[\],;:@\"]+@[^\s<>()\[\],;:@\"]+"


def read(raw: bytes) -> dict[str, Any]:
    """Return what a mail says.

    Keys: sender ("" when From is not one address), name, subject, text, own (text without what it quotes),
    message_id, answers (Message-IDs of ours that it replies to), mentions (of ours anywhere in it), loop (who
    sent it when that was a desk), kind (human, auto, bounce or complaint), machine (the header that tells
    that a program wrote it, if any), and failures: of a bounce the recipients with action, status and reason.
    """
    mail = email.message_from_bytes(_bounded(raw))
    sender, name = _sender(mail)
    plain = _text(mail)
    return {
        "sender": sender,
        "name": name,
        "subject": _header(mail, "Subject"),
        "text": plain[:MOST_TEXT],
        "own": own(plain[:MOST_TEXT]),
        "message_id": _header(mail, "Message-ID")[:300],
        "answers": _OURS.findall(_header(mail, "In-Reply-To") + " " + _header(mail, "References")),
        "mentions": list(dict.fromkeys(_OURS.findall(raw.decode("latin-1")))),
        "loop": _header(mail, "X-SD-Loop"),
        "kind": _kind(mail),
        "machine": _machine(mail),
        "failures": _failures(mail),
    }


def _bounded(raw: bytes) -> bytes:
    """Return a mail with headers no longer than real ones are."""
    head, gap, body = raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    fields: list[bytes] = []
    for line in head.split(b"\n"):
        if line[:1] in (b" ", b"\t") and fields:
            if len(fields[-1]) < MOST_HEADER:
                fields[-1] += b"\n" + line[:MOST_HEADER]
        else:
            fields.append(line[:MOST_HEADER])
    kept, size = [], 0
    for field in fields:
        size += len(field)
        if size > MOST_HEADERS:
            break
        kept.append(field)
    return b"\n".join(kept) + gap + body


# --- Headers


def _header(mail: Message, name: str) -> str:
    """Return a header on one line, its encoded words read; "" when there is none."""
    return decoded(str(mail.get(name) or ""))


def decoded(text: str) -> str:
    """Return a header's text with its encoded words read as well as can be, on one line."""
    found = ""
    try:
        for part, charset in decode_header(text):
            found += _read(part, charset) if isinstance(part, bytes) else part
    except Exception:  # the library raises whatever it likes; then the words stay as they came
        found = text
    return " ".join(found.split())


def _read(content: bytes, charset: str | None) -> str:
    for name in (charset, "utf-8", "cp1252"):
        try:
            return content.decode(name) if name else content.decode("utf-8")
        except (LookupError, UnicodeError, ValueError):
            continue
    return content.decode("latin-1")


def _sender(mail: Message) -> tuple[str, str]:
    """Return the address and the name of who wrote; no address when From names none, or more than one."""
    headers = mail.get_all("From") or []
    if len(headers) != 1:
        return "", ""
    written = re.sub(r"\s+", " ", str(headers[0]))
    pointed = re.findall(rf"<\s*({_ADDRESS})\s*>", re.sub(r'"(?:[^"\\]|\\.)*"', '""', written))
    bare = re.fullmatch(rf"\s*({_ADDRESS})\s*(?:\(([^()]*)\))?\s*", written)
    if len(pointed) == 1:
        return pointed[0].casefold(), decoded(written.partition("<")[0].strip().strip('"'))
    return (bare[1].casefold(), decoded(bare[2] or "")) if bare and not pointed else ("", "")


_AUTO_SUBJECT = re.compile(
    r"(automatisch(e)? (antwoord|beantwoording|bericht)|afwezig|niet aanwezig|met verlof|buiten kantoor"
    r"|automatic(ally)? (reply|response)|auto(matic)?[ -]?(reply|response)|out of (the )?office|on leave"
    r"|r[ée]ponse automatique|absence du bureau|absent du bureau|abwesend|abwesenheit|automatische antwort)",
    re.IGNORECASE,
)
_BOUNCE_SUBJECT = re.compile(
    r"(undeliver|non-delivery|returned mail|failure notice|(permanent )?delivery (status|failure|report)"
    r"|mail delivery (failed|system|warning)"
    r"|delivery has failed|message you sent blocked|onbestelbaar|niet (af)?geleverd|bericht niet bezorgd"
    r"|kan niet worden bezorgd|non remis|non distribu|[ée]chec (de la remise|d'envoi)|unzustellbar"
    r"|mail could not be delivered|warning: could not send)",
    re.IGNORECASE,
)
_DAEMON = re.compile(
    r"mailer-daemon|mail delivery (sub)?system|postmaster@|mdaemon@|mail delivery service", re.I
)


def _kind(mail: Message) -> str:
    """Tell who wrote a mail: a human, or a program, which is never answered (RFC 3834)."""
    report = str(mail.get("Content-Type") or "").casefold()
    whole = _header(mail, "Subject").strip()
    subject = re.sub(r"^((re|fw|fwd|aw|antw|tr)\s*:\s*)+", "", whole, flags=re.I)
    if "feedback-report" in report:
        return "complaint"
    if "disposition-notification" in report:  # somebody opened a mail of ours, or threw it away
        return "auto"
    # who forwards the news that a mail did not arrive asks for help: a prefix makes it a person's
    if "delivery-status" in report or mail.get("X-Failed-Recipients") or _BOUNCE_SUBJECT.match(whole):
        return "bounce"
    daemon, machine = _DAEMON.search(_header(mail, "From").casefold()), _machine(mail)
    if daemon or str(mail.get("Return-Path") or "").strip() == "<>":
        # out-of-office answers have no return path either, and say what they are
        said = machine == "Auto-Submitted" and not daemon
        return "auto" if _AUTO_SUBJECT.match(subject) or said else "bounce"
    return "auto" if machine or _AUTO_SUBJECT.match(subject) else "human"


_MACHINES = ("X-Autoreply", "X-Autorespond", "X-Autoresponse", "X-Auto-Reply", "List-Id", "X-Loop")


def _machine(mail: Message) -> str:
    """Return the header by which a mail says that a program wrote it, "" where none does."""
    if "disposition-notification" in str(mail.get("Content-Type") or "").casefold():
        return "Content-Type"
    if _header(mail, "Auto-Submitted").casefold().split(";")[0].strip() not in ("", "no"):
        return "Auto-Submitted"
    if re.search(r"bulk|junk|list|auto_reply", _header(mail, "Precedence").casefold()):
        return "Precedence"
    if str(mail.get("Return-Path") or "").strip() == "<>":
        return "Return-Path"
    return next((name for name in _MACHINES if mail.get(name)), "")


# --- The text


class _Words(html.parser.HTMLParser):
    """The words of HTML, with a line where the page has one."""

    _LINES = frozenset(("p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "blockquote", "table", "hr"))
    _HIDDEN = frozenset(("script", "style", "head", "title"))

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        """Begin a line, or what is not shown."""
        self._hidden += tag in self._HIDDEN
        if tag in self._LINES:
            self.words.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """End them."""
        self._hidden -= tag in self._HIDDEN and self._hidden > 0
        if tag in ("p", "div", "tr", "blockquote"):
            self.words.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep what is shown; line breaks in the source are none on the page."""
        if not self._hidden:
            self.words.append(re.sub(r"\s+", " ", data))


def _text(mail: Message) -> str:
    """Return the text of a mail: what is plain, else the words of its HTML; attachments are left out."""
    found: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    for number, part in enumerate(_parts(mail)):
        kind = part.get_content_type()
        attached = str(part.get("Content-Disposition") or "").casefold().startswith("attachment")
        if number >= MOST_PARTS or kind not in found or attached or part.get_filename():
            continue
        found[kind].append(_content(part))
    plain = "\n".join(found["text/plain"])
    return plain if plain.strip() else from_html("\n".join(found["text/html"]))


def _parts(mail: Message) -> list[Message]:
    """Return the parts of a mail, but not those of a mail that is in it."""
    if not mail.is_multipart():
        return [mail]
    if mail.get_content_maintype() == "message":
        return []
    return [inner for part in mail.get_payload() for inner in _parts(part)]  # type: ignore[arg-type]


def _content(part: Message) -> str:
    content = part.get_payload(decode=True)
    text = _read(content, part.get_content_charset()) if isinstance(content, bytes) else ""
    return text.replace("\r\n", "\n").replace("\0", "")


def from_html(page: str) -> str:
    """Return the words of an HTML page, a line each where the page has one."""
    words = _Words()
    words.feed(page[: 10 * MOST_TEXT])
    words.close()
    lines = (" ".join(line.split()) for line in "".join(words.words).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


_LONGEST = 300  # characters of a line: those that mail programs write above a quote are shorter
_MARKS = " \t\xa0>*"  # before the words of a line that is quoted, or bold
_FROM, *_MORE = (  # the headers that Outlook writes above a quote: from whom, when, to whom or about what
    re.compile(rf"(?:{words})\s?:", re.I)
    for words in (
        "from|van|de|von|da|od|från|fra|expéditeur|afzender",
        "sent|date|verzonden|datum|envoyé|gesendet|enviado(?: el)?|data|skickat|wysłano",
        "to|aan|à|a|an|para|do|till?|subject|onderwerp|objet|betreff|oggetto|asunto|temat|ämne",
    )
)
_ORIGINAL = re.compile(r"original|oorspronkelijk|origine|ursprüngliche", re.I)
# the line "On …, somebody wrote:" of Gmail, Apple and Thunderbird
_ON = re.compile(r"(?:on|op|le|am|el|il|w dniu|den|em)\b.*\d", re.I)
_WROTE = re.compile(
    r"\b(?:wrote|schreef|geschreven|a écrit|schrieb|escribió|ha scritto|napisał|skrev)\b", re.I
)
_MYSELF = re.compile(r"\b(?:schreef|schrieb|heb) (?:ik|we|wij|ich|wir)\b|\b(?:I|we) wrote\b", re.I)
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_CLOCK = re.compile(r"(?<![\d.])\d{1,2}(?:[:.]|\s?[hu]\s?)\d\d(?![\d.])")
_ADDRESSED = re.compile(
    r"[<(]\s*[^\s<>()]+@[^\s<>()]+\s*[>)][\s>]*"
    r"(?:(?:het volgende )?\w+(?: écrit| scritto|\(a\))?|schrieb .*)?\s?:$",
    re.I,
)
_NAMED = re.compile(
    r"[A-ZÀ-Þ][\w.'’-]+ (?:wrote|a écrit|escribió|ha scritto|skrev)\s?:$"
    r"|(?:schreef|schrieb)(?: (?:[A-ZÀ-Þ][\w.'’-]*|van|de|der|den|ter|von))+:$"
)


def own(text: str) -> str:
    """Return what somebody wrote above what the mail quotes; all of it when nothing stands above.

    A cut that is not sure is not made: to keep a quote costs a glance, to lose an answer costs a day.
    """
    lines = text.split("\n")
    with contextlib.suppress(Exception):  # a mail is worth more than its cut
        lines = lines[: _quote(lines)]
    while lines and (lines[-1].startswith(">") or re.fullmatch(r"[-_=\s]*", lines[-1])):
        lines.pop()
    return "\n".join(lines).strip() or text.strip()


def _quote(lines: list[str]) -> int:
    """Return the line at which a quote begins, the number of lines when none surely does.

    Each line is looked at by itself, or with the few around it that say something: a mail of any shape takes
    the time that its length does. Where somebody wrote between quoted lines, or below them, nothing is cut.
    """
    said = [(number, line.rstrip()) for number, line in enumerate(lines) if line.strip()]
    words = [line.lstrip(_MARKS) if len(line) <= _LONGEST else "" for _, line in said]
    quoted = [line.lstrip().startswith(">") or line.endswith(" >") for _, line in said] + [False]
    last = max((n for n in range(len(said)) if not quoted[n]), default=-1)
    for n in range(len(said)):
        headed = _headed(words, n)
        first, end = (_wrote(words, n, quoted[n + 1]), n) if headed is None else (n, headed)
        if first is not None and not (quoted[end + 1] and last > end):
            return said[first][0]
    return len(lines)


def _headed(words: list[str], n: int) -> int | None:
    """Return the last line of the headers of a quoted mail that begin with line `n`, None when none do."""
    text = words[n]
    if text[:3] == text[-3:] == "---" and _ORIGINAL.search(text):
        return n
    if text[:10] == "_" * 10 and not text.strip("_") and _FROM.match("".join(words[n + 1 : n + 2])):
        return n + 1
    if _FROM.match(text):
        found = [
            next((m for m in range(n + 1, min(n + 6, len(words))) if head.match(words[m])), 0)
            for head in _MORE
        ]
        return max(found) if all(found) else None
    return None


def _wrote(words: list[str], n: int, followed: bool) -> int | None:
    """Return the first of the lines, four at most, that say who wrote what stands below line `n`.

    They say it surely with day, year, time and writer, as mail programs do; or `followed` by what is quoted.
    """
    if not words[n].endswith(":"):
        return None
    for first in range(n, max(n - 4, -1), -1):
        text = " ".join(words[first : n + 1])
        on, wrote = _ON.match(text), _WROTE.search(text)
        moment = _YEAR.search(text) and _CLOCK.search(text)
        writer = _ADDRESSED.search(text) if wrote or text[0].isdigit() else None
        sure = (wrote and on and followed) or (moment and (writer or (on and _NAMED.search(text))))
        if sure and not _MYSELF.search(text):
            return first
    return None


# --- Bounces


def _failures(mail: Message) -> list[dict[str, str]]:
    """Return what a delivery report says of each recipient (RFC 3464)."""
    found = []
    for part in mail.walk():
        if part.get_content_type() != "message/delivery-status" or not part.is_multipart():
            continue
        for block in part.get_payload():
            if isinstance(block, Message) and block.get("Final-Recipient"):
                recipient = str(block.get("Final-Recipient")).rpartition(";")[2].strip().strip("<>")
                # either may have a comment behind it: failed (mailbox full)
                said = [str(block.get(name) or "").partition("(")[0].strip() for name in ("Action", "Status")]
                reason = decoded(str(block.get("Diagnostic-Code") or ""))[:300]
                found.append({"recipient": recipient, "action": said[0].casefold(), "status": said[1],
                              "reason": reason})  # fmt: skip
    return found


def main() -> None:
    """Read a mail on standard input; write what it says on standard output."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MOST_SECONDS, MOST_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    json.dump(read(sys.stdin.buffer.read()), sys.stdout)


if __name__ == "__main__":
    main()
