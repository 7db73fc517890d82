"""Appending with an own expected sequence each on three servers that fsync always, beside plain publishes on the same streams."""
from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from nats.js.errors import APIError

from tests.bench.figures import Figure, spread
from vonglau.broker import Broker, connect
from vonglau.broker.topology import ensure
from vonglau.clock import SystemClock
from vonglau.errors import LostRace
from vonglau.eventlog import Append, Call, HeaderWriter, JetStreamStore, aggregate_stream
from vonglau.registry.v1.events_pb2 import CameraChanged, CameraDetails
from vonglau.testing.cluster import NatsCluster
from vonglau.testing.waiting import eventually

ROUNDS = 5
IN_FLIGHT = 64
SECONDS = 4.0  # of each kind in a round
STREAMS_GB = 20.0  # of which the commands may have a tenth
BAR = 3000
EVENT = CameraChanged(camera="cam-0", details=CameraDetails(display_name="x" * 380))
CALL = Call("person:bench", "ChangeCamera", "00000000-0000-4000-8000-000000000000", "0" * 32)


async def main() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        async with NatsCluster(Path(folder), streams_gb=STREAMS_GB) as cluster, connect(cluster.url, name="bench", within=10) as broker:
            await eventually(lambda: made(broker), within=60)
            return await figures(broker)


async def made(broker: Broker) -> bool:
    try:
        await ensure(broker, 3, total_gb=STREAMS_GB)
    except (APIError, TimeoutError):  # a cluster that has just started
        return False
    return True


async def figures(broker: Broker) -> list[Figure]:
    store, headers = JetStreamStore(broker.nc), HeaderWriter("/vonglau/bench/registry", SystemClock())
    appends, publishes = [], []
    for number in range(ROUNDS):
        appends.append(await rate(partial(appending, store, headers, f"own-{number}")))
        publishes.append(await rate(partial(publishing, broker, headers, f"raw-{number}")))
    own, raw = statistics.median(appends), statistics.median(publishes)
    load = os.getloadavg()[0]
    return [
        Figure("appends at R3, fsync always, 64 in flight, each with its own expected sequence", own, "1/s", spread(appends), f"≥ {BAR}/s", own >= BAR),
        Figure("  of them repeated, since the server still held the one before as under way", len(repeats), ""),
        Figure(f"  plain publishes of the same, without an expectation (load average {load:.1f})", raw, "1/s", spread(publishes)),
    ]


repeats: list[int] = []
Lane = Callable[[], Awaitable[None]]


async def rate(lane: Callable[[int], Lane]) -> float:
    """Per second, of so many lanes with one in flight each."""
    steps, ends = [lane(number) for number in range(IN_FLIGHT)], time.perf_counter() + SECONDS
    done = 0

    async def run(step: Lane) -> None:
        nonlocal done
        while time.perf_counter() < ends:
            await step()
            done += 1

    began = time.perf_counter()
    await asyncio.gather(*(run(step) for step in steps))
    return done / (time.perf_counter() - began)


def appending(store: JetStreamStore, headers: HeaderWriter, name: str, lane: int) -> Lane:
    stream, body, last = aggregate_stream("registry", "camera", f"{name}-{lane}"), EVENT.SerializeToString(), 0

    async def step() -> None:
        nonlocal last
        while True:
            try:
                (last,) = await store.append([Append(stream, last, headers.write(EVENT, stream.subject, CALL, 1), body)])
            except LostRace:  # the server has acknowledged the one before and still counts it as under way
                repeats.append(lane)
                continue
            return

    return step


def publishing(broker: Broker, headers: HeaderWriter, name: str, lane: int) -> Lane:
    subject, body = f"es.registry.camera.{name}-{lane}", EVENT.SerializeToString()

    async def step() -> None:
        await broker.js.publish(subject, body, headers=headers.write(EVENT, subject, CALL, 1))

    return step
