"""Texts that go to a person by themselves: which there are, and whether one may go out at a moment. Pure rules.

An automated text is never a contact and never an attempt: nobody can answer a machine (TCM; acceptance scenario 37).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import cache
from pathlib import Path

from domain.clock import CALLS_FROM, at_local, local, local_date, next_call
from domain.spoken import spoken
from domain.vocabulary import NotificationState, TextKind

MOST_A_DAY, MOST_A_WEEK = 1, 3
"""Texts to one person and to one number, by dates where the person is; a week is any seven dates in a row. As the
health care exemption of 47 CFR 64.1200(a)(9)(iv) is commonly read."""
LANGUAGES = ("en", "es")
"""Languages in which the texts are written. Whoever speaks another gets English."""
FOLDER = Path(__file__).parent / "texts"
WORDING = "2026-11"
"""What a person is told before they say whether they want texts: `domain/texts/texting.<this>.txt`."""

REMIND_AT = time(10)
"""When on the day before a meeting its reminder goes (project choice)."""
NO_REMINDER_WITHIN = timedelta(hours=3)
"""A meeting that is so near needs no reminder (project choice)."""
GOOD_FOR: dict[TextKind, timedelta] = {
    TextKind.WELCOME: timedelta(hours=24),
    TextKind.INTRODUCTION: timedelta(hours=72),
    TextKind.TRIED: timedelta(hours=24),
    TextKind.STOPPED: timedelta(minutes=5),  # 47 CFR 64.1200(a)(12): taken to be agreed to within five minutes
    TextKind.RESUMED: timedelta(minutes=15),
    TextKind.HELP: timedelta(minutes=15),
    TextKind.DANGER: timedelta(minutes=15),
}
"""How long each is still true after its time; a reminder is until shortly before the meeting. Project choices."""
ANSWERS = frozenset({TextKind.STOPPED, TextKind.RESUMED, TextKind.HELP, TextKind.DANGER})
"""What answers the person's own text within minutes: at any hour, and it counts for no limit."""
ONCE_A_DAY = frozenset({TextKind.HELP, TextKind.DANGER})
"""Answers that are not repeated within a day, so that two machines do not talk to each other for ever."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands with texts to one person's number. `sent` are the automated texts that went to the person or the
    number lately, the answers left out."""

    zone: str
    is_permitted: bool  # they said yes to texts on this number, and have not taken it back
    is_stopped: bool = False  # STOP came from this number, and no START since: it holds for everybody who has it
    is_quarantined: bool = False  # somebody else answered there
    is_on_record: bool = True  # it is still among the person's numbers
    has_died: bool = False
    is_followed: bool = True  # the referral is accepted and neither on hold nor over
    is_in_custody: bool = False  # the phone is not with them, and others may read it
    has_agreed: bool = True  # to be contacted
    is_still_true: bool = True  # the meeting, the bridger, the missed call that it speaks of
    sent: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a text may go: now, not before `later`, or never, as `state`; and why."""

    later: datetime | None = None
    state: NotificationState | None = None
    why: str = ""

    @property
    def goes(self) -> bool:
        """Whether it may go now."""
        return self.later is None and self.state is None


def judge(kind: TextKind, standing: Standing, good_until: datetime, now: datetime) -> Verdict:
    """Whether this text may go now. Asked when it is taken up and once more when it is handed over."""
    refusal = _refusal(kind, standing)
    if refusal is not None:
        return refusal
    if now > good_until:
        return Verdict(state=NotificationState.STALE, why="what it says was not true any more")
    if kind in ANSWERS:
        return Verdict()
    at = next_allowed(standing.sent, now, standing.zone)
    if at <= now:
        return Verdict()
    if at > good_until:
        return Verdict(state=NotificationState.STALE, why=_too_late(standing, now))
    return Verdict(later=at)


def next_allowed(sent: Iterable[datetime], now: datetime, zone: str) -> datetime:
    """The first moment from now on that is in waking hours where the person is and within the limits."""
    dates = Counter(local_date(at, zone) for at in sent)
    at = next_call(now, zone)
    first = day = local_date(at, zone)
    while dates[day] >= MOST_A_DAY or sum(dates[day - timedelta(days=back)] for back in range(7)) >= MOST_A_WEEK:
        day += timedelta(days=1)
    return at if day == first else at_local(day, CALLS_FROM, zone)


def reminder_times(meeting_at: datetime, zone: str, now: datetime) -> tuple[datetime, datetime] | None:
    """From when and until when a meeting's reminder may go; None when there is no time for one."""
    until = meeting_at - NO_REMINDER_WITHIN
    day_before = local_date(meeting_at, zone) - timedelta(days=1)
    start = max(at_local(day_before, REMIND_AT, zone), now)
    return (start, until) if start < until else None


def language_of(language: str) -> str:
    """The language in which a person is written to."""
    return language if language in LANGUAGES else LANGUAGES[0]


def spoken_in(language: str, at: datetime, zone: str, now: datetime) -> str:
    """An instant as a text says it: `Thu Nov 26, 5 pm`; in Spanish `jue 26 de nov, 5 pm`."""
    if language != "es":
        return spoken(at, zone, now)
    there, this_year = local(at, zone), local(now, zone).year
    year = "" if there.year == this_year else f" de {there.year}"
    minutes = f":{there:%M}" if there.minute else ""
    half = "am" if there.hour < 12 else "pm"
    month = _MONTHS[there.month - 1]
    return f"{_DAYS[there.weekday()]} {there.day} de {month}{year}, {there.hour % 12 or 12}{minutes} {half}"


@cache
def wording(version: str = WORDING) -> str:
    """What a person is told before they say whether they want texts. Raises FileNotFoundError for no such version."""
    return " ".join((FOLDER / f"texting.{version}.txt").read_text(encoding="utf-8").split())


_DAYS = ("lun", "mar", "mié", "jue", "vie", "sáb", "dom")
_MONTHS = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic")


def _refusal(kind: TextKind, standing: Standing) -> Verdict | None:
    """What forbids it for good. The answer to a STOP is the one text that goes out after it."""
    if standing.is_quarantined:
        return Verdict(state=NotificationState.WITHHELD, why="somebody else answered at this number")
    if standing.is_stopped and kind is not TextKind.STOPPED:
        return Verdict(state=NotificationState.WITHHELD, why="this number asked for no more texts")
    if kind is TextKind.STOPPED and not standing.is_stopped:
        return Verdict(state=NotificationState.CANCELLED, why="they asked for texts again")
    if standing.has_died:
        return Verdict(state=NotificationState.CANCELLED, why="the case ended")
    if kind in ANSWERS:
        return None
    if not (standing.is_permitted and standing.is_on_record):
        return Verdict(state=NotificationState.WITHHELD, why="they have not said yes to texts on this number")
    if not standing.has_agreed:
        return Verdict(state=NotificationState.WITHHELD, why="their consent to be contacted does not stand")
    if standing.is_in_custody or not standing.is_followed:
        return Verdict(state=NotificationState.CANCELLED, why="the plan rests or has ended")
    if not standing.is_still_true:
        return Verdict(state=NotificationState.CANCELLED, why="what it says was not true any more")
    return None


def _too_late(standing: Standing, now: datetime) -> str:
    today = local_date(now, standing.zone)
    week = [at for at in standing.sent if local_date(at, standing.zone) > today - timedelta(days=7)]
    if len(week) >= MOST_A_WEEK:
        return "they had three texts within a week already"
    if any(local_date(at, standing.zone) == today for at in week):
        return "they had a text that day already"
    return "by the morning it was not true any more"
