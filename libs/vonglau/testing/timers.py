"""What timers stand on, in memory: for tests, and where there is one process only."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class MemoryRuns:
    def __init__(self) -> None:
        self.began_ns: dict[str, int] = {}

    async def last(self, name: str) -> int | None:
        return self.began_ns.get(name)

    async def save(self, name: str, began_ns: int) -> None:
        self.began_ns[name] = max(began_ns, self.began_ns.get(name, began_ns))


class MemoryLease:
    """One holder at a time within a process."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        async with self._lock:
            yield
