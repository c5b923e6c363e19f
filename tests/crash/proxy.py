"""A small proxy between our processes and a server: it passes on, cuts, delays, or passes on what is asked and swallows
what is answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Proxy:
    """Lives in an event loop of the harness; its settings may be changed from any thread."""

    def __init__(self, connect: Callable[[], Awaitable[Streams]]) -> None:
        self._connect = connect
        self._writers: set[asyncio.StreamWriter] = set()
        self.is_cut = False
        self.swallows = False
        self.delay = 0.0
        """Seconds that each piece waits, both ways."""
        self.passed = 0

    async def listen(self, at: int | Path) -> None:
        """Take connections at a port of 127.0.0.1, or at a Unix socket."""
        if isinstance(at, Path):
            await asyncio.start_unix_server(self._serve, str(at))
        else:
            await asyncio.start_server(self._serve, "127.0.0.1", at)

    async def cut(self) -> None:
        """End every connection, and take none until `is_cut` is put back."""
        self.is_cut = True
        self.hang_up()

    def hang_up(self) -> None:
        """End every connection; new ones are taken. To be called in the loop."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            if self.is_cut:
                return
            there_reads, there_writes = await self._connect()
            self._writers.add(there_writes)
            try:
                await asyncio.gather(
                    self._pass_on(reader, there_writes, is_answer=False),
                    self._pass_on(there_reads, writer, is_answer=True),
                )
            finally:
                self._writers.discard(there_writes)
                there_writes.transport.abort()
        except OSError:
            pass  # the server is away
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        with suppress(OSError):
            while piece := await reader.read(65536):
                if self.delay:
                    await asyncio.sleep(self.delay)
                if is_answer and self.swallows:
                    continue
                writer.write(piece)
                await writer.drain()
                self.passed += 1
        writer.transport.abort()
