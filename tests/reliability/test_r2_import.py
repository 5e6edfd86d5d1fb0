"""R2 and R6: an import of HR that is killed, repeated, or sent twice takes in each row once."""

from __future__ import annotations

import random
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from tests import hr_files
from tests.engines import digests, postgresql, rows, sound, twin
from tests.reliability.kit import call, ended, holds, start

ROWS, KILLS = (200, 4) if postgresql() else (500, 10)
TODAY = date(2026, 11, 23)
# what an import leaves; the journal holds moments of the machine's own clock, mails an identity of chance
RECORDS = ("ticket", "person", "staff_change", "link", "pause", "checklist_item", "counter")
MAILS = "select dedupe, recipient, ticket, state from outbox order by dedupe"
# dies of itself when it has taken in 20 rows
HALF = (sys.executable, "-c", """
import os, signal
from sdtool import cli
from sdtool.desk import staff_intake
take_in, left = staff_intake.take_in, iter(range(20))
def some(*words, **more):
    if next(left, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return take_in(*words, **more)
staff_intake.take_in = some
cli.main()
""")  # fmt: skip

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file of HR with some faults."""
    return hr_files.make(tmp_path / "hr.csv", 80, 20, 2, TODAY).path


def taken_in(place: Path | str) -> tuple[dict[str, str], list[tuple[object, ...]]]:
    """Return digests of all records that an import leaves, and its mails."""
    return {name: digest for name, digest in digests(place).items() if name in RECORDS}, rows(place, MAILS)


def test_killed_anywhere_and_run_again(database: Path | str, tmp_path: Path) -> None:
    """R2: after ten kills the next run ends where one that nobody disturbed ends; the chain holds."""
    file = hr_files.make(tmp_path / "hr.csv", ROWS, 40, 2, TODAY).path
    undisturbed = twin(str(database))
    begun = time.monotonic()
    assert call("onboarding", "import", file, env={"SD_DATABASE": undisturbed}).code == 3
    length = time.monotonic() - begun
    dice, kills = random.Random(1), 0
    for _ in range(5 * KILLS):
        child = start("onboarding", "import", file)
        time.sleep(dice.uniform(0.1, 0.1 + length / 8))
        child.kill()
        kills += ended(child).code == -9
        if kills == KILLS:
            break

    assert kills == KILLS
    assert call("onboarding", "import", file).code == 3
    assert taken_in(database) == taken_in(undisturbed)
    sound(database)
    holds()


def test_a_second_run_changes_nothing(database: Path | str, file: Path) -> None:
    """R2: not one row of one table."""
    call("onboarding", "import", file)
    before = digests(database)
    assert call("onboarding", "import", file).code == 3
    assert digests(database) == before


def test_two_at_once_take_in_each_row_once(database: Path | str, file: Path) -> None:
    """R2: the same file, twice, at the same time: one row, one change, whoever came first."""
    children = [start("onboarding", "import", file) for _ in range(2)]
    assert [ended(child).code for child in children] == [3, 3]
    changes, people = rows(database, "select count(*), count(distinct staff_number) from staff_change")[0]
    assert changes == people
    holds()


def test_a_key_takes_a_file_in_once(database: Path | str, file: Path) -> None:
    """R6: the same file under the same key is not even looked at again."""
    assert call("onboarding", "import", file, "--idempotency-key", "week 48").code == 3
    again = call("onboarding", "import", file, "--idempotency-key", "week 48")
    assert (again.code, again.out) == (0, "")
    assert "under this key already" in again.err


def test_a_key_that_was_killed_goes_on(database: Path | str, file: Path) -> None:
    """R6: a key is used up when the work is done, not before."""
    child = start("onboarding", "import", file, "--idempotency-key", "week 48", program=HALF)
    assert ended(child).code == -9
    assert rows(database, "select count(*) from staff_change") == [(20,)]

    assert call("onboarding", "import", file, "--idempotency-key", "week 48").code == 3
    children = rows(database, "select count(*) from staff_change")
    call("onboarding", "import", file)
    assert rows(database, "select count(*) from staff_change") == children


def test_a_key_names_one_file(database: Path | str, file: Path, tmp_path: Path) -> None:
    """R6: another file under it is refused, with 2, and not taken in."""
    other = hr_files.make(tmp_path / "other.csv", 30, 0, 3, TODAY).path
    call("onboarding", "import", other, "--idempotency-key", "week 48")
    before = digests(database)
    ran = call("onboarding", "import", file, "--idempotency-key", "week 48")
    assert (ran.code, "was used for something else" in ran.err) == (2, True)
    assert digests(database) == before
