"""Which incidents belong together: the same thing again, with what they share as evidence.

Two incidents are alike when they have the category or a device (PRN-0412) in common, and of the words of both
summaries at least a share, two words or more. A cluster is an incident, its heart, and all that are alike to
it: no chain leads from one to quite another. The incident to which most are alike is a heart first; of equal
ones that with the lowest number, so that neither the order of the input nor what is unlike matters.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import cache, lru_cache
from math import ceil
from typing import Any, NamedTuple

DAY = 86_400
# a word that so many different summaries of a category hold tells nothing, and comparing them all takes long
COMMON = 1_000
_TOKEN = re.compile(r"[^\W_]+(?:[-_][^\W_]+|(?<=\d)[.,]\d+)*")  # PRN-0412, room 2.14
_DEVICE_WEIGHT = 3  # the number of a device says more than a word does
_LEAST_WORDS = 2
# Dutch, French and English words that say nothing, and those that every report has
_SAY_NOTHING = """
    aan al alle als alweer andere ben bij binnen ce ces cet cette dan dat de den der des deze die dit doen
    doet door dus een eens en er erg even gaat geen gen ging had hallo heb hebben heeft hele helemaal help
    hem het hier hij hoe ik in is je jullie kan kunnen kunt mag mee meer mij mijn moet na naar niet nog nu
    of om ons onze ook op over sinds soms te tijdens toch tot uit van vanaf vandaag vanmorgen veel via vraag
    vragen voor waar wat we weer wel welke werd werken werkt wij wil worden wordt zeer zich zijn zo zonder u
    uw uur probleem problemen melding meldingen graag gelieve dringend nieuw nieuwe opnieuw steeds telkens a
    ai au aux avec bonjour c ca chez d dans depuis donc du elle en encore est et eu fait faire il ils
    impossible j je jour l la le les leur lui ma mais mes mon n ne nous on ont ou par pas plus pour pouvez
    probleme problemes qu que qui sa sans se ses son sont sur toujours tous tout tres un une urgent vous y
    about again all am an and any are as at be been but by can cannot could do does doesn for from has have
    hello i if into issue issues it its me my no not of off or our out please problem problems since so some
    t that the their them then there these they this to today too up us was we were what when which will
    with work working works would you your
"""
_NOTHING = frozenset(_SAY_NOTHING.split())


class Incident(NamedTuple):
    """What is known of an incident here; `text` is its summary, `opened_at` epoch seconds."""

    number: int
    category: str
    group: str
    text: str
    opened_at: int
    caller: int | None = None
    department: str = ""
    site: str = ""


class Alike(NamedTuple):
    """Incidents that belong together, by number; `likeness` of each to their heart, 0 to 1."""

    members: tuple[Incident, ...]
    likeness: tuple[float, ...]

    @property
    def score(self) -> float:
        """How many incidents the cluster is worth: each counts for how much it is like the heart."""
        return round(sum(self.likeness), 2)


class Evidence(NamedTuple):
    """What incidents share: words that half of them have, with how many have them, the commonest first.

    `phrase` has those words in the order in which the incidents have them. `category` and `group` are ""
    when there are several; the other figures are how many different ones.
    """

    words: tuple[tuple[str, int], ...]
    phrase: str
    category: str
    group: str
    callers: int
    departments: int
    sites: int
    first_at: int
    last_at: int


class _Node:
    """The incidents of one category that have the same words; the number of a device is in it three times."""

    __slots__ = ("category", "devices", "incidents", "near", "place", "words")

    def __init__(self, category: str, words: frozenset[str]) -> None:
        self.devices = [word for word in words if _is_device(word)]
        more = (f"{word} {n}" for word in self.devices for n in range(1, _DEVICE_WEIGHT))
        self.category, self.words = category, words.union(more)
        self.incidents: list[Incident] = []
        self.near: list[tuple[_Node, float]] = []
        self.place = (0, 0)


def clusters(incidents: Iterable[Incident], *, days: int, least: int, share: float) -> list[Alike]:
    """Return the clusters, that of the highest score first.

    Args:
        incidents: in any order, each number once.
        days, least: a member has so many incidents of the cluster, itself one of them, in that many days.
        share: of their words that two incidents must have in common, above 0 to 1.
    """
    nodes = _nodes(incidents)
    _compare(nodes, share)
    found = [cluster for star in _stars(nodes) if (cluster := _dense(star, days * DAY, least))]
    return sorted(found, key=lambda one: (-one.score, one.members[0].number))


def words_of(text: str) -> frozenset[str]:
    """Return what a summary says, as stems without accents; numbers of devices are kept whole (`prn0412`)."""
    return frozenset(stem for written in _TOKEN.findall(text) if (stem := _stem(written)))


def evidence(members: Sequence[Incident], share: float = 0.5) -> Evidence:
    """Return what incidents have in common; at least one is given."""
    written: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for member in members:
        for stem, word in dict(_stems(member.text)).items():
            written[stem][word] += 1
    shared = {
        stem: (max(forms, key=lambda word: (forms[word], word)), forms.total())
        for stem, forms in written.items()  # in the order in which they were first met
        if forms.total() > 1 and forms.total() >= share * len(members)
    }
    moments = [member.opened_at for member in members]
    return Evidence(
        tuple(sorted(shared.values(), key=lambda one: (-one[1], one[0]))),
        " ".join(word for word, _ in shared.values()),
        _only({member.category for member in members}),
        _only({member.group for member in members}),
        len({member.caller for member in members} - {None}),
        len({member.department for member in members} - {""}),
        len({member.site for member in members} - {""}),
        min(moments),
        max(moments),
    )


def _only(values: set[str]) -> str:
    return values.pop() if len(values) == 1 else ""


# --- Words


def _stems(text: str) -> list[tuple[str, str]]:
    """Return (stem, word as it is written) of each word that says something."""
    found = []
    for written in _TOKEN.findall(text):
        stem = _stem(written)
        if stem:
            found.append((stem, written.lower() if not _is_device(stem) else written.upper()))
    return found


@lru_cache(maxsize=100_000)
def _stem(written: str) -> str:
    """Return the stem of a word, "" for one that says nothing: `Printers` as `printer`."""
    from sdtool.rules.texts import fold

    word = re.sub(r"[\W_]", "", fold(written))
    if word in _NOTHING or (len(word) < 2 and not word.isdigit()):
        return ""
    if not word.isalpha() or len(word) < 4:
        return word
    return _singular(str(_stemmer().stemWord(word)))


@cache
def _stemmer() -> Any:
    import snowballstemmer  # 11 ms

    return snowballstemmer.stemmer("dutch_porter")


def _singular(stem: str) -> str:
    """Even out what the Dutch stemmer leaves: French and English plurals, `mapp`, `schijv`, `muiz`."""
    if len(stem) > 5 and stem.endswith("es"):
        stem = stem[:-2]
    if len(stem) > 3 and stem[-1] == stem[-2]:
        stem = stem[:-1]
    return stem[:-1] + {"v": "f", "z": "s"}.get(stem[-1], stem[-1])


def _is_device(stem: str) -> bool:
    return len(stem) > 3 and not stem.isalpha() and not stem.isdigit()


# --- Which are alike


def _nodes(incidents: Iterable[Incident]) -> list[_Node]:
    held: dict[tuple[str, frozenset[str]], _Node] = {}
    for incident in incidents:
        words = words_of(incident.text)
        if not words:
            continue
        key = (incident.category, words)
        node = held.get(key)
        if node is None:
            node = held[key] = _Node(incident.category, words)
        node.incidents.append(incident)
    for node in held.values():
        node.incidents.sort()
    return list(held.values())


def _compare(nodes: Sequence[_Node], share: float) -> None:
    """Note at each node which others are near; only those are compared that can be.

    Of two sets of which `needed` words must be equal, one has any of the others' first
    `len - needed + 1` words, in whatever order these are put: the rarest first, few have those.
    """
    counts = Counter((node.category, word) for node in nodes for word in node.words)
    index: defaultdict[tuple[str, str], list[_Node]] = defaultdict(list)
    for node in nodes:
        needed = max(_LEAST_WORDS, ceil(share * len(node.words)))
        rarest = sorted(node.words, key=lambda word: (counts[node.category, word], word))
        keys = [(node.category, word) for word in rarest[: max(len(rarest) - needed + 1, 0)]]
        keys = [key for key in keys if counts[key] <= COMMON]
        keys += [("", word) for word in node.devices]
        _note(node, {other for key in keys for other in index[key]}, share)
        for key in keys:
            index[key].append(node)


def _note(node: _Node, others: Iterable[_Node], share: float) -> None:
    words, size = node.words, len(node.words)
    for other in others:
        equal = len(words & other.words)
        likeness = equal / (size + len(other.words) - equal)
        if likeness >= share and equal >= _LEAST_WORDS:
            node.near.append((other, likeness))
            other.near.append((node, likeness))


def _stars(nodes: Sequence[_Node]) -> Iterable[list[tuple[Incident, float]]]:
    """Yield each heart with what is alike to it and in no cluster yet, as (incident, likeness)."""
    for node in nodes:
        held = len(node.incidents) + sum(len(other.incidents) for other, _ in node.near)
        node.place = (-held, node.incidents[0].number)
    taken: set[_Node] = set()
    for heart in sorted(nodes, key=lambda node: node.place):
        if heart in taken:
            continue
        star = [(heart, 1.0), *(near for near in heart.near if near[0] not in taken)]
        taken.update(node for node, _ in star)
        yield [(incident, likeness) for node, likeness in star for incident in node.incidents]


def _dense(star: list[tuple[Incident, float]], seconds: int, least: int) -> Alike | None:
    """Return those of a star that have enough others near in time, None when nothing is left."""
    if len(star) < least:
        return None
    star.sort(key=lambda one: (one[0].opened_at, one[0].number))
    moments = [incident.opened_at for incident, _ in star]
    near: set[int] = set()
    for last in range(least - 1, len(star)):
        if moments[last] - moments[last - least + 1] <= seconds:
            near.update(range(last - least + 1, last + 1))
    kept = sorted((star[place] for place in near), key=lambda one: one[0].number)
    if not kept:
        return None
    return Alike(tuple(incident for incident, _ in kept), tuple(likeness for _, likeness in kept))
