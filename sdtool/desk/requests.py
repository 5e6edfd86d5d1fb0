"""Idempotency keys: a script that asks the same thing twice gets one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sdtool.desk import Desk
from sdtool.digest import hexdigest
from sdtool.errors import UsageFault

_BUSY = ""  # the answer while the work is not done: it may go on, under the same key


def asked(desk: Desk, key: str, request: Any) -> str | None:
    """Note a request under its key, or return its answer when it was answered (inside a transaction).

    Raises:
        UsageFault: the key was used for another request.
    """
    digest = hexdigest(json.dumps([desk.actor, *request], ensure_ascii=True))
    known = desk.store.one("select digest, answer from request where key = :key", key=key)
    if known is None:
        desk.store.insert("request", {"key": key, "digest": digest, "answer": _BUSY, "at": desk.now})
        return None
    if known["digest"] != digest:
        raise UsageFault(f"the idempotency key {key!r} was used for something else: take a new one")
    return str(known["answer"]) or None


def answered(desk: Desk, key: str, answer: str) -> None:
    """Keep the answer to a request (inside a transaction)."""
    desk.store.execute("update request set answer = :answer where key = :key", answer=answer, key=key)


@contextmanager
def held(desk: Desk, key: str | None, request: Any) -> Iterator[bool]:
    """Do work of several transactions under a key, which may be None; yield whether it was done before.

    Work that is broken off is not done: the same request under the same key goes on with it.
    """
    if key is None:
        yield False
        return
    done = desk.run(lambda: asked(desk, key, request)) is not None
    yield done
    if not done:
        desk.run(lambda: answered(desk, key, "done"))
