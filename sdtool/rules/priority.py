"""Priority: urgency x target group, shifted by the impact, with the reason in words."""

from __future__ import annotations

from sdtool.errors import BadSetup
from sdtool.rulebook import Rulebook, in_force
from sdtool.tuples import NamedTuple


class Derived(NamedTuple):
    """A priority level (1 the highest) and the rule that gave it."""

    level: int
    reason: str


def derive(book: Rulebook, urgency: str, target_group: str, impact: str, day: str) -> Derived:
    """Return the priority that the matrix in force on `day` (ISO) gives, impact included.

    A shifted level stays within the levels there are.

    Raises:
        BadSetup: the matrix has no cell for this pair (`sd rulebook check` finds such holes).

    Source: ITIL 4 incident management, where classification is input to priority.
    """
    matrix = in_force(list(book.matrices), day)
    cells = {(u, g): level for u, g, level in matrix.cells} if matrix else {}
    level = cells.get((urgency, target_group))
    if level is None:
        raise BadSetup(f"the priority matrix has no cell {urgency} x {target_group}; see `sd rulebook check`")
    reason = f"urgency {urgency} x target group {target_group} gives P{level}"
    shift = next((i.shift for i in book.impacts if i.key == impact), 0)
    if not shift:
        return Derived(level, reason)
    levels = sorted(p.level for p in book.priorities)
    shifted = min(max(level + shift, levels[0]), levels[-1])
    return Derived(shifted, f"{reason}; impact {impact} shifts it by {shift:+d} to P{shifted}")
