"""The letters that a text message of 160 characters may hold (GSM 03.38, the default alphabet without extensions)."""

from __future__ import annotations

import unicodedata

SMS_LENGTH = 160
"""Characters of one text (47 CFR 64.1200 (a)(9)(iv) has the same limit for health care texts)."""

GSM_7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_REPLACED = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "...", "\u00a0": " "})


def to_gsm_7(text: str) -> str:
    """The text in those letters: typographic marks made plain, accents dropped where need be, the rest left out.

    One other letter would make a text of 160 characters three texts.
    """
    return "".join(_plain(c) for c in text.translate(_REPLACED))


def _plain(letter: str) -> str:
    if letter in GSM_7:
        return letter
    return "".join(c for c in unicodedata.normalize("NFKD", letter) if c in GSM_7)
