"""How full each stream is of what it may hold: a stream of record that reaches its bound refuses every command."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from nats.errors import Error
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.errors import APIError

from vonglau.broker.connection import Broker
from vonglau.ending import ended
from vonglau.telemetry import gauge
from vonglau.telemetry.names import LOG_FILLED, STREAM

LOOK_S = 60.0


@asynccontextmanager
async def measured(broker: Broker, streams: Iterable[str]) -> AsyncIterator[None]:
    """Inside, each is looked at every minute."""
    shares: dict[str, float] = {}
    gauge(LOG_FILLED, lambda: [(share, {STREAM: stream}) for stream, share in tuple(shares.items())])  # read from another thread
    looking = asyncio.create_task(look(broker, list(streams), shares))
    try:
        yield
    finally:
        await ended([looking])


async def look(broker: Broker, streams: Iterable[str], shares: dict[str, float]) -> None:
    while True:
        for stream in streams:
            try:
                found = await broker.js.stream_info(stream)
            except (APIError, NatsTimeoutError, Error):  # away for now: health tells that
                shares.pop(stream, None)
                continue
            if found.config.max_bytes and found.config.max_bytes > 0:
                shares[stream] = found.state.bytes / found.config.max_bytes
        await asyncio.sleep(LOOK_S)
