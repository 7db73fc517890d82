"""The camera-hour projection, from a filled fact stream to committed documents: as the service runs it, and without the look at the store."""
from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from pathlib import Path

import pymongo

from services.recording.camera_hour import CameraHours, hour_id
from services.recording.cameras import Cameras
from services.recording.checked_facts import CheckedFacts
from services.recording.days import HOUR_NS, SECOND_NS
from services.recording.deletion import Deletions
from services.recording.recorded_camera import RecordedCameras
from tests.bench.figures import Figure, spread
from vonglau.broker import Broker, NatsServer, connect
from vonglau.broker.topology import FACT_INGEST, ensure
from vonglau.documents import Documents, SqliteDocuments
from vonglau.documents.mongo import MongoDocuments
from vonglau.footage import FolderFootage, footage_bucket
from vonglau.footage.sidecar import Sidecar
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.segment import metadata_of, segment_key
from vonglau.subscription import EventSource, JetStreamEvents, Projection, ProjectionRunner, Source

CAMERAS, HOURS, SEGMENT_S = 500, 1, 60
SEGMENTS = HOURS * 3600 // SEGMENT_S  # of each camera
FACTS = CAMERAS * SEGMENTS
ROUNDS = 3
BAR_FACTS_S = 3000.0
START_NS = 1_700_000_000 // 3600 * HOUR_NS
EPOCH = 1_700_000_000_000
OBJECT = b"o"  # what a segment holds does not matter to its head


def fact(camera: int, number: int) -> SegmentRecorded:
    start = START_NS + number * SEGMENT_S * SECOND_NS
    name = f"cam-{camera:05d}"
    return SegmentRecorded(
        camera=name, owner="owner-1", epoch=EPOCH, number=number, start_ns=start, end_ns=start + SEGMENT_S * SECOND_NS, contiguous=True,
        key=segment_key(name, start, EPOCH, number), size_bytes=len(OBJECT), sha256=hashlib.sha256(OBJECT).digest(),
        previous_sha256=hashlib.sha256(f"{camera}/{number}".encode()).digest(), codec="avc1.640028", width_px=1920, height_px=1080, fragments=30,
        media_duration_ns=SEGMENT_S * SECOND_NS, clock_known=True, clock_offset_ns=-123_456_789,
    )


async def fill(broker: Broker, footage: Path) -> None:
    """All cameras side by side, and an object for each fact, laid down without syncing."""
    kind = SegmentRecorded.DESCRIPTOR.full_name
    bucket = footage / footage_bucket("owner-1")
    for number in range(SEGMENTS):
        for camera in range(CAMERAS):
            stated = fact(camera, number)
            put(bucket, stated)
            headers = {"ce-specversion": "1.0", "ce-type": kind, "ce-id": f"{camera}-{number}", "ce-source": "/bench", "ce-time": "2026-01-01T00:00:00+00:00"}
            await broker.js.publish_async(f"fact.segment.{stated.camera}", stated.SerializeToString(), headers=headers)
        await broker.js.publish_async_completed()


def put(bucket: Path, stated: SegmentRecorded) -> None:
    target, info = bucket / stated.key, bucket / ".info" / f"{stated.key}~.json"
    for folder in (target.parent, info.parent):
        folder.mkdir(parents=True, exist_ok=True)
    target.write_bytes(OBJECT)
    info.write_bytes(Sidecar(stated.sha256, stated.size_bytes, metadata_of(stated)).encode())


async def fed(events: EventSource, documents: Documents, name: str) -> float:
    """Facts per second from nothing to the last committed document."""
    projection = Projection(name, [Source(FACT_INGEST, ("fact.>",))], [CameraHours(), RecordedCameras(), Cameras(), Deletions()])
    runner = ProjectionRunner(projection, documents=documents, events=events)
    start = time.perf_counter()
    await runner.start()
    await runner.passed(f"{FACT_INGEST}:{FACTS}", 120)
    elapsed = time.perf_counter() - start
    await runner.stop()
    last = await documents.get(CameraHours.collection, hour_id("cam-00499", START_NS // HOUR_NS + HOURS - 1))
    if last is None or len(last["segments"]) != 3600 // SEGMENT_S or any(row[-1] for row in last["segments"].values()):
        raise RuntimeError("the documents are not what the facts say")
    await documents.close()
    return FACTS / elapsed


async def main() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        footage = FolderFootage(folder / "footage")
        async with NatsServer(folder / "nats", sync="2m") as server, connect(server.url, name="bench", within=10) as broker:
            await ensure(broker)
            await fill(broker, folder / "footage")
            events = JetStreamEvents(broker.nc)
            compared, unseen = [], []
            for turn in range(ROUNDS):
                compared.append(await fed(CheckedFacts(events, footage), SqliteDocuments(folder / f"compared-{turn}.db"), f"compared-{turn}"))
                unseen.append(await fed(events, SqliteDocuments(folder / f"unseen-{turn}.db"), f"unseen-{turn}"))
            on_mongodb = await fed_to_mongodb(events)
        await footage.close()
    rate, told = statistics.median(compared), f"{CAMERAS} cameras interleaved, full hours"
    reference = statistics.median(unseen)
    bar = f">= {BAR_FACTS_S:.0f}"
    return [
        Figure(f"segment facts into documents, each compared with its object ({told})", rate, "facts/s", spread(compared), bar, rate >= BAR_FACTS_S),
        Figure("the same without the comparison", reference, "facts/s", spread(unseen), bar, reference >= BAR_FACTS_S),
        *([Figure("the same into the MongoDB of VONGLAU_TEST_MONGODB", statistics.median(on_mongodb), "facts/s", spread(on_mongodb))] if on_mongodb else []),
    ]


async def fed_to_mongodb(events: EventSource) -> list[float]:
    """Nothing where there is no such server."""
    url = os.environ.get("VONGLAU_TEST_MONGODB")
    if not url:
        return []
    databases = [f"bench_{os.getpid()}_{turn}" for turn in range(ROUNDS)]
    rates = [await fed(events, MongoDocuments(url, database), f"mongodb-{turn}") for turn, database in enumerate(databases)]
    with pymongo.MongoClient[dict[str, object]](url) as client:
        for database in databases:
            client.drop_database(database)
    return rates
