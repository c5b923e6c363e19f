"""Where each role can go from every page. One table, in the order people read it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from domain.vocabulary import Role


class Place(NamedTuple):
    """One entry of the navigation before it is shown to anybody."""

    label: str
    href: str
    icon: str


class NavItem(NamedTuple):
    """One entry as the frame shows it. `badge` is a count that waits there, 0 for none."""

    label: str
    href: str
    is_current: bool
    badge: int
    icon: str


TODAY = Place("Today", "/today", "today")
OFFERS = Place("Offers", "/offers", "offer")
MY_PEOPLE = Place("My people", "/people", "people")
PEOPLE = Place("People", "/people", "people")
REFERRALS = Place("Referrals", "/referrals", "list")
NEW_REFERRAL = Place("New referral", "/referrals/new", "add")
BOARD = Place("Board", "/board", "board")
ESCALATIONS = Place("Escalations", "/escalations", "alert")
BRIDGERS = Place("Bridgers", "/bridgers", "people")
MEASURES = Place("Measures", "/measures", "chart")
STAFF = Place("Staff", "/staff", "people")
SYSTEMS = Place("Systems", "/systems", "shield")
OUTBOX = Place("Outbox", "/outbox", "offer")
STATUS = Place("Status", "/status", "chart")
GLASS = Place("Open with a reason", "/break-glass", "shield")
PRIVACY = Place("Who looked", "/privacy", "shield")
INCIDENTS = Place("Incidents", "/incidents", "alert")

PLACES: dict[str, tuple[Place, ...]] = {
    Role.BRIDGER: (TODAY, OFFERS, MY_PEOPLE),
    Role.PLANNER: (REFERRALS, NEW_REFERRAL),
    Role.SUPERVISOR: (BOARD, ESCALATIONS, BRIDGERS, MEASURES),
    Role.CLINICIAN: (ESCALATIONS, PEOPLE, GLASS),
    Role.MANAGER: (BOARD, ESCALATIONS, BRIDGERS, MEASURES, STAFF),
    Role.ADMIN: (STAFF, SYSTEMS, OUTBOX, STATUS),
    Role.PRIVACY: (PRIVACY, INCIDENTS),
}


def navigation(roles: Iterable[str], path: str, badges: Mapping[str, int]) -> list[NavItem]:
    """The entries for somebody with these roles, each place once, the one that holds `path` marked as current.

    `badges` maps an href to how much waits there.
    """
    places: dict[str, Place] = {}
    for role in roles:
        for place in PLACES.get(role, ()):
            places.setdefault(place.href, place)
    holding = [href for href in places if path == href or path.startswith(href + "/")]
    current = max(holding, key=len, default=None)
    return [NavItem(p.label, p.href, p.href == current, badges.get(p.href, 0), p.icon) for p in places.values()]
