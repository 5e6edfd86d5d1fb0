"""`sd new`: register a ticket."""

from __future__ import annotations

from typing import Any

import click

from sdtool import output
from sdtool.commands.base import App, format_option, interactive, read_text
from sdtool.commands.shown import one_line, printable
from sdtool.desk import people, registration
from sdtool.errors import NotFound, UsageFault
from sdtool.rulebook import TYPES


@click.command("new")
@click.argument("text", required=False, help="What the customer reports, in one line.")
@click.option("--caller", help="Name, mail address, phone or staff number.")
@click.option("--channel", help="How it came in: phone, mail, counter and so on.")
@click.option("--type", "type_", type=click.Choice(TYPES), help="Incident or request.")
@click.option("--category", help="What it is about (`sd rulebook show` lists them).")
@click.option("--urgency", help="How soon the customer needs it.")
@click.option("--impact", help="How far it reaches; it may shift the priority.")
@click.option(
    "--description",
    metavar="-|FILE|editor",
    help="The whole story, from standard input, a file or your editor.",
)
@click.option(
    "--at", metavar="MOMENT", help="When it came in, if not now: 10:40, gisteren 16u, 2026-11-23T10:40."
)
@click.option("--fmis", metavar="REF", help="Its number in the facility management system.")
@click.option("--confidential", is_flag=True, help="Only who registers or handles it may read it.")
@click.option("--test", is_flag=True, help="A try-out: no KPI counts it.")
@click.option(
    "--idempotency-key",
    metavar="KEY",
    help="For scripts: the same key registers once, however often it is sent; forgotten after 30 days.",
)
@format_option
@click.pass_obj
def new(
    app: App, /, text: str | None, fmt: str, type_: str | None, idempotency_key: str | None, **options: Any
) -> None:
    """Register a ticket; print number, priority, group, respond-by and resolve-by.

    \b
    sd new "Printer werkt niet" --caller test.melder@example.be \\
        --channel phone --type incident --category printer --urgency normal
    """
    given = {
        "summary": text,
        "type": type_,
        **{n: options[n] for n in ("caller", "channel", "category", "urgency")},
    }
    _complete(app, given)
    report = registration.Report(
        summary=given["summary"] or "",
        caller=_caller(app, given["caller"] or ""),
        channel=given["channel"] or "",
        type=given["type"] or "",
        category=given["category"] or "",
        urgency=given["urgency"] or "",
        impact=options["impact"] or "",
        description=read_text(options["description"], what="description", longest=registration.LONGEST_TEXT),
        at=app.moment(options["at"]) if options["at"] else None,
        fmis_ref=_reference(options["fmis"]),
        confidential=options["confidential"],
        test=options["test"],
    )
    ticket = registration.register(app.desk, report, key=idempotency_key)
    output.stored(f"Ticket {ticket.id} was registered")
    if fmt == "table":
        output.echo(one_line(app.desk, ticket))
    else:
        output.emit_one(printable(app.desk, ticket), fmt)


def _complete(app: App, given: dict[str, str | None]) -> None:
    """Ask a person for what is missing; tell a script all of it at once."""
    missing = [name for name in registration.REQUIRED if not (given[name] or "").strip()]
    if missing and interactive():
        if given["caller"]:
            given["caller"] = f"#{_caller(app, given['caller'])}"  # a wrong one is told before the questions
        for name in missing:
            given[name] = _ask_caller(app) if name == "caller" else _ask(app, name)
    elif missing:
        options = ["TEXT" if name == "summary" else f"--{name}" for name in missing]
        raise UsageFault(f"missing: {', '.join(options)}", hint="`sd new --help` shows an example")


def _ask(app: App, name: str) -> str:
    book = app.rulebook
    known: dict[str, list[str]] = {
        "channel": [c.key for c in book.channels],
        "type": list(TYPES),
        "category": [c.key for c in book.categories],
        "urgency": [u.key for u in book.urgencies],
    }
    if name not in known:
        return str(click.prompt(name.capitalize(), err=True))
    default = "normal" if name == "urgency" and "normal" in known[name] else None
    return str(click.prompt(name.capitalize(), type=click.Choice(known[name]), default=default, err=True))


def _ask_caller(app: App) -> str:
    """Ask until the directory knows the caller; what was typed before is not lost."""
    while True:
        try:
            return f"#{_caller(app, str(click.prompt('Caller', err=True)))}"
        except NotFound as exc:
            output.remark(f"{exc.message}: {exc.hint}")


def _caller(app: App, text: str) -> int:
    """Return the person's number; on a terminal one of several can be chosen."""
    try:
        return people.find_one(app.store, text).id
    except people.Ambiguous as exc:
        if not interactive():
            raise
        shown = exc.candidates[:20]
        for number, person in enumerate(shown, 1):
            output.remark(
                f"{number}. {person.name} (#{person.id}), {person.mail or person.phone or ''},"
                f" {person.department}"
            )
        chosen = click.prompt("Which one", type=click.IntRange(1, len(shown)), err=True)
        return shown[int(chosen) - 1].id


def _reference(text: str | None) -> str | None:
    if text is None:
        return None
    faults: list[str] = []
    people.check_text("FMIS reference", text, faults, longest=100)
    if faults or not text.strip():
        raise UsageFault("; ".join(faults) or "the FMIS reference is empty")
    return text.strip()
