"""Who should be asked to walk with this person: hard rules first, then points, every one of them in words.

A hard rule leaves somebody out and says why. The points rank who is left; a supervisor may judge otherwise and reads
the same sentences. Nothing here is a person's worth: it is what the records say about fit and room.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta

from domain.clock import local_date
from domain.languages import language_name
from domain.match_facts import Absence, Barrier, Candidate, Excluded, Limits, Need, Ranked, Ranking, Rule
from domain.spoken import spoken_due, spoken_far_date
from domain.vocabulary import Gender, Strength

LANGUAGE = 25
"""Points for speaking the person's language: nothing works without it, so it weighs most."""
LIVED_EXPERIENCE = 20
"""Points for having been in the same setting: it is what makes peer support peer support."""
LOAD = 20
"""Points for an empty caseload, in proportion: somebody with room can be there in the first days."""
GENDER = 15
"""Points for being of the gender that the person would like."""
CONTINUITY = 15
"""Points for having walked with this person before, who need not start over."""
IN_REACH = 15
"""Points taken from whoever is away until the meeting before leaving is due: somebody else must then stand in."""
CLOSENESS = 5
"""Points for working in just this area, in proportion to how exactly it is known."""

FIRST_DAYS = timedelta(days=3)
"""The days in which a bridger must not be away: risk peaks on days two and three, which is why NHS England follows up
within 72 hours."""


def rank(need: Need, candidates: Iterable[Candidate], now: datetime, limits: Limits | None = None) -> Ranking:
    """Rank the candidates for a person at the instant `now`.

    Every candidate appears once, ranked or excluded. Equal points go to the lighter load, then to the lower id, so the
    same facts give the same order.
    """
    limits = limits or Limits()
    everybody = sorted(candidates, key=lambda c: c.id)
    supervised = Counter(c.supervisor_id for c in everybody if c.is_active)
    able, excluded = [], []
    for candidate in everybody:
        barriers = find_barriers(need, candidate, now, limits)
        if barriers:
            excluded.append(Excluded(candidate.id, barriers))
        else:
            able.append((candidate.share(limits), _weighed(need, candidate, now, limits, supervised)))
    able.sort(key=lambda pair: (-pair[1].score, pair[0], pair[1].candidate_id))
    return Ranking(tuple(ranked for _, ranked in able), tuple(excluded), _notes(need))


def why_nobody(ranking: Ranking) -> str:
    """Why nobody can be asked, counted: `5 do not speak the language asked for, 1 is away when it counts`."""
    if not ranking.excluded:
        return "the program has no active bridger"
    counted = Counter("" if e.is_private else e.rule for e in ranking.excluded)
    said = ((count, *_COUNTED[rule]) for rule, count in sorted(counted.items(), key=lambda item: (-item[1], item[0])))
    return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in said)


_COUNTED = {
    "": ("is not available", "are not available"),
    Rule.PROGRAM: ("works for another program", "work for another program"),
    Rule.INACTIVE: ("is not taking people", "are not taking people"),
    Rule.AREA: ("does not work in the area", "do not work in the area"),
    Rule.CLEARANCE: ("has no clearance for the facility", "have no clearance for the facility"),
    Rule.LANGUAGE: ("does not speak the language asked for", "do not speak the language asked for"),
    Rule.GENDER: ("is not of the gender asked for", "are not of the gender asked for"),
    Rule.ABSENCE: ("is away when it counts", "are away when it counts"),
    Rule.CASELOAD: ("has no room", "have no room"),
    Rule.ANSWERED: ("was offered this person before", "were offered this person before"),
}
"""Each rule after a count of one and of more. Private rules are all the same to whoever reads them: `""`."""


def find_barriers(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> tuple[Barrier, ...]:
    """Every hard rule that stands between this candidate and this person, private ones last."""
    found = ((rule, check(need, candidate, now, limits)) for rule, check in HARD_RULES.items())
    return tuple(Barrier(rule, sentence) for rule, sentence in found if sentence)


def _program(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    return "Works for another program." if candidate.program_id != need.program_id else ""


def _inactive(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    return "" if candidate.is_active else "Is not taking people at present."


def _area(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    if need.area and candidate.areas and not _exactness(need, candidate):
        return f"Does not work in the area {need.area}."
    return ""


def _clearance(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    if not need.needs_in_reach or not need.facility_id:
        return ""
    ends = [c.until_on for c in candidate.clearances if c.facility_id == need.facility_id]
    if not ends:
        return "Has no clearance to enter the facility."
    needed_until = local_date(max(now, need.leaves_at or now), need.zone)
    last = max((end or date.max for end in ends), default=date.max)
    return (
        f"Clearance to enter the facility ends on {spoken_far_date(last)}, before it is needed."
        if last < needed_until
        else ""
    )


def _language(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    if need.language and need.language_strength is Strength.HARD and need.language not in candidate.languages:
        return f"Does not speak {language_name(need.language)}, which the person must have."
    return ""


def _gender(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    if need.gender in _GENDER_WORDS and need.gender_strength is Strength.HARD and need.gender is not candidate.gender:
        return f"{_GENDER_WORDS[need.gender][1]}, which the person must have."
    return ""


def _absence(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    leaves = max(now, need.leaves_at or now)
    meets_before = need.needs_in_reach or need.meets_by is not None
    for absence in candidate.absences:
        if absence.overlaps(leaves, leaves + FIRST_DAYS):
            return f"{_away(need, absence)}, during the first three days."
        if meets_before and now < leaves and absence.covers(now, leaves):
            return "Is away all the time until the person leaves, and cannot meet them before."
    return ""


def _away(need: Need, absence: Absence) -> str:
    until = f" until {spoken_far_date(local_date(absence.until_at, need.zone))}" if absence.until_at else ""
    return f"Is away{until}"


def _misses_in_reach(need: Need, candidate: Candidate, now: datetime) -> str:
    """Away until the meeting before leaving is due, and back for the leaving itself: it counts, and is said."""
    if need.meets_by is None or need.meets_by <= now:
        return ""
    away = next((a for a in candidate.absences if a.covers(now, need.meets_by)), None)
    if away is None:
        return ""
    return f"{_away(need, away)}: cannot meet them before they leave by {spoken_due(need.meets_by, need.zone, now)}."


def _caseload(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    limit = candidate.limit(limits)
    return f"Supports {_load_shown(candidate, limit)}: no room." if candidate.load >= limit else ""


def _answered(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    return "Was offered this person already and did not take it." if candidate.has_answered else ""


def _conflict(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    return "Declared a conflict." if need.person_id in candidate.conflicts else ""


def _protective_order(need: Need, candidate: Candidate, now: datetime, limits: Limits) -> str:
    if candidate.id in need.protective_orders or need.person_id in candidate.protective_orders:
        return "A protective order stands between them."
    return ""


HARD_RULES: dict[Rule, Callable[[Need, Candidate, datetime, Limits], str]] = {
    Rule.PROGRAM: _program,
    Rule.INACTIVE: _inactive,
    Rule.AREA: _area,
    Rule.CLEARANCE: _clearance,
    Rule.LANGUAGE: _language,
    Rule.GENDER: _gender,
    Rule.ABSENCE: _absence,
    Rule.CASELOAD: _caseload,
    Rule.ANSWERED: _answered,
    Rule.CONFLICT: _conflict,
    Rule.PROTECTIVE_ORDER: _protective_order,
}
"""Each gives a sentence when it stands against the candidate, nothing when it does not."""


def _weighed(need: Need, candidate: Candidate, now: datetime, limits: Limits, supervised: Counter[str]) -> Ranked:
    points = 0.0
    reasons_for: list[str] = []
    reasons_against: list[str] = []

    def count(holds: bool, weight: float, yes: str, no: str = "") -> None:
        nonlocal points
        points += weight if holds else 0
        (reasons_for if holds else reasons_against).append(yes if holds else no)

    if need.language:
        name = language_name(need.language)
        count(need.language in candidate.languages, LANGUAGE, f"Speaks {name}.", f"Does not speak {name}.")
    if need.gender in _GENDER_WORDS:
        yes, no = _GENDER_WORDS[need.gender]
        count(
            candidate.gender is need.gender, GENDER, f"{yes}, as the person would like.", f"{no}, which was asked for."
        )
    setting = need.setting.label.lower()
    count(
        need.setting in candidate.lived_experience,
        LIVED_EXPERIENCE,
        f"Has lived experience of this setting ({setting}).",
        f"Lived experience of this setting ({setting}) is not recorded.",
    )
    if need.person_id in candidate.previously_bridged:
        count(True, CONTINUITY, "Has walked with this person before.")
    if need.area:
        exactness = _exactness(need, candidate)
        shown = f"Works in the area {need.area}." if exactness == 1 else f"Works in the wider area of {need.area}."
        count(exactness > 0, CLOSENESS * exactness, shown, "No area of their own is recorded.")
    if missed := _misses_in_reach(need, candidate, now):
        points -= IN_REACH
        reasons_against.append(missed)
    share = candidate.share(limits)
    sentence = f"Supports {_load_shown(candidate, candidate.limit(limits))}."
    count(share <= 0.5, 0, sentence, sentence)
    points += LOAD * (1 - share)
    if not candidate.supervisor_id:
        reasons_against.append("No supervisor is recorded.")
    elif supervised[candidate.supervisor_id] > limits.supervisor:
        reasons_against.append(f"Their supervisor has more than {limits.supervisor} bridgers.")
    return Ranked(candidate.id, round(max(points, 0)), tuple(reasons_for), tuple(reasons_against))


_GENDER_WORDS = {
    Gender.WOMAN: ("Is a woman", "Is not recorded as a woman"),
    Gender.MAN: ("Is a man", "Is not recorded as a man"),
    Gender.NONBINARY: ("Is non-binary", "Is not recorded as non-binary"),
}
"""Who asks for a bridger of unstated gender asks for nothing: it is not here."""


def _exactness(need: Need, candidate: Candidate) -> float:
    """How much of the person's postal code the candidate's areas share: 0 is none, 1 is all that is known of it."""
    area = _tidy(need.area)
    shared = [
        min(len(a), len(area)) for a in map(_tidy, candidate.areas) if a and (area.startswith(a) or a.startswith(area))
    ]
    return max(shared, default=0) / len(area) if area else 0


def _tidy(area: str) -> str:
    return area.replace(" ", "").replace("-", "").upper()


def _load_shown(candidate: Candidate, limit: int) -> str:
    offered = f" and is offered {candidate.open_offers} more" if candidate.open_offers else ""
    return f"{candidate.caseload} of at most {limit} people{offered}"


def _notes(need: Need) -> tuple[str, ...]:
    return ("Visits are made in pairs: a second person is needed.",) if need.visits_in_pairs else ()
