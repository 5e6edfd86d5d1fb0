"""`sd onboarding`, `mover`, `offboarding`: files of HR, one person, how they stand."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pexpect
import pytest

from sdtool import cli
from tests import hr_files
from tests.conftest import NOW, Ran, Sd, interrupt, interruptible
from tests.engines import digests
from tests.waiting import PATIENCE

TODAY = date(2026, 11, 23)
HEAD = "Personeelsnummer;Voornaam;Naam;Datum in dienst;Dienst;Functie;E-mail leidinggevende;Locatie;Status"
GOOD = "000123;Zoë;D'Hondt-Çelik;11/01/2027;Juridische dienst;Jurist;an.hoofd@example.be;Provinciehuis;"
Send = Callable[..., Ran]


@pytest.fixture
def send(sd: Sd, tmp_path: Path) -> Send:
    """Import lines as a file of HR; the manager is in the directory."""
    assert sd("person", "add", "An Hoofd", "--mail", "an.hoofd@example.be").code == 0

    def call(*lines: str, words: tuple[object, ...] = (), kind: str = "onboarding", head: str = HEAD) -> Ran:
        file = tmp_path / "hr.csv"
        file.write_text("\n".join([head, *lines]) + "\n", encoding="utf-8")
        return sd(kind, "import", file, *words)

    return call


def test_import_says_what_it_did(send: Send) -> None:
    """In one line, with the code of success."""
    ran = send(GOOD)
    assert (ran.code, ran.out, ran.err) == (0, "1 row: 1 new\n", "")


def test_the_same_file_again(send: Send) -> None:
    """Nothing is new."""
    send(GOOD)
    assert send(GOOD).out == "1 row: 1 unchanged\n"


def test_check_names_every_fault_and_writes_nothing(send: Send, sd: Sd) -> None:
    """Exit 3, row, column, value, what is wrong, what to do."""
    ran = send("000124;Bo;;31/02/2027;ICT;Jurist;niemand@example.be;Gent;", words=("--check",))
    assert ran.code == 3
    assert [line.split()[0] for line in ran.out.splitlines()[1:-1]] == ["2", "2", "2"]
    assert "31/02/2027" in ran.out
    assert "nothing was written" in ran.err
    assert sd("onboarding", "status", "--format", "json").json() == []


def test_the_real_run_names_the_same_faults(send: Send) -> None:
    """Check and run share the code, and agree to the byte."""
    row = "000124;Bo;;31/02/2027;ICT;Jurist;niemand@example.be;Gent;"
    checked = send(GOOD, row, words=("--check", "--format", "json")).json()
    run = send(GOOD, row, words=("--format", "json")).json()
    assert checked["findings"] == run["findings"]
    assert run["counts"] == {"new": 2}


def test_a_dry_run_says_what_the_run_does(send: Send, sd: Sd) -> None:
    """The same counts, and nothing is there afterwards."""
    rows = (GOOD, GOOD.replace("000123", "000124"), "000125;Bo;;;;;;;")
    dry = send(*rows, words=("--dry-run",))
    assert sd("list", "--format", "json").json() == []
    assert dry.out.replace("(dry run) ", "") == send(*rows).out


def test_all_faults_of_a_big_file(sd: Sd, tmp_path: Path) -> None:
    """5,000 rows with 200 faults: all of them, and no other."""
    made = hr_files.make(tmp_path / "hr.csv", 5_000, 200, 11, TODAY)
    found = sd("onboarding", "import", made.path, "--check", "--format", "json").json()["findings"]
    names = {title: field for field, title in hr_files.HEADER.items()}
    assert sorted((f["line"], names[f["column"]], f["rule"]) for f in found) == made.expected


def test_faults_go_back_to_hr(send: Send, sd: Sd, tmp_path: Path) -> None:
    """The copy, corrected in its place, is taken in as it is."""
    copy = tmp_path / "terug.csv"
    send(
        "000124;Bo;Maes;31/02/2027;ICT;Jurist;an.hoofd@example.be;Gent;", words=("--check", "--faults", copy)
    )
    text = copy.read_text(encoding="utf-8-sig")
    assert "is geen datum" in text
    copy.write_text(text.replace("31/02/2027", "28/02/2027"), encoding="utf-8-sig")
    assert sd("onboarding", "import", copy).out == "1 row: 1 new\n"


def test_a_refused_row_stops_no_other(send: Send, sd: Sd) -> None:
    """A national register number is nowhere: not told, not stored."""
    ran = send("85073003328;Jan;Peeters;11/01/2027;ICT;Jurist;an.hoofd@example.be;Gent;", GOOD)
    assert ran.code == 3
    assert "2 rows: 1 new, 1 refused\n" in ran.out
    assert "85073003328" not in ran.out + ran.err


def test_a_row_that_cannot_be_read_counts_as_refused(send: Send) -> None:
    ran = send(GOOD.replace("Jurist", '"Jurist" x'), GOOD.replace("000123", "000124"))

    assert (ran.code, "2 rows: 1 new, 1 refused\n" in ran.out) == (3, True)


def test_map_names_a_column(send: Send) -> None:
    """What the rulebook does not know."""
    ran = send(
        GOOD, head=HEAD.replace("Personeelsnummer", "Kaartje"), words=("--map", "Kaartje=staff_number")
    )
    assert ran.out == "1 row: 1 new\n"


@pytest.mark.parametrize("word", ["Kaartje", "=staff_number", "Kaartje=nonsense"])
def test_map_that_says_nothing(send: Send, word: str) -> None:
    """A usage error, before anything is read."""
    assert send(GOOD, words=("--map", word)).code == 2


def test_status_withdraws(send: Send) -> None:
    """A row that HR marks as withdrawn."""
    send(GOOD)
    assert send(GOOD + "ingetrokken").out == "1 row: 1 withdrawn\n"
    assert send(GOOD + "ingetrokken").out == "1 row: 1 unchanged\n"
    assert send("000123;;;;;;;;ingetrokken").out == "1 row: 1 unchanged\n"


def test_what_is_not_in_a_whole_file_is_withdrawn(send: Send) -> None:
    """Only when the file is said to hold everybody."""
    send(GOOD, GOOD.replace("000123", "000124"))
    assert send(GOOD).out == "1 row: 1 unchanged\n"
    assert send(GOOD, words=("--withdraw-missing",)).out == "1 row: 1 unchanged, 1 withdrawn\n"


@pytest.mark.parametrize(
    "row",
    [GOOD.replace("000123", "0001 23 x"), GOOD.replace("Jurist", '"Jurist" x'), GOOD + "rrn 85.07.30-033.28"],
)
def test_nobody_is_withdrawn_by_a_file_with_a_refused_row(send: Send, sd: Sd, row: str) -> None:
    """The row may be about who seems to be missing."""
    send(GOOD)
    ran = send(row, GOOD.replace("000123", "000124"), words=("--withdraw-missing",))
    assert ("withdrawn" in ran.out, "nobody is withdrawn" in ran.err) == (False, True)
    assert len(sd("onboarding", "status", "--format", "json").json()) == 2


def test_nobody_is_withdrawn_by_a_header_alone(send: Send) -> None:
    """An export that went wrong would take everybody back."""
    send(GOOD)
    ran = send(words=("--withdraw-missing",))
    assert ("withdrawn" in ran.out, "nobody is withdrawn" in ran.err) == (False, True)


def test_a_withdrawn_start_is_not_registered_again_by_an_old_file(send: Send, sd: Sd) -> None:
    """Somebody phoned; next week's file still holds her."""
    send(GOOD)
    assert sd("onboarding", "withdraw", 1).code == 0
    ran = send(GOOD)
    assert ran.out == "1 row: 1 unchanged\n"
    assert "was withdrawn (SD-1)" in ran.err


def test_mails_go_out_once(send: Send, sd: Sd) -> None:
    """To the manager, whatever is sent how often."""
    for _ in range(3):
        send(GOOD)
    mails = sd("mail", "queue", "--format", "json").json()
    assert [mail["recipient"] for mail in mails] == ["an.hoofd@example.be"]


def test_a_list_on_standard_input(send: Send, shell: Sd, tmp_path: Path) -> None:
    """`-`, for who works under sudo; whatever is a pipe is read once."""
    send()
    text = (tmp_path / "hr.csv").read_text(encoding="utf-8") + GOOD + "\n"
    ran = shell("--as-of", NOW, "onboarding", "import", "-", stdin=text)
    assert (ran.code, ran.out, ran.err) == (0, "1 row: 1 new\n", "")
    pipe = f"printf %s {shlex.quote(text)} | {sys.executable} -m sdtool --as-of {NOW} onboarding import"
    done = subprocess.run(f"{pipe} /dev/stdin", shell=True, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.stdout, done.stderr) == ("1 row: 1 unchanged\n", "")


def test_a_key_names_what_is_asked_too(send: Send) -> None:
    """The same file, but now to withdraw who is not in it, is something else."""
    assert send(GOOD, words=("--idempotency-key", "w48")).code == 0
    ran = send(GOOD, words=("--idempotency-key", "w48", "--withdraw-missing"))
    assert (ran.code, "used for something else" in ran.err) == (2, True)


def test_lost_faults_are_told(send: Send, shell: Sd, tmp_path: Path) -> None:
    """A full disk behind `>` is 74, with what was taken in."""
    send("000124;Bo;;31/02/2027;ICT;Jurist;niemand@example.be;Gent;")
    words = f"{sys.executable} -m sdtool --as-of {NOW} onboarding import {tmp_path / 'hr.csv'} > /dev/full"
    done = subprocess.run(words, shell=True, capture_output=True, text=True, timeout=PATIENCE)
    assert (done.returncode, "rows taken in: 1 of 1" in done.stderr) == (74, True), done.stderr
    assert "takes in the others" not in done.stderr


# goes on after 20 rows only when it is told to, by Ctrl-C
HALF_WAY = """
import time
from sdtool import cli
from sdtool.desk import staff_intake
take_in, left = staff_intake.take_in, iter(range(20))
def some(*words, **more):
    if next(left, None) is None:
        print("half-way", flush=True)
        time.sleep(600)
    return take_in(*words, **more)
staff_intake.take_in = some
cli.main()
"""


def test_ctrl_c_leaves_whole_rows(sd: Sd, tmp_path: Path) -> None:
    """On a terminal: the bar ends its line, what is in is told, and the next run does the rest."""
    made = hr_files.make(tmp_path / "hr.csv", 60, 0, 1, TODAY)
    environment: dict[str, str] = {**os.environ, "SD_AS_OF": NOW}
    child = pexpect.spawn(
        sys.executable, ["-c", HALF_WAY, "onboarding", "import", str(made.path)], env=environment,
        encoding="utf-8", timeout=PATIENCE, preexec_fn=interruptible,
    )  # fmt: skip
    child.expect("half-way")
    child.sendintr()
    child.expect(pexpect.EOF)
    child.close()
    lines = [line.rpartition("\r")[2] for line in (child.before or "").split("\r\n")]
    (told,) = [line for line in lines if "rows taken in" in line]
    done = int(told.split()[3])
    assert (child.exitstatus, told[:14]) == (130, "rows taken in:")
    there = len(sd("onboarding", "status", "--format", "json").json())
    assert there - done in (0, 1)  # a row may be in and not counted yet
    assert sd("onboarding", "import", made.path).out == f"60 rows: {60 - there} new, {there} unchanged\n"


# --- one person


NEW = ("--first-name", "Bo", "--last-name", "Maes", "--start-date", "11/01/2027", "--department", "ICT",
       "--job-title", "Technicus", "--manager-mail", "an.hoofd@example.be", "--site", "Gent")  # fmt: skip


def test_new_registers_one_person(send: Send, sd: Sd) -> None:
    """And shows the tree of tickets."""
    ran = sd("onboarding", "new", "000200", *NEW)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:2] == [
        "SD-1 new",
        "SD-1  Indiensttreding Bo Maes (000200)  new  2027-01-11, 29 working days left",
    ]


def test_new_names_all_that_is_missing(send: Send, sd: Sd) -> None:
    """To a script; a person is asked."""
    ran = sd("onboarding", "new", "000200", "--first-name", "Bo")
    assert ran.code == 2
    for option in ("--last-name", "--start-date", "--department", "--job-title", "--manager-mail", "--site"):
        assert option in ran.err


def test_new_asks_again(send: Send, sd: Sd) -> None:
    """A wrong answer is told at once and asked for again; Ctrl-C registers nothing."""
    send()
    environment: dict[str, str] = {**os.environ, "SD_AS_OF": NOW}
    words = ["-m", "sdtool", "onboarding", "new", "000200"]
    for answers in (["Zoë"], ["Zoë", "Maes", "31/2/2027", "1/2/2027", "ICT", "Jurist", "", "Gent"]):
        child = pexpect.spawn(
            sys.executable,
            words,
            env=environment,
            encoding="utf-8",
            timeout=PATIENCE,
            preexec_fn=interruptible,
        )
        for answer in answers:
            child.expect(r"owes it\): ")
            child.sendline(answer)
        if len(answers) == 1:
            child.expect(r"owes it\): ")
            interrupt(child)
        child.expect(pexpect.EOF)
        child.close()
        shown = sd("onboarding", "status", "--format", "json").json()
        assert (child.exitstatus, len(shown)) == ((130, 0) if len(answers) == 1 else (0, 1)), child.before
    assert (shown[0]["day"], shown[0]["missing"]) == ("2027-02-01", ["manager mail"])


def test_new_takes_what_hr_still_owes(send: Send, sd: Sd) -> None:
    """An empty value says that nobody knows it yet."""
    ran = sd("onboarding", "new", "000200", *NEW[:-1], "")
    assert (ran.code, "HR owes: site" in ran.out) == (0, True)


def test_new_after_a_withdrawal_asks_for_everything(send: Send, sd: Sd) -> None:
    """What was told of the start that was withdrawn is not told of this one."""
    send(GOOD)
    sd("checklist", "skip", 2, "1-3", "--reason", "x")
    sd("close", 2, "--solution", "gemaakt")
    assert sd("onboarding", "withdraw", 1).code == 0  # it stays open until the account is gone
    ran = sd("onboarding", "new", "000123")
    assert (ran.code, "--start-date" in ran.err) == (2, True)


def test_new_names_all_faults_at_once(send: Send, sd: Sd) -> None:
    """Nothing is registered."""
    ran = sd("onboarding", "new", "000200", *NEW, "--mail", "bo", "--phone", "geen")
    assert ran.code == 2
    assert "is not a mail address" in ran.err
    assert "is not a phone number" in ran.err


def test_complete_releases_what_waited(send: Send, sd: Sd) -> None:
    """What HR told by phone."""
    sd("onboarding", "new", "000200", *NEW[:-1], "")
    ran = sd("onboarding", "complete", 1, "site=Gent", "--format", "json").json()
    assert (ran["missing"], {part["waits_for"] for part in ran["parts"] if part["service"] == "badge"}) == (
        [],
        {""},
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [(["site"], 2), (["kleur=rood"], 2), (["mail=bo"], 2), (["staff_number=000999"], 2), ([], 2)],
)
def test_complete_that_cannot_be(send: Send, sd: Sd, fields: list[str], code: int) -> None:
    """A sentence each."""
    send(GOOD)
    assert sd("onboarding", "complete", 1, *fields).code == code


def test_a_ticket_that_is_no_change(send: Send, sd: Sd) -> None:
    """4, and what it is instead."""
    send(GOOD)
    assert sd("onboarding", "show", 99).code == 4
    assert "part of SD-1" in sd("onboarding", "complete", 3, "site=Gent").err
    ran = sd("offboarding", "complete", 1, "remark=x")
    assert (ran.code, "no offboarding but onboarding" in ran.err) == (4, True)


def test_show_finds_the_tree_by_any_of_its_tickets(send: Send, sd: Sd) -> None:
    """The parent or a part."""
    send(GOOD)
    found = sd("onboarding", "show", 3)
    assert (found.out, found.err) == (sd("onboarding", "show", 1).out, "")


def test_show_says_that_it_is_of_another_kind(send: Send, sd: Sd) -> None:
    send(GOOD)

    assert "SD-1 is not of mover but of onboarding" in sd("mover", "show", 1).err


# --- how they stand


def test_status_puts_what_is_late_first(send: Send, sd: Sd) -> None:
    """A line a person."""
    send(GOOD, GOOD.replace("000123", "000124").replace("11/01/2027", "07/12/2026"))
    rows = sd("onboarding", "status", "--format", "json", as_of="2026-12-03T10:00").json()
    assert [(row["staff_number"], row["standing"], row["late"]) for row in rows] == [
        ("000124", "late", 1),
        ("000123", "busy", 0),
    ]


@pytest.mark.parametrize(
    ("as_of", "standing"),
    [("2027-01-08T17:00", "ready"), ("2027-01-11T17:00", "ready"), ("2027-01-11T17:01", "late")],
)
def test_ready_is_who_can_start(send: Send, sd: Sd, as_of: str, standing: str) -> None:
    """What is done on the day itself may be open, until that is late too."""
    send(GOOD)
    for part in sd("onboarding", "show", 1, "--format", "json").json()["parts"]:  # the account comes first
        if part["items"]:
            sd("checklist", "skip", part["id"], f"1-{part['items']}", "--reason", "x")
        if part["service"] != "training":
            assert sd("close", part["id"], "--solution", "ok").code == 0
    (row,) = sd("onboarding", "status", "--format", "json", as_of=as_of).json()
    assert row["standing"] == standing


def test_who_leaves_is_not_late_on_the_day(send: Send, sd: Sd) -> None:
    """It is done when that day ends."""
    sd("person", "add", "Bo Maes", "--staff-number", "000300")
    assert sd("offboarding", "new", "000300", "--end-date", "27/11/2026").code == 0
    (row,) = sd("offboarding", "status", "--format", "json", as_of="2026-11-27T09:00").json()
    assert (row["standing"], row["done"]) == ("busy", 0)


def test_who_may_not_read_sees_no_name(send: Send, sd: Sd, monkeypatch: pytest.MonkeyPatch) -> None:
    """A confidential change: neither in the list nor as a tree."""
    send(GOOD)
    assert sd("edit", 1, "--confidential").code == 0
    assert "D'Hondt" in sd("onboarding", "status").out
    monkeypatch.setattr(cli, "actor", lambda database: "bram")
    assert "D'Hondt" not in sd("onboarding", "status", "--format", "json").out
    assert [sd("onboarding", *words).code for words in (("show", 3), ("complete", 1, "site=Gent"))] == [
        77
    ] * 2


def test_status_of_nobody(sd: Sd) -> None:
    """No table, a word on what to do, and no fault."""
    ran = sd("onboarding", "status")
    assert (ran.code, ran.out) == (0, "")
    assert "sd onboarding import FILE" in ran.err


def test_undo_points_to_withdraw(send: Send, sd: Sd) -> None:
    """A change of staff is more than its tickets."""
    sd("onboarding", "new", "000200", *NEW)
    ran = sd("undo")
    assert (ran.code, "sd onboarding withdraw 1" in ran.err) == (3, True)


# --- hostile input


@pytest.mark.parametrize(
    "text",
    ["\x1b[31mrood", "=cmd|' /C calc'!A0", "{{ 7*7 }}", '"aanhaling"', "../../etc/passwd", "x" * 100_000,
     "a\u202eb", "<script>alert(1)</script>", "'; drop table ticket; --", "D'Hondt-Çelik"],
)  # fmt: skip
@pytest.mark.parametrize("column", range(9))
def test_hostile_text_in_any_cell(send: Send, sd: Sd, text: str, column: int) -> None:
    """Never a crash, never a control character on the terminal; the journal holds."""
    cells = GOOD.split(";")
    cells[column] = '"' + text.replace('"', '""') + '"'
    ran = send(";".join(cells))
    assert ran.code in (0, 3), ran
    assert "\x1b" not in ran.out + ran.err
    assert "internal error" not in ran.err
    assert sd("audit", "verify").code == 0


def test_a_file_that_is_none(sd: Sd, tmp_path: Path, database_url: str) -> None:
    """One sentence that says what to do; the desk is as it was."""
    (tmp_path / "x.csv").write_text("Naam;Account\nJan;jan\n")
    before = digests(database_url if "://" in database_url else Path(database_url))
    ran = sd("onboarding", "import", tmp_path / "x.csv", "--format", "json")
    assert ran.code == 65
    assert "--map" in json.loads(ran.err)["error"]["message"] + str(json.loads(ran.err))
    assert digests(database_url if "://" in database_url else Path(database_url)) == before


def test_a_file_without_staff_numbers(sd: Sd, tmp_path: Path) -> None:
    """One sentence for the file, not one for each row."""
    (tmp_path / "x.csv").write_text("Naam;Voornaam;Account\nMaes;Bo;bo\n")
    ran = sd("onboarding", "import", tmp_path / "x.csv", "--check")
    assert (ran.code, "no column with staff numbers" in ran.err, "--map" in ran.err) == (65, True, True)
