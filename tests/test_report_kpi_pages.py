"""The KPI report as people get it: on screen, in a browser, by mail; hostile names in it are text."""

from __future__ import annotations

import json
import re
from datetime import date
from html.parser import HTMLParser

import pytest

from sdtool import output, render
from sdtool.reports import freeze, kpi, kpi_mail
from sdtool.reports.kpi_view import SECTIONS, document
from sdtool.reports.registry import kpis
from sdtool.rulebook import Report
from tests.kpi_world import NOVEMBER, World, world
from tests.owing import at, parsed, ticket

__all__ = ["world"]  # the fixture


# --- The registry and the words


def test_every_kpi_is_said_in_both_languages_and_shown():
    shown = {key for keys in SECTIONS.values() for key in keys}
    for key, entry in kpis(range(1, 6)).items():
        assert all(entry.label[lang] and entry.definition[lang] for lang in render.REPORT_LANGUAGES), key
        assert (
            key in shown or key.startswith(("time_to", "first_response", "backlog_")) or "attainment" in key
        )


def test_both_languages_have_the_same_words():
    given = {"first": "", "after": "", "timezone": "", "staffed": True}
    dutch, english = (render.words("report/words", lang, **given) for lang in render.REPORT_LANGUAGES)

    assert "figure" in dutch
    assert dutch.keys() == english.keys()


@pytest.mark.parametrize("language", render.REPORT_LANGUAGES)
def test_the_text_fits_eighty_columns(world, language):
    world.ticket(resolved_at="03 10:00", closed_at="10 10:00", accepted_at="02 09:10")
    world.ticket("2026-10-05 09:00", resolved_at="2026-10-28 10:00", closed_at="2026-10-29 10:00")

    lines = document(world.report(), world.book, "text", language, head=(1, "ab" * 32)).splitlines()
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("form", ["html", "text", "md"])
def test_who_reads_french_gets_the_whole_report_in_english(world, form):
    french, english = (document(world.report(), world.book, form, language) for language in ("fr", "en"))
    assert french == english


def test_marks_and_words_tell_whether_a_norm_was_met(world):
    world.ticket(resolved_at="03 10:00", resolve_due="03 11:00", escalations=1)

    text = document(world.report(), world.book, "text", "nl").replace("\xa0", " ")
    assert "    ✓ norm ≥ 90,0 %: gehaald" in text
    assert "    ✗ norm ≥ 65,0 %: niet gehaald" in text
    assert "· norm" in text  # throughput of a period in which nothing was closed: 0; reopened: no data


# --- Hostile names

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    "{{ 7*7 }}",
    "{% include 'report/kpi.txt' %}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "</td></tr></table><h1>x</h1>",
    "</style><style>*{display:none}</style>",
    "<!-- --><b>x</b>",
    "]]><i>x</i>",
    "&lt;u&gt;x&amp;",
    "<a href='javascript:alert(1)'>x</a>",
    "<iframe src=//example.org></iframe>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x.css>",
    "<meta http-equiv=refresh content=0>",
    "\u202e<b>neerhcs</b>\u200b",
    "a\r\nBcc: x@example.org",
    "| a | b |\n# x",
    "=HYPERLINK(1)",
)


class Tags(HTMLParser):
    """The tags of a page with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data):
        self.text += data


def named(world: World, name: str) -> kpi.Report:
    """Report on a desk where everything that can be named is called `name`."""
    organisation = world.book.organisation._replace(name=name, desk=name)
    groups = tuple(group._replace(name=name) for group in world.book.groups)
    categories = tuple(category._replace(name=name) for category in world.book.categories)
    world.book = world.book._replace(organisation=organisation, groups=groups, categories=categories)
    return world.report()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_in_the_page(world, name):
    world.ticket(group_key="network")
    world.ticket(group_key=name, category=name)
    world.ticket(resolved_at="03 10:00", category="printer")
    plain = Tags(document(named(world, "x"), world.book, "html", "nl"))

    page = Tags(document(named(world, name), world.book, "html", "nl"))

    assert (page.tags, page.names) == (plain.tags, plain.names)
    assert page.text.split().count("49") == plain.text.split().count("49")
    assert " ".join(name.split()) in " ".join(page.text.split())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_in_a_markdown_table(world, name):
    world.ticket(group_key="network")

    tables = [
        line
        for line in document(named(world, name), world.book, "md", "nl").splitlines()
        if "49" in line or "<" in line
    ]

    assert tables == []


@pytest.mark.parametrize("name", [*HOSTILE, "a|b", "a\\|b", "a\\", "x\x1b[31m\nrood", "総務部"])
def test_a_name_breaks_no_markdown_table(world, name):
    """Each line of a table has the cells of its first line, counted as Markdown counts them."""
    world.ticket(group_key="network")
    world.ticket(resolved_at="03 10:00", category="printer")
    page = output.safe(document(named(world, name), world.book, "md", "nl"), lines=True)

    tables = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    cells = [{re.sub(r"\\.", "", line).count("|") for line in lines} for lines in tables]

    assert cells == [{6}, {8}, {8}, {3}, {8}, {8}, {6}, {6}, {8}, {8}, {5}, {4}]
    assert all(re.fullmatch(r"(\|:?-+:?)+\|", lines[1]) for lines in tables)


def test_a_markdown_table_is_aligned_and_says_what_was_met(world):
    world.ticket(resolved_at="03 10:00", resolve_due="03 11:00", group_key="network")

    lines = document(world.report(), world.book, "md", "en").splitlines()
    at = lines.index("## Norms of the service sheet") + 2
    assert lines[at + 1].startswith("|:--") and lines[at + 1].endswith("--|")
    assert len({len(line) for line in lines[at : at + 3]}) == 1
    row = next(line for line in lines if line.startswith("| Resolved in time "))
    assert [cell.strip() for cell in row.split("|")[1:-1]] == [
        "Resolved in time", "100.0%", "1/1", "≥ 90.0%", "✓ met",
    ]  # fmt: skip


def test_the_page_fetches_nothing(world):
    page = document(world.report(), world.book, "html", "en")

    assert Tags(page).names.isdisjoint({"src", "href", "onload", "background"})
    assert "url(" not in page and "@import" not in page
    assert '<html lang="en">' in page


# --- Commands and mail


def test_json_is_as_promised(world):
    world.ticket(resolved_at="03 10:00", resolve_due="03 11:00")

    found = json.loads(json.dumps(world.report().as_dict()))
    row = next(row for row in found["kpis"] if row["key"] == "resolve_attainment")
    assert found["period"] == {"from": "2026-11-01", "to": "2026-12-01"}
    assert row == {
        "key": "resolve_attainment",
        "value": 1.0,
        "unit": "share",
        "n": 1,
        "of": 1,
        "norm": 0.9,
        "previous": None,
        "last_year": None,
        "series": [None] * 12 + [1.0],
        "better": "up",
    }


def test_the_command_reports_the_last_whole_month(sd, new):
    new(as_of="2026-10-12T09:00")

    found = sd("report", "kpi", "--format", "json").json()
    assert found["period"] == {"from": "2026-10-01", "to": "2026-11-01"}
    assert found["kpis"][0] == {
        "key": "opened",
        "value": 1,
        "unit": "count",
        "n": 1,
        "of": None,
        "norm": None,
        "previous": None,
        "last_year": None,
        "series": [None] * 12 + [1],
        "better": "",
    }


def test_to_is_the_first_day_after(sd, new):
    new(as_of="2026-11-03T09:00")
    new(as_of="2026-11-04T09:00")

    found = sd("report", "kpi", "--from", "2026-11-02", "--to", "2026-11-04", "--format", "json").json()
    assert found["kpis"][0]["value"] == 1


def test_a_real_life_is_measured(sd, new):
    """Made 9:00, waited for the customer 9:30 to 10:30, closed 11:00: one hour of work, one of waiting."""
    number = new(as_of="2026-11-03T09:00")
    for words, clock in (
        (("take",), "09:10"),
        (("wait", "--on", "customer", "--for", "Welke printer?", "--until", "vr"), "09:30"),
        (("resume",), "10:30"),
        (("close", "--solution", "Toner vervangen"), "11:00"),
    ):
        ran = sd(words[0], number, *words[1:], as_of=f"2026-11-03T{clock}")
        assert ran.code == 0, ran.err

    rows = {
        row["key"]: row["value"]
        for row in sd("report", "kpi", "--month", "2026-11", "--format", "json").json()["kpis"]
    }
    assert (rows["time_to_accept_mean_working"], rows["time_to_resolve_mean_working"]) == (600, 3600)
    assert rows["waiting_share_customer"] == 0.5


@pytest.mark.parametrize(
    "words",
    [
        ("--month", "2026-13"),
        ("--month", "2026-11", "--from", "2026-11-01"),
        ("--from", "2026-11-01"),
        ("--from", "2026-11-02", "--to", "2026-11-02"),
    ],
)
def test_a_period_that_is_none_is_a_usage_fault(sd, words):
    assert sd("report", "kpi", *words).code == 2


@pytest.mark.parametrize(
    ("fmt", "start"),
    [("text", "ICT"), ("html", "<!DOCTYPE"), ("csv", "key,"), ("md", "# KPI"), ("json", "{")],
)
def test_every_format_goes_to_a_file(sd, place, fmt, start):
    ran = sd("report", "kpi", "--format", fmt, "--out", place / "report")

    assert ran.code == 0
    assert (place / "report").read_text(encoding="utf-8").startswith(start)


def test_a_file_that_cannot_be_written_ends_with_74(sd, place):
    assert sd("report", "kpi", "--out", place / "nowhere" / "report").code == 74


def addressed(desk, *recipients: str):
    desk.rulebook = desk.rulebook._replace(reports=(Report("kpi", recipients, "nl"),))
    return desk


def test_mail_is_queued_once_a_period_and_recipient(desk):
    addressed(desk, "a@example.org")
    queued = [kpi_mail.queue_mail(desk, *NOVEMBER), kpi_mail.queue_mail(desk, *NOVEMBER)]
    addressed(desk, "a@example.org", "b@example.org")

    assert [*queued, kpi_mail.queue_mail(desk, *NOVEMBER)] == [1, 0, 1]


def test_the_mail_states_the_head_of_the_journal(desk):
    import email
    from email import policy

    from sdtool.store.journal import head

    number, hash_ = head(desk.store)
    kpi_mail.queue_mail(addressed(desk, "a@example.org"), *NOVEMBER)

    mail = email.message_from_string(desk.store.value("select message from outbox"), policy=policy.default)
    assert mail["Subject"] == "KPI-verslag november 2026 · ICT-servicedesk"
    assert all(f"{number}:{hash_}" in part.get_content() for part in mail.iter_parts())
    assert len(mail.get_body(("html",)).get_content().encode()) < 102_000  # where Gmail cuts a mail off


def test_the_mail_of_a_month_that_is_not_frozen_says_so(desk):
    """Mails leave before the month is frozen; only a whole month ever is."""
    desk.now = at("2026-10-05 09:00")
    ticket(desk)
    desk.now = at("2026-12-01 06:00")
    periods = (date(2026, 10, 1), date(2026, 11, 1)), NOVEMBER, (date(2026, 11, 2), date(2026, 11, 9))
    freeze.freeze(desk, "2026-10")
    for first, after in periods:
        kpi_mail.queue_mail(addressed(desk, "a@example.org"), first, after)

    mails = [parsed(row["message"]) for row in desk.store.query("select message from outbox order by id")]
    said = [
        ["nog niet bevroren" in mail.get_body((form,)).get_content() for form in ("plain", "html")]
        for mail in mails
    ]
    assert said == [[False, False], [True, True], [False, False]]


def test_mail_without_recipients_says_so(sd):
    ran = sd("report", "kpi", "--mail")

    assert (ran.code, "reports" in ran.err) == (78, True)
