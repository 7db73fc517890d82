"""A connection that stands still, or breaks, while both of its ends live."""

import asyncio
from contextlib import closing, suppress
from types import TracebackType
from typing import Self

from .servers import free_port

_CHUNK = 65536


class Proxy:
    """Passes bytes between its own port and ``port`` on loopback, in the event loop that started it."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._target = port
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._listener: asyncio.Server | None = None
        self._pairs: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def pause(self) -> None:
        """Hold all bytes back, in both directions; nothing is lost and nobody is told."""
        self._flowing.clear()

    def resume(self) -> None:
        self._flowing.set()

    def cut(self) -> None:
        """Break every connection; new ones are taken. What was held back is lost."""
        for pair in self._pairs:
            pair.cancel()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None) -> None:
        if self._listener is not None:
            self._listener.close()
        self.cut()
        if self._pairs:
            await asyncio.wait(set(self._pairs))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pair = asyncio.ensure_future(self._pass(reader, writer))
        self._pairs.add(pair)
        pair.add_done_callback(self._pairs.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError):        # nobody listens there: the client sees its connection end
            there, away = await asyncio.open_connection("127.0.0.1", self._target)
            with closing(away):
                pumps = [asyncio.ensure_future(self._pump(reader, away)), asyncio.ensure_future(self._pump(there, writer))]
                try:
                    await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    for pump in pumps:
                        pump.cancel()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(_CHUNK):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
