"""What is unusual about somebody's looking at records, or at making ways to them."""

from __future__ import annotations

from domain.vocabulary.words import Word


class Unusual(Word):
    """Why the privacy officer may want to ask. None of it is proof of anything."""

    MANY = "many", "Many records within an hour"
    NIGHT = "night", "At night"
    SAME_NAME = "same_name", "Somebody with the reader's own family name"
    NOT_THEIRS = "not_theirs", "Somebody they do not work with"
    AFTER_CLOSING = "after_closing", "After the case had ended"
    ELSEWHERE = "elsewhere", "A system, from an address it had not used before"
    LINK = "link", "Made a link for somebody else's password"
