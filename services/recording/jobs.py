"""Runs a job again and again until it is cancelled."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
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
