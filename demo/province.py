"""Two months at the desk of a fictional province, the same every time, through the gate of real work."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sdtool.desk import Desk, calendars, handling, people, registration
from sdtool.rules.worktime import Calendar

FIRST, LAST = date(2026, 9, 21), date(2026, 11, 20)
NOW = "2026-11-23T08:35"  # the Monday on which the walk begins
PER_DAY = (5, 12)
AGENTS = ("an", "bram")
SOLVERS = {
    "workplace": "els",
    "network": "jan",
    "systems": "farid",
    "applications": "greet",
    "security": "ines",
}
PEOPLE = (
    ("Leen D'Hondt", "frontoffice", "Onthaal"),
    ("Ayşe Çelik", "staff", "Mobiliteit"),
    ("Jozef Van den Broeck", "management", "Directie Financiën"),
    ("Marie-Claire Verhaeghe", "deputies", "Kabinet"),
    ("Stijn Peeters", "staff", "Ruimtelijke ordening"),
    ("Fatima El Amrani", "schools", "Provinciale school Groenhove"),
    ("Koen Desmet", "staff", "Waterlopen"),
    ("Elke Wouters", "frontoffice", "Bibliotheek"),
    ("Thomas Claeys", "external", "Studiebureau Claeys"),
    ("Renée Lambrecht", "staff", "Personeel"),
    ("Bart Goossens", "schools", "Provinciale school Ter Linde"),
    ("Nele Mertens", "staff", "Erfgoed"),
)
INCIDENT, REQUEST = "incident", "request"
SUBJECTS: dict[str, tuple[str, tuple[str, ...], str]] = {
    "account": (
        INCIDENT,
        (
            "Wachtwoord vergeten",
            "Account geblokkeerd",
            "Tweestapscode komt niet aan",
            "Aanmelden met badge lukt niet",
            "Geen rechten meer op de map Personeel",
            "Thuiswerktoegang vervallen",
            "Naam verkeerd gespeld in adresboek",
            "Gastaccount verlopen",
            "Profiel laadt heel traag",
        ),
        "nieuw wachtwoord gezet",
    ),
    "printer": (
        INCIDENT,
        (
            "Printer PRN-0412 vast papier",
            "Scanner mailt niet",
            "Afdrukken komen blanco uit",
            "Kleuren kloppen niet",
            "Badgelezer van het kopieertoestel dood",
            "Toner leeg in het archief",
            "Dubbelzijdig drukt scheef",
            "Plotter van de tekenkamer stopt halfweg",
        ),
        "toner en rol vervangen",
    ),
    "workplace": (
        REQUEST,
        ("Tweede scherm gevraagd", "Laptop voor nieuwe collega"),
        "geleverd en aangesloten",
    ),
    "mail": (
        INCIDENT,
        (
            "Agenda synchroniseert niet",
            "Gedeelde mailbox weg",
            "Bijlage te groot om te versturen",
            "Handtekening met verkeerd logo",
            "Afwezigheidsbericht blijft aan",
            "Uitnodigingen dubbel in agenda",
        ),
        "profiel opnieuw aangemaakt",
    ),
    "network": (
        INCIDENT,
        (
            "Geen wifi in de raadzaal",
            "Netwerk traag",
            "Kabelgoot los aan bureau 3",
            "Gastenwifi vraagt telkens code",
            "Verbinding valt weg op de trein",
            "Domein Het Vinne onbereikbaar",
        ),
        "toegangspunt herstart",
    ),
    "application": (
        INCIDENT,
        (
            "Vergunningenloket geeft een fout",
            "Rapport opent niet",
            "Boekhouding rondt bedragen verkeerd af",
            "Kaart van de waterlopen blijft wit",
            "Subsidiedossier staat op slot",
            "Tijdsregistratie mist vrijdag",
            "Handtekenmap stuurt geen bericht",
        ),
        "nieuwe versie gezet",
    ),
    "telephony": (
        INCIDENT,
        (
            "Toestel rinkelt niet",
            "Doorschakelen lukt niet",
            "Hoofdtelefoon kraakt",
            "Voicemail vraagt vreemde pin",
        ),
        "toestel opnieuw aangemeld",
    ),
    "material": (REQUEST, ("USB-stick gevraagd", "Muis gevraagd"), "meegegeven aan de balie"),
    "security": (
        INCIDENT,
        (
            "Verdachte mail ontvangen",
            "Phishing gemeld",
            "Onbekende USB-sleutel gevonden",
            "Raar venster vraagt om code",
        ),
        "mail verwijderd, afzender geblokkeerd",
    ),
}
WEEKEND = (  # what came in while the desk was closed: hours before NOW, caller, report
    (40, 4, ("Kan niet aanmelden op de tablet", "portal", INCIDENT, "account", "high")),
    (14, 7, ("Groot scherm vergaderzaal blijft zwart", "mail", INCIDENT, "other", "normal")),
    (1, 1, ("Badgeprinter van het onthaal drukt niet af", "mail", INCIDENT, "printer", "high")),
)


class Made(NamedTuple):
    """How much was made."""

    tickets: int
    people: int


class _Town:
    """One run of the two months: steps in the order of time, each one act at the desk."""

    def __init__(self, desk: Desk, seed: int) -> None:
        self.desk, self.dice = desk, random.Random(seed)  # noqa: S311 (a demonstration, no secret)
        self.zone = ZoneInfo(desk.timezone)
        self.steps: list[tuple[int, int, Callable[[], object]]] = []
        self.order = 0
        self.calendar: Calendar = calendars.load(desk.store, desk.rulebook, "office", self._at(FIRST, 0))

    def _at(self, day: date, seconds: int) -> int:
        return int(datetime(day.year, day.month, day.day, tzinfo=self.zone).timestamp()) + seconds

    def later(self, at: int, step: Callable[[], object]) -> None:
        self.order += 1
        heapq.heappush(self.steps, (at, self.order, step))

    def in_work(self, at: int, low: int, high: int) -> int:
        """Return a moment some working minutes after `at`."""
        return self.calendar.add(at, 60 * self.dice.randint(low, high))

    def live(self) -> None:
        """Let every step happen at its moment; what lies after the last day has not happened yet."""
        end = self._at(LAST, 17 * 3600)
        while self.steps:
            at, _, step = heapq.heappop(self.steps)
            if at <= end:
                self.desk.now = at
                step()

    def act(self, login: str) -> Desk:
        self.desk.actor = login
        return self.desk


def fill(desk: Desk, *, seed: int = 2026) -> Made:
    """Fill an empty desk with people and two months of tickets, in one transaction."""
    return desk.run(lambda: _fill(desk, seed))


def _fill(desk: Desk, seed: int) -> Made:
    town = _Town(desk, seed)
    desk.actor, desk.now = AGENTS[0], town._at(FIRST, 7 * 3600)
    callers = [_person(desk, number, *who).id for number, who in enumerate(PEOPLE, 1)]
    for at in _arrivals(town):
        town.later(at, _arrival(town, town.dice.choice(callers)))
    for at in _nights(town):
        town.later(at, lambda: handling.close_due(town.act("sd")))
    town.live()
    _weekend(town, callers)
    return Made(int(desk.store.value("select count(*) from ticket")), len(callers))


def _weekend(town: _Town, callers: list[int]) -> None:
    now = int(datetime.fromisoformat(NOW).replace(tzinfo=town.zone).timestamp())
    for hours, who, (summary, channel, type_, category, urgency) in WEEKEND:
        town.desk.now = now - 3600 * hours
        report = registration.Report(summary, callers[who - 1], channel, type_, category, urgency)
        registration.register(town.act("sd"), report)


def _person(desk: Desk, number: int, name: str, group: str, department: str) -> people.Person:
    mail = people.fold(name.replace("'", "")).replace(" ", ".")
    values = {"name": name, "mail": f"{mail}@provincie.example", "phone": f"09 267 70 {number:02d}"}
    values |= {"staff_number": f"P{1000 + number}", "target_group": group, "department": department}
    return people.add(desk, values)


def _arrivals(town: _Town) -> Iterator[int]:
    day = FIRST
    while day <= LAST:
        if town.calendar.working_days(town._at(day, 0) - 1, town._at(day, 43200)):
            for _ in range(town.dice.randint(*PER_DAY)):
                yield town._at(day, town.dice.randint(8 * 3600, 16 * 3600))
        day += timedelta(days=1)


def _nights(town: _Town) -> Iterator[int]:
    """Every evening the job runs that closes what was resolved a customer's term ago."""
    day = FIRST
    while day < LAST:
        yield town._at(day, 22 * 3600)
        day += timedelta(days=1)


def _arrival(town: _Town, caller: int) -> Callable[[], object]:
    dice = town.dice
    category = dice.choices(list(SUBJECTS), weights=(20, 14, 10, 8, 8, 12, 5, 8, 4))[0]
    type_, summaries, solution = SUBJECTS[category]
    channel = dice.choices(("phone", "mail", "counter", "portal", "monitoring"), weights=(50, 25, 12, 10, 3))[
        0
    ]
    urgency = dice.choices(("critical", "high", "normal", "low"), weights=(3, 17, 60, 20))[0]
    impact = dice.choices(("person", "department", "organisation"), weights=(88, 10, 2))[0]
    report = registration.Report(dice.choice(summaries), caller, channel, type_, category, urgency, impact)

    def step() -> None:
        agent = dice.choice(AGENTS)
        ticket = registration.register(town.act(agent), report)
        at = town.desk.now
        if ticket.group_key == "servicedesk":
            _first_line(town, ticket.id, agent, at, solution, live=channel in ("phone", "counter"))
        else:
            _second_line(town, ticket.id, ticket.group_key, at, solution)

    return step


def _first_line(town: _Town, number: int, agent: str, at: int, solution: str, *, live: bool) -> None:
    dice = town.dice
    if live and dice.random() < 0.55:
        _close(town, number, agent, at + 60 * dice.randint(4, 20), solution)
        return
    taken = town.in_work(at, 5, 200)
    town.later(taken, lambda: handling.take(town.act(agent), [number]))
    fate = dice.random()
    if fate < 0.25:
        group = dice.choice(("workplace", "network", "systems", "applications"))
        passed = town.in_work(taken, 10, 200)
        town.later(passed, _escalation(town, number, agent, group))
        _second_line(town, number, group, passed, solution)
    elif fate < 0.5:
        _close(town, number, agent, _wait(town, number, agent, town.in_work(taken, 5, 60)), solution)
    else:
        _close(town, number, agent, town.in_work(taken, 10, 500), solution)


def _escalation(town: _Town, number: int, agent: str, group: str) -> Callable[[], object]:
    return lambda: handling.escalate(town.act(agent), [number], group, "vraagt kennis van de tweede lijn")


def _second_line(town: _Town, number: int, group: str, at: int, solution: str) -> None:
    solver, dice = SOLVERS[group], town.dice
    looked = town.in_work(at, 20, 500)
    if dice.random() < 0.06:
        town.later(
            looked,
            lambda: handling.return_(town.act(solver), [number], "wrong-group", "niet voor ons"),
        )
        _close(town, number, AGENTS[1], town.in_work(looked, 30, 300), solution)
        return
    town.later(looked, lambda: handling.take(town.act(solver), [number]))
    if dice.random() < 0.3:
        looked = _wait(town, number, solver, town.in_work(looked, 10, 100))
    _close(town, number, solver, town.in_work(looked, 60, 2500), solution)


def _wait(town: _Town, number: int, agent: str, at: int) -> int:
    """Wait for somebody from `at`; return when the feedback came."""
    party, text = town.dice.choice(
        (
            ("customer", "serienummer en foto"),
            ("supplier", "leverdatum"),
            ("internal", "akkoord van de dienst"),
        )
    )
    until = town.calendar.add_days(at, 2)
    town.later(at, lambda: handling.wait(town.act(agent), [number], party, text, until))
    back = town.in_work(at, 60, 1500)
    town.later(back, lambda: handling.each(town.act(agent), [number], "resume", {}))
    return back + 60


def _close(town: _Town, number: int, agent: str, at: int, solution: str) -> None:
    def step() -> None:
        handling.resolve(town.act(agent), [number], solution)
        if town.dice.random() < 0.04:
            again = town.in_work(at, 100, 1500)
            town.later(again, lambda: handling.reopen(town.act(agent), [number], "het probleem is terug"))
            town.later(town.in_work(again, 30, 300), step)

    town.later(at, step)
