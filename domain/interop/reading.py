"""Reading JSON that somebody else sent: bounded, checked, and with a pointer to whatever is wrong.

    NotificationRefused        422   a stable code, a plain sentence, a JSON pointer (RFC 6901)
    ├── MessageTooLarge              more, longer or deeper than any real message
    ├── MessageMalformed             a value of the wrong type or form
    ├── MessageIncomplete            something that we need is not there
    ├── ReferenceUnresolved          a reference leads nowhere, or to the wrong thing
    └── MessageUnsupported           well formed, and means something that we must not act on

Sentences name elements and codes, never what the elements say about a person.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from domain.errors import Invalid

MAX_VALUES = 50_000
"""Values in one message. The guide's examples hold about 400."""
MAX_DEPTH = 40
"""Objects and lists inside one another. The guide's examples go 9 deep."""
MAX_STRING = 200_000
"""Characters in one string, so that a short attached document passes."""
MAX_ITEMS = 200
"""Items of one list that we read."""
MAX_TEXT = 200
"""Characters of a name, a code or an identifier that we keep."""

_SCALARS = (str, int, float, bool, Decimal, type(None))
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class NotificationRefused(Invalid):
    """The root. `pointer` says where in the message; empty means the message as a whole."""

    def __init__(self, code: str, sentence: str, pointer: str = "") -> None:
        super().__init__(code, sentence, field=pointer)
        self.pointer = pointer


class MessageTooLarge(NotificationRefused):
    """More, longer or deeper than any real message."""

    def __init__(self, sentence: str, pointer: str = "") -> None:
        super().__init__("message_too_large", sentence, pointer)


class MessageMalformed(NotificationRefused):
    """A value of the wrong type or form."""

    def __init__(self, sentence: str, pointer: str = "") -> None:
        super().__init__("message_malformed", sentence, pointer)


class MessageIncomplete(NotificationRefused):
    """Something that we need is not there."""

    def __init__(self, sentence: str, pointer: str = "") -> None:
        super().__init__("message_incomplete", sentence, pointer)


class ReferenceUnresolved(NotificationRefused):
    """A reference leads nowhere, or to the wrong thing."""

    def __init__(self, sentence: str, pointer: str = "") -> None:
        super().__init__("reference_unresolved", sentence, pointer)


class MessageUnsupported(NotificationRefused):
    """Well formed, and means something that we must not act on."""

    def __init__(self, sentence: str, pointer: str = "") -> None:
        super().__init__("message_unsupported", sentence, pointer)


@dataclass(frozen=True, slots=True)
class Node:
    """One value of the message and the pointer to it."""

    value: object
    pointer: str = ""

    def find(self, key: str) -> Node | None:
        """The value under `key`, or None when it is absent or null. Raises `MessageMalformed` if this is no object."""
        if not isinstance(self.value, dict):
            raise MessageMalformed("An object belongs here.", self.pointer)
        value = self.value.get(key)
        return None if value is None else Node(value, f"{self.pointer}/{_escaped(key)}")

    def get(self, key: str) -> Node:
        """The value under `key`. Raises `MessageIncomplete` when it is absent or null."""
        found = self.find(key)
        if found is None:
            raise MessageIncomplete(f"'{key}' is missing.", f"{self.pointer}/{_escaped(key)}")
        return found

    def each(self, key: str) -> Iterator[Node]:
        """The items of the list under `key`, nulls left out; nothing when it is absent."""
        found = self.find(key)
        if found is None:
            return
        if not isinstance(found.value, list):
            raise MessageMalformed("A list belongs here.", found.pointer)
        if len(found.value) > MAX_ITEMS:
            raise MessageTooLarge(f"This list has more than {MAX_ITEMS} items.", found.pointer)
        for index, value in enumerate(found.value):
            if value is not None:
                yield Node(value, f"{found.pointer}/{index}")

    def first(self, key: str) -> Node | None:
        """The first item of the list under `key`, if there is one."""
        return next(self.each(key), None)

    def text(self, limit: int = MAX_TEXT) -> str:
        """This value as text, spaces tidied. Raises `MessageMalformed` or `MessageTooLarge`."""
        if not isinstance(self.value, str):
            raise MessageMalformed("Text belongs here.", self.pointer)
        if len(self.value) > limit:
            raise MessageTooLarge(f"This text has more than {limit} characters.", self.pointer)
        if _CONTROL.search(self.value):
            raise MessageMalformed("This text holds a character that cannot be read.", self.pointer)
        return " ".join(self.value.split())

    def find_text(self, key: str, limit: int = MAX_TEXT) -> str:
        """The text under `key`, or an empty string."""
        found = self.find(key)
        return "" if found is None else found.text(limit)

    def is_true(self, key: str) -> bool:
        """Whether the boolean under `key` is there and true."""
        found = self.find(key)
        if found is not None and not isinstance(found.value, bool):
            raise MessageMalformed("True or false belongs here.", found.pointer)
        return found is not None and found.value is True


def read_message(message: object) -> Node:
    """The root of a message whose size, depth and types have been checked, without recursion.

    Raises `MessageMalformed` when it is no JSON object, `MessageTooLarge` when it passes a bound (an object that
    contains itself passes the bound of depth).
    """
    if not isinstance(message, dict):
        raise MessageMalformed("A message is a JSON object.")
    waiting: list[tuple[object, int]] = [(message, 1)]
    seen = 1
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, str) and len(value) > MAX_STRING:
            raise MessageTooLarge(f"The message holds a text of more than {MAX_STRING} characters.")
        if isinstance(value, (dict, list)):
            seen += len(value)
            if seen > MAX_VALUES:
                raise MessageTooLarge(f"The message holds more than {MAX_VALUES} values.")
            if depth > MAX_DEPTH:
                raise MessageTooLarge(f"The message is nested more than {MAX_DEPTH} deep.")
            if isinstance(value, dict):
                if not all(isinstance(key, str) and len(key) <= MAX_TEXT for key in value):
                    raise MessageMalformed("The names in a JSON object are short texts.")
                waiting.extend((item, depth + 1) for item in value.values())
            else:
                waiting.extend((item, depth + 1) for item in value)
        elif not isinstance(value, _SCALARS):
            raise MessageMalformed("The message holds something that is not JSON.")
    return Node(message)


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
