"""Charts as SVG for a page and as PNG for a mail, drawn by Vega-Lite (`vl-convert-python`, an extra).

A chart is a specification in plain values; colours are names of the palette. In a page they are the variables
of its style sheet, so that light, dark and print each have their own; a PNG has fixed ones on white.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib.util import find_spec
from typing import Any

Spec = dict[str, Any]
WIDTH = 400  # of a chart, axes included: about a phone's, so that text stays readable there
TEXT = 14  # pixels at that width
LIGHT = {
    "ink": "#1d2733",
    "soft": "#4a5664",
    "grid": "#dde3ea",
    "one": "#1f5f99",
    "two": "#a8481a",
    "quiet": "#8391a3",
    "good": "#2e7d4f",
    "bad": "#b3402e",
}
_NUMBERS = {
    "nl": {"decimal": ",", "thousands": ".", "grouping": [3], "currency": ["", ""], "percent": "\u00a0%"},
    "en": {"decimal": ".", "thousands": ",", "grouping": [3], "currency": ["", ""], "percent": "%"},
}
_NOTHING = re.compile(r'<path(?: d="(?:M0,0h0v0h0Z)?"| display="none")+(?:/>|></path>)')
_HEAD = re.compile(r"<svg [^>]*>")
_COLOUR = re.compile(r"@(\w+)")


def installed() -> bool:
    """Tell whether the library is there; without it a page has its tables only."""
    return find_spec("vl_convert") is not None


def svg(chart: Spec, name: str, title: str, text: str, language: str) -> str:
    """Return a chart as an inline SVG: one picture to a screen reader, with a title and a description.

    Args:
        name: a word that is unique on the page, for ids.
        title, text: what it shows, and what it says in a sentence.
    """
    import vl_convert

    drawn = vl_convert.vegalite_to_svg(
        _coloured(_whole(chart), None), format_locale=_NUMBERS[language], allowed_base_urls=[]
    )
    match = _HEAD.match(drawn)
    size = re.search(r'viewBox="[^"]+"', match[0]) if match else None
    if match is None or size is None:
        raise ValueError("the library drew no SVG")
    head = (
        f'<svg {size[0]} role="img" aria-labelledby="{name}-t" aria-describedby="{name}-d" focusable="false">'
    )
    told = f'<title id="{name}-t">{escape(title)}</title><desc id="{name}-d">{escape(text)}</desc>'
    return head + told + _lean(drawn[match.end() :], name)


def png(chart: Spec, language: str) -> bytes:
    """Return a chart as PNG on white, twice as large as it is shown, made small for a mail."""
    import vl_convert

    whole = {**_whole(chart), "background": "#ffffff"}
    drawn = vl_convert.vegalite_to_png(
        _coloured(whole, LIGHT), scale=2, format_locale=_NUMBERS[language], allowed_base_urls=[]
    )
    return _packed(bytes(drawn))


def _packed(drawn: bytes) -> bytes:
    """Return a PNG with its pixels packed well: the library packs them quickly, in three times the bytes."""
    import struct
    import zlib

    pixels, rest, place = b"", [], 8
    while place < len(drawn):
        (size,), kind = struct.unpack_from(">I", drawn, place), drawn[place + 4 : place + 8]
        if kind == b"IDAT":
            pixels += drawn[place + 8 : place + 8 + size]
        else:
            rest.append(drawn[place : place + 12 + size])
        place += 12 + size
    data = b"IDAT" + zlib.compress(zlib.decompress(pixels), 9)
    whole = struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))
    return drawn[:8] + b"".join(rest[:-1]) + whole + rest[-1]


def _lean(drawn: str, name: str) -> str:
    """Leave out what a screen reader must not read twice and what only scripts need; keep ids apart."""
    bare = re.sub(r' (?:role|aria-[a-z]+|pointer-events|class)="[^"]*"', "", drawn)
    bare = _NOTHING.sub("", bare)
    bare = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', bare)
    return re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", bare)


def _coloured(value: Any, palette: Mapping[str, str] | None) -> Any:
    """Put colours in the place of their names (`@one`): those of a palette, else variables of the page."""
    if isinstance(value, dict):
        return {key: _coloured(item, palette) for key, item in value.items()}
    if isinstance(value, list):
        return [_coloured(item, palette) for item in value]
    if isinstance(value, str) and _COLOUR.fullmatch(value) and value[1:] in LIGHT:
        return f"var(--{value[1:]})" if palette is None else palette[value[1:]]
    return value


def _whole(chart: Spec) -> Spec:
    font = "Segoe UI, Helvetica, Arial, Liberation Sans, sans-serif"
    words = {"labelFontSize": TEXT, "titleFontSize": TEXT, "labelColor": "@ink", "titleColor": "@ink"}
    lines = {"gridColor": "@grid", "domainColor": "@quiet", "tickColor": "@quiet"}
    return {
        **chart,
        "background": None,
        "padding": 2,
        "config": {
            "aria": False,
            "font": font,
            "view": {"stroke": None},
            "axis": {**words, **lines, "labelFont": font, "titleFont": font},
            "legend": {
                **words,
                "orient": "top",
                "direction": "horizontal",
                "title": None,
                "symbolSize": 90,
                "symbolStrokeWidth": 2.5,
                "columnPadding": 14,
                "labelLimit": 220,
            },
            "text": {"font": font, "fontSize": TEXT, "color": "@ink"},
            "title": {"font": font, "fontSize": TEXT + 1, "color": "@ink", "anchor": "start"},
        },
    }


# --- Kinds of charts

_FIT = {"type": "fit", "contains": "padding"}


def trend(
    months: Sequence[str], bars: tuple[str, Sequence[float | None]], lines: Sequence[tuple[str, Any]]
) -> Spec:
    """Return months with bars (a name and its values) behind two lines, told apart by dash and sign."""
    rows = [{"m": i, "s": bars[0], "v": value} for i, value in enumerate(bars[1])]
    drawn = [{"m": i, "s": name, "v": v} for name, values in lines for i, v in enumerate(values)]
    names = [name for name, _ in lines]
    axes = {"x": _months(months), "y": _amounts(",.0f")}
    behind = {
        "data": {"values": rows},
        "mark": {"type": "bar", "size": 12},
        "encoding": {**axes, "color": _colours([bars[0]], ["@quiet"], "square")},
    }
    return _layered([behind, *_drawn(axes, names, drawn)])


def shares(months: Sequence[str], lines: Sequence[tuple[str, Any]], norms: Sequence[tuple[str, Any]]) -> Spec:
    """Return shares of 0 to 1 by month as lines, with the norm of each month as a dashed one."""
    drawn = [{"m": i, "s": name, "v": v} for name, values in lines for i, v in enumerate(values)]
    held = [{"m": i, "s": name, "v": v} for name, values in norms for i, v in enumerate(values)]
    names = [name for name, _ in lines]
    known = [row["v"] for row in drawn + held if row["v"] is not None]
    low = min(0.8, int(min(known, default=0) * 10) / 10)
    axes = {"x": _months(months), "y": _amounts(".0%", [low, 1])}
    layers = _drawn(axes, names, drawn)
    if any(row["v"] is not None for row in held):
        colours = _colours([name for name, _ in norms], ["@soft"] * len(norms), "stroke")
        layers.append(
            {
                "data": {"values": held},
                "mark": {"type": "line", "interpolate": "step", "strokeWidth": 2, "strokeDash": [2, 3]},
                "encoding": {**axes, "color": colours},
            }
        )
    return _layered(layers)


def _drawn(axes: Spec, names: Sequence[str], values: Sequence[Mapping[str, Any]]) -> list[Spec]:
    """Return lines with their signs, as layers."""
    return [
        {
            "data": {"values": values},
            "mark": {"type": "line", "strokeWidth": 2.5},
            "encoding": {**axes, **_lines(names)},
        },
        {
            "data": {"values": values},
            "mark": {"type": "point", "filled": True, "size": 55, "opacity": 1},
            "encoding": {**axes, **_signs(names)},
        },
    ]


def _layered(layers: Sequence[Spec]) -> Spec:
    """Return layers as one chart, of which each tells its own names."""
    return {
        "width": WIDTH,
        "height": 230,
        "autosize": _FIT,
        "layer": layers,
        "resolve": {"scale": {"color": "independent", "shape": "independent", "strokeDash": "independent"}},
    }


def ranked(rows: Sequence[tuple[str, float | None, str, float | None]], *, share: bool = False) -> Spec:
    """Return horizontal bars, each (name, value, text beside it, norm or None) with a tick at its norm."""
    data = [{"k": name, "v": value or 0, "t": text, "norm": norm} for name, value, text, norm in rows]
    y: Spec = {"field": "k", "type": "nominal", "sort": [row["k"] for row in data], "title": None}
    y["axis"] = {"domain": False, "ticks": False, "labelLimit": 150, "labelPadding": 6}
    most = 1 if share else max([1, *(value or 0 for _, value, _, _ in rows)])
    # to the right of a full bar there is room for its text
    x = {
        "field": "v",
        "type": "quantitative",
        "scale": {"domain": [0, most * (1.75 if share else 1.3)]},
        "axis": None,
    }
    layers: list[Spec] = [
        {"mark": {"type": "bar", "height": 18, "color": "@one"}, "encoding": {"x": x}},
        {
            "mark": {"type": "text", "align": "left", "dx": 7},
            "encoding": {"x": {**x, "field": "at"}, "text": {"field": "t"}},
            "transform": [
                {"calculate": "datum.norm == null ? datum.v : max(datum.v, datum.norm)", "as": "at"}
            ],
        },
    ]
    if any(row["norm"] is not None for row in data):
        tick = {
            "type": "tick",
            "thickness": 3,
            "size": 26,
            "color": "@ink",
            "opacity": 1,
            "orient": "vertical",
        }
        layers.append(
            {
                "mark": tick,
                "encoding": {"x": {**x, "field": "norm"}},
                "transform": [{"filter": "datum.norm != null"}],
            }
        )
    return {
        "width": WIDTH,
        "height": 34 * max(len(data), 1),
        "autosize": _FIT,
        "data": {"values": data},
        "encoding": {"y": y},
        "layer": layers,
    }


def below(*charts: tuple[str, Spec]) -> Spec:
    """Return charts one below the other, each under its title: one picture."""
    inner = ({k: v for k, v in chart.items() if k != "autosize"} for _, chart in charts)
    parts = [{**chart, "title": title, "width": 560} for (title, _), chart in zip(charts, inner, strict=True)]
    return {"vconcat": parts, "spacing": 26, "resolve": {"scale": {"color": "independent"}}}


def _months(labels: Sequence[str]) -> Spec:
    """Return the axis of months; so that they stay apart, each second one is named, the last one always."""
    last = len(labels) - 1
    named = {i: label for i, label in enumerate(labels) if (last - i) % 2 == 0 or last < 5}
    words = " : ".join([*(f"datum.value == {i} ? {_quoted(label)}" for i, label in named.items()), "''"])
    axis = {"labelAngle": 0, "labelExpr": words, "title": None, "ticks": False, "labelPadding": 6}
    return {"field": "m", "type": "ordinal", "axis": {**axis, "labelOverlap": False, "labelLineHeight": 16}}


def _quoted(label: str) -> str:
    """Return a label as the library writes it: each word on a line of its own."""
    return str(["".join(c for c in word if c.isalnum()) for word in label.split()])


def _amounts(form: str, domain: Sequence[float] | None = None) -> Spec:
    axis = {"title": None, "format": form, "tickCount": 5, "domain": False, "ticks": False, "labelPadding": 6}
    scale = {"zero": True, "nice": True} if domain is None else {"domain": list(domain), "nice": False}
    return {"field": "v", "type": "quantitative", "axis": axis, "scale": scale}


def _colours(names: Sequence[str], colours: Sequence[str], symbol: str = "circle") -> Spec:
    legend = {"symbolType": symbol} | ({"symbolDash": [2, 3]} if symbol == "stroke" else {})
    scale = {"domain": list(names), "range": list(colours)}
    return {"field": "s", "type": "nominal", "scale": scale, "legend": legend}


def _lines(names: Sequence[str]) -> Spec:
    colours = {"domain": list(names), "range": ["@one", "@two"]}
    dashes = {"domain": list(names), "range": [[1, 0], [7, 4]]}
    field = {"field": "s", "type": "nominal", "legend": None}
    return {"color": {**field, "scale": colours}, "strokeDash": {**field, "scale": dashes}}


def _signs(names: Sequence[str]) -> Spec:
    shapes = {"domain": list(names), "range": ["circle", "diamond"]}
    field = {"field": "s", "type": "nominal"}
    return {"color": _colours(names, ["@one", "@two"]), "shape": {**field, "scale": shapes}}
