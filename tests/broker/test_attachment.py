"""How a service comes to its server: not to one that would lose half of what it is told."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from vonglau.broker import NatsServer, attached
from vonglau.errors import Refused
from vonglau.settings import PlatformSettings

pytestmark = pytest.mark.loopback


@asynccontextmanager
async def server_of(version: str) -> AsyncIterator[str]:
    """Says hello as such a server would, and answers pings."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"INFO " + orjson.dumps({"server_id": "old", "version": version, "max_payload": 1 << 20, "headers": True, "jetstream": True}) + b"\r\n")
        async for line in reader:
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with listening:
        yield f"nats://127.0.0.1:{listening.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize("version", ["2.10.29", "2.12.0"])
async def test_a_server_that_is_too_old_is_refused_with_what_is_wanted(version: str) -> None:
    async with server_of(version) as url:
        with pytest.raises(Refused, match=rf"nats-server {version}; it has to be 2\.12\.1 or newer") as refused:
            async with attached(PlatformSettings(nats_url=url), "registry"):
                pytest.fail("it would take half of every batch")
    assert refused.value.reason == "LOG_SERVER_TOO_OLD"


async def test_the_server_of_this_platform_is_new_enough(nats_server: NatsServer) -> None:
    async with attached(PlatformSettings(nats_url=nats_server.url), "registry") as broker:
        assert broker.is_connected
