"""The rules of the request, incident and problem process: what each demands, and which a record breaks.

One registry, RULES: from it are made `sd process check`, `sd lint` and the page of the reference. Pure:
values in, findings out; `rules.demands` tells whether a rule is broken.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from sdtool.rules.demands import BROKEN, Agreed, Case, Problem

PROCESSES = ("incident", "request", "problem")
# of a notice nothing has to be mended: it is told so that everybody may know
FAULT, WARNING, NOTICE = LEVELS = ("fault", "warning", "notice")


class Rule(NamedTuple):
    """A rule: what it demands (en, nl), where it comes from, who must act, and what to type.

    `who` is agent (or the group, while nobody has it), group, desk, lead or owner. `do` may name `{id}`,
    `{whole}`, `{problem}` and `{priority}`.
    """

    key: str
    process: tuple[str, ...]
    level: str
    who: str
    source: str
    en: str
    nl: str
    do: str


class Finding(NamedTuple):
    """A record that breaks a rule since a moment; `who` is a login, a group, or `lead`."""

    rule: Rule
    case: Case | Problem
    since: int
    who: str
    do: str


# --- The registry

_BOTH = ("incident", "request")
_INCIDENT = "ITIL 4 incident management"
_PROBLEM = "ITIL 4 problem management"
_OWN = "our own"

_TICKETS = (
    Rule(
        "no-category", _BOTH, FAULT, "agent", f"{_INCIDENT}: classification; rulebook [[categories]]",
        "A ticket has a category of the rulebook.",
        "Een melding heeft een categorie van het afsprakenboek.",
        "sd edit {id} --category …",
    ),
    Rule(
        "catch-all-category", _BOTH, WARNING, "agent", f"{_INCIDENT}: classification; [process] catch_all",
        "A ticket that somebody took no longer has the catch-all category.",
        "Een melding die iemand aannam, staat niet meer in de restcategorie.",
        "sd edit {id} --category …",
    ),
    Rule(
        "no-contact", _BOTH, FAULT, "desk", "ITIL 4 service desk: registration",
        "An open ticket has a caller with a mail address or a phone number.",
        "Een open melding heeft een melder met een e-mailadres of een telefoonnummer.",
        "sd edit {id} --caller …, or sd person edit",
    ),
    Rule(
        "no-target-group", _BOTH, FAULT, "desk", "rulebook [[target_groups]]",
        "The target group of a ticket is in the rulebook: it gives the priority.",
        "De doelgroep van een melding staat in het afsprakenboek: ze bepaalt de prioriteit.",
        "sd person edit, then sd edit {id} --caller …",
    ),
    Rule(
        "not-taken", _BOTH, FAULT, "group", "rulebook [[targets]] respond",
        "Somebody takes a ticket, or answers, within the time to respond.",
        "Iemand neemt een melding aan of antwoordt binnen de reactietermijn.",
        "sd take {id}",
    ),
    Rule(
        "waiting-without-owed", _BOTH, FAULT, "agent", f"{_OWN}: who waits is owed something",
        "A ticket that waits for somebody has feedback that is owed.",
        "Voor een melding die op iemand wacht, staat terugkoppeling open.",
        'sd wait {id} --on … --for "…" --until …, or sd resume {id}',
    ),
    Rule(
        "waiting-without-date", _BOTH, FAULT, "agent", f"{_OWN}: who waits knows until when",
        "A ticket that waits has a date.",
        "Een melding die wacht, heeft een datum.",
        'sd wait {id} --on … --for "…" --until …, or sd resume {id}',
    ),
    Rule(
        "highest-priority-unheard", _BOTH, FAULT, "agent", f"{_INCIDENT}; [process] update_every",
        "The customer of an open ticket of the highest priority hears something in time.",
        "De klant van een open melding met de hoogste prioriteit hoort tijdig iets.",
        'sd note {id} --public "…"',
    ),
    Rule(
        "major-unheard", ("incident",), FAULT, "agent", f"{_INCIDENT}: major incidents; [majors] update",
        "Who is struck by a major incident hears of it as often as agreed.",
        "Wie door een grote storing getroffen is, hoort er zo vaak van als afgesproken.",
        'sd note {id} --public "…"',
    ),
    Rule(
        "silent", _BOTH, WARNING, "agent", f"{_OWN}; [process] silent_after",
        "Something happens with an open ticket, or it says when it goes on.",
        "Met een open melding gebeurt er iets, of ze zegt wanneer ze verdergaat.",
        'sd note {id} "…", or sd pend {id} --until …',
    ),
    Rule(
        "late-unexplained", _BOTH, WARNING, "agent", "rulebook [[targets]] resolve; why is our own",
        "A ticket past its deadline says why.",
        "Een melding over haar termijn zegt waarom.",
        'sd note {id} "…"',
    ),
    Rule(
        "no-solution", _BOTH, FAULT, "agent", f"{_INCIDENT}: closure",
        "A ticket that was resolved or closed has a solution.",
        "Een opgeloste of afgesloten melding heeft een oplossing.",
        'sd reopen {id} --reason "…", then sd close {id} --solution "…"',
    ),
    Rule(
        "no-cause", ("incident",), WARNING, "agent", f"{_INCIDENT}: closure; {_OWN} (registration quality)",
        "An incident that was resolved has a cause.",
        "Een opgelost incident heeft een oorzaak.",
        'sd edit {id} --cause "…"',
    ),
    Rule(
        "skipped-item", _BOTH, NOTICE, "lead", f"{_OWN}: a checklist is agreed",
        "What was closed although a mandatory item of its checklist was skipped is shown.",
        "Wat werd afgesloten met een overgeslagen verplicht punt op de controlelijst, wordt getoond.",
        "sd checklist show {id}",
    ),
    Rule(
        "closed-by-force", _BOTH, NOTICE, "lead", "rulebook [[reminder_steps]] close",
        "What was closed because the customer did not answer is shown.",
        "Wat werd afgesloten omdat de klant niet antwoordde, wordt getoond.",
        "sd history {id}",
    ),
    Rule(
        "returned-often", _BOTH, WARNING, "lead", "ITIL 4 service desk: routing; [process] returned_often",
        "A ticket is not returned again and again.",
        "Een melding wordt niet telkens teruggegeven.",
        "sd history {id}, then sd assign {id} GROUP/AGENT",
    ),
    Rule(
        "reopened-often", _BOTH, WARNING, "lead", f"{_INCIDENT}: closure; [process] reopened_often",
        "A ticket is not reopened again and again.",
        "Een melding wordt niet telkens heropend.",
        "sd history {id}",
    ),
    Rule(
        "to-and-fro", _BOTH, WARNING, "lead", "ITIL 4 incident management: number of reassignments",
        "A ticket does not go from one group to another twice.",
        "Een melding gaat niet twee keer van dezelfde groep naar dezelfde andere.",
        "sd history {id}, then sd assign {id} GROUP/AGENT",
    ),
    Rule(
        "priority-overridden", _BOTH, NOTICE, "lead", f"{_OWN}: equal treatment is shown",
        "A priority that is not what the rules give is shown, with its reason.",
        "Een prioriteit die niet die van de regels is, wordt getoond, met de reden.",
        "sd why {id}",
    ),
    Rule(
        "override-without-reason", _BOTH, FAULT, "lead", "rulebook [[matrices]]; equal treatment",
        "A priority that is not what the rules give has a reason.",
        "Een prioriteit die niet die van de regels is, heeft een reden.",
        'sd edit {id} --priority {priority} --reason "…", or sd edit {id} --priority 0',
    ),
    Rule(
        "escalated-without-reason", _BOTH, WARNING, "agent", f"{_INCIDENT}: escalation",
        "Who gets a ticket from a lower line reads in it why: a reason or a note.",
        "Wie een melding van een lagere lijn krijgt, leest erin waarom: een reden of een nota.",
        'sd note {id} "…"',
    ),
    Rule(
        "whole-ended", _BOTH, FAULT, "agent", "the life of a ticket (states)",
        "A ticket does not end before its parts.",
        "Een melding eindigt niet voor haar onderdelen.",
        'sd reopen {whole} --reason "…", or sd unlink {id} part-of {whole}',
    ),
    Rule(
        "problem-ended", ("incident", "problem"), WARNING, "agent", f"{_PROBLEM}: error control",
        "An incident of a problem that ended ends too.",
        "Een incident van een problem dat beëindigd is, eindigt ook.",
        'sd close {id} --solution "…", or sd problem unlink {problem} {id}',
    ),
)  # fmt: skip

_PROBLEMS = (
    Rule(
        "problem-unowned", ("problem",), FAULT, "lead", f"{_PROBLEM}; [process] unowned_problem_after",
        "An open problem has an owner.",
        "Een open problem heeft een eigenaar.",
        "sd problem edit {id} --owner …",
    ),
    Rule(
        "problem-stuck", ("problem",), WARNING, "owner", f"{_PROBLEM}; [process] stuck_problem_after",
        "An open problem gets a cause or a workaround within its term.",
        "Een open problem krijgt binnen de termijn een oorzaak of een tijdelijke oplossing.",
        'sd problem known {id} --workaround "…"',
    ),
)  # fmt: skip
RULES = {rule.key: rule for rule in (*_TICKETS, *_PROBLEMS)}


def chosen(process: str = "", rule: str = "", off: Iterable[str] = ()) -> list[Rule]:
    """Return the rules of a process, or the one with a key, without those that are off; "" is all.

    Raises:
        KeyError: there is no rule with that key.
    """
    found = [RULES[rule]] if rule else list(RULES.values())
    return [one for one in found if one.key not in set(off) and (not process or process in one.process)]


def judge(case: Case | Problem, agreed: Agreed, rules: Iterable[Rule]) -> Iterator[Finding]:
    """Yield a finding for each of the rules about such a record that it breaks."""
    kept = case._replace(did=()) if isinstance(case, Case) else case  # findings stay in memory
    for rule in rules:
        if (rule in _TICKETS) is not isinstance(case, Case):
            continue
        if isinstance(case, Case) and case.type not in rule.process:
            continue
        since = BROKEN[rule.key](case, agreed)
        if since is not None:
            yield Finding(rule, kept, since, _who(rule.who, case), _do(rule, case))


def _who(role: str, case: Case | Problem) -> str:
    if isinstance(case, Problem):
        return (case.owner if role == "owner" else "") or "lead"
    return {"agent": case.agent or case.group_key, "group": case.group_key}.get(role, role)


def _do(rule: Rule, case: Case | Problem) -> str:
    values = {"id": case.id}
    if isinstance(case, Case):
        values |= {
            "priority": case.priority,
            "whole": (case.whole or (0,))[0],
            "problem": (case.problem or (0,))[0],
        }
    return rule.do.format(**values)
