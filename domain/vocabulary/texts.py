"""Texts between the program and a person: which go out, what comes back, and what went wrong."""

from __future__ import annotations

from domain.vocabulary.words import Word


class TextKind(Word):
    """Every text that goes out by itself. The value names its folder of templates."""

    WELCOME = "person_welcome", "That we may text here"
    INTRODUCTION = "person_introduction", "Who is going to be in touch"
    MEETING = "person_meeting", "Reminder of a meeting"
    TRIED = "person_tried", "We tried to call"
    STOPPED = "person_stopped", "No more texts, as they asked"
    RESUMED = "person_resumed", "Texts are on again"
    HELP = "person_help", "Who writes, and how to stop it"
    DANGER = "person_danger", "Where help is at any hour"


class ReplyKind(Word):
    """What a text from a person is taken for."""

    STOP = "stop", "Wants no more texts"
    START = "start", "Wants texts again"
    HELP = "help", "Asks who writes"
    WRONG_NUMBER = "wrong_number", "Is somebody else"
    WORDS = "words", "Wrote to us"


class AgreedHow(Word):
    """How a person said whether they want texts."""

    IN_PERSON = "in_person", "Face to face"
    BY_PHONE = "by_phone", "On the phone"
    ON_PAPER = "on_paper", "On paper"


class IncidentKind(Word):
    """What happened that may have told something to somebody who should not know."""

    WRONG_NUMBER = "wrong_number", "A number turned out to be somebody else’s"
