"""One connection to NATS that comes back by itself for as long as the process lives."""
from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import nats
from nats.aio.client import Client
from nats.errors import Error
from nats.js import JetStreamContext

logger = logging.getLogger(__name__)

RETRY_S = 0.25  # between attempts; a restarted server is seen at once, and 200 clients make 800 attempts a second
API_LEVEL = 4  # of nats-server 2.14 (ADR-44): atomic batches with their fixes, Direct Get batches


@dataclass
class Broker:
    """The connection, JetStream on it, and how often it has been made anew."""

    nc: Client
    js: JetStreamContext
    connections: int = 1  # rises with each reconnect; what is subscribed on the old one may have to be renewed
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def is_connected(self) -> bool:
        return bool(self.nc.is_connected)

    async def reconnected(self, since: int) -> None:
        """Wait until there was a connection newer than `since`."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.connections > since)


@asynccontextmanager
async def connect(url: str, *, name: str, within: float | None = None) -> AsyncIterator[Broker]:
    """Connected; waits until a server is there, since services start in any order.

    within: s, for the first connection; None: for ever. Raises: TimeoutError.
    """
    broker: Broker | None = None

    async def came_back() -> None:
        if broker is not None:
            async with broker.changed:
                broker.connections += 1
                broker.changed.notify_all()
            logger.info("the event log is back")

    async def went_away() -> None:
        if broker is not None and not broker.nc.is_closed:
            logger.warning("the event log is away; commands wait, recording goes on")

    async def first() -> Client:
        said = False
        while True:
            try:
                return await nats.connect(
                    url,
                    name=name,
                    reconnect_time_wait=RETRY_S,
                    max_reconnect_attempts=-1,
                    error_cb=quiet,
                    reconnected_cb=came_back,
                    disconnected_cb=went_away,
                    allow_reconnect=True,
                    ping_interval=5,
                    max_outstanding_pings=2,
                )
            except (OSError, Error, TimeoutError) as error:
                if not said:
                    logger.info("waiting for the event log at %s (%s)", url, error)
                    said = True
                await asyncio.sleep(RETRY_S)

    nc = await asyncio.wait_for(first(), within)
    broker = Broker(nc, nc.jetstream())
    try:
        yield broker
    finally:
        with contextlib.suppress(OSError, RuntimeError):  # a server that has just died; uvloop says RuntimeError
            await nc.close()


async def quiet(error: Exception) -> None:
    """Every failed attempt to reconnect is reported here; the change of state itself is logged once."""
    logger.debug("nats: %s", error)
