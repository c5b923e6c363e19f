"""What filing is held against: FastAPI routes that insert one row, with the same server and the same durability.

`/rows` inserts it as this project's stack does, through a SQLModel session; `/text` hands the database a line of SQL.
"""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import MetaData, text
from sqlmodel import Field, SQLModel

from records import engine


class Body(BaseModel):
    """As much text as a short referral."""

    body: str


class Bare(SQLModel, table=True):
    """A row with a number and a text, in a schema of its own."""

    metadata = MetaData()

    id: int | None = Field(default=None, primary_key=True)
    body: str


def create_app() -> FastAPI:
    """Two routes; each is one insert and one commit."""
    app = FastAPI()

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
    uvicorn.run(create_app(), host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
