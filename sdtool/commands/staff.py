"""`sd onboarding`, `mover`, `offboarding`: who comes, moves and leaves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, App, format_option, interactive, pairs
from sdtool.commands.staff_import import import_
from sdtool.commands.staff_shown import say_one, show, status
from sdtool.errors import UsageFault

_NEW = {
    "onboarding": "first_name last_name start_date end_date department job_title manager_mail site phone mail"
    " target_group language birth_date fte remark",
    "mover": "start_date department job_title manager_mail site target_group remark",
    "offboarding": "end_date manager_mail remark",
}
_WHAT = {
    "onboarding": "Who comes: from an HR file to a ready workplace on day one.",
    "mover": "Who moves to another function: the difference between two packages.",
    "offboarding": "Who leaves: everything handed in, every account off at the end.",
}


def _family(kind: str) -> click.Group:
    """Return the commands of one kind of change; they differ in their fields only."""

    @click.group(kind, help=_WHAT[kind])
    def group() -> None:
        pass

    for make in (import_, _new, status, show, _complete, _withdraw):
        group.add_command(make(kind))
    return group


def _new(kind: str) -> click.Command:
    from sdtool.rules.findings import label

    @click.command("new", help=f"Register one person for {kind}; what is needed and not given is asked for.")
    @click.argument("staff_number", help="Staff number (never the national register number).")
    @format_option
    @click.pass_obj
    def command(app: App, /, staff_number: str, fmt: str, **given: str | None) -> None:
        values = {name: value for name, value in given.items() if value is not None}
        _run_new(app, kind, {"staff_number": staff_number, **values}, fmt)

    for field in _NEW[kind].split():
        text = f"{label(field, 'en').capitalize()}."
        command = click.option(f"--{field.replace('_', '-')}", help=text)(command)
    return command


def _run_new(app: App, kind: str, given: dict[str, str], fmt: str) -> None:
    from sdtool.desk import staff_import, staff_intake, staff_letters

    desk = app.desk
    row = staff_import.check_one(desk, kind, given)
    _refuse(_faults(row))  # before anything is asked
    asked = [field for field in row.missing if field not in given]
    if asked and not interactive():
        options = ", ".join(f"--{field.replace('_', '-')}" for field in asked)
        raise UsageFault(f'missing: {options}; give "" for what HR still owes')
    for field in asked:
        given[field] = _ask(desk, kind, given, field)
    row = _without_faults(staff_import.check_one(desk, kind, given))
    outcome = staff_intake.take_in(desk, kind, row.values, again=True)
    output.stored(f"Ticket {outcome.ticket} was registered")
    staff_letters.post(desk, [outcome.ticket])
    say_one(app, outcome.action, outcome.ticket, outcome.remarks, fmt)


def _ask(desk: Any, kind: str, given: dict[str, str], field: str) -> str:
    """Ask a person for a field until the answer can be used."""
    from sdtool.desk import staff_import
    from sdtool.rules.findings import label

    text = f"{label(field, 'en').capitalize()} (empty: HR owes it)"
    while True:
        answer = str(click.prompt(text, default="", show_default=False, err=True))
        row = staff_import.check_one(desk, kind, {**given, field: answer})
        wrong = [fault for fault in _faults(row) if fault.field == field]
        if not wrong:
            return answer
        output.remark(_told(wrong))


def _faults(row: Any) -> list[Any]:
    return [f for f in row.findings if f.level != "warning" and f.rule != "missing"]


def _told(faults: Sequence[Any]) -> str:
    return "; ".join(f"{f.field.replace('_', ' ')}: {f.text}, {f.advice}" for f in faults)


def _refuse(faults: Sequence[Any]) -> None:
    if faults:
        raise UsageFault(_told(faults))


def _without_faults(row: Any) -> Any:
    """Return a row that can be taken in; its warnings are said, its faults refused, all at once."""
    _refuse(_faults(row))
    for finding in row.findings:
        if finding.level == "warning":
            output.remark(f"{finding.field.replace('_', ' ')} {finding.text}: {finding.advice}")
    return row


def _complete(kind: str) -> click.Command:
    @click.command(
        "complete",
        help="Fill in what HR owed, or correct it: FIELD=VALUE; what waited for it is released.\n\n"
        f"\b\nsd {kind} complete 12 site=Provinciehuis manager_mail=an.peeters@example.be",
    )
    @click.argument("number", metavar="ID", type=ID, help="Ticket of the change.")
    @click.argument(
        "fields", nargs=-1, required=True, callback=pairs, metavar="FIELD=VALUE...", help="What HR told."
    )
    @format_option
    @click.pass_obj
    def command(app: App, number: int, fields: dict[str, str], fmt: str) -> None:
        from sdtool.desk import staff_import, staff_intake, staff_letters

        desk = app.desk
        row = _without_faults(staff_import.check_one(desk, kind, fields, number))
        outcome = staff_intake.complete(desk, number, kind, row.values)
        output.stored(f"Ticket {number} was changed")
        staff_letters.post(desk, [number])
        say_one(app, outcome.action, number, outcome.remarks, fmt)

    return command


def _withdraw(kind: str) -> click.Command:
    @click.command(
        "withdraw",
        help=f"Take a change back ({kind}): what nobody began ends, what was done is undone by a ticket.",
    )
    @click.argument("number", metavar="ID", type=ID, help="Ticket of the change.")
    @format_option
    @click.pass_obj
    def command(app: App, number: int, fmt: str) -> None:
        from sdtool.desk import staff_intake, staff_letters

        desk = app.desk
        outcome = desk.run(lambda: staff_intake.withdraw(desk, staff_intake.running(desk, number, kind)))
        output.stored(f"Ticket {number} was changed")
        staff_letters.post(desk, [number])
        say_one(app, outcome.action, number, outcome.remarks, fmt)

    return command


onboarding = _family("onboarding")
mover = _family("mover")
offboarding = _family("offboarding")
