"""Rulebooks for tests: the shipped one with changes, and small ones with a matrix of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from sdtool.resources import shipped
from sdtool.rulebook import Rulebook
from sdtool.rulebook.check import check

HEAD = """
[organisation]
name = "Testdienst"
desk = "Testdesk"

[[calendars]]
key = "office"
hours.mon = ["09:00-17:00"]
hours.tue = ["09:00-17:00"]
hours.wed = ["09:00-17:00"]
hours.thu = ["09:00-17:00"]
hours.fri = ["09:00-17:00"]

[[channels]]
key = "phone"
name = "Telefoon"

[[categories]]
key = "printer"
name = "Printer"

[[groups]]
key = "desk"
name = "Desk"
line = 1

[[routes]]
name = "alles"
group = "desk"
"""


def shipped_text() -> str:
    """Return the text of the shipped rulebook."""
    return Path(shipped("templates", "rulebook.toml")).read_text(encoding="utf-8")


def changed(*changes: tuple[str, str]) -> str:
    """Return the shipped rulebook with each (old, new) replaced, the first time it occurs."""
    text = shipped_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return text


def read(text: str) -> Rulebook:
    """Return the rulebook of a text that has no faults."""
    book, faults = check(text.encode())
    assert book is not None and not faults, faults
    return book


def use(place: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    """Let `sd` use this text as its rulebook; return the file."""
    path = place / "rulebook.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("SD_RULEBOOK", str(path))
    return path


def with_matrix(
    rows: Sequence[str],
    columns: Sequence[str],
    cells: Sequence[Sequence[int]],
    targets: Mapping[int, tuple[str, str]],
) -> str:
    """Return a small rulebook: rows are target groups, columns urgencies, targets (respond, resolve)."""
    parts = [HEAD]
    parts += [f'[[target_groups]]\nkey = "{row}"\nname = "{row}"' for row in rows]
    parts += [f'[[urgencies]]\nkey = "{column}"\nname = "{column}"' for column in columns]
    parts += [f'[[priorities]]\nlevel = {level}\nname = "P{level}"' for level in targets]
    lines = [
        f'"{column}" = {{ ' + ", ".join(f'"{row}" = {cells[r][c]}' for r, row in enumerate(rows)) + " }"
        for c, column in enumerate(columns)
    ]
    parts.append("[[matrices]]\n[matrices.cells]\n" + "\n".join(lines))
    for type_ in ("incident", "request"):
        parts += [
            f'[[targets]]\ntype = "{type_}"\npriority = {level}\n'
            f'respond = "{respond}"\nresolve = "{resolve}"\ncalendar = "office"'
            for level, (respond, resolve) in targets.items()
        ]
    return "\n".join(parts) + "\n"
