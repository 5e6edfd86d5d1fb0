"""Articles and work instructions: where they are, whose, when they are read again, whom they helped."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from sdtool.desk import Desk, handling, people, records, tickets
from sdtool.errors import Conflict, NotFound, UsageFault
from sdtool.store.base import Row, Store

if TYPE_CHECKING:
    from sdtool.desk.sheets import Sheet

KIND = "article"
# what the columns of a list may be called; case, accents, blanks and punctuation make no difference
NAMES = {
    "title": ("title", "titel", "titre", "name", "naam", "document", "werkinstructie", "instructie",
              "instruction", "handleiding", "artikel", "article"),
    "owner": ("owner", "eigenaar", "beheerder", "verantwoordelijke", "responsable", "login"),
    "place": ("place", "plaats", "url", "link", "pad", "path", "locatie", "location", "vindplaats",
              "emplacement", "lien"),
    "review_on": ("review on", "review", "review date", "herziening", "herzieningsdatum", "te herzien op",
                  "nazicht", "revisie", "revisiedatum", "révision", "date de révision"),
    "version": ("version", "versie"),
}  # fmt: skip
_LONGEST = 500
_YEARS = 10  # further away a review date is a slip of the pen
_MOST_VERSION = 100_000


class Article(NamedTuple):
    """An article or a work instruction; `place` says where it is, `review_on` (ISO) when it is read again.

    Moments are epoch seconds; `reviewed_at` is None before the first review, `ended_at` while it is active.
    """

    id: int
    title: str
    owner: str
    place: str
    version: int
    review_on: str
    reviewed_at: int | None
    state: str
    made_at: int
    ended_at: int | None
    rev: int


class Used(NamedTuple):
    """An article with the number of tickets that it helped to handle."""

    article: Article
    uses: int


# --- Reading


def get(store: Store, number: int) -> Article:
    """Return the article with this number; NotFound when there is none."""
    row = store.one("select * from article where id = :id", id=number)
    if row is None:
        raise NotFound(f"there is no article {number}", hint="`sd article list` lists them")
    return _article(row)


def _article(row: Row) -> Article:
    return Article(**{name: row[name] for name in Article._fields})


def listing(
    store: Store, *, owner: str = "", before: str = "", withdrawn: bool = False, number: int = 0
) -> list[Used]:
    """Return articles, soonest review first; only active ones unless `withdrawn`.

    Args:
        owner: only those of this login.
        before: only active ones whose review date lies before this ISO date.
        number: only this one.
    """
    rows = store.query(
        "select article.*, (select count(*) from article_use where article_use.article = article.id) as uses"
        " from article where (state = 'active' or :withdrawn = 1) and (:owner = '' or owner = :owner)"
        " and (:before = '' or (state = 'active' and review_on < :before)) and (:id = 0 or id = :id)"
        " order by review_on, id",
        owner=owner,
        before=before,
        withdrawn=int(withdrawn),
        id=number,
    )
    return [Used(_article(row), row["uses"]) for row in rows]


def is_overdue(article: Article, today: str) -> bool:
    """Tell whether its review date (ISO) is past; on the day itself it is in time."""
    return article.state == "active" and article.review_on < today


def helped(store: Store, number: int, limit: int = 20) -> list[int]:
    """Return the newest tickets that an article helped to handle, without the confidential ones."""
    rows = store.query(
        "select ticket.id from article_use join ticket on ticket.id = article_use.ticket"
        " where article_use.article = :id and ticket.confidential = 0 order by ticket.id desc limit :limit",
        id=number,
        limit=limit,
    )
    return [row["id"] for row in rows]


# --- Writing


def add(
    desk: Desk, title: str, *, owner: str, place: str = "", review: str = "", version: int = 1
) -> Article:
    """Keep an article; `review` is a date as people write it, a year from now without one.

    Raises:
        UsageFault: a value is not what its field holds; all faults are named.
        Conflict: there is one of that title.
    """
    given = {"title": title, "owner": owner, "place": place, "version": version}
    values = clean(desk, {**given, "review_on": review or _in_a_year(desk)})

    def work() -> Article:
        _refuse_twin(_titles(desk.store), values["title"], 0)
        return get(desk.store, _insert(desk, values))

    return desk.run(work)


def _insert(desk: Desk, values: Mapping[str, Any]) -> int:
    rest = {"reviewed_at": None, "state": "active", "made_at": desk.now, "ended_at": None}
    return records.add(desk, KIND, {**values, **rest})


def edit(desk: Desk, number: int, values: Mapping[str, Any]) -> Article:
    """Change fields of an article: title, owner, place, review_on, version. Nothing new changes nothing.

    Raises:
        UsageFault, Conflict: as for `add`, and it was withdrawn.
    """
    given = clean(desk, values)

    def work() -> Article:
        article = _active(desk.store, number)
        if "title" in given:
            _refuse_twin(_titles(desk.store), given["title"], number)
        records.change(desk, KIND, article, "edit", given)
        return get(desk.store, number)

    return desk.run(work)


def reviewed(desk: Desk, number: int, *, following: str = "", changed: bool = False) -> Article:
    """Note that it was read and is right; `changed`: after changes, so it has a new version.

    Args:
        following: the next review date as people write it, a year from now without one.
    """
    faults: list[str] = []
    day = _day(following or _in_a_year(desk), desk, faults)
    if day is not None and day <= _today(desk):
        faults.append(f"the next review, {day}, must lie in the future")
    if faults:
        raise UsageFault("; ".join(faults))

    def work() -> Article:
        article = _active(desk.store, number)
        values = {"review_on": day, "reviewed_at": desk.now, "version": article.version + int(changed)}
        records.change(desk, KIND, article, "review", values)
        return get(desk.store, number)

    return desk.run(work)


def withdraw(desk: Desk, number: int) -> Article:
    """It holds no more: nobody uses it, and nobody is asked to review it. What it was used for stays."""

    def work() -> Article:
        values = {"state": "withdrawn", "ended_at": desk.now}
        records.change(desk, KIND, _active(desk.store, number), "withdraw", values)
        return get(desk.store, number)

    return desk.run(work)


def use(desk: Desk, number: int, numbers: Iterable[int]) -> list[int]:
    """Note that an article helped to handle tickets; return those of which it was not known yet.

    Raises:
        Conflict: it was withdrawn, or a ticket was merged into another.
        NotAllowed: the actor may not read a ticket.
    """

    def work() -> list[int]:
        _active(desk.store, number)
        return [ticket for ticket in numbers if _use(desk, number, ticket)]

    return desk.run(work)


def _use(desk: Desk, number: int, ticket: int) -> bool:
    found = tickets.get(desk.store, ticket)
    tickets.require_readable(desk, found)
    if found.state == "merged":
        raise Conflict(f"ticket {ticket} was merged into {found.merged_into}: name that one")
    if _is_used(desk.store, number, ticket):
        return False
    desk.store.insert("article_use", {"article": number, "ticket": ticket})
    return records.change(desk, KIND, get(desk.store, number), "use", {}, ticket=ticket)


def unuse(desk: Desk, number: int, numbers: Iterable[int], **context: Any) -> list[int]:
    """Take back that an article was used; return the tickets of which that was known."""

    def work() -> list[int]:
        get(desk.store, number)
        return [ticket for ticket in numbers if _unuse(desk, number, ticket, context)]

    return desk.run(work)


def _unuse(desk: Desk, number: int, ticket: int, context: Mapping[str, Any]) -> bool:
    tickets.require_readable(desk, tickets.get(desk.store, ticket))
    if not _is_used(desk.store, number, ticket):
        return False
    sql = "delete from article_use where article = :article and ticket = :ticket"
    desk.store.execute(sql, article=number, ticket=ticket)
    return records.change(desk, KIND, get(desk.store, number), "unuse", {}, ticket=ticket, **context)


def _is_used(store: Store, number: int, ticket: int) -> bool:
    sql = "select 1 as one from article_use where article = :article and ticket = :ticket"
    return store.one(sql, article=number, ticket=ticket) is not None


def take_back(desk: Desk, event: Mapping[str, Any]) -> str:
    """Undo that an article was used, or that this was taken back."""
    number, ticket = event["subject"], event["data"]["ticket"]
    if event["verb"] == "use":
        unuse(desk, number, [ticket], undoes=event["id"])
    elif not _is_used(desk.store, number, ticket):
        desk.store.insert("article_use", {"article": number, "ticket": ticket})
        article = get(desk.store, number)
        records.change(desk, KIND, article, "use", {}, ticket=ticket, undoes=event["id"])
    return f"article {number}: {event['verb']} for ticket {ticket} is undone"


# --- Lists


def import_sheet(desk: Desk, sheet: "Sheet") -> records.Imported:
    """Add or change articles, matched by title; all of them or none.

    Raises:
        BadInput: a row cannot be taken; every such row is named with its line.
    """

    def work() -> records.Imported:
        titles = _titles(desk.store, withdrawn=True)  # in here: nobody adds one meanwhile

        def take_in(desk: Desk, row: Mapping[str, str]) -> tuple[int, str]:
            key = people.fold(row["title"])
            twin = titles.get(key)
            if twin is None:
                empty = {"owner": "", "place": "", "version": 1, "review_on": _in_a_year(desk)}
                titles[key] = _insert(desk, clean(desk, {**empty, **row}))
                return titles[key], "added"
            before = get(desk.store, twin)
            given = clean(desk, {name: value for name, value in row.items() if name != "title"})
            return twin, "same" if edit(desk, twin, given).rev == before.rev else "changed"

        return records.import_table(desk, sheet.path, sheet, take_in, "article", ("title",))

    return desk.run(work)


def _titles(store: Store, *, withdrawn: bool = False) -> dict[str, int]:
    """Return the number of each folded title of what is active; where nothing is, of what was withdrawn."""
    rows = store.query(
        "select id, title from article where state = 'active' or :withdrawn = 1"
        " order by case state when 'active' then 1 else 0 end, id",
        withdrawn=int(withdrawn),
    )
    return {people.fold(row["title"]): row["id"] for row in rows}


def _refuse_twin(titles: Mapping[str, int], title: str, own: int) -> None:
    twin = titles.get(people.fold(title), own)
    if twin != own:
        raise Conflict(
            f"the title {title!r} is that of article {twin} already",
            hint=f"`sd article edit {twin} …` changes that one, `sd article show {twin}` shows it",
        )


def _active(store: Store, number: int) -> Article:
    article = get(store, number)
    if article.state != "active":
        raise Conflict(f"article {number} ({article.title}) was withdrawn: add it anew, or use another")
    return article


# --- Values


def clean(desk: Desk, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return fields of an article, checked; every fault in one UsageFault."""
    faults: list[str] = []
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name == "owner":
            given[name] = _owner(desk, value, faults)
        elif name == "review_on":
            given[name] = _day(value, desk, faults)
        elif name == "version":
            given[name] = _version(value, faults)
        else:
            people.check_text(name, value, faults, longest=_LONGEST)
            given[name] = " ".join(value.split())
    if not people.fold(given.get("title", "x")):
        faults.append("the title is empty")
    if faults:
        raise UsageFault("; ".join(faults))
    return given


def _owner(desk: Desk, text: str, faults: list[str]) -> str:
    if not text.strip():
        return ""
    try:
        return handling.login(desk, text.strip())
    except UsageFault as exc:
        faults.append(f"the owner: {exc.message}")
        return ""


def _version(value: Any, faults: list[str]) -> int:
    text = str(value).strip()
    if not (text.isascii() and text.isdigit() and len(text) < 7 and 0 < int(text) <= _MOST_VERSION):
        faults.append(f"the version must be a whole number from 1 to {_MOST_VERSION}, not {text[:20]!r}")
        return 1
    return int(text)


def _day(text: str, desk: Desk, faults: list[str]) -> str | None:
    from sdtool.rules import values

    try:
        day = values.day(text)
    except ValueError as exc:
        faults.append(f"the review date: {exc}")
        return None
    if abs(day.year - int(_today(desk)[:4])) > _YEARS:
        faults.append(f"the review date {day} is more than {_YEARS} years away: that cannot be meant")
        return None
    return day.isoformat()


def _today(desk: Desk) -> str:
    return tickets.day_of(desk.now, desk.timezone)


def _in_a_year(desk: Desk) -> str:
    today = date.fromisoformat(_today(desk))
    leap = today.month == 2 and today.day == 29
    return today.replace(year=today.year + 1, day=28 if leap else today.day).isoformat()
