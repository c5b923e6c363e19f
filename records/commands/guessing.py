"""Guessing passwords: how it is slowed without anybody being able to keep others out by doing it.

- One account, from browsers that nobody knows: after three wrong tries in a row waits of 2 s, 4 s … a minute at most.
- One network address, whatever the accounts: after thirty wrong tries in an hour the same waits.
- A browser in which this person signed in before counts by itself. Whoever guesses elsewhere, at one account or at all
  of a hospital's, from one address or a thousand, does not make it wait.

- Bearer tokens that nobody has, from one network address: the same as its wrong tries, counted by themselves.

So a stranger has 60 tries an hour at one account, and as many from one address at all accounts together; who works here
signs in where they always do, meanwhile. What remains: while it lasts, a browser used for the first time may wait.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from records import clock, engine
from records.commands.sessions import kept, real
from records.sealing import secret_key
from records.tables import AddressTries, KnownDevice, Staff

FREE_TRIES = 3
FREE_FROM_ADDRESS = 30
ADDRESS_FORGETS = timedelta(hours=1)
LONGEST_WAIT = timedelta(seconds=60)
DEVICE_KNOWN_FOR = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Source:
    """Where a try comes from: the token that a browser keeps, and its network address."""

    device: str = ""
    address: str = ""


NOWHERE = Source()


def must_wait(session: Session, staff: Staff | None, source: Source) -> bool:
    """Whether a try from here is not even looked at now. `staff` is locked; None: there is no such account."""
    now = clock.now()
    if staff is not None and (device := _device(session, staff, source)) is not None:
        return device.locked_until is not None and device.locked_until > now
    address = _address(session, source)
    until = [row.locked_until for row in (staff, address) if row is not None]
    return any(one is not None and one > now for one in until)


def count_wrong(session: Session, staff: Staff | None, source: Source) -> int:
    """A wrong try: the next one may have to wait. Returns how many in a row there were where it counts."""
    now = clock.now()
    if staff is not None and (device := _device(session, staff, source)) is not None:
        device.failed_tries += 1
        device.locked_until = _until(now, device.failed_tries, FREE_TRIES)
        return device.failed_tries
    if source.address:
        _count_at_address(session, source, now)
    if staff is None:
        return 0
    staff.failed_sign_ins += 1
    staff.locked_until = _until(now, staff.failed_sign_ins, FREE_TRIES) or staff.locked_until
    return staff.failed_sign_ins


def slow_down(address: str) -> int:
    """A bearer token came from there that nobody has. Returns how many seconds the next ones from there must wait: not
    for the secret's sake, which cannot be guessed, but so that whoever floods costs no more than a look.

    Opens transactions of its own. A token that comes during a wait neither counts nor prolongs it.
    """
    source, now = Source(address=f"token:{address}"), clock.now()
    with engine.read_session() as session:
        row = _address(session, source)
        until = row.locked_until if row is not None else None
    if until is None or until <= now:
        with engine.transaction() as session:
            _count_at_address(session, source, now)
        return 0
    return max(math.ceil((until - now) / clock.speed() / timedelta(seconds=1)), 1)


def forget_wrong(session: Session, staff: Staff, source: Source) -> None:
    """A right try: what was counted for it is over. A known browser does not clear what strangers have earned."""
    if (device := _device(session, staff, source)) is not None:
        device.failed_tries, device.locked_until = 0, None
    else:
        staff.failed_sign_ins, staff.locked_until = 0, None


def remember_device(session: Session, staff: Staff, source: Source) -> None:
    """Somebody has signed in with this browser."""
    if not source.device:
        return
    now = clock.now()
    device = _device(session, staff, source)
    if device is not None:
        device.seen_at = now
        return
    long_ago = col(KnownDevice.seen_at) <= now - real(DEVICE_KNOWN_FOR)
    for old in session.exec(select(KnownDevice).where(KnownDevice.staff_id == staff.id, long_ago)):
        session.delete(old)
    session.add(KnownDevice(id=_device_id(staff, source), staff_id=staff.id, seen_at=now))


def _device(session: Session, staff: Staff, source: Source) -> KnownDevice | None:
    row = session.get(KnownDevice, _device_id(staff, source)) if source.device else None
    return row if row is not None and clock.now() - row.seen_at < real(DEVICE_KNOWN_FOR) else None


def _device_id(staff: Staff, source: Source) -> str:
    return kept(f"{source.device}:{staff.id}")


def _address(session: Session, source: Source) -> AddressTries | None:
    return session.get(AddressTries, _address_id(source)) if source.address else None


def _address_id(source: Source) -> str:
    return hmac.new(secret_key(), b"address:" + source.address.encode(), hashlib.sha256).hexdigest()


def _count_at_address(session: Session, source: Source, now: datetime) -> None:
    session.exec(delete(AddressTries).where(col(AddressTries.since_at) < now - real(ADDRESS_FORGETS)))
    kind = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    new: Any = kind(AddressTries).values(id=_address_id(source), since_at=now, failed_tries=0)
    session.exec(new.on_conflict_do_nothing())  # another try from there may come at the same moment
    row = session.exec(select(AddressTries).where(AddressTries.id == _address_id(source)).with_for_update()).one()
    row.failed_tries += 1
    row.locked_until = _until(now, row.failed_tries, FREE_FROM_ADDRESS)


def _until(now: datetime, tries: int, free: int) -> datetime | None:
    if tries < free:
        return None
    return now + real(min(timedelta(seconds=2 ** min(tries - free + 1, 6)), LONGEST_WAIT))
