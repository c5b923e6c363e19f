"""The base of every vocabulary: a value that is stored and a label that people read."""

from __future__ import annotations

from enum import StrEnum


class Word(StrEnum):
    """A value with a label for people. Members are written `NAME = "value", "Label"`."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Word:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label or value.replace("_", " ").capitalize()
        return member
