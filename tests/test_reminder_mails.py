"""What reminders say: text and HTML in three languages, for every tone, safe whatever people are called."""

from __future__ import annotations

import re
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sdtool.desk import Desk, people, reminders
from sdtool.rulebook.chasing import Step
from tests.owing import agree, ask, at, golden, led, parsed, party, person, ticket

ODD = "Zoë D'Hondt-Çelik"
DUE = "2026-11-26 10:30"


@pytest.fixture(autouse=True)
def leaders(desk: Desk) -> None:
    """The desk has a lead and a manager, who have an address."""
    led(desk)


def on(desk: Desk, text: str = DUE) -> list[reminders.Mail]:
    """Return the mails of a run at a moment."""
    desk.now = at(text)
    return reminders.remind(desk).mails


def body(mail: reminders.Mail, kind: str = "plain") -> str:
    """Return the text, or the HTML, as a mail program reads it."""
    part = parsed(mail.message).get_body((kind,))
    assert isinstance(part, EmailMessage)
    return str(part.get_content())


TAGS = {"html", "head", "meta", "title", "body", "div", "p", "b", "br", "table", "tr", "th", "td"}


class Page(HTMLParser):
    """The tags and the visible text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._hidden = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._hidden = tag in ("title", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden = False

    def handle_data(self, data: str) -> None:
        self.text += "" if self._hidden else f" {data}"


def words(text: str) -> list[str]:
    """Return the words of a text, in order."""
    return re.findall(r"[\w'-]{3,}", text)


# --- As a person reads them


@pytest.mark.parametrize("language", ["nl", "en", "fr"])
def test_every_tone_in_every_language_is_as_agreed(desk: Desk, language: str) -> None:
    """The golden file holds the mails of customers and a supplier up their ladders, to be read."""
    agents = [("lea", "lead@example.be", "Lea Leider", language), ("max", "manager@example.be", "", language)]
    agree(desk, agents=agents)
    desk.rulebook = desk.rulebook._replace(
        organisation=desk.rulebook.organisation._replace(language=language)
    )
    who = person(desk, ODD, "zoe@example.be", language)
    canon = party(desk, "Canon Support", "support@example.com", language=language, contract="RO-2026/14",
                  escalation_name="Ann Boss", escalation_mail="boss@example.com")  # fmt: skip
    first, second = ticket(desk, "Printer werkt niet", who), ticket(desk, "Scherm blijft zwart", who)
    for number, what in ((first, "het serienummer van het toestel"), (second, "een foto van het scherm")):
        ask(desk, number, what, person=who, due=at("2026-11-25 17:00"))
    desk.now = at("2026-11-24 10:30")
    ask(desk, first, "leverdatum van de fuser", "supplier", party=canon)
    ask(desk, ticket(desk, "Badge", who, confidential=True), "geheim", "supplier", party=canon)
    ask(desk, ticket(desk, "Toegang", person(desk, "An", "an@example.be", language)), "akkoord", person=3)
    told = []
    desk.now = at("2026-11-25 11:00")
    while desk.now < at("2026-12-19 12:00"):
        for mail in reminders.remind(desk).mails:
            told.append(f"=== {mail.to}: {parsed(mail.message)['Subject']}\n\n{body(mail)}")
        desk.now += 86_400

    golden(f"remind.{language}.txt", "\n".join(told))


def test_a_mail_of_one_ticket_belongs_to_its_conversation(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1)
    (mail,) = on(desk)
    headers = parsed(mail.message)

    assert headers["Subject"] == "[SD-1] Herinnering: wij wachten nog op uw antwoord"
    assert (headers["X-SD-Ticket"], headers["Auto-Submitted"]) == ("1", "auto-generated")
    assert desk.store.value("select ticket from outbox") == 1


def test_a_mail_of_several_tickets_belongs_to_none(desk: Desk) -> None:
    for _ in range(2):
        ask(desk, ticket(desk), "serienummer", person=1)
    (mail,) = on(desk)

    assert parsed(mail.message)["X-SD-Ticket"] is None
    assert desk.store.value("select ticket from outbox") is None


@pytest.mark.parametrize("tone", ["friendly", "firm", "hierarchical"])
def test_text_and_page_say_the_same(desk: Desk, tone: str) -> None:
    """Every word of the text stands in the HTML, but for the words before dates, which head a column."""
    agree(desk, reminder_steps=[Step("supplier", (0, 3.0), tone, ("lead", "escalation"))])
    canon = party(desk, ODD, "c@example.com", contract="A & B <1>", escalation_mail="boss@example.com")
    for number in (ticket(desk, "<b>Printer</b> & co"), ticket(desk, "Scherm", confidential=True)):
        ask(desk, number, "het <script>serienummer</script>", "supplier", party=canon)

    for mail in on(desk):
        page = Page(body(mail, "html"))
        assert set(words(body(mail))) <= set(words(page.text))


def test_the_page_is_simple_and_fetches_nothing(desk: Desk) -> None:
    ask(desk, ticket(desk), "serienummer", person=1)
    page = Page(body(on(desk)[0], "html"))

    tags = {tag for tag, _ in page.tags}
    assert tags <= TAGS
    attributes = {name for _, given in page.tags for name in given}
    assert attributes.isdisjoint({"src", "href", "background", "class"})
    assert all(given.get("style") for tag, given in page.tags if tag in ("body", "table", "th", "td", "p"))


# --- What nobody else may read


def test_of_a_confidential_ticket_third_parties_read_the_number_only(desk: Desk) -> None:
    agree(desk, reminder_steps=[Step("supplier", (0, 3.0), "firm", ("lead", "escalation"))])
    canon = party(desk, "Canon", "c@example.com", escalation_mail="boss@example.com")
    number = ticket(desk, "Pesterijen op de dienst", confidential=True)
    ask(desk, number, "de logbestanden", "supplier", party=canon)

    mails = on(desk)

    assert len(mails) == 3
    for mail in mails:
        for said in (mail.text, body(mail, "html"), mail.message):
            assert not re.search("Pesterijen|logbestanden|23 november", said)
        assert "SD-1 (vertrouwelijk)" in mail.text


def test_of_a_confidential_ticket_the_caller_reads_since_when(desk: Desk) -> None:
    """The mailbox may be read by others: not what it is about."""
    ask(desk, ticket(desk, "Pesterijen op de dienst", confidential=True), "uw verhaal", person=1)

    (mail,) = on(desk)

    assert "Gevraagd op 23 november 2026 (3 werkdagen geleden)" in mail.text
    assert not re.search("Pesterijen|verhaal", mail.text + body(mail, "html") + mail.message)


def test_a_mail_names_no_agent_nor_anybody_elses_address(desk: Desk) -> None:
    people.add(desk, {"name": "Iemand Anders", "mail": "anders@example.be", "phone": "09 267 71 11"})
    number = ticket(desk, description="zeer persoonlijk")
    ask(desk, number, "toner", "supplier", party=party(desk, "Canon", "c@example.com"))
    (mail,) = on(desk)

    told = mail.text + body(mail, "html")
    assert not re.search("Test Melder|test.melder|agent|persoonlijk|Anders", told)


# --- Whatever is in it


HOSTILE = (
    "{{ 7 * 7 }} {% raw %} x\r\nBcc: evil@example.com\n\n<script>alert(1)</script>"
    " =?utf-8?q?hi=0ABcc:_e@x?= \x1b[31m\u202e"
)


def test_no_header_page_or_template_is_steered_by_what_people_write(desk: Desk) -> None:
    who = person(desk, "Jan", "jan@example.be")
    desk.run(lambda: desk.store.update("person", who, {"name": HOSTILE}))
    number = ticket(desk, "gewoon", who)
    desk.run(lambda: desk.store.update("ticket", number, {"summary": HOSTILE}))
    ask(desk, number, HOSTILE, person=who)
    agree(desk, reminder_steps=[Step("customer", (0, 3.0), "hierarchical", ("lead",))])

    mails = on(desk)

    assert [mail.to for mail in mails] == ["jan@example.be", "lead@example.be"]
    for mail in mails:
        message = parsed(mail.message)
        assert message["Bcc"] is None and not message.defects
        assert "{{ 7 * 7 }}" in body(mail) and "49" not in body(mail)
        assert "\x1b" not in body(mail) and "\u202e" not in body(mail)
        assert "script" not in {tag for tag, _ in Page(body(mail, "html")).tags}
        assert "&lt;script&gt;" in body(mail, "html")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=60)
)
def test_any_text_leaves_the_headers_as_they_are(desk: Desk, text: str) -> None:
    """Name, summary, contract and question hold anything; headers, recipients and tags stay the same."""
    canon = party(desk, f"Canon {next(_numbers)}", "c@example.com", contract=text)
    desk.run(lambda: desk.store.update("party", canon, {"name": text}))
    number = ticket(desk, "gewoon")
    desk.run(lambda: desk.store.update("ticket", number, {"summary": text}))
    agree(desk, reminder_steps=[Step("supplier", (0, 3.0), "hierarchical", ("lead",))])
    ask(desk, number, text, "supplier", party=canon, asked=at("2026-11-23 10:30"))
    desk.store.dry_run, desk.now = True, at(DUE)
    mails = [mail for mail in reminders.remind(desk).mails if mail.party == f"party-{canon}"]
    desk.store.dry_run, desk.now = False, at("2026-11-23 10:30")

    assert [mail.to for mail in mails] == ["c@example.com", "lead@example.be"]
    for mail in mails:
        assert list(parsed(mail.message).keys()) == HEADERS
        assert {tag for tag, _ in Page(body(mail, "html")).tags} <= TAGS


_numbers = iter(range(10_000))
HEADERS = [
    "Content-Type", "MIME-Version", "Date", "From", "To", "Message-ID", "Subject", "In-Reply-To",
    "References", "X-SD-Ticket", "Auto-Submitted", "Precedence", "X-Auto-Response-Suppress", "X-SD-Loop",
    "Content-Language",
]  # fmt: skip
