"""Write the parts of the reference that follow from the program: `python -m docs.generate`.

A page says where: between `<!-- generated NAME -->` and `<!-- end -->`. NAME is a key of BLOCKS.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, get_type_hints

import click

from docs.replay import ROOT, pages
from docs.words import KEYS, SECTIONS, SETTINGS, VERBS
from sdtool import settings
from sdtool.cli import COMMANDS, root
from sdtool.desk import handling
from sdtool.desk.registration import blank
from sdtool.errors import EXIT_CODES, SdError
from sdtool.reports.registry import KPIS
from sdtool.rulebook.read import ALL_LISTS, ALL_TABLES, REQUIRED
from sdtool.rulebook.staffing import Item
from sdtool.rules import lifecycle, process
from sdtool.rules.findings import RULES
from sdtool.rules.lifecycle import Act, Ticket, decide

_MARK = re.compile(r"(<!-- generated ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a Markdown table."""
    head = list(titles)
    lines = [head, ["---"] * len(head), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


# --- Commands


def words() -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its words, `person add`, in the order of `sd --help`; groups too."""
    context = click.Context(root, info_name="sd")
    for word in COMMANDS:
        command = root.get_command(context, word)
        assert command is not None
        yield word, command
        if isinstance(command, click.Group):
            for name, child in command.commands.items():
                yield f"{word} {name}", child


def _commands() -> str:
    options = "".join(_option(p, click.Context(root, info_name="sd")) for p in root.params)
    return f"## Before the word\n\n{options}\n" + "\n".join(_command(*found) for found in words())


def _command(word: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"sd {word}")
    parts = [f"## sd {word}\n", _prose(command.help or ""), _prose(command.epilog or "")]
    if not isinstance(command, click.Group):
        usage = " ".join(["sd", word, *command.collect_usage_pieces(context)])
        parts.insert(1, f"`{usage}`\n")
    params = "".join(_option(param, context) for param in command.params)
    return "\n".join(part for part in (*parts, params) if part)


def _prose(text: str) -> str:
    """Return help text; what is not to be wrapped (after \\b) becomes code. No machine's path stays."""
    parts = []
    for part in inspect.cleandoc(text).split("\n\n"):
        if part.startswith("\b\n"):
            parts.append(f"```text\n{part[2:]}\n```\n")
        elif part:
            parts.append(part.replace(f"{ROOT}/", "") + "\n")
    return "\n".join(parts)


def _option(param: click.Parameter, context: click.Context) -> str:
    if isinstance(param, click.Argument):
        text = getattr(param, "help", None)
        return f"- `{param.make_metavar(context)}`: {text}\n" if text else ""
    assert isinstance(param, click.Option)
    record = param.get_help_record(context)
    if record is None:
        return ""
    text, _, extra = record[1].partition("  [")
    more = " ".join(_said(part) for part in extra.removesuffix("]").split("; ") if part)
    return f"- `{record[0]}`: {f'{text} {more}'.strip()}\n"


def _said(extra: str) -> str:
    """Put what Click says in brackets in words."""
    if extra.startswith("default: "):
        return f"Default: `{extra.removeprefix('default: ')}`."
    both = re.fullmatch(r"(\d+)<=x<=(\d+)", extra)
    if both:
        return f"From {both[1]} to {both[2]}."
    least = re.fullmatch(r"x>=(\d+)", extra)
    return f"{least[1]} or more." if least else f"{extra.capitalize()}."


# --- Rulebook, settings


_TYPES: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    tuple[str, ...]: "text, or a list of texts",
    tuple[int, ...]: "whole number, or a list of them",
    tuple[int, float]: "duration",
    tuple[tuple[int, int], ...]: "list of opening hours",
    tuple[tuple[tuple[int, int], ...], ...]: "opening hours of each weekday",
    tuple[tuple[str, str, int], ...]: "table of priorities",
    tuple[Item, ...]: "list of items",
}
_BY_NAME = {
    "timezone": "time zone",
    "pattern": "regular expression",
    "valid_from": "date",
    "valid_until": "date",
    "at": "time of day",
    "on": "date or MM-DD",
    "until": "date or MM-DD",
}


def _rulebook() -> str:
    sections = [(f"[{name}]", name, cls) for name, cls in ALL_TABLES.items()]
    sections += [(f"[[{name}]]", name, cls) for name, cls in ALL_LISTS.items()]
    return "\n".join(_section(*section) for section in sections)


def _section(title: str, name: str, cls: Any) -> str:
    need = "At least one is needed.\n\n" if name in REQUIRED else ""
    rows = [
        [f"`{key}`", _BY_NAME.get(key, _TYPES[kind]), _default(cls, key, kind), KEYS[name][key]]
        for key, kind in get_type_hints(cls).items()
    ]
    head = ("Key", "Type", "Default", "Meaning")
    return f"## `{title}`\n\n{SECTIONS[name]}\n\n{need}{table(head, rows)}"


def _default(cls: Any, key: str, kind: Any) -> str:
    if key not in cls._field_defaults:
        return "required"
    value = cls._field_defaults[key]
    if kind == tuple[int, float]:
        seconds, days = value
        if days:
            return f"`{days:g} working days`"
        return f"`{seconds} s`" if seconds % 60 else f"`{seconds // 60} min`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "none" if value in ("", ()) else f"`{value}`"


def _settings() -> str:
    rows = [
        [f"`{key}`", "text", SETTINGS[key]]
        for key in settings.Settings._fields
        if key not in ("file", "mail")
    ]
    mail = settings.MailSettings()
    kinds = {str: "text", int: "whole number"}
    mails = [
        [f"`{key}`", kinds[type(value)], f"`{value}`" if value != "" else "none", SETTINGS[f"mail.{key}"]]
        for key, value in mail._asdict().items()
    ]
    return (
        f"{table(('Key', 'Type', 'Meaning'), rows)}\n## `[mail]`\n\n"
        f"{table(('Key', 'Type', 'Default', 'Meaning'), mails)}"
    )


# --- KPIs, exit codes


def _kpis() -> str:
    better = {"up": "more", "down": "less", "": "neither"}
    rows = [
        [
            f"`{kpi.key}`",
            f"{kpi.label['en']} (*{kpi.label['nl']}*, *{kpi.label['fr']}*)",
            kpi.unit,
            better[kpi.better],
            kpi.definition["en"],
            kpi.population["en"],
            kpi.exclusions["en"],
            kpi.source or "our own",
        ]
        for kpi in KPIS.values()
    ]
    return table(
        (
            "Key",
            "Name (Dutch, French)",
            "Unit",
            "Better is",
            "Definition",
            "Of",
            "Left out",
            "Where it comes from",
        ),
        rows,
    )


def _exit_codes() -> str:
    errors = {child.exit_code: child.__name__ for child in SdError.__subclasses__()}
    names = {code: f"`{errors[code]}`" if code in errors else "" for code in EXIT_CODES}
    rows = [[str(code), text, names[code]] for code, text in EXIT_CODES.items()]
    return table(("Code", "Means", "In the code"), rows)


# --- HR files


def _findings() -> str:
    rows = [
        [f"`{key}`", rule.level, _open(rule.en[0]), _open(rule.en[1]), _open(rule.nl[0])]
        for key, rule in RULES.items()
    ]
    return table(("Rule", "Level", "What is wrong", "What to do", "In Dutch"), rows)


def _open(words: str) -> str:
    """Return words with an ellipsis for what is filled in."""
    return re.sub(r"{\w+}", "…", words)


# --- Process rules


def _process_rules() -> str:
    parts = []
    for level in process.LEVELS:
        rows = [
            [f"`{rule.key}`", ", ".join(rule.process), f"{rule.en} (*{rule.nl}*)", rule.source, rule.who,
             f"`{_open(rule.do)}`".replace(", or ", "`, or `").replace(", then ", "`, then `")]
            for rule in process.RULES.values()
            if rule.level == level
        ]  # fmt: skip
        head = ("Rule", "Process", "What it demands (in Dutch)", "Source", "Who must act", "What to type")
        parts.append(f"## {level.capitalize()}s\n\n{table(head, rows)}")
    return "\n".join(parts)


# --- States


_EDITED = (*handling.EDITABLE, "caller", "target_group", "priority", "derived_priority", "override_reason")
_SAMPLE: dict[str, Any] = {
    "group": "network", "agent": "bram", "party": "customer", "text": "x", "until": 9, "pauses": True,
    "reason": "wrong-group", "solution": "x", "cause": "x", "open_parts": [], "public": True, "into": 2,
    "fields": dict.fromkeys(_EDITED, "x"),
}  # fmt: skip
_WITHOUT: dict[str, dict[str, Any]] = {
    "replan": {"fields": {"summary": "x", "agreed_due": 8}},
    "disclose": {"fields": {"confidential": 1}},
    "take": {"group": ""},
    "return": {"group": "servicedesk"},
}


def _tickets(state: str) -> list[Ticket]:
    """Return tickets in a state: with an agent, without, or both where both can be."""
    values: dict[str, Any] = {"id": 1, "state": state, "group_key": "systems", "resolved_at": None}
    if state == "waiting":
        values |= {"waiting_on": "supplier", "waiting_for": "y", "waiting_until": 8, "paused": 1}
    if state in lifecycle.ENDED_STATES:
        values |= {"ended_at": 5, "closed_at": None if state == "resolved" else 5, "merged_into": 3}
    if state in ("resolved", "closed"):
        values["resolved_at"] = 5
    agents = {"new": [""], "assigned": ["an"], "active": ["an"]}.get(state, ["an", ""])
    return [blank()._replace(**values, agent=agent) for agent in agents]


def _outcomes(verb: str, state: str) -> Iterator[tuple[str, set[str]]]:
    """Yield the state after a verb, and the other fields that it changes."""
    for ticket in _tickets(state):
        if verb == "release" and not ticket.agent:
            ticket = ticket._replace(agent="an")
        if verb == "pend":
            ticket = ticket._replace(waiting_on="desk" if state == "waiting" else "")
        args = {**_SAMPLE, **_WITHOUT.get(verb, {})}
        changed = decide(ticket, Act(verb, 7, "bram", args, lambda key: 3 if key == "network" else 2))
        yield str(changed.get("state", state)), {name for name in changed if name != "state"}


def _verbs() -> str:
    rows = []
    for verb, (states, _) in lifecycle._VERBS.items():
        outcomes = [(state, *outcome) for state in states for outcome in _outcomes(verb, state)]
        after = dict.fromkeys(new for _, new, _ in outcomes)
        stays = all(new == old for old, new, _ in outcomes) and len(states) > 1
        fields = {name for *_, names in outcomes for name in names}
        changed = ", ".join(f"`{name}`" for name in Ticket._fields if name in fields)
        command, needs = VERBS[verb]
        rows.append([
            f"`{verb}`", command, "any" if states == lifecycle.STATES else ", ".join(states),
            "as it was" if stays else ", ".join(after), needs, changed or "–",
        ])  # fmt: skip
    return table(("Verb", "Command", "From", "To", "Needs", "Changes"), rows)


BLOCKS: dict[str, Callable[[], str]] = {
    "commands": _commands,
    "rulebook": _rulebook,
    "settings": _settings,
    "kpis": _kpis,
    "exit-codes": _exit_codes,
    "verbs": _verbs,
    "findings": _findings,
    "process-rules": _process_rules,
}


def generated(text: str) -> str:
    """Return a page with its generated parts as they should be."""
    return _MARK.sub(lambda match: f"{match[1]}{BLOCKS[match[2]]()}{match[3]}", text)


def main() -> None:
    """Bring every page up to the program."""
    for page in pages():
        text = page.read_text(encoding="utf-8")
        fresh = generated(text)
        if fresh != text:
            page.write_text(fresh, encoding="utf-8")
            sys.stdout.write(f"{page.relative_to(ROOT)} written anew\n")


if __name__ == "__main__":
    main()
