"""What the commands share: the running program, and the options that mean the same everywhere."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click

from sdtool import output
from sdtool.desk import Desk
from sdtool.errors import BadInput, NotAllowed, UsageFault, unreadable
from sdtool.rulebook import Rulebook
from sdtool.settings import Settings
from sdtool.store.base import Store

F = TypeVar("F", bound=Callable[..., Any])
MOST_IDS = 10_000


class App:
    """One run of the program: its settings, its moment, and the desk, opened when first asked for.

    `readonly` is set by a command that only reads, before it asks for the desk: writing then fails.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        now: int,
        actor: Callable[[str], str],
        source: str = "cli",
        dry_run: bool = False,
    ) -> None:
        self.settings, self.now, self.source, self.dry_run = settings, now, source, dry_run
        self.readonly = False
        self._actor = actor
        self._desk: Desk | None = None
        self._rulebook: Rulebook | None = None

    @property
    def rulebook(self) -> Rulebook:
        """The checked rulebook."""
        if self._rulebook is None:
            from sdtool import settings
            from sdtool.rulebook import compiled

            self._rulebook = compiled.load(self.settings.rulebook, settings.cache_folder())
        return self._rulebook

    @property
    def desk(self) -> Desk:
        """The desk, with its store opened and its actor known."""
        if self._desk is None:
            from sdtool.desk.anchor import note_head
            from sdtool.store import open_store

            book, actor = self.rulebook, self._actor(self.settings.database)
            store = open_store(self.settings.database, readonly=self.readonly)
            store.dry_run = self.dry_run
            store.anchored = lambda number, head: note_head(self.settings.anchor, number, head)
            self._desk = Desk(store, book, self.settings, actor=actor, source=self.source, now=self.now)
        return self._desk

    @property
    def store(self) -> Store:
        """The desk's store."""
        return self.desk.store

    def close(self) -> None:
        """Let go of the database, if it was opened."""
        if self._desk is not None:
            self._desk.store.close()

    def moment(self, text: str, since: int | None = None) -> int:
        """Read a moment as people write it (`10:40`, `morgen 9u`, `+3wd`), in the desk's time zone.

        `since` is the moment that it is counted from, by default now.
        """
        from sdtool.desk import calendars
        from sdtool.rules import moments

        book = self.rulebook
        calendar = calendars.own(self.desk)
        try:
            start = self.now if since is None else since
            return moments.parse(text, start, calendar, book.organisation.timezone)
        except ValueError as exc:
            raise UsageFault(str(exc)) from None


format_option: Callable[[F], F] = click.option(
    "--format",
    "fmt",
    type=click.Choice(list(output.FORMATS)),
    default="table",
    show_default=True,
    help="How to print.",
)


class Ids(click.ParamType[list[int]]):
    """Ticket numbers: `12`, `SD-12`, `12-15,20`, or `-` for numbers on standard input."""

    name = "ids"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """Return the numbers in the order given, each once."""
        if isinstance(value, list):
            return value
        text = _standard_input("list of tickets") if value == "-" else str(value)
        numbers: dict[int, None] = {}
        for part in text.replace(",", " ").split():
            first, dash, last = _bare(part).partition("-")
            last = _bare(last) if dash else first
            is_range = all(n.isascii() and n.isdigit() and len(n) < 19 for n in (first, last))
            low, high = (int(first), int(last)) if is_range else (0, -1)
            if low > high:
                self.fail(f"{part!r} is no ticket number; write 12, SD-12 or 12-15,20", param, ctx)
            if high - low >= MOST_IDS or len(numbers) > MOST_IDS:
                self.fail(f"{part!r} names more than {MOST_IDS} tickets", param, ctx)
            numbers.update(dict.fromkeys(range(low, high + 1)))
        if not numbers:
            self.fail("no ticket number given", param, ctx)
        return list(numbers)


def _standard_input(what: str) -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as exc:
        raise BadInput(f"the {what} on standard input is not UTF-8 text") from exc


def _bare(part: str) -> str:
    text = part.removeprefix("#")
    return text[3:] if text[:3].upper() == "SD-" else text


class Id(Ids):
    """One ticket number."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number."""
        if isinstance(value, int):
            return value
        numbers = super().convert(value, param, ctx)
        if len(numbers) != 1:
            self.fail(f"{value!r} names {len(numbers)} tickets, one is wanted", param, ctx)
        return numbers[0]


IDS, ID = Ids(), Id()
if_rev_option: Callable[[F], F] = click.option(
    "--if-rev", type=int, metavar="N", help="Only when the ticket is still at revision N (see `sd show`)."
)
dry_run_option: Callable[[F], F] = click.option(
    "--dry-run", is_flag=True, expose_value=False, callback=lambda ctx, _, on: _set_dry_run(ctx, on),
    help="Show what would happen, change nothing.",
)  # fmt: skip


def _set_dry_run(ctx: click.Context, on: bool) -> None:
    app = ctx.find_object(App)
    if on and app is not None:
        app.dry_run = True


def interactive() -> bool:
    """Tell whether a person sits at the other end and can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def said(app: App, text: str) -> None:
    """Say in one line what was done (or would be)."""
    output.echo(f"(dry run) {text}" if app.dry_run else text)


def refuse_borrowed(path: str) -> None:
    """Refuse to open a file with rights that sudo lent: they are for the desk, not for its user's files."""
    user = os.geteuid()
    if path != "-" and user and os.environ.get("SUDO_UID", str(user)) != str(user):
        raise NotAllowed(
            f"under sudo {path} is not opened: give it on standard input, or take the output from there"
        )


class OwnFile(click.Path):
    """A path that is opened with the rights of who typed it, never with those of sudo."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, checked."""
        refuse_borrowed(str(value))
        return super().convert(value, param, ctx)


def read_text(value: str | None, *, what: str, longest: int) -> str:
    """Return a text given as `-` (standard input), `editor`, or a file name; "" for None."""
    if value is None:
        return ""
    refuse_borrowed(value)
    if value == "editor":
        return (click.edit("") or "").strip()
    try:
        with click.open_file(value, encoding="utf-8", errors="strict") as file:
            text: str = file.read(longest + 1)
    except UnicodeDecodeError as exc:
        raise BadInput(f"the {what} in {value} is not UTF-8 text") from exc
    except (OSError, ValueError) as exc:
        missing = f"there is no file {value} to take the {what} from"
        raise unreadable(value, exc, missing=missing) from None
    if len(text) > longest:
        raise UsageFault(f"the {what} is longer than {longest} characters: shorten it, or put it in the FMIS")
    return text.strip()


def pairs(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VALUE` options as a table."""
    pairs = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", ctx, param)
        pairs[name.strip()] = value.strip()
    return pairs


def given(word: str, values: Mapping[str, Any], active: bool | None) -> dict[str, Any]:
    """Return the fields that options of `sd WORD edit` change; UsageFault when there is none."""
    found = {name: value for name, value in values.items() if value is not None}
    if active is not None:
        found["active"] = int(active)
    if not found:
        raise UsageFault(
            "nothing to change: name at least one option", hint=f"`sd {word} edit --help` lists them"
        )
    return found
