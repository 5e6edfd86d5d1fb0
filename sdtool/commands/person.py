"""`sd person`: the directory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from sdtool import output
from sdtool.commands.base import App, OwnFile, dry_run_option, format_option, given, interactive, said
from sdtool.desk import Desk, people
from sdtool.errors import BadInput, UsageFault

if TYPE_CHECKING:
    from sdtool.desk.records import Imported
    from sdtool.desk.tables import Table

_COLUMNS = (
    ("id", "Id"),
    ("name", "Name"),
    ("mail", "Mail"),
    ("phone", "Phone"),
    ("staff_number", "Staff number"),
    ("target_group", "Target group"),
    ("department", "Department"),
)

_IMPORTED = tuple(name for name in people.FIELDS if name != "active")


@click.group("person")
def person() -> None:
    """The directory: who calls, and how to reach them."""


def _fields(command: Any) -> Any:
    for option in reversed(
        (
            click.option("--mail", help="Mail address."),
            click.option("--phone", help="Phone number."),
            click.option("--staff-number", help="Staff number (never the national register number)."),
            click.option("--target-group", help="Target group of the rulebook."),
            click.option("--department", help="Department."),
            click.option("--site", help="Building or site."),
            click.option("--language", type=click.Choice(("nl", "en", "fr")), help="Language of mails."),
        )
    ):
        command = option(command)
    return command


def _row(one: people.Person) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("id", *people.FIELDS, "rev")}


def _say(one: people.Person, fmt: str) -> None:
    output.stored(f"Person {one.id} was stored")
    if fmt == "table":
        reach = ", ".join(part for part in (one.mail, one.phone, one.staff_number) if part)
        output.echo(f"person {one.id}  {one.name}  {reach}  {one.target_group}")
    else:
        output.emit_one(_row(one), fmt)


@person.command("add")
@click.argument("name", help="First and last name.")
@_fields
@format_option
@click.pass_obj
def add(app: App, /, fmt: str, **values: Any) -> None:
    """Add somebody to the directory."""
    _say(people.add(app.desk, values), fmt)


@person.command("edit")
@click.argument("who", help="Person number, name, mail, phone or staff number.")
@click.option("--name", help="First and last name.")
@_fields
@click.option("--active/--inactive", default=None, help="Whether the person still works here.")
@format_option
@click.pass_obj
def edit(app: App, /, who: str, fmt: str, active: bool | None, **values: Any) -> None:
    """Change somebody; an empty value ("") clears a field."""
    changed = given("person", values, active)
    _say(people.edit(app.desk, _one(app, who).id, changed), fmt)


def _one(app: App, who: str) -> people.Person:
    """Return the person whom a number of the directory names, or else any other name."""
    found = {one.id: one for one in people.find_all(app.store, who)}
    if who.isascii() and who.isdigit() and len(who) < 7:
        row = app.store.one("select id from person where id = :id", id=int(who))
        if row is not None:
            found.setdefault(int(who), people.get(app.store, int(who)))
    if len(found) > 1:
        raise people.Ambiguous(who, list(found.values()))
    return next(iter(found.values()), None) or people.find_one(app.store, who)


@person.command("show")
@click.argument("who", help="Person number, name, mail, phone or staff number.")
@format_option
@click.pass_obj
def show(app: App, who: str, fmt: str) -> None:
    """Show somebody whole."""
    output.emit_one(_row(_one(app, who)), fmt)


@person.command("list")
@click.argument("who", required=False, help="Only who has this name, mail, phone or staff number.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=30, show_default=True, help="How many at most."
)
@format_option
@click.pass_obj
def list_(app: App, who: str | None, limit: int, fmt: str) -> None:
    """List people by name."""
    found = people.listing(app.store, who, limit + 1)
    output.emit([_row(one) for one in found[:limit]], _COLUMNS, fmt)
    if len(found) > limit:
        output.remark(f"{limit} shown, there are more: --limit shows them")


@person.command("import")
@click.argument("file", type=OwnFile(exists=True, dir_okay=False), help="CSV with a header of field names.")
@click.option("--encoding", help="When it is neither UTF-8 nor Windows-1252.")
@dry_run_option
@click.pass_obj
def import_(app: App, file: str, encoding: str | None) -> None:
    """Add or change people from a CSV file: all of them, or none.

    The header names the fields: name, mail, phone, staff_number, target_group, department, site,
    language. People are matched by staff number, else by mail address.
    """
    imported(app, file, encoding, _IMPORTED, people.import_table, "The people")


@person.command("erase")
@click.argument("number", type=click.IntRange(1), help="Number of the person in the directory.")
@click.option("--yes", is_flag=True, help="Do not ask: it cannot be taken back.")
@click.option("--reason", default="", help="Why, for the journal: the case, never a name.")
@dry_run_option
@click.pass_obj
def erase(app: App, number: int, yes: bool, reason: str) -> None:
    """Erase the personal data of somebody, from the journal too; it cannot be taken back.

    The number stays, so that tickets and figures stay whole. Refused while something is open with the
    person. The texts of tickets are left as they are.
    """
    from sdtool.desk import erasure

    one = people.get(app.store, number)
    erasure.require_erasable(app.store, one)
    if not (yes or app.dry_run):
        if not interactive():
            raise UsageFault("erasing cannot be taken back: give --yes")
        click.confirm(f"Erase person {number}, {one.name}, for good?", abort=True, err=True)
    done = erasure.erase(app.desk, number, reason)
    output.stored(f"Person {number} was erased")
    said(
        app, f"person {number} was erased: {done.events} journal rows and {done.mails} mails lost their text"
    )
    if done.tickets:
        output.remark(
            f"{done.tickets} tickets name this person in their text: look with `sd search` and edit them"
        )
    for address in done.shared:
        output.remark(f"mails to and from {address} were left: somebody else has that address now")
    if not app.dry_run:
        app.store.upkeep()


def imported(
    app: App,
    file: str,
    encoding: str | None,
    known: tuple[str, ...],
    take_in: Callable[[Desk, str, Table], Imported],
    what: str,
) -> None:
    """Take a CSV file in whose header holds fields of `known`, the name at least; say what it did."""
    from sdtool.desk.tables import read_table

    table = read_table(file, encoding=encoding)
    unknown = [repr(name) for name in table.header if name not in known]
    if unknown or "name" not in table.header:
        wrong = f"unknown column {', '.join(unknown)}" if unknown else "no column name"
        raise BadInput(f"{file}: {wrong}; the header holds {', '.join(known)}")
    done = take_in(app.desk, file, table)
    output.stored(f"{what} were imported")
    would = "(dry run) " if app.dry_run else ""
    output.echo(f"{would}{done.added} added, {done.changed} changed, {done.same} unchanged")
