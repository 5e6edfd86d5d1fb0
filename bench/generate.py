"""Make a desk with any number of tickets and their whole histories, through the same gate as the commands.

    python -m bench.generate desk.db --tickets 100000

The same seed gives the same people, tickets and acts (salts and recording times differ). Nothing is written
past the rules: each ticket is registered and changed by the functions that `sd` calls, so that deadlines,
pauses, search text and journal are what they would be, and `sd audit verify` passes.
"""

from __future__ import annotations

import argparse
import gc
import os
import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

from sdtool.desk import Desk, calendars, people, registration, tickets
from sdtool.rulebook import compiled
from sdtool.rules.worktime import Calendar
from sdtool.settings import Settings
from sdtool.store import create_store, open_store

UNTIL = int(datetime(2025, 11, 3, 8, 0, tzinfo=UTC).timestamp())  # a Monday, 9:00 in Brussels
A_DAY = 91  # tickets that come in, weekends counted too; a desk has been at work for 60 days to 3 years
SLICE = 2_000  # acts in a transaction
AGENTS = ("an", "bram", "celia", "dries", "els", "fatma", "geert", "hanne", "ivo", "jana", "karim", "lotte")
GROUPS = ("workplace", "network", "systems", "applications")
CATEGORIES = (
    "account", "workplace", "printer", "telephony", "network", "mail", "application", "server", "other"
)  # fmt: skip
THINGS = (
    "printer",
    "laptop",
    "scherm",
    "account",
    "mailbox",
    "telefoon",
    "wifi",
    "dossier",
    "agenda",
    "toner",
)
FAULTS = ("werkt niet", "is traag", "geeft een fout", "is geblokkeerd", "is stuk", "vraagt een wachtwoord")
PLACES = ("onthaal", "lokaal 2.14", "de bibliotheek", "het archief", "de school", "het domein", "kantoor 7")
FIRST = (
    "An",
    "Bart",
    "Chloë",
    "Dirk",
    "Emma",
    "Fatih",
    "Greet",
    "Hüseyin",
    "Inge",
    "Joris",
    "Katrien",
    "Luc",
)
LAST = (
    "Peeters",
    "Janssens",
    "Maes",
    "Jacobs",
    "Willems",
    "Çelik",
    "D'Hondt",
    "De Smet",
    "Goossens",
    "Wouters",
)
SOLUTIONS = ("herstart", "vervangen", "rechten hersteld", "wachtwoord vernieuwd", "stuurprogramma bijgewerkt")


class Step(NamedTuple):
    """One act of the plan: when, on which ticket (in order of registration), what."""

    at: int
    ticket: int
    verb: str
    args: dict[str, Any]


def life(dice: random.Random, number: int, opened: int, *, stays_open: bool) -> Iterator[Step]:
    """Yield the acts of one ticket in order; one that stays open stops somewhere before its solution."""
    at = opened

    def step(verb: str, longest: float, **args: Any) -> Step:
        nonlocal at
        at += 30 + int(dice.expovariate(1 / (longest * 3600)))
        return Step(at, number, verb, args)

    patience = dice.randrange(5) if stays_open else None
    for verb, longest, args in _handling(dice)[:patience]:
        yield step(verb, longest, **args)
    if not stays_open:
        yield from _ending(dice, step)


def _handling(dice: random.Random) -> list[tuple[str, float, dict[str, Any]]]:
    """Return what is done until the solution: the act, the mean hours before it, what it needs to know."""
    steps: list[tuple[str, float, dict[str, Any]]] = []
    if dice.random() < 0.5:
        steps.append(("take", 1.0, {"agent": dice.choice(AGENTS)}))
    if dice.random() < 0.2:
        steps.append(("assign", 3.0, {"group": dice.choice(GROUPS)}))
        steps.append(("take", 8.0, {"agent": dice.choice(AGENTS)}))
    if not steps or dice.random() < 0.5:
        steps.append(("start", 2.0, {}))
    if dice.random() < 0.25:
        party = dice.choice(("customer", "customer", "supplier", "internal"))
        steps.append(("wait", 4.0, {"party": party, "pauses": party != "internal"}))
        steps.append(("resume", 30.0, {}))
    if dice.random() < 0.05:
        steps.append(("escalate-up", 10.0, {}))
    return steps


def _ending(dice: random.Random, step: Any) -> Iterator[Step]:
    if dice.random() < 0.03:
        yield step("cancel", 8.0)
        return
    yield step("resolve", 12.0, solution=dice.choice(SOLUTIONS))
    if dice.random() < 0.04:
        yield step("reopen", 20.0)
        yield step("resolve", 20.0, solution=dice.choice(SOLUTIONS))
    if dice.random() < 0.98:
        yield step("close", 100.0)


def plan(dice: random.Random, calendar: Calendar, count: int, still_open: int, until: int) -> list[Step]:
    """Return the acts of `count` tickets in the order in which they happen.

    Tickets come in during opening hours; of the newest, `still_open` are open at the end.
    """
    since = until - min(max(count // A_DAY, 60), 3 * 365) * 86_400
    length = calendar.between(since, until)
    opened = sorted(calendar.add(since, dice.randrange(length)) for _ in range(count))
    newest = range(max(count - still_open * 2, 0), count)
    waiting = set(dice.sample(newest, min(still_open, len(newest))))
    acts: list[Step] = []
    for number, at in enumerate(opened):
        acts.append(Step(at, number, "new", {}))
        acts += life(dice, number, at, stays_open=number in waiting)
    acts = [step for step in acts if step.at < until]
    acts.sort(key=lambda step: (step.at, step.ticket))
    return acts


def _people(dice: random.Random, desk: Desk, count: int) -> list[int]:
    groups = [group.key for group in desk.rulebook.target_groups]
    numbers = []
    for number in range(count):
        first, last = dice.choice(FIRST), dice.choice(LAST)
        values = {
            "name": f"{first} {last}",
            "mail": f"persoon{number}@example.be",
            "phone": f"+32 9 267 {number // 100 % 100:02} {number % 100:02}",
            "target_group": dice.choice([*groups, *["staff"] * 10]),
            "department": dice.choice(PLACES),
        }
        numbers.append(people.add(desk, values).id)
    return numbers


def _report(dice: random.Random, caller: int, at: int) -> registration.Report:
    """Return what a customer reports; the same problem comes back with other words and places."""
    return registration.Report(
        summary=f"{dice.choice(THINGS)} {dice.choice(FAULTS)} in {dice.choice(PLACES)}",
        caller=caller,
        channel=dice.choice(("phone", "phone", "mail", "counter", "portal", "monitoring")),
        type=dice.choice(("incident", "incident", "request")),
        category=dice.choice(CATEGORIES),
        urgency=dice.choice(("critical", "high", "high", "normal", "normal", "normal", "low", "low")),
        description=" ".join(dice.choice(THINGS + FAULTS) for _ in range(dice.randrange(25))),
        at=at,
    )


def _do(dice: random.Random, desk: Desk, step: Step, callers: Sequence[int], numbers: dict[int, int]) -> None:
    """Do one act as the agent who did it; acts that its ticket no longer allows do not occur in a plan."""
    desk.now, desk.store.act = step.at, None
    desk.actor = step.args.get("agent") or dice.choice(AGENTS)
    if step.verb == "new":
        report = _report(dice, dice.choice(callers), step.at)
        numbers[step.ticket] = registration.register(desk, report).id
        return
    args, data = dict(step.args), {}
    if step.verb == "wait":
        args |= {"text": "een antwoord", "until": step.at + 3 * 86_400}
    elif step.verb in ("escalate-up", "reopen", "cancel"):
        data = {"reason": "zoals gevraagd"}
    tickets.apply(desk, numbers[step.ticket], step.verb, args, data=data)


def generate(
    path: str, count: int, *, seed: int = 1, still_open: int | None = None, until: int = UNTIL
) -> int:
    """Make the desk at `path`; return how many acts it took.

    `still_open` is by default half of the tickets, at most 2,000.
    """
    dice = random.Random(seed)
    create_store(path, f"{seed:032x}").close()
    with tempfile.TemporaryDirectory() as cache:
        book = compiled.load("", cache)
    settings = Settings(database=path, rulebook="")
    desk = Desk(open_store(path), book, settings, actor="an", source="cli", now=until)
    last = date.fromtimestamp(until).year
    calendars.sync(desk, range(last - 4, last + 3))
    callers = desk.run(lambda: _people(dice, desk, max(min(count // 20, 3000), 10)))
    clock = calendars.load(desk.store, book, "office", 0)
    acts = plan(dice, clock, count, min(count // 2, 2000) if still_open is None else still_open, until)
    numbers: dict[int, int] = {}

    def slice_of(low: int) -> None:
        for step in acts[low : low + SLICE]:
            _do(dice, desk, step, callers, numbers)

    for low in range(0, len(acts), SLICE):
        desk.run(lambda: slice_of(low))  # noqa: B023 (run at once)
    desk.store.close()
    return len(acts)


def main() -> None:
    """Read the command line and make the desk."""
    gc.disable()
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("database")
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--open", type=int, default=None, help="how many are open at the end")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    start = time.perf_counter()
    acts = generate(os.path.abspath(given.database), given.tickets, seed=given.seed, still_open=given.open)
    took = time.perf_counter() - start
    print(f"{given.tickets} tickets, {acts} acts in {took:.1f} s ({acts / took:.0f} acts/s)")


if __name__ == "__main__":
    main()
