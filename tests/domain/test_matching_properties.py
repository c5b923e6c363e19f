"""What holds for any person and any candidates at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from domain.match_facts import Absence, Candidate, Clearance, Limits, Need
from domain.matching import rank
from domain.vocabulary import Gender, Setting, Strength

NOW = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

few = st.sampled_from
instants = st.integers(-10, 20).map(lambda d: NOW + timedelta(days=d))
people = st.frozensets(few(["per_1", "per_2"]), max_size=1)
candidates = st.lists(
    st.builds(
        Candidate,
        id=st.integers(0, 50).map("bri_{}".format),
        program_id=few(["pro_1", "pro_1", "pro_1", "pro_2"]),
        languages=st.frozensets(few(["en", "es", "vi"])),
        gender=few(Gender),
        lived_experience=st.frozensets(few(Setting)),
        areas=st.frozensets(few(["021", "02139", "100", ""]), max_size=2),
        clearances=st.lists(st.builds(Clearance, few(["fac_jail", "fac_2"]), st.none() | st.dates()), max_size=2).map(
            tuple
        ),
        caseload=st.integers(0, 20),
        open_offers=st.integers(0, 2),
        caseload_limit=st.none() | st.integers(0, 20),
        absences=st.lists(st.builds(Absence, instants, st.none() | instants), max_size=2).map(tuple),
        conflicts=people,
        protective_orders=people,
        supervisor_id=few(["", "sup_1"]),
        previously_bridged=people,
        has_answered=st.booleans(),
        is_active=st.booleans(),
    ),
    max_size=12,
    unique_by=lambda c: c.id,
)
needs = st.builds(
    Need,
    person_id=st.just("per_1"),
    program_id=st.just("pro_1"),
    setting=few(Setting),
    zone=few(["America/New_York", "Pacific/Honolulu"]),
    area=few(["", "02139", "100"]),
    facility_id=few(["", "fac_jail"]),
    needs_in_reach=st.booleans(),
    meets_by=st.none() | instants,
    leaves_at=st.none() | instants,
    language=few(["", "en", "es"]),
    language_strength=st.none() | few(Strength),
    gender=st.none() | few(Gender),
    gender_strength=st.none() | few(Strength),
    protective_orders=st.frozensets(st.integers(0, 50).map("bri_{}".format), max_size=3),
)


@given(needs, candidates)
def test_every_candidate_appears_exactly_once(need: Need, crowd: list[Candidate]) -> None:
    found = rank(need, crowd, NOW)

    shown = [r.candidate_id for r in found.ranked] + [e.candidate_id for e in found.excluded]
    assert sorted(shown) == sorted(c.id for c in crowd)
    assert all(e.barriers and e.reason for e in found.excluded)
    assert all(0 <= r.score <= 100 for r in found.ranked)
    assert all(r.reasons_for or r.reasons_against for r in found.ranked)


@given(needs, candidates, st.randoms(use_true_random=False))
def test_the_order_does_not_depend_on_how_the_candidates_came(need: Need, crowd: list[Candidate], chance: Any) -> None:
    shuffled = crowd.copy()
    chance.shuffle(shuffled)

    assert rank(need, shuffled, NOW) == rank(need, crowd, NOW)


@given(needs, candidates)
def test_leaving_out_one_candidate_does_not_reorder_the_others(need: Need, crowd: list[Candidate]) -> None:
    all_of_them = [r.candidate_id for r in rank(need, crowd, NOW).ranked]
    fewer = [r.candidate_id for r in rank(need, crowd[1:], NOW).ranked]

    assert fewer == [i for i in all_of_them if not crowd or i != crowd[0].id]


@given(needs, candidates, few(["language", "gender", "order", "in_reach", "meeting", "limit"]))
def test_asking_for_more_never_adds_candidates(need: Need, crowd: list[Candidate], more: str) -> None:
    limits = Limits(caseload=3 if more == "limit" else 15)
    harder = {
        "language": replace(need, language_strength=Strength.HARD),
        "gender": replace(need, gender_strength=Strength.HARD),
        "order": replace(need, protective_orders=need.protective_orders | {c.id for c in crowd[:3]}),
        "in_reach": replace(need, needs_in_reach=True),
        "meeting": replace(need, meets_by=NOW + timedelta(days=2)),
        "limit": need,
    }[more]

    before = {r.candidate_id for r in rank(need, crowd, NOW).ranked}
    after = {r.candidate_id for r in rank(harder, crowd, NOW, limits).ranked}

    assert after <= before


@given(needs, candidates)
def test_nobody_is_ranked_against_a_rule(need: Need, crowd: list[Candidate]) -> None:
    """The rules again, said in another way."""
    by_id = {c.id: c for c in crowd}
    for found in rank(need, crowd, NOW).ranked:
        candidate = by_id[found.candidate_id]
        assert candidate.program_id == "pro_1"
        assert candidate.is_active
        assert not candidate.has_answered
        assert "per_1" not in candidate.conflicts | candidate.protective_orders
        assert candidate.id not in need.protective_orders
        assert candidate.caseload + candidate.open_offers < min(15, candidate.caseload_limit or 15)
        if need.language_strength is Strength.HARD and need.language:
            assert need.language in candidate.languages
        if need.needs_in_reach and need.facility_id:
            assert any(c.facility_id == need.facility_id for c in candidate.clearances)
