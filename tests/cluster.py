"""A PostgreSQL server of the tests' own: made in a temporary folder, on loopback, gone with the run."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.waiting import PATIENCE, free_port, until

FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum": "off"}
GUARDED = "guarded"  # a role that must give a password; everybody else on this machine may come in


def programs() -> str | None:
    """Return the folder of the newest installed server, None where there is none.

    SD_TEST_POSTGRESQL names another; a folder without a server is none.
    """
    if own := os.environ.get("SD_TEST_POSTGRESQL"):
        return own if os.path.exists(f"{own}/initdb") else None
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if found:
        return str(max(found, key=lambda path: float(path.parent.name)))
    there = shutil.which("initdb")
    return os.path.dirname(os.path.realpath(there)) if there else None


def _roomy() -> str | None:
    """Return a folder in memory, where a new database takes a tenth of the time; None for the usual one."""
    with suppress(OSError):
        if shutil.disk_usage("/dev/shm").free > 2**30 and os.access("/dev/shm", os.W_OK):
            return "/dev/shm"
    return None


class Cluster:
    """A running server; the superuser is `tester`."""

    def __init__(
        self, *, settings: dict[str, str] | None = None, base: Cluster | None = None, folder: str = ""
    ) -> None:
        """Make and start a cluster in a folder of `folder`; with `base`, a standby of it."""
        self.bin = programs() or ""
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="sd-postgresql-", dir=folder or _roomy()))
        self.data = self.folder / "data"
        self.who: dict[str, Any] = {}
        if os.geteuid() == 0:  # the server refuses to run as root
            user = next(u for u in ("postgres", "nobody") if u in {p.pw_name for p in pwd.getpwall()})
            account = pwd.getpwnam(user)
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self.who = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": ()}
        self.process: subprocess.Popen[bytes] | None = None
        self.settings = {**FAST, **(settings or {})}
        if base is None:
            self._call("initdb", "-D", str(self.data), "-U", "tester", "-E", "UTF8", "--no-sync",
                       "--locale=C.UTF-8", "-A", "trust")  # fmt: skip
            access = self.data / "pg_hba.conf"
            trusted = access.read_text()
            access.write_text(f"host all {GUARDED} all scram-sha-256\n{trusted}")
        else:
            self._call("pg_basebackup", "-D", str(self.data), "-R", "-c", "fast", "-h", "127.0.0.1",
                       "-p", str(base.port), "-U", "tester", "-d", "application_name=standby")  # fmt: skip
        self.start()

    def _call(self, program: str, *words: str) -> None:
        done = subprocess.run([f"{self.bin}/{program}", *words], cwd="/", capture_output=True, **self.who)
        assert done.returncode == 0, done.stderr.decode()

    def start(self) -> None:
        """Start the server and wait until it answers."""
        given = {"port": str(self.port), "listen_addresses": "127.0.0.1", "max_connections": "200",
                 "unix_socket_directories": str(self.folder), "logging_collector": "off",
                 "log_min_messages": "fatal", **self.settings}  # fmt: skip
        words = [word for key, value in given.items() for word in ("-c", f"{key}={value}")]
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [f"{self.bin}/postgres", "-D", str(self.data), *words],
                cwd="/", stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self.who,
            )  # fmt: skip
        ready = [f"{self.bin}/pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]

        def answers() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "log").read_text()
            return subprocess.run(ready, cwd="/").returncode == 0

        until(answers, "the server does not answer")

    def make(self, database: str) -> None:
        """Make an empty database."""
        self._call("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "tester", database)

    def promote(self) -> None:
        """Make a standby the server that takes writes."""
        self._call("pg_ctl", "promote", "-D", str(self.data), "-w")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop the server: SIGINT in order, SIGQUIT at once, as in a crash."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)

    def remove(self) -> None:
        """Stop the server and leave nothing of it."""
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str, user: str = "tester") -> str:
        """Return the URL of a database."""
        return url_of(self.port, database, user)


def url_of(port: int, database: str, user: str = "tester") -> str:
    """Return the URL of a database on a port of loopback."""
    return f"postgresql://{user}@127.0.0.1:{port}/{database}"
