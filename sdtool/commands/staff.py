"""`sd onboarding`, `mover`, `offboarding`: who comes, moves and leaves."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import ID, App, OwnFile, dry_run_option, format_option, interactive
from sdtool.errors import Refused, UsageFault
from sdtool.rules.lifecycle import Ticket

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

    for make in (_import, _new, _status, _show, _complete, _withdraw):
        group.add_command(make(kind))
    return group


# --- import


def _pairs(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """Read `NAME=VALUE` options as a table."""
    pairs = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.BadParameter(f"{text!r} is not NAME=VALUE", ctx, param)
        pairs[name.strip()] = value.strip()
    return pairs


def _import(kind: str) -> click.Command:
    @click.command("import", help=_IMPORT_HELP.format(kind=kind))
    @click.argument("file", type=OwnFile(exists=True, dir_okay=False), help="CSV, XLSX, XLS or ODS of HR.")
    @click.option("--check", is_flag=True, help="Name every fault, write nothing; exit 3 when there are any.")
    @click.option(
        "--faults", type=OwnFile(dir_okay=False), help="Write HR a copy with the faults beside the rows."
    )
    @click.option(
        "--map", "mapping", multiple=True, callback=_pairs, metavar="HEADER=FIELD",
        help="What a column means, where the rulebook does not know it.",
    )  # fmt: skip
    @click.option("--encoding", help="When it is not what the file seems to be.")
    @click.option("--sheet", help="Which sheet of a workbook; by default the first with a header.")
    @click.option(
        "--withdraw-missing", is_flag=True,
        help="The file holds everybody: withdraw who is to come and is not in it.",
    )  # fmt: skip
    @click.option(
        "--idempotency-key", metavar="KEY", help="For scripts: the same file under one key is taken in once."
    )
    @dry_run_option
    @format_option
    @click.pass_obj
    def command(app: App, /, **options: Any) -> None:
        _run_import(app, kind, **options)

    return command


_IMPORT_HELP = """Take in a file of HR, each row whole or not at all; the same file again changes nothing.

Every fault of every row is named; rows without faults are not held up by the others, incomplete ones are
registered and wait for HR. Exit 3 when there are faults. See docs/reference/hr-files.md.

\b
sd {kind} import hr.csv --check --faults for-hr.csv
"""


def _run_import(
    app: App,
    kind: str,
    *,
    file: str,
    check: bool,
    faults: str | None,
    mapping: dict[str, str],
    encoding: str | None,
    sheet: str | None,
    withdraw_missing: bool,
    idempotency_key: str | None,
    fmt: str,
) -> None:
    from sdtool.desk import requests, staff_import
    from sdtool.desk.faults import rows_of, write_faults

    app.readonly = check
    desk = app.desk
    read = staff_import.read(desk, file, mapping=mapping, encoding=encoding, sheet=sheet)
    checked = staff_import.check(desk, kind, read)
    if faults:
        write_faults(
            faults,
            read,
            checked.findings,
            desk.rulebook.organisation.language,
            database=app.settings.database,
        )
    taken: list[staff_import.Taken] = []
    if not check:
        with requests.held(desk, idempotency_key, [kind, staff_import.digest(file)]) as again:
            if again:
                output.remark(f"{file} was taken in under this key already: nothing was done")
                return
            taken = _take_in(app, kind, checked, withdraw_missing)
    _say_import(app, file, rows_of(read, checked.findings), taken, len(checked.rows), fmt)
    if checked.faults:
        raise Refused(_summary_of_faults(file, checked, check))


def _take_in(app: App, kind: str, checked: Any, withdraw_missing: bool) -> list[Any]:
    from sdtool.desk import staff_import

    desk, rows = app.desk, checked.rows
    done = 0
    with _bar(len(rows), f"{kind} import") as advance:

        def step() -> None:
            nonlocal done
            done += 1
            if not app.dry_run:
                output.stored(
                    f"{done} of {len(rows)} rows were taken in; the same command takes in the others"
                )
            advance()

        try:
            taken = staff_import.take_in(desk, kind, rows, progress=step)
        except KeyboardInterrupt:
            output.remark(f"{output.stored()}")
            raise
    if withdraw_missing:
        present = {row.values.get("staff_number", "") for row in rows}
        taken += staff_import.left_out(desk, kind, present)
    if not app.dry_run:
        from sdtool.desk import staff_letters

        staff_letters.post(desk, [one.ticket for one in taken if one.ticket])
    return taken


class _bar:
    """A progress bar on a terminal, nothing elsewhere; as a context it yields the step."""

    def __init__(self, length: int, label: str) -> None:
        shown = sys.stderr is not None and sys.stderr.isatty()
        self._bar: Any = click.progressbar(length=length, label=label, file=sys.stderr) if shown else None

    def __enter__(self) -> Callable[[], None]:
        if self._bar is None:
            return lambda: None
        self._bar.__enter__()
        return lambda: self._bar.update(1)

    def __exit__(self, *error: Any) -> None:
        if self._bar is not None:
            self._bar.__exit__(*error)


def _summary_of_faults(file: str, checked: Any, check: bool) -> str:
    count = len(checked.faults)
    rows = len({finding.line for finding in checked.faults})
    said = f"{count} fault{'s' * (count != 1)} in {rows} row{'s' * (rows != 1)} of {file}"
    done = "nothing was written" if check else "refused rows were left out, incomplete ones wait for HR"
    return f"{said}; {done}"


_FAULTS = (
    ("line", "Row"),
    ("column", "Column"),
    ("value", "Value"),
    ("text", "What is wrong"),
    ("advice", "What to do"),
)


def _say_import(
    app: App, file: str, faults: list[dict[str, Any]], taken: Sequence[Any], rows: int, fmt: str
) -> None:
    counts = Counter(one.action for one in taken)
    if fmt in ("json", "jsonl"):
        results = [one._asdict() for one in taken]
        output.emit_one(
            {"file": file, "rows": rows, "counts": dict(counts), "findings": faults, "results": results}, fmt
        )
        return
    if faults:
        output.emit(faults, _FAULTS if fmt == "table" else tuple((key, key) for key in faults[0]), fmt)
    if fmt != "table":
        return
    for one in taken:
        for remark in one.remarks:
            output.remark(f"{one.name} ({one.staff_number}): {remark}")
    said = ", ".join(f"{counts[action]} {action}" for action in _order() if counts[action])
    waiting = sum(one.action in ("new", "changed") and not one.complete for one in taken)
    more = f"; {waiting} wait{'s' * (waiting == 1)} for HR" if waiting else ""
    would = "(dry run) " if app.dry_run else ""
    output.echo(f"{would}{rows} rows: {said or 'looked at, nothing written'}{more}")


def _order() -> tuple[str, ...]:
    from sdtool.desk.staff_import import ACTIONS

    return ACTIONS


# --- new, complete


def _new(kind: str) -> click.Command:
    from sdtool.rules.findings import label

    @click.command("new", help=f"Register one person for {kind}; what is needed and not given is asked for.")
    @click.argument("staff_number", help="Staff number (never the national register number).")
    @format_option
    @click.pass_obj
    def command(app: App, /, staff_number: str, fmt: str, **given: str | None) -> None:
        values = {name: value for name, value in given.items() if value is not None}
        _run_new(app, kind, {"staff_number": staff_number, **values}, fmt)

    for field in reversed(_NEW[kind].split()):
        text = f"{label(field, 'en').capitalize()}."
        command = click.option(f"--{field.replace('_', '-')}", help=text)(command)
    return command


def _run_new(app: App, kind: str, given: dict[str, str], fmt: str) -> None:
    from sdtool.desk import staff_import, staff_intake, staff_letters
    from sdtool.rules.findings import label

    desk = app.desk
    row = staff_import.check_one(desk, kind, given)
    asked = [field for field in row.missing if field not in given]
    if asked and not interactive():
        options = ", ".join(f"--{field.replace('_', '-')}" for field in asked)
        raise UsageFault(f'missing: {options}; give "" for what HR still owes')
    for field in asked:
        given[field] = click.prompt(
            f"{label(field, 'en').capitalize()} (empty: HR owes it)", default="", show_default=False, err=True
        )
    row = _without_faults(staff_import.check_one(desk, kind, given))
    outcome = staff_intake.take_in(desk, kind, row.values, again=True)
    output.stored(f"Ticket {outcome.ticket} was registered")
    staff_letters.post(desk, [outcome.ticket])
    _say_one(app, outcome.action, outcome.ticket, outcome.remarks, fmt)


def _without_faults(row: Any) -> Any:
    """Return a row that can be taken in; its warnings are said, its faults refused, all at once."""
    faults = [f for f in row.findings if f.level != "warning" and f.rule != "missing"]
    if faults:
        raise UsageFault("; ".join(f"{f.field.replace('_', ' ')}: {f.text}, {f.advice}" for f in faults))
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
        "fields", nargs=-1, required=True, callback=_pairs, metavar="FIELD=VALUE...", help="What HR told."
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
        _say_one(app, outcome.action, number, outcome.remarks, fmt)

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
        _say_one(app, outcome.action, number, outcome.remarks, fmt)

    return command


def _say_one(app: App, action: str, number: int, remarks: Sequence[str], fmt: str) -> None:
    for remark in remarks:
        output.remark(remark)
    if fmt != "table":
        _show_tree(app, number, fmt)
        return
    output.echo(f"SD-{number} {action}")
    _show_tree(app, number, fmt)


# --- status, show


_STATUS = (
    ("id", "Id"),
    ("standing", "Stands"),
    ("day", "Day"),
    ("days_left", "Days"),
    ("progress", "Done"),
    ("late", "Late"),
    ("name", "Name"),
    ("staff_number", "Staff number"),
    ("missing", "HR owes"),
)


def _status(kind: str) -> click.Command:
    @click.command("status", help="List a line a person, what is late first: day, days left, what is done.")
    @click.option("--all", "ended", is_flag=True, help="Those that ended too.")
    @format_option
    @click.pass_obj
    def command(app: App, ended: bool, fmt: str) -> None:
        from sdtool.desk import staff_view

        rows = []
        for line in staff_view.status(app.desk, kind, ended=ended):
            row = line._asdict() | {"missing": [name.replace("_", " ") for name in line.missing]}
            if fmt == "table":
                row["progress"] = f"{line.done}/{line.total}"
                row["standing"] = line.standing.upper() if line.standing == "late" else line.standing
            rows.append(row)
        columns = _STATUS if fmt == "table" else tuple((name, name) for name in staff_view.Line._fields)
        if not rows and fmt == "table":
            output.remark(f"no {kind} is running; `sd {kind} import FILE` takes a file of HR in")
            return
        output.emit(rows, columns, fmt)

    return command


def _show(kind: str) -> click.Command:
    @click.command("show", help="Show one person's tickets as a tree, with state and deadline of each.")
    @click.argument("number", metavar="ID", type=ID, help="Ticket of the change, or one of its parts.")
    @format_option
    @click.pass_obj
    def command(app: App, number: int, fmt: str) -> None:
        _show_tree(app, number, fmt)

    return command


def _show_tree(app: App, number: int, fmt: str) -> None:
    from sdtool.desk import staff, staff_view, tickets

    desk = app.desk
    change = staff.of_part(desk.store, number) or staff.get(desk.store, number)
    parent, leaves = tickets.get(desk.store, change.id), staff_view.tree(desk, change)
    if fmt in ("json", "jsonl"):
        output.emit_one(_tree(desk, change, parent, leaves), fmt)
    elif fmt == "csv":
        rows = _tree(desk, change, parent, leaves)["parts"]
        output.emit(rows, tuple((key, key) for key in rows[0]) if rows else (), fmt)
    else:
        _print_tree(desk, change, parent, leaves)


def _tree(desk: Any, change: Any, parent: Ticket, leaves: Sequence[Any]) -> dict[str, Any]:
    from sdtool.desk import staff_view

    return {
        "id": change.id,
        "kind": change.kind,
        "state": parent.state,
        "staff_number": change.staff_number,
        "day": change.day,
        "days_left": staff_view.days_left(desk, change.day),
        "withdrawn": change.withdrawn_at is not None,
        "missing": list(change.missing),
        "data": change.data,
        "parts": [
            {
                "id": leaf.ticket.id,
                "service": leaf.ticket.service,
                "reversal": bool(leaf.ticket.reversal),
                "summary": leaf.ticket.summary,
                "state": leaf.ticket.state,
                "group": leaf.ticket.group_key,
                "agent": leaf.ticket.agent,
                "resolve_by": output.iso(leaf.ticket.resolve_due, desk.timezone),
                "late": leaf.late,
                "waits_for": leaf.ticket.waiting_for,
                "items": leaf.items,
                "open_items": leaf.open_items,
            }
            for leaf in leaves
        ],
    }


def _print_tree(desk: Any, change: Any, parent: Ticket, leaves: Sequence[Any]) -> None:
    from sdtool.desk import staff_view

    left = staff_view.days_left(desk, change.day)
    when = f"{change.day}, {left} working days left" if change.day else "day unknown"
    output.echo(f"SD-{parent.id}  {parent.summary}  {parent.state}  {when}")
    if change.missing:
        output.echo("HR owes: " + ", ".join(name.replace("_", " ") for name in change.missing))
    for number, leaf in enumerate(leaves, 1):
        branch = "└─" if number == len(leaves) else "├─"
        ticket, holder = leaf.ticket, leaf.ticket.group_key
        holder += f"/{ticket.agent}" if ticket.agent else ""
        line = f"{branch} SD-{ticket.id}  {ticket.summary}  {ticket.state}  {holder}"
        line += f"  by {output.local(ticket.resolve_due, desk.timezone)}" if not ticket.ended_at else ""
        line += "  LATE" if leaf.late else ""
        line += f"  {leaf.items - leaf.open_items}/{leaf.items}" if leaf.items else ""
        output.echo(line + (f"  waits for {ticket.waiting_for}" if ticket.state == "waiting" else ""))


onboarding = _family("onboarding")
mover = _family("mover")
offboarding = _family("offboarding")
