"""Restores the documents from what outlives the facts: archives, and where there are none the objects themselves.

With the logs at hand only days that are older than the facts still kept are taken from objects; of buckets alone every object is taken, and
deletions come from the archives. What a bucket cannot tell is said in notes: causes of gaps on days without archive (`unknown`), and when a
camera was registered, suspended or retired.
"""
from __future__ import annotations

import itertools
import logging
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from google.protobuf.message import Message

from services.recording import bucket_walk, camera_hour, deletion, recorded_camera
from services.recording.archive import DayRecord, archive_key, archive_prefix, opened
from services.recording.archiving import part_number
from services.recording.camera_hour import CameraHours, hour_id, hours_touched
from services.recording.cameras import Cameras
from services.recording.days import DAY_NS, SECOND_NS, as_date, day_name
from services.recording.deletion import Deletions
from services.recording.recorded_camera import RecordedCameras
from vonglau.clock import Clock
from vonglau.documents import Document
from vonglau.ending import Parts
from vonglau.errors import Damaged, Poison
from vonglau.footage import Footage, footage_bucket
from vonglau.ingest.v1.events_pb2 import InterruptionObserved, SegmentRecorded, StreamChanged
from vonglau.media.segment import day_prefix, segment_name, segment_of
from vonglau.recording.v1.archive_pb2 import Deletion
from vonglau.recording.v1.events_pb2 import DeletionIntended
from vonglau.subscription import Plant

log = logging.getLogger(__name__)

NOTES = 100  # cameras that are named; the others are counted
AT_ONCE = 8  # cameras; the store answers as many at once


@dataclass(slots=True)
class Restored:
    """What is being restored of one camera."""

    camera: str
    hours: dict[int, Document] = field(default_factory=dict)  # not handed over yet
    recorded: Document | None = None
    deletions: dict[str, Document] = field(default_factory=dict)
    owner: str = ""
    first: int = 0  # ns
    unarchived: list[int] = field(default_factory=list)  # days whose causes are unknown
    damaged: int = 0  # objects and archives that could not be read

    def take(self, message: Message, day: int) -> None:
        """Only the hours of the day, and the one after it that a segment may reach into: other days have their own archive."""
        for hour in hours_touched(message):
            if day * 24 <= hour < day * 24 + 24 or (hour == day * 24 + 24 and isinstance(message, SegmentRecorded | DeletionIntended)):
                self.hours[hour] = camera_hour.evolved(self.hours.get(hour), message, hour_id(self.camera, hour))
        if isinstance(message, SegmentRecorded | InterruptionObserved | StreamChanged | DeletionIntended):
            self.recorded = recorded_camera.evolved(self.recorded, message, self.camera)
        if isinstance(message, SegmentRecorded):
            self.owner, self.first = message.owner, min(self.first or message.start_ns, message.start_ns)

    def before(self, day: int) -> list[Document]:
        """Hours that nothing will change any more."""
        return [self.hours.pop(hour) for hour in sorted(self.hours) if hour < day * 24]


class Reindex:
    """The projection's seed."""

    def __init__(self, footage: Footage, keys: Iterable[Ed25519PublicKey], clock: Clock, *, facts_kept_s: float) -> None:
        self._footage = footage
        self._keys = list(keys)
        self._clock = clock
        self._facts_kept_ns = round(facts_kept_s * SECOND_NS)

    async def __call__(self, plant: Plant, *, buckets_only: bool) -> None:
        held: dict[str, list[str]] = {}
        for owner in await bucket_walk.owners(self._footage):
            for camera in await bucket_walk.cameras(self._footage, owner):
                held.setdefault(camera, []).append(owner)
        left, notes = iter(held.items()), dict.fromkeys(held, "")
        done = itertools.count(1)

        async def share() -> None:
            for camera, owners in left:
                notes[camera] = await self._camera(plant, Restored(camera), owners, buckets_only=buckets_only)
                plant.progress(next(done), len(held))

        async with Parts() as parts:
            for _ in range(AT_ONCE):
                parts.start(share())
            await parts.over()
        told = [notes[camera] for camera in sorted(held) if notes[camera]]
        for each in told[:NOTES]:
            plant.note(each)
        if len(told) > NOTES:
            plant.note(f"the same holds for {len(told) - NOTES} more cameras")
        if buckets_only and held:
            plant.note("when cameras were registered, suspended or retired is not in the buckets: each counts as meant to record since its first segment")

    async def _camera(self, plant: Plant, restored: Restored, owners: list[str], *, buckets_only: bool) -> str:
        """What could not be known of it; empty: all is."""
        days: dict[int, list[str]] = {}
        for owner in owners:
            for day in await bucket_walk.days(self._footage, owner, restored.camera):
                days.setdefault(day, []).append(owner)
        for day in sorted(days):
            await hand_over(plant, restored.camera, restored.before(day))
            for owner in days[day]:
                await self._day(restored, owner, day, buckets_only=buckets_only)
        await hand_over(plant, restored.camera, restored.before(2**40))
        if restored.recorded:
            await plant.put(RecordedCameras.collection, [(restored.camera, restored.camera, restored.recorded)])
        await plant.put(Deletions.collection, [(name, restored.camera, each) for name, each in restored.deletions.items()])
        if buckets_only and restored.owner:
            await plant.put(Cameras.collection, [(restored.camera, restored.camera, found_camera(restored))])
        return note(restored)

    async def _day(self, restored: Restored, owner: str, day: int, *, buckets_only: bool) -> None:
        record = DayRecord()
        parts = await self._archived(restored, owner, day, record)
        is_old = self._clock.now_ns() - day * DAY_NS > self._facts_kept_ns  # its first facts may have aged out
        if buckets_only or (is_old and not parts):
            async for segment in self._objects(restored, owner, day):
                record.segments.setdefault((segment.epoch, segment.number), segment)
            if not parts:
                self._unknown(restored, day)
        for message in in_order(record):
            try:
                restored.take(message, day)
            except Poison as poison:
                restored.damaged += 1
                log.warning("%s on %s is passed over: %s", restored.camera, day_name(day), poison)
        if buckets_only:
            for each in record.deletions.values():
                self._deleted(restored, owner, day, each, record, archive_key(restored.camera, day, parts - 1))

    async def _archived(self, restored: Restored, owner: str, day: int, record: DayRecord) -> int:
        """Add the archive's parts to the record; how many there are. A part that is not what was signed ends the chain."""
        bucket = footage_bucket(owner)
        keys = [each.key async for each in self._footage.list(bucket, archive_prefix(restored.camera, day)) if part_number(each.key) >= 0]
        for number, key in enumerate(sorted(keys, key=part_number)):
            try:
                record.add(opened(b"".join([chunk async for chunk in self._footage.read(bucket, key)]), self._keys))
            except Damaged as damaged:
                log.warning("%s: %s", key, damaged.message)
                restored.damaged += 1
                return number
        return len(keys)

    async def _objects(self, restored: Restored, owner: str, day: int) -> AsyncIterator[SegmentRecorded]:
        bucket = footage_bucket(owner)
        async for each in self._footage.list(bucket, day_prefix(restored.camera, day * DAY_NS)):
            if segment_name(each.key) is None:
                continue
            info = each if each.metadata else await self._footage.head(bucket, each.key) or each
            try:
                yield segment_of(info.key, info.size, info.sha256, info.metadata)
            except Damaged as damaged:
                log.warning("%s", damaged.message)
                restored.damaged += 1

    def _unknown(self, restored: Restored, day: int) -> None:
        restored.unarchived.append(day)
        for hour in range(day * 24, day * 24 + 24):
            restored.hours[hour] = restored.hours.get(hour) or camera_hour.empty(hour_id(restored.camera, hour))
            restored.hours[hour]["unknown"] = True

    def _deleted(self, restored: Restored, owner: str, day: int, each: Deletion, record: DayRecord, archive: str) -> None:
        sizes = {segment.key: segment.size_bytes for segment in record.segments.values()}
        intent = DeletionIntended(
            camera=restored.camera, owner=owner, day=as_date(day), hours=each.hours, rule=each.rule, article=each.article, numbers=each.numbers,
            objects=len(each.keys), size_bytes=sum(sizes.get(key, 0) for key in each.keys), digest=each.digest,
        )
        restored.take(intent, day)
        name = f"{restored.camera}/{day_name(day)}/{owner}"
        restored.deletions[name] = deletion.confirmed(deletion.intended(restored.deletions.get(name), name, intent), archive)


def in_order(record: DayRecord) -> list[Message]:
    """As the facts came: by the time that they tell of."""
    timed: list[tuple[int, int, Message]] = [(each.start_ns, 0, each) for each in record.segments.values()]
    timed += [(each.begun_ns, 1, each) for each in record.interruptions.values()]
    timed += [(each.at_ns, 2, each) for each in record.streams.values()]
    timed += [(each.at_ns, 3, each) for each in record.clocks.values()]
    return [message for _, _, message in sorted(timed, key=lambda row: row[:2])]


async def hand_over(plant: Plant, camera: str, hours: list[Document]) -> None:
    await plant.put(CameraHours.collection, [(hour["_id"], camera, hour) for hour in hours])


def found_camera(restored: Restored) -> Document:
    """Its use is not known, so that the longest retention of all keeps its footage."""
    times = {"meant": [[restored.first, None]], "registered": restored.first, "retired": None}
    return {"_id": restored.camera, "owner": restored.owner, "uses": [], **times}


def note(restored: Restored) -> str:
    told = []
    if restored.unarchived:
        first, last = day_name(restored.unarchived[0]), day_name(restored.unarchived[-1])
        told.append(f"{len(restored.unarchived)} days without archive ({first} to {last}), causes of their gaps are unknown")
    if restored.damaged:
        told.append(f"{restored.damaged} objects or archive parts could not be read")
    return f"{restored.camera}: {'; '.join(told)}" if told else ""
