"""Which gateway a channel uses, by the settings. One a channel and process."""

from __future__ import annotations

from functools import lru_cache

from domain.vocabulary import Channel
from records.commands.messages import put_in_outbox
from records.engine import transaction
from records.settings import get_settings
from workflows.gateways import Gateway
from workflows.gateways.email import EmailGateway
from workflows.gateways.outbox import OutboxGateway
from workflows.gateways.sms import SmsGateway


@lru_cache(maxsize=4)
def open_gateway(channel: Channel) -> Gateway:
    """The gateway of a channel. Raises ValueError when its settings cannot be right, or nothing is sent over it."""
    settings = get_settings()
    if channel is Channel.EMAIL and settings.email_gateway == "smtp":
        return EmailGateway(
            settings.smtp_host,
            settings.smtp_port,
            settings.email_from,
            settings.smtp_tls,
            settings.smtp_username,
            settings.smtp_password.get_secret_value(),
        )
    if channel is Channel.SMS and settings.sms_gateway == "http":
        token = settings.sms_token.get_secret_value()
        return SmsGateway(
            settings.sms_url,
            settings.sms_account,
            token,
            settings.sms_from,
            internal_hosts=settings.internal_hosts,
        )
    if channel in (Channel.EMAIL, Channel.SMS):
        return OutboxGateway(channel, _put)
    raise ValueError(f"nothing is sent over {channel}")


def _put(*, key: str, channel: Channel, to: str, subject: str, body: str) -> str:
    with transaction() as session:
        return put_in_outbox(session, key=key, channel=channel, to=to, subject=subject, body=body)
