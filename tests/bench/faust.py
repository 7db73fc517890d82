"""Faust on JetStream beside a plain nats-py pull consumer: pairs interleaved, medians, the spread printed.

`python -m tests.bench.faust` runs all but the soak, `python -m tests.bench.faust agents soaking` some. FAUST_BENCH_SOAK is the soak's length in seconds,
FAUST_BENCH_KEYS the recovery's size.
"""

import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import nats
import psutil
import uvloop
from nats.js import JetStreamContext, api

from faust_jetstream.batch import Outgoing, send_batch
from faust_jetstream.connection import Connection
from faust_jetstream.partitioner import partition_of
from faust_jetstream.places import Names, StateTopic
from faust_jetstream.settings import Access
from faust_jetstream.testkit import Server, Worker, committed_offsets, publish_events
from tests.bench.figures import Figure, spread

APP = Path(__file__).parent / "faust_apps" / "steps.py"
PAIRS = 5
EVENTS, GROUPED, HURRIED, BACKLOG = 60_000, 20_000, 1_500, 30_000
LEASE = 4.0
KEYS = int(os.environ.get("FAUST_BENCH_KEYS", "1000000"))
SOAK = float(os.environ.get("FAUST_BENCH_SOAK", "600"))


class Bench:
    """A server with a filled topic, and workers that come fresh to it."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self._workers = 0

    def env(self, step: str, events: int, guarantee: str = "exactly_once", query: str = "", app: str = "") -> dict[str, str]:
        self._workers += 1
        return {
            "BENCH_STEP": step,
            "BENCH_EVENTS": str(events),
            "BENCH_APP": app or f"bench{self._workers}",
            "BENCH_GUARANTEE": guarantee,
            "BENCH_BROKER": f"{self.server.url}/{query}",
            "BENCH_DATA": str(self.folder / "data"),
        }

    async def run(self, env: dict[str, str], *options: str) -> dict[str, Any]:
        """The RESULT of one worker, started with Faust's ``options``: events per second of wall time and of its CPU time, or delays in seconds."""
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, str(APP), *options, "worker", "-l", "warn", "--without-web"],
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        out, _ = await asyncio.wait_for(process.communicate(), 300)
        found = re.search(r"RESULT (\{.*\})", out.decode(errors="replace"))
        if found is None:
            raise RuntimeError(out.decode(errors="replace")[-2000:])
        return dict(json.loads(found[1]))

    def worker(self, env: dict[str, str]) -> Worker:
        return Worker(APP, self.folder, f"w{self._workers}", env)


async def main(parts: Sequence[str] = ("agents", "tables", "regrouping", "hurrying", "moving", "recovering")) -> list[Figure]:
    """Each bar as a figure, its reference beside it."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder, Server(Path(folder)) as server:
        bench = Bench(server, Path(folder))
        nc = await nats.connect(server.url)
        js = nc.jetstream(timeout=30)
        await fill(server, js)
        for part in parts:
            load = os.getloadavg()[0]
            found = await PARTS[part](bench, js)
            figures += [replace(figure, reference=f"load {load:.1f} … {os.getloadavg()[0]:.1f}") for figure in found]
            show(figures[-len(found) :])
        await nc.close()
    return figures


def event(number: int) -> tuple[str, dict[str, Any]]:
    camera = f"camera{number % 500}"
    return camera, {"id": number, "camera": camera, "owner": f"owner{number % 7}"}


async def topic(js: JetStreamContext, name: str, prefix: str = "faust", age: float = 0) -> None:
    for partition in range(4):
        told = {"faust.topic": name, "faust.partitions": "4", "faust.compacting": "0"}
        stream = f"{prefix.upper()}_{name}_{partition}"
        await js.add_stream(api.StreamConfig(name=stream, subjects=[f"{prefix}.{name}.{partition}"], max_age=age, metadata=told))


async def fill(server: Server, js: JetStreamContext) -> None:
    await topic(js, "bench")
    await publish_events((server.url,), "bench", 4, EVENTS, event)


async def plain(js: JetStreamContext, count: int) -> float:
    """Events per second of nats-py alone: fetch(500), no acknowledgements, JSON decoded."""
    taken = 0
    begun = time.perf_counter()

    async def one(partition: int) -> None:
        nonlocal taken
        config = api.ConsumerConfig(ack_policy=api.AckPolicy.NONE, mem_storage=True, inactive_threshold=30)
        sub = await js.pull_subscribe(f"faust.bench.{partition}", stream=f"FAUST_bench_{partition}", config=config)
        while taken < count:
            try:
                messages = await sub.fetch(500, timeout=0.5)
            except TimeoutError:
                continue
            for message in messages:
                json.loads(message.data)
            taken += len(messages)

    await asyncio.gather(*(one(partition) for partition in range(4)))
    return count / (time.perf_counter() - begun)


def plain_on_uvloop(server: Server, count: int) -> float:
    """The same on the loop that ``-L uvloop`` gives a worker."""

    async def alone() -> float:
        nc = await nats.connect(server.url)
        rate = await plain(nc.jetstream(timeout=30), count)
        await nc.close()
        return rate

    return uvloop.run(alone())


def at_least(name: str, values: list[float], bar: float, unit: str = "/s") -> Figure:
    value = statistics.median(values)
    return Figure(name, value, unit, spread(values), f"≥ {bar:g}", value >= bar)


def at_most(name: str, values: list[float], bar: float, unit: str) -> Figure:
    value = statistics.median(values)
    return Figure(name, value, unit, spread(values), f"≤ {bar:g}", value <= bar)


async def agents(bench: Bench, js: JetStreamContext) -> list[Figure]:
    alone, own, traced, quick_alone, quick = [], [], [], [], []
    for _ in range(PAIRS):
        alone.append(await plain(js, EVENTS))
        own.append(await bench.run(bench.env("agent", EVENTS)))
        traced.append((await bench.run(bench.env("agent", EVENTS, query="?trace=1")))["wall"])
        quick_alone.append(await asyncio.to_thread(plain_on_uvloop, bench.server, EVENTS))
        quick.append((await bench.run(bench.env("agent", EVENTS), "-L", "uvloop"))["wall"])
    walls = [one["wall"] for one in own]
    return [
        Figure("plain nats-py pull consumer", statistics.median(alone), "/s", spread(alone)),
        at_least("agent / plain consumer, by wall time", [mine / theirs for mine, theirs in zip(walls, alone, strict=True)], 0.9, "×"),
        by_cpu(own),
        Figure("  with tracing on / off", *_ratio(traced, walls)),
        Figure("plain consumer on uvloop", statistics.median(quick_alone), "/s", spread(quick_alone)),
        Figure("  agent / plain consumer, both on uvloop", *_ratio(quick, quick_alone)),
    ]


def by_cpu(runs: list[dict[str, Any]]) -> Figure:
    """What other programs on the machine disturb less."""
    values = [run["cpu"] for run in runs]
    return Figure("  per second of the worker's CPU time", statistics.median(values), "/s", spread(values))


def _ratio(own: list[float], reference: list[float]) -> tuple[float, str, str]:
    ratios = [mine / theirs for mine, theirs in zip(own, reference, strict=True)]
    return statistics.median(ratios), "×", spread(ratios)


async def tables(bench: Bench, js: JetStreamContext) -> list[Figure]:
    runs: dict[str, list[dict[str, Any]]] = {"hot": [], "distinct": [], "at_least_once": []}
    for _ in range(PAIRS):
        runs["hot"].append(await bench.run(bench.env("hot", EVENTS)))
        runs["distinct"].append(await bench.run(bench.env("distinct", EVENTS)))
        runs["at_least_once"].append(await bench.run(bench.env("hot", EVENTS, "at_least_once")))
    walls = {name: [run["wall"] for run in found] for name, found in runs.items()}
    return [
        at_least("table exactly-once, 500 hot keys", walls["hot"], 10_000),
        by_cpu(runs["hot"]),
        at_least("table exactly-once, all keys distinct", walls["distinct"], 4_000),
        by_cpu(runs["distinct"]),
        Figure("table at-least-once, 500 hot keys", statistics.median(walls["at_least_once"]), "/s", spread(walls["at_least_once"])),
        by_cpu(runs["at_least_once"]),
    ]


async def regrouping(bench: Bench, js: JetStreamContext) -> list[Figure]:
    own, floor = [], []
    for number in range(PAIRS):
        floor.append(await regroup_by_hand(bench.server, js, f"floor{number}"))
        own.append(await bench.run(bench.env("groupby", GROUPED)))
    return [
        at_least("group_by exactly-once (target)", [run["wall"] for run in own], 2_500),
        by_cpu(own),
        Figure("  its floor: read, publish again, read again, by nats-py alone", statistics.median(floor), "/s", spread(floor)),
    ]


async def regroup_by_hand(server: Server, js: JetStreamContext, prefix: str) -> float:
    await topic(js, "again", prefix)
    begun = time.perf_counter()
    reading = GROUPED / await plain(js, GROUPED)
    await publish_events((server.url,), "again", 4, GROUPED, event, prefix=prefix)
    return GROUPED / (time.perf_counter() - begun + reading)


async def hurrying(bench: Bench, js: JetStreamContext) -> list[Figure]:
    """Produce to agent at 200 events a second, in a topic of its own, measured by the agent."""
    p50, p99 = [], []
    for number in range(PAIRS):
        prefix = f"hurry{number}"
        await topic(js, "bench", prefix)
        running = asyncio.create_task(bench.run(bench.env("latency", HURRIED, query=f"?prefix={prefix}")))
        await asyncio.sleep(4.0)        # the worker is there before the events, or the backlog would be measured
        for sent in range(HURRIED):
            camera, body = event(sent)
            headers = {"Faust-Key": camera}
            await js.publish(f"{prefix}.bench.{partition_of(camera.encode(), 4)}", json.dumps({**body, "at": time.time()}).encode(), headers=headers)
            await asyncio.sleep(0.005)
        delays = (await running)["delays"]
        p50.append(delays[len(delays) // 2] * 1000)
        p99.append(delays[int(len(delays) * 0.99)] * 1000)
    return [
        Figure("produce to agent at 200/s, p50", statistics.median(p50), "ms", spread(p50)),
        at_most("produce to agent at 200/s, p99", p99, 5, "ms"),
    ]


async def moving(bench: Bench, js: JetStreamContext) -> list[Figure]:
    """A worker is killed: until the other one notices, and from there until it works on everything."""
    noticed, moved = [], []
    for number in range(PAIRS):
        env = bench.env("hot", 0, app=f"moving{number}")
        first, second = bench.worker(env).start(), Worker(APP, bench.folder, f"moving{number}-b", env).start()
        await asyncio.gather(first.ready(), second.ready())
        await asyncio.sleep(3.0)
        before, killed = second.text().count("Worker ready"), time.time()
        first.kill()
        await second.ready(before + 1)
        given_up, ready = logged(second, "giving up")[-1], logged(second, "Worker ready")[-1]
        noticed.append(given_up - killed)
        moved.append(ready - given_up)
        await second.leave()
    return [
        at_most("a dead worker is noticed (lease 4 s)", noticed, LEASE, "s"),
        at_most("rebalance after it is noticed, recovery of 500 keys included", moved, 1.5, "s"),
    ]


def logged(worker: Worker, what: str) -> list[float]:
    stamps = re.findall(r"^\[([\d-]+ [\d:,]+)\].*" + what, worker.text(), flags=re.MULTILINE)
    return [datetime.strptime(stamp, "%Y-%m-%d %H:%M:%S,%f").astimezone().timestamp() for stamp in stamps]


async def recovering(bench: Bench, js: JetStreamContext) -> list[Figure]:
    """A changelog of many keys, written by batches, then a worker that comes to it."""
    env = bench.env("distinct", 0, app="recovering")
    empty = bench.worker(env).start()
    await empty.ready()
    await empty.leave()
    await js.purge_stream("FAUST_recovering_STATE", subject="faust-state.recovering.cl.>")
    await write_changelog(bench.server, Names("faust", "recovering"))
    worker = Worker(APP, bench.folder, "recovering", env).start()
    await worker.ready(timeout=600)
    seconds = logged(worker, "Worker ready")[0] - logged(worker, "Restoring state")[0]
    memory = psutil.Process(worker.pid).memory_info().rss / 2**20
    worker.kill()
    return [Figure(f"recovery of {KEYS:,} changelog keys", seconds, "s"), Figure("  memory of the worker afterwards", memory, "MiB")]


async def write_changelog(server: Server, names: Names) -> None:
    connection = Connection(Access((server.url,)), "fill")
    await connection.open()
    place = StateTopic(names, "recovering-counts-changelog", 4, compacting=True)
    for begin in range(0, KEYS, 1000):
        keys = [json.dumps(f"{number}").encode() for number in range(begin, min(KEYS, begin + 1000))]
        await send_batch(connection, [Outgoing(place.subject(partition_of(key, 4), key), b"1", {"Faust-Key": key.decode()}) for key in keys])
    await connection.close()


async def soaking(bench: Bench, js: JetStreamContext) -> list[Figure]:
    """5,000 events a second: memory at the end beside memory after two minutes, and how many events a second were handled.

    It begins with a backlog, so that buffers have been as full as they get before memory is looked at first.
    """
    await topic(js, "bench", "soak", age=60.0)
    await publish_events((bench.server.url,), "bench", 4, BACKLOG, event, prefix="soak")
    worker = bench.worker(bench.env("hot", 0, query="?prefix=soak", app="soaking")).start()
    await worker.ready()
    load = asyncio.create_task(publish_events((bench.server.url,), "bench", 4, BACKLOG + int(SOAK * 5000), event, rate=5000, prefix="soak"))
    process, begun = psutil.Process(worker.pid), time.monotonic()
    await asyncio.sleep(min(120.0, SOAK / 2))
    early = process.memory_info().rss
    await asyncio.wait([load], timeout=SOAK - min(120.0, SOAK / 2))
    late = process.memory_info().rss
    handled = sum(offset or 0 for offset in (await committed_offsets(js, "soaking", "bench", 4, "soak")).values()) / (time.monotonic() - begun)
    load.cancel()
    await asyncio.wait([load])
    worker.kill()
    return [
        at_most(f"memory after {SOAK:.0f} s at 5,000/s / after two minutes", [late / early], 1.05, "×"),
        Figure("  memory at the end", late / 2**20, "MiB"),
        Figure("  events handled, offered at 5,000/s by the same machine", handled, "/s"),
    ]


PARTS: dict[str, Callable[[Bench, JetStreamContext], Awaitable[list[Figure]]]] = {
    one.__name__: one for one in (agents, tables, regrouping, hurrying, moving, recovering, soaking)
}


def show(figures: list[Figure]) -> None:
    for figure in figures:
        print(f"{figure} {figure.reference}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]) if sys.argv[1:] else main())
