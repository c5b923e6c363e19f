"""Sealing: what the records keep so that a copy of the database alone does not tell it.

AES-256-GCM. The keys are derived from `FOOTBRIDGE_SECRET_KEY` by HKDF (RFC 5869), one a purpose. What was sealed names
its key, so that a secret key can be changed: with the former one in `FOOTBRIDGE_FORMER_SECRET_KEYS` it still opens, and
what is sealed from then on has the new one. `about` is bound to it: a sealed value that is moved to another row, or
sealed for another purpose, does not open.

    kept = seal("JBSWY3DP", purpose="second factor", about=staff_id)      # "s1.4f0c2a9e.kZ…"
    open_sealed(kept, purpose="second factor", about=staff_id)            # "JBSWY3DP"
"""

from __future__ import annotations

import base64
import hmac
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from records.settings import get_settings

FORMAT = "s1"
_NONCE = 12  # bytes, random: NIST SP 800-38D allows 2**32 values a key
_own_secret = secrets.token_bytes(32)


class CannotOpen(Exception):
    """What was sealed does not open: another key, another place, or it was altered. Says nothing of what it holds."""


def seal(text: str, *, purpose: str, about: str) -> str:
    """`text`, readable only with the secret key, for the same purpose and about the same thing."""
    secret, nonce = secret_key(), secrets.token_bytes(_NONCE)
    sealed = AESGCM(_key(secret, purpose)).encrypt(nonce, text.encode(), about.encode())
    return f"{FORMAT}.{key_id(secret)}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def open_sealed(sealed: str, *, purpose: str, about: str) -> str:
    """What `seal` was given. Raises CannotOpen."""
    kind, _, rest = sealed.partition(".")
    named, _, body = rest.partition(".")
    secret = next((one for one in (secret_key(), *_former_keys()) if key_id(one) == named), None)
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
    secret = next((one for one in (secret_key(), *_former_keys()) if key_id(one) == named), None)
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


def _former_keys() -> list[bytes]:
    given = get_settings().former_secret_keys.get_secret_value()
    return [one.strip().encode() for one in given.split(",") if one.strip()]


def _key(secret: bytes, purpose: str) -> bytes:
    return _derived(secret, f"seal: {purpose}", 32)


@lru_cache(maxsize=64)
def _derived(secret: bytes, purpose: str, length: int) -> bytes:
    info = f"footbridge {purpose}".encode()
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=None, info=info).derive(secret)
