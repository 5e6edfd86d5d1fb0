"""`sd article`: articles and work instructions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import IDS, App, dry_run_option, format_option, given, said
from sdtool.commands.importing import imported, list_options
from sdtool.desk import articles, tickets
from sdtool.desk.articles import Used

_TITLES = (
    ("id", "Nr"),
    ("title", "Title"),
    ("owner", "Owner"),
    ("review_on", "Review"),
    ("version", "Version"),
    ("uses", "Uses"),
    ("place", "Place"),
)
_REST = tuple((key, key) for key in ("overdue", "state", "reviewed_at", "made_at", "ended_at", "rev"))
_number = click.argument(
    "number", metavar="NR", type=click.IntRange(1, 2**31), help="Its number, see `sd article list`."
)
_DATE = "Date: 2027-11-23, 23/11/2027 or 23 november 2027."


@click.group("article")
def article() -> None:
    """Articles and work instructions: whose they are, when they are reviewed, who was helped."""


def _row(app: App, found: Used, fmt: str) -> dict[str, Any]:
    """Return an article as it is shown."""
    one, zone = found.article, app.desk.timezone
    moment = output.local if fmt == "table" else output.iso
    late = articles.is_overdue(one, tickets.day_of(app.now, zone))
    return {
        "id": one.id,
        "title": one.title,
        "owner": one.owner,
        "place": one.place,
        "version": one.version,
        "review_on": one.review_on,
        "overdue": late,
        "uses": found.uses,
        "state": one.state,
        "reviewed_at": moment(one.reviewed_at, zone) or None,
        "made_at": moment(one.made_at, zone),
        "ended_at": moment(one.ended_at, zone) or None,
        "rev": one.rev,
    }


def _say(app: App, act: Callable[[], articles.Article], fmt: str) -> None:
    """Do an act and say how the article stands after it: read before a dry run takes it back."""

    def work() -> tuple[articles.Article, dict[str, Any]]:
        one = act()
        (found,) = articles.listing(app.store, number=one.id, withdrawn=True)
        return one, _row(app, found, fmt)

    one, row = app.desk.run(work)
    output.stored(f"Article {one.id} was stored")
    if fmt != "table":
        output.emit_one(row, fmt)
        return
    parts = (f"article {one.id}", f"version {one.version}", f"review {one.review_on}", one.owner, one.title)
    stands = "" if one.state == "active" else f"  {one.state}"
    said(app, "  ".join(part for part in parts if part) + stands)


@article.command("add")
@click.argument("title", help="What it is called.")
@click.option("--owner", required=True, help="Login of who keeps it right; `@me` is you.")
@click.option("--place", default="", help="Where it is: an address of the web, or a path.")
@click.option("--review", default="", metavar="DATE", help=f"{_DATE} Without it, in a year.")
@format_option
@click.pass_obj
def add(app: App, title: str, owner: str, place: str, review: str, fmt: str) -> None:
    """Keep an article, or a work instruction."""
    _say(app, lambda: articles.add(app.desk, title, owner=owner, place=place, review=review), fmt)


@article.command("list")
@click.option("--overdue", is_flag=True, help="Only those whose review date is past.")
@click.option("--owner", help="Only those of this login; `@me` is you.")
@click.option("--all", "withdrawn", is_flag=True, help="Those that were withdrawn too.")
@format_option
@click.pass_obj
def list_(app: App, overdue: bool, owner: str | None, withdrawn: bool, fmt: str) -> None:
    """List articles, soonest review first; `!` is past its date."""
    before = tickets.day_of(app.now, app.rulebook.organisation.timezone) if overdue else ""
    login = app.desk.actor if owner == "@me" else owner or ""
    found = articles.listing(app.store, owner=login, before=before, withdrawn=withdrawn)
    rows = [_row(app, one, fmt) for one in found]
    for row in rows:
        if fmt == "table" and (row["overdue"] or row["state"] != "active"):
            row["review_on"] += " !" if row["overdue"] else f" ({row['state']})"
    output.emit(rows, _TITLES if fmt == "table" else _TITLES + _REST, fmt)


@article.command("show")
@_number
@format_option
@click.pass_obj
def show(app: App, number: int, fmt: str) -> None:
    """Show an article whole: the tickets it helped to handle, and what happened to it."""
    from sdtool.store import journal

    articles.get(app.store, number)
    (found,) = articles.listing(app.store, number=number, withdrawn=True)
    helped = articles.helped(app.store, number)
    row = {**_row(app, found, fmt), "tickets": helped}
    if fmt != "table":
        output.emit_one(row, fmt)
        return
    row["tickets"] = " ".join(f"SD-{ticket}" for ticket in helped)
    output.emit_one({key: value for key, value in row.items() if value not in (None, "", False)}, "table")
    for event in journal.history(app.store, articles.KIND, number):
        if event["verb"] not in ("use", "unuse"):
            at = output.local(event["at"], app.desk.timezone)
            output.echo(f"  {at}  {event['actor']}  {event['verb']}  {_told(event['data'])}".rstrip())


def _told(data: dict[str, Any]) -> str:
    """Return what an event changed, in one line."""
    return "; ".join(
        f"{name.removesuffix('_on')} {output.safe(value)}"
        for name, value in data.get("set", {}).items()
        if name in articles.NAMES and value not in (None, "")
    )


@article.command("edit")
@_number
@click.option("--title", help="What it is called.")
@click.option("--owner", help="Login of who keeps it right; `@me` is you.")
@click.option("--place", help="Where it is: an address of the web, or a path.")
@click.option("--review", "review_on", metavar="DATE", help=_DATE)
@format_option
@click.pass_obj
def edit(app: App, /, number: int, fmt: str, **values: Any) -> None:
    """Change an article; an empty value ("") clears owner or place."""
    _say(app, lambda: articles.edit(app.desk, number, given("article", values, None)), fmt)


@article.command("reviewed")
@_number
@click.option("--next", "following", default="", metavar="DATE", help=f"{_DATE} Without it, in a year.")
@click.option("--changed", is_flag=True, help="It was changed: it has a new version.")
@dry_run_option
@format_option
@click.pass_obj
def reviewed(app: App, number: int, following: str, changed: bool, fmt: str) -> None:
    """Note that an article was read and is right, and when it is read again."""
    _say(app, lambda: articles.reviewed(app.desk, number, following=following, changed=changed), fmt)


@article.command("withdraw")
@_number
@dry_run_option
@format_option
@click.pass_obj
def withdraw(app: App, number: int, fmt: str) -> None:
    """Withdraw an article that holds no more; what it was used for stays."""
    _say(app, lambda: articles.withdraw(app.desk, number), fmt)


@article.command("use")
@_number
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets that it helped to handle.")
@dry_run_option
@click.pass_obj
def use(app: App, number: int, numbers: list[int]) -> None:
    """Note that an article helped to handle tickets; `sd close --article` does so too."""
    said(app, f"article {number}: {_counted(articles.use(app.desk, number, numbers))} added")


@article.command("unuse")
@_number
@click.argument("numbers", metavar="IDS", type=IDS, help="Tickets that it did not help to handle.")
@dry_run_option
@click.pass_obj
def unuse(app: App, number: int, numbers: list[int]) -> None:
    """Take back that an article was used for tickets."""
    said(app, f"article {number}: {_counted(articles.unuse(app.desk, number, numbers))} taken off")


def _counted(numbers: list[int]) -> str:
    return "no ticket" if not numbers else ", ".join(f"SD-{number}" for number in numbers[:20])


@article.command("import")
@list_options
@click.pass_obj
def import_(app: App, /, **how: Any) -> None:
    """Add or change articles from a list: all of them, or none.

    Its columns are title, owner, place, review date and version, in Dutch, French or English; they are
    matched by title. A row without a review date gets one in a year, or keeps what it had.
    """
    imported(app, articles.NAMES, articles.import_sheet, "The articles", **how)
