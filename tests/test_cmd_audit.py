"""`sd audit`: whether the journal holds, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Sd

New = Callable[..., int]


def head(sd: Sd) -> str:
    """Return the head of the journal, N:HASH."""
    return sd("audit", "verify").out.split("head ")[1].strip()


def test_verify_says_what_holds(sd: Sd, new: New) -> None:
    """The number of events and the head, to note down elsewhere."""
    new()
    ran = sd("audit", "verify")
    assert ran.code == 0
    assert ran.out.startswith("the journal holds: 3 events, 0 anchors, head 3:")


def test_head_agrees_with_info(sd: Sd, new: New) -> None:
    """`sd admin info` names the same head."""
    new()
    assert sd("admin", "info", "--format", "json").json()["journal_head"] == head(sd)


def test_good_anchor(sd: Sd, new: New) -> None:
    """A head that was noted earlier is found again after more events."""
    noted = head(sd)
    new()
    ran = sd("audit", "verify", "--anchor", noted)
    assert (ran.code, "1 anchors" in ran.out) == (0, True)


def test_false_anchor(sd: Sd, new: New) -> None:
    """A head that is not the one noted means that history was replaced."""
    ran = sd("audit", "verify", "--anchor", "2:" + "0" * 64)
    assert (ran.code, "event 2 is not the one that was anchored outside" in ran.out) == (1, True)


@pytest.mark.parametrize("text", ["x", "2", "2:abc", ":" + "0" * 64])
def test_what_is_no_anchor(sd: Sd, text: str) -> None:
    """What cannot be a head is a usage fault, never silently no anchor."""
    assert sd("audit", "verify", "--anchor", text).code == 2


def test_anchors_from_a_log(sd: Sd, new: New, place: Path) -> None:
    """Heads are found in a log or a mail, whatever stands around them."""
    (place / "log").write_text(
        f"Nov 23 host sdtool[7]: journal {head(sd)}\nrubbish \xff\n", encoding="latin-1"
    )
    assert "1 anchors" in sd("audit", "verify", "--anchor-file", place / "log").out


def test_anchor_file_of_the_settings(sd: Sd, new: New, place: Path) -> None:
    """Each change notes its head at the end of the anchor file, and verify reads it."""
    settings = place / "config" / "sdtool" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'anchor = "{place}/anchor"')
    new(), new()
    assert len((place / "anchor").read_text().splitlines()) == 2
    assert "2 anchors" in sd("audit", "verify").out


def test_anchor_that_cannot_be_written(sd: Sd, new: New, place: Path) -> None:
    """The change is stored all the same, and the remark says what could not be done."""
    settings = place / "config" / "sdtool" / "settings.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text(f'anchor = "{place}/none/anchor"')
    ran = sd("person", "add", "Bea")
    assert (ran.code, "could not be noted" in ran.err) == (0, True)


def test_log_in_order(sd: Sd, new: New) -> None:
    """The newest events, oldest of them first."""
    number = new()
    sd("take", number)
    rows = sd("audit", "log", "--limit", "2", "--format", "json").json()
    assert [row["verb"] for row in rows] == ["new", "take"]
    assert rows[0]["id"] + 1 == rows[1]["id"]


def test_log_since_and_actor(sd: Sd, new: New) -> None:
    """Only after a number; only of one login."""
    new()
    assert [row["id"] for row in sd("audit", "log", "--since", "2", "--format", "json").json()] == [3]
    assert sd("audit", "log", "--actor", "nobody-at-all").out == ""


def test_log_shows_both_clocks(sd: Sd, new: New) -> None:
    """When it happened may be said; when it was recorded may not."""
    new(as_of="2020-01-06T10:00")
    row = sd("audit", "log", "--limit", "1", "--format", "json").json()[0]
    assert row["at"].startswith("2020-01-06T10:00") and not row["recorded_at"].startswith("2020")


def test_a_file_without_a_head_is_no_anchor(sd: Sd, place: Path) -> None:
    """Who names the wrong log must not believe that the journal was compared."""
    (place / "wrong.log").write_text("nothing here\n")

    assert sd("audit", "verify", "--anchor-file", place / "wrong.log").code == 65
