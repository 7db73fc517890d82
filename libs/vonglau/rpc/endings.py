"""Who owns running calls when the server stops. Those that run for ever end first, so that they don't use up the grace of the others;
gRPC ends the others' connections after the grace, but returns before their handlers have ended: here they are awaited.
"""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from vonglau.errors import Unavailable

PATIENCE_S = 0.5


class Endings:
    def __init__(self, endless: Collection[str]) -> None:
        self._endless = endless
        self._running: set[asyncio.Task[Any]] = set()
        self._forever: set[asyncio.Timeout] = set()
        self._stopping = False

    def begin(self) -> None:
        """End all endless calls now, and at once those that still come."""
        self._stopping = True
        for timeout in self._forever:
            timeout.reschedule(asyncio.get_running_loop().time())

    async def finish(self) -> None:
        """Wait for the handlers that gRPC has cancelled; what does not heed it is cancelled again and left after PATIENCE_S."""
        for cancel in (False, True):
            for task in self._running if cancel else ():
                task.cancel()
            if self._running:
                await asyncio.wait(self._running, timeout=PATIENCE_S)

    @asynccontextmanager
    async def owned(self, method: str) -> AsyncIterator[None]:
        """Around one call.

        Raises: Unavailable (SERVER_STOPPING) in an endless body's place when the server stops; callers connect anew, to another replica or later.
        """
        task = asyncio.current_task()
        if task is not None:
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        if method in self._endless:
            async with self._until_stop():
                yield
        else:
            yield

    @asynccontextmanager
    async def _until_stop(self) -> AsyncIterator[None]:
        timeout = asyncio.timeout(0 if self._stopping else None)
        try:
            async with timeout:
                self._forever.add(timeout)
                yield
        except TimeoutError:
            if timeout.expired():
                raise Unavailable("SERVER_STOPPING", "this server is stopping; call again") from None
            raise
        finally:
            self._forever.discard(timeout)
