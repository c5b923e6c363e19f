"""What hospitals send: taken once, on the right referral, in whatever order it comes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from domain.errors import Conflict, Invalid, NotAllowed
from domain.interop.reading import NotificationRefused
from domain.vocabulary import Channel, ConsentStatus, DateCertainty, Disposition, ReferralStatus, Setting
from records import clock, engine
from records.access import Actor, actor_of
from records.commands import agenda, offers, referrals
from records.commands.discharges import record_discharge
from records.commands.inbound import Taken, receive_notification
from records.commands.people import Identifier, PersonDetails, add_identifiers
from records.commands.referrals import ReferralDetails
from records.tables import Contact, Hold, Inbound, JournalEntry, Notification, Offer, Person, Referral, Staff
from tests.api.house import NOW, House, build_house
from tests.records.notices import RECORD_NUMBER, disposed, notice, undisposed

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def house(database: str) -> Iterator[House]:
    """A program with a hospital, on a stopped clock."""
    with clock.stopped_at(NOW):
        yield build_house()


def actor(house: House, name: str = "planner") -> Actor:
    with engine.read_session() as session:
        return actor_of(session.get_one(Staff, house.staff[name]))


def take(house: House, message: object, who: str = "planner") -> Taken:
    with engine.transaction() as session:
        return receive_notification(session, actor(house, who), message)


def file(house: House, *, visit_id: str = "", number: str = RECORD_NUMBER) -> str:
    """The person of the examples, referred from a page with the record number that the planner typed."""
    system = f"mrn:{house.facilities['hospital']}"
    person = PersonDetails("Elden", "Invented", birth_on=date(1980, 2, 2), identifiers=[Identifier(system, number)])
    details = ReferralDetails(
        Setting.PSYCHIATRIC_INPATIENT,
        expected_on=(NOW + 2 * DAY).date(),
        certainty=DateCertainty.LIKELY,
        consent=ConsentStatus.GIVEN,
        visit_id=visit_id,
    )
    with engine.transaction() as session:
        return referrals.file_referral(session, actor(house), person, details).id


def begun(house: House, left_ago: timedelta = 3 * DAY) -> str:
    """The same, with a bridger, and discharged by a message of the stay `first`."""
    referral_id = file(house)
    with engine.transaction() as session:
        agenda.carry_out(session, referral_id)
        offer = session.exec(select(Offer).where(Offer.referral_id == referral_id)).one()
        offers.accept_offer(session, actor(house, "bridger"), offer.id)
    clock.advance(left_ago)
    left = clock.now() - left_ago
    take(house, notice("discharge", message_id="first", visit="first", start=left - 4 * DAY, end=left))
    return referral_id


def rows(table: Any, *conditions: Any) -> list[Any]:
    with engine.read_session() as session:
        return list(session.exec(select(table).where(*conditions)))


def referral(referral_id: str) -> Referral:
    return rows(Referral, Referral.id == referral_id)[0]


def test_a_discharge_is_recorded_on_the_open_referral_of_the_person(house: House) -> None:
    referral_id = file(house)
    taken = take(house, notice("discharge", start=NOW - 4 * DAY, end=NOW - 2 * HOUR))
    assert (taken.action, taken.referral_id) == ("recorded", referral_id)
    row = referral(referral_id)
    assert (row.discharged_at, row.disposition) == (NOW - 2 * HOUR, Disposition.HOME)
    assert row.notice_at == NOW  # known late; the clocks start at the real time


def test_somebody_elses_discharge_is_not(house: House) -> None:
    referral_id = file(house, number="another number")
    taken = take(house, notice("discharge", start=NOW - 4 * DAY, end=NOW - 2 * HOUR))
    assert taken.action == "drafted"
    assert referral(referral_id).discharged_at is None


def test_the_visit_number_as_a_planner_typed_it_is_enough(house: House) -> None:
    referral_id = file(house, visit_id="V-7", number="another number")
    taken = take(house, notice("discharge", visit="V-7", start=NOW - 4 * DAY, end=NOW - HOUR))
    assert (taken.action, taken.referral_id) == ("recorded", referral_id)


def test_nothing_open_makes_a_draft_that_waits_for_a_planner(house: House) -> None:
    taken = take(house, notice("discharge"))
    assert taken.action == "drafted"
    draft = referral(str(taken.referral_id))
    assert (draft.status, draft.facility_id, draft.source) == (
        ReferralStatus.DRAFT, house.facilities["hospital"], "fhir",
    )  # fmt: skip
    assert draft.discharged_at is not None
    assert draft.discharged_at.year == 2018
    assert draft.next_at is None  # nothing is promised yet
    person = rows(Person, Person.id == draft.person_id)[0]
    assert person.given_name
    assert person.family_name


def test_a_second_word_of_the_same_visit_corrects_the_draft(house: House) -> None:
    first = take(house, notice("discharge", message_id="one", visit="v", start=NOW - 4 * DAY, end=NOW - 3 * HOUR))
    again = take(house, notice("discharge", message_id="two", visit="v", start=NOW - 4 * DAY, end=NOW - 2 * HOUR))
    assert again.referral_id == first.referral_id
    assert referral(str(first.referral_id)).discharged_at == NOW - 2 * HOUR
    events = rows(JournalEntry.event, JournalEntry.stream == first.referral_id)
    assert "discharge.corrected" in events


def test_the_same_message_twice_changes_nothing(house: House) -> None:
    referral_id = file(house)
    message = notice("discharge", start=NOW - 4 * DAY, end=NOW - HOUR)
    first = take(house, message)
    version = referral(referral_id).version
    again = take(house, message)
    assert again.is_repeat
    assert not first.is_repeat
    assert (again.action, again.referral_id) == (first.action, first.referral_id)
    assert referral(referral_id).version == version
    assert len(rows(Inbound)) == 1


@pytest.mark.parametrize("kind", ["admit", "discharge"])
def test_a_facility_hears_nothing_of_what_another_one_filed(house: House, kind: str) -> None:
    """By a number that both know it is the same person: what was done is the program's to know."""
    nobody = notice("admit", message_id="nobody", start=clock.now())
    assert take(house, nobody, "jailer").action == "told", "nor can somebody find out by asking"
    referral_id = begun(house)
    number = Identifier("http://example.org/fhir/mrn", RECORD_NUMBER)
    with engine.transaction() as session:
        add_identifiers(session, session.get_one(Person, referral(referral_id).person_id), [number])
    later = {"end": clock.now()} if kind == "discharge" else {}
    message = notice(kind, message_id="theirs", visit="theirs", start=clock.now() - HOUR, **later)
    for taken in (take(house, message, "jailer"), take(house, message, "jailer")):
        assert (taken.action, taken.sentence, taken.referral_id) == ("told", "The program was told.", None)
    assert len(rows(Hold, Hold.referral_id == referral_id)) == 1, "and yet it was done"


def test_another_message_under_the_same_id_is_refused(house: House) -> None:
    referral_id = file(house)
    take(house, notice("discharge", message_id="one", start=NOW - 4 * DAY, end=NOW - 2 * HOUR))
    with pytest.raises(Conflict) as refused:
        take(house, notice("discharge", message_id="one", start=NOW - 4 * DAY, end=NOW - HOUR))
    assert refused.value.code == "message_id_reused"
    assert referral(referral_id).discharged_at == NOW - 2 * HOUR


def test_an_admission_during_follow_up_lets_it_rest(house: House) -> None:
    referral_id = begun(house)
    taken = take(house, notice("admit", message_id="back", visit="second", start=clock.now() - HOUR))
    assert taken.action == "held"
    assert referral(referral_id).status is ReferralStatus.ON_HOLD


def test_an_admission_under_a_number_that_nobody_knows_is_put_before_the_supervisor(house: House) -> None:
    """Nothing is done by name alone, and nobody is followed up in a hospital without somebody having looked."""
    with engine.transaction() as session:
        person = PersonDetails("Elden718", "Halvorson124", birth_on=date(2000, 10, 15))
        details = ReferralDetails(Setting.PSYCHIATRIC_INPATIENT, consent=ConsentStatus.GIVEN)
        referral_id = referrals.file_referral(session, actor(house), person, details).id
        agenda.carry_out(session, referral_id)
        offer = session.exec(select(Offer).where(Offer.referral_id == referral_id)).one()
        offers.accept_offer(session, actor(house, "bridger"), offer.id)
        record_discharge(session, actor(house), referral_id, clock.now(), Disposition.HOME)
    clock.advance(DAY)
    for message_id in ("one", "two"):
        taken = take(house, notice("admit", message_id=message_id, visit="elsewhere", start=clock.now() - HOUR))
        assert (taken.action, taken.referral_id, taken.person_id) == ("told", None, None), "the sender learns nothing"
    assert referral(referral_id).status is ReferralStatus.IN_PROGRESS
    with engine.read_session() as session:
        told = session.exec(select(Notification).where(Notification.template == "admission_suspected")).all()
        assert not [row.key for row in told if "elsewhere" in row.key], "a visit's number stands nowhere in the clear"
    assert {(n.staff_id, n.channel) for n in told} >= {(house.staff["supervisor"], Channel.IN_APP)}
    assert len({n.key for n in told}) == len(told) == len({n.channel for n in told}), "once, however often it came"


def test_the_admission_of_the_same_stay_changes_nothing(house: House) -> None:
    referral_id = begun(house)
    left = referral(referral_id).discharged_at
    assert left is not None
    taken = take(house, notice("admit", message_id="late", visit="first", start=left - 4 * DAY))
    assert taken.action == "nothing"
    assert referral(referral_id).status is not ReferralStatus.ON_HOLD


def test_leaving_again_goes_on_from_the_new_discharge(house: House) -> None:
    referral_id = begun(house)
    back, out = clock.now() - 5 * HOUR, clock.now() - HOUR
    take(house, notice("admit", message_id="back", visit="second", start=back))
    taken = take(house, notice("discharge", message_id="out", visit="second", start=back, end=out))
    row = referral(referral_id)
    assert taken.action == "recorded"
    assert row.status is ReferralStatus.IN_PROGRESS
    assert row.discharged_at == out
    assert row.cycle == 2


def test_the_discharge_of_a_stay_that_nobody_told_of_is_no_correction(house: House) -> None:
    """The admission comes last, or never: the first discharge stays what it was, and the rest is on record."""
    referral_id = begun(house)
    back, out = clock.now() - 5 * HOUR, clock.now() - HOUR
    first_left = referral(referral_id).discharged_at
    take(house, notice("discharge", message_id="out", visit="second", start=back, end=out))
    row = referral(referral_id)
    assert row.discharged_at == out
    assert row.cycle == 2
    hold = rows(Hold, Hold.referral_id == referral_id)[0]
    assert (hold.started_at, hold.ended_at is not None) == (back, True)
    assert not rows(JournalEntry, JournalEntry.stream == referral_id, JournalEntry.event == "discharge.corrected")
    late = take(house, notice("admit", message_id="back", visit="second", start=back))
    assert late.action == "nothing"
    assert referral(referral_id).status is ReferralStatus.IN_PROGRESS
    old = take(house, notice("discharge", message_id="old", visit="zeroth", start=None, end=first_left))
    assert old.action == "nothing"
    assert referral(referral_id).discharged_at == out


def test_a_discharge_into_custody_is_no_draft(house: House) -> None:
    taken = take(house, disposed(notice("discharge", start=NOW - 4 * DAY, end=NOW - HOUR), "21"))
    assert taken.action == "told"
    assert not rows(Referral)


@pytest.mark.parametrize("unsaid", [undisposed, lambda message: disposed(message, "oth")], ids=["nothing", "oth"])
def test_how_somebody_left_is_not_assumed_where_the_message_does_not_say(house: House, unsaid: Any) -> None:
    referral_id = file(house)
    taken = take(house, unsaid(notice("discharge", start=NOW - 4 * DAY, end=NOW - 2 * HOUR)))
    row = referral(referral_id)
    assert taken.action == "recorded"
    assert (row.disposition, row.is_unscheduled) == (Disposition.NOT_SAID, False)
    assert row.discharged_at == NOW - 2 * HOUR, "follow-up begins all the same"
    assert rows(Contact, Contact.referral_id == referral_id)


def test_a_message_that_does_not_say_how_takes_back_nothing_that_was_said(house: House) -> None:
    referral_id = file(house)
    how = notice("discharge", message_id="one", visit="v", start=NOW - 4 * DAY, end=NOW - 3 * HOUR)
    take(house, disposed(how, "07"))
    take(house, undisposed(notice("discharge", message_id="two", visit="v", start=NOW - 4 * DAY, end=NOW - 2 * HOUR)))
    row = referral(referral_id)
    assert (row.discharged_at, row.disposition) == (NOW - 2 * HOUR, Disposition.AGAINST_ADVICE)


def test_a_draft_of_which_nobody_said_how_they_left_is_not_sent_before_somebody_does(house: House) -> None:
    taken = take(house, undisposed(notice("discharge", start=NOW - 4 * DAY, end=NOW - 2 * HOUR)))
    draft_id = str(taken.referral_id)
    details = ReferralDetails(Setting.PSYCHIATRIC_INPATIENT, discharged_at=NOW - 2 * HOUR, consent=ConsentStatus.GIVEN)
    with pytest.raises(Invalid) as refused, engine.transaction() as session:
        referrals.submit_draft(session, actor(house), draft_id)
    assert (refused.value.code, refused.value.field) == ("required", "disposition")
    with engine.transaction() as session:
        said = replace(details, disposition=Disposition.SHELTER)
        referrals.submit_draft(session, actor(house), draft_id, details=said)
    assert referral(draft_id).disposition is Disposition.SHELTER


@pytest.mark.sqlite
def test_nobody_who_writes_it_down_may_leave_out_how_somebody_left(house: House) -> None:
    referral_id = file(house)
    with pytest.raises(Invalid) as refused, engine.transaction() as session:
        record_discharge(session, actor(house), referral_id, NOW, Disposition.NOT_SAID)
    assert refused.value.field == "disposition"
    assert referral(referral_id).discharged_at is None


def test_the_published_examples_are_taken_in_every_order(house: House) -> None:
    for first, second, third in (("admit", "transfer", "discharge"), ("discharge", "transfer", "admit")):
        for event in (first, second, third):
            taken = take(house, notice(event))
            assert taken.action in ("told", "drafted")
    assert len(rows(Referral)) == 1


def test_a_token_of_the_program_finds_or_makes_the_facility(house: House) -> None:
    first = take(house, notice("discharge", message_id="one", visit="a"), who="admin")
    second = take(house, notice("discharge", message_id="two", visit="b"), who="admin")
    assert first.facility_id == second.facility_id
    assert first.facility_id not in house.facilities.values()


@pytest.mark.sqlite
def test_a_bridger_sends_no_messages(house: House) -> None:
    with pytest.raises(NotAllowed):
        take(house, notice("discharge"), who="bridger")


@pytest.mark.sqlite
@pytest.mark.parametrize("message", [None, [], {}, {"resourceType": "Bundle"}, {"resourceType": "Patient"}, "text", 7])
def test_what_is_no_notification_is_refused_and_leaves_nothing(house: House, message: object) -> None:
    with pytest.raises(NotificationRefused):
        take(house, message)
    assert not rows(Inbound)
    assert not rows(Referral, col(Referral.source) == "fhir")
