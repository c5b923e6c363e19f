"""STOP comes in the very moment in which a text goes to the gateway: nothing arrives there after it was taken in.

`CONSENT_RACES=1000 pytest tests/consent/test_stop_races.py` runs more of them.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from sqlmodel import col, select

from domain.vocabulary import AgreedHow, NotificationState
from records import engine
from records.access import actor_of
from records.commands import replies, texting
from records.commands.replies import IncomingText
from records.marks import is_phone
from records.settings import get_settings
from records.tables import PersonText, Staff
from tests.api.house import ADA, House
from tests.workflows.gateways.sms_provider import Provider, sms_provider
from workflows.activities.send import deliver
from workflows.gateways.opening import open_gateway

RACES = int(os.environ.get("CONSENT_RACES", "24"))


@pytest.fixture
def provider(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """Texts go to a real server on this machine, which takes its time."""
    with sms_provider() as opened:
        for name, value in {"sms_gateway": "http", "sms_url": opened.url, "sms_account": "AC1", "sms_token": "secret",
                            "sms_from": "+15550100000",
            "internal_hosts": "127.0.0.1"}.items():  # fmt: skip
            monkeypatch.setenv(f"FOOTBRIDGE_{name.upper()}", value)
        get_settings.cache_clear()
        open_gateway.cache_clear()
        yield opened
    get_settings.cache_clear()
    open_gateway.cache_clear()


def queued(house: House, number: int) -> tuple[str, str]:
    """Somebody who said yes, with the welcome waiting: their telephone number and the id of the text."""
    name = "".join("abcdefghij"[int(digit)] for digit in str(number))
    phone = f"+1212555{number:04d}"
    person = ADA | {"given_name": f"Ada{name}", "family_name": f"Sample{name}", "phones": [{"number": phone}]}
    referral_id = house.file(person=person)
    with engine.transaction() as session:
        actor = actor_of(session.get_one(Staff, house.staff["supervisor"]))
        texting.allow_texts(session, actor, referral_id, phone, AgreedHow.BY_PHONE)
    with engine.read_session() as session:
        [row] = session.exec(select(PersonText).where(is_phone(col(PersonText.number_mark), phone)))
    return phone, row.id


def race(phone: str, text_id: str) -> float:
    """Both in the same moment; returns when the STOP had been taken in."""
    barrier, done = threading.Barrier(2), []

    def send() -> None:
        barrier.wait()
        time.sleep(random.random() * 0.01)
        deliver(text_id)

    def stop() -> None:
        barrier.wait()
        time.sleep(random.random() * 0.02)
        with engine.transaction() as session:
            replies.take_reply(session, IncomingText(f"SM{text_id}", phone, "STOP"))
        done.append(time.monotonic())

    threads = [threading.Thread(target=send), threading.Thread(target=stop)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads), "nobody waits for ever"
    return float(done[0])


def test_nothing_reaches_the_gateway_after_a_stop_was_taken_in(house: House, provider: Provider) -> None:
    provider.wait_seconds = 0.03
    ends: Counter[NotificationState] = Counter()
    for number in range(RACES):
        phone, text_id = queued(house, number)
        stopped_at = race(phone, text_id)
        with engine.read_session() as session:
            row = session.get_one(PersonText, text_id)
        came = [one for one in provider.requests if one["form"]["To"] == [phone]]
        ends[row.state] += 1
        if row.state is NotificationState.SENT:
            assert len(came) == 1
            assert came[0]["at"] < stopped_at, "it left before the STOP was taken in, and the STOP waited for it"
        else:
            assert row.state in (NotificationState.WITHHELD, NotificationState.CANCELLED)
            assert came == []
    assert ends[NotificationState.SENT], "both must happen, or it is no race"
    assert ends.total() > ends[NotificationState.SENT], "both must happen, or it is no race"


def test_two_texts_to_one_number_at_once_are_one_a_day(house: House, provider: Provider) -> None:
    """Two people share it: no row of theirs is the same."""
    for number in range(5):
        phone, first = queued(house, 5000 + number)
        other = house.file(person=ADA | {"given_name": "Bea", "family_name": f"Share{'x' * number}d",
                                         "phones": [{"number": phone}]})  # fmt: skip
        with engine.transaction() as session:
            actor = actor_of(session.get_one(Staff, house.staff["supervisor"]))
            texting.allow_texts(session, actor, other, phone, AgreedHow.BY_PHONE)
        with engine.read_session() as session:
            [second] = session.exec(select(PersonText.id).where(PersonText.referral_id == other))
        barrier = threading.Barrier(2)

        def send(which: str, barrier: threading.Barrier = barrier) -> None:
            barrier.wait()
            deliver(which)

        threads = [threading.Thread(target=send, args=(one,)) for one in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(timeout=60)
        assert len([one for one in provider.requests if one["form"]["To"] == [phone]]) == 1
