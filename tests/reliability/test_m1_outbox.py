"""M1: a mail server that misbehaves in every way we know: right state, in time, no avoidable copy."""

from __future__ import annotations

import time

import pytest

from tests.smtp_servers import faulty
from tests.test_deliver import DAY, NOW, put, send, state
from tests.test_deliver import store as store
from tests.waiting import PATIENCE

TABLE = [
    # stage, action, state, may go twice, copies the server kept
    ("greeting", "421 busy", "queued", 0, 0),
    ("greeting", "554 go away", "queued", 0, 0),
    ("greeting", "drop", "queued", 0, 0),
    ("greeting", "rst", "queued", 0, 0),
    ("greeting", "hang", "queued", 0, 0),
    ("greeting", "dribble", "queued", 0, 0),
    ("greeting", "SSH-2.0-x", "queued", 0, 0),
    ("ehlo", "500 what", "sent", 0, 1),
    ("ehlo", "drop", "queued", 0, 0),
    ("ehlo", "250-" + "x" * 100_000, "queued", 0, 0),
    ("mail", "451 later", "queued", 0, 0),
    ("mail", "421 bye", "queued", 0, 0),
    ("mail", "550 no", "queued", 0, 0),
    ("mail", "530 log in first", "queued", 0, 0),
    ("mail", "drop", "queued", 0, 0),
    ("mail", "354 what", "queued", 0, 0),
    ("rcpt", "450 greylisted", "queued", 0, 0),
    ("rcpt", "421 bye", "queued", 0, 0),
    ("rcpt", "550 unknown", "failed", 0, 0),
    ("rcpt", "251 will forward", "sent", 0, 1),
    ("rcpt", "rst", "queued", 0, 0),
    ("rcpt", "hang", "queued", 0, 0),
    ("rcpt", "dribble", "queued", 0, 0),
    ("rcpt", "\x00\xff", "queued", 0, 0),
    ("data", "451 later", "queued", 0, 0),
    ("data", "554 no", "failed", 0, 0),
    ("data", "250 what", "queued", 0, 0),
    ("data", "drop", "queued", 0, 0),
    ("data", "hang", "queued", 0, 0),
    ("dot", "451 later", "queued", 0, 0),
    ("dot", "421 bye", "queued", 0, 0),
    ("dot", "554 spam", "failed", 0, 0),
    ("dot", "drop", "queued", 1, 0),
    ("dot", "keep drop", "queued", 1, 1),
    ("dot", "keep rst", "queued", 1, 1),
    ("dot", "keep hang", "queued", 1, 1),
    ("dot", "keep dribble", "queued", 1, 1),
    ("dot", "keep what?", "queued", 1, 1),
    ("dot", "keep 251 what", "queued", 1, 1),
    ("late", "421 bye", "sent", 0, 1),
    ("late", "drop", "sent", 0, 1),
    ("late", "rst", "sent", 0, 1),
    ("quit", "421 bye", "sent", 0, 1),
    ("quit", "drop", "sent", 0, 1),
    ("quit", "hang", "sent", 0, 1),
]


@pytest.mark.parametrize(("stage", "action", "expected", "twice", "kept"), TABLE)
def test_m1_one_fault(store, stage, action, expected, twice, kept):
    """The fault gives the right state; when it is gone, the mail arrives, and no more copies than must be."""
    put(store)
    with faulty({stage: action}) as server:
        started = time.monotonic()
        silent = action.endswith(("hang", "dribble"))  # for so long that the honest stages fit in
        done = send(store, server.port, timeout=1.5 if silent else PATIENCE)
        assert time.monotonic() - started < PATIENCE / 4  # the others end by what the server does
        assert (state(store), len(server.delivered)) == ((expected, twice), kept)
        assert (done.sent, done.deferred, done.failed, done.twice_possible) == (
            expected == "sent",
            expected == "queued",
            expected == "failed",
            twice,
        )
        server.times = 0
        send(store, server.port, at=NOW + DAY)

    assert len(server.delivered) == (expected != "failed") + (kept if expected == "queued" else 0)
    assert {b"Message-ID: <1@oost.example>" in raw for _, raw in server.delivered} <= {True}


def test_m1_dropped_before_the_dot_is_not_twice(store):
    """The server goes away in the middle of a long message."""
    put(store, text="x" * 70 + "\n", html="y" * 12_000_000)
    with faulty({"body": "rst"}) as server:
        send(store, server.port, timeout=PATIENCE)

    assert state(store) == ("queued", 0)
