"""Finishing and committing: what is in work is waited for, what is finished is committed, fenced."""

import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

from faust.exceptions import DecodeError, FaustError
from faust.transport.consumer import Consumer as _Consumer
from faust.transport.consumer import ensure_TP
from faust.types import TP, Message
from mode import get_logger
from nats.errors import Error as NatsError

from .admin import Topics
from .connection import TRY_AGAIN
from .delivery import Deliveries
from .group import Group
from .offsets import Fenced, Offsets, Superseded
from .places import StateTopic

logger = get_logger(__name__)


class Finishing(_Consumer):
    """The half of the consumer that stands behind the streams."""

    offsets: Offsets

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.deliveries = Deliveries()
        self._group: Group | None = None
        self._fenced = False                            # some of our partitions are another worker's; until the next assignment
        self._committing = 0                            # the generation whose offsets a commit under way stores
        self._left_behind = False                       # the grace period ended with events in work
        self._queued: Counter[Message] = Counter()      # cleared from queues unfinished, times they lay there

    @property
    def _transport(self) -> Any:
        return self.transport

    @property
    def topics(self) -> Topics:
        return cast(Topics, self._transport.topics)

    def on_fenced(self, tps: set[TP], cause: Fenced) -> None:
        """Another worker owns some of these: nothing was stored, and the events are processed again where they belong.

        Outside of a rebalance the plan still calls them ours, so a new generation must settle it; once per assignment is enough.
        """
        if isinstance(cause, Superseded):
            logger.info("commit of %s is dropped: %s", sorted(tps), cause)
            return
        logger.warning("commit of %s refused, another worker owns a partition: %s", sorted(tps), cause)
        self._transport.meters.record("fenced", 1)
        first, self._fenced = not self._fenced, True
        if first and self._group is not None and not self.app.rebalancing:
            self.add_future(self._group.ask_for_a_new_generation())

    def ack(self, message: Message) -> bool:
        """Finish a message. Faust finishes one that it cannot decode while it handles the error, and does not say which one it was."""
        failure = sys.exception()
        if isinstance(failure, DecodeError):
            stream = self.topics.places[message.topic].stream(message.partition)
            logger.error(
                "%s: message %s of stream %s cannot be decoded and is passed over: %s; look at it (nats stream get %s %s), and give the topic the "
                "key_type, value_type and serializers that its publishers use",
                message.tp, message.offset + 1, stream, failure, stream, message.offset + 1,
            )
        return bool(super().ack(message))

    def stop_flow(self) -> None:
        """Note which messages still sit in queues: they are about to be cleared, and nobody will ever finish them."""
        super().stop_flow()
        seen = set()
        for channel in list(self.app.topics):
            queue = getattr(channel, "_queue", None)
            if queue is None or id(queue) in seen:
                continue
            seen.add(id(queue))
            for event in list(queue._queue):  # noqa: SLF001
                message = getattr(event, "message", None)
                if message is not None:
                    self._queued[message] += 1

    def _busy(self) -> list[Message]:
        """Messages that some stream works on, not merely queued ones."""
        return [message for message in list(self._unacked_messages) if not message.acked and message.refcount > self._queued.get(message, 0)]

    async def wait_empty(self) -> None:
        """Wait for what is in work, then commit it all.

        The base class also waits for messages that were cleared from a queue, which is for ever; and it takes a commit that is under way for this one.
        A stopping worker waits for the grace period only.
        """
        begun = told = time.monotonic()
        left_behind = False
        while busy := self._busy():
            waited = time.monotonic() - begun
            if self.app.should_stop and waited > self._transport.settings.grace:
                logger.warning("stopping with %s events in work: they are processed again by the next owner", len(busy))
                left_behind = True
                break
            if time.monotonic() - told > 10.0:
                told = time.monotonic()
                logger.warning("waiting for %s events in work since %.0f s: %s", len(busy), waited, busy[:3])
            del busy
            await self._wait_for_ack(timeout=1)
        for message in list(self._unacked_messages):
            self._unacked_messages.discard(message)
        try:
            while await self.maybe_wait_for_commit_to_finish():     # it began before the last events were done, and stands in for no other
                continue
            await self.commit_and_end_transactions()
        except (FaustError, NatsError) as exc:
            if not self.app.should_stop:
                raise
            logger.error("the last commit failed, its events are processed again by the next owner: %r", exc)
        self._left_behind |= left_behind        # their agents are cancelled next, which Faust takes for done

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        begun = time.monotonic()
        done = await super().force_commit(topics, start_new_transaction)
        if done:
            guarantee = "exactly_once" if self.in_transaction else "at_least_once"
            self._transport.meters.record("commit", time.monotonic() - begun, guarantee=guarantee)
        return bool(done)

    def _new_offset(self, tp: TP) -> int | None:
        finished = self._acked_index[tp]
        offset = self.deliveries.advance(tp, finished)
        self._acked[tp] = list(finished)
        return offset

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Offsets that do not exist need no bookkeeping: commits follow the order of delivery."""

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        found = super()._filter_committable_offsets(tps)
        return {**cast(Any, self.transactions).due, **found} if self.in_transaction else found

    async def _commit_tps(self, tps: Iterable[TP], start_new_transaction: bool) -> bool:
        if self._fenced or self._left_behind:
            return False
        done = await super()._commit_tps(tps, start_new_transaction)
        if not done and self.in_transaction and cast(Any, self.transactions).has_loose_changes:
            return bool(await self.transactions.commit({}))
        return done

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        if self._fenced:
            return False            # found out while table changes were written: some of them are dropped
        wanted = {ensure_TP(tp): offset for tp, offset in offsets.items()}
        try:
            await self.offsets.store(wanted, (), self._committing)
        except Fenced as exc:
            self.on_fenced(set(wanted), exc)
            return False
        return True

    async def _commit_offsets(self, offsets: Mapping[TP, int], start_new_transaction: bool = True) -> bool:
        self._committing = self.offsets.generation if self._group else 0
        done = await super()._commit_offsets(offsets, start_new_transaction)
        if done:
            await self._drop_consumed(offsets)
        return done

    async def _drop_consumed(self, offsets: Mapping[TP, int]) -> None:
        for tp in offsets:
            place = self.topics.places.get(tp.topic)
            if isinstance(place, StateTopic) and not place.compacting:
                try:
                    await self.topics.forget_before(tp, self.offsets.committed[tp])
                except (*TRY_AGAIN, NatsError) as exc:
                    logger.info("%s is tidied up after a later commit: %r", tp, exc)

    async def _settle(self) -> None:
        """Several agents change the same keys at different speeds: let them all finish, so that a commit finds a consistent cut."""
        give_up = time.monotonic() + self.commit_interval
        while self._busy() and time.monotonic() < give_up:  # noqa: ASYNC110  finishing a message sets no event
            await asyncio.sleep(0.005)
        await self.commit()
