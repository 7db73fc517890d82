"""Events published at a steady rate by a program that is no Faust app: confirmed, and repeated under the same id while servers die."""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from ..codec import KEY
from ..connection import Connection
from ..partitioner import partition_of
from ..publisher import Publisher
from ..settings import Access, Settings

Event = tuple[str, Mapping[str, Any]]


async def publish_events(
    servers: tuple[str, ...],
    topic: str,
    partitions: int,
    count: int,
    event: Callable[[int], Event],
    *,
    rate: float = 0.0,
    prefix: str = "faust",
    patience: float = 60.0,
) -> None:
    """Publish ``event(0)`` to ``event(count - 1)``, each a key and a JSON object, ``rate`` per second (0: as fast as it goes).

    The topic's streams must exist (layout ``partition``). Returns when all are stored exactly once; raises NotStored after ``patience`` seconds.
    """
    settings = Settings(Access(servers), app="load", prefix=prefix, request_timeout=patience)
    connection = Connection(settings.access, "load")
    await connection.open()
    publisher = Publisher(connection, settings)
    await publisher.start()
    try:
        begun = time.monotonic()
        for number in range(count):
            key, body = event(number)
            subject = f"{prefix}.{topic}.{partition_of(key.encode(), partitions)}"
            await publisher.publish(subject, json.dumps(body).encode(), {KEY: key}, f"load-{topic}-{number}")
            if rate and number % 10 == 0:
                await asyncio.sleep(max(0.0, begun + number / rate - time.monotonic()))
        await publisher.flush()
    finally:
        await publisher.stop()
        await connection.close()
