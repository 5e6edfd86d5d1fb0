"""What the keys of the rulebook and the settings mean, and what the verbs of a ticket need, in words.

`generate` puts them in the reference; it fails when a key of the program has no words here.
"""

from __future__ import annotations

_SINCE = "The first day on which the entry counts; without it, always. See [valid_from](#valid_from)."
_KEY = "Name by which everything else refers to it."
_NAME = "Name as people read it."

SECTIONS: dict[str, str] = {
    "organisation": "Who the desk is.",
    "closing": "What ends a resolved ticket, and how long a first contact is.",
    "calendars": "Opening hours.",
    "days": "Days that differ from the weekly hours: days off of one's own, and special hours.",
    "target_groups": "Customers who are served alike, an axis of the priority matrix.",
    "urgencies": "How soon the customer needs it, the other axis of the matrix.",
    "impacts": "How far it reaches; may shift the priority. This section may be left out.",
    "channels": "How a report came in.",
    "priorities": "The levels.",
    "matrices": "Urgency x target group gives the priority.",
    "targets": "What is promised for a type and a priority.",
    "categories": "What a report is about.",
    "groups": "Solver groups.",
    "routes": "Routing rules, in order: the first whose conditions all hold wins.",
    "waiting": "Whether the clock stands while the desk waits. A party without an entry does not stop it.",
    "service_sheet": "The service sheet (*dienstenfiche*): norms of the KPIs, of the whole desk or of a "
    "service. Of the lines in force on a day the one that began last counts.",
    "services": "The services of the service sheet. A service is a set of categories.",
    "process": "The terms of the process rules.",
    "recurrence": "When like incidents are taken for one problem.",
    "majors": "Major incidents.",
    "reports": "Who receives a report by mail.",
    "jobs": "When a scheduled job is late, other than shipped.",
    "views": "Saved lists.",
    "staff": "Who comes, moves or leaves: what its tickets are, and how HR and the desk work together.",
    "checklists": "Checklists. One with conditions goes with every new ticket that meets all of them; "
    "one without is given by name, by a support service or with `sd checklist add --list`.",
    "staff_columns": "What the columns of an HR file are called. Case, accents, blanks and "
    "punctuation make no difference.",
    "staff_rules": "What a row of an HR file must hold. All rules that fit a row count.",
    "staff_formats": "How a field of an HR file is written.",
    "support_services": "What a colleague gets, each as a ticket of its own under the one of the change.",
    "packages": "Which support services whom. All packages that fit a colleague add up.",
    "reminding": "When reminders may go out, and who gets copies.",
    "satisfaction": "Asking customers how it was.",
    "agents": "Where mail for agents goes; who is not here gets none.",
    "reminder_steps": "The ladder of each party: what happens when feedback that is owed does not come.",
    "escalations": "Who is told how much of a promise is used up; each once a deadline.",
    "updates": "How long a customer may hear nothing of an open ticket.",
    "staff_mails": "Mails at the steps of a change; each goes out once.",
}

KEYS: dict[str, dict[str, str]] = {
    "organisation": {
        "name": "Name of the organisation, in mails and reports.",
        "desk": "Name of the service desk, in mails and reports.",
        "language": "Language of reports, and of a person without another one: `nl`, `en`, or `fr` for mails "
        "with reports in English.",
        "timezone": "The zone in which the desk reads and writes moments.",
    },
    "closing": {
        "customer_term": "How long after the resolution a ticket closes by itself.",
        "first_contact": "How long a first contact lasts at most, for first contact resolution.",
    },
    "calendars": {
        "key": "Name by which targets and days refer to it. The first calendar is that of the desk itself.",
        "hours": 'Seven lists, `hours.mon` to `hours.sun`, such as `["08:00-12:00", "12:30-17:00"]`. '
        "A day without a list is closed. A closing time before the opening time is the next morning.",
        "name": _NAME,
        "timezone": "The zone of these hours.",
        "holidays": "Country code, such as `BE`: its legal holidays are days off. Without it there are none.",
        "valid_from": _SINCE,
    },
    "days": {
        "calendar": "The calendar it belongs to.",
        "on": "The day, or the first one: `07-11` is every year, `2026-05-15` once.",
        "name": "What day it is.",
        "until": "The last day, for several in a row; written as `on` is.",
        "hours": "Opening hours of that day. Without them it is closed.",
    },
    "target_groups": {
        "key": _KEY,
        "name": _NAME,
        "default": "Whether it counts for a caller of whom none is known. Without one, the last does.",
    },
    "urgencies": {"key": _KEY, "name": _NAME},
    "impacts": {
        "key": _KEY,
        "name": _NAME,
        "shift": "Added to the priority of the matrix; `-1` is one level more urgent.",
        "default": "Whether it counts when none is given. Without one, the first does.",
    },
    "channels": {
        "key": "`phone`, `mail`, `counter`, `portal` or `monitoring`: `sd new` takes these.",
        "name": _NAME,
        "live": "Whether the customer is there while the ticket is made; it counts for first contact.",
    },
    "priorities": {"level": "1 is the highest.", "name": _NAME},
    "matrices": {
        "cells": "Under `[matrices.cells]`, a line an urgency: `high = { staff = 3, schools = 2 }`. "
        "Every urgency needs a level for every target group.",
        "valid_from": _SINCE,
    },
    "targets": {
        "type": "`incident` or `request`.",
        "priority": "Level of priority.",
        "respond": "How long until a person takes it or answers.",
        "resolve": "How long until it is solved.",
        "calendar": "The calendar by which both are counted.",
        "valid_from": _SINCE,
    },
    "categories": {
        "key": _KEY,
        "name": _NAME,
        "first_line": "Whether the first line can solve it at all, for net first contact resolution.",
    },
    "groups": {
        "key": _KEY + " It may not hold a `/`.",
        "name": _NAME,
        "line": "1 is the service desk, 2 and 3 are behind it. A step to a higher line is an escalation.",
        "mail": "Mail address of the group, for people to read in `sd rulebook show`.",
        "members": "Logins of its members. Who is in no group works in the first line.",
    },
    "routes": {
        "name": "Name of the rule; `sd why` tells it.",
        "group": "Solver group to which it sends the ticket.",
        "type": "Only these types.",
        "category": "Only these categories.",
        "target_group": "Only these target groups.",
        "channel": "Only these channels.",
        "priority": "Only these levels.",
        "words": "Only when one of these stands in the summary or description: the beginning of a word, "
        "or words that follow each other.",
        "valid_from": _SINCE,
    },
    "waiting": {
        "party": "`customer`, `supplier` or `internal`.",
        "pauses": "Whether the clock stands while the desk waits for this party.",
        "name": _NAME,
        "valid_from": _SINCE,
    },
    "service_sheet": {
        "kpi": "Key of a KPI, see [KPIs](kpis.md).",
        "norm": "The value it is held to: a share from 0 to 1, seconds, working days, a ratio or a count.",
        "service": "Key of a service; without it, the whole desk.",
        "direction": "`>=` or `<=`; without it, that of the KPI.",
        "unit": "The KPI's own unit, for who reads the file: `share`, `seconds`, `days` (working days), "
        "`ratio` or `count`.",
        "owner": "Who answers for it.",
        "public": "Whom it is promised to.",
        "valid_from": _SINCE,
        "valid_until": "The last day on which it counts; without it, until the next line of the KPI begins.",
    },
    "services": {
        "key": _KEY,
        "name": _NAME,
        "categories": "Its categories. A category belongs to one service.",
        "owner": "Who answers for it.",
        "public": "Whom it is for.",
    },
    "process": {
        "update_every": "How long the customer of a P1 may hear nothing.",
        "silent_after": "How long an open ticket may be without any event.",
        "returned_often": "A ticket returned so many times needs a decision.",
        "reopened_often": "A ticket reopened so many times needs a decision.",
        "unowned_problem_after": "How long a problem may have no owner.",
        "off": "Names of [rules](process-rules.md) that are not applied.",
        "catch_all": "Categories that say nothing: who takes a ticket chooses another.",
        "stuck_problem_after": "How long a problem may have neither cause nor workaround.",
    },
    "recurrence": {
        "days": "Incidents of so many days are compared.",
        "incidents": "So many alike are a candidate for a problem.",
        "share": "The share of their words that they have in common, 0 to 1.",
    },
    "majors": {"update": "How often those who are struck hear how it stands."},
    "reports": {
        "key": "Which report: `kpi`, `operations`, or `jobs` (what failed; else who gets `kpi` reads that).",
        "recipients": "Mail addresses; each gets a mail of its own.",
        "language": "Language of the report: `nl` or `en`.",
        "role": "What they may see: `coordinator` all but what is confidential, `management` figures without "
        "names, `agent` their own and their group's figures.",
        "every": "`month`, `week` or `day`; without it, `kpi` goes out monthly and `operations` weekly. "
        "Daily is on working days.",
        "day": "Weekday of what goes out weekly: `mon` to `sun`.",
        "at": "Local time before which it does not leave.",
    },
    "jobs": {
        "name": "Name of a job, see `sd cron run --help`.",
        "late_after": "Seconds after its last good run from which it is late.",
    },
    "views": {
        "key": "Name for `sd list --view`.",
        "name": _NAME,
        "options": "Options of `sd list`, each word a text of its own.",
    },
    "staff": {
        "category": "Category of the ticket of a change. Needed where there are packages.",
        "urgency": "Its urgency, and that of its sub-tickets. Needed where there are packages.",
        "channel": "Its channel. Needed where there are packages.",
        "lead_time": "How long before the day HR tells it; later is a warning.",
        "hr": "What the personnel service is called in mails.",
        "hr_mail": "Mail address that is asked for what is missing. Without it nobody is asked by mail.",
        "sites": "The sites that are known; a row with another one is at fault. None: any site will do.",
    },
    "checklists": {
        "key": _KEY,
        "name": _NAME,
        "items": "A list of tables, each with a `text`, and maybe an `owner`, a `due` time counted from the "
        "registration of the ticket (a duration) and `optional = true` for what need not be done.",
        "type": "Only tickets of these types.",
        "category": "Only tickets of these categories.",
        "target_group": "Only tickets of these target groups.",
    },
    "staff_columns": {
        "field": "The field; see [HR files](hr-files.md).",
        "names": "What its column may be called.",
    },
    "staff_rules": {
        "required": "Fields that must be filled in.",
        "kind": "Only for `onboarding`, `mover` or `offboarding`.",
        "target_group": "Only for these target groups.",
    },
    "staff_formats": {
        "field": "The field.",
        "pattern": "What the whole text must match.",
        "advice": "What HR is told when it does not.",
        "target_group": "Only for these target groups.",
    },
    "support_services": {
        "key": _KEY,
        "name": "Name as people read it: the ticket is called so, with the colleague's name.",
        "category": "Category of its tickets.",
        "group": "Solver group of its tickets.",
        "days_before": "How many working days before the start it is ready: the deadline of the ticket. "
        "0 is the day itself.",
        "needs": "Fields without which it cannot begin; its ticket waits until they are known.",
        "after": "Support services that come first; its ticket waits until theirs are solved.",
        "checklist": "Checklists that the ticket gets which gives it; the one that takes it back has none.",
        "leave": "What the ticket is called that takes it away again; none: there is nothing to take away.",
        "days_after": "How many working days after the end that is done; 0 is the end itself.",
        "hand_in": "Whether the colleague hands something in: a line on the list of who leaves.",
    },
    "packages": {
        "key": _KEY,
        "name": _NAME,
        "services": "The support services.",
        "target_group": "Only for these target groups.",
        "department": "Only for a department in which one of these words stands.",
        "job_title": "Only for a function in which one of these words stands.",
    },
    "reminding": {
        "window": "Hours in which reminders go out, on working days of who gets them.",
        "lead": "Mail address of who leads the desk, for copies and escalations to `lead`.",
        "manager": "Mail address of management, for copies and escalations to `manager`.",
    },
    "satisfaction": {
        "share": "The share of closed tickets of which the customer is asked; 0 asks nobody.",
        "days": "Nobody is asked more often than once in so many days.",
        "low": "Up to this score, of 1 to 5, the desk calls back.",
        "remind_after": "When the one reminder goes out.",
    },
    "agents": {
        "login": "Login on the server.",
        "mail": "Mail address.",
        "name": _NAME,
        "language": "Language of mails.",
    },
    "reminder_steps": {
        "party": "`customer`, `supplier` or `internal`.",
        "term": "How long after it was asked, in working time of the party. The first step is never before "
        "the day that was asked for; the others keep their distance.",
        "tone": "`friendly`, `firm`, `hierarchical`; for customers also `closing`, which announces the end, "
        "and `close`, which closes the ticket.",
        "copy": "Who gets a copy: `lead`, `manager`, `escalation` (the party's own contact for that).",
    },
    "escalations": {
        "promise": "`respond`, `resolve` or `update`.",
        "percent": "How much of the promise is used up: 75 is before the deadline, 100 at it, 150 after it.",
        "tell": "`agent`, `group`, `lead`, `manager`.",
        "priority": "Only for these priorities.",
        "only": "`not-started` or `not-assigned`; none: always.",
    },
    "updates": {
        "every": "The longest time without a message to the customer.",
        "priority": "Only for these priorities.",
        "type": "Only for `incident` or `request`.",
    },
    "staff_mails": {
        "step": "`registered` (complete), `incomplete`, `moved`, `withdrawn` or `ready` (for day one).",
        "to": "`manager`, `newcomer` or `hr`; who has no valid mail address gets none.",
        "kind": "Only for `onboarding`, `mover` or `offboarding`.",
    },
}

SETTINGS: dict[str, str] = {
    "database": "Path of the desk, or `sqlite:///PATH`. `SD_DATABASE` wins over it. Without both: "
    "`~/.local/share/sdtool/desk.db`.",
    "rulebook": "Path of the rulebook. `SD_RULEBOOK` wins over it. Without both: "
    "`~/.config/sdtool/rulebook.toml` when it is there, else the shipped one.",
    "anchor": "File to which the head of the journal is added after every change, beside the system log.",
    "mail.host": "SMTP server.",
    "mail.port": "Its port: mostly 25, 587 for `starttls`, 465 for `tls`.",
    "mail.security": "`none`, `starttls` or `tls`. What is set is required: no TLS, no mail.",
    "mail.user": "Login at the server; none means no login. With `none` for security only on this machine.",
    "mail.password_file": "File whose first line is the password. `SD_SMTP_PASSWORD` wins over it.",
    "mail.sender": "Sender of every mail, one address.",
    "mail.timeout": "Seconds that one mail may take, whatever the server does.",
    "mail.per_run": "Mails that one run sends at most; more are held until a person decides. 0 is no limit.",
    "mail.per_recipient_day": "Mails that one address gets on one day at most; more are held. 0 is no limit.",
}

# verb -> command, what it needs
VERBS: dict[str, tuple[str, str]] = {
    "assign": ("`sd assign`", "a group, an agent, or both"),
    "take": ("`sd take`", "nobody else has it"),
    "release": ("`sd release`", "somebody has it"),
    "start": ("`sd start`", "–"),
    "note": ("`sd note`", "a text"),
    "edit": ("`sd edit`", "a change; a reason to override the priority"),
    "replan": ("by a change of staff", "the day of a change moved"),
    "disclose": ("by a change of staff", "its request became confidential, or open"),
    "hold": ("`sd owed`, or by a change of staff", "something is still owed, or comes first"),
    "wait": ("`sd wait`", "who owes the feedback, what it is, a moment to come"),
    "pend": ("`sd pend`", "a moment to come; it waits for nobody"),
    "resume": ("`sd resume`", "–"),
    "escalate": ("`sd escalate --to`", "another group, a reason"),
    "escalate-up": ("`sd escalate --hierarchical`", "a reason"),
    "return": ("`sd return`", "a reason; the first line does not have it"),
    "resolve": ("`sd close`", "a solution; no open sub-ticket, no open mandatory item"),
    "close": ("by the job `close`", "the customer's term is over; no open mandatory item"),
    "reopen": ("`sd reopen`", "a reason"),
    "cancel": ("`sd cancel`", "a reason"),
    "link": ("`sd link`", "no circle"),
    "unlink": ("`sd unlink`", "the link is there"),
    "merge": ("`sd merge`", "a ticket that stands; no open sub-ticket"),
    "unmerge": ("`sd unmerge`", "–"),
    "add-item": ("`sd checklist add`", "a text, or a list of the rulebook"),
    "tick": ("`sd checklist tick`", "an open item that is no other ticket"),
    "skip": ("`sd checklist skip`", "an open item, a reason"),
    "untick": ("`sd checklist untick`", "an item that was ticked or skipped"),
    "import-close": (
        "`sd fmis import`",
        "closed elsewhere without a moment of solving; no open mandatory item",
    ),
    "import-edit": ("`sd fmis import`", "changed elsewhere"),
}
