"""A real process on a real log: killed at any moment, and the log away for a while."""
from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from nats.js.api import StreamConfig

from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.topology import ensure
from vonglau.documents import SqliteDocuments
from vonglau.leases import Lease
from vonglau.subscription import JetStreamEvents, Pace, ProjectionRunner
from vonglau.testing.projections import LOG, Numbers, contents, projection_of
from vonglau.testing.waiting import eventually

pytestmark = pytest.mark.loopback

PROCESS = """
import asyncio, sys
from pathlib import Path
from vonglau.broker import connect
from vonglau.documents import SqliteDocuments
from vonglau.subscription import JetStreamEvents, Pace, ProjectionRunner
from vonglau.testing.projections import projection_of

async def main(url, file):
    async with connect(url, name="projection") as broker:
        runner = ProjectionRunner(projection_of(), documents=SqliteDocuments(Path(file)), events=JetStreamEvents(broker.nc), pace=Pace(batch=20))
        await runner.start()
        print("running", flush=True)
        await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""
EVENTS = 4000


async def publish(broker: Broker, first: int, last: int) -> None:
    for number in range(first, last + 1):
        await broker.js.publish_async(f"es.test.camera.cam-{number % 7}", str(number).encode(), headers={"ce-type": "counted"})
    await broker.js.publish_async_completed()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[NatsServer]:
    async with NatsServer(tmp_path / "nats", sync="2m") as started:
        yield started


@pytest.fixture
async def broker(server: NatsServer) -> AsyncIterator[Broker]:
    async with connect(server.url, name="tests", within=5) as connected:
        await connected.js.add_stream(StreamConfig(name=LOG, subjects=["es.test.>"], allow_direct=True))
        yield connected


def whole(found: dict[str, Any], last: int) -> bool:
    return all(found[f"cam-{rest}"]["numbers"] == [number for number in range(1, last + 1) if number % 7 == rest] for rest in range(7))


async def test_a_process_killed_again_and_again_leaves_the_recomputed_documents(server: NatsServer, broker: Broker, tmp_path: Path) -> None:
    seed = random.randrange(2**32)
    rng, file, kills = random.Random(seed), tmp_path / "documents.db", 5
    filling = asyncio.create_task(publish(broker, 1, EVENTS))
    for _ in range(kills):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", PROCESS, server.url, str(file), stdout=asyncio.subprocess.PIPE)
        assert process.stdout is not None
        await process.stdout.readline()
        await asyncio.sleep(rng.uniform(0.0, 0.15))  # the moment of the kill is what is drawn
        process.kill()
        await process.communicate()
    await filling
    documents = SqliteDocuments(file)
    halfway = (await documents.checkpoints("numbers")).get(LOG)
    runner = ProjectionRunner(projection_of(), documents=documents, events=JetStreamEvents(broker.nc))
    await runner.start()
    await runner.passed(f"{LOG}:{EVENTS}", 20)
    await runner.stop()
    assert halfway is not None
    assert whole(await contents(documents), EVENTS), f"seed {seed}"
    await documents.close()


async def test_a_log_that_goes_away_and_comes_back_is_followed_by_itself(server: NatsServer, broker: Broker, tmp_path: Path) -> None:
    documents = SqliteDocuments(tmp_path / "documents.db")
    runner = ProjectionRunner(projection_of(), documents=documents, events=JetStreamEvents(broker.nc), pace=Pace(batch=20))
    await runner.start()
    await publish(broker, 1, 100)
    await runner.passed(f"{LOG}:100", 5)
    for last in (200, 300):
        await server.kill()
        assert await documents.get("numbers", "cam-1") is not None
        await server.start()
        await eventually(lambda: broker.is_connected)
        await publish(broker, last - 99, last)
        await runner.passed(f"{LOG}:{last}", 20)
    assert whole(await contents(documents), 300)
    await runner.stop()
    await documents.close()


async def test_two_processes_on_one_consumer_lose_and_double_nothing(server: NatsServer, broker: Broker, tmp_path: Path) -> None:
    """As when a lease was thought lost and was not: each takes deliveries from the other."""
    documents = SqliteDocuments(tmp_path / "documents.db")
    pace = Pace(batch=20, retry=0.01, most_retry=0.05)
    runners = [ProjectionRunner(projection_of(), documents=documents, events=JetStreamEvents(broker.nc), pace=pace) for _ in range(2)]
    for runner in runners:
        await runner.start()
    await publish(broker, 1, 1000)
    for runner in runners:
        await runner.passed(f"{LOG}:1000", 20)
        await runner.stop()
    assert whole(await contents(documents), 1000)
    await documents.close()


async def test_the_next_replica_takes_over_when_the_lease_is_free(nats_server: NatsServer, tmp_path: Path) -> None:
    documents = SqliteDocuments(tmp_path / "documents.db")
    async with connect(nats_server.url, name="tests", within=5) as broker:
        await ensure(broker)
        await broker.js.add_stream(StreamConfig(name=LOG, subjects=["es.test.>"]))
        runners = [
            ProjectionRunner(projection_of(Numbers()), documents=documents, events=JetStreamEvents(broker.nc), lease=Lease(broker, "numbers", ttl_s=1))
            for _ in range(2)
        ]
        for runner in runners:
            await runner.start()
        await publish(broker, 1, 50)
        await runners[1].passed(f"{LOG}:50", 5)
        first = next(runner for runner in runners if runner._serving.holds)
        assert [runner._serving.holds for runner in runners].count(True) == 1
        await first.stop()
        await publish(broker, 51, 100)
        other = runners[1 - runners.index(first)]
        await other.passed(f"{LOG}:100", 10)
        await other.stop()
    assert whole(await contents(documents), 100)
    await documents.close()
