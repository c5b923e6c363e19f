"""The named steps at which processes are killed: how the world is brought before each, and what carries it out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from domain.vocabulary import Setting
from records import clock
from tests.crash.client import Answer, ask, done
from tests.crash.program import HASTY, PATIENT, REMINDING
from tests.crash.world import World

_SOON = 30.0  # seconds: so long the worker may take for what is due, before anything is killed


@dataclass
class Made:
    """The world stands before the step. `carry_out` begins it: with a key for a request, whose answer it returns."""

    carry_out: Callable[[str], Answer | None]
    referral: str = ""
    rows: int = 1
    """How often the event is to be recorded."""


@dataclass(frozen=True)
class Step:
    """One thing that happens in Footbridge: who carries it out, and which event records it."""

    name: str
    role: str
    event: str
    prepare: Callable[[World, Random], Made]

    @property
    def is_recorded(self) -> bool:
        """Whether the journal has a line for it; sending and upkeep are known by other signs."""
        return self.event not in ("message.sent", "upkeep")


_SYLLABLES = ("ba", "do", "fe", "gi", "ku", "la", "mo", "ne", "pi", "ro", "su", "ta", "ve", "wi", "zo")


def person(chance: Random) -> dict[str, Any]:
    """Nobody in the world, and like nobody before."""
    given, family = ("".join(chance.choices(_SYLLABLES, k=5)).title() for _ in range(2))
    born = f"{chance.randint(1940, 2005)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    return {"given_name": given, "family_name": family, "birth_on": born}


def referral_of(chance: Random, setting: Setting) -> dict[str, Any]:
    """What a planner sends."""
    soon = (clock.now() + timedelta(days=3)).date().isoformat()
    return {"setting": setting.value, "expected_on": soon, "certainty": "likely", "consent": "given",
            "person": person(chance)}  # fmt: skip


def filed(world: World, chance: Random, setting: Setting = PATIENT) -> str:
    """A referral that waits for the program's answer."""
    return str(done(world, "planner", "/referrals", referral_of(chance, setting))["id"])


def accepted(world: World, chance: Random, setting: Setting = PATIENT) -> str:
    """One that the program has taken on; the worker seeks a bridger."""
    referral = filed(world, chance, setting)
    done(world, "supervisor", f"/referrals/{referral}/accept")
    return referral


def offered(world: World, chance: Random, setting: Setting = PATIENT) -> tuple[str, str, str]:
    """One that is offered to somebody: the referral, the offer, and to whom."""
    referral = accepted(world, chance, setting)
    world.until(lambda: world.events("offer.made", referral) > 0, _SOON, "no offer was made")
    offer, bridger = world.rows("SELECT id, bridger_id FROM offer WHERE referral_id = :id", id=referral)[0]
    return referral, offer, world.cast.bridger_of(bridger)


def assigned(world: World, chance: Random, setting: Setting = PATIENT) -> str:
    """One that the first bridger has."""
    referral = accepted(world, chance, setting)
    done(world, "supervisor", f"/referrals/{referral}/assign", {"bridger_id": world.cast.ids["first"]})
    return referral


def left(world: World, chance: Random, setting: Setting = PATIENT) -> str:
    """One who has gone home just now."""
    referral = assigned(world, chance, setting)
    done(world, "planner", f"/referrals/{referral}/discharge", _discharge())
    return referral


def escalated(world: World, chance: Random) -> str:
    """One whose first contact was missed."""
    referral = left(world, chance, HASTY)
    world.until(lambda: world.events("escalation.raised", referral) > 0, _SOON, "nothing was escalated")
    return referral


def _discharge() -> dict[str, Any]:
    return {"at": clock.now().isoformat(), "disposition": "home"}


def _post(
    before: Callable[[World, Random], str], who: str, path: str, body: Any = None
) -> Callable[[World, Random], Made]:
    """A request about a referral. A body that depends on the time is made when it is sent."""

    def prepare(world: World, chance: Random) -> Made:
        referral = before(world, chance)
        where = path.format(referral=referral)
        sent = body() if callable(body) else body
        return Made(lambda key: ask(world, who, where, sent, key=key), referral)

    return prepare


def _file(world: World, chance: Random) -> Made:
    body = referral_of(chance, PATIENT)
    return Made(lambda key: ask(world, "planner", "/referrals", body, key=key))


def _answer_offer(deed: str, body: dict[str, Any] | None = None) -> Callable[[World, Random], Made]:
    def prepare(world: World, chance: Random) -> Made:
        referral, offer, bridger = offered(world, chance)
        return Made(lambda key: ask(world, bridger, f"/offers/{offer}/{deed}", body, key=key), referral)

    return prepare


def _acknowledge(world: World, chance: Random) -> Made:
    referral = escalated(world, chance)
    call = world.ask("SELECT id FROM escalation WHERE referral_id = :id ORDER BY rung", id=referral)
    return Made(lambda key: ask(world, "supervisor", f"/escalations/{call}/acknowledge", key=key), referral)


def _assign(world: World, chance: Random) -> Made:
    referral, body = accepted(world, chance), {"bridger_id": world.cast.ids["second"]}
    return Made(lambda key: ask(world, "supervisor", f"/referrals/{referral}/assign", body, key=key), referral)


def _hold(world: World, chance: Random) -> str:
    referral = left(world, chance)
    done(world, "first", f"/referrals/{referral}/hold", {"reason": "readmitted"})
    return referral


def _import(world: World, chance: Random) -> Made:
    lines = ["booking_number,first_name,last_name,birth_date,release_date"]
    on = (clock.now() + timedelta(days=5)).date().isoformat()
    for _ in range(3):
        who = person(chance)
        lines.append(f"B{chance.getrandbits(40)},{who['given_name']},{who['family_name']},{who['birth_on']},{on}")
    sent = "\n".join(lines) + "\n"
    return Made(lambda key: ask(world, "jailer", "/imports", key=key, csv=sent), rows=3)


def _starts(
    before: Callable[[World, Random], str], who: str, path: str, body: Any = None
) -> Callable[[World, Random], Made]:
    """A step of the worker that follows from a request."""

    def prepare(world: World, chance: Random) -> Made:
        referral = before(world, chance)
        where = path.format(referral=referral)

        def begin(_key: str) -> None:
            done(world, who, where, body() if callable(body) else body)

        return Made(begin, referral)

    return prepare


def _waits(before: Callable[[World, Random], str]) -> Callable[[World, Random], Made]:
    """A step of the worker that comes by itself."""
    return lambda world, chance: Made(lambda _key: None, before(world, chance))


def _upkeep(world: World, chance: Random) -> Made:
    def begin(_key: str) -> None:
        world.trigger_upkeep()

    return Made(begin)


_CLOSE = {"reason": "services_received_completed", "note": "It has run its course."}
API_STEPS = (
    Step("a referral is filed", "api", "referral.submitted", _file),
    Step("a referral is accepted", "api", "referral.accepted", _post(
        filed, "supervisor", "/referrals/{referral}/accept")),
    Step("an offer is accepted", "api", "offer.accepted", _answer_offer("accept")),
    Step("an offer is declined", "api", "offer.declined", _answer_offer("decline", {"reason": "no_room"})),
    Step("a bridger is assigned by hand", "api", "bridger.assigned", _assign),
    Step("the expected date moves", "api", "date.moved", _post(
        assigned, "planner", "/referrals/{referral}/expected-discharge",
        lambda: {"expected_on": (clock.now() + timedelta(days=9)).date().isoformat()})),
    Step("a discharge is recorded", "api", "referral.discharged", _post(
        assigned, "planner", "/referrals/{referral}/discharge", _discharge)),
    Step("a contact is logged", "api", "attempt.logged", _post(
        left, "first", "/referrals/{referral}/attempts", {"mode": "call", "outcome": "reached", "minutes": 20})),
    Step("an escalation is acknowledged", "api", "escalation.acknowledged", _acknowledge),
    Step("a hold begins", "api", "hold.started", _post(
        left, "first", "/referrals/{referral}/hold", {"reason": "readmitted"})),
    Step("a hold ends", "api", "hold.ended", _post(
        _hold, "first", "/referrals/{referral}/resume", lambda: {"discharged_at": clock.now().isoformat()})),
    Step("a note is written", "api", "note.added", _post(
        assigned, "first", "/referrals/{referral}/notes", {"note": "An invented line."})),
    Step("a consent is taken back", "api", "consent.recorded", _post(
        assigned, "supervisor", "/referrals/{referral}/consent", {"status": "revoked"})),
    Step("a referral is closed", "api", "referral.closed", _post(
        left, "supervisor", "/referrals/{referral}/close", _CLOSE)),
    Step("a release list is imported", "api", "referral.submitted", _import),
)  # fmt: skip
WORKER_STEPS = (
    Step("an offer is made", "worker", "offer.made", _starts(filed, "supervisor", "/referrals/{referral}/accept")),
    Step("an offer expires", "worker", "offer.expired", _waits(lambda w, c: offered(w, c, HASTY)[0])),
    Step("somebody is reminded", "worker", "contact.reminded", _starts(
        lambda w, c: assigned(w, c, REMINDING), "planner", "/referrals/{referral}/discharge", _discharge)),
    Step("a contact is missed and escalated", "worker", "contact.missed", _starts(
        lambda w, c: assigned(w, c, HASTY), "planner", "/referrals/{referral}/discharge", _discharge)),
    Step("a rung is climbed", "worker", "escalation.raised", _waits(escalated)),
    Step("the closing report is sent", "worker", "report.sent", _starts(
        left, "supervisor", "/referrals/{referral}/close", _CLOSE)),
    Step("a text is handed to the gateway", "worker", "message.sent", _starts(
        lambda w, c: assigned(w, c, HASTY), "planner", "/referrals/{referral}/discharge", _discharge)),
    Step("upkeep runs", "worker", "upkeep", _upkeep),
)  # fmt: skip
STEPS = API_STEPS + WORKER_STEPS
