"""Everything that a round can break, drawn from a seed; each fault notes when it hurt, so that repetitions can be judged by time."""

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import nats
from nats.errors import Error as NatsError
from nats.js import api
from nats.js.errors import NotFoundError

from faust_jetstream.connection import insist
from faust_jetstream.places import Names
from faust_jetstream.testkit import Cluster, Proxy, Server, Worker, committed_offsets, until
from tests.faust_jetstream.scene import HANG, LEASE, PARTITIONS, Scene

STORE = "max_file_store: 96MB"


class Round:
    """One deployment, one guarantee, and faults under load, one after another."""

    def __init__(self, draw: random.Random, folder: Path, drawn: tuple[str, int, str], *others: str) -> None:
        fault, self.replicas, self.guarantee = drawn
        self.draw = draw
        self.faults = (fault, *others)
        self.servers = Cluster(folder, jetstream=STORE) if self.replicas == 3 else Server(folder, jetstream=STORE)
        self.scene = Scene(self.servers, folder, "r", self.guarantee, REPLICAS=str(self.replicas))
        self.hurt: list[tuple[float, float]] = []       # clock: monotonic, the same for all processes of a machine
        self.open = contextlib.AsyncExitStack()

    def __str__(self) -> str:
        return f"R{self.replicas} {self.guarantee} {' + '.join(self.faults)}"

    def worker(self) -> Worker:
        return self.draw.choice([worker for worker in self.scene.workers if worker.running])

    def server(self) -> Server:
        return self.draw.choice(self.servers.servers) if isinstance(self.servers, Cluster) else self.servers

    async def leader(self) -> Server:
        """Of the stream that everything is committed to."""
        if isinstance(self.servers, Cluster):
            return await self.servers.leader_of(f"{self.scene.name.upper()}_{self.scene.name}_STATE")
        return self.servers

    @contextlib.contextmanager
    def hurting(self) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.hurt.append((begun, time.monotonic()))

    async def play(self, count: int, rate: float) -> None:
        """The servers run. Raises AssertionError when an event is missing, or counts more often than the guarantee allows."""
        async with self.open:
            await self.scene.start().ready()
            load = asyncio.create_task(self.scene.load(count, rate))
            for fault in self.faults:
                await asyncio.sleep(self.draw.uniform(0.3, 1.0))
                await FAULTS[fault](self)
            await load
            if self.guarantee == "exactly_once":
                await self.scene.assert_exact(count)
            else:
                await self.scene.assert_complete(count, self.hurt)
            await self.scene.assert_held(count)


async def worker_killed(round_: Round) -> None:
    with round_.hurting():
        round_.worker().kill()
    await round_.scene.start().ready()


async def workers_join(round_: Round) -> None:
    joining = [round_.scene.start() for _ in range(2)]
    await asyncio.gather(*(worker.ready() for worker in joining))


async def worker_leaves(round_: Round) -> None:
    leaving = round_.worker()
    await round_.scene.start().ready()
    assert await leaving.leave() == 0


async def worker_frozen(round_: Round) -> None:
    """Longer than its lease: a zombie when it goes on."""
    frozen = round_.worker()
    await round_.scene.start().ready()
    with round_.hurting(), frozen.frozen():
        await asyncio.sleep(LEASE + 1.5)


async def worker_hung(round_: Round) -> None:
    """Its event loop does not turn for longer than its lease; its other threads do."""
    hung = round_.worker()
    await round_.scene.start().ready()
    with round_.hurting():
        os.kill(hung.pid or 0, signal.SIGALRM)
        await asyncio.sleep(HANG + 0.5)


async def slow_worker(round_: Round) -> None:
    await round_.scene.start(SLOW="0.003").ready()


async def skewed_clock(round_: Round) -> None:
    await round_.scene.start(SKEW=str(round_.draw.choice([-3000, 3000]))).ready()


async def connection_paused(round_: Round) -> None:
    """For less than the lease or more, and then it flows on or breaks."""
    targets = round_.servers.servers if isinstance(round_.servers, Cluster) else [round_.servers]
    proxies = [await round_.open.enter_async_context(Proxy(server.port)) for server in targets]
    await round_.scene.start(BROKER=round_.scene.broker([proxy.url for proxy in proxies])).ready()
    with round_.hurting():
        for proxy in proxies:
            proxy.pause()
        await asyncio.sleep(round_.draw.choice([1.5, LEASE + 1.5]))
        cut = round_.draw.random() < 0.5
        for proxy in proxies:
            if cut:
                proxy.cut()
            proxy.resume()


async def server_killed(round_: Round) -> None:
    server = round_.server()
    with round_.hurting():
        server.kill()
        await asyncio.sleep(round_.draw.uniform(0.2, 2.0))
        server.start()
        await asyncio.sleep(1.0)


async def leaders_killed(round_: Round) -> None:
    """One after another; a single server is always the leader."""
    for _ in range(2):
        leader = await round_.leader()
        with round_.hurting():
            leader.kill()
            await asyncio.sleep(1.5)
            leader.start()
            await asyncio.sleep(1.5)


async def server_frozen(round_: Round) -> None:
    with round_.hurting(), round_.server().paused():
        await asyncio.sleep(round_.draw.uniform(0.5, 4.0))


async def stream_purged(round_: Round) -> None:
    """Everything that was committed is purged from the topics, under their readers."""
    name = round_.scene.name
    nc = await nats.connect(round_.scene.urls)
    js = nc.jetstream(timeout=10)

    async def purged() -> bool:
        try:
            return await purged_once()
        except NatsError:           # leaders are elected after another fault
            return False

    async def purged_once() -> bool:
        topics = {(stream.config.metadata or {}).get("faust.topic") for stream in await js.streams_info()} - {None}
        emptied = []
        for topic in map(str, topics):
            for partition, offset in (await committed_offsets(js, name, topic, PARTITIONS, name)).items():
                if offset:
                    await js.purge_stream(f"{Names(name, name).topic_stream(topic)}_{partition}", seq=offset + 1)
                    emptied.append(topic)
        return len(set(emptied)) > 1        # the repartitioned events too

    await until(purged, 40, 0.5)
    await nc.close()


async def storage_full(round_: Round) -> None:
    nc = await nats.connect(round_.scene.urls)
    js = nc.jetstream(timeout=5)
    await insist(lambda: js.add_stream(api.StreamConfig(name="JUNK", subjects=["junk"], num_replicas=round_.replicas)), 30)
    with round_.hurting():
        stored = 0
        with contextlib.suppress(NatsError):
            while stored < 200:
                await js.publish("junk", b"x" * 900_000)
                stored += 1
        assert stored < 200, "the storage never filled up"
        await asyncio.sleep(2.0)

        async def freed() -> bool:
            try:
                await js.delete_stream("JUNK")          # a cluster that is full refuses purges
            except NotFoundError:
                return True
            except NatsError:                           # or has no leader to ask at the moment, or says that it cannot
                return False
            return True

        await until(freed, 40, 0.5)
    await nc.close()


FAULTS: dict[str, Callable[[Round], Awaitable[None]]] = {
    one.__name__: one
    for one in (
        worker_killed,
        workers_join,
        worker_leaves,
        worker_frozen,
        worker_hung,
        slow_worker,
        skewed_clock,
        connection_paused,
        server_killed,
        leaders_killed,
        server_frozen,
        stream_purged,
        storage_full,
    )
}
