"""Templates to text and HTML, in the reader's language.

Data is never template source. Two environments: one escapes everything for HTML, one nothing for
text; nothing is guessed from a file's name. Both are sandboxed, and refuse a value that is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from babel import dates, numbers
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from sdtool.output import display_width, safe
from sdtool.resources import shipped

LANGUAGES = ("nl", "en", "fr")
REPORT_LANGUAGES = ("nl", "en")  # reports have more words, and fewer readers
NO_DATA = "–"
_LOCALES = {"nl": "nl_BE", "en": "en_GB", "fr": "fr_BE"}
_HOUR = {"nl": "u", "en": "h", "fr": "h"}
_AT = {"nl": "om", "en": "at", "fr": "à"}
_UNTIL = {"nl": "t.e.m.", "en": "to", "fr": "au"}
_NBSP = "\u00a0"


def html(name: str, language: str, **values: Any) -> str:
    """Render `templates/NAME.LANGUAGE.html`, else `templates/NAME.html`; every value is escaped.

    Args:
        name: such as "report/kpi".
        language: one of LANGUAGES; any other reads English. Templates see it as `language`.
        values: what the template names; pass plain values, lists and dicts, not objects with methods.

    Raises:
        jinja2.UndefinedError: the template names a value that was not given.
        jinja2.TemplateNotFound: there is no such template.
    """
    return _render(True, "html", name, language, values)


def text(name: str, language: str, **values: Any) -> str:
    """Render `templates/NAME.LANGUAGE.txt`, else `templates/NAME.txt`, as `html` does; nothing is escaped."""
    return _render(False, "txt", name, language, values)


def words(name: str, language: str, **values: Any) -> dict[str, Any]:
    """Return what `templates/NAME.LANGUAGE.txt` sets, by name; `values` is what it names itself."""
    served = known(language)
    module = (
        _environment(False).get_template(f"{name}.{served}.txt").make_module({**values, "language": served})
    )
    return {key: value for key, value in vars(module).items() if not key.startswith("_")}


def inline(page: str) -> str:
    """Move the style sheet of a page into its elements, for mail clients; nothing is fetched.

    What cannot be inlined (media queries) stays in its <style> element.
    """
    import css_inline  # only HTML mail pays for it

    inliner = css_inline.CSSInliner(load_remote_stylesheets=False, keep_at_rules=True, minify_css=True)
    return str(inliner.inline(page))


def known(language: str, offered: Container[str] = LANGUAGES) -> str:
    """Return the language in which a reader of `language` is served: English when theirs is not offered."""
    return language if language in offered else "en"


def _render(escape: bool, ending: str, name: str, language: str, values: dict[str, Any]) -> str:
    served = known(language)
    candidates = [f"{name}.{served}.{ending}", f"{name}.{ending}"]
    return _environment(escape).select_template(candidates).render({**values, "language": served})


@lru_cache(maxsize=2)
def _environment(escape: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        loader=jinja2.FileSystemLoader(shipped("templates")),
        autoescape=escape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({name: _in_language(filter_) for name, filter_ in FILTERS.items()})
    return environment


def _in_language(function: Callable[..., str]) -> Callable[..., str]:
    """Make a filter of `function(value, language, …)` that knows the language of the template."""

    @jinja2.pass_context
    def filter_(context: Context, value: Any, *args: Any, **options: Any) -> str:
        return function(value, context["language"], *args, **options)

    return filter_


# --- Values as people read them; NO_DATA for None


def number(
    value: float | None, language: str, digits: int = 0, *, sign: bool = False, fixed: bool = False
) -> str:
    """Return "1.234,5": at most `digits` decimals, or always (`fixed`); with `sign`, + or − in front."""
    if value is None:
        return NO_DATA
    pattern = "#,##0." + ("0" if fixed else "#") * digits if digits else "#,##0"
    shown = str(numbers.format_decimal(abs(value), format=pattern, locale=_LOCALES[known(language)]))
    return _signed(value, shown, sign)


def percent(value: float | None, language: str, digits: int = 1, *, sign: bool = False) -> str:
    """Return a share of 0 to 1 as "92,4 %" (with a space that does not break) or, in English, "92.4%"."""
    if value is None:
        return NO_DATA
    pattern = "0." + "0" * digits if digits else "0"
    shown = numbers.format_decimal(abs(value) * 100, format=pattern, locale=_LOCALES[known(language)])
    return _signed(value, f"{shown}{'' if known(language) == 'en' else _NBSP}%", sign)


def duration(seconds: float | None, language: str, *, sign: bool = False, days: bool = False) -> str:
    """Return "3 u 12 min" (nl) or "3 h 12 min"; seconds only below a minute, minutes below 100 hours.

    Args:
        days: count 24 hours as a day, "4 d 6 u"; not for working time, where a day is shorter.
    """
    if seconds is None:
        return NO_DATA
    size = round(abs(seconds))
    if size < 60:
        return _signed(seconds, f"{size}{_NBSP}s", sign)
    hour = _HOUR[known(language)]
    minutes = round(size / 60)
    units = (("d", 1440), (hour, 60), ("min", 1)) if days and minutes >= 2880 else ((hour, 60), ("min", 1))
    parts = []
    for name, length in units:
        count, minutes = divmod(minutes, length)
        if count:
            parts.append(f"{number(count, language)}{_NBSP}{name}")
    return _signed(seconds, " ".join(parts[:1] if size >= 360_000 and not days else parts[:2]), sign)


def day(value: date | str | None, language: str) -> str:
    """Return a date, or its ISO text, as "1 april 2016"; French writes the first of a month "1er"."""
    if value is None:
        return NO_DATA
    when = date.fromisoformat(value) if isinstance(value, str) else value
    return _dated(when, "d MMMM y", language)


def month(value: date | str | None, language: str) -> str:
    """Return the month of a date as "april 2016"."""
    if value is None:
        return NO_DATA
    when = date.fromisoformat(value) if isinstance(value, str) else value
    return str(dates.format_date(when, "MMMM y", locale=_LOCALES[known(language)]))


def moment(epoch: int | None, language: str, timezone: str = "Europe/Brussels") -> str:
    """Return a moment as "vrijdag 1 april 2016 om 10:40"; English joins with "at", French with "à"."""
    if epoch is None:
        return NO_DATA
    local = datetime.fromtimestamp(epoch, ZoneInfo(timezone))
    return f"{_dated(local.date(), 'EEEE d MMMM y', language)} {_AT[known(language)]} {local:%H:%M}"


def _dated(when: date, pattern: str, language: str) -> str:
    served = known(language)
    if served == "fr" and when.day == 1:
        pattern = pattern.replace("d ", "d'er' ", 1)
    return str(dates.format_date(when, pattern, locale=_LOCALES[served]))


def period(first: date, after: date, language: str) -> str:
    """Return the half-open period as "april 2016", "2016", or with its first and last day."""
    last = after - timedelta(days=1)
    if first.day == 1 and after == (first + timedelta(days=31)).replace(day=1):
        return month(first, language)
    if (first.month, first.day) == (1, 1) and after == first.replace(year=first.year + 1):
        return str(first.year)
    if first == last:
        return day(first, language)
    return f"{day(first, language)} {_UNTIL[known(language)]} {day(last, language)}"


def markdown(value: object, language: str) -> str:
    """Return text for a Markdown table: on one line, without what Markdown, HTML or a terminal acts on."""
    line = safe(" ".join(str(value).split()))
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return "".join(f"\\{char}" if char in "\\`*_[]#|~!" else char for char in escaped)


def left(value: object, language: str, width: int) -> str:
    """Return text of exactly `width` columns, filled up at its end or cut with an ellipsis."""
    return _fitted(value, width, before=False)


def right(value: object, language: str, width: int) -> str:
    """Return text of exactly `width` columns, filled up before it or cut with an ellipsis."""
    return _fitted(value, width, before=True)


def column(value: object, language: str, width: int) -> str:
    """Return text as the first column of `width`, whole: what is wider gets a line of its own before it."""
    line = safe(value)
    return line + "\n" + " " * width if display_width(line) > width else left(line, language, width)


def _fitted(value: object, width: int, *, before: bool) -> str:
    line = safe(value)
    if display_width(line) > width:
        while display_width(line) > width - 1:
            line = line[:-1]
        line += "…"
    blank = " " * (width - display_width(line))
    return blank + line if before else line + blank


def _signed(value: float, shown: str, sign: bool) -> str:
    """Put a minus before what is below zero, and with `sign` a plus or ± before the rest."""
    nothing = not any(digit in shown for digit in "123456789")
    if nothing:
        return f"±{shown}" if sign else shown
    if value < 0:
        return f"−{shown}"
    return f"+{shown}" if sign else shown


FILTERS: dict[str, Callable[..., str]] = {
    "number": number,
    "percent": percent,
    "duration": duration,
    "day": day,
    "month": month,
    "moment": moment,
    "markdown": markdown,
    "left": left,
    "column": column,
    "right": right,
}
