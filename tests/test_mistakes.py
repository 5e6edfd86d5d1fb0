"""Mistakes that other help desks made, each with the test that would have caught it: M1 to M11."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

import sdtool
from sdtool.cli import COMMANDS, root
from sdtool.jobs import JOBS
from tests import engines
from tests.conftest import MELDER, Sd
from tests.fmis_files import map_text, row, write
from tests.reliability.kit import digests, rows
from tests.rulebooks import changed, shipped_text, use

New = Callable[..., int]
CODE = Path(sdtool.__file__).parent
DAYS = ("2026-11-23", "2026-11-24", "2026-11-25", "2026-11-26", "2026-11-27", "2026-11-30", "2026-12-01")
LATER = "2026-12-07T10:30"


def extra_day(calendar: str, day: str) -> str:
    """Return a rulebook with one more day off."""
    return f'{shipped_text()}\n[[days]]\ncalendar = "{calendar}"\non = "{day}"\nname = "extra"\n'


def deadlines(sd: Sd) -> dict[int, tuple[str, str]]:
    """Return respond-by and resolve-by of every ticket."""
    listed = sd("list", "--state", "all", "--limit", "1000", "--format", "json").json()
    return {row["id"]: (row["respond_by"], row["resolve_by"]) for row in listed}


@pytest.fixture
def every_urgency(new: New) -> None:
    """A ticket of every urgency and type, one of which waited."""
    for urgency in ("low", "normal", "high", "critical"):
        for kind in ("incident", "request"):
            new(f"{urgency} {kind}", urgency=urgency, type=kind)


# M1 django-helpdesk: excluded days brought escalation forward


@pytest.mark.parametrize("day", DAYS)
def test_m1_a_day_off_never_makes_a_deadline_earlier(
    sd: Sd, every_urgency: None, place: Path, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    before = deadlines(sd)
    use(place, monkeypatch, extra_day("office", day))
    assert sd("calendar", "sync").code == 0
    after = deadlines(sd)

    assert {
        n: (before[n], after[n])
        for n in before
        if any(a < b for a, b in zip(after[n], before[n], strict=True))
    } == {}


# M2 the same: --notify-only lowered the priority all the same


DRY = (
    ("assign", "1,2", "workplace"),
    ("escalate", "1,2", "--to", "workplace", "--reason", "r"),
    ("escalate", "1,2", "--hierarchical", "--reason", "r"),
    ("close", "1,2", "--solution", "s"),
    ("cancel", "1,2", "--reason", "r"),
    ("merge", "1,2", "--into", "3"),
    ("undo",),
    ("mail", "retry", "1"),
    ("mail", "drop", "1"),
    ("mail", "hold", "1"),
    ("mail", "good", "weg@example.be"),
    ("mail", "send"),
    ("remind",),
    ("sla", "sweep"),
    ("feedback", "record", "4", "5"),
    ("onboarding", "import", "comes.csv"),
    ("mover", "import", "moves.csv"),
    ("offboarding", "import", "leaves.csv"),
    ("person", "import", "people.csv"),
    ("party", "import", "parties.csv"),
    ("fmis", "import", "fmis.csv", "--map", "map.toml"),
    ("person", "erase", "2", "--yes"),
    ("article", "import", "articles.csv"),
    ("article", "reviewed", "1"),
    ("article", "use", "1", "2"),
    ("article", "unuse", "1", "1"),
    ("article", "withdraw", "1"),
    ("calls", "import", "calls.csv"),
    ("calls", "record", "2026-11-20", "--offered", "5", "--answered", "4", "--abandoned", "1"),
    ("major", "declare", "2", "--reason", "r"),
    ("major", "revoke", "1", "--reason", "r"),
    ("problem", "new", "Toner", "--tickets", "2"),
    ("problem", "link", "1", "2"),
    ("mail", "settle", "1", "--ticket", "1"),
    ("report", "freeze", "--month", "2026-11"),
    *(("cron", "run", job) for job in JOBS),
)


def with_dry_run(command: click.Command = root, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command that has --dry-run."""
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            child = command.get_command(click.Context(command), name)
            assert child is not None
            yield from with_dry_run(child, (*words, name))
    elif any("--dry-run" in parameter.opts for parameter in command.params):
        yield words


@pytest.fixture
def busy(sd: Sd, new: New, place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A desk where every command of DRY has something to do."""
    reports = '[[reports]]\nkey = "kpi"\nrecipients = ["baas@provincie.example"]\nlanguage = "nl"\n'
    text = changed(("share = 0.0 ", "share = 1.0 "))
    use(place, monkeypatch, f"{text}\n{reports}")
    assert sd("person", "add", "Jef Oud", "--staff-number", "000999").code == 0
    for number in range(5):
        new(f"Ticket {number}", category="account")
    _figured(sd, place)
    assert sd("close", "4,5", "--solution", "s").code == 0
    assert sd("note", "3", "bericht", "--public").code == 0
    assert sd("wait", "3", "--on", "customer", "--for", "nummer", "--until", "+1wd").code == 0
    sd("cron", "run", "close", as_of="2026-12-02T10:00")
    assert sd("cron", "run", "feedback", as_of="2026-12-02T10:30").code == 0
    engines.change(engines.own(place), "insert into bad_address values ('weg@example.be', 1, 'nobody', 1)")
    comes = "Personeelsnummer;Voornaam;Naam;Datum in dienst;Dienst;Functie;E-mail leidinggevende;Locatie"
    (place / "comes.csv").write_text(f"{comes}\n000123;Bo;Maes;11/01/2027;ICT;Jurist;{MELDER};Gent\n")
    (place / "moves.csv").write_text(f"{comes}\n000999;Jef;Oud;11/01/2027;ICT;Jurist;{MELDER};Gent\n")
    (place / "leaves.csv").write_text("Personeelsnummer;Datum uit dienst\n000999;31/01/2027\n")
    (place / "people.csv").write_text("name,mail\nAn Peeters,an@example.be\n")
    (place / "parties.csv").write_text("kind,name\nsupplier,Acme\n")
    file, _ = write(place, [row("09:00", "Nieuw"), row("09:10", "Opgelost")], map_text())
    Path(file).rename(place / "fmis.csv")
    monkeypatch.chdir(place)
    return engines.own(place)


def _figured(sd: Sd, place: Path) -> None:
    """What figures need: articles, calls, a major incident, a problem, a mail that came in."""
    (place / "articles.csv").write_text("title,owner,review_on\nScanner,an,2027-06-01\n")
    (place / "calls.csv").write_text("day,offered,answered,abandoned\n2026-11-20,9,8,1\n")
    for words in (
        ("article", "add", "Toner", "--owner", "an", "--review", "2027-06-01"),
        ("article", "use", "1", "1"),
        ("major", "declare", "1", "--reason", "r"),
        ("problem", "new", "Printers", "--tickets", "1"),
    ):
        assert sd(*words).code == 0, words
    kept = "insert into inmail (digest, received_at, raw, verdict) values ('x', 1, 'RGFn', 'kept')"
    engines.change(engines.own(place), kept)


def test_m2_every_dry_run_is_tried() -> None:
    tried = {tuple(word for word in words if word.isalpha())[:2] for words in DRY}
    assert {words for words in with_dry_run() if words not in {t[: len(words)] for t in tried}} == {
        ("report", "kpi"), ("report", "operations"), ("report", "site"), ("fiche", "edit"),
    }  # fmt: skip


@pytest.mark.parametrize("words", DRY, ids=" ".join)
def test_m2_a_dry_run_changes_no_row(sd: Sd, busy: Path, words: tuple[str, ...]) -> None:
    """All tables are the same afterwards, and the real run then says the same."""
    before = digests(busy)
    dry = sd(*words, "--dry-run", as_of=LATER)
    after = digests(busy)
    real = sd(*words, as_of=LATER)

    assert dry.code == 0, dry
    assert after == before
    if words[0] not in ("mail", "cron", "remind", "sla"):
        assert re.sub(r"\((dry run|check only)\) ", "", dry.out) == real.out
    assert digests(busy) != before or words == ("cron", "run", "mail"), "nothing to do: the test is blind"


def test_m2_a_dry_run_of_a_report_by_mail(sd: Sd, busy: Path) -> None:
    before = digests(busy)
    assert sd("report", "kpi", "--mail", "--dry-run").code == 0
    assert digests(busy) == before


REFUSED = (
    ("assign", "1", "nowhere"),
    ("close", "99", "--solution", "s"),
    ("close", "4", "--solution", "s"),
    ("merge", "1", "--into", "1"),
    ("close", "1"),
)


@pytest.mark.parametrize("words", REFUSED, ids=" ".join)
def test_m2_a_dry_run_refuses_what_the_real_run_refuses(sd: Sd, busy: Path, words: tuple[str, ...]) -> None:
    """The same code path: same exit code, same sentence."""
    dry = sd(*words, "--dry-run")
    real = sd(*words)

    assert dry.code == real.code != 0
    assert dry.err == real.err


# M3 the same: exclusions were looked up without what they were made for


def test_m3_a_day_off_moves_only_the_deadlines_of_its_calendar(
    sd: Sd, every_urgency: None, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = deadlines(sd)
    use(place, monkeypatch, extra_day("always", "2026-11-23"))
    sd("calendar", "sync")
    around_the_clock = {number for number, at in deadlines(sd).items() if at != before[number]}
    use(place, monkeypatch, extra_day("office", "2026-11-24"))
    sd("calendar", "sync")
    office = {number for number, at in deadlines(sd).items() if at != before[number]}

    assert office
    assert not office & around_the_clock


# M4 osTicket: `flags && FLAG` is true for whatever flag


@pytest.mark.parametrize(
    ("party", "old"), [("customer", "true"), ("supplier", "true"), ("internal", "false")]
)
@pytest.mark.parametrize("pauses", ["true", "false"])
def test_m4_a_waiting_party_pauses_when_the_rulebook_says_so(
    sd: Sd, new: New, place: Path, monkeypatch: pytest.MonkeyPatch, party: str, old: str, pauses: str
) -> None:
    """Each of the three in both positions; the others stay as they are."""
    entry = f'party = "{party}"\npauses = '
    use(place, monkeypatch, changed((entry + old, entry + pauses)))
    number = new()
    assert sd("wait", number, "--on", party, "--for", "x", "--until", "+2wd").code == 0

    assert rows(engines.own(place), "select paused from ticket") == [(int(pauses == "true"),)]


@pytest.mark.parametrize("live", ["true", "false"])
def test_m4_a_flag_has_two_positions_in_the_rulebook(
    place: Path, sd: Sd, monkeypatch: pytest.MonkeyPatch, live: str
) -> None:
    use(place, monkeypatch, changed(("live = true", f"live = {live}")))

    assert sd("rulebook", "check").code == 0


# M5 osTicket: housekeeping when rand(1,300) == 42


def test_m5_nothing_is_left_to_chance() -> None:
    """No module draws random numbers; salts and ids come from os.urandom and uuid."""
    drawing = [
        path.name
        for path in CODE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        and "random" in {*(alias.name for alias in node.names), getattr(node, "module", "")}
    ]
    assert drawing == []


@pytest.mark.parametrize("job", JOBS)
def test_m5_a_job_does_the_same_each_time(sd: Sd, busy: Path, job: str) -> None:
    """From the same desk at the same moment the same records; only salts and hashes differ."""
    same = ("ticket", "pause", "person", "link", "holiday", "counter")
    results = []
    engines.save(busy, f"before_{job}")
    for _ in range(2):
        assert engines.restored(busy, f"before_{job}")
        sd("cron", "run", job, as_of=LATER)
        results.append(
            [digests(busy)[table] for table in same] + rows(busy, "select state, dedupe from outbox")
        )

    assert results[0] == results[1]


# M6 osTicket: at most 100 overdue tickets a run, the rest silently later


def test_m6_a_job_leaves_nothing_for_later(sd: Sd, new: New, database_path: Path) -> None:
    """130 tickets are due; one run closes them all, and a second run none."""
    for number in range(130):
        new(f"Ticket {number}")
    assert sd("close", "1-130", "--solution", "s").code == 0
    assert sd("cron", "run", "close", as_of=LATER).code == 0
    once = digests(database_path)
    assert sd("cron", "run", "close", as_of=LATER).code == 0

    assert rows(database_path, "select state, count(*) from ticket group by state") == [("closed", 130)]
    assert digests(database_path)["ticket"] == once["ticket"]


@pytest.fixture
def database_path(place: Path) -> str:
    """The file of the desk."""
    return engines.own(place)


def test_m6_a_list_that_is_cut_says_so(sd: Sd, new: New) -> None:
    for number in range(3):
        new(f"Ticket {number}")

    assert "there are more" in sd("list", "--limit", "2").err
    assert sd("list", "--limit", "3").err == ""


# M7 Frappe: working seconds divided by 86,400, each ticket rounded up before the mean


def test_m7_every_kpi_says_its_unit(sd: Sd, new: New) -> None:
    new()
    kpis = sd("report", "kpi", "--from", "2026-11-01", "--to", "2026-12-01", "--format", "json").json()[
        "kpis"
    ]

    assert kpis
    assert {kpi["unit"] for kpi in kpis} <= {"count", "ratio", "share", "seconds", "days", "working_days"}
    assert [
        kpi["key"]
        for kpi in kpis
        if re.search("time|duration", kpi["key"]) and kpi["unit"] in ("count", "share")
    ] == []


def test_m7_nothing_is_rounded_before_the_mean(sd: Sd, new: New) -> None:
    """Three tickets of 61, 62 and 64 seconds of work: the mean is theirs, not that of whole minutes."""
    for number, second in enumerate((1, 2, 4), 1):
        new(as_of="2026-11-23T10:00:00")
        assert sd("close", number, "--solution", "s", as_of=f"2026-11-23T10:01:0{second}").code == 0
    told = sd("report", "kpi", "--from", "2026-11-01", "--to", "2026-12-01", "--format", "json", as_of=LATER)
    values = {
        kpi["key"]: (kpi["value"], kpi["unit"]) for kpi in told.json()["kpis"] if kpi["unit"] == "seconds"
    }

    means = [value for key, (value, _) in values.items() if re.search("mean|average|avg", key) and value]
    medians = [value for key, (value, _) in values.items() if re.search("median|p50", key) and value]
    assert means or medians, values
    assert [mean for mean in means if abs(mean - 187 / 3) > 1] == []
    assert [median for median in medians if median not in (61, 62, 64)] == []


# M8 Zammad, GLPI: rules for closing that only one door checks


def test_m8_only_one_place_writes_tickets() -> None:
    """What changes a ticket's row goes through desk.tickets; registration makes one, moving copies all."""
    writing = {
        path.name
        for path in CODE.rglob("*.py")
        if re.search(
            r"""update ticket |insert into ticket |(insert|update)\(\s*"ticket"|delete from ticket """,
            path.read_text(),
        )
    }
    assert writing <= {"tickets.py", "registration.py", "moving.py", "migrations.py"}


@pytest.fixture
def parent(sd: Sd, new: New) -> tuple[int, int]:
    """A ticket with an open sub-ticket."""
    whole, part = new("geheel"), new("deel")
    assert sd("link", part, "part-of", whole).code == 0
    return whole, part


@pytest.mark.parametrize(
    "words",
    [("close", "1", "--solution", "s"), ("close", "3,1", "--solution", "s"), ("merge", "1", "--into", "3")],
    ids=" ".join,
)  # fmt: skip
def test_m8_open_sub_tickets_keep_it_open(
    sd: Sd, new: New, parent: tuple[int, int], words: tuple[str, ...], place: Path
) -> None:
    """One, many, or by merging: refused, and nothing of the bulk is done."""
    new("ander")
    ran = sd(*words)

    assert (ran.code, "sub-ticket" in ran.err) == (3, True), ran
    assert rows(engines.own(place), "select distinct state from ticket") == [("new",)]


@pytest.mark.parametrize("numbers", ["1", "1,2", "1-3"])
def test_m8_no_closing_without_a_solution(sd: Sd, new: New, numbers: str, place: Path) -> None:
    for number in range(3):
        new(f"Ticket {number}")
    ran = sd("close", numbers)

    assert (ran.code, "solution" in ran.err) == (2, True)
    assert rows(engines.own(place), "select distinct state from ticket") == [("new",)]


def test_m8_the_nightly_job_closes_resolved_tickets_only(
    sd: Sd, new: New, parent: tuple[int, int], place: Path
) -> None:
    """However old an open ticket is, cron does not close it; a reopened one neither."""
    new("opgelost en heropend")
    assert sd("close", "3", "--solution", "s").code == 0
    assert sd("reopen", "3", "--reason", "toch niet").code == 0
    assert sd("cron", "run", "close", as_of="2027-11-23T10:30").code == 0

    assert rows(engines.own(place), "select state from ticket") == [("new",), ("new",), ("active",)]


def test_m8_an_import_does_not_close_over_an_open_sub_ticket(sd: Sd, tmp_path: Path, place: Path) -> None:
    """A ticket that came from outside and has open parts here: the other system's word is not enough."""
    first = [row("09:00", "Nieuw"), row("09:00", "Nieuw", Nr="F2")]
    file, map_ = write(tmp_path, first, map_text())
    assert sd("fmis", "import", file, "--map", map_, as_of="2026-03-02T09:15").code == 0
    assert sd("link", 2, "part-of", 1, as_of="2026-03-02T09:30").code == 0
    file, map_ = write(tmp_path, [*first, row("10:00", "Opgelost")], map_text())
    ran = sd("fmis", "import", file, "--map", map_)

    assert (ran.code, "sub-ticket" in ran.err) == (3, True), ran
    assert rows(engines.own(place), "select state from ticket") == [("new",), ("new",)]


# M9 rt: commands in the help that only say "unimplemented"


def commands(command: click.Command = root, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the words of every command and family."""
    yield words
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            child = command.get_command(click.Context(command), name)
            assert child is not None, (*words, name)
            yield from commands(child, (*words, name))


def test_m9_every_command_of_the_help_is_there(run: Sd) -> None:
    for words in commands():
        ran = run(*words, "--help", as_of=None)
        assert (ran.code, ran.err) == (0, ""), words
        assert ran.out.startswith(f"Usage: {' '.join(('sd', *words))}"), words
        assert not re.search("unimplemented|not implemented|coming soon|TODO", ran.out, re.IGNORECASE), words


def test_m9_hints_name_commands_that_exist() -> None:
    """Every `sd WORD` in the program's own texts can be typed, with the options that it names."""
    known = {" ".join(words) for words in commands()}
    named = [
        (path.name, found)
        for path in CODE.rglob("*.py")
        for found in re.findall(r"`sd ([a-z][a-z -]*)", path.read_text())
    ]
    wrong = []
    for name, words in named:
        typed = [word for word in words.split() if re.fullmatch("[a-z]+", word)]
        head = typed[0]
        family = (
            isinstance(root.get_command(click.Context(root), head), click.Group)
            if head in COMMANDS
            else False
        )
        if head not in known or (family and len(typed) > 1 and f"{head} {typed[1]}" not in known):
            wrong.append((name, words))
    assert len(named) > 30
    assert wrong == []


# M10 Znuny: deleted without recovery or log


@pytest.mark.parametrize(
    "words", [("cancel", "1", "--reason", "r"), ("unlink", "1", "blocks", "2"), ("mail", "drop", "1"),
              ("merge", "1", "--into", "2"), ("undo",)], ids=" ".join,
)  # fmt: skip
def test_m10_what_takes_away_is_in_the_journal(sd: Sd, new: New, place: Path, words: tuple[str, ...]) -> None:
    """Who, what and when; and no ticket is ever deleted."""
    new("een"), new("twee")
    assert sd("note", "2", "bericht", "--public").code == 0
    assert sd("link", "1", "blocks", "2").code == 0
    before = rows(engines.own(place), "select count(*) from event")
    ran = sd(*words)
    assert ran.code == 0, ran

    assert rows(engines.own(place), "select count(*) from event") > before
    assert rows(engines.own(place), "select count(*) from ticket") == [(2,)]


def test_m10_no_command_deletes_a_ticket_or_an_event() -> None:
    """Nothing deletes from these tables, but what erases a person: data of events, which say so."""
    deleting = [
        (path.name, table)
        for path in CODE.rglob("*.py")
        for table in re.findall(r"delete from (ticket|event|event_data|person)\b", path.read_text())
    ]
    assert deleting == [("journal.py", "event_data")]


# M11 Zammad: deleting a customer took the tickets, and their place in the reports, along


def test_m11_who_leaves_takes_no_ticket_along(sd: Sd, new: New) -> None:
    """A person is made inactive, not deleted: tickets and figures stay."""
    new()
    words = ("report", "kpi", "--from", "2026-11-01", "--to", "2026-12-01", "--format", "json")
    before = sd(*words).json()
    assert sd("person", "edit", MELDER, "--inactive", "--name", "Iemand", "--mail", "").code == 0

    assert sd(*words).json() == before
    assert sd("show", "1").code == 0
