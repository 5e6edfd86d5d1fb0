"""What can be wrong with a row that HR sends: every rule, how grave it is, and its words in three languages.

HR reads them beside the rows; the desk reads the English ones.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Mapping
from typing import NamedTuple

from sdtool.rules.texts import hidden

LANGUAGES = ("en", "nl", "fr")
LEVELS = ("refused", "fault", "warning")
_SHOWN = 80  # characters of a value that are shown, from the first ten times as many


class Rule(NamedTuple):
    """A rule: level of what breaks it, and (what is wrong, what to do) in each language."""

    level: str
    en: tuple[str, str]
    nl: tuple[str, str]
    fr: tuple[str, str]


class Finding(NamedTuple):
    """Something about a cell: `value` is cut, and holds no national register number.

    `field` is a field of the rulebook, or the header of a column that means none. `level` is refused (the row
    is not taken), fault (the field counts as missing) or warning. `text` and `advice` are English; `about`
    holds what `worded` says in them.
    """

    line: int
    field: str
    value: str
    rule: str
    level: str
    text: str
    advice: str
    about: tuple[tuple[str, str], ...] = ()


RULES: dict[str, Rule] = {
    "unreadable": Rule(
        "refused",
        ("cannot be read: {why}", "correct the row"),
        ("deze rij kan niet gelezen worden", "verbeter de rij: evenveel cellen als er kolommen zijn"),
        ("cette ligne est illisible", "corrigez la ligne : autant de cellules que de colonnes"),
    ),
    "national-number": Rule(
        "refused",
        ("holds a national register number, which may not be kept", "take it out of the file"),
        ("bevat een rijksregisternummer: dat mag niet bewaard worden", "haal het uit het bestand"),
        ("contient un numéro de registre national, qui ne peut être conservé", "retirez-le du fichier"),
    ),
    "duplicate-number": Rule(
        "refused",
        ("stands on line {other} too, where the row says something else", "keep the row that is right"),
        ("staat ook op rij {other}, waar iets anders staat", "behoud alleen de juiste rij"),
        ("figure aussi à la ligne {other}, avec un autre contenu", "ne gardez que la bonne ligne"),
    ),
    "duplicate-row": Rule(
        "refused",
        ("the row says the same as line {other}, which counts", "take this row out"),
        ("de rij zegt hetzelfde als rij {other}, die telt", "haal deze rij weg"),
        ("la ligne répète la ligne {other}, qui compte", "supprimez cette ligne"),
    ),
    "not-here": Rule(
        "refused",
        ("nobody here has this staff number", "check the number, or add the person to the directory first"),
        ("niemand heeft hier dit personeelsnummer", "kijk het nummer na"),
        ("personne n'a ce numéro de personnel ici", "vérifiez le numéro"),
    ),
    "missing": Rule(
        "fault",
        ("is missing", "fill it in"),
        ("ontbreekt", "vul dit in"),
        ("manque", "complétez"),
    ),
    "format": Rule(
        "fault",
        ("is not written as agreed", "{advice}"),
        ("is niet geschreven zoals afgesproken", "{advice}"),
        ("n'est pas écrit comme convenu", "{advice}"),
    ),
    "not-a-name": Rule(
        "fault",
        ("holds signs that no name has", "write the name only: letters, blanks, hyphens, apostrophes"),
        ("bevat tekens die in geen naam staan", "geef alleen de naam: letters, spaties, koppeltekens"),
        (
            "contient des signes étrangers à un nom",
            "n'écrivez que le nom : lettres, espaces, traits d'union, apostrophes",
        ),
    ),
    "not-a-date": Rule(
        "fault",
        ("is not a date", "write day/month/year, 03/04/2025, or 2025-04-03"),
        ("is geen datum", "schrijf dag/maand/jaar, bv. 03/04/2025"),
        ("n'est pas une date", "écrivez jour/mois/année, p. ex. 03/04/2025"),
    ),
    "not-a-number": Rule(
        "fault",
        ("is not a number", "write a number, such as 0,8"),
        ("is geen getal", "schrijf een getal, bv. 0,8"),
        ("n'est pas un nombre", "écrivez un nombre, p. ex. 0,8"),
    ),
    "out-of-range": Rule(
        "fault",
        ("is no part of full time", "write it as a part of 1: 0,8 or 80%"),
        ("is geen deel van voltijds", "schrijf het als deel van 1: 0,8 of 80%"),
        ("n'est pas une fraction d'un temps plein", "écrivez-le comme part de 1 : 0,8 ou 80%"),
    ),
    "not-a-phone": Rule(
        "fault",
        ("is not a phone number", "write it as 09 267 70 00 or +32 479 12 34 56"),
        ("is geen telefoonnummer", "schrijf het als 09 267 70 00 of +32 479 12 34 56"),
        ("n'est pas un numéro de téléphone", "écrivez-le comme 09 267 70 00 ou +32 479 12 34 56"),
    ),
    "not-a-mail": Rule(
        "fault",
        ("is not a mail address", "write one address, such as an.peeters@example.be"),
        ("is geen e-mailadres", "schrijf één adres, bv. an.peeters@example.be"),
        ("n'est pas une adresse e-mail", "écrivez une seule adresse, p. ex. an.peeters@example.be"),
    ),
    "unknown-language": Rule(
        "fault",
        ("is not a language that mails can be in", "write nl, fr or en"),
        ("is geen taal waarin er mails zijn", "schrijf nl, fr of en"),
        ("n'est pas une langue dans laquelle il y a des mails", "écrivez nl, fr ou en"),
    ),
    "unknown-manager": Rule(
        "fault",
        ("is nobody who works here or stands in the file", "give the mail address of the manager"),
        ("is niemand die hier werkt of in het bestand staat", "geef het e-mailadres van de leidinggevende"),
        ("n'est personne d'ici ni du fichier", "donnez l'adresse e-mail du responsable"),
    ),
    "unknown-site": Rule(
        "fault",
        ("is no known site", "write one of: {known}"),
        ("is geen bekende locatie", "schrijf een van: {known}"),
        ("n'est pas un site connu", "écrivez l'un de : {known}"),
    ),
    "unknown-target-group": Rule(
        "fault",
        ("is no target group", "write one of: {known}"),
        ("is geen doelgroep", "schrijf een van: {known}"),
        ("n'est pas un groupe cible", "écrivez l'un de : {known}"),
    ),
    "duplicate-mail": Rule(
        "fault",
        ("stands on line {other} too", "give each person an address of their own"),
        ("staat ook op rij {other}", "geef iedereen een eigen adres"),
        ("figure aussi à la ligne {other}", "donnez à chacun sa propre adresse"),
    ),
    "mail-taken": Rule(
        "fault",
        ("belongs to somebody with another staff number", "check the address and the staff number"),
        ("is van iemand met een ander personeelsnummer", "kijk het adres en het personeelsnummer na"),
        ("appartient à quelqu'un d'autre", "vérifiez l'adresse et le numéro de personnel"),
    ),
    "start-after-end": Rule(
        "fault",
        ("lies before the start", "correct the start or the end"),
        ("ligt vóór de start", "verbeter de start of het einde"),
        ("précède le début", "corrigez le début ou la fin"),
    ),
    "too-long": Rule(
        "fault",
        ("has more than {longest} characters", "shorten it"),
        ("telt meer dan {longest} tekens", "kort het in"),
        ("compte plus de {longest} caractères", "raccourcissez-le"),
    ),
    "control-characters": Rule(
        "fault",
        ("holds characters that show nothing or got lost", "type it again"),
        ("bevat onzichtbare of verloren tekens", "typ het opnieuw"),
        ("contient des caractères invisibles ou perdus", "retapez-le"),
    ),
    "late": Rule(
        "warning",
        (
            "is told {days} instead of {agreed} working days ahead",
            "account and workplace may not be ready on day one: agree with the desk what comes first",
        ),
        (
            "is {days} in plaats van {agreed} werkdagen vooraf gemeld",
            "misschien is op dag één niet alles klaar: spreek met de servicedesk af wat eerst moet",
        ),
        (
            "est annoncé {days} jours ouvrables à l'avance au lieu de {agreed}",
            "tout ne sera peut-être pas prêt : convenez des priorités avec le service desk",
        ),
    ),
    "start-in-past": Rule(
        "warning",
        ("lies in the past", "check the date; the work begins at once"),
        ("ligt in het verleden", "kijk de datum na; het werk begint meteen"),
        ("est déjà passé", "vérifiez la date ; le travail commence tout de suite"),
    ),
    "far-ahead": Rule(
        "warning",
        ("lies more than two years ahead", "check the year"),
        ("ligt meer dan twee jaar vooruit", "kijk het jaartal na"),
        ("est dans plus de deux ans", "vérifiez l'année"),
    ),
    "same-person": Rule(
        "warning",
        ("has name and birth date of line {other}, not its number", "check whether it is one person"),
        ("heeft naam en geboortedatum van rij {other}, niet het nummer", "kijk na of het één persoon is"),
        ("a le nom et la date de naissance de la ligne {other}", "vérifiez s'il s'agit d'une seule personne"),
    ),
    "other-name": Rule(
        "warning",
        ("is {known} in the directory", "check the staff number"),
        ("staat bekend als {known}", "kijk het personeelsnummer na"),
        ("est connu comme {known}", "vérifiez le numéro de personnel"),
    ),
    "unknown-status": Rule(
        "warning",
        ("is no status we know; the row counts as any other", "write withdrawn when it does not go on"),
        ("is geen bekende status; de rij telt gewoon mee", "schrijf ingetrokken als het niet doorgaat"),
        ("n'est pas un statut connu ; la ligne compte", "écrivez annulé si cela n'a pas lieu"),
    ),
}  # fmt: skip

# what a field is called where the file has no header for it: en, nl, fr
LABELS: dict[str, tuple[str, str, str]] = {
    "staff_number": ("staff number", "personeelsnummer", "numéro de personnel"),
    "first_name": ("first name", "voornaam", "prénom"),
    "last_name": ("last name", "familienaam", "nom de famille"),
    "name": ("name", "naam", "nom"),
    "birth_date": ("birth date", "geboortedatum", "date de naissance"),
    "mail": ("mail address", "e-mailadres", "adresse e-mail"),
    "phone": ("phone number", "telefoonnummer", "numéro de téléphone"),
    "start_date": ("start date", "startdatum", "date de début"),
    "end_date": ("end date", "einddatum", "date de fin"),
    "department": ("department", "dienst", "service"),
    "job_title": ("function", "functie", "fonction"),
    "manager_mail": ("manager's mail address", "e-mailadres van de leidinggevende", "e-mail du responsable"),
    "manager": ("manager", "leidinggevende", "responsable"),
    "site": ("site", "locatie", "site"),
    "fte": ("part of full time", "VTE", "ETP"),
    "remark": ("remark", "opmerking", "remarque"),
    "target_group": ("target group", "doelgroep", "groupe cible"),
    "language": ("language", "taal", "langue"),
    "status": ("status", "status", "statut"),
    "national_number": ("national register number", "rijksregisternummer", "numéro de registre national"),
}


def found(
    line: int, field: str, value: str, rule: str, about: Mapping[str, object] = {}, level: str = ""
) -> Finding:
    """Return a finding; a fault of the staff number refuses the row: nobody can tell whose it is."""
    usual = RULES[rule].level
    if field == "staff_number" and usual == "fault":
        usual = "refused"
    said = tuple((name, hidden(str(what))) for name, what in about.items())
    text, advice = _said(rule, "en", said)
    return Finding(line, hidden(field), shown(value), rule, level or usual, text, advice, said)


def worded(finding: Finding, language: str) -> tuple[str, str]:
    """Return what is wrong and what to do, in one of LANGUAGES."""
    return _said(finding.rule, language, finding.about)


def label(field: str, language: str) -> str:
    """Return what a field is called in one of LANGUAGES; a column that is no field by its own header."""
    return LABELS[field][LANGUAGES.index(language)] if field in LABELS else field


def shown(value: str) -> str:
    """Return a value on one line, cut, without national register numbers."""
    text = " ".join(hidden(value[: 10 * _SHOWN]).split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _said(rule: str, language: str, about: tuple[tuple[str, str], ...]) -> tuple[str, str]:
    text, advice = getattr(RULES[rule], language)
    values: Mapping[str, str] = dict(about)
    return (text.format(**values), advice.format(**values)) if values else (text, advice)
