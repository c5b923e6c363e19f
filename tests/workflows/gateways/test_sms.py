"""Texts over HTTP, against a real server that is well or ill."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.workflows.gateways.sms_provider import Provider, sms_provider
from workflows.gateways import GatewayError, NotSent, Refused, Unconfirmed
from workflows.gateways.sms import NOT_SENT_CODES, REFUSED_CODES, SmsGateway

TO = "+15550100199"
HERE = "127.0.0.1"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with sms_provider() as opened:
        yield opened


@pytest.fixture
def gateway(provider: Provider) -> Iterator[SmsGateway]:
    opened = SmsGateway(provider.url, "AC1", "secret", "+15550100000", timeout=0.3, internal_hosts=HERE)
    yield opened
    opened.close()


def send(gateway: SmsGateway, key: str = "offer:1:sms") -> str:
    return gateway.send(key, TO, "", "Harbor Line: José & co.")


def test_a_text_is_posted_as_twilio_wants_it(gateway: SmsGateway, provider: Provider) -> None:
    assert send(gateway) == "SM1"

    (request,) = provider.requests
    assert request["path"] == "/2010-04-01/Accounts/AC1/Messages.json"
    assert request["form"] == {"To": [TO], "From": ["+15550100000"], "Body": ["Harbor Line: José & co."]}
    assert request["headers"]["Authorization"] == "Basic " + base64.b64encode(b"AC1:secret").decode()
    assert request["headers"]["Content-Type"] == "application/x-www-form-urlencoded"


def test_the_same_message_has_the_same_key_and_another_another(gateway: SmsGateway, provider: Provider) -> None:
    for key in ("a", "a", "b"):
        send(gateway, key)

    first, again, other = (r["headers"]["Idempotency-Key"] for r in provider.requests)
    assert first == again != other


def test_each_text_has_a_connection_of_its_own(gateway: SmsGateway, provider: Provider) -> None:
    send(gateway)
    send(gateway)

    assert provider.connections == 2


@pytest.mark.parametrize(
    ("status", "answer", "kind", "code"),
    [
        (400, {"code": 21211, "message": "Invalid 'To' Phone Number: +15550100199"}, Refused, "21211"),
        (400, {"code": 21610}, Refused, "21610"),
        (400, {"code": 99999}, Refused, "99999"),
        (400, {}, Refused, "400"),
        (422, {}, Refused, "422"),
        (400, {"code": 21606}, NotSent, "21606"),
        (400, {"code": "21611"}, NotSent, "21611"),
        (401, {"code": 20003}, NotSent, "20003"),
        (403, {}, NotSent, "403"),
        (404, {}, NotSent, "404"),
        (429, {"code": 20429}, NotSent, "20429"),
        (429, {}, NotSent, "429"),
        (503, {}, NotSent, "503"),
        (307, {}, NotSent, "307"),
        (408, {}, Unconfirmed, "408"),
        (500, {"code": 20500}, Unconfirmed, "20500"),
        (502, {}, Unconfirmed, "502"),
        (504, {}, Unconfirmed, "504"),
        (201, {"sid": "SM1", "status": "failed", "error_code": 30006}, Refused, "30006"),
        (201, {"sid": "SM1", "status": "undelivered", "error_code": 30001}, NotSent, "30001"),
        (201, {"status": "queued"}, Unconfirmed, ""),
        (200, {"sid": 7}, Unconfirmed, ""),
    ],
)
def test_what_the_provider_says_becomes_one_of_three(
    gateway: SmsGateway, provider: Provider, status: int, answer: dict[str, object], kind: type[GatewayError], code: str
) -> None:
    provider.says(status, **answer)

    with pytest.raises(kind) as problem:
        send(gateway)

    assert type(problem.value) is kind
    assert problem.value.code == code
    assert TO not in str(problem.value), "errors are read in Temporal's pages"
    assert len(provider.requests) == 1


@pytest.mark.parametrize("answer", [b"", b"<html>", b"[]", b"\xff"])
def test_an_answer_that_is_no_json_is_not_a_crash(gateway: SmsGateway, provider: Provider, answer: bytes) -> None:
    provider.answer = answer
    with pytest.raises(Unconfirmed):
        send(gateway)

    provider.status = 400
    with pytest.raises(Refused):
        send(gateway)


def test_a_redirect_is_not_followed(gateway: SmsGateway, provider: Provider) -> None:
    provider.says(302)
    provider.headers["Location"] = provider.url

    with pytest.raises(NotSent):
        send(gateway)

    assert len(provider.requests) == 1


def test_a_provider_that_does_not_answer_leaves_it_unknown(gateway: SmsGateway, provider: Provider) -> None:
    provider.wait_seconds = 3.0
    began = time.perf_counter()

    with pytest.raises(Unconfirmed, match="ReadTimeout"):
        send(gateway)

    assert time.perf_counter() - began < 2.8
    assert len(provider.requests) == 1, "it was asked once, and not again"


def test_a_connection_that_breaks_after_the_request_leaves_it_unknown(gateway: SmsGateway, provider: Provider) -> None:
    provider.resets = "after"

    with pytest.raises(Unconfirmed):
        send(gateway)

    assert len(provider.requests) == 1


def test_a_connection_that_breaks_before_the_request_is_never_a_refusal(
    gateway: SmsGateway, provider: Provider
) -> None:
    """Certain when the break is noticed while connecting; a moment later it cannot be told from the one above."""
    provider.resets = "before"

    with pytest.raises((NotSent, Unconfirmed)):
        send(gateway)

    assert provider.requests == []


def test_nobody_there_is_certain() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        gateway = SmsGateway(
            f"http://127.0.0.1:{taken.getsockname()[1]}/Messages.json", "AC1", "secret", "+1555", internal_hosts=HERE
        )
        with pytest.raises(NotSent, match="could not be reached"):
            send(gateway)
        gateway.close()


def test_a_server_that_speaks_no_tls_is_certain(provider: Provider) -> None:
    gateway = SmsGateway(
        provider.url.replace("http:", "https:"), "AC1", "secret", "+1555", timeout=1, internal_hosts=HERE
    )

    with pytest.raises(NotSent):
        send(gateway)

    gateway.close()
    assert provider.requests == []


def test_many_threads_may_send_at_once(provider: Provider) -> None:
    gateway = SmsGateway(
        provider.url, "AC1", "secret", "+15550100000", timeout=10, internal_hosts=HERE
    )  # on a busy machine, too
    sent: list[str] = []
    threads = [threading.Thread(target=lambda n=n: sent.append(send(gateway, str(n)))) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    gateway.close()

    assert sent == ["SM1"] * 8


@pytest.mark.parametrize("url", ["http://sms.example/Messages.json", "", "ftp://sms.example"])
def test_secrets_are_not_sent_in_the_open(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        SmsGateway(url, "AC1", "secret", "+1555")


def test_a_code_means_one_thing() -> None:
    assert not REFUSED_CODES.keys() & NOT_SENT_CODES.keys()
