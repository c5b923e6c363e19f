"""A release list, uploaded: what became of each row, and the same as a file."""

from __future__ import annotations

import csv
import io
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep, page, redirect_after_post
from domain.clock import local_date
from domain.errors import Invalid
from domain.interop.release_sample import sample_around
from records import clock
from records.commands.imports import RowReport, import_releases
from records.engine import Slices, transaction
from records.queries.imports import KeptReport, get_import, list_imports
from records.queries.planner import list_facilities
from records.seed import SAMPLE
from records.tables import Facility

router = APIRouter()

MOST_ROWS = 1_000
"""Of a list sent from this page, whose sender waits for the report. `footbridge import` takes more."""
PAGE_SIZE = 100
RESULTS = {
    "filed": ("Filed", "go"),
    "matched": ("Updated", "go"),
    "duplicate": ("Already known", "neutral"),
    "refused": ("Refused", "stop"),
}
"""What can become of a row, in words and color."""
COLUMNS = (
    (
        "booking_number",
        "yes",
        "The jail's number for this stay; a row sent again is known by it",
        "B-26-004417",
    ),
    ("first_name", "yes", "Legal first name", "Robin"),
    ("last_name", "yes", "Legal last name", "Imaginary"),
    ("birth_date", "yes", "Year in four digits, month first", "05/31/1990"),
    ("release_date", "yes", "Planned or actual", "2026-12-01"),
    ("preferred_name", "", "What the person is called", "Birdie"),
    ("release_time", "", "Local time at the jail", "17:30"),
    ("release_status", "", "planned (also when empty), or actual once they have left", "planned"),
    ("release_kind", "", "planned, sentence_served, court, bail, transfer", "court"),
    ("phone", "", "With its area code", "555-010-1234"),
    ("language", "", "A code or the English name", "Spanish"),
    ("where_to_find", "", "Where they can be met", "Day shelter on 4th, mornings"),
    ("risk_flags", "", "suicide_risk, overdose, recent_release, no_safe_place, pregnant, youth", "overdose; youth"),
    ("facility", "", "The jail's name, when one file covers several", "Example County Jail"),
)
"""The columns of docs/release-list.md: name, whether it is needed, what it holds, an example."""


@router.get("/imports")
@requires("import_releases")
def form_page(request: Request, session: SessionDep, me: Me) -> Response:
    """Choose a file; what a file looks like; the latest reports."""
    return page(
        "imports.html",
        request,
        values={},
        facilities=list_facilities(session, me.actor) if me.actor.facility_id is None else [],
        columns=COLUMNS,
        latest=[_summary(kept) for kept in list_imports(session, me.actor)],
        zone=me.zone,
        most_rows=MOST_ROWS,
    )


@router.get("/imports/sample.csv")
@requires("import_releases")
def sample(request: Request, session: SessionDep, me: Me) -> Response:
    """A list to begin from, with dates around today, for one's own facility; nobody in it exists."""
    facility = session.get(Facility, me.actor.facility_id) if me.actor.facility_id else None
    zone, name = (facility.zone, facility.name) if facility is not None else (me.zone, "")
    return _download(sample_around(SAMPLE.read_bytes(), local_date(clock.now(), zone), name), SAMPLE.name)


@router.post("/imports")
@requires("import_releases", writes=False, again=form_page)
def upload(request: Request, me: Me, form: FormDep) -> Response:
    """Take the list, some rows at a time, so that nobody else waits for all of them. Sent again, the same file changes
    nothing and says so; a list that broke off goes on from there."""
    chosen = form.text("facility_id", limit=60)
    _, data = form.file("file")
    facility_id = me.actor.facility_id or chosen
    if not facility_id:
        form.problem("facility_id", "required", "Choose the facility whose list this is.")
    form.check()
    with transaction() as own:  # of its own: it commits in between, which those who are written together must not
        slices = Slices(own)
        report = import_releases(
            own,
            me.actor,
            data,
            facility_id=facility_id,
            most=MOST_ROWS,
            progress=lambda _done, _rows: slices.end_if_long(),
        )
        if report.problems:
            raise Invalid("file", " ".join(report.problems[:3]), field="file")
    return redirect_after_post(request, f"/imports/{report.id}", "The list was taken. Here is what became of each row.")


@router.get("/imports/{import_id}")
@requires("import_releases")
def report_page(
    request: Request, session: SessionDep, me: Me, import_id: str, only: str = "", page_number: int = 1
) -> Response:
    """What became of each row; what was refused comes first in the counts because somebody must act on it."""
    kept = get_import(session, me.actor, import_id)
    chosen = only if only in RESULTS else ""
    rows = [row for row in kept.rows if not chosen or row.result == chosen]
    pages = max(-(-len(rows) // PAGE_SIZE), 1)
    here = min(max(page_number, 1), pages)
    address = f"/imports/{import_id}?only={chosen}&page_number="
    return page(
        "import_report.html",
        request,
        at=kept.at,
        zone=me.zone,
        total=len(kept.rows),
        tabs=_tabs(kept, chosen),
        rows=[_row(row) for row in rows[(here - 1) * PAGE_SIZE : here * PAGE_SIZE]],
        newer=f"{address}{here - 1}" if here > 1 else None,
        older=f"{address}{here + 1}" if here < pages else None,
        download=f"/imports/{import_id}/report.csv",
    )


@router.get("/imports/{import_id}/report.csv")
@requires("import_releases")
def report_file(request: Request, session: SessionDep, me: Me, import_id: str) -> Response:
    """The same as a file: row, result, what to do. It names nobody."""
    kept = get_import(session, me.actor, import_id)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("row", "result", "what"))
    for row in kept.rows:
        writer.writerow((row.number, RESULTS[row.result][0], row.sentence))
    return _download(text.getvalue().encode("utf-8-sig"), "release-list-report.csv")


def _summary(kept: KeptReport) -> dict[str, Any]:
    counts = kept.counts
    said = ", ".join(f"{counts[key]} {label.lower()}" for key, (label, _) in RESULTS.items() if counts.get(key))
    return {"href": f"/imports/{kept.id}", "at": kept.at, "said": said or "no rows"}


def _tabs(kept: KeptReport, chosen: str) -> list[dict[str, Any]]:
    base, counts = f"/imports/{kept.id}", kept.counts
    tabs: list[dict[str, Any]] = [{"href": base, "label": "All", "count": len(kept.rows), "is_here": not chosen}]
    for key, (label, _) in RESULTS.items():
        tabs.append(
            {"href": f"{base}?only={key}", "label": label, "count": counts.get(key, 0), "is_here": chosen == key}
        )
    return tabs


def _row(row: RowReport) -> dict[str, Any]:
    label, tone = RESULTS[row.result]
    href = f"/referrals/{row.referral_id}" if row.referral_id else None
    return {
        "row": {"text": f"Row {row.number}", "href": href} if href else f"Row {row.number}",
        "result": {"text": label, "tag": tone},
        "what": row.sentence,
    }


def _download(data: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(data, media_type="text/csv; charset=utf-8", headers=headers)
