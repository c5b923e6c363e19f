"""What filing is held against: a FastAPI route that inserts one row, with the same server and the same durability."""

from __future__ import annotations

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel
from sqlalchemy import text

from records import engine


class Row(BaseModel):
    """As much text as a short referral."""

    body: str


def create_app() -> FastAPI:
    """One route, one insert, one commit."""
    app = FastAPI()

    @app.post("/rows", status_code=201)
    def add(row: Row) -> dict[str, int]:
        with engine.transaction() as session:
            result = session.connection().execute(text("INSERT INTO bare (body) VALUES (:body)"), {"body": row.body})
            return {"id": result.lastrowid}

    return app


def main(url: str, port: int) -> None:
    """Serve it from a fresh database at `url`."""
    engine.configure(url)
    with engine.transaction() as session:
        session.connection().execute(text("CREATE TABLE bare (id INTEGER PRIMARY KEY, body TEXT NOT NULL)"))
    uvicorn.run(create_app(), host="127.0.0.1", port=port, log_level="warning", access_log=False)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
