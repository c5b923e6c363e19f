"""A backup: a folder with the copied records and a manifest that says what they are and proves that they are whole.

The folder and its files are for their owner alone. What hurts people is sealed in them as it is in the database, so a
backup tells nothing without the secret key, which is never in it: the manifest has the names of the keys alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

from sqlalchemy import text
from sqlmodel import Session

from cli.opening import Stop
from records import clock, migrate
from records.queries.audit import find_head, head_of
from records.queries.keys import ANOTHER, CLEAR, list_standings
from records.sealing import is_proof, key_id, keyring, proof, secrets_known

FORMAT = 1
MANIFEST = "manifest.json"
DATA = {"sqlite": "records.sqlite3", "postgresql": "records.dump"}
COUNTED = ("program", "staff", "person", "referral", "journal", "notification", "person_text", "consent_version")
_PROOF = "backup"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """What a backup holds. `head` is that of the journal, `keys` are the ids of secret keys that it needs."""

    format: int
    kind: str
    made_at: str
    footbridge: str
    step: str
    head: str
    keys: list[str]
    counts: dict[str, int]
    size: int
    sha256: str
    proof: str = ""

    @property
    def at(self) -> datetime:
        """The moment of the copy: what was acknowledged before it is there, what came later is not."""
        return datetime.fromisoformat(self.made_at)

    def covered(self) -> str:
        """What the proof is of."""
        return json.dumps({name: value for name, value in asdict(self).items() if name != "proof"}, sort_keys=True)


@dataclass(frozen=True)
class Moment:
    """What the records said in the very moment of the copy."""

    at: datetime
    step: str
    head: str
    keys: list[str]
    counts: dict[str, int]


def moment_of(session: Session, at: datetime, step: str) -> Moment:
    """Ask it of a session that sees that moment alone. Raises Stop when a key is not at hand."""
    used: set[str] = {keyring().current}
    for standing in list_standings(session):
        if standing.values.get(ANOTHER):
            raise Stop("Some of the records lie under a key that is not at hand. See: footbridge keys status")
        used |= {name for name, count in standing.values.items() if count and name != CLEAR}
    return Moment(at, step, head_of(find_head(session)), sorted(used), counts_of(session))


def counts_of(session: Session) -> dict[str, int]:
    """How many rows the tables have by which a copy is known."""
    asked = {name: text(f"SELECT count(*) FROM {name}") for name in COUNTED}  # noqa: S608 -- our names
    return {name: int(session.execute(sql).scalar_one()) for name, sql in asked.items()}


def write(folder: Path, kind: str, copy: Callable[[Path], Moment]) -> tuple[Path, Manifest]:
    """Make a backup in a new folder below `folder`. It has its name only once it is whole and on the disk."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    name = f"footbridge-{clock.now():%Y%m%dT%H%M%S%fZ}"
    making = folder / f".{name}.part"
    making.mkdir(mode=0o700)
    try:
        data = making / DATA[kind]
        data.touch(mode=0o600)
        moment = copy(data)
        size, digest = _measured(data)
        made = Manifest(
            FORMAT, kind, moment.at.isoformat(), version("footbridge"), moment.step, moment.head, moment.keys,
            moment.counts, size, digest,
        )  # fmt: skip
        made = Manifest(**{**asdict(made), "proof": proof(made.covered(), purpose=_PROOF)})
        manifest = making / MANIFEST
        manifest.touch(mode=0o600)
        manifest.write_text(json.dumps(asdict(made), indent=1) + "\n", encoding="utf-8")
        for path in (data, manifest, making):
            _to_disk(path)
        making.rename(folder / name)
        _to_disk(folder)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    return folder / name, made


def read(backup: Path) -> tuple[Path, Manifest]:
    """A backup that is whole and can be put back here: its data and its manifest. Raises Stop with what to do."""
    data, made = verified(backup)
    if made.format != FORMAT or made.step > (migrate.newest() or ""):
        raise Stop(
            f"The backup is at step {made.step}, made by Footbridge {made.footbridge}: use that version, or a later."
        )
    return data, made


def verified(backup: Path) -> tuple[Path, Manifest]:
    """A backup that is whole and can be opened with the keys at hand; it may be of a later version, which migrated
    while this one went on. Raises Stop with what to do."""
    try:
        made = Manifest(**json.loads((backup / MANIFEST).read_text(encoding="utf-8")))
        data = backup / DATA[made.kind]
    except FileNotFoundError as error:
        raise Stop(
            f"{backup} is no backup: it has no {MANIFEST}. Give the folder that “footbridge backup” named."
        ) from (error)
    except (ValueError, TypeError, KeyError) as error:
        raise Stop(f"The manifest of {backup} cannot be read: it was altered, or is of a later version.") from error
    known = {key_id(one) for one in secrets_known()}
    missing = [name for name in {*made.keys, made.proof.partition(".")[0]} if name not in known]
    if missing:
        raise Stop(
            f"The backup needs the secret key {', '.join(sorted(missing))}, which is not at hand. Give it in "
            "FOOTBRIDGE_SECRET_KEY or FOOTBRIDGE_FORMER_SECRET_KEYS."
        )
    if not is_proof(made.proof, made.covered(), purpose=_PROOF):
        raise Stop("The manifest was altered after the backup was made. Take another backup.")
    if not data.exists() or _measured(data) != (made.size, made.sha256):
        raise Stop(f"{data.name} was cut or altered after the backup was made. Take another backup.")
    return data, made


def _measured(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as handle:
        while block := handle.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
