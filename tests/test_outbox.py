from __future__ import annotations

import json

import pytest

from sdtool.desk import Desk
from sdtool.errors import BadInput, Conflict, NotFound
from sdtool.mail import outbox
from sdtool.mail.outbox import Outcome
from sdtool.settings import Settings
from sdtool.store import create_store, journal

NOW = 1_790_000_000


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


def row(store, id_=1):
    return dict(store.one("select * from outbox where id = :id", id=id_))


def test_a_mail_is_queued_and_due_at_once(store):
    assert put(store)

    assert outbox.due(store, NOW) == [1]
    assert outbox.counts(store) == {"queued": 1, "sending": 0, "sent": 0, "failed": 0, "cancelled": 0}


def test_the_same_key_queues_nothing(store):
    put(store)

    assert not put(store, recipient="piet@oost.example", message="Subject: other\n\n")
    assert [r["recipient"] for r in outbox.listing(store)] == ["jan1@oost.example"]


def test_the_key_stays_taken_when_the_mail_is_cancelled(store, desk):
    put(store)
    outbox.cancel(desk, [1])

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
    outbox.cancel(desk, [1])

    assert [r["id"] for r in outbox.listing(store, state="queued")] == [2]


@pytest.mark.parametrize(
    ("tries", "wait"), [(1, 300), (2, 600), (3, 1200), (4, 2400), (5, 4000), (500, 4000)]
)
def test_each_try_waits_longer(store, tries, wait):
    put(store)
    store.execute("update outbox set attempts = :tries", tries=tries - 1)
    outbox.mark(store, outbox.claim(store, 1), Outcome("queued", "later"), NOW)

    assert row(store)["next_try"] == NOW + wait
    assert outbox.due(store, NOW + wait - 1) == []
    assert outbox.due(store, NOW + wait) == [1]


def test_a_clock_that_went_back_keeps_no_mail_waiting(store):
    put(store)

    assert outbox.due(store, NOW - 5400) == [1]


def test_a_mail_is_claimed_once(store):
    put(store)

    assert outbox.claim(store, 1)["attempts"] == 1
    assert outbox.claim(store, 1) is None


def test_a_stopped_run_leaves_mail_that_may_go_twice(store):
    put(store)
    outbox.claim(store, 1)

    assert outbox.tidy(store, NOW) == (1, 0)
    assert (row(store)["state"], row(store)["maybe_twice"], row(store)["next_try"]) == (
        "queued",
        1,
        NOW + 300,
    )


def test_a_sent_mail_stays_marked_as_possibly_sent_twice(store):
    put(store)
    outbox.mark(store, outbox.claim(store, 1), Outcome("queued", "no answer", twice=True), NOW)
    outbox.mark(store, outbox.claim(store, 1), Outcome("sent"), NOW)

    assert (row(store)["state"], row(store)["maybe_twice"], row(store)["last_error"]) == ("sent", 1, "")


def test_after_five_days_a_tried_mail_has_failed(store):
    put(store)
    outbox.mark(store, outbox.claim(store, 1), Outcome("queued", "450 later"), NOW)

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
    outbox.mark(store, outbox.claim(store, 1), Outcome("failed", "550 unknown"), NOW)

    assert outbox.retry(desk, [1]) == [1]
    assert (row(store)["state"], row(store)["attempts"], row(store)["next_try"]) == ("queued", 0, desk.now)


def test_retry_after_expiry_gives_one_more_try(store, desk):
    put(store, expires_at=NOW + 30)
    outbox.tidy(store, NOW + 60)
    outbox.retry(desk, [1])

    assert outbox.tidy(store, NOW + 60) == (0, 0)
    assert outbox.due(store, NOW + 60) == [1]


def test_retry_and_cancel_are_in_the_journal(store, desk):
    put(store)
    outbox.cancel(desk, [1])
    outbox.retry(desk, [1])

    events = journal.history(store, "mail", 1)
    assert [(e["verb"], e["actor"], e["data"]["set"]["state"]) for e in events] == [
        ("cancel", "an", "cancelled"),
        ("retry", "an", "queued"),
    ]
    assert "jan1@" not in json.dumps(events)


@pytest.mark.parametrize("act", [outbox.retry, outbox.cancel])
def test_a_sent_mail_cannot_be_taken_back(store, desk, act):
    put(store)
    outbox.mark(store, outbox.claim(store, 1), Outcome("sent"), NOW)

    with pytest.raises(Conflict):
        act(desk, [1])


def test_one_wrong_id_changes_nothing(store, desk):
    put(store)

    with pytest.raises(NotFound):
        outbox.cancel(desk, [1, 9])
    assert row(store)["state"] == "queued"
