"""Whether ladders, escalations and updates agree with each other and with the rest of the rulebook."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from sdtool.rulebook import Rulebook
from sdtool.rulebook.chasing import CONDITIONS, COPIES, PROMISES, TOLD, TONES, Step, chasing
from sdtool.rulebook.read import Fault, Reader

REFERRING = ("reminder_steps", "escalations", "updates")
# what the keys of these sections may hold
KNOWN: dict[str, list[Any]] = {
    "tone": list(TONES),
    "copy": list(COPIES),
    "promise": list(PROMISES),
    "only": list(CONDITIONS),
    "tell": list(TOLD),
}


def _ladders(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    """Nobody but a customer is closed away, and not without a notice before it."""
    steps = chasing(book).reminder_steps
    for index, step in enumerate(steps):
        line = reader.line("reminder_steps", index)
        if step.tone in ("closing", "close") and step.party != "customer":
            yield Fault(line, f"a ticket is not closed because a {step.party} does not answer")
    for party in dict.fromkeys(step.party for step in steps):
        own = [(reader.line("reminder_steps", index), s) for index, s in enumerate(steps) if s.party == party]
        yield from _order(own)


def _order(steps: Sequence[tuple[int, Step]]) -> Iterator[Fault]:
    """The steps of a ladder go up, in one unit; `closing` names the day of the `close` that comes next."""
    for (_, before), (line, step) in pairwise(steps):
        if step.term <= before.term or bool(step.term[1]) != bool(before.term[1]):
            yield Fault(
                line, "each step of a ladder needs a longer term than the one above it, in the same unit"
            )
    tones = ["", *(step.tone for _, step in steps), ""]
    for (line, step), previous, following in zip(steps, tones, tones[2:], strict=False):
        if step.tone == "close" and previous != "closing":
            yield Fault(line, "closing needs a step before it that announces it, of the tone 'closing'")
        if step.tone == "closing" and following != "close":
            yield Fault(line, "this announces the day of closing: the next step needs the tone 'close'")


def _escalations(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    for index, entry in enumerate(chasing(book).escalations):
        line = reader.line("escalations", index)
        if entry.percent <= 0:
            yield Fault(line, "an escalation needs a percentage above 0, such as 75")


def _satisfaction(book: Rulebook, reader: Reader) -> Iterator[Fault]:
    asked = chasing(book).satisfaction
    if not 0 <= asked.share <= 1 or not 1 <= asked.low <= 5:
        line = reader.positions.line("satisfaction")
        yield Fault(line, "[satisfaction] needs a share from 0 to 1 and a low score from 1 to 5")


LOOKS = (_ladders, _escalations, _satisfaction)
