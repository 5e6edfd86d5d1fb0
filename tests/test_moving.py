"""`sd admin copy`: a desk moves from one engine to the other, and back, and is the same desk."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo import province
from demo import run as demonstration
from sdtool.desk import moving
from sdtool.store.base import Store
from tests import engines
from tests.conftest import MELDER, Sd
from tests.test_postgres import told

pytestmark = pytest.mark.postgresql("a desk that moves to it and back")
New = Callable[..., int]
PERIODS = (("--from", "2026-09-21", "--to", "2026-11-24"), ("--month", "2026-10"), ("--month", "2026-11"))
FORMATS, LANGUAGES = ("text", "html", "json", "csv", "md"), ("nl", "en")


@pytest.fixture
def url(place: Path) -> str:
    """The URL of this test's database."""
    return os.environ["SD_DATABASE"]


def test_every_table_is_copied(store: Store) -> None:
    """A table that a later step of the schema adds is not forgotten."""
    assert {*moving.TABLES, "meta"} == set(store.sizes())


def test_a_desk_moves_to_sqlite_and_back(
    sd: Sd, new: New, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts, journal, report and search are the same on each side; work goes on with the next number."""
    for number in (new("Het wachtwoord in het café"), new(), new()):
        sd("note", number, "gebeld")
    sd("merge", 1, "--into", 3)
    report = sd("report", "kpi", "--month", "2026-11").out
    there, back = str(tmp_path / "there.db"), engines.make_database(url.rsplit("/", 1)[1] + "_back")

    assert sd("admin", "copy", "--to", there).code == 0
    monkeypatch.setenv("SD_DATABASE", there)
    assert sd("report", "kpi", "--month", "2026-11").out == report
    assert sd("admin", "copy", "--to", back).code == 0
    told(sd("admin", "copy", "--to", back), 5, "holds a desk already")
    monkeypatch.setenv("SD_DATABASE", back)
    assert sd("audit", "verify").code == 0
    assert sd("report", "kpi", "--month", "2026-11").out == report
    assert [row["id"] for row in sd("search", "cafe", "--format", "json").json()] == [1]
    assert sd("cron", "run", "close").code == 0
    assert sd("new", "nog een", "--caller", MELDER, "--channel", "phone", "--type", "incident", "--category",
              "printer", "--urgency", "normal").out.startswith("SD-4 ")  # fmt: skip
    engines.drop_database(back.rsplit("/", 1)[1])


@pytest.fixture
def three(run: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, str, str]]:
    """The desk of the demonstration: in a file, copied from there to PostgreSQL, and from there to a file."""
    url = os.environ["SD_DATABASE"]
    with monkeypatch.context() as patched:
        patched.setattr(os, "environ", dict(os.environ))  # `prepare` changes it
        demonstration.prepare(place / "demo")
    stages = (str(place / "demo" / "desk.db"), url, str(place / "back.db"))
    for here, there in itertools.pairwise(stages):
        monkeypatch.setenv("SD_DATABASE", here)
        assert run("admin", "copy", "--to", there).code == 0
    yield stages


def asked(run: Sd, monkeypatch: pytest.MonkeyPatch, stages: tuple[str, ...], *words: str) -> list[str]:
    """Return what a command answers at each stage."""
    answers = []
    for stage in stages:
        monkeypatch.setenv("SD_DATABASE", stage)
        ran = run(*words, as_of=province.NOW)
        assert (ran.code, ran.err) == (0, ""), ran
        answers.append(ran.out)
    return answers


def test_the_demonstration_copied_there_and_back_reports_the_same(
    run: Sd, three: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte: each format and language of the KPI report, of whole and half-past periods."""
    for period, fmt, language in itertools.product(PERIODS, FORMATS, LANGUAGES):
        words = ("report", "kpi", *period, "--format", fmt, "--language", language)
        first, *others = asked(run, monkeypatch, three, *words)
        assert len(first) > 500
        assert others == [first, first], words


def test_the_demonstration_copied_there_and_back_verifies(
    run: Sd, three: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal holds at each stage, with the same head, and the lists and the log are the same."""
    heads = [engines.rows(stage, "select id, hash from event order by id desc limit 1") for stage in three]
    assert heads[0] == heads[1] == heads[2] != []
    for words in (("audit", "verify"), ("audit", "log", "--format", "json"), ("next", "--format", "json"),
                  ("list", "--state", "all", "--limit", "500", "--format", "json")):  # fmt: skip
        first, *others = asked(run, monkeypatch, three, *words)
        assert others == [first, first] and first, words
