"""A program that Hypothesis drives: people who give commands in any order, and what goes wrong in the midst of them.

Beside the system stands a model of what was acknowledged to whom; it knows no rule. After every step it is compared
with the records, and the independent check looks at everybody. What fails is shrunk by Hypothesis to the fewest steps,
which it prints as a program that can be run.
"""

from __future__ import annotations

import copy
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import Session, col, func, select

from cli.simulation.changes_around import OTHER_TIMES
from cli.simulation.crashes import AT_COMMIT, Crash, crash_at
from cli.simulation.ground import Picture
from domain.errors import Refusal
from domain.vocabulary import (
    AgreedHow,
    ClosureReason,
    ConsentStatus,
    DeclineReason,
    Disposition,
    EndReason,
    HoldReason,
    Mode,
    NotificationState,
    OfferState,
    Outcome,
    Resolution,
    RiskFlag,
    TextKind,
    WelfareDecision,
)
from records import clock, engine, ids
from records.access import Actor
from records.checking.run import check
from records.commands import (
    absences,
    agenda,
    assignments,
    cancelling,
    changes,
    closing,
    contacts,
    discharges,
    escalations,
    holds,
    offers,
    person_texts,
    programs,
    protocols,
    replies,
    texting,
)
from records.commands.idempotency import claim_key, keep_answer
from records.queries.protocol_moves import preview_move
from records.queries.protocols import _loaded as known_protocols
from records.queries.upkeep import list_untold
from records.tables import Attempt, JournalEntry, PersonText, ProtocolVersion, Referral
from tests.scenarios.world import FACILITIES, Journey, World, instant

MOST_PEOPLE = 3
NUMBER = "+12125550123"
PLACES = [name for name in FACILITIES if name != "State Prison"]
ANSWERS_TO_STOP = (TextKind.STOPPED, TextKind.RESUMED, TextKind.HELP, TextKind.DANGER)

MISHAPS = st.one_of(
    st.none(),
    st.none(),
    st.sampled_from(["answer lost", "by another", AT_COMMIT]),
    st.integers(min_value=1, max_value=14),
)
"""What goes wrong with a command: nothing, or its answer is lost and it is sent again with its key, another process
does the same at once without one, or the process dies at its commit or before its n-th statement, and it is sent again.
"""
HOURS_AGO = st.sampled_from([0, 0, 0, 1, 10, 34])
OF_WHOM = st.integers(min_value=0, max_value=MOST_PEOPLE - 1)


class Program(RuleBasedStateMachine):
    """Up to three people in one program, who share its bridgers."""

    world_at_first: ClassVar[World]
    picture: ClassVar[Picture]
    done: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.picture.restore()
        ids.use_source(random.Random(0))
        known_protocols.clear()  # ids come again, with other texts behind them
        self.world = copy.copy(self.world_at_first)
        self.world.journeys = []
        clock.set_to(instant(self.world.starts))
        self.commands = 0
        self.heads: dict[tuple[str, int], str] = {}
        self.logged: Counter[str] = Counter()
        self.stopped = False

    # --- how a command is given, and what goes wrong with it

    def give(
        self, mishap: int | str | None, who: str | Actor, command: Callable[..., Any], *args: Any, **more: Any
    ) -> int:
        """How often it was acknowledged: 0 when it was refused, 2 when another process did it too."""
        self.commands += 1
        key = sha256(str(self.commands).encode()).hexdigest()
        if isinstance(mishap, int):
            before = self.everything()
            try:
                with crash_at(mishap):
                    self.world.do(who, _with_key, key, command, *args, **more)
            except (Crash, Refusal):
                pass
            assert self.everything() == before, "a crash, or a refusal, left something behind"
            self.done["crash"] += 1
        times = 0
        try:
            self.world.do(who, _with_key, key, command, *args, **more)
            times += 1
            if mishap == "answer lost":
                before = self.everything()
                self.world.do(who, _with_key, key, command, *args, **more)
                assert self.everything() == before, "what came again with its key changed something"
                self.done[mishap] += 1
            if mishap == "by another":
                self.done[mishap] += 1
                self.world.do(who, command, *args, **more)
                times += 1
        except Refusal:
            self.done["refused"] += 1
        self.done[command.__name__] += times
        return times

    def everything(self) -> list[Any]:
        """Where every referral and the program stand, as the database tells."""
        with engine.read_session() as session:
            told = [
                *session.exec(select(Referral.id, Referral.version, Referral.journal_head).order_by(Referral.id)),
                *session.exec(select(JournalEntry.stream, func.count()).group_by(JournalEntry.stream)),
            ]
        return [tuple(row) for row in told]

    def one(self, number: int) -> Journey:
        return self.world.journeys[number % len(self.world.journeys)]

    def somebody(self) -> bool:
        return bool(self.world.journeys)

    # --- who is there

    @initialize(place=st.sampled_from(PLACES), days=st.sampled_from([None, 0, 1, 3, 9]), risky=st.booleans())
    def first(self, place: str, days: int | None, risky: bool) -> None:
        self.refer(place, days, risky, consent=ConsentStatus.GIVEN)
        self.world.do("supervisor", assignments.assign, self.one(0).id, self.world.actors["Ben"].id)

    @precondition(lambda self: len(self.world.journeys) < MOST_PEOPLE)
    @rule(
        place=st.sampled_from(PLACES),
        days=st.sampled_from([None, 0, 1, 3, 9]),
        risky=st.booleans(),
        consent=st.sampled_from([ConsentStatus.GIVEN, ConsentStatus.PENDING]),
    )
    def refer(self, place: str, days: int | None, risky: bool, consent: ConsentStatus) -> None:
        names = ("Ada", "Bea", "Cal")
        self.world.refer(
            f"{names[len(self.world.journeys)]} Sample",
            facility=place,
            leaves_in_days=days,
            risks=[RiskFlag.SUICIDE_RISK] if risky else [],
            consent=consent,
        )

    # --- time, and the engine

    @rule(hours=st.sampled_from([0.02, 1, 5, 12, 25, 80, 400]))
    def time_passes(self, hours: float) -> None:
        self.world.time_passes(hours=hours)

    @rule(hours=st.sampled_from([1, 6, 30, 100]))
    def the_worker_is_down(self, hours: int) -> None:
        self.world.nobody_works(hours=hours)
        with engine.read_session() as session:
            found = set(list_untold(session))
            overdue = session.exec(
                select(Referral.id).where(col(Referral.next_at) < clock.now() - timedelta(minutes=1))
            )
            assert found >= set(overdue), "upkeep does not find all that is overdue"

    @precondition(somebody)
    @rule(whose=OF_WHOM, times=st.integers(min_value=1, max_value=3))
    def woken_for_nothing(self, whose: int, times: int) -> None:
        before = self.everything()
        for _ in range(times):
            with engine.transaction() as session:
                agenda.carry_out(session, self.one(whose).id)
        assert self.everything() == before, "a wake-up that is not due changed something"

    @precondition(somebody)
    @rule(whose=OF_WHOM, hours=st.sampled_from([1, 30]), statement=st.integers(min_value=0, max_value=20))
    def the_worker_dies_at_work(self, whose: int, hours: int, statement: int) -> None:
        clock.advance(timedelta(hours=hours))
        before = self.everything()
        try:
            with crash_at(statement), engine.transaction() as session:
                agenda.carry_out(session, self.one(whose).id)
        except Crash:
            self.done["worker dies"] += 1
        assert self.everything() == before, "a worker that died left something behind"

    # --- what people do

    @precondition(somebody)
    @rule(whose=OF_WHOM, yes=st.booleans(), mishap=MISHAPS)
    def answer_offer(self, whose: int, yes: bool, mishap: Any) -> None:
        journey = self.one(whose)
        for offer in [one for one in journey.offers() if one.state is OfferState.OPEN][:1]:
            who = self.world.actors[journey.world_name(offer.bridger_id)]
            if yes:
                self.give(mishap, who, offers.accept_offer, offer.id)
            else:
                self.give(mishap, who, offers.decline_offer, offer.id, DeclineReason.NO_ROOM)

    @precondition(somebody)
    @rule(whose=OF_WHOM, bridger=st.integers(min_value=0, max_value=2), mishap=MISHAPS)
    def assign(self, whose: int, bridger: int, mishap: Any) -> None:
        name = self.world.bridger_names[bridger]
        self.give(mishap, "supervisor", assignments.assign, self.one(whose).id, self.world.actors[name].id)

    @precondition(somebody)
    @rule(whose=OF_WHOM, why=st.sampled_from(list(EndReason)[:5]), mishap=MISHAPS)
    def release(self, whose: int, why: EndReason, mishap: Any) -> None:
        self.give(mishap, "supervisor", assignments.release_bridger, self.one(whose).id, why)

    @precondition(somebody)
    @rule(
        whose=OF_WHOM,
        ago=HOURS_AGO,
        how=st.sampled_from([Disposition.HOME, Disposition.HOME, Disposition.SHELTER, Disposition.AGAINST_ADVICE]),
        mishap=MISHAPS,
    )
    def discharge(self, whose: int, ago: int, how: Disposition, mishap: Any) -> None:
        journey, at = self.one(whose), clock.now() - timedelta(hours=ago)
        self.give(mishap, journey.planner, discharges.record_discharge, journey.id, at, how)

    @precondition(somebody)
    @rule(whose=OF_WHOM, mishap=MISHAPS)
    def cancel_discharge(self, whose: int, mishap: Any) -> None:
        journey = self.one(whose)
        self.give(mishap, journey.planner, discharges.cancel_discharge, journey.id)

    @precondition(somebody)
    @rule(
        whose=OF_WHOM,
        mode=st.sampled_from([Mode.CALL, Mode.VISIT, Mode.TEXT]),
        outcome=st.sampled_from([Outcome.REACHED, Outcome.REACHED, Outcome.NO_ANSWER, Outcome.DECLINED]),
        ago=HOURS_AGO,
        mishap=MISHAPS,
    )
    def log(self, whose: int, mode: Mode, outcome: Outcome, ago: int, mishap: Any) -> None:
        journey, at = self.one(whose), clock.now() - timedelta(hours=ago)
        who = journey.bridger or "supervisor"
        self.logged[journey.id] += self.give(mishap, who, contacts.log_attempt, journey.id, mode, outcome, at=at)

    @precondition(somebody)
    @rule(whose=OF_WHOM, which=st.integers(min_value=0, max_value=5), mishap=MISHAPS)
    def take_back(self, whose: int, which: int, mishap: Any) -> None:
        journey = self.one(whose)
        rows = self.world.look(select(Attempt).where(Attempt.referral_id == journey.id).order_by(col(Attempt.id)))
        if rows:
            attempt = rows[which % len(rows)]
            self.give(mishap, "supervisor", contacts.take_back_attempt, journey.id, attempt.id, "By mistake.")

    @precondition(somebody)
    @rule(
        whose=OF_WHOM,
        why=st.sampled_from([HoldReason.READMITTED, HoldReason.IN_CUSTODY]),
        ago=HOURS_AGO,
        mishap=MISHAPS,
    )
    def hold(self, whose: int, why: HoldReason, ago: int, mishap: Any) -> None:
        journey, since = self.one(whose), clock.now() - timedelta(hours=ago)
        self.give(mishap, journey.planner, holds.put_on_hold, journey.id, why, since=since)

    @precondition(somebody)
    @rule(whose=OF_WHOM, is_mistake=st.booleans(), mishap=MISHAPS)
    def end_hold(self, whose: int, is_mistake: bool, mishap: Any) -> None:
        journey = self.one(whose)
        if is_mistake:
            self.give(mishap, "supervisor", holds.undo_hold, journey.id, "A mistake.")
        else:
            self.give(mishap, "supervisor", holds.resume, journey.id, discharged_at=clock.now())

    @precondition(somebody)
    @rule(
        whose=OF_WHOM,
        by=st.sampled_from(["supervisor", "clinician", "manager"]),
        deed=st.integers(0, 2),
        mishap=MISHAPS,
    )
    def answer_call(self, whose: int, by: str, deed: int, mishap: Any) -> None:
        """Somebody takes a call, settles it, or decides on a welfare check."""
        journey = self.one(whose)
        for call in journey.calls(is_open=True)[-1:]:
            if deed == 0:
                self.give(mishap, by, escalations.acknowledge, journey.id, call.id)
            elif deed == 1:
                self.give(mishap, by, escalations.resolve, journey.id, call.id, Resolution.ARRANGED, "Done.")
            else:
                decision = WelfareDecision.KEEP_TRYING if by == "clinician" else WelfareDecision.WELFARE_CHECK
                self.give(mishap, by, escalations.decide_welfare_check, journey.id, call.id, decision, "As it looks.")

    @precondition(somebody)
    @rule(whose=OF_WHOM, answer=st.sampled_from(["yes", "three days", "no"]), mishap=MISHAPS)
    def consent(self, whose: int, answer: str, mishap: Any) -> None:
        journey = self.one(whose)
        status = ConsentStatus.REVOKED if answer == "no" else ConsentStatus.GIVEN
        until = clock.now() + timedelta(days=3) if answer == "three days" else None
        self.give(mishap, journey.planner, changes.record_consent, journey.id, status, expires_at=until)

    @precondition(somebody)
    @rule(whose=OF_WHOM, body=st.sampled_from(["allow", "STOP", "START", "ok thanks"]), mishap=MISHAPS)
    def text(self, whose: int, body: str, mishap: Any) -> None:
        """The person agrees to texts, or writes one; they share a phone."""
        if body == "allow":
            journey = self.one(whose)
            self.give(mishap, "supervisor", texting.allow_texts, journey.id, NUMBER, AgreedHow.BY_PHONE)
            return
        text = replies.IncomingText(f"message-{self.commands}", NUMBER, body)
        self.give(mishap, "supervisor", _take_reply, text)
        self.stopped = {"STOP": True, "START": False}.get(body, self.stopped)

    @precondition(somebody)
    @rule(whose=OF_WHOM, agree=st.sampled_from([None, True, False]), mishap=MISHAPS)
    def cancel(self, whose: int, agree: bool | None, mishap: Any) -> None:
        journey = self.one(whose)
        if agree is None:
            self.give(mishap, journey.planner, cancelling.request_cancel, journey.id, "Elsewhere.")
        else:
            self.give(mishap, "supervisor", cancelling.decide_cancel, journey.id, agree=agree, note="So be it.")

    @precondition(somebody)
    @rule(whose=OF_WHOM, how=st.sampled_from(["close", "death", "undo"]), mishap=MISHAPS)
    def end(self, whose: int, how: str, mishap: Any) -> None:
        journey = self.one(whose)
        if how == "close":
            self.give(mishap, "supervisor", closing.close_referral, journey.id, ClosureReason.TRANSFERRED)
        elif how == "death":
            self.give(mishap, "supervisor", closing.record_death, journey.id)
        else:
            self.give(mishap, "supervisor", closing.undo_end, journey.id, "A mistake.")

    # --- what changes around them

    @precondition(somebody)
    @rule(whose=OF_WHOM, other=st.sampled_from(OTHER_TIMES), mishap=MISHAPS)
    def protocol(self, whose: int, other: tuple[str, str], mishap: Any) -> None:
        """Another version is published, and the case is moved onto it."""
        journey = self.one(whose)
        text = self.world.look(select(ProtocolVersion.text).where(ProtocolVersion.id == journey.row.protocol_id))[0]
        try:
            version = self.world.do("manager", programs.publish_protocol, text.replace(*other))
        except Refusal:  # word for word what is published already
            return
        with self.world.transaction() as session:
            shown = preview_move(session, self.world.actors["manager"], version.id, [journey.id])
        self.give(mishap, "manager", protocols.move_cases, version.id, shown.seen)

    @rule(
        away=st.integers(min_value=0, max_value=2),
        covered=st.booleans(),
        hours=st.sampled_from([20, 90]),
        mishap=MISHAPS,
    )
    def absence(self, away: int, covered: bool, hours: int, mishap: Any) -> None:
        bridgers = [self.world.actors[name].id for name in self.world.bridger_names]
        self.give(
            mishap,
            "supervisor",
            absences.set_absence,
            bridgers[away],
            from_at=clock.now(),
            until_at=clock.now() + timedelta(hours=hours),
            cover_id=bridgers[away - 1] if covered else None,
        )

    # --- what holds after every step

    @invariant()
    def everything_holds(self) -> None:
        """The engine has caught up; what was acknowledged is there, and every promise holds."""
        self.world.keep_appointments()
        self._what_was_acknowledged_is_there()
        if self.stopped:
            waits = select(PersonText.id, PersonText.kind).where(PersonText.state == NotificationState.QUEUED)
            for text_id, kind in self.world.look(waits):
                if kind not in ANSWERS_TO_STOP:
                    with self.world.transaction() as session:
                        assert person_texts.claim(session, text_id) is None, "a text goes to whoever said STOP"
        assert [f"{one.name}: {one.sentence}" for one in check(ask_again_after=0).findings] == []

    def _what_was_acknowledged_is_there(self) -> None:
        entries = select(JournalEntry.stream, JournalEntry.seq, JournalEntry.hash)
        there = {(stream, seq): digest for stream, seq, digest in self.world.look(entries)}
        assert there.items() >= self.heads.items(), "something acknowledged is not there as it was"
        self.heads = there
        attempts = select(Attempt.referral_id, func.count()).group_by(col(Attempt.referral_id))
        assert dict(self.world.look(attempts)) == {key: count for key, count in self.logged.items() if count}


def _with_key(session: Session, actor: Actor, key: str, command: Callable[..., Any], *args: Any, **more: Any) -> None:
    """As the API does a POST."""
    if claim_key(session, key, "") is None:
        command(session, actor, *args, **more)
        keep_answer(session, key, "", 200, {})


def _take_reply(session: Session, _actor: Actor, text: replies.IncomingText) -> bool:
    return replies.take_reply(session, text)
