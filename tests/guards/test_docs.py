"""What the documentation says is what the program does."""

from __future__ import annotations

import ast
import configparser
import json
import re
import shlex
import unicodedata
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
import pytest

from docs import generate, replay
from sdtool.cli import root
from sdtool.desk import Desk, calendars
from sdtool.rules import moments
from sdtool.rules.deadline import Pause, Target, due
from sdtool.rules.lifecycle import STATES
from sdtool.store.base import Store
from tests.conftest import Sd

DOCS, ROOT = replay.DOCS, replay.ROOT
PAGES = [page for page in replay.pages() if page.exists()]
READ = [*PAGES, ROOT / "README.md"]
SESSIONS = [page for page in PAGES if replay.session(page.read_text(encoding="utf-8"))]
BRUSSELS = ZoneInfo("Europe/Brussels")


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def rows(page: Path, heading: str) -> list[list[str]]:
    """Return the cells of the first table below a heading."""
    text = f"\n{page.read_text(encoding='utf-8')}".split(f"\n{heading}\n", 1)[1]
    lines = text[text.index("\n|") + 1 :].split("\n\n", 1)[0].splitlines()
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


@pytest.mark.parametrize("page", SESSIONS, ids=_name)
def test_a_session_answers_what_the_page_says(page: Path, tmp_path: Path) -> None:
    """`python -m docs.replay` writes the answers anew, to be read in the diff."""
    steps = replay.session(page.read_text(encoding="utf-8"))
    told = [(typed, answer) for typed, answer in steps]
    assert list(zip([t for t, _ in steps], replay.answers(steps, tmp_path), strict=True)) == told


def test_a_page_with_answers_begins_with_a_moment() -> None:
    """A console block is replayed, so its page must say when it is."""
    with_blocks = [page for page in PAGES if "```console" in page.read_text(encoding="utf-8")]
    assert with_blocks == SESSIONS


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_what_is_generated_is_up_to_date(page: Path) -> None:
    """`python -m docs.generate` brings it up to date."""
    text = page.read_text(encoding="utf-8")
    assert generate.generated(text) == text


def test_every_word_is_in_the_reference() -> None:
    """The reference lists the whole tree of commands."""
    text = (DOCS / "reference/commands.md").read_text(encoding="utf-8")
    assert [word for word, _ in generate.words() if f"\n## sd {word}\n" not in text] == []


# --- Commands that are mentioned


def mentioned(text: str) -> Iterator[list[str]]:
    """Yield the words of each `sd …` in blocks of code and in running text."""
    blocks = re.findall(r"^```(?:sh|console|text|ini|cron)?\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks for line in replay.joined(block).splitlines()]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", prose)]:
        if line.startswith(("#", "  ")):
            continue
        for part in re.split(r"\|\s|;|&&|\$\(", line.removeprefix("$ ")):
            found = re.match(
                r"\s*(?:sudo (?:-u \w+ )?|flock \S+ )?(?:\S*/)?(?:sd|sdtool) (?=[\w-])(.*)", part
            )
            if found:
                yield _split(found[1])


def _split(text: str) -> list[str]:
    try:
        return shlex.split(text.rstrip(")"), comments=True)
    except ValueError:
        return text.split()


def fault(words: list[str]) -> str | None:
    """Return what is wrong with the words after `sd`; None when they could be typed."""
    command: click.Command = root
    context = click.Context(root, info_name="sd")
    known = _options(root)
    for word in words:
        if isinstance(command, click.Group) and word.isupper():
            return None  # `sd WORD --help` stands for any
        if (
            isinstance(command, click.Group)
            and not word.startswith("-")
            and word not in values(command, words)
        ):
            child = command.get_command(context, word)
            if child is None:
                return f"there is no {word!r} in {command.name or 'sd'}"
            command, known = child, known | _options(child)
        elif re.match(r"--?[a-z]", word) and word.split("=")[0] not in known:
            return f"{command.name} has no {word}"
    return None


def values(command: click.Command, words: list[str]) -> set[str]:
    """Return the words that are the value of an option before the word of a command."""
    return {after for before, after in pairwise(words) if before == "--as-of"}


def _options(command: click.Command) -> set[str]:
    names = {name for param in command.params for name in (*param.opts, *param.secondary_opts)}
    return names | {"-h", "--help"}


@pytest.mark.parametrize("page", READ, ids=_name)
def test_every_command_mentioned_exists(page: Path) -> None:
    """Word and options of every `sd …`, in blocks and in running text."""
    text = page.read_text(encoding="utf-8")
    assert [(words, fault(words)) for words in mentioned(text) if fault(words)] == []


def test_the_test_of_mentions_sees_faults() -> None:
    """A wrong word, a wrong option, and one in a pipe."""
    text = (
        "`sd lits`, `sd list --colour`\n\n```sh\ncat x | sd close --now -\nsudo -u sd sdtool person ad\n```\n"
    )
    assert len([words for words in mentioned(text) if fault(words)]) == 4


# --- Links


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made for Markdown."""
    found = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    kept = (
        "".join(c for c in title.lower() if c in " -_" or unicodedata.category(c)[0] in "LN")
        for title in found
    )
    return {title.replace(" ", "-") for title in kept}


@pytest.mark.parametrize("page", READ, ids=_name)
def test_every_link_leads_somewhere(page: Path) -> None:
    """Relative links, with the heading they name."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists() or (anchor and anchor not in anchors(there)):
            broken.append(target)
    assert broken == []


def test_every_page_can_be_reached() -> None:
    """From docs/README.md, link by link."""
    seen, todo = set(), [DOCS / "README.md"]
    while todo:
        page = todo.pop()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)\s#]+)", page.read_text(encoding="utf-8"))
        todo += [(page.parent / link).resolve() for link in links if "://" not in link]
    assert [_name(page) for page in PAGES if page not in seen] == []


# --- Tables that are written by hand


def test_moments_mean_what_the_page_says(desk: Desk) -> None:
    """Each form of reference/moments.md, on the Monday that the fixtures live on."""
    calendar = calendars.load(desk.store, desk.rulebook, "office", desk.now)
    wrong = []
    for forms, meant in rows(DOCS / "reference/moments.md", "# Moments"):
        for form in re.findall(r"`([^`]+)`", forms):
            at = datetime.fromtimestamp(moments.parse(form, desk.now, calendar), BRUSSELS)
            if f"{at:%Y-%m-%d %H:%M}" != meant:
                wrong.append((form, meant, f"{at:%Y-%m-%d %H:%M}"))
    assert wrong == []


def test_refused_moments_are_refused(desk: Desk) -> None:
    """Those of the second table."""
    calendar = calendars.load(desk.store, desk.rulebook, "office", desk.now)
    for forms, _ in rows(DOCS / "reference/moments.md", "These are refused:"):
        for form in re.findall(r"`([^`]+)`", forms):
            with pytest.raises(ValueError, match="is not a moment"):
                moments.parse(form, desk.now, calendar)


def _at(text: str) -> int:
    return int(datetime.fromisoformat(text.strip()).replace(tzinfo=BRUSSELS).timestamp())


def _target(text: str) -> Target:
    amount, unit = text.split(" ", 1)
    seconds = {"min": 60, "h": 3600}
    return Target(seconds=int(amount) * seconds[unit]) if unit in seconds else Target(days=float(amount))


def test_worked_deadlines_are_right(desk: Desk) -> None:
    """Each line of explanation/clock.md: made, promise, pauses, due."""
    wrong = []
    for made, promise, paused, meant, _ in rows(DOCS / "explanation/clock.md", "## Worked examples"):
        calendar = calendars.load(desk.store, desk.rulebook, "office", _at(made))
        edges = [_at(text) for text in re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d", paused)]
        pauses = [Pause(a, b, "customer") for a, b in zip(edges[::2], edges[1::2], strict=True)]
        at = datetime.fromtimestamp(due(calendar, _at(made), _target(promise), pauses), BRUSSELS)
        if f"{at:%Y-%m-%d %H:%M}" != meant:
            wrong.append((made, promise, paused, meant, f"{at:%Y-%m-%d %H:%M}"))
    assert wrong == []


def test_states_are_all_described() -> None:
    """The table of states, in the order of the program."""
    assert [row[0].strip("`") for row in rows(DOCS / "reference/states.md", "# States")] == list(STATES)


TYPES: dict[str, Any] = {
    "integer": int, "number": (int, float), "text": str, "list of text": list, "list": list,
    "object": dict, "boolean": bool,
}  # fmt: skip


def promised(heading: str) -> list[tuple[str, str]]:
    """Return (key, type) of a table in reference/json.md."""
    return [(row[0].strip("`"), row[1]) for row in rows(DOCS / "reference/json.md", heading)]


def fits(value: Any, kind: str) -> bool:
    """Tell whether a value is of a type of the page, such as `moment or null`."""
    name, _, null = kind.partition(" or ")
    if value is None or isinstance(value, bool) != (name == "boolean"):
        return value is None and bool(null)
    if name == "moment":
        return datetime.fromisoformat(value).utcoffset() is not None
    return isinstance(value, TYPES[name])


def differs(found: dict[str, Any], heading: str) -> list[object]:
    """Return what an object has other than the page promises: keys, their order, types."""
    table = promised(heading)
    if [key for key, _ in table] != list(found):
        return [[key for key, _ in table], list(found)]
    return [(key, kind, found[key]) for key, kind in table if not fits(found[key], kind)]


@pytest.fixture
def worked(sd: Sd) -> Sd:
    """A desk on which everything that JSON can tell has happened."""
    more = ("--channel", "phone", "--type", "incident", "--category", "printer", "--urgency", "high")
    for number in range(3):
        sd("new", f"Printer {number}", "--caller", "melder", *more)
    sd("wait", 1, "--on", "customer", "--for", "foto", "--until", "+2d")
    sd("resume", 1, as_of="2026-11-23T11:30")
    sd("link", 2, "part-of", 1)
    sd("close", 2, "--solution", "toner", as_of="2026-11-23T11:40")
    return sd


def test_json_of_a_ticket(worked: Sd) -> None:
    """`sd new` and `sd show`, a ticket in its beginning and one at its end."""
    heading = "## A ticket: `sd new`, `sd show`"
    more = ("--channel", "mail", "--type", "request", "--category", "material", "--urgency", "low")
    made = worked("new", "Muis", "--caller", "melder", *more, "--format", "json").json()
    assert differs(made, heading) == []
    assert [differs(worked("show", n, "--format", "json").json(), heading) for n in (1, 2)] == [[], []]
    assert differs(worked("take", 3, "--format", "json").json()[0], heading) == []


def test_json_of_lists(worked: Sd) -> None:
    """`sd list`, `search` and `next`."""
    listed = worked("list", "--state", "all", "--format", "json").json()
    listed += worked("search", "printer", "--format", "json").json()
    assert [differs(row, "## A line of a list: `sd list`") for row in listed] == [[]] * len(listed)
    steps = worked("next", "--format", "json").json()
    assert steps
    assert [differs(row, "## What to do: `sd next`") for row in steps] == [[]] * len(steps)


def test_json_of_promises_and_the_agenda(worked: Sd) -> None:
    """`sd promise`, `sd appointment` and `sd agenda`, with something of each kind."""
    heading = "## A promise: `sd promise list`"
    made = worked("promise", 3, "bellen", "--at", "14u", "--callback", "--format", "json").json()
    worked("appointment", "Overleg", "--at", "15u", "--until", "16u")
    worked("promise", "move", 2, "--at", "16u")
    listed = worked("promise", "list", "--format", "json").json()
    worked("pend", 3, "--until", "17u")
    found = worked("agenda", "--week", "--format", "json", as_of="2026-11-23T14:30").json()
    assert [differs(row, heading) for row in [made, *listed]] == [[]] * 3
    assert {"callback", "appointment", "resolve", "returns", "open", "closed"} <= {r["kind"] for r in found}
    assert [differs(row, "## The agenda: `sd agenda`") for row in found] == [[]] * len(found)
    steps = worked("next", "--format", "json", as_of="2026-11-23T14:30").json()
    assert differs(steps[0], "## What to do: `sd next`") == []


def test_json_of_owed_feedback(worked: Sd) -> None:
    """`sd owed` and `sd party`: open, answered, of a party and of a person."""
    party = worked("party", "add", "Acme", "--kind", "supplier", "--format", "json").json()
    worked("wait", 1, "--party", "acme", "--for", "drum", "--until", "+2d")
    ended = worked("owed", "done", 2, "--format", "json").json()
    found = worked("owed", "list", "--all", "--format", "json").json()
    assert [differs(row, "## Owed feedback: `sd owed list`") for row in [ended, *found]] == [[]] * (
        1 + len(found)
    )
    assert differs(party, "## A party: `sd party list`") == []


def test_json_of_articles(worked: Sd) -> None:
    """`sd article`: used and withdrawn."""
    worked("article", "add", "Toner vervangen", "--owner", "an")
    worked("article", "use", 1, 2)
    ended = worked("article", "withdraw", 1, "--format", "json").json()
    listed = worked("article", "list", "--all", "--format", "json").json()
    heading = "## An article: `sd article list`"
    assert [differs(row, heading) for row in (ended, *listed)] == [[], []]


def test_json_of_calls(sd: Sd) -> None:
    """`sd calls`: a day of which all is told, and one of which it is not."""
    day = ("calls", "record", "2026-11-23", "--offered", 9, "--answered", 8, "--abandoned", 1)
    told = sd(*day, "--format", "json").json()
    sd(*day, "--dropped", 1, "--mean-wait", 20, "--in-time", 5)
    listed = sd("calls", "list", "--format", "json").json()
    assert [differs(row, "## Counts of calls: `sd calls list`") for row in (told, *listed)] == [[], []]


def test_json_of_major_incidents(worked: Sd) -> None:
    """`sd major`: open and revoked."""
    told = worked("major", "declare", 1, "--reason", "campus", "--format", "json").json()
    ended = worked("major", "revoke", 1, "--reason", "toch niet", "--format", "json").json()
    listed = worked("major", "list", "--all", "--format", "json").json()
    heading = "## A major incident: `sd major list`"
    assert [differs(row, heading) for row in (told, ended, *listed)] == [[], [], []]


def test_json_of_a_checklist(worked: Sd) -> None:
    """`sd checklist show`, and what an act on it gives."""
    heading = "## An item of a checklist: `sd checklist show`"
    worked("checklist", "add", 1, "Ophalen", "--owner", "els", "--due", "+1wd")
    worked("checklist", "add", 1, "Bezorgen", "--optional", "--ticket", 3)
    ticked = worked("checklist", "tick", 1, 1, "--format", "json").json()
    shown = worked("checklist", "show", 1, "--format", "json").json()
    assert [differs(row, heading) for row in ticked + shown] == [[]] * 3


def test_json_of_staff(worked: Sd, tmp_path: Path) -> None:
    """`sd onboarding import`, `status`, `show`, and what `new`, `complete`, `withdraw` give."""
    file = tmp_path / "hr.csv"
    file.write_text("Personeelsnummer;Voornaam;Naam;Datum in dienst\n000123;Zoë;Maes;1/2/2027\n000124;;;\n")
    words = ("--format", "json")
    told = worked("onboarding", "import", file, *words).json()
    assert differs(told, "## A file of HR: `sd onboarding import`") == []
    assert [d for one in told["findings"] for d in differs(one, "Each of the `findings`:")] == []
    assert [d for one in told["results"] for d in differs(one, "Each of the `results`:")] == []
    (line,) = worked("onboarding", "status", *words).json()
    assert differs(line, "## Who comes, moves or leaves: `sd onboarding status`") == []
    acts = [("show",), ("complete", "site=Gent"), ("withdraw",)]
    shown = [worked("onboarding", word, line["id"], *more, *words).json() for word, *more in acts]
    shown.append(worked("offboarding", "new", "000123", "--end-date", "1/4/2027", *words).json())
    assert [differs(one, "## One of them: `sd onboarding show`") for one in shown] == [[]] * 4
    assert [differs(part, "Each of the `parts`:") for part in shown[0]["parts"]] == [[]] * 7


def test_json_of_reasons_and_time(worked: Sd) -> None:
    """`sd why` and `sd sla show`."""
    why = worked("why", 1, "--format", "json").json()
    assert list(why) == ["priority", "route", "respond_by", "resolve_by"]
    assert [differs(reason, "## The reasons: `sd why`") for reason in why.values()] == [[]] * 4
    account = worked("sla", "show", 1, "--format", "json", as_of="2026-11-23T12:10").json()
    assert differs(account, "## The account of time: `sd sla show`") == []
    assert [differs(i, "Each of the `intervals`:") for i in account["intervals"]] == [[]] * len(
        account["intervals"]
    )
    assert {"counted", "paused_customer", "stopped", "outside", "total"} == set(account["sums"])


def test_json_of_steps(worked: Sd) -> None:
    """`sd sla sweep`, when something is late."""
    swept = worked("sla", "sweep", "--format", "json", as_of="2026-12-15T11:00").json()
    assert swept
    assert [differs(row, "## A step of a deadline: `sd sla sweep`") for row in swept] == [[]] * len(swept)


def test_json_of_mails(worked: Sd, store: Store) -> None:
    """`sd mail queue`, `show` and `bad`."""
    worked("note", 1, "--public", "We komen")
    shown = worked("mail", "show", 1, "--format", "json").json()
    assert differs(shown, "## A mail: `sd mail queue`, `sd mail show`") == []
    (listed,) = worked("mail", "queue", "--format", "json").json()
    assert {**listed, "headers": shown["headers"], "text": shown["text"]} == shown
    store.insert("bad_address", {"mail_key": "x@example.be", "since": 1, "reason": "550", "mail": 1})
    (bad,) = worked("mail", "bad", "--format", "json").json()
    assert differs(bad, "## An address that was refused: `sd mail bad`") == []


def test_json_of_the_report_and_of_errors(worked: Sd) -> None:
    """`sd report kpi`, and a ticket that is not there."""
    report = worked("report", "kpi", "--month", "2026-11", "--format", "json").json()
    assert [list(report), list(report["period"])] == [
        ["period", "kpis", "filters", "frozen_at"],
        ["from", "to"],
    ]
    assert [d for figure in report["kpis"] for d in differs(figure, "## The report: `sd report kpi`")] == []
    page = worked("report", "operations", "--format", "json").json()
    assert differs(page, "## The operational report: `sd report operations`") == []
    gone = worked("show", 99, "--format", "json")
    assert differs(json.loads(gone.err)["error"], "## Errors") == []


# --- What the program stands on


def _imported() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "sdtool").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += (
                [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            )
            found |= {name.split(".")[0] for name in names}
    return found


def test_libraries_used_are_those_described() -> None:
    """Decision 0007 names every library that is imported, and setup.cfg declares it."""
    described = {
        row[0].strip("`")
        for row in rows(DOCS / "decisions/0007-libraries.md", "## Which, where, at what cost")
    }
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    declared = {re.split(r"[\[><=]", line)[0] for line in config["options"]["install_requires"].split()}
    modules = {name: name.replace("-", "_").replace("python_dateutil", "dateutil") for name in declared}
    assert described - {"tzdata"} == {name for name, module in modules.items() if module in _imported()}
