"""Telling the handler of a ticket that what was owed for it came."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import MELDER, Sd
from tests.rulebooks import shipped_text, use

AGENTS = '\n[[agents]]\nlogin = "an"\nmail = "an@provincie.example"\nname = "An"\n'


@pytest.fixture(autouse=True)
def agents(sd: Sd, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An handles ticket 1, which waits for its customer."""
    use(place, monkeypatch, shipped_text() + AGENTS)


def waiting(sd: Sd, *more: str) -> None:
    """Register a ticket of An's that waits."""
    words = ("--caller", MELDER, "--channel", "phone", "--type", "incident", "--category", "printer")
    assert sd("new", "Printer {{ 7*7 }}", *words, "--urgency", "normal", *more).code == 0
    assert sd("assign", 1, "/an").code == 0
    assert sd("wait", 1, "--on", "customer", "--for", "het nummer", "--until", "+2wd").code == 0


def mails(sd: Sd) -> list[tuple[str, str]]:
    """Return recipient and text of the mails that wait."""
    found = sd("mail", "queue", "--format", "json").json()
    shown = [sd("mail", "show", mail["id"], "--format", "json").json() for mail in found]
    return [(mail["recipient"], str(one)) for mail, one in zip(found, shown, strict=True)]


def test_the_handler_reads_the_answer(sd: Sd) -> None:
    """Taken in by a colleague: what was asked of whom, and the answer, as it was typed."""
    waiting(sd)
    assert sd("owed", "done", "F-1", "--text", "SN-42").code == 0
    ((recipient, text),) = mails(sd)
    assert recipient == "an@provincie.example"
    for word in ("Printer {{ 7*7 }}", "Test Melder", "het nummer", "SN-42"):
        assert word in text


def test_a_confidential_answer_is_not_in_the_mail(sd: Sd) -> None:
    """Only that there is one."""
    waiting(sd, "--confidential")
    assert sd("owed", "done", "F-1", "--text", "SN-42").code == 0
    ((recipient, text),) = mails(sd)
    assert recipient == "an@provincie.example"
    assert "vertrouwelijke melding SD-1" in text
    for word in ("Printer", "nummer", "SN-42", "Test Melder"):
        assert word not in text


def test_a_ticket_that_waits_for_more_is_not_said_to_be_back(sd: Sd) -> None:
    waiting(sd)
    assert sd("wait", 1, "--on", "supplier", "--for", "een drum", "--until", "+3wd").code == 0
    said = []
    for owed in ("F-1", "F-2"):
        assert sd("owed", "done", owed).code == 0
        said.append(["wacht nog" in text for _, text in mails(sd)])
    assert sorted(said[1]) == [False, True] and said[0] == [True]


def test_who_has_no_address_gets_none(sd: Sd) -> None:
    """Nor does who took it in."""
    waiting(sd)
    assert sd("assign", 1, "/bram").code == 0
    assert sd("owed", "done", "F-1").code == 0
    assert mails(sd) == []
