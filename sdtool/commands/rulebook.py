"""`sd rulebook`: the desk's agreements."""

from __future__ import annotations

import os
from typing import Any

import click

from sdtool import output, settings
from sdtool.commands.base import App, OwnFile, format_option
from sdtool.errors import BadSetup, Conflict, NotAllowed
from sdtool.rulebook import compiled


@click.group("rulebook")
def rulebook_() -> None:
    """The desk's agreements: init, check, show."""


@rulebook_.command("init")
@click.argument(
    "path", required=False, type=OwnFile(dir_okay=False), help="Where; by default where sd looks for it."
)
@click.pass_obj
def init(app: App, path: str | None) -> None:
    """Write the shipped rulebook to a file of your own, to edit."""
    target = path or app.settings.rulebook or settings.own_rulebook()
    _, content = compiled.source("")
    if os.path.lexists(target):
        raise Conflict(f"{target} exists already: nothing was changed")
    try:
        os.makedirs(os.path.dirname(os.path.abspath(target)), exist_ok=True)
        with open(target, "xb") as file:
            file.write(content)
    except OSError as exc:
        raise NotAllowed(f"{target} cannot be written: {exc.strerror}") from exc
    output.echo(f"{target} written; edit it, then `sd rulebook check`")


@rulebook_.command("check")
@click.argument("path", required=False, type=OwnFile(), help="Which file; by default the one in use.")
@format_option
@click.pass_obj
def check(app: App, path: str | None, fmt: str) -> None:
    """List every fault of a rulebook with its line; exit 78 when there is one."""
    from sdtool.reports.sheet_check import checked as look  # it knows the KPIs of the service sheet

    name, content = compiled.source(path or app.settings.rulebook)
    _, faults = look(content)
    rows = [{"file": name, **fault._asdict()} for fault in faults]
    if fmt == "table":
        for fault in faults:
            output.echo(f"{name}:{fault.line}: {fault.level}: {fault.text}")
    else:
        output.emit(rows, (("file", "File"), ("line", "Line"), ("level", "Level"), ("text", "Text")), fmt)
    errors = sum(fault.level == "error" for fault in faults)
    if errors:
        raise BadSetup(f"{name} has {errors} fault(s)")
    if fmt == "table":
        output.echo(f"{name}: no faults" if not faults else f"{name}: usable, with {len(faults)} warning(s)")


@rulebook_.command("show")
@click.argument("section", required=False, help="Only this part, such as routes or matrices.")
@format_option
@click.pass_obj
def show(app: App, section: str | None, fmt: str) -> None:
    """Print the agreements in force, readably."""
    from sdtool.rulebook.shown import sections

    book = app.rulebook
    parts = sections(book)
    if section is not None and section not in parts:
        raise BadSetup(f"a rulebook has no part {section!r}; known are {', '.join(parts)}")
    chosen = {name: rows for name, rows in parts.items() if section in (None, name)}
    if fmt in ("json", "jsonl"):
        output.emit_one(chosen, fmt)
        return
    for name, rows in chosen.items():
        if fmt == "table":
            output.echo(output.style(name.replace("_", " ").capitalize(), "bold"), composed=True)
        output.emit(rows, _titles(rows), fmt)
        if fmt == "table" and name != list(chosen)[-1]:
            output.echo("")


def _titles(rows: list[dict[str, Any]]) -> tuple[tuple[str, str], ...]:
    return tuple((key, key.replace("_", " ").capitalize()) for key in (rows[0] if rows else {}))
