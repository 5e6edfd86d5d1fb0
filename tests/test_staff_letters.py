"""What managers, newcomers and HR read about changes of staff: what, to whom, in which words, and once."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from itertools import product

import pytest

from sdtool import render
from sdtool.desk import Desk, handling, people, staff, staff_letters
from sdtool.desk.registration import Report, register
from sdtool.mail import acts
from sdtool.rulebook.staffing import KINDS, READERS, STEPS, Mail, staffing
from sdtool.store.base import Store
from tests.conftest import MELDER
from tests.test_staff import close, parts, told

MANAGER, NEWCOMER, HR = "an.hoofd@example.be", "zoe@example.be", "hr@example.be"
FIRST = ("account", "badge", "workplace", "facility", "mailbox", "applications")  # all but the training
EVERYTHING = tuple(Mail(step, to) for step in STEPS for to in READERS)


@pytest.fixture(autouse=True)
def manager(desk: Desk) -> None:
    """The manager is in the directory, HR has an address."""
    people.add(desk, {"name": "An Hoofd", "mail": MANAGER})
    agree(desk)


def agree(desk: Desk, *mails: Mail, hr: str = HR) -> None:
    """Let the rulebook say who gets which mail; as shipped when none is given."""
    lists = staffing(desk.rulebook)
    seldom = list(desk.rulebook.seldom)
    seldom[lists._fields.index("staff")] = tuple(lists.staff._replace(hr_mail=hr))
    if mails:
        seldom[lists._fields.index("staff_mails")] = tuple(map(tuple, mails))
    desk.rulebook = desk.rulebook._replace(seldom=tuple(seldom))


def speak(desk: Desk, language: str) -> None:
    """Make it the language of everybody."""
    organisation = desk.rulebook.organisation._replace(language=language)
    desk.rulebook = desk.rulebook._replace(organisation=organisation)
    desk.store.run(lambda: desk.store.execute("update person set language = :to", to=language))


def owed(desk: Desk, number: int) -> list[tuple[str, str]]:
    """Return step and reader of what a change is due."""
    change = staff.get(desk.store, number)
    return [(o.step, o.to) for o in staff_letters.owed(desk, change, staff.parts(desk.store, number))]


def keys(store: Store) -> list[str]:
    """Return the names of the mails in the outbox, oldest first."""
    return [row["dedupe"] for row in store.query("select dedupe from outbox order by id")]


def parsed(message: str) -> EmailMessage:
    """Return a message as a mail program reads it."""
    return email.message_from_string(message, policy=email.policy.default)  # type: ignore[return-value]


def mails(store: Store) -> dict[str, EmailMessage]:
    """Return the mails in the outbox by name."""
    rows = store.query("select dedupe, message from outbox order by id")
    return {row["dedupe"]: parsed(row["message"]) for row in rows}


def ready(desk: Desk, number: int) -> None:
    """Close what must be done before the first day."""
    made = parts(desk, number)
    for key in FIRST:
        close(desk, made[key].id)


# --- What is owed


def test_a_complete_row_is_told_to_the_manager(desk: Desk) -> None:
    assert owed(desk, told(desk).ticket) == [("registered", "manager")]


def test_an_incomplete_row_is_told_to_hr_alone(desk: Desk) -> None:
    assert owed(desk, told(desk, site="").ticket) == [("incomplete", "hr")]


def test_completing_it_tells_the_manager(desk: Desk) -> None:
    number = told(desk, site="").ticket
    told(desk)

    assert owed(desk, number) == [("registered", "manager")]


def test_a_moved_start_is_told_to_the_manager(desk: Desk) -> None:
    number = told(desk).ticket
    told(desk, start_date="2027-01-18")

    assert ("moved", "manager") in owed(desk, number)


def test_of_a_withdrawn_start_nothing_else_is_told(desk: Desk) -> None:
    number = told(desk).ticket
    told(desk, status="withdrawn")

    assert owed(desk, number) == [("withdrawn", "manager")]


def test_ready_means_done_before_the_first_day(desk: Desk) -> None:
    """The training is on the first day itself: nobody waits for it to say welcome."""
    number = told(desk).ticket
    ready(desk, number)

    assert owed(desk, number)[1:] == [("ready", "manager"), ("ready", "newcomer")]


def test_one_open_part_is_not_ready(desk: Desk) -> None:
    number = told(desk).ticket
    made = parts(desk, number)
    close(desk, *(made[key].id for key in FIRST[:-1]))

    assert owed(desk, number) == [("registered", "manager")]


def test_parts_that_are_all_cancelled_are_not_ready(desk: Desk) -> None:
    number = told(desk).ticket
    handling.cancel(desk, [part.id for part in staff.parts(desk.store, number)], "toch niet")

    assert owed(desk, number) == [("registered", "manager")]


def test_a_part_that_opens_again_is_not_ready(desk: Desk) -> None:
    number = told(desk).ticket
    ready(desk, number)
    handling.reopen(desk, [parts(desk, number)["badge"].id], "werkt niet")

    assert owed(desk, number) == [("registered", "manager")]


def test_who_leaves_is_ready_when_everything_is_taken_back(desk: Desk) -> None:
    agree(desk, Mail("ready", "manager"))
    ready(desk, told(desk).ticket)
    number = told(desk, "offboarding", end_date="2027-03-01").ticket
    desk.now += 120 * 86_400
    handling.take(desk, [part.id for part in staff.parts(desk.store, number)])
    before = owed(desk, number)
    close(desk, *(part.id for part in staff.parts(desk.store, number)))

    assert (before, owed(desk, number)) == ([], [("ready", "manager")])


def test_a_newcomer_hears_nothing_after_the_day(desk: Desk) -> None:
    """A welcome to what began last week is worse than none."""
    number = told(desk).ticket
    ready(desk, number)
    desk.now += 60 * 86_400

    assert owed(desk, number) == [("registered", "manager"), ("ready", "manager")]


def test_of_a_confidential_change_nothing_is_told(desk: Desk) -> None:
    agree(desk, *EVERYTHING)
    number = told(desk).ticket
    handling.edit(desk, number, {"confidential": 1})

    assert (owed(desk, number), staff_letters.post(desk, [number])) == ([], 0)


def test_the_rulebook_says_for_which_kind(desk: Desk) -> None:
    agree(desk, Mail("registered", "manager", ("mover",)))

    assert owed(desk, told(desk).ticket) == []


def test_a_mail_that_the_rulebook_names_twice_is_one(desk: Desk) -> None:
    agree(desk, Mail("registered", "manager"), Mail("registered", "manager", ("onboarding",)))

    assert staff_letters.post(desk, [told(desk).ticket]) == 1


# --- To whom, in which language


def letter_to(desk: Desk, number: int) -> staff_letters.Owed | None:
    """Return the first letter that a change is due."""
    change = staff.get(desk.store, number)
    return next(iter(staff_letters.owed(desk, change, staff.parts(desk.store, number))), None)


def change_of(desk: Desk, caller: int | None = None, **data: str) -> int:
    """Register a change without services, whose manager nobody looked up."""
    report = Report("Indiensttreding", caller, "portal", "request", "staffing", "normal")

    def work() -> int:
        number = register(desk, report).id
        change = staff.Change(
            number, "onboarding", "7", "2027-01-11", data, (), (), None, desk.now, 1, 0, None, None, 1
        )
        staff.add(desk, change)
        return number

    return desk.run(work)


def test_without_an_address_of_the_manager_the_caller_is_told(desk: Desk) -> None:
    number = change_of(desk, people.find_one(desk.store, MELDER).id, manager_mail="niet bekend")

    found = letter_to(desk, number)
    assert found is not None
    assert (found.address, found.name) == (MELDER, "Test Melder")


def test_who_has_no_valid_address_is_not_written_to(desk: Desk) -> None:
    assert letter_to(desk, change_of(desk, manager_mail="an@b@example.be\nBcc: x@example.be")) is None


def test_hr_without_an_address_is_not_written_to(desk: Desk) -> None:
    agree(desk, hr="")

    assert owed(desk, told(desk, site="").ticket) == []


def test_the_directory_knows_the_language(desk: Desk) -> None:
    people.edit(desk, people.find_one(desk.store, MANAGER).id, {"language": "fr"})

    found = letter_to(desk, told(desk).ticket)
    assert found is not None
    assert found.language == "fr"


def test_a_newcomer_whom_the_directory_lacks_reads_the_language_of_the_row(desk: Desk) -> None:
    agree(desk, Mail("registered", "newcomer"))

    found = letter_to(desk, change_of(desk, mail="new@example.be", language="en"))
    assert found is not None
    assert found.language == "en"


def test_who_is_unknown_reads_the_language_of_the_organisation(desk: Desk) -> None:
    desk.rulebook = desk.rulebook._replace(organisation=desk.rulebook.organisation._replace(language="fr"))

    found = letter_to(desk, change_of(desk, manager_mail="x@example.be", language="en"))
    assert found is not None
    assert found.language == "fr"


# --- Once


def test_a_letter_goes_out_once_for_ever(desk: Desk) -> None:
    number = told(desk).ticket

    assert [staff_letters.post(desk), staff_letters.post(desk), staff_letters.post(desk, [number])] == [
        1,
        0,
        0,
    ]


def test_a_letter_that_was_taken_out_of_the_queue_does_not_come_back(desk: Desk) -> None:
    told(desk)
    staff_letters.post(desk)
    acts.drop(desk, [1])

    assert staff_letters.post(desk) == 0


def test_incomplete_in_another_way_is_not_told_again(desk: Desk) -> None:
    """Once a change: `sd onboarding status` has the rest, and HR gets no flood."""
    told(desk, site="", job_title="")
    staff_letters.post(desk)
    told(desk, site="")

    assert staff_letters.post(desk) == 0


def test_each_move_is_told_once(desk: Desk) -> None:
    number = told(desk).ticket
    staff_letters.post(desk)
    for day in ("2027-01-18", "2027-01-25"):
        told(desk, start_date=day)
        assert [staff_letters.post(desk), staff_letters.post(desk)] == [1, 0]

    last = [f"staff-{number}-{rest}" for rest in ("registered-manager", "moved-manager-1", "moved-manager-2")]
    assert keys(desk.store) == last


def test_who_hears_of_it_only_now_gets_no_second_letter_about_the_move(desk: Desk) -> None:
    """The row was incomplete when its day moved: the first letter has the new day."""
    agree(desk, Mail("registered", "manager"), Mail("moved", "manager"))
    number = told(desk, site="").ticket
    handling.take(desk, [number])
    told(desk, start_date="2027-01-18")

    assert [staff_letters.post(desk), staff_letters.post(desk)] == [1, 0]
    assert keys(desk.store) == [f"staff-{number}-registered-manager-1"]


def test_change_1_does_not_know_the_letters_of_change_10(desk: Desk) -> None:
    numbers = [change_of(desk, manager_mail=MANAGER) for _ in range(10)]
    staff_letters.post(desk, numbers[-1:])

    assert staff_letters.post(desk) == 9


def test_all_that_run_are_posted_and_what_ended_long_ago_is_not(desk: Desk) -> None:
    told(desk)
    old = told(desk, staff_number="000124", mail="b@example.be").ticket
    told(desk, staff_number="000124", status="withdrawn")
    desk.now += staff_letters.LOOK_BACK + 86_400

    staff_letters.post(desk)
    assert not any(key.startswith(f"staff-{old}-") for key in keys(desk.store))
    assert len(keys(desk.store)) == 1


def test_a_letter_is_not_queued_when_the_change_moved_on_meanwhile(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is composed outside the transaction: another process may withdraw the start in between."""
    number = told(desk).ticket
    compose = staff_letters.parted

    def slow(*given: object) -> object:
        told(desk, status="withdrawn")
        return compose(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(staff_letters, "parted", slow)
    assert staff_letters.post(desk) == 0
    monkeypatch.undo()

    assert staff_letters.post(desk) == 1
    assert keys(desk.store) == [f"staff-{number}-withdrawn-manager"]


def test_nothing_is_composed_within_a_transaction(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gate is not held while templates render."""
    told(desk)
    within: list[bool] = []
    render_text = render.text

    def watched(*given: str, **values: object) -> str:
        within.append(desk.store._running)
        return render_text(*given, **values)

    monkeypatch.setattr(render, "text", watched)
    staff_letters.post(desk)

    assert within == [False]


def test_a_run_that_stops_half_way_is_made_up_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        told(desk, staff_number=f"00012{number}", mail=f"b{number}@example.be")
    rest = staff_letters._recent(desk)

    staff_letters.post(desk, rest[:1])

    assert [staff_letters.post(desk), staff_letters.post(desk)] == [2, 0]


def test_a_dry_run_counts_and_writes_nothing(desk: Desk) -> None:
    told(desk)
    desk.store.dry_run = True

    assert [staff_letters.post(desk), staff_letters.post(desk)] == [1, 1]
    assert keys(desk.store) == []


# --- What they read


def test_the_manager_reads_day_place_and_services_with_their_deadline(desk: Desk) -> None:
    """As a person writes them; nothing of what HR noted, nor of what tickets say."""
    told(desk, remark="moeilijke start", birth_date="1990-05-01", phone="0470 11 22 33")
    staff_letters.post(desk)

    (mail,) = mails(desk.store).values()
    assert (mail["To"], mail["Subject"]) == (MANAGER, "[SD-1] Indiensttreding van Zoë D'Hondt-Çelik")
    assert mail.get_content() == (
        "Beste An Hoofd,\n\n"
        "Wij hebben de indiensttreding van Zoë D'Hondt-Çelik geregistreerd.\n\n"
        "Datum: 11 januari 2027\nPlaats: Provinciehuis\n\n"
        "Dit brengen wij in orde:\n\n"
        "- Gebruikersaccount: uiterlijk op 6 januari 2027\n"
        "- Toegangsbadge: uiterlijk op 7 januari 2027\n"
        "- Werkplek en laptop: uiterlijk op 7 januari 2027\n"
        "- Mailbox en agenda: uiterlijk op 7 januari 2027\n"
        "- Bureau, sleutel en parking: uiterlijk op 8 januari 2027\n"
        "- Bedrijfstoepassingen: uiterlijk op 8 januari 2027\n"
        "- Onthaal en vorming informatieveiligheid: uiterlijk op 11 januari 2027\n\n"
        "Klopt er iets niet? Antwoord dan op deze mail.\n\n"
        "Met vriendelijke groet\nICT-servicedesk, Provincie Scheldeland\n"
    )


def test_hr_reads_name_number_and_what_is_missing(desk: Desk) -> None:
    told(desk, site="", job_title="", remark="moeilijke start", birth_date="1990-05-01")
    staff_letters.post(desk)

    (mail,) = mails(desk.store).values()
    assert mail.get_content() == (
        "Beste collega,\n\n"
        "Voor de indiensttreding van Zoë D'Hondt-Çelik (personeelsnummer 000123) ontbreken nog deze"
        " gegevens:\n\n- functie\n- locatie\n\n"
        "Wilt u ze aanvullen in uw volgende bestand, of antwoorden op deze mail? Wat er niet van afhangt,"
        " bereiden wij intussen voor.\n\n"
        "Met vriendelijke groet\nICT-servicedesk, Provincie Scheldeland\n"
    )


@pytest.mark.parametrize("step", [step for step in STEPS if step != "incomplete"])
def test_hr_reads_no_value_but_name_number_and_day(desk: Desk, step: str) -> None:
    agree(desk, Mail(step, "hr"))
    number = told(desk, phone="0470 11 22 33").ticket
    told(desk, start_date="2027-01-18")
    ready(desk, number)
    if step == "withdrawn":
        told(desk, start_date="2027-01-18", status="withdrawn")
    staff_letters.post(desk)

    (mail,) = mails(desk.store).values()
    shown = mail.as_string() + mail.get_content()
    assert not [value for value in ("Provinciehuis", "Jurist", "zoe@", "0470", MANAGER) if value in shown]


def test_the_newcomer_is_welcomed_with_what_is_ready(desk: Desk) -> None:
    agree(desk, Mail("ready", "newcomer"))
    ready(desk, told(desk, start_date="2027-02-01", language="en").ticket)
    staff_letters.post(desk)

    (mail,) = mails(desk.store).values()
    assert (mail["To"], mail["Content-Language"]) == (NEWCOMER, "en")
    assert mail["Subject"] == "[SD-1] Welcome to Provincie Scheldeland"
    text = mail.get_content()
    assert text.startswith("Dear Zoë D'Hondt-Çelik,\n\nWelcome to Provincie Scheldeland!")
    assert "Date: 1 February 2027\nPlace: Provinciehuis\n" in text
    assert "This is ready for you:\n\n- Gebruikersaccount\n- Toegangsbadge\n" in text
    assert "- Onthaal en vorming informatieveiligheid: by 1 February 2027\n" in text


def test_who_moves_reads_of_the_move(desk: Desk) -> None:
    """What an onboarding has in words of its own, other changes say in those for everybody."""
    agree(desk, Mail("registered", "newcomer", ("mover",)))
    told(desk, "mover")
    staff_letters.post(desk)

    (mail,) = mails(desk.store).values()
    assert mail["Subject"].endswith("Doorstroom van Zoë D'Hondt-Çelik")


def test_a_letter_about_a_move_says_what_is_done(desk: Desk) -> None:
    number = told(desk).ticket
    staff_letters.post(desk)
    close(desk, parts(desk, number)["badge"].id)
    told(desk, start_date="2027-02-01")
    staff_letters.post(desk)

    text = mails(desk.store)[f"staff-{number}-moved-manager-1"].get_content()
    assert "Datum: 1 februari 2027\n" in text
    assert "- Toegangsbadge: klaar\n" in text
    assert "- Werkplek en laptop: uiterlijk op 28 januari 2027\n" in text


def test_a_service_that_is_not_given_any_more_is_not_listed(desk: Desk) -> None:
    number = told(desk).ticket
    handling.cancel(desk, [parts(desk, number)["badge"].id], "heeft er een")
    staff_letters.post(desk)

    assert "Toegangsbadge" not in mails(desk.store)[f"staff-{number}-registered-manager"].get_content()


FIRST_OF_FEBRUARY = {"nl": "1 februari 2027", "en": "1 February 2027", "fr": "1er février 2027"}


@pytest.mark.parametrize("language", render.LANGUAGES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_letter_is_there_in_every_language(desk: Desk, kind: str, language: str) -> None:
    """Whatever a rulebook asks for has a subject, a greeting, and a date as people write it."""
    speak(desk, language)
    ready(desk, told(desk).ticket)
    number = told(desk, kind, start_date="2027-02-01", end_date="2027-02-01").ticket
    change = staff.get(desk.store, number)._replace(missing=("site", "job_title"))

    for step, to in product(STEPS, READERS):
        due = staff_letters.Owed(step, to, HR, language, "An")
        letter = staff_letters._written(desk, change, staff.parts(desk.store, number), due)
        mail = parsed(letter.message)
        text = mail.get_content()
        assert len(mail["Subject"]) > len("[SD-10] ")
        assert text.startswith({"nl": "Beste ", "en": "Dear ", "fr": "Bonjour "}[language])
        assert step == "incomplete" or FIRST_OF_FEBRUARY[language] in text
        assert not [slip for slip in ("\n\n\n", "2027-", "{", "  ", " ,") if slip in text]


# --- Text from outside


HOSTILE = [
    "{{ 7*7 }}",
    "{% include 'rulebook.toml' %}",
    "Jan\nBcc: x@example.be",
    "Jan\r\n\r\nBeste, betaal hier",
    "=?utf-8?q?hi=0ABcc:_e@x?=",
    "<script>alert(1)</script>",
    "D'Hondt-Çelik",
    "\u202egnp.exe",
    "Jan\u2028Bcc: x@example.be",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text(desk: Desk, name: str) -> None:
    """It is not run, starts no header and no line, and stands in the mail as it is."""
    number = change_of(desk, first_name=name, last_name="X", site=name, manager_mail=MANAGER)
    staff_letters.post(desk)

    mail = mails(desk.store)[f"staff-{number}-registered-manager"]
    lines = mail.get_content().splitlines()
    shown = staff_letters.line(name)
    assert f"Plaats: {shown}" in lines
    assert f"Wij hebben de indiensttreding van {shown} X geregistreerd." in lines
    assert mail["Bcc"] is None
    assert mail["To"] == MANAGER
    assert mail.get_content_type() == "text/plain"
    assert mail["Subject"] == f"[SD-{number}] Indiensttreding van {shown.replace('=?', '= ?')} X"


def test_a_template_in_a_name_of_the_directory_is_text(desk: Desk) -> None:
    people.edit(desk, people.find_one(desk.store, MANAGER).id, {"name": "{{ 7*7 }}"})
    told(desk)
    staff_letters.post(desk)

    (mail,) = mails(desk.store).values()
    assert mail.get_content().startswith("Beste {{ 7*7 }},\n")
