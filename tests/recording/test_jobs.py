"""Jobs go on after whatever fails, and end when they are told to."""
from __future__ import annotations

import asyncio
from contextlib import nullcontext
from typing import Any

from services.recording.jobs import every
from vonglau.ending import ended
from vonglau.testing.waiting import eventually


class OwnLease:
    def held(self) -> Any:
        return nullcontext()


async def test_a_job_that_fails_is_tried_again() -> None:
    runs: list[int] = []

    async def job() -> None:
        runs.append(1)
        raise RuntimeError("once more")

    ready = asyncio.get_running_loop().create_future()
    lease: Any = OwnLease()
    task = asyncio.create_task(every(0.001, "test", job, ready, lease))
    await asyncio.sleep(0)
    assert runs == []
    ready.set_result(None)
    await eventually(lambda: len(runs) > 2)
    await ended([task])
    assert task.cancelled()


async def test_a_job_that_loses_a_cancellation_ends_all_the_same() -> None:
    lost: list[int] = []

    async def deaf() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            lost.append(1)
        await asyncio.sleep(60)

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await ended([task])
    assert (lost, task.cancelled()) == ([1], True)
