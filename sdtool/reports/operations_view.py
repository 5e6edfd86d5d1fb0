"""The weekly page as people read it: points and sections in words, for the templates `report/operations`.

Every section is worded as a title, a sentence with its figures, and rows of (tag, text, note): the
templates only lay them out. Words are format strings of `report/operations-words`; data is never one.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sdtool import render
from sdtool.desk.letters import line
from sdtool.output import safe
from sdtool.reports.acts import Act
from sdtool.reports.breaches import Breach
from sdtool.reports.decisions import Point
from sdtool.reports.kpi_view import limit, shown
from sdtool.reports.layout import finished
from sdtool.reports.operations import Job, Page
from sdtool.reports.overdue import Article, Onboarding, Owing
from sdtool.reports.registry import BUCKETS, bucket_key, kpis
from sdtool.reports.repeated import Candidate
from sdtool.reports.running import Risk
from sdtool.reports.seen import MOST, Listed
from sdtool.rulebook import Rulebook
from sdtool.rules.moments import day_of

WORDS = "report/operations-words"
_LONGEST = 44  # of a text in a row: what does not fit on its line would cost the page another
_NAMED = 3  # parties, norms, titles in a point
_NARROW = 28  # of a text that has half the width of the page
_FEW = 2  # tickets that a row names
_COMMANDS = {
    "risk": "sd list --sort due",
    "owed": "sd owed list",
    "onboarding": "sd onboarding status",
    "jobs": "sd cron status",
}


class Row(NamedTuple):
    """A line of a section: what it is about, a few words, and what matters about it."""

    tag: str
    text: str
    note: str


def document(
    page: Page, rulebook: Rulebook, form: str, language: str, *, head: tuple[int, str] | None = None
) -> str:
    """Return the page as a document.

    Args:
        form: html (styles inlined), text (80 columns) or md.
        language: one of `render.REPORT_LANGUAGES`; any other reads English.
        head: number and hash of the journal's newest event, stated at the end where the page is mailed.
    """
    language = render.known(language, render.REPORT_LANGUAGES)
    return finished(form, "report/operations", language, view(page, rulebook, language, head))


def view(page: Page, rulebook: Rulebook, language: str, head: tuple[int, str] | None) -> dict[str, Any]:
    """Return what the templates name: plain values, with figures as text in `language`."""
    return _Worder(page, rulebook, language).view() | {
        "organisation": rulebook.organisation.name,
        "desk": rulebook.organisation.desk,
        "head": None if head is None else f"{head[0]}:{head[1]}",
    }


class _Worder:
    """Words for a page: its language, the names of the rulebook, the time zone."""

    def __init__(self, page: Page, rulebook: Rulebook, language: str) -> None:
        self.page, self.language = page, language
        self.zone = rulebook.organisation.timezone
        self.words = render.words(WORDS, language)
        self.known = kpis(priority.level for priority in rulebook.priorities)
        self.groups = {group.key: group.name for group in rulebook.groups}
        self.categories = {category.key: category.name for category in rulebook.categories}

    def view(self) -> dict[str, Any]:
        page, now = self.page, self.page.now
        local = datetime.fromtimestamp(now, ZoneInfo(self.zone))
        return {
            "period": render.period(page.first, page.after, self.language),
            "now": f"{self.day(now)} {local:%H:%M}",
            "role": self.words["roles"][page.role],
            "points": [self.point(point) for point in page.decisions.rows],
            "flow": [self.flow(flow.key, flow.value, flow.previous) for flow in page.flow],
            "backlog": self.backlog(),
            "ages": self.ages(),
            "sections": {name: self.section(name) for name in self.words["titles"]},
        }

    # --- Figures

    def flow(self, key: str, value: int, previous: int | None) -> dict[str, str]:
        """Word a count of the week beside that of the week before."""
        change = None if previous is None else value - previous
        return {
            "label": self.known[key].label[self.language],
            "value": self.number(value),
            "previous": self.number(previous),
            "change": "" if change is None else render.number(change, self.language, sign=True),
        }

    def backlog(self) -> list[dict[str, str]]:
        """Word what is open now."""
        found, words = self.page.backlog, self.words
        rows = [(words["open"], found.open), (words["late"], found.late), (words["waiting"], found.waiting)]
        return [{"label": label, "value": self.number(number)} for label, number in rows]

    def ages(self) -> list[dict[str, str]]:
        """Word how old the open tickets are, in working days."""
        counts = dict(self.page.backlog.ages)
        return [
            {
                "label": f"> {low - 1}" if high is None else f"{low}–{high}",
                "value": self.number(counts[bucket_key(low, high)]),
            }
            for low, high in BUCKETS
        ]

    # --- Sections

    def section(self, name: str) -> dict[str, Any]:
        """Word a section: its title, its figures in a sentence, its rows, and how many more there are."""
        listed: Listed[Any] = self.page.breaches.listed if name == "breaches" else getattr(self.page, name)
        rest = listed.total - len(listed.rows)
        rows = [getattr(self, f"{name}_row")(row) for row in listed.rows]
        return {
            "title": self.words["titles"][name],
            "total": self.number(listed.total),
            "lead": self.lead(name),
            "rows": [Row(*map(safe, row))._asdict() for row in rows],
            "more": self.words["more"].format(n=self.number(rest)) if rest > 0 else "",
            "command": _COMMANDS.get(name, "") if rest > 0 else "",
        }

    def lead(self, name: str) -> str:
        """Return the figures of a section in a sentence; "" for one that is only counted."""
        page, words = self.page, self.words
        if name == "breaches" and page.breaches.listed.total:
            causes = self.counted(page.breaches.causes, words["causes"])
            return str(words["of_resolved"].format(of=self.number(page.resolved), causes=causes))
        return f"{self.counted(page.act_kinds, words['acts'])}." if name == "acts" and page.act_kinds else ""

    def counted(self, counts: Iterable[tuple[str, int]], names: Mapping[str, str]) -> str:
        """Return "taken too late 3, escalated 1"."""
        return ", ".join(f"{names[key]} {self.number(count)}" for key, count in counts)

    def breaches_row(self, row: Breach) -> Row:
        """Word a missed deadline."""
        cause = self.words["causes"][row.cause]
        if row.times > 1:
            cause = self.words["times"].format(cause=cause, n=row.times)
        late = self.words["over"].format(time=render.duration(row.over, self.language))
        note = [late, cause] + ([self.words["still_open"]] if row.resolved_at is None else [])
        return Row(_number(row.ticket, row.priority), self.about(row), ", ".join(note))

    def risk_row(self, row: Risk) -> Row:
        """Word a ticket that is at risk."""
        left = self.words["left"].format(time=render.duration(row.left, self.language))
        return Row(_number(row.ticket, row.priority), self.about(row), f"{left}, {self.moment(row.due)}")

    def owed_row(self, row: Owing) -> Row:
        """Word who owes overdue feedback."""
        name = row.party or self.words["parties"][row.kind]
        about = _numbers(row.tickets, row.total, _FEW)
        if row.hierarchical:  # its tickets are named in the point about it
            about = self.words["management_told"]
        text = f"{self.many(row.total, self.words['answers'])} ({about})"
        return Row(_cut(name, _NARROW), text, f"{self.words['since']} {self.day(row.since)}")

    def acts_row(self, row: Act) -> Row:
        """Word what was done past the rules."""
        text = self.words["acts"][row.kind]
        if row.kind == "priority":
            text = f"P{row.was} → P{row.now}"
        text = f"{text}: {row.reason}" if row.reason else text
        return Row(
            _number(row.ticket), _cut(text, _LONGEST), " ".join(filter(None, (row.by, self.day(row.at))))
        )

    def onboarding_row(self, row: Onboarding) -> Row:
        """Word an onboarding that will not be ready."""
        starts = self.words["starts"].format(day=self.date(row.day)) if row.day else self.words["no_day"]
        text = f"{row.name}, {starts}" if row.name else starts
        return Row(_number(row.ticket), _cut(text), self.words["done"].format(done=row.done, parts=row.parts))

    def problems_row(self, row: Candidate) -> Row:
        """Word incidents that belong together."""
        text = f"{self.many(row.total, self.words['incidents'])} ({_numbers(row.tickets, row.total, _FEW)})"
        return Row(
            self.categories.get(row.category, row.category),
            text,
            f"{self.words['since']} {self.day(row.since)}",
        )

    def articles_row(self, row: Article) -> Row:
        """Word an instruction that is past its review."""
        return Row(
            _cut(row.title, _NARROW), row.owner, self.words["review"].format(day=self.date(row.review_on))
        )

    def jobs_row(self, row: Job) -> Row:
        """Word a job that is not well."""
        good = self.words["never"] if row.trouble != "never ran" else ""
        if row.last_good is not None:
            good = self.words["last_good"].format(day=self.day(row.last_good))
        trouble = self.words["troubles"].get(row.trouble, row.trouble)
        return Row(row.job, _cut(f"{trouble}: {row.message}" if row.message else trouble, _NARROW), good)

    # --- Points

    def point(self, point: Point) -> dict[str, str]:
        """Word a point: what is the matter, with whom since when, and what is asked."""
        what, asked = self.words["points"][point.kind]
        values = {
            "n": self.number(point.total),
            "many": self.many(point.total, self.words["nouns"].get(point.kind, ("", ""))),
            "tickets": _numbers(point.tickets, point.total),
            "names": self.named(point),
            "day": self.date(point.names[0])
            if point.kind == "onboarding" and point.names
            else render.NO_DATA,
            "was": self.number(point.was),
            "now": self.number(point.now),
            "share": self.growth(point),
        }
        who = [self.words["system"]] if point.kind == "jobs" else [self.groups.get(k, k) for k in point.who]
        meta = [f"{self.words['who']} {', '.join(who)}"] if who else []
        meta += [f"{self.words['since']} {self.day(point.since)}"] if point.since is not None else []
        return {"what": safe(what.format(**values)), "meta": safe(", ".join(meta)), "asked": asked}

    def named(self, point: Point) -> str:
        """Return what a point is about, by name."""
        if point.kind == "norms":
            named = [self.norm(figure) for figure in self.page.norms.rows[:_NAMED]]
            rest = self.page.norms.total - len(named)
            return ", ".join(named + ([self.words["more"].format(n=rest)] if rest else []))
        words = {"owed": self.words["parties"], "problems": self.categories}.get(point.kind, {})
        return ", ".join(_cut(words.get(name, name), _NARROW) for name in point.names[:_NAMED])

    def norm(self, figure: Any) -> str:
        """Return "resolved in time 61,0 %, norm ≥ 90,0 %"."""
        kpi = self.known[figure.key]
        value, norm = (shown(number, kpi, self.language) for number in (figure.value, figure.norm))
        return f"{kpi.label[self.language]} {value} (norm {limit(kpi, figure.better)} {norm})"

    def growth(self, point: Point) -> str:
        """Return by how much something grew, "+12,5 %"; "" from nothing."""
        if not point.was or point.now is None:
            return ""
        return render.percent(point.now / point.was - 1, self.language, sign=True)

    # --- Small words

    def about(self, row: Breach | Risk) -> str:
        """Return what a ticket is about, and who has it."""
        who = "/".join(filter(None, (self.groups.get(row.group, row.group), row.agent)))
        return f"{_cut(row.summary)} · {who}" if row.summary else who

    def number(self, value: float | None) -> str:
        """Return a number as people read it."""
        return render.number(value, self.language)

    def many(self, count: int, forms: Sequence[str]) -> str:
        """Return "3 answers", "1 answer"."""
        return f"{self.number(count)} {forms[count != 1]}"

    def date(self, day: str) -> str:
        """Return an ISO date as people read it."""
        return render.day(day, self.language)

    def day(self, at: int) -> str:
        """Return the local date of a moment."""
        return render.day(day_of(at, self.zone), self.language)

    def moment(self, at: int) -> str:
        """Return a moment: of today its time alone."""
        local = datetime.fromtimestamp(at, ZoneInfo(self.zone))
        today = day_of(self.page.now, self.zone) == local.date()
        return f"{local:%H:%M}" if today else f"{self.day(at)} {local:%H:%M}"


def _number(ticket: int, priority: int = 0) -> str:
    return f"SD-{ticket} P{priority}" if priority else f"SD-{ticket}"


def _numbers(tickets: Sequence[int], total: int, most: int = MOST) -> str:
    listed = ", ".join(f"SD-{number}" for number in tickets[:most])
    return f"{listed} …" if total > min(len(tickets), most) else listed


def _cut(text: str, longest: int = _LONGEST) -> str:
    """Return text from outside on one line, cut where it would not fit."""
    found = line(text)
    return found if len(found) <= longest else found[: longest - 1].rstrip() + "…"
