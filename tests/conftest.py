"""What many suites start: a real NATS server as a child process, and a connection with the platform's streams."""
from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.topology import ensure


@pytest.fixture
async def nats_server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path / "nats") as server:
        yield server


@pytest.fixture
async def broker(nats_server: NatsServer) -> AsyncIterator[Broker]:
    async with connect(nats_server.url, name="tests", within=5) as connected:
        await ensure(connected)
        yield connected
