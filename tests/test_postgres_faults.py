"""A PostgreSQL server with its own certificate, its own language, and little room."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.cluster import GUARDED, Cluster
from tests.conftest import MELDER, Sd
from tests.smtp_servers import certificate
from tests.test_postgres import told

pytestmark = pytest.mark.postgresql("its certificate, language, disk")
NEW = ("new", "Printer", "--caller", MELDER, "--channel", "phone", "--type", "incident", "--category",
       "printer", "--urgency", "normal")  # fmt: skip


@pytest.fixture(scope="module")
def abroad(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server with German messages where they are installed, and with TLS where openssl is."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("LANGUAGE", "de")
        server = Cluster(settings={"lc_messages": "C.UTF-8"})
        try:
            if shutil.which("openssl"):
                _certify(server, tmp_path_factory.mktemp("tls"))
            yield server
        finally:
            server.remove()


def _certify(server: Cluster, folder: Path) -> None:
    certificate(folder)
    for name in ("key.pem", "cert.pem"):
        there = shutil.copy(folder / name, server.folder / name)
        os.chmod(there, 0o600)
        if server.who:
            os.chown(there, server.who["user"], server.who["group"])
    files = {f"ssl_{name}_file": str(server.folder / f"{name}.pem") for name in ("cert", "key")}
    server.settings |= {"ssl": "on", **files}
    server.stop(signal.SIGQUIT)
    server.start()


@pytest.fixture
def german(run: Sd, abroad: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """The server abroad, with one person on its desk."""
    with psycopg.connect(abroad.url("postgres"), autocommit=True) as db:
        if "existiert" not in _refusal_of(db):
            pytest.skip("the server's translations are not installed")
        db.execute("drop database if exists desk with (force)")
        db.execute("create database desk")
    monkeypatch.setenv("SD_DATABASE", abroad.url("desk"))
    assert run("init").code == 0
    assert run("person", "add", "Test Melder", "--mail", MELDER).code == 0
    return abroad


def _refusal_of(db: psycopg.Connection[tuple[object, ...]]) -> str:
    try:
        db.execute("select * from nowhere")
    except psycopg.errors.UndefinedTable as exc:
        return str(exc)
    return ""


# --- TLS


def test_a_server_without_tls_is_not_trusted(sd: Sd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = os.environ["SD_DATABASE"]
    certificate(tmp_path)
    for mode in ("require", "verify-ca", "verify-full"):
        asks = f"{url}?sslmode={mode}&sslrootcert={tmp_path / 'cert.pem'}"
        monkeypatch.setenv("SD_DATABASE", asks)
        told(
            sd("list"), 78, "no connection that can be trusted", "nothing was stored", "does not support SSL"
        )


def test_the_certificate_and_its_name_are_looked_at(
    run: Sd, abroad: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another authority, another name, none to go by: three reasons for 78; the right one opens the door."""
    certificate(tmp_path)  # of somebody else
    own, other, none = abroad.folder / "cert.pem", tmp_path / "cert.pem", tmp_path / "none.pem"
    url = abroad.url("postgres")
    named = url.replace("@127.0.0.1", "@somebody.example").replace(
        "/postgres", "/postgres?hostaddr=127.0.0.1"
    )
    for asks, said in (
        (f"{url}?sslmode=verify-full&sslrootcert={other}", "certificate verify failed"),
        (f"{named}&sslmode=verify-full&sslrootcert={own}", "does not match host name"),
        (f"{url}?sslmode=verify-full&sslrootcert={none}", "does not exist"),
    ):
        monkeypatch.setenv("SD_DATABASE", asks)
        told(run("list"), 78, "no connection that can be trusted", said)
    monkeypatch.setenv("SD_DATABASE", f"{url}?sslmode=verify-full&sslrootcert={own}")
    told(run("list"), 78, "`sd init` makes one")


# --- another language: codes decide; where there are none, whether the server is at work


@pytest.mark.parametrize(
    "said", ["sslmode=bogus", "connect_timeout=soon", "target_session_attrs=any1", "port=5o"]
)
def test_a_slip_in_the_url_is_not_for_later(sd: Sd, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv("SD_DATABASE", f"postgresql://x@127.0.0.1,127.0.0.2/z?{said}")
    told(sd("list"), 78, "is no URL of a database")


def test_no_schema_to_make_the_desk_in(sd: Sd, abroad: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SD_DATABASE", f"{abroad.url('postgres')}?options=-csearch_path%3Dnowhere")
    told(sd("init"), 77, "your database role may not do this")


def test_a_desk_in_german(run: Sd, german: Cluster) -> None:
    """What is decided by a code is as ever: no desk, a second one, a full day."""
    told(run("init"), 5, "nothing was changed")
    assert run(*NEW).code == 0
    assert run("close", "1", "--solution", "s").code == 0
    assert run("audit", "verify").code == 0


def test_missing_rights_in_german(run: Sd, german: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(german.url("desk"), autocommit=True) as db:
        db.execute("create role looker login")
        db.execute("grant select on all tables in schema public to looker")
    monkeypatch.setenv("SD_DATABASE", german.url("desk", "looker"))
    told(run(*NEW), 77, "your database role may not do this", "keine Berechtigung")


def test_sent_away_in_german(run: Sd, german: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """No code comes with these; a server that answers and says no is not one that cannot be reached."""
    with psycopg.connect(german.url("postgres"), autocommit=True) as db:
        db.execute(f"create role {GUARDED} login password 'right'")
    for url, said in (
        (german.url("nowhere"), "Datenbank »nowhere« existiert nicht"),
        (german.url("desk", "nobody_here"), "Rolle »nobody_here« existiert nicht"),
        (german.url("desk", f"{GUARDED}:wrong"), "Passwort-Authentifizierung"),
    ):
        monkeypatch.setenv("SD_DATABASE", url)
        ran = run("list")
        told(ran, 77, "refuses the connection", "nothing was stored", said)
        assert "wrong" not in ran.err


def test_a_server_that_stopped_in_german(run: Sd, german: Cluster) -> None:
    german.stop(signal.SIGQUIT)
    try:
        told(run("list"), 75, "cannot be reached")
    finally:
        german.start()


# --- a full disk


@pytest.fixture
def small(
    run: Sd, abroad: Cluster, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A desk whose tables lie on a disk of 24 MB; the connection that fills it."""
    disk = abroad.folder / "disk"
    disk.mkdir(exist_ok=True)
    words = ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(words, capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    os.chown(disk, abroad.who["user"], abroad.who["group"])
    admin = psycopg.connect(abroad.url("postgres"), autocommit=True)
    try:
        admin.execute(f"create tablespace small location '{disk}'")
        admin.execute("create database small tablespace small")
        monkeypatch.setenv("SD_DATABASE", abroad.url("small"))
        assert run("init").code == 0
        assert run("person", "add", "Test Melder", "--mail", MELDER).code == 0
        with psycopg.connect(abroad.url("small"), autocommit=True) as db:
            yield db
    finally:
        admin.execute("drop database if exists small with (force)")
        admin.execute("drop tablespace if exists small")
        admin.close()
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # the server closes its files later


@pytest.mark.service
def test_a_full_disk_of_the_server(run: Sd, small: psycopg.Connection[tuple[object, ...]]) -> None:
    """74 and one sentence, in whatever language; what was told to be stored is there, and work goes on."""
    assert run(*NEW).code == 0
    small.execute("create table filler (x text)")
    fill = "insert into filler select repeat(md5(random()::text), {} / 32) from generate_series(1, 20)"
    for size in (100_000, 1_000, 10):
        with suppress(psycopg.errors.DiskFull):
            while True:
                small.execute(fill.format(size).encode())
    stored = 0
    while (ran := run("note", "1", "gebeld " * 400)).code == 0:
        stored += 1
        assert stored < 200
    told(ran, 74, "is full: nothing was stored")
    assert run("list").code == 0

    small.execute("drop table filler")
    assert run("note", "1", "en weer verder").code == 0
    assert run("audit", "verify").code == 0
    rows = small.execute("select count(*) from event where verb = 'note'").fetchall()
    assert rows == [(stored + 1,)]
