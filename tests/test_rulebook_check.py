"""The check of a rulebook: every fault at once, each at its line; rules that can never win."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sdtool.rulebook import Route, routes_in_force
from sdtool.rulebook.check import check, never_win
from sdtool.rulebook.read import Fault, Positions
from sdtool.rules.routing import Case, route
from tests.rulebooks import changed, shipped_text, with_matrix


def faults_of(text: str) -> list[Fault]:
    """Return the faults of a rulebook text."""
    return check(text.encode())[1]


def line_of(text: str, part: str, nth: int = 1) -> int:
    """Return the line on which `part` stands the nth time."""
    return [number for number, line in enumerate(text.splitlines(), 1) if part in line][nth - 1]


def test_three_faults_of_three_kinds() -> None:
    """A bad value, a hole in the matrix and an unknown name are all told, each at its line."""
    text = changed(
        ('respond = "15 min"', 'respond = "kwartier"'),
        ("external = 2 }", "}"),
        ('category = ["server"]', 'category = ["servers"]'),
    ).replace("staff = 2, }", "staff = 2 }")

    faults = faults_of(text)

    assert [(f.line, f.text.split(":")[0].split(";")[0]) for f in faults] == [
        (line_of(text, "critical = {"), "the matrix has a hole at critical x external"),
        (line_of(text, "kwartier"), "respond"),
        (line_of(text, '["servers"]'), "there is no category 'servers'"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "part", "said"),
    [
        ('line = 3', 'line = "3"', 'line = "3"', "must be a whole number"),
        ('key = "office"', 'keys = "office"', 'keys = "office"', "has no 'keys'"),
        ('mon = ["08:00-12:00", "12:30-17:00"]', 'mon = ["8-12"]', "8-12", "mon: '8' is not a time"),
        ('mon = ["08:00-12:00", "12:30', 'mon = ["08:00-12:00", "11:30', "11:30", "must not overlap"),
        ('on = "07-11"', 'on = "07-32"', "07-32", "is not a date"),
        ('on = "12-26"\nuntil = "12-31"', 'on = "12-26"\nuntil = "12-25"', "", "ends before it begins"),
        ('timezone = "Europe/Brussels"', 'timezone = "Brussel"', "Brussel\"", "there is no time zone"),
        ("management = 2,", 'management = "2",', 'management = "2",', "must be a whole number"),
        ("management = 2,", "management = 9,", "management = 9,", "priority 9, which does not exist"),
        ("management = 2,", "boss = 2, management = 2,", "boss = 2,", "which no urgency or target group"),
        ('calendar = "office"\n\n[[t', 'calendar = "kantoor"\n\n[[t', "kantoor", "there is no calendar"),
        ('group = "security"', 'group = "sec"', 'group = "sec"', "there is no group 'sec'"),
        ('party = "internal"', 'party = "mother"', "mother", "there is no party"),
        ("level = 4", "level = 0", "level = 0", "below 1"),
        ('key = "systems"\nname', 'key = "sys/it"\nname', "sys/it", "cannot be a group's key"),
        ('words = ["phishing"', 'words = ["++"', '"++"', "no letter or digit"),
        ('resolve = "4 h"', 'resolve = "10 min"', "", "resolved before it is responded to"),
        ('key = "mail"\nname = "E-mail"', 'key = "phone"\nname = "E-mail"', "", "stands here a second time"),
        ('key = "schools"\nname', 'key = "schools"\ndefault = true\nname', "", "is the default"),
        ("[closing]", "[closings]\nx = 1\n\n[closing]", "[closings]", "is not part of a rulebook"),
    ],
)  # fmt: skip
def test_fault_and_its_line(old: str, new: str, part: str, said: str) -> None:
    """Each kind of fault is told, at the line where it stands."""
    text = changed((old, new))
    fault = next(f for f in faults_of(text) if said in f.text)
    assert fault.level == "error"
    assert not part or fault.line == line_of(text, part)


def test_line_after_an_unreadable_entry() -> None:
    """An entry that cannot be read does not shift the lines of faults behind it."""
    text = changed(("line = 2", 'line = "2"'), ('group = "systems"', 'group = "sys"'))
    assert [f.line for f in faults_of(text)] == [line_of(text, 'line = "2"'), line_of(text, 'group = "sys"')]


def test_unreadable_entry_breeds_no_further_faults() -> None:
    """A group with a bad value is still a group to the rules that name it."""
    (fault,) = faults_of(
        changed(('key = "network"\nname = "Netwerk en telefonie"', 'key = "network"\nname = 4'))
    )
    assert "name: must be text" in fault.text


def test_every_hole_of_the_matrix() -> None:
    """Each cell that lacks a priority is named, at its row."""
    text = with_matrix(
        ["A", "B"], ["1 - Hoog", "2 - Laag"], [[1, 2], [2, 2]], {1: ("1 h", "4 h"), 2: ("1 h", "1 week")}
    )
    holes = text.replace('"A" = 1, ', "").replace('"A" = 2, "B" = 2', '"A" = 2')

    faults = faults_of(holes)

    assert [(f.line, f.text) for f in faults] == [
        (line_of(holes, '"1 - Hoog" = {'), "the matrix has a hole at 1 - Hoog x A: give it a priority"),
        (line_of(holes, '"2 - Laag" = {'), "the matrix has a hole at 2 - Laag x B: give it a priority"),
    ]


@pytest.mark.parametrize("section", ["organisation", "calendars", "channels", "targets", "groups", "routes"])
def test_missing_section_is_said(section: str) -> None:
    """A rulebook without a part it needs is refused, whatever the part."""
    text = shipped_text().replace(f"[[{section}]]", "[[reports_x]]").replace(f"[{section}]", "[reports_y]")
    book, faults = check(text.encode())
    assert any(section in f.text for f in faults if f.line == 0)
    assert (book is None) == (section == "organisation")


@pytest.mark.parametrize(
    ("content", "line", "said"),
    [
        (b"[organisation]\nname = \n", 2, "not valid TOML"),
        (b"[organisation]\nname = '\xff'\n", 2, "not UTF-8"),
        (b"", 0, "the rulebook has no [[calendars]]"),
    ],
)
def test_unreadable_files(content: bytes, line: int, said: str) -> None:
    """What is no TOML, no text or nothing at all is one fault, with its line, and no crash."""
    faults = check(content)[1]
    assert any(f.line == line and said in f.text for f in faults)


def test_positions_of_quoted_keys() -> None:
    """Keys and headers in quotes, with spaces, dots and dashes, are found too."""
    text = '[a."b.c"]\n"1 - x.y" = 1\n[[d]]\ne."f g" = 2\n'
    positions = Positions(text)
    assert positions.line("a", "b.c", "1 - x.y") == 2
    assert positions.line("d", 0, "e", "f g") == 4


def test_targets_from_the_beginning() -> None:
    """A promise that begins some day needs one for the days before."""
    text = changed(('respond = "15 min"', 'valid_from = 2026-01-01\nrespond = "15 min"'))
    assert [f.text for f in faults_of(text)] == [
        "there is no target for incident of priority 1 without a valid_from"
    ]


def test_only_the_last_rule_without_conditions_helps() -> None:
    """A rulebook needs, on every day, a routing rule that always wins."""
    text = changed(('name = "al het andere"', 'name = "al het andere"\ncategory = "other"'))
    assert any("no routing rule is without conditions" in f.text for f in faults_of(text))


# --- rules that can never win -------------------------------------------------------------------

DOMAIN = {
    "type": ["incident", "request"],
    "category": ["net", "mail"],
    "target_group": ["staff"],
    "channel": ["phone", "mail"],
    "priority": [1, 2],
}


@pytest.mark.parametrize(
    ("routes", "dead"),
    [
        ([Route("all", "g"), Route("late", "g", category=("net",))], [1]),
        ([Route("a", "g", type=("incident",)), Route("b", "g", type=("request",)), Route("c", "g")], [2]),
        ([Route("a", "g", priority=(1,)), Route("b", "g", priority=(1, 2))], []),
        ([Route("w", "g", words=("net",)), Route("x", "g", words=("netwerk",))], [1]),
        ([Route("w", "g", words=("netwerk",)), Route("x", "g", words=("net",))], []),
        ([Route("w", "g", words=("net", "wifi")), Route("x", "g", words=("netwerk", "wifikaart"))], [1]),
        ([Route("w", "g", words=("net",)), Route("x", "g", words=("netwerk", "kabel"))], []),
        ([Route("w", "g", words=("scherm",)), Route("x", "g", words=("blauw scherm",))], [1]),
        ([Route("w", "g", words=("blauw scherm",)), Route("x", "g", words=("scherm",))], []),
        ([Route("w", "g", words=("net",)), Route("x", "g")], []),
        ([Route("w", "g"), Route("w", "g", category=("net",), valid_from="2026-01-01"), Route("x", "g")], []),
        ([Route("w", "g"), Route("x", "g", valid_from="2026-01-01")], [1]),
        ([Route("w", "g", valid_from="2026-01-01"), Route("x", "g")], []),
    ],
)
def test_rules_that_can_never_win(routes: list[Route], dead: list[int]) -> None:
    """A rule is dead when earlier ones, alone or together, beat it on every day it is in force."""
    assert [index for index, _ in never_win(routes, DOMAIN)] == dead


def test_the_winners_are_named() -> None:
    """The warning says which rules always win, and at which line the dead one stands."""
    text = changed(
        (
            '[[routes]]\nname = "servers"',
            '[[routes]]\nname = "alles eerst"\ngroup = "systems"\n\n[[routes]]\nname = "servers"',
        )
    )
    warned = [f for f in faults_of(text) if f.level == "warning"]
    assert warned[0].text == "the rule 'servers' can never win: 'alles eerst' always does"
    assert warned[0].line == line_of(text, 'name = "servers"') - 1
    assert len(warned) == 4


def test_a_warning_does_not_forbid_use() -> None:
    """A rulebook with a dead rule is usable."""
    text = changed(('category = ["security"]', 'words = ["virusscan"]'))
    book, faults = check(text.encode())
    assert book is not None and [f.level for f in faults] == ["warning"]


_SUBSETS = {
    field: st.lists(st.sampled_from(values), unique=True, max_size=2).map(tuple)
    for field, values in DOMAIN.items()
    if field != "target_group"
}
_WORDS = st.lists(st.sampled_from(["ab", "abc", "b", "b c"]), unique=True, max_size=2).map(tuple)
_ROUTES = st.lists(
    st.builds(Route, st.sampled_from("wxyz"), st.just("g"), words=_WORDS, target_group=st.just(()),
              valid_from=st.sampled_from(["", "2026-01-01", "2027-01-01"]), **_SUBSETS),
    min_size=1, max_size=6, unique_by=lambda r: (r.name, r.valid_from),
)  # fmt: skip
_TEXTS = ["", "ab", "abc", "b", "b c", "bc", "ab b", "c"]


def winners(routes: list[Route]) -> set[tuple[str, str]]:
    """Return (name, valid_from) of each rule that wins some case on some day, by trying all cases."""
    found = set()
    for day in ("2025-01-01", "2026-06-01", "2027-06-01"):
        order = [*routes_in_force(routes, day), Route("none", "g")]
        for values in itertools.product(*DOMAIN.values(), _TEXTS):
            name = route(order, Case(*values)).rule
            found.add(next((r.name, r.valid_from) for r in order if r.name == name))
    return found


@settings(max_examples=60, deadline=None)
@given(routes=_ROUTES)
def test_never_win_agrees_with_trying_everything(routes: list[Route]) -> None:
    """What the check calls dead is exactly what wins no case when all are tried."""
    dead = {(routes[i].name, routes[i].valid_from) for i, _ in never_win(routes, DOMAIN)}
    assert dead == {(r.name, r.valid_from) for r in routes} - winners(routes)


@pytest.mark.parametrize("wrong", ["foo", "a b@c", "a@b, c@d", "a@b\\nBcc: x@y", "Jan <a@b.be>"])
def test_recipients_are_plain_addresses(wrong: str) -> None:
    """A wrong address is told when the rulebook is checked, not at night."""
    text = shipped_text() + f'\n[[reports]]\nkey = "kpi"\nrecipients = ["{wrong}"]\n'

    _, faults = check(text.encode())

    assert ["not one plain mail address" in fault.text for fault in faults] == [True]


def test_endless_nesting_is_a_fault_not_a_crash() -> None:
    """A file of a hundred thousand brackets is said to be unreadable."""
    _, faults = check(b"a = " + b"[" * 100_000)

    assert "nested far too deep" in faults[0].text
