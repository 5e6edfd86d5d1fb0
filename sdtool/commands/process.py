"""`sd process` and `sd lint`: what breaks a rule of its process, and like cases not treated alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from sdtool import output
from sdtool.commands.base import App, format_option
from sdtool.desk import Desk
from sdtool.errors import Failed, UsageFault
from sdtool.mail import incoming
from sdtool.reports import process as report
from sdtool.rules import moments
from sdtool.rules.demands import Case
from sdtool.rules.process import NOTICE, PROCESSES, Finding

if TYPE_CHECKING:
    from sdtool.reports.equal import Odd

_LINT = (("id", "Id"), ("priority", "P"), ("rule", "Rule"), ("since", "Since"), ("do", "Do"))
_CHECK = (*_LINT[:2], ("level", "Level"), ("rule", "Rule"), ("who", "Who"), *_LINT[3:])
_EQUAL = (("like", "Like"), ("cases", "Cases"), ("usual", "Most"), ("id", "Id"), ("got", "This one"),
          ("opened_at", "Since"), ("why", "Why"))  # fmt: skip

# of CSV, which has a header without rows too
_FINDING = (
    "record", "id", "rule", "level", "process", "source", "demand", "who", "since", "do", "priority", "state",
    "group", "agent", "summary",
)  # fmt: skip
_ODD = (
    "id", "type", "category", "target_group", "urgency", "impact", "cases", "most", "usual_priority",
    "usual_group", "priority", "group", "differs", "opened_at", "explained", "why",
)  # fmt: skip


@click.group()
def process() -> None:
    """Process control: check, equal."""


@process.command()
@click.option("--process", "process_", type=click.Choice(PROCESSES), help="Only the rules of this process.")
@click.option("--rule", metavar="KEY", default="", help="Only this rule.")
@click.option("--group", default="", help="Only tickets of this solver group.")
@click.option("--since", metavar="DATE", help="How far back to look at what ended; by default seven days.")
@format_option
@click.pass_obj
def check(app: App, process_: str | None, rule: str, group: str, since: str | None, fmt: str) -> None:
    """List what breaks a rule of its process, with who must act and what to type.

    Looked at are open tickets and problems, and those that ended lately; test tickets and cancelled ones are
    left out. Ends with 1 when something must be mended; of a notice nothing must, it is only shown.
    """
    app.readonly = True
    desk = app.desk
    if group:
        app.rulebook.group(group)
    begin = desk.now - report.LATELY if since is None else _day(app, since)
    found = report.findings(desk, report.Wanted(process_ or "", rule, group, begin))
    _print(desk, found, _CHECK, fmt)
    _answer(found, "finding(s) that somebody must act on")


@process.command()
@click.option(
    "--days", type=click.IntRange(1, 3660), default=90, show_default=True, help="How many days back."
)
@click.option(
    "--min", "least", type=click.IntRange(2), default=3, show_default=True,
    help="How many like cases there must be.",
)  # fmt: skip
@format_option
@click.pass_obj
def equal(app: App, days: int, least: int, fmt: str) -> None:
    """List cases that were not treated as most of their like.

    Alike are cases of one type, category, target group, urgency and impact. Compared are the priority and the
    solver group at registration; told is what differs, and what explains it: a reason, or the rulebook.
    """
    from sdtool.reports import equal as report

    app.readonly = True
    desk, end = app.desk, app.now + 1
    start = end - days * 86_400
    found = report.tally(desk.store, start, end)
    odd = [_odd(one, desk.timezone, fmt) for one in report.exceptions(desk, found, start, end, least)]
    columns = tuple((key, key) for key in _ODD) if fmt == "csv" else _EQUAL
    output.emit(odd, columns, fmt)
    part = report.share(found, least)
    if part.cases:
        output.remark(f"{part.alike} of {part.cases} cases treated as most of their like")


def _odd(one: Odd, zone: str, fmt: str) -> dict[str, Any]:
    if fmt == "table":
        return {
            "like": " ".join(filter(None, one.like)),
            "cases": one.cases,
            "usual": f"P{one.usual.priority} {one.usual.group} ({one.most})",
            "id": f"SD-{one.id}",
            "got": f"P{one.treated.priority} {one.treated.group}",
            "opened_at": output.local(one.opened_at, zone),
            "why": one.why if one.explained else f"{one.why}; unexplained".removeprefix("; "),
        }
    return {
        "id": one.id,
        **one.like._asdict(),
        "cases": one.cases,
        "most": one.most,
        "usual_priority": one.usual.priority,
        "usual_group": one.usual.group,
        "priority": one.treated.priority,
        "group": one.treated.group,
        "differs": list(one.differs),
        "opened_at": output.iso(one.opened_at, zone),
        "explained": one.explained,
        "why": one.why,
    }


@click.command("lint")
@format_option
@click.pass_obj
def lint(app: App, fmt: str) -> None:
    """List what you should mend, in this order, with what to type.

    That is what `sd process check` finds of your own tickets and problems, and of tickets that nobody has in
    your groups. Ends with 1 when there is something. It also says how many mails wait in `sd mail inbox`.
    """
    app.readonly = True
    desk = app.desk
    found = report.own(desk, app.rulebook.groups_of(desk.actor))
    _print(desk, found, _LINT, fmt)
    mails = incoming.count(desk.store, "kept")
    if mails:
        output.remark(f"mails that wait for a person: {mails}; `sd mail inbox` lists them")
    _answer(found, "thing(s) to mend")


def _day(app: App, text: str) -> int:
    zone = app.rulebook.organisation.timezone
    try:
        day = moments.parse_date(text, app.now, zone)
    except ValueError as exc:
        raise UsageFault(str(exc)) from None
    return moments.midnight(day, zone)


def _print(desk: Desk, found: Sequence[Finding], columns: tuple[tuple[str, str], ...], fmt: str) -> None:
    rows = [_row(desk, finding) for finding in found]
    if fmt == "table":
        for row, finding in zip(rows, found, strict=True):
            ticket = row["record"] == "ticket"
            row["id"] = f"SD-{row['id']}" if ticket else f"problem {row['id']}"
            row["since"] = output.local(finding.since, desk.timezone)
    elif fmt == "csv":
        columns = tuple((key, key) for key in _FINDING)
    output.emit(rows, columns, fmt)


def _row(desk: Desk, finding: Finding) -> dict[str, Any]:
    rule, case = finding.rule, finding.case
    ticket = case if isinstance(case, Case) else None
    return {
        "record": "problem" if ticket is None else "ticket",
        "id": case.id,
        "rule": rule.key,
        "level": rule.level,
        "process": list(rule.process),
        "source": rule.source,
        "demand": rule.en,
        "who": finding.who,
        "since": output.iso(finding.since, desk.timezone),
        "do": finding.do,
        "priority": ticket.priority if ticket else None,
        "state": case.state,
        "group": ticket.group_key if ticket else "",
        "agent": ticket.agent if ticket else getattr(case, "owner", ""),
        "summary": report.text_of(desk, case),
    }


def _answer(found: Sequence[Finding], what: str) -> None:
    """Answer with 1 when something must be mended."""
    grave = sum(finding.rule.level != NOTICE for finding in found)
    if grave:
        raise Failed(f"{grave} {what}")
