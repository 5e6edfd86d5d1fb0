from __future__ import annotations

import email
import email.policy
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections import Counter

import pytest

from sdtool.errors import BadSetup, Refused
from sdtool.mail import compose, deliver, outbox
from sdtool.mail.deliver import Sent
from sdtool.settings import MailSettings
from sdtool.store import create_store
from tests import engines
from tests.smtp_servers import certificate, faulty, honest
from tests.waiting import PATIENCE

NOW = 1_790_000_000
DAY = 86_400
ZONE = "Europe/Brussels"


@pytest.fixture
def store(database_url):
    store = create_store(database_url, "desk-1")
    yield store
    store.close()


def put(store, count=1, **changes):
    """Queue mails, made as the desk makes them."""
    for number in range(1, count + 1):
        words = {
            "subject": f"Melding {number}",
            "text": "Dag é\n.\n..punt\n",
            "html": "<p>Dag é</p>",
            **changes,
        }
        to, message_id = f"jan{number}@oost.example", f"<{number}@oost.example>"
        text = compose.message(
            sender="desk@oost.example", recipient=to, message_id=message_id, now=NOW, **words
        )
        outbox.queue(
            store, now=NOW, dedupe=str(number), kind="ack", recipient=to, message=text, message_id=message_id
        )


def settings(port, **changes):
    given = {"host": "127.0.0.1", "port": port, "sender": "desk@oost.example", "timeout": PATIENCE}
    return MailSettings(**{**given, **changes})


def send(store, port, *, at=NOW, run_time=600.0, **changes):
    return deliver.send(store, settings(port, **changes), now=lambda: at, zone=ZONE, run_time=run_time)


def state(store, id_=1):
    row = store.one("select state, maybe_twice from outbox where id = :id", id=id_)
    return row["state"], row["maybe_twice"]


# --- An honest server


def test_what_arrives_is_what_was_written(store):
    put(store, subject="Méér papier", desk_name="Servicedesk é")
    with honest() as server:
        assert send(store, server.port) == Sent(sent=1)

    recipient, raw = server.delivered[0]
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    assert (recipient, server.senders) == ("jan1@oost.example", ["desk@oost.example"])
    assert mail["Subject"] == "Méér papier"
    assert mail["Message-ID"] == "<1@oost.example>"
    assert mail["From"].addresses[0].display_name == "Servicedesk é"
    assert mail.get_body(("plain",)).get_content().splitlines() == ["Dag é", ".", "..punt"]
    assert mail.get_body(("html",)).get_content().strip() == "<p>Dag é</p>"
    assert state(store) == ("sent", 0)


def test_bytes_are_not_altered_on_the_way(store):
    put(store)
    with faulty() as server:
        send(store, server.port)

    stored = store.value("select message from outbox")
    assert server.delivered[0][1] == stored.replace("\n", "\r\n").encode()


def test_a_second_run_sends_nothing(store):
    put(store, 3)
    with faulty() as server:
        assert send(store, server.port) == Sent(sent=3)
        assert send(store, server.port) == Sent()

    assert (len(server.delivered), server.connections) == (3, 1)


def test_nothing_to_do_needs_no_server(store):
    assert send(store, 1, sender="not an address") == Sent()


def test_a_connection_is_renewed_after_a_hundred_mails(store):
    put(store, 205)
    with faulty() as server:
        assert send(store, server.port) == Sent(sent=205)

    assert server.connections == 3


def test_a_message_is_sent_to_its_envelope_recipient_only(store):
    text = "To: other@x.example\nBcc: third@x.example\n\nDag\n"
    outbox.queue(
        store, now=NOW, dedupe="1", kind="x", recipient="jan@oost.example", message=text, message_id="<1>"
    )
    with faulty() as server:
        send(store, server.port)

    assert [c for c in server.commands if c.startswith("rcpt") or c.startswith("RCPT")] == [
        "RCPT TO:<jan@oost.example>"
    ]


def test_hostile_headers_reach_nobody_else(store):
    """CVE-2024-6923: the summary that CPython 3.11.7 turns into a Bcc."""
    put(store, subject="=?utf-8?q?hi=0ABcc:_e@x?=", desk_name="x\r\nBcc: e@x.example")
    with honest() as server:
        send(store, server.port)

    recipients, raw = server.delivered[0][0], server.delivered[0][1]
    names = email.message_from_bytes(raw).keys()
    assert (recipients, len(server.delivered), "Bcc" in names, len(names)) == (
        "jan1@oost.example",
        1,
        False,
        12,
    )


def test_no_8bitmime_matters_not(store):
    put(store)
    with faulty(features=()) as server:
        assert send(store, server.port).sent == 1

    assert server.delivered[0][1].isascii()
    assert not [c for c in server.commands if "8BIT" in c.upper() or "SMTPUTF8" in c.upper()]


# --- TLS and login


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    return certificate(tmp_path_factory.mktemp("tls"))


@pytest.mark.service
def test_starttls_and_login(store, tls, monkeypatch):
    context, trusted = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setenv("SD_SMTP_PASSWORD", "geheim é")
    put(store, 2)
    with honest(tls_context=context, require_starttls=True, auth_required=True) as server:
        assert send(store, server.port, security="starttls", user="desk").sent == 2

    assert server.logins == [(b"desk", "geheim é".encode())]


@pytest.mark.service
def test_tls_from_the_start(store, tls, monkeypatch):
    context, trusted = tls
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    put(store, 2)
    with honest(ssl_context=context) as server:
        assert send(store, server.port, security="tls").sent == 2


@pytest.mark.service
@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_unknown_certificate_gets_no_mail(store, tls, monkeypatch, security):
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    put(store, 2)
    options = {"tls_context": tls[0]} if security == "starttls" else {"ssl_context": tls[0]}
    with honest(**options) as server:
        done = send(store, server.port, security=security)

    assert (done.sent, done.deferred, server.delivered) == (0, 1, [])
    assert "certificate" in done.trouble


@pytest.mark.parametrize(
    "faults",
    [{}, {"starttls": "454 not now"}, {"starttls": "250 what"}, {"starttls": "220 go"}],
)
def test_without_starttls_no_mail_leaves(store, faults):
    put(store)
    features = ("STARTTLS",) if faults else ()
    with faulty({stage[:4]: action for stage, action in faults.items()}, features=features) as server:
        done = send(store, server.port, security="starttls")

    assert (done.sent, done.deferred, state(store)) == (0, 1, ("queued", 0))
    assert not [c for c in server.commands if c.upper().startswith("MAIL")]


def test_what_was_said_before_tls_does_not_count(store):
    """CVE-2011-0411: an answer smuggled in after STARTTLS."""
    put(store)
    with faulty({"star": "220 go\r\n250 injected"}, features=("STARTTLS",)) as server:
        assert "talks on" in send(store, server.port, security="starttls").trouble


@pytest.mark.parametrize("offer", ["AUTH PLAIN LOGIN", "AUTH LOGIN"])
def test_login_by_what_the_server_offers(store, monkeypatch, offer):
    monkeypatch.setenv("SD_SMTP_PASSWORD", "geheim")
    put(store)
    answers = iter(["235 ok"] if "PLAIN" in offer else ["334 VXNlcg==", "235 ok"])
    choose = lambda stage: next(answers, "") if stage in ("auth", "z2vo") else ""  # noqa: E731 - Z2VoZWlt: geheim
    with faulty(features=(offer,), choose=choose) as server:
        assert send(store, server.port, user="desk").sent == 1


def test_a_refused_login_is_tried_once_a_run(store, monkeypatch):
    """A wrong password must not lock the account."""
    monkeypatch.setenv("SD_SMTP_PASSWORD", "wrong")
    put(store, 3)
    with faulty({"auth": "535 wrong"}, features=("AUTH PLAIN",)) as server:
        done = send(store, server.port, user="desk")

    assert (done.deferred, done.failed, server.connections) == (1, 0, 1)
    assert "wrong" not in json.dumps([dict(r) for r in outbox.listing(store)]).replace("535 wrong", "")


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "desk"},
        {"sender": "a@b.example\nBcc:x"},
        {"user": "desk"},
        {"user": "d", "host": "mail.x.example"},
    ],
)
def test_settings_that_cannot_work_are_told(store, monkeypatch, changes):
    monkeypatch.delenv("SD_SMTP_PASSWORD", raising=False)
    put(store)
    with pytest.raises(BadSetup):
        send(store, 1, **changes)

    assert state(store) == ("queued", 0)


def test_a_dry_run_sends_nothing(store):
    put(store)
    store.dry_run = True
    with pytest.raises(Refused):
        send(store, 1)


# --- A server that misbehaves


def test_a_mail_that_cannot_be_built_stops_no_other(store):
    put(store, 4)
    store.execute("update outbox set recipient = 'a@[' where id = 1")
    store.execute("update outbox set message = 'Subject: é' where id = 2")
    store.execute("update outbox set message = :long where id = 3", long="x" * 2000)
    with faulty() as server:
        done = send(store, server.port)

    assert (done.sent, done.failed) == (1, 3)
    assert [state(store, n)[0] for n in (1, 2, 3, 4)] == ["failed", "failed", "failed", "sent"]


def test_a_server_that_sends_us_away_for_a_moment_gets_the_rest(store):
    """Three times in a row end a run; a server that was full for a moment gets what is due."""
    put(store, 6)
    with faulty({"greeting": "421 full"}, times=2) as server:
        found = send(store, server.port)
        assert (found.sent, found.deferred, found.trouble) == (4, 2, "greeting: 421 full")

    with faulty({"greeting": "421 full"}) as server:
        assert send(store, server.port, at=NOW + 4000).deferred == 2
        assert server.connections == 2


def test_a_refused_mail_stops_no_other(store):
    put(store, 3)
    with faulty({"rcpt": "550 unknown"}, times=1) as server:
        assert send(store, server.port)[:3] == (2, 0, 1)

    assert server.connections == 1


def test_a_server_that_hangs_up_after_each_mail(store):
    """The next mail gets a new connection, not a longer wait."""
    put(store, 3)
    with faulty({"late": "421 one mail a connection"}) as server:
        assert send(store, server.port).sent == 3

    assert server.connections == 3


def test_a_failed_mail_is_not_tried_again_by_itself(store):
    put(store)
    with faulty({"rcpt": "550 unknown"}, times=1) as server:
        send(store, server.port)
        send(store, server.port, at=NOW + DAY)

    assert server.delivered == []


def test_a_mail_dropped_during_the_run_is_not_sent(store):
    put(store, 3)
    calls = iter(range(100))

    def now():
        if next(calls) == 2:  # the due mails have been listed
            store.execute("update outbox set state = 'dropped' where id = 2")
        return NOW

    with faulty() as server:
        assert deliver.send(store, settings(server.port), now=now, zone=ZONE) == Sent(sent=2)


def test_a_deferred_mail_waits_for_its_time(store):
    put(store)
    with faulty({"rcpt": "450 greylisted"}, times=1) as server:
        assert send(store, server.port).deferred == 1
        wait = outbox.wait(1, 1)
        assert send(store, server.port, at=NOW + wait - 1) == Sent()
        assert send(store, server.port, at=NOW + wait) == Sent(sent=1)


def test_after_five_days_of_refusal_the_mail_has_failed(store):
    put(store)
    at, runs = NOW, Counter()
    with faulty({"rcpt": "450 greylisted"}) as server:
        while state(store)[0] == "queued":
            runs += Counter(send(store, server.port, at=at)._asdict() | {"trouble": 0})
            at += 3600
    assert (runs["sent"], runs["failed"], runs["expired"]) == (0, 0, 1)
    assert NOW + 5 * DAY < at <= NOW + 5 * DAY + 2 * 3600 + 4000


def test_three_failed_connections_end_the_run(store):
    put(store, 5)
    with faulty({"greeting": "554 no"}) as server:
        done = send(store, server.port)

    assert (done.deferred, server.connections) == (3, 3)
    assert "554" in done.trouble


def test_nobody_listens(store):
    put(store)
    with faulty() as server:
        port = server.port
    assert send(store, port)[:3] == (0, 1, 0)


def test_a_run_ends_in_time_whatever_the_server_does(store):
    put(store, 30)
    with faulty({"rcpt": "dribble"}) as server:
        started = time.monotonic()
        done = send(store, server.port, timeout=0.2, run_time=0.9)
        assert time.monotonic() - started < PATIENCE / 4  # the server would go on for ever

    assert 1 <= done.deferred <= 5


# --- Several runs


def environment(tmp_path, port, timeout=20):
    (tmp_path / "settings.toml").write_text(
        f'[mail]\nhost = "127.0.0.1"\nport = {port}\nsender = "desk@oost.example"\ntimeout = {timeout}\n'
    )
    return {
        **os.environ,
        "SD_DATABASE": engines.own(tmp_path),
        "SD_SETTINGS": str(tmp_path / "settings.toml"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


def sd(tmp_path, port, *words, at=NOW, timeout=20):
    """Start `sd` as a process of its own."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(at))
    return subprocess.Popen(
        [sys.executable, "-m", "sdtool", "--as-of", moment, *words],
        env=environment(tmp_path, port, timeout), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def done(process):
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


@pytest.mark.sqlite("modes of its files")
def test_the_lock_file_is_for_the_group(store, tmp_path):
    old = os.umask(0o077)
    try:
        send(store, 1)
    finally:
        os.umask(old)

    assert stat.S_IMODE((tmp_path / "desk.db.sending.lock").stat().st_mode) == 0o660


@pytest.mark.parametrize(("stage", "copies"), [("rcpt", 1), ("dot", 2)])
def test_a_killed_run_loses_nothing(store, tmp_path, stage, copies):
    """Killed before the dot the mail goes once, after it twice, the same both times; the other waits not."""
    put(store, 2)
    with faulty({stage: "keep hang" if stage == "dot" else "hang"}, times=1) as server:
        process = sd(tmp_path, server.port, "mail", "send")
        assert server.reached.wait(PATIENCE)
        process.send_signal(signal.SIGKILL)
        done(process)
        engines.settled(engines.own(tmp_path))
        assert state(store) == ("sending", 0)

        early = send(store, server.port, at=NOW + 60)
        assert (early.sent, early.twice_possible, state(store)) == (1, 0, ("sending", 0))
        first = send(store, server.port, at=NOW + 120)
        assert (first.sent, first.twice_possible, state(store)) == (0, 1, ("queued", 1))
        assert send(store, server.port, at=NOW + 600) == Sent(sent=1)

    assert Counter(recipient for recipient, _ in server.delivered) == {
        "jan1@oost.example": copies,
        "jan2@oost.example": 1,
    }
    assert len({raw for recipient, raw in server.delivered if recipient == "jan1@oost.example"}) == 1


# --- The commands


def test_send_prints_one_line_and_then_nothing(store, tmp_path):
    put(store, 2)
    with faulty() as server:
        assert done(sd(tmp_path, server.port, "mail", "send")) == (0, "Mail: 2 sent\n", "")
        assert done(sd(tmp_path, server.port, "mail", "send")) == (0, "", "")


def test_send_exits_with_1_when_a_mail_failed(store, tmp_path):
    put(store)
    with faulty({"rcpt": "550 no \x1b[31msuch user"}) as server:
        code, out, err = done(sd(tmp_path, server.port, "mail", "send"))

    assert (code, out) == (1, "")
    assert err == "Error: mail: 1 failed\n`sd mail queue --state failed` tells which, and why\n"


def test_a_dry_run_counts_only(store, tmp_path):
    put(store, 2)

    assert done(sd(tmp_path, 1, "mail", "send", "--dry-run"))[:2] == (0, "(dry run) Mail: 2 due\n")
    assert outbox.counts(store)["queued"] == 2


def test_the_queue_as_json(store, tmp_path):
    put(store)
    with faulty({"rcpt": "550 unknown"}) as server:
        send(store, server.port)
    code, out, _ = done(sd(tmp_path, 1, "mail", "queue", "--state", "failed", "--format", "json"))

    (mail,) = json.loads(out)
    assert (code, mail["id"], mail["state"], mail["last_error"]) == (0, 1, "failed", "RCPT: 550 unknown")
    assert (mail["created_at"], mail["next_try"], "message" in mail) == (
        "2026-09-21T16:13:20+02:00",
        None,
        False,
    )


def test_retry_and_drop_by_command(store, tmp_path):
    put(store, 3)

    assert done(sd(tmp_path, 1, "mail", "drop", "1-2"))[:2] == (0, "Mails dropped: 2\n")
    assert done(sd(tmp_path, 1, "mail", "retry", "2"))[:2] == (
        0,
        "Mails due now: 1; `sd mail send` sends them.\n",
    )
    assert done(sd(tmp_path, 1, "mail", "drop", "1"))[0] == 5
    assert done(sd(tmp_path, 1, "mail", "retry", "9"))[0] == 4
    assert [state(store, n)[0] for n in (1, 2, 3)] == ["dropped", "queued", "queued"]
