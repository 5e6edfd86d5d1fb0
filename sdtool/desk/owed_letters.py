"""Telling who handles a ticket that what was owed for it came."""

from __future__ import annotations

from sdtool.desk import Desk, letters, owed
from sdtool.rulebook.chasing import chasing


def answered(desk: Desk, number: int, text: str) -> bool:
    """Queue a mail about an answer to who handles its ticket, once; tell whether there was one to queue.

    Who took the answer in needs no mail, and who has no address in the rulebook gets none. Of a confidential
    ticket the mail gives the number only.
    """
    from sdtool import render
    from sdtool.mail import compose

    one = owed.standing(desk.store, number)
    ticket = one.ticket
    readers = [agent for agent in chasing(desk.rulebook).agents if agent.login == ticket.agent]
    if not readers or ticket.agent == desk.actor or not compose.valid_address(readers[0].mail):
        return False
    (reader, *_), who = readers, one.party.name if one.party else one.person.name if one.person else ""
    language = render.known(reader.language)
    body = render.text(
        "mail/answered",
        language,
        reader=reader.name,
        number=ticket.id,
        summary=ticket.summary,
        who=who,
        what=one.owed.what,
        text=text,
        confidential=bool(ticket.confidential),
        **letters.signature(desk),
    )
    subject = f"SD-{ticket.id}" if ticket.confidential else ticket.summary
    letter = letters.write(desk, ticket.id, reader.mail, language, subject, body)
    return desk.run(lambda: letters.queue(desk, ticket.id, "answered", letter, f"answered-{number}"))
