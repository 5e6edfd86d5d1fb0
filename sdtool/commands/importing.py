"""What the commands that take in lists share: their options, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from sdtool import output
from sdtool.commands.base import App, OwnFile, dry_run_option, pairs, said
from sdtool.desk import Desk

if TYPE_CHECKING:
    from sdtool.desk.records import Imported
    from sdtool.desk.sheets import Sheet


def list_options(command: Any) -> Any:
    """Add the file and the options of how to read it; they come in as `file` and `how`."""
    for option in reversed(
        (
            click.argument(
                "file",
                type=OwnFile(exists=True, dir_okay=False, allow_dash=True),
                help="CSV, XLSX, XLS or ODS; `-` is standard input.",
            ),
            click.option(
                "--map", "mapping", multiple=True, callback=pairs, metavar="HEADER=FIELD",
                help="What a column means, where its name does not tell.",
            ),
            click.option("--encoding", help="When it is not what the file seems to be."),
            click.option("--sheet", help="Which sheet of a workbook; by default the first with a header."),
            dry_run_option,
        )
    ):  # fmt: skip
        command = option(command)
    return command


def imported(
    app: App,
    names: Mapping[str, Sequence[str]],
    take_in: Callable[[Desk, Sheet], Imported],
    what: str,
    *,
    file: str,
    mapping: Mapping[str, str],
    encoding: str | None,
    sheet: str | None,
) -> None:
    """Take in a list of which `names` says what the columns may be called; say what it did."""
    from sdtool.desk.sheets import read_sheet

    found = read_sheet(file, names, mapping=mapping, encoding=encoding, sheet=sheet, rulebook="")
    if found.unknown:
        output.remark(f"not used: {', '.join(found.unknown)}")
    done = take_in(app.desk, found)
    output.stored(f"{what} were imported")
    said(app, f"{done.added} added, {done.changed} changed, {done.same} unchanged")
