"""Mails that came in: kept as they came before anybody reads them, read behind a fence."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from sdtool.digest import hexdigest
from sdtool.errors import NotFound
from sdtool.store.base import Row, Store

LARGEST = 25 * 1024 * 1024  # bytes; of a larger mail this much is kept
VERDICTS = ("new", "answer", "score", "note", "bounce", "auto", "own", "kept", "settled")
_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "reading.py")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_PATIENCE = 120  # seconds; the processor time that it may use is less, however busy the machine


class Failure(NamedTuple):
    """What a delivery report says of one recipient (RFC 3464)."""

    recipient: str
    action: str
    status: str
    reason: str


class Incoming(NamedTuple):
    """What a mail says: see `reading.read`."""

    sender: str
    name: str
    subject: str
    text: str
    own: str
    message_id: str
    answers: tuple[str, ...]
    mentions: tuple[str, ...]
    loop: str
    kind: str
    machine: str
    failures: tuple[Failure, ...]


def store(desk_store: Store, raw: bytes, now: int) -> tuple[int, bool]:
    """Keep a mail as it came, committed; return its number, and whether it is new here.

    The same bytes once: a source that gives a mail again (it was stopped before it could mark it) adds none.
    """
    digest = hexdigest(raw)

    def work() -> tuple[int, bool]:
        known = desk_store.value("select id from inmail where digest = :digest", digest=digest)
        if known is not None:
            return int(known), False
        number = desk_store.value(
            "insert into inmail (digest, received_at, raw, verdict) values (:digest, :now, :raw, 'new')"
            " returning id",
            digest=digest,
            now=now,
            raw=base64.b64encode(raw[:LARGEST]).decode(),
        )
        return int(number), True

    return desk_store.run(work)


def get(desk_store: Store, number: int) -> Row:
    """Return a mail that came in, with its bytes; NotFound when there is none."""
    row = desk_store.one("select * from inmail where id = :id", id=number)
    if row is None:
        raise NotFound(f"no mail {number} came in", hint="`sd mail inbox` lists those that wait for a person")
    return row


def listing(desk_store: Store, *, verdict: str | None, limit: int = 200) -> Sequence[Row]:
    """Return mails that came in, newest first, without their text; all verdicts unless one is named."""
    return desk_store.query(
        "select id, received_at, verdict, sender, subject, ticket, remark from inmail"
        " where (:verdict is null or verdict = :verdict) order by id desc limit :limit",
        verdict=verdict,
        limit=limit,
    )


def count(desk_store: Store, verdict: str) -> int:
    """Return how many mails were taken so."""
    return int(desk_store.value("select count(*) from inmail where verdict = :verdict", verdict=verdict))


def waiting(desk_store: Store) -> list[int]:
    """Return the numbers of the mails that were kept and not looked at: whoever took them was stopped."""
    return [row["id"] for row in desk_store.query("select id from inmail where verdict = 'new' order by id")]


def read(row: Row) -> Incoming | None:
    """Return what a mail says; None when it cannot be read: damaged, or more than the fence allows."""
    try:
        done = subprocess.run(  # noqa: S603 - our own program, without a shell
            [sys.executable, "-P", _PROGRAM],
            input=base64.b64decode(row["raw"]),
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        return None
    found: dict[str, Any] = json.loads(done.stdout)
    # what a database or a terminal cannot keep is not worth a lost mail
    for name, value in found.items():
        found[name] = _storable(value) if isinstance(value, str) else tuple(value)
    found["failures"] = [Failure(**{k: _storable(v) for k, v in one.items()}) for one in found["failures"]]
    return Incoming(**found)


def _storable(text: str) -> str:
    """Return text without control characters but line ends and tabs, and without halves of characters."""
    clean = _CONTROL.sub("", text.replace("\r\n", "\n"))
    return clean.encode("utf-8", "replace").decode()
