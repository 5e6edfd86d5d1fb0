"""How tickets hang together: links without circles, merging and taking apart."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sdtool.rules.lifecycle import LINKS
from tests.conftest import Sd

New = Callable[..., int]


@pytest.fixture
def three(new: New) -> tuple[int, int, int]:
    """Three open tickets."""
    return new("een"), new("twee"), new("drie")


def links(sd: Sd, number: int) -> list[str]:
    """Return the links of a ticket as they are shown."""
    shown: list[str] = sd("show", number, "--format", "json").json()["links"]
    return shown


@pytest.mark.parametrize("kind", LINKS)
def test_link_shows_on_both_sides(sd: Sd, three: tuple[int, int, int], kind: str) -> None:
    """A link is seen from both tickets, and goes away when it is taken away."""
    one, two, _ = three
    assert sd("link", one, kind, two).out == f"SD-{one} {kind} SD-{two}\n"
    assert links(sd, one) == links(sd, two) == [f"{one} {kind} {two}"]
    assert sd("unlink", one, kind, two).code == 0
    assert links(sd, one) == links(sd, two) == []


@pytest.mark.parametrize("kind", LINKS)
def test_no_circles(sd: Sd, three: tuple[int, int, int], kind: str) -> None:
    """A link that would close a circle is refused, over one, two or three tickets."""
    one, two, three_ = three
    sd("link", one, kind, two)
    sd("link", two, kind, three_)
    codes = [sd("link", a, kind, b).code for a, b in ((one, one), (two, one), (three_, one))]
    assert codes == [3, 3, 3]


def test_other_kinds_make_no_circle(sd: Sd, three: tuple[int, int, int]) -> None:
    """A circle is one of links of the same kind."""
    one, two, _ = three
    sd("link", one, "part-of", two)
    assert sd("link", two, "blocks", one).code == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("link", "1", "part-of", "2"), 5, "ticket 1 is part-of 2 already"),
        (("unlink", "2", "part-of", "1"), 4, "ticket 2 is not part-of 1"),
        (("link", "1", "part-of", "99"), 4, "there is no ticket 99"),
        (("link", "99", "part-of", "1"), 4, "there is no ticket 99"),
        (("link", "1", "cousin-of", "2"), 2, "cousin-of"),
    ],
)
def test_links_that_cannot_be(sd: Sd, new: New, words: tuple[str, ...], code: int, said: str) -> None:
    """Each kind of mistake has its own exit code, and leaves no trace."""
    new(), new()
    sd("link", 1, "part-of", 2)
    ran = sd(*words)
    assert (ran.code, said in ran.err) == (code, True)
    assert links(sd, 1) == ["1 part-of 2"]


def test_open_sub_ticket_keeps_open(sd: Sd, three: tuple[int, int, int]) -> None:
    """A ticket with an open sub-ticket is not closed; the refusal names the sub-ticket."""
    whole, part, _ = three
    sd("link", part, "part-of", whole)
    ran = sd("close", whole, "--solution", "klaar")
    assert (ran.code, f"close or unlink {part} first" in ran.err) == (3, True)
    sd("close", part, "--solution", "klaar")
    assert sd("close", whole, "--solution", "klaar").code == 0


def test_whole_and_parts_close_together(sd: Sd, three: tuple[int, int, int]) -> None:
    """Named together in any order, sub-tickets close before what they are part of."""
    whole, part, leaf = three
    sd("link", part, "part-of", whole)
    sd("link", leaf, "part-of", part)
    ran = sd("close", f"{whole},{part},{leaf}", "--solution", "klaar", "--format", "json")
    assert [row["id"] for row in ran.json()] == [whole, part, leaf]


def test_merge_ends_and_points(sd: Sd, three: tuple[int, int, int]) -> None:
    """Merged tickets end, point to the one that stays, and refuse further work."""
    one, two, head = three
    assert sd("merge", f"{one},{two}", "--into", head).code == 0
    shown = sd("show", one, "--format", "json").json()
    assert (shown["state"], shown["merged_into"]) == ("merged", head)
    ran = sd("take", one)
    assert (ran.code, f"merged into {head}; `sd unmerge {one}`" in ran.err) == (5, True)


def test_unmerge_opens_again(sd: Sd, three: tuple[int, int, int]) -> None:
    """What was merged comes out as it went in, and its clock did not run meanwhile."""
    one, head, _ = three
    due = sd("show", one, "--format", "json").json()["resolve_by"]
    sd("merge", one, "--into", head, as_of="2026-11-23T11:00")
    sd("unmerge", one, as_of="2026-11-24T11:00")
    shown = sd("show", one, "--format", "json").json()
    assert (shown["state"], shown["merged_into"]) == ("new", None)
    assert (due[:16], shown["resolve_by"][:16]) == ("2026-11-26T10:30", "2026-11-27T10:30")


@pytest.mark.parametrize(
    ("before", "words", "code", "said"),
    [
        ([], "merge 1 --into 1", 2, "into itself"),
        ([], "merge 1,2 --into 2", 2, "into itself"),
        ([], "merge 1 --into 99", 4, "no ticket 99"),
        (["merge 2 --into 3"], "merge 1 --into 2", 3, "ticket 2 is merged"),
        (["cancel 2 --reason x"], "merge 1 --into 2", 3, "ticket 2 is cancelled"),
        (["merge 1 --into 2"], "merge 2 --into 3", 3, "holds 1 merged ticket"),
        (["link 2 part-of 1"], "merge 1 --into 3", 3, "has open sub-tickets: close or unlink 2 first"),
        (["close 1 --solution x"], "merge 1 --into 2", 5, "is resolved already"),
        (["merge 1 --into 2"], "merge 1 --into 3", 5, "was merged into 2"),
        ([], "unmerge 1", 5, "cannot be unmerged"),
    ],
)
def test_merges_that_cannot_be(
    sd: Sd, three: tuple[int, int, int], before: list[str], words: str, code: int, said: str
) -> None:
    """Merging never hides a ticket in one that is itself gone, nor leaves one behind."""
    for line in before:
        assert sd(*line.split()).code == 0
    ran = sd(*words.split())
    assert (ran.code, said in ran.err) == (code, True)


def test_merge_is_all_or_nothing(sd: Sd, three: tuple[int, int, int]) -> None:
    """When one of several cannot be merged, none is."""
    one, two, head = three
    sd("close", two, "--solution", "x")
    assert sd("merge", f"{one},{two}", "--into", head).code == 5
    assert sd("show", one, "--format", "json").json()["state"] == "new"


def test_merge_dry_run(sd: Sd, three: tuple[int, int, int]) -> None:
    """A dry run shows the merge and changes nothing."""
    one, head, _ = three
    assert "(dry run) SD-1  P3  merged" in sd("merge", one, "--into", head, "--dry-run").out
    assert sd("show", one, "--format", "json").json()["state"] == "new"
