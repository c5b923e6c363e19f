"""A door with TLS before something on this machine that speaks in clear: what goes through is handed on as it is."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

_CHUNK = 64 * 1024
_AT_ONCE = 32
_IDLE_SECONDS = 300.0
Address = tuple[str, int]


class PrivateDoor:
    """Listens at one address with a certificate, and speaks to `inner`, which is bound to this machine alone."""

    def __init__(self, outer: Address, inner: Address, context: ssl.SSLContext) -> None:
        self.outer, self.inner, self.context = outer, inner, context
        self._server: asyncio.Server | None = None
        self._guests: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> PrivateDoor:
        """Listen. Raises OSError when somebody listens there already."""
        host, port = self.outer
        self._server = await asyncio.start_server(self._receive, host, port, ssl=self.context)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Listen no more, and end what goes on."""
        if self._server is not None:
            self._server.close()
        for guest in self._guests:
            guest.cancel()
        await asyncio.gather(*self._guests, return_exceptions=True)

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(self._guests) >= _AT_ONCE:
            writer.close()
            return
        self._guests.add(task)
        try:
            with contextlib.suppress(OSError):
                await self._hand_on(reader, writer)
        finally:
            self._guests.discard(task)
            writer.close()

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_connection(*self.inner)
        try:
            ways = [asyncio.ensure_future(_copy(reader, asks)), asyncio.ensure_future(_copy(answers, writer))]
            try:
                await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for way in ways:
                    way.cancel()
                await asyncio.gather(*ways, return_exceptions=True)
        finally:
            asks.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await asyncio.wait_for(reader.read(_CHUNK), _IDLE_SECONDS):
        writer.write(chunk)
        await writer.drain()
