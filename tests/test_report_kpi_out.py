"""`sd report kpi --out`: an earlier report is replaced, and nothing else ever; a report only reads."""

from __future__ import annotations

import contextlib
import os
import re
import stat
from pathlib import Path

import pytest

from sdtool.commands.base import App
from sdtool.errors import Conflict, NotAllowed
from sdtool.settings import load
from sdtool.store import outfile

FORMATS = ("text", "html", "json", "csv", "md")


def left(folder: Path) -> list[str]:
    """Return what lies in a folder besides the desk and what it keeps for itself."""
    names = (path.name for path in folder.iterdir())
    return sorted(name for name in names if not name.startswith(("desk.db", "cache")))


# --- A report takes the place of an earlier one


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("fmt", FORMATS)
def test_a_nightly_script_writes_its_own_report_anew(sd, new, place, fmt, language):
    words = ("report", "kpi", "--month", "2026-11", "--format", fmt, "--language", language, "--out")
    assert sd(*words, place / "report").code == 0
    first = (place / "report").read_text(encoding="utf-8")
    new(as_of="2026-11-03T09:00")

    assert sd(*words, place / "report").code == 0
    assert (place / "report").read_text(encoding="utf-8") != first
    assert left(place) == ["report"]


def test_a_report_may_take_the_place_of_one_in_another_format(sd, place):
    for fmt in (*FORMATS, *FORMATS):
        assert sd("report", "kpi", "--format", fmt, "--out", place / "report").code == 0


def test_a_report_keeps_the_permissions_it_was_given(sd, place):
    sd("report", "kpi", "--out", place / "report")
    (place / "report").chmod(0o640)

    sd("report", "kpi", "--out", place / "report")
    assert stat.S_IMODE((place / "report").stat().st_mode) == 0o640


def test_another_name_of_the_earlier_report_keeps_it(sd, new, place):
    sd("report", "kpi", "--month", "2026-11", "--out", place / "report")
    os.link(place / "report", place / "kept")
    new()

    sd("report", "kpi", "--month", "2026-11", "--out", place / "report")
    assert (place / "kept").read_text() != (place / "report").read_text()


# --- Everything else stays

TEXTS = (
    "",
    "notes\n",
    "# KPI report of my own\n\nwords\n",
    "<!DOCTYPE html>\n<html><head><title>KPI report</title></head></html>\n",
    '{"period": {"from": "2026-11-01"}}\n',
    "key,value\nopened,1\n",
    "KPI report\n==========\n",
    "\x00\xff",
)


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_no_report_stays(sd, place, text):
    (place / "file").write_text(text, encoding="utf-8")

    ran = sd("report", "kpi", "--out", place / "file")

    assert (ran.code, len(ran.err.splitlines())) == (5, 1)
    assert "nothing was written" in ran.err
    assert (place / "file").read_text(encoding="utf-8") == text
    assert left(place) == ["file"]


@pytest.mark.sqlite("names of its files")
@pytest.mark.parametrize("name", ["", "-wal", "-shm", "-journal", ".gate", ".cron-kpi.lock"])
def test_files_of_the_desk_are_refused_also_where_there_are_none(sd, place, monkeypatch, name):
    before = (place / "desk.db").read_bytes()
    monkeypatch.chdir(place)

    for path in (f"desk.db{name}", place / f"desk.db{name}", f"../{place.name}/desk.db{name}"):
        assert sd("report", "kpi", "--out", path).code == 5

    assert (place / "desk.db").read_bytes() == before
    assert sd("list").code == 0


def test_files_of_a_desk_reached_through_a_link_are_refused(sd, place, monkeypatch):
    (place / "there").symlink_to(place, target_is_directory=True)
    (place / "linked.db").symlink_to(place / "desk.db")
    monkeypatch.setenv("SD_DATABASE", f"sqlite:///{place}/there/linked.db")

    paths = ("desk.db-wal", "linked.db-wal", "there/desk.db-shm", "there/desk.db.gate", "linked.db.x.lock")
    assert [sd("report", "kpi", "--out", place / path).code for path in paths] == [5] * 5


def test_a_report_beside_the_desk_may_be_called_after_it(sd, place):
    assert sd("report", "kpi", "--format", "html", "--out", place / "desk.db-kpi.html").code == 0


def test_links_folders_and_pipes_are_refused(sd, place):
    sd("report", "kpi", "--out", place / "report")
    (place / "link").symlink_to(place / "report")
    (place / "nowhere").symlink_to(place / "made")
    (place / "folder").mkdir()
    os.mkfifo(place / "pipe")

    codes = [sd("report", "kpi", "--out", place / n).code for n in ("link", "nowhere", "folder", "pipe")]

    assert codes == [5] * 4
    assert left(place) == ["folder", "link", "nowhere", "pipe", "report"]
    assert os.path.islink(place / "link")


def test_a_refused_file_is_known_before_anything_is_mailed(sd, place):
    """Without recipients --mail ends with 78; the file is looked at first, also on a dry run."""
    (place / "file").write_text("notes")

    assert sd("report", "kpi", "--mail", "--out", place / "file").code == 5
    assert sd("report", "kpi", "--dry-run", "--out", place / "file").code == 5


def test_a_file_that_came_meanwhile_stays(place, monkeypatch):
    """Between the look and the name."""
    checked = outfile.check

    def slow(path, kind, database):
        found = checked(path, kind, database)
        (place / "report").write_text("somebody else's")
        return found

    monkeypatch.setattr(outfile, "check", slow)
    with pytest.raises(Conflict, match="meanwhile"):
        outfile.save(str(place / "report"), "ours", outfile.Kind("x", re.compile("")), str(place / "desk.db"))

    assert (place / "report").read_text() == "somebody else's"
    assert left(place) == ["report"]


def test_a_full_disk_leaves_the_earlier_report(sd, place, monkeypatch):
    sd("report", "kpi", "--out", place / "report")
    before = (place / "report").read_bytes()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert sd("report", "kpi", "--format", "md", "--out", place / "report").code == 74
    assert (place / "report").read_bytes() == before
    assert left(place) == ["report"]


# --- A report reads


def test_a_desk_that_is_opened_for_reading_takes_no_writes(sd):
    app = App(load(), now=0, actor=lambda database: "agent")
    app.readonly = True

    with contextlib.closing(app), pytest.raises(NotAllowed):
        app.store.execute("delete from ticket")


def test_a_report_that_would_write_is_refused(sd, monkeypatch):
    def careless(store, *arguments, **options):
        store.execute("delete from ticket")

    monkeypatch.setattr("sdtool.reports.kpi.report", careless)
    assert sd("report", "kpi").code == 77


def test_mail_is_queued_by_who_may_write(sd, place, monkeypatch):
    book = place / "rulebook.toml"
    assert sd("rulebook", "init", book).code == 0
    with open(book, "a", encoding="utf-8") as file:
        file.write('\n[[reports]]\nkey = "kpi"\nrecipients = ["a@example.org"]\n')
    monkeypatch.setenv("SD_RULEBOOK", str(book))

    ran = sd("report", "kpi", "--mail", "--out", place / "report")
    assert (ran.code, ran.out.splitlines()[0]) == (0, "KPI mails queued: 1")
    assert (place / "report").exists()
