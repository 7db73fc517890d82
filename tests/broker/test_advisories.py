"""What the servers report about the log is said in the service's own log, under the stream's name."""
from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.advisories import PREFIX, WATCHED, watched
from vonglau.broker.topology import ES_REGISTRY, record
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback
ABANDONED = f"{ES_REGISTRY}: a batch of events was dropped before its end"


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path) as started:
        yield started


@pytest.fixture
async def watching(server: NatsServer) -> AsyncIterator[Broker]:
    async with connect(server.url, name="watching", within=10) as broker, watched(broker):
        await broker.js.add_stream(record("registry"))
        yield broker


async def published(broker: Broker, number: int) -> None:
    """One event of a batch, not its last."""
    await broker.nc.publish("es.registry.camera.cam-1", b"event", headers={"Nats-Batch-Id": "one", "Nats-Batch-Sequence": str(number)})


async def test_a_batch_that_lacks_an_event_is_dropped_whole_and_told(watching: Broker, caplog: pytest.LogCaptureFixture) -> None:
    await published(watching, 1)
    await published(watching, 3)
    await eventually(lambda: ABANDONED in caplog.text)
    assert "(incomplete)" in caplog.text
    assert (await watching.js.stream_info(ES_REGISTRY)).state.messages == 0


@pytest.mark.long  # the server waits 10 s for the rest
async def test_a_batch_whose_writer_died_is_dropped_whole_and_told(server: NatsServer, watching: Broker, caplog: pytest.LogCaptureFixture) -> None:
    async with connect(server.url, name="dies", within=10) as writer:
        await published(writer, 1)
    await eventually(lambda: ABANDONED in caplog.text, within=60)
    assert "(timeout)" in caplog.text
    assert (await watching.js.stream_info(ES_REGISTRY)).state.messages == 0


@pytest.mark.parametrize("kind", WATCHED)
async def test_each_advisory_is_told_with_what_it_means(watching: Broker, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    await watching.nc.publish(f"{PREFIX}{kind}.{ES_REGISTRY}.more", b"no JSON")
    await eventually(lambda: f"{ES_REGISTRY}: {WATCHED[kind]}" in caplog.text)
