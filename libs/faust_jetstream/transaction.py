"""``processing_guarantee="exactly_once"``: one commit is one atomic batch of offset documents and table changes.

Outputs are published at once under an id that a replay repeats (app, source partition, offset, agent, topic, key, count), so the server drops the
repetition inside the duplicate window. Outputs to topics in the state stream ride on the commit itself and have no window.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Awaitable, Mapping
from typing import Any, cast

from faust.agents import current_agent
from faust.streams import current_event
from faust.transport.consumer import TransactionManager as _TransactionManager
from faust.types import TP, EventT, HeadersArg, RecordMetadata
from faust.types.tuples import FutureMessage
from mode import get_logger

from . import codec
from .batch import MAX_BATCH, Outgoing
from .changes import Change, Cut, PendingChanges
from .offsets import Fenced
from .places import StateTopic
from .producer import Producer, on_behalf_of
from .telemetry import inject

logger = get_logger(__name__)


class TransactionManager(_TransactionManager):
    """Collects changes between commits; Kafka's transactional producers are not used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._pending = PendingChanges()
        self._due: Cut = {}                 # finished offsets that no commit has stored yet
        self._sent: Counter[tuple[TP, int, str]] = Counter()
        self.contended = False              # the last commit had to leave finished events behind

    @property
    def due(self) -> Cut:
        """Finished offsets left behind by the last commit; a later one stores them."""
        return dict(self._due)

    @property
    def has_loose_changes(self) -> bool:
        """True when changes wait that no event will carry into a commit."""
        return self._pending.loose > 0

    def change(self, fut: FutureMessage, place: StateTopic) -> None:
        """Keep one table change until its event is committed. Raises MessageTooLarge."""
        message = fut.message
        partition = int(message.partition or 0)
        key, value = cast(bytes, message.key), cast(bytes | None, message.value)
        headers = self._producer.change_headers(place.topic, message)
        self._add(place.subject(partition, key), value or b"", headers, TP(place.topic, partition), fut)

    async def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        partition: int | None,
        timestamp: float | None,
        headers: HeadersArg | None,
        *,
        transactional_id: str | None = None,  # noqa: ARG002
    ) -> Awaitable[RecordMetadata]:
        event = on_behalf_of.get() or current_event()
        place = await cast(Any, self.transport).topics.ensure(topic)
        if event is not None and isinstance(place, StateTopic):
            return self._send_with_commit(place, key, value, partition, timestamp, headers)
        msg_id = None if event is None else self._replayable_id(event, topic, key)
        return await self._producer.send(topic, key, value, partition, timestamp, headers, msg_id=msg_id)

    def key_partition(self, topic: str, key: bytes) -> TP:
        return self._producer.key_partition(topic, key)

    def send_soon(self, fut: FutureMessage) -> None:
        self._producer.send_soon(fut)

    async def on_rebalance(self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP]) -> None:  # noqa: ARG002
        self.forget()

    def forget(self) -> None:
        """What was not committed is not stored later: its events are read again, by us or by the next owner."""
        for change in self._pending.clear():
            if change.future is not None and not change.future.done():
                change.future.cancel()
        self._due.clear()
        self._sent.clear()
        self.contended = False

    async def commit(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:  # noqa: ARG002
        """Store ``offsets`` and every change below them; False when another worker owns one of the partitions."""
        generation = self._consumer.offsets.generation
        await self.producer.flush()
        if generation != self._consumer.offsets.generation:
            return False            # meanwhile the partitions were claimed anew, and what this commit was for is forgotten
        self._due.update(offsets)
        cut = self._pending.closed(self._due)
        committed = self._consumer.offsets.committed
        self.contended = any(cut[tp] < offset for tp, offset in self._due.items())
        cut = {tp: offset for tp, offset in cut.items() if offset > committed.get(tp, -1)}
        for portion in list(self._pending.portions(cut, MAX_BATCH)):
            others = [Outgoing(change.subject, change.body, change.headers) for change in portion.changes.values()]
            try:
                last = await self._consumer.offsets.store(portion.offsets, others, generation)
            except Fenced as exc:
                self._consumer.on_fenced(set(offsets), exc)
                return False
            self._covered(portion.covered, last)
        for tp, offset in list(self._due.items()):
            if committed.get(tp, -1) >= offset:
                del self._due[tp]
        self._forget_counts(cut)
        return True

    @property
    def _producer(self) -> Producer:
        return cast(Producer, self.producer)

    @property
    def _consumer(self) -> Any:
        return self.consumer

    def _covered(self, covered: list[Change], last: int) -> None:
        self._pending.remove(covered)
        for change in covered:
            if change.future is not None and not change.future.done():
                change.future.set_result(RecordMetadata(change.target.topic, change.target.partition, change.target, last - 1))

    def _add(self, subject: str, body: bytes, headers: dict[str, str], target: TP, fut: FutureMessage | None) -> None:
        if self._producer.publisher is not None:
            self._producer.publisher.check_size(subject, body)
        event = on_behalf_of.get() or current_event()
        if event is None:
            self._pending.add(Change(None, -1, subject, body, headers, target, fut))
            return
        if event.message.generation_id != self.app.consumer_generation_id:
            logger.info("%s offset %s was processed for an older assignment: its change is dropped", event.message.tp, event.message.offset)
            if fut is not None:
                fut.cancel()
            return
        self._pending.add(Change(event.message.tp, event.message.offset, subject, body, headers, target, fut))

    def _send_with_commit(
        self, place: StateTopic, key: bytes | None, value: bytes | None, partition: int | None, timestamp: float | None, headers: HeadersArg | None
    ) -> Awaitable[RecordMetadata]:
        """The offset is not known before the commit, and waiting for it inside the agent would wait for ever: the future is done at once, offset -1."""
        publisher = self._producer.publisher
        if publisher is None:
            raise RuntimeError("send() before the producer was started")
        tp = TP(place.topic, self._producer.partition_for(key, place.partitions) if partition is None else partition)
        raw = codec.encode(key, value, timestamp, headers)
        if cast(Any, self.transport).settings.trace:
            inject(raw)
        self._add(place.unique_subject(tp.partition, publisher.once()), value or b"", raw, tp, None)
        done: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        done.set_result(RecordMetadata(tp.topic, tp.partition, tp, -1))
        return done

    def _replayable_id(self, event: EventT[Any], topic: str, key: bytes | None) -> str:
        """The same for a replay of the event, whatever other agents and keys do in between."""
        message = event.message
        agent = current_agent()
        what = hashlib.blake2b(f"{agent.name if agent else ''}\0{topic}\0".encode() + (key or b""), digest_size=8).hexdigest()
        counted = (message.tp, message.offset, what)
        self._sent[counted] += 1
        return f"{self.app.conf.id}:{message.topic}:{message.partition}:{message.offset}:{what}:{self._sent[counted]}"

    def _forget_counts(self, cut: Cut) -> None:
        self._sent = Counter({counted: n for counted, n in self._sent.items() if counted[1] >= cut.get(counted[0], 0)})
