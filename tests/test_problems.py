"""Problems: their states, their incidents, the candidates, and what figures say of them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest

from sdtool.desk import Desk
from sdtool.desk import candidates as room
from sdtool.store.base import Store
from tests.conftest import NOW, Ran, Sd
from tests.kpi_world import World, world  # noqa: F401 (a fixture)

New = Callable[..., int]
WIFI = (
    "Wifi valt weg in vergaderzaal B2",
    "In de vergaderzaal valt de wifi weer weg",
    "Geen wifi vergaderzaal, valt telkens weg",
)


def problem(sd: Sd, *words: object) -> Ran:
    """Do something with a problem; it must work."""
    ran = sd("problem", *words)
    assert ran.code == 0, ran.err
    return ran


def candidates(sd: Sd, *words: object) -> list[dict[str, object]]:
    """Return the candidates."""
    return list(problem(sd, "candidates", "--format", "json", *words).json())


@pytest.fixture
def wifi(new: New) -> list[int]:
    """Three incidents of one cause, and one of another."""
    return [new(text, category="network") for text in (*WIFI, "Toner op")][:3]


# --- The record


def test_from_suspicion_to_solution(sd: Sd, wifi: list[int]) -> None:
    """Open, known error, resolved; each state with what belongs to it."""
    problem(sd, "new", "Wifi vergaderzaal", "--tickets", "1-3", "--owner", "@me", "--category", "network")
    problem(sd, "known", 1, "--workaround", "kabel gebruiken")
    problem(sd, "resolve", 1, "--cause", "kanaal bezet", "--solution", "kanaal 11")

    row = problem(sd, "show", 1, "--format", "json").json()

    assert [row[key] for key in ("state", "workaround", "cause", "solution")] == [
        "resolved",
        "kabel gebruiken",
        "kanaal bezet",
        "kanaal 11",
    ]
    assert (row["tickets"], row["incidents"], row["rev"], len(row["history"])) == (wifi, 3, 6, 6)
    assert row["opened_at"] == row["known_at"] == row["ended_at"] == "2026-11-23T10:30:00+01:00"


def test_the_ticket_tells_what_to_do_meanwhile(sd: Sd, wifi: list[int]) -> None:
    """Who handles an incident of a known error sees the workaround; not any more when it is resolved."""
    problem(sd, "new", "Wifi", "--tickets", 1, "--workaround", "kabel")
    known = sd("show", 1).out
    problem(sd, "resolve", 1, "--cause", "x", "--solution", "y")

    assert "problems: 1 known-error Wifi; workaround: kabel\n" in known
    assert "problems: 1 resolved Wifi\n" in sd("show", 1).out


REFUSED: tuple[tuple[tuple[object, ...], int, str], ...] = (
    (("link", 1, 2), 5, "problem 1 is resolved already"),
    (("known", 1, "--workaround", "x"), 5, "sd problem reopen 1"),
    (("link", 2, 4), 3, "ticket 4 is a request"),
    (("link", 2, 5), 5, "ticket 5 is cancelled"),
    (("link", 2, 99), 4, "no ticket 99"),
    (("unlink", 2, 3), 5, "ticket 3 is not linked to problem 2"),
    (("reopen", 2, "--reason", "x"), 5, "problem 2 is not ended"),
    (("edit", 2, "--title", "Ander", "--if-rev", 7), 5, "at revision 1, not 7"),
    (("edit", 2, "--category", "koffie"), 4, "no category 'koffie'"),
    (("edit", 2, "--title", " "), 2, "the title is empty"),
    (("show", 9), 4, "no problem 9"),
)


def test_what_is_refused_says_why(sd: Sd, new: New, wifi: list[int]) -> None:
    """One gate: the code tells what kind of no it is, the sentence what can be done."""
    sd("edit", 4, "--type", "request")
    sd("cancel", new("Dubbel"), "--reason", "dubbel")
    problem(sd, "new", "Eerste")
    problem(sd, "resolve", 1, "--cause", "x", "--solution", "y")
    problem(sd, "new", "Tweede")

    for words, code, says in REFUSED:
        ran = sd("problem", *words)
        assert (ran.code, says in ran.err) == (code, True), ran


def test_a_known_error_is_one_again(sd: Sd) -> None:
    """What is reopened goes on where it was."""
    problem(sd, "new", "Wifi", "--workaround", "kabel")
    problem(sd, "cancel", 1, "--reason", "vergissing")
    assert problem(sd, "reopen", 1, "--reason", "toch", "--format", "json").json()["state"] == "known-error"


def test_lists_narrow(sd: Sd, wifi: list[int]) -> None:
    """By state, owner (`-` is nobody) and ticket."""
    problem(sd, "new", "Een", "--tickets", 1)
    problem(sd, "new", "Twee", "--owner", "els")
    problem(sd, "new", "Drie")
    problem(sd, "cancel", 3, "--reason", "x")

    def listed(*words: object) -> list[int]:
        return [row["id"] for row in problem(sd, "list", *words, "--format", "json").json()]

    assert listed() == [1, 2]
    assert listed("--state", "all", "--owner", "-") == [1, 3]
    assert (listed("--owner", "els"), listed("--ticket", 1)) == ([2], [1])


def test_undo_leaves_it_and_the_journal_holds(sd: Sd, wifi: list[int]) -> None:
    """An act on a problem is not undone, nor is what was done before it; all of it can be replayed."""
    sd("take", 1)
    problem(sd, "new", "Wifi", "--tickets", "1,2")
    problem(sd, "unlink", 1, 2)

    assert sd("undo").code == 3
    assert sd("audit", "verify").code == 0


@pytest.mark.parametrize("sql", ["update problem set owner = 'x'", "delete from problem_ticket"])
def test_what_is_changed_by_hand_is_seen(sd: Sd, wifi: list[int], store: Store, sql: str) -> None:
    """S9: a problem and its tickets are compared with the journal."""
    problem(sd, "new", "Wifi", "--tickets", 1)
    store.run(lambda: store.execute(sql))
    assert (sd("audit", "verify").code, "problem 1" in sd("audit", "verify").out) == (1, True)


# --- Candidates


def test_a_candidate_brings_its_evidence_and_command(sd: Sd, wifi: list[int]) -> None:
    """What they share, and the line that makes the problem; then they are none any more."""
    (found,) = candidates(sd)

    assert found["words"] == ["valt 3", "vergaderzaal 3", "weg 3", "wifi 3"]
    assert found["command"] == 'sd problem new "wifi valt weg vergaderzaal" --category network --tickets 1-3'
    problem(sd, "new", found["title"], "--tickets", "1-3")
    assert candidates(sd) == []


def test_one_more_belongs_to_the_problem(sd: Sd, new: New, wifi: list[int]) -> None:
    """Where others of the cluster have a problem, it is named; of a cancelled one nothing is left to say."""
    problem(sd, "new", "Wifi", "--tickets", "1-3")
    new("wifi valt weg vergaderzaal", category="network")
    (more,) = candidates(sd)
    problem(sd, "cancel", 1, "--reason", "toeval")

    assert (more["problem"], more["command"]) == (1, "sd problem link 1 5")
    assert candidates(sd) == []


def test_of_confidential_tickets_only_their_count(sd: Sd, new: New, desk: Desk, wifi: list[int]) -> None:
    """Who may not read them hears that there is one more, neither its number nor a word of it."""
    new("wifi valt weg geheim", "--confidential", category="network")
    (own,) = candidates(sd)

    (told,) = room.candidates(desk.store, desk.rulebook, desk.now)

    assert (own["tickets"], own["confidential"]) == ([1, 2, 3, 5], 0)
    assert (told.tickets, told.confidential, told.incidents) == ((1, 2, 3), 1, 4)
    assert told.evidence.words == (("valt", 3), ("vergaderzaal", 3), ("weg", 3), ("wifi", 3))


def test_who_may_not_read_a_ticket_does_not_unlink_it(sd: Sd, store: Store, wifi: list[int]) -> None:
    """As for linking: a confidential one is only for who may read it."""
    problem(sd, "new", "Wifi valt weg", "--tickets", wifi[0])
    sd("edit", wifi[0], "--confidential")
    store.run(lambda: store.execute("update ticket set registered_by = 'ines', agent = ''"))

    assert sd("problem", "unlink", 1, wifi[0]).code == 77
    assert store.value("select count(*) from problem_ticket") == 1


@pytest.mark.parametrize("how", ["cancel", "test", "old"])
def test_what_does_not_count_is_no_candidate(sd: Sd, new: New, store: Store, how: str) -> None:
    """Cancelled, of a test, or longer ago than the rulebook looks back; `--days` looks further."""
    for text in WIFI[:2]:
        new(text, category="network")
    number = new(WIFI[2], category="network", as_of="2026-10-20T10:00" if how == "old" else NOW)
    if how == "test":
        store.run(lambda: store.execute("update ticket set test = 1 where id = :id", id=number))
    if how == "cancel":
        sd("cancel", number, "--reason", "x")

    assert candidates(sd) == []
    assert len(candidates(sd, "--days", 60)) == int(how == "old")


# --- Figures


def test_repeat_incidents_of_a_month(world: World) -> None:  # noqa: F811
    """Of five new incidents two are of a cluster that began the month before, one is linked to a problem."""
    for opened, text in (
        ("2026-10-28 09:00", "wifi valt weg"),
        ("02 09:00", "wifi valt weg"),
        ("05 09:00", "weg valt wifi"),
        ("06 09:00", "toner"),
        ("07 09:00", "scherm stuk"),
        ("2026-12-01 09:00", "scherm stuk"),
        ("2026-12-02 09:00", "scherm stuk"),
        ("08 09:00", "muis"),
    ):
        world.ticket(opened, summary=text, category="network")
    world.ticket("09 09:00", summary="wifi valt weg", category="network", type="request")
    world.ticket("09 09:00", summary="wifi valt weg", category="network", test=1)
    base = {"title": "x", "opened_at": 0, "owner": "", "state": "open"}
    others: tuple[dict[str, object], ...] = (
        {"known_at": 1, "owner": "els"},
        {"ended_at": 2},
        {"state": "cancelled", "ended_at": 3},
    )
    for number, more in enumerate(({}, *others), 1):
        world.store.insert("problem", {"id": number, **base, **more})
    for number, ticket in ((1, 4), (4, 8)):
        world.store.insert("problem_ticket", {"problem": number, "ticket": ticket})

    found = world.figures()

    assert (found["repeat_incidents"].n, found["repeat_incidents"].of) == (3, 5)
    names = ("problems_open", "problems_known_error", "problems_unowned")
    assert [found[name].value for name in names] == [2, 1, 1]


def test_a_year_is_the_sum_of_its_months(world: World) -> None:  # noqa: F811
    """Whatever period is asked for, a cluster is looked for per calendar month."""
    for day in range(1, 29):
        opened = f"2026-{10 + day % 3}-{day:02} 09:00"
        world.ticket(opened, summary=f"wifi weg zaal {day % 5}", category="network")
    days = [date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)]

    whole = world.figures(days[0], days[-1])["repeat_incidents"]
    months = [world.figures(*days[n : n + 2])["repeat_incidents"] for n in range(3)]

    assert (whole.n, whole.of) == (sum(one.n for one in months), 28)
    assert whole.n > 0


def test_a_reason_makes_no_line_of_its_own(sd: Sd, wifi: list[int]) -> None:
    """A line end in it would forge an event."""
    problem(sd, "new", "Wifi", "--tickets", "1-3")
    problem(sd, "cancel", 1, "--reason", "geen\n2026-11-23 10:30 baas resolve")

    history = problem(sd, "show", 1, "--format", "json").json()["history"]

    assert [len(event.splitlines()) for event in history] == [1] * len(history)
    assert history[-1].endswith("cancel geen 2026-11-23 10:30 baas resolve")
