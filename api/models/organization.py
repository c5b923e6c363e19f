"""Staff, protocols and the feed of events as the API takes and gives them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from api.models.common import FileText, Id, In, Instant, Out, Text
from domain.vocabulary import Role, Setting
from records.queries.protocol_moves import MOST_CASES


class StaffOut(Out):
    """A member of staff."""

    id: Id
    name: str
    first_name: str
    email: str
    phone: str
    roles: list[Role]
    facility_id: Id | None
    supervisor_id: Id | None
    is_active: bool
    created_at: Instant

    def location(self) -> str:
        """Its address."""
        return f"/api/v1/staff/{self.id}"


class StaffIn(In):
    """Somebody who will sign in. Passwords are set apart."""

    email: Text
    name: Text
    roles: list[Role] = Field(max_length=7)
    first_name: Text = ""
    phone: Text = ""
    facility_id: Id | None = None
    supervisor_id: Id | None = None


class AbsenceIn(In):
    """A bridger is away; with a cover, the people move there for that time."""

    from_at: Instant
    until_at: Instant | None = None
    cover_id: Id | None = None


class AbsenceOut(Out):
    """A time in which a bridger is away."""

    id: Id
    bridger_id: Id
    from_at: Instant
    until_at: Instant | None
    cover_id: Id | None
    ended_at: Instant | None


class MovedOut(Out):
    """The referrals whose people went to somebody else."""

    referral_ids: list[Id]


class ProtocolOut(Out):
    """A published version of a protocol. It never changes."""

    id: Id
    key: str
    version: int
    title: str
    published_at: Instant
    settings: list[Setting] = []


class ProtocolTextOut(ProtocolOut):
    """The same with the file as it was published."""

    text: str = Field(description="TOML")


class ProtocolIn(In):
    """A version to publish."""

    text: FileText = Field(description="TOML")


class MovePreviewIn(In):
    """Which running cases to look at."""

    referral_ids: Annotated[list[Id], Field(min_length=1, max_length=MOST_CASES)]


class MoveIn(In):
    """What a preview gave, sent back: nothing moves unless all of it would change as it was shown."""

    seen: Annotated[dict[Id, str], Field(min_length=1, max_length=MOST_CASES)]
    looked_at: Instant | None = None


class WindowOut(Out):
    """A contact in a preview: when it is due, and when it would be."""

    key: str
    seq: int
    due_at: Instant | None
    after: Instant | None


class CaseMoveOut(Out):
    """What would become of one case. `stays` says why it cannot move; empty when it can."""

    referral_id: Id
    number: str
    before: int = Field(description="the version that it follows now")
    appears: list[WindowOut]
    disappears: list[WindowOut]
    moves: list[WindowOut]
    not_asked_for: list[WindowOut] = Field(description="its time was over before")
    stays_on_record: list[WindowOut]
    calls_settled: int
    due_at_once: list[str] = Field(description="the kinds of what is carried out at once")
    called: list[str] = Field(description="who is called at once, by name")
    stays: str


class MovePreviewOut(Out):
    """What would change, case by case."""

    protocol_id: Id
    cases: list[CaseMoveOut]
    told: list[str] = Field(description="the bridgers whose plans would change, by name")
    seen: dict[str, str]
    looked_at: Instant


class MoveOut(Out):
    """A move that was made."""

    id: Id
    protocol_id: Id
    made_at: Instant
    undone_at: Instant | None
    cases: int
    undone: int


class EventOut(Out):
    """One thing that happened, as the journal keeps it."""

    id: int
    referral_id: Id
    seq: int
    event: str
    at: Instant
    recorded_at: Instant
    actor: str
    subject_id: str
    data: dict[str, Any]


class EventsOut(Out):
    """The next events, oldest first."""

    items: list[EventOut]
    last_id: int = Field(description="send it as `after` for the next ones; it stays when there are none")


class ImportRowOut(Out):
    """What became of one row of a release list. It names nobody."""

    number: int = Field(description="the row in the list, as a spreadsheet counts")
    result: str = Field(description="filed, matched (updated), duplicate (known already) or refused")
    sentence: str
    referral_id: Id | None


class ImportOut(Out):
    """What became of a release list."""

    id: Id
    counts: dict[str, int]
    rows: list[ImportRowOut]
