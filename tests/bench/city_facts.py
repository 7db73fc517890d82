"""670 segments a second told of 40,210 cameras and projected by the recording service: how old a fact is when it is in the documents."""
from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import statistics
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.bench.figures import Figure
from tests.bench.progress import operations, projected, reached
from tests.bench.projection import EPOCH, OBJECT, put
from tests.bench.registry_import import OWNERS, Running
from tests.bench.stand_in import indexed
from tests.bench.usage import used
from vonglau.broker import Broker
from vonglau.broker.topology import FACT_INGEST
from vonglau.clock import SystemClock
from vonglau.errors import Unavailable
from vonglau.eventlog import FactPublisher, HeaderWriter
from vonglau.footage import footage_bucket
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.segment import segment_key
from vonglau.rpc import find
from vonglau.testing.waiting import eventually

if TYPE_CHECKING:
    from vonglau.operations.v1.service_pb2_grpc import ProjectionsAsyncStub

CAMERAS, SEGMENT_S = 40_210, 60
RATE = CAMERAS / SEGMENT_S  # facts a second
SECONDS = float(os.environ.get("CITY_FACTS_S", "600"))
BAR_S = 5.0
VIEWS = 4  # of recording
LOOK_S = 0.25
SECOND_NS = 1_000_000_000


def name_of(camera: int) -> str:
    return f"city-{camera:05d}"


def owner_of(camera: int) -> str:
    return OWNERS[camera % len(OWNERS)]


def fact(camera: int, number: int, end_ns: int) -> SegmentRecorded:
    start, name = end_ns - SEGMENT_S * SECOND_NS, name_of(camera)
    return SegmentRecorded(
        camera=name, owner=owner_of(camera), epoch=EPOCH, number=number, start_ns=start, end_ns=end_ns, contiguous=True,
        key=segment_key(name, start, EPOCH, number), size_bytes=len(OBJECT), sha256=hashlib.sha256(OBJECT).digest(),
        previous_sha256=hashlib.sha256(f"{camera}/{number}".encode()).digest(), codec="avc1.640028", width_px=1920, height_px=1080, fragments=30,
        media_duration_ns=SEGMENT_S * SECOND_NS, clock_known=True, clock_offset_ns=-123_456_789,
    )


async def flowing(there: Running, broker: Broker, mongodb: str) -> list[Figure]:
    """Of cameras that are registered there. mongodb: of a server; empty: SQLite."""
    name, work = "MongoDB, indexed" if mongodb else "SQLite", there.folder / "recording"
    async with recording(there.folder, work, there.url, mongodb) as process:
        if mongodb:
            await indexed(mongodb, "recording", VIEWS)
        async with operations(there.folder, find(work / "run", "recording")) as stub:
            await projected(stub, "recording", broker, within=600)
            told: deque[tuple[int, float]] = deque()  # sequence and time of each fact
            lags: list[float] = []
            watching = asyncio.create_task(watch(stub, told, lags))
            async with used(process, there.nats) as (service, nats):
                sent, seconds = await publish(broker, work / "footage", told)
            with contextlib.suppress(AssertionError):
                await eventually(lambda: not told, within=60)
            watching.cancel()
    lags.sort()
    p95, median = (lags[int(0.95 * len(lags))], statistics.median(lags)) if lags and not told else (float("inf"), float("inf"))  # it does not keep up
    rate, what = sent / seconds, f"age of a fact when it is in the documents, p95, {name}, {seconds:.0f} s"
    took = "; ".join(f"{one} {each.cpu_s / seconds * 100:.0f} % of a core, {each.most_mb:.0f} MB" for one, each in (("recording", service), ("NATS", nats)))
    return [
        Figure(what, p95, "s", f"median {median:.2f}", f"< {BAR_S:.0f}", p95 < BAR_S),
        Figure(f"  facts told; {took}", rate, "facts/s", bar=f"≥ {RATE:.0f}", reached=rate >= 0.99 * RATE),
    ]


async def publish(broker: Broker, footage: Path, told: deque[tuple[int, float]]) -> tuple[int, float]:
    """Each camera's segment once a minute, its object laid down before; facts told, and in how many seconds."""
    publisher = FactPublisher(broker.nc, HeaderWriter("/vonglau/bench/ingest", SystemClock()), "service:ingest")
    began, sent = time.time(), 0
    while (elapsed := time.time() - began) < SECONDS:
        due = int(elapsed * RATE) - sent
        batch = [fact((sent + each) % CAMERAS, (sent + each) // CAMERAS, time.time_ns()) for each in range(due)]
        await asyncio.to_thread(lay_down, footage, batch)
        now = time.time()
        sequences = await asyncio.gather(*(tell(publisher, each) for each in batch))
        told.extend((sequence, now) for sequence in sequences)
        sent += due
        await asyncio.sleep(0.05)
    return sent, time.time() - began


async def tell(publisher: FactPublisher, fact: SegmentRecorded) -> int:
    """As ingest's outbox does: until it is stored."""
    while True:
        try:
            return await publisher.publish("segment", fact.camera, fact, f"{fact.number}")
        except Unavailable:
            await asyncio.sleep(1.0)


def lay_down(footage: Path, facts: list[SegmentRecorded]) -> None:
    for each in facts:
        put(footage / footage_bucket(each.owner), each)


async def watch(projections: ProjectionsAsyncStub, told: deque[tuple[int, float]], lags: list[float]) -> None:
    """A fact counts as applied when the projection's checkpoint has been seen behind it: up to a look too late, never too early."""
    while True:
        applied, now = await reached(projections, "recording", FACT_INGEST), time.time()
        while told and told[0][0] <= applied:
            lags.append(now - told.popleft()[1])
        await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def recording(folder: Path, work: Path, url: str, mongodb: str) -> AsyncIterator[psutil.Process]:
    """The service as a process of its own."""
    environ = os.environ | {
        "VONGLAU_NATS_URL": url, "VONGLAU_RUN_DIR": str(work / "run"), "VONGLAU_DATA_DIR": str(work / "documents"), "VONGLAU_DOCUMENTS": mongodb,
        "VONGLAU_FOOTAGE_DIR": str(work / "footage"), "VONGLAU_IDENTITY_DIR": str(folder / "identity"), "VONGLAU_PLATFORM_ADMINS": "platform",
        "VONGLAU_REGISTRY_ADDRESS": find(folder / "run", "registry"), "VONGLAU_INGEST_ADDRESS": "127.0.0.1:1",
        "VONGLAU_SECRETS_KEY_FILE": str(folder / "secrets.key"),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.recording", env=environ)
    try:
        await eventually((work / "run" / "recording.address").exists, within=20)
        yield psutil.Process(process.pid)
    finally:
        process.kill()  # nothing of it is needed any more
        await process.wait()
