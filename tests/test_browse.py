"""`sd browse`: a copy without names, for who has the token, and nothing left of it afterwards."""

from __future__ import annotations

import http.cookiejar
import json
import os
import re
import sqlite3
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from sdtool.commands.browse import _QUERIES
from sdtool.store import extract
from tests import engines
from tests.conftest import MELDER, Sd
from tests.waiting import PATIENCE

pytestmark = pytest.mark.sqlite("a copy of its file")


def test_the_copy_holds_no_names(sd: Sd, new, place: Path) -> None:
    """Whoever gets it may read it, and nobody else its file."""
    new("Printer van Jan Peeters stuk")

    extract.write(str(engines.own(place)), str(place / "copy.db"), [])

    content = (place / "copy.db").read_bytes()
    assert (b"Peeters" in content, MELDER.encode() in content) == (False, False)
    assert (place / "copy.db").stat().st_mode & 0o777 == 0o600


def test_months_are_those_of_the_desk(sd: Sd, new, place: Path) -> None:
    """As in the table `kpi`: what came in the first hour of a month belongs to it."""
    new(as_of="2026-11-01T00:30")

    extract.write(str(engines.own(place)), str(place / "copy.db"), [], timezone="Europe/Brussels")

    copy = sqlite3.connect(place / "copy.db")
    rows = copy.execute("select opened_at, opened_month from ticket").fetchall()
    assert rows == [("2026-10-31T23:30:00Z", "2026-11")]
    assert copy.execute(_QUERIES["inflow_by_month"][1]).fetchone()[0] == "2026-11"


def test_personal_leaves_out_what_is_confidential(sd: Sd, new, place: Path) -> None:
    """Names and summaries of the others are there."""
    new("Gewone vraag")
    new("Pestgedrag", "--confidential")

    extract.write(str(engines.own(place)), str(place / "copy.db"), [], personal=True)

    rows = sqlite3.connect(place / "copy.db").execute("select summary from who").fetchall()
    assert rows == [("Gewone vraag",)]
    assert b"Pestgedrag" not in (place / "copy.db").read_bytes()


def test_it_is_served_to_who_has_the_token(sd: Sd, new, place: Path) -> None:
    """As JSON too; not to others on the machine, no SQL of one's own, and the copy is gone at the end."""
    new("Printer stuk")
    environment = {**os.environ, "TMPDIR": str(place), "PYTHONUNBUFFERED": "1"}
    words = [sys.executable, "-m", "sdtool", "browse"]
    with subprocess.Popen(
        words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as web:
        try:
            address = opened(web)
            base = address.partition("/-/")[0]
            with pytest.raises(urllib.error.HTTPError, match="403"):
                urllib.request.urlopen(f"{base}/desk.json", timeout=PATIENCE)
            browser = urllib.request.build_opener(
                urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
            )
            browser.open(address, timeout=PATIENCE).close()
            with browser.open(f"{base}/desk/open_by_group.json?_shape=array", timeout=PATIENCE) as answer:
                assert [row["open"] for row in json.load(answer)] == [1]
            with pytest.raises(urllib.error.HTTPError, match="403"):
                browser.open(f"{base}/desk.json?sql=select+1", timeout=PATIENCE)
        finally:
            web.terminate()
            web.communicate(timeout=PATIENCE)
    assert list(place.glob("sd-browse-*")) == []


def opened(web: subprocess.Popen[str]) -> str:
    """Wait until the server runs; return the address that it printed."""
    assert web.stdout is not None
    said = ""
    while "Uvicorn running" not in said:
        line = web.stdout.readline()
        assert line, said
        said += line
    found = re.search(r"http://\S+token=\S+", said)
    assert found, said
    return found[0]


def test_without_the_extra_it_says_what_to_install(sd: Sd, monkeypatch: pytest.MonkeyPatch) -> None:
    """The web is no part of the desk."""
    monkeypatch.setitem(sys.modules, "datasette.cli", None)

    ran = sd("browse")

    assert (ran.code, 'pip install "sdtool[web]"' in ran.err) == (78, True)


def test_on_postgresql_it_says_so(run: Sd, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no file to copy."""
    monkeypatch.setenv("SD_DATABASE", "postgresql://desk.example/desk")

    ran = run("browse")

    assert (ran.code, "is on PostgreSQL" in ran.err) == (78, True)
