"""A task that is told to end ends, whatever it makes of the first cancellation."""
from __future__ import annotations

import asyncio

import pytest

from vonglau.ending import Parts, ended


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


async def test_leaving_parts_ends_even_one_that_lost_its_cancellation() -> None:
    async with Parts() as parts:
        tasks = [parts.start(stubborn(times)) for times in (0, 2)]
        await asyncio.sleep(0)
    assert all(task.cancelled() for task in tasks)


async def test_a_part_that_fails_ends_the_body_and_the_others_and_is_raised() -> None:
    async def fails() -> None:
        raise ValueError("no room")

    others: list[asyncio.Task[None]] = []

    async def body() -> None:
        async with Parts() as parts:
            others.append(parts.start(stubborn(1)))
            parts.start(fails())
            await asyncio.sleep(60)

    with pytest.raises(ValueError, match="no room"):
        await body()
    assert others[0].cancelled()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_is_raised_inside_ends_the_parts_and_goes_on() -> None:
    started: list[asyncio.Task[None]] = []

    async def body() -> None:
        async with Parts() as parts:
            started.append(parts.start(stubborn(1)))
            await asyncio.sleep(0)
            raise KeyError

    with pytest.raises(KeyError):
        await body()
    assert started[0].cancelled()


async def test_parts_that_are_cancelled_from_outside_stay_cancelled() -> None:
    started: list[asyncio.Task[None]] = []

    async def body() -> None:
        async with Parts() as parts:
            started.append(parts.start(stubborn(1)))
            await asyncio.sleep(60)

    outer = asyncio.create_task(body())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    outer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await outer
    assert started[0].cancelled()


async def fails_when_ended() -> None:
    try:
        await asyncio.sleep(60)
    finally:
        raise OSError("cannot close")


async def test_a_part_that_fails_while_it_is_ended_is_raised_and_cancels_nobody() -> None:
    async def body() -> None:
        async with Parts() as parts:
            parts.start(fails_when_ended())
            await asyncio.sleep(0)

    with pytest.raises(OSError, match="cannot close"):
        await body()
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_what_is_raised_inside_goes_before_what_fails_while_it_is_ended() -> None:
    async def body() -> None:
        async with Parts() as parts:
            parts.start(fails_when_ended())
            await asyncio.sleep(0)
            raise KeyError

    with pytest.raises(KeyError):
        await body()


async def test_parts_may_all_end_by_themselves() -> None:
    done: list[int] = []

    async def work(turns: int) -> None:
        for _ in range(turns):
            await asyncio.sleep(0)
        done.append(turns)

    async with Parts() as parts:
        await parts.over()  # none is over at once
        for turns in (5, 1):
            parts.start(work(turns))
        await parts.over()
        assert done == [1, 5]
