"""Limits, so that a mistake in a rule cannot flood people: what exceeds them is held, never lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sdtool.mail import addresses, outbox
from sdtool.rules.moments import day_of, midnight
from sdtool.settings import MailSettings
from sdtool.store.base import Row, Store


def sift(store: Store, mail: MailSettings, now: int, zone: str) -> tuple[list[int], list[tuple[int, str]]]:
    """Part the mails that are due in those that go, and those to hold with their reasons; both in order.

    Args:
        zone: that of the desk; its local day is the day of `mail.per_recipient_day`.
    """
    due = outbox.due(store, now)
    sent = _sent(store, midnight(day_of(now, zone), zone)) if due else {}
    over = excess(due, sent, mail)
    held = {id_ for id_, _ in over}
    return [row["id"] for row in due if row["id"] not in held], over


def excess(due: Sequence[Row], sent: Mapping[str, int], mail: MailSettings) -> list[tuple[int, str]]:
    """Return which of the due mails are too many, or go to who must not get them: (id, reason).

    Args:
        due: rows of `outbox.due`, in order; one that a person released counts nowhere.
        sent: mails that each address got today already.
    """
    own, counted, going, over = mail.sender.casefold(), Counter(sent), 0, []
    for row in due:
        if row["released"]:
            continue
        address = row["recipient"].casefold()
        counted[address] += 1
        if address == own:
            reason = "it is to the desk itself"
        elif addresses.of_a_program(address):
            reason = "it is to a program, which reads no mail"
        elif mail.per_recipient_day and counted[address] > mail.per_recipient_day:
            reason = f"more than {mail.per_recipient_day} mails to one address on one day"
        elif mail.per_run and going >= mail.per_run:
            reason = f"more than {mail.per_run} mails in one run"
        else:
            going += 1
            continue
        over.append((row["id"], reason))
    return over


def _sent(store: Store, since: int) -> dict[str, int]:
    """Return the mails that each address got since a moment."""
    rows = store.query(
        # next_try of a sent mail is when it was sent: the index on it spares a look at all that ever was
        "select lower(recipient) as address, count(*) as mails from outbox"
        " where state = 'sent' and next_try >= :since group by lower(recipient)",
        since=since,
    )
    return {row["address"]: row["mails"] for row in rows}
