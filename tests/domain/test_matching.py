"""Matching: each hard rule, each reason, and what holds for any candidates at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from domain.match_facts import (
    PRIVATE_REASON,
    Absence,
    Barrier,
    Candidate,
    Clearance,
    Excluded,
    Limits,
    Need,
    Ranked,
    Ranking,
    Rule,
)
from domain.matching import HARD_RULES, rank, why_nobody
from domain.vocabulary import Gender, Setting, Strength

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
LEAVES = NOW + timedelta(days=7)
HARD, SOFT = Strength.HARD, Strength.SOFT

NEED = Need(
    person_id="per_1",
    program_id="pro_1",
    setting=Setting.JAIL,
    zone="America/New_York",
    area="02139",
    facility_id="fac_jail",
    leaves_at=LEAVES,
    language="es",
    gender=Gender.WOMAN,
)
GOOD = Candidate(
    id="bri_good",
    program_id="pro_1",
    languages=frozenset({"en", "es"}),
    gender=Gender.WOMAN,
    lived_experience=frozenset({Setting.JAIL}),
    areas=frozenset({"021"}),
    clearances=(Clearance("fac_jail", date(2026, 12, 31)),),
    caseload=3,
    supervisor_id="sup_1",
)


def only(need: Need = NEED, **changes: Any) -> Ranked | Excluded:
    """What becomes of one candidate."""
    found = rank(need, [replace(GOOD, **changes)], NOW)
    return found.ranked[0] if found.ranked else found.excluded[0]


def ranked(need: Need = NEED, **changes: Any) -> Ranked:
    found = only(need, **changes)
    assert isinstance(found, Ranked), found
    return found


def excluded(need: Need = NEED, **changes: Any) -> Excluded:
    found = only(need, **changes)
    assert isinstance(found, Excluded), found
    return found


def test_a_good_match_is_explained_in_sentences() -> None:
    assert ranked() == Ranked(
        "bri_good",
        79,
        (
            "Speaks Spanish.",
            "Is a woman, as the person would like.",
            "Has lived experience of this setting (jail).",
            "Works in the wider area of 02139.",
            "Supports 3 of at most 15 people.",
        ),
        (),
    )


def test_a_poor_match_is_explained_too() -> None:
    found = ranked(
        languages=frozenset({"en"}),
        gender=Gender.MAN,
        lived_experience=frozenset(),
        areas=frozenset(),
        caseload=12,
        open_offers=1,
        supervisor_id="",
    )

    assert found.score == 3
    assert found.reasons_for == ()
    assert found.reasons_against == (
        "Does not speak Spanish.",
        "Is not recorded as a woman, which was asked for.",
        "Lived experience of this setting (jail) is not recorded.",
        "No area of their own is recorded.",
        "Supports 12 of at most 15 people and is offered 1 more.",
        "No supervisor is recorded.",
    )


IN_REACH = replace(NEED, needs_in_reach=True)


@pytest.mark.parametrize(
    ("rule", "need", "changes", "says"),
    [
        (Rule.PROGRAM, NEED, {"program_id": "pro_2"}, "Works for another program."),
        (Rule.INACTIVE, NEED, {"is_active": False}, "Is not taking people at present."),
        (Rule.AREA, NEED, {"areas": frozenset({"100", "0213 8"})}, "Does not work in the area 02139."),
        (Rule.CLEARANCE, IN_REACH, {"clearances": ()}, "Has no clearance to enter the facility."),
        (
            Rule.CLEARANCE,
            IN_REACH,
            {"clearances": (Clearance("fac_other"),)},
            "Has no clearance to enter the facility.",
        ),
        (
            Rule.CLEARANCE,
            IN_REACH,
            {"clearances": (Clearance("fac_jail", date(2026, 11, 29)),)},
            "Clearance to enter the facility ends on Nov 29, 2026, before it is needed.",
        ),
        (
            Rule.LANGUAGE,
            replace(NEED, language_strength=HARD),
            {"languages": frozenset({"en"})},
            "Does not speak Spanish, which the person must have.",
        ),
        (
            Rule.GENDER,
            replace(NEED, gender_strength=HARD),
            {"gender": Gender.UNSTATED},
            "Is not recorded as a woman, which the person must have.",
        ),
        (
            Rule.ABSENCE,
            NEED,
            {"absences": (Absence(LEAVES + timedelta(days=2), LEAVES + timedelta(days=9)),)},
            "Is away until Dec 9, 2026, during the first three days.",
        ),
        (Rule.ABSENCE, NEED, {"absences": (Absence(NOW),)}, "Is away, during the first three days."),
        (
            Rule.ABSENCE,
            IN_REACH,
            {"absences": (Absence(NOW - timedelta(days=1), LEAVES),)},
            "Is away all the time until the person leaves, and cannot meet them before.",
        ),
        (
            Rule.ABSENCE,
            replace(NEED, meets_by=NOW + timedelta(days=2)),
            {"absences": (Absence(NOW, LEAVES),)},
            "Is away all the time until the person leaves, and cannot meet them before.",
        ),
        (Rule.CASELOAD, NEED, {"caseload": 15}, "Supports 15 of at most 15 people: no room."),
        (Rule.CASELOAD, NEED, {"caseload": 2, "caseload_limit": 2}, "Supports 2 of at most 2 people: no room."),
        (Rule.CASELOAD, NEED, {"caseload": 0, "caseload_limit": 0}, "Supports 0 of at most 0 people: no room."),
        (Rule.CASELOAD, NEED, {"caseload": 16, "caseload_limit": 20}, "Supports 16 of at most 15 people: no room."),
        (
            Rule.CASELOAD,
            NEED,
            {"caseload": 14, "open_offers": 1},
            "Supports 14 of at most 15 people and is offered 1 more: no room.",
        ),
        (Rule.ANSWERED, NEED, {"has_answered": True}, "Was offered this person already and did not take it."),
        (Rule.CONFLICT, NEED, {"conflicts": frozenset({"per_1"})}, "Declared a conflict."),
        (
            Rule.PROTECTIVE_ORDER,
            NEED,
            {"protective_orders": frozenset({"per_1"})},
            "A protective order stands between them.",
        ),
        (
            Rule.PROTECTIVE_ORDER,
            replace(NEED, protective_orders=frozenset({"bri_good"})),
            {},
            "A protective order stands between them.",
        ),
    ],
)
def test_each_hard_rule_leaves_out_and_says_why(rule: Rule, need: Need, changes: dict[str, Any], says: str) -> None:
    found = excluded(need, **changes)

    assert (found.rule, found.reason) == (rule, says)
    assert len(found.barriers) == 1


def test_every_rule_is_checked_and_listed() -> None:
    assert list(HARD_RULES) == list(Rule)
    assert [rule.is_private for rule in Rule] == sorted(rule.is_private for rule in Rule), "private reasons come last"


@pytest.mark.parametrize(
    ("need", "changes"),
    [
        (NEED, {"clearances": ()}),
        (IN_REACH, {"clearances": (Clearance("fac_jail", date(2026, 11, 30)),)}),
        (IN_REACH, {"clearances": (Clearance("fac_jail", date(2026, 1, 1)), Clearance("fac_jail"))}),
        (replace(IN_REACH, facility_id=""), {"clearances": ()}),
        (replace(NEED, language_strength=SOFT), {"languages": frozenset()}),
        (replace(NEED, gender_strength=SOFT), {"gender": Gender.MAN}),
        (replace(NEED, gender=Gender.UNSTATED, gender_strength=HARD), {"gender": Gender.MAN}),
        (replace(NEED, area=""), {"areas": frozenset({"999"})}),
        (replace(NEED, area="021"), {"areas": frozenset({"02139"})}),
        (replace(NEED, area="02139-4307"), {"areas": frozenset({"02139"})}),
        (NEED, {"areas": frozenset()}),
        (NEED, {"absences": (Absence(NOW, LEAVES),)}),
        (NEED, {"absences": (Absence(LEAVES + timedelta(days=3)),)}),
        (NEED, {"caseload": 14}),
        (NEED, {"conflicts": frozenset({"per_2"}), "protective_orders": frozenset({"per_2"})}),
    ],
)
def test_what_does_not_quite_stand_against_does_not_exclude(need: Need, changes: dict[str, Any]) -> None:
    assert isinstance(only(need, **changes), Ranked)


def test_the_reason_of_a_conflict_is_hidden_from_others() -> None:
    """Scenario 8."""
    found = excluded(conflicts=frozenset({"per_1"}))

    assert found.is_private
    assert found.reason_for_others == PRIVATE_REASON
    assert not found.may_be_overridden


def test_a_conflict_behind_a_full_caseload_is_neither_shown_nor_passed_over() -> None:
    found = excluded(conflicts=frozenset({"per_1"}), caseload=15)

    assert not found.is_private
    assert found.reason_for_others == "Supports 15 of at most 15 people: no room."
    assert not found.may_be_overridden, "a supervisor must not assign past the conflict that the caseload hides"
    assert excluded(caseload=15).may_be_overridden


def test_a_full_program_ranks_nobody() -> None:
    """Scenario 4."""
    full = [replace(GOOD, id=f"bri_{n}", caseload=15) for n in range(8)]

    found = rank(NEED, full, NOW)

    assert found.best is None
    assert {e.rule for e in found.excluded} == {Rule.CASELOAD}


def test_a_hard_language_is_never_silently_passed_over() -> None:
    """Scenario 6."""
    need = replace(NEED, language="vi", language_strength=HARD)

    assert rank(need, [GOOD], NOW).best is None


def test_a_soft_gender_ranks_and_the_reason_is_kept() -> None:
    """Scenario 7."""
    man = replace(GOOD, id="bri_a", gender=Gender.MAN)

    found = rank(NEED, [man, GOOD], NOW)

    assert [r.candidate_id for r in found.ranked] == ["bri_good", "bri_a"]
    assert "Is not recorded as a woman, which was asked for." in found.ranked[1].reasons_against


def test_somebody_who_walked_with_the_person_before_comes_first() -> None:
    known = replace(GOOD, id="bri_known", previously_bridged=frozenset({"per_1"}), caseload=8)

    found = rank(NEED, [GOOD, known], NOW)

    assert found.best is not None
    assert found.best.candidate_id == "bri_known"
    assert "Has walked with this person before." in found.best.reasons_for


def test_equal_points_go_to_the_lighter_load_then_to_the_lower_id() -> None:
    limits = Limits(caseload=1000)
    crowd = [replace(GOOD, id=f"bri_{n}", caseload=load) for n, load in ((3, 1), (2, 0), (1, 1))]

    found = rank(NEED, crowd, NOW, limits)

    assert {r.score for r in found.ranked} == {found.ranked[0].score}
    assert [r.candidate_id for r in found.ranked] == ["bri_2", "bri_1", "bri_3"]


def test_a_supervisor_with_too_many_bridgers_is_told() -> None:
    """Scenario 5: the ninth."""
    crowd = [replace(GOOD, id=f"bri_{n}") for n in range(9)]

    assert "Their supervisor has more than 8 bridgers." in rank(NEED, crowd, NOW).ranked[0].reasons_against
    assert rank(NEED, crowd[:8], NOW).ranked[0].reasons_against == ()
    assert Limits().supervisor_has_room(7)
    assert not Limits().supervisor_has_room(8)


def test_visits_in_pairs_are_noted_for_whoever_it_will_be() -> None:
    assert rank(replace(NEED, visits_in_pairs=True), [GOOD], NOW).notes == (
        "Visits are made in pairs: a second person is needed.",
    )


MEETING = replace(NEED, meets_by=NOW + timedelta(days=2))


def test_who_is_away_for_the_meeting_before_leaving_comes_later_and_it_is_said() -> None:
    """Back for the day they leave, and yet not free: somebody else must meet them on the unit."""
    away = replace(GOOD, id="bri_away", absences=(Absence(NOW, NOW + timedelta(days=3)),), caseload=0)
    found = rank(MEETING, [away, replace(GOOD, caseload=7)], NOW)
    assert [r.candidate_id for r in found.ranked] == ["bri_good", "bri_away"]
    said = "Is away until Nov 26, 2026: cannot meet them before they leave by Wed Nov 25, 10 am."
    assert said in found.ranked[1].reasons_against
    assert found.ranked[0].reasons_against == ()


@pytest.mark.parametrize(
    ("need", "absence"),
    [
        (NEED, Absence(NOW, NOW + timedelta(days=3))),  # nobody asks for a meeting before, or it is made
        (MEETING, Absence(NOW, NOW + timedelta(days=1))),  # back in time for it
        (MEETING, Absence(NOW + timedelta(hours=4), NOW + timedelta(days=3))),  # here until then
        (replace(NEED, meets_by=NOW - timedelta(hours=1)), Absence(NOW, NOW + timedelta(days=3))),  # past already
    ],
)
def test_who_can_meet_them_before_is_not_held_back(need: Need, absence: Absence) -> None:
    assert only(need, absences=(absence,)) == only(need)


def test_here_for_the_meeting_and_away_for_the_leaving_is_away_when_it_counts() -> None:
    absence = Absence(LEAVES, LEAVES + timedelta(days=5))
    assert excluded(MEETING, absences=(absence,)).reason == "Is away until Dec 5, 2026, during the first three days."


def test_somebody_whose_leaving_is_not_known_is_matched_from_today() -> None:
    away_now = {"absences": (Absence(NOW, NOW + timedelta(days=1)),)}

    assert excluded(replace(NEED, leaves_at=None), **away_now).rule is Rule.ABSENCE
    assert excluded(replace(NEED, leaves_at=NOW - timedelta(days=30)), **away_now).rule is Rule.ABSENCE


def test_why_nobody_can_be_asked_is_counted_in_whole_sentences() -> None:
    spanish = replace(NEED, language="es", language_strength=Strength.HARD)
    away = Absence(NOW, NOW + timedelta(days=30))
    speaking = frozenset({"en", "es"})
    nobody = [
        replace(GOOD, id="a", languages=frozenset({"en"})),
        replace(GOOD, id="b", languages=frozenset({"en"})),
        replace(GOOD, id="c", languages=speaking, absences=(away,)),
        replace(GOOD, id="d", languages=speaking, conflicts=frozenset({NEED.person_id})),
    ]
    told = "2 do not speak the language asked for, 1 is not available, 1 is away when it counts"
    assert why_nobody(rank(spanish, nobody, NOW)) == told
    assert why_nobody(rank(spanish, nobody[:1], NOW)) == "1 does not speak the language asked for"
    assert why_nobody(rank(spanish, [], NOW)) == "the program has no active bridger"


def test_every_rule_has_its_words_for_one_and_for_many() -> None:
    for rule in Rule:
        nobody = why_nobody(
            Ranking((), (Excluded("a", (Barrier(rule, "No."),)), Excluded("b", (Barrier(rule, "No."),))))
        )
        assert nobody.startswith("2 "), rule
        assert rule.is_private == (nobody == "2 are not available")
