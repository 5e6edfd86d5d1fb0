"""S9: whoever changes the file by hand is seen: in the journal, in the records, and when the tail is cut."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sdtool.desk.anchor import read_heads
from sdtool.store import journal, open_store
from tests.conftest import Sd
from tests.engines import columns_of, connected, digests, refusal, restored, row_of, save
from tests.reliability.kit import REPORT, call, change, rows

COLUMNS = {
    "event": ("id", "act", "kind", "subject", "verb", "actor", "source", "at", "recorded_at", "commitment",
              "hash"),
    "event_data": ("event", "salt", "data"),
}  # fmt: skip
CUT = (  # the newest ticket and every trace of it
    "delete from event_data where event = (select max(id) from event)",
    "delete from event where id = (select max(id) from event)",
    "delete from ticket where id = (select max(id) from ticket)",
    "update counter set value = value - 1 where name in ('event', 'ticket')",
)


@pytest.fixture
def lived(sd: Sd, new: Callable[..., int], database: Path) -> Path:
    """A desk on which something happened: persons, tickets, a wait, a link, a merge, an undo; made once."""
    if restored(database, "lived"):
        return database
    numbers = [new(f"Ticket {number}") for number in range(5)]
    for words in (
        ["person", "edit", "1", "--department", "Wegen"],
        ["take", numbers[0]],
        ["wait", numbers[0], "--on", "customer", "--for", "serienummer", "--until", "+2wd"],
        ["resume", numbers[0]],
        ["party", "add", "Acme", "--kind", "supplier"],
        ["link", numbers[1], "part-of", numbers[0]],
        ["close", numbers[1], "--solution", "vervangen"],
        ["merge", numbers[2], "--into", numbers[3]],
        ["note", numbers[3], "gebeld"],
        ["assign", numbers[3], "workplace"],
        ["undo"],
        ["promise", numbers[3], "terugbellen", "--at", "16u"],
        ["promise", "move", "1", "--at", "+1d"],
    ):
        ran = sd(*words)
        assert ran.code == 0, (words, ran.err)
    assert sd("audit", "verify").code == 0
    save(database, "lived")
    return database


def seen(sd: Sd, *words: str) -> str:
    """Check that the journal is said not to hold, in sentences; return them."""
    ran = sd("audit", "verify", *words)
    assert ran.code == 1, ran
    assert ran.out, ran
    assert "the journal does not hold" in ran.err
    return ran.out


def other(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, int):
        return value + 1000
    return f"{value}x" if value else "x"


def changes(path: Path, table: str, column: str) -> list[str]:
    """Return a statement that changes one value of a column, in a row where that does not clash."""
    key = row_of(path)
    ((row, value),) = rows(path, f"select {key}, {column} from {table} order by 1 limit 1 offset 1")
    literal = "null" if value is None else repr(other(value))
    if value is None:
        literal = "1" if column.endswith(("_at", "_until", "_into", "end_at", "until_at")) else "'x'"
    return [f"update {table} set {column} = {literal} where {key} = '{row}'"]


# --- inside the chain


@pytest.mark.parametrize(("table", "column"), [(t, c) for t, columns in COLUMNS.items() for c in columns])
def test_every_column_of_the_journal(sd: Sd, lived: Path, table: str, column: str) -> None:
    """S9: no value of the journal can be changed."""
    change(lived, *changes(lived, table, column))

    seen(sd)


def test_the_list_of_columns_is_complete(lived: Path) -> None:
    """The columns tested are those that there are."""
    for table, columns in COLUMNS.items():
        assert tuple(columns_of(lived, table)) == columns


INSIDE = {
    "delete": ["delete from event_data where event = 4", "delete from event where id = 4"],
    "delete data only": ["delete from event_data where event = 4"],
    "delete the first": ["delete from event_data where event = 1", "delete from event where id = 1"],
    "delete the last": ["delete from event_data where event = (select max(id) from event)",
                        "delete from event where id = (select max(id) from event)"],
    "empty": ["delete from event_data", "delete from event"],
    "empty with its counter": ["delete from event_data", "delete from event",
                               "delete from counter where name = 'event'"],
    "swap": ["update event set id = -1 where id = 3", "update event set id = 3 where id = 4",
             "update event set id = 4 where id = -1"],
    "swap data": ["update event_data set event = -1 where event = 3",
                  "update event_data set event = 3 where event = 4",
                  "update event_data set event = 4 where event = -1"],
    "reverse": ["update event set id = -id", "update event set id = id + 1 + (select max(-id) from event)"],
    "forge": ["insert into event select 1 + id, act, kind, subject, verb, actor, source, at,"
              " recorded_at, commitment, hash from event where id = (select max(id) from event)",
              "update counter set value = value + 1 where name = 'event'"],
    "forge before the first": ["insert into event select -5, act, 'reading', subject, 'read', actor, source,"
                               " at, recorded_at, commitment, hash from event where id = 1"],
    "forge an erasure": ["delete from event_data where event = 4",
                         "insert into event select 1 + id, act, 'event', 4, 'erased', actor, source, at,"
                         " recorded_at, commitment, hash from event where id = (select max(id) from event)",
                         "update counter set value = value + 1 where name = 'event'"],
    "another desk": ["update meta set value = 'x' where key = 'desk'"],
    "no JSON": ["update event_data set data = '{' where event = 4"],
    "other JSON": ["update event_data set data = '[1]' where event = 4"],
    "unknown field": ["""update event_data set data = '{"set":{"x":1}}' where event = 4"""],
}  # fmt: skip


@pytest.mark.parametrize("how", INSIDE)
def test_inside_the_chain(sd: Sd, lived: Path, how: str) -> None:
    """S9: delete, swap, forge, empty, reorder."""
    change(lived, *INSIDE[how])

    seen(sd)


# --- records changed behind the journal's back


def _columns() -> list[tuple[str, str]]:
    from sdtool.store.migrations import MIGRATIONS

    with closing(sqlite3.connect(":memory:")) as db:
        for _, statements in MIGRATIONS:
            for statement in statements:
                for word, meaning in (("{id}", "integer"), ("{int}", "integer"), ("{strict}", "")):
                    statement = statement.replace(word, meaning)
                db.execute(statement)
        return [
            (table, column)
            for table in ("ticket", "pause", "link", "person", "promise", "party", "owed")
            for (column,) in db.execute(f"select name from pragma_table_info('{table}')")
        ]


def changed_record(path: Path, table: str, column: str) -> None:
    """Change one value of a record to another that the schema allows."""
    allowed = {
        "type": "'request'", "state": "'closed'", "caller": "null", "merged_into": "5", "active": "0",
        "confidential": "1 - confidential", "paused": "1 - paused", "other": "other + 1",
        "reversal": "1 - reversal",
        "test": "1 - test",
        "kind": "'blocks'", "fmis_ref": "'F-1'", "mail": "'x@example.be'", "mail_key": "'x'",
        "staff_number": "'x'", "phone": "'1'", "phone_key": "'1'", "party": "'supplier'",
    }  # fmt: skip
    if table == "promise":
        allowed |= {"kind": "'callback'", "state": "'kept'", "ticket": "1"}
    if table in ("party", "owed"):
        allowed |= {"kind": "'internal'", "state": "'open'", "ticket": "2", "person": "null", "party": "1"}
        allowed |= {"escalation_mail": "'x'"}
    key = row_of(path)
    ((row, value),) = rows(path, f"select {key}, {column} from {table} order by 1 limit 1")
    new = allowed.get(column) or (
        f"'{value}x'" if isinstance(value, str) else "coalesce(" + column + ", 0) + 77"
    )
    change(path, f"update {table} set {column} = {new} where {key} = '{row}'")


@pytest.mark.parametrize(("table", "column"), _columns())
def test_every_column_of_the_records(sd: Sd, lived: Path, table: str, column: str) -> None:
    """S9: a ticket, pause, link, person, promise, party or owed feedback changed without the journal."""
    changed_record(lived, table, column)

    seen(sd)


RECORDS = {
    "delete a ticket": "delete from ticket where id = 5",
    "delete the first ticket": "delete from ticket where id = 1",
    "delete a pause": "delete from pause where start_at = (select min(start_at) from pause)",
    "delete a link": "delete from link",
    "delete a person": "delete from person",
    "delete a promise": "delete from promise",
    "delete a party": "delete from party",
    "delete what is owed": "delete from owed",
    "forge a pause": "insert into pause select id, opened_at, opened_at + 60, null, 'customer' from ticket"
                     " where id = 5",
    "forge a link": "insert into link values (4, 'blocks', 5)",
    "forge a link of nobody's": "insert into link values (400, 'blocks', 500)",
    "forge a pause of nobody's": "insert into pause values (400, 1, 2, null, 'customer')",
    "forge a person": "insert into person (id, name, target_group, language, name_key)"
                      " values (9, 'X', 'staff', 'nl', 'x')",
}  # fmt: skip


@pytest.mark.parametrize("how", RECORDS)
def test_records_behind_the_journals_back(sd: Sd, lived: Path, how: str) -> None:
    """S9: records taken away or put there by hand."""
    change(lived, RECORDS[how])

    seen(sd)


@pytest.mark.parametrize("number", [-1, 0, 99, 2**63 - 1, -(2**63)])
def test_a_forged_ticket(sd: Sd, lived: Path, number: int) -> None:
    """A ticket that nobody registered, whatever its number."""
    columns = ", ".join(columns_of(lived, "ticket")[1:])
    change(lived, f"insert into ticket (id, {columns}) select {number}, {columns} from ticket where id = 5")

    assert f"ticket {number} " in seen(sd)


# --- the cut tail, and the journal written anew


@pytest.fixture
def anchored(lived: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The desk, with an anchor file in its settings, where the last ticket's head was noted."""
    settings = place / "settings.toml"
    settings.write_text(f'anchor = "{place / "anchor"}"\n')
    monkeypatch.setenv("SD_SETTINGS", str(settings))
    assert call("new", "de laatste", *REPORT).code == 0
    return lived


def test_a_cut_tail_is_seen_with_the_settings_anchor(sd: Sd, anchored: Path) -> None:
    """S9: the newest ticket vanishes with every trace; the anchor knows it."""
    assert sd("audit", "verify").code == 0
    change(anchored, *CUT)

    assert "was anchored outside and is gone" in seen(sd)


def test_a_cut_tail_that_grew_again_is_seen(sd: Sd, anchored: Path) -> None:
    """S9: after the cut others work on, and their heads are noted under the same numbers."""
    change(anchored, *CUT)
    assert sd("new", "een andere", *REPORT).code == 0

    assert "anchored outside" in seen(sd)


def test_a_cut_tail_is_seen_with_an_anchor_on_the_command_line(sd: Sd, lived: Path) -> None:
    """S9: --anchor with a head from the system log or the KPI mail."""
    sd("new", "de laatste", *REPORT)
    head = sd("audit", "verify").out.split("head ")[1].strip()
    change(lived, *CUT)

    assert sd("audit", "verify").code == 0, "without an anchor nobody can know"
    assert "gone" in seen(sd, "--anchor", head)


def test_a_cut_tail_is_seen_with_a_log(sd: Sd, lived: Path, place: Path) -> None:
    """S9: --anchor-file with a system log among whose lines the heads are."""
    sd("new", "de laatste", *REPORT)
    head = sd("audit", "verify").out.split("head ")[1].strip()
    log = place / "auth.log"
    log.write_bytes(f"Nov 23 10:30 host sdtool[1]: journal {head}\nother \xff line\n".encode("latin-1"))
    change(lived, *CUT)

    assert "gone" in seen(sd, "--anchor-file", str(log))


def test_an_emptied_desk_is_seen(sd: Sd, anchored: Path) -> None:
    """S9: everything gone is a whole but empty journal, except for the anchor."""
    change(anchored, *(f"delete from {table}" for table in ("event_data", "event", "link", "pause", "ticket",
                                                            "person", "counter", "ticket_text")))  # fmt: skip

    assert "is gone" in seen(sd)


def test_a_journal_written_anew_is_seen(sd: Sd, anchored: Path) -> None:
    """S9: who knows the program can compute a chain that holds; not the one that was noted."""
    sql = "select kind, subject, verb, source, at, data from event join event_data on event = id order by id"
    entries = [
        journal.Entry(kind, subject, verb, "evil", source, at, json.loads(data))
        for kind, subject, verb, source, at, data in rows(anchored, sql)
    ]
    gone = ("delete from event_data", "delete from event", "delete from counter where name = 'event'")
    change(anchored, *gone)
    store = open_store(str(anchored))
    store.run(lambda: journal.append(store, entries))
    store.close()

    assert "is not the one that was anchored" in seen(sd)


def test_every_commit_is_anchored(anchored: Path, place: Path) -> None:
    """The anchor file holds the head after each command that wrote."""
    before = len(read_heads((place / "anchor").read_text()))
    assert call("note", "1", "gebeld").code == 0
    assert call("list").code == 0
    assert call("note", "1", "x", "--if-rev", "99").code == 5

    heads = read_heads((place / "anchor").read_text())
    assert len(heads) == before + 1
    assert heads[-1] == rows(anchored, "select id, hash from event order by id desc limit 1")[0]


def test_an_anchor_that_is_gone_is_told(sd: Sd, anchored: Path, place: Path) -> None:
    """Nobody takes away the witness unseen."""
    (place / "anchor").unlink()
    ran = sd("audit", "verify")

    assert str(place / "anchor") in ran.err
    assert "cut" in ran.err


@pytest.mark.parametrize("table", ["event", "event_data"])
@pytest.mark.parametrize("verb", ["update", "delete"])
def test_the_journal_refuses_by_itself(lived: Path, table: str, verb: str) -> None:
    """Before anybody verifies: triggers refuse what is not an addition."""
    column = "at" if table == "event" else "salt"
    statement = f"delete from {table}" if verb == "delete" else f"update {table} set {column} = {column}"
    before = digests(lived)
    with pytest.raises(refusal(), match="journal is append-only"), connected(lived) as db:
        db.execute(statement)
    assert digests(lived) == before
