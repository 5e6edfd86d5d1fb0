"""From what a person types to words that an index can be asked for."""

from __future__ import annotations

import re

_WORD = re.compile(r"[^\W_]+")
LONGEST = 1000  # characters of a query that are looked at


def variants(text: str) -> list[list[str]]:
    """Return the words of a query, each with its Dutch stems: `wachtwoorden` also as `wachtwoord`.

    Both Snowball stemmers are asked, since each knows plurals that the other misses. Every
    variant holds letters and digits only, so nothing a person types is query syntax.
    """
    import unicodedata  # an accent typed as a character of its own would cut the word

    import snowballstemmer  # 11 ms: only a search pays for it

    stemmers = [snowballstemmer.stemmer(name) for name in ("dutch", "dutch_porter")]
    words = _WORD.findall(unicodedata.normalize("NFC", text[:LONGEST]).casefold())
    return [list(dict.fromkeys([word, *(s.stemWord(word) for s in stemmers)])) for word in words]
