"""Proof: every object against its fact, its metadata, the chain of hashes and the archive; every archive part against its signature and chain.

A finding names what is wrong by one of
OBJECT_MISSING, DIGEST_MISMATCH, OBJECT_UNKNOWN, CHAIN_BROKEN, METADATA_MISMATCH, ARCHIVE_SIGNATURE_INVALID, ARCHIVE_MISSING.
"""
from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.recording import bucket_walk
from services.recording.archive import archive_key, archive_prefix, digest_of, opened
from services.recording.archiving import part_number
from services.recording.chain import Chain, Digest, Earlier, Loss, Name, text
from services.recording.days import DAY_NS, HOUR_NS, SECOND_NS, day_name, timestamp
from services.recording.deletion import intents_of
from services.recording.entry import Entry, fact_of
from services.recording.footage_index import FootageIndex
from services.recording.gap_watch import LATE_NS
from services.recording.timeline import entries_of
from vonglau.clock import Clock
from vonglau.errors import Damaged, NotFound
from vonglau.footage import Footage, ObjectInfo, footage_bucket
from vonglau.ingest.v1.events_pb2 import GAP_CAUSE_SPOOL_FULL, GAP_CAUSE_SPOOL_LOST, SegmentRecorded
from vonglau.media.segment import SegmentName, day_prefix, metadata_of, segment_name
from vonglau.recording.v1.archive_pb2 import ArchivePart
from vonglau.recording.v1.service_pb2 import Finding, VerifyProgress, VerifyResponse, VerifySummary
from vonglau.telemetry import count, names

PROGRESS_EVERY = 20  # objects
LOST = (GAP_CAUSE_SPOOL_FULL, GAP_CAUSE_SPOOL_LOST)  # recorded, and given up


@dataclass(slots=True)
class Tally:
    objects: int = 0
    bytes: int = 0
    archives: int = 0
    findings: int = 0
    cameras: int = 0

    def summary(self) -> VerifySummary:
        return VerifySummary(
            objects_checked=self.objects, bytes_checked=self.bytes, archives_checked=self.archives, findings=self.findings, cameras=self.cameras,
        )


@dataclass(slots=True)
class Scope:
    """What of a camera is checked: whole UTC days."""

    camera: str
    first_day: int
    last_day: int
    entries: list[Entry] = field(default_factory=list)
    gone: set[Name] = field(default_factory=set)
    lost: list[Loss] = field(default_factory=list)
    owners: set[str] = field(default_factory=set)


class Verifier:
    def __init__(self, index: FootageIndex, footage: Footage, keys: Iterable[Ed25519PublicKey], clock: Clock, *, archived_after_s: float) -> None:
        """archived_after_s: so long after a day's end its archive must be there."""
        self._index = index
        self._footage = footage
        self._keys = list(keys)
        self._clock = clock
        self._archived_after_ns = round(archived_after_s * SECOND_NS)

    async def verify(self, cameras: Iterable[str], from_ns: int, to_ns: int, owners: Iterable[str] = ()) -> AsyncIterator[VerifyResponse]:
        """Findings as they are made, progress in between, the summary last.

        owners: whose buckets are searched, too, for what belongs to no camera of theirs and to no day.
        """
        tally = Tally()
        for camera in cameras:
            tally.cameras += 1
            scope = await self._scope(camera, from_ns, to_ns)
            yield VerifyResponse(progress=VerifyProgress(camera=camera, objects_total=len(scope.entries)))
            async for each in self._camera(scope, tally):
                if each.HasField("finding"):
                    tally.findings += 1
                    count(names.FINDINGS, 1, {names.ERROR_TYPE: each.finding.reason})
                yield each
        for owner in owners:
            async for key in self._strays(owner):
                tally.findings += 1
                count(names.FINDINGS, 1, {names.ERROR_TYPE: "OBJECT_UNKNOWN"})
                message = f"{key} belongs to no camera and day of {owner}"
                yield VerifyResponse(finding=Finding(camera=key.partition("/")[0], reason="OBJECT_UNKNOWN", key=key, message=message))
        yield VerifyResponse(summary=tally.summary())

    async def _strays(self, owner: str) -> AsyncIterator[str]:
        """A camera that has another owner by now left its earlier footage here."""
        registered = {each async for each in self._index.registered_to([owner])}
        theirs = {each for each in await bucket_walk.cameras(self._footage, owner) if each in registered or await self._was_recorded_for(owner, each)}
        async for key in bucket_walk.strays(self._footage, owner, theirs):
            yield key

    async def _was_recorded_for(self, owner: str, camera: str) -> bool:
        async for hour in self._index.live_hours(camera, 0, self._clock.now_ns() // HOUR_NS):
            if any(entry.owner == owner for entry in entries_of([hour])):
                return True
        return False

    async def _scope(self, camera: str, from_ns: int, to_ns: int) -> Scope:
        first, last = from_ns // DAY_NS, (to_ns - 1) // DAY_NS
        hours = [hour async for hour in self._index.live_hours(camera, first * 24, last * 24 + 24)]
        scope = Scope(camera, first, last)
        scope.entries = [entry for entry in entries_of(hours) if first <= entry.start // DAY_NS <= last]
        scope.lost = [(row[5], row[1], row[2]) for hour in hours for row in hour["interruptions"].values() if row[0] in LOST and row[2]]
        described = await self._index.camera(camera)
        scope.owners = {entry.owner for entry in scope.entries} | ({described["owner"]} if described else set())
        async for deletion in self._index.deletions(camera):
            for each in (numbers for intent in intents_of(deletion) for numbers in intent.numbers):
                scope.gone |= {(each.epoch, number) for number in range(each.first, each.last + 1)}
        return scope

    async def _camera(self, scope: Scope, tally: Tally) -> AsyncIterator[VerifyResponse]:
        chain, checked = self._chain(scope), 0
        for entry in scope.entries:
            async for each in self._segment(scope.camera, entry, tally):
                yield each
            if broken := await chain.broken(entry):
                yield found(scope.camera, "CHAIN_BROKEN", entry, f"{entry.key(scope.camera)} {broken}")
            checked += 1
            if checked % PROGRESS_EVERY == 0:
                yield VerifyResponse(progress=VerifyProgress(camera=scope.camera, objects_checked=checked, objects_total=len(scope.entries)))
        for owner in sorted(scope.owners):
            async for each in self._bucket(scope, owner, tally):
                yield each
        yield VerifyResponse(progress=VerifyProgress(camera=scope.camera, objects_checked=checked, objects_total=len(scope.entries)))

    def _chain(self, scope: Scope) -> Chain:
        earlier = Earlier(self._index, scope.camera, scope.first_day * 24, partial(self._archived, scope.camera))
        earlier.add((entry.epoch, entry.sha256) for entry in scope.entries)
        return Chain(earlier, scope.gone, scope.lost)

    async def _archived(self, camera: str, owner: str, day: int) -> AsyncIterator[tuple[int, Digest]]:
        """What an archive that can't be trusted says does not count."""
        bucket = footage_bucket(owner)
        for key in [each.key async for each in self._footage.list(bucket, archive_prefix(camera, day))]:
            with suppress(Damaged):
                for segment in opened(await self._body(bucket, key), self._keys).segments:
                    yield segment.epoch, text(segment.sha256)

    async def _body(self, bucket: str, key: str) -> bytes:
        return b"".join([chunk async for chunk in self._footage.read(bucket, key)])

    async def _segment(self, camera: str, entry: Entry, tally: Tally) -> AsyncIterator[VerifyResponse]:
        key, bucket = entry.key(camera), footage_bucket(entry.owner)
        info = await self._footage.head(bucket, key)
        digest = sha256()
        try:
            async for chunk in self._footage.read(bucket, key):
                digest.update(chunk)
                tally.bytes += len(chunk)
        except NotFound:
            info = None
        tally.objects += 1
        if info is None:
            yield found(camera, "OBJECT_MISSING", entry, f"{key} is not in the footage store")
            return
        if digest.digest() != entry.digest or info.size != entry.size:
            yield found(camera, "DIGEST_MISMATCH", entry, f"{key} is not the object that was recorded: its SHA-256 is {digest.hexdigest()}")
        if wrong := metadata_mismatch(fact_of(camera, entry), info):
            yield found(camera, "METADATA_MISMATCH", entry, f"{key}: {wrong}")

    async def _bucket(self, scope: Scope, owner: str, tally: Tally) -> AsyncIterator[VerifyResponse]:
        """Objects that nobody knows, and the archives, day by day."""
        known = {entry.key(scope.camera): entry for entry in scope.entries if entry.owner == owner}
        recorded_days = {entry.start // DAY_NS for entry in known.values()}
        async for day, objects in self._days(scope, owner):
            for each in objects:
                name = segment_name(each.key)
                if name is not None and each.key not in known and (name.epoch, name.number) not in scope.gone and await self._is_stray(scope.camera, name):
                    start = timestamp(name.start_ns)
                    yield VerifyResponse(finding=Finding(
                        camera=scope.camera, reason="OBJECT_UNKNOWN", key=each.key, start=start, end=start, message=f"no fact tells of {each.key}",
                    ))
                elif name is None and not is_archive(scope.camera, day, each.key):
                    yield of_archive(scope.camera, "OBJECT_UNKNOWN", each.key, day, f"{each.key} is neither a segment nor an archive part")
            archives = [each.key for each in objects if is_archive(scope.camera, day, each.key)]
            async for finding in self._archives(scope, owner, day, archives, known, tally):
                yield finding
            recorded_days.discard(day)
        for day in sorted(recorded_days):
            async for finding in self._archives(scope, owner, day, [], known, tally):
                yield finding

    async def _is_stray(self, camera: str, name: SegmentName) -> bool:
        """Asked anew, since recording went on meanwhile: an object comes before its fact, and its fact before it is indexed."""
        hour = name.start_ns // HOUR_NS
        entries = entries_of([each async for each in self._index.live_hours(camera, hour, hour)])
        if any((entry.epoch, entry.number) == (name.epoch, name.number) for entry in entries):
            return False
        recorded = await self._index.recorded(camera)
        follows = recorded is None or name.start_ns >= recorded["newest"] - SECOND_NS
        return not follows or not 0 <= self._clock.now_ns() - name.start_ns <= LATE_NS

    async def _days(self, scope: Scope, owner: str) -> AsyncIterator[tuple[int, list[ObjectInfo]]]:
        for day in await bucket_walk.days(self._footage, owner, scope.camera):
            if scope.first_day <= day <= scope.last_day:
                yield day, [each async for each in self._footage.list(footage_bucket(owner), day_prefix(scope.camera, day * DAY_NS))]

    async def _archives(
        self, scope: Scope, owner: str, day: int, keys: list[str], known: Mapping[str, Entry], tally: Tally,
    ) -> AsyncIterator[VerifyResponse]:
        parts: list[tuple[ArchivePart, bytes]] = []
        for number, key in enumerate(sorted(keys, key=part_number)):
            body = await self._body(footage_bucket(owner), key)
            tally.archives += 1
            try:
                part = opened(body, self._keys)
            except Damaged as damaged:
                yield of_archive(scope.camera, damaged.reason, key, day, f"{key}: {damaged.message}")
                return
            if part.part != number or part.previous_sha256 != (parts[-1][1] if parts else b"") or (part.camera, part.owner) != (scope.camera, owner):
                yield of_archive(scope.camera, "CHAIN_BROKEN", key, day, f"{key} does not follow the part before it")
            parts.append((part, sha256(body).digest()))
        for finding in self._compared(scope, day, [part for part, _ in parts], known):
            yield finding

    def _compared(self, scope: Scope, day: int, parts: list[ArchivePart], known: Mapping[str, Entry]) -> Iterator[VerifyResponse]:
        of_day = [entry for entry in known.values() if entry.start // DAY_NS == day]
        if not parts:
            if of_day and self._clock.now_ns() - (day + 1) * DAY_NS > self._archived_after_ns:
                key = archive_key(scope.camera, day, 0)
                yield of_archive(scope.camera, "ARCHIVE_MISSING", key, day, f"{day_name(day)} is complete, but {key} is not there")
            return
        archived = {segment.key: segment for part in parts for segment in part.segments}
        if digest_of((segment.key, segment.sha256) for segment in archived.values()) != parts[-1].digest:
            yield of_archive(scope.camera, "CHAIN_BROKEN", archive_key(scope.camera, day, len(parts) - 1), day, "the parts do not add up to the digest")
        for entry in of_day:
            segment = archived.pop(entry.key(scope.camera), None)
            if segment is not None and segment.sha256 != entry.digest:
                yield found(scope.camera, "DIGEST_MISMATCH", entry, f"{entry.key(scope.camera)}: archive and fact state different checksums")
        for key, segment in archived.items():
            if (segment.epoch, segment.number) not in scope.gone:
                yield VerifyResponse(finding=Finding(
                    camera=scope.camera, reason="OBJECT_MISSING", key=key, start=timestamp(segment.start_ns), end=timestamp(segment.end_ns),
                    message=f"{key} is archived, not deleted under any rule, and not in the index",
                ))


def metadata_mismatch(segment: SegmentRecorded, info: ObjectInfo) -> str:
    if info.sha256 != segment.sha256:
        return "the checksum kept beside the object is not the fact's"
    differing = sorted(name for name, value in metadata_of(segment).items() if info.metadata.get(name) != value and name != "last_of_epoch")
    return f"{', '.join(differing)} differ from the fact" if differing else ""


def found(camera: str, reason: str, entry: Entry, message: str) -> VerifyResponse:
    times = {"start": timestamp(entry.start), "end": timestamp(entry.end)}
    return VerifyResponse(finding=Finding(camera=camera, reason=reason, key=entry.key(camera), message=message, **times))


def is_archive(camera: str, day: int, key: str) -> bool:
    return key.startswith(archive_prefix(camera, day)) and part_number(key) >= 0


def of_archive(camera: str, reason: str, key: str, day: int, message: str) -> VerifyResponse:
    times = {"start": timestamp(day * DAY_NS), "end": timestamp((day + 1) * DAY_NS)}
    return VerifyResponse(finding=Finding(camera=camera, reason=reason, key=key, message=message, **times))

