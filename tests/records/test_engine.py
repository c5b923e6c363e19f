"""What the database says when something goes wrong with it."""

from __future__ import annotations

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from records import engine


def test_an_error_of_the_database_repeats_nothing_that_was_to_be_written(database: str) -> None:
    asked = text("SELECT 1 FROM nowhere WHERE name = :name")
    for opened in (engine.transaction, engine.read_session):
        with pytest.raises(SQLAlchemyError) as error, opened() as session:
            session.execute(asked, {"name": "Robin Imaginary"})
        assert "nowhere" in str(error.value)
        assert "Robin" not in str(error.value)
