"""Reading a form: bounded, typed, every problem collected before the page says what is wrong.

    def file(session: SessionDep, me: Me, form: FormDep) -> Response:
        mode = form.word("mode", Mode)
        at = form.instant_or_none("at", me.zone)
        phones = [Phone(row.text("number"), may_text=row.yes("may_text")) for row in form.rows("phones")]
        form.check()                          # raises what is wrong, and refuses fields that nobody asked for

Until `check` a wrong answer reads as a stand-in (empty text, the first word, the first date), so that the rest is read
too; `check` is required before the transaction commits. What was typed comes back on the page as `values`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from typing import Any, TypeVar

from api import typed
from domain.errors import Invalid, gather
from domain.vocabulary import Word

CSRF_FIELD = "csrf_token"
LONGEST_FIELD = 20_000
FRAME_FIELDS = frozenset({CSRF_FIELD, "next", "version"})
"""What any form may carry beside its own fields."""

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

T = TypeVar("T")
W = TypeVar("W", bound=Word)


class Form:
    """The fields of one form, read by name. Dotted names are groups: `phones.0.number`."""

    def __init__(
        self,
        fields: Mapping[str, Sequence[str]],
        files: Mapping[str, tuple[str, bytes]] | None = None,
        *,
        prefix: str = "",
        top: Form | None = None,
    ) -> None:
        self._fields, self._files, self._prefix = fields, files or {}, prefix
        self._top: Form = top or self
        self._asked: set[str] = set()
        self._lists: set[str] = set()
        self._problems: list[Invalid] = []
        self.is_checked = False

    # reading one field

    def text(self, name: str, *, limit: int = 200, required: bool = False) -> str:
        """The text without surrounding space; line ends as \\n."""
        value = self._one(name).replace("\r\n", "\n").strip()
        if required and not value:
            self.problem(name, "required", "Write something here.")
        if len(value) > limit:
            self.problem(name, "too_long", f"This is longer than {limit} characters. Shorten it, please.")
            return value[:limit]
        return value

    def secret(self, name: str) -> str:
        """A password as it was typed, which must be there; its spaces count."""
        value = self._one(name)
        if not value:
            self.problem(name, "required", "Enter the password.")
        return value

    def area(self, name: str, *, limit: int = 4000, required: bool = False) -> str:
        """A longer text."""
        return self.text(name, limit=limit, required=required)

    def word(self, name: str, vocabulary: type[W]) -> W:
        """One word of a vocabulary, which must be chosen."""
        found = self.word_or_none(name, vocabulary)
        if found is None:
            if not self._has_problem(name):
                self.problem(name, "required", "Choose one of these.")
            return next(iter(vocabulary))
        return found

    def word_or_none(self, name: str, vocabulary: type[W]) -> W | None:
        """One word of a vocabulary, or None when nothing was chosen."""
        value = self._one(name).strip()
        if not value:
            return None
        try:
            return vocabulary(value)
        except ValueError:
            self.problem(name, "not_a_choice", "Choose one of these.")
            return None

    def words(self, name: str, vocabulary: type[W]) -> list[W]:
        """The words that were ticked, each once."""
        found: list[W] = []
        for value in dict.fromkeys(self.many(name)):
            try:
                found.append(vocabulary(value))
            except ValueError:
                self.problem(name, "not_a_choice", "Choose among these.")
        return found

    def many(self, name: str, *, most: int = 50) -> list[str]:
        """Every value sent under this name."""
        full = self._ask(name)
        self._top._lists.add(full)
        values = [value for value in self._fields.get(full, ()) if value]
        if len(values) > most:
            self.problem(name, "too_many", f"At most {most} can be chosen.")
        return [value[:LONGEST_FIELD] for value in values[:most]]

    def yes(self, name: str) -> bool:
        """Whether a box was ticked."""
        return self._one(name).strip().lower() in ("yes", "on", "true", "1")

    def number(self, name: str, *, least: int = 0, most: int = 10_000) -> int:
        """A whole number that must be there."""
        found = self.number_or_none(name, least=least, most=most)
        if found is None:
            if not self._has_problem(name):
                self.problem(name, "required", "Enter a number.")
            return least
        return found

    def number_or_none(self, name: str, *, least: int = 0, most: int = 10_000) -> int | None:
        """A whole number between two bounds, or None when nothing was entered."""
        value = self._one(name).strip()
        if not value:
            return None
        if not re.fullmatch(r"[+-]?[0-9]{1,9}", value) or not least <= int(value) <= most:
            self.problem(name, "number", f"Enter a whole number between {least} and {most}.")
            return None
        return int(value)

    def date(self, name: str) -> dt.date:
        """A date that must be there."""
        found = self.date_or_none(name)
        if found is None:
            if not self._has_problem(name):
                self.problem(name, "required", "Enter the date.")
            return dt.date(2000, 1, 1)
        return found

    def date_or_none(self, name: str) -> dt.date | None:
        """A date from `<name>_month`, `<name>_day`, `<name>_year`, or from one ISO field; None when all are empty."""
        month, day, year = (self._one(f"{name}_{part}").strip() for part in ("month", "day", "year"))
        iso = self._one(name).strip()
        if month or day or year:
            return self._attempt(name, lambda: typed.date_of_boxes(month, day, year))
        return self._attempt(name, lambda: typed.date_of_iso(iso)) if iso else None

    def time_or_none(self, name: str) -> dt.time | None:
        """A time of day, `17:30` or `5:30 pm`; None when nothing was entered."""
        value = self._one(name).strip()
        return self._attempt(name, lambda: typed.time_of_day(value)) if value else None

    def instant(self, name: str, zone: str) -> dt.datetime:
        """An instant that must be there: local time in `zone`, returned in UTC."""
        found = self.instant_or_none(name, zone)
        if found is None:
            if not self._has_problem(name):
                self.problem(name, "required", "Enter the date and the time.")
            return dt.datetime(2000, 1, 1, tzinfo=UTC)
        return found

    def instant_or_none(self, name: str, zone: str) -> dt.datetime | None:
        """An instant from a `datetime-local` field, or from a date field `<name>_on` (or its three boxes) and a time
        field `<name>_time`; None when nothing was entered. Problems stand beside `name`."""
        whole = self._one(name).strip()
        on, at = self.date_or_none(f"{name}_on"), self.time_or_none(f"{name}_time")
        for part in (f"{name}_on", f"{name}_time"):
            self._move_problem(part, name)
        if whole:
            return self._attempt(name, lambda: typed.instant_of_local(whole, zone))
        if on is not None and at is not None:
            return typed.instant_of(on, at, zone)
        if (on is not None or at is not None) and not self._has_problem(name):
            self.problem(name, "time", "Enter both the date and the time.")
        return None

    def file(self, name: str, *, required: bool = True) -> tuple[str, bytes]:
        """An uploaded file: its name as the browser gave it, and its bytes."""
        full = self._ask(name)
        found = self._files.get(full, ("", b""))
        if required and not found[1]:
            self.problem(name, "required", "Choose a file.")
        return found

    # groups

    def rows(self, name: str, *, most: int = 12) -> list[Form]:
        """The rows `name.0`, `name.1` … in order, each a form of its own; rows left wholly empty are passed over.

        Boxes that are ticked alone do not make a row.
        """
        start = f"{self._prefix}{name}."
        pattern = re.compile(re.escape(start) + r"([0-9]{1,3})\.(.+)")
        filled: set[int] = set()
        for key, values in self._fields.items():
            if (found := pattern.fullmatch(key)) is not None:
                self._top._asked.add(key) if not any(values) else None
                if any(value.strip() for value in values if value not in ("yes", "on")):
                    filled.add(int(found[1]))
        for key in self._fields:
            if (found := pattern.fullmatch(key)) is not None and int(found[1]) not in filled:
                self._top._asked.add(key)
        if len(filled) > most:
            self.problem(name, "too_many", f"At most {most} can be kept. Keep the best ones.")
        return [Form(self._fields, self._files, prefix=f"{start}{index}.", top=self._top)
                for index in sorted(filled)[:most]]  # fmt: skip

    # problems

    def problem(self, name: str, code: str, sentence: str) -> None:
        """Say that something is wrong with a field; `check` raises it."""
        self._top._problems.append(Invalid(code, sentence, field=self._prefix + name))

    def also_asked(self, *names: str) -> None:
        """Fields that are allowed and not read here."""
        for name in names:
            self._ask(name)

    def check(self) -> None:
        """Raise what is wrong (Invalid, or InvalidFields for several), and refuse fields that nobody asked for."""
        self._top.is_checked = True
        unknown = sorted(set(self._fields) - self._top._asked - FRAME_FIELDS)
        if unknown:
            self._top._problems.append(
                Invalid("unknown_field", "This form has changed since you opened it. Load the page again, please.")
            )
        gather(self._top._problems)

    def as_sent(self) -> dict[str, list[str]]:
        """Every field as it was sent, for keeping: nothing of it is read here."""
        self._top._asked |= set(self._fields)
        return {name: list(values) for name, values in self._fields.items() if name != CSRF_FIELD}

    def as_typed(self) -> dict[str, Any]:
        """What was typed, by name, for the page that is shown again: lists stay lists, three boxes become a date."""
        found: dict[str, Any] = {}
        for name, values in self._fields.items():
            if name == CSRF_FIELD:
                continue
            found[name] = list(values) if name in self._top._lists else (values[-1] if values else "")
            base, _, part = name.rpartition("_")
            if part in ("month", "day", "year") and base:
                boxes = found.setdefault(base, {})
                if isinstance(boxes, dict):
                    boxes[part] = found[name]
        return found

    def _one(self, name: str) -> str:
        full = self._ask(name)
        values = self._fields.get(full, ())
        if len(values) > 1:
            self.problem(name, "twice", "This was sent twice. Load the page again, please.")
        value = values[-1] if values else ""
        if _UNPRINTABLE.search(value):
            self.problem(name, "unprintable", "This contains characters that cannot be shown. Type it again, please.")
            return ""
        return value[:LONGEST_FIELD]

    def _ask(self, name: str) -> str:
        full = self._prefix + name
        self._top._asked.add(full)
        return full

    def _attempt(self, name: str, read: Callable[[], T]) -> T | None:
        """What was read, or None with its problem noted."""
        try:
            return read()
        except Invalid as problem:
            self.problem(name, problem.code, problem.sentence)
            return None

    def _has_problem(self, name: str) -> bool:
        return any(problem.field == self._prefix + name for problem in self._top._problems)

    def _move_problem(self, part: str, name: str) -> None:
        for problem in self._top._problems:
            if problem.field == self._prefix + part:
                problem.field = self._prefix + name
