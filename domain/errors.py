"""Refusals: what a command says when it will not do something.

    Refusal                     a stable code, a plain sentence, an HTTP status
    ├── Invalid        422      the input cannot be right; points at the field
    ├── NotAllowed     403      this person may not do this
    │   └── ScopeMissing        this system's token is not good for it; says what it lacks
    ├── NotFound       404      it does not exist, or not for you
    ├── IllegalState   409      not in this state; says what is allowed
    ├── Conflict       409      somebody else was first, or a rule stands against it
    └── Stale          412      it changed since you looked

Sentences say what to do next, and never name a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence


class Refusal(Exception):
    """The root. `code` is stable and documented; `sentence` is for people."""

    status = 400

    def __init__(self, code: str, sentence: str, *, field: str | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.field = field


class Invalid(Refusal):
    """One field is wrong. `field` is its name, dotted into lists (`phones.0.number`)."""

    status = 422


class InvalidFields(Invalid):
    """Several fields are wrong, all told at once."""

    def __init__(self, problems: Sequence[Invalid]) -> None:
        super().__init__("invalid", "Some answers need another look.")
        self.problems = tuple(problems)


class NotAllowed(Refusal):
    """This actor may not do this."""

    status = 403


class ScopeMissing(NotAllowed):
    """A system's token is good, and not for this. `scope` is what it lacks."""

    def __init__(self, scope: str, label: str) -> None:
        said = f"This token lacks the scope {scope} ({label}). Ask whoever made it for one that has it."
        super().__init__("scope_missing", said)
        self.scope = scope


class NotFound(Refusal):
    """It does not exist, or not for this actor: the two are never told apart."""

    status = 404

    def __init__(self, what: str = "That") -> None:
        super().__init__("not_found", f"{what} was not found. It may have moved, or is not yours to see.")


class IllegalState(Refusal):
    """The move is not allowed from the present state; `allowed` lists what is."""

    status = 409

    def __init__(self, sentence: str, *, state: str, allowed: Iterable[str] = (), code: str = "illegal_state") -> None:
        super().__init__(code, sentence)
        self.state = str(state)
        self.allowed = tuple(sorted(str(a) for a in allowed))


class Conflict(Refusal):
    """A rule, or somebody who was first, stands against it."""

    status = 409


class Stale(Refusal):
    """What the actor looked at has changed since."""

    status = 412

    def __init__(self) -> None:
        super().__init__("stale", "Somebody changed this while you had it open. Look again, then repeat your change.")


def gather(problems: Sequence[Invalid]) -> None:
    """Raise what was found: nothing, the one problem, or all of them together."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise InvalidFields(problems)
