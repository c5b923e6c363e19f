"""Text for a log or a terminal: whatever would move the cursor, color, ring or turn round is shown and not done."""

from __future__ import annotations

import unicodedata

_ACTS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode's categories of what is not seen and acts: controls, directions, halves of a pair, ends of lines."""


def visible(text: str, *, keeps: str = "\n") -> str:
    """The text with every character that acts written out (`\\x1b`), but those that it `keeps`."""
    if text.isprintable():
        return text
    return "".join(_shown(c) if c not in keeps and unicodedata.category(c) in _ACTS else c for c in text)


def _shown(character: str) -> str:
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
