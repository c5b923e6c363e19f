"""Somebody of whom everything is told, and what a copy of the database tells of them."""

from __future__ import annotations

import subprocess
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from cli.local_postgres import postgres_binaries
from domain.vocabulary import PlaceKind
from records import engine
from records.access import system_actor
from records.commands.drafts import keep_draft
from records.queries.people import find_duplicates
from records.queries.planner import find_standings
from records.queries.readings import find_people
from tests.api.house import NOW, House

FIRST, SECOND = "a1" * 32, "b2" * 32
PERSON: dict[str, Any] = {
    "given_name": "Quillabeth",
    "family_name": "Zorvane-Ottik",
    "preferred_name": "Quillie",
    "aliases": ["Brixandra Vool"],
    "birth_on": "1961-04-23",
    "pronouns": "xenpronoun",
    "area": "90417",
    "phones": [{"number": "(212) 555-0167", "note": "askforplim", "kind": "own"}],
    "places": [{"kind": PlaceKind.SHELTER.value, "text": "undertheviaduct", "when": "duskhours"}],
    "safety_flags": ["no_home_visits"],
    "safety_note": "twodogsbite",
    "identifiers": [{"system": "urn:mrn", "value": "MRN-77120934"}],
}
PLANTED = (
    "Quillabeth", "Zorvane", "Ottik", "Quillie", "Brixandra", "1961-04-23", "xenpronoun", "90417", "2125550167",
    "askforplim", "undertheviaduct", "duskhours", "twodogsbite", "MRN-77120934", "VISIT-5590", "wardnine", "courtheld",
    "needsacrutch", "clinicbythesea", "saidshecried", "tellsofthebrother", "halfwritten",
)  # fmt: skip


def plant(house: House) -> str:
    """Somebody of whom everything is told; the referral's id."""
    referral_id = house.accepted(
        person=PERSON, visit_id="VISIT-5590", unit="wardnine", legal_status="courtheld", note="needsacrutch",
        first_appointment_where="clinicbythesea",
    )  # fmt: skip
    house.post("bridger", f"/referrals/{referral_id}/attempts", {
        "mode": "call", "outcome": "no_answer", "at": NOW.isoformat(), "note": "saidshecried",
    })  # fmt: skip
    house.post("bridger", f"/referrals/{referral_id}/notes", {"note": "tellsofthebrother"})
    with engine.transaction() as session:
        planner = system_actor(house.program_id)
        keep_draft(session, planner, "drf_0123456789abcdef", {"family_name": ["halfwritten"]})
    return referral_id


def copy_of(url: str) -> str:
    """Everything that a copy of the database holds, as text: the files of SQLite, or what pg_dump writes."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        path = Path(str(parsed.database))
        return "".join(one.read_bytes().decode("latin-1") for one in path.parent.glob(f"{path.name}*"))
    line = [postgres_binaries() / "pg_dump", "--host", parsed.query["host"], "--username", "postgres", parsed.database]
    return subprocess.run(list(map(str, line)), capture_output=True, text=True, check=True).stdout


def hits(url: str) -> set[str]:
    """What of the planted words a copy tells."""
    copied = copy_of(url)
    return {word for word in PLANTED if word in copied}


def check_found(house: House) -> None:
    """Each way of finding somebody leads to them, and close misses do not."""
    with engine.read_session() as session:
        by_number = find_duplicates(session, house.program_id, identifiers=[("", "MRN-77120934")])
        assert [one.score for one in by_number] == [100]
        born = date(1961, 4, 23)
        by_name = find_duplicates(
            session, house.program_id, given_name="Quilabeth", family_name="Zorvane-Otik", birth_on=born
        )
        assert len(by_name) == 1
        actor = system_actor(house.program_id)
        for words in ("zor", "OTTIK quil", "quillie", "Quillabeth Zorvane"):
            assert len(find_standings(session, actor, NOW, words)) == 1, words
        for words in ("orvane", "zorx", "quil smith"):
            assert find_standings(session, actor, NOW, words) == [], words
        assert [p.family_name for p, _ in find_people(session, actor, "zorvane-ottik")] == ["Zorvane-Ottik"]
        assert find_people(session, actor, "zorvane") == []
    visit = house.post("planner", "/people/search", {"identifiers": [{"system": "", "value": "MRN-77120934"}]})
    assert len(visit["items"]) == 1


def vacuum(url: str) -> None:
    """What was overwritten is gone from the file, as docs/encryption.md asks after a first sealing."""
    engine.dispose()
    engine.configure(url)
    if url.startswith("sqlite"):
        connection = engine.database().write.raw_connection()
        connection.driver_connection.execute("VACUUM")  # type: ignore[union-attr]
        connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        connection.close()
