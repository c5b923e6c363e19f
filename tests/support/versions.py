"""Other versions of a protocol, as a manager might write them: contacts dropped and new, windows changed."""

from __future__ import annotations

import random
import re

from domain.protocol import ProtocolProblem, parse_protocol

NEW = """
[[contacts]]
key = "extra-check"
title = "One more check"
due = { after = "discharge", opens = "PT2H", within = "PT30H", high_risk = "PT20H" }
remind = [0.4]
ladder = "supervisor"

"""
CHANGES = (
    ("PT24H", "PT12H"),
    ("PT72H", "PT60H"),
    ("PT24H", "PT36H"),
    ("[0.5, 0.85]", "[0.25, 0.85]"),
    ('until = "P90D"', 'until = "P45D"'),
    ("dates = [1, 7]", "dates = [1, 4]"),
    ("dates = [8, 14]", "dates = [6, 9]"),
    ("misses = 2", "misses = 3"),
    ('deadline = "P1BD"', 'deadline = "PT6H"'),
)
_CONTACT = re.compile(r"^\[\[contacts\]\]\n(?:(?!^\[).*\n)*", re.MULTILINE)


def with_extra_check(text: str) -> str:
    """The same protocol with one contact more."""
    return text.replace("[[contacts]]", NEW + "[[contacts]]", 1)


def without(text: str, key: str) -> str:
    """The same protocol without one contact."""
    found = next(one for one in _CONTACT.finditer(text) if f'key = "{key}"' in one[0])
    return text[: found.start()] + text[found.end() :]


def variant(text: str, chance: random.Random) -> str:
    """Another version that can be published: as chance has it."""
    while True:
        made = text
        for old, new in chance.sample(CHANGES, chance.randint(0, 4)):
            made = made.replace(old, new)
        keys = [rule.key for rule in parse_protocol(text).contacts]
        for key in chance.sample(keys, min(len(keys) - 1, chance.randint(0, 2))):
            made = without(made, key)
        if chance.random() < 0.5 and "extra-check" not in made:
            made = with_extra_check(made)
        try:
            parse_protocol(made)
        except ProtocolProblem:
            continue
        return made
