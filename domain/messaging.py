"""What staff are told, over which channels and when. Pure rules; the words are in `templates/messages/`.

Every message is in the app at once. E-mail and text only call people there: they name nobody and nothing,
so a stolen phone or a shared mailbox tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.clock import next_call
from domain.vocabulary import Category, Channel, Word

TOO_OLD = timedelta(hours=24)
"""What could not go out within a day of its time is not sent any more: who gets it would take it for news. A day is
longer than any gateway is down unnoticed, and shorter than what a message asks for stays true. Project choice."""


class Urgency(Word):
    """How soon somebody must look."""

    NOW = "now", "At any hour"
    TODAY = "today", "In waking hours"
    ROUTINE = "routine", "Whenever they look"


class StaffMessage(Word):
    """Every message to staff. The value names its folder of templates, the label is how the app says it."""

    SAFETY_CONCERN = "safety_concern", "A colleague raised a safety concern"
    WELFARE_CHECK_DUE = "welfare_check_due", "A decision about a welfare check waits"
    ESCALATION_RAISED = "escalation_raised", "Something needs you"
    ESCALATION_AGAIN = "escalation_again", "Something still needs you"
    OFFER_MADE = "offer_made", "You are asked to walk with somebody"
    ASSIGNMENT_MADE = "assignment_made", "Somebody new is on your list"
    CONTACT_REMINDER = "contact_reminder", "A contact is due soon"
    ABSENCE_COVER = "absence_cover", "You cover for a colleague"
    CASE_ENDED = "case_ended", "A plan has ended early"
    HOLD_STARTED = "hold_started", "A plan rests for now"
    ADMISSION_SUSPECTED = "admission_suspected", "Somebody on the board may have been admitted: look whether it is them"
    REPLY_RECEIVED = "reply_received", "Somebody on your list has written by text"
    INCIDENT_OPENED = "incident_opened", "A number turned out to be somebody else’s: look into it"
    REFERRAL_JOINED = "referral_joined", "A second facility asked for somebody whom you support already"
    DISCHARGE_RECORDED = "discharge_recorded", "Somebody on your list has left: the first windows are open"
    DATE_MOVED = "date_moved", "An expected date has moved"
    PLANS_MOVED = "plans_moved", "The plans of people on your list follow other rules now"
    REFERRAL_FILED = "referral_filed", "A new referral waits for your answer"
    LIST_FILED = "list_filed", "A list of new referrals waits for your answers"
    CANCEL_REQUESTED = "cancel_requested", "A request to cancel waits for your answer"
    CONSENT_EXPIRING = "consent_expiring", "A consent ends soon"
    DATE_CHECK = "date_check", "An expected date needs confirming"
    REFERRAL_REJECTED = "referral_rejected", "A referral of yours was not accepted"
    REFERRER_TOLD = "referrer_told", "Something about a referral of yours needs attention"
    ASSIGNMENT_ENDED = "assignment_ended", "Somebody is no longer on your list"
    REFERRAL_ACCEPTED = "referral_accepted", "A referral of yours was accepted"
    BRIDGER_NAMED = "bridger_named", "A bridger was found for a referral of yours"
    CANCEL_DECISION = "cancel_decision", "There is news about a request to cancel"
    REFERRAL_CLOSED = "referral_closed", "A referral of yours has ended"
    CLOSING_REPORT_READY = "closing_report_ready", "A closing report is ready"
    GLASS_BROKEN = "glass_broken", "Somebody opened a record that is not theirs, with a reason"
    IDENTITY_REFUSED = "identity_refused", "Another account of the organization tried to sign in as a colleague"
    CHOOSE_PASSWORD = "choose_password", "A link to choose a password"
    SIGN_IN_CHANGED = "sign_in_changed", "How you sign in has changed"
    SECOND_STEP_REFUSED = "second_step_refused", "Somebody who knows your password typed wrong codes"
    SYSTEM_TOKEN_MADE = "system_token_made", "A colleague made a token for a computer system"
    SYSTEM_TOKEN_ENDING = "system_token_ending", "The token of a computer system ends soon"
    PROMISES_BROKEN = "promises_broken", "The nightly check found something that does not hold"
    RECORDS_PUT_BACK = "records_put_back", "The records were put back from a backup: enter again what is missing"

    @property
    def urgency(self) -> Urgency:
        """How soon somebody must look, when nothing else is known."""
        return _URGENCY.get(self, Urgency.ROUTINE)

    @property
    def tells(self) -> Category:
        """What a facility learns by getting it. What is not known to answer its own request is how the person is."""
        return Category.REQUEST if self in _ANSWERS else Category.STANDING

    @property
    def path(self) -> str:
        """The page that shows what it is about, after signing in."""
        return _PATHS.get(self, "/referrals")


_URGENCY = {
    StaffMessage.SAFETY_CONCERN: Urgency.NOW,
    StaffMessage.WELFARE_CHECK_DUE: Urgency.NOW,
    StaffMessage.ESCALATION_RAISED: Urgency.NOW,
    StaffMessage.ESCALATION_AGAIN: Urgency.NOW,
    StaffMessage.OFFER_MADE: Urgency.TODAY,
    StaffMessage.ASSIGNMENT_MADE: Urgency.TODAY,
    StaffMessage.ABSENCE_COVER: Urgency.TODAY,
    StaffMessage.CASE_ENDED: Urgency.NOW,
    StaffMessage.HOLD_STARTED: Urgency.NOW,
    StaffMessage.ADMISSION_SUSPECTED: Urgency.NOW,
    StaffMessage.DISCHARGE_RECORDED: Urgency.NOW,
    StaffMessage.REPLY_RECEIVED: Urgency.TODAY,
    StaffMessage.INCIDENT_OPENED: Urgency.TODAY,
    StaffMessage.REFERRAL_JOINED: Urgency.TODAY,
    StaffMessage.GLASS_BROKEN: Urgency.TODAY,
    StaffMessage.IDENTITY_REFUSED: Urgency.TODAY,
    StaffMessage.SIGN_IN_CHANGED: Urgency.NOW,
    StaffMessage.SECOND_STEP_REFUSED: Urgency.NOW,
    StaffMessage.SYSTEM_TOKEN_MADE: Urgency.TODAY,
    StaffMessage.SYSTEM_TOKEN_ENDING: Urgency.TODAY,
    StaffMessage.PROMISES_BROKEN: Urgency.TODAY,
    StaffMessage.RECORDS_PUT_BACK: Urgency.TODAY,
    StaffMessage.DATE_MOVED: Urgency.TODAY,
    StaffMessage.PLANS_MOVED: Urgency.TODAY,
    StaffMessage.REFERRAL_FILED: Urgency.TODAY,
    StaffMessage.LIST_FILED: Urgency.TODAY,
    StaffMessage.CANCEL_REQUESTED: Urgency.TODAY,
    StaffMessage.DATE_CHECK: Urgency.TODAY,
    StaffMessage.REFERRAL_REJECTED: Urgency.TODAY,
    StaffMessage.REFERRER_TOLD: Urgency.TODAY,
}

_ANSWERS = frozenset(
    {
        StaffMessage.REFERRAL_ACCEPTED,
        StaffMessage.REFERRAL_REJECTED,
        StaffMessage.BRIDGER_NAMED,
        StaffMessage.CANCEL_DECISION,
        StaffMessage.DATE_CHECK,
        StaffMessage.REFERRAL_CLOSED,
    }
)
"""Messages to a facility that say only how its own request is answered, and nothing of the person."""

_PATHS = {
    StaffMessage.SAFETY_CONCERN: "/escalations",
    StaffMessage.WELFARE_CHECK_DUE: "/escalations",
    StaffMessage.ESCALATION_RAISED: "/escalations",
    StaffMessage.ESCALATION_AGAIN: "/escalations",
    StaffMessage.OFFER_MADE: "/offers",
    StaffMessage.ASSIGNMENT_MADE: "/today",
    StaffMessage.ASSIGNMENT_ENDED: "/today",
    StaffMessage.CONTACT_REMINDER: "/today",
    StaffMessage.ABSENCE_COVER: "/today",
    StaffMessage.CONSENT_EXPIRING: "/people",
    StaffMessage.CASE_ENDED: "/today",
    StaffMessage.HOLD_STARTED: "/today",
    StaffMessage.ADMISSION_SUSPECTED: "/board",
    StaffMessage.REPLY_RECEIVED: "/today",
    StaffMessage.INCIDENT_OPENED: "/incidents",
    StaffMessage.REFERRAL_JOINED: "/board",
    StaffMessage.DISCHARGE_RECORDED: "/today",
    StaffMessage.DATE_MOVED: "/today",
    StaffMessage.PLANS_MOVED: "/today",
    StaffMessage.REFERRAL_FILED: "/board",
    StaffMessage.LIST_FILED: "/board",
    StaffMessage.CANCEL_REQUESTED: "/board",
    StaffMessage.GLASS_BROKEN: "/notifications",
    StaffMessage.IDENTITY_REFUSED: "/staff",
    StaffMessage.CHOOSE_PASSWORD: "/choose-password",
    StaffMessage.SIGN_IN_CHANGED: "/account",
    StaffMessage.SECOND_STEP_REFUSED: "/account",
    StaffMessage.SYSTEM_TOKEN_MADE: "/systems",
    StaffMessage.SYSTEM_TOKEN_ENDING: "/systems",
    StaffMessage.PROMISES_BROKEN: "/status",
}


@dataclass(frozen=True, slots=True)
class Recipient:
    """How one member of staff can be reached and wants to be. `zone` is the IANA name of where they are."""

    zone: str
    has_email: bool = True
    has_phone: bool = False
    wants_email: bool = True
    wants_sms: bool = False
    is_on_call: bool = False


@dataclass(frozen=True, slots=True)
class Sending:
    """One message over one channel, not before an instant."""

    channel: Channel
    not_before: datetime


def is_too_old(not_before: datetime, now: datetime, speed: float = 1.0) -> bool:
    """Whether an e-mail or text may not go out any more; in the app it stays. `speed`: of a clock that runs faster."""
    return now - not_before > TOO_OLD * speed


def plan_sending(
    message: StaffMessage, recipient: Recipient, now: datetime, *, is_high_risk: bool = False
) -> tuple[Sending, ...]:
    """Over which channels a message goes, and from when; in the app always and at once.

    What must be seen now goes out at any hour, to whoever is on call by every means there is, and to nobody by the app
    alone while there is an address. What is for today goes by e-mail as wished, and by text only between 08:00 and
    21:00. Routine stays in the app: too many messages hide the one that counts. High risk makes what is for today a
    matter of now.
    """
    urgency = message.urgency
    if is_high_risk and urgency is Urgency.TODAY:
        urgency = Urgency.NOW
    is_routine = urgency is Urgency.ROUTINE
    by_email = recipient.wants_email and not is_routine
    by_sms = recipient.wants_sms and not is_routine
    if urgency is Urgency.NOW and recipient.is_on_call:
        by_email = by_sms = True
    by_sms = by_sms and recipient.has_phone
    by_email = recipient.has_email and (by_email or (urgency is Urgency.NOW and not by_sms))
    sendings = [Sending(Channel.IN_APP, now)]
    if by_email:
        sendings.append(Sending(Channel.EMAIL, now))
    if by_sms:
        sendings.append(Sending(Channel.SMS, now if urgency is Urgency.NOW else next_call(now, recipient.zone)))
    return tuple(sendings)
