"""Processes are killed, frozen and cut off under load; then every event must be in every table, in exactly_once exactly once."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

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


@pytest.mark.parametrize("guarantee", ["exactly_once", pytest.param("at_least_once", marks=pytest.mark.long)])
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


