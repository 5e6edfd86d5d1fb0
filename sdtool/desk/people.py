"""The directory: who calls, how to reach them, which target group they belong to."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from sdtool.desk import Desk
from sdtool.errors import Conflict, NotFound, Refused, UsageFault
from sdtool.rulebook import Rulebook, find
from sdtool.rules.texts import MAIL, is_national_number
from sdtool.rules.texts import fold as fold
from sdtool.store.base import Row, Store

if TYPE_CHECKING:
    from sdtool.desk.records import Imported
    from sdtool.desk.tables import Table

FIELDS = ("name", "mail", "phone", "staff_number", "target_group", "department", "site", "language", "active")
GONE = "(gewist)"  # the name of somebody who was erased
_LONGEST = 200
_LANGUAGES = ("nl", "en", "fr")
NULLABLE = ("mail", "phone", "staff_number", "escalation_mail")  # what is null rather than ""


class Person(NamedTuple):
    """Somebody in the directory; the keys are what the person is found by."""

    id: int
    name: str
    mail: str | None
    phone: str | None
    staff_number: str | None
    target_group: str
    department: str
    site: str
    language: str
    active: int
    name_key: str
    mail_key: str | None
    phone_key: str | None
    rev: int


class Ambiguous(UsageFault):
    """More than one person fits; `candidates` are they."""

    def __init__(self, text: str, candidates: list[Person]) -> None:
        listed = "; ".join(_described(person) for person in candidates[:10])
        more = f"; and {len(candidates) - 10} more" if len(candidates) > 10 else ""
        super().__init__(
            f"{len(candidates)} people fit {text!r}: {listed}{more}",
            hint="name one by mail, staff number or #number",
        )
        self.candidates = candidates


def _described(person: Person) -> str:
    reach = person.mail or person.phone or person.staff_number or "no contact data"
    known = ", ".join(part for part in (f"#{person.id}", reach, person.department) if part)
    return f"{person.name} ({known})"


def phone_key(text: str) -> str:
    """Return the digits that identify a Belgian number: +32, 0032 and 0 in front are the same."""
    digits = re.sub(r"\D", "", text.replace("(0)", ""))
    for prefix in ("0032", "32", "0"):
        if digits.startswith(prefix) and len(digits) > 6:
            return digits.removeprefix(prefix)
    return digits


def get(store: Store, person: int) -> Person:
    """Return the person with this number; NotFound when there is none."""
    row = store.one("select * from person where id = :id", id=person)
    if row is None:
        raise NotFound(f"there is no person {person}")
    return Person(**dict(row))


def erased(person: Person) -> bool:
    """Tell whether a person was erased: only the number is left."""
    return person.name == GONE and not person.active and person.mail is None


def find_all(store: Store, text: str) -> list[Person]:
    """Return everybody whom `text` names: `#12` by number; staff number or mail, else phone, else name."""
    text = text.strip()
    if re.fullmatch(r"#[0-9]{1,9}", text):
        return [
            Person(**dict(row))
            for row in store.query("select * from person where id = :id", id=int(text[1:]))
        ]
    exact = "select * from person where (mail_key = :mail or staff_number = :text) order by active desc, id"
    rows = store.query(exact, mail=text.casefold(), text=text)
    digits = re.sub(r"\D", "", text)
    if not rows and len(digits) >= 3 and not re.search(r"[^\d\s()+./-]", text):
        rows = store.query(
            "select * from person where phone_key = :key and active = 1 order by id", key=phone_key(text)
        )
    if not rows:
        rows = _by_name(store, fold(text))
    return [Person(**dict(row)) for row in rows]


def target_group(desk: Desk, person: int) -> str:
    """Return the target group of a person; the default one when the rulebook no longer knows it."""
    group = get(desk.store, person).target_group
    known = {entry.key for entry in desk.rulebook.target_groups}
    return group if group in known else desk.rulebook.default_target_group()


def _by_name(store: Store, key: str) -> list[Row]:
    exact = list(
        store.query("select * from person where name_key = :key and active = 1 order by id", key=key)
    )
    words = key.split()
    if exact or not words:
        return exact
    # every word must begin a word of the name; the longest one narrows the search in the database
    pattern = max(words, key=len).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    rows = store.query(
        "select * from person where name_key like :pattern escape '\\' and active = 1"
        " order by name_key, id limit 1000",
        pattern=f"%{pattern}%",
    )
    return [row for row in rows if begins(row["name_key"], words)]


def begins(name_key: str, words: Sequence[str]) -> bool:
    """Tell whether every word begins a word of a folded name; no words begin none."""
    return bool(words) and all(any(part.startswith(word) for part in name_key.split()) for word in words)


def find_one(store: Store, text: str) -> Person:
    """Return the one person whom `text` names.

    Raises:
        NotFound: nobody; the message says how to add somebody.
        Ambiguous: several; the message lists them.
    """
    found = find_all(store, text)
    if not found:
        raise NotFound(f"nobody is known as {text!r}", hint='`sd person add "NAME" --mail …` adds somebody')
    if len(found) > 1:
        raise Ambiguous(text, found)
    return found[0]


def listing(store: Store, text: str | None, limit: int) -> list[Person]:
    """Return people by name, at most `limit`; only those whom `text` names when given."""
    if text is not None:
        return find_all(store, text)[:limit]
    rows = store.query("select * from person order by name_key, id limit :limit", limit=limit)
    return [Person(**dict(row)) for row in rows]


def clean(book: Rulebook, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a person, checked; every fault in one UsageFault."""
    faults: list[str] = []
    given = cleaned(values, faults)
    if "target_group" in given:
        try:
            find(book.target_groups, given["target_group"], "target group")
        except NotFound as exc:
            faults.append(exc.message)
    if faults:
        raise UsageFault("; ".join(faults))
    return given


def cleaned(values: Mapping[str, Any], faults: list[str]) -> dict[str, Any]:
    """Return fields without needless space, noting what is wrong with a name, a language, or how to reach."""
    given = {name: _trimmed(name, value, faults) for name, value in values.items()}
    if "name" in given and not fold(given["name"]):
        faults.append("the name is empty")
    for mail in (given.get("mail"), given.get("escalation_mail")):
        if mail and not re.fullmatch(MAIL, mail):
            faults.append(f"{mail!r} is not a mail address")
    if given.get("phone") and len(re.sub(r"\D", "", given["phone"])) < 3:
        faults.append(f"{given['phone']!r} is not a phone number")
    if given.get("language", "nl") not in _LANGUAGES:
        faults.append(f"the language must be one of {', '.join(_LANGUAGES)}, not {given['language']!r}")
    return given


def _trimmed(name: str, value: Any, faults: list[str]) -> Any:
    if not isinstance(value, str):
        return value
    check_text(name.replace("_", " "), value, faults, longest=_LONGEST)
    if name == "staff_number" and is_national_number(value):
        faults.append("a national register number may not be kept: give the staff number")
    text = " ".join(value.split())
    return text or (None if name in NULLABLE else "")


def check_text(name: str, value: str, faults: list[str], *, longest: int) -> None:
    """Note when a text is too long or holds what no database and no terminal can keep."""
    if len(value) > longest:
        faults.append(f"the {name} has {len(value)} characters, at most {longest} are kept")
    if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
        faults.append(f"the {name} holds a NUL or half a character; type it again")


def _keyed(values: dict[str, Any]) -> dict[str, Any]:
    keys: dict[str, Any] = {}
    if "name" in values:
        keys["name_key"] = fold(values["name"])
    if "mail" in values:
        keys["mail_key"] = values["mail"].casefold() if values["mail"] else None
    if "phone" in values:
        keys["phone_key"] = phone_key(values["phone"]) if values["phone"] else None
    return {**values, **keys}


def _refuse_twins(store: Store, values: Mapping[str, Any], own: int) -> None:
    for column, name in (("mail_key", "mail address"), ("staff_number", "staff number")):
        value = values.get(column)
        sql = f"select * from person where {column} = :value and id <> :own"  # noqa: S608 (two constants)
        twin = store.one(sql, value=value, own=own) if value else None
        if twin is not None:
            raise Conflict(
                f"the {name} {value} belongs to {twin['name']} (person {twin['id']}) already",
                hint=f"`sd person edit {twin['id']} …` changes that person",
            )


def add(desk: Desk, values: Mapping[str, Any]) -> Person:
    """Add a person; `values` by field name, `name` at least.

    Raises:
        UsageFault: a value is not what its field holds; all faults are named.
        Conflict: the mail address or staff number is somebody else's.
    """
    defaults = {
        "target_group": desk.rulebook.default_target_group(),
        "language": desk.rulebook.organisation.language,
    }
    given = {name: value for name, value in values.items() if value is not None}
    fields = {**dict.fromkeys(FIELDS, None), "department": "", "site": "", "active": 1, **defaults, **given}
    return desk.run(lambda: _add(desk, _keyed(clean(desk.rulebook, fields))))


def _add(desk: Desk, values: dict[str, Any]) -> Person:
    from sdtool.desk import records

    _refuse_twins(desk.store, values, 0)
    return get(desk.store, records.add(desk, "person", values))


def edit(desk: Desk, person: int, values: Mapping[str, Any]) -> Person:
    """Change fields of a person; the faults of `add` apply. Nothing new changes nothing."""
    given = _keyed(clean(desk.rulebook, values))
    return desk.run(lambda: _edit(desk, person, given))


def _edit(desk: Desk, number: int, given: dict[str, Any]) -> Person:
    from sdtool.desk import records

    person = get(desk.store, number)
    if erased(person):
        raise Refused(f"person {number} was erased: nothing was changed", hint='`sd person add "NAME" …`')
    changed = {name: value for name, value in given.items() if getattr(person, name) != value}
    _refuse_twins(desk.store, changed, number)
    records.change(desk, "person", person, "edit", changed)
    if person.mail and changed.get("mail"):
        from sdtool.mail import addresses

        addresses.moved(desk.store, person.mail, changed["mail"], desk.now)
    return get(desk.store, number)


def import_table(desk: Desk, path: str, table: "Table") -> "Imported":
    """Add or change people, matched by staff number, else by mail; all of them or none.

    Raises:
        BadInput: a row cannot be taken; every such row is named with its line.
    """
    from sdtool.desk import records

    return records.import_table(desk, path, table, _take_in, "person")


def _take_in(desk: Desk, row: Mapping[str, Any]) -> tuple[int, str]:
    given = clean(desk.rulebook, row)
    twin = twin_of(desk.store, given)
    if twin is None:
        return add(desk, given).id, "added"
    return twin.id, "same" if edit(desk, twin.id, given).rev == twin.rev else "changed"


def twin_of(store: Store, given: Mapping[str, Any]) -> Person | None:
    """Return whom a row means; a mail address counts where it does not contradict the staff number."""
    row = None
    if given.get("staff_number"):
        row = store.one("select * from person where staff_number = :number", number=given["staff_number"])
    if row is None and given.get("mail"):
        row = store.one(
            "select * from person where mail_key = :mail and (staff_number is null or :number = '')",
            mail=given["mail"].casefold(),
            number=given.get("staff_number") or "",
        )
    return Person(**dict(row)) if row is not None else None
