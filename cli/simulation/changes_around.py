"""What changes around a life in the middle of it: its protocol, who is there, who is in charge, what was agreed to."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from cli.simulation.troubles import Trouble
from domain.vocabulary import ConsentStatus, Gender, Setting
from records import clock
from records.commands.absences import keep_absences, set_absence
from records.commands.changes import record_consent
from records.commands.programs import publish_protocol, set_people_in_charge
from records.commands.protocols import move_cases
from records.commands.staff import set_profile
from records.queries.protocol_moves import preview_move
from records.tables import ProtocolVersion

if TYPE_CHECKING:
    from cli.simulation.life import Life

OTHER_TIMES = (
    ('within = "PT72H"', 'within = "PT60H"'),
    ('within = "PT24H"', 'within = "PT30H"'),
    ('until = "P90D"', 'until = "P60D"'),
    ('standard = "PT4H"', 'standard = "PT3H"'),
    ("remind = [0.5, 0.85]", "remind = [0.4]"),
)
"""What a new version of a protocol may have otherwise; published again, it goes back."""


def _protocol(life: Life, chance: random.Random) -> None:
    """A version with another time is published, and mostly the case is moved onto it."""
    session, manager = life.session, life.world.manager
    text = session.get_one(ProtocolVersion, life.rows().referral.protocol_id).text
    before, after = chance.choice(OTHER_TIMES)
    text = text.replace(before, after) if before in text else text.replace(after, before)
    version = publish_protocol(session, manager, text)
    if chance.random() < 0.8:
        shown = preview_move(session, manager, version.id, [life.referral_id])
        move_cases(session, manager, version.id, shown.seen)


def _absence(life: Life, chance: random.Random) -> None:
    """Whoever has the person is away from now on, with a cover or without."""
    bridgers = list(life.world.bridgers)
    away = life.rows().referral.bridger_id or bridgers[0]
    cover = chance.choice([None, *(one for one in bridgers if one != away)])
    until = clock.now() + timedelta(hours=chance.choice((20, 90)))
    set_absence(life.session, life.world.manager, away, from_at=clock.now(), until_at=until, cover_id=cover)
    life.later("absences", until, lambda: keep_absences(life.session))


def _caseload(life: Life, chance: random.Random) -> None:
    """Somebody has room for one only, or for many again, or takes nobody new."""
    set_profile(
        life.session,
        life.world.manager,
        chance.choice(list(life.world.bridgers)),
        languages=["en"],
        gender=chance.choice(list(Gender)),
        lived_experience=[chance.choice(list(Setting))],
        caseload_limit=chance.choice((1, 60)),
        is_taking_people=chance.random() < 0.7,
    )


def _consent(life: Life, chance: random.Random) -> None:
    """The person agrees, for a time or for good, or takes it back."""
    answer = chance.choice((ConsentStatus.GIVEN, ConsentStatus.GIVEN, ConsentStatus.REVOKED))
    days = chance.choice((None, 3, 20)) if answer is ConsentStatus.GIVEN else None
    expires_at = clock.now() + timedelta(days=days) if days else None
    record_consent(life.session, life.planner, life.referral_id, answer, expires_at=expires_at)


def _in_charge(life: Life, chance: random.Random) -> None:
    """Somebody else leads."""
    world = life.world
    leads = chance.choice((world.supervisor.id, world.manager.id))
    set_people_in_charge(life.session, world.manager, supervisor_id=leads)


CHANGES: dict[Trouble, Callable[[Life, random.Random], None]] = {
    Trouble.PROTOCOL: _protocol,
    Trouble.ABSENCE: _absence,
    Trouble.CASELOAD: _caseload,
    Trouble.CONSENT: _consent,
    Trouble.IN_CHARGE: _in_charge,
}
