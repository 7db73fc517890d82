"""Waiting for a condition instead of for a time."""
from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

POLL_S = 0.01


async def eventually(condition: Callable[[], Any | Awaitable[Any]], within: float = 10.0, why: str = "") -> Any:
    """The condition's first true value; it may be a coroutine function.

    within: s. Raises: AssertionError naming what was waited for.
    """
    end = time.monotonic() + within
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"not within {within} s: {why or inspect.getsource(condition).strip()}")
        await asyncio.sleep(POLL_S)
