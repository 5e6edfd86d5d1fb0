"""Our named tuples beside those of the standard library: the same, for all that is used of them."""

from __future__ import annotations

import pickle
import typing
from collections.abc import Callable
from typing import Any

import pytest

from sdtool import tuples


class Theirs(typing.NamedTuple):
    """The one that is imitated."""

    key: str
    line: int = 2
    members: tuple[str, ...] = ()

    def first(self) -> str:
        """Return the first member, or the key."""
        return self.members[0] if self.members else self.key


class Ours(tuples.NamedTuple):
    """The imitation."""

    key: str
    line: int = 2
    members: tuple[str, ...] = ()

    def first(self) -> str:
        """Return the first member, or the key."""
        return self.members[0] if self.members else self.key


def _matched(kind: Any) -> Any:
    match kind("a", 3):
        case kind(key, line, _):
            return key, line
    return None


USES: dict[str, Callable[[Any], Any]] = {
    "defaults": lambda kind: tuple(kind("a")),
    "keywords": lambda kind: tuple(kind(members=("els",), key="a")),
    "fields": lambda kind: (kind._fields, kind._field_defaults, kind.__match_args__),
    "attributes": lambda kind: (kind("a").key, kind("a", 3).line, kind("a", 1, ("els",)).first()),
    "replace": lambda kind: tuple(kind("a")._replace(line=7)),
    "make": lambda kind: tuple(kind._make(["a", 1, ()])),
    "asdict": lambda kind: kind("a")._asdict(),
    "repr": lambda kind: repr(kind("a", 1)).removeprefix(kind.__name__),
    "equal": lambda kind: (
        kind("a") == ("a", 2, ()),
        hash(kind("a")) == hash(("a", 2, ())),
        kind("a") < kind("b"),
    ),
    "pickle": lambda kind: tuple(pickle.loads(pickle.dumps(kind("a", 5)))),
    "match": _matched,
    "doc": lambda kind: bool(kind.__doc__) and kind.__module__,
}
FAULTS: dict[str, Callable[[Any], Any]] = {
    "missing": lambda kind: kind(line=1),
    "too many": lambda kind: kind("a", 1, (), 4),
    "unknown": lambda kind: kind("a", colour="red"),
    "unknown for missing": lambda kind: kind(colour="red"),
    "twice": lambda kind: kind("a", key="b"),
    "make too few": lambda kind: kind._make(["a"]),
    "replace unknown": lambda kind: kind("a")._replace(colour="red"),
    "assignment": lambda kind: setattr(kind("a"), "key", "b"),
    "new attribute": lambda kind: setattr(kind("a"), "colour", "red"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_what_works_is_the_same(use: Callable[[Any], Any]) -> None:
    """Every use gives the same result with both."""
    assert use(Ours) == use(Theirs)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_fails_is_the_same(fault: Callable[[Any], Any]) -> None:
    """Every misuse raises the same kind of error with both."""
    with pytest.raises((TypeError, ValueError, AttributeError)) as theirs:
        fault(Theirs)

    with pytest.raises(theirs.type):
        fault(Ours)


def test_fields_cannot_be_lost() -> None:
    """Where annotations are not postponed a later Python would not show them: that is said at once."""
    with pytest.raises(TypeError, match="postpone"):
        type(Ours)("Empty", (tuples.NamedTuple,), {})
