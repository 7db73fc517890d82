"""Ending tasks for sure. On Python 3.11 a cancellation that meets an answer is lost inside `asyncio.wait_for`, so it is repeated."""
from __future__ import annotations

import asyncio
from collections.abc import Iterable
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
