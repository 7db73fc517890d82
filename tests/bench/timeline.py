"""A day's timeline of a camera with 1,000,000 indexed segments: time in the handler, rights and message included."""
from __future__ import annotations

import hashlib
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from services.recording import camera_hour, recorded_camera
from services.recording.camera_hour import CameraHours, hour_id
from services.recording.days import HOUR_NS, SECOND_NS
from services.recording.footage_index import FootageIndex
from services.recording.playback import Playback
from services.recording.recorded_camera import RecordedCameras
from services.recording.servicer import Servicer
from services.recording.timelines import Timelines
from services.recording.verify import Verifier
from tests.bench.figures import Figure
from vonglau.access import Access
from vonglau.documents import Changes, Document, SqliteDocuments, Write
from vonglau.footage import FolderFootage
from vonglau.identity import Caller
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_TRANSPORT_LOST, InterruptionObserved, SegmentRecorded
from vonglau.ingest.v1.service_pb2 import ReadSpoolResponse
from vonglau.media.segment import segment_key
from vonglau.recording.v1.service_pb2 import GetTimelineRequest
from vonglau.rpc import CallContext
from vonglau.subscription import MemoryEvents, Projection, ProjectionRunner
from vonglau.testing.access import StatedRights
from vonglau.testing.clock import SettableClock

SEGMENTS, BAR_MS = 1_000_000, 20.0
ASKED = 200
CAMERA, EPOCH = "cam-1", 1_700_000_000_000
START_NS = 1_700_000_000 // 3600 * HOUR_NS
GAP_EVERY = 97  # segments; 30 s are missing then, and a cause is stated


class EmptySpool:
    async def read(self, camera: str, from_ns: int, to_ns: int, *, index_only: bool = False) -> AsyncIterator[ReadSpoolResponse]:
        for response in list[ReadSpoolResponse]():
            yield response


def facts(length_s: int) -> Iterator[tuple[int, SegmentRecorded | InterruptionObserved]]:
    """In the order of time, each with the hour in which it begins."""
    at = START_NS
    digest = hashlib.sha256(b"").digest()
    for number in range(SEGMENTS):
        end = at + length_s * SECOND_NS
        contiguous = number % GAP_EVERY != 0
        yield at // HOUR_NS, SegmentRecorded(
            camera=CAMERA, owner="owner-1", epoch=EPOCH, number=number, start_ns=at, end_ns=end, contiguous=contiguous,
            key=segment_key(CAMERA, at, EPOCH, number), size_bytes=30_000_000, sha256=digest, previous_sha256=digest,
            codec="avc1.640028", width_px=1920, height_px=1080, fragments=30, media_duration_ns=end - at,
            clock_known=True, clock_offset_ns=-123_456_789, drift_ns=1_234_567,
        )
        at = end
        if number % GAP_EVERY == GAP_EVERY - 1:
            lost = InterruptionObserved(camera=CAMERA, owner="owner-1", epoch=EPOCH, cause=GAP_CAUSE_TRANSPORT_LOST, begun_ns=at, ended_ns=at + 30 * SECOND_NS)
            yield at // HOUR_NS, lost
            at = lost.ended_ns


async def fill(documents: SqliteDocuments, length_s: int) -> int:
    """The end of the newest segment, ns."""
    await documents.prepare(CameraHours.collection, CameraHours.indexes)
    await documents.prepare(RecordedCameras.collection)
    open_hours: dict[int, Document] = {}
    known: Document = {}
    for hour, fact in facts(length_s):
        for touched in camera_hour.hours_touched(fact):
            open_hours[touched] = camera_hour.evolved(open_hours.get(touched), fact, hour_id(CAMERA, touched))
        known = recorded_camera.evolved(known or None, fact, CAMERA)
        if len(open_hours) > 200:
            await keep(documents, [open_hours.pop(each) for each in sorted(open_hours) if each < hour])
    await keep(documents, list(open_hours.values()))
    await documents.apply(Changes([Write(RecordedCameras.collection, CAMERA, known, "", 0, {})]))
    return int(known["newest"])


async def keep(documents: SqliteDocuments, hours: list[Document]) -> None:
    await documents.apply(Changes([Write(CameraHours.collection, hour["_id"], hour, "", 0, {}) for hour in hours]))


async def asked(folder: Path, length_s: int) -> list[float]:
    """Milliseconds of each call, another day each time."""
    documents, footage, clock = SqliteDocuments(folder / f"{length_s}.db"), FolderFootage(folder / "footage"), SettableClock()
    newest = await fill(documents, length_s)
    index, spool = FootageIndex(documents), EmptySpool()
    timelines = Timelines(index, spool, clock)
    runner = ProjectionRunner(Projection("recording", [], [CameraHours()]), documents=documents, events=MemoryEvents([]))
    access = Access(StatedRights({"owner-1": ["lan"]}, {CAMERA: "owner-1"}))
    verifier = Verifier(index, footage, [], clock, archived_after_s=0)
    servicer = Servicer(access, runner, index, timelines, Playback(index, footage, spool), verifier, clock)
    context: Any = CallContext("/vonglau.recording.v1.Recording/GetTimeline", Caller("person", "lan"))
    taken, choose = [], random.Random(1)
    for _ in range(ASKED):
        start = choose.randrange(START_NS // SECOND_NS, newest // SECOND_NS - 86_400)
        request = GetTimelineRequest(**{"camera": CAMERA, "from": Timestamp(seconds=start), "to": Timestamp(seconds=start + 86_400)})  # type: ignore[arg-type]
        begun = time.perf_counter()
        timeline = await servicer.GetTimeline(request, context)
        taken.append((time.perf_counter() - begun) * 1000)
        if len(timeline.stretches) < 2:
            raise RuntimeError("the day has gaps that the timeline does not show")
    await documents.close()
    await footage.close()
    return taken


async def main() -> list[Figure]:
    figures = []
    for length_s, bar in ((60, f"<= {BAR_MS:.0f}"), (10, "")):
        with tempfile.TemporaryDirectory() as name:
            taken = await asked(Path(name), length_s)
        p95 = statistics.quantiles(taken, n=20)[-1]
        told = f"{min(taken):.3g} … {max(taken):.3g}"
        title = f"timeline of a day among {SEGMENTS:,} segments of {length_s} s, p95 of {ASKED}"
        figures.append(Figure(title, p95, "ms", told, bar, p95 <= BAR_MS if bar else None))
    return figures
