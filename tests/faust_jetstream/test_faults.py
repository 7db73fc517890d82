"""Processes are killed, frozen and cut off under load; then every event must be in every table, in exactly_once exactly once."""

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP
from nats.js import api

from faust_jetstream.batch import Outgoing
from faust_jetstream.connection import Connection
from faust_jetstream.offsets import Offsets
from faust_jetstream.places import Names
from faust_jetstream.settings import Access
from faust_jetstream.testkit import Cluster, Server
from tests.faust_jetstream.scene import Scene

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(240), pytest.mark.usefixtures("reconnects")]

Scenes = Callable[..., Scene]
RATE = 400.0


@pytest.fixture
def own_server(tmp_path: Any) -> Iterator[Server]:
    with Server(tmp_path / "own") as running:
        yield running


@pytest.fixture
def cluster(tmp_path: Any) -> Iterator[Cluster]:
    with Cluster(tmp_path / "cluster") as running:
        yield running


@pytest.mark.long  # the drawn rounds of the default suite do the like
async def test_exactly_once_survives_killed_workers_a_zombie_and_joins(server: Server, scenes: Scenes) -> None:
    scene, count = scenes(server, "exactly_once"), 2400
    first = scene.start()
    await first.ready()
    load = asyncio.create_task(scene.load(count, RATE))
    second = scene.start()
    await second.ready()
    await asyncio.sleep(0.7)
    first.kill()
    third = scene.start()
    await third.ready()
    with second.frozen():
        await asyncio.sleep(4.5)        # longer than its lease: third takes over
    await load
    await scene.assert_exact(count)
    await scene.assert_held(count)


@pytest.mark.long
@pytest.mark.parametrize("guarantee", ["exactly_once", "at_least_once"])
async def test_a_killed_server_costs_no_event_and_no_worker(own_server: Server, scenes: Scenes, guarantee: str) -> None:
    scene, count = scenes(own_server, guarantee), 1200
    worker = scene.start()
    await worker.ready()
    load = asyncio.create_task(scene.load(count, RATE))
    await asyncio.sleep(1.0)
    killed = time.monotonic()
    own_server.kill()
    await asyncio.sleep(0.5)
    own_server.start()
    hurt = [(killed, time.monotonic())]
    await load
    if guarantee == "exactly_once":
        await scene.assert_exact(count)
    else:
        await scene.assert_complete(count, hurt)
    assert worker.running


@pytest.mark.long
async def test_a_cluster_that_loses_a_leader_keeps_every_total_exact(cluster: Cluster, scenes: Scenes) -> None:
    scene, count = scenes(cluster, "exactly_once", REPLICAS="3"), 1200
    worker = scene.start()
    await worker.ready()
    load = asyncio.create_task(scene.load(count, RATE / 2))
    await asyncio.sleep(1.0)
    leader = await cluster.leader_of(f"{scene.name.upper()}_{scene.name}_STATE")
    leader.kill()
    await asyncio.sleep(2.0)
    leader.start()
    await load
    await scene.assert_exact(count)
    assert worker.running


@pytest.mark.long
async def test_a_commit_that_the_server_tears_at_its_storage_limit_is_whole_in_the_end(tmp_path: Path) -> None:
    """nats-server 2.15 stores the batch that crosses max_file_store up to there, and does not answer."""
    with Server(tmp_path, jetstream="max_file_store: 8MB") as full:
        connection = Connection(Access((full.url,)), "test")
        await connection.open()
        names, js, tp = Names("torn", "app"), connection.js, TP("orders", 0)
        state = api.StreamConfig(name=names.state_stream, subjects=[f"{names.state_root}.>"], max_msgs_per_subject=1, allow_atomic=True, allow_direct=True)
        await js.add_stream(state)
        await js.add_stream(api.StreamConfig(name="JUNK", subjects=["junk"]))
        offsets = Offsets(connection, names, "me", 30.0)
        await offsets.claim([tp], 1, from_start)
        while (await js.account_info()).storage < 8 * 2**20 - 40_000:
            await js.publish("junk", b"x" * 8_000)
        changes = [Outgoing(f"{names.state_root}.cl.t.0.{number}", b"x" * 100, {}) for number in range(400)]
        commit = asyncio.create_task(offsets.store({tp: 7}, changes, 1))
        await asyncio.sleep(2.5)            # longer than the first answer is waited for
        assert not commit.done()
        await js.purge_stream("JUNK")
        await commit
        stored = (await js.stream_info(names.state_stream, subjects_filter=f"{names.state_root}.cl.>")).state.subjects or {}
        assert (len(stored), offsets.committed) == (400, {tp: 7})
        await connection.close()


async def from_start(tp: TP, stored: int | None) -> int:
    return stored or 0
