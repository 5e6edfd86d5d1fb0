"""One list of people, and the many files in which a personnel department may send it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import NamedTuple

NAMES = {
    "staff_number": ["Personeelsnummer", "Stamnr", "Employee no", "Numéro matricule"],
    "first_name": ["Voornaam", "First name", "Prénom"],
    "last_name": ["Naam", "Familienaam", "Last name", "Nom"],
    "name": ["Naam", "Volledige naam", "Full name", "Nom", "Nom complet"],
    "mail": ["E-mailadres", "Email address", "Courriel"],
    "start_date": ["Datum in dienst", "Start date", "Date d'entrée en service"],
    "department": ["Dienst", "Department", "Service"],
    "phone": ["Telefoon", "Phone", "Téléphone"],
    "fte": ["Tewerkstelling", "FTE", "Régime de travail"],
    "remark": ["Opmerking", "Remark", "Remarque"],
}
FIELDS = [field for field in NAMES if field != "name"]
LANGUAGES = {"nl": 0, "en": 1, "fr": 2}
TITLES = {
    "nl": ["Personeelsnummer", "Voornaam", "Naam", "E-mailadres", "Datum in dienst", "Dienst", "Telefoon",
           "Tewerkstelling", "Opmerking"],
    "en": ["employee_no", "First Name", "Last name", "EMAIL ADDRESS", "Start date", "Department", "Phone:",
           "FTE", "Remark"],
    "fr": ["Numéro matricule", "Prénom", "Nom", "Courriel", "Date d’entrée en service (jj/mm/aaaa)",
           "Service", "Telephone", "Régime de travail", "Remarque"],
}  # fmt: skip


class Person(NamedTuple):
    """A row, as everybody should read it."""

    staff_number: str
    first_name: str
    last_name: str
    mail: str
    start_date: date
    department: str
    phone: str
    fte: float
    remark: str


PEOPLE = [
    Person("000017", "Amélie", "Op de Beeck", "amelie@prov.example", date(2025, 4, 3),
           "Personeel & Organisatie", "+32 2 555 01 00", 1.0, ""),
    Person("000204", "François", "D'Hondt", "francois@prov.example", date(2025, 12, 1), "Financiën",
           "02/555.01.01", 0.8, 'Vraagt een "groot" scherm;\nstart om 9u30, badge aan onthaal'),
    Person("001311", "Jörg", "Vanden Bussche-Lefèvre", "jorg@prov.example", date(2026, 2, 28), "ICT",
           "0470 12 34 56", 0.5, "=geen formule"),
    Person("012345", "Noor", "Peeters", "noor@prov.example", date(2028, 2, 29), "Depot, poort 7",
           "0032 470 65 43 21", 0.75, "tab\tin tekst"),
]  # fmt: skip
FOREIGN = Person(
    "099001", "Şükrü", "Łapiński", "sukru@prov.example", date(2025, 9, 1), "ICT", "+32 2 555 01 09", 0.9, "€"
)

DATES = {
    "iso": lambda day: day.isoformat(),
    "slashes": lambda day: day.strftime("%d/%m/%Y"),
    "dashes": lambda day: f"{day.day}-{day.month}-{day.year}",
    "points": lambda day: day.strftime("%d.%m.%Y"),
    "short year": lambda day: day.strftime("%d/%m/%y"),
    "serial": lambda day: str((day - date(1899, 12, 30)).days),
    "with midnight": lambda day: f"{day.isoformat()} 00:00:00",
}
ENCODINGS = {
    "utf-8": lambda text: text.encode(),
    "utf-8 with mark": lambda text: text.encode("utf-8-sig"),
    "windows": lambda text: text.encode("cp1252"),
    "utf-16": lambda text: b"\xff\xfe" + text.encode("utf-16-le"),
    "utf-16 big end first": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
    "utf-16 without mark": lambda text: text.encode("utf-16-le"),
}


def grid(
    people: list[Person], language: str = "nl", dates: str = "slashes", comma: str = ","
) -> list[list[str]]:
    """Return the header and a row a person, all texts."""
    rows = [list(TITLES[language])]
    for person in people:
        texts = [str(value) for value in person]
        texts[4] = DATES[dates](person.start_date)
        texts[7] = f"{person.fte:g}".replace(".", comma)
        rows.append(texts)
    return rows


def written(rows: list[list[str]], delimiter: str = ";", eol: str = "\r\n") -> str:
    """Return rows as CSV."""
    stream = io.StringIO(newline="")
    csv.writer(stream, delimiter=delimiter, lineterminator=eol).writerows(rows)
    return stream.getvalue()


def _titled(rows: list[list[str]]) -> list[list[str]]:
    return [["Indiensttredingen, dienst Personeel"], [], ["Afgedrukt op", "01/03/2025"], ["", ""], *rows]


def _repeated(rows: list[list[str]]) -> list[list[str]]:
    title = ["Pagina van Personeel"]
    return [title, rows[0], *rows[1:3], [], title, rows[0], *rows[3:]]


def _blanks(rows: list[list[str]]) -> list[list[str]]:
    around = [[f"\u00a0{text} \u200b" if text else " \u00a0" for text in row] for row in rows]
    return [around[0], [""] * 9, around[1], ["\u00a0"] * 9, *around[2:], []]


QUIRKS = {
    "title lines": _titled,
    "repeated header": _repeated,
    "blanks and blank rows": _blanks,
    "empty columns at the end": lambda rows: [[*row, "", "", ""] for row in rows],
    "cells missing at the end": lambda rows: [row[:-1] if not row[-1] else row for row in rows],
    "columns in another order": lambda rows: [row[::-1] for row in rows],
    "columns nobody knows": lambda rows: [
        [*row[:2], "Kostenplaats" if not i else "9", *row[2:]] for i, row in enumerate(rows)
    ],
    "header in capitals": lambda rows: [[text.upper() for text in rows[0]], *rows[1:]],
    "formulas guarded": lambda rows: [
        [f"'{text}" if text[:1] == "=" else text for text in row] for row in rows
    ],
    "zeros kept by a formula": lambda rows: [rows[0], *([f'="{row[0]}"', *row[1:]] for row in rows[1:])],
}


def plain_renderings() -> Iterator[tuple[str, bytes]]:
    """Yield all combinations of language, date, delimiter and encoding."""
    for language, dates, delimiter, name in product(TITLES, DATES, ";,\t|", ENCODINGS):
        rows = grid(PEOPLE, language, dates, "." if language == "en" else ",")
        yield f"{language}, {dates}, {delimiter!r}, {name}", ENCODINGS[name](written(rows, delimiter))


def odd_renderings() -> Iterator[tuple[str, bytes]]:
    """Yield each quirk with the line ends and delimiters it may come in, with and without a `sep=` line."""
    for quirk, eol, delimiter, said in product(QUIRKS, ("\r\n", "\n", "\r"), ";,\t", (True, False)):
        text = written(QUIRKS[quirk](grid(PEOPLE)), delimiter, eol)
        encode = ENCODINGS["utf-8 with mark" if "blanks" in quirk else "windows"]
        yield f"{quirk}, {eol!r}, {delimiter!r}, {said}", encode(f"sep={delimiter}{eol}" * said + text)
