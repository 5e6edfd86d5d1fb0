"""A log of incidents as another system exports it, for the shipped map `servicenow-log`: a row a change."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator
from datetime import datetime, timedelta

HEADER = (
    "number", "incident_state", "reassignment_count", "reopen_count", "caller_id", "opened_at",
    "sys_updated_by", "sys_updated_at", "contact_type", "category", "subcategory", "u_symptom",
    "impact", "urgency", "priority", "assignment_group", "assigned_to", "closed_code", "resolved_by",
    "resolved_at", "closed_at",
)  # fmt: skip
LEVELS = ("1 - High", "2 - Medium", "3 - Low")
PRIORITIES = ("1 - Critical", "2 - High", "3 - Moderate", "4 - Low")


def write(path: str, incidents: int, seed: int = 1) -> int:
    """Write the log of so many incidents; return its number of rows."""
    dice, rows = random.Random(seed), 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        for number in range(incidents):
            lines = list(_incident(dice, f"INC{number:07}"))
            writer.writerows(lines)
            rows += len(lines)
    return rows


def _moment(at: datetime) -> str:
    return f"{at:%d/%m/%Y %H:%M}"


def _incident(dice: random.Random, number: str) -> Iterator[list[str]]:
    """Yield the rows of one incident: new, active, waiting for somebody, resolved, closed."""
    opened = datetime(2025, 1, 6, 8, 0) + timedelta(minutes=dice.randrange(200 * 24 * 60))
    states = [
        "New",
        *["Active"] * dice.randrange(1, 5),
        *["Awaiting User Info"] * dice.randrange(2),
        "Active",
    ]
    states += ["Resolved", "Closed"]
    at, moments = opened, []
    for _ in states:
        at += timedelta(minutes=1 + int(dice.expovariate(1 / 300)))
        moments.append(at)
    kind = dice.randrange(40)
    fixed = (
        "Phone", f"Category {kind}", f"Subcategory {kind * 3}", f"Symptom {dice.randrange(300)}",
        dice.choice(LEVELS), dice.choice(LEVELS), dice.choice(PRIORITIES),
    )  # fmt: skip
    caller, groups = f"Caller {dice.randrange(900)}", [f"Group {dice.randrange(20)}" for _ in range(2)]
    for place, (state, moment) in enumerate(zip(states, moments, strict=True)):
        moved = place * 2 >= len(states)
        yield [
            number, state, str(int(moved)), "0", caller, _moment(opened), f"Updated by {dice.randrange(50)}",
            _moment(moment), *fixed, groups[moved], f"Resolver {kind}" if place else "?", "code 6",
            f"Resolved by {kind}", _moment(moments[-2]), _moment(moments[-1]),
        ]  # fmt: skip
