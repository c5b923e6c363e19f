"""The rule against the file of cases, whose expectations were worked out without it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from domain.consent import INTAKE, Consent, Grant, Recipient, grant_of, intake_grants, line_of, may_disclose
from domain.vocabulary import Category, ConsentStatus, Purpose, RecipientKind, Scope
from tests.consent.vectors import Case, cases, read

GIVEN = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
TURN = GIVEN + timedelta(days=8)
MOMENTS = {
    "before": GIVEN - timedelta(seconds=1),
    "during": GIVEN + timedelta(days=3),
    "just before": TURN - timedelta(seconds=1),
    "at": TURN,
    "after": TURN + timedelta(days=1),
}
_S, _K, _C = Scope, RecipientKind, Category
SIGNED: dict[str, tuple[Grant, ...]] = {
    "nothing": (),
    "referred and share back": intake_grants(),
    "referred only": intake_grants(shares_back=False),
    "treating providers": (grant_of(_S.TREATING),),
    "Rosa hears how it stands": (grant_of(_S.CONTACT, name="Rosa Example"),),
    "Rosa hears all about care": (
        grant_of(
            _S.CONTACT,
            name="Rosa Example",
            categories=(_C.ATTENDANCE, _C.STANDING, _C.COORDINATION, _C.CONTACT_DATA),
        ),
    ),
    "Example Housing": (grant_of(_S.ORGANIZATION, name="Example Housing"),),
    "Officer Example, attendance": (grant_of(_S.JUSTICE, name="Officer Example"),),
    "Officer Example, attendance and standing": (
        grant_of(_S.JUSTICE, name="Officer Example", categories=(_C.ATTENDANCE, _C.STANDING)),
    ),
    "substance use to treating providers": (grant_of(_S.SUBSTANCE_USE, _K.TREATING),),
    "substance use to Rosa": (grant_of(_S.SUBSTANCE_USE, _K.CONTACT, "Rosa Example"),),
    "substance use to the program": (grant_of(_S.SUBSTANCE_USE, _K.PROGRAM),),
    "counseling notes to treating providers": (grant_of(_S.COUNSELING_NOTES, _K.TREATING),),
    "proceedings, Example Court": (grant_of(_S.PROCEEDINGS, name="Example Court"),),
    "proceedings with substance use, Example Court": (
        grant_of(
            _S.PROCEEDINGS,
            name="Example Court",
            categories=(_C.ATTENDANCE, _C.STANDING, _C.SUBSTANCE_USE),
        ),
    ),
}


def consents(signed: str, state: str) -> list[Consent]:
    """The versions on record when a consent of this kind is in this state."""
    grants = SIGNED[signed]
    if not grants:
        return []
    line = line_of(grants)
    first = Consent(
        id="cns_1",
        line=line,
        version=1,
        answer=ConsentStatus.GIVEN,
        given_at=GIVEN,
        grants=grants,
        expires_at=TURN if state in ("ends", "renewed") else None,
        revoked_at=TURN if state == "taken back" else None,
        lacks=("the signature",) if state == "not signed" else (),
    )
    later = {"answered no": (ConsentStatus.DECLINED, ()), "renewed": (ConsentStatus.GIVEN, grants)}
    if state not in later:
        return [first]
    answer, agreed = later[state]
    return [first, Consent("cns_2", line, 2, answer, TURN, agreed)]


def decided(case: Case) -> str:
    """What the rule says of one case."""
    decision = may_disclose(
        consents(case["consent"], case["state"]),
        Recipient(RecipientKind(case["recipient"]), case["name"]),
        Category(case["category"]),
        Purpose(case["purpose"]),
        MOMENTS[case["moment"]],
    )
    assert decision.reason, "a yes and a no both say why"
    return "allowed" if decision.is_allowed else "refused"


def test_the_rule_says_what_the_law_says_in_every_case() -> None:
    wrong = [case for case in read() if decided(case) != case["expected"]]
    assert wrong == []


def test_the_file_is_what_the_reading_makes_of_it() -> None:
    assert read() == list(cases()), "write it anew: python -m tests.consent.vectors"


def test_there_are_enough_cases_of_every_kind() -> None:
    rows = read()
    assert len(rows) >= 500
    assert len({tuple(row.values()) for row in rows}) == len(rows)
    for column, least in (("recipient", 7), ("category", 7), ("purpose", 6), ("state", 6), ("moment", 5)):
        assert len({row[column] for row in rows}) == least, column
    expected = Counter(row["expected"] for row in rows)
    assert expected["allowed"] > 100
    assert expected["refused"] > 300


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("kind", RecipientKind)
def test_without_any_consent_only_what_needs_none_is_told(kind: RecipientKind, category: Category) -> None:
    told = {
        purpose
        for purpose in Purpose
        if may_disclose([], Recipient(kind, "Somebody Example"), category, purpose, GIVEN).is_allowed
    }
    if kind is RecipientKind.PERSON and category is not Category.COUNSELING_NOTES:
        assert told == {Purpose.AT_REQUEST}
    elif kind is RecipientKind.PROGRAM and category not in (
        Category.REQUEST,
        Category.SUBSTANCE_USE,
        Category.COUNSELING_NOTES,
    ):
        assert told == {Purpose.SUPPORT}
    elif (kind, category) == (RecipientKind.REFERRER, Category.REQUEST):
        assert told == {Purpose.COORDINATION}
    else:
        assert told == set()


def test_a_consent_that_lacks_an_element_covers_nothing() -> None:
    asked = (Recipient(RecipientKind.REFERRER, "fac_x"), Category.STANDING, Purpose.COORDINATION, GIVEN)
    whole = Consent("cns_x", INTAKE, 1, ConsentStatus.GIVEN, GIVEN, intake_grants())
    assert may_disclose([whole], *asked).is_allowed
    decision = may_disclose([replace(whole, lacks=("the signature",))], *asked)
    assert (decision.is_allowed, decision.reason) == (False, "the consent is not complete: the signature")


def test_the_intake_line_is_the_one_that_is_signed_when_somebody_is_referred() -> None:
    assert line_of(intake_grants()) == INTAKE
