"""What a reader of a page may see, and the first rows of a list beside how many there are."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Collection, Iterable
from typing import Generic, NamedTuple, TypeVar

from sdtool.store.base import Store

T = TypeVar("T")
MOST = 5  # rows of a section: with more the page would not fit a sheet of paper


class Listed(NamedTuple, Generic[T]):
    """The first rows of a section, and how many there are in all."""

    total: int
    rows: tuple[T, ...]


class Eyes(NamedTuple):
    """What a reader may see: what tickets are about (confidential ones never), and the names of people."""

    contents: bool
    people: bool

    def name(self, text: str) -> str:
        """Return the name of a person, "" for who may not see it."""
        return text if self.people else ""


EYES = {"coordinator": Eyes(True, True), "management": Eyes(False, False), "agent": Eyes(True, False)}
ROLES = tuple(EYES)

_SUMMARY = "select summary from ticket where id = :id and confidential = 0"
_CONFIDENTIAL = "select id from ticket where id = :id and confidential = 1"


def summaries(store: Store, numbers: Collection[int], eyes: Eyes) -> dict[int, str]:
    """Return what a few tickets are about, by number; "" where it may not be shown."""
    if not eyes.contents:
        return dict.fromkeys(numbers, "")
    return {number: str(store.value(_SUMMARY, id=number) or "") for number in numbers}


def confidential(store: Store, numbers: Iterable[int]) -> set[int]:
    """Return which of a few tickets are confidential."""
    return {number for number in numbers if store.one(_CONFIDENTIAL, id=number) is not None}
