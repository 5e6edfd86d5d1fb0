"""`sd fiche edit`: the service sheet in an editor, or a new norm without one."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Sequence
from datetime import date

import click

from sdtool import output
from sdtool.commands.base import App, dry_run_option, said
from sdtool.errors import BadSetup, Conflict, Failed, Refused, UsageFault
from sdtool.rulebook import Norm, Rulebook, compiled, editing
from sdtool.rulebook.read import Fault
from sdtool.rulebook.sheet import norm_on
from sdtool.rules import moments

_BY_LINE = {"vi", "vim", "nvim", "nano", "emacs", "emacsclient", "micro", "joe", "ne", "mg", "kak", "jed"}


def told(name: str, faults: Sequence[Fault], fmt: str) -> None:
    """Print faults of a rulebook, each with file and line."""
    if fmt == "table":
        for fault in faults:
            output.echo(f"{name}:{fault.line}: {fault.level}: {fault.text}")
        return
    rows = [{"file": name, **fault._asdict()} for fault in faults]
    output.emit(rows, (("file", "File"), ("line", "Line"), ("level", "Level"), ("text", "Text")), fmt)


def day_of(app: App, text: str | None) -> date:
    """Return the day that somebody typed, today without one."""
    zone = app.rulebook.organisation.timezone
    try:
        return moments.parse_date("today" if text is None else text, app.now, zone)
    except ValueError as exc:
        raise UsageFault(str(exc)) from None


@click.command("edit")
@click.option(
    "--set",
    "norms",
    metavar="KPI=NORM",
    multiple=True,
    help="Without an editor: hold a KPI to this from a day on. What held before stays as it was.",
)
@click.option("--service", default="", help="With --set: the service; without it, the whole desk.")
@click.option("--from", "since", metavar="DATE", help="With --set: the first day; by default today.")
@dry_run_option
@click.pass_obj
def edit(app: App, norms: tuple[str, ...], service: str, since: str | None) -> None:
    """Change the service sheet: in your editor, or one norm with --set.

    The rulebook is checked before it takes the place of the old one. With faults nothing changes, and your
    text is kept.
    """
    path = app.settings.rulebook
    if not path:
        raise Refused(
            "the desk uses the rulebook as shipped, which is not edited", hint="`sd rulebook init` first"
        )
    if (service or since) and not norms:
        raise UsageFault("--service and --from go with --set")
    _, content = compiled.source(path)
    after = _with(app, content, norms, service, since) if norms else _edited(content)
    if after == content:
        said(app, "nothing was changed")
        return
    before, book = _book(content), _book(after)
    if not app.dry_run:
        editing.replace(path, content, after)
    for word, norm in editing.changes(before, book) if before and book else ():
        said(app, f"{word}: {_worded(norm)}")
    if before and book and _rest(before) != _rest(book):
        said(app, "changed: other parts of the rulebook")


def _rest(book: Rulebook) -> Rulebook:
    return book._replace(digest="", service_sheet=())


def _book(content: bytes) -> Rulebook | None:
    from sdtool.reports.sheet_check import checked

    return checked(content)[0]


def _errors(content: bytes) -> list[Fault]:
    from sdtool.reports.sheet_check import checked

    return [fault for fault in checked(content)[1] if fault.level == "error"]


def _worded(norm: Norm) -> str:
    whose = f" of {norm.service}" if norm.service else ""
    since = f" from {norm.valid_from}" if norm.valid_from else ""
    until = f" until {norm.valid_until}" if norm.valid_until else ""
    return f"{norm.kpi}{whose} {norm.direction or '='} {norm.norm:g}{since}{until}"


# --- Without an editor


def _with(app: App, content: bytes, norms: Sequence[str], service: str, since: str | None) -> bytes:
    """Return a rulebook with new lines; each has owner, public, direction and unit of the one before it."""
    day, book = _since(app, since), app.rulebook
    text = content.decode("utf-8")
    for one in norms:
        key, _, number = one.partition("=")
        before = norm_on(book, key, day, service) or Norm(key, 0.0, service=service)
        if any((n.kpi, n.service, n.valid_from) == (key, service, day) for n in book.service_sheet):
            raise Conflict(f"{key} has a norm from {day} already", hint="`sd fiche edit` changes it")
        if before.valid_until:
            raise Conflict(
                f"{key} has a norm until {before.valid_until} already", hint="`sd fiche edit` changes it"
            )
        text = editing.with_norm(text, before._replace(norm=_number(number), valid_from=day))
    after = text.encode()
    errors = _errors(after)
    if errors:
        listed = "; ".join(fault.text for fault in errors)
        raise Failed(f"nothing was changed: {listed}")
    return after


def _number(text: str) -> float:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageFault(f"{text!r} is no norm; write --set resolve_attainment=0.92")
    return value


def _since(app: App, text: str | None) -> str:
    today, day = day_of(app, None), day_of(app, text)
    if day < today:
        raise Refused(f"a norm does not change the past: --from {day} is before today, {today}")
    return day.isoformat()


# --- With an editor


def _edited(content: bytes) -> bytes:
    """Return what became of a rulebook in the editor, free of faults; `content` itself when nothing did.

    Raises:
        Failed: it has faults; the message says where the text is kept.
    """
    import tempfile

    editor = _editor()
    descriptor, copy = tempfile.mkstemp(prefix="rulebook-", suffix=".toml")
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    line = editing.place(content.decode("utf-8", "replace"))
    while True:
        _open(editor, copy, line)
        with open(copy, "rb") as file:
            after = file.read()
        errors = _errors(after) if after != content else []
        if not errors:
            os.unlink(copy)
            return after
        told(copy, errors, "table")
        if not (sys.stdin.isatty() and sys.stdout.isatty()) or not click.confirm("Edit again?", default=True):
            raise Failed(f"{len(errors)} fault(s): nothing was changed; your text is kept in {copy}")
        line = errors[0].line or line


def _editor() -> list[str]:
    """Return the words that start the editor of the environment."""
    import shlex

    wanted = next(filter(None, map(os.environ.get, ("SD_EDITOR", "VISUAL", "EDITOR"))), "vi")
    try:
        words = shlex.split(wanted)
    except ValueError:
        words = []
    if not words:
        raise BadSetup(f"{wanted!r} is no editor", hint="set EDITOR to a command, as nano")
    return words


def _open(words: list[str], path: str, line: int) -> None:
    """Let an editor have a file, at a line where it can."""
    import subprocess

    at = [f"+{line}"] if os.path.basename(words[0]) in _BY_LINE else []
    try:
        code = subprocess.call([*words, *at, path])  # noqa: S603 (the user's own editor)
    except OSError as exc:
        os.unlink(path)
        raise BadSetup(f"the editor {words[0]} cannot be started: {exc.strerror}", hint="set EDITOR") from exc
    if code:
        raise Failed(f"the editor ended with {code}: nothing was changed; your text is kept in {path}")
