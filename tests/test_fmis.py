"""Tickets with their history: what the rows of another system's log become here."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdtool.desk import Desk, calendars, fmis, fmis_map, handling, owed, people, registration, replay, tickets
from sdtool.desk.fmis import Imported
from sdtool.rulebook import compiled
from sdtool.rules.lifecycle import Ticket
from sdtool.store import create_store, open_store
from sdtool.store.base import Store
from sdtool.store.journal import history
from tests.fmis_files import ENDS, TABLES, map_text, row, write

Take = Callable[..., Imported]
LIFE = (
    row("09:00", "Nieuw"),
    row("09:10", "Bezig", Behandelaar="an"),
    row("09:30", "Wacht op klant", Behandelaar="an"),
    row("10:30", "Bezig", Behandelaar="an"),
    row("11:00", "Opgelost", Behandelaar="an"),
    row("12:00", "Gesloten", Behandelaar="an"),
)


@pytest.fixture
def take(desk: Desk, tmp_path: Path) -> Take:
    """Import rows by a map (see `fmis_files`) with more columns."""

    def call(*rows: dict[str, str], **more: Any) -> Imported:
        return fmis.import_file(desk, *write(tmp_path, rows, map_text(**more)))

    return call


def at(text: str) -> int:
    """Return a moment of 2 March 2026 in Brussels."""
    return int(
        datetime.fromisoformat(f"2026-03-02T{text}").replace(tzinfo=ZoneInfo("Europe/Brussels")).timestamp()
    )


def ticket(store: Store, reference: str = "F1") -> Ticket:
    found = tickets.by_reference(store, reference)
    assert found is not None
    return found


def verbs(store: Store, reference: str = "F1") -> list[str]:
    return [event["verb"] for event in history(store, "ticket", ticket(store, reference).id)]


def test_rows_become_acts_at_their_moments(take: Take, store: Store) -> None:
    take(*LIFE)

    events = history(store, "ticket", ticket(store).id)
    assert [(e["verb"], e["at"]) for e in events] == [
        ("new", at("09:00")),
        ("assign", at("09:10")),
        ("start", at("09:10")),
        ("wait", at("09:30")),
        ("resume", at("10:30")),
        ("resolve", at("11:00")),
        ("close", at("12:00")),
    ]
    assert {event["source"] for event in events} == {"import"}


def test_waiting_pauses_as_the_rulebook_agrees(take: Take, store: Store) -> None:
    take(*LIFE[:4])

    assert [tuple(pause) for pause in tickets.pauses(store, ticket(store).id)] == [
        (at("09:30"), at("10:30"), "customer")
    ]


def test_journal_tells_all_that_is_stored(take: Take, store: Store) -> None:
    take(*LIFE, row("13:00", "Bezig", Team="netwerk"), row("14:00", "Opgelost"))

    assert list(replay.differences(store)) == []


def test_each_row_is_an_act_of_its_own_ticket(take: Take, store: Store) -> None:
    """An import is no single act of hundreds of tickets."""
    take(row("09:00", "Nieuw"), row("09:00", "Nieuw", Nr="F2"))

    acts = [history(store, "ticket", ticket(store, name).id)[0]["act"] for name in ("F1", "F2")]
    assert acts[0] != acts[1]


# --- the moments that the file fixes --------------------------------------------------------------


def test_resolved_row_before_the_given_moment_is_not_the_resolution(take: Take, store: Store) -> None:
    fixed = {"Klaar": "02/03/2026 11:00"}
    take(row("09:00", "Bezig", **fixed), row("10:00", "Opgelost", **fixed), row("11:00", "Opgelost", **fixed),
         resolved_at="Klaar")  # fmt: skip

    assert ticket(store).resolved_at == at("11:00")
    assert verbs(store).count("resolve") == 1


def test_given_moment_counts_even_if_other_rows_are_later(take: Take, store: Store) -> None:
    """Somebody touched the ticket while it was solved: the file's moment stands, nothing is reopened."""
    fixed = {"Klaar": "02/03/2026 10:00", "Dicht": "02/03/2026 12:00"}
    take(
        row("09:00", "Nieuw", **fixed),
        row("10:30", "Bezig", **fixed),
        row("12:00", "Gesloten", **fixed),
        **ENDS,
    )

    found = ticket(store)
    assert (found.resolved_at, found.closed_at, found.ended_at) == (at("10:00"), at("12:00"), at("10:00"))
    assert "reopen" not in verbs(store)


def test_closed_without_resolution_has_none(take: Take, store: Store) -> None:
    take(row("09:00", "Opgelost"), row("12:00", "Gesloten"), resolved_at="Klaar")

    found = ticket(store)
    assert (found.state, found.resolved_at, found.closed_at) == ("closed", None, at("12:00"))
    assert verbs(store)[-1] == "import-close"


def test_closing_is_when_the_file_says(take: Take, store: Store) -> None:
    """A first closed row that was followed by another does not count."""
    fixed = {"Dicht": "02/03/2026 15:00"}
    take(
        row("09:00", "Opgelost"),
        row("12:00", "Gesloten"),
        row("15:00", "Gesloten", **fixed),
        closed_at="Dicht",
    )

    assert ticket(store).closed_at == at("15:00")


def test_resolution_that_did_not_stand_stays_in_the_history(take: Take, store: Store) -> None:
    fixed = {"Klaar": "02/03/2026 14:00"}
    take(
        row("09:00", "Opgelost", **fixed),
        row("10:00", "Bezig", **fixed),
        row("14:00", "Opgelost", **fixed),
        **ENDS,
    )

    assert verbs(store) == ["new", "resolve", "reopen", "resolve"]
    assert (ticket(store).resolved_at, ticket(store).reopens) == (at("14:00"), 1)


def test_row_before_the_making_counts_at_the_making(take: Take, store: Store) -> None:
    take(row("08:00", "Bezig", Behandelaar="an", Gemaakt="02/03/2026 09:00"), **ENDS)

    assert {event["at"] for event in history(store, "ticket", 1)} == {at("09:00")}


def test_later_export_moves_the_resolution(take: Take, store: Store) -> None:
    """The other system took the last of several resolved rows, and the first had been imported."""
    first = row("09:00", "Opgelost", Klaar="02/03/2026 09:00")
    take(first, **ENDS)
    take(first, row("10:00", "Gesloten", Klaar="02/03/2026 09:30", Dicht="02/03/2026 10:00"), **ENDS)

    assert (ticket(store).resolved_at, ticket(store).ended_at) == (at("09:30"), at("09:30"))


# --- counters ---------------------------------------------------------------------------------------


def test_changes_of_group_are_counted(take: Take, store: Store) -> None:
    take(row("09:00", "Nieuw"), row("09:10", "Nieuw", Team="netwerk"), row("09:20", "Nieuw", Team="systemen"))

    assert ticket(store).reassignments == 2


def test_counter_of_the_file_counts_instead(take: Take, store: Store) -> None:
    take(row("09:00", "Nieuw", W="0"), row("09:10", "Nieuw", Team="netwerk", W="3"), reassignments="W")

    event = history(store, "ticket", 1)[-1]
    assert (ticket(store).reassignments, event["verb"], event["data"]["counted"]) == (3, "assign", 3)


@pytest.mark.parametrize("state", ["Bezig", "Gesloten"])
def test_counter_that_rises_unseen_is_recorded(take: Take, store: Store, state: str) -> None:
    """There and back between two rows: no change to be seen, and yet two."""
    take(row("09:00", state, W="0", H="0"), row("09:10", state, W="2", H="1"), reassignments="W", reopens="H")

    assert (ticket(store).reassignments, ticket(store).reopens) == (2, 1)
    assert history(store, "ticket", 1)[-1]["data"]["counted"] == 3


def test_reopening_counts_what_the_file_counts(take: Take, store: Store) -> None:
    take(row("09:00", "Opgelost", H="0"), row("09:10", "Nieuw", H="2"), reopens="H")

    assert (ticket(store).reopens, verbs(store)[-2:]) == (2, ["resolve", "reopen"]) or ticket(
        store
    ).reopens == 2


def test_counter_never_falls(take: Take, store: Store) -> None:
    take(row("09:00", "Nieuw", W="4"), row("09:10", "Nieuw", W="1"), reassignments="W")

    assert ticket(store).reassignments == 4


# --- what a ticket is -------------------------------------------------------------------------------


def test_other_priority_is_an_override_with_its_reason(take: Take, store: Store) -> None:
    tables = TABLES + "[values.priority]\nHoog = 1\n"
    take(row("09:00", "Nieuw", P="Hoog"), priority="P", tables=tables)

    found = ticket(store)
    assert (found.priority, found.derived_priority, found.override_reason) == (1, 3, "from FMIS")


def test_priority_that_follows_here_too_is_no_override(take: Take, store: Store) -> None:
    take(
        row("09:00", "Nieuw", P="3"), row("09:10", "Nieuw", P="2"), row("09:20", "Nieuw", P="3"), priority="P"
    )

    assert (ticket(store).priority, ticket(store).override_reason) == (3, "")
    assert verbs(store) == ["new", "edit", "edit"]


def test_urgency_without_priority_changes_the_priority(take: Take, store: Store) -> None:
    take(row("09:00", "Nieuw", Haast="dringend", Melder="Iris Nieuw"), row("09:10", "Nieuw"))

    assert (ticket(store).urgency, ticket(store).priority) == ("normal", 3)


def test_foreign_group_is_kept(take: Take, store: Store) -> None:
    take(row("09:00", "Nieuw", Team="Équipe 7"))

    assert ticket(store).group_key == "Équipe 7"


def test_empty_cell_is_the_default(take: Take, store: Store) -> None:
    take(row("09:00", "Nieuw", Team="-", Titel=""))

    assert (ticket(store).group_key, ticket(store).summary) == ("servicedesk", "F1")


def test_long_summary_goes_on_in_the_description(take: Take, store: Store) -> None:
    take(row("09:00", "Nieuw", Titel="woord " * 200))

    assert (len(ticket(store).summary), len(ticket(store).description)) == (500, 1199)


def test_formula_is_kept_as_text(take: Take, store: Store) -> None:
    """Our exports guard it; here it is what the customer wrote."""
    take(row("09:00", "Nieuw", Titel="=HYPERLINK(1)"))

    assert ticket(store).summary == "=HYPERLINK(1)"


def test_work_without_a_name_is_accepted_by_nobody_known(take: Take, store: Store) -> None:
    take(row("09:00", "Nieuw"), row("09:40", "Bezig"), row("10:00", "Opgelost"))

    assert (ticket(store).accepted_at, ticket(store).agent) == (at("09:40"), "")


def test_who_resolved_it_is_its_agent(take: Take, store: Store) -> None:
    take(row("09:00", "Opgelost", Door="piet"), resolver="Door")

    assert ticket(store).agent == "piet"


def test_cancelled_ticket(take: Take, store: Store) -> None:
    take(row("09:00", "Nieuw"), row("09:40", "Geannuleerd"))

    assert (ticket(store).state, ticket(store).closed_at) == ("cancelled", at("09:40"))


def test_note_changes_no_state(take: Take, store: Store) -> None:
    take(*LIFE[:3], row("09:40", "Nota", Behandelaar="an"))

    assert ticket(store).state == "waiting"


def test_rows_of_whole_tickets(take: Take, store: Store) -> None:
    """One row a ticket: what is known are its moments and how it ended."""
    given = {"Gemaakt": "02/03/2026 09:00", "Klaar": "02/03/2026 11:00", "Dicht": "02/03/2026 12:00"}
    take(row("12:00", "Gesloten", Behandelaar="an", **given), rows="ticket", **ENDS, moment="")

    found = ticket(store)
    assert (found.opened_at, found.resolved_at, found.closed_at) == (at("09:00"), at("11:00"), at("12:00"))
    assert (found.agent, verbs(store)) == ("an", ["new", "resolve", "close"])


def test_whole_ticket_that_changed_is_extended(take: Take, store: Store) -> None:
    given = {"Gemaakt": "02/03/2026 09:00"}
    options = {"rows": "ticket", "moment": "", **ENDS}
    take(row("", "Nieuw", **given), **options)
    done = take(row("", "Opgelost", Klaar="02/03/2026 11:00", **given), **options)

    assert (done.extended, ticket(store).resolved_at) == (1, at("11:00"))


# --- callers ----------------------------------------------------------------------------------------


def test_caller_is_found_or_made(take: Take, desk: Desk, store: Store) -> None:
    known = people.add(desk, {"name": "Bea Bos", "mail": "bea@example.be", "staff_number": "007"})
    done = take(*(row("09:00", "Nieuw", Nr=f"F{n}", Melder=name) for n, name in enumerate(
        ("Bea BOS", "BEA@example.be", "007", "Bea", "Bea", "-"))))  # fmt: skip

    callers = [ticket(store, f"F{n}").caller for n in range(6)]
    assert callers[:3] == [known.id] * 3
    assert people.get(store, callers[3] or 0).name == "Bea"
    assert (callers[4], callers[5], done.callers) == (callers[3], None, 1)


def test_unknown_caller_stays_in_the_journal(take: Take, store: Store) -> None:
    done = take(row("09:00", "Nieuw", Melder="Iris Nieuw"), top="")

    assert (ticket(store).caller, done.unknown) == (None, 1)
    assert history(store, "ticket", 1)[0]["data"]["fmis"]["caller"] == "Iris Nieuw"


def test_name_of_two_people_is_nobody(take: Take, desk: Desk, store: Store) -> None:
    for mail in ("a@example.be", "b@example.be"):
        people.add(desk, {"name": "Bea Bos", "mail": mail})

    assert take(row("09:00", "Nieuw", Melder="Bea Bos")).unknown == 1


# --- again ------------------------------------------------------------------------------------------


def test_second_run_changes_nothing(take: Take, store: Store) -> None:
    take(*LIFE)
    before = store.value("select value from counter where name = 'event'")
    done = take(*LIFE)

    assert (done.same, done.acts) == (1, 0)
    assert store.value("select value from counter where name = 'event'") == before


def test_later_export_adds_only_its_new_rows(take: Take, store: Store) -> None:
    take(*LIFE[:3])
    done = take(*LIFE)

    assert (done.extended, done.acts, verbs(store)) == (
        1, 3, ["new", "assign", "start", "wait", "resume", "resolve", "close"])  # fmt: skip


def test_export_of_new_rows_alone_does_the_same(take: Take, store: Store) -> None:
    take(*LIFE[:3])
    take(*LIFE[3:])

    assert ticket(store).state == "closed"


def test_row_without_effect_is_remembered(take: Take) -> None:
    take(*LIFE[:1])
    take(*LIFE[:1], row("09:05", "Nieuw"))

    assert take(*LIFE[:1], row("09:05", "Nieuw")).same == 1


def test_row_that_stands_there_twice_counts_once(take: Take, store: Store) -> None:
    take(row("09:00", "Nieuw"), row("09:10", "Opgelost"), row("09:10", "Opgelost"))

    assert verbs(store) == ["new", "resolve"]


def test_older_row_than_those_imported_is_left_out(take: Take, store: Store) -> None:
    take(*LIFE)

    assert (take(*LIFE, row("09:20", "Bezig", Team="netwerk")).late, ticket(store).state) == (1, "closed")


def test_constants_of_a_ticket_may_come_later(take: Take) -> None:
    """A log joins the moment of resolution to all rows of a ticket: old rows are the same rows still."""
    take(row("09:00", "Nieuw"), **ENDS)
    fixed = {"Klaar": "02/03/2026 10:00"}
    done = take(row("09:00", "Nieuw", **fixed), row("10:00", "Opgelost", **fixed), **ENDS)

    assert (done.late, done.acts) == (0, 1)


def test_merged_ticket_is_left_alone(take: Take, desk: Desk, store: Store) -> None:
    take(row("09:00", "Nieuw"), row("09:00", "Nieuw", Nr="F2"))
    tickets.apply(desk, ticket(store).id, "merge", {"into": ticket(store, "F2").id}, at=at("09:30"))
    take(*LIFE)

    assert ticket(store).state == "merged"


def test_ticket_registered_here_is_extended_from_then_on(take: Take, desk: Desk, store: Store) -> None:
    """It got its reference by hand: what the file tells of earlier is known here better."""
    report = registration.Report(
        "Papier klem", None, "phone", "incident", "printer", "normal", at=at("09:30")
    )
    registration.register(desk, report._replace(fmis_ref="F1"))
    done = take(row("09:00", "Gesloten"), row("10:00", "Opgelost"))

    assert (done.extended, done.late, ticket(store).state) == (1, 1, "resolved")


def test_rows_alike_in_one_minute_are_each_a_row(take: Take, store: Store) -> None:
    """He was asked, answered and was asked again while the clock showed 09:10."""
    there = [row("09:10", state) for state in ("Wacht op klant", "Bezig", "Wacht op klant")]
    take(*there[:1])
    take(*there)

    assert (ticket(store).state, take(*there).same) == ("waiting", 1)


def test_file_with_the_newest_row_first(take: Take, store: Store) -> None:
    take(row("10:00", "Nota"), row("09:10", "Bezig"), row("09:10", "Wacht op klant"), row("09:00", "Nieuw"))

    assert verbs(store) == ["new", "wait", "resume"]


def test_what_another_system_waits_for_is_not_owed_here(take: Take, desk: Desk, store: Store) -> None:
    """Waits of an import make nothing to chase; what was asked here ends with what the import tells."""
    take(*LIFE[:3])
    number = ticket(store).id
    assert (ticket(store).state, owed.listing(store, ended=True)) == ("waiting", [])
    handling.wait(desk, [number], "supplier", "onderdeel", desk.now + 3600)
    take(*LIFE)
    assert [one.owed.state for one in owed.listing(store, ended=True)] == ["answered"]
    assert list(replay.differences(store)) == []


# --- around it --------------------------------------------------------------------------------------


def test_days_off_are_there_for_the_years_of_the_data(take: Take, desk: Desk, store: Store) -> None:
    take(row("02/03/2009 09:00", "Nieuw"))

    assert all(calendars.covered(store, desk.rulebook, year) for year in (2009, 2010))


def test_time_zone_and_offset(take: Take, store: Store) -> None:
    zoned = {"top": 'timezone = "UTC"\n'}
    take(row("09:00", "Nieuw"), **zoned)

    assert ticket(store).opened_at == at("10:00")


@pytest.mark.parametrize(
    ("form", "text", "iso"),
    [
        ("%Y-%m-%d %H:%M:%S%z", "2026-03-02 09:00:05+02:00", "2026-03-02T07:00:05+00:00"),
        ("%Y-%m-%dT%H:%M:%S.%f%z", "2026-03-02T09:00:05.123Z", "2026-03-02T09:00:05+00:00"),
        ("%m/%d/%y %I:%M %p", "3/2/26 12:05 AM", "2026-03-01T23:05:00+00:00"),
        ("%d-%m-%Y", "2-3-2026", "2026-03-01T23:00:00+00:00"),
        ("%d/%m/%Y %H:%M", "2/3/2026 9:5", None),
        ("%d/%m/%Y %H:%M", "30/2/2026 09:00", None),
        ("%d/%m/%Y %I:%M %p", "2/3/2026 13:00 PM", None),
    ],
)
def test_formats_of_moments(form: str, text: str, iso: str | None) -> None:
    from sdtool.desk.fmis_dates import Dates, pattern

    wanted = int(datetime.fromisoformat(iso).timestamp()) if iso else None
    assert Dates([pattern(form)], "Europe/Brussels").read(text) == wanted


@pytest.mark.parametrize("name", fmis_map.names())
def test_shipped_map_fits_the_shipped_rulebook(name: str, tmp_path: Path) -> None:
    assert fmis_map.load(name, compiled.load("", str(tmp_path))).columns["reference"]


def test_import_goes_on_after_a_failed_slice(
    take: Take, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed stays, the error says so, and the next run does the rest."""
    from sdtool.errors import Busy

    monkeypatch.setattr(fmis, "SLICE", 2)
    rows = [row("09:00", "Nieuw", Nr=f"F{n}") for n in range(5)]
    real, calls = fmis._slice, []

    def second_fails(*given: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise Busy("the desk is busy")
        return real(*given)

    monkeypatch.setattr(fmis, "_slice", second_fails)
    with pytest.raises(Busy) as failure:
        take(*rows)
    done = take(*rows)

    assert "2 tickets of the file are imported" in failure.value.hint
    assert (done.same, done.added) == (2, 3)


# --- any log at all -----------------------------------------------------------------------------------

STATES = [
    "Nieuw",
    "Bezig",
    "Wacht op klant",
    "Wacht op leverancier",
    "Opgelost",
    "Gesloten",
    "Geannuleerd",
    "Nota",
]
ROWS = st.lists(
    st.tuples(
        st.integers(0, 300),
        st.sampled_from(STATES),
        st.sampled_from(["servicedesk", "netwerk", "-"]),
        st.sampled_from(["an", "piet", "-"]),
        st.integers(0, 3),
        st.sampled_from(["gewoon", "dringend"]),
    ),
    min_size=1,
    max_size=9,
)


def _rows(drawn: list[tuple[int, str, str, str, int, str]], fixed: dict[str, str]) -> list[dict[str, str]]:
    return [
        row(
            f"{8 + m // 60:02}:{m % 60:02}",
            state,
            Team=team,
            Behandelaar=agent,
            W=str(count),
            Haast=haste,
            **fixed,
        )
        for m, state, team, agent, count, haste in sorted(drawn, key=lambda one: one[0])
    ]


def _imported(folder: Path, exports: list[list[dict[str, str]]], map_: str) -> dict[str, Any]:
    """Import exports into a fresh desk; return the ticket after them, checked against the journal."""
    database = str(folder / f"{os.urandom(6).hex()}.db")
    create_store(database, "x").close()
    store = open_store(database)
    store.execute("pragma synchronous = off")
    desk = Desk(
        store, compiled.load("", str(folder)), None, actor="an", source="cli", now=at("09:00") + 10**7
    )  # type: ignore[arg-type]
    for rows in exports:
        fmis.import_file(desk, *write(folder, rows, map_))
    found = ticket(store)._asdict()
    assert list(replay.differences(store)) == []
    assert fmis.import_file(desk, *write(folder, exports[-1], map_)).acts == 0
    store.close()
    return {name: value for name, value in found.items() if name != "rev"}


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=ROWS, cut=st.integers(1, 8))
def test_any_log_in_two_exports_is_the_log_in_one(place: Path, drawn: Any, cut: int) -> None:
    rows, map_ = _rows(drawn, {}), map_text(reassignments="W")

    assert _imported(place, [rows[:cut], rows], map_) == _imported(place, [rows], map_)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=ROWS, ends=st.tuples(st.integers(0, 300), st.integers(0, 300)))
def test_any_log_with_given_ends_is_imported(place: Path, drawn: Any, ends: tuple[int, int]) -> None:
    """Whatever the rows say, a ticket that ended stands resolved when the file says so."""
    resolved, closed = (f"02/03/2026 {8 + m // 60:02}:{m % 60:02}" for m in sorted(ends))
    rows = _rows(drawn, {"Klaar": resolved, "Dicht": closed})

    found = _imported(place, [rows], map_text(resolved_at="Klaar", closed_at="Dicht", reassignments="W"))

    opened = at(rows[0]["Wanneer"][-5:])
    if found["state"] in ("resolved", "closed") and at(resolved[-5:]) >= opened:
        assert found["resolved_at"] == at(resolved[-5:])
