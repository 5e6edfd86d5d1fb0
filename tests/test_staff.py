"""Who comes, moves and leaves: one row of HR, its request and the tickets of its services."""

from __future__ import annotations

import pytest

from sdtool import jobs
from sdtool.desk import (
    Desk,
    checklists,
    handling,
    people,
    replay,
    staff,
    staff_days,
    staff_intake,
    tickets,
    undo,
)
from sdtool.errors import Failed, NotAllowed
from sdtool.mail import outbox
from sdtool.rules.lifecycle import Ticket

ROW = {
    "staff_number": "000123",
    "first_name": "Zoë",
    "last_name": "D'Hondt-Çelik",
    "name": "Zoë D'Hondt-Çelik",
    "start_date": "2027-01-11",  # a Monday
    "department": "Juridische dienst",
    "job_title": "Jurist",
    "manager_mail": "an.hoofd@example.be",
    "site": "Provinciehuis",
    "mail": "zoe@example.be",
}


@pytest.fixture(autouse=True)
def manager(desk: Desk) -> None:
    """The manager is in the directory."""
    people.add(desk, {"name": "An Hoofd", "mail": "an.hoofd@example.be"})


def told(desk: Desk, kind: str = "onboarding", **values: str) -> staff.Outcome:
    """Take in the row with other values; an empty one is left out."""
    return staff_intake.take_in(desk, kind, {k: v for k, v in {**ROW, **values}.items() if v})


def parts(desk: Desk, number: int) -> dict[str, Ticket]:
    """Return the parts of a change by service; a reversal has a minus before it."""
    return {f"{'-' * part.reversal}{part.service}": part for part in staff.parts(desk.store, number)}


def close(desk: Desk, *numbers: int) -> None:
    """Tick what there is and close tickets."""
    for number in numbers:
        items = [item.number for item in checklists.of(desk.store, number)]
        if items:
            checklists.tick(desk, number, items)
        handling.resolve(desk, [number], "gedaan")


def local(desk: Desk, moment: int | None) -> str:
    """Return a moment as people read it."""
    from sdtool import output

    return output.local(moment, desk.timezone)


def test_a_row_makes_a_request_with_a_ticket_for_each_service(desk: Desk) -> None:
    """Each with its own solver group, part of the request, the manager as caller."""
    number = told(desk).ticket

    made = parts(desk, number)
    parent = tickets.get(desk.store, number)
    assert list(made) == ["account", "badge", "workplace", "facility", "training", "mailbox", "applications"]
    assert made["workplace"].group_key == "workplace"
    assert parent.summary == "Indiensttreding Zoë D'Hondt-Çelik (000123)"
    assert people.get(desk.store, parent.caller or 0).mail == "an.hoofd@example.be"


def test_deadlines_count_back_from_the_start(desk: Desk) -> None:
    """Closing time, so many working days before Monday 11 January; the request itself: the start."""
    number = told(desk).ticket

    made = parts(desk, number)
    due = {key: local(desk, made[key].resolve_due) for key in ("account", "workplace", "training")}
    assert due == {
        "account": "2027-01-06 17:00",
        "workplace": "2027-01-07 17:00",
        "training": "2027-01-11 17:00",
    }
    assert local(desk, tickets.get(desk.store, number).resolve_due) == "2027-01-11 08:00"


def test_the_newcomer_is_in_the_directory(desk: Desk) -> None:
    """Found by name, mail and staff number from then on."""
    told(desk)
    assert people.find_one(desk.store, "000123").name == "Zoë D'Hondt-Çelik"


def test_what_must_come_first_holds_up_the_others(desk: Desk) -> None:
    """The mailbox waits for the account, its clock stands, and nobody counts as having taken it."""
    mailbox = parts(desk, told(desk).ticket)["mailbox"]
    assert (mailbox.state, mailbox.paused, mailbox.accepted_at) == ("waiting", 1, None)
    assert mailbox.waiting_for.startswith("Gebruikersaccount (SD-")


def test_closing_what_came_first_releases_the_others(desk: Desk) -> None:
    """The moment the account is done, the mailbox can begin; its deadline stays."""
    number = told(desk).ticket
    before = parts(desk, number)

    close(desk, before["account"].id)

    after = parts(desk, number)["mailbox"]
    assert (after.state, after.paused) == ("new", 0)
    assert after.resolve_due == before["mailbox"].resolve_due


def test_reopening_it_holds_them_up_again(desk: Desk) -> None:
    """As long as nobody took them in hand."""
    number = told(desk).ticket
    account = parts(desk, number)["account"].id
    close(desk, account)
    handling.reopen(desk, [account], "toch niet")
    assert parts(desk, number)["mailbox"].state == "waiting"


def test_an_incomplete_row_waits_for_hr_and_starts_what_it_can(desk: Desk) -> None:
    """Without a site the badge waits, the account does not."""
    number = told(desk, site="").ticket

    made = parts(desk, number)
    parent = tickets.get(desk.store, number)
    assert (parent.state, parent.waiting_for) == ("waiting", "Personeelsdienst: site")
    assert (made["badge"].waiting_for, made["account"].state) == ("Personeelsdienst: site", "new")
    assert staff.get(desk.store, number).missing == ("site",)


def test_completing_releases_the_rest(desk: Desk) -> None:
    """By hand or by a later file."""
    number = told(desk, site="").ticket
    staff_intake.complete(desk, number, "onboarding", {"site": "Provinciehuis"})
    states = {part.state for key, part in parts(desk, number).items() if key in ("badge", "workplace")}
    assert (states, tickets.get(desk.store, number).state) == ({"new"}, "new")


def test_the_same_row_again_changes_nothing(desk: Desk) -> None:
    """Not one journal row."""
    told(desk)
    events = desk.store.value("select count(*) from event")
    assert told(desk).action == "unchanged"
    assert desk.store.value("select count(*) from event") == events


def test_an_empty_field_erases_nothing(desk: Desk) -> None:
    """A file that lacks what was completed by hand takes nothing back."""
    number = told(desk).ticket
    assert told(desk, site="").action == "unchanged"
    assert staff.get(desk.store, number).data["site"] == "Provinciehuis"


def test_a_moved_start_moves_what_nobody_began(desk: Desk) -> None:
    """And says what it leaves to a person."""
    number = told(desk).ticket
    before = parts(desk, number)
    handling.take(desk, [before["workplace"].id])

    outcome = told(desk, start_date="2027-02-01")

    after = parts(desk, number)
    assert (outcome.action, outcome.ticket) == ("changed", number)
    assert local(desk, after["account"].resolve_due) == "2027-01-27 17:00"
    assert after["workplace"].resolve_due == before["workplace"].resolve_due
    assert outcome.remarks == (
        f"SD-{after['workplace'].id} (Werkplek en laptop: Zoë D'Hondt-Çelik) is begun: its deadline stays",
    )


def test_a_withdrawn_start_ends_what_nobody_began(desk: Desk) -> None:
    """The request too; the newcomer is no longer active."""
    number = told(desk).ticket
    assert told(desk, status="withdrawn").action == "withdrawn"
    states = {part.state for part in parts(desk, number).values()}
    assert (states, tickets.get(desk.store, number).state) == ({"cancelled"}, "cancelled")
    assert people.find_all(desk.store, "000123")[0].active == 0


def test_a_withdrawn_start_undoes_what_was_done(desk: Desk) -> None:
    """The account that was made is closed again; the request ends with that."""
    number = told(desk).ticket
    close(desk, parts(desk, number)["account"].id)

    told(desk, status="withdrawn")

    made = parts(desk, number)
    assert (made["-account"].summary, made["-account"].state) == (
        "Gebruikersaccount afsluiten: Zoë D'Hondt-Çelik",
        "new",
    )
    assert tickets.get(desk.store, number).state == "new"
    close(desk, made["-account"].id)
    assert tickets.get(desk.store, number).state == "cancelled"


def test_a_withdrawn_start_leaves_what_is_begun_to_a_person(desk: Desk) -> None:
    """It is named; the request ends when it does."""
    number = told(desk).ticket
    badge = parts(desk, number)["badge"].id
    handling.take(desk, [badge])

    outcome = told(desk, status="withdrawn")

    assert outcome.remarks[0].startswith(f"SD-{badge} (Toegangsbadge: ")
    assert tickets.get(desk.store, badge).state == "assigned"
    handling.cancel(desk, [badge], "ingetrokken")
    assert tickets.get(desk.store, number).state == "cancelled"


def test_a_ticket_that_a_person_cancelled_stays_so(desk: Desk) -> None:
    """Who needs no badge gets none by the next file either."""
    number = told(desk).ticket
    badge = parts(desk, number)["badge"].id
    handling.cancel(desk, [badge], "werkt thuis")
    told(desk, remark="thuiswerk")
    assert parts(desk, number)["badge"].id == badge


def test_another_function_changes_the_package(desk: Desk) -> None:
    """What comes in is made, what falls away and was not begun is cancelled."""
    number = told(desk).ticket
    told(desk, job_title="Diensthoofd")
    assert parts(desk, number)["phone"].state == "waiting"
    told(desk, job_title="Jurist")
    assert parts(desk, number)["phone"].state == "cancelled"
    told(desk, job_title="Diensthoofd")
    assert parts(desk, number)["phone"].state == "waiting"


def test_the_request_cannot_close_before_its_parts(desk: Desk) -> None:
    """Nobody is ready while a service is not."""
    from sdtool.errors import Refused

    with pytest.raises(Refused, match="open sub-tickets"):
        close(desk, told(desk).ticket)


# --- moving and leaving


def ready(desk: Desk, start: str = "2026-11-02") -> int:
    """Bring an onboarding to its end; return its number."""
    number = told(desk, start_date=start).ticket
    for key in ("account", "badge", "workplace", "facility", "training", "mailbox", "applications"):
        close(desk, parts(desk, number)[key].id)
    return number


def later(desk: Desk, days: int) -> None:
    """Let days pass."""
    desk.now += days * 86_400


def test_a_mover_gets_and_gives_back_the_difference(desk: Desk) -> None:
    """From staff to an external partner who leads: the desk goes, a phone comes."""
    ready(desk)
    number = told(
        desk, "mover", start_date="2027-03-01", target_group="external", job_title="Diensthoofd"
    ).ticket
    assert set(parts(desk, number)) == {"phone", "-workplace", "-applications", "-facility"}


def test_who_moves_or_leaves_is_named_as_in_the_directory(desk: Desk) -> None:
    """Of whom HR gives the staff number only; the directory keeps the name."""
    person = people.add(desk, {"name": "Bo Maes", "staff_number": "000777"}).id
    few = {"staff_number": "000777", "start_date": "2026-11-23", "job_title": "Diensthoofd"}
    number = staff_intake.take_in(desk, "mover", few).ticket
    staff_days.catch_up(desk)
    assert tickets.get(desk.store, number).summary == "Doorstroom Bo Maes (000777)"
    assert people.get(desk.store, person).name == "Bo Maes"


def test_what_is_taken_back_has_no_list_of_how_it_is_given(desk: Desk) -> None:
    """Nobody installs a laptop that comes back."""
    close(desk, *[part.id for part in parts(desk, told(desk).ticket).values()])
    leaves = parts(desk, told(desk, "offboarding", start_date="", end_date="2027-06-30").ticket)
    assert [checklists.of(desk.store, leaves[key].id) for key in ("-account", "-workplace")] == [[], []]


def test_a_mover_is_changed_in_the_directory_on_the_day(desk: Desk) -> None:
    """Not before."""
    ready(desk)
    told(desk, "mover", start_date="2026-12-01", department="Wegendienst")
    person = people.find_one(desk.store, "000123")
    assert (staff_days.catch_up(desk)[1], person.department) == (0, "Juridische dienst")
    later(desk, 8)
    assert staff_days.catch_up(desk)[1] == 1
    assert people.find_one(desk.store, "000123").department == "Wegendienst"


def test_who_leaves_gives_back_what_was_given(desk: Desk) -> None:
    """Nothing before the last day; the account at its closing time, the laptop five working days on."""
    ready(desk)
    number = told(desk, "offboarding", start_date="", end_date="2027-06-30").ticket

    made = parts(desk, number)
    assert set(made) == {"-account", "-mailbox", "-badge", "-workplace", "-applications", "-facility"}
    assert {part.state for part in made.values()} == {"waiting"}
    due = [local(desk, made[key].resolve_due) for key in ("-account", "-workplace")]
    assert due == ["2027-06-30 17:00", "2027-07-07 17:00"]


def test_leaving_begins_on_the_last_day(desk: Desk) -> None:
    """The job of that morning puts the work on the lists; the next day the person is inactive."""
    ready(desk)
    number = told(desk, "offboarding", start_date="", end_date="2026-12-01").ticket
    later(desk, 8)
    assert staff_days.catch_up(desk) == (1, 0)
    assert {part.state for part in parts(desk, number).values()} == {"new"}
    later(desk, 1)
    staff_days.catch_up(desk)
    assert people.find_all(desk.store, "000123")[0].active == 0


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("offboarding", {"start_date": "", "end_date": "2027-06-30"}),
        ("mover", {"start_date": "2027-03-01", "target_group": "external"}),
    ],
)
def test_a_withdrawn_end_or_move_ends_what_nobody_began(
    desk: Desk, kind: str, values: dict[str, str]
) -> None:
    ready(desk)
    number = told(desk, kind, **values).ticket
    assert parts(desk, number)
    assert told(desk, kind, status="withdrawn", **values).action == "withdrawn"
    assert {part.state for part in parts(desk, number).values()} == {"cancelled"}
    assert tickets.get(desk.store, number).state == "cancelled"
    later(desk, 300)
    assert staff_days.catch_up(desk) == (0, 0)
    assert list(replay.differences(desk.store)) == []


def test_a_withdrawn_end_gives_again_what_was_taken(desk: Desk) -> None:
    """The account that was closed is made anew, however often the change is settled; then it ends."""
    ready(desk)
    leaves = {"start_date": "", "end_date": "2026-12-01"}
    number = told(desk, "offboarding", **leaves).ticket
    later(desk, 8)
    staff_days.catch_up(desk)
    close(desk, parts(desk, number)["-account"].id)

    told(desk, "offboarding", status="withdrawn", **leaves)
    staff_days.replan(desk)

    made = parts(desk, number)
    assert (made["account"].state, made["-mailbox"].state) == ("new", "cancelled")
    close(desk, made["account"].id)
    assert tickets.get(desk.store, number).state == "cancelled"


def test_what_undoes_a_service_stays_however_often_it_is_settled(desk: Desk) -> None:
    """The package changed after it was given."""
    number = told(desk).ticket
    close(desk, *(parts(desk, number)[key].id for key in ("account", "badge", "workplace")))
    told(desk, target_group="external")
    before = {key: part.state for key, part in parts(desk, number).items()}
    staff_days.replan(desk)
    assert {key: part.state for key, part in parts(desk, number).items()} == before
    assert before["-workplace"] == "waiting"  # until the day


def active(desk: Desk) -> int:
    return people.find_all(desk.store, "000123")[0].active


def test_an_end_that_is_put_off_after_its_day(desk: Desk) -> None:
    """Who was gone is there again, until the new end."""
    ready(desk)
    told(desk, "offboarding", start_date="", end_date="2026-12-01")
    later(desk, 10)
    assert (staff_days.catch_up(desk)[1], active(desk)) == (1, 0)
    told(desk, "offboarding", start_date="", end_date="2026-12-20")
    assert (staff_days.catch_up(desk)[1], active(desk)) == (0, 1)
    later(desk, 20)
    assert (staff_days.catch_up(desk)[1], active(desk)) == (1, 0)
    told(desk, "offboarding", start_date="", end_date="2026-12-20", status="withdrawn")
    assert active(desk) == 1


def test_who_starts_again_the_day_after_the_end_stays(desk: Desk) -> None:
    close(desk, ready(desk))
    told(desk, "offboarding", start_date="", end_date="2026-11-30")
    told(desk, start_date="2026-12-01")
    later(desk, 9)
    staff_days.catch_up(desk)
    assert active(desk) == 1


def test_a_second_start_that_is_withdrawn_leaves_them_gone(desk: Desk) -> None:
    close(desk, ready(desk))
    told(desk, "offboarding", start_date="", end_date="2026-12-01")
    later(desk, 10)
    staff_days.catch_up(desk)
    told(desk, start_date="2027-02-01")
    assert active(desk) == 1
    told(desk, start_date="2027-02-01", status="withdrawn")
    assert active(desk) == 0


def test_a_move_that_is_corrected_after_its_day(desk: Desk) -> None:
    """The directory follows."""
    ready(desk)
    told(desk, "mover", start_date="2026-12-01", department="Onderwys")
    later(desk, 9)
    staff_days.catch_up(desk)
    told(desk, "mover", start_date="2026-12-01", department="Onderwijs")
    assert staff_days.catch_up(desk)[1] == 1
    assert people.find_one(desk.store, "000123").department == "Onderwijs"


@pytest.mark.parametrize("values", [{"name": "Zo Peeters"}, {"first_name": "Zo", "last_name": "Peeters"}])
def test_a_corrected_name_is_the_name(desk: Desk, values: dict[str, str]) -> None:
    """Whole or in two: what was known before does not stand beside it."""
    number = told(desk).ticket
    staff_intake.complete(desk, number, "onboarding", values)
    assert staff.full_name(staff.get(desk.store, number).data) == "Zo Peeters"
    assert people.find_one(desk.store, "000123").name == "Zo Peeters"


def test_who_leaves_and_was_here_before_gives_back_the_package(desk: Desk) -> None:
    """Nothing is recorded of what was given: what the packages say counts."""
    people.add(desk, {"name": "Jef Oud", "staff_number": "000999", "target_group": "external"})
    number = told(desk, "offboarding", staff_number="000999", start_date="", end_date="2027-06-30").ticket
    assert set(parts(desk, number)) == {"-account", "-mailbox", "-badge"}


def test_all_of_it_is_what_the_journal_says(desk: Desk) -> None:
    """After every kind of act."""
    number = ready(desk)
    told(desk, "mover", start_date="2027-03-01", target_group="external")
    told(desk, staff_number="000124", first_name="Bo", name="Bo", mail="bo@example.be", site="")
    told(desk, staff_number="000124", first_name="Bo", name="Bo", mail="bo@example.be", status="withdrawn")
    told(desk, "offboarding", start_date="", end_date="2027-06-30")
    assert number
    assert list(replay.differences(desk.store)) == []


@pytest.mark.parametrize("column", ["staff_number", "day", "data", "missing", "moves"])
def test_a_change_that_was_tampered_with_is_found(desk: Desk, column: str) -> None:
    """Whichever field it was."""
    number = told(desk).ticket
    value = 7 if column == "moves" else '["x"]'
    desk.run(lambda: desk.store.update("staff_change", number, {column: value}))
    assert list(replay.differences(desk.store)) == [f"change of staff {number} differs from the journal"]


def test_who_leaves_has_a_list_of_what_to_hand_in(desk: Desk) -> None:
    """On the request, with the manager's decisions; an item ticks itself when its ticket is closed."""
    ready(desk)
    number = told(desk, "offboarding", start_date="", end_date="2026-12-01").ticket
    listed = [(item.text, item.state) for item in checklists.of(desk.store, number)]
    assert listed == [
        ("Leidinggevende besliste over de mailbox", "open"),
        ("Leidinggevende besliste over de bestanden", "open"),
        ("Inleveren: Toegangsbadge", "open"),
        ("Inleveren: Werkplek en laptop", "open"),
        ("Inleveren: Bureau, sleutel en parking", "open"),
    ]
    later(desk, 8)
    staff_days.catch_up(desk)
    close(desk, parts(desk, number)["-badge"].id)
    assert checklists.of(desk.store, number)[2].state == "done"


def test_a_change_that_is_refused_holds_up_no_other(desk: Desk) -> None:
    """Somebody else got the address of who moves: who leaves is let go and letters go out all the same."""
    people.add(desk, {"name": "Zoë D'Hondt-Çelik", "staff_number": "000123"})
    mover = told(desk, "mover", start_date="2026-12-01", mail="zoe.nieuw@example.be").ticket
    people.add(desk, {"name": "Zoe Nieuw", "mail": "zoe.nieuw@example.be"})
    gone = people.add(desk, {"name": "Piet Weg", "staff_number": "000999"}).id
    leaving = {"staff_number": "000999", "name": "Piet Weg", "start_date": "", "end_date": "2026-12-02"}
    told(desk, "offboarding", **leaving, first_name="", last_name="", mail="")
    desk.now += 20 * 86_400

    with pytest.raises(Failed, match=rf"1 brought up to date.*; SD-{mover}: .*zoe\.nieuw@example\.be"):
        jobs.run(desk, "staff")

    assert (people.get(desk.store, gone).active, bool(outbox.listing(desk.store))) == (0, True)


def test_the_parts_are_confidential_with_their_request(desk: Desk) -> None:
    """Those that are there, ended ones too, and one made later; it is one act, which is undone as one."""
    number = told(desk, start_date="").ticket
    badge = parts(desk, number)["badge"].id
    handling.cancel(desk, [badge], "heeft er een")
    handling.edit(desk, number, {"confidential": 1})
    assert {part.confidential for part in parts(desk, number).values()} == {1}

    assert len(undo.undo(desk)) == len(parts(desk, number)) + 1
    assert {part.confidential for part in parts(desk, number).values()} == {0}

    handling.edit(desk, number, {"confidential": 1})
    staff_intake.complete(desk, number, "onboarding", {"job_title": "Landmeter", "start_date": "2027-01-11"})
    made = parts(desk, number)
    assert {part.confidential for part in made.values()} == {1}
    handling.edit(desk, number, {"confidential": 0})
    assert {part.confidential for part in parts(desk, number).values()} == {0}
    assert list(replay.differences(desk.store)) == []


def test_who_has_a_part_of_a_confidential_change_can_end_it(desk: Desk) -> None:
    """The next is released, and the request changes, though neither is theirs to read or to change."""
    number = told(desk, manager_mail="").ticket
    handling.edit(desk, number, {"confidential": 1})
    made = parts(desk, number)
    handling.each(desk, [made["account"].id], "assign", {"agent": "bram"})
    desk.actor = "bram"

    close(desk, made["account"].id)

    assert parts(desk, number)["mailbox"].state == "new"
    with pytest.raises(NotAllowed):
        staff_intake.complete(desk, number, "onboarding", {"site": "Gent"})
    with pytest.raises(NotAllowed):
        handling.take(desk, [made["mailbox"].id])
