"""Incidents that belong together and of which no problem was made, as the weekly page lists them."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from itertools import islice
from typing import NamedTuple

from sdtool.desk import Desk
from sdtool.desk.candidates import candidates as problem_candidates
from sdtool.reports.seen import MOST, Listed


class Candidate(NamedTuple):
    """Incidents that may have one cause: how many, the first of them, what they share, since when."""

    total: int
    tickets: tuple[int, ...]
    category: str
    since: int


def candidates(desk: Desk) -> Listed[Candidate]:
    """List the candidates, the most telling first."""
    found = problem_candidates(desk.store, desk.rulebook, desk.now)
    rows = (
        Candidate(one.incidents, one.tickets[:MOST], one.evidence.category, one.evidence.first_at)
        for one in found
    )
    return Listed(len(found), tuple(islice(rows, MOST)))
