"""Languages by ISO 639 code, in English, for sentences and lists."""

from __future__ import annotations

LANGUAGES = {
    "am": "Amharic",
    "ar": "Arabic",
    "ase": "American Sign Language",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fa": "Farsi",
    "fr": "French",
    "hi": "Hindi",
    "hmn": "Hmong",
    "ht": "Haitian Creole",
    "it": "Italian",
    "ja": "Japanese",
    "km": "Khmer",
    "ko": "Korean",
    "ne": "Nepali",
    "nv": "Navajo",
    "pl": "Polish",
    "pt": "Portuguese",
    "ru": "Russian",
    "so": "Somali",
    "sw": "Swahili",
    "tl": "Tagalog",
    "uk": "Ukrainian",
    "ur": "Urdu",
    "vi": "Vietnamese",
    "yue": "Cantonese",
    "zh": "Chinese",
}


def language_name(code: str) -> str:
    """The English name, or the code itself when we have none."""
    return LANGUAGES.get(code, code)
