"""Acceptance scenarios 61 to 65: automated texts to a person, what they answer, and numbers that are somebody
else's."""

from __future__ import annotations

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlmodel import col, select

from domain.errors import Conflict
from domain.vocabulary import (
    AgreedHow,
    ConsentStatus,
    ContactState,
    Mode,
    NotificationState,
    Outcome,
    ReplyKind,
    SafetyFlag,
    Subject,
    TextKind,
)
from records import clock, engine
from records.commands import changes, closing, contacts, incidents, replies, texting
from records.commands.people import PersonDetails, Phone
from records.commands.replies import IncomingText
from records.queries.upkeep import list_undelivered
from records.tables import Attempt, Incident, NumberAnswer, Outbox, PersonText, TextReply
from tests.scenarios.world import Journey, World
from workflows.activities.send import deliver
from workflows.person_messages import TextEnvelope, write_text

NUMBER = "+12125550123"
_sids = count(1)


@pytest.fixture
def ada(world: World) -> Journey:
    """Ada has left, Ben walks with her, and she said yes to texts; the welcome has gone."""
    return texting_with(world, "Ada Sample")


def texting_with(world: World, name: str, **more: Any) -> Journey:
    found = world.follow(name, person={"phones": [Phone("212-555-0123", may_text=True)]}, **more)
    allow(found)
    carry_messages()
    return found


def allow(person: Journey) -> None:
    person.world.do("Ben", texting.allow_texts, person.id, NUMBER, AgreedHow.IN_PERSON)


def carry_messages() -> None:
    """What upkeep and the deliveries do: every message whose time has come is tried."""
    with engine.read_session() as session:
        waiting = list_undelivered(session)
    for message_id in waiting:
        deliver(message_id)


def writes(world: World, body: str) -> bool:
    """A text comes from Ada's number."""
    with world.transaction() as session:
        return replies.take_reply(session, IncomingText(f"SM{next(_sids)}", NUMBER, body))


def nobody_answers(person: Journey) -> None:
    """Ben calls, and a text is to say so."""
    person.log(Mode.CALL, Outcome.NO_ANSWER)
    carry_messages()


def texts(person: Journey, kind: TextKind | None = None) -> list[PersonText]:
    """The automated texts to the person, oldest first."""
    rows = person.world.look(
        select(PersonText)
        .where(PersonText.referral_id == person.id)
        .order_by(col(PersonText.created_at), col(PersonText.id))
    )
    return [row for row in rows if kind is None or row.kind is kind]


def went(world: World) -> list[str]:
    """The words of every text that went out to a person, oldest first."""
    return [
        row.body
        for row in world.look(select(Outbox).where(col(Outbox.key).startswith("txt:")).order_by(col(Outbox.id)))
    ]


@pytest.mark.parametrize("words", ["STOP", "please leave me alone", "no me escriban más"])
def test_61_stop(world: World, ada: Journey, words: str) -> None:
    """STOP / "please leave me alone" → texts stop at once, one confirmation ≤5 min, call path remains; "START" needed
    to resume."""
    world.time_is("2026-11-04 07:00")  # night: what is queued now waits
    ada.log(Mode.CALL, Outcome.NO_ANSWER)
    waiting = texts(ada)[-1]
    before = len(went(world))
    clock.advance(timedelta(minutes=1))
    writes(world, words)
    clock.advance(timedelta(minutes=1))
    carry_messages()
    answers = went(world)[before:]
    assert len(answers) == 1
    assert "START" in answers[0]
    assert texts(ada)[-2].id == waiting.id
    assert texts(ada)[-2].state is NotificationState.CANCELLED, "what waited is cancelled"
    writes(world, "stop")
    carry_messages()
    world.time_is("2026-11-04 12:00")
    nobody_answers(ada)
    assert len(went(world)) == before + 1, "one confirmation, and nothing after it"
    assert texts(ada)[-1].state is NotificationState.WITHHELD
    assert ada.person.phones[0]["number"] == NUMBER, "the way by phone stays"
    assert not ada.person.phones[0].get("is_quarantined")
    assert ada.log(Mode.CALL, Outcome.REACHED).attempt
    with pytest.raises(Conflict, match="START"):
        allow(ada)
    writes(world, "yes")
    world.time_is("2026-11-05 12:00")
    nobody_answers(ada)
    assert len(went(world)) == before + 1, "a yes to something else is no START"
    writes(world, "START")
    carry_messages()
    assert "texts are on again" in went(world)[-1]
    clock.advance(timedelta(minutes=1))
    nobody_answers(ada)
    assert "tried to call you" in went(world)[-1]


def test_61_a_confirmation_that_could_not_go_within_five_minutes_does_not(world: World, ada: Journey) -> None:
    before = len(went(world))
    writes(world, "STOP")
    clock.advance(timedelta(minutes=5, seconds=1))
    carry_messages()
    assert len(went(world)) == before
    assert texts(ada, TextKind.STOPPED)[0].state is NotificationState.STALE


def test_61_stop_holds_for_everybody_who_has_the_number(world: World, ada: Journey) -> None:
    bea = texting_with(world, "Bea Sample", facility="General")
    writes(world, "STOP")
    carry_messages()
    world.time_is("2026-11-05 12:00")
    for one in (ada, bea):
        nobody_answers(one)
        assert texts(one)[-1].state is NotificationState.WITHHELD, one.person.given_name
        assert one.events("texts.stopped")
    assert len(texts(ada, TextKind.STOPPED) + texts(bea, TextKind.STOPPED)) == 1, "one confirmation to one number"


def test_62_4th_automated_text_in_a_week(world: World, ada: Journey) -> None:
    """4th automated text in a week suppressed. >160 chars or non-template refused."""
    assert len(went(world)) == 1, "Monday: the welcome"
    nobody_answers(ada)
    assert len(went(world)) == 1, "one a day"
    for day in ("2026-11-03", "2026-11-04"):
        world.time_is(f"{day} 12:00")
        carry_messages()
        nobody_answers(ada)
    assert len(went(world)) == 3
    for day in ("2026-11-05", "2026-11-06", "2026-11-08"):
        world.time_is(f"{day} 12:00")
        nobody_answers(ada)
        assert texts(ada)[-1].state in (NotificationState.STALE, NotificationState.QUEUED)
    assert len(went(world)) == 3, "the fourth within seven days does not go"
    assert texts(ada)[-2].state is NotificationState.STALE
    assert texts(ada)[-2].problem == "they had three texts within a week already"
    world.time_is("2026-11-09 08:00")  # the Monday after
    carry_messages()
    assert len(went(world)) == 4, "what was still true on the eighth day was put off, not lost"
    envelope = TextEnvelope("Ben", "Footbridge", "", "en", "America/New_York", {})
    with pytest.raises(ValueError, match="is not a valid TextKind"):
        write_text("hello_there", envelope)


def test_62_a_text_of_the_night_goes_at_eight_where_the_person_is(world: World) -> None:
    world.time_is("2026-11-02 23:30")
    ada = world.follow(person={"phones": [Phone("212-555-0123", may_text=True)], "zone": "America/Los_Angeles"})
    world.time_is("2026-11-03 00:30")  # half past nine in the evening there
    allow(ada)
    carry_messages()
    assert went(world) == []
    world.time_is("2026-11-03 10:59")
    carry_messages()
    assert went(world) == []
    world.time_is("2026-11-03 11:00")  # eight o'clock in Los Angeles
    carry_messages()
    assert len(went(world)) == 1


def test_63_wrong_number_reply(world: World, ada: Journey) -> None:
    """Wrong number reply → number quarantined, incident opened."""
    sent_before = texts(ada)
    before = len(went(world))
    writes(world, "Sorry, you have the wrong number")
    carry_messages()
    assert ada.person.phones[0]["is_quarantined"] is True
    assert len(went(world)) == before, "a stranger gets nothing more, no confirmation either"
    [incident] = world.look(select(Incident))
    assert (incident.referral_id, incident.number, incident.resolved_at) == (ada.id, NUMBER, None)
    assert incident.text_ids == [row.id for row in sent_before if row.state is NotificationState.SENT]
    assert incident.owner_id == world.actors["supervisor"].id
    assert world.told("supervisor", "incident_opened")
    assert ada.events("incident.opened")
    world.time_is("2026-11-05 12:00")
    nobody_answers(ada)
    assert len(went(world)) == before
    writes(world, "wrong number!!")
    assert len(world.look(select(Incident))) == 1, "one incident while it is open"
    world.do("supervisor", incidents.resolve_incident, incident.id, "Ada was asked for her new number.")
    [incident] = world.look(select(Incident))
    assert incident.resolution == "Ada was asked for her new number."
    world.do("Ben", texting.lift_quarantine, ada.id, NUMBER, "Her brother had answered; she called back from it.")
    assert not ada.person.phones[0]["is_quarantined"]
    nobody_answers(ada)
    assert len(went(world)) == before, "texts need a new yes"


def test_64_no_voicemail_flag(world: World) -> None:
    """No-voicemail flag → UI hides voicemail outcome text; no message left."""
    from api.pages import person_view

    ada = world.follow(person={"phones": [Phone("212-555-0123", may_voicemail=True)],
                               "safety_flags": [SafetyFlag.NO_VOICEMAIL]})  # fmt: skip
    assert person_view.may_not_voicemail(ada.person)
    assert [phone["may_voicemail"] for phone in person_view.phones(ada.person)] == [False]


def test_65_logs_hold_nothing_of_what_is_texted(world: World, ada: Journey, caplog: pytest.LogCaptureFixture) -> None:
    """Logs, workflow ids, search attributes, metrics contain no name/phone/diagnosis (automated test)."""
    with caplog.at_level(0):
        writes(world, "It is Ada Sample, I am at the clinic, call 212-555-0123")
        nobody_answers(ada)
    said = caplog.text + " ".join(row.id + row.key for row in texts(ada))
    for personal in ("Ada", "Sample", "clinic", "2125550123", "555-0123"):
        assert personal not in said


def test_an_automated_text_and_its_answer_are_no_contact_and_no_attempt(world: World, ada: Journey) -> None:
    """Scenario 37 and the common rules: texts that go by themselves, and a person's answer to one, meet nothing."""
    attempts = len(world.look(select(Attempt).where(Attempt.referral_id == ada.id)))
    writes(world, "OK")
    carry_messages()
    first = ada.contact("first-contact")
    world.time_is(first.due_at + timedelta(minutes=1))
    assert len(world.look(select(Attempt).where(Attempt.referral_id == ada.id))) == attempts
    assert ada.contact("first-contact").state is ContactState.MISSED
    assert "No attempt is on record." in ada.calls(Subject.CONTACT)[0].why


def test_words_of_danger_reach_the_clinician_at_any_hour_and_988_goes_back_once(world: World, ada: Journey) -> None:
    world.time_is("2026-11-03 03:00")
    before = len(went(world))
    writes(world, "i dont want to live anymore")
    carry_messages()
    [call] = ada.calls(Subject.SAFETY, is_open=True)
    assert [person["staff_id"] for person in call.told] == [world.actors["clinician"].id]
    assert world.told("clinician", "safety_concern")
    assert went(world)[before:] == [
        "Footbridge: we have just told someone on our team. At any hour, call or text 988, it is free. In danger right "
        "now? Call 911."
    ]
    writes(world, "i want to die")
    carry_messages()
    assert len(went(world)) == before + 1
    assert len(ada.calls(Subject.SAFETY, is_open=True)) == 1
    assert len(world.told("clinician", "safety_concern")) == 2, "the same call, and they are told that more came"


def test_after_stop_danger_is_a_call_and_no_text(world: World, ada: Journey) -> None:
    writes(world, "STOP")
    carry_messages()
    before = len(went(world))
    writes(world, "quiero morirme")
    carry_messages()
    assert len(went(world)) == before
    assert ada.calls(Subject.SAFETY, is_open=True)


def test_a_reply_is_shown_to_the_bridger_and_told_without_its_words(world: World, ada: Journey) -> None:
    assert writes(world, "Can we meet at the library?")
    [row] = world.look(select(TextReply))
    assert (row.kind, row.body, row.seen_at) == (ReplyKind.WORDS, "Can we meet at the library?", None)
    [told] = world.told("Ben", "reply_received")
    assert "library" not in str(told.params) + told.key
    writes(world, "or the park")
    assert len(world.told("Ben", "reply_received")) == 1, "while the first waits to be read, nobody is told again"
    world.do("Ben", replies.mark_reply_seen, ada.id, row.id)
    assert world.look(select(TextReply).where(TextReply.id == row.id))[0].seen_by == world.actors["Ben"].id
    assert [entry.data["kind"] for entry in ada.events("text.replied")] == ["words", "words"]
    assert all("library" not in str(entry.data) for entry in ada.events())


def test_the_same_message_again_is_one_effect(world: World, ada: Journey) -> None:
    for _ in range(2):
        with world.transaction() as session:
            replies.take_reply(session, IncomingText("SM-again", NUMBER, "hello"))
    assert len(world.look(select(TextReply))) == 1


def test_of_a_number_that_nobody_has_only_its_stop_is_kept(world: World, ada: Journey) -> None:
    before = {table: len(world.look(select(table))) for table in (TextReply, PersonText, Incident)}
    for body in ("hello, who is this?", "wrong number", "i want to die", "STOP"):
        with world.transaction() as session:
            replies.take_reply(session, IncomingText(f"SM{next(_sids)}", "+13125550188", body))
    assert {table: len(world.look(select(table))) for table in (TextReply, PersonText, Incident)} == before
    assert [row.number for row in world.look(select(NumberAnswer))] == ["+13125550188"]


def test_of_two_who_share_a_number_the_one_texted_last_is_meant(world: World, ada: Journey) -> None:
    world.time_is("2026-11-03 09:00")
    bea = texting_with(world, "Bea Sample", facility="General")
    writes(world, "thank you")
    assert [row.referral_id for row in world.look(select(TextReply))] == [bea.id]
    writes(world, "i am going to kill myself")
    assert ada.calls(Subject.SAFETY)
    assert bea.calls(Subject.SAFETY), "where it is about a life, everybody's who has the number"


def test_the_day_before_a_meeting_a_text_says_when(world: World, ada: Journey) -> None:
    world.do("Ben", changes.set_meeting, ada.id, world.now + timedelta(days=3, hours=5), "Example Library")
    clock.advance(timedelta(minutes=1))
    world.do("Ben", changes.set_meeting, ada.id, world.now + timedelta(days=4, hours=5), "Example Library")
    world.time_is("2026-11-04 12:00")
    carry_messages()
    assert texts(ada, TextKind.MEETING)[0].state is NotificationState.CANCELLED, "the meeting has moved"
    world.time_is("2026-11-05 10:00")
    carry_messages()
    assert went(world)[-1].startswith("Ben from Footbridge: we meet Fri Nov 6, 2:01 pm.")
    assert "Library" not in went(world)[-1]


def test_nobody_is_texted_on_hold_after_the_end_or_without_consent(world: World, ada: Journey) -> None:
    world.time_is("2026-11-03 22:00")
    ada.log(Mode.CALL, Outcome.NO_ANSWER)
    ada.hold()
    world.time_is("2026-11-04 09:00")
    carry_messages()
    assert texts(ada)[-1].state is NotificationState.CANCELLED
    world.do("Ben", contacts.log_attempt, ada.id, Mode.CALL, Outcome.NO_ANSWER)
    world.do("supervisor", closing.record_death, ada.id)
    carry_messages()
    assert texts(ada)[-1].problem == "the case ended"
    assert len(went(world)) == 1, "the welcome of the first day"


def test_nobody_is_texted_who_took_their_consent_back(world: World, ada: Journey) -> None:
    world.time_is("2026-11-03 12:00")
    ada.log(Mode.CALL, Outcome.NO_ANSWER)
    world.do("Ben", changes.record_consent, ada.id, ConsentStatus.REVOKED)
    carry_messages()
    assert texts(ada)[-1].problem == "their consent to be contacted does not stand"
    assert len(went(world)) == 1


def test_before_a_release_from_custody_nothing_goes_to_their_phone(world: World) -> None:
    cal = world.refer("Cal Sample", facility="County Jail", bridger="Ben",
                      person={"phones": [Phone("212-555-0123", may_text=True)]})  # fmt: skip
    allow(cal)
    carry_messages()
    assert went(world) == []
    assert texts(cal)[-1].state is NotificationState.CANCELLED
    cal.discharge()
    clock.advance(timedelta(minutes=1))
    nobody_answers(cal)
    assert len(went(world)) == 1, "afterwards it does"


def test_no_text_is_sent_to_anybody_who_never_said_yes(world: World) -> None:
    ada = world.follow(person={"phones": [Phone("212-555-0123", may_text=True)]})
    nobody_answers(ada)
    world.do("Ben", changes.set_meeting, ada.id, world.now + timedelta(days=3), "Example Library")
    assert world.look(select(PersonText)) == []


def test_what_they_write_is_read_though_somebody_took_the_number_off(world: World, ada: Journey) -> None:
    details = PersonDetails("Ada", "Sample", phones=(Phone("212-555-0177"),))
    world.do("supervisor", changes.correct_person, ada.row.person_id, details)
    writes(world, "can you call me")
    assert [row.referral_id for row in world.look(select(TextReply))] == [ada.id]
    world.time_is("2026-11-04 12:00")
    nobody_answers(ada)
    assert len(went(world)) == 1, "nothing goes to a number that is not theirs any more"
