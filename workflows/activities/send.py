"""Sending one message, never twice: claimed in one transaction, sent, and what came of it written in another.

A crash before the claim changes nothing. A crash after it leaves a claim that nobody answers; when it has grown old it
is recorded as unconfirmed (`records.commands.messages.claim`) and not sent again. Messages to staff and automated texts
to people go the same way; their ids say which they are.
"""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

from sqlmodel import Session
from temporalio import activity

from records.commands import messages, person_texts
from records.commands.messages import Claimed
from records.commands.person_texts import ClaimedText
from records.engine import transaction
from records.settings import get_settings
from records.tables import Notification, Program
from workflows import names
from workflows.gateways import Gateway, NotSent, Refused, Unconfirmed
from workflows.gateways.opening import open_gateway
from workflows.gateways.outbox import OutboxGateway
from workflows.messages import Envelope, Letter, write_message
from workflows.person_messages import TextEnvelope, write_text


@activity.defn(name=names.DELIVER, no_thread_cancel_exception=True)
def deliver(message_id: str) -> None:
    """Send one notification or text, if it still waits to be sent.

    Raises NotSent when it certainly did not go out: then it waits again, and the activity is tried again later.
    """
    desk = _desk(message_id)
    with transaction() as session:
        claimed: Claimed | None = desk.claim(session, message_id)
        envelope = _envelope(session, claimed) if claimed else None
    if claimed is None or envelope is None:
        return
    gateway, letter = _prepare(claimed, envelope)
    try:
        provider_id = _send(gateway, replace(claimed, said=letter.body), letter)
    except NotSent as problem:
        _put_back(claimed, str(problem))
        raise
    except Refused as problem:
        with transaction() as session:
            desk.mark_failed(session, message_id, str(problem))
    except Unconfirmed as problem:
        with transaction() as session:
            desk.mark_unconfirmed(session, message_id, str(problem))
    else:
        if provider_id is not None:
            with transaction() as session:
                desk.mark_sent(session, message_id, provider_id)


def _desk(message_id: str) -> ModuleType:
    """Whose commands keep this message."""
    return person_texts if message_id.startswith(f"{person_texts.PREFIX}_") else messages


def _send(gateway: Gateway, claimed: Claimed, letter: Letter) -> str | None:
    """Hand it over; None when it was withheld: what leaves the program about a person asks once more, at this moment.

    Nobody's consent can be taken back, and no STOP taken in, between that question and the gateway's answer: whoever
    does it waits.
    """
    if not claimed.is_outward:
        return gateway.send(claimed.key, claimed.to, letter.subject, letter.body)
    let_go = None
    try:
        with transaction() as session:
            let_go = _desk(claimed.notification_id).let_go(session, claimed)
            if let_go is not None and isinstance(gateway, OutboxGateway):  # asked and written in one transaction
                return messages.put_in_outbox(
                    session,
                    key=claimed.key,
                    channel=claimed.channel,
                    to=claimed.outbox_name,
                    subject=letter.subject,
                    body=letter.body,
                )
        if let_go is None:
            return None
        return gateway.send(claimed.key, claimed.to, letter.subject, letter.body)
    finally:
        if let_go is not None:
            let_go()


def _prepare(claimed: Claimed, envelope: Envelope | TextEnvelope) -> tuple[Gateway, Letter]:
    """The way out and the words. Nothing has been sent when this fails, so the claim is given back."""
    try:
        gateway = open_gateway(claimed.channel)
        if isinstance(envelope, TextEnvelope):
            return gateway, write_text(claimed.template, envelope)
        return gateway, write_message(claimed.template, claimed.channel, envelope)
    except Exception as defect:
        _put_back(claimed, f"could not be prepared ({type(defect).__name__})")
        raise


def _put_back(claimed: Claimed, problem: str) -> None:
    with transaction() as session:
        _desk(claimed.notification_id).release(session, claimed.notification_id, problem)


def _envelope(session: Session, claimed: Claimed) -> Envelope | TextEnvelope:
    if isinstance(claimed, ClaimedText):
        return TextEnvelope(
            first_name=claimed.staff_name,
            program=claimed.program_name,
            callback=claimed.callback,
            language=claimed.language,
            zone=claimed.zone,
            params=claimed.params,
        )
    program = session.get_one(Program, session.get_one(Notification, claimed.notification_id).program_id)
    return Envelope(
        first_name=claimed.staff_name,
        program=program.neutral_name,
        number=claimed.number,
        zone=program.zone,
        base_url=get_settings().base_url(),
        params=claimed.params,
    )
