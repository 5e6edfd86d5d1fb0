"""Telling who handles a ticket that what was owed for it came."""

# annotations are not postponed here: `NamedTuple` would compile each of them, 10 µs a field at every start
from typing import Any, NamedTuple

from sdtool.desk import Desk, letters, owed
from sdtool.rulebook.chasing import chasing


class News(NamedTuple):
    """The letter about an answer, None when nobody is to read one, and the revision of its ticket."""

    owed: int
    rev: int
    letter: letters.Letter | None


def answer(desk: Desk, number: int, text: str, news: News | None = None, **context: Any) -> owed.Owed:
    """Note that owed feedback came, see `owed.answer`, and queue the mail to who handles its ticket, at once.

    Args:
        news: of `compose`, for who is in a transaction already. It is composed anew when the ticket changed.
    """
    known = compose(desk, number, text) if news is None else news

    def work() -> owed.Owed:
        ticket = owed.standing(desk.store, number).ticket
        current = known if (known.owed, known.rev) == (number, ticket.rev) else compose(desk, number, text)
        one = owed.answer(desk, number, text, **context)
        if current.letter is not None:
            letters.queue(desk, ticket.id, "answered", current.letter, f"answered-{number}")
        return one

    return desk.run(work)


def compose(desk: Desk, number: int, text: str) -> News:
    """Compose the mail about an answer, best outside a transaction: that is slow.

    Who took the answer in needs no mail, and who has no address in the rulebook gets none. Of a confidential
    ticket the mail gives the number only.
    """
    from sdtool import render
    from sdtool.mail import compose as message

    one = owed.standing(desk.store, number)
    ticket = one.ticket
    readers = [agent for agent in chasing(desk.rulebook).agents if agent.login == ticket.agent]
    if not readers or ticket.agent == desk.actor or not message.valid_address(readers[0].mail):
        return News(number, ticket.rev, None)
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
        waits=any(other.id != number for other in owed.open_of(desk.store, ticket.id)),
        confidential=bool(ticket.confidential),
        **letters.signature(desk),
    )
    subject = f"SD-{ticket.id}" if ticket.confidential else ticket.summary
    return News(number, ticket.rev, letters.write(desk, ticket.id, reader.mail, language, subject, body))
