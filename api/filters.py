"""How times, numbers and places read on a page. Plain functions, used as template filters and in messages alike.

Dates and times read as they are said today: one of another year says its year.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from urllib.parse import quote_plus
from zoneinfo import ZoneInfo

import phonenumbers

from domain.spoken import spoken, spoken_date, spoken_day, spoken_due, spoken_far_date, spoken_time
from records import clock

DueState = Literal["overdue", "due", "coming"]
DUE_WITHIN = timedelta(hours=24)


def local(at: datetime, zone: str) -> str:
    """An instant in a time zone, as people say it: `Thu Nov 26, 5 pm`; of another year `Mon Jan 4, 2027, 5 pm`."""
    return spoken(at, zone, clock.now())


def due_time(at: datetime, zone: str) -> str:
    """A due time; midnight is the end of the day before: `end of Wed Nov 25`."""
    return spoken_due(at, zone, clock.now()).removeprefix("the ")


def clock_time(at: datetime, zone: str) -> str:
    """The time of day alone: `5 pm`."""
    return spoken_time(at.astimezone(ZoneInfo(zone)).time())


def local_date(on: date | datetime, zone: str = "UTC") -> str:
    """A date with its year: `Thu Nov 26, 2026`. An instant is taken to its date in `zone`; a date needs none."""
    return spoken_date(_there(on, zone))


def local_day(on: date | datetime, zone: str = "UTC") -> str:
    """A date, with its year when it is another than this one: `Thu Nov 26`. An instant is dated in `zone`."""
    return spoken_day(_there(on, zone), _there(clock.now(), zone))


def birth_date(on: date) -> str:
    """A birth date, without its weekday: `Mar 4, 1985`."""
    return spoken_far_date(on)


def _there(on: date | datetime, zone: str) -> date:
    return on.astimezone(ZoneInfo(zone)).date() if isinstance(on, datetime) else on


def duration(span: timedelta) -> str:
    """A length of time without its sign: `2 h 10 min`, `3 h`, `2 days`; under a minute: `less than a minute`."""
    minutes = int(abs(span).total_seconds() // 60)
    hours, rest = divmod(minutes, 60)
    if minutes < 1:
        return "less than a minute"
    if hours < 1:
        return f"{minutes} min"
    if hours < 24:
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    if hours < 48:
        return f"1 day {hours - 24} h" if hours > 24 else "1 day"
    return f"{hours // 24} days"


def ago_or_in(at: datetime, now: datetime) -> str:
    """How a due time stands to now: `2 h 10 min late`, `in 3 h`, `in 2 days`."""
    return f"in {duration(at - now)}" if at > now else f"{duration(now - at)} late"


def ago(at: datetime, now: datetime) -> str:
    """How long since something happened: `2 h 10 min ago`; within a minute: `just now`."""
    return "just now" if now - at < timedelta(minutes=1) else f"{duration(now - at)} ago"


def due_state(at: datetime, now: datetime, within: timedelta = DUE_WITHIN) -> DueState:
    """`overdue` once the time has passed, `due` when it is less than `within` away, else `coming`."""
    if at <= now:
        return "overdue"
    return "due" if at - now <= within else "coming"


def telephone(number: str) -> str:
    """A stored number (E.164) as people write it: `(608) 555-0134`; one that cannot be read stays as it is."""
    try:
        parsed = phonenumbers.parse(number, "US")
    except phonenumbers.NumberParseException:
        return number
    domestic = parsed.country_code == 1
    style = phonenumbers.PhoneNumberFormat.NATIONAL if domestic else phonenumbers.PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)


def maplink(address: str) -> str:
    """A link that opens the phone's own map, or a map page, at an address.

    Google's documented universal address (Maps URLs): `geo:` does nothing on iPhones and desktops. Our pages load
    nothing from there; only the address itself goes out, and only when somebody taps it.
    """
    return f"https://www.google.com/maps/search/?api=1&query={quote_plus(address)}"


FILTERS = {
    "local": local,
    "due_time": due_time,
    "clock_time": clock_time,
    "local_date": local_date,
    "local_day": local_day,
    "birth_date": birth_date,
    "duration": duration,
    "ago_or_in": ago_or_in,
    "ago": ago,
    "due_state": due_state,
    "telephone": telephone,
    "maplink": maplink,
}
