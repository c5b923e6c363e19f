"""SQLite's write-ahead log, read and torn: what a power failure leaves of a transaction that was being written.

A log is a header of 32 bytes and frames, each of 24 bytes and one page. A frame belongs to the log while it carries the
header's salt; one that closes a transaction says how large the database is then (sqlite.org/fileformat2.html, 4.1).
"""

from __future__ import annotations

import struct
from pathlib import Path
from random import Random

_HEADER, _FRAME = 32, 24


def wal_of(database: str) -> Path:
    """The log beside a database."""
    return Path(f"{database}-wal")


def frames_of(path: Path) -> tuple[int, str]:
    """How many whole frames of finished transactions the log holds, and its salt."""
    _, salt, ends = _read(path)
    return (ends[-1] if ends else 0), salt


def tear(path: Path, kept: int, salt: str, chance: Random) -> int:
    """Cut the log somewhere within the last transaction, which came after the first `kept` frames of that salt; returns
    how many bytes of it are left. Nobody may have the database open."""
    page, new_salt, ends = _read(path)
    before = kept if new_salt == salt else 0  # a log that began anew holds nothing older
    (end,) = (number for number in ends if number > before)
    left = chance.randrange((_FRAME + page) * (end - before))
    with path.open("r+b") as file:
        file.truncate(_HEADER + (_FRAME + page) * before + left)
    return left


def _read(path: Path) -> tuple[int, str, list[int]]:
    """The size of a page, the salt, and after how many frames a transaction ends."""
    if not path.exists() or path.stat().st_size < _HEADER:
        return 0, "", []
    ends, number = [], 0
    with path.open("rb") as file:
        header = file.read(_HEADER)
        page, salt = struct.unpack(">I", header[8:12])[0], header[16:24]
        while len(frame := file.read(_FRAME)) == _FRAME and frame[8:16] == salt and len(file.read(page)) == page:
            number += 1
            if struct.unpack(">I", frame[4:8])[0]:
                ends.append(number)
    return page, salt.hex(), ends
