"""Writes the archive parts of camera days: part 0 when a day is complete, a further one whenever something came after."""
from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterable, Sequence
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.recording.archive import DayRecord, archive_prefix, next_part, opened, signed
from services.recording.days import DAY_NS, SECOND_NS
from services.recording.entry import Entry, fact_of
from services.recording.footage_index import FootageIndex
from services.recording.index_state import IndexState
from services.recording.setbacks import Setbacks
from vonglau.clock import Clock
from vonglau.documents import Document
from vonglau.errors import AlreadyExists, Conflict
from vonglau.footage import Footage, footage_bucket
from vonglau.ingest.v1.events_pb2 import ClockMeasured, InterruptionObserved, StreamChanged
from vonglau.recording.v1.archive_pb2 import ArchivePart, Deletion
from vonglau.telemetry import count, names

log = logging.getLogger(__name__)

Chain = list[tuple[ArchivePart, bytes]]
AGAIN_S = 6 * 3600.0


class Archive:
    """The archive chains in the footage store."""

    def __init__(self, footage: Footage, key: Ed25519PrivateKey, clock: Clock) -> None:
        self._footage = footage
        self._key = key
        self._clock = clock

    async def chain(self, camera: str, owner: str, day: int) -> Chain:
        """The parts in their order, each with the SHA-256 of its object. Raises: Damaged (ARCHIVE_SIGNATURE_INVALID)."""
        bucket, prefix = footage_bucket(owner), archive_prefix(camera, day)
        keys = [each.key async for each in self._footage.list(bucket, prefix) if part_number(each.key) >= 0]
        bodies = [await self.body(bucket, key) for key in sorted(keys, key=part_number)]
        return [(opened(body, [self._key.public_key()]), sha256(body).digest()) for body in bodies]

    async def body(self, bucket: str, key: str) -> bytes:
        return b"".join([chunk async for chunk in self._footage.read(bucket, key)])

    async def extend(self, camera: str, owner: str, day: int, known: DayRecord) -> str:
        """Key of the part that holds what the chain did not have; the newest part's where it had everything, "" where there is nothing."""
        chain = await self.chain(camera, owner, day)
        archived = DayRecord()
        for part, _ in chain:
            archived.add(part)
        news = known.beyond(archived)
        if news.is_empty:
            return f"{archive_prefix(camera, day)}{len(chain) - 1}" if chain else ""
        key = f"{archive_prefix(camera, day)}{len(chain)}"
        body = signed(next_part(camera, owner, day, chain, news, self._clock.now_ns()), self._key)
        await self._footage.ensure_bucket(footage_bucket(owner))
        try:
            await self._footage.put_bytes(footage_bucket(owner), key, body, {"camera": camera, "owner": owner})
        except AlreadyExists as error:
            raise Conflict("ARCHIVE_CONTENDED", f"somebody else wrote {key}") from error
        count(names.ARCHIVED_DAYS)
        return key


def part_number(key: str) -> int:
    """-1: it is no archive part, whatever somebody else put there."""
    number = key.rpartition("/archive-")[2]
    return int(number) if number.isascii() and number.isdecimal() else -1


def records_of(camera: str, day: int, hours: Iterable[Document]) -> dict[str, DayRecord]:
    """By owner, what the documents of a day's hours say of that day."""
    records: dict[str, DayRecord] = {}
    start, end = day * DAY_NS, (day + 1) * DAY_NS
    for hour in hours:
        for row in hour["segments"].values():
            entry = Entry(*row)
            if start <= entry.start < end:
                of(records, entry.owner).segments[entry.epoch, entry.number] = fact_of(camera, entry)
        for row in hour["interruptions"].values():
            interruption = interruption_of(camera, row)
            of(records, interruption.owner).interruptions[interruption.epoch, interruption.begun_ns] = interruption
        for epoch, at, codec, width, height, has_audio, owner in hour["streams"].values():
            whole_stream = StreamChanged(
                camera=camera, owner=owner, epoch=epoch, at_ns=at, codec=codec, width_px=width, height_px=height, has_audio=has_audio,
            )
            of(records, owner).streams[epoch, at] = whole_stream
        for epoch, at, offset, beyond, owner in hour["clocks"].values():
            of(records, owner).clocks[epoch, at] = ClockMeasured(camera=camera, owner=owner, epoch=epoch, at_ns=at, offset_ns=offset, beyond_limit=beyond)
    return records


def interruption_of(camera: str, row: Sequence[Any]) -> InterruptionObserved:
    cause, begun, ended, detail, owner, epoch, closes = row
    return InterruptionObserved(
        camera=camera, owner=owner, epoch=epoch, cause=cause, begun_ns=begun, ended_ns=ended, detail=detail, closes_epoch=closes,
    )


def of(records: dict[str, DayRecord], owner: str) -> DayRecord:
    return records.setdefault(owner, DayRecord())


class Archiving:
    """The daily job. Repeatable at any time: a part is only written for what no part has."""

    def __init__(
        self, index: FootageIndex, state: IndexState, archive: Archive, clock: Clock, *, grace_s: float, window_days: int, again_s: float = AGAIN_S,
    ) -> None:
        """grace_s: after a day's end, for what is still in spools. window_days: how far back days are looked at; facts must be kept longer.

        again_s: so long after a look a day is looked at again: reading and proving a city's archives takes hours of a core.
        """
        self._index = index
        self._state = state
        self.archive = archive
        self._clock = clock
        self._grace_s = grace_s
        self._window_days = window_days
        self._again_ns = round(again_s * SECOND_NS)
        self._looked: dict[tuple[str, int], int] = {}  # camera and day: when, ns

    async def run(self, due_ns: int = 0) -> int:
        """Archive every complete day; how many chains were looked at. due_ns: since when this run has been missed; 0: it has not.

        Raises: Damaged, once everything else is done, where an archive is not what was signed.
        """
        await self._state.caught_up()
        now_ns, looked, setbacks = self._clock.now_ns(), 0, Setbacks()
        complete = (now_ns - round(self._grace_s * SECOND_NS)) // DAY_NS
        first = min(complete - self._window_days, (due_ns or now_ns) // DAY_NS - 1)
        self._looked = {place: seen_ns for place, seen_ns in self._looked.items() if now_ns - seen_ns < self._again_ns}
        async for camera in self._index.cameras():
            async for day in self._days(camera, first, complete):
                if (camera, day) not in self._looked:
                    with setbacks.set_aside(camera, day):
                        looked += await self.archive_day(camera, day)
                        self._looked[camera, day] = now_ns
        setbacks.tell()
        return looked

    async def archive_day(self, camera: str, day: int) -> int:
        hours = await self._index.hours(camera, day * DAY_NS, (day + 1) * DAY_NS)
        records = records_of(camera, day, hours)
        for owner, record in records.items():
            await self.archive.extend(camera, owner, day, record)
        return len(records)

    async def add_deletion(self, camera: str, owner: str, day: int, deletion: Deletion) -> str:
        """Key of the part that lists what was deleted; the same one when asked again."""
        for part, _ in await self.archive.chain(camera, owner, day):
            if any(each.digest == deletion.digest for each in part.deletions):
                return f"{archive_prefix(camera, day)}{part.part}"
        return await self.archive.extend(camera, owner, day, DayRecord(deletions={deletion.digest: deletion}))

    async def _days(self, camera: str, first: int, complete: int) -> AsyncIterator[int]:
        """Complete days from `first` on, and older ones that something late belongs to."""
        recorded = await self._index.recorded(camera)
        late = set(recorded["late_days"]) if recorded else set()
        for day in sorted(late | set(range(first, complete))):
            if day < complete:
                yield day
