"""A server drops a damaged event without a word; a walk over the stream names it."""
from __future__ import annotations

from pathlib import Path

import pytest

from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.topology import ES_REGISTRY, ensure
from vonglau.errors import Unavailable
from vonglau.eventlog import LogWalk

pytestmark = pytest.mark.loopback
MARK = b"the fourth of the events"


async def filled(broker: Broker, count: int) -> None:
    for number in range(1, count + 1):
        await broker.js.publish(f"es.registry.owner.ward-{number}", MARK if number == 4 else b"another")


async def test_a_whole_log_has_nothing_missing(broker: Broker) -> None:
    assert await LogWalk(broker.nc, ES_REGISTRY).run() == []
    await filled(broker, 1100)  # more than one batch
    assert await LogWalk(broker.nc, ES_REGISTRY).run() == []


async def test_an_event_that_was_damaged_on_disk_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = tmp_path / "nats"
    async with NatsServer(store) as server, connect(server.url, name="tests", within=5) as broker:
        await ensure(broker)
        await filled(broker, 9)
    damage(store)
    async with NatsServer(store) as server, connect(server.url, name="tests", within=5) as broker:
        walk = LogWalk(broker.nc, ES_REGISTRY)
        assert 4 in await walk.run()
        assert walk.missing
    assert "accepted events are missing" in caplog.text


def damage(store: Path) -> None:
    (block,) = [path for path in store.rglob("*.blk") if ES_REGISTRY in str(path) and MARK in path.read_bytes()]
    content = bytearray(block.read_bytes())
    content[content.index(MARK)] ^= 1
    block.write_bytes(content)


async def test_a_log_that_is_away_is_told(nats_server: NatsServer, broker: Broker) -> None:
    await nats_server.kill()
    with pytest.raises(Unavailable):
        await LogWalk(broker.nc, ES_REGISTRY, timeout=0.3).run()
