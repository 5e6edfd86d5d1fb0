"""`sd onboarding import` and its like: a file of HR, looked at and taken in."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import App, OwnFile, dry_run_option, format_option, pairs
from sdtool.commands.staff_shown import counted
from sdtool.errors import Refused, SdError


def import_(kind: str) -> click.Command:
    """Return the command that takes in a file of HR."""

    @click.command("import", help=_IMPORT_HELP.format(kind=kind))
    @click.argument(
        "file",
        type=OwnFile(exists=True, dir_okay=False, allow_dash=True),
        help="CSV, XLSX, XLS or ODS of HR; `-` is standard input.",
    )
    @click.option("--check", is_flag=True, help="Name every fault, write nothing; exit 3 when there are any.")
    @click.option(
        "--faults", type=OwnFile(dir_okay=False), help="Write HR a copy with the faults beside the rows."
    )
    @click.option(
        "--map", "mapping", multiple=True, callback=pairs, metavar="HEADER=FIELD",
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
        request = [kind, withdraw_missing, staff_import.digest(read) if idempotency_key else ""]
        with requests.held(desk, idempotency_key, request) as again:
            if again:
                output.remark(f"{read.path} was taken in under this key already: nothing was done")
                return
            taken = _take_in(app, kind, checked.rows, withdraw_missing and _whole(checked))
            taken += staff_import.unread(read)
    rows = len(checked.rows) + len(read.broken)
    _say_import(app, read.path, rows_of(read, checked.findings), taken, rows, fmt)
    if checked.faults:
        output.flush()  # who loses the list of faults is told so
        raise Refused(_summary_of_faults(read.path, checked, check))


def _whole(checked: Any) -> bool:
    """Tell whether all rows of a file are known: who is in a refused one would be taken for missing."""
    levels = {finding.level for finding in checked.findings}
    if "refused" in levels or any(row.refused for row in checked.rows):
        output.remark("nobody is withdrawn: a row that is refused may be about them; have the file corrected")
    elif not checked.rows:
        output.remark("nobody is withdrawn: the file holds no rows at all, which is more likely a slip")
    else:
        return True
    return False


def _take_in(app: App, kind: str, rows: Sequence[Any], withdraw_missing: bool) -> list[Any]:
    """Take rows in; who is cut off on the way is told which are in already."""
    try:
        return _rows_in(app, kind, rows, withdraw_missing)
    except KeyboardInterrupt:
        if output.stored():
            output.remark(output.stored())
        raise
    except SdError as exc:
        if output.stored():
            raise type(exc)(f"{output.stored()}. Then: {exc.message}", hint=exc.hint) from exc
        raise


def _rows_in(app: App, kind: str, rows: Sequence[Any], withdraw_missing: bool) -> list[Any]:
    from sdtool.desk import staff_import

    desk = app.desk
    done = 0
    with _bar(len(rows), f"{kind} import") as advance:

        def step() -> None:
            nonlocal done
            done += 1
            if not app.dry_run:
                more = "; the same command takes in the others" * (done < len(rows))
                output.stored(f"rows taken in: {done} of {len(rows)}{more}")
            advance()

        taken = staff_import.take_in(desk, kind, rows, progress=step)
    if withdraw_missing:
        present = {row.values.get("staff_number", "") for row in rows}
        taken += staff_import.left_out(desk, kind, present)
    if not app.dry_run:
        from sdtool.desk import staff_letters

        staff_letters.post(desk, [one.ticket for one in taken if one.ticket])
    return taken


@contextmanager
def _bar(length: int, label: str) -> Iterator[Callable[[], None]]:
    """Show a progress bar on a terminal, nothing elsewhere; yield the step."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda: None
        return
    bar: Any
    with click.progressbar(length=length, label=label, file=sys.stderr) as bar:
        yield lambda: bar.update(1)


def _summary_of_faults(file: str, checked: Any, check: bool) -> str:
    count = len(checked.faults)
    rows = len({finding.line for finding in checked.faults})
    said = f"{counted(count, 'fault')} in {counted(rows, 'row')} of {file}"
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
    output.echo(f"{would}{counted(rows, 'row')}: {said or 'looked at, nothing written'}{more}")


def _order() -> tuple[str, ...]:
    from sdtool.desk.staff_import import ACTIONS

    return ACTIONS
