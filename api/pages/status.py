"""Whether the promises are being kept right now, for whoever looks after the machines: counts that name nobody."""

from __future__ import annotations

from importlib.metadata import version
from typing import NamedTuple

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from api.access import requires
from api.deps import SessionDep, page
from records.queries.figures import open_work
from records.queries.restored import find_restored, list_held
from records.queries.upkeep import LastCheck, Stuck, agenda_lateness, find_last_check, find_stuck

router = APIRouter()

LATE_SECONDS, UPKEEP_SECONDS = 90, 90
"""Above these somebody must look; `deploy/prometheus/alerts.yml` alarms at the same. Upkeep runs every minute and
figures are read every 15 seconds: a dead worker is known within two minutes."""

CHECK_SECONDS = 26 * 3600
"""The check runs every night: later than this it did not."""
SHOWN = 3


class Line(NamedTuple):
    """One thing that is watched: how it stands, whether that is well, and what to do when it is not."""

    what: str
    stands: str
    is_well: bool
    then: str


@router.get("/status")
@requires("see_status")
def status(request: Request, session: SessionDep) -> Response:
    """How late the appointments are, whether upkeep runs, what was not sent. From the records alone."""
    lines = status_lines(session)
    return page(
        "status.html", request, lines=lines, is_well=all(line.is_well for line in lines), version=version("footbridge")
    )


def status_lines(session: Session) -> list[Line]:
    """Every line, the gravest kind first."""
    late, work = agenda_lateness(session), open_work(session)
    upkeep = late.upkeep_ran_seconds_ago
    return [
        Line(
            "Appointments kept",
            f"{late.overdue_items} late, the oldest by {_long(late.oldest_seconds)}"
            if late.overdue_items
            else "None is late",
            late.oldest_felt_seconds <= LATE_SECONDS,
            "Nobody carries out what is due. Is a worker running, and Temporal?",
        ),
        Line(
            "Upkeep",
            "It never ran" if upkeep is None else f"Ran {_long(upkeep)} ago",
            upkeep is not None and upkeep <= UPKEEP_SECONDS,
            "No worker runs, Temporal is away, or there is more to catch up than they manage. Start what is stopped; "
            "nothing is lost.",
        ),
        Line(
            "Calls for help",
            f"{work.escalations_unanswered} unanswered, {work.escalations_unanswered_late} of them past their time"
            if work.escalations_unanswered
            else "All are answered",
            work.escalations_unanswered_late == 0,
            "People must answer: call the supervisors who are on duty.",
        ),
        Line(
            "Messages",
            f"{late.undelivered} wait to go out" if late.undelivered else "None waits",
            late.undelivered_late == 0,
            "A message should have gone ten minutes ago. The outbox says which, and why.",
        ),
        Line(
            "Workflows told",
            f"{late.untold} do not know of an earlier appointment yet" if late.untold else "All know",
            late.untold_late == 0,
            "Temporal does not take what it is told. Upkeep tells it again each minute.",
        ),
        _stuck(find_stuck(session)),
        _promises(find_last_check(session)),
        *_put_back(session),
    ]


def _put_back(session: Session) -> list[Line]:
    """What a restore left to decide; nothing when there was none, or everything is decided."""
    held = list_held(session)
    if not held or (restored := find_restored(session)) is None:
        return []
    return [
        Line(
            "After a restore",
            f"The records are those of {restored.copy_at:%Y-%m-%d %H:%M} UTC; what is about people is held",
            False,
            f"{', '.join(program.name for program in held)}: enter again what was taken back since, then"
            " footbridge after-restore --release.",
        )
    ]


def _stuck(found: Stuck | None) -> Line:
    """Whether code that was deployed fails. Workers look every ten seconds; that none does, the line Upkeep says."""
    then = "Their code fails: roll back what was deployed last. They go on by themselves, and nothing is lost."
    if found is None:
        return Line("Workflows run", "No worker has looked yet", True, "")
    if found.count:
        said = f"{found.count} {'is' if found.count == 1 else 'are'} stuck, as of {_long(found.seconds_ago)} ago"
        return Line("Workflows run", said, False, then)
    return Line("Workflows run", "None is stuck", True, "")


def _promises(last: LastCheck | None) -> Line:
    """What the nightly check found. Before the first night there is nothing to say, and nothing wrong."""
    if last is None:
        return Line("Promises", "Not checked yet; they are every night", True, "")
    said = f"{last.violations} things do not hold" if last.violations else f"All hold for {last.referrals:,} referrals"
    is_old = last.seconds_ago > CHECK_SECONDS
    then = "The nightly check does not run. Is a worker running, and Temporal?"
    if last.violations:
        first = "; ".join(f"{number or 'All together'}: {sentence}" for number, sentence in last.findings[:SHOWN])
        then = f"{first}. footbridge check says all of it."
    return Line("Promises", f"{said}, checked {_long(last.seconds_ago)} ago", not last.violations and not is_old, then)


def _long(seconds: float) -> str:
    """A length in the one unit that fits."""
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * length or (unit == "minute" and seconds >= length):
            count = int(seconds // length)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{int(seconds)} seconds"
