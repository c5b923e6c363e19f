"""Whether the program takes somebody on: accepted, not accepted, the answer to a request to cancel."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from api.access import requires
from api.deps import FormDep, Me, SessionDep
from api.pages.decision_form import about, decision, done, field, options
from api.pages.once import Once
from domain.vocabulary import ClosureReason, ReferralStatus, Word
from records import clock
from records.commands import cancelling, referrals
from records.queries.case import load_case
from records.queries.matching import rank_for
from records.queries.staff import names_of

router = APIRouter()

NOT_TAKEN = (
    ClosureReason.NO_CAPACITY,
    ClosureReason.OUT_OF_AREA,
    ClosureReason.NOT_ELIGIBLE,
    ClosureReason.NO_CONSENT,
    ClosureReason.DECLINED,
    ClosureReason.SAFETY_CONFLICT,
    ClosureReason.DUPLICATE,
)
"""Why a program does not take somebody on."""


class Answer(Word):
    """What the program answers to a request to cancel."""

    AGREE = "agree", "Agree: it ends here"
    REFUSE = "refuse", "Go on: the person wants it"


@router.get("/referrals/{referral_id}/accept")
@requires("accept_referral")
def accept_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """What accepting means, and who would be asked first."""
    referral, person = about(session, me, referral_id, "accept_referral")
    then = ["The referrer hears it now."]
    if referral.status is ReferralStatus.SUBMITTED:
        ranking = rank_for(session, load_case(session, referral_id), clock.now())
        if ranking.best is None:
            then.append(
                "Nobody can be asked as things stand: you are told at once, with the reasons, and assign by hand."
            )
        else:
            first = names_of(session, {ranking.best.candidate_id})[ranking.best.candidate_id]
            others = len(ranking.ranked) - 1
            then.append(f"{first} is asked first" + (f", then {others} more, one after the other." if others else "."))
    then.append("If nobody has this person in time, you are told by name, not just the list.")
    return decision(
        request, referral, person, title="Accept the referral", then=then, button="Accept", path="/accept",
        allowed={ReferralStatus.SUBMITTED},
        links=[{"label": "Do not accept", "href": f"/referrals/{referral_id}/reject"}],
    )  # fmt: skip


@router.post("/referrals/{referral_id}/accept")
@requires("accept_referral", again=accept_form)
def accept(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Take the person on; a second tap changes nothing."""
    once = Once(session, request, me, form)
    form.check()
    if (before := once.answered()) is not None:
        return before
    referrals.accept_referral(session, me.actor, referral_id)
    return done(once, referral_id, "Accepted. A bridger is being asked now.")


@router.get("/referrals/{referral_id}/reject")
@requires("accept_referral")
def reject_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """Why not, and where else to ask."""
    referral, person = about(session, me, referral_id, "accept_referral")
    return decision(
        request, referral, person, title="Do not accept",
        then=["The referrer hears it now, with your reason and your words.", "Nothing more is planned."],
        button="Do not accept", path="/reject", tone="warning", allowed={ReferralStatus.SUBMITTED},
        fields=[
            field("select", "reason", "Why", options=options(NOT_TAKEN)),
            field("area", "note", "In words, and where else they may ask", "The referrer reads this."),
        ],
        links=[{"label": "Accept after all", "href": f"/referrals/{referral_id}/accept"}],
    )  # fmt: skip


@router.post("/referrals/{referral_id}/reject")
@requires("accept_referral", again=reject_form)
def reject(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Answer that the program does not take this person on."""
    once = Once(session, request, me, form)
    reason, note = form.word("reason", ClosureReason), form.area("note", required=True)
    if reason not in NOT_TAKEN:
        form.problem("reason", "not_a_choice", "Choose one of these.")
    form.check()
    if (before := once.answered()) is not None:
        return before
    referrals.reject_referral(session, me.actor, referral_id, reason, note)
    return done(once, referral_id, "The referrer hears that it was not accepted, and why.")


@router.get("/referrals/{referral_id}/cancel")
@requires("decide_cancel")
def cancel_form(request: Request, session: SessionDep, me: Me, referral_id: str) -> Response:
    """The referrer asked to cancel: agreed, or not because the person wants it."""
    referral, person = about(session, me, referral_id, "decide_cancel")
    asked = referral.cancel_requested_at is not None
    return decision(
        request, referral, person, title="They asked to cancel",
        intro=f"The referrer says: “{referral.cancel_reason}”",
        then=[
            "Agreed: every reminder stops, and it ends here. You can undo it for 30 days.",
            f"Go on: nothing changes for {person.called}. Either way the referrer hears your answer now.",
        ],
        button="Answer", path="/cancel",
        fields=[
            field("radios", "answer", "Your answer", options=options(Answer)[1:]),
            field("area", "note", "In words", "Needed when it goes on. The referrer reads this."),
        ],
        instead="" if asked else "Nobody asks to cancel this referral, or it was answered already.",
    )  # fmt: skip


@router.post("/referrals/{referral_id}/cancel")
@requires("decide_cancel", again=cancel_form)
def decide_cancel(request: Request, session: SessionDep, me: Me, form: FormDep, referral_id: str) -> Response:
    """Answer the request."""
    once = Once(session, request, me, form)
    answer = form.word("answer", Answer)
    note = form.area("note", required=answer is Answer.REFUSE)
    form.check()
    if (before := once.answered()) is not None:
        return before
    cancelling.decide_cancel(session, me.actor, referral_id, agree=answer is Answer.AGREE, note=note)
    said = "It ends here. The referrer hears it." if answer is Answer.AGREE else "It goes on. The referrer hears it."
    return done(once, referral_id, said)
