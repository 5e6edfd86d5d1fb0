"""Templates are sandboxed and strict; values read as people of the language write them."""

from __future__ import annotations

from datetime import date

import jinja2
import pytest

from sdtool import render


@pytest.fixture
def template(tmp_path, monkeypatch):
    """Write a template and return the folder that `render` then reads from."""

    def write(name: str, source: str) -> None:
        (tmp_path / name).write_text(source, encoding="utf-8")

    monkeypatch.setattr(render, "shipped", lambda *_: str(tmp_path))
    render._environment.cache_clear()
    yield write
    render._environment.cache_clear()


def test_html_escapes_every_value(template):
    template("a.html", '<p title="{{ x }}">{{ x }}</p>')

    assert render.html("a", "nl", x='"><b>') == '<p title="&#34;&gt;&lt;b&gt;">&#34;&gt;&lt;b&gt;</p>'


def test_text_escapes_nothing(template):
    template("a.txt", "{{ x }}")

    assert render.text("a", "nl", x='<b> & "') == '<b> & "'


def test_the_template_of_the_language_comes_first(template):
    template("a.nl.txt", "dag")
    template("a.txt", "hello {{ language }}")

    assert (render.text("a", "nl"), render.text("a", "en")) == ("dag", "hello en")


def test_a_reader_of_another_language_reads_english(template):
    template("a.txt", "{{ 0.5 | percent }}")

    assert render.text("a", "de") == "50.0%"


def test_what_is_not_offered_in_a_language_is_read_in_english():
    assert (render.known("fr"), render.known("fr", render.REPORT_LANGUAGES)) == ("fr", "en")


def test_a_missing_value_is_an_error(template):
    template("a.txt", "{{ nowhere }}")

    with pytest.raises(jinja2.UndefinedError):
        render.text("a", "nl")


@pytest.mark.parametrize(
    "data", ["{{ 7*7 }}", "{% include 'a.txt' %}", "{# x #}", "${7*7}", "{{ x.__class__ }}"]
)
def test_template_text_in_data_is_never_run(template, data):
    template("a.txt", "{{ x }}")

    assert render.text("a", "nl", x=data) == data


@pytest.mark.parametrize("source", ["{{ x.__class__ }}", "{{ ''.__class__.__mro__ }}", "{{ x.append(1) }}"])
def test_a_template_cannot_leave_the_sandbox(template, source):
    template("a.txt", source)

    with pytest.raises((jinja2.exceptions.SecurityError, jinja2.UndefinedError)):
        render.text("a", "nl", x=[1])


def test_a_name_cannot_leave_the_templates(template):
    with pytest.raises(jinja2.TemplateNotFound):
        render.text("../rulebook", "nl")


def test_filters_know_the_language(template):
    template("a.txt", "{{ 1234.5 | number(1) }}|{{ 0.9237 | percent }}|{{ 11520 | duration }}")

    assert render.text("a", "nl") == "1.234,5|92,4\xa0%|3\xa0u 12\xa0min"
    assert render.text("a", "en") == "1,234.5|92.4%|3\xa0h 12\xa0min"
    assert render.text("a", "fr") == "1\u202f234,5|92,4\xa0%|3\xa0h 12\xa0min"


@pytest.mark.parametrize(
    ("value", "options", "shown"),
    [
        (1234567, {}, "1.234.567"),
        (2.5, {"digits": 2}, "2,5"),
        (2.5, {"digits": 2, "fixed": True}, "2,50"),
        (3, {"sign": True}, "+3"),
        (-3, {}, "−3"),
        (0, {"sign": True}, "±0"),
        (-0.001, {"digits": 1, "sign": True}, "±0"),
        (None, {}, "–"),
    ],
)
def test_numbers(value, options, shown):
    assert render.number(value, "nl", **options) == shown


@pytest.mark.parametrize(
    ("seconds", "options", "shown"),
    [
        (0, {}, "0 s"),
        (59.4, {}, "59 s"),
        (60, {}, "1 min"),
        (3599.9, {}, "1 u"),
        (11520, {}, "3 u 12 min"),
        (-11520, {"sign": True}, "−3 u 12 min"),
        (360_000 + 1800, {}, "100 u"),
        (2 * 86400 + 3 * 3600, {"days": True}, "2 d 3 u"),
        (86400, {"days": True}, "24 u"),
        (None, {}, "–"),
    ],
)
def test_durations(seconds, options, shown):
    assert render.duration(seconds, "nl", **options).replace("\xa0", " ") == shown


@pytest.mark.parametrize(
    ("first", "after", "nl", "en"),
    [
        (date(2016, 4, 1), date(2016, 5, 1), "april 2016", "April 2016"),
        (date(2016, 12, 1), date(2017, 1, 1), "december 2016", "December 2016"),
        (date(2016, 1, 1), date(2017, 1, 1), "2016", "2016"),
        (date(2016, 4, 4), date(2016, 4, 5), "4 april 2016", "4 April 2016"),
        (
            date(2016, 4, 4),
            date(2016, 4, 9),
            "4 april 2016 t.e.m. 8 april 2016",
            "4 April 2016 to 8 April 2016",
        ),
    ],
)
def test_periods_name_their_last_day(first, after, nl, en):
    assert (render.period(first, after, "nl"), render.period(first, after, "en")) == (nl, en)


def test_a_moment_is_local():
    assert render.moment(1459500000, "nl") == "vrijdag 1 april 2016 om 10:40"


@pytest.mark.parametrize(
    ("epoch", "shown"),
    [(1459500000, "vendredi 1er avril 2016 à 10:40"), (1460364000, "lundi 11 avril 2016 à 10:40")],
)
def test_french_writes_the_first_of_a_month_its_own_way(epoch, shown):
    assert render.moment(epoch, "fr") == shown


def test_a_french_period_names_its_days():
    assert render.period(date(2016, 4, 1), date(2016, 4, 9), "fr") == "1er avril 2016 au 8 avril 2016"


def test_days_and_months_take_iso_text():
    assert (render.day("2016-04-01", "en"), render.month("2016-04-01", "nl")) == (
        "1 April 2016",
        "april 2016",
    )


@pytest.mark.parametrize("text", ["kort", "een veel te lange naam", "漢字漢字漢字", "a\nb\x1b[31m"])
def test_columns_are_exactly_as_wide_as_asked(text):
    from sdtool.output import display_width

    assert display_width(render.left(text, "nl", 10)) == display_width(render.right(text, "nl", 10)) == 10


def test_a_first_column_is_never_cut():
    assert [render.column(text, "nl", 4) for text in ("ab", "abcdef")] == ["ab  ", "abcdef\n    "]


def test_markdown_is_text_on_one_line():
    assert render.markdown("a|b\n<i>`*", "nl") == "a\\|b &lt;i&gt;\\`\\*"


def test_inlining_moves_styles_and_fetches_nothing():
    page = '<html><head><style>p{color:red}</style><link rel="stylesheet" href="http://127.0.0.1:9/x.css"></head><body><p>x</p></body></html>'

    inlined = render.inline(page)

    assert '<p style="color:red">x</p>' in inlined
    assert "<style>" not in inlined
