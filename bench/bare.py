"""What filing is held against: FastAPI routes that insert one row, with the same server and the same durability.

`/plain` is as the documentation of FastAPI and SQLModel writes it: an engine, a session a request, add, commit,
refresh. `/rows` and `/text` borrow this project's way of writing to SQLite, one warm connection and writers in turn,
and so are harder to come near: the one inserts through a SQLModel session, the other hands over a line of SQL.
"""

from __future__ import annotations

import sys
from typing import Any

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import MetaData, event, text
from sqlmodel import Field, Session, SQLModel, create_engine

from records import engine


class Body(BaseModel):
    """As much text as a short referral."""

    body: str


class Bare(SQLModel, table=True):
    """A row with a number and a text, in a schema of its own."""

    metadata = MetaData()

    id: int | None = Field(default=None, primary_key=True)
    body: str


def create_app(url: str) -> FastAPI:
    """Three routes; each is one insert and one commit."""
    app = FastAPI()
    plain = create_engine(url, connect_args={"check_same_thread": False})

    @event.listens_for(plain, "connect")
    def settings(connection: Any, _record: Any) -> None:
        for setting in engine.SQLITE_SETTINGS:
            connection.execute(f"PRAGMA {setting}")

    @app.post("/plain", status_code=201)
    def add_plainly(sent: Body) -> Bare:
        with Session(plain) as session:
            row = Bare(body=sent.body)
            session.add(row)
            session.commit()
            session.refresh(row)
            return row

    @app.post("/rows", status_code=201)
    def add(sent: Body) -> Bare:
        with engine.transaction() as session:
            row = Bare(body=sent.body)
            session.add(row)
            session.flush()
            return row

    @app.post("/text", status_code=201)
    def add_by_text(sent: Body) -> dict[str, int]:
        with engine.transaction() as session:
            result = session.connection().execute(text("INSERT INTO bare (body) VALUES (:body)"), {"body": sent.body})
            return {"id": result.lastrowid}

    return app


def main(url: str, port: int) -> None:
    """Serve them from a fresh database at `url`."""
    engine.configure(url)
    with engine.transaction() as session:
        Bare.metadata.create_all(session.connection())
    uvicorn.run(create_app(url), host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
