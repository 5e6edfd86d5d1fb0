"""`sd pend`: a ticket that is put off leaves the work list and comes back by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sdtool.desk import Desk, fmis, handling, replay, tickets
from tests.conftest import Sd
from tests.fmis_files import map_text, row, write
from tests.test_cmd_next import order

New = Callable[..., int]


def test_it_leaves_the_list_and_comes_back(sd: Sd, new: New) -> None:
    """Off the work list until its moment, and on it from then on, without any job."""
    number = new()
    ran = sd("pend", number, "--until", "14u", "--reason", "na de vergadering")
    assert "pended until 2026-11-23 14:00, the clock runs on" in ran.out
    assert order(sd, as_of="2026-11-23T13:59") == []
    assert order(sd, as_of="2026-11-23T14:00") == [number]
    assert "it was put off until now" in sd("next", as_of="2026-11-23T14:00").out


def test_its_deadlines_run_on(sd: Sd, new: New) -> None:
    """It is no pause: no deadline moves, nobody responded, and it can be late."""
    number = new()
    before = sd("show", number, "--format", "json").json()
    sd("pend", number, "--until", "+10wd")
    after = sd("show", number, "--format", "json", as_of="2026-12-04T09:00").json()
    same = ("respond_by", "resolve_by", "accepted_at", "responded_at")
    assert {k: after[k] for k in same} == {k: before[k] for k in same}
    assert (after["state"], after["waiting_on"], after["late"]) == ("waiting", "desk", True)
    assert sd("list", "--late", "--format", "json", as_of="2026-12-04T09:00").json()[0]["id"] == number


def test_the_report_counts_it_as_open(sd: Sd, new: New) -> None:
    """In the backlog, late when it is, and not as waiting for somebody."""
    sd("pend", new(), "--until", "+20wd")
    told = sd("report", "kpi", "--month", "2026-11", "--format", "json", as_of="2026-12-01T08:00").json()
    values = {figure["key"]: figure["value"] for figure in told["kpis"]}
    assert [values[key] for key in ("backlog", "backlog_late", "backlog_waiting")] == [1, 1, 0]


def test_resume_takes_it_back(sd: Sd, new: New) -> None:
    """Before its moment too; nobody has it still."""
    number = new()
    sd("pend", number, "--until", "+2d")
    sd("resume", number)
    assert order(sd) == [number]
    assert sd("show", number, "--format", "json").json()["state"] == "new"


def test_it_can_be_put_off_again(sd: Sd, new: New) -> None:
    """The last moment counts."""
    number = new()
    sd("pend", number, "--until", "14u")
    sd("pend", number, "--until", "16u")
    assert order(sd, as_of="2026-11-23T15:00") == []


def test_a_wait_is_not_overwritten(sd: Sd, new: New) -> None:
    """Who owes what would be forgotten."""
    number = new()
    sd("wait", number, "--on", "supplier", "--for", "onderdeel", "--until", "+2d")
    ran = sd("pend", number, "--until", "14u")
    assert (ran.code, "waits for the supplier already" in ran.err) == (5, True)


def test_all_or_none(sd: Sd, new: New) -> None:
    """Several tickets are one act."""
    one, two = new(), new()
    sd("close", two, "--solution", "x")
    assert sd("pend", f"{one},{two}", "--until", "14u").code == 5
    assert order(sd) == [one]


def test_the_journal_tells_it(sd: Sd, new: New, desk: Desk) -> None:
    """Who put it off, until when, and why."""
    number = new()
    sd("pend", number, "--until", "14u", "--reason", "na de vergadering")
    (_, event) = sd("history", number, "--format", "json").json()
    assert event["verb"] == "pend" and "na de vergadering" in event["what"]
    assert list(replay.differences(desk.store)) == []


def test_an_import_does_not_bring_it_back(desk: Desk, tmp_path: Path) -> None:
    """The other system knows nothing of it: a row that says it is worked on is no news."""
    rows = [row("20/11/2026 09:00", "Nieuw"), row("20/11/2026 10:00", "Bezig", Behandelaar="an")]
    fmis.import_file(desk, *write(tmp_path, rows, map_text()))
    handling.pend(desk, [1], desk.now + 3600)
    later = row("23/11/2026 10:20", "Bezig", Behandelaar="an", Haast="dringend")
    fmis.import_file(desk, *write(tmp_path, [*rows, later], map_text()))
    ticket = tickets.get(desk.store, 1)
    assert (ticket.urgency, ticket.state, ticket.waiting_on) == ("high", "waiting", "desk")
