"""The API answers as its own document says, whatever is sent and whoever sends it: schemathesis, with all its checks.

Every operation, asked by every role with requests that fit the document and with some that do not, about things that
are there and things that are not. No server error, no answer that is not documented, nobody let in without a token, and
nobody outside learns the name of the person.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import pytest
import schemathesis
from hypothesis import given, seed
from hypothesis import strategies as st
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from sqlmodel import select

from records import engine
from records.tables import Absence, Attempt, Contact, Escalation, Offer, ProtocolVersion, Referral
from tests.api.house import ADA, House
from tests.fuzz.budget import tries

pytestmark = pytest.mark.sqlite
NAME = "Quillfeather"
"""The family name of the person: a word that nobody makes up."""
OUTSIDE = ("jailer", "stranger", "admin", "privacy")
"""Who sees nothing of the person."""
CONFIG: dict[str, Any] = {
    "checks": {
        # Dates have an order and a state allows this or that: a request may fit the document and be refused in words.
        "positive_data_acceptance": {
            "expected-statuses": ["2xx", "401", "403", "404", "409", "412", "415", "422", "428"]
        },
    }
}


@pytest.fixture
def things(house: House) -> dict[str, list[str]]:
    """Ids of what is there, by the name that paths give them: a person under way, with one of everything."""
    referral_id = house.accepted(person=ADA | {"family_name": NAME})
    house.post("planner", f"/referrals/{referral_id}/discharge", {"at": "2026-11-03T14:00:00Z", "disposition": "home"})
    house.post("bridger", f"/referrals/{referral_id}/attempts", {"mode": "call", "outcome": "no_answer"})
    absence = f"/staff/{house.staff['bridger']}/absences"
    house.post("supervisor", absence, {"from_at": "2026-12-01T15:00:00Z", "until_at": "2026-12-02T15:00:00Z"})
    house.file(person=ADA | {"family_name": f"{NAME}two"})
    tables: tuple[Any, ...] = (Referral, Offer, Contact, Attempt, Escalation, Absence, ProtocolVersion)
    found = {}
    with engine.read_session() as session:
        for table in tables:
            name = {"ProtocolVersion": "protocol"}.get(table.__name__, table.__name__.lower())
            found[f"{name}_id"] = [row.id for row in session.exec(select(table).limit(5))]
        found["person_id"] = [row.person_id for row in session.exec(select(Referral))]
    return found | {"staff_id": list(house.staff.values())}


def wrong_parts(case: Any) -> set[str]:
    """The parts of a request that were made not to fit the document: path, query, header, body."""
    parts = case.meta.components if case.meta is not None else {}
    return {where.value for where, made in parts.items() if made.mode.is_negative}


def test_every_operation_answers_as_documented_to_every_role(house: House, things: dict[str, list[str]]) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", house.app, config=SchemathesisConfig.from_dict(CONFIG))
    found: dict[str, set[str]] = defaultdict(set)
    asked = 0
    for result in schema.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        fits, fails = (
            operation.as_strategy(),
            operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE),
        )

        @seed(0)
        @tries(18)
        @given(case=st.one_of(fits, fits, fails), who=st.sampled_from(sorted(house.tokens)), data=st.data())
        def ask(case: Any, who: str, data: st.DataObject) -> None:
            nonlocal asked
            asked += 1
            wrong = wrong_parts(case)
            for name in case.path_parameters or {}:
                if things.get(name) and "path" not in wrong and data.draw(st.integers(0, 3)):
                    case.path_parameters[name] = data.draw(st.sampled_from(things[name]))
            token = {} if "header" in wrong else {"Authorization": f"Bearer {house.tokens[who]}"}
            try:
                answer = case.call_and_validate(headers=token)
            except FailureGroup as group:
                found[case.operation.label] |= {
                    f"{who}: {' '.join(str(one).split())[:300]}" for one in group.exceptions
                }
                return
            if who in OUTSIDE and NAME in answer.text:
                found[case.operation.label].add(f"{who} is told the name of a person")

        ask()
    assert not found, "\n".join(f"{label}: {told}" for label, ones in found.items() for told in sorted(ones)[:3])
    assert asked > 500
