"""Stories of the first days outside: left today, reached, overdue, at high risk."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from domain.vocabulary import (
    AgreedHow,
    ConsentStatus,
    Disposition,
    EscalationState,
    Gender,
    Mode,
    Need,
    Outcome,
    PlaceKind,
    Resolution,
    RiskFlag,
    SafetyFlag,
)
from records.commands import escalations, replies, texting
from records.commands.replies import IncomingText
from records.seed.case import begun
from records.seed.people import E, G, J, P
from records.seed.someone import someone
from records.seed.world import Story, World

YES = ConsentStatus.GIVEN


def stories(world: World) -> Iterator[Story]:
    """All of them."""
    for story in (
        _left_today, _one_contact_made, _overdue_unanswered, _overdue_taken, _high_risk_kept, _high_risk_concern,
        _court_release, _first_nights, _emergency,
    ):  # fmt: skip
        yield story(world)


def _left_today(world: World) -> Story:
    person = someone(
        "Ada", "Sample", 20, born=(1989, 5, 21), gender=Gender.WOMAN, area="00010", flags=(SafetyFlag.VISIT_IN_PAIRS,),
        place="Home: 12 Example Quay, ring twice", when="After 4 pm", safety_note="A dog, friendly once it knows you.",
    )  # fmt: skip
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-5, 11), to="bridger1", leaves_on=world.day(0), consent=YES,
        unit="4 West", needs=[Need.MEDICATION, Need.FOOD],
    )  # fmt: skip
    left = world.earlier_today(hours=5)
    yield from case.follow(left - timedelta(hours=2))
    yield left
    case.leave()
    yield max(left, world.ago(hours=1, minutes=50))
    case.log(Mode.CALL, Outcome.LEFT_MESSAGE, "Left word that I come by this evening.")
    number = str(case.rows().person.phones[0]["number"])
    texting.allow_texts(world.session, case.bridger, case.referral.id, number, AgreedHow.IN_PERSON)
    yield max(left, world.ago(minutes=12))
    answer = IncomingText("SM0001", number, "Thank you Rosa. Could you come at 6 instead of 5?")
    replies.take_reply(world.session, answer)


def _one_contact_made(world: World) -> Story:
    person = someone("Carla", "Muster", 21, born=(1977, 10, 11), gender=Gender.WOMAN, area="00013", language="de")
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-7, 10), to="bridger1", leaves_on=world.day(-1), consent=YES,
        unit="2 South", needs=[Need.COMPANY, Need.BENEFITS],
        first_appointment_at=world.now + timedelta(days=2), first_appointment_where="Example Clinic",
    )  # fmt: skip
    left = min(world.on(-1, 11), world.ago(hours=25))
    yield from case.follow(left - timedelta(hours=1))
    yield left
    case.leave()
    yield left + timedelta(minutes=50)
    case.log(Mode.VISIT, Outcome.REACHED, "Went home together, looked into the fridge, found the keys.", minutes=85)


def _overdue_unanswered(world: World) -> Story:
    """The day after leaving, nobody has talked with him: the supervisor was told and has not answered yet."""
    person = someone(
        "Boris", "Example", 22, born=(1982, 3, 8), gender=Gender.MAN, area="00014", kind=PlaceKind.SHELTER,
        place="Sample House, room 11", when="Desk is open until 9 pm", flags=(SafetyFlag.SAFETY_PLAN,),
    )  # fmt: skip
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-8, 9), to="bridger1", leaves_on=world.day(-1), consent=YES,
        unit="4 West", needs=[Need.HOUSING, Need.TREATMENT],
    )  # fmt: skip
    left = world.ago(hours=25, minutes=30)
    yield from case.follow(left - timedelta(hours=3))
    yield left
    case.leave(Disposition.SHELTER)
    yield left + timedelta(hours=2)
    case.log(Mode.CALL, Outcome.NO_ANSWER)
    yield world.ago(hours=2)
    case.answer(Resolution.ARRANGED, "The desk at Sample House has seen him. Rosa goes there.")
    yield world.ago(hours=1, minutes=55)
    case.log(Mode.VISIT, Outcome.NO_ANSWER, "Was out. The desk passes on my number.")


def _overdue_taken(world: World) -> Story:
    person = someone("Omar", "Mithal", 23, born=(1969, 12, 24), gender=Gender.MAN, area="00030", language="ar")
    case = yield from begun(
        world, "lakeside", person, G, at=world.on(-9, 10), to="bridger5", leaves_on=world.day(-4), consent=YES,
        needs=[Need.HEALTH_CARE, Need.TRANSPORT],
    )  # fmt: skip
    left = world.on(-4, 14)
    yield from case.follow(left - timedelta(hours=1))
    yield left
    case.leave()
    yield world.on(-3, 15)
    case.log(Mode.CALL, Outcome.NO_ANSWER)
    yield world.ago(hours=2)
    case.acknowledge()
    for row in list(case.rows().escalations):
        if row.state is EscalationState.ACKNOWLEDGED:
            escalations.act(
                world.session, case.supervisor, case.referral.id, row.id,
                "Called his brother, who sees him tonight. Yusuf goes there tomorrow at ten.",
            )  # fmt: skip


def _high_risk_kept(world: World) -> Story:
    person = someone(
        "Nia", "Specimen", 24, born=(2003, 8, 2), gender=Gender.WOMAN, area="00015", flags=(SafetyFlag.SAFETY_PLAN,),
        place="With her grandmother, 7 Model Court",
    )  # fmt: skip
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-6, 9), to="bridger3", leaves_on=world.day(-1), consent=YES,
        unit="4 West", risks=[RiskFlag.SUICIDE_RISK], needs=[Need.TREATMENT, Need.WORK],
    )  # fmt: skip
    left = world.ago(hours=29)
    yield from case.follow(left - timedelta(minutes=30))
    yield left
    case.leave()
    yield from case.follow(world.ago(minutes=15))


def _high_risk_concern(world: World) -> Story:
    """The bridger was worried after a visit: the clinician was told at once, and has it."""
    person = someone(
        "Leila", "Namune", 25, born=(1986, 6, 30), gender=Gender.WOMAN, area="00023", wants=Gender.WOMAN,
        flags=(SafetyFlag.DOMESTIC_VIOLENCE, SafetyFlag.DO_NOT_CONTACT_FAMILY, SafetyFlag.NO_HOME_VISITS),
        place="The library on Sample Square", kind=PlaceKind.OTHER, when="Mornings", may_text=False,
        may_voicemail=False,
    )  # fmt: skip
    case = yield from begun(
        world, "riverside", person, P, at=world.on(-10, 14), to="bridger6", leaves_on=world.day(-3), consent=YES,
        unit="2 South", risks=[RiskFlag.SUICIDE_RISK], needs=[Need.HOUSING, Need.LEGAL],
    )  # fmt: skip
    left = world.on(-3, 12)
    yield from case.follow(left - timedelta(minutes=30))
    yield left
    case.leave()
    yield from case.follow(world.ago(hours=1))
    yield world.ago(minutes=50)
    row = escalations.raise_concern(
        world.session, case.bridger, case.referral.id, "She was very low on the phone and would not say where she is."
    )
    yield world.ago(minutes=42)
    clinician = world.staff.by["clinician"]
    escalations.acknowledge(world.session, clinician, case.referral.id, row.id)
    yield world.ago(minutes=25)
    escalations.act(
        world.session, clinician, case.referral.id, row.id,
        "Talked with her for a quarter of an hour, went through the safety plan. She is with a friend; I call at six.",
    )  # fmt: skip


def _court_release(world: World) -> Story:
    """The court let him go in the night; nobody had planned it, and a bridger went at once."""
    person = someone(
        "Rui", "Amostra", 26, born=(1992, 4, 4), gender=Gender.MAN, area="00039", kind=PlaceKind.MEAL_SITE,
        place="Meal site at Model Church", when="Noon",
    )  # fmt: skip
    case = yield from begun(
        world, "jail", person, J, at=world.on(-12, 10), to="bridger2", leaves_on=world.day(12), consent=YES,
        visit_id="EXAMPLE-2017", needs=[Need.HOUSING, Need.FOOD],
    )  # fmt: skip
    left = world.on(-2, 0, 40)
    yield from case.follow(left - timedelta(hours=2))
    yield left + timedelta(minutes=25)
    case.leave(Disposition.COURT_RELEASE, at=left)
    yield left + timedelta(minutes=35)
    case.log(Mode.CALL, Outcome.REACHED, "He waits at the bus station. I pick him up.", minutes=6)
    case.answer(Resolution.REACHED, "Marcus reached him within half an hour.")
    yield from case.follow(world.ago(minutes=15))


def _first_nights(world: World) -> Story:
    person = someone("Sofia", "Esempio", 27, born=(1975, 7, 7), gender=Gender.WOMAN, area="00030")
    case = yield from begun(
        world, "lakeside", person, G, at=world.on(-6, 13), to="bridger4", leaves_on=world.day(-2), consent=YES,
        needs=[Need.MEDICATION],
    )  # fmt: skip
    left = world.on(-2, 16)
    yield from case.follow(left - timedelta(minutes=30))
    yield left
    case.leave()
    yield from case.follow(world.ago(minutes=15))


def _emergency(world: World) -> Story:
    person = someone(
        "Zeno", "Fictional", 28, born=(2001, 1, 31), gender=Gender.MAN, area="00024", kind=PlaceKind.OUTSIDE,
        place="Under the west end of Example Bridge", may_text=True,
    )  # fmt: skip
    case = yield from begun(
        world, "riverside", person, E, at=world.ago(hours=20), to="bridger7", consent=YES,
        risks=[RiskFlag.OVERDOSE, RiskFlag.NO_SAFE_PLACE], needs=[Need.HOUSING, Need.TREATMENT],
    )  # fmt: skip
    yield world.ago(hours=19)
    case.log(Mode.VISIT, Outcome.REACHED, "Met at the bedside.", minutes=30)
    yield world.ago(hours=18)
    case.leave(Disposition.SHELTER)
    yield from case.follow(world.ago(minutes=15))
