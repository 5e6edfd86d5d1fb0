"""M3: several senders at once: each mail once. `SD_SOAK=50` is the figure of a soak, 1,000 mails."""

from __future__ import annotations

import os
import signal
import time

from tests import engines
from tests.smtp_servers import faulty
from tests.test_deliver import NOW, done, put, sd, send
from tests.test_deliver import store as store
from tests.waiting import PATIENCE

TIMEOUT = 3  # seconds: what a mail may take; the honest stages before it must fit in
MAILS = 20 * int(os.environ.get("SD_SOAK", "1"))


def test_m3_four_senders_at_once_send_each_mail_once(store, tmp_path):
    put(store, MAILS)
    with faulty(pause=0.05) as server:
        results = [done(p) for p in [sd(tmp_path, server.port, "mail", "send") for _ in range(4)]]

    assert [code for code, _, _ in results] == [0, 0, 0, 0]
    assert sorted(out for _, out, _ in results) == ["", "", "", f"Mail: {MAILS} sent\n"]
    assert len(server.delivered) == len({recipient for recipient, _ in server.delivered}) == MAILS
    assert sum("already running" in err for _, _, err in results) == 3


def test_m3_who_was_stopped_for_longer_than_its_time_sends_nothing_more(store, tmp_path):
    """Two machines, one of which stands still in the middle of a mail: the other may have sent it by now."""
    put(store)
    with faulty({"rcpt": "hold"}, times=1) as server:
        first = sd(tmp_path, server.port, "mail", "send", timeout=TIMEOUT)
        assert server.reached.wait(PATIENCE)
        first.send_signal(signal.SIGSTOP)
        os.waitpid(first.pid, os.WUNTRACED)
        server.go_on.set()
        if engines.postgresql():  # the server no longer reaches that machine, and frees its lock
            store.execute(
                "select pg_terminate_backend(pid, 60000) from pg_stat_activity"
                " where datname = current_database() and state = 'idle in transaction'"
            )
        time.sleep(TIMEOUT)
        early, late = send(store, server.port, at=NOW + 30), send(store, server.port, at=NOW + 500)
        first.send_signal(signal.SIGCONT)
        code, _, _ = done(first)
        last = send(store, server.port, at=NOW + 6000)

    if engines.postgresql():
        assert early is not None and late is not None
        assert (early.sent, late.twice_possible) == (0, 1)
    else:
        assert (early, late) == (None, None)
    assert (code in (0, 1, 75), last is not None) == (True, True)
    assert len(server.delivered) == 1
