"""Keeping the planned contacts of a case in line with its dates: added, moved, closed or replaced, and journalled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from domain.plan import LOST_KEY, Planned, Replanned, plan, plan_handover, plan_hold, replan, shorten_only
from domain.vocabulary import ContactState, ReferralStatus, Resolution, Subject
from records.commands.crediting import credit
from records.commands.escalations import settle_ladder
from records.commands.work import Work
from records.ids import new_id
from records.tables import Contact

SEARCH_TITLE = "Look for the person"


def replan_case(
    work: Work,
    why: str,
    *,
    removed: ContactState = ContactState.SUPERSEDED,
    removed_reason: str = "",
    only_shorten: bool = False,
) -> None:
    """Compare the plan with what there is and change the contacts that are still awaited.

    `why` is what changed; contacts that the plan no longer has end in the state `removed`.
    """
    case = work.rows.facts()
    is_held = work.referral.status is ReferralStatus.ON_HOLD
    change = replan(case, plan_hold(case, work.now) if is_held else plan(case, work.now))
    if only_shorten:
        change = shorten_only(change)
    change_plan(work, change, why, removed=removed, reason=removed_reason)


def change_plan(
    work: Work,
    change: Replanned,
    why: str,
    *,
    removed: ContactState = ContactState.SUPERSEDED,
    reason: str = "",
    gone_by: Iterable[Planned] = (),
) -> None:
    """Write down a change of the plan. What has `gone_by` is written down as let go, so that it is not asked for."""
    gone = {(p.key, p.seq) for p in gone_by}
    if change.is_empty and not gone:
        return
    rows = {row.id: row for row in work.rows.contacts}
    moved: list[tuple[str, datetime, datetime]] = []
    for move in change.moved:
        row = rows[move.contact.id]
        moved.append((row.id, row.due_at, move.due_at))
        row.opens_at, row.due_at, row.is_compressed = move.opens_at, move.due_at, move.is_compressed
        _mark_arrival(work, row)
    for contact in change.removed:
        row = rows[contact.id]
        row.state, row.reason = removed, reason or why
    ended = [[contact.id, removed.value] for contact in change.removed]
    added = _add(work, (*change.added, *gone_by))
    for row in added:
        if (row.key, row.seq) in gone:
            row.state, row.reason = ContactState.SUPERSEDED, f"its time was over when {why}"
            ended.append([row.id, row.state.value])
    work.rows.contacts.sort(key=lambda c: (c.due_at, c.id))
    work.record(
        "plan.changed",
        why=why,
        added=[[row.id, row.key, row.seq, row.opens_at, row.due_at] for row in added],
        moved=moved,
        ended=ended,
    )
    begun = {row.id for row in added if row.opens_at <= work.now}
    begun |= {contact_id for contact_id, *_ in moved if rows[contact_id].opens_at <= work.now}
    if begun and work.referral.discharged_at is not None:
        credit(work, begun)


def plan_introduction(work: Work) -> None:
    """Another bridger walks with the person from now on, and introduces themselves; one such contact at a time."""
    wanted = plan_handover(work.rows.facts(), work.now)
    ended = [row for row in work.rows.contacts if row.state.is_awaited and row.key in {p.key for p in wanted}]
    for row in ended:
        row.state, row.reason = ContactState.SUPERSEDED, "another bridger since"
    added = _add(work, wanted)
    work.rows.contacts.sort(key=lambda c: (c.due_at, c.id))
    work.record(
        "plan.changed",
        why="another bridger takes over",
        added=[[row.id, row.key, row.seq, row.opens_at, row.due_at] for row in added],
        moved=[],
        ended=[[row.id, row.state.value] for row in ended],
    )


def _add(work: Work, wanted: Iterable[Planned]) -> list[Contact]:
    planned_before = Counter((c.key, c.seq, c.cycle) for c in work.rows.contacts)
    added = []
    for planned in wanted:
        which = (planned.key, planned.seq, planned.cycle)
        added.append(_contact(work, planned, planned_before[which]))
        planned_before[which] += 1
    work.add(*added)
    work.rows.contacts.extend(added)
    return added


def _contact(work: Work, planned: Planned, revision: int) -> Contact:
    rule = work.rows.rule(planned.key)
    row = Contact(
        id=new_id("con"),
        program_id=work.referral.program_id,
        referral_id=work.referral.id,
        key=planned.key,
        seq=planned.seq,
        cycle=planned.cycle,
        revision=revision,
        title=rule.title if rule is not None else SEARCH_TITLE,
        opens_at=planned.opens_at,
        due_at=planned.due_at,
        is_compressed=planned.is_compressed,
    )
    _mark_arrival(work, row)
    return row


def _mark_arrival(work: Work, row: Contact) -> None:
    """A contact that was already due when we heard of the discharge: its real due time stays, the work has a time."""
    notice = work.referral.notice_at
    if notice is not None and row.due_at <= notice and row.key != LOST_KEY:
        row.is_overdue_on_arrival = True
        row.work_by = notice + timedelta(seconds=work.rows.protocol.late_work.seconds)


def correct_windows(work: Work, why: str) -> None:
    """The discharge time was corrected: windows of what was met or missed move too, and are judged again.

    What is no longer missed, because its window has not passed, is planned anew; audit keeps both (scenario 19).
    """
    case = work.rows.facts()
    wanted = {(p.key, p.seq): p for p in plan(case, work.now)}
    judged = []
    for row in work.rows.contacts:
        if row.cycle != work.referral.cycle or (planned := wanted.get((row.key, row.seq))) is None:
            continue
        if row.state not in (ContactState.MET, ContactState.MET_LATE, ContactState.MISSED):
            continue
        if (row.opens_at, row.due_at) == (planned.opens_at, planned.due_at):
            continue
        before = (row.state, row.due_at)
        is_due_again = row.state is ContactState.MISSED and planned.due_at > work.now
        was_before_leaving = row.met_at is not None and row.met_at < planned.opens_at
        if is_due_again or was_before_leaving:
            row.state, row.reason = ContactState.SUPERSEDED, why
            settle_ladder(work, Resolution.CORRECTED, subject=Subject.CONTACT, subject_id=row.id, note=why)
        else:
            row.opens_at, row.due_at = planned.opens_at, planned.due_at
            if row.met_at is not None:
                row.state = ContactState.MET if row.met_at <= row.due_at else ContactState.MET_LATE
            if row.missed_at is not None:
                row.missed_at = row.due_at
        judged.append([row.id, before[0].value, row.state.value, before[1], row.due_at])
    if judged:
        work.record("contacts.corrected", why=why, contacts=judged)
    replan_case(work, why)


def supersede_follow_up(work: Work, reason: str) -> None:
    """What followed from a discharge that was cancelled counts no more, met or missed; what came before it stays.

    Meetings that were left out because the person had gone are taken up again by the next `replan_case`.
    """
    ended = []
    for row in work.rows.contacts:
        rule = work.rows.rule(row.key)
        follows = rule is None or rule.due.after in ("discharge", "first_appointment")
        was_left_out = row.state is ContactState.CLOSED
        if row.cycle == work.referral.cycle and row.state is not ContactState.SUPERSEDED and (follows or was_left_out):
            row.state, row.reason = ContactState.SUPERSEDED, reason
            ended.append(row.id)
    if ended:
        work.record("contacts.superseded", reason=reason, contacts=ended)


def end_awaited(work: Work, state: ContactState, reason: str) -> list[str]:
    """Put every awaited contact into `state`, for a hold or an end; returns their ids.

    A hold suspends no introduction.
    """
    ended = []
    for row in work.rows.contacts:
        stays = state is ContactState.SUSPENDED and work.rows.is_apart(row)
        if row.state.is_awaited and not stays:
            row.state, row.reason = state, reason
            ended.append(row.id)
    if ended:
        work.record(f"contacts.{state.value}", reason=reason, contacts=ended)
    return ended
