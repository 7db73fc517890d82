"""Calls that run for ever end when the server stops, so that they don't use up the grace of those that would end by themselves."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from vonglau.errors import Unavailable


class Endings:
    def __init__(self, endless: Collection[str]) -> None:
        self._endless = endless
        self._running: set[asyncio.Timeout] = set()
        self._stopping = False

    def begin(self) -> None:
        """End all endless calls now, and at once those that still come."""
        self._stopping = True
        for timeout in self._running:
            timeout.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def ended_at_stop(self, method: str) -> AsyncIterator[None]:
        """Raises: Unavailable (SERVER_STOPPING) in the body's place when the server stops; callers connect anew, to another replica or later."""
        if method not in self._endless:
            yield
            return
        timeout = asyncio.timeout(0 if self._stopping else None)
        try:
            async with timeout:
                self._running.add(timeout)
                yield
        except TimeoutError:
            if timeout.expired():
                raise Unavailable("SERVER_STOPPING", "this server is stopping; call again") from None
            raise
        finally:
            self._running.discard(timeout)
