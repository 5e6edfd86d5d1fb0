"""`sd party`: suppliers and internal services."""

from __future__ import annotations

from typing import Any

import click

from sdtool import output
from sdtool.commands.base import App, OwnFile, dry_run_option, format_option, given
from sdtool.commands.person import imported
from sdtool.desk import parties

_TITLES = (
    ("id", "Id"),
    ("kind", "Kind"),
    ("name", "Name"),
    ("mail", "Mail"),
    ("phone", "Phone"),
    ("contract", "Contract"),
    ("escalation_mail", "Escalation"),
)
_REST = tuple((key, key) for key in ("language", "calendar", "escalation_name", "active", "rev"))
_IMPORTED = tuple(name for name in parties.FIELDS if name != "active")
_who = click.argument("who", metavar="PARTY", help="Its #number, name or mail address.")


@click.group("party")
def party() -> None:
    """Suppliers and internal services: who owes the desk feedback."""


def _fields(command: Any) -> Any:
    for option in reversed(
        (
            click.option("--mail", help="Mail address."),
            click.option("--phone", help="Phone number."),
            click.option("--language", type=click.Choice(("nl", "en", "fr")), help="Language of mails."),
            click.option("--calendar", help="Calendar of the rulebook with its hours; else the first one."),
            click.option("--contract", help="Reference of the contract."),
            click.option("--escalation-name", help="Who is turned to when it does not answer."),
            click.option("--escalation-mail", help="Mail address of that person."),
        )
    ):
        command = option(command)
    return command


def _row(one: parties.Party) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("id", *parties.FIELDS, "rev")}


def _say(one: parties.Party, fmt: str) -> None:
    output.stored(f"Party {one.id} was stored")
    if fmt == "table":
        reach = ", ".join(part for part in (one.mail, one.phone) if part)
        output.echo("  ".join(part for part in (f"party {one.id}", one.kind, one.name, reach) if part))
    else:
        output.emit_one(_row(one), fmt)


@party.command("add")
@click.argument("name", help="Its name.")
@click.option("--kind", type=click.Choice(parties.KINDS), required=True, help="What it is.")
@_fields
@format_option
@click.pass_obj
def add(app: App, /, fmt: str, **values: Any) -> None:
    """Add a supplier or an internal service."""
    _say(parties.add(app.desk, values), fmt)


@party.command("edit")
@_who
@click.option("--name", help="Its name.")
@click.option("--kind", type=click.Choice(parties.KINDS), help="What it is.")
@_fields
@click.option("--active/--inactive", default=None, help="Whether it is asked for anything.")
@format_option
@click.pass_obj
def edit(app: App, /, who: str, fmt: str, active: bool | None, **values: Any) -> None:
    """Change a party; an empty value ("") clears a field."""
    changed = given("party", values, active)
    _say(parties.edit(app.desk, parties.find_one(app.store, who).id, changed), fmt)


@party.command("show")
@_who
@format_option
@click.pass_obj
def show(app: App, who: str, fmt: str) -> None:
    """Show a party whole."""
    output.emit_one(_row(parties.find_one(app.store, who)), fmt)


@party.command("list")
@click.option("--kind", type=click.Choice(parties.KINDS), help="Only those of this kind.")
@click.option("--all", "inactive", is_flag=True, help="Also those that are not asked any more.")
@format_option
@click.pass_obj
def list_(app: App, kind: str | None, inactive: bool, fmt: str) -> None:
    """List parties by name."""
    rows = [_row(one) for one in parties.listing(app.store, kind or "", inactive=inactive)]
    output.emit(rows, _TITLES if fmt == "table" else _TITLES + _REST, fmt)


@party.command("import")
@click.argument("file", type=OwnFile(exists=True, dir_okay=False), help="CSV with a header of field names.")
@click.option("--encoding", help="When it is neither UTF-8 nor Windows-1252.")
@dry_run_option
@click.pass_obj
def import_(app: App, file: str, encoding: str | None) -> None:
    """Add or change parties from a CSV file: all of them, or none.

    The header names the fields: kind, name, mail, phone, language, calendar, contract,
    escalation_name, escalation_mail. Parties are matched by name.
    """
    imported(app, file, encoding, _IMPORTED, parties.import_table, "The parties")
