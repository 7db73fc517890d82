"""One contract suite on each event store: `store` is the memory, then JetStream on a real server."""
from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vonglau.broker import NatsServer, connect
from vonglau.broker.topology import ensure
from vonglau.eventlog import EventStore, JetStreamStore, MemoryStore


@pytest.fixture(params=["memory", pytest.param("jetstream", marks=pytest.mark.loopback)])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[EventStore]:
    if request.param == "memory":
        yield MemoryStore()
        return
    async with NatsServer(tmp_path / "nats") as server, connect(server.url, name="tests", within=5) as broker:
        await ensure(broker)
        yield JetStreamStore(broker.nc)
