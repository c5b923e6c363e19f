"""The web server's patience: whoever sends or reads too slowly is cut off, and others are served meanwhile.

uvicorn bounds only the pause between two requests. Somebody who sends a header every now and then, or a body byte by
byte, or never reads an answer, would keep a connection for ever, and enough of them all the connections there are.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_SECONDS = 15.0
"""From the connection, or from the first byte of a later request, to the last byte of its headers."""
BODY_SECONDS = 120.0
"""From there to the end of the body. A release list of 20 MB takes that long at 1.4 Mbit/s."""
ANSWER_SECONDS = 120.0
"""Since the other side stopped reading what it asked for."""


class PatientProtocol(H11Protocol):
    """uvicorn's own, with these bounds: `uvicorn.run(…, http=PatientProtocol)`."""

    headers_seconds: ClassVar[float] = HEADERS_SECONDS
    body_seconds: ClassVar[float] = BODY_SECONDS
    answer_seconds: ClassVar[float] = ANSWER_SECONDS

    _reading: asyncio.TimerHandle | None = None
    _reads_body = False
    _writing: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for the headers."""
        super().connection_made(transport)
        self._await(self.headers_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._await(None)
        self._stop_writing()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """After whatever came: is more of this request to come, and since when is it awaited?"""
        super().handle_events()
        state = self.conn.their_state
        if state is h11.SEND_BODY:
            if not self._reads_body:
                self._reads_body = True
                self._await(self.body_seconds)
        elif state is h11.IDLE and self.conn.trailing_data[0]:
            if self._reading is None:
                self._await(self.headers_seconds)
        elif state is not h11.IDLE:
            self._await(None)

    def pause_writing(self) -> None:
        """The other side does not read."""
        super().pause_writing()
        self._end_if_unread()

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        self._stop_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Closing waits until everything was read: not for ever."""
        super().timeout_keep_alive_handler()
        self._end_if_unread()

    def _await(self, seconds: float | None) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._reading = None if seconds is None else self.loop.call_later(seconds, self._give_up)
        if seconds is None:
            self._reads_body = False

    def _give_up(self) -> None:
        self._reading = None
        self.transport.abort()

    def _end_if_unread(self) -> None:
        if self._writing is None:
            self._writing = self.loop.call_later(self.answer_seconds, self.transport.abort)

    def _stop_writing(self) -> None:
        if self._writing is not None:
            self._writing.cancel()
            self._writing = None
