"""The main job as an agent types it: register, plan, assign, wait, escalate, close."""

from __future__ import annotations

from collections.abc import Callable

from tests.conftest import MELDER, Sd

New = Callable[..., int]


def test_new_prints_one_line(sd: Sd) -> None:
    """Number, priority, group and both deadlines, in one line."""
    ran = sd("new", "Printer werkt niet", "--caller", MELDER, "--channel", "phone", "--type", "incident",
             "--category", "printer", "--urgency", "normal")  # fmt: skip

    assert ran.out == "SD-1  P3  servicedesk  respond by 2026-11-23 15:00  resolve by 2026-11-26 10:30\n"


def test_the_whole_walk(sd: Sd, new: New) -> None:
    """A ticket from registration to resolution, and a journal that holds."""
    number = new()
    for words in (
        ["take", number],
        ["wait", number, "--on", "customer", "--for", "serienummer", "--until", "+2wd"],
        ["resume", number],
        ["escalate", number, "--to", "workplace", "--reason", "trommel kapot"],
        ["assign", number, "workplace/els"],
        ["start", number],
        ["close", number, "--solution", "trommel vervangen", "--cause", "slijtage"],
    ):
        ran = sd(*words)
        assert ran.code == 0, (words, ran.err)

    shown = sd("show", number, "--format", "json").json()

    assert (shown["state"], shown["group"], shown["escalations"]) == ("resolved", "workplace", 1)
    assert sd("audit", "verify").code == 0
