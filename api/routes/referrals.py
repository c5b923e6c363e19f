"""Referrals: filed, listed, looked at, and what happens next for each."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session

from api import cursors, outward
from api.access import NEVER, requires
from api.deps import Me, SessionDep
from api.errors import within
from api.models.common import Cursor, Id, Limit, Listed, PathId
from api.models.people import PersonIn
from api.models.referrals import (
    AcknowledgedOut,
    AgendaItemOut,
    AgendaOut,
    CandidatesOut,
    ExcludedOut,
    PreviewIn,
    PreviewOut,
    RankedOut,
    ReferralIn,
    ReferralOut,
    TimelineEntryOut,
)
from api.models.work import AttemptOut, ContactOut
from api.routes.common import API_PREFIX, PROBLEMS, one_page
from api.routes.contacts import contact_out
from domain.agenda import agenda, promised_by, why
from domain.case import Case
from domain.vocabulary import ReferralStatus, SystemScope
from records import clock
from records.access import readable_for
from records.commands import recognition, referrals
from records.queries.case import load_case
from records.queries.contacts import list_attempts, list_contacts
from records.queries.events import list_story
from records.queries.matching import candidates_ranked, limits_of
from records.queries.own_case import load_own_case
from records.queries.people import is_with_others
from records.queries.previews import preview
from records.queries.referrals import list_referrals
from records.queries.staff import names_of
from records.queries.timeline import entry_of, names_for, open_facts_of
from records.tables import Referral

router = APIRouter(prefix=API_PREFIX + "/referrals", tags=["referrals"], responses=PROBLEMS)


@router.post("", status_code=201, response_model=ReferralOut, responses={202: {"model": AcknowledgedOut}})
@requires("file_referral", systems=SystemScope.REFERRALS_WRITE)
def file_referral(session: SessionDep, me: Me, body: ReferralIn) -> Any:
    """File a referral. The program's promise begins to run at once.

    One person has one open referral at a time: a second of the same facility is refused (409) with the number of the
    first. When another facility filed the first, nothing is filed and the program hears that you asked too: 202.
    """
    if body.person_id is not None and is_with_others(session, me.actor, body.person_id):
        recognition.join_referral(session, me.actor, body.person_id, facility_id=body.facility_id)
        return Response(AcknowledgedOut().model_dump_json(), status_code=202, media_type="application/json")
    with within("person", PersonIn.model_fields):
        row = referrals.file_referral(
            session,
            me.actor,
            body.person.details() if body.person is not None else None,
            body.details(),
            facility_id=body.facility_id,
            person_id=body.person_id,
            source="api",
            as_draft=body.is_draft,
        )
    return _shown(session, row, is_told=True, is_withheld=False)  # who files has written it


@router.post("/preview")
@requires("file_referral", writes=False, systems=SystemScope.REFERRALS_WRITE)
def preview_referral(session: SessionDep, me: Me, body: PreviewIn) -> PreviewOut:
    """What would happen, and when, from the very plan and agenda that will run. Nothing is written."""
    found = preview(session, me.actor, body.details(), facility_id=body.facility_id, has_phone=body.has_phone)
    return PreviewOut.model_validate(found)


@router.get("")
@requires("see_person", writes=True, systems=SystemScope.REFERRALS_READ)
def list_(
    request: Request,
    session: SessionDep,
    me: Me,
    status: Annotated[list[ReferralStatus], Query()] = [],  # noqa: B006
    facility_id: Id | None = None,
    bridger_id: Id | None = None,
    person_id: Id | None = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> Listed[ReferralOut]:
    """The referrals that you may see, the newest first."""
    rows = list_referrals(
        session,
        me.actor,
        statuses=status,
        facility_id=facility_id,
        bridger_id=bridger_id,
        person_id=person_id,
        after=cursors.decode(cursor),
        limit=limit + 1,
    )
    names = names_of(session, {row.bridger_id for row in rows})
    told, withheld = outward.told(request, session, me, rows[:limit]), outward.withheld(session, me, rows[:limit])
    written = outward.written_by_them(session, me, rows[:limit])
    return one_page(
        rows,
        limit,
        lambda row: outward.referral_as_told(
            row,
            row.id in told,
            bridger_name=names.get(row.bridger_id or "", ""),
            is_withheld=row.id in withheld,
            written=written.get(row.id),
        ),
        lambda row: (row.created_at, row.id),
    )


@router.get("/{referral_id}")
@requires("see_person", writes=True, systems=SystemScope.REFERRALS_READ)
def get(request: Request, session: SessionDep, me: Me, referral_id: PathId) -> ReferralOut:
    """Where one referral stands; for a facility as far as the person's consent covers it."""
    row = readable_for(session, me.actor, referral_id)[0]
    is_told, is_withheld = bool(outward.told(request, session, me, [row])), bool(outward.withheld(session, me, [row]))
    written = outward.written_by_them(session, me, [row]).get(row.id)
    return _shown(session, row, is_told=is_told, is_withheld=is_withheld, written=written)


@router.get("/{referral_id}/agenda")
@requires("see_person", writes=True, systems=SystemScope.REFERRALS_READ)
def get_agenda(request: Request, session: SessionDep, me: Me, referral_id: PathId) -> AgendaOut:
    """Everything that must happen next, soonest first, each with the rule behind it."""
    if not outward.told(request, session, me, [readable_for(session, me.actor, referral_id)[0]]):
        return AgendaOut(items=[])
    return AgendaOut(items=agenda_items(load_case(session, referral_id).facts()))


@router.get("/{referral_id}/plan")
@requires("see_person", writes=True, systems=SystemScope.REFERRALS_READ)
def get_plan(request: Request, session: SessionDep, me: Me, referral_id: PathId) -> Listed[ContactOut]:
    """Every planned contact, and what became of it."""
    if not outward.told(request, session, me, [readable_for(session, me.actor, referral_id)[0]]):
        return Listed(items=[], next_cursor=None)
    now = clock.now()
    rows = list_contacts(session, me.actor, referral_id=referral_id, limit=1000)
    return Listed(items=[contact_out(row, now) for row in rows], next_cursor=None)


@router.get("/{referral_id}/timeline")
@requires("see_person", writes=True, systems=SystemScope.REFERRALS_READ)
def get_timeline(
    request: Request,
    session: SessionDep,
    me: Me,
    referral_id: PathId,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    limit: Limit = 50,
) -> Listed[TimelineEntryOut]:
    """What happened, the newest first. `next_cursor` goes on as `before`."""
    referral = readable_for(session, me.actor, referral_id)[0]
    is_told = bool(outward.told(request, session, me, [referral]))
    rows = list_story(session, me.actor, referral, before_seq=before, limit=limit + 1, is_told=is_told)
    names = names_for(session, referral, rows[:limit])
    facts = open_facts_of(session, rows[:limit]) if outward.withheld(session, me, [referral]) else {}
    lines = [
        TimelineEntryOut.model_validate(entry_of(row, names, facts.get(row.seq)), from_attributes=True)
        for row in rows[:limit]
    ]
    return Listed(items=lines, next_cursor=str(rows[limit - 1].seq) if len(rows) > limit else None)


@router.get("/{referral_id}/attempts")
@requires("log_attempt", systems=NEVER)
def get_attempts(session: SessionDep, me: Me, referral_id: PathId) -> Listed[AttemptOut]:
    """Every try to reach the person, those taken back included, the newest first."""
    referral, _ = readable_for(session, me.actor, referral_id)
    rows = list_attempts(session, referral)
    return Listed(items=[AttemptOut.model_validate(row) for row in rows], next_cursor=None)


@router.get("/{referral_id}/candidates")
@requires("assign", systems=NEVER)
def get_candidates(session: SessionDep, me: Me, referral_id: PathId) -> CandidatesOut:
    """Who can be assigned by hand, best first, with what speaks for and against each."""
    rows = load_own_case(session, me.actor, referral_id)
    everybody, ranking = candidates_ranked(session, rows, clock.now())
    limits = limits_of(rows.program)
    known = {
        one.id: {
            "bridger_id": one.id,
            "name": one.name,
            "caseload": one.caseload,
            "open_offers": one.open_offers,
            "caseload_limit": one.limit(limits),
            "is_current": one.id == rows.referral.bridger_id,
        }
        for one in everybody
    }
    return CandidatesOut(
        ranked=[
            RankedOut.model_validate(
                known[one.candidate_id]
                | {"score": one.score, "reasons_for": one.reasons_for, "reasons_against": one.reasons_against}
            )
            for one in ranking.ranked
        ],
        excluded=[
            ExcludedOut.model_validate(
                known[one.candidate_id]
                | {"reasons": one.reasons_for_others, "may_be_overridden": one.may_be_overridden}
            )
            for one in ranking.excluded
        ],
        notes=list(ranking.notes),
    )


def agenda_items(case: Case) -> list[AgendaItemOut]:
    """The agenda of a case as the API gives it."""
    return [
        AgendaItemOut(at=item.at, kind=item.kind, title=item.title, why=why(item, case), subject_id=item.subject_id)
        for item in agenda(case)
    ]


def _shown(
    session: Session, row: Referral, *, is_told: bool, is_withheld: bool, written: set[str] | None = None
) -> ReferralOut:
    bridger = names_of(session, {row.bridger_id}).get(row.bridger_id or "", "")
    shown = outward.referral_as_told(row, is_told, bridger_name=bridger, is_withheld=is_withheld, written=written)
    if row.status is ReferralStatus.SUBMITTED:
        shown.promised_by = promised_by(load_case(session, row.id).settled_facts())
    return shown
