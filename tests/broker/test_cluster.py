"""Three servers: declared with replicas, and what was accepted outlives the one that leads."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest
from nats.js.errors import APIError

from vonglau.broker import Broker, connect
from vonglau.broker.advisories import watched
from vonglau.broker.topology import ES_REGISTRY, Outcome, declared, ensure
from vonglau.clock import SystemClock
from vonglau.errors import Unavailable
from vonglau.eventlog import Call, Event, EventLog, Fold, HeaderWriter, JetStreamStore, aggregate_stream
from vonglau.registry.v1.events_pb2 import CameraChanged
from vonglau.testing.cluster import NatsCluster
from vonglau.testing.waiting import eventually

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(180)]
# The client leaves the writer of a connection to a dead server to the garbage collector.
unclosed = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
COUNT: Fold[int] = Fold(lambda count, _: (count or 0) + 1)
STREAM = aggregate_stream("registry", "camera", "cam-1")


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[NatsCluster]:
    async with NatsCluster(tmp_path) as started:
        yield started


@pytest.fixture
async def broker(cluster: NatsCluster) -> AsyncIterator[Broker]:
    async with connect(cluster.url, name="tests", within=10) as connected:
        await eventually(lambda: made(connected), within=30)
        yield connected


async def made(broker: Broker) -> bool:
    """A cluster that has just started takes no streams until its servers know each other."""
    try:
        await ensure(broker, 3)
    except (APIError, TimeoutError):
        return False
    return True


def one_more(_: int | None) -> list[Event]:
    return [CameraChanged(camera="cam-1")]


async def accepted(log: EventLog, number: int) -> bool:
    """The command is repeated, as a caller would, until it is answered; its request makes it count once."""
    try:
        await log.decide(STREAM, COUNT, one_more, call=Call("person:an", "ChangeCamera", f"00000000-0000-4000-8000-{number:012}", "0" * 32))
    except Unavailable:
        return False
    return True


async def test_every_stream_has_its_replicas_and_declaring_again_changes_nothing(broker: Broker) -> None:
    assert set((await ensure(broker, 3)).values()) == {Outcome.AS_DECLARED}
    assert {(await broker.js.stream_info(str(config.name))).config.num_replicas for config in declared()} == {3}


@pytest.mark.long
@unclosed
async def test_commands_are_accepted_once_while_leaders_are_killed(cluster: NatsCluster, broker: Broker) -> None:
    log = EventLog(JetStreamStore(broker.nc, timeout=2.0), HeaderWriter("/vonglau/test/registry", SystemClock()), cached=0)
    done = 0
    for _ in range(3):
        leader = await cluster.leader_of(ES_REGISTRY)
        killing = asyncio.create_task(leader.kill())
        for _ in range(20):
            await eventually(partial(accepted, log, done), within=30)
            done += 1
        await killing
        await leader.start()
    loaded = await log.load(STREAM, COUNT)
    assert (loaded.state, done) == (60, 60)


@pytest.mark.long
@unclosed
async def test_the_loss_of_the_quorum_is_told(cluster: NatsCluster, broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    leader = await cluster.leader_of(ES_REGISTRY)
    others = [server for server in cluster.servers if server is not leader]
    async with connect(leader.url, name="watching", within=10) as watching, watched(watching):
        for server in others:
            await server.kill()
        await eventually(lambda: "has lost its quorum" in caplog.text, within=60)
