"""How a service comes to its server: not to one that would lose half of what it is told."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from vonglau.broker import NatsServer, attached, connect, connection
from vonglau.broker.reconcile import FAILED, ReconcileSettings, reconcile
from vonglau.errors import Refused
from vonglau.settings import PlatformSettings
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback


class Greeting:
    """Says hello as a server of the version would, and answers pings."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.url = ""
        self._writers: list[asyncio.StreamWriter] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        hello = {"server_id": "old", "version": self.version, "max_payload": 1 << 20, "headers": True, "jetstream": True}
        writer.write(b"INFO " + orjson.dumps(hello) + b"\r\n")
        async for line in reader:
            if line.startswith(b"PING"):
                writer.write(b"PONG\r\n")
        writer.close()

    def becomes(self, version: str) -> None:
        """Who is connected has to come again."""
        self.version = version
        while self._writers:
            self._writers.pop().close()


@asynccontextmanager
async def server_of(version: str) -> AsyncIterator[Greeting]:
    greeting = Greeting(version)
    listening = await asyncio.start_server(greeting.serve, "127.0.0.1", 0)
    async with listening:
        greeting.url = f"nats://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
        yield greeting


@pytest.mark.parametrize("version", ["2.10.29", "2.12.0"])
async def test_a_server_that_is_too_old_is_refused_with_what_is_wanted(version: str) -> None:
    async with server_of(version) as server:
        with pytest.raises(Refused, match=rf"nats-server {version}; it has to be 2\.12\.1 or newer") as refused:
            async with attached(PlatformSettings(nats_url=server.url), "registry"):
                pytest.fail("it would take half of every batch")
    assert refused.value.reason == "LOG_SERVER_TOO_OLD"


async def test_the_job_that_declares_streams_says_which_server_is_too_old(capsys: pytest.CaptureFixture[str]) -> None:
    async with server_of("2.10.29") as server:
        assert await reconcile(ReconcileSettings(nats_url=server.url, within_s=5)) == FAILED
    assert capsys.readouterr().err == "the event log's server is nats-server 2.10.29; it has to be 2.12.1 or newer\n"


async def test_a_server_that_is_too_old_after_a_reconnect_is_like_none_until_there_is_a_newer_one(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(connection, "RETRY_S", 0.01)
    async with server_of("2.12.1") as server, connect(server.url, name="tests", within=5) as broker:
        server.becomes("2.11.9")
        await eventually(lambda: broker.connections == 2)
        assert broker.nc.is_connected
        assert not broker.is_connected
        server.becomes("2.12.2")
        await eventually(lambda: broker.connections == 3)
        assert broker.is_connected
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "the event log's server is nats-server 2.11.9; it has to be 2.12.1 or newer; this process takes no calls while it is connected to it"
    ]


async def test_the_server_of_this_platform_is_new_enough(nats_server: NatsServer) -> None:
    async with attached(PlatformSettings(nats_url=nats_server.url), "registry") as broker:
        assert broker.is_connected
