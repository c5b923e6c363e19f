"""How this process and the appointments are: for load balancers and Prometheus. Counts only; nobody is named."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from cryptography import x509
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, select

from api.access import public
from api.errors import clock_is_wrong, problem
from api.measuring import PROCESS
from api.serving import SessionDep
from records import clock, engine
from records.queries.figures import open_work
from records.queries.upkeep import agenda_lateness, find_last_check, find_stuck
from records.right_clock import ClockWrong
from records.settings import get_settings
from records.tables import Meta

router = APIRouter(include_in_schema=False)


@router.get("/healthz")
@public()
def healthz() -> Response:
    """The process answers."""
    return Response("ok\n", media_type="text/plain")


@router.get("/readyz")
@public()
def readyz(request: Request, session: SessionDep) -> Response:
    """The database answers and has its tables, and its clock agrees with ours."""
    try:
        session.exec(select(Meta).limit(1)).all()
        engine.require_right_clock(session)
    except ClockWrong:
        return clock_is_wrong(request)
    except SQLAlchemyError:
        return problem(request, 503, "database", "The database does not answer, or was not migrated.")
    return Response("ready\n", media_type="text/plain")


@router.get("/metrics")
@public()
def metrics(session: SessionDep) -> Response:
    """How late the appointments are, from the records alone, so that a dead worker shows; and how long this process
    takes."""
    said = generate_latest(_registry(session)) + generate_latest(PROCESS)
    return Response(said, headers={"Content-Type": CONTENT_TYPE_LATEST})


def _registry(session: Session) -> CollectorRegistry:
    lateness, work = agenda_lateness(session), open_work(session)
    registry = CollectorRegistry()
    for name, help_text, value in (
        ("agenda_overdue_items", "Appointments that are past and not carried out", lateness.overdue_items),
        ("agenda_oldest_overdue_seconds", "How long ago the oldest of them was due", lateness.oldest_seconds),
        ("workflows_untold", "Referrals whose workflow was not told of an earlier appointment", lateness.untold),
        ("workflows_untold_late", "Those of them for more than two minutes", lateness.untold_late),
        ("messages_undelivered", "Messages to staff that wait to be sent", lateness.undelivered),
        ("messages_undelivered_late", "Those of them for more than ten minutes", lateness.undelivered_late),
        ("escalations_open", "Escalations that are not settled", work.escalations_open),
        ("escalations_unanswered", "Escalations that nobody has taken", work.escalations_unanswered),
        ("escalations_unanswered_late", "Those of them past their answer-by time", work.escalations_unanswered_late),
        ("referrals_open", "Referrals that are not over", work.referrals),
    ):
        Gauge(f"footbridge_{name}", help_text, registry=registry).set(value)
    if certificate := get_settings().tls_cert:
        left = Gauge("footbridge_certificate_seconds_left", "Until this process's certificate ends", registry=registry)
        left.set(_ends_at(certificate) - clock.unix_time())
    if lateness.upkeep_ran_seconds_ago is not None:
        age = Gauge("footbridge_upkeep_age_seconds", "Real time since upkeep ran", registry=registry)
        age.set(lateness.upkeep_ran_seconds_ago)
    stuck = find_stuck(session)
    if stuck is not None:
        parked = Gauge("footbridge_workflows_stuck", "Workflows whose code fails: a bad deploy", registry=registry)
        parked.set(stuck.count)
    last = find_last_check(session)
    if last is not None:
        broken = Gauge("footbridge_check_violations", "What the last nightly check found broken", registry=registry)
        broken.set(last.violations)
        when = Gauge("footbridge_check_age_seconds", "Real time since the last nightly check", registry=registry)
        when.set(last.seconds_ago)
    return registry


@cache
def _ends_at(certificate: str) -> float:
    """When the certificate ends that this process began with: a renewed file is taken at the next start alone."""
    return x509.load_pem_x509_certificate(Path(certificate).read_bytes()).not_valid_after_utc.timestamp()
