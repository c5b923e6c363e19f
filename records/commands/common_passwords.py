"""The passwords that many people use: a list that is shipped, read when the first password is chosen.

Where it comes from and its license are beside it, in `records/data/`. A password is common when it is on the list, or
when what is left of it without digits and signs is: `Sunshine-2026!` is `sunshine` with a year.
"""

from __future__ import annotations

import gzip
import re
from functools import cache
from pathlib import Path

LIST = Path(__file__).parents[1] / "data/common-passwords.txt.gz"
_OUR_OWN = """
    footbridge passphrase passwort hospital supervisor bridger planner clinician manager temporary default
    january february march april june july august september october november december
    monday tuesday wednesday thursday friday saturday sunday summer autumn winter spring
"""
OUR_OWN = frozenset(_OUR_OWN.split())
"""Words that come to mind here and now, and are on no list or only with a year behind them."""
_RUNS = ("0123456789" * 2, "9876543210" * 2, "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")
_SIGNS = str.maketrans("@401!3$57", "aaoiiesst")
_SHORTEST_WORD = 4


@cache
def common_passwords() -> frozenset[str]:
    """The list, in lower case."""
    with gzip.open(LIST, "rt", encoding="utf-8") as lines:
        return frozenset(line.rstrip("\n") for line in lines) | OUR_OWN


def is_common(plain: str) -> bool:
    """Whether many people use this password; in lower case, normalized."""
    if any(plain in run for run in _RUNS) or re.fullmatch(r"(.{1,12}?)\1+", plain):
        return True
    return plain in common_passwords() or any(
        len(word) >= _SHORTEST_WORD and word in common_passwords()
        for text in (plain, plain.translate(_SIGNS))
        for word in _words_left(text)
    )


def _words_left(text: str) -> tuple[str, str]:
    """What is left without digits and signs at the ends, and anywhere; said twice, it counts once."""
    outer = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
    letters = re.sub(r"[\W\d_]+", "", text)
    return outer, re.sub(r"^(.+?)\1+$", r"\1", letters)
