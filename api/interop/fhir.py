"""FHIR R4 in: `POST /fhir/$process-message` takes a notification that somebody was admitted, transferred or discharged.

Answers as FHIR messaging does (R4, messaging §2.4.4): a message Bundle with the response to the one that came, and an
OperationOutcome that says in words what was done. A refusal is an OperationOutcome alone; it points at the element and
never repeats what the message said of a person.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, NoReturn

from fastapi import APIRouter, Depends, Request, Response
from sqlmodel import Session

from api.access import requires
from api.auth import SignedIn
from api.deps import Me, SessionDep
from api.interop.outcome import FHIR_JSON, fhir_answer, issue, refused
from api.receiving import Received, receive
from domain.errors import Refusal
from domain.interop.reading import NotificationRefused
from domain.vocabulary import SystemScope
from records import clock
from records.commands.inbound import Taken, receive_notification
from records.ids import new_id

router = APIRouter()

_TAKEN_TYPES = frozenset({FHIR_JSON, "application/json"})
_ISSUE_CODES = {
    "message_too_large": "too-long",
    "message_malformed": "structure",
    "message_incomplete": "required",
    "message_unsupported": "not-supported",
    "reference_unresolved": "not-found",
    "message_id_reused": "duplicate",
    "not_found": "not-found",
    "not_allowed": "forbidden",
}
"""Our codes as IssueType codes; whatever is not here is a `business-rule`."""


@router.post("/fhir/$process-message")
@requires("receive_notifications", systems=SystemScope.FHIR_RECEIVE)
def process_message(
    request: Request, session: SessionDep, me: Me, sent: Annotated[Received, Depends(receive)]
) -> Response:
    """Take one notification. The same message again changes nothing and gets the same answer."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in _TAKEN_TYPES:
        return refused(415, "not-supported", f"Send this as {FHIR_JSON}.")
    try:
        message = json.loads(sent.body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return refused(400, "structure", "This is not JSON, or nested deeper than any message.")
    try:
        taken = _take(session, me, message)
    except NotificationRefused as refusal:
        return _refused(refusal, refusal.pointer)
    except Refusal as refusal:
        return _refused(refusal, "")
    return fhir_answer(200, _response_to(taken))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _take(session: Session, me: SignedIn, message: object) -> Taken:
    """All of it or nothing: what a refused message had begun is taken back."""
    with session.begin_nested():
        return receive_notification(session, me.actor, message)


def _response_to(taken: Taken) -> dict[str, Any]:
    said = f"{taken.sentence} This message came before; nothing was done again." if taken.is_repeat else taken.sentence
    header_id = new_id("msg").replace("_", "-")
    header = {
        "resourceType": "MessageHeader",
        "id": header_id,
        "eventUri": "urn:footbridge:notification-taken",
        "source": {"name": "Footbridge", "endpoint": "urn:footbridge"},
        "response": {"identifier": _fhir_id(taken.message_id), "code": "ok"},
    }
    outcome = issue("information", "informational", said)
    tag = {"system": "urn:footbridge:action", "code": taken.action}
    return {
        "resourceType": "Bundle",
        "type": "message",
        "timestamp": clock.now().isoformat(),
        "meta": {"tag": [tag]},
        "entry": [
            {"fullUrl": f"urn:footbridge:{header_id}", "resource": header},
            {"fullUrl": f"urn:footbridge:{header_id}:outcome", "resource": outcome},
        ],
    }


def _fhir_id(message_id: str) -> str:
    """The id of the message that was answered, as far as the type `id` of R4 can carry it."""
    return re.sub(r"[^A-Za-z0-9.\-]", "-", message_id.rpartition("|")[2])[:64]


def _refused(refusal: Refusal, pointer: str) -> Response:
    code = _ISSUE_CODES.get(refusal.code, "business-rule")
    return refused(refusal.status, code, refusal.sentence, pointer)
