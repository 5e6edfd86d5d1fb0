"""`sd remind`, and the job of that name."""

from __future__ import annotations

import mailbox
from pathlib import Path

import pytest

from sdtool import jobs
from sdtool.desk import Desk
from tests.conftest import MELDER, Sd
from tests.guards.test_docs import DOCS, differs
from tests.owing import ask, at, party, ticket

DUE = "2026-11-26T10:30"


@pytest.fixture(autouse=True)
def asked(desk: Desk) -> None:
    """A customer and a supplier owe an answer; one who cannot be reached does too."""
    number = ticket(desk)
    ask(desk, number, "het serienummer van Zoë", person=1)
    ask(desk, number, "toner", "supplier", party=party(desk, "Canon", "canon@example.com"))
    ask(desk, number, "niets", "supplier", party=party(desk, "Stil", None))


def test_it_says_what_was_queued_and_what_could_not_be(sd: Sd) -> None:
    ran = sd("remind", as_of=DUE)

    assert ran.code == 0
    assert "canon@example.com" in ran.out and "F-2 friendly" in ran.out
    assert ran.err == "F-3 of ticket 1: Stil has no mail address\n"


def test_nothing_due_prints_nothing(sd: Sd) -> None:
    assert sd("remind") == (0, "", "")


def test_a_dry_run_prints_the_mails_that_the_run_queues(sd: Sd, desk: Desk, tmp_path: Path) -> None:
    """To the byte; and a mail program can read them."""
    shown = sd("remind", "--dry-run", as_of=DUE).out
    assert desk.store.sizes()["outbox"] == 0
    sd("remind", as_of=DUE)

    queued = [row["message"] for row in desk.store.query("select message from outbox order by id")]
    assert shown == "".join(f"From sdtool Thu Nov 26 09:30:00 2026\n{message}\n" for message in queued)
    (tmp_path / "mails").write_text(shown, encoding="ascii")
    box = mailbox.mbox(tmp_path / "mails")
    assert [mail["To"] for mail in box] == ["canon@example.com", MELDER]
    box.close()


def test_programs_get_the_whole_mail(sd: Sd) -> None:
    first, _ = sd("remind", "--dry-run", "--format", "json", as_of=DUE).json()

    assert first["steps"] == [{"owed": 2, "ticket": 1, "step": 1, "tone": "friendly"}]
    assert (first["party"], first["name"], first["copy"]) == ("party-1", "Canon", "")
    assert first["expires_at"] == "2026-11-27T16:00:00+01:00"
    assert first["text"].startswith("Geachte heer, mevrouw,")
    assert first["message_id"] in first["message"]


def test_dry_run_and_run_tell_programs_the_same(sd: Sd) -> None:
    shown = sd("remind", "--dry-run", "--format", "json", as_of=DUE)

    assert sd("remind", "--format", "json", as_of=DUE) == shown


def test_a_second_run_at_the_same_time_leaves_at_once(sd: Sd, desk: Desk) -> None:
    with desk.store.lock("remind") as ours:
        assert ours
        ran = sd("remind", as_of=DUE)

    assert (ran.code, ran.out) == (0, "")
    assert "already running" in ran.err


def test_the_job_is_silent_and_keeps_what_it_did(sd: Sd, desk: Desk) -> None:
    assert sd("cron", "run", "remind", as_of=DUE) == (0, "", "")

    desk.now = at("2026-11-26 10:31")
    (found,) = [s for s in jobs.standings(desk.store, desk.rulebook, desk.now) if s.job == "remind"]
    assert found.message == "2 mail(s) queued; F-3 of ticket 1: Stil has no mail address"


def test_closing_is_said(sd: Sd, desk: Desk) -> None:
    for day in ("2026-11-26", "2026-12-01", "2026-12-07"):
        sd("remind", as_of=f"{day}T10:30")

    assert "SD-1 would be closed" in sd("remind", "--dry-run", as_of="2026-12-14T10:30").err
    assert "SD-1 was closed: nobody answered" in sd("remind", as_of="2026-12-14T10:30").err
    found = sd("process", "check", "--format", "json", as_of="2026-12-14T11:00").json()
    assert "closed-by-force" in [one["rule"] for one in found]


def test_the_keys_for_programs_are_those_of_the_reference(sd: Sd) -> None:
    found = sd("remind", "--dry-run", "--format", "json", as_of=DUE).json()

    assert [differs(mail, "## A reminder: `sd remind`") for mail in found] == [[], []]


def test_the_page_shows_a_mail_as_it_is() -> None:
    page = (DOCS / "how-to/remind.md").read_text(encoding="utf-8")
    shown = page.split("```text\n")[1].split("```")[0]

    assert shown in (Path(__file__).parent / "golden" / "remind.nl.txt").read_text(encoding="utf-8")


def test_of_a_confidential_ticket_nobody_else_sees_whom_it_is_about(sd: Sd, desk: Desk) -> None:
    """Neither in the mails, in any format, nor in what could not be done."""
    sd("edit", 1, "--confidential")
    desk.store.run(lambda: desk.store.execute("update ticket set registered_by = 'ines', agent = ''"))

    listed, whole, raw = (
        sd("remind", "--dry-run", *words, as_of=DUE)
        for words in (("--format", "json"), (), ("--format", "csv"))
    )

    said = "".join(str(ran) for ran in (listed, whole, raw))
    assert not any(
        word in said for word in ("canon", "Canon", MELDER, "Melder", "person-1", "party-", "Stil")
    )
    assert [mail["to"] for mail in listed.json()] == ["(confidential)"] * 2
    assert listed.err == "F-3 of ticket 1: (confidential) has no mail address\n"
