"""What another organization's computer system may do here."""

from __future__ import annotations

from domain.vocabulary.words import Word


class SystemScope(Word):
    """One thing that a system's token may be good for. Every route of the API belongs to one of them, or to none."""

    REFERRALS_READ = "referrals.read", "Read referrals, and how they stand"
    REFERRALS_WRITE = "referrals.write", "File referrals, and change what was filed"
    FHIR_RECEIVE = "fhir.receive", "Send word of admissions and discharges (FHIR)"
    RELEASES_IMPORT = "releases.import", "Send release lists"
    EVENTS_READ = "events.read", "Follow what happens, as a feed"
    MEASURES_READ = "measures.read", "Read the program's measures"
