"""S3: what is typed to sort, filter and search is never syntax: no SQL or FTS error, nothing changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Ran, Sd
from tests.reliability.kit import SD, call, digests

# 26 for what names something: a column, an order, a group
NAMES = (
    *("id", "id desc", "id; drop table ticket", "id--", "id/**/desc", "1", "1,2", "(select 1)", "*", "rowid"),
    *("id' or '1'='1", 'id" or "1"="1', "id` desc", "[id]", "id collate nocase", "random()", "\u0130d"),
    *("load_extension('x')", "id union select hash from event", "case when 1=1 then id else 0 end"),
    *("ticket.id", "", " ", "%", "\\", "id\nlimit 0"),
)
# 85 for what is searched
TEXTS = (
    *("'", '"', "''", '""', "`", "\\", "\\'", '\\"', ";", "--", "/*", "*/", "#", "%", "_", "*", "**", "a*"),
    *("*a", "^", "^a", "-", "-a", "+", "+a", "a+b", "(", ")", "()", "((", "a(b", ":", "body:", "body:a"),
    *("rank:a", "{a}:b", "[a]", "{", "}", "AND", "OR", "NOT", "a AND", "AND a", "a OR b", "NOT a", "a NOT b"),
    *("NEAR", "NEAR(a b, 2)", "a NEAR b", '"a', 'a"', '"a" "b', "can't", "c++", "c#", ".net", "10.0.0.1"),
    *(
        "user@example.be",
        "a/b",
        "a\\b",
        "C:\\Temp",
        "50%",
        "€ 5",
        "1e3",
        "0x41",
        "null",
        "true",
        ":text",
        "?1",
    ),
    *("@a", "$a", "a' or '1'='1", "'; drop table ticket; --", "' union select hash from event --"),
    *('" or 1=1 --', "a\nb", "a\tb", "a\x00b", "\ufffd", "\udcff", "\u200b", "é" * 300, "a " * 600, "日本"),
)
FOREIGN = (
    *(
        "sqlite",
        "sql logic",
        "syntax error",
        'near "',
        "no such column",
        "no such table",
        "fts5",
        "malformed",
    ),
    *("unterminated", "unrecognized token", "datatype", "operationalerror", "traceback", "internal error"),
)
FILTERS = ("sort", "columns", "group", "agent", "category", "caller", "state", "type", "view")
SEARCHES = (("list", "--text"), ("search", "--"), ("person", "list", "--"), ("list", "--caller"))
NUMBERED = (
    *(("show",), ("history",), ("take",), ("mail", "retry"), ("audit", "log", "--since")),
    *(("list", "--priority"), ("list", "--limit"), ("list", "--age")),
)


def test_the_lists_are_whole() -> None:
    """S3 wants 26 and 85 different strings."""
    assert (len(set(NAMES)), len(set(TEXTS))) == (26, 85)


def harmless(ran: Ran) -> None:
    """Check that a command did its work or said in words of its own what was wrong."""
    assert ran.code in (0, 2, 4), ran
    assert [word for word in FOREIGN if word in ran.err.lower()] == [], ran


@pytest.fixture
def filled(sd: Sd, new: object, database: Path) -> dict[str, str]:
    """A desk with tickets; return what its tables hold."""
    for summary in ("Printer kapot", "can't print c++ op 10.0.0.1", "50% van user@example.be"):
        new(summary)  # type: ignore[operator]
    return digests(database)


@pytest.mark.parametrize("option", FILTERS)
def test_names(sd: Sd, filled: dict[str, str], database: Path, option: str) -> None:
    """S3: 26 strings as the value of every option that names something."""
    for text in NAMES:
        harmless(sd("list", f"--{option}={text}"))

    assert digests(database) == filled


@pytest.mark.parametrize("words", SEARCHES, ids=" ".join)
def test_texts(sd: Sd, filled: dict[str, str], database: Path, words: tuple[str, ...]) -> None:
    """S3: 85 strings as words to search."""
    for text in TEXTS:
        harmless(sd(*words, text))

    assert digests(database) == filled


@pytest.mark.parametrize(
    "text", ["can't", "c++", "10.0.0.1", "user@example.be", "50%", "PRINT", "(printer)", '"kapot"']
)
def test_everyday_words_are_found(sd: Sd, filled: dict[str, str], text: str) -> None:
    """What people type is found, with its signs."""
    assert sd("search", text, "--format", "json").json() != []


@pytest.mark.parametrize("number", ["0", "-1", "9" * 19, "9" * 30, "1e3", "²", "٣", "1_000"])
@pytest.mark.parametrize("words", NUMBERED, ids=" ".join)
def test_numbers(sd: Sd, filled: dict[str, str], database: Path, words: tuple[str, ...], number: str) -> None:
    """No number is too large, too small or too strange."""
    harmless(sd(*words, number))

    assert digests(database) == filled


def test_as_real_arguments(filled: dict[str, str], database: Path) -> None:
    """S3: a few of them as a process gets them, invalid UTF-8 too."""
    for text in ("'; drop table ticket; --", '"', b"\xff\xfe", "NEAR("):
        for words in (("search", "--"), ("list", "--text"), ("list", "--group"), ("list", "--caller")):
            harmless(call(program=(*SD, *words, text)))

    assert digests(database) == filled
