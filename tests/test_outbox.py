from __future__ import annotations

import json

import pytest

from sdtool.desk import Desk
from sdtool.errors import BadInput, Conflict, NotFound
from sdtool.mail import acts, outbox
from sdtool.mail.outbox import Outcome
from sdtool.settings import Settings
from sdtool.store import create_store, journal

NOW = 1_790_000_000
LEASE = NOW + 120


@pytest.fixture
def store(database_url):
    store = create_store(database_url, "desk-1")
    yield store
    store.close()


@pytest.fixture
def desk(store):
    return Desk(store, None, Settings("", ""), actor="an", source="cli", now=NOW + 60)  # type: ignore[arg-type]


def put(store, number=1, **changes):
    given = {
        "now": NOW,
        "dedupe": f"ack:{number}",
        "kind": "ack",
        "recipient": f"jan{number}@oost.example",
        "message": f"Subject: {number}\n\nDag\n",
        "message_id": f"<{number}@oost.example>",
    }
    return outbox.queue(store, **{**given, **changes})


def due(store, at):
    return [mail["id"] for mail in outbox.due(store, at)]


def row(store, id_=1):
    return dict(store.one("select * from outbox where id = :id", id=id_))


def test_a_mail_is_queued_and_due_at_once(store):
    assert put(store)

    assert due(store, NOW) == [1]
    assert outbox.counts(store) == {
        "queued": 1,
        "sending": 0,
        "sent": 0,
        "failed": 0,
        "held": 0,
        "dropped": 0,
    }


def test_the_same_key_queues_nothing(store):
    put(store)

    assert not put(store, recipient="piet@oost.example", message="Subject: other\n\n")
    assert [r["recipient"] for r in outbox.listing(store)] == ["jan1@oost.example"]


def test_the_key_stays_taken_when_the_mail_is_dropped(store, desk):
    put(store)
    acts.drop(desk, [1])

    assert not put(store)


def test_an_invalid_recipient_is_refused(store):
    with pytest.raises(BadInput):
        put(store, recipient="a@b.example, c@d.example")


def test_queueing_is_part_of_the_callers_transaction(store):
    def work():
        put(store)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.run(work)

    assert outbox.listing(store) == []


def test_the_list_is_newest_first_and_holds_no_text(store):
    for number in range(1, 4):
        put(store, number)

    rows = outbox.listing(store, limit=2)
    assert [r["id"] for r in rows] == [3, 2]
    assert "message" not in dict(rows[0])


def test_the_list_of_one_state(store, desk):
    put(store, 1)
    put(store, 2)
    acts.drop(desk, [1])

    assert [r["id"] for r in outbox.listing(store, state="queued")] == [2]


@pytest.mark.parametrize(
    ("tries", "wait"), [(1, 300), (2, 600), (3, 1200), (4, 2400), (5, 4000), (500, 4000)]
)
def test_each_try_waits_longer(store, tries, wait):
    put(store)
    store.execute("update outbox set attempts = :tries", tries=tries - 1)
    outbox.mark(store, outbox.claim(store, 1, LEASE), Outcome("queued", "later"), NOW)

    next_try = row(store)["next_try"]
    assert NOW + wait <= next_try <= NOW + wait * 6 // 5
    assert due(store, next_try - 1) == []
    assert due(store, next_try) == [1]


def test_what_was_deferred_together_does_not_come_back_together():
    """The same mail and try wait as long each time: nothing here is thrown with dice."""
    waits = [outbox.wait(id_, 1) for id_ in range(1, 61)]

    assert waits == [outbox.wait(id_, 1) for id_ in range(1, 61)]
    assert len(set(waits)) > 15
    assert {outbox.wait(id_, tries) <= outbox.LONGEST for id_ in range(1, 61) for tries in (1, 9)} == {True}


def test_a_clock_that_went_back_keeps_no_mail_waiting(store):
    put(store)

    assert due(store, NOW - 5400) == [1]


def test_a_mail_is_claimed_once(store):
    put(store)

    assert outbox.claim(store, 1, LEASE)["attempts"] == 1
    assert outbox.claim(store, 1, LEASE) is None


def test_a_stopped_run_leaves_mail_that_may_go_twice(store):
    put(store)
    outbox.claim(store, 1, LEASE)

    assert outbox.tidy(store, LEASE) == (1, 0)
    assert (row(store)["state"], row(store)["maybe_twice"], row(store)["next_try"]) == (
        "queued",
        1,
        LEASE + outbox.wait(1, 1),
    )


def test_before_its_lease_is_over_nobody_takes_a_mail_back(store):
    """A lock that is free does not mean that its owner is dead: a server may only have lost sight of it."""
    put(store)
    outbox.claim(store, 1, LEASE)

    assert outbox.tidy(store, LEASE - 1) == (0, 0)


def test_a_lease_ends_when_the_clock_goes_back(store):
    put(store)
    outbox.claim(store, 1, LEASE)

    assert outbox.tidy(store, NOW - 5400) == (1, 0)


def test_who_was_away_too_long_says_nothing_about_the_claim_of_another(store):
    put(store)
    old = outbox.claim(store, 1, LEASE)
    outbox.tidy(store, LEASE)
    outbox.claim(store, 1, LEASE + 400)
    outbox.mark(store, old, Outcome("failed", "550"), LEASE + 1)

    assert row(store)["state"] == "sending"


def test_who_was_away_too_long_and_sent_it_spares_the_second_copy(store):
    put(store)
    old = outbox.claim(store, 1, LEASE)
    outbox.tidy(store, LEASE)
    outbox.mark(store, old, Outcome("sent"), LEASE + 1)

    assert (row(store)["state"], row(store)["maybe_twice"]) == ("sent", 1)


def test_a_sent_mail_stays_marked_as_possibly_sent_twice(store):
    put(store)
    outbox.mark(store, outbox.claim(store, 1, LEASE), Outcome("queued", "no answer", twice=True), NOW)
    outbox.mark(store, outbox.claim(store, 1, LEASE), Outcome("sent"), NOW)

    assert (row(store)["state"], row(store)["maybe_twice"], row(store)["last_error"]) == ("sent", 1, "")


def test_after_five_days_a_tried_mail_has_failed(store):
    put(store)
    outbox.mark(store, outbox.claim(store, 1, LEASE), Outcome("queued", "450 later"), NOW)

    assert outbox.tidy(store, NOW + outbox.GIVE_UP) == (0, 0)
    assert outbox.tidy(store, NOW + outbox.GIVE_UP + 1) == (0, 1)
    assert (row(store)["state"], row(store)["last_error"]) == ("failed", "expired: 450 later")


def test_a_mail_that_was_never_tried_is_not_given_up(store):
    put(store)

    assert outbox.tidy(store, NOW + 30 * 86_400) == (0, 0)


def test_past_its_best_before_a_mail_has_failed(store):
    put(store, expires_at=NOW + 60)

    assert outbox.tidy(store, NOW + 59) == (0, 0)
    assert outbox.tidy(store, NOW + 60) == (0, 1)


def test_retry_makes_a_failed_mail_due_again(store, desk):
    put(store)
    outbox.mark(store, outbox.claim(store, 1, LEASE), Outcome("failed", "550 unknown"), NOW)

    assert acts.retry(desk, [1]) == [1]
    assert (row(store)["state"], row(store)["attempts"], row(store)["next_try"]) == ("queued", 0, desk.now)


def test_retry_after_expiry_gives_one_more_try(store, desk):
    put(store, expires_at=NOW + 30)
    outbox.tidy(store, NOW + 60)
    acts.retry(desk, [1])

    assert outbox.tidy(store, NOW + 60) == (0, 0)
    assert due(store, NOW + 60) == [1]


def test_retry_and_drop_are_in_the_journal(store, desk):
    put(store)
    acts.drop(desk, [1])
    acts.retry(desk, [1])

    events = journal.history(store, "mail", 1)
    assert [(e["verb"], e["actor"], e["data"]["set"]["state"]) for e in events] == [
        ("drop", "an", "dropped"),
        ("retry", "an", "queued"),
    ]
    assert "jan1@" not in json.dumps(events)


@pytest.mark.parametrize("act", [acts.retry, acts.drop])
def test_a_sent_mail_cannot_be_taken_back(store, desk, act):
    put(store)
    outbox.mark(store, outbox.claim(store, 1, LEASE), Outcome("sent"), NOW)

    with pytest.raises(Conflict):
        act(desk, [1])


def test_one_wrong_id_changes_nothing(store, desk):
    put(store)

    with pytest.raises(NotFound):
        acts.drop(desk, [1, 9])
    assert row(store)["state"] == "queued"
