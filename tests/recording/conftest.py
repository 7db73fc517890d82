"""Facts and objects of cameras as ingest would leave them, and a recording service without its edge: memory log, SQLite, folder."""
from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message

from services.recording.archiving import Archive, Archiving
from services.recording.camera_hour import CameraHours
from services.recording.cameras import Cameras
from services.recording.checked_facts import CheckedFacts
from services.recording.deletion import Deletions
from services.recording.footage_index import FootageIndex
from services.recording.index_state import SOURCES, IndexState
from services.recording.playback import Playback
from services.recording.recorded_camera import RecordedCameras
from services.recording.reindex import Reindex
from services.recording.retaining import Retaining
from services.recording.retention import SHIPPED, read_rules
from services.recording.timelines import Timelines
from services.recording.verify import Verifier
from vonglau.clock import utc
from vonglau.documents import SqliteDocuments
from vonglau.errors import Unavailable
from vonglau.eventlog import EventLog, HeaderWriter, MemoryStore, Recorded, Version
from vonglau.footage import FolderFootage, footage_bucket
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.ingest.v1.service_pb2 import ReadSpoolResponse
from vonglau.media.fmp4 import random_access_index
from vonglau.media.fragments import fragments, init_length, retimed
from vonglau.media.segment import metadata_of, segment_key
from vonglau.media.ticks import to_ticks
from vonglau.registry.v1.events_pb2 import CAMERA_CLASS_NON_TRAFFIC, CameraDetails, CameraRegistered
from vonglau.subscription import MemoryEvents, Pace, Projection, ProjectionRunner
from vonglau.testing.clock import SettableClock

BEGIN = 1_767_225_600_000_000_000  # 2026-01-01T00:00:00Z
SECOND = 1_000_000_000
DAY_S = 86_400


def segment(number: int = 0, start: float = 0.0, length: float = 60.0, *, camera: str = "cam-1", epoch: int = 1, **fields: Any) -> SegmentRecorded:
    """start, length: s; start from BEGIN."""
    start_ns = BEGIN + round(start * SECOND)
    digest = sha256(f"{camera} {epoch} {number}".encode()).digest()
    stated: dict[str, Any] = {"owner": "police", "size_bytes": 1000, "sha256": digest, "codec": "avc1.4d401f", "width_px": 640, "height_px": 360} | fields
    key = segment_key(camera, start_ns, epoch, number)
    return SegmentRecorded(camera=camera, epoch=epoch, number=number, start_ns=start_ns, end_ns=start_ns + round(length * SECOND), key=key, **stated)


def recorded(message: Any, sequence: int = 1, *, at_ns: int = BEGIN, **headers: str) -> Recorded:
    """The message as it stands in its stream."""
    name = message.DESCRIPTOR.full_name
    context = name.split(".")[1]
    log, subject = {
        "ingest": ("fact_ingest", "fact.any.0."), "registry": ("es_registry", "es.registry.camera."), "recording": ("es_recording", "es.recording.custody."),
    }[context]
    stated = {"ce-type": name, "ce-time": utc(at_ns).isoformat(timespec="microseconds")} | headers
    return Recorded(log, sequence, subject + message.camera, stated, message.SerializeToString())


@cache
def encoded(seconds: int, width: int, height: int) -> bytes:
    """A fragmented MP4 of moving noise, 10 frames a second, a key frame each second, time line in 1/90000 s from 0."""
    target = io.BytesIO()
    options = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "video_track_timescale": "90000"}
    with av.open(target, "w", format="mp4", options=options) as container:
        stream = container.add_stream("libx264", rate=10, options={"g": "10", "bf": "0", "sc_threshold": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(seconds * 10):
            picture = np.full((height, width, 3), number * 5 % 256, np.uint8)
            picture[:, : number % width] = 255
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return target.getvalue()


def media(start: float, seconds: int, *, width: int = 160, height: int = 120, indexed: bool = True) -> bytes:
    """An object as ingest stores it: UTC in its decode times, a random access index at its end unless it was cut by a crash."""
    source = encoded(seconds, width, height)
    first = to_ticks(BEGIN + round(start * SECOND))
    parts, table = [source[:init_length(source)]], []
    for number, each in enumerate(fragments(source), 1):
        run = each.tracks[0]
        table.append((first + run.tfdt, sum(map(len, parts))))
        parts.append(retimed(source[each.offset:each.offset + each.size], number, {run.track: first + run.tfdt}))
    return b"".join(parts) + (random_access_index(table) if indexed else b"")


class HeldSpool:
    """A spool that holds what a test put there."""

    def __init__(self) -> None:
        self.responses: list[ReadSpoolResponse] = []
        self.is_away = False

    async def read(self, camera: str, from_ns: int, to_ns: int, *, index_only: bool = False) -> AsyncIterator[ReadSpoolResponse]:
        if self.is_away:
            raise Unavailable("SPOOL_UNREACHABLE", "away")
        for each in self.responses:
            if each.WhichOneof("part") == "segment" or (not index_only and each.fragment.start_ns < to_ns and each.fragment.end_ns > from_ns):
                yield each


class Station:
    """Everything of the recording service but its edge."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SettableClock(BEGIN)
        self.store = MemoryStore()
        self.events = MemoryEvents(self.store.events)
        (folder / "footage").mkdir()
        self.footage: Any = FolderFootage(folder / "footage")
        self.key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
        self.log: Any = EventLog(self.store, HeaderWriter("/test", self.clock))
        self.spool = HeldSpool()
        self.digests: dict[tuple[str, int, int], bytes] = {}
        self.begin_documents("first")

    def begin_documents(self, name: str, *, restored: bool = True) -> None:
        """restored: from what is archived, as always; not: from the logs alone."""
        self.documents = SqliteDocuments(self.folder / f"{name}.db")
        self.index = FootageIndex(self.documents)
        keys = [self.key.public_key()]
        seed = Reindex(self.footage, keys, self.clock, facts_kept_s=7 * DAY_S)
        views = (CameraHours(), RecordedCameras(), Cameras(), Deletions())
        self.runner = ProjectionRunner(
            Projection("recording", SOURCES, views, seed=seed if restored else None), documents=self.documents, events=CheckedFacts(self.events, self.footage),
            clock=self.clock, pace=Pace(wait=0.02),
        )
        self.timelines = Timelines(self.index, self.spool, self.clock)
        self.playback = Playback(self.index, self.footage, self.spool)
        self.archive = Archive(self.footage, self.key, self.clock)
        self.state = IndexState(self.documents, self.events)
        self.archiving = Archiving(self.index, self.state, self.archive, self.clock, grace_s=3600.0, window_days=6, again_s=0.0)
        self.verifier = Verifier(self.index, self.footage, keys, self.clock, archived_after_s=7200.0)

    def retaining(self) -> Retaining:
        """As a fresh process would make it."""
        archiving = Archiving(self.index, self.state, Archive(self.footage, self.key, self.clock), self.clock, grace_s=3600.0, window_days=6)
        return Retaining(self.index, self.state, archiving, self.footage, self.log, read_rules(SHIPPED), self.clock)

    def tell(self, *messages: Message) -> None:
        for message in messages:
            event = recorded(message)
            sequence = sum(each.log == event.log for each in self.store.events) + 1
            self.store.events.append(recorded(message, sequence, at_ns=self.clock.now_ns()))

    def register(self, camera: str = "cam-1", owner: str = "police", camera_class: Any = CAMERA_CLASS_NON_TRAFFIC) -> None:
        self.tell(CameraRegistered(camera=camera, owner=owner, details=CameraDetails(camera_class=camera_class)))

    async def record(self, number: int, start: float, length: float = 60.0, *, body: bytes = b"", tell: bool = True, **fields: Any) -> SegmentRecorded:
        """Store an object and, unless told otherwise, its fact."""
        fact = segment(number, start, length, **fields)
        body = body or f"{fact.camera} {fact.epoch} {fact.number}".encode() * 20
        fact.size_bytes, fact.sha256 = len(body), sha256(body).digest()
        fact.previous_sha256 = fields.get("previous_sha256") or self.digests.get((fact.camera, fact.epoch, number - 1), b"")
        self.digests[fact.camera, fact.epoch, number] = fact.sha256
        bucket = footage_bucket(fact.owner)
        await self.footage.ensure_bucket(bucket)
        await self.footage.put_bytes(bucket, fact.key, body, metadata_of(fact))
        if tell:
            self.tell(fact)
        return fact

    async def settle(self) -> None:
        """Wait until the documents hold everything that was told."""
        for source in SOURCES:
            await self.runner.passed(Version(source.log, (await self.events.state(source.log)).last_sequence), 10.0)

    async def keys(self, owner: str = "police") -> list[str]:
        return [each.key async for each in self.footage.list(footage_bucket(owner))]

    async def everything(self) -> dict[str, Any]:
        """All documents, without the store's own fields."""
        found: dict[str, Any] = {}
        for view in (CameraHours(), RecordedCameras(), Cameras(), Deletions()):
            for document in await self.documents.find(view.collection, limit=10_000):
                found[f"{view.collection} {document['_id']}"] = {name: value for name, value in document.items() if name != "_seq"}
        return found

    async def close(self) -> None:
        await self.runner.stop()
        await self.documents.close()


@pytest.fixture
async def station(tmp_path: Path) -> AsyncIterator[Station]:
    made = Station(tmp_path)
    await made.runner.start()
    yield made
    await made.close()
    await made.footage.close()


@pytest.fixture(name="segment")
def segment_fixture() -> Callable[..., SegmentRecorded]:
    return segment


@pytest.fixture(name="recorded")
def recorded_fixture() -> Callable[..., Recorded]:
    return recorded


@pytest.fixture(name="media", scope="session")
def media_fixture() -> Callable[..., bytes]:
    return media
