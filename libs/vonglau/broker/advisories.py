"""What the servers themselves report about the log: batches that were dropped, streams and consumers without a quorum."""
from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
from nats.aio.msg import Msg

from vonglau.broker.connection import Broker
from vonglau.telemetry import count
from vonglau.telemetry.names import ADVISORY, LOG_ADVISORIES

logger = logging.getLogger(__name__)

PREFIX = "$JS.EVENT.ADVISORY."
WATCHED = {  # subject after the prefix, up to the stream's name: what it says
    "STREAM.BATCH_ABANDONED": "a batch of events was dropped before its end; whoever wrote it was not answered",
    "STREAM.QUORUM_LOST": "a stream has lost its quorum; nothing is accepted on it",
    "CONSUMER.QUORUM_LOST": "a consumer has lost its quorum; nothing is delivered from it",
}


@asynccontextmanager
async def watched(broker: Broker) -> AsyncIterator[None]:
    """Inside, each is counted and logged."""
    subscriptions = [await broker.nc.subscribe(f"{PREFIX}{kind}.>", cb=told) for kind in WATCHED]
    try:
        yield
    finally:
        if broker.is_connected:
            for subscription in subscriptions:
                await subscription.unsubscribe()


async def told(message: Msg) -> None:
    family, event, stream, *_ = message.subject.removeprefix(PREFIX).split(".")
    kind = f"{family}.{event}"
    count(LOG_ADVISORIES, 1, {ADVISORY: kind.lower()})
    try:
        reason = orjson.loads(message.data).get("reason", "")
    except (ValueError, AttributeError):
        reason = ""
    logger.warning("%s: %s%s", stream, WATCHED[kind], f" ({reason})" if reason else "")
