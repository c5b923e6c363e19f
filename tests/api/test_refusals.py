"""What was refused stands in the log: who, what kind, at which kind of address; no names, and never too much."""

from __future__ import annotations

import logging
import re

import pytest

from api.refusals import OF_ALL, OF_ONE, Refusals
from tests.api.house import ADA, House
from tests.api.signing import sign_in
from tests.api.test_pace import Seconds

pytestmark = pytest.mark.sqlite
LINE = re.compile(
    r"refused status=(\d{3}) code=(\w+) method=([A-Z]+) route=(\S+) by=(\S+) reference=(\S+) unsaid=(\d+)"
)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, "footbridge.refused")
    return caplog


def said(lines: pytest.LogCaptureFixture) -> list[tuple[str, ...]]:
    """Status, code, method, route and who of each line since this was asked last; each is whole."""
    found = []
    for record in lines.records:
        if record.name == "footbridge.refused":
            line = LINE.fullmatch(record.getMessage())
            assert line is not None, record.getMessage()
            found.append(line.groups()[:5])
    lines.clear()
    return found


def test_what_a_role_may_not_do_and_what_is_not_theirs(house: House, lines: pytest.LogCaptureFixture) -> None:
    referral_id = house.file()
    planner, jailer = house.staff["planner"], house.staff["jailer"]
    house.call("planner", "POST", f"/referrals/{referral_id}/close", {"reason": "services_received_completed"})
    assert said(lines) == [("403", "not_allowed", "POST", "/api/v1/referrals/{referral_id}/close", planner)]
    house.call("jailer", "GET", f"/referrals/{referral_id}")
    assert said(lines) == [("404", "not_found", "GET", "/api/v1/referrals/{referral_id}", jailer)]
    sign_in(house.client, "jailer")
    house.client.get(f"/referrals/{referral_id}")
    house.client.get("/probe-refused")
    assert said(lines) == [
        ("404", "not_found", "GET", "/referrals/{referral_id}", jailer),
        ("403", "not_allowed", "GET", "/probe-refused", jailer),
    ]


def test_input_of_note(house: House, lines: pytest.LogCaptureFixture) -> None:
    sign_in(house.client, "planner")
    planner = house.staff["planner"]
    house.client.post("/referrals/new/send", data={"csrf_token": "made up"})
    house.client.post("/referrals/new/send", data={}, headers={"Sec-Fetch-Site": "cross-site"})
    house.client.post("/gateway/texts", data={"Body": "hi"}, headers={"X-Twilio-Signature": "made up"})
    house.call("planner", "POST", "/referrals", {"setting": "psychiatric_inpatient", "Ada": "Sample"})
    house.client.get("/api/v1/referrals", headers={"Authorization": "Bearer made-up"})
    house.client.post("/people", content=b"x" * 1_000_001, headers={"Content-Type": "text/plain"})
    found = said(lines)
    assert [(status, code, by) for status, code, _, _, by in found] == [
        ("403", "form_expired", planner), ("403", "from_elsewhere", planner), ("403", "not_signed", "-"),
        ("422", "invalid", "-"), ("401", "token_unknown", "-"), ("413", "request_entity_too_large", "-"),
    ]  # fmt: skip
    assert found[2][3] == "/gateway/texts"


def test_everyday_work_and_strangers_at_addresses_that_are_none_write_nothing(
    house: House, lines: pytest.LogCaptureFixture
) -> None:
    referral_id = house.file()
    house.client.get("/nowhere")
    house.client.get("/referrals")  # nobody is signed in
    house.client.get("/api/v1/referrals")
    house.call("planner", "PATCH", f"/referrals/{referral_id}", {"unit": "4B"})  # 428
    house.call("planner", "POST", f"/referrals/{referral_id}/resume", {})  # not in this state
    assert said(lines) == []


def test_the_lines_hold_nothing_of_what_was_sent(house: House, lines: pytest.LogCaptureFixture) -> None:
    sign_in(house.client, "manager")
    words = [str(value) for value in ADA.values() if isinstance(value, str)] + ["Planner", "planner@", "testclient"]
    house.client.get("/referrals/ref_ada_sample")
    house.client.post("/people", data={"search": "Ada Sample", "csrf_token": "Ada"})
    house.call("manager", "POST", "/people/search", ADA | {"Ada Sample": "1990-01-01"})
    house.client.request("ADA", "/referrals", content=b"x" * 1_000_001)
    text = " ".join(record.getMessage() for record in lines.records if record.name == "footbridge.refused")
    assert text.count("refused status=") == 4
    assert [word for word in words if word in text] == []
    assert "method=other" in text


def test_nobody_floods_the_log(house: House, lines: pytest.LogCaptureFixture) -> None:
    seconds = Seconds()
    house.app.state.refusals = Refusals(seconds)
    for _ in range(OF_ONE + 25):
        house.call("jailer", "GET", "/referrals/ref_none")
    assert len(said(lines)) == OF_ONE
    house.call("planner", "GET", "/referrals/ref_none")
    [record] = [record for record in lines.records if record.name == "footbridge.refused"]
    assert record.getMessage().endswith("unsaid=25"), "what was left out is told; another account is not hidden"
    lines.clear()
    house.call("planner", "GET", "/referrals/ref_none")
    assert lines.records[-1].getMessage().endswith("unsaid=0")
    seconds.now += 6
    house.call("jailer", "GET", "/referrals/ref_none")
    assert len(said(lines)) == 2
    assert OF_ALL < 1000
