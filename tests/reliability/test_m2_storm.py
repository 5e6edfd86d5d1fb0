"""M2: half of all mails meet a fault, a third of all runs is killed: nothing is lost, no copy too many."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.reliability.storm import weather

MAILS = 60 * int(os.environ.get("SD_SOAK", "1"))


@pytest.mark.timeout(600)
def test_m2_storm(database_url: str, tmp_path: Path) -> None:
    """One fault in eight stages is a fault for half of the mails."""
    found = weather(tmp_path, database_url, mails=MAILS, share=0.12, kills=0.5)

    print(found)
    assert (found.lost, found.waiting, found.changed) == (0, 0, 0), found
    assert found.sent + found.failed == MAILS, found
    assert found.copies <= found.undecided + found.killed, found
    assert found.refused_again <= found.killed, found
    assert found.killed >= 1, found
