"""Faust's Producer on JetStream."""

import asyncio
from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from typing import Any, cast

from faust.streams import current_event
from faust.transport import base
from faust.transport.producer import ProducerBuffer
from faust.types import TP, AppT, EventT, HeadersArg, RecordMetadata
from faust.types.tuples import FutureMessage
from mode import get_logger
from mode.utils.times import Seconds

from . import codec
from .admin import Declared, declared_by_faust
from .changelog import ChangelogWriter
from .errors import BadSetting, NotStored, ReadOnlyTopic
from .partitioner import any_partition, partition_of
from .places import Place, StateTopic
from .publisher import Publisher
from .telemetry import inject

logger = get_logger(__name__)

#: The event on whose behalf a buffered message is published: it was handed over in the agent and is sent from another task.
on_behalf_of: ContextVar[EventT[Any] | None] = ContextVar("on_behalf_of", default=None)

_FULL = 2000        # buffered messages at which streams are held back


class Outbox(ProducerBuffer):
    """Messages handed over by ``send_soon``; each is published on behalf of the event that made it."""

    app: AppT | None

    def __init__(self, producer: "Producer", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._producer = producer
        self._events: dict[FutureMessage, EventT[Any] | None] = {}

    def put(self, fut: FutureMessage) -> None:
        self._events[fut] = current_event()
        fut.add_done_callback(self._done)
        self.pending.put_nowait(fut)

    def _done(self, fut: Any) -> None:
        self._events.pop(fut, None)
        if not fut.cancelled():
            fut.exception()

    async def flush(self) -> None:
        """Return when everything handed over before this call is confirmed or has failed."""
        waiting = list(self._events)
        if waiting:
            await asyncio.wait(waiting)

    @property
    def full(self) -> bool:
        """True while streams must be held back."""
        writer = self._producer.changelog
        return len(self._events) > _FULL or (writer is not None and bool(writer.backlog))

    async def wait_until_ebb(self) -> None:
        if len(self._events) > _FULL:
            await self.flush()
        writer = self._producer.changelog
        if writer is not None and writer.backlog:
            await writer.ebb()

    async def _send_pending(self, fut: FutureMessage) -> None:
        mark = on_behalf_of.set(self._events.get(fut))
        try:
            await fut.message.channel.publish_message(fut, wait=False)
        except Exception as exc:  # noqa: BLE001  handed to whoever waits for this message; the buffer must go on
            if not fut.done():
                fut.set_exception(exc)
        finally:
            on_behalf_of.reset(mark)


class Producer(base.Producer):
    """Publishes at once; table changes go to the changelog writer, or wait in the transaction manager for their commit."""

    def __init__(self, transport: Any, **kwargs: Any) -> None:
        if transport.app.conf.producer_threaded:
            raise BadSetting("producer_threaded is not supported with nats://: publishing is pipelined in the event loop already; remove the setting")
        super().__init__(transport, **kwargs)
        self.buffer = Outbox(self, loop=self.loop, beacon=self.beacon)
        self.buffer.app = self.app
        self.publisher: Publisher | None = None
        self.changelog: ChangelogWriter | None = None

    async def on_start(self) -> None:
        transport = cast(Any, self.transport)
        await transport.connection.open()
        self.publisher = Publisher(transport.connection, transport.settings)
        await self.publisher.start()
        self.changelog = ChangelogWriter(lambda: cast(Any, self.app.consumer).offsets, lambda tps, exc: cast(Any, self.app.consumer).on_fenced(tps, exc))
        self.changelog.start()
        await super().on_start()

    async def on_stop(self) -> None:
        """Confirm what is in flight, within the grace period."""
        try:
            async with asyncio.timeout(cast(Any, self.transport).settings.grace):
                await self.flush()
        except (TimeoutError, NotStored) as exc:
            logger.warning("stopping with messages that the server has not confirmed: %r", exc)
        await super().on_stop()
        if self.changelog is not None and self.publisher is not None:
            await self.changelog.stop()
            await self.publisher.stop()
            await cast(Any, self.transport).connection.close()

    def send_soon(self, fut: FutureMessage) -> None:
        transport = cast(Any, self.transport)
        topic = fut.message.channel.get_topic_name()
        place = transport.topics.places.get(topic)
        if not isinstance(place, StateTopic) or not place.compacting:
            self.buffer.put(fut)
        elif self.app.in_transaction:
            cast(Any, self.app.consumer).transactions.change(fut, place)
        else:
            self._write_change(fut, place)

    def _write_change(self, fut: FutureMessage, place: StateTopic) -> None:
        if self.changelog is None:
            raise RuntimeError("a table was changed before the producer was started")
        message, event = fut.message, current_event()
        partition = int(message.partition or 0)
        subject, body = place.subject(partition, cast(bytes, message.key)), cast(bytes, message.value) or b""
        if self.publisher is not None:
            self.publisher.check_size(subject, body)
        if event is not None and event.message.generation_id != self.app.consumer_generation_id:
            fut.cancel()            # processed for an older assignment
            return
        source = event.message.tp if event is not None else None
        self.changelog.put(subject, body, self.change_headers(place.topic, message), TP(place.topic, partition), source, fut)

    def change_headers(self, topic: str, message: Any) -> dict[str, str]:
        """Headers of a table change: the key, and how long it is kept if the table forgets."""
        headers = codec.encode(message.key, message.value, None, None)
        ttl = cast(Any, self.transport).change_ttl(topic, deleted=message.value is None)
        if ttl:
            headers[codec.TTL] = f"{ttl}s"
        return headers

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: HeadersArg | None,
        *,
        transactional_id: str | None = None,  # noqa: ARG002  Kafka's; part of the interface
        msg_id: str | None = None,
    ) -> Awaitable[RecordMetadata]:
        """Publish; awaits only room in the pipeline. Raises MessageTooLarge, ReadOnlyTopic, TopicMismatch."""
        place = await cast(Any, self.transport).topics.ensure(topic)
        if not place.writable:
            raise ReadOnlyTopic(f"topic {topic!r} is mapped on stream {place.stream(0)!r}, which other programs write: publish to its subjects instead")
        if self.publisher is None:
            raise RuntimeError("send() before the producer was started: await app.producer.start(), or use app.maybe_start_producer()")
        tp = TP(topic, self.partition_for(key, place.partitions) if partition is None else partition)
        raw = codec.encode(key, value, timestamp, headers)
        if value is None and place.compacting:
            raw[codec.TTL] = f"{cast(Any, self.transport).settings.tombstone_ttl}s"
        if cast(Any, self.transport).settings.trace:
            inject(raw)
        stored = await self.publisher.publish(_subject(place, tp, key, self.publisher), value or b"", raw, msg_id)
        return _metadata(stored, tp)

    async def send_and_wait(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: HeadersArg | None,
        *,
        transactional_id: str | None = None,
    ) -> RecordMetadata:
        return await (await self.send(topic, key, value, partition, timestamp, headers, transactional_id=transactional_id))

    async def flush(self) -> None:
        """Return when everything handed over before this call is stored; raise NotStored if some of it is not.

        Offsets are committed only after this, so that no event is ever committed before its effects.
        """
        await self.buffer.flush()
        if self.publisher is not None and self.changelog is not None:
            await self.changelog.flush()
            await self.publisher.flush()

    def forget_changes(self) -> None:
        """Table changes that wait belong to an older assignment."""
        if self.changelog is not None:
            self.changelog.drop()

    def partition_for(self, key: bytes | None, partitions: int) -> int:
        """The partition of a message; the app's ``producer_partitioner`` goes first."""
        if self.partitioner is not None:
            everything = list(range(partitions))
            return int(self.partitioner(key, everything, everything))
        return any_partition(partitions) if key is None else partition_of(key, partitions)

    def key_partition(self, topic: str, key: bytes) -> TP:
        return TP(topic, self.partition_for(key, cast(Any, self.transport).topics.places[topic].partitions))

    def supports_headers(self) -> bool:
        return True

    async def create_topic(
        self,
        topic: str,
        partitions: int,
        replication: int,
        *,
        config: Mapping[str, Any] | None = None,
        timeout: Seconds = 30.0,  # noqa: ARG002, ASYNC109  Faust's interface
        retention: Seconds | None = None,
        compacting: bool | None = None,
        deleting: bool | None = None,  # noqa: ARG002
        ensure_created: bool = False,  # noqa: ARG002
    ) -> None:
        """Declare a topic. Raises TopicMismatch if it exists with other settings, BadSetting if the server cannot do it."""
        transport = cast(Any, self.transport)
        transport_topics = transport.topics
        wanted = declared_by_faust(partitions, replication, config, retention, compacting)
        if partitions == self.app.conf.topic_partitions and transport_topics.declared(topic).partitions is None and not compacting:
            wanted = Declared(None, wanted.replicas, wanted.retention, wanted.compacting, wanted.config)      # Faust's default, not the app's word
        await transport_topics.declare(topic, wanted)


def _subject(place: Place, tp: TP, key: bytes | None, publisher: Publisher) -> str:
    if isinstance(place, StateTopic) and not place.compacting:
        return place.unique_subject(tp.partition, publisher.once())
    return place.subject(tp.partition, key)


def _metadata(stored: "asyncio.Future[int]", tp: TP) -> "asyncio.Future[RecordMetadata]":
    """The future that Faust awaits, resolved with the offset."""
    known: asyncio.Future[RecordMetadata] = stored.get_loop().create_future()

    def resolve(done: "asyncio.Future[int]") -> None:
        if known.done():
            return
        if done.cancelled():
            known.cancel()
            return
        failure = done.exception()
        if failure is not None:
            known.set_exception(failure)
            known.exception()
        else:
            known.set_result(RecordMetadata(tp.topic, tp.partition, tp, done.result() - 1))

    stored.add_done_callback(resolve)
    return known
