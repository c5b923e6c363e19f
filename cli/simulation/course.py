"""The turns that a life takes, whatever the protocol asks: dates that move, readmission, custody, death."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from domain.clock import local_date
from domain.vocabulary import (
    ConsentStatus,
    Disposition,
    EndReason,
    HoldReason,
    Mode,
    Outcome,
    RiskFlag,
)
from records import clock
from records.commands import (
    assignments,
    cancelling,
    changes,
    closing,
    contacts,
    discharges,
    escalations,
    holds,
)

if TYPE_CHECKING:
    from cli.simulation.life import Life


Action = Callable[[], object]


def plan_course(life: Life, days: int, zone: str) -> None:
    """The turns that this life takes. An ordinary one takes none: the person leaves when expected, and is heard of."""
    r, chance = life.referral_id, life.chance
    leaves = max(days * 24 + (chance.uniform(0, 6) if life.is_ordinary else chance.uniform(-30, 60)), 0.5)
    for _ in range(0 if life.is_ordinary else chance.choice((0, 0, 0, 1, 3))):
        day = local_date(clock.now(), zone) + timedelta(days=chance.randrange(1, 20))
        life.soon(
            "move date",
            chance.uniform(0, leaves),
            lambda d=day: changes.move_expected_discharge(  # type: ignore[misc]
                life.session, life.planner, r, d
            ),
        )
    heard = 0.0 if life.is_ordinary else chance.choice((0, 0, 0, 0.2, 8.5, 30))
    disposition = (
        Disposition.HOME
        if life.is_ordinary
        else chance.choices(
            (
                Disposition.HOME,
                Disposition.SHELTER,
                Disposition.AGAINST_ADVICE,
                Disposition.COURT_RELEASE,
                Disposition.TRANSFERRED,
                Disposition.CUSTODY,
                Disposition.DIED,
            ),
            (60, 15, 6, 6, 5, 4, 1),
        )[0]
    )
    left_at = clock.now() + timedelta(hours=leaves)
    life.later(
        "discharge",
        left_at + timedelta(hours=heard),
        lambda: discharges.record_discharge(life.session, life.planner, r, left_at, disposition),
    )
    after = leaves + heard
    turns: tuple[tuple[float, str, float, Action], ...] = (
        (0.03, "cancel discharge", after + 1, lambda: _cancel_discharge(life)),
        (
            0.03,
            "correct discharge",
            after + 3,
            lambda: discharges.record_discharge(
                life.session, life.planner, r, left_at - timedelta(hours=2), disposition
            ),
        ),
        (0.08, "readmit", after + chance.uniform(10, 1500), lambda: _hold(life, HoldReason.READMITTED)),
        (0.06, "custody", after + chance.uniform(10, 1500), lambda: _hold(life, HoldReason.IN_CUSTODY)),
        (
            0.05,
            "high risk",
            after + chance.uniform(1, 60),
            lambda: changes.set_risks(life.session, life.world.supervisor, r, [RiskFlag.SUICIDE_RISK]),
        ),
        (
            0.03,
            "decline",
            after + chance.uniform(1, 900),
            lambda: contacts.log_attempt(life.session, life.bridger, r, Mode.CALL, Outcome.DECLINED),
        ),
        (0.015, "death", after + chance.uniform(1, 1500), lambda: _die(life)),
        (0.04, "ask to cancel", chance.uniform(1, 400), lambda: _ask_cancel(life)),
        (
            0.06,
            "ask for another",
            after + chance.uniform(1, 900),
            lambda: assignments.release_bridger(life.session, life.world.supervisor, r, EndReason.PERSON_ASKED),
        ),
        (
            0.05,
            "concern",
            after + chance.uniform(1, 900),
            lambda: escalations.raise_concern(life.session, life.bridger, r, "simulated"),
        ),
        (
            0.9,
            "consent",
            chance.uniform(1, 150),
            lambda: changes.record_consent(life.session, life.planner, r, ConsentStatus.GIVEN),
        ),
    )
    for likely, name, hours, action in turns:
        if name == "consent" or (not life.is_ordinary and chance.random() < likely):
            life.soon(name, hours, action)


def _cancel_discharge(life: Life) -> None:
    discharges.cancel_discharge(life.session, life.planner, life.referral_id, "simulated")
    life.soon(
        "discharge again",
        20,
        lambda: discharges.record_discharge(
            life.session, life.planner, life.referral_id, clock.now(), Disposition.HOME
        ),
    )


def _hold(life: Life, reason: HoldReason) -> None:
    holds.put_on_hold(life.session, life.bridger, life.referral_id, reason)


def _die(life: Life) -> None:
    closing.record_death(life.session, life.bridger, life.referral_id)
    if life.chance.random() < 0.3:
        closing.undo_end(life.session, life.world.supervisor, life.referral_id, "entered in error")


def _ask_cancel(life: Life) -> None:
    cancelling.request_cancel(life.session, life.planner, life.referral_id, "simulated")
    if life.chance.random() < 0.8:
        agree = life.chance.random() < 0.5
        life.soon(
            "answer cancel",
            life.chance.uniform(0.5, 30),
            lambda: cancelling.decide_cancel(
                life.session, life.world.supervisor, life.referral_id, agree=agree, note="simulated"
            ),
        )
