"""Files as HR sends them, of any number of rows, with faults of which place and rule are known exactly."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

HEADER = {
    "staff_number": "Personeelsnummer",
    "first_name": "Voornaam",
    "last_name": "Naam",
    "birth_date": "Geboortedatum",
    "mail": "E-mailadres",
    "start_date": "Datum in dienst",
    "end_date": "Datum uit dienst",
    "department": "Dienst",
    "job_title": "Functie",
    "manager_mail": "E-mail leidinggevende",
    "site": "Locatie",
    "phone": "Telefoon",
    "fte": "VTE",
    "language": "Taal",
    "target_group": "Doelgroep",
    "remark": "Opmerking",
}
MANAGERS = 20  # the first rows; no fault is put there
_FIRST = ("Léonie", "François", "Björn", "Zoë", "Aïcha", "An", "Jean-Pierre", "Þóra", "Noël", "Fatma")
_LAST = (
    "Gérard",
    "D'Hondt",
    "Van de Velde",
    "Ñuñez",
    "Žižek",
    "Op de Beeck",
    "‘t Hooft",
    "El Amrani",
    "Wouters",
)
_REMARKS = (
    "",
    "",
    "=1+1",
    "{{ 7*7 }}",
    'wil een "groot" scherm',
    "../../etc",
    "badge; sleutel\nparking",
    "-5",
    "@x",
)
_PHONES = (
    "09 267 70 {:02}",
    "+32 479 12 34 {:02}",
    "0479/12.34.{:02}",
    "+32471234{:03}",
    "0032 9 267 70 {:02}",
)
Expected = tuple[int, str, str]


class Made(NamedTuple):
    """A file, and what should be found in it as (line, field, rule), in that order."""

    path: Path
    expected: list[Expected]


def make(path: Path, rows: int, faults: int, seed: int, today: date) -> Made:
    """Write an onboarding file under the shipped rulebook, complete but for so many faults of all KINDS.

    Managers stand in the file, starts are in time, so that nothing but the faults is to be found.
    """
    chance = random.Random(seed)
    people = [person(number, chance, today) for number in range(rows)]
    places = iter(chance.sample(range(MANAGERS, rows), min(rows - MANAGERS, 2 * faults)))
    told: list[tuple[int, str, str]] = []
    kinds = list(KINDS)
    while len(told) < faults:
        kind = kinds[len(told) % len(kinds)] if faults - len(told) > 1 else "missing"
        told += KINDS[kind](people, places, chance)
    lines = write(path, people)
    return Made(path, sorted((lines[place], field, rule) for place, field, rule in told))


def person(number: int, chance: random.Random, today: date) -> dict[str, str]:
    """Return a row without any fault."""
    start = today + timedelta(days=chance.randint(40, 300))
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    ends = chance.random() < 0.2
    return {
        "staff_number": f"{number + 1:06}",
        "first_name": first,
        "last_name": last,
        "birth_date": _day(date(1960, 1, 1) + timedelta(days=number * 3), chance),  # nobody's twin
        "mail": f"person.{number}@example.be" if chance.random() < 0.8 or number < MANAGERS else "",
        "start_date": _day(start, chance),
        "end_date": _day(start + timedelta(days=chance.randint(0, 700)), chance) if ends else "",
        "department": chance.choice(("Financiën", "ICT", "Personeel & Organisatie")),
        "job_title": chance.choice(("Jurist", "Diensthoofd", "Stagiair(e)")),
        "manager_mail": f"Person.{chance.randrange(MANAGERS)}@example.be ",
        "site": chance.choice(("Gent", "Depot Haven, poort 7")),
        "phone": chance.choice((*_PHONES, "")).format(number % 100),
        "fte": chance.choice(("1", "0,8", "0.5", "80%", "")),
        "language": chance.choice(("nl", "Nederlands", "Français", "Engels", "")),
        "target_group": chance.choice(("", "staff", "Personeel", "management")),
        "remark": chance.choice(_REMARKS),
    }


def _day(day: date, chance: random.Random) -> str:
    return chance.choice((f"{day:%d/%m/%Y}", day.isoformat(), f"{day.day}-{day.month}-{day.year}"))


def write(path: Path, people: list[dict[str, str]]) -> list[int]:
    """Write rows as a spreadsheet would; return the line on which each begins."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
    writer.writerow(HEADER.values())
    lines, line = [], 2
    for row in people:
        lines.append(line)
        writer.writerow(row[field] for field in HEADER)
        line += 1 + sum(value.count("\n") for value in row.values())
    path.write_bytes(b"\xef\xbb\xbf" + file.getvalue().encode())
    return lines


# --- Faults: each puts one kind in, and returns (place of the row, field, rule) of all that it leads to

Rows = list[dict[str, str]]
_Put = Callable[[Rows, Iterator[int], random.Random], list[Expected]]


def _cell(field: str, rule: str, *values: str) -> _Put:
    def put(people: Rows, places: Iterator[int], chance: random.Random) -> list[Expected]:
        place = next(places)
        people[place][field] = chance.choice(values)
        return [(place, field, rule)]

    return put


def national_number(birth: date, serial: int) -> str:
    """Return a national register number as people write it."""
    digits = f"{birth:%y%m%d}{serial:03}"
    check = 97 - int(("2" if birth.year >= 2000 else "") + digits) % 97
    return f"{birth:%y.%m.%d}-{serial:03}.{check:02}"


def _national(people: Rows, places: Iterator[int], chance: random.Random) -> list[Expected]:
    place = next(places)
    number = national_number(
        date(1970, 1, 1) + timedelta(days=chance.randrange(12000)), chance.randint(1, 997)
    )
    people[place]["remark"] = chance.choice(("{}", "rrn {}!", "{}\nbadge")).format(
        chance.choice((number, number.replace(".", "").replace("-", ""), number.replace(".", " ")))
    )
    return [(place, "remark", "national-number")]


def _contradicting(people: Rows, places: Iterator[int], chance: random.Random) -> list[Expected]:
    one, other = next(places), next(places)
    people[other]["staff_number"] = people[one]["staff_number"]
    people[other]["job_title"] = "Iets anders"
    return [(one, "staff_number", "duplicate-number"), (other, "staff_number", "duplicate-number")]


def _repeated(people: Rows, places: Iterator[int], chance: random.Random) -> list[Expected]:
    one, other = sorted((next(places), next(places)))
    people[other].update(people[one])
    return [(other, "staff_number", "duplicate-row")]


def _same_mail(people: Rows, places: Iterator[int], chance: random.Random) -> list[Expected]:
    one, other = next(places), next(places)
    people[one]["mail"], people[other]["mail"] = f"x.{one}@example.be", f"X.{one}@example.be"
    return [(one, "mail", "duplicate-mail"), (other, "mail", "duplicate-mail")]


def _ends_first(people: Rows, places: Iterator[int], chance: random.Random) -> list[Expected]:
    place = next(places)
    people[place]["start_date"], people[place]["end_date"] = "03/04/2027", "02/04/2027"
    return [(place, "end_date", "start-after-end")]


KINDS: dict[str, _Put] = {
    "missing": _cell("job_title", "missing", "", "  "),
    "missing-number": _cell("staff_number", "missing", ""),
    "format": _cell("staff_number", "format", "12", "A-123", "onbekend", "12345678901234"),
    "not-a-name": _cell("last_name", "not-a-name", "Peeters 2", "<b>An</b>", "../x", "=cmd()", "-"),
    "not-a-date": _cell("start_date", "not-a-date", "31/02/2027", "2027-13-01", "morgen", "03/2027", "1/1"),
    "start-after-end": _ends_first,
    "not-a-mail": _cell("mail", "not-a-mail", "an.peeters", "a@b", "a b@example.be", "a@b.be; c@d.be"),
    "not-a-phone": _cell("phone", "not-a-phone", "geen", "09 267 7o 00", "12", "1" * 17),
    "not-a-number": _cell("fte", "not-a-number", "voltijds", "4/5", "0,8,0"),
    "out-of-range": _cell("fte", "out-of-range", "38", "0", "-1", "120%"),
    "unknown-language": _cell("language", "unknown-language", "Duits", "xx"),
    "unknown-manager": _cell("manager_mail", "unknown-manager", "niemand@example.be"),
    "unknown-target-group": _cell("target_group", "unknown-target-group", "marsbewoners"),
    "duplicate-mail": _same_mail,
    "too-long": _cell("department", "too-long", "x" * 201),
    "control-characters": _cell("job_title", "control-characters", "Jur\x1b[31m", "Jur\ufffdst", "a\u202eb"),
    "national-number": _national,
    "duplicate-number": _contradicting,
    "duplicate-row": _repeated,
}  # fmt: skip
