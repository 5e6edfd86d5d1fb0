"""What comes in by mail: answers, scores, notes, bounces; what is no reply waits for a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool.desk import Desk, handling, intake, outgoing, owed, reminders, satisfaction, tickets
from sdtool.desk.intake import Verdict, score_of
from sdtool.errors import BadInput, Conflict, UsageFault
from sdtool.mail import addresses, incoming, outbox, reading
from sdtool.rulebook.chasing import Agent, Satisfaction
from sdtool.store.journal import history
from tests.conftest import MELDER
from tests.owing import agree, ask, at, ticket

CALLER = MELDER
NO_REPLY = "it answers no mail of the desk"


def mail(body: str = "Het is de blauwe.", sender: str = CALLER, **headers: str) -> bytes:
    """Return a mail; `headers` with _ for -."""
    lines = [f"From: {sender}", "To: desk@example.be"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n" + body.replace("\n", "\r\n") + "\r\n").encode()


def told(desk: Desk, number: int, text: str = "Welke printer?") -> str:
    """Write to the caller of a ticket; return the Message-ID of that mail."""
    handling.note(desk, number, text, public=True)
    return last_id(desk)


def last_id(desk: Desk) -> str:
    return str(desk.store.value("select message_id from outbox order by id desc limit 1"))


def notes(desk: Desk, number: int) -> list[str]:
    events = history(desk.store, "ticket", number)
    return [event["data"]["text"] for event in events if event["verb"] == "note" and "text" in event["data"]]


# --- Replies


def test_a_reply_answers_what_is_owed_and_wakes_the_ticket(desk: Desk) -> None:
    number = ticket(desk)
    asked = ask(desk, number, "het serienummer", person=1)
    sent = told(desk, number)

    found = intake.receive(desk, mail("SN-123\n\nOp ma 23 nov schreef de desk:\n> Welke?", In_Reply_To=sent))

    assert (found.verdict, found.ticket) == ("answer", number)
    assert owed.get(desk.store, asked).state == "answered"
    assert tickets.get(desk.store, number).state != "waiting"
    assert notes(desk, number)[-1] == f"Mail from {CALLER}:\n\nSN-123"


def test_a_reply_about_a_ticket_that_waits_for_nothing_is_a_note(desk: Desk) -> None:
    number = ticket(desk)

    found = intake.receive(desk, mail(References=f"<other@x> {told(desk, number)}"))

    assert (found.verdict, notes(desk, number)[-1]) == ("note", f"Mail from {CALLER}:\n\nHet is de blauwe.")


def test_a_reply_about_a_ticket_that_ended_waits_for_a_person(desk: Desk) -> None:
    """A note would be on nobody's list, and our mails ask for such a reply."""
    number = ticket(desk)
    sent = told(desk, number)
    handling.resolve(desk, [number], "gedaan")

    found = intake.receive(desk, mail("Het is weer stuk!", In_Reply_To=sent))

    assert (found.verdict, found.ticket) == ("kept", number)
    assert [row["id"] for row in incoming.listing(desk.store, verdict="kept")] == [1]


def test_the_same_mail_twice_is_one(desk: Desk) -> None:
    number = ticket(desk)
    raw = mail(In_Reply_To=told(desk, number))
    first = intake.receive(desk, raw)

    assert (first.verdict, intake.receive(desk, raw).remark) == ("note", "it came before")
    assert len(notes(desk, number)) == 2


def test_a_reply_to_a_reminder_about_one_question_answers_it(desk: Desk) -> None:
    desk.now = at("2026-11-16 09:00")
    asked = ask(desk, ticket(desk), "het serienummer", person=1)
    desk.now = at("2026-11-23 10:30")
    reminders.remind(desk)

    assert intake.receive(desk, mail(In_Reply_To=last_id(desk))).remark == f"F-{asked}"


@pytest.mark.parametrize(("text", "verdict"), [("Het is gedaan.", "kept"), ("Over SD-2: gedaan.", "answer")])
def test_a_reply_to_a_reminder_about_two_says_which(desk: Desk, text: str, verdict: str) -> None:
    desk.now = at("2026-11-16 09:00")
    asked = [ask(desk, ticket(desk), what, person=1) for what in ("het serienummer", "de locatie")]
    desk.now = at("2026-11-23 10:30")
    reminders.remind(desk)

    assert intake.receive(desk, mail(text, In_Reply_To=last_id(desk))).verdict == verdict
    assert owed.get(desk.store, asked[0]).state == "open"


def test_a_score_comes_by_reply(desk: Desk) -> None:
    agree(desk, satisfaction=Satisfaction(1.0, 30, 2, (0, 5.0)))
    number = ticket(desk)
    handling.resolve(desk, [number], "vervangen")
    tickets.apply(desk, number, "close")
    satisfaction.post(desk)
    desk.source = "mail"

    found = intake.receive(desk, mail("2\n\nHet duurde lang.", In_Reply_To=last_id(desk)))

    given_ = satisfaction.get(desk.store, number)
    assert (found.verdict, given_.score, given_.source) == ("score", 2, "mail")
    assert desk.store.value("select count(*) from promise where kind = 'callback'") == 1


@pytest.mark.parametrize(
    ("text", "score"),
    [("4", 4), (" 5/5\nTop!", 5), ("3 op 5", 3), ("Score: 1", 1), ("4.", 4), ("5!", 5), ("", None),
     ("10", None), ("Goed", None), ("4 dagen gewacht", None), ("Ik geef een 4", None), ("6", None),
     ("1. De printer doet het nog niet\n2. De scanner ook", None), ("1 - het scherm is stuk", None),
     ("2, 3 dagen gewacht", None), ("2, want traag", None), ("4/5 printers werken", None)],
)  # fmt: skip
def test_scores_are_read_where_nothing_else_is_meant(text: str, score: int | None) -> None:
    assert score_of(text) == score


def test_what_may_be_a_score_waits_for_a_person(desk: Desk) -> None:
    agree(desk, satisfaction=Satisfaction(1.0, 30, 2, (0, 5.0)))
    number = ticket(desk)
    handling.resolve(desk, [number], "vervangen")
    tickets.apply(desk, number, "close")
    satisfaction.post(desk)

    found = intake.receive(desk, mail("1. Hij drukt nog niet\n2. Hij ruist", In_Reply_To=last_id(desk)))

    assert (found.verdict, satisfaction.get(desk.store, number).score) == ("kept", None)


def test_a_reply_about_a_merged_ticket_is_noted_where_that_goes_on(desk: Desk, sd: Any) -> None:
    into, number = ticket(desk), ticket(desk)
    sent = told(desk, number)
    assert sd("merge", number, "--into", into).code == 0

    found = intake.receive(desk, mail(In_Reply_To=sent))

    assert (found.verdict, found.ticket, len(notes(desk, into))) == ("note", into, 1)


@pytest.mark.parametrize("moved", [False, True])
def test_the_handler_reads_of_an_answer_in_the_commit_that_takes_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, moved: bool
) -> None:
    """Stopped after it, no letter is lost; and who got the ticket meanwhile reads it."""
    agents = [Agent(login, f"{login}@example.be", login, "nl") for login in ("lea", "bo")]
    agree(desk, agents=agents)
    number = ticket(desk)
    handling.each(desk, [number], "assign", {"agent": "lea"})
    asked = ask(desk, number, "het serienummer", person=1)
    raw = mail(In_Reply_To=told(desk, number))
    first = intake._first

    def overtaken(*args: Any) -> Verdict:
        if moved:
            handling.each(desk, [number], "assign", {"agent": "bo"})
        return first(*args)

    monkeypatch.setattr(intake, "_first", overtaken)
    assert intake.receive(desk, raw).remark == f"F-{asked}"

    reader = desk.store.value("select recipient from outbox where kind = 'answered'")
    assert reader == ("bo" if moved else "lea") + "@example.be"


# --- What is no reply


def test_a_number_in_the_subject_proves_nothing(desk: Desk) -> None:
    number = ticket(desk)

    assert intake.receive(desk, mail(Subject=f"[SD-{number}] dringend")).verdict == "kept"
    assert notes(desk, number) == []


def test_who_has_no_part_in_it_cannot_answer(desk: Desk) -> None:
    number = ticket(desk)
    asked = ask(desk, number, "het serienummer", person=1)

    found = intake.receive(desk, mail(sender="evil@x.example", In_Reply_To=told(desk, number)))

    assert (found.verdict, owed.get(desk.store, asked).state) == ("kept", "open")


def test_reply_to_names_nobody(desk: Desk) -> None:
    """GitLab HackerOne 349329: the author was taken from Reply-To."""
    number = ticket(desk)
    raw = mail(sender="evil@x.example", Reply_To=CALLER, Sender=CALLER, In_Reply_To=told(desk, number))

    assert intake.receive(desk, raw).verdict == "kept"


SENDERS = {
    "Jan <jan@x.example>": "jan@x.example",
    "jan@x.example": "jan@x.example",
    '"jan@y.example" <jan@x.example>': "jan@x.example",
    "boss@city.example <evil@x.example>": "evil@x.example",
    "jan@x.example, piet@x.example": "",
    "<jan@x.example> <piet@x.example>": "",
    "jan": "",
    "": "",
}


@pytest.mark.parametrize("written", SENDERS)
def test_who_wrote_is_one_address_or_nobody(written: str) -> None:
    assert reading.read(mail(sender=written))["sender"] == SENDERS[written]


def test_two_senders_are_nobody() -> None:
    assert reading.read(b"From: a@x.example\nFrom: b@x.example\n\nDag\n")["sender"] == ""


# --- Bounces


REPORT = """--b
Content-Type: text/plain

Your message could not be delivered.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
--b--
"""


def bounce(message_id: str, action: str = "failed", status: str = "5.1.1", recipient: str = CALLER) -> bytes:
    body = REPORT.format(recipient=recipient, action=action, status=status, message_id=message_id)
    kind = 'multipart/report; report-type=delivery-status; boundary="b"'
    return mail(body, sender="MAILER-DAEMON@mx.example", Content_Type=kind, Return_Path="<>")


def sent_mail(desk: Desk) -> tuple[int, str]:
    """Send a mail to the caller of a ticket; return the ticket and the Message-ID."""
    number = ticket(desk)
    message_id = told(desk, number)
    desk.store.execute("update outbox set state = 'sent', sent_at = :now", now=desk.now)
    return number, message_id


def test_a_bounce_marks_the_address_and_tells_the_ticket(desk: Desk) -> None:
    number, message_id = sent_mail(desk)

    found = intake.receive(desk, bounce(message_id))
    outgoing.tell(desk)

    assert (found.verdict, found.ticket) == ("bounce", number)
    assert "5.1.1" in addresses.reason(desk.store, CALLER)
    assert "did not arrive" in notes(desk, number)[-1]


@pytest.mark.parametrize(
    "changed", [{"action": "delayed", "status": "4.4.1"}, {"action": "relayed", "status": "2.0.0"}]
)
def test_a_bounce_that_is_none_yet_changes_nothing(desk: Desk, changed: dict[str, str]) -> None:
    _, message_id = sent_mail(desk)
    intake.receive(desk, bounce(message_id, **changed))

    assert (addresses.reason(desk.store, CALLER), outbox.counts(desk.store)["sent"]) == ("", 1)


def test_a_full_box_is_told_but_marks_no_address(desk: Desk) -> None:
    _, message_id = sent_mail(desk)
    intake.receive(desk, bounce(message_id, action="Failed (mailbox full)", status="5.2.2 (full)"))

    assert (addresses.reason(desk.store, CALLER), outbox.counts(desk.store)["failed"]) == ("", 1)


def test_a_bounce_of_no_mail_of_ours_marks_nobody(desk: Desk) -> None:
    """Anybody can write a report: one that does not know the Message-ID says nothing."""
    sent_mail(desk)
    intake.receive(desk, bounce("<sd-00000000000000000000000000000000@example.be>"))

    assert addresses.listing(desk.store) == []


def test_a_bounce_in_words_waits_for_a_person(desk: Desk) -> None:
    """Without a report nobody knows whether it is for good, so a person reads it."""
    number, message_id = sent_mail(desk)
    plain = {"sender": "MAILER-DAEMON@mx.example", "Return_Path": "<>"}
    found = [intake.receive(desk, mail(**plain, **more)) for more in ({"References": message_id}, {"X": "1"})]

    assert [(one.verdict, one.ticket) for one in found] == [("kept", number), ("kept", None)]
    assert addresses.listing(desk.store) == []


def test_out_of_office_without_a_return_path_is_no_bounce(desk: Desk) -> None:
    away = mail("Terug op maandag", Subject="Verlof", Return_Path="<>", Auto_Submitted="auto-replied")

    assert intake.receive(desk, away).verdict == "auto"


@pytest.mark.parametrize(
    "subject",
    ["Afwezigheidsbericht instellen in Outlook lukt niet", "On leave from Monday: who gets my calls?"],
)
def test_a_question_about_absence_is_a_person_s(desk: Desk, subject: str) -> None:
    """The same words above an answer to a mail of ours are those of a program."""
    number = ticket(desk)
    sent = told(desk, number)

    assert intake.receive(desk, mail(Subject=subject)).verdict == "kept"
    assert intake.receive(desk, mail(Subject=subject, In_Reply_To=sent)).verdict == "auto"


def test_a_read_receipt_answers_nothing(desk: Desk) -> None:
    number = ticket(desk)
    asked = ask(desk, number, "het serienummer", person=1)
    receipt = "multipart/report; report-type=disposition-notification; boundary=x"

    found = intake.receive(desk, mail(In_Reply_To=told(desk, number), Content_Type=receipt))

    assert (found.verdict, owed.get(desk.store, asked).state) == ("auto", "open")


def test_who_forwards_a_bounce_is_a_person(desk: Desk) -> None:
    assert intake.receive(desk, mail(Subject="FW: Onbestelbaar: offerte")).remark == NO_REPLY


# --- Kept, read, settled


def test_what_waits_is_settled_by_a_person(desk: Desk) -> None:
    number = ticket(desk)
    intake.receive(desk, mail(Subject="Vraag"))

    intake.settle(desk, 1, number)
    assert notes(desk, number) == [f"Mail from {CALLER}:\n\nHet is de blauwe."]
    assert incoming.listing(desk.store, verdict="kept") == []
    with pytest.raises(Conflict):
        intake.settle(desk, 1, number)
    with pytest.raises(UsageFault):
        intake.settle(desk, 1, None)


def test_a_mail_that_was_only_kept_is_judged_later(desk: Desk) -> None:
    """Stopped between keeping and reading: nothing is lost, and the second run does it once."""
    number = ticket(desk)
    incoming.store(desk.store, mail(In_Reply_To=told(desk, number)), desk.now)

    assert (intake.catch_up(desk), intake.catch_up(desk), len(notes(desk, number))) == (1, 0, 2)
    assert history(desk.store, "ticket", number)[-1]["source"] == "mail"


def test_a_maildir_is_emptied_of_what_is_new(desk: Desk, tmp_path: Path) -> None:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "box" / name).mkdir(parents=True)
    (tmp_path / "box" / "new" / "1.host").write_bytes(mail())

    assert intake.from_maildir(desk, str(tmp_path / "box")) == ([Verdict("kept", None, NO_REPLY)], [])
    assert [place.name for place in (tmp_path / "box" / "cur").iterdir()] == ["1.host:2,S"]
    assert list((tmp_path / "box" / "new").iterdir()) == []


def test_one_file_of_a_maildir_stops_no_other(desk: Desk, tmp_path: Path) -> None:
    """A folder, and a file that another program took while we looked, are no mails."""
    for name in ("new", "cur", "new/1.folder"):
        (tmp_path / name).mkdir()
    (tmp_path / "new" / "2.gone").symlink_to("nowhere")
    (tmp_path / "new" / "3.unmarked").write_bytes(mail("een"))
    (tmp_path / "new" / "4.host").write_bytes(mail("twee"))
    (tmp_path / "cur" / "3.unmarked:2,S").mkdir()

    taken, faults = intake.from_maildir(desk, str(tmp_path)) or ([], [])
    assert ([found.verdict for found in taken], faults) == (["kept", "kept"], ["3.unmarked: Is a directory"])


def test_two_runs_over_a_maildir(desk: Desk, sd: Any, tmp_path: Path) -> None:
    """The second leaves at once, and says why."""
    for name in ("new", "cur"):
        (tmp_path / name).mkdir()
    with desk.store.lock("maildir"):
        second = sd("mail", "receive", "--maildir", tmp_path)

    assert (second.code, "already running" in second.err) == (0, True)


def test_a_mail_that_breaks_something_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One mail that nobody foresaw waits for a person; cron goes on with the next."""
    for raw in (mail("een"), mail("twee")):
        incoming.store(desk.store, raw, desk.now)
    done = intake._done
    monkeypatch.setattr(intake, "_done", lambda d, m, n, news: 1 // 0 if n == 1 else done(d, m, n, news))

    assert intake.catch_up(desk) == 2
    remarks = [row["remark"] for row in incoming.listing(desk.store, verdict="kept")]
    assert remarks == [NO_REPLY, "internal error (ZeroDivisionError)"]


def test_what_another_run_took_is_left(desk: Desk) -> None:
    number, _ = incoming.store(desk.store, mail(), desk.now)
    row = incoming.get(desk.store, number)
    intake.judge(desk, row)

    assert intake.judge(desk, row).verdict == "kept"


def test_a_folder_that_is_no_maildir(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no maildir"):
        intake.from_maildir(desk, str(tmp_path))


def test_the_commands_of_the_inbox(sd: Any, new: Any, shell: Any, desk: Desk) -> None:
    number = new("Printer")
    intake.receive(desk, mail("Dag \x1b[31mrood", Subject="=?utf-8?q?hi=0ABcc:_e@x?= =?utf-8?q?=1b[2J?="))

    assert "hi Bcc: e@x" in sd("mail", "inbox").out
    assert "\x1b" not in sd("mail", "read", 1).out + sd("mail", "inbox").out
    assert sd("mail", "settle", 1).code == 2
    assert sd("mail", "settle", 1, "--ticket", number).code == 0
    assert sd("mail", "inbox", "--all", "--format", "json").json()[0]["verdict"] == "settled"


def test_a_pipe_gets_0_or_75(shell: Any, sd: Any, desk: Desk, tmp_path: Path) -> None:
    assert shell("mail", "receive", stdin=mail().decode()).code == 0
    lost = shell(
        "mail", "receive", stdin="From: a@b.example\n\nx", env={"SD_DATABASE": str(tmp_path / "no.db")}
    )
    assert (lost.code, "was not kept" in lost.err) == (75, True)


def test_nothing_on_standard_input_is_no_mail(shell: Any, sd: Any) -> None:
    empty = shell("mail", "receive", stdin="\n")

    assert (empty.code, "no mail came in" in empty.err) == (2, True)
    assert sd("mail", "inbox", "--all", "--format", "json").json() == []


def test_lint_says_that_mails_wait(sd: Any, desk: Desk) -> None:
    intake.receive(desk, mail())

    assert "mails that wait for a person: 1" in sd("lint").err


# --- Hostile mails: M5


def hostile() -> dict[str, bytes]:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(300))
    return {
        "nothing": b"",
        "no header": b"\n\nDag",
        "zeros": b"\0" * 1000,
        "a long header": b"To: " + b"a@b.example, " * 60_000 + b"\n\nDag\n",
        "a long word": b"Subject: " + b"=?utf-8?q?" + b"=C3" * 200_000 + b"?=\n\nDag\n",
        "many headers": b"X-A: b\n" * 100_000 + b"\nDag\n",
        "nested": nested + b"Dag\n",
        "no boundary": b"Content-Type: multipart/mixed\n\nDag\n",
        "strange charset": b'Content-Type: text/plain; charset="x-\xff"\n\nDag\n',
        "odd encoding": b"Content-Transfer-Encoding: base64\n\n\xff\xfe!!\n",
        "ten megabytes": b"Subject: x\n\n" + b"Dag " * 2_500_000,
        "html bomb": b"Content-Type: text/html\n\n" + b"<div>" * 200_000,
        "odd from": b"From: =?utf-8?b?////?= <\xff@\xfe>, @,@\n\nDag\n",
    }


@pytest.mark.parametrize("name", hostile())
def test_m5_a_hostile_mail_is_kept_and_stops_nothing(desk: Desk, name: str) -> None:
    found = intake.receive(desk, hostile()[name])

    assert found.verdict in ("kept", "auto", "bounce")
    assert incoming.waiting(desk.store) == []


def test_m5_a_mail_that_cannot_be_read_waits(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(incoming, "_PROGRAM", "/nonexistent")

    assert intake.receive(desk, mail()).remark == "it cannot be read"


@given(st.binary(max_size=2000))
def test_m5_any_bytes_are_read(raw: bytes) -> None:
    assert set(reading.read(raw)) == set(incoming.Incoming._fields)


@given(st.text(max_size=500))
def test_m5_no_answer_is_lost(text: str) -> None:
    """What stands above a quote stays; where nothing does, all of it does."""
    assert bool(reading.own(text)) == bool(text.strip())
