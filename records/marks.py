"""Marks: how what is sealed is found again. Equal values have equal marks, and nobody without the key can make one.

A mark is a truncated HMAC-SHA256 under a key derived from the secret key, over what it is about, the program and the
value. It begins with the key's id. Questions ask for the marks under the key of now and under the former ones, and for
the value as it was kept before there were marks, so that nothing is lost sight of while `footbridge keys rotate` runs.
What marks give away is in docs/encryption.md.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import jellyfish
from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col

from records.sealing import keyring
from records.tables import ConsentVersion, Disclosure, Person, PersonIdentifier, Referral

BEGINNING = 3
"""By so many letters of a name the database finds candidates; what was read is then compared in full."""
_SHORT_MARK = 4  # hexadecimal digits: few enough that names share marks
_KEY = 8


def _all(kind: str, program_id: str, *parts: str) -> list[str]:
    return keyring().marks("\0".join((kind, program_id, *parts)))


def _now(kind: str, program_id: str, *parts: str) -> str:
    return keyring().mark("\0".join((kind, program_id, *parts)))


def mark_identifier(row: PersonIdentifier) -> None:
    """Set the mark of a person's number."""
    row.value_mark = _now("identifier", row.program_id, row.value)


def has_identifier(program_id: str, values: Iterable[str]) -> ColumnElement[bool]:
    """A number of somebody's that is one of these, in whatever system."""
    asked = [mark for value in values for mark in (*_all("identifier", program_id, value), value)]
    return and_(col(PersonIdentifier.program_id) == program_id, col(PersonIdentifier.value_mark).in_(asked))


def set_visit(referral: Referral, visit_id: str) -> None:
    """Keep the visit number of a referral with its mark."""
    referral.visit_id = visit_id
    referral.visit_mark = _now("visit", referral.program_id, visit_id) if visit_id else None


def has_visit(program_id: str, *visit_ids: str) -> ColumnElement[bool]:
    """A referral of one of these visits."""
    asked = [mark for one in visit_ids if one for mark in (*_all("visit", program_id, one), one)]
    return and_(col(Referral.program_id) == program_id, col(Referral.visit_mark).in_(asked))


def visit_key(program_id: str, visit_id: str) -> str:
    """A visit in the key of a message: the same for the same visit, and no number."""
    return _now("visit", program_id, visit_id)[_KEY:]


def set_line(row: ConsentVersion, line: str) -> None:
    """Keep what a version of a consent is about, with its mark: no version of a line is there twice."""
    row.line, row.line_mark = line, _now("line", row.program_id, row.referral_id, line)


def set_recipient(row: Disclosure, recipient: str) -> None:
    """Keep to whom something went, with its mark."""
    row.recipient, row.recipient_mark = recipient, _now("recipient", row.program_id, recipient)


def is_recipient(program_id: str, recipient: str) -> ColumnElement[bool]:
    """What went, or would have gone, to this recipient."""
    asked = [*_all("recipient", program_id, recipient), recipient]
    return and_(col(Disclosure.program_id) == program_id, col(Disclosure.recipient_mark).in_(asked))


def mark_person(person: Person) -> None:
    """Set by what a person is found. Whoever writes a name or a birth date calls this."""
    program_id = person.program_id
    born = person.birth_on.isoformat() if person.birth_on else ""
    sound = sound_of(person.family_name)
    given = person.given_name.casefold()
    beginnings = {word[:BEGINNING] for word in words_of(person)}
    short = sorted(_now("name", program_id, one)[_KEY : _KEY + _SHORT_MARK] for one in beginnings)
    person.fill(
        birth_mark=_now("birth", program_id, born) if born else None,
        sound_mark=_now("sound", program_id, born, sound) if born and sound else None,
        given_mark=_now("given", program_id, born, given) if born and given else None,
        name_marks=f"{keyring().current} {' '.join(short)} ",
    )


def is_born_on(program_id: str, day: date) -> ColumnElement[bool]:
    """Somebody with this birth date."""
    asked = [*_all("birth", program_id, day.isoformat()), day.isoformat()]
    return and_(col(Person.program_id) == program_id, col(Person.birth_mark).in_(asked))


def may_be_named(program_id: str, words: Sequence[str]) -> ColumnElement[bool]:
    """Whoever may have names that begin with each of these words; compare with `is_named` what was read.

    A word of one or two letters finds nobody by itself, unless it is a whole name; with a longer one it only narrows.
    """
    of_use = [word for word in words if len(word) >= BEGINNING] or list(words)
    each = [
        or_(
            *(
                col(Person.name_marks).contains(f" {mark[_KEY : _KEY + _SHORT_MARK]} ")
                for mark in _all("name", program_id, word[:BEGINNING])
            )
        )
        for word in of_use
    ]
    return and_(col(Person.program_id) == program_id, or_(and_(*each), col(Person.name_marks).is_(None)))


def is_named(names: Iterable[str], words: Sequence[str]) -> bool:
    """Whether each of these words begins one of the names' words."""
    known = [word for name in names for word in split(name)]
    return all(any(one.startswith(word) for one in known) for word in words)


def words_of(person: Person) -> list[str]:
    """The words of the names that somebody is searched by."""
    return [word for name in (person.given_name, person.family_name, person.preferred_name) for word in split(name)]


def split(name: str) -> list[str]:
    """The words of a name as they are compared: without case, apostrophes and accents. “O'Néill-Ray”: oneill, ray."""
    plain = unicodedata.normalize("NFKD", name.casefold()).replace("'", "").replace("’", "")
    return re.findall(r"\w+", "".join(letter for letter in plain if not unicodedata.combining(letter)))


def sound_of(family_name: str) -> str:
    """How a family name sounds (Metaphone), for finding people who are spelled otherwise."""
    return jellyfish.metaphone(family_name)[:20]


def phone_mark(number: str) -> str:
    """The mark of a telephone number (E.164): of any program, since texts go out from one number for all."""
    return _now("phone", "", number)


def is_phone(column: Any, *numbers: str) -> ColumnElement[bool]:
    """A row of one of these numbers; `column` holds its mark."""
    found: ColumnElement[bool] = column.in_([mark for one in numbers for mark in (*_all("phone", "", one), one)])
    return found


def _mark_phone(row: Any) -> None:
    row.number_mark = phone_mark(row.number)


MARKED: dict[str, Any] = {
    "person": mark_person,
    "person_identifier": mark_identifier,
    "referral": lambda row: set_visit(row, row.visit_id),
    "consent_version": lambda row: set_line(row, row.line),
    "disclosure": lambda row: set_recipient(row, row.recipient),
    "text_permission": _mark_phone,
    "number_answer": _mark_phone,
    "number_quarantine": _mark_phone,
    "person_text": _mark_phone,
    "text_reply": _mark_phone,
    "incident": _mark_phone,
}
"""How the marks of a row are set anew, by table."""
