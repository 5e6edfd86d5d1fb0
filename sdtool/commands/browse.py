"""`sd browse`: a copy of the desk without names, to look around in with a browser (Datasette)."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import click

from sdtool import output
from sdtool.commands.base import App
from sdtool.errors import BadSetup

# the canned queries; figures come from the report itself, in the table `kpi`
_QUERIES = {
    "kpi_by_month": (
        "KPIs by month",
        "select month, label, value, n, of_n, norm, frozen from kpi where :key = '' or key = :key"
        " order by key, month",
    ),
    "open_by_group": (
        "Open tickets by solver group",
        "select group_key, count(*) as open, min(opened_at) as oldest,"
        " sum(state = 'waiting') as waiting from ticket where ended_at is null and test = 0"
        " group by group_key order by open desc, group_key",
    ),
    "inflow_by_month": (
        "Tickets opened by month, type and category",
        "select opened_month as month, type, category, count(*) as opened from ticket"
        " where test = 0 and state not in ('cancelled', 'merged')"
        " group by 1, 2, 3 order by 1 desc, opened desc, 2, 3",
    ),
    "owed_open": (
        "Feedback that is owed",
        "select id, ticket, kind, asked_at, due_at, step from owed where state = 'open' order by due_at, id",
    ),
    "moved_most": (
        "Tickets that changed hands or came back most",
        "select id, category, group_key, reassignments, wrong_routings, reopens from ticket"
        " where reassignments + wrong_routings + reopens > 1"
        " order by reassignments + wrong_routings + reopens desc, id desc limit 200",
    ),
}
_SETTINGS = {
    "default_allow_sql": "off",
    "allow_download": "off",
    "suggest_facets": "off",
    "max_returned_rows": "1000",
    "sql_time_limit_ms": "5000",
}


@click.command("browse")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port; by default one that is free.")
@click.option(
    "--personal",
    is_flag=True,
    help="With summaries and names of callers and agents, except those of confidential tickets.",
)
@click.pass_obj
def browse(app: App, port: int, personal: bool) -> None:
    """Look around in the desk with a browser on this machine; Ctrl-C ends it.

    A copy is served, made now and removed at the end, so nothing of the desk can be changed. It holds no
    names and no contents unless --personal. Only who has the address that is printed can open it.
    """
    if app.settings.database.startswith(("postgresql:", "postgres:")):
        raise BadSetup("sd browse reads a desk in a file; this one is on PostgreSQL, see `sd report site`")
    serve = _serve()
    app.readonly = True
    import shutil
    import tempfile

    from sdtool.store import extract

    folder = tempfile.mkdtemp(prefix="sd-browse-")  # 0700
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        copy, words = os.path.join(folder, "desk.db"), os.path.join(folder, "words.json")
        zone = app.rulebook.organisation.timezone
        extract.write(app.settings.database, copy, list(_figures(app)), personal=personal, timezone=zone)
        app.close()
        with open(words, "w", encoding="utf-8") as file:
            json.dump(_metadata(app), file)
        settings = [part for name, value in _SETTINGS.items() for part in ("--setting", name, value)]
        output.remark("open the address with the token: it works once, for the browser that opens it first")
        files = ["--immutable", copy, "--metadata", words]
        where = ["--host", "127.0.0.1", "--port", str(port or _free())]
        serve.main([*files, *where, "--root", *settings], standalone_mode=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _serve() -> Any:
    try:
        from datasette.cli import serve
    except ImportError as exc:
        raise BadSetup('sd browse needs Datasette: `pip install "sdtool[web]"`') from exc
    return serve


def _free() -> int:
    """Return a port that nobody uses."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _figures(app: App) -> Iterator[tuple[Any, ...]]:
    """Yield the KPIs of every frozen month and of the last whole one."""
    from sdtool.reports import freeze
    from sdtool.reports.period import last_month
    from sdtool.reports.registry import kpis
    from sdtool.rules.moments import day_of, parse_period

    first, _ = last_month(day_of(app.now, app.rulebook.organisation.timezone))
    held = {(row["id"] // 100, row["id"] % 100) for row in app.store.query("select id from frozen_month")}
    months = sorted({f"{year:04d}-{month:02d}" for year, month in held} | {f"{first:%Y-%m}"})
    labels = {key: entry.label["en"] for key, entry in kpis(p.level for p in app.rulebook.priorities).items()}
    for month in months:
        found, _ = freeze.shown(app.store, app.rulebook, *parse_period(month), now=app.now)
        for one in found.kpis:
            figure = (one.value, one.n, one.of, one.norm)
            label = labels.get(one.key, one.key)
            yield (month, one.key, label, one.unit, *figure, int(found.frozen_at is not None))


def _metadata(app: App) -> dict[str, Any]:
    """Return the words of the pages; only who has the token may see any of them."""
    book = app.rulebook.organisation
    made = output.local(app.now, book.timezone)
    queries = {
        name: {"title": title, "sql": sql, "params": ["key"] if ":key" in sql else []}
        for name, (title, sql) in _QUERIES.items()
    }
    return {
        "title": f"{book.desk}, {book.name}",
        "description": f"A copy of {made}, for reading. Moments are in UTC, months of the desk.",
        "allow": {"id": "root"},
        "databases": {"desk": {"queries": queries, "allow_sql": False}},
    }
