"""Runs a job again and again until it is cancelled."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from vonglau.leases import Lease
from vonglau.telemetry import count, names

log = logging.getLogger(__name__)


async def every(seconds: float, name: str, job: Callable[[], Awaitable[Any]], ready: Awaitable[None], lease: Lease) -> None:
    """Once `ready` is done, and where the lease is held. What fails is counted and tried again at the next turn."""
    await ready
    while True:
        try:
            async with lease.held():
                await job()
        except Exception as error:
            count(names.LOOP_ERRORS, 1, {names.LOOP: name, names.ERROR_TYPE: type(error).__name__})
            log.exception("%s failed and is tried again in %s s", name, seconds)
        await asyncio.sleep(seconds)


async def ended(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel them until they are done: on Python 3.11 a cancellation that meets an answer from the log is lost (`asyncio.wait_for`)."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=0.2)
