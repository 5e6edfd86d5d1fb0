"""Promises, call-backs and appointments: what holds whatever is done to them."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdtool.desk import Desk, agenda, handling, promises, replay, undo
from sdtool.errors import SdError
from sdtool.store.journal import history
from tests.conftest import Sd

New = Callable[..., int]
HOUR = 3600
EXAMPLES = count(1)


def made(desk: Desk, ticket: int | None = 1, **more: object) -> promises.Promise:
    """Promise something for in an hour."""
    return promises.make(desk, ticket, "terugbellen", desk.now + HOUR, **more)  # type: ignore[arg-type]


def whole(desk: Desk) -> list[agenda.Entry]:
    """Return everything in the agenda of who acts."""
    return agenda.entries(desk, agenda.scope(desk, team=False))


# --- one promise


def test_every_act_is_journaled(desk: Desk, new: New) -> None:
    """Made, moved, kept: three events, and the record is what they add up to."""
    new()
    one = made(desk)
    promises.move(desk, one.id, desk.now + 2 * HOUR, reason="in vergadering")
    promises.keep(desk, one.id, "gebeld")
    assert [e["verb"] for e in history(desk.store, "promise", one.id)] == ["new", "move", "keep"]
    assert promises.get(desk.store, one.id)[7:] == ("kept", desk.now, 1, "gebeld", 3)
    assert list(replay.differences(desk.store)) == []


def test_a_record_changed_behind_the_journal_is_seen(desk: Desk, new: New) -> None:
    """The journal is compared with promises too."""
    new()
    made(desk)
    desk.store.execute("update promise set text = 'iets anders'")
    assert list(replay.differences(desk.store)) == ["promise 1 differs from the journal"]


def test_an_appointment_keeps_its_length(desk: Desk) -> None:
    """Moved without another end, it lasts as long as before."""
    one = made(desk, None, kind="appointment", until=desk.now + 3 * HOUR)
    moved = promises.move(desk, one.id, desk.now + 5 * HOUR)
    assert (moved.at, moved.until_at) == (desk.now + 5 * HOUR, desk.now + 7 * HOUR)


def test_moved_to_where_it_is(desk: Desk, new: New) -> None:
    """The same moment is no move: nothing is counted and nothing is journaled."""
    new()
    one = made(desk)
    assert promises.move(desk, one.id, one.at) == one
    assert len(history(desk.store, "promise", one.id)) == 1


@pytest.mark.parametrize("verb", ["keep", "cancel", "move"])
@pytest.mark.parametrize("end", ["keep", "cancel"])
def test_what_ended_stays_ended(sd: Sd, new: New, verb: str, end: str) -> None:
    """A kept or cancelled promise is kept, cancelled or moved no more: exit code 5."""
    more = {"keep": [], "cancel": ["--reason", "x"], "move": ["--at", "16u"]}
    new()
    sd("promise", 1, "terugbellen", "--at", "14u")
    sd("promise", end, 1, *more[end])
    ran = sd("promise", verb, 1, *more[verb])
    assert (ran.code, "promise 1 was" in ran.err) == (5, True)


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("promise 1 x --at 9u", 2, "must lie in the future"),
        ("promise 1 x", 2, "Missing option '--at'"),
        ("promise 9 x --at 14u", 4, "there is no ticket 9"),
        ("promise keep 9", 4, "there is no promise 9"),
        ("promise 1 x --at strakjes", 2, "is not a moment"),
        ("promise 1 x --at 14u --for a/b", 2, "is no login name"),
        ("promise 1 '' --at 14u", 2, "the promise is empty"),
        ("appointment x --at 14u --until 13u", 2, "must come after --at"),
        ("promise keeep 1", 2, "No such command 'keeep'"),
        ("pend 1 --until 9u", 2, "must lie in the future"),
    ],
)
def test_refused(sd: Sd, new: New, line: str, code: int, said: str) -> None:
    """What cannot be kept is refused in a sentence."""
    new()
    ran = sd(*shlex.split(line))
    assert (ran.code, said in ran.err) == (code, True), ran.err


def test_none_for_a_merged_ticket(sd: Sd, new: New) -> None:
    """What goes on in another ticket is promised there."""
    sd("merge", new(), "--into", new())
    ran = sd("promise", 1, "terugbellen", "--at", "14u")
    assert (ran.code, "merged into 2" in ran.err) == (5, True)


def test_a_confidential_ticket_keeps_its_promises_to_itself(sd: Sd, new: New, desk: Desk) -> None:
    """Who may not read it makes none, changes none, and reads none."""
    new("Geheim", "--confidential")
    sd("promise", 1, "over het ontslag bellen", "--at", "14u")
    desk.actor = "stranger"
    for act in (partial(made, desk), partial(promises.keep, desk, 1), partial(promises.cancel, desk, 1, "x")):
        with pytest.raises(SdError, match="is confidential"):
            act()
    desk.store.execute("update promise set agent = 'stranger'")
    assert {entry.text for entry in whole(desk)} == {"(confidential)"}


# --- undo


@pytest.mark.parametrize("line", ["move 1 --at 16u", "keep 1", "cancel 1 --reason x"])
def test_undo_restores_it(sd: Sd, new: New, desk: Desk, line: str) -> None:
    """After undo it is what it was, but for its revision."""
    new()
    sd("promise", 1, "terugbellen", "--at", "14u")
    before = promises.get(desk.store, 1)
    assert sd("promise", *line.split()).code == 0
    assert sd("undo").code == 0
    assert promises.get(desk.store, 1)._replace(rev=1) == before
    assert list(replay.differences(desk.store)) == []


def test_an_undone_promise_is_cancelled(sd: Sd, new: New, desk: Desk) -> None:
    """Its number was given out."""
    new()
    sd("promise", 1, "terugbellen", "--at", "14u")
    assert sd("undo").out == "promise 1: new is undone\n"
    assert promises.get(desk.store, 1).state == "cancelled"
    assert list(replay.differences(desk.store)) == []


# --- any order of acts


ACTS: dict[str, Callable[[Desk, int, int], object]] = {
    "promise": lambda desk, ticket, _: made(desk, ticket),
    "appointment": lambda desk, *_: made(desk, None, kind="appointment", until=desk.now + 2 * HOUR),
    "keep": lambda desk, _, number: promises.keep(desk, number),
    "cancel": lambda desk, _, number: promises.cancel(desk, number, "x"),
    "move": lambda desk, ticket, number: promises.move(desk, number, desk.now + (ticket % 3) * HOUR),
    "pend": lambda desk, ticket, _: handling.pend(desk, [ticket], desk.now + HOUR),
    "wait": lambda desk, ticket, _: handling.wait(desk, [ticket], "customer", "foto", desk.now + HOUR),
    "resume": lambda desk, ticket, _: handling.each(desk, [ticket], "resume", {}),
    "take": lambda desk, ticket, _: handling.take(desk, [ticket]),
    "close": lambda desk, ticket, _: handling.resolve(desk, [ticket], "klaar"),
    "reopen": lambda desk, ticket, _: handling.reopen(desk, [ticket], "toch niet"),
    "undo": lambda desk, *_: undo.undo(desk),
}
_STEP = st.tuples(st.sampled_from("ab"), st.sampled_from(sorted(ACTS)), st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(_STEP, max_size=14))
def test_any_order_of_acts(desk: Desk, new: New, acts: list[tuple[str, str, int, int]]) -> None:
    """Two people do and undo anything: records are what the journal says, agendas show what is open."""
    example, first = next(EXAMPLES), new() - 1
    new(), new()
    before = desk.store.value("select max(id) from promise") or 0
    people = {
        who: Desk(
            desk.store, desk.rulebook, desk.settings, actor=f"{who}{example}", source="cli", now=desk.now
        )
        for who in "ab"
    }
    for who, name, ticket, number in acts:
        for one in people.values():
            one.now += 600
        try:
            ACTS[name](people[who], first + ticket, before + number)
        except SdError:
            continue
    for one in people.values():
        rows = desk.store.query(
            "select id from promise where state = 'open' and agent = :me order by id", me=one.actor
        )
        found = sorted(e.number or 0 for e in whole(one) if e.kind in promises.KINDS)
        assert found == [row["id"] for row in rows]
    assert list(replay.differences(desk.store)) == []
