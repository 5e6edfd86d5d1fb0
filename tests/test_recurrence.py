"""Which incidents belong together, and what they share."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sdtool.rules import recurrence
from sdtool.rules.recurrence import DAY, Incident, clusters, words_of

THINGS = ("printer PRN-0412", "wifi vergaderzaal", "Outlook mailbox", "VPN thuis", "wachtwoord Teams")
FAULTS = ("valt weg", "zeer traag", "foutmelding 502", "kapot", "blijft hangen na update")


def found(*texts: str, category: str = "network", apart: int = 1, **terms: float) -> list[tuple[int, ...]]:
    """Return the clusters of summaries, `apart` days after each other, by number from 1."""
    incidents = [Incident(n, category, "", text, n * apart * DAY) for n, text in enumerate(texts, 1)]
    settled = {"days": 30, "least": 3, "share": 0.5, **terms}
    return [tuple(m.number for m in one.members) for one in clusters(incidents, **settled)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Wachtwoorden vergeten", "wachtwoord VERGETEN"),
        ("Écran noir", "ecran noir"),
        ("imprimantes bloquées", "imprimante bloquée"),
        ("Wi-Fi valt weg", "wifi valt weg"),
        ("PRN-0412 kapot", "prn_0412 is kapot"),
        ("lokaal 2.14", "Lokaal 214"),
        ("Mijn printers werken niet meer!", "printer"),
    ],
)
def test_the_same_words(one: str, other: str) -> None:
    """Case, accents, plurals, hyphens and words that every report has make no difference."""
    assert words_of(one) == words_of(other) != frozenset()


def test_alike_are_found_and_others_left() -> None:
    """Half of the words, worded freely; the same thing with another fault is something else."""
    assert found(
        "Wifi valt weg in vergaderzaal B2",
        "Printer print scheef",
        "In de vergaderzaal valt de wifi weer weg",
        "Wifi traag op het gelijkvloers",
        "geen wifi vergaderzaal, valt telkens weg",
    ) == [(1, 3, 5)]


def test_one_device_is_enough() -> None:
    """The number of a device counts as three words, also across categories."""
    texts = ("PRN-0412 papier vast", "Toner PRN-0412 op", "prn0412 drukt strepen")
    incidents = [Incident(n, f"c{n}", "", text, n) for n, text in enumerate(texts)]
    assert len(clusters(incidents, days=30, least=3, share=0.5)) == 1


def test_the_terms_count() -> None:
    """Fewer incidents than agreed, or too far apart in time, are no cluster."""
    assert found("wifi weg", "wifi weg") == []
    assert found(*["wifi weg"] * 4, apart=16) == []
    assert found(*["wifi weg"] * 4, apart=15) == [(1, 2, 3, 4)]


def test_no_chain_leads_from_one_to_another() -> None:
    """Every member is like the heart, so that A to B to C to D does not make A and D one."""
    texts = ["a1 b2 c3 d4", "c3 d4 e5 f6", "e5 f6 g7 h8", "g7 h8 i9 k0"]
    assert all(len(one) < 4 for one in found(*texts, share=0.3, least=2))


def test_evidence_tells_what_is_shared() -> None:
    """Words as they are written most, with how many have them; callers and sites by how many."""
    members = [
        Incident(n, "network", "net", text, n, caller=n % 2, site="Gent")
        for n, text in enumerate(("Mailboxen vol", "mailbox VOL", "mailbox zit vol"))
    ]
    told = recurrence.evidence(members)
    assert told.words == (("vol", 3), ("mailbox", 3)) or told.words == (("mailbox", 3), ("vol", 3))
    assert (told.category, told.group, told.callers, told.sites, told.departments) == (
        "network",
        "net",
        2,
        1,
        0,
    )


summaries = st.builds(" ".join, st.tuples(st.sampled_from(THINGS), st.sampled_from(FAULTS)))
reports = st.lists(st.tuples(summaries, st.sampled_from("ab"), st.integers(0, 40)), max_size=25)


@given(reports, st.randoms())
def test_order_and_the_unlike_change_nothing(given: list[tuple[str, str, int]], dice: random.Random) -> None:
    """The same incidents in any order, with one beside them that is like none, give the same clusters."""
    incidents = [Incident(n, category, "", text, day * DAY) for n, (text, category, day) in enumerate(given)]
    other = [*incidents, Incident(-1, "a", "", "stoel wiebelt lokaal zeventien", 0)]
    dice.shuffle(other)

    assert clusters(incidents, days=30, least=3, share=0.5) == clusters(other, days=30, least=3, share=0.5)


def test_a_flood_and_a_busy_month_take_seconds() -> None:
    """5,000 incidents, 500 of them of one outage in 500 wordings; the bound is ten times what it takes."""
    dice = random.Random(6)
    words = [f"{a}{b}" for a in ("mail", "net", "scan", "druk", "beeld", "toets") for b in range(200)]
    texts = [" ".join(dice.sample(words, dice.randint(2, 6))) for _ in range(4500)]
    texts += [f"Geen internet in lokaal {n}" for n in range(500)]
    incidents = [Incident(n, f"c{n % 9}", "", text, n) for n, text in enumerate(texts)]
    start = time.process_time()

    biggest = clusters(incidents, days=30, least=3, share=0.5)[0]

    assert time.process_time() - start < 10
    assert len(biggest.members) > 50
