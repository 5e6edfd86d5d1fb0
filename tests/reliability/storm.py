"""A storm: a mail server that fails at every stage, and runs of `sd mail send` that are killed.

`python -m tests.reliability.storm 2000 50` queues 2,000 mails, kills 50 runs at any moment, goes on
until nothing waits, and prints what became of each mail. The test M2 is a small one.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from sdtool.mail import compose, outbox
from sdtool.store import create_store
from sdtool.store.base import Store
from tests import engines
from tests.smtp_servers import Faulty, faulty

NOW = 1_790_000_000
TIMEOUT = 3  # seconds of the clock: a server that hangs takes as long, one that is slow must not
STEP = 4_900  # seconds of the desk between two runs: past every wait and every lease
FAULTS = {
    "greeting": ("421 busy", "drop", "554 no"),
    "mail": ("451 later", "drop", "421 bye"),
    "rcpt": ("450 later", "rst", "hang"),
    "data": ("451 later", "drop", "hang"),
    "body": ("drop", "rst"),
    "dot": ("451 later", "drop", "hang", "keep drop", "keep rst", "keep hang", "554 spam"),
    "late": ("drop", "421 bye"),
}


class Figures(NamedTuple):
    """What became of the mails; all but the last three are counts of mails."""

    sent: int
    failed: int
    lost: int  # sent, says the outbox, but the server never had it
    waiting: int
    copies: int  # that the server took beyond one a mail
    changed: int  # mails whose copies differ in a byte
    refused_again: int  # tries at an address that was refused for good before
    undecided: int  # answers to the final dot that never came although the server took the mail
    killed: int  # runs
    runs: int


class Storm:
    """The dice of one storm: what the server does, and when a run is killed."""

    def __init__(self, seed: int, share: float) -> None:
        self.dice, self.share = random.Random(seed), share
        self.undecided = self.stages = 0
        self.kill_at, self.process, self.server = 0, None, None
        self.killed = 0

    process: subprocess.Popen[str] | None
    server: Faulty | None

    def choose(self, stage: str) -> str:
        """Say what the server does at a stage; kill the run when its moment has come."""
        self.stages += 1
        if self.process is not None and self.stages == self.kill_at:
            self.process.send_signal(signal.SIGKILL)
        assert self.server is not None
        if stage == "rcpt" and "<weg" in self.server.commands[-1]:
            return "550 5.1.1 unknown"
        if stage not in FAULTS or self.dice.random() >= self.share:
            return ""
        action = self.dice.choice(FAULTS[stage])
        if action.endswith("hang") and self.dice.random() < 0.7:  # it takes three seconds
            action = action.replace("hang", "drop")
        self.undecided += action.startswith("keep")
        return action


def put(store: Store, count: int) -> None:
    """Queue mails; the address of each twentieth does not exist."""

    def work() -> None:
        for number in range(count):
            to = f"{'weg' if number % 20 == 7 else 'jan'}{number}@oost.example"
            message_id = f"<{number}@oost.example>"
            text = compose.message(
                sender="desk@oost.example", recipient=to, subject=f"Melding {number}", text="Dag é\n.\n",
                html=None, message_id=message_id, now=NOW,
            )  # fmt: skip
            outbox.queue(
                store, now=NOW, dedupe=message_id, kind="ack", recipient=to, message=text,
                message_id=message_id,
            )  # fmt: skip

    store.run(work)


def weather(
    folder: Path, url: str, *, mails: int, share: float, kills: float, seed: int = 1, first: int = 0
) -> Figures:
    """Send mails through a storm until none waits.

    Args:
        share: of the stages at which the server fails.
        kills: share of the runs that are killed, somewhere in the middle of their work.
        first: so many runs are killed at any moment from their start, before the others.
    """
    storm, store = Storm(seed, share), create_store(url, "desk-1")
    put(store, mails)
    with faulty(choose=storm.choose) as storm.server:
        runs, at = 0, NOW
        while runs < 20 * mails and (storm.killed < first or _waiting(store)):
            doomed = storm.dice.random() < kills
            storm.kill_at = storm.stages + storm.dice.randint(1, 4 * _waiting(store)) if doomed else 0
            storm.process = _start(folder, url, storm.server.port, at)
            if storm.killed < first:
                _kill_in_time(storm)
            code = storm.process.wait(timeout=600)
            storm.killed += code == -signal.SIGKILL
            assert code in (0, 1, -signal.SIGKILL), code
            runs, at = runs + 1, at + STEP
        found = _figures(store, storm, runs)
    store.close()
    return found


def _waiting(store: Store) -> int:
    counts = outbox.counts(store)
    return counts["queued"] + counts["sending"]


def _kill_in_time(storm: Storm) -> None:
    assert storm.process is not None
    try:
        storm.process.wait(timeout=storm.dice.uniform(0.02, 1.5))
    except subprocess.TimeoutExpired:
        storm.process.send_signal(signal.SIGKILL)


def _start(folder: Path, url: str, port: int, at: int) -> subprocess.Popen[str]:
    settings = folder / "settings.toml"
    settings.write_text(
        f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsender = "desk@oost.example"\n'
        f"timeout = {TIMEOUT}\nper_run = 0\n"
    )
    moment = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(at))
    environment = {**os.environ, "SD_DATABASE": url, "SD_SETTINGS": str(settings), "SD_AS_OF": moment}
    environment["XDG_CACHE_HOME"] = str(folder / "cache")
    return subprocess.Popen(
        [sys.executable, "-m", "sdtool", "mail", "send"],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip


def _figures(store: Store, storm: Storm, runs: int) -> Figures:
    assert storm.server is not None
    copies = Counter(recipient for recipient, _ in storm.server.delivered)
    states = {r["recipient"]: r["state"] for r in store.query("select recipient, state from outbox")}
    tries = Counter(line for line in storm.server.commands if "<weg" in line)
    return Figures(
        sent=sum(state == "sent" for state in states.values()),
        failed=sum(state == "failed" for state in states.values()),
        lost=sum(state == "sent" and not copies[to] for to, state in states.items()),
        waiting=_waiting(store),
        copies=sum(copies.values()) - len(copies),
        changed=len({content for _, content in storm.server.delivered}) - len(copies),
        refused_again=sum(tries.values()) - len(tries),
        undecided=storm.undecided,
        killed=storm.killed,
        runs=runs,
    )


if __name__ == "__main__":
    count, kills = (int(word) for word in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as name:
        began = time.monotonic()
        found = weather(
            Path(name), engines.own(Path(name)), mails=count, share=0.06, kills=0, seed=2, first=kills
        )
        print(f"{count} mails in {time.monotonic() - began:.0f} s: {found}")
