"""Faust's Consumer on JetStream.

Where it departs from the stock base class, the reason is a way in which that class loses events, waits for ever, or commits what is not done.
"""

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, cast

from aiokafka.errors import IllegalStateError
from faust.transport.consumer import ensure_TP
from faust.types import TP, ConsumerMessage
from mode import Service, get_logger

from . import codec, tables
from .conductor import Conductor, InWork
from .feed import Record
from .finishing import Finishing
from .group import Group
from .offsets import Offsets
from .places import StreamPerPartition
from .reader import Reader

logger = get_logger(__name__)

_YIELD_EVERY = 100      # messages between two turns of the event loop
_LOOK_AGAIN = 0.02      # seconds until streams are looked at that take events without saying so


class Consumer(Finishing):
    """Membership, reading and positions; finishing and committing are in the base."""

    logger = logger

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.readers: dict[TP, Reader] = {}
        self._owned: set[TP] = set()
        self._arrived = asyncio.Event()
        self._unacked_messages = InWork(self._arrived.set)
        # Source partitions are not read from assignment until the seek and resume_flow(): whatever is queued before flow is resumed is thrown away.
        self._held = True
        self._sought = False
        self._moving_since: float | None = None     # clock: monotonic; a sensor would be asked for every event
        self._highest: dict[TP, int] = {}       # delivered to this process, over all assignments
        self._told_end: dict[TP, int] = {}
        self._missing_end: tables.MissingEnd | None = None

    async def on_start(self) -> None:
        await super().on_start()
        await self._transport.connection.open()
        self._transport.check_guarantee()
        await self.topics.state_stream()
        self._missing_end = tables.MissingEnd(self.app, self.topics)

    async def on_stop(self) -> None:
        """The last commit may fail; the others get our partitions at once all the same."""
        try:
            await super().on_stop()
        finally:
            if self._group is not None:
                await self._group.leave()
            await asyncio.gather(*(reader.close() for reader in self.readers.values()))
            await self._transport.connection.close()

    def close(self) -> None:
        for reader in self.readers.values():
            reader.rest()

    async def subscribe(self, topics: Iterable[str]) -> None:
        """Join the group for ``topics``. A client without a group reads every partition from its end."""
        wanted = set(topics)
        for topic in wanted:
            await self.topics.ensure(topic)
        if self.app.client_only:
            await self._read_from_now(wanted)
            return
        if self._group is None:
            self._group = Group(self, self.app, self._transport.connection, self.topics, self._transport.settings)
            self.offsets = Offsets(self._transport.connection, self.topics.names, self._group.id, self._transport.settings.request_timeout)
        await self._group.join(wanted)

    async def _read_from_now(self, topics: set[str]) -> None:
        tps = {TP(topic, partition) for topic in topics for partition in range(self.topics.places[topic].partitions)}
        for tp in tps - self._owned:
            self.readers[tp] = self._reader(tp, (await self.topics.bounds(tp))[1])
        self._owned = tps
        self._held = False

    async def give_up(self) -> None:
        """Finish and commit what is in work, and stop reading."""
        self._moving_since = time.monotonic()
        self.app.on_rebalance_start()
        await self.on_partitions_revoked(set(self._owned))
        self.close()

    async def take_over(self, assigned: set[TP], generation: int) -> None:
        """Own exactly ``assigned``: tables begin anew, older owners are fenced off, reading starts at the committed offsets.

        Until the claim stands nothing is committed, and what was not committed before is forgotten: under the new claim it would be stored beside
        offsets that do not cover it.
        """
        self._held, self._sought, self._fenced = True, False, True
        await asyncio.gather(*(reader.close() for reader in self.readers.values()))
        for topic in {tp.topic for tp in assigned}:
            await self.topics.ensure(topic)
        self.readers.clear()
        self.deliveries.clear()
        for known in (self._acked, self._acked_index, self._read_offset, self._committed_offset):
            known.clear()
        tables.empty(self.app)
        cast(Any, self.app.producer).forget_changes()
        cast(Any, self.transactions).forget()
        tables.watch_recovery(self.app)
        self._owned = set(assigned)
        self.app.consumer_generation_id = generation
        begin = await self.offsets.claim([tp for tp in assigned if not self._is_changelog_tp(tp)], generation, self._begin_at)
        self._fenced = False
        for tp in assigned:
            self.readers[tp] = self._reader(tp, begin.get(tp, 0))
        await self.on_partitions_assigned(set(assigned), generation)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Unlike the base class, what is finished is forgotten after the last commit and not before."""
        self._active_partitions.difference_update(revoked)
        self._paused_partitions.difference_update(revoked)
        await self._on_partitions_revoked(revoked)
        for tp in revoked:
            for known in (self._gap, self._acked, self._acked_index, self._read_offset, self._committed_offset):
                known.pop(tp, None)

    def _reader(self, tp: TP, position: int) -> Reader:
        place = self.topics.places[tp.topic]
        source = place.stream(tp.partition), place.filter(tp.partition)
        return Reader(self._transport.connection, tp, source, position, self._transport.settings.fetch, self._arrived.set)

    async def _begin_at(self, tp: TP, stored: int | None) -> int:
        """Where to read on: the stored offset, unless it lies outside of what the partition holds."""
        earliest, end = await self.topics.bounds(tp)
        if stored is None:
            return end if self.app.conf.consumer_auto_offset_reset == "latest" else earliest
        if stored > end and stored > await self.topics.stream_end(tp):
            logger.warning("%s: offset %s is committed and the partition ends at %s: its stream was made anew, reading from its beginning", tp, stored, end)
            return earliest
        if stored < earliest and isinstance(self.topics.places[tp.topic], StreamPerPartition):      # elsewhere offsets have holes anyway
            logger.warning("%s: offsets %s to %s were purged or expired before they were read", tp, stored, earliest - 1)
        return stored

    def pause_partitions(self, tps: Iterable[TP]) -> None:
        """A paused partition is not read at all: its own changelog would only fill the buffer."""
        paused = set(tps)
        super().pause_partitions(paused)
        for tp in paused:
            reader = self.readers.get(tp)
            if reader is not None:
                reader.rest()

    def resume_partitions(self, tps: Iterable[TP]) -> None:
        super().resume_partitions(tps)
        self._arrived.set()

    def resume_flow(self) -> None:
        super().resume_flow()
        if self._sought:
            self._held = False
            if self._moving_since is not None:
                self._transport.meters.record("rebalance", time.monotonic() - self._moving_since)
                self._moving_since = None
            self._queued.clear()
            self._arrived.set()

    def on_buffer_drop(self, tp: TP) -> None:
        super().on_buffer_drop(tp)
        self._arrived.set()

    async def _wait_next_records(self, timeout: float) -> tuple[Any, set[TP] | None]:  # noqa: ASYNC109  Faust's interface
        """The base class sleeps a whole second when every partition's buffer is full; this wakes as soon as one is not."""
        if not self.flow_active:
            await self.wait_for_stopped(cast(Any, self.can_resume_flow))
        active = None if self.app.client_only else self._get_active_partitions()
        return await self._getmany(active, timeout), active

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> dict[TP, list[Record]]:  # noqa: ASYNC109
        found = self._take(active_partitions)
        if not found:
            self._arrived.clear()
            try:
                async with asyncio.timeout(_LOOK_AGAIN if any(map(len, self.readers.values())) else timeout):
                    await self._arrived.wait()
            except TimeoutError:
                return {}
            if self.flow_active:
                found = self._take(active_partitions)
        return found

    def _take(self, active: set[TP] | None) -> dict[TP, list[Record]]:
        most = self.app.conf.broker_max_poll_records or 1000
        conductor = cast(Conductor, self.app.topics)
        ready = []
        for tp, reader in self.readers.items():
            if self._held and not self._is_changelog_tp(tp):
                continue
            if active is None or tp in active:
                reader.start()
                if len(reader):
                    ready.append(reader)
        rooms = ((reader, conductor.room(reader.tp, most, len(ready))) for reader in ready)
        return {reader.tp: reader.take(room) for reader, room in rooms if room > 0}

    def _to_message(self, tp: TP, record: Record) -> ConsumerMessage:
        decoded: tuple[Any, Any, float | None, Any]
        try:
            decoded = codec.decode(record.headers, record.body)
        except ValueError as exc:
            logger.warning("%s offset %s: damaged headers are ignored: %s", tp, record.sequence - 1, exc)
            decoded = None, record.body, None, []
        key, value, timestamp, headers = decoded
        if key is None:
            key = self.topics.places[tp.topic].key_of(record.subject)
        return ConsumerMessage(
            tp.topic,
            tp.partition,
            record.sequence - 1,
            record.time if timestamp is None else timestamp,
            0,
            headers,
            key,
            value,
            None,
            len(key) if key else 0,
            len(value) if value else 0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def _drain_messages(self, fetcher: Any) -> None:
        """The inner loop: no tasks and no generator steps per message."""
        stopped, fetcher_stopped = self._stopped.is_set, fetcher._stopped.is_set  # noqa: SLF001
        try:
            while not (stopped() or fetcher_stopped()):
                await asyncio.sleep(0)
                records, active = await self._wait_next_records(1.0)
                for tp in records:
                    self.app.monitor.track_tp_end_offset(tp, self.highwater(tp))
                await self._deliver(records, active)
        except asyncio.CancelledError:
            if self.app.should_stop:
                return
            raise

    async def _deliver(self, records: dict[TP, list[Record]], active: set[TP] | None) -> None:
        """Hand ``records`` to the streams in turn; what is left when the assignment changes is read again."""
        app, conductor, to_message, note = self.app, cast(Conductor, self.app.topics), self._to_message, self.deliveries.note
        generation, buffered, transactions = app.consumer_generation_id, self._buffered_partitions, cast(Any, self.transactions)
        handlers = {tp: (conductor.handler(tp), conductor.acks_enabled_for(tp.topic)) for tp in records}
        handed = 0
        for tp, record in self.scheduler.iterate(records):
            if not self.flow_active or app.consumer_generation_id != generation or self.should_stop:
                return
            if active is not None and tp not in active and tp not in buffered:
                continue
            if self._commit_every is not None and self._n_acked >= self._commit_every:
                self._n_acked = 0
                await self.commit()
            if transactions.contended:
                await self._settle()
            handle, acked = handlers[tp]
            if acked:
                offset = record.sequence - 1
                note(tp, offset)
                if offset > self._highest.get(tp, -1):
                    self._highest[tp] = offset
                else:
                    self._transport.meters.record("redelivered", 1, topic=tp.topic)
            await handle(to_message(tp, record))
            handed += 1
            if handed % _YIELD_EVERY == 0:
                await asyncio.sleep(0)

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    async def _seek(self, partition: TP, offset: int) -> None:
        reader = self.readers.get(ensure_TP(partition))
        if reader is None or offset is None:
            raise IllegalStateError(f"{partition} is not assigned")      # recovery takes this one for "another rebalance has begun"
        reader.seek(offset)
        self.deliveries.forget(reader.tp)

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        for tp, offset in partitions.items():
            await self._seek(tp, offset)

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """All source partitions at once; nothing is awaited, so no message can slip in between."""
        self._held = True
        committed = {tp: self.offsets.committed[tp] for tp in self._owned if tp in self.offsets.committed and tp in self.readers}
        for tp, offset in committed.items():
            self.readers[tp].seek(offset)
            self.deliveries.forget(tp)
            self._acked.pop(tp, None)
            self._acked_index.pop(tp, None)
        self._sought = True
        return committed

    async def position(self, tp: TP) -> int | None:
        reader = self.readers.get(tp)
        return reader.position if reader else None

    def assignment(self) -> set[TP]:
        return set(self._owned)

    def highwater(self, tp: TP) -> int:
        reader = self.readers.get(tp)
        return reader.end or 0 if reader else 0

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        bounds = await asyncio.gather(*(self.topics.bounds(ensure_TP(tp)) for tp in partitions))
        # Compaction goes on between the two questions: what recovery was told to read up to must not lie before where it begins.
        return {tp: min(earliest, self._told_end.get(tp, earliest)) for tp, (earliest, _) in zip(partitions, bounds, strict=True)}

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        bounds = await asyncio.gather(*(self.topics.bounds(ensure_TP(tp)) for tp in partitions))
        ends = {tp: end for tp, (_, end) in zip(partitions, bounds, strict=True)}
        self._told_end.update(ends)
        return ends

    def topic_partitions(self, topic: str) -> int | None:
        place = self.topics.places.get(topic)
        return place.partitions if place else None

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        if partition is not None:
            return partition
        return int(cast(Any, self.app.producer).partition_for(key, self.topics.places[topic].partitions))

    async def create_topic(self, topic: str, partitions: int, replication: int, **kwargs: Any) -> None:
        await self.app.producer.create_topic(topic, partitions, replication, **kwargs)

    @Service.task
    async def _watch_recovery(self) -> None:
        while not self.should_stop:
            await self.sleep(1.0)
            if self._missing_end is not None:
                await self._missing_end.check()
