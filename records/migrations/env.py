"""What Alembic runs: with the connection that `records.migrate` opened, or with a developer's URL."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import Connection, String, create_engine
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import records.tables  # noqa: F401 (puts the tables into the metadata)
from records.tables.columns import Instant, Words
from records.tables.sealed import SealedDate, SealedDocument, SealedText
from records.tables.told import Facts


def plain_type(kind: str, thing: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Our column types as plain ones: a step of the past must not change when a type of ours does."""
    if kind == "type" and isinstance(thing, Instant):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(thing, Words):
        assert isinstance(thing.impl, String)
        return f"sa.String({thing.impl.length})"
    if kind == "type" and isinstance(thing, SealedText | SealedDate):
        return "sa.String()"
    if kind == "type" and isinstance(thing, SealedDocument | Facts):
        return "sa.JSON()"
    if kind == "type" and isinstance(thing, AutoString):
        return "sa.String()" if thing.length is None else f"sa.String({thing.length})"
    return False


def run(connection: Connection) -> None:
    """Run what was asked for within the connection's transaction."""
    context.configure(connection=connection, target_metadata=SQLModel.metadata, render_item=plain_type)
    with context.begin_transaction():
        context.run_migrations()


given: Connection | None = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    url = context.get_x_argument(as_dictionary=True).get("url") or context.config.get_main_option("sqlalchemy.url", "")
    with create_engine(str(url)).begin() as opened:
        run(opened)
