"""Many rounds of drawn faults. A round is reproduced by its seed: ``FAUST_JETSTREAM_SEED=… pytest -m long -k 'round_7]'``."""

import asyncio
import contextlib
import os
import random
from collections.abc import Awaitable, Callable
from pathlib import Path

import nats
import pytest
from nats.errors import Error as NatsError
from nats.js import api

from faust_jetstream.testkit import Cluster, Server, Worker
from tests.faust_jetstream.scene import Scene

pytestmark = [pytest.mark.loopback, pytest.mark.long, pytest.mark.timeout(300), pytest.mark.usefixtures("reconnects")]

ROUNDS = int(os.environ.get("FAUST_JETSTREAM_ROUNDS", "56"))
SEED = os.environ.get("FAUST_JETSTREAM_SEED") or str(random.SystemRandom().randrange(10**9))
COUNT, RATE = 2000, 250.0
LEASE = 3.0


class Round:
    """One deployment, one guarantee, two faults."""

    def __init__(self, draw: random.Random, folder: Path, name: str) -> None:
        self.draw = draw
        self.replicas = draw.choice([1, 1, 3])
        self.guarantee = draw.choice(["exactly_once", "exactly_once", "at_least_once"])
        kinds = sorted(FAULTS if self.replicas == 1 else FAULTS.keys() - {"storage_full"})
        self.faults = draw.sample(kinds, 2)
        self.servers = Cluster(folder) if self.replicas == 3 else Server(folder, jetstream="max_file_store: 96MB")
        self.scene = Scene(self.servers, folder, name, self.guarantee, REPLICAS=str(self.replicas))

    def __str__(self) -> str:
        return f"R{self.replicas} {self.guarantee} {' + '.join(self.faults)}"

    def worker(self) -> Worker:
        return self.draw.choice([worker for worker in self.scene.workers if worker.running])

    def server(self) -> Server:
        return self.draw.choice(self.servers.servers) if isinstance(self.servers, Cluster) else self.servers

    async def play(self) -> None:
        first = self.scene.start()
        await first.ready()
        load = asyncio.create_task(self.scene.load(COUNT, RATE))
        for fault in self.faults:
            await asyncio.sleep(self.draw.uniform(0.5, 1.5))
            await FAULTS[fault](self)
        await load
        if self.guarantee == "exactly_once":
            await self.scene.assert_exact(COUNT)
            await self.scene.assert_held(COUNT)
        else:
            await self.scene.assert_complete(COUNT, repeated=len(self.faults) * RATE * 4)


async def worker_killed(round_: Round) -> None:
    round_.worker().kill()
    await round_.scene.start().ready()


async def worker_joins(round_: Round) -> None:
    await round_.scene.start().ready()


async def worker_leaves(round_: Round) -> None:
    leaving = round_.worker()
    await round_.scene.start().ready()
    assert await leaving.leave() == 0


async def worker_frozen(round_: Round) -> None:
    frozen = round_.worker()
    await round_.scene.start().ready()
    with frozen.frozen():
        await asyncio.sleep(LEASE + 1.5)


async def slow_worker(round_: Round) -> None:
    await round_.scene.start(SLOW="0.003").ready()


async def skewed_clock(round_: Round) -> None:
    await round_.scene.start(SKEW=str(round_.draw.choice([-3000, 3000]))).ready()


async def server_killed(round_: Round) -> None:
    server = round_.server()
    server.kill()
    await asyncio.sleep(round_.draw.uniform(0.2, 2.0))
    server.start()
    await asyncio.sleep(1.0)


async def leader_killed(round_: Round) -> None:
    if not isinstance(round_.servers, Cluster):
        await server_killed(round_)
        return
    leader = await round_.servers.leader_of(f"{round_.scene.name.upper()}_{round_.scene.name}_STATE")
    leader.kill()
    await asyncio.sleep(2.0)
    leader.start()
    await asyncio.sleep(2.0)


async def server_frozen(round_: Round) -> None:
    with round_.server().paused():
        await asyncio.sleep(round_.draw.uniform(0.5, 4.0))


async def storage_full(round_: Round) -> None:
    nc = await nats.connect(round_.server().url)
    js = nc.jetstream(timeout=5)
    await js.add_stream(api.StreamConfig(name="JUNK", subjects=["junk"]))
    stored = 0
    with contextlib.suppress(NatsError):
        while stored < 200:
            await js.publish("junk", b"x" * 900_000)
            stored += 1
    assert stored < 200, "the storage never filled up"
    await asyncio.sleep(2.0)
    await js.delete_stream("JUNK")
    await nc.close()


FAULTS: dict[str, Callable[[Round], Awaitable[None]]] = {
    one.__name__: one
    for one in (
        worker_killed,
        worker_joins,
        worker_leaves,
        worker_frozen,
        slow_worker,
        skewed_clock,
        server_killed,
        leader_killed,
        server_frozen,
        storage_full,
    )
}


@pytest.mark.parametrize("number", range(ROUNDS), ids=lambda number: f"round_{number}")
async def test_whatever_breaks_every_event_counts(tmp_path: Path, number: int) -> None:
    drawn = Round(random.Random(f"{SEED}/{number}"), tmp_path, f"r{number}")
    print(f"seed {SEED} round {number}: {drawn}")  # noqa: T201  shown when the round fails
    drawn.servers.start()
    try:
        await drawn.play()
    finally:
        await drawn.scene.end()
        drawn.servers.stop()
