"""Erasing a person: the data goes, the number and the figures stay, the journal holds."""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable

import pytest

from sdtool.mail import incoming
from sdtool.store.base import Store
from tests import engines
from tests.conftest import MELDER, Sd

New = Callable[..., int]


@pytest.fixture
def done(sd: Sd, new: New) -> Sd:
    """A desk whose one person has a closed ticket that was noted, mailed about and answered about."""
    number = new("Test Melder belt over printer", as_of="2026-11-16T09:00")
    for words in (
        ("note", number, "Zo opgelost.", "--public"),
        ("close", number, "--solution", "vervangen"),
        ("person", "edit", "1", "--department", "Wegen"),
    ):
        ran = sd(*words, as_of="2026-11-16T11:00")
        assert ran.code == 0, (words, ran.err)
    assert sd("cron", "run", "close", as_of="2026-12-10T09:00").code == 0
    return sd


def everything(store: Store) -> str:
    """Return every text of every table but those of tickets."""
    tables = ("person", "event", "event_data", "staff_change", "feedback", "outbox", "bad_address", "inmail")
    return "\n".join(str(dict(row)) for name in tables for row in store.query(f"select * from {name}"))


def test_nothing_tells_who_it_was(done: Sd, store: Store) -> None:
    """Name, addresses and numbers are gone from directory, journal and mails; the chain holds."""
    ran = done("person", "erase", 1, "--yes", "--reason", "vraag 12", as_of="2026-12-20T09:00")
    assert ran.code == 0, ran
    left = "\n".join(line for line in everything(store).splitlines() if "'summary'" not in line)

    assert "1 tickets name this person" in ran.err
    assert (MELDER in left, "267 70 00" in left, "Wegen" in left) == (False, False, False)
    assert done("person", "show", "#1", "--format", "json").json()["name"] == "(gewist)"
    verified = done("audit", "verify")
    assert verified.code == 0, verified.out


def test_the_ticket_stays_whole(done: Sd) -> None:
    """It keeps its caller's number; the person is not found, changed or erased again."""
    done("person", "erase", 1, "--yes")

    assert done("show", 1, "--format", "json").json()["caller"] == "(gewist)"
    assert done("person", "list", MELDER, "--format", "json").json() == []
    assert done("person", "edit", "#1", "--name", "Iemand").code == 3
    assert done("person", "erase", 1, "--yes").code == 3


def test_what_is_open_is_listed(done: Sd, new: New) -> None:
    """Nobody is erased with whom something is open."""
    number = new("Nog een")
    ran = done("person", "erase", 1, "--yes")

    assert (ran.code, f"ticket SD-{number}" in ran.err) == (3, True)


@pytest.mark.parametrize(("words", "code"), [((), 2), (("--dry-run",), 0)])
def test_nothing_without_yes(done: Sd, words: tuple[str, ...], code: int) -> None:
    """Neither without a yes where nobody can be asked, nor on a dry run."""
    assert done("person", "erase", 1, *words).code == code
    assert done("person", "show", "#1", "--format", "json").json()["mail"] == MELDER


def test_without_its_event_no_data_goes(done: Sd, place: object) -> None:
    """The database refuses it; who takes the guard away is found."""
    where = os.environ["SD_DATABASE"]
    with pytest.raises(engines.refusal(), match="journal is append-only"), engines.connected(where) as db:
        db.execute("delete from event_data where event = 1")
    with pytest.raises(engines.refusal(), match="journal is append-only"), engines.connected(where) as db:
        db.execute("update event_data set data = '{}' where event = 1")
    assert done("audit", "verify").code == 0


def test_a_change_of_staff_forgets_its_row(sd: Sd, store: Store) -> None:
    """What HR told goes with the person, once the change has ended; the journal holds."""
    sd("person", "add", "Bo Nieuw", "--staff-number", "000200")
    words = [
        "--first-name",
        "Bo",
        "--last-name",
        "Nieuw",
        "--start-date",
        "2026-12-14",
        "--department",
        "Mobiliteit",
    ]
    more = [
        "--job-title",
        "Landmeter",
        "--manager-mail",
        MELDER,
        "--site",
        "Gent",
        "--phone",
        "091112233",
    ]
    rest = ["--mail", "bo@example.be", "--target-group", "staff", "--birth-date", "1990-02-03"]
    ran = sd("onboarding", "new", "000200", *words, *more, *rest)
    assert ran.code == 0, ran
    early = sd("person", "erase", 2, "--yes")
    assert (early.code, "change of staff SD-1" in early.err) == (3, True)
    gone = sd("onboarding", "withdraw", 1)
    assert gone.code == 0, gone

    ran = sd("person", "erase", 2, "--yes")
    assert ran.code == 0, ran
    (row,) = store.query("select * from staff_change")
    told = store.query("select data from event_data join event on event.id = event where kind = 'staff'")
    assert not any(
        word in str([dict(row), *map(dict, told)]) for word in ("Bo", "000200", "1990", "Landmeter")
    )
    verified = sd("audit", "verify")
    assert verified.code == 0, verified.out


@pytest.mark.parametrize("whose", ["person", "mail", "escalation-mail"])
def test_an_address_that_is_somebody_elses_now_is_left(done: Sd, store: Store, whose: str) -> None:
    """One passed on to a colleague, or to a party: its mails stay, and the command says so."""
    done("person", "edit", 1, "--mail", "nieuw@example.be")
    if whose == "person":
        made = done("person", "add", "Bo Ander", "--mail", MELDER.title())
    else:
        made = done("party", "add", "Acme", "--kind", "supplier", f"--{whose}", MELDER.title())
    assert made.code == 0, made
    engines.change(
        os.environ["SD_DATABASE"],
        "insert into inmail (digest, received_at, sender, subject, raw, verdict)"
        f" values ('x', 1, '{MELDER}', 'van Bo', 'RGFn', 'kept')",
    )

    ran = done("person", "erase", 1, "--yes")

    assert (ran.code, f"{MELDER} were left" in ran.err) == (0, True), ran
    assert [row["subject"] for row in store.query("select subject from inmail")] == ["van Bo"]


def test_what_came_in_about_the_person_loses_its_text(done: Sd, store: Store) -> None:
    """A delivery report, and what others wrote about the tickets; of the report the status code stays."""
    refused = f"bounced: 5.1.1 smtp; 550 5.1.1 <{MELDER}>: user unknown"
    report = b64encode(f"Final-Recipient: rfc822; {MELDER.title()}".encode()).decode()
    came_in = [
        ("bounce", "MAILER-DAEMON@mx.example", "null", refused, report),
        ("bounce", "MAILER-DAEMON@mx.example", "null", "for now", report),
        ("kept", "", "null", "it cannot be read", report),
        ("settled", "an@example.be", "1", "over Test", "RGFn"),
        ("kept", "an@example.be", "null", "it answers no mail of the desk", report),
    ]
    for number, (verdict, sender, ticket, remark, raw) in enumerate(came_in):
        engines.change(
            os.environ["SD_DATABASE"],
            "insert into inmail (digest, received_at, sender, subject, raw, verdict, ticket, remark)"
            f" values ('{number}', 1, '{sender}', 's', '{raw}', '{verdict}', {ticket}, '{remark}')",
        )

    ran = done("person", "erase", 1, "--yes")

    assert ran.code == 0, ran
    rows = store.query("select subject, raw, remark from inmail order by id")
    assert [row["remark"] for row in rows[:4]] == ["bounced: 5.1.1", "", "", ""]
    assert [row["subject"] + row["raw"] for row in rows] == ["", "", "", "", f"s{report}"]


def test_a_mail_of_the_person_that_is_not_taken_in_yet_comes_first(done: Sd, store: Store) -> None:
    """Nobody knows yet what it asks: the job takes it in."""
    incoming.store(store, f"From: {MELDER}\n\nDag".encode(), 1)
    assert done("person", "erase", 1, "--yes").code == 75
