"""The words of routing rules: how a rule's word is found in a text.

A word finds every word that begins with it, whatever the case. A phrase ("blauw scherm", "wi-fi")
is found where its words follow each other.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORD = r"[^\W_]+"  # compiled when first used


def words_of(text: str) -> list[str]:
    """Return the words of a text, letters and digits only, without case."""
    if not text.isascii():
        import unicodedata  # an accent typed as a character of its own would cut the word

        text = unicodedata.normalize("NFC", text)
    return re.findall(_WORD, text.casefold())


def holds(words: Sequence[str], phrase: Sequence[str]) -> bool:
    """Tell whether `phrase` stands in `words`; of its last word the beginning is enough."""
    if not phrase:
        return False
    *first, last = phrase
    size = len(first)
    return any(
        words[at + size].startswith(last) and list(words[at : at + size]) == first
        for at in range(len(words) - size)
    )
