"""Words that stand nowhere else, one for each personal field, and how they are looked for in anything."""

from __future__ import annotations

import base64
import random
import re
import string
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass
class Canaries:
    """The words by the field that they were typed into; random for each run."""

    words: dict[str, str] = field(default_factory=dict)
    _random: random.Random = field(default_factory=random.SystemRandom)

    def of(self, name: str) -> str:
        """The word of one field: letters alone, so that a name or a note may hold it."""
        if name not in self.words:
            self.words[name] = "Zq" + "".join(self._random.choices(string.ascii_lowercase, k=14))
        return self.words[name]

    def phone(self, name: str) -> str:
        """A telephone number of the kind that is never given out, as the field that holds it writes it."""
        last = f"{self._random.randrange(100):02d}"
        self.words[name] = f"+1212555{self._random.randrange(10, 20):02d}{last}"
        number = self.words[name][2:]
        return f"({number[:3]}) {number[3:6]}-{number[6:]}"

    def found_in(self, what: bytes | str) -> set[str]:
        """The fields whose words stand in it, in whatever dress: plain, in any case, base64, hexadecimal, UTF-16."""
        text = what.encode("utf-8", "surrogatepass") if isinstance(what, str) else what
        lower = text.lower()
        return {
            name
            for name, word in self.words.items()
            if any(form in text for form in _exact(word)) or any(form in lower for form in _any_case(word))
        }


def _any_case(word: str) -> Iterable[bytes]:
    plain = word.lower().encode()
    yield plain
    yield plain.hex().encode()
    yield word.lower().encode("utf-16-le")
    if word.startswith("+1"):
        number = word[2:]
        for form in (number, f"({number[:3]}) {number[3:6]}-{number[6:]}", f"{number[:3]}-{number[3:6]}-{number[6:]}"):
            yield form.encode()


def _exact(word: str) -> Iterable[bytes]:
    """Hexadecimal, and base64 at each of the three places where it may begin, without what its neighbors change."""
    yield word.encode().hex().encode()
    for before in range(3):
        coded = base64.b64encode(b"\0" * before + word.encode())
        yield re.sub(rb"=+$", b"", coded)[4 if before else 0 : -4]


def lines_with(canaries: Canaries, text: str) -> list[str]:
    """The lines in which something was found, for whoever must mend it."""
    return [f"{sorted(found)}: {line[:300]}" for line in text.splitlines() if (found := canaries.found_in(line))]
