"""A task that is told to end ends, whatever it makes of the first cancellation."""
from __future__ import annotations

import asyncio

import pytest

from vonglau.ending import ended


async def stubborn(cancellations: int) -> None:
    """Loses that many cancellations, as wait_for of Python 3.11 may."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            if cancellations == 0:
                raise
            cancellations -= 1


async def test_a_lost_cancellation_is_repeated() -> None:
    tasks = [asyncio.create_task(stubborn(times)) for times in (0, 1, 2)]
    await asyncio.sleep(0)
    await asyncio.wait_for(ended(tasks), 5)
    assert all(task.cancelled() for task in tasks)


async def test_a_task_that_failed_is_no_error_of_whoever_ends_it() -> None:
    async def fails() -> None:
        raise ValueError

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await ended([task])
    assert isinstance(task.exception(), ValueError)


async def test_whoever_ends_tasks_may_be_cancelled_and_still_finishes() -> None:
    task = asyncio.create_task(stubborn(1))
    await asyncio.sleep(0)
    ending = asyncio.create_task(ended([task]))
    await asyncio.sleep(0)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert task.cancelled()
