"""CPU time and memory of processes while something is measured."""
from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psutil

LOOK_S = 0.25


@dataclass
class Usage:
    """Of one process; of the time after the last look nothing is known."""

    process: psutil.Process
    cpu_s: float = 0.0
    most_mb: float = 0.0  # PSS
    before_s: float = field(init=False)

    def __post_init__(self) -> None:
        self.before_s = sum(self.process.cpu_times()[:2])

    def look(self) -> None:
        with contextlib.suppress(psutil.Error):
            self.cpu_s = sum(self.process.cpu_times()[:2]) - self.before_s
            self.most_mb = max(self.most_mb, self.process.memory_full_info().pss / 1e6)

    def __str__(self) -> str:
        return f"CPU {self.cpu_s:.1f} s, {self.most_mb:.0f} MB"


@asynccontextmanager
async def used(*processes: psutil.Process) -> AsyncIterator[list[Usage]]:
    """What each took meanwhile."""
    found = [Usage(each) for each in processes]

    async def looking() -> None:
        while True:
            for each in found:
                each.look()
            await asyncio.sleep(LOOK_S)

    watching = asyncio.create_task(looking())
    try:
        yield found
    finally:
        watching.cancel()
        for each in found:
            each.look()
