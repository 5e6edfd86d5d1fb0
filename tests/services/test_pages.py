"""Pages and HTML mails in a real browser: on a desk and on a phone, by day and in the dark.

One browser looks at all of them: a page of ours holds each in a frame of its own width, measures, and writes
down what it found.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Sd

BROWSER = shutil.which("chromium")
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
)  # fmt: skip
WIDTHS = {"desk": 1280, "phone": 390}
DARK = "@media (prefers-color-scheme: dark)"
MEASURE = """
const number = (text) => text.match(/[\\d.]+/g).map(Number);
function light([r, g, b]) {
  const part = (v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
}
function over(top, below) {
  const a = top[3] === undefined ? 1 : top[3];
  return [0, 1, 2].map((i) => top[i] * a + below[i] * (1 - a));
}
function ground(win, element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement)
    layers.unshift(number(win.getComputedStyle(at).backgroundColor));
  return layers.reduce((below, top) => over(top, below), [255, 255, 255]);
}
function look(frame) {
  const win = frame.contentWindow, doc = frame.contentDocument, root = doc.documentElement, found = {};
  doc.querySelectorAll("details").forEach((one) => { one.open = true; });
  found.overflow = Math.max(root.scrollWidth, doc.body.scrollWidth) - root.clientWidth;
  found.silent = [...doc.querySelectorAll("img, svg")].filter((one) => one.tagName === "IMG" ? !one.alt
    : one.getAttribute("role") !== "img" || !doc.getElementById(one.getAttribute("aria-labelledby"))).length;
  found.pictures = doc.querySelectorAll("img, svg").length;
  found.texts = 0; found.pale = []; found.small = []; found.split = [];
  const walk = doc.createTreeWalker(doc.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const text = walk.currentNode.data.trim(), element = walk.currentNode.parentElement;
    if (!text || !element.getClientRects().length || element.closest("title, desc, style")) continue;
    const style = win.getComputedStyle(element), below = ground(win, element);
    const drawn = element instanceof win.SVGElement;
    const ink = light(over(number(drawn ? style.fill : style.color), below)), paper = light(below);
    const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
    const size = parseFloat(style.fontSize) * (drawn ? element.getScreenCTM().a : 1);
    found.texts += 1;
    if (ratio < 4.5) found.pale.push([text.slice(0, 40), Math.round(ratio * 100) / 100]);
    if (size < 11) found.small.push([text.slice(0, 40), size]);
    const range = doc.createRange();
    range.selectNodeContents(walk.currentNode);
    const whole = /^(SD-\\d+|melding|ticket)$/.test(text);
    if (whole && range.getClientRects().length > 1) found.split.push(text);
  }
  return found;
}
addEventListener("load", () => {
  const found = {};
  document.querySelectorAll("iframe").forEach((frame) => { found[frame.name] = look(frame); });
  document.body.innerHTML = "";
  const out = document.createElement("pre");
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
"""

pytestmark = [
    pytest.mark.service,
    pytest.mark.skipif(BROWSER is None, reason="Chromium is not installed"),
]


def seen(folder: Path, pages: dict[str, str]) -> dict[str, Any]:
    """Return what a browser finds in each page, by name and width."""
    frames = [
        f'<iframe name="{name} {screen}" width="{width}" height="900" srcdoc="{html.escape(page)}"></iframe>'
        for name, page in pages.items()
        for screen, width in WIDTHS.items()
    ]
    whole = f"<!DOCTYPE html><meta charset='utf-8'><body>{''.join(frames)}<script>{MEASURE}</script>"
    (folder / "frames.html").write_text(whole, encoding="utf-8")
    words = [str(BROWSER), *QUIET, f"--user-data-dir={folder / 'profile'}", "--dump-dom"]
    ran = subprocess.run(
        [*words, f"file://{folder / 'frames.html'}"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    match = re.search(r"<pre>(.*)</pre>", ran.stdout, re.DOTALL)
    assert match, ran.stderr
    found: dict[str, Any] = json.loads(html.unescape(match[1]))
    return found


def written(sd: Sd, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield pages by name: of a dashboard in both lights, mails with and without their styles."""
    at, month = "2026-12-02T09:00", ("--month", "2026-11")
    assert sd("report", "site", "--out", folder / "site", *month, "--role", "coordinator", as_of=at).code == 0
    for name in ("index", "kpi-resolve_attainment", "group-servicedesk"):
        page = (folder / "site" / f"{name}.html").read_text(encoding="utf-8")
        assert page.count(DARK) == 1
        yield f"{name} light", page.replace(DARK, "@media not all")
        yield f"{name} dark", page.replace(DARK, "@media all")
    for name, period in (("kpi", month), ("operations", ())):
        ran = sd("report", name, *period, "--format", "html", as_of=at)
        assert ran.code == 0, ran.err
        yield f"{name} mail", ran.out
        yield f"{name} bare", re.sub(r"<style.*?</style>", "", ran.out, flags=re.DOTALL)


def test_every_page_can_be_read(sd: Sd, new: Any, tmp_path: Path) -> None:
    """Nothing wider than the screen, pale or tiny; every picture says what it shows.

    A mail without its styles, as some readers show it, has the width of a desk only.
    """
    for day, hour in ((2, 9), (3, 14), (23, 9), (24, 16)):
        new("Scherm van de vergaderzaal blijft zwart", as_of=f"2026-11-{day:02}T{hour:02}:10")
    sd("assign", 2, "network", as_of="2026-11-03T15:00")
    sd("close", "1-3", "--solution", "Kabel vervangen", as_of="2026-11-23T11:00")

    found = seen(tmp_path, dict(written(sd, tmp_path)))

    assert len(found) == 20 and all(one["texts"] > 20 for one in found.values())
    assert found["index light desk"]["pictures"] == 4
    faults = {
        name: {key: one[key] for key in ("overflow", "silent", "pale", "small", "split") if one[key]}
        for name, one in found.items()
        if not name.endswith("bare phone")
    }
    assert {name: fault for name, fault in faults.items() if fault} == {}
