"""A row that HR sends, by itself: every value in one form, and what is wrong with each."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import NamedTuple

from sdtool.rulebook.staffing import Staffing
from sdtool.rules import values as forms
from sdtool.rules.findings import Finding, found
from sdtool.rules.texts import MAIL, fold, hidden, holds_national_number

LONGEST, LONGEST_REMARK = 200, 2000
_LISTED = 20
_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF))  # left behind by copying
# controls, halves of characters, direction overrides, and what stands for a character that got lost
_BAD = re.compile("[\0-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufffd-\uffff]")
_NO_NAME = re.compile(r"[^\w\s'’‘`´ʼ.,()‐–·-]|[\d_]")
_NAMES = ("name", "first_name", "last_name")
_LANGUAGES = {
    "nl": "nl nl-be ned nld nederlands néerlandais dutch vlaams flemish n",
    "fr": "fr fr-be fra fre frans français french f",
    "en": "en en-gb eng engels anglais english e",
}
_LANGUAGE = {fold(word): key for key, words in _LANGUAGES.items() for word in words.split()}
_WITHDRAWN = """
    ingetrokken geannuleerd annulatie annulering annule annulee annulation withdrawn cancelled canceled
    vervallen vervalt afgelast afgezegd stopgezet geschrapt retire retiree supprime supprimee
"""
_NOT_COMING = ("komt niet", "gaat niet door", "niet doorgegaan", "ziet af", "no show", "ne vient pas")
_GOES_ON = """
    nieuw nieuwe new nouveau nouvelle actief active actif bevestigd confirmed confirme gepland planned
    planifie prevu ok ja yes oui definitief definitive definitif gewijzigd wijziging changed modifie start in
    dienst uit out indiensttreding uitdiensttreding overplaatsing aangevraagd lopend open goedgekeurd approved
    approuve mutatie mutation
"""
_NOT = ("niet", "geen", "not", "no", "pas", "non")
_STATUS = {word: "withdrawn" for word in _WITHDRAWN.split()} | dict.fromkeys(_GOES_ON.split(), "")


class Known(NamedTuple):
    """Somebody known here; `told` is what HR told before about the same change, which still holds."""

    name: str
    mail: str = ""
    target_group: str = ""
    told: Mapping[str, str] = {}


class Row(NamedTuple):
    """A row as it was read: {field: text}, and {header: text} of columns that mean no field."""

    line: int
    fields: Mapping[str, str]
    extra: Mapping[str, str] = {}


class _Context(NamedTuple):
    kind: str
    staffing: Staffing
    today: date
    working_days: Callable[[date, date], int]
    target_groups: Mapping[str, str]
    target_group: str
    managers: Collection[str] = ()
    people: Mapping[str, Known] = {}


class Context(_Context):
    """What rows are held against.

    Args:
        kind: onboarding, mover or offboarding.
        staffing: the rules of the rulebook.
        today: the local date on which HR tells it.
        working_days: how many working days begin after the first date, up to and with the second.
        target_groups: {key: name}.
        target_group: that of who has none.
        managers: mail addresses, staff numbers and names of who may be a manager.
        people: who is known, by staff number.
    """

    @cached_property
    def sites(self) -> dict[str, str]:
        """Return the known sites by how they sound."""
        return {fold(site): site for site in self.staffing.staff.sites}

    @cached_property
    def groups(self) -> dict[str, str]:
        """Return the keys of the target groups by how keys and names sound."""
        return {fold(word): key for key, name in self.target_groups.items() for word in (name, key)}


class Read:
    """A row while it is looked at: its clean values, and what is wrong with it."""

    __slots__ = ("_faulty", "_texts", "findings", "line", "refused", "values")

    def __init__(self, line: int, texts: Mapping[str, str]) -> None:
        self.line = line
        self.values: dict[str, str] = {}
        self.findings: list[Finding] = []
        self.refused = False
        self._texts = texts
        self._faulty: set[str] = set()

    @property
    def says(self) -> tuple[dict[str, str], list[tuple[str, str, str]]]:
        """What the row says, right or wrong."""
        return self.values, [(f.field, f.rule, f.value) for f in self.findings]

    @property
    def full_name(self) -> str:
        """First and last name, or the name as HR wrote it; "" when there is none."""
        values = self.values
        return f"{values.get('first_name', '')} {values.get('last_name', '')}".strip() or values.get(
            "name", ""
        )

    def given(self, field: str) -> bool:
        """Tell whether there is a value, or a fault in the place of one."""
        if field in self.values or field in self._faulty:
            return True
        other = _NAMES if field == "name" else ("name",) if field in _NAMES else ()
        return not self._faulty.isdisjoint(other)

    def fault(self, field: str, rule: str, about: Mapping[str, object] = {}, level: str = "") -> None:
        """What is wrong with a cell: its value counts no more, but a number still tells whose row it is."""
        text = self._texts.get(field, "")
        finding = found(self.line, field, masked(field, text), rule, about, level)
        self.findings.append(finding)
        self.refused |= finding.level == "refused"
        self._faulty.add(field)
        if rule not in ("duplicate-row", "duplicate-number", "not-here"):
            self.values.pop(field, None)

    def warn(self, field: str, rule: str, about: Mapping[str, object] = {}) -> None:
        """Note what is odd about a cell; its value counts."""
        self.findings.append(found(self.line, field, self._texts.get(field, ""), rule, about))

    def refuse_nameless(self) -> None:
        """Refuse a row that names nobody: where the name is faulty for that, else for the lack of one."""
        if self._faulty.isdisjoint(_NAMES):
            self.fault("name", "missing", level="refused")
        graver = [f._replace(level="refused") if f.field in _NAMES else f for f in self.findings]
        self.findings, self.refused = graver, True


class _Wrong(Exception):
    """A value that is not what its field holds."""

    def __init__(self, rule: str, **about: str | int) -> None:
        super().__init__(rule)
        self.rule, self.about = rule, about


def read_row(line: int, fields: Mapping[str, str], context: Context, extra: Mapping[str, str] = {}) -> Read:
    """Read one row: each value in the form in which it is kept, and a finding for each that is faulty.

    Dates become ISO texts, the part of full time a number with a point, languages and target groups their
    keys, sites the rulebook's spelling, a status `withdrawn` or nothing. Empty values are left out. A
    `name` is divided where its writing tells how: "PEETERS An", "Peeters, An"; else it stays as it is.

    Args:
        line: where the row begins in its file, for the findings.
        fields: texts by field.
        extra: texts of other columns, by header; they are only looked at for national register numbers.
    """
    row = Read(line, {**extra, **fields})
    for header, text in extra.items():
        if len(text) > 10 and holds_national_number(text):
            row.fault(header, "national-number")
    for field, text in fields.items():
        if text:
            _read_cell(row, field, text, context)
    _check_formats(row, context)
    _divide_name(row.values)
    if "staff_number" not in row.values and not row.given("staff_number"):
        row.fault("staff_number", "missing")
    return row


def has(values: Mapping[str, str], field: str) -> bool:
    """Tell whether values hold a field; a name of two words holds a first and a last one, and the reverse."""
    if values.get(field):
        return True
    if field == "name":
        return bool(values.get("first_name") and values.get("last_name"))
    return field in _NAMES and " " in values.get("name", "")


def name_key(text: str) -> str:
    """Return what two writings of a name, number or address have in common: order and commas do not count."""
    words = fold(text.replace(",", " ")).split()
    return " ".join(sorted(words)) if len(words) > 1 else "".join(words)


def masked(field: str, text: str) -> str:
    """Return a field's text without national register numbers; hardly anything stays of their own field."""
    if not _is_national(field, text):
        return text
    return hidden(text, whole=field == "national_number")


def _read_cell(row: Read, field: str, text: str, context: Context) -> None:
    if _is_national(field, text):
        row.fault(field, "national-number")
        return
    try:
        value = _READERS.get(field, _text)(_tidy(field, text), context)
    except _Wrong as wrong:
        row.fault(field, wrong.rule, wrong.about)
        return
    if value == "?":
        row.warn(field, "unknown-status")
    elif value:
        row.values[field] = value


def _is_national(field: str, text: str) -> bool:
    """Tell a national register number; a telephone number with 32 in front is none."""
    if field == "national_number":
        return any(map(str.isdigit, text))
    if len(text) < 11 or (field == "phone" and re.match(r"\W*32", text)):
        return False
    return holds_national_number(text)


def _tidy(field: str, text: str) -> str:
    """Return a text on one line, in composed characters, without what copying leaves behind."""
    longest = LONGEST_REMARK if field == "remark" else LONGEST
    if len(text) > 4 * LONGEST_REMARK or len(text.strip()) > longest:
        raise _Wrong("too-long", longest=longest)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_INVISIBLE))
    if _BAD.search(text):
        raise _Wrong("control-characters")
    return " ".join(text.split())


def _text(text: str, context: Context) -> str:
    return text


def _name(text: str, context: Context) -> str:
    if text and (_NO_NAME.search(text) or not any(map(str.isalpha, text))):
        raise _Wrong("not-a-name")
    return text


def _mail(text: str, context: Context) -> str:
    if text and not re.fullmatch(MAIL, text):
        raise _Wrong("not-a-mail")
    return text


def _phone(text: str, context: Context) -> str:
    try:
        return forms.phone(text) if text else ""
    except ValueError:
        raise _Wrong("not-a-phone") from None


def _day(text: str, context: Context) -> str:
    try:
        return forms.day(text).isoformat() if text else ""
    except ValueError:
        raise _Wrong("not-a-date") from None


def _part(text: str, context: Context) -> str:
    if not text:
        return ""
    try:
        part = forms.number(text)
    except ValueError:
        raise _Wrong("not-a-number") from None
    if not 0 < part <= 1:
        raise _Wrong("out-of-range")
    return f"{part:.4f}".rstrip("0").rstrip(".")


def _language(text: str, context: Context) -> str:
    return _one_of(_LANGUAGE, text, "unknown-language", _LANGUAGES)


def _target_group(text: str, context: Context) -> str:
    return _one_of(context.groups, text, "unknown-target-group", context.target_groups.values())


def _site(text: str, context: Context) -> str:
    return _one_of(context.sites, text, "unknown-site", context.sites.values()) if context.sites else text


def _one_of(known: Mapping[str, str], text: str, rule: str, names: Iterable[str]) -> str:
    key = fold(text)
    if key and key not in known:
        listed = [*names]
        raise _Wrong(rule, known=", ".join(listed[:_LISTED]) + ", …" * (len(listed) > _LISTED))
    return known[key] if key else ""


def _status(text: str, context: Context) -> str:
    """Return `withdrawn`, nothing for what goes on, `?` for what nobody knows."""
    said = fold(text)
    if not said or said in _NOT_COMING:
        return "withdrawn" if said else ""
    words = re.findall(r"\w+", said)
    known = {_STATUS[word] for word in words if word in _STATUS}
    return max(known) if known and not set(_NOT) & set(words) else "?"


_READERS: dict[str, Callable[[str, Context], str]] = {
    "first_name": _name,
    "last_name": _name,
    "name": _name,
    "birth_date": _day,
    "start_date": _day,
    "end_date": _day,
    "mail": _mail,
    "manager_mail": _mail,
    "phone": _phone,
    "fte": _part,
    "language": _language,
    "target_group": _target_group,
    "site": _site,
    "status": _status,
    "national_number": lambda text, context: "",
}


def _check_formats(row: Read, context: Context) -> None:
    """Hold values against the formats of the rulebook."""
    number = row.values.get("staff_number", "")
    known = context.people[number].target_group if number in context.people else ""
    group = row.values.get("target_group") or known or context.target_group
    for form in context.staffing.staff_formats:
        value = row.values.get(form.field)
        applies = value and (not form.target_group or group in form.target_group)
        if applies and not re.fullmatch(form.pattern, value or ""):
            row.fault(form.field, "format", {"advice": form.advice})


def _divide_name(values: dict[str, str]) -> None:
    """Tell last from first name by a comma or by capitals; nothing else tells for sure."""
    whole = values.get("name", "")
    if not whole or values.get("first_name") or values.get("last_name"):
        return
    last, comma, first = whole.partition(",")
    if not comma:
        words = whole.split()
        capitals = [len(word) > 1 and word.isupper() for word in words]
        if sorted(capitals) not in (capitals, capitals[::-1]):
            return  # capitals at one end only
        last = " ".join(word for word, capital in zip(words, capitals, strict=True) if capital)
        first = " ".join(word for word, capital in zip(words, capitals, strict=True) if not capital)
    if last.strip() and first.strip():
        del values["name"]
        values["first_name"], values["last_name"] = first.strip(), last.strip()
