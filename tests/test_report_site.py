"""`sd report site`: a folder of pages with the figures of the report, replaced whole."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sdtool.desk import Desk
from sdtool.reports import kpi, site_charts
from sdtool.reports.kpi_view import document
from tests.conftest import MELDER, Sd
from tests.kpi_world import NOVEMBER
from tests.rulebooks import shipped_text, use

New = Callable[..., int]
NEXT = "2026-12-02T09:00"  # NOW is a day in November 2026
SECRET = "Klacht over een collega"


@pytest.fixture
def site(sd: Sd, new: New, place: Path) -> Callable[..., Path]:
    """Write the dashboard of a desk with three tickets; return the folder."""
    new("Printer <b>werkt</b> niet", as_of="2026-11-23T09:10")
    moved = new("Netwerk valt uit", category="network", as_of="2026-11-23T09:20")
    new(SECRET, "--confidential", as_of="2026-11-24T14:05")
    assert sd("assign", moved, "systems", as_of="2026-11-23T10:00").code == 0
    assert sd("close", 1, "--solution", "Nieuwe toner", as_of="2026-11-23T11:00").code == 0
    assert sd("close", moved, "--solution", "Kabel", as_of="2026-11-23T12:00").code == 0

    def write(*more: object, folder: str = "site") -> Path:
        ran = sd("report", "site", "--out", place / folder, "--month", "2026-11", *more, as_of=NEXT)
        assert ran.code == 0, ran.err
        return place / folder

    return write


def _read(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.html"))}


class _Outline(HTMLParser):
    """Headings, links and what a page would fetch."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]


def test_pages_show_the_figures_of_the_report(site: Callable[..., Path], sd: Sd):
    """Value and n/N of each KPI page are those of `sd report kpi`."""
    pages = _read(site("--language", "en"))
    told = sd("report", "kpi", "--month", "2026-11", "--format", "json", as_of=NEXT).json()["kpis"]

    figures = {one["key"]: one for one in told}
    assert f": {figures['opened']['value']}</h2>" in pages["kpi-opened.html"]
    share = figures["resolve_attainment"]
    assert f": {100 * share['value']:.1f}%</h2>" in pages["kpi-resolve_attainment.html"]
    assert f"n/N {share['n']}/{share['of']}" in pages["kpi-resolve_attainment.html"]


def test_pages_link_only_to_each_other_and_run_nothing(site: Callable[..., Path]):
    """No script, nothing from outside, every link leads somewhere, headings are in order."""
    pages = _read(site())
    for name, text in pages.items():
        outline = _Outline(text)
        assert "<script" not in text and "://" not in re.sub("http://www.w3.org/[a-z0-9/]+", "", text), name
        assert {link.partition("#")[0] for link in outline.links} <= {"", *pages}, name
        assert outline.levels[0] == 1 and outline.levels.count(1) == 1, name
        steps = zip(outline.levels, outline.levels[1:], strict=False)
        assert all(after - before <= 1 for before, after in steps), name


def test_management_sees_numbers_only(site: Callable[..., Path]):
    """No summary on any page, also not of a ticket that is not confidential."""
    whole = "".join(_read(site()).values())
    assert "SD-1" in whole
    assert "Netwerk valt uit" not in whole and SECRET not in whole


def test_coordinator_sees_what_is_not_confidential(site: Callable[..., Path]):
    """Escaped, and nothing of the caller."""
    whole = "".join(_read(site("--role", "coordinator")).values())
    assert "Printer &lt;b&gt;werkt&lt;/b&gt; niet" in whole and "<b>werkt" not in whole
    assert "(confidential)" in whole
    assert SECRET not in whole and "Test Melder" not in whole and MELDER not in whole


def test_arrivals_and_moves(site: Callable[..., Path]):
    """By hour in the desk's zone; a ticket that was routed once and assigned elsewhere moved once."""
    index = _read(site())["index.html"]
    assert re.search(r'9–10\xa0u</th><td class="s4">2</td>', index)
    assert re.search(r'14–15\xa0u</th><td class="s0">0</td><td class="s\d">1</td>', index)
    assert re.search(r'→ Systeembeheer</th><td class="n"><b>1</b>', index)


def test_a_move_that_was_undone_is_none(site: Callable[..., Path], sd: Sd):
    assert sd("reopen", 1, "--reason", "opnieuw stuk", as_of="2026-11-25T09:00").code == 0
    before = _read(site())["index.html"]
    assert sd("assign", 1, "network", as_of="2026-11-25T09:05").code == 0
    assert sd("undo", as_of="2026-11-25T09:06").code == 0
    assert sd("close", 1, "--solution", "gedaan", as_of="2026-11-25T09:07").code == 0
    moves = re.compile(r"→ [^<]*</th><td class=\"n\"><b>\d+</b>")
    assert moves.findall(_read(site(folder="again"))["index.html"]) == moves.findall(before) != []


def test_a_desk_of_french_speakers_reads_english(
    site: Callable[..., Path], place: Path, monkeypatch: pytest.MonkeyPatch
):
    """The dashboard has no words of French."""
    text = shipped_text()
    assert text.count('language = "nl"') >= 1
    use(place, monkeypatch, text.replace('language = "nl"', 'language = "fr"', 1))
    assert '<html lang="en"' in _read(site())["index.html"]


def test_same_desk_same_bytes(site: Callable[..., Path]):
    """Web servers and rsync see a change only where there is one."""
    assert _read(site()) == _read(site(folder="again"))


def test_services_are_of_now_in_a_frozen_month(site: Callable[..., Path], sd: Sd):
    """Only pages of figures that were frozen say so."""
    assert sd("report", "freeze", "--month", "2026-11", as_of="2026-12-06T09:00").code == 0
    pages = _read(site("--language", "en"))
    says = {name.partition("-")[0] for name, text in pages.items() if "frozen on 6 December 2026" in text}
    assert says == {"index.html", "kpi", "group"}


def test_a_line_of_a_service_has_a_direction_of_its_own(
    site: Callable[..., Path], place: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its page judges by that, also where of the KPI more is better."""
    line = '\n[[service_sheet]]\nkpi = "resolved"\nnorm = 5\nservice = "network"\ndirection = "<="\n'
    use(place, monkeypatch, shipped_text() + line)
    page = _read(site("--language", "en"))["service-network.html"]
    assert re.search(r"≤&nbsp;5</span>.*met|≤\xa05</span>.*met", page)


def test_without_the_library_the_tables_are_open(site: Callable[..., Path], monkeypatch: pytest.MonkeyPatch):
    """Nothing that a picture says is missing."""
    monkeypatch.setattr("sdtool.reports.charts.find_spec", lambda name: None)
    index = _read(site())["index.html"]
    assert "<svg" not in index and index.count("<details open>") == 4


def test_earlier_dashboard_is_replaced_whole(site: Callable[..., Path]):
    """Files that everybody may read; none of before stays, nothing is left beside it."""
    folder = site()
    (folder / "kpi-opened.html").write_text("old")
    assert (site() / "kpi-opened.html").read_text() != "old"
    assert os.stat(folder).st_mode & 0o777 == 0o755
    assert os.stat(folder / "index.html").st_mode & 0o777 == 0o644
    assert not list(folder.parent.glob(".site*"))


def test_other_folder_is_left_alone(site: Callable[..., Path], sd: Sd, place: Path):
    """Neither one with other files, nor a dashboard to which somebody added one, nor a link."""
    folder = site()
    (folder / "notes.txt").write_text("mine")
    (place / "other").mkdir()
    (place / "other" / "file").write_text("mine")
    (place / "link").symlink_to(place / "other")
    for name in ("site", "other", "link"):
        ran = sd("report", "site", "--out", place / name, as_of=NEXT)
        assert (ran.code, "nothing was written" in ran.err) == (5, True)
    assert (folder / "notes.txt").read_text() == (place / "other" / "file").read_text() == "mine"


def test_quiet_and_dry_runs(site: Callable[..., Path], sd: Sd, place: Path):
    """Cron mails what a job prints; a dry run writes nothing."""
    site()
    assert sd("report", "site", "-q", "--out", place / "site", as_of=NEXT).out == ""
    assert sd("report", "site", "--dry-run", "--out", place / "dry", as_of=NEXT).out.startswith("(dry run)")
    assert not (place / "dry").exists()


def test_a_dry_run_needs_a_folder_to_put_it_in(sd: Sd, place: Path):
    """It ends as the real run would."""
    out = place / "missing" / "site"
    words = ("report", "site", "--month", "2026-11", "--out", out)
    ran = [sd(*words, *more, as_of=NEXT) for more in ((), ("--dry-run",))]
    assert [one.code for one in ran] == [74, 74]


def test_mail_shows_the_picture_and_says_it(desk: Desk, new: New):
    """Once, beside HTML that names it; without the library the mail is the same but for it."""
    new(as_of="2026-11-02T09:10")
    found = kpi.report(desk.store, desk.rulebook, *NOVEMBER, timezone="Europe/Brussels", now=desk.now)
    drawn = site_charts.picture(found, desk.rulebook, "nl")
    assert drawn is not None
    assert drawn[0].startswith(b"\x89PNG") and len(drawn[0]) < 120_000
    assert "In november 2026 zijn 1 meldingen geopend" in drawn[1]
    page = document(found, desk.rulebook, "html", "nl", picture=drawn[1])
    assert page.count('src="cid:figures"') == 1 and f'alt="{drawn[1]}"' in page
    assert "cid:figures" not in document(found, desk.rulebook, "html", "nl")
