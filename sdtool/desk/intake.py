"""What comes in by mail: answers to what the desk asked, scores, notes, bounces; the rest waits for a person.

A mail is kept before it is read, and acted on in one transaction with its verdict: stopped at any moment,
nothing is lost and nothing done twice. It counts as a reply only when it answers a mail of ours, by its
Message-ID that nobody can guess, and comes from whom that mail went to or who has a part in the ticket: a
number in a subject proves nothing, and From is easily written. Programs are never answered.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from sdtool.desk import Desk, owed, owed_letters, satisfaction, tickets
from sdtool.errors import OF_ONE, BadInput, Conflict, SdError, UsageFault
from sdtool.mail import addresses, incoming
from sdtool.mail.incoming import Failure, Incoming
from sdtool.rules.lifecycle import ENDED_STATES
from sdtool.store.base import Row

LONGEST = 20_000  # characters of an answer that become a note
_SCORE = re.compile(
    r"(?:(?:score|cijfer|note|antwoord|answer)\s*[:=]?\s*)?([1-5])(?:\s*(?:/|op|of|sur)\s*5)?\s*[.!]*", re.I
)
_PERHAPS = re.compile(r"\s*(?:(?:score|cijfer|note|antwoord|answer)\s*[:=]?\s*)?[1-5]\b", re.I)
_UNCLEAR = "it does not say which question it answers"
_ENDED = "the ticket has ended: `sd reopen` when it is not over, else settle it as a note"
_PAST = "nothing is asked of who wrote it any more"
_UNSAID = "a mail did not arrive, and it does not say in a report which address"


class Verdict(NamedTuple):
    """What became of a mail: one of `incoming.VERDICTS`, the ticket, and why in a few words."""

    verdict: str
    ticket: int | None = None
    remark: str = ""


def receive(desk: Desk, raw: bytes) -> Verdict:
    """Take in one mail; return what became of it, the same when it comes again."""
    number, new = incoming.store(desk.store, raw, desk.now)
    row = incoming.get(desk.store, number)
    if not new and row["verdict"] != "new":
        return Verdict(row["verdict"], row["ticket"], "it came before")
    try:
        return judge(desk, row)
    except SdError as exc:  # the mail is kept: `catch_up` takes it in when the desk can be used again
        return Verdict("new", None, exc.message)


def from_maildir(desk: Desk, folder: str) -> tuple[list[Verdict], list[str]] | None:
    """Take in the new mails of a maildir, oldest name first, each marked as seen once it is kept.

    Returns what became of them, and a few words on each that could not be read or marked; None when another
    run is at it.
    """
    fresh, seen = Path(folder) / "new", Path(folder) / "cur"
    if not (fresh.is_dir() and seen.is_dir()):
        raise BadInput(f"{folder} is no maildir: it has no folders new and cur")
    taken: list[Verdict] = []
    faults: list[str] = []
    with desk.store.lock("maildir") as ours:
        for place in sorted(fresh.iterdir()) if ours else ():
            try:
                if place.is_file():  # a folder or a pipe is no mail
                    taken.append(receive(desk, place.read_bytes()))
                    place.replace(seen / f"{place.name.partition(':')[0]}:2,S")
            except FileNotFoundError:
                continue  # a mail program took it meanwhile
            except OSError as exc:
                faults.append(f"{place.name}: {exc.strerror}")
    return (taken, faults) if ours else None


def catch_up(desk: Desk) -> int:
    """Judge the mails that were kept only, because whoever took them in was stopped; return how many."""
    left = incoming.waiting(desk.store)
    reader = Desk(desk.store, desk.rulebook, desk.settings, actor=desk.actor, source="mail", now=desk.now)
    for number in left:
        judge(reader, incoming.get(desk.store, number))
    return len(left)


def judge(desk: Desk, row: Row) -> Verdict:
    """Read a mail that was kept, do what it asks, and write down what became of it.

    What a rule refuses (what was owed is settled), and what nobody foresaw, leaves the mail to a person: one
    mail holds up no other. What another run took meanwhile is left as that said.

    Raises:
        SdError: the desk cannot be used now; the mail stays as it came.
    """
    mail = incoming.read(row)
    why = "it cannot be read"
    if mail is not None:
        try:
            news = _composed(desk, mail)
            return desk.run(lambda: _first(desk, row["id"], mail, lambda: _done(desk, mail, row["id"], news)))
        except (*OF_ONE, UsageFault) as exc:
            why = exc.message[:300]
        except SdError:
            raise
        except Exception as exc:  # the next mail must not wait for who mends this
            why = f"internal error ({type(exc).__name__})"
    return desk.run(lambda: _first(desk, row["id"], mail, lambda: Verdict("kept", None, why)))


def _first(desk: Desk, number: int, mail: Incoming | None, act: Callable[[], Verdict]) -> Verdict:
    """Do an act for a mail (inside a transaction), unless another run was first."""
    row = incoming.get(desk.store, number)
    if row["verdict"] != "new":
        return Verdict(row["verdict"], row["ticket"], row["remark"])
    return _noted(desk, number, mail, act())


def _noted(desk: Desk, number: int, mail: Incoming | None, found: Verdict) -> Verdict:
    """Write down what became of a mail (inside a transaction)."""
    desk.store.update(
        "inmail",
        number,
        {
            **found._asdict(),
            "sender": mail.sender[:254] if mail else "",
            "subject": mail.subject[:500] if mail else "",
        },
    )
    return found


# --- What a mail is


def _done(desk: Desk, mail: Incoming, number: int, news: owed_letters.News | None) -> Verdict:
    """Do what a mail asks (inside a transaction); return what became of it."""
    if mail.loop or mail.sender == desk.settings.mail.sender.casefold():
        return Verdict("own", None, "it is from this desk, or one like it")
    if mail.kind == "bounce":
        return _bounced(desk, mail)
    if mail.kind == "auto" and (mail.machine or mail.answers):
        return Verdict("auto", None, "a program wrote it")
    if mail.kind == "auto":  # a question may be about such a message
        return Verdict("kept", None, "only its subject is that of an automatic reply")
    if mail.kind == "complaint":
        return Verdict("kept", None, "a mail system passes on a complaint about a mail")
    if not mail.sender:
        return Verdict("kept", None, "its From is not one address")
    ours = _answered(desk, mail)
    if ours is None:
        return Verdict("kept", None, "it answers no mail of the desk")
    return _replied(desk, mail, ours, number, news)


def _composed(desk: Desk, mail: Incoming) -> owed_letters.News | None:
    """Compose what the handler reads of an answer, before the transaction: that is slow."""
    ours = _answered(desk, mail) if mail.kind == "human" else None
    due = _due(desk, mail, ours) if ours is not None else ()
    return owed_letters.compose(desk, due[0].id, _words(mail)) if due else None


def _answered(desk: Desk, mail: Incoming) -> Row | None:
    """Return the newest mail of ours that this one answers and whose reader may have written it."""
    for message_id in reversed(mail.answers):
        row = desk.store.one(
            "select id, kind, ticket, recipient from outbox where message_id = :message_id",
            message_id=f"<{message_id}>",
        )
        if row is not None and (
            row["recipient"].casefold() == mail.sender or _takes_part(desk, row["ticket"], mail.sender)
        ):
            return row
    return None


def _takes_part(desk: Desk, ticket: int | None, sender: str) -> bool:
    """Tell whether an address is that of a ticket's caller, or of who owes something for it."""
    return (
        ticket is not None
        and desk.store.one(
            "select 1 from ticket left join person on person.id = ticket.caller"
            " where ticket.id = :ticket and person.mail_key = :sender",
            ticket=ticket,
            sender=sender,
        )
        is not None
    ) or any(one.ticket == ticket for one in _owing(desk, sender))


def _owing(desk: Desk, sender: str) -> list[owed.Owed]:
    """Return what somebody with this address owes."""
    rows = desk.store.query(
        "select owed.* from owed left join person on person.id = owed.person"
        " left join party on party.id = owed.party where owed.state = 'open'"
        " and :sender in (person.mail_key, lower(party.mail), lower(party.escalation_mail))"
        " order by owed.due_at, owed.id",
        sender=sender,
    )
    return [owed.Owed(**dict(row)) for row in rows]


# --- Replies


def _replied(desk: Desk, mail: Incoming, ours: Row, number: int, news: owed_letters.News | None) -> Verdict:
    if ours["kind"] == satisfaction.KIND:
        score = score_of(mail.own)
        if score is not None:
            satisfaction.record(desk, ours["ticket"], score, mail.own[: satisfaction.LONGEST])
            return Verdict("score", ours["ticket"], f"{score} of 5")
        if _PERHAPS.match(mail.own):
            return Verdict("kept", ours["ticket"], "it may give a score: `sd feedback record` notes it")
    due = _due(desk, mail, ours)
    if ours["ticket"] is None and len(due) != 1:
        return Verdict("kept", None, _UNCLEAR if _owing(desk, mail.sender) else _PAST)
    if due:
        owed_letters.answer(desk, due[0].id, _words(mail), news, inmail=number)
        return Verdict("answer", due[0].ticket, owed.spelled(due[0].id))
    ticket = tickets.lasting(desk.store, ours["ticket"])
    if ticket.state in ENDED_STATES:  # a note of it is on nobody's list
        return Verdict("kept", ticket.id, _ENDED)
    _add_note(desk, ticket.id, _words(mail), number)
    return Verdict("note", ticket.id, "")


def _due(desk: Desk, mail: Incoming, ours: Row) -> list[owed.Owed]:
    """Return what is owed that a reply to a mail of ours may answer; of several, those that it names."""
    ticket = None if ours["ticket"] is None else tickets.lasting(desk.store, ours["ticket"]).id
    due = [one for one in _owing(desk, mail.sender) if ticket in (None, one.ticket)]
    if len(due) < 2:
        return due
    named = _named(mail.own)
    return [one for one in due if {owed.spelled(one.id), f"SD-{one.ticket}"} & named]


def _add_note(desk: Desk, ticket: int, text: str, number: int) -> None:
    data = {"text": text or "A mail without text.", "public": False, "inmail": number}
    tickets.apply(desk, ticket, "note", {"public": False}, data=data)


def _named(text: str) -> set[str]:
    return {found.upper() for found in re.findall(r"\b(?:SD|F)-\d+\b", text, re.I)}


def score_of(text: str) -> int | None:
    """Return the score that the first line of an answer is (`4`, `4/5`, `4 op 5`, `Score: 4`), else None.

    Only where nothing else can be meant: "1. De printer doet het niet" begins a list.
    """
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    found = _SCORE.fullmatch(first)
    return int(found[1]) if found else None


def _words(mail: Incoming | None) -> str:
    """Return what somebody wrote, with who it was before it, for a note."""
    if mail is None or not mail.own.strip():
        return ""
    return f"Mail from {mail.sender}:\n\n{mail.own[:LONGEST]}"


# --- Bounces


def _bounced(desk: Desk, mail: Incoming) -> Verdict:
    """Note that a mail of ours did not arrive; the address is marked when it is that which was refused."""
    for message_id in mail.mentions:
        row = desk.store.one(
            "select id, ticket, recipient, state from outbox where message_id = :message_id",
            message_id=f"<{message_id}>",
        )
        if row is not None and mail.failures:
            return _undelivered(desk, row, _about(mail.failures, row["recipient"]))
        if row is not None:
            return Verdict("kept", row["ticket"], _UNSAID)
    return (
        Verdict("bounce", None, "of no mail of the desk") if mail.failures else Verdict("kept", None, _UNSAID)
    )


def _about(failures: Sequence[Failure], recipient: str) -> Failure | None:
    """Return what a report says of a recipient; a single one is about it, wherever it was sent on."""
    same = [one for one in failures if one.recipient.casefold() == recipient.casefold()]
    return same[0] if same else failures[0] if len(failures) == 1 else None


def _undelivered(desk: Desk, row: Row, failure: Failure | None) -> Verdict:
    if failure is None or failure.action != "failed" or not failure.status.startswith("5"):
        return Verdict("bounce", row["ticket"], "for now, or nobody knows: nothing was done")
    reason = f"bounced: {failure.status} {failure.reason}".strip()
    if addresses.about_address(550, failure.status.encode()):
        addresses.refuse(desk.store, row["recipient"], reason, row["id"], desk.now)
    desk.store.execute(
        "update outbox set state = 'failed', last_error = :reason, told_at = null"
        " where id = :id and state = 'sent'",
        id=row["id"],
        reason=reason,
    )
    return Verdict("bounce", row["ticket"], reason[:300])


# --- What a person does with a mail that waits


def settle(desk: Desk, number: int, ticket: int | None, remark: str = "") -> Verdict:
    """Settle a mail that waits for a person: as a note of a ticket, or (None) as nothing to be done.

    Raises:
        Conflict: it does not wait.
        UsageFault: neither a ticket nor a reason.
    """
    if ticket is None and not remark.strip():
        raise UsageFault("say which ticket it is about (--ticket), or why nothing is to be done (--remark)")

    mail = incoming.read(incoming.get(desk.store, number))

    def work() -> Verdict:
        row = incoming.get(desk.store, number)
        if row["verdict"] != "kept":
            raise Conflict(f"mail {number} does not wait for anybody: it was taken as {row['verdict']}")
        if ticket is not None:
            _add_note(desk, ticket, _words(mail), number)
        desk.store.update(
            "inmail", number,
            {"verdict": "settled", "ticket": ticket, "remark": remark.strip()[:300] or row["remark"],
             "settled_by": desk.actor, "settled_at": desk.now},
        )  # fmt: skip
        return Verdict("settled", ticket, remark)

    return desk.run(work)
