"""R6: `sd new --idempotency-key`, killed and sent again: one ticket, and no other under its key."""

from __future__ import annotations

import random
import time
from pathlib import Path

from tests.engines import postgresql, rows
from tests.reliability.kit import REPORT, call, ended, holds, start

KILLS = 30 if postgresql() else 100  # a server keeps its own promises: what we do with them is tried


def test_killed_and_sent_again(database: Path | str) -> None:
    """A retry with the same key makes no second ticket, wherever the first was killed."""
    dice, kills, sent = random.Random(6), 0, 0
    while kills < KILLS and sent < 5 * KILLS:
        words = ("new", f"retry {sent}", *REPORT, "--idempotency-key", f"key {sent}")
        child = start(*words)
        time.sleep(dice.uniform(0, 0.14))
        child.kill()
        kills += ended(child).code == -9
        if dice.random() < 0.5:  # a script may lose its answer and its nerve
            hasty = start(*words)
            hasty.kill()
            ended(hasty)
        assert call(*words).code == 0
        sent += 1

    assert kills == KILLS
    found = rows(database, "select summary, count(*) from ticket group by summary")
    assert sorted(found) == sorted((f"retry {number}", 1) for number in range(sent))
    holds()


def test_other_words_under_the_same_key(database: Path | str) -> None:
    """Refused with 2, and nothing is registered."""
    call("new", "een", *REPORT, "--idempotency-key", "k")
    ran = call("new", "twee", *REPORT, "--idempotency-key", "k")
    assert (ran.code, "was used for something else" in ran.err) == (2, True)
    assert rows(database, "select count(*) from ticket") == [(1,)]
