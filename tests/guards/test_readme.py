"""The README's session answers what it says; `python -m demo.run --rewrite` writes the answers anew."""

from __future__ import annotations

import getpass
import os
import re
from pathlib import Path

import pytest

from demo import run
from docs import replay


def plain(text: str) -> str:
    """Return an answer without what differs: the login of who types it, widths, hashes."""
    login = re.escape(getpass.getuser())
    text = re.sub(rf"\b(?:{login}|root|an)\b", "LOGIN", text)
    text = re.sub(r"\b[0-9a-f]{5,64}\b", "HASH", text)
    return re.sub(r"[ \t]+", " ", text).strip()


def test_the_session_answers_what_the_readme_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the demonstration's desk, line by line."""
    monkeypatch.setattr(os, "environ", dict(os.environ))  # `prepare` changes it
    place = tmp_path / "demo"
    monkeypatch.setattr(run, "PLACE", place)
    env = run.prepare(place)
    tools = tmp_path / "tools"
    tools.mkdir()
    env |= {"PATH": replay.environment(tools)["PATH"], "SESSION_LOGIN": getpass.getuser()}
    steps = list(run.session(run.README.read_text(encoding="utf-8")))
    assert len(steps) > 5
    wrong = []
    for typed, told in steps:
        answered = run.answer(run.joined(typed), env)
        if plain(answered) != plain(told):
            wrong.append((typed, told, answered))
    assert wrong == []
