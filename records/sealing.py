"""Sealing: what the records keep so that a copy of the database alone does not tell it.

AES-256-GCM. The keys are derived from `FOOTBRIDGE_SECRET_KEY` by HKDF (RFC 5869), one a purpose. What was sealed names
its key, so that a secret key can be changed: with the former one in `FOOTBRIDGE_FORMER_SECRET_KEYS` it still opens, and
what is sealed from then on has the new one. `about` is bound to it: a sealed value that is moved to another row, or
sealed for another purpose, does not open.

    kept = seal("JBSWY3DP", purpose="second factor", about=staff_id)      # "s1.4f0c2a9e.kZ…"
    open_sealed(kept, purpose="second factor", about=staff_id)            # "JBSWY3DP"

The columns that hold what somebody can be hurt by are sealed one by one (`records/tables/sealed.py`); what must be
found again has marks beside it (`records/marks.py`). See docs/encryption.md.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from binascii import a2b_base64, b2a_base64
from functools import lru_cache
from os import urandom

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from records.settings import Settings, get_settings

FORMAT = "s1"
COLUMN_FORMAT = "c1"
_NONCE = 12  # bytes, random: NIST SP 800-38D allows 2**32 values a key
_own_secret = secrets.token_bytes(32)


class CannotOpen(Exception):
    """What was sealed does not open: another key, another place, or it was altered. Says nothing of what it holds."""


class NotSealed(CannotOpen):
    """A sealed column holds something in the clear, which `FOOTBRIDGE_SEALED_ONLY` refuses: no holder of the key wrote
    it."""

    def __init__(self, about: str) -> None:
        super().__init__(f"what {about} holds is not sealed, and FOOTBRIDGE_SEALED_ONLY refuses that")


def seal(text: str, *, purpose: str, about: str) -> str:
    """`text`, readable only with the secret key, for the same purpose and about the same thing."""
    secret, nonce = secret_key(), secrets.token_bytes(_NONCE)
    sealed = AESGCM(_key(secret, purpose)).encrypt(nonce, text.encode(), about.encode())
    return f"{FORMAT}.{key_id(secret)}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def open_sealed(sealed: str, *, purpose: str, about: str) -> str:
    """What `seal` was given. Raises CannotOpen."""
    kind, _, rest = sealed.partition(".")
    named, _, body = rest.partition(".")
    secret = next((one for one in secrets_known() if key_id(one) == named), None)
    if kind != FORMAT or secret is None:
        raise CannotOpen(f"there is no key {named!r} for this")
    try:
        raw = base64.urlsafe_b64decode(body)
        return AESGCM(_key(secret, purpose)).decrypt(raw[:_NONCE], raw[_NONCE:], about.encode()).decode()
    except (InvalidTag, ValueError) as error:
        raise CannotOpen("it was altered, or belongs elsewhere") from error


def proof(text: str, *, purpose: str) -> str:
    """A proof that who has the secret key wrote this; it names its key, so that the key can be changed."""
    secret = secret_key()
    return f"{key_id(secret)}.{hmac.digest(_derived(secret, f'proof: {purpose}', 32), text.encode(), 'sha256').hex()}"


def is_proof(made: str, text: str, *, purpose: str) -> bool:
    """Whether this is the proof of this text, by the secret key or a former one."""
    named, _, digest = made.partition(".")
    secret = next((one for one in secrets_known() if key_id(one) == named), None)
    if secret is None:
        return False
    expected = hmac.digest(_derived(secret, f"proof: {purpose}", 32), text.encode(), "sha256").hex()
    return hmac.compare_digest(expected.encode(), digest.encode())


def secret_key() -> bytes:
    """The secret key; without one (a test, a trial) one of this process alone. Production does not start without."""
    given = get_settings().secret_key.get_secret_value()
    if not given and get_settings().environment == "production":
        raise RuntimeError("FOOTBRIDGE_SECRET_KEY is not set")
    return given.encode() or _own_secret


def key_id(secret: bytes) -> str:
    """The name of a secret key: it tells keys apart, and nothing of the key."""
    return _derived(secret, "key id", 4).hex()


def secrets_known() -> list[bytes]:
    """The secret key, and the former ones after it."""
    given = get_settings().former_secret_keys.get_secret_value()
    return [secret_key(), *(one.strip().encode() for one in given.split(",") if one.strip())]


def _key(secret: bytes, purpose: str) -> bytes:
    return _derived(secret, f"seal: {purpose}", 32)


@lru_cache(maxsize=64)
def _derived(secret: bytes, purpose: str, length: int) -> bytes:
    info = f"footbridge {purpose}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(secret)


class Keyring:
    """What columns are sealed, opened and marked with under the settings of this process."""

    def __init__(self, settings: Settings) -> None:
        known = secrets_known()
        self.settings = settings
        self.current = key_id(known[0])
        self.prefix = f"{COLUMN_FORMAT}.{self.current}."
        self.ciphers = {key_id(one): AESGCM(_derived(one, "columns", 32)) for one in reversed(known)}
        self.marking = tuple((key_id(one), _derived(one, "marks", 32)) for one in known)
        self._seal = self.ciphers[self.current].encrypt
        self._mark_key = self.marking[0][1]

    def seal(self, text: str, about: bytes) -> str:
        """A column's value as the database keeps it."""
        nonce = urandom(_NONCE)
        return self.prefix + b2a_base64(nonce + self._seal(nonce, text.encode(), about), newline=False).decode()

    def open(self, kept: str, about: bytes) -> str:
        """A column's value as it was given. Raises CannotOpen."""
        cipher = self.ciphers.get(kept[_KEY_ID])
        if cipher is None:
            raise CannotOpen(f"there is no key {kept[_KEY_ID]!r} for {about.decode()}")
        try:
            raw = a2b_base64(kept[_BODY:])
            return cipher.decrypt(raw[:_NONCE], raw[_NONCE:], about).decode()
        except (InvalidTag, ValueError) as error:
            raise CannotOpen(f"what {about.decode()} holds was altered, or belongs elsewhere") from error

    def mark(self, text: str) -> str:
        """What is kept in place of `text` where equal things must be found."""
        return self.current + hmac.digest(self._mark_key, text.encode(), "sha256").hex()[:_MARK]

    def marks(self, text: str) -> list[str]:
        """The same under the key of now, and under each former one."""
        given = text.encode()
        return [name + hmac.digest(key, given, "sha256").hex()[:_MARK] for name, key in self.marking]


_KEY_ID = slice(len(COLUMN_FORMAT) + 1, len(COLUMN_FORMAT) + 9)
_BODY = len(COLUMN_FORMAT) + 10
_MARK = 16  # hexadecimal digits, 64 bits: two of a million values coincide once in 40 million programs
_ring: Keyring | None = None


def keyring() -> Keyring:
    """The keys as the settings say now."""
    global _ring
    settings = get_settings()
    if _ring is None or _ring.settings is not settings:
        _ring = Keyring(settings)
    return _ring


is_on = True
"""Whether columns are sealed. Off only where it is measured what sealing costs, and in the test that must find."""


def leave_in_clear() -> None:
    """Let this process write columns in the clear, to compare. Raises RuntimeError in production."""
    global is_on
    if get_settings().environment == "production":
        raise RuntimeError("production seals its columns")
    is_on = False
