"""What matching needs to know of a bridger: languages, areas, lived experience, clearances, how many people."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from api.pages.decision_form import options
from domain.errors import NotFound
from domain.languages import LANGUAGES
from domain.vocabulary import Gender, Setting
from records.commands import staff as staff_commands
from records.queries.staff_pages import get_member, list_facilities
from records.tables import Bridger

router = APIRouter()


@router.get("/staff/{staff_id}/profile")
@requires("manage_staff")
def profile_form(request: Request, session: SessionDep, me: Me, staff_id: str) -> Response:
    """The profile as it is."""
    staff, profile = get_member(session, me.actor, staff_id)
    if profile is None:
        raise NotFound("That bridger")
    facilities = [f for f in list_facilities(session, me.actor) if f.needs_clearance]
    return page(
        "staff_profile.html",
        request,
        values=_values(profile, [f.id for f in facilities]),
        staff=staff,
        languages=[{"value": code, "text": name} for code, name in LANGUAGES.items()],
        genders=options(Gender)[1:],
        settings=options(Setting)[1:],
        facilities=facilities,
        most=me.program.caseload_limit,
    )


@router.post("/staff/{staff_id}/profile")
@requires("manage_staff", again=profile_form)
def set_profile(request: Request, session: SessionDep, me: Me, form: FormDep, staff_id: str) -> Response:
    """Keep the profile; sent twice it is the same profile."""
    languages, gender = form.many("languages"), form.word("gender", Gender)
    lived, areas = form.words("lived_experience", Setting), form.text("areas", limit=500)
    limit, is_taking = form.number_or_none("caseload_limit", least=0, most=60), form.yes("is_taking_people")
    clearances: list[tuple[str, date | None]] = []
    for facility in list_facilities(session, me.actor):
        if facility.needs_clearance and form.yes(f"clear_{facility.id}"):
            clearances.append((facility.id, form.date_or_none(f"until_{facility.id}")))
        elif facility.needs_clearance:
            form.also_asked(f"until_{facility.id}")
    if not languages or any(code not in LANGUAGES for code in languages):
        form.problem("languages", "required", "Choose at least one.")
    form.check()
    get_member(session, me.actor, staff_id)
    staff_commands.set_profile(
        session, me.actor, staff_id, languages=languages, gender=gender, lived_experience=lived,
        areas=areas.replace(",", " ").split(), clearances=clearances, caseload_limit=limit,
        is_taking_people=is_taking,
    )  # fmt: skip
    return redirect_after_post(request, f"/staff/{staff_id}", "The profile is kept. The next matching uses it.")


def _values(profile: Bridger, facility_ids: list[str]) -> dict[str, Any]:
    ends = {c["facility_id"]: c.get("until", "") for c in profile.clearances}
    found: dict[str, Any] = {
        "languages": profile.languages,
        "gender": profile.gender.value,
        "lived_experience": profile.lived_experience,
        "areas": " ".join(profile.areas),
        "caseload_limit": "" if profile.caseload_limit is None else profile.caseload_limit,
        "is_taking_people": profile.is_taking_people,
    }
    for facility_id in facility_ids:
        found[f"clear_{facility_id}"] = facility_id in ends
        found[f"until_{facility_id}"] = ends.get(facility_id, "")
    return found
