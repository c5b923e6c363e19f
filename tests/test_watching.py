"""The alarms and the dashboard of deploy/: what they name exists, and they say when the status page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from api.app import create_app
from api.pages import status
from records import engine
from records.checking.run import Checked
from records.commands.upkeep import keep_check, keep_stuck, mark_upkeep_ran
from records.settings import get_settings
from tests.pages.client import TestClient
from tests.support.certificates import make_for_us

DEPLOY = Path(__file__).parents[1] / "deploy"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((DEPLOY / "grafana/footbridge.json").read_text())
pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("database")]


def figures_told() -> set[str]:
    """Every figure of a web server that has answered something, by its name."""
    with engine.transaction() as session:
        mark_upkeep_ran(session)
        keep_stuck(session, 0)
        keep_check(session, Checked(referrals=3).as_data())
    with TestClient(create_app(get_settings())) as client:
        client.get("/healthz")
        text = client.get("/metrics").text
    return set(re.findall(r"^(footbridge_\w+)", text, re.MULTILINE))


def test_every_figure_that_is_watched_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOOTBRIDGE_TLS_CERT", str(make_for_us(tmp_path) / "footbridge/own.crt"))
    get_settings.cache_clear()
    expressions = [rule["expr"] for rule in RULES]
    expressions += [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
    watched = {name for expression in expressions for name in re.findall(r"footbridge_\w+", expression)}
    assert len(watched) >= 10
    assert watched - figures_told() == set()


def test_the_alarms_and_the_page_agree_on_when_somebody_must_look() -> None:
    limits = {rule["alert"]: re.findall(r"\) > (\d+)", rule["expr"]) for rule in RULES}
    assert limits["FootbridgeAppointmentsLate"] == [str(status.LATE_SECONDS)]
    assert limits["FootbridgeUpkeepStopped"] == [str(status.UPKEEP_SECONDS)]
    assert limits["FootbridgeCheckStopped"] == [str(status.CHECK_SECONDS)]
    assert limits["FootbridgePromiseBroken"] == ["0"]
    (steps,) = [
        panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
        for panel in DASHBOARD["panels"]
        if "footbridge_agenda_oldest_overdue_seconds" in panel["targets"][0]["expr"] and panel["type"] == "stat"
    ]
    assert steps[-1]["value"] == status.LATE_SECONDS


def test_the_nightly_check_is_on_the_dashboard_and_red_when_its_alarm_is() -> None:
    red = {
        panel["targets"][0]["expr"]: panel["fieldConfig"]["defaults"]["thresholds"]["steps"][-1]["value"]
        for panel in DASHBOARD["panels"]
        if panel["type"] == "stat"
    }
    assert red["max(footbridge_check_violations)"] == 1
    assert red["min(footbridge_check_age_seconds)"] == status.CHECK_SECONDS
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)


def test_whatever_must_be_seen_has_an_alarm() -> None:
    """How late, who is called and does not answer, what is not sent, what fails in Temporal, what is slow or gone."""
    watched = " ".join(rule["expr"] for rule in RULES)
    for figure in (
        "footbridge_agenda_oldest_overdue_seconds", "footbridge_upkeep_age_seconds", "footbridge_check_violations",
        "footbridge_escalations_unanswered_late", "footbridge_messages_undelivered_late",
        "footbridge_workflows_untold_late", "temporal_workflow_task_execution_failed",
        "footbridge_request_seconds_bucket", 'up{job="footbridge-api"}', 'up{job="footbridge-worker"}',
    ):  # fmt: skip
        assert figure in watched, figure
    assert len({rule["alert"] for rule in RULES}) == len(RULES)


def test_a_dead_worker_alarms_within_two_minutes() -> None:
    """The last run of upkeep, its limit, the time until it is read and looked at; nothing waits any longer."""
    scrape = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"][0]["scrape_interval"]
    groups = yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]
    (group,) = [g for g in groups if any(rule["alert"] == "FootbridgeUpkeepStopped" for rule in g["rules"])]
    (rule,) = [rule for rule in group["rules"] if rule["alert"] == "FootbridgeUpkeepStopped"]
    assert "for" not in rule
    assert status.UPKEEP_SECONDS + int(scrape.removesuffix("s")) + int(group["interval"].removesuffix("s")) <= 120


def test_every_alarm_says_what_is_so_and_what_to_do() -> None:
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "people", "ticket"}, rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description"}, rule["alert"]


def test_requests_are_counted_by_their_pattern_and_no_made_up_name() -> None:
    with TestClient(create_app(get_settings())) as client:
        client.get("/referrals/ref_0123456789abcdefghjkmn", follow_redirects=False)
        client.request("MADEUP", "/healthz")
        client.get("/nowhere/at/all")
        text = client.get("/metrics").text
    counted = re.findall(
        r'^footbridge_request_seconds_count\{method="(\w+)",route="([^"]+)",status="(\dxx)"\}', text, re.M
    )
    assert ("GET", "/referrals/{referral_id}", "3xx") in counted
    assert ("other", "/healthz", "4xx") in counted
    assert ("GET", "(no route)", "4xx") in counted
    assert "ref_0123456789abcdefghjkmn" not in text
    assert re.search(r'^footbridge_query_seconds_count\{does="read"\} [1-9]', text, re.MULTILINE)
