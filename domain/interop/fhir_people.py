"""The person and the facility of a FHIR notification."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from domain.interop.fhir_bundle import Bundle, codings
from domain.interop.moments import read_date, read_moment
from domain.interop.reading import MessageIncomplete, MessageUnsupported, Node
from domain.vocabulary import Gender

NOT_TAKEN_TYPES = frozenset({"SS", "SB", "DL", "PPN", "TAX", "CC", "BC"})
"""Types of identifiers (HL7 table 0203) that we have no business holding."""
NOT_TAKEN_SYSTEMS = frozenset(
    {"http://hl7.org/fhir/sid/us-ssn", "urn:oid:2.16.840.1.113883.4.1", "urn:oid:2.16.840.1.113883.4.3.25"}
)
"""The same by system, for senders that give no type."""


@dataclass(frozen=True, slots=True)
class IdentifierFacts:
    """A number by which somebody is known to a system. `type` is a code of HL7 table 0203 (MR, VN …) or empty."""

    system: str
    value: str
    type: str

    @property
    def key(self) -> str:
        """System and value in one, as FHIR searches write it."""
        return f"{self.system}|{self.value}" if self.system else self.value


@dataclass(frozen=True, slots=True)
class AddressFacts:
    """A postal address, as it was sent."""

    lines: tuple[str, ...] = ()
    city: str = ""
    state: str = ""
    postal_code: str = ""

    def __str__(self) -> str:
        """On one line."""
        place = " ".join(filter(None, (self.state, self.postal_code)))
        return ", ".join(filter(None, (*self.lines, self.city, place)))


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """What the sender says about the person. `birth_on` is None when not sent or not known to the day;
    `language` is a two or three letter code, or empty."""

    family: str
    given: str
    birth_on: date | None
    gender: Gender
    identifiers: tuple[IdentifierFacts, ...]
    phones: tuple[str, ...]
    address: AddressFacts | None
    language: str
    is_deceased: bool
    deceased_at: datetime | None


@dataclass(frozen=True, slots=True)
class FacilityFacts:
    """What the sender says about the place."""

    name: str
    identifiers: tuple[IdentifierFacts, ...]


def read_person(patient: Node, zone: str) -> PersonFacts:
    """The person. Raises `MessageUnsupported` when the record is not in use, `MessageIncomplete` without a name."""
    active = patient.find("active")
    if active is not None and not patient.is_true("active"):
        raise MessageUnsupported("This Patient record is not in use.", active.pointer)
    for link in patient.each("link"):
        if link.find_text("type") == "replaced-by":
            raise MessageUnsupported("This Patient record was replaced by another.", link.pointer)
    family, given = _name(patient)
    birth = patient.find("birthDate")
    died = patient.find("deceasedDateTime")
    return PersonFacts(
        family=family,
        given=given,
        birth_on=read_date(birth) if birth else None,
        gender={"male": Gender.MAN, "female": Gender.WOMAN}.get(patient.find_text("gender"), Gender.UNSTATED),
        identifiers=read_identifiers(patient),
        phones=_phones(patient),
        address=_address(patient),
        language=_language(patient),
        is_deceased=died is not None or patient.is_true("deceasedBoolean"),
        deceased_at=read_moment(died, zone).at if died else None,
    )


def read_facility(bundle: Bundle, header: Node, encounter: Node) -> FacilityFacts:
    """The place: the stay's provider, else who sent the message, else the stay's last location.

    Raises `MessageIncomplete` when none of them has a name.
    """
    locations = [place.find("location") for place in encounter.each("location")]
    candidates = [(encounter.find("serviceProvider"), encounter), (header.find("sender"), header)]
    candidates += [(location, encounter) for location in reversed(locations)]
    for reference, owner in candidates:
        if reference is None:
            continue
        found = bundle.find(reference, owner)
        name = (found.find_text("name") if found else "") or reference.find_text("display")
        if name:
            return FacilityFacts(name, read_identifiers(found) if found else ())
    raise MessageIncomplete(
        "The message does not say which facility it is about.", f"{encounter.pointer}/serviceProvider"
    )


def read_identifiers(resource: Node) -> tuple[IdentifierFacts, ...]:
    """The identifiers in use, without those that we do not take."""
    found = []
    for node in resource.each("identifier"):
        system, value = node.find_text("system"), node.find_text("value")
        kinds = [c.find_text("code") for c in codings(node.find("type"))]
        if value and system not in NOT_TAKEN_SYSTEMS and not NOT_TAKEN_TYPES.intersection(kinds) and _in_use(node):
            found.append(IdentifierFacts(system, value, kinds[0] if kinds else ""))
    return tuple(found)


_NAME_USES = ("official", "usual", "")


def _name(patient: Node) -> tuple[str, str]:
    """Family and given names of the name that counts most."""
    names = [n for n in patient.each("name") if _in_use(n) and (n.find_text("family") or n.first("given"))]
    if not names:
        raise MessageIncomplete("The person has neither a family nor a given name.", f"{patient.pointer}/name")
    names.sort(key=lambda n: _rank(n.find_text("use"), _NAME_USES))
    return names[0].find_text("family"), " ".join(filter(None, (g.text() for g in names[0].each("given"))))


def _phones(patient: Node) -> tuple[str, ...]:
    numbers = (
        t.find_text("value", 40)
        for t in patient.each("telecom")
        if t.find_text("system") in ("phone", "sms") and _in_use(t)
    )
    return tuple(dict.fromkeys(filter(None, numbers)))


def _address(patient: Node) -> AddressFacts | None:
    addresses = sorted(
        (a for a in patient.each("address") if _in_use(a)), key=lambda a: _rank(a.find_text("use"), ("home",))
    )
    if not addresses:
        return None
    best = addresses[0]
    lines = tuple(filter(None, (line.text() for line in best.each("line"))))
    return AddressFacts(lines, best.find_text("city"), best.find_text("state"), best.find_text("postalCode"))


def _language(patient: Node) -> str:
    spoken = sorted(patient.each("communication"), key=lambda c: not c.is_true("preferred"))
    for code in _codes(spoken):
        primary = code.replace("_", "-").split("-")[0].lower()
        if primary.isascii() and primary.isalpha() and len(primary) in (2, 3):
            return primary
    return ""


def _codes(spoken: list[Node]) -> Iterator[str]:
    for one in spoken:
        for coding in codings(one.find("language")):
            yield coding.find_text("code")


def _in_use(node: Node) -> bool:
    return node.find_text("use") != "old"


def _rank(word: str, order: tuple[str, ...]) -> int:
    return order.index(word) if word in order else len(order)
