"""Limits of outgoing mail: a mistake in a rule floods nobody, and loses nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from sdtool import jobs
from sdtool.desk import Desk
from sdtool.errors import Failed
from sdtool.mail import acts, limits, outbox
from sdtool.settings import MailSettings
from tests.conftest import Sd
from tests.smtp_servers import Faulty, faulty

New = Callable[..., int]
DAY = 86_400


def put(desk: Desk, count: int, address: str = "jan@oost.example") -> None:
    """Queue mails as a rule would; `{}` in the address becomes a number."""
    rows = [
        {
            "dedupe": f"{address}:{number}:{desk.now}", "kind": "reminder", "message_id": f"<{number}@x.be>",
            "recipient": address.format(number), "message": f"Subject: {number}\n\nDag\n", "state": "queued",
            "next_try": desk.now, "created_at": desk.now,
        }
        for number in range(count)
    ]  # fmt: skip
    desk.store.run(lambda: desk.store.insert("outbox", *rows))


def to(desk: Desk, server: Faulty, **changes: object) -> None:
    """Send to a server of the test, with these settings of `[mail]`."""
    desk.settings = desk.settings._replace(
        mail=MailSettings(host="127.0.0.1", port=server.port, sender="desk@oost.example", **changes)  # type: ignore[arg-type]
    )


def counts(desk: Desk) -> dict[str, int]:
    return {state: count for state, count in outbox.counts(desk.store).items() if count}


def test_ten_thousand_mails_of_a_broken_rule_to_one_person(desk: Desk) -> None:
    """The person gets 50, the operator hears of it once, and everything is still there."""
    put(desk, 10_000)
    with faulty() as server:
        to(desk, server)
        with pytest.raises(Failed, match="50 sent, 9950 held"):
            jobs.run(desk, "mail")
        assert [jobs.run(desk, "mail"), jobs.run(desk, "mail")] == ["", ""]

    assert len(server.delivered) == 50
    assert counts(desk) == {"sent": 50, "held": 9950}
    assert desk.store.value("select last_error from outbox where state = 'held'") == (
        "more than 50 mails to one address on one day"
    )


def test_ten_thousand_mails_of_a_broken_rule_to_everybody(desk: Desk) -> None:
    put(desk, 10_000, "jan{}@oost.example")
    with faulty() as server:
        to(desk, server, per_run=100)
        with pytest.raises(Failed, match="100 sent, 9900 held"):
            jobs.run(desk, "mail")
        assert jobs.run(desk, "mail") == ""

    assert counts(desk) == {"sent": 100, "held": 9900}


def test_a_day_is_a_local_day(desk: Desk) -> None:
    """At 23:30 in Brussels the limit still counts, at 00:30, the same day in UTC, no more."""
    told, start = [], desk.now
    with faulty() as server:
        to(desk, server, per_recipient_day=2)
        for hours in (0, 13, 14):  # from 10:30
            desk.now = start + hours * 3600
            put(desk, 2)
            try:
                told.append(jobs.run(desk, "mail"))
            except Failed as exc:
                told.append(exc.message)

    assert told == ["2 sent", "mail: 2 held", "2 sent"]


def test_a_deferred_mail_is_counted_once(desk: Desk) -> None:
    put(desk, 2)
    with faulty({"rcpt": "450 later"}, times=2) as server:
        to(desk, server, per_recipient_day=2)
        jobs.run(desk, "mail")
        desk.now += 600
        assert jobs.run(desk, "mail") == "2 sent"


def test_what_is_released_goes_whatever_the_limit(desk: Desk) -> None:
    put(desk, 5)
    with faulty() as server:
        to(desk, server, per_recipient_day=2)
        with pytest.raises(Failed):
            jobs.run(desk, "mail")
        acts.retry(desk, acts.held(desk.store))
        assert jobs.run(desk, "mail") == "3 sent"


def test_zero_is_no_limit(desk: Desk) -> None:
    put(desk, 60)
    with faulty() as server:
        to(desk, server, per_run=0, per_recipient_day=0)
        assert jobs.run(desk, "mail") == "60 sent"


@pytest.mark.parametrize(
    "address",
    ["desk@oost.example", "Desk@Oost.example", "MAILER-DAEMON@x.example", "no-reply@x.example",
     "noreply+7@x.example", "donotreply@x.example", "bounces@x.example", "lijst-bounces@x.example"],
)  # fmt: skip
def test_nothing_goes_to_ourselves_or_to_a_program(desk: Desk, address: str) -> None:
    put(desk, 1, address)
    with faulty() as server:
        to(desk, server)
        with pytest.raises(Failed, match="1 held"):
            jobs.run(desk, "mail")

    assert (server.delivered, counts(desk)) == ([], {"held": 1})


@pytest.mark.parametrize("address", ["jan.noreply@x.example", "bouncer@x.example", "desk@oost.example.be"])
def test_people_with_such_names_get_their_mail(address: str) -> None:
    row = {"id": 1, "recipient": address, "released": 0}

    assert limits.excess([row], {}, MailSettings(sender="desk@oost.example")) == []


def test_a_dry_run_tells_what_would_be_held(desk: Desk) -> None:
    put(desk, 60)
    desk.store.dry_run = True

    assert jobs.run(desk, "mail") == "50 due, 10 to be held"
    assert counts(desk) == {"queued": 60}


def test_held_mails_as_a_whole(sd: Sd, desk: Desk) -> None:
    """`--held` names them all, for who cleans up after a rule."""
    put(desk, 3)
    assert sd("mail", "hold", "1-3").out == "Mails held: 3\n"
    assert sd("mail", "drop", "2").code == 0
    assert sd("mail", "retry", "--held").out.startswith("Mails due now: 2;")
    assert sd("mail", "drop", "--held").out == "Mails dropped: 0\n"
    assert (sd("mail", "drop").code, sd("mail", "drop", "1", "--held").code) == (2, 2)
    assert counts(desk) == {"queued": 2, "dropped": 1}
