"""The parts of the testkit that no other test leans on by itself."""

import pytest

from faust_jetstream.connection import connect
from faust_jetstream.settings import Access
from faust_jetstream.testkit import Proxy, Server, free_port, until

pytestmark = [pytest.mark.loopback, pytest.mark.usefixtures("reconnects")]


def test_a_port_lies_below_those_that_outgoing_connections_take() -> None:
    assert all(10_000 <= free_port() < 32_768 for _ in range(50))


async def test_a_connection_that_was_cut_is_made_again(server: Server) -> None:
    async with Proxy(server.port) as proxy:
        nc = await connect(Access((proxy.url,)), "test")
        proxy.cut()
        await until(lambda: nc.stats["reconnects"] == 1 and nc.is_connected, 10)
        await nc.flush()
        await nc.close()


async def test_what_a_paused_connection_held_back_arrives_when_it_goes_on(server: Server) -> None:
    async with Proxy(server.port) as proxy:
        nc = await connect(Access((proxy.url,)), "test")
        sub = await nc.subscribe("paused")
        await nc.flush()
        proxy.pause()
        await nc.publish("paused", b"1")
        with pytest.raises(TimeoutError):
            await sub.next_msg(timeout=0.3)
        proxy.resume()
        assert (await sub.next_msg(timeout=5)).data == b"1"
        await nc.close()
