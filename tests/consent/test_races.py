"""A consent is taken back in the very moment in which a message about the person goes to the facility.

`CONSENT_RACES=1000 pytest tests/consent/test_races.py` runs more of them.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import select

from domain.vocabulary import Channel, ConsentStatus, NotificationState
from records import clock, engine
from records.access import actor_of
from records.commands import changes, messages
from records.settings import get_settings
from records.tables import Disclosure, Notification, Outbox, Referral, Staff
from tests.api.house import ADA, NOW, House
from tests.workflows.gateways.smtp_sink import Mailbox, smtp_server
from workflows.activities.send import deliver
from workflows.gateways.opening import open_gateway

RACES = int(os.environ.get("CONSENT_RACES", "40"))
TEMPLATE = "referrer_told"


class Watched(Mailbox):
    """A mail server that notes when the last word of each mail had come in, and takes its time to say thank you."""

    def __init__(self, slowest: float) -> None:
        super().__init__()
        self.came: dict[str, float] = {}
        self.slowest = slowest

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.came[str(envelope.content)] = time.monotonic()
        time.sleep(random.random() * self.slowest)
        return "250 OK"


def forget_settings() -> None:
    get_settings.cache_clear()
    open_gateway.cache_clear()


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """E-mail goes to a real server on this machine."""
    box = Watched(slowest=0.01)
    with smtp_server(box) as gateway:
        for name, value in {"email_gateway": "smtp", "smtp_port": gateway.port, "smtp_tls": "none"}.items():
            monkeypatch.setenv(f"FOOTBRIDGE_{name.upper()}", str(value))
        monkeypatch.setenv("FOOTBRIDGE_PUBLIC_URL", "https://footbridge.example")
        forget_settings()
        yield box
    forget_settings()


def queued(house: House, number: int) -> tuple[str, str]:
    """A message to the planner about somebody, waiting to be sent: the ids of the referral and of the message."""
    name = "".join("abcdefghij"[int(digit)] for digit in str(number))
    referral_id = house.file(person=ADA | {"given_name": f"Ada{name}", "family_name": f"Sample{name}"})
    with engine.transaction() as session:
        planner = session.get_one(Staff, house.staff["planner"])
        messages.tell(
            session, planner, TEMPLATE, key=f"race:{number}", program_id=house.program_id, referral_id=referral_id
        )
    with engine.read_session() as session:
        [row] = session.exec(
            select(Notification).where(
                Notification.referral_id == referral_id,
                Notification.template == TEMPLATE,
                Notification.channel == Channel.EMAIL,
            )
        )
    return referral_id, row.id


def take_back(house: House, referral_id: str) -> float:
    """Take the consent back; returns when that was done for good."""
    with engine.transaction() as session:
        actor = actor_of(session.get_one(Staff, house.staff["supervisor"]))
        changes.record_consent(session, actor, referral_id, ConsentStatus.REVOKED)
    return time.monotonic()


def race(house: House, referral_id: str, notification_id: str) -> float:
    """Both in the same moment; returns when the consent had been taken back."""
    barrier, done = threading.Barrier(2), []

    def send() -> None:
        barrier.wait()
        time.sleep(random.random() * 0.01)
        deliver(notification_id)

    def stop() -> None:
        barrier.wait()
        time.sleep(random.random() * 0.02)
        done.append(take_back(house, referral_id))

    threads = [threading.Thread(target=send), threading.Thread(target=stop)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads), "nobody waits for ever"
    return float(done[0])


def look(referral_id: str, notification_id: str) -> tuple[Notification, str, list[Disclosure]]:
    with engine.read_session() as session:
        about = select(Disclosure).where(Disclosure.subject_id == notification_id)
        number = session.get_one(Referral, referral_id).number
        return session.get_one(Notification, notification_id), number, list(session.exec(about))


def test_nothing_reaches_the_mail_server_after_the_consent_was_taken_back(house: House, mailbox: Watched) -> None:
    ends: Counter[NotificationState] = Counter()
    for number in range(RACES):
        referral_id, notification_id = queued(house, number)
        taken_back = race(house, referral_id, notification_id)
        row, reference, accounted = look(referral_id, notification_id)
        came = next((at for content, at in mailbox.came.items() if reference in content), None)
        ends[row.state] += 1
        if row.state is NotificationState.SENT:
            assert came is not None
            assert came < taken_back, "it left before the no was recorded, and the no waited for it"
            assert [(one.is_allowed, one.sent_at is not None) for one in accounted] == [(True, True)]
        else:
            assert row.state is NotificationState.WITHHELD
            assert came is None
            assert [one.is_allowed for one in accounted] == [False], "the refusal is recorded"
            assert accounted[0].reason == "the consent is revoked"
    assert ends.total() == RACES
    assert ends[NotificationState.SENT], "both must happen, or it is no race"
    assert ends[NotificationState.WITHHELD], "both must happen, or it is no race"


def test_the_local_outbox_keeps_the_same_promise(house: House) -> None:
    forget_settings()
    for number in range(max(RACES // 4, 5)):
        referral_id, notification_id = queued(house, number)
        race(house, referral_id, notification_id)
        row, _, accounted = look(referral_id, notification_id)
        with engine.read_session() as session:
            put = session.exec(select(Outbox).where(Outbox.key == row.key)).all()
        assert len(put) == (row.state is NotificationState.SENT)
        assert len(accounted) == 1
        assert accounted[0].is_allowed is (row.state is NotificationState.SENT)


def test_what_waits_is_withheld_once_the_consent_has_ended_by_its_date(house: House) -> None:
    ends = NOW.replace(day=10)
    referral_id, notification_id = queued(house, 1)
    with engine.transaction() as session:
        actor = actor_of(session.get_one(Staff, house.staff["supervisor"]))
        changes.record_consent(session, actor, referral_id, ConsentStatus.GIVEN, expires_at=ends)
        session.get_one(Notification, notification_id).not_before = ends
    with clock.stopped_at(ends):
        deliver(notification_id)
    row, _, accounted = look(referral_id, notification_id)
    assert row.state is NotificationState.WITHHELD
    assert [(one.is_allowed, one.reason) for one in accounted] == [(False, "the consent is expired")]


def test_a_message_to_a_facility_that_never_asked_for_the_person_is_withheld(house: House) -> None:
    referral_id, _ = queued(house, 1)
    with engine.transaction() as session:
        jailer = session.get_one(Staff, house.staff["jailer"])
        messages.tell(
            session, jailer, "referral_rejected", key="stray", program_id=house.program_id, referral_id=referral_id
        )
    with engine.read_session() as session:
        stray = session.exec(select(Notification.id).where(Notification.staff_id == house.staff["jailer"])).all()
    for one in stray:
        deliver(one)
    states = {look(referral_id, one)[0].state for one in stray}
    assert states == {NotificationState.SENT, NotificationState.WITHHELD}, "in the app only"
