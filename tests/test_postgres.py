"""What PostgreSQL does in its own way: connecting, rights, the retry, the commit in doubt."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sdtool import jobs
from sdtool.desk import Desk
from sdtool.errors import Failed, UsageFault
from sdtool.store import create_store, open_store
from sdtool.store.base import Store
from tests import engines
from tests.cluster import GUARDED, url_of
from tests.conftest import MELDER, Sd
from tests.reliability import kit
from tests.waiting import free_port, until

pytestmark = pytest.mark.postgresql("connections, rights, commits")
New = Callable[..., int]


def told(ran: object, code: int, *words: str) -> None:
    """Check that a command ended with a code and one sentence."""
    assert ran.code == code, ran  # type: ignore[attr-defined]
    first = ran.err.splitlines()[0]  # type: ignore[attr-defined]
    assert first.startswith("Error: ") and "Traceback" not in ran.err, ran  # type: ignore[attr-defined]
    assert [word for word in words if word not in ran.err] == [], ran  # type: ignore[attr-defined]


@pytest.fixture
def url(place: Path) -> str:
    """The URL of this test's database."""
    return os.environ["SD_DATABASE"]


# --- a server that cannot be used


def test_no_server(sd: Sd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SD_DATABASE", url_of(free_port(), "desk"))
    told(sd("list"), 75, "cannot be reached", "nothing was stored")


def test_wrong_password(sd: Sd, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with engines.connected(url) as db:
        db.execute(f"drop role if exists {GUARDED}")
        db.execute(f"create role {GUARDED} login password 'right'")
    guarded = url.replace("tester@", f"{GUARDED}:wrong@")
    monkeypatch.setenv("SD_DATABASE", guarded)
    ran = sd("list")
    told(ran, 77, "refuses your login")
    assert "wrong" not in ran.err
    monkeypatch.setenv("SD_DATABASE", url.replace("tester@", f"{GUARDED}@"))
    told(sd("list"), 77, "refuses your login", ".pgpass")


def test_no_such_role(sd: Sd, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SD_DATABASE", url.replace("tester@", "nobody_here@"))
    told(sd("list"), 77, "refuses your login")


def test_no_such_database(sd: Sd, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SD_DATABASE", url + "_gone")
    told(sd("list"), 78, "there is no such database")


def test_a_url_that_is_none(sd: Sd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SD_DATABASE", "postgresql://x@y/z?colour=red")
    told(sd("list"), 78, "is no URL of a database")


def test_without_psycopg(run: Sd, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as without:
        without.setitem(sys.modules, "psycopg", None)
        without.delitem(sys.modules, "sdtool.store.postgres", raising=False)
        ran = run("list")
    told(ran, 78, 'pip install "sdtool[postgres]"')


def test_the_database_of_another_program(run: Sd, url: str) -> None:
    """Whoever has a table of our name keeps it."""
    with engines.connected(url) as db:
        db.execute("create table meta (x int)")
    told(run("list"), 78, "no desk of sdtool")
    told(run("init"), 5, "nothing was changed")


def test_another_encoding_is_refused(run: Sd, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name = url.rsplit("/", 1)[1]
    engines.drop_database(name)
    engines.admin().execute(
        f"create database {name} encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0"
    )
    told(run("init"), 78, "make a database in UTF8")


def test_a_password_is_never_printed(sd: Sd, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SD_DATABASE", url.replace("tester@", "tester:geheim@") + "?application_name=x")
    ran = sd("admin", "info")
    assert ran.code == 0 and "geheim" not in ran.out
    told(sd("admin", "copy", "--to", "postgresql://u:geheim@h/d"), 2, "leave the password out")


# --- rights


def test_an_agent_adds_to_the_journal_and_changes_nothing_in_it(
    sd: Sd, new: New, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The grants of the how-to page let an agent work, and keep the journal from everybody."""
    grants(url)
    monkeypatch.setenv("SD_DATABASE", url.replace("tester@", "test_agent@"))
    number = new()
    assert sd("note", number, "gebeld").code == 0
    assert sd("admin", "info").code == 0
    import psycopg

    with psycopg.connect(os.environ["SD_DATABASE"], autocommit=True) as db:
        for statement in (
            "update event set at = 1",
            "delete from event_data",
            "truncate event cascade",
            "drop trigger event_append_only on event",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(statement)
        db.execute("reset role")


def test_a_reader_reads_and_is_told_that_it_may_not_write(
    sd: Sd, new: New, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    grants(url)
    new()
    monkeypatch.setenv("SD_DATABASE", url.replace("tester@", "test_reader@"))
    assert sd("report", "kpi", "--month", "2026-11").code == 0
    assert sd("audit", "verify").code == 0
    told(sd("take", 1), 77, "nothing was stored")


# what a coordinator does in a week: each grant of the page is needed by one of these
NEW = f"--caller {MELDER} --channel phone --type incident --category printer --urgency normal"
WEEK = (
    f"new Printer {NEW}", f"new Nogmaals {NEW}", "person add Bea --mail bea@example.be",
    "person edit 1 --phone 0470", "take 1", "wait 1 --for toner --on customer --until +3wd", "resume 1",
    "link 1 blocks 2", "unlink 1 blocks 2", "assign 2 network", "note 1 gebeld --public", "undo",
    "note 1 gemaild --public", "mail queue", "mail drop 2", "party add Acme --kind supplier",
    "wait 1 --party Acme --for stuk --until +3wd", "owed done F-2", "promise 1 bellen --at +2wd",
    "promise keep 1",
    "checklist add 1 nakijken --optional", "remind", "sla sweep", "cron run feedback", "cron run staff",
    "close 1 --solution s", "reopen 1 --reason r",
    "merge 2 --into 1", "search printer", "calendar sync", "cron run close", "cron run calendar",
    "report kpi", "audit verify",
)  # fmt: skip


@pytest.mark.parametrize("role", ["agent", "coordinator"])
def test_a_week_on_the_grants_of_the_page(
    sd: Sd, url: str, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Days off are the coordinator's, as is erasing a person: of that the trigger asks an event."""
    grants(url)
    monkeypatch.setenv("SD_DATABASE", url.replace("tester@", f"test_{role}@"))
    for words in WEEK:
        if role == "agent" and "calendar" in words:
            continue
        ran = sd(*words.split())
        assert ran.code == 0, (words, ran)
    import psycopg

    with psycopg.connect(os.environ["SD_DATABASE"], autocommit=True) as db:
        for statement in ("update event set at = 1", "delete from event_data", "update meta set value = 'x'"):
            erasing = role == "coordinator" and statement.startswith("delete")
            refusal = psycopg.errors.RaiseException if erasing else psycopg.errors.InsufficientPrivilege
            with pytest.raises(refusal):
                db.execute(statement)


def test_the_days_off_are_the_coordinators(sd: Sd, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    grants(url)
    engines.change(url, "delete from holiday")
    monkeypatch.setenv("SD_DATABASE", url.replace("tester@", "test_agent@"))
    told(sd("calendar", "sync"), 77, "your database role may not do this", "nothing was stored")
    assert engines.rows(url, "select count(*) from holiday") == [(0,)]
    monkeypatch.setenv("SD_DATABASE", url.replace("tester@", "test_coordinator@"))
    assert sd("calendar", "sync").code == 0
    assert engines.rows(url, "select count(*) from holiday")[0][0] > 10


def granted() -> str:
    """Return the statements of the how-to page."""
    page = (Path(__file__).parents[1] / "docs" / "how-to" / "postgresql.md").read_text()
    return page.split("<!-- grants -->\n```sql\n")[1].split("```")[0]


def grants(url: str) -> None:
    """Make the roles and take the statements of the how-to page."""
    block = granted()
    block = block.replace("desk_agent", "test_agent").replace("desk_reader", "test_reader")
    with engines.connected(url) as db:
        for role in ("test_agent", "test_reader", "test_coordinator"):
            db.execute(
                f"do $$ begin create role {role} login; "
                " exception when duplicate_object or unique_violation then null; end $$"  # at the same moment
            )
        db.execute(block.replace("desk_coordinator", "test_coordinator").encode())


def test_the_page_grants_something_on_every_table(store: Store) -> None:
    """But on `meta`, the identity of the desk: nobody changes that."""
    assert [table for table in store.sizes() if not re.search(rf" (on|,).*\b{table}\b", granted())] == [
        "meta"
    ]


def test_the_owner_cannot_change_the_journal_either(sd: Sd, url: str) -> None:
    for statement in ("update event set at = 1", "delete from event_data", "truncate event_data"):
        with pytest.raises(engines.refusal(), match="journal is append-only"), engines.connected(url) as db:
            db.execute(statement)


# --- making and migrating, two at once


def test_text_compares_by_its_code_points_whatever_the_column_is_called() -> None:
    from sdtool.store.pgtext import worded

    made = worded("create table x (text text not null, {id}, name text) {strict}")
    assert made.startswith('create table x (text text collate "C" not null, ')
    assert made.endswith(', name text collate "C") ')


@contextmanager
def held(url: str, count: int, statement: str) -> Iterator[None]:
    """Hold up whoever comes to a statement's lock, until so many processes wait for it."""
    waiting = "select count(*) from pg_stat_activity where datname = current_database()"
    waiting += " and wait_event_type = 'Lock'"
    with engines.connected(url) as db:
        db.execute(statement)
        yield
        until(lambda: engines.rows(url, waiting) == [(count,)])
        db.rollback()


def test_programs_that_make_one_desk_at_once(url: str, run: Sd) -> None:
    """All end well: one made it, the others are told that it is there; it is whole."""
    with held(url, 4, "create table meta (x int)"):
        children = [kit.start("init") for _ in range(4)]
    ran = [kit.ended(child) for child in children]
    assert sorted(one.code for one in ran) == [0, 5, 5, 5]
    for one in ran:
        assert one.code == 0 or "holds a desk already" in one.err
    assert (run("list").code, run("audit", "verify").code) == (0, 0)
    assert engines.rows(url, "select count(*) > 10 from holiday") == [(True,)]


MIGRATE = """
import sys
from sdtool.store import migrate_store, migrations, pgschema, postgres
pgschema.MIGRATIONS = (*migrations.MIGRATIONS, ("two", ("create table two (x {int})",)))
pgschema._ENGINE_STEPS = (*pgschema._ENGINE_STEPS, ())
pgschema.VERSION = postgres.VERSION = 2
print(*migrate_store(sys.argv[1]))
"""


def test_programs_that_migrate_one_desk_at_once(url: str) -> None:
    """The others wait at the gate, look again, and have nothing to do."""
    create_store(url, "one").close()
    with held(url, 4, "select 1 from gate where name = 'write' for update"):
        children = [kit.start(url, program=(sys.executable, "-c", MIGRATE)) for _ in range(4)]
    assert [(one.code, one.out, one.err) for one in map(kit.ended, children)] == [(0, "1 2\n", "")] * 4
    assert engines.rows(url, "select value from meta where key = 'schema'") == [("2",)]


# --- the connection is lost


def cut(store: Store) -> None:
    """End the connection of a store at the server."""
    number = store._db.info.backend_pid  # type: ignore[attr-defined]
    engines.admin().execute("select pg_terminate_backend(%s, 60000)", (number,))


def test_a_read_is_asked_again(store: Store) -> None:
    cut(store)
    assert store.value("select count(*) from person") == 1


def test_a_write_is_done_again_as_a_whole(desk: Desk) -> None:
    """Lost in the middle, before the commit: the whole of it once more, with the same numbers."""
    from sdtool.desk import people

    tries = []

    def work() -> None:
        tries.append(1)
        people.add(desk, {"name": "Bea"})
        if len(tries) == 1:
            cut(desk.store)

    desk.run(work)
    assert len(tries) == 2
    assert desk.store.value("select count(*) from person where name = 'Bea'") == 1
    assert desk.store.value("select max(id) - count(*) from event") == 0


class _Lost:
    """A connection whose answer to COMMIT is lost: before the server got it, or after."""

    def __init__(self, store: Store, *, arrives: bool) -> None:
        self._store, self._real, self._arrives = store, store._db, arrives  # type: ignore[attr-defined]

    def execute(self, statement: object, *more: object) -> object:
        if statement != "commit":
            return self._real.execute(statement, *more)
        if self._arrives:
            self._real.execute(statement)
        cut(self._store)
        return self._real.execute("select 1")

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


@pytest.mark.parametrize("arrives", [True, False])
def test_a_commit_without_an_answer_is_settled(desk: Desk, arrives: bool) -> None:
    """Stored once, whether the server got the COMMIT or not: the journal's head tells."""
    from sdtool.desk import people

    people.get(desk.store, 1)
    desk.store._db = _Lost(desk.store, arrives=arrives)  # type: ignore[attr-defined]
    people.add(desk, {"name": "Bea"})
    assert desk.store.value("select count(*) from person where name = 'Bea'") == 1
    assert desk.store.value("select value from counter where name = 'event'") == desk.store.value(
        "select count(*) from event"
    )


@pytest.mark.parametrize("arrives", [True, False])
def test_a_commit_without_a_journal_row_is_settled(desk: Desk, arrives: bool) -> None:
    desk.store._db = _Lost(desk.store, arrives=arrives)  # type: ignore[attr-defined]
    desk.run(lambda: desk.store.insert("job_run", {"job": "x", "started_at": 1, "outcome": "done"}))
    assert desk.store.value("select count(*) from job_run where job = 'x'") == 1


def test_what_cannot_be_settled_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is gone with the COMMIT: nobody can know, and the message says so."""
    from sdtool.errors import OutputFailed
    from sdtool.store import postgres

    monkeypatch.setattr(postgres, "PATIENCE", 0.3)
    lost = _Lost(desk.store, arrives=True)
    desk.store._db = lost  # type: ignore[attr-defined]
    desk.store._target["port"] = str(free_port())  # type: ignore[attr-defined]
    with pytest.raises(OutputFailed, match="whether it was stored is unknown"):
        desk.run(lambda: desk.store.insert("job_run", {"job": "x", "started_at": 1, "outcome": "done"}))


def test_a_lock_that_was_let_go_is_free_at_once(store: Store) -> None:
    for _ in range(100):
        with store.lock("mail") as ours:
            assert ours


def slow(desk: Desk) -> str:
    desk.run(lambda: desk.store.query("select pg_sleep(600)"))
    return ""


def test_a_job_that_waits_for_the_server_is_stopped_and_noted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server is at is called off, or the connection could not even note the failure."""
    monkeypatch.setattr(jobs, "LIMIT", 0.2)
    monkeypatch.setitem(jobs.JOBS, "close", jobs.JOBS["close"]._replace(work=slow))

    with pytest.raises(Failed, match="close was stopped: it ran for more than"):
        jobs.run(desk, "close")

    assert desk.store.value("select outcome from job_run") == "failed"
    with desk.store.lock("close") as ours:
        assert ours


# --- statements that wait for the next answer


def test_a_statement_that_waited_and_fails_takes_the_whole_back(desk: Desk) -> None:
    """Its error comes with the next answer, or before the commit; numbers taken meanwhile are free again."""
    from psycopg.errors import CheckViolation

    from sdtool.desk import people

    def work() -> None:
        people.add(desk, {"name": "Bea"})
        desk.store.insert("link", {"ticket": 1, "kind": "no such kind", "other": 1})

    for dry in (True, False):
        desk.store.dry_run = dry
        with pytest.raises(CheckViolation):
            desk.run(work)
    assert desk.store.value("select count(*) from person where name = 'Bea'") == 0
    people.add(desk, {"name": "Cis"})
    assert desk.store.value("select max(id) - count(*) from event") == 0


def test_what_waited_in_a_transaction_that_came_to_nothing_is_never_sent(store: Store) -> None:
    row = {"job": "x", "started_at": 1, "outcome": "done"}

    def work() -> None:
        store.insert("job_run", row)
        raise KeyError

    with pytest.raises(KeyError):
        store.run(work)
    with pytest.raises(UsageFault):
        store.insert("job_run", row, {**row, "job": "a\0b"})
    assert store.value("select count(*) from job_run") == 0
    assert store.run(lambda: store.value("select count(*) from job_run")) == 0


def test_what_waits_is_seen_by_the_next_question(store: Store) -> None:
    def work() -> list[object]:
        store.insert("link", {"ticket": 1, "kind": "blocks", "other": 1})
        one = store.value("select count(*) from link"), store.sizes()["link"]
        taken = [store.next_number("x"), store.next_number("x", 3), store.next_number("x")]
        return [*one, *taken, store.value("select value from counter where name = 'x'")]

    store.execute("set session_replication_role = replica")  # there is no ticket 1
    assert store.run(work) == [1, 1, 1, 4, 5, 5]


def test_the_clock_of_a_transaction_is_the_servers(store: Store) -> None:
    """It is asked once, at the beginning, and goes on from there."""

    def work() -> tuple[int, int, int]:
        began = store.clock()
        time.sleep(1.1)
        server = store.value("select cast(floor(extract(epoch from clock_timestamp())) as bigint) as now")
        return began, int(server), store.clock()

    began, server, ended = store.run(work)
    assert began < ended and began <= server
    assert abs(server - ended) < 5  # a busy machine may stand still between two questions


# --- bulk


def test_bulk_and_single_rows_are_alike(url: str) -> None:
    """COPY and INSERT keep the same texts, numbers, nulls."""
    create_store(url, "one").close()
    store = open_store(url)
    odd = ["", "\\N", "a\tb", "x\ny", "'", "%s", ":x", "é", None]
    rows = [{"id": n, "name": odd[n % 9] or "-", "mail": odd[n % 9], "target_group": "staff",
             "language": "nl", "name_key": "k", "active": n % 2 == 0} for n in range(1, 101)]  # fmt: skip
    store.run(lambda: store.insert("person", *rows[:9]))
    store.run(lambda: store.insert("person", *rows[9:]))
    kept = store.query("select * from person order by id")
    assert [(r["id"], r["mail"], r["active"]) for r in kept] == [
        (r["id"], r["mail"], int(r["active"])) for r in rows
    ]
    store.close()
