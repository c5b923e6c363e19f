"""What every table's class is made from: a SQLModel that is made and changed without the detour over pydantic.

SQLModel sets each value of a row twice, once for SQLAlchemy and once for pydantic, and looks at every field's default
anew. Rows are checked by the commands and by the database, never by pydantic, so the detour buys nothing: measured,
making a `Person` took 164 µs and takes a tenth of that here, which is a third of what a whole command costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import event
from sqlalchemy.orm.attributes import instance_state
from sqlmodel import SQLModel

_Defaults = tuple[dict[str, Any], dict[str, Callable[[], Any]], frozenset[str]]
_defaults: dict[type, _Defaults] = {}
_FACTS = "_footbridge_facts"
_UNKNOWN = object()


class Row(SQLModel):
    """A row of a table. Its values are given by name; what is not given has its column's default."""

    def __init__(self, **values: Any) -> None:
        plain, made, names = _defaults.get(type(self)) or _defaults_of(type(self))
        if not values.keys() <= names:
            raise TypeError(f"{type(self).__name__} has no {', '.join(sorted(values.keys() - names))}")
        # A row that is not yet in the database is inserted from its dictionary: there is no history to keep.
        held = self.__dict__
        held.update(plain)
        for name, make in made.items():
            if name not in values:
                held[name] = make()
        held.update(values)

    def __setattr__(self, name: str, value: Any) -> None:
        held = self.__dict__
        if held.get(name, _UNKNOWN) is value:
            return  # commands set many columns anew, most of them to what they are
        held.pop(_FACTS, None)
        object.__setattr__(self, name, value)  # the column's own descriptor notes the change

    def fill(self, **values: Any) -> None:
        """Set several columns."""
        if instance_state(self).key is None:
            self.__dict__.pop(_FACTS, None)
            self.__dict__.update(values)  # not in the database yet: there is no history to keep
        else:
            for name, value in values.items():
                setattr(self, name, value)

    def held(self) -> dict[str, Any]:
        """Every value by its column's name, to be looked at only: SQLAlchemy is asked once, not for each column."""
        for name in instance_state(self).expired_attributes:
            getattr(self, name)  # reads whatever has expired
            break
        return self.__dict__


def rows_as_facts(rows: Iterable[Row], make: Callable[[Any], Any]) -> tuple[Any, ...]:
    """Rows as the rules see them: `make(row)` of each, made anew only after the row has changed."""
    found = []
    for row in rows:
        kept = row.__dict__.get(_FACTS)
        if kept is None:
            kept = row.__dict__[_FACTS] = make(row)
        found.append(kept)
    return tuple(found)


@event.listens_for(Row, "refresh", propagate=True)
def _read_again(row: Row, _context: Any, _names: Any) -> None:
    row.__dict__.pop(_FACTS, None)


def _defaults_of(table: type[SQLModel]) -> _Defaults:
    plain: dict[str, Any] = {}
    made: dict[str, Callable[[], Any]] = {}
    for name, field in table.model_fields.items():
        if field.default_factory is not None:
            made[name] = field.default_factory  # type: ignore[assignment]
        elif not field.is_required():
            plain[name] = field.default
    known = _defaults[table] = plain, made, frozenset(table.model_fields)
    return known
