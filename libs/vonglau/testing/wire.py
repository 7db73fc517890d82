"""The way of TCP connections to a server, which can be cut or go silent."""
from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from vonglau.broker.server import free_port


class Wire:
    """Once joined, what comes in at its own port of this machine is carried to `far`."""

    def __init__(self, far: tuple[str, int]) -> None:
        """far: host and port."""
        self.port = free_port()
        self._far = far
        self._ends: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    @property
    def ends(self) -> int:
        """Of connections since the last cut."""
        return len(self._ends)

    async def join(self) -> None:
        """What came about in silence stays silent."""
        await self._listen(self._carry)

    async def cut(self) -> None:
        """Nothing passes any more, and no new connection comes about."""
        self._close()
        ends, self._ends = self._ends, []
        for end in ends:
            end.transport.abort()

    async def fall_silent(self) -> None:
        """What stood is cut; new connections hear nothing, like those to an address that nobody has any more."""
        await self.cut()
        await self._listen(self._hold)

    async def _listen(self, take: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]) -> None:
        self._close()
        self._server = await asyncio.start_server(take, "127.0.0.1", self.port)

    def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _hold(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.append(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._far)
        except OSError:
            writer.close()
            return
        self._ends.append(far_writer)
        await asyncio.gather(carried(reader, far_writer), carried(far_reader, writer))


async def carried(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
    except ConnectionError:
        pass
    finally:
        writer.close()
