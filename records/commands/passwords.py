"""Passwords: which are taken, how they are kept and how they are compared.

Kept as Argon2id with the OWASP Password Storage Cheat Sheet's first choice (19 MiB, two passes, one lane): about 30 ms
here, and little enough memory that a crowd signing in at once does not starve the rest. What counts as weak follows
NIST SP 800-63B-4 §3.1.1.2: length, a list of the well-known, words from the account itself; no rules of composition.
"""

from __future__ import annotations

import re
import threading
import unicodedata
from functools import cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from domain.errors import Invalid
from records.commands.common_passwords import is_common
from records.tables import Staff

SHORTEST, LONGEST = 12, 200
FEWEST_KINDS = 5  # different characters
OURS = "footbridge"
AT_ONCE = 4  # hashings at the same time in one process
_hasher = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19_456, parallelism=1),))
_turns = threading.BoundedSemaphore(AT_ONCE)


def require_strong(password: str, staff: Staff) -> None:
    """Raise Invalid, with what to do instead, when a password is too short, too long, well known or about its owner."""
    text = _normal(password)
    if len(text) < SHORTEST:
        raise _refused("password_short", f"Use at least {SHORTEST} characters. Three or four words in a row work well.")
    if len(text) > LONGEST:
        raise _refused("password_long", f"Use at most {LONGEST} characters.")
    plain = text.casefold()
    if len(set(plain)) < FEWEST_KINDS or is_common(plain):
        raise _refused("password_common", "Many people use this password. Choose one that is yours alone.")
    address, _, host = staff.email.casefold().partition("@")
    own = {
        OURS,
        address,
        host,
        host.split(".")[0],
        *re.findall(r"\w+", staff.name.casefold()),
        *re.findall(r"\w+", address),
    }
    if any(word in plain for word in own if len(word) >= 4):
        raise _refused(
            "password_personal", "Leave your name, your e-mail address and the word Footbridge out of your password."
        )


def hash_password(password: str) -> str:
    """The hash to keep. Takes about 30 ms, on purpose."""
    with _turns:
        return _hasher.hash(_normal(password))


def check_password(password: str, kept: str) -> tuple[bool, str | None]:
    """Whether it is this password, and a newer hash to keep when ours has become stronger since.

    Without a kept hash (no such account, no password yet) it takes as long, and the answer is no.
    """
    text = _normal(password[: LONGEST + 1])
    with _turns:
        is_right, newer = _hasher.verify_and_update(text, kept or _nobodys())
    return (is_right, newer) if kept else (False, None)


@cache
def _nobodys() -> str:
    """A hash that no password has, to compare with where there is none."""
    return _hasher.hash("nobody's " * 4)


def _normal(password: str) -> str:
    """The same text however a keyboard composes it (NIST SP 800-63B-4: normalize before hashing)."""
    return unicodedata.normalize("NFKC", password)


def _refused(code: str, sentence: str) -> Invalid:
    return Invalid(code, sentence, field="password")
