"""What somebody wrote above what their mail quotes: cut where that is sure, and in no time."""

from __future__ import annotations

import time

import pytest

from sdtool.mail.reading import own

QUOTED = {
    "gmail": "Op ma 23 nov 2026 om 10:15 schreef An Peeters <an@x.example>:\n\nWelke?",
    "apple": "Op 23 nov. 2026 om 10:15 heeft An <an@x.example> het volgende\ngeschreven:\n\nWelke?",
    "thunderbird": "Op 23-11-2026 om 10:15 schreef An van den Berg:\nWelke?",
    "french": "Le lun. 23 nov. 2026 à 10:15, An <an@x.example> a écrit\N{NO-BREAK SPACE}:\nWelke?",
    "short": "Op ma 23 nov schreef de desk:\n> Welke?",
    "outlook": "Van: An Peeters\nVerzonden: ma 23 november 2026 10:15\nAan: Jan\nOnderwerp: Vraag\n\nWelke?",
}


@pytest.mark.parametrize("quote", QUOTED.values(), ids=QUOTED)
def test_what_a_mail_program_writes_above_a_quote_is_cut(quote: str) -> None:
    assert own(f"De blauwe.\n\n{quote}") == "De blauwe."


WRITTEN = {
    "an own sentence": "Dag,\nOp 3 november schreef ik u dit al:\nhet serienummer is SN-123\nJan",
    "with a moment": "Dag,\nOp 3 november 2026 om 10:15 schreef ik aan An <an@x.example>:\nSN-123",
    "between quotes": "Dag,\nOp ma 23 nov 2026 om 10:15 schreef An <an@x.example>:\n> Welke?\nDe blauwe.",
    "a form": "Verhuizing\nVan: lokaal 1\nNaar: lokaal 2\nDatum: 3 december",
    "one long line": "Op de derde verdieping werkt de printer niet meer " * 40,
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_an_answer_that_looks_like_a_quote_is_kept(text: str) -> None:
    assert own(text) == text.strip()


@pytest.mark.parametrize(
    "text",
    ["Dag " * 2_500_000, "Dag\n" + "\n" * 100_000 + "x", "> \n" * 100_000, "Op 1 schreef:\n" * 15_000,
     ("Op 2026 10:10 schreef " + "<a@b" * 60 + ":\n") * 700, "-" * 200_000, "van: x\n" * 30_000],
    ids=["long", "blank", "quoted", "wrote", "addresses", "rule", "headers"],
)  # fmt: skip
def test_m5_no_text_takes_long(text: str) -> None:
    began = time.process_time()
    own(text)

    assert time.process_time() - began < 3
