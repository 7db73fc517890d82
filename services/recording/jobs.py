"""Runs a job again and again until it is cancelled."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from vonglau.leases import Lease
from vonglau.telemetry import count, names

log = logging.getLogger(__name__)


async def every(seconds: float, name: str, job: Callable[[], Awaitable[Any]], lease: Lease | None = None) -> None:
    """lease: the job runs where it is held. What fails is counted and tried again at the next turn."""
    while True:
        try:
            if lease is None:
                await job()
            else:
                async with lease.held():
                    await job()
        except Exception as error:
            count(names.LOOP_ERRORS, 1, {names.LOOP: name, names.ERROR_TYPE: type(error).__name__})
            log.exception("%s failed and is tried again in %s s", name, seconds)
        await asyncio.sleep(seconds)
