"""Sending one message: once, whatever crashes, and what came of it is on its row."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from domain.messaging import TOO_OLD
from domain.vocabulary import Channel, NotificationState
from records import clock
from records.commands import messages
from records.engine import read_session, transaction
from records.queries.upkeep import list_undelivered
from records.settings import get_settings
from records.tables import Notification, Outbox, Program, Staff
from tests.workflows.gateways.sms_provider import Provider, sms_provider
from tests.workflows.gateways.smtp_sink import Mailbox, smtp_server
from workflows.activities.send import deliver
from workflows.gateways import NotSent
from workflows.gateways.opening import open_gateway

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)

Configure = Callable[..., None]


@pytest.fixture
def configure(monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """Set settings as the environment does: `configure(sms_gateway="http")`."""

    def forget() -> None:
        get_settings.cache_clear()
        open_gateway.cache_clear()

    def set_to(**settings: object) -> None:
        for name, value in settings.items():
            monkeypatch.setenv(f"FOOTBRIDGE_{name.upper()}", str(value))
        forget()

    set_to(public_url="https://footbridge.example")
    yield set_to
    forget()


@pytest.fixture
def provider(configure: Configure) -> Iterator[Provider]:
    with sms_provider() as opened:
        configure(
            sms_gateway="http",
            sms_url=opened.url,
            sms_account="AC1",
            sms_token="secret",
            sms_from="+15550100000",
            internal_hosts="127.0.0.1",
        )
        yield opened


@pytest.fixture
def waiting(database: str, configure: Configure) -> Callable[[Channel], str]:
    """Queue an offer for a bridger; the value is its id."""
    with transaction() as session:
        session.add(Program(id="pro_1", name="Invented Peers", neutral_name="Harbor Line", created_at=NOW))
        session.flush()
        session.add(
            Staff(
                id="stf_1",
                program_id="pro_1",
                email="casey@footbridge.example",
                name="Casey Invented",
                first_name="Casey",
                phone="+15550100199",
                created_at=NOW,
            )
        )

    def queue(channel: Channel, **changes: Any) -> str:
        row: dict[str, Any] = {
            "id": f"ntf_{channel}",
            "program_id": "pro_1",
            "key": f"offer:off_1:stf_1:{channel}",
            "template": "offer_made",
            "channel": channel,
            "staff_id": "stf_1",
            "params": {"answer_by": "2026-11-23T22:00:00+00:00"},
            "created_at": NOW,
            "not_before": clock.now() - timedelta(minutes=1),
        }
        with transaction() as session:
            session.add(Notification(**row | changes))
        return f"ntf_{channel}"

    return queue


def row(notification_id: str) -> Notification:
    with read_session() as session:
        return session.get_one(Notification, notification_id)


def test_what_is_held_until_the_morning_is_not_sent_before(waiting: Callable[..., str]) -> None:
    with clock.stopped_at(NOW):
        notification_id = waiting(Channel.SMS, not_before=NOW + timedelta(hours=1))
        deliver(notification_id)
        assert row(notification_id).state is NotificationState.QUEUED
    with clock.stopped_at(NOW + timedelta(hours=1)):
        deliver(notification_id)
        assert row(notification_id).state is NotificationState.SENT


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.SMS])
def test_a_message_whose_moment_passed_days_ago_is_not_sent_as_if_it_were_new(
    waiting: Callable[..., str], channel: Channel
) -> None:
    with clock.stopped_at(NOW):
        notification_id = waiting(channel, not_before=NOW - TOO_OLD - timedelta(seconds=1))
        deliver(notification_id)
        deliver(notification_id)
        kept = row(notification_id)
        assert (kept.state, kept.sent_at, kept.tries) == (NotificationState.STALE, None, 0)
        assert kept.problem == "it could not go out within a day of its time"
        with read_session() as session:
            assert session.exec(select(Outbox)).all() == []
            assert notification_id not in list_undelivered(session)


def test_a_message_within_its_day_is_still_sent(waiting: Callable[..., str]) -> None:
    with clock.stopped_at(NOW):
        notification_id = waiting(Channel.SMS, not_before=NOW - TOO_OLD)
        deliver(notification_id)
        assert row(notification_id).state is NotificationState.SENT


def test_a_day_of_a_fast_clock_is_a_day_of_the_people_who_wait(waiting: Callable[..., str]) -> None:
    notification_id = waiting(Channel.SMS, not_before=NOW)
    clock.run_fast(1440, real_anchor=clock.unix_time(), anchor=NOW + timedelta(days=3))
    try:
        deliver(notification_id)
    finally:
        clock.run_real()
    assert row(notification_id).state is NotificationState.SENT, "three minutes have passed"


def test_by_default_messages_go_into_the_outbox_once(waiting: Callable[[Channel], str]) -> None:
    for notification_id in (waiting(Channel.EMAIL), waiting(Channel.SMS)):
        deliver(notification_id)
        deliver(notification_id)
        assert row(notification_id).state is NotificationState.SENT
        assert row(notification_id).provider_id.startswith("outbox-")

    with read_session() as session:
        mail, text = session.exec(select(Outbox).order_by(Outbox.channel)).all()
    assert (mail.recipient, text.recipient) == ("casey@footbridge.example", "+15550100199")
    assert mail.subject == "Somebody is waiting for your answer"
    assert mail.body.startswith("Hello Casey,\n")
    assert text.body == (
        "Harbor Line: a new request waits for your answer by Mon Nov 23, 5 pm. No is fine too. "
        "https://footbridge.example/offers"
    )


def test_a_mail_goes_out_by_smtp(waiting: Callable[[Channel], str], configure: Configure) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as server:
        configure(email_gateway="smtp", smtp_host=server.host, smtp_port=server.port, smtp_tls="none")
        deliver(waiting(Channel.EMAIL))
        deliver("ntf_email")

    assert len(mailbox.mails) == 1
    assert row("ntf_email").provider_id.startswith("<")
    assert row("ntf_email").sent_at is not None


def test_what_was_not_sent_waits_and_is_tried_again(waiting: Callable[[Channel], str], provider: Provider) -> None:
    provider.says(429, code=20429)
    with pytest.raises(NotSent):
        deliver(waiting(Channel.SMS))
    assert (row("ntf_sms").state, row("ntf_sms").tries) == (NotificationState.QUEUED, 1)
    assert "20429" in row("ntf_sms").problem

    provider.says(201, sid="SM7", status="queued")
    deliver("ntf_sms")
    assert (row("ntf_sms").state, row("ntf_sms").provider_id) == (NotificationState.SENT, "SM7")
    assert row("ntf_sms").problem == ""


@pytest.mark.parametrize(
    ("status", "answer", "state"),
    [(400, {"code": 21610}, NotificationState.FAILED), (500, {}, NotificationState.UNCONFIRMED)],
)
def test_what_was_refused_or_may_have_gone_out_is_not_tried_again(
    waiting: Callable[[Channel], str],
    provider: Provider,
    status: int,
    answer: dict[str, object],
    state: NotificationState,
) -> None:
    provider.says(status, **answer)

    deliver(waiting(Channel.SMS))
    deliver("ntf_sms")

    assert row("ntf_sms").state is state
    assert row("ntf_sms").problem
    assert len(provider.requests) == 1


def test_eight_workers_at_once_send_it_once(waiting: Callable[[Channel], str], provider: Provider) -> None:
    provider.wait_seconds = 0.2
    notification_id = waiting(Channel.SMS)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(deliver, [notification_id] * 8))

    assert len(provider.requests) == 1
    assert row(notification_id).state is NotificationState.SENT


def test_what_cannot_be_prepared_is_given_back(waiting: Callable[[Channel], str], configure: Configure) -> None:
    configure(sms_gateway="http", sms_url="http://sms.example/Messages.json")

    with pytest.raises(ValueError, match="https"):
        deliver(waiting(Channel.SMS))

    assert row("ntf_sms").state is NotificationState.QUEUED
    assert row("ntf_sms").problem == "could not be prepared (ValueError)"


@pytest.mark.parametrize("state", [s for s in NotificationState if s not in ("queued", "sending")])
def test_what_no_longer_waits_is_left_alone(
    waiting: Callable[..., str], provider: Provider, state: NotificationState
) -> None:
    deliver(waiting(Channel.SMS, state=state))

    assert provider.requests == []
    assert row("ntf_sms").state is state


def test_what_is_not_there_is_left_alone(waiting: Callable[[Channel], str]) -> None:
    deliver("ntf_nothing")


def test_a_sender_that_died_before_sending_leaves_a_claim_that_becomes_unconfirmed(
    waiting: Callable[[Channel], str], provider: Provider
) -> None:
    with clock.stopped_at(NOW):
        notification_id = waiting(Channel.SMS)
        with transaction() as session:
            assert messages.claim(session, notification_id) is not None
        deliver(notification_id)
        assert row(notification_id).state is NotificationState.SENDING, "it may be on its way this very moment"

        clock.advance(messages.CLAIM_HOLDS + timedelta(seconds=1))
        deliver(notification_id)

    assert row(notification_id).state is NotificationState.UNCONFIRMED
    assert provider.requests == []


_SENDER = """
import sys
from records import engine
from workflows.activities.send import deliver
engine.configure(sys.argv[1])
deliver("ntf_sms")
"""


@pytest.mark.sqlite
def test_a_sender_that_is_killed_while_sending_is_not_repeated(
    database: str, waiting: Callable[[Channel], str], provider: Provider
) -> None:
    provider.wait_seconds = 30
    waiting(Channel.SMS)
    sender = subprocess.Popen(
        [sys.executable, "-c", _SENDER, database], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    try:
        deadline = time.monotonic() + 30
        while not provider.requests and sender.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        assert len(provider.requests) == 1, "the sender got as far as sending"
    finally:
        sender.send_signal(signal.SIGKILL)
        sender.wait()
    provider.wait_seconds = 0

    deliver("ntf_sms")
    with clock.stopped_at(clock.now() + messages.CLAIM_HOLDS + timedelta(seconds=1)):
        deliver("ntf_sms")
        deliver("ntf_sms")

    assert len(provider.requests) == 1
    assert row("ntf_sms").state is NotificationState.UNCONFIRMED
