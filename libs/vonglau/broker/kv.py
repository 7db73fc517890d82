"""Key-value buckets with compare-and-set and watching. nats-py's own reads stumble over expired keys, so this reads the stream itself."""
from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import NamedTuple

from nats.errors import Error
from nats.errors import TimeoutError as NatsTimeoutError
from nats.js.api import ConsumerConfig, DeliverPolicy, RawStreamMsg
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NotFoundError

from vonglau.broker.bounds import check_size
from vonglau.broker.codes import EXPECTED, LOST_RACE
from vonglau.broker.connection import Broker
from vonglau.errors import LostRace, Unavailable

OPERATION, MARKER = "KV-Operation", "Nats-Marker-Reason"
HEARTBEAT_S = 2.0


class Entry(NamedTuple):
    """A key's newest message. A deleted or expired key has no value, but a revision: the next write must expect it."""

    key: str
    value: bytes | None
    revision: int


class KeyValue:
    """One bucket. Whatever reads or writes raises Unavailable while the log is away; whether a write without answer was stored is open.

    A value that no message holds is refused: Invalid (MESSAGE_TOO_LARGE).
    """

    def __init__(self, broker: Broker, bucket: str) -> None:
        self._broker = broker
        self._stream = f"KV_{bucket}"
        self._prefix = f"$KV.{bucket}."

    async def get(self, key: str) -> Entry | None:
        """The key as its stream's leader knows it; None: it never was."""
        self._must_be_connected()
        try:
            message = await self._broker.js.get_last_msg(self._stream, self._prefix + key)
        except NotFoundError:
            return None
        except (NatsTimeoutError, Error) as error:
            raise away(error) from error
        return Entry(key, value_of(message), int(message.seq or 0))

    async def put(self, key: str, value: bytes, *, ttl_s: int = 0) -> int:
        """Whatever stood there; the new revision. ttl_s: as of `update`."""
        return await self._write(key, value, expiring(ttl_s))

    async def update(self, key: str, value: bytes, revision: int, *, ttl_s: int = 0) -> int:
        """Only if the key's revision is this one (0: it never was); the new revision. ttl_s: the key expires after so long; 0: never.

        Raises: LostRace.
        """
        return await self._write(key, value, {EXPECTED: str(revision), **expiring(ttl_s)})

    async def delete(self, key: str, revision: int | None = None) -> int:
        """Leave a marker. Raises: LostRace."""
        expected = {} if revision is None else {EXPECTED: str(revision)}
        return await self._write(key, b"", {OPERATION: "DEL", **expected})

    async def purge(self, key: str) -> int:
        """Leave a marker, and nothing of what stood there before."""
        return await self._write(key, b"", {OPERATION: "PURGE", "Nats-Rollup": "sub"})

    async def watch(self, pattern: str = ">") -> AsyncGenerator[Entry | None, None]:
        """Present entries, then every change, for ever; None whenever nothing newer is waiting (at once for an empty bucket).

        After a lost connection or consumer it begins anew, so a value may come again; values only ever get newer.
        """
        while True:
            connection = self._broker.connections
            try:
                async for entry in self._watch_once(pattern, connection):
                    yield entry
            except (NatsTimeoutError, APIError, Error):
                await asyncio.sleep(HEARTBEAT_S / 4)

    async def _watch_once(self, pattern: str, connection: int) -> AsyncGenerator[Entry | None, None]:
        """Until the connection is made anew."""
        config = ConsumerConfig(deliver_policy=DeliverPolicy.LAST_PER_SUBJECT)
        subscription = await self._broker.js.subscribe(
            self._prefix + pattern, stream=self._stream, ordered_consumer=True, config=config, idle_heartbeat=HEARTBEAT_S
        )
        try:
            if not await waiting(subscription):
                yield None
            while self._broker.connections == connection:
                try:
                    message = await subscription.next_msg(HEARTBEAT_S)
                except NatsTimeoutError:
                    continue
                metadata = message.metadata
                value = None if is_gone(message.headers or {}) else message.data
                yield Entry(message.subject.removeprefix(self._prefix), value, metadata.sequence.stream)
                if metadata.num_pending == 0:
                    yield None
        finally:
            if self._broker.is_connected:
                with contextlib.suppress(NatsTimeoutError, Error):  # it must not take the place of a cancellation
                    await subscription.unsubscribe()

    async def _write(self, key: str, value: bytes, headers: Mapping[str, str]) -> int:
        check_size(headers, value)
        self._must_be_connected()
        try:
            acknowledged = await self._broker.js.publish(self._prefix + key, value, stream=self._stream, headers=dict(headers))
        except APIError as error:
            if error.err_code in LOST_RACE:
                raise LostRace from error
            raise away(error) from error
        except (NatsTimeoutError, Error) as error:
            raise away(error) from error
        return int(acknowledged.seq)

    def _must_be_connected(self) -> None:
        """Nobody waits for an answer that can't come, and nothing is sent later that was refused now."""
        if not self._broker.is_connected:
            raise Unavailable("LOG_UNAVAILABLE", "the event log is away")


async def waiting(subscription: JetStreamContext.PushSubscription) -> int:
    """How many present values the consumer still has to deliver."""
    info = await subscription.consumer_info()
    return int(info.num_pending or 0) + int(info.delivered.consumer_seq if info.delivered else 0)


def expiring(ttl_s: int) -> dict[str, str]:
    return {"Nats-TTL": f"{ttl_s}s"} if ttl_s else {}


def value_of(message: RawStreamMsg) -> bytes | None:
    return None if is_gone(message.headers or {}) else message.data or b""


def is_gone(headers: Mapping[str, str]) -> bool:
    return headers.get(OPERATION) in ("DEL", "PURGE") or MARKER in headers


def away(error: Exception) -> Unavailable:
    return Unavailable("LOG_UNAVAILABLE", f"the event log does not answer: {type(error).__name__}")
