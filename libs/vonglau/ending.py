"""Ending tasks for sure. On Python 3.11 a cancellation that meets an answer is lost inside `asyncio.wait_for`, so it is repeated.

For the same reason `Parts` stands where an `asyncio.TaskGroup` would: that one cancels its tasks once, and waits for ever for one that lost it.
"""
from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from types import TracebackType
from typing import Any

AGAIN_S = 0.2


async def ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel the tasks until every one is done; how each ended is not told. Cancelled itself, it finishes first."""
    left = set(tasks)
    interrupted: asyncio.CancelledError | None = None
    while left:
        for task in left:
            task.cancel()
        try:
            await asyncio.wait(left, timeout=AGAIN_S)
        except asyncio.CancelledError as cancellation:
            interrupted = cancellation
        left = {task for task in left if not task.done()}
    if interrupted is not None:
        raise interrupted


class Parts:
    """`async with Parts() as parts: parts.start(...)`: leaving ends them all; one that fails ends the body and the others, and is raised.

    One that fails only as it is ended is raised too, unless the body raised something itself.
    """

    def __init__(self) -> None:
        self._tasks: list[asyncio.Task[Any]] = []
        self._failed: BaseException | None = None
        self._is_leaving = False

    async def __aenter__(self) -> Parts:
        body = asyncio.current_task()
        assert body is not None  # noqa: S101 - a coroutine always runs in one
        self._body, self._cancelling = body, body.cancelling()
        return self

    def start(self, part: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(part)
        self._tasks.append(task)
        task.add_done_callback(self._over)
        return task

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        cut_short, self._is_leaving = self._failed is not None, True
        await ended(self._tasks)
        if self._failed is None:
            return
        nobody_else = cut_short and self._body.uncancel() <= self._cancelling
        if nobody_else or error is None or (cut_short and not isinstance(error, asyncio.CancelledError)):
            raise self._failed

    async def over(self) -> None:
        """Wait until all that was started has ended by itself."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _over(self, task: asyncio.Task[Any]) -> None:
        if self._failed is None and not task.cancelled() and (failure := task.exception()) is not None:
            self._failed = failure
            if not self._is_leaving:
                self._body.cancel()
