"""The connection to the log: waited for, lost, found again, and left."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from nats.aio.client import Server

from vonglau.broker import NatsServer, connect
from vonglau.broker.server import LASTING_PORTS, free_port
from vonglau.errors import Unavailable
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback


async def test_where_no_server_listens_the_wait_has_the_end_that_was_asked_for() -> None:
    with pytest.raises(TimeoutError):
        async with connect(f"nats://127.0.0.1:{free_port()}", name="tests", within=0.6):
            pytest.fail("nobody listens there")


async def test_waiting_for_the_first_connection_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vonglau.broker")
    with pytest.raises(TimeoutError):
        async with connect(f"nats://127.0.0.1:{free_port()}", name="tests", within=0.8):
            pytest.fail("nobody listens there")
    assert len([record for record in caplog.records if "waiting for the event log" in record.message]) == 1


async def test_a_server_that_starts_later_is_found(tmp_path: Path) -> None:
    server = NatsServer(tmp_path / "nats")
    connecting = connect(server.url, name="tests", within=10)
    async with server, connecting as broker:
        assert broker.is_connected
        assert broker.connections == 1


async def test_a_lost_connection_is_counted_when_it_is_back(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "vonglau.broker")
    async with NatsServer(tmp_path / "nats") as server, connect(server.url, name="tests", within=5) as broker:
        await server.kill()
        await eventually(lambda: not broker.is_connected)
        await server.start()
        await eventually(lambda: broker.connections == 2)
        assert broker.is_connected
    assert [record.message.partition(";")[0] for record in caplog.records] == ["the event log is away", "the event log is back"]


async def test_leaving_while_the_server_is_gone_is_no_error(tmp_path: Path) -> None:
    async with NatsServer(tmp_path / "nats") as server, connect(server.url, name="tests", within=5) as broker:
        await server.kill()
        await eventually(lambda: not broker.is_connected)
    assert not broker.is_connected


async def closed(server: NatsServer) -> None:
    async with connect(server.url, name="tests", within=5) as broker:
        await broker.nc.close()  # as it does itself when the server turns it down
        await asyncio.Event().wait()


async def stopped_trying(server: NatsServer) -> None:
    async with connect(server.url, name="tests", within=5, look_s=0.05) as broker:
        broker.nc._reconnect_to_server_handler = failing_oddly
        await server.kill()
        await asyncio.Event().wait()


def failing_oddly(servers: list[Server], info: dict[str, Any]) -> tuple[Server | None, float]:
    """As errors that the client does not expect: its attempts end."""
    raise asyncio.CancelledError


@pytest.mark.parametrize("given_up", [closed, stopped_trying])
async def test_a_client_that_has_given_up_ends_what_works_with_it(tmp_path: Path, given_up: Callable[[NatsServer], Awaitable[None]]) -> None:
    async with NatsServer(tmp_path / "nats") as server:
        with pytest.raises(Unavailable, match="no more attempts") as stuck:
            await given_up(server)
    assert stuck.value.reason == "LOG_CLIENT_STUCK"


def test_a_port_for_a_server_is_none_that_outgoing_connections_take() -> None:
    ports = {free_port() for _ in range(20)}
    assert len(ports) > 10
    assert all(port in LASTING_PORTS for port in ports)
