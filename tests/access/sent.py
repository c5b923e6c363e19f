"""What is sent to each route that takes a body or a form: as people send it, valid, with ids of one side's things.

`{name}` stands for the id of a thing of whichever side the request is about.
"""

from __future__ import annotations

from typing import Any

from tests.access.world import PASSWORD
from tests.records.notices import notice

NOTE: dict[str, Any] = {"note": "words"}
REASON: dict[str, Any] = {"reason": "words"}

BODIES: dict[str, Any] = {
    "/api/v1/referrals": {"setting": "jail", "person_id": "{person_id}", "expected_on": "2026-12-04"},
    "/api/v1/referrals/preview": {"setting": "jail", "facility_id": "{facility_id}"},
    "/api/v1/referrals/{referral_id}/reject": {"reason": "no_capacity", "note": "words"},
    "/api/v1/referrals/{referral_id}/discharge": {"at": "2026-11-14T15:00:00Z", "disposition": "home"},
    "/api/v1/referrals/{referral_id}/discharge/cancel": NOTE,
    "/api/v1/referrals/{referral_id}/expected-discharge": {"expected_on": "2026-12-05"},
    "/api/v1/referrals/{referral_id}/hold": {"reason": "readmitted"},
    "/api/v1/referrals/{referral_id}/resume": NOTE,
    "/api/v1/referrals/{referral_id}/cancel": REASON,
    "/api/v1/referrals/{referral_id}/cancel/decide": {"agree": True},
    "/api/v1/referrals/{referral_id}/close": {"reason": "services_received_completed"},
    "/api/v1/referrals/{referral_id}/assign": {"bridger_id": "{bridger_id}", "override_reason": "words"},
    "/api/v1/referrals/{referral_id}/notes": NOTE,
    "/api/v1/referrals/{referral_id}/risks": {"risks": ["pregnant"]},
    "/api/v1/referrals/{referral_id}/consent": {"status": "declined"},
    "/api/v1/referrals/{referral_id}/consents": {
        "scope": "contact", "name": "Rosa Pretend", "signature": "Ada Pretend", "method": "paper",
    },
    "/api/v1/referrals/{referral_id}/appointment": {"at": "2026-12-05T15:00:00Z"},
    "/api/v1/referrals/{referral_id}/attempts": {"mode": "call", "outcome": "no_answer"},
    "/api/v1/offers/{offer_id}/decline": {"reason": "private"},
    "/api/v1/contacts/{contact_id}/attempts": {"mode": "call", "outcome": "no_answer"},
    "/api/v1/contacts/{contact_id}/waive": REASON,
    "/api/v1/contacts/{contact_id}/complete": NOTE,
    "/api/v1/attempts/{attempt_id}/take-back": {"why": "words"},
    "/api/v1/escalations/{escalation_id}/act": NOTE,
    "/api/v1/escalations/{escalation_id}/resolve": {"resolution": "arranged", "note": "words"},
    "/api/v1/escalations/{escalation_id}/decide": {"decision": "keep_trying", "reason": "words"},
    "/api/v1/protocols": {"text": "words"},
    "/api/v1/protocols/{protocol_id}/move/preview": {"referral_ids": ["{referral_id}"]},
    "/api/v1/protocols/{protocol_id}/move": {"seen": {"{referral_id}": "words"}},
    "/api/v1/protocols/moves/{move_id}/take-back": {"seen": {"{referral_id}": "words"}},
    "/api/v1/people/search": {"given_name": "Ada", "family_name": "{family}", "birth_on": "1990-01-05"},
    "/api/v1/people/{person_id}": {"pronouns": "they"},
    "/api/v1/staff": {
        "email": "new@pretend.example", "name": "New Pretend", "roles": ["bridger"],
        "facility_id": "{facility_id}", "supervisor_id": "{supervisor_id}",
    },
    "/api/v1/staff/{staff_id}/absences": {"from_at": "2027-03-01T15:00:00Z", "cover_id": "{cover_id}"},
    "/fhir/$process-message": notice("discharge", message_id="m-1"),
}  # fmt: skip
"""By the path of the route: the JSON of a POST or PATCH."""

FORMS: dict[str, dict[str, Any]] = {
    "/sign-in": {"email": "nobody@pretend.example", "password": "not the password"},
    "/account/password": {"current": "x", "password": "x", "again": "x"},
    "/referrals/new": {"draft": "{draft}", "do": "later", "family_name": "Words"},
    "/referrals/new/keep": {"draft": "{draft}", "family_name": "Words"},
    "/referrals/new/discard": {"draft": "{draft}"},
    "/referrals/new/send": {"draft": "{draft}", "who": "new"},
    "/referrals": {"name": "{family}"},
    "/referrals/{referral_id}/date": {"known": "yes", "expected_on": "2026-12-05"},
    "/referrals/{referral_id}/discharge": {"when": "now", "disposition": "home"},
    "/referrals/{referral_id}/discharge/cancel": {"why": "words"},
    "/referrals/{referral_id}/consent": {"status": "declined"},
    "/referrals/{referral_id}/risks": {"risks": "pregnant"},
    "/referrals/{referral_id}/tell/{who}": {
        "to": "contact", "name": "Rosa Pretend", "categories": "standing", "way": "phone",
    },
    "/referrals/{referral_id}/consents": {
        "scope": "treating", "to": "treating", "name": "", "categories": "attendance", "signature": "Ada Words",
        "signer": "person", "method": "screen", "agrees": "yes",
    },
    "/referrals/{referral_id}/ask-to-cancel": REASON,
    "/imports": {"facility_id": "{facility_id}"},
    "/offers/{offer_id}/decline": {"reason": "private"},
    "/people": {"search": "{family}"},
    "/absence": {"first": "2026-12-05", "last": "2026-12-06", "confirmed": "yes"},
    "/referrals/{referral_id}/log": {"mode": "call", "outcome": "no_answer"},
    "/referrals/{referral_id}/attempts/{attempt_id}/take-back": {"why": "twice"},
    "/referrals/{referral_id}/contacts/{contact_id}/done": NOTE,
    "/referrals/{referral_id}/concern": NOTE,
    "/referrals/{referral_id}/note": NOTE,
    "/referrals/{referral_id}/meeting": {"at": "2026-12-05T10:00", "where": "lobby"},
    "/referrals/{referral_id}/appointment": {"at": "2026-12-05T10:00", "where": "clinic"},
    "/referrals/{referral_id}/another-bridger": {"reason": "bridger_asked"},
    "/referrals/{referral_id}/assign/{bridger_id}": {"override_reason": "words"},
    "/referrals/{referral_id}/reject": {"reason": "no_capacity", "note": "words"},
    "/referrals/{referral_id}/cancel": {"answer": "agree"},
    "/referrals/{referral_id}/waive/{contact_id}": REASON,
    "/referrals/{referral_id}/rhythm": {"key": "weekly", "every_days": "14", "reason": "words"},
    "/referrals/{referral_id}/search": NOTE,
    "/referrals/{referral_id}/hold": {"reason": "readmitted"},
    "/referrals/{referral_id}/resume": NOTE,
    "/referrals/{referral_id}/undo-hold": {"why": "words"},
    "/referrals/{referral_id}/close": {"reason": "services_received_completed"},
    "/referrals/{referral_id}/death": {},
    "/referrals/{referral_id}/extend": {"until": "2027-01-15", "why": "words"},
    "/referrals/{referral_id}/undo": {"why": "words"},
    "/bridgers/{bridger_id}/absence": {"first": "2026-12-05", "last": "2026-12-06", "cover_id": "{cover_id}",
                                       "confirmed": "yes"},
    "/bridgers/{bridger_id}/hand-over": {"to_{referral_id}": "{cover_id}"},
    "/people/duplicates/{first_id}/{second_id}/merge": {"keep": "{first_id}"},
    "/notifications/seen": {"until": "2026-11-14T15:00:00Z"},
    "/staff/access": {"grace": "72", "glass": "4", "minors": "both"},
    "/staff/on-duty": {"supervisor_id": "{supervisor_id}"},
    "/staff/new": {"email": "new@pretend.example", "name": "New Pretend", "roles": "bridger",
                   "facility_id": "{facility_id}", "supervisor_id": "{supervisor_id}"},
    "/privacy": {"search": "{family}"},
    "/protocols/new": {"text": "words"},
    "/protocols/{protocol_id}/move/preview": {"which": "ticked", "case": "{referral_id}"},
    "/protocols/{protocol_id}/move": {"seen": "{referral_id}:words", "looked_at": "2026-11-14T15:00:00Z"},
    "/protocols/moves/{move_id}/take-back": {"seen": "{referral_id}:words", "looked_at": "2026-11-14T15:00:00Z"},
    "/break-glass": {"number": "{number}", "reason": "words"},
    "/systems/new": {"name": "Words", "whose": "{facility_id}", "scopes": "referrals.read", "days": "90",
                     "current": PASSWORD},
    "/staff/{staff_id}/disable": {"hand_over_to": "{cover_id}"},
    "/staff/{staff_id}/profile": {"languages": "en", "gender": "unstated"},
    "/referrals/{referral_id}/texts/allow": {"number": "{phone}", "how": "in_person"},
    "/referrals/{referral_id}/texts/refuse": {"number": "{phone}"},
    "/referrals/{referral_id}/texts/clear/{place}": {"number": "{wrong_phone}", "reason": "words"},
    "/incidents/{incident_id}/resolve": {"resolution": "words"},
    "/referrals/{referral_id}/escalations/{escalation_id}/act": NOTE,
    "/referrals/{referral_id}/escalations/{escalation_id}/decide": {"decision": "keep_trying", "reason": "words"},
    "/referrals/{referral_id}/escalations/{escalation_id}/resolve": {"resolution": "arranged", "how": "words"},
}  # fmt: skip
"""By the path of the route: the fields of a page's form. Routes that are not named are sent an empty one."""

QUERIES: dict[str, dict[str, str]] = {
    "/api/v1/referrals": {"bridger_id": "{bridger_id}", "facility_id": "{facility_id}", "person_id": "{person_id}"},
    "/api/v1/contacts": {"bridger_id": "{bridger_id}", "referral_id": "{referral_id}"},
    "/api/v1/escalations": {"referral_id": "{referral_id}"},
    "/referrals/new": {"draft": "{draft}"},
    "/referrals/new/preview": {"draft": "{draft}"},
    "/referrals/{referral_id}/consents/new": {"scope": "treating"},
    "/referrals/{referral_id}/log": {"contact": "{contact_id}"},
    "/board": {"bridger": "{bridger_id}", "facility": "{facility_id}"},
    "/board/{section}": {"bridger": "{bridger_id}", "facility": "{facility_id}"},
    "/bridgers/{bridger_id}/hand-over": {"to": "{cover_id}"},
    "/referrals": {"show": "open"},
    "/measures/{key}/cases": {"kind": "counted"},
}
"""By the path of the route: what may stand behind the question mark and names something of somebody's."""

SENT_QUERIES: dict[str, dict[str, str]] = {"/api/v1/imports": {"facility_id": "{facility_id}"}}
"""The same for what is sent by a POST."""

LIST = b"first_name,last_name\nAda,Words\n"
"""What is sent as a release list. It lacks columns, so that nothing is filed."""

FIXED = {
    "key": "referral-to-acceptance", "section": "waiting", "token": "none", "form_id": "none", "who": "anybody",
    "place": "1",
}  # fmt: skip
"""Parts of a path that are words of ours and nobody's thing."""
