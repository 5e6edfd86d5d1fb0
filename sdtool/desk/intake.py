"""What comes in by mail: answers to what the desk asked, scores, notes, bounces; the rest waits for a person.

A mail is kept before it is read, and acted on in one transaction with its verdict: stopped at any moment,
nothing is lost and nothing done twice. It counts as a reply only when it answers a mail of ours, by its
Message-ID that nobody can guess, and comes from whom that mail went to or who has a part in the ticket: a
number in a subject proves nothing, and From is easily written. Programs are never answered.
"""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from sdtool.desk import Desk, owed, owed_letters, satisfaction, tickets
from sdtool.errors import BadInput, Conflict, SdError, UsageFault
from sdtool.mail import addresses, incoming
from sdtool.mail.incoming import Failure, Incoming
from sdtool.store.base import Row

_REFUSALS = (2, 3, 4, 5, 77)  # exit codes of what a rule refuses; the others are about the desk
LONGEST = 20_000  # characters of an answer that become a note


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


def from_maildir(desk: Desk, folder: str) -> Iterator[Verdict]:
    """Take in the new mails of a maildir, oldest name first, each marked as seen once it is kept."""
    fresh, seen = Path(folder) / "new", Path(folder) / "cur"
    if not (fresh.is_dir() and seen.is_dir()):
        raise BadInput(f"{folder} is no maildir: it has no folders new and cur")
    for place in sorted(fresh.iterdir()):
        found = receive(desk, place.read_bytes())
        place.replace(seen / f"{place.name.partition(':')[0]}:2,S")
        yield found


def catch_up(desk: Desk) -> int:
    """Judge the mails that were kept only, because whoever took them in was stopped; return how many."""
    left = incoming.waiting(desk.store)
    for number in left:
        judge(desk, incoming.get(desk.store, number))
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
            found = desk.run(lambda: _first(desk, row["id"], mail, lambda: _done(desk, mail, row["id"])))
            if found.verdict == "answer":
                owed_letters.answered(desk, int(found.remark.removeprefix("F-")), _words(mail))
            return found
        except SdError as exc:
            if exc.exit_code not in _REFUSALS:
                raise
            why = exc.message[:300]
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


def _done(desk: Desk, mail: Incoming, number: int) -> Verdict:
    """Do what a mail asks (inside a transaction); return what became of it."""
    if mail.loop or mail.sender == desk.settings.mail.sender.casefold():
        return Verdict("own", None, "it is from this desk, or one like it")
    if mail.kind == "bounce":
        return _bounced(desk, mail)
    if mail.kind == "auto":
        return Verdict("auto", None, "a program wrote it")
    if mail.kind == "complaint":
        return Verdict("kept", None, "a mail system passes on a complaint about a mail")
    if not mail.sender:
        return Verdict("kept", None, "its From is not one address")
    ours = _answered(desk, mail)
    if ours is None:
        return Verdict("kept", None, "it answers no mail of the desk")
    return _replied(desk, mail, ours, number)


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


def _replied(desk: Desk, mail: Incoming, ours: Row, number: int) -> Verdict:
    if ours["kind"] == satisfaction.KIND:
        score = score_of(mail.own)
        if score is not None:
            satisfaction.record(desk, ours["ticket"], score, mail.own[: satisfaction.LONGEST])
            return Verdict("score", ours["ticket"], f"{score} of 5")
    due = [one for one in _owing(desk, mail.sender) if ours["ticket"] in (None, one.ticket)]
    if len(due) > 1:
        named = _named(mail.own)
        due = [one for one in due if {owed.spelled(one.id), f"SD-{one.ticket}"} & named]
        if ours["ticket"] is None and len(due) != 1:
            return Verdict("kept", None, "it does not say which question it answers")
    if due:
        owed.answer(desk, due[0].id, _words(mail), inmail=number)
        return Verdict("answer", due[0].ticket, owed.spelled(due[0].id))
    if ours["ticket"] is None:
        return Verdict("kept", None, "nothing is asked of who wrote it any more")
    _add_note(desk, ours["ticket"], _words(mail), number)
    return Verdict("note", ours["ticket"], "")


def _add_note(desk: Desk, ticket: int, text: str, number: int) -> None:
    data = {"text": text or "A mail without text.", "public": False, "inmail": number}
    tickets.apply(desk, ticket, "note", {"public": False}, data=data)


def _named(text: str) -> set[str]:
    return {found.upper() for found in re.findall(r"\b(?:SD|F)-\d+\b", text, re.I)}


def score_of(text: str) -> int | None:
    """Return the score that an answer begins with (`4`, `4/5`, `4 op 5`, `Score: 4`), None without one.

    Only where nothing else can be meant: a number later in a sentence is no score.
    """
    first = next((line.strip() for line in text.splitlines() if line.strip()), "")
    found = re.match(
        r"(?:(?:score|cijfer|note|antwoord|answer)\s*[:=]?\s*)?([1-5])\s*(?:(?:/|op|of|sur)\s*5)?\s*(?:$|[.,;:!(-]\s|[.!]$)",
        first,
        re.IGNORECASE,
    )
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
        if row is not None:
            return _undelivered(desk, row, _about(mail.failures, row["recipient"]))
    return Verdict("bounce", None, "of no mail of the desk")


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
