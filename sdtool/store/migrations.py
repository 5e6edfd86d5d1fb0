"""The schema, as the steps that made it; a step is never edited, a new one is added at the end.

`{id}`, `{int}` and `{strict}` stand for what the engine calls them.
"""

from __future__ import annotations

from sdtool.errors import BadSetup

_BASE = (
    "create table meta (key text primary key, value text not null){strict}",
    "create table counter (name text primary key, value {int} not null){strict}",
    """create table event (
        id {int} primary key,
        act {int} not null,
        kind text not null,
        subject {int} not null,
        verb text not null,
        actor text not null,
        source text not null,
        at {int} not null,
        recorded_at {int} not null,
        commitment text not null,
        hash text not null
    ){strict}""",
    "create index event_subject on event (kind, subject, id)",
    """create table event_data (
        event {int} primary key references event (id),
        salt text not null,
        data text not null
    ){strict}""",
    """create table person (
        id {int} primary key,
        name text not null,
        mail text,
        phone text,
        staff_number text,
        target_group text not null,
        department text not null default '',
        site text not null default '',
        language text not null,
        active {int} not null default 1 check (active in (0, 1)),
        name_key text not null,
        mail_key text unique,
        phone_key text,
        rev {int} not null default 1
    ){strict}""",
    "create unique index person_staff_number on person (staff_number)",
    "create index person_name on person (name_key)",
    "create index person_phone on person (phone_key)",
    """create table ticket (
        id {int} primary key,
        fmis_ref text unique,
        type text not null check (type in ('incident', 'request')),
        summary text not null,
        description text not null default '',
        state text not null check (state in
            ('new', 'assigned', 'active', 'waiting', 'resolved', 'closed', 'cancelled', 'merged')),
        caller {int} references person (id),
        channel text not null,
        category text not null,
        urgency text not null,
        impact text not null default '',
        target_group text not null,
        priority {int} not null check (priority >= 1),
        derived_priority {int} not null,
        override_reason text not null default '',
        route text not null default '',
        group_key text not null,
        agent text not null default '',
        confidential {int} not null default 0 check (confidential in (0, 1)),
        registered_by text not null,
        opened_at {int} not null,
        accepted_at {int},
        responded_at {int},
        resolved_at {int},
        closed_at {int},
        ended_at {int},
        escalated_at {int},
        hierarchical {int} not null default 0,
        contacts {int} not null default 0,
        escalations {int} not null default 0,
        reassignments {int} not null default 0,
        wrong_routings {int} not null default 0,
        reopens {int} not null default 0,
        waiting_on text not null default '',
        waiting_for text not null default '',
        waiting_until {int},
        paused {int} not null default 0 check (paused in (0, 1)),
        solution text not null default '',
        cause text not null default '',
        merged_into {int} references ticket (id),
        respond_due {int} not null,
        resolve_due {int} not null,
        respond_target {int} not null,
        resolve_target {int} not null,
        agreed_due {int},
        service text not null default '',
        reversal {int} not null default 0 check (reversal in (0, 1)),
        test {int} not null default 0 check (test in (0, 1)),
        rev {int} not null default 1
    ){strict}""",
    # the predicate of open tickets is spelled as in desk.tickets.OPEN, or no query finds these indexes
    "create index ticket_open on ticket (group_key, type, priority, resolve_due) where ended_at is null",
    "create index ticket_agent on ticket (agent, resolve_due) where ended_at is null",
    "create index ticket_opened on ticket (opened_at)",
    "create index ticket_resolved on ticket (resolved_at)",
    "create index ticket_closed on ticket (closed_at, opened_at)",
    "create index ticket_ended on ticket (ended_at)",
    "create index ticket_caller on ticket (caller)",
    "create index ticket_service_due on ticket (resolve_due) where service <> ''",
    "create index ticket_confidential on ticket (id) where confidential = 1",
    """create table pause (
        ticket {int} not null references ticket (id),
        start_at {int} not null,
        end_at {int},
        until_at {int},
        party text not null,
        primary key (ticket, start_at)
    ){strict}""",
    """create table link (
        ticket {int} not null references ticket (id),
        kind text not null check (kind in ('duplicate-of', 'part-of', 'caused-by', 'blocks')),
        other {int} not null references ticket (id),
        primary key (ticket, kind, other)
    ){strict}""",
    "create index link_other on link (other)",
    """create table checklist_item (
        ticket {int} not null references ticket (id),
        number {int} not null,
        list text not null,
        text text not null,
        owner text not null,
        due_at {int},
        mandatory {int} not null check (mandatory in (0, 1)),
        other {int} references ticket (id),
        state text not null check (state in ('open', 'done', 'skipped')),
        done_by text not null default '',
        done_at {int},
        remark text not null default '',
        primary key (ticket, number)
    ){strict}""",
    "create index checklist_item_other on checklist_item (other) where other is not null",
    """create table staff_change (
        id {int} primary key references ticket (id),
        kind text not null check (kind in ('onboarding', 'mover', 'offboarding')),
        staff_number text not null,
        day text not null default '',
        data text not null,
        held text not null default '[]',
        missing text not null default '[]',
        person {int} references person (id),
        known_at {int} not null,
        complete_first {int} not null check (complete_first in (0, 1)),
        moves {int} not null default 0,
        applied_at {int},
        withdrawn_at {int},
        rev {int} not null default 1
    ){strict}""",
    "create index staff_change_number on staff_change (staff_number)",
    "create index staff_change_day on staff_change (day)",
    "create index staff_change_known on staff_change (known_at)",
    """create table party (
        id {int} primary key,
        kind text not null check (kind in ('supplier', 'internal')),
        name text not null,
        mail text,
        phone text,
        language text not null,
        calendar text not null default '',
        contract text not null default '',
        escalation_name text not null default '',
        escalation_mail text,
        active {int} not null default 1 check (active in (0, 1)),
        name_key text not null unique,
        rev {int} not null default 1
    ){strict}""",
    """create table owed (
        id {int} primary key,
        ticket {int} not null references ticket (id),
        kind text not null check (kind in ('customer', 'supplier', 'internal')),
        person {int} references person (id),
        party {int} references party (id),
        what text not null,
        asked_at {int} not null,
        asked_by text not null,
        due_at {int} not null,
        step {int} not null default 0,
        step_at {int},
        state text not null check (state in ('open', 'answered', 'cancelled')),
        ended_at {int},
        ended_by text not null default '',
        remark text not null default '',
        rev {int} not null default 1,
        origin text not null default ''
    ){strict}""",
    "create index owed_ticket on owed (ticket)",
    "create index owed_open on owed (kind, due_at) where state = 'open'",
    """create table promise (
        id {int} primary key,
        kind text not null check (kind in ('promise', 'callback', 'appointment', 'buffer')),
        ticket {int} references ticket (id),
        agent text not null,
        text text not null,
        at {int} not null,
        until_at {int},
        state text not null check (state in ('open', 'kept', 'cancelled')),
        ended_at {int},
        moves {int} not null default 0,
        remark text not null default '',
        rev {int} not null default 1
    ){strict}""",
    "create index promise_open on promise (agent, at) where state = 'open'",
    "create index promise_ticket on promise (ticket)",
    """create table alert (
        ticket {int} not null references ticket (id),
        promise text not null,
        due_at {int} not null,
        percent {int} not null,
        at {int} not null,
        primary key (ticket, promise, due_at, percent)
    ){strict}""",
    """create table feedback (
        id {int} primary key references ticket (id),
        person {int} not null references person (id),
        asked_at {int} not null,
        reminded_at {int},
        score {int} check (score between 1 and 5),
        comment text not null default '',
        answered_at {int},
        source text not null default '',
        rev {int} not null default 1
    ){strict}""",
    "create index feedback_person on feedback (person, asked_at)",
    """create table problem (
        id {int} primary key,
        title text not null,
        category text not null default '',
        owner text not null default '',
        state text not null check (state in ('open', 'known-error', 'resolved', 'cancelled')),
        workaround text not null default '',
        cause text not null default '',
        solution text not null default '',
        opened_at {int} not null,
        known_at {int},
        ended_at {int},
        rev {int} not null default 1
    ){strict}""",
    """create table problem_ticket (
        problem {int} not null references problem (id),
        ticket {int} not null references ticket (id),
        primary key (problem, ticket)
    ){strict}""",
    "create index problem_ticket_ticket on problem_ticket (ticket)",
    """create table article (
        id {int} primary key,
        title text not null,
        owner text not null default '',
        place text not null default '',
        version {int} not null default 1,
        review_on text not null,
        reviewed_at {int},
        state text not null check (state in ('active', 'withdrawn')),
        made_at {int} not null,
        ended_at {int},
        rev {int} not null default 1
    ){strict}""",
    """create table article_use (
        article {int} not null references article (id),
        ticket {int} not null references ticket (id),
        primary key (article, ticket)
    ){strict}""",
    "create index article_use_ticket on article_use (ticket)",
    """create table call_day (
        id {int} primary key,
        day text not null,
        line text not null,
        offered {int} not null,
        answered {int} not null,
        abandoned {int} not null,
        dropped {int},
        waited {int},
        in_time {int},
        rev {int} not null default 1,
        unique (day, line)
    ){strict}""",
    """create table major (
        id {int} primary key references ticket (id),
        reason text not null,
        declared_at {int} not null,
        declared_by text not null,
        update_every {int} not null,
        revoked_at {int},
        rev {int} not null default 1
    ){strict}""",
    """create table frozen_month (
        id {int} primary key,
        digest text not null,
        data text not null,
        frozen_at {int} not null,
        rev {int} not null default 1
    ){strict}""",
    """create table bad_address (
        mail_key text primary key,
        since {int} not null,
        reason text not null,
        mail {int} not null
    ){strict}""",
    """create table holiday (
        calendar text not null,
        day text not null,
        name text not null,
        hours text not null default '[]',
        primary key (calendar, day)
    ){strict}""",
    """create table outbox (
        id {id},
        dedupe text not null unique,
        kind text not null,
        ticket {int} references ticket (id),
        recipient text not null,
        message_id text not null,
        message text not null,
        state text not null check (state in ('queued', 'sending', 'sent', 'failed', 'held', 'dropped')),
        attempts {int} not null default 0,
        next_try {int} not null,
        expires_at {int},
        maybe_twice {int} not null default 0,
        last_error text not null default '',
        released {int} not null default 0 check (released in (0, 1)),
        created_at {int} not null,
        sent_at {int},
        told_at {int}
    ){strict}""",
    "create index outbox_due on outbox (state, next_try)",
    """create table inmail (
        id {id},
        digest text not null unique,
        received_at {int} not null,
        raw text not null,
        verdict text not null check (verdict in
            ('new', 'answer', 'score', 'note', 'bounce', 'auto', 'own', 'kept', 'settled')),
        sender text not null default '',
        subject text not null default '',
        ticket {int} references ticket (id),
        remark text not null default '',
        settled_by text not null default '',
        settled_at {int}
    ){strict}""",
    "create index inmail_verdict on inmail (verdict, id)",
    """create table job_run (
        id {id},
        job text not null,
        started_at {int} not null,
        finished_at {int},
        outcome text not null check (outcome in ('running', 'done', 'failed')),
        message text not null default ''
    ){strict}""",
    "create index job_run_job on job_run (job, id)",
    """create table request (
        key text primary key,
        digest text not null,
        answer text not null,
        at {int} not null
    ){strict}""",
)

MIGRATIONS: tuple[tuple[str, tuple[str, ...]], ...] = (("the first schema", _BASE),)
VERSION = len(MIGRATIONS)


def require_current(version: int, where: str) -> None:
    """Refuse a desk whose schema is not the one of this program, with what to do about it."""
    if version != VERSION:
        raise BadSetup(
            f"the desk at {where} has schema {version}, this program needs schema {VERSION}",
            hint="`sd admin migrate` brings it up to date" if version < VERSION else "install a newer sdtool",
        )
