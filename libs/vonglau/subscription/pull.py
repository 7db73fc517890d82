"""Pulling from a JetStream consumer: one request is always open, so that the next batch arrives while the last one is being written."""
from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import orjson
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error

from vonglau.errors import Unavailable
from vonglau.eventlog.event import Recorded
from vonglau.subscription.source import Delivered, Interrupted
from vonglau.telemetry import count
from vonglau.telemetry.names import PROJECTION, REDELIVERIES, STREAM

HEARTBEAT_S = 1.5  # the server's sign of life while nothing comes
SILENCE_S = 5.0  # without one, the consumer is taken for lost
EXPIRES_S = 30.0  # of one request
HEARTBEAT, REQUEST_OVER = "100", ("404", "408")
NOT_FATAL = ("Exceeded MaxAckPending", "Batch Completed", "Message Size Exceeds MaxBytes", "Leadership Change", "Server Shutdown")


class JetStreamReading:
    """The port `Reading`."""

    def __init__(self, nc: Client, log: str, consumer: str, *, after: int, delivered: int, pending: int) -> None:
        """delivered: what the consumer has counted so far."""
        self._nc = nc
        self._log = log
        self._consumer = consumer
        self._next_request = f"$JS.API.CONSUMER.MSG.NEXT.{log}.{consumer}"
        self._inbox = nc.new_inbox()
        self._arrived: deque[Msg] = deque()
        self._news = asyncio.Event()
        self._open = 0  # messages that the server may still send for the open request
        self._lost = ""  # why it has to be opened again
        self._sequence = after
        self._delivered = delivered
        self._pending = pending
        self._last: Msg | None = None
        self._heard = asyncio.get_running_loop().time()
        self._connection = nc.stats["reconnects"]  # an open request does not outlive its connection
        self._subscription: Any = None

    async def start(self) -> None:
        self._subscription = await self._nc.subscribe(self._inbox, cb=self._take)

    async def close(self) -> None:
        if self._subscription is not None and not self._nc.is_closed:
            try:
                await self._subscription.unsubscribe()
            except Error:
                return  # the connection is on its way out and takes the subscription with it

    async def done(self) -> None:
        if self._last is not None:
            await self._publish(self._last.reply, b"+ACK")

    async def fetch(self, limit: int, wait: float) -> Delivered:
        end = asyncio.get_running_loop().time() + wait
        while not self._arrived:
            left = end - asyncio.get_running_loop().time()
            if left <= 0:
                return Delivered([], 0)
            self._news.clear()  # before anything is awaited: what comes during it is news
            await self._keep_asking(limit)
            try:
                await asyncio.wait_for(self._news.wait(), min(left, HEARTBEAT_S))
            except TimeoutError:
                continue
        events = [self._checked(self._arrived.popleft()) for _ in range(min(limit, len(self._arrived)))]
        await self._keep_asking(limit)
        return Delivered([event for event in events if event is not None], self._pending)

    async def _keep_asking(self, limit: int) -> None:
        now = asyncio.get_running_loop().time()
        if self._open > 0 and now - self._heard > SILENCE_S:  # without an open request the server has nothing to say
            self._lost = self._lost or "no sign of life from the consumer"
        if self._nc.stats["reconnects"] != self._connection:
            self._lost = self._lost or "the connection was made anew"
        if self._lost:
            raise Interrupted(self._lost)
        if self._open <= 0 and len(self._arrived) < limit:
            self._open, self._heard = limit, now
            request = {"batch": limit, "expires": int(EXPIRES_S * 1e9), "idle_heartbeat": int(HEARTBEAT_S * 1e9)}
            await self._publish(self._next_request, orjson.dumps(request), self._inbox)

    async def _publish(self, subject: str, body: bytes, reply: str = "") -> None:
        try:
            await self._nc.publish(subject, body, reply=reply)
        except Error as error:
            raise Unavailable("LOG_UNAVAILABLE", f"the event log is away: {error or type(error).__name__}", log=self._log) from error

    async def _take(self, message: Msg) -> None:
        self._heard = asyncio.get_running_loop().time()
        status = message.headers.get("Status") if message.headers and not message.reply.startswith("$JS.ACK") else None
        if status is None:
            self._arrived.append(message)
            self._open -= 1
        elif status != HEARTBEAT:
            self._end_request(status, (message.headers or {}).get("Description", ""))
        self._news.set()

    def _end_request(self, status: str, why: str) -> None:
        self._open = 0
        if status not in REQUEST_OVER and not why.startswith(NOT_FATAL):
            self._lost = f"{status} {why}"

    def _checked(self, message: Msg) -> Recorded | None:
        """The event; None where it is here already (a redelivery).

        Raises: Interrupted, when deliveries before it are missing.
        """
        metadata = message.metadata
        if metadata.sequence.consumer != self._delivered + 1:
            raise Interrupted(f"deliveries {self._delivered + 1} to {metadata.sequence.consumer - 1} went elsewhere")
        self._delivered += 1
        self._pending, self._last = metadata.num_pending, message
        if metadata.sequence.stream <= self._sequence:
            count(REDELIVERIES, 1, {PROJECTION: self._consumer, STREAM: self._log})
            return None
        self._sequence = metadata.sequence.stream
        return Recorded(self._log, self._sequence, message.subject, message.headers or {}, message.data)
