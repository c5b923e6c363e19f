"""The statements of 42 CFR 2.32(a) stand word for word: a new wording is a new file, never an edit."""

from __future__ import annotations

import hashlib

import pytest

from domain.consent import NOTICE_LONG, NOTICE_SHORT, notice_text

PINNED = {
    NOTICE_LONG: "d82205a18044f9f45776343d91e26d8ddb44bf13e136af169ec73d755facd9a8",
    NOTICE_SHORT: "79fee3d6dff7e052183c61b66bfed589f0f45dcf330bb277e07b396bd12e9774",
}
"""SHA-256 of each statement, with single spaces. Compared in November 2026 with reprints of the text of 2024."""


@pytest.mark.parametrize("version", PINNED)
def test_a_statement_is_word_for_word_what_was_compared(version: str) -> None:
    words = " ".join(notice_text(version).split())
    assert hashlib.sha256(words.encode()).hexdigest() == PINNED[version]
