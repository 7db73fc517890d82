"""A camera-hour view, from a filled fact stream to committed documents, and the read that a day's timeline is made of."""
from __future__ import annotations

import hashlib
import statistics
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.topology import FACT_INGEST, ensure
from vonglau.documents import Changes, Document, Index, SqliteDocuments, Write
from vonglau.eventlog import Recorded
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.subscription import JetStreamEvents, Projection, ProjectionRunner, Source

CAMERAS, HOURS, SEGMENT_S = 500, 2, 60
FACTS = CAMERAS * HOURS * 3600 // SEGMENT_S
RUNS = 3
BAR_FACTS_S = 3000.0
OLD_HOURS = 17_520  # of one camera: two years
READ, BAR_READ_MS = 25, 5.0
START_NS = 1_700_000_000 // 3600 * 3600 * 1_000_000_000
HOUR_NS = 3600 * 1_000_000_000


class CameraHours:
    """One document per camera and hour with its segments."""

    collection = "camera_hours"
    indexes = (Index(("camera", "hour")),)

    def touches(self, event: Recorded) -> Iterable[str]:
        segment = SegmentRecorded.FromString(event.body)
        return [f"{segment.camera}/{segment.start_ns // HOUR_NS}"]

    def evolve(self, document: Document | None, event: Recorded, id: str) -> Document:  # noqa: A002 - the port's
        segment = SegmentRecorded.FromString(event.body)
        hour = document or {"camera": segment.camera, "owner": segment.owner, "hour": segment.start_ns // HOUR_NS, "segments": {}}
        hour["segments"].setdefault(f"{segment.epoch}-{segment.number}", entry(segment))
        return hour


def entry(segment: SegmentRecorded) -> dict[str, Any]:
    return {
        "start": segment.start_ns,
        "end": segment.end_ns,
        "key": segment.key,
        "size": segment.size_bytes,
        "sha256": segment.sha256.hex(),
        "contiguous": segment.contiguous,
        "offset": segment.clock_offset_ns,
    }


def fact(camera: int, number: int) -> SegmentRecorded:
    start = START_NS + number * SEGMENT_S * 1_000_000_000
    digest = hashlib.sha256(f"{camera}/{number}".encode()).digest()
    name = f"cam-{camera:05d}"
    return SegmentRecorded(
        camera=name,
        owner="owner-1",
        epoch=1_700_000_000_000,
        number=number,
        start_ns=start,
        end_ns=start + SEGMENT_S * 1_000_000_000,
        contiguous=True,
        key=f"{name}/2023/11/14/{start}-1700000000000-{number}.mp4",
        size_bytes=30_000_000,
        sha256=digest,
        previous_sha256=digest,
        codec="avc1.640028",
        width_px=1920,
        height_px=1080,
        fragments=30,
        media_duration_ns=SEGMENT_S * 1_000_000_000,
        clock_known=True,
    )


async def fill(broker: Broker) -> None:
    kind = SegmentRecorded.DESCRIPTOR.full_name
    for number in range(HOURS * 3600 // SEGMENT_S):
        futures = []
        for camera in range(CAMERAS):
            headers = {"ce-specversion": "1.0", "ce-type": kind, "ce-id": f"{camera}-{number}", "ce-source": "/bench", "ce-time": "2026-01-01T00:00:00+00:00"}
            body = fact(camera, number).SerializeToString()
            futures.append(await broker.js.publish_async(f"fact.segment.cam-{camera:05d}", body, headers=headers))
        await broker.js.publish_async_completed()


async def fed(broker: Broker, folder: Path, run: int) -> float:
    """Facts per second from nothing to the last committed document."""
    documents = SqliteDocuments(folder / f"fed-{run}.db")
    projection = Projection(f"bench-{run}", [Source(FACT_INGEST, ("fact.segment.*.*",))], [CameraHours()])
    runner = ProjectionRunner(projection, documents=documents, events=JetStreamEvents(broker.nc))
    start = time.perf_counter()
    await runner.start()
    await runner.passed(f"{FACT_INGEST}:{FACTS}", 120)
    elapsed = time.perf_counter() - start
    await runner.stop()
    assert await documents.count("camera_hours") == CAMERAS * HOURS
    last = await documents.get("camera_hours", f"cam-00499/{START_NS // HOUR_NS + HOURS - 1}")
    assert last is not None
    assert len(last["segments"]) == 3600 // SEGMENT_S
    await documents.close()
    return FACTS / elapsed


async def read_day(folder: Path) -> list[float]:
    """Milliseconds to read 25 camera-hours by id, hot pages not favoured: another day each time."""
    documents = SqliteDocuments(folder / "old.db")
    await documents.prepare("camera_hours", CameraHours.indexes)
    segments = {f"1-{number}": entry(fact(1, number)) for number in range(60)}
    for first in range(0, OLD_HOURS, 500):
        hours = range(first, min(first + 500, OLD_HOURS))
        old = [{"camera": "cam-1", "owner": "owner-1", "hour": hour, "segments": segments} for hour in hours]
        await documents.apply(Changes([Write("camera_hours", f"cam-1/{hour}", body, "", 0, {}) for hour, body in zip(hours, old, strict=True)]))
    taken = []
    for first in range(0, OLD_HOURS - READ, OLD_HOURS // 100):
        start = time.perf_counter()
        found = await documents.get_many("camera_hours", [f"cam-1/{hour}" for hour in range(first, first + READ)])
        taken.append((time.perf_counter() - start) * 1000)
        assert len(found) == READ
    await documents.close()
    return taken


async def main() -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with NatsServer(folder / "nats", sync="2m") as server, connect(server.url, name="bench", within=10) as broker:
            await ensure(broker)
            await fill(broker)
            rates = [await fed(broker, folder, run) for run in range(RUNS)]
        reads = await read_day(folder)
    rate, spread = statistics.median(rates), f"{min(rates):.0f} to {max(rates):.0f}"
    p95 = statistics.quantiles(reads, n=20)[-1]
    return [
        {"name": "camera-hour projection", "value": rate, "unit": "facts/s", "bar": f">= {BAR_FACTS_S:.0f}", "reference": f"{RUNS} runs, {spread}"},
        {"name": "read of 25 camera-hours, p95", "value": p95, "unit": "ms", "bar": f"<= {BAR_READ_MS:.0f}", "reference": f"{OLD_HOURS} of that camera"},
    ]
