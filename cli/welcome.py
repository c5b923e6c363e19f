"""What `footbridge up` does before and says after it has started: records made ready, a demonstration, a welcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlmodel import Session, col, select

from cli.first_start import say_it
from cli.opening import open_records
from records import clock, engine, migrate
from records.commands import messages, person_texts
from records.queries.case import keep_cases
from records.seed.demonstration import load
from records.seed.people import PASSWORD
from records.settings import Settings
from records.tables import Notification, Program, Staff
from workflows.messages import Envelope, write_message
from workflows.person_messages import TextEnvelope, write_text

if TYPE_CHECKING:
    from cli.embedded import Addresses


def prepare(settings: Settings) -> None:
    """Migrate, open the records and, when they are empty and this is a demonstration, fill them."""
    migrate.upgrade(settings.sqlalchemy_url())
    open_records(settings)
    if settings.environment == "demonstration" and seed_demonstration():
        print("The records were empty: a demonstration program is in them now.", flush=True)


def seed_demonstration() -> bool:
    """Load the demonstration program, all of it or nothing. False when the records hold a program already."""
    with engine.transaction() as session:
        if session.exec(select(Program.id).limit(1)).first() is not None:
            return False
        keep_cases(session)
        load(session, clock.now(), deliver=_into_outbox)
    return True


def welcome(settings: Settings, addresses: Addresses) -> None:
    """Print who may sign in, and where what is."""
    with engine.read_session() as session:
        rows = session.exec(select(Staff).where(col(Staff.is_demonstration), col(Staff.is_active)))
        shown = sorted((staff.email, staff.name, ", ".join(staff.roles)) for staff in rows)
    print()
    if shown:
        width = max(len(email) for email, _, _ in shown)
        print(f"Sign in as one of these, all invented. The password of each: {PASSWORD}")
        for email, name, roles in shown:
            print(f"  {email:<{width}}  {name} ({roles})")
        print()
    say_it(settings)
    print(f"Temporal's own pages:  {addresses.temporal_pages}")
    print(f"Data and logs:         {addresses.logs}")
    if settings.clock_speed != 1:
        print(f"The clock runs {settings.clock_speed:g} times as fast as real time.")
    print("Stop with Ctrl-C; the next start goes on from here.\n", flush=True)


def _into_outbox(session: Session, notification_id: str) -> None:
    """Deliver one message of the demonstration's past where the embedded run would have put it."""
    if notification_id.startswith(f"{person_texts.PREFIX}_"):
        _text_into_outbox(session, notification_id)
        return
    claimed = messages.claim(session, notification_id)
    if claimed is None:
        return
    row = session.get_one(Notification, notification_id)
    program = session.get_one(Program, row.program_id)
    envelope = Envelope(
        first_name=claimed.staff_name,
        program=program.neutral_name,
        number=claimed.number,
        zone=program.zone,
        base_url="http://127.0.0.1:8000",
        params=claimed.params,
    )
    letter = write_message(claimed.template, claimed.channel, envelope)
    sent = messages.put_in_outbox(
        session, key=claimed.key, channel=claimed.channel, to=claimed.to, subject=letter.subject, body=letter.body
    )
    messages.mark_sent(session, notification_id, sent)


def _text_into_outbox(session: Session, text_id: str) -> None:
    """The same of a text to a person."""
    claimed = person_texts.claim(session, text_id)
    if claimed is None:
        return
    envelope = TextEnvelope(
        first_name=claimed.staff_name,
        program=claimed.program_name,
        callback=claimed.callback,
        language=claimed.language,
        zone=claimed.zone,
        params=claimed.params,
    )
    letter = write_text(claimed.template, envelope)
    let_go = person_texts.let_go(session, replace(claimed, said=letter.body))
    if let_go is None:
        return
    sent = messages.put_in_outbox(
        session, key=claimed.key, channel=claimed.channel, to=claimed.outbox_name, subject="", body=letter.body
    )
    let_go()
    person_texts.mark_sent(session, text_id, sent)
