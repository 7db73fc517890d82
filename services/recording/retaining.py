"""The retention job: what falls due is archived, written down as intended, deleted, and written down as done.

A kill at any point leaves at most an intent without its confirmation; the next run finishes it. Nothing is deleted that no intent names.
"""
from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from functools import partial

from services.recording.archive import DayRecord, digest_of
from services.recording.archiving import Archiving, records_of
from services.recording.custody import CUSTODY, confirm, custody_stream, intend
from services.recording.days import DAY_NS, HOUR_NS, as_date, day_of, hour_bits
from services.recording.deletion import intents_of
from services.recording.footage_index import FootageIndex
from services.recording.index_state import IndexState
from services.recording.retention import Rule, is_due, rule_for, shortest_days
from services.recording.setbacks import Setbacks
from vonglau.clock import Clock
from vonglau.errors import Damaged, Refused
from vonglau.eventlog import Call, EventLog
from vonglau.footage import Footage, footage_bucket
from vonglau.ingest.v1.events_pb2 import SegmentRecorded
from vonglau.media.segment import day_prefix, segment_name, segment_of
from vonglau.recording.v1.archive_pb2 import Deletion
from vonglau.recording.v1.events_pb2 import DeletionConfirmed, DeletionIntended, Numbers
from vonglau.telemetry import count, names

logger = logging.getLogger(__name__)

CALL = Call("service:retention", "retention")
AT_ONCE = 1_000  # keys in one delete


class Retaining:
    def __init__(
        self, index: FootageIndex, state: IndexState, archiving: Archiving, footage: Footage, log: EventLog, rules: Sequence[Rule], clock: Clock,
    ) -> None:
        """footage: as the one who may delete there."""
        self._index = index
        self._state = state
        self._archiving = archiving
        self._footage = footage
        self._log = log
        self._rules = rules
        self._clock = clock

    async def run(self) -> int:
        """Finish what an earlier run began, then delete what is due; the number of deletions.

        Raises: Unavailable (VIEW_BEHIND), where the index was lost under way; Damaged, once everything else is done, where an archive is not what was signed.
        """
        await self._state.caught_up()
        deletions, setbacks = 0, Setbacks()
        for document in await self._index.unconfirmed_deletions():
            with setbacks.set_aside(document["camera"], document["day"]):
                await self._finish(intents_of(document)[-1])
                deletions += 1
        async for camera in self._index.cameras():
            if await self._state.is_parked(camera):
                logger.warning("nothing of %s is deleted: something told of it could not be applied yet (vonglau parked)", camera)
                continue
            for day in await self._days(camera):
                with setbacks.set_aside(camera, day):
                    deletions += await self._delete_day(camera, day)
        setbacks.tell()
        return deletions

    async def _days(self, camera: str) -> list[int]:
        """Days with footage that are old enough for the shortest rule."""
        newest = self._clock.now_ns() // DAY_NS - shortest_days(self._rules) - 1
        return sorted({hour["hour"] // 24 async for hour in self._index.live_hours(camera, 0, newest * 24 + 23)})

    async def _delete_day(self, camera: str, day: int) -> int:
        described = await self._index.camera(camera)
        records = records_of(camera, day, await self._index.hours(camera, day * DAY_NS, (day + 1) * DAY_NS))
        deletions = 0
        for owner, record in records.items():
            rule = rule_for(self._rules, owner, described, day)
            if not is_due(rule, day, self._clock.now_ns()):
                continue
            await self._adopt(record, camera, owner, day)
            if record.segments:
                await self._delete(camera, owner, day, rule, record)
                deletions += 1
        return deletions

    async def _adopt(self, record: DayRecord, camera: str, owner: str, day: int) -> None:
        """Objects of the day that no fact told of are deleted with it, and listed like the others."""
        known = {segment.key for segment in record.segments.values()}
        async for each in self._footage.list(footage_bucket(owner), day_prefix(camera, day * DAY_NS)):
            name = segment_name(each.key)
            if name is None or each.key in known:
                continue
            try:
                segment = segment_of(each.key, each.size, each.sha256, each.metadata)
            except Damaged:
                segment = SegmentRecorded(
                    camera=camera, owner=owner, epoch=name.epoch, number=name.number, start_ns=name.start_ns, end_ns=name.start_ns,
                    key=each.key, size_bytes=each.size, sha256=each.sha256,
                )
            record.segments[name.epoch, name.number] = segment

    async def _delete(self, camera: str, owner: str, day: int, rule: Rule, record: DayRecord) -> None:
        segments = list(record.segments.values())
        intent = DeletionIntended(
            camera=camera,
            owner=owner,
            day=as_date(day),
            hours=hour_bits(segment.start_ns // HOUR_NS for segment in segments),
            rule=rule.id,
            article=rule.article,
            objects=len(segments),
            size_bytes=sum(segment.size_bytes for segment in segments),
            digest=digest_of((segment.key, segment.sha256) for segment in segments),
            numbers=numbers_of(segments),
        )
        await self._archiving.archive.extend(camera, owner, day, record)
        await self._state.must_still_hold()
        try:
            await self._log.decide(custody_stream(camera), CUSTODY, partial(intend, intent=intent), call=CALL)
        except Refused as refused:
            logger.info("deletion of %s on day %s waits: %s", camera, day, refused.message)
            return
        await self._finish(intent)

    async def _finish(self, intent: DeletionIntended) -> None:
        day = day_of(intent.day)
        keys = await self._keys(intent, day)
        for first in range(0, len(keys), AT_ONCE):
            await self._footage.delete(footage_bucket(intent.owner), keys[first:first + AT_ONCE])
        listed = Deletion(rule=intent.rule, article=intent.article, hours=intent.hours, numbers=intent.numbers, digest=intent.digest, keys=keys)
        archive = await self._archiving.add_deletion(intent.camera, intent.owner, day, listed)
        confirmation = DeletionConfirmed(
            camera=intent.camera, owner=intent.owner, day=intent.day, hours=intent.hours, digest=intent.digest, archive=archive,
        )
        await self._log.decide(custody_stream(intent.camera), CUSTODY, partial(confirm, confirmation=confirmation), call=CALL)
        count(names.DELETED_BYTES, intent.size_bytes)

    async def _keys(self, intent: DeletionIntended, day: int) -> list[str]:
        """From the archive: the index has let go of them, and some objects may be gone."""
        named = [(each.epoch, each.first, each.last) for each in intent.numbers]
        return sorted(
            segment.key
            for part, _ in await self._archiving.archive.chain(intent.camera, intent.owner, day)
            for segment in part.segments
            if any(epoch == segment.epoch and first <= segment.number <= last for epoch, first, last in named)
        )


def numbers_of(segments: Iterable[SegmentRecorded]) -> list[Numbers]:
    """As few ranges as say exactly these."""
    ranges: list[Numbers] = []
    for epoch, number in sorted((segment.epoch, segment.number) for segment in segments):
        if ranges and ranges[-1].epoch == epoch and ranges[-1].last + 1 == number:
            ranges[-1].last = number
        else:
            ranges.append(Numbers(epoch=epoch, first=number, last=number))
    return ranges
