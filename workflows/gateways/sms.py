"""Text messages over a Twilio-compatible Messages resource (`POST …/Accounts/{sid}/Messages.json`).

Error codes: https://www.twilio.com/docs/api/errors. What blames our account or their load is tried again, what blames
the number or the text is not.
"""

from __future__ import annotations

import hashlib
from ipaddress import ip_address
from typing import Any

import httpx

from records.way_out import CheckedTransport, open_client
from workflows.gateways import GatewayError, NotSent, Refused, Unconfirmed

REFUSED_CODES = {
    "21211": "The number is not a valid phone number.",
    "21214": "The number cannot be reached.",
    "21217": "The number is not a valid phone number.",
    "21265": "The number is a short code.",
    "21408": "Texts to this region are not allowed.",
    "21602": "The text is empty.",
    "21604": "There is no number to send to.",
    "21608": "The number is not verified for a trial account.",
    "21610": "The recipient has opted out.",
    "21612": "There is no way to this number.",
    "21614": "The number cannot receive texts.",
    "21617": "The text is too long.",
    "30003": "The phone cannot be reached.",
    "30004": "The message was blocked.",
    "30005": "The number is not known.",
    "30006": "The number is a landline.",
    "30007": "The carrier filtered the message.",
}
"""The number or the text is to blame."""
NOT_SENT_CODES = {
    "20003": "The gateway does not accept our credentials.",
    "20404": "The gateway does not know this address.",
    "20429": "The gateway asks to slow down.",
    "20503": "The gateway is not available.",
    "21603": "No sending number is set.",
    "21606": "The sending number is not ours.",
    "21611": "The gateway's queue is full.",
    "30001": "The gateway's queue is full.",
    "30002": "Our account is suspended.",
}
"""Our account, our settings or their load is to blame."""

_NOT_SENT_STATUSES = frozenset({401, 402, 403, 404, 405, 407, 429, 503})
_FAILED = frozenset({"failed", "undelivered", "canceled"})


class SmsGateway:
    """One client, one account, one sending number.

    Each send has a connection of its own: a kept one that the other side has closed meanwhile would leave it unknown
    whether the message went out. `timeout` is in seconds, for each of connecting, writing and waiting.
    """

    def __init__(
        self, url: str, account: str, token: str, sender: str, *, timeout: float = 15.0, internal_hosts: str = ""
    ) -> None:
        """`internal_hosts`: see `records/way_out.py`. Raises ValueError unless `url` is https, or loopback."""
        parsed = httpx.URL(url)
        if parsed.scheme != "https" and not _is_loopback(parsed.host):
            raise ValueError("the SMS gateway's address starts with https")
        self._url = parsed
        self._sender = sender
        self._client = open_client(CheckedTransport(internal_hosts), timeout=timeout, auth=(account, token))

    def send(self, key: str, to: str, subject: str, body: str) -> str:
        """See `Gateway.send`. A text has no subject."""
        try:
            response = self._client.post(
                self._url,
                data={"To": to, "From": self._sender, "Body": body},
                headers={"Idempotency-Key": hashlib.sha256(key.encode()).hexdigest()},
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            raise NotSent("The SMS gateway could not be reached.") from None
        except httpx.TransportError as error:
            raise Unconfirmed("The SMS gateway did not answer.", type(error).__name__) from None
        answer = _answer(response)
        if response.is_success:
            return _accepted(answer)
        raise _problem(response.status_code, str(answer.get("code") or ""))

    def close(self) -> None:
        """Close the client."""
        self._client.close()


def _answer(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _accepted(answer: dict[str, Any]) -> str:
    code = str(answer.get("error_code") or "")
    if answer.get("status") in _FAILED:
        raise _problem(400, code)
    sid = answer.get("sid")
    if not isinstance(sid, str) or not sid:
        raise Unconfirmed("The SMS gateway took the message without giving it an id.")
    return sid


def _problem(status: int, code: str) -> GatewayError:
    if code in NOT_SENT_CODES:
        return NotSent(NOT_SENT_CODES[code], code)
    if code in REFUSED_CODES:
        return Refused(REFUSED_CODES[code], code)
    if status in _NOT_SENT_STATUSES or 300 <= status < 400:
        return NotSent("The SMS gateway is not available to us.", code or str(status))
    if status >= 500 or status == 408:
        return Unconfirmed("The SMS gateway had a problem of its own.", code or str(status))
    return Refused("The SMS gateway refused the message.", code or str(status))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
